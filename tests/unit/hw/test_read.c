/* Chip files: what is refused, with its line; damaged texts; missing rates; files that break a folder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/hw/chip_text.h"

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"1 TB/s", "1 TB", "test.yaml:15"},
        {"1 TB/s", "1 TB", "is in byte, not in byte/s"},
        {"1 TB/s", "1", "is in count, not in byte/s"},
        {"1 TB/s", "fast", "no number with a unit"},
        {"1 TB/s", "0 TB/s", "more than 0"},
        {"{value: 1 TB/s, source: a}", "1 TB/s", "a number without its source"},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s}", "key \"source\" is missing"},
        {"{value: 1 TB/s, source: a}", "{source: a}", "key \"value\" is missing"},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s, source: b}", "unknown source \"b\""},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s, source: 'a,'}", "unknown source"},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s, source: a, sourc: a}",
         "test.yaml:15 (memory.bandwidth.sourc)"},
        {"  a: the sheet\n", "  a: the sheet\n  c: never\n", "source \"c\" is never used"},
        {"peaks: dense", "peaks: thick", "dense, or sparse"},
        {"peaks: dense", "peaks: dense\ncolour: red", "unknown key \"colour\""},
        {"peaks: dense", "peaks: dense\nsilicon: {operands: disk}", "registers or memory"},
        {"  bf16: {", "  bf17: {", "a chip has no \"rates.bf17\""},
        {"year: 2024", "year: 24", "year 24"},
        {"year: 2024", "year: late", "found \"late\""},
        {"name: Test\n", "", "key \"name\" is missing"},
        {"kind: native", "kind: magic", "native, dequantised or hypothetical"},
        {"kind: native", "kind: dequantised", "key \"conversion\" is missing"},
        {"runs_as: bf16", "runs_as: bf17", "a type of rates:"},
        {"weight: bf16", "weight: bf17", "\"bf17\" is no format"},
        {"'mx(e2m1,32,*'", "'mx(e2m1,32,* | e2m9'", "\"e2m9\" is no format"},
        {"  mx4: ", "  mx5: ", "\"mx4\" is no format"},
        {"weight: mx4", "weight: '*'", "unknown key \"mx4\""}, /* a set that nothing uses */
        {"peaks: dense", "peaks: dense\nconflicts: [{topic: t, number: rates.fp8, why: w, values: []}]",
         "\"rates.fp8\""},
        {"peaks: dense",
         "peaks: dense\nconflicts: [{topic: t, number: rates.bf16, why: w, values: [{value: 1 TFLOP/s, "
         "source: a}]}]",
         "two values or more"},
        {"peaks: dense", "peaks: dense\nderived: [{rate: fp8, units: 1, per_cycle: 1, clock: 1 Hz, note: n}]",
         "\"fp8\""},
        {"peaks: dense", "peaks: dense\nderived: [{rate: bf16, units: 1, per_cycle: 1, clock: 1, note: n}]",
         "not in Hz"},
        {"id: test", "id: [test]", "a string"},
        {sample, "- 1\n", "not a chip file"},
        {sample, "", "nothing in it"},
    };
    rg_chip chip;
    rg_error err = {0};
    if (rg_chip_parse(&chip, sample, strlen(sample), "test.yaml", &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    rg_chip_close(&chip);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replaced(cases[i].from, cases[i].to), all[1100];
        rg_error why = {0};
        rg_status status = rg_chip_parse(&chip, text, strlen(text), "test.yaml", &why);
        snprintf(all, sizeof all, "%s: %s; expected %s", why.where, why.message, why.expected);
        if (status != RG_ERR_PARSE || !strstr(all, cases[i].words))
            fail_msg("case %zu (%d), no %s in %s", i, status, cases[i].words, all);
        assert_ptr_equal(strstr(why.where, "test.yaml"), why.where);
        free(text);
    }
}

static void cuts_and_flips(void **state) {
    (void)state;
    char text[sizeof sample];
    rg_chip chip;
    for (size_t n = 0; n < sizeof sample - 1; n++)
        if (rg_chip_parse(&chip, sample, n, "test.yaml", NULL) == RG_OK) rg_chip_close(&chip);
    for (uint64_t i = 0; i < 4000; i++) {
        memcpy(text, sample, sizeof sample);
        text[rg_random_u32(3, 0, i) % (sizeof sample - 1)] =
            "{}[],:'\"*|-x9 \n\t#&!%@\x01\xff"[rg_random_u32(3, 1, i) % 24];
        if (rg_chip_parse(&chip, text, sizeof sample - 1, "test.yaml", NULL) == RG_OK) rg_chip_close(&chip);
    }
}

/* A file that cannot be read hides no other chip's alias, and is named when nothing else fits. */
static void broken_file(void **state) {
    (void)state;
    rg_chip chip;
    rg_error err = {0};
    assert_int_equal(rg_dir_make("hw-test/chips", &err), RG_OK);
    char *good = replaced("id: test\n", "id: zz\naliases: [other]\n");
    assert_int_equal(rg_file_write("hw-test/chips/zz.yaml", good, strlen(good), &err), RG_OK);
    assert_int_equal(rg_file_write("hw-test/chips/aa.yaml", "id: [a\n", 7, &err), RG_OK);
    assert_int_equal(rg_chip_open(&chip, "other", "hw-test", &err), RG_OK);
    rg_chip_close(&chip);
    assert_int_equal(rg_chip_open(&chip, "another", "hw-test", &err), RG_ERR_PARSE);
    assert_non_null(strstr(err.where, "hw-test/chips/aa.yaml"));
    assert_int_equal(rg_file_write("hw-test/chips/aa.yaml", good, strlen(good), &err), RG_OK);
    assert_int_equal(rg_chip_open(&chip, "aa", "hw-test", &err),
                     RG_ERR_PARSE); /* id is not the file's name */
    free(good);
    const char *const argv[] = {"rm", "-r", "hw-test", NULL};
    assert_int_equal(rg_run(argv, NULL, 10, NULL, NULL), RG_OK);
}

/* A path whose rate the file lacks is refused, and the rate named. */
static void missing_rate(void **state) {
    (void)state;
    rg_chip chip;
    rg_quant q;
    rg_chip_execution e;
    rg_error err = {0};
    double rate;
    assert_int_equal(rg_chip_parse(&chip, sample, strlen(sample), "test.yaml", &err), RG_OK);
    assert_int_equal(rg_quant_parse("mxfp4", &q, NULL), RG_OK);
    assert_int_equal(rg_chip_execute(&chip, &q, &q, &e, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "rates.fp4"));
    assert_int_equal(rg_quant_parse("int8", &q, NULL), RG_OK);
    assert_int_equal(rg_chip_execute(&chip, &q, &q, &e, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no path for int8 x int8"));
    assert_int_equal(rg_chip_rate_of(&chip, "fp8", &rate, &err), RG_ERR_UNSUPPORTED);
    assert_true(rg_chip_ridge_point(&chip, "bf16") == 100 && rg_chip_ridge_point(&chip, "fp8") == 0);
    rg_chip_close(&chip);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(refusals), cmocka_unit_test(cuts_and_flips),
                                       cmocka_unit_test(broken_file), cmocka_unit_test(missing_rate)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
