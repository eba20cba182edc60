/* Dumps of two runs: where they part, and what is no dump. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "model/dump.h"

#define A64  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B64  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define HEAD "{\"ridge_dump\": 1, \"policy\": \"w=int8\", \"tokens\": 64, \"nodes\": ["
#define NODE(name, sha, amax, rms)                                                                           \
    "{\"name\": \"" name                                                                                     \
    "\", \"op\": \"linear\", \"layer\": 3, \"rows\": 64, \"width\": 8, \"sha256\": " sha ", \"amax\": " amax \
    ", \"mean\": 0.01, \"rms\": " rms "}"

static char path_a[] = "dump-a-XXXXXX", path_b[] = "dump-b-XXXXXX";

static void put(const char *path, const void *data, size_t size) {
    rg_error err = {0};
    if (rg_file_write(path, data, size, &err) != RG_OK) fail_msg("%s", err.message);
}

static rg_status both(const char *a, const char *b, double tolerance, rg_dump_report *out, rg_error *err) {
    put(path_a, a, strlen(a));
    put(path_b, b, strlen(b));
    return rg_dump_compare(path_a, path_b, tolerance, out, err);
}

static rg_dump_report compared(const char *a, const char *b, double tolerance) {
    rg_dump_report report;
    rg_error err = {0};
    if (both(a, b, tolerance, &report, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    return report;
}

static void the_first_difference_is_found(void **state) {
    (void)state;
    static const char a[] = HEAD NODE("x", "\"" A64 "\"", "2", "1") "," NODE(
        "y", "\"" A64 "\"", "4", "1") "," NODE("z", "\"" A64 "\"", "2", "1") "]}";
    static const char b[] =
        HEAD NODE("z", "\"" B64 "\"", "2", "1.5") "," NODE("x", "\"" A64 "\"", "2", "1") "," NODE(
            "y", "\"" B64 "\"", "5", "1.02") "," NODE("new", "null", "2", "1") "]}";
    rg_dump_report r = compared(a, b, 0);
    assert_int_equal(r.n_nodes, 3);
    assert_int_equal(r.n_equal, 1);
    assert_int_equal(r.n, 3);
    const rg_dump_difference *d = r.difference;
    assert_string_equal(d->name, "y"); /* in the order of the first file */
    assert_string_equal(d->op, "linear");
    assert_int_equal(d->layer, 3);
    assert_int_equal(d->kind, RG_DUMP_VALUES);
    assert_true(d->amax_a == 4 && d->amax_b == 5 && fabs(d->amax_difference - 0.2) < 1e-12);
    assert_true(fabs(d->rms_difference - 0.02 / 1.02) < 1e-12);
    assert_true(isnan(d->sqnr_db));
    assert_string_equal(r.difference[1].name, "z");
    assert_string_equal(r.difference[2].name, "new");
    assert_int_equal(r.difference[2].kind, RG_DUMP_ADDED);
    rg_dump_report_free(&r);
    r = compared(a, b, 0.25); /* y is within 25 % */
    assert_int_equal(r.n_equal, 2);
    assert_string_equal(r.difference[0].name, "z");
    rg_dump_report_free(&r);
    r = compared(a, a, 0);
    assert_int_equal(r.n_equal, 3);
    assert_int_equal(r.n, 0);
    rg_dump_report_free(&r);
}

/* Equal statistics do not excuse other digests; without digests they decide. */
static void digests_come_before_statistics(void **state) {
    (void)state;
    rg_dump_report r = compared(HEAD NODE("x", "\"" A64 "\"", "2", "1") "]}",
                                HEAD NODE("x", "\"" B64 "\"", "2", "1") "]}", 0);
    assert_int_equal(r.n, 1);
    rg_dump_report_free(&r);
    r = compared(HEAD NODE("x", "\"" A64 "\"", "2", "1") "]}", HEAD NODE("x", "null", "2", "1") "]}", 0);
    assert_int_equal(r.n, 0);
    rg_dump_report_free(&r);
    r = compared(HEAD NODE("x", "null", "2", "1") "]}", HEAD NODE("x", "null", "2", "1.001") "]}", 0);
    assert_int_equal(r.n, 1);
    rg_dump_report_free(&r);
    r = compared(HEAD NODE("x", "null", "2", "1") "]}", HEAD NODE("x", "null", "null", "1.001") "]}", 0.01);
    assert_int_equal(r.n, 0);
    rg_dump_report_free(&r);
}

static void runs_and_shapes(void **state) {
    (void)state;
    rg_dump_report r = compared("{\"ridge_dump\": 1, \"policy\": \"w=int8\", \"tokens\": 64, \"nodes\": "
                                "[{\"name\": \"model.layers.12.x\", \"width\": 8, \"rms\": 1}]}",
                                "{\"ridge_dump\": 1, \"policy\": \"w=int4\", \"tokens\": 65, \"nodes\": "
                                "[{\"name\": \"model.layers.12.x\", \"width\": 9, \"rms\": 1}]}",
                                0.5);
    assert_int_equal(r.n_headers, 2);
    assert_string_equal(r.header[0].key, "policy");
    assert_string_equal(r.header[1].a, "64");
    assert_string_equal(r.header[1].b, "65");
    assert_int_equal(r.difference[0].kind, RG_DUMP_SHAPE);
    assert_int_equal(r.difference[0].layer, 12); /* of the name */
    rg_dump_report_free(&r);
    assert_int_equal(dump_layer_of("7.x"), 7);
    assert_int_equal(dump_layer_of("a.b"), -1);
    assert_int_equal(dump_layer_of("a.12b.x"), -1);
    assert_int_equal(dump_layer_of("blk.3"), 3);
}

static void refused(const char *text, const char *message) {
    rg_dump_report report = {.n = 77};
    rg_error err = {0};
    assert_int_equal(both(HEAD NODE("x", "null", "2", "1") "]}", text, 0, &report, &err), RG_ERR_PARSE);
    if (!strstr(err.message, message) || !strstr(err.where, path_b))
        fail_msg("%s: %s", err.where, err.message);
    assert_int_equal(report.n, 77);
}

static void what_is_no_dump_is_named(void **state) {
    (void)state;
    refused("{\"ridge_dump\": 1", "not JSON");
    refused("{\"nodes\": []}", "no dump of version 1");
    refused("{\"ridge_dump\": 2, \"nodes\": [{\"name\": \"x\", \"rms\": 1}]}", "no dump of version 1");
    refused(HEAD "{\"op\": \"linear\", \"rms\": 1}]}", "\"name\"");
    refused(HEAD "{\"name\": \"x\"}]}", "nothing to compare");
    refused(HEAD "{\"name\": \"x\", \"rms\": \"1\"}]}", "\"rms\" is no number");
    refused(HEAD "{\"name\": \"x\", \"sha256\": \"abc\"}]}", "no digest");
    refused(HEAD "{\"name\": \"x\", \"rms\": 1}, {\"name\": \"x\", \"rms\": 1}]}", "stands twice");
    rg_dump_report report;
    rg_error err = {0};
    put(path_a, HEAD NODE("x", "null", "2", "1") "]}", strlen(HEAD NODE("x", "null", "2", "1") "]}"));
    put(path_b, "\x93NUMPY", 6);
    assert_int_equal(rg_dump_compare(path_a, path_b, 0, &report, &err), RG_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "a file of activations beside a dump"));
    assert_int_equal(rg_dump_compare("no-such-file", path_b, 0, &report, &err), RG_ERR_IO);
}

/* A safetensors file of two fp32 tensors of 4 elements. */
static void put_activations(const char *path, const char *second, const float *values) {
    char text[512];
    const int n = snprintf(text + 8, 256,
                           "{\"model.layers.0.x\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                           "\"%s\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[16,32]}}",
                           second);
    const uint64_t size = (uint64_t)n;
    memcpy(text, &size, 8);
    memcpy(text + 8 + n, values, 32);
    put(path, text, 8 + (size_t)n + 32);
}

static void activations_are_compared_element_by_element(void **state) {
    (void)state;
    const float a[8] = {1, -2, 3, 4, 1, 1, 1, 1}, b[8] = {1, -2, 3, 4, 1, 1, 1.5f, 1};
    rg_dump_report r;
    rg_error err = {0};
    put_activations(path_a, "model.layers.1.x", a);
    put_activations(path_b, "model.layers.1.x", b);
    assert_int_equal(rg_dump_compare(path_a, path_b, 0, &r, &err), RG_OK);
    assert_int_equal(r.n_equal, 1);
    assert_int_equal(r.n, 1);
    assert_string_equal(r.difference[0].name, "model.layers.1.x");
    assert_int_equal(r.difference[0].layer, 1);
    assert_true(fabs(r.difference[0].relative_error - 0.25) < 1e-12);
    assert_true(fabs(r.difference[0].sqnr_db - 10 * log10(16)) < 1e-9);
    assert_true(r.difference[0].amax_b == 1.5 && r.difference[0].rms_a == 1);
    rg_dump_report_free(&r);
    assert_int_equal(rg_dump_compare(path_a, path_b, 0.25, &r, &err), RG_OK);
    assert_int_equal(r.n, 0);
    rg_dump_report_free(&r);
    put_activations(path_b, "other", b);
    assert_int_equal(rg_dump_compare(path_a, path_b, 0, &r, &err), RG_OK);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.difference[0].kind, RG_DUMP_MISSING);
    assert_int_equal(r.difference[1].kind, RG_DUMP_ADDED);
    rg_dump_report_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_difference_is_found),
        cmocka_unit_test(digests_come_before_statistics),
        cmocka_unit_test(runs_and_shapes),
        cmocka_unit_test(what_is_no_dump_is_named),
        cmocka_unit_test(activations_are_compared_element_by_element),
    };
    if (mkstemp(path_a) < 0 || mkstemp(path_b) < 0) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path_a);
    unlink(path_b);
    return failed;
}
