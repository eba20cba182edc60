/* The lint: nothing unexplained in data/chips, and each check finds what it is for. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/hw/chip_text.h"

/* Findings without explanation fail; the disputes of the sheet's README are all recorded, and one more. */
static void lint(void **state) {
    (void)state;
    static const char *const topics[] = {
        "b200-memory",    "blackwell-ultra-int8", "gaudi3-peak",  "h100-clock",  "mi355x-peaks",
        "mtia-v2-memory", "rtx-pro-6000-memory",  "rubin-memory", "tpu-v3-peak", "tpu-v4-ici"};
    rg_chip_lint l;
    rg_error err = {0};
    if (rg_chip_lint_all(&l, DATA, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    assert_true(l.n_chips >= 34);
    for (size_t i = 0; i < l.n_findings; i++)
        if (!l.finding[i].explained)
            fail_msg("%s %s: %s", l.finding[i].chip, l.finding[i].path, l.finding[i].message);
    assert_int_equal(l.n_topics, sizeof topics / sizeof *topics);
    for (size_t i = 0; i < l.n_topics; i++) assert_string_equal(l.topic[i], topics[i]);
    rg_chip_lint_close(&l);
}

/* Each check finds what it is for. */
static void lint_finds(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *check;
    } cases[] = {
        {"peaks: dense",
         "peaks: dense\nderived: [{rate: bf16, units: 10, per_cycle: 100, clock: 1 GHz, note: n}]",
         "derived"},
        {"rates:\n", "rates:\n  fp8: {value: 300 TFLOP/s, source: a}\n", "ratio"},
        {"rates:\n", "onchip:\n  bandwidth: {value: 1 GB/s, source: a}\nrates:\n", "physics"},
        {"rates:\n", "measured:\n  bf16: {value: 101 TFLOP/s, source: a}\nrates:\n", "physics"},
        {"peaks: dense", "peaks: sparse", "sparse"},
        {"peaks: dense", "peaks: dense\naliases: [twin]", "alias"},
        {"runs_as: bf16", "runs_as: fp16", "paths"},
        {"peaks: dense",
         "peaks: dense\nconflicts: [{topic: t, number: rates.bf16, why: w, values: [{value: 1 TFLOP/s, "
         "source: a}, "
         "{value: 2 TFLOP/s, source: a}]}]",
         "conflict"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_error err = {0};
        assert_int_equal(rg_dir_make("lint-test/chips", &err), RG_OK);
        char *text = replaced(cases[i].from, cases[i].to);
        char *twin = replaced("id: test", "id: twin");
        assert_int_equal(rg_file_write("lint-test/chips/test.yaml", text, strlen(text), &err), RG_OK);
        assert_int_equal(rg_file_write("lint-test/chips/twin.yaml", twin, strlen(twin), &err), RG_OK);
        rg_chip_lint l;
        if (rg_chip_lint_all(&l, "lint-test", &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
        bool found = false;
        for (size_t k = 0; k < l.n_findings; k++)
            found = found || (strcmp(l.finding[k].check, cases[i].check) == 0 && !l.finding[k].explained &&
                              !strstr(l.finding[k].message, "is missing"));
        if (!found) fail_msg("%s is not found", cases[i].check);
        rg_chip_lint_close(&l);
        free(text);
        free(twin);
    }
    const char *const argv[] = {"rm", "-r", "lint-test", NULL};
    assert_int_equal(rg_run(argv, NULL, 10, NULL, NULL), RG_OK);
}

/* Peaks that clock x units give, as published: users.md T15. */
static void peaks(void **state) {
    (void)state;
    static const struct {
        const char *chip;
        double tflop;
    } cases[] = {{"a100", 311.9},   {"h100", 989.4},    {"mi300x", 1307.4},
                 {"mi250x", 383.0}, {"mi355x", 2516.6}, {"gaudi2", 432.5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_chip c;
        rg_error err = {0};
        assert_int_equal(rg_chip_open(&c, cases[i].chip, DATA, &err), RG_OK);
        assert_true(c.n_derived == 1);
        const double got = c.derived[0].units * c.derived[0].per_cycle * c.derived[0].clock_hz / 1e12;
        if (fabs(got / cases[i].tflop - 1) > 5e-4)
            fail_msg("%s: %g, not %g", cases[i].chip, got, cases[i].tflop);
        rg_chip_close(&c);
    }
}

/* The text of a chip file with the value of one number replaced; the caller frees it. */
static char *with_value(const char *text, const char *path, const char *value) {
    char section[64], key[96];
    const char *dot = strchr(path, '.');
    snprintf(section, sizeof section, "\n%.*s:", (int)(dot - path), path);
    snprintf(key, sizeof key, "\n  %s: {value: ", dot + 1);
    const char *at = strstr(text, section);
    at = at ? strstr(at, key) : NULL;
    if (!at) fail_msg("no %s", path);
    at += strlen(key);
    char *out = malloc(strlen(text) + strlen(value) + 1);
    sprintf(out, "%.*s%s%s", (int)(at - text), text, value, strchr(at, ','));
    return out;
}

static size_t unexplained(const char *dir) {
    rg_chip_lint l;
    rg_error err = {0};
    if (rg_chip_lint_all(&l, dir, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    size_t n = 0;
    for (size_t i = 0; i < l.n_findings; i++) n += !l.finding[i].explained;
    rg_chip_lint_close(&l);
    return n;
}

/* Where arithmetic can tell which of two published values is wrong, the lint does when it stands in a file.
   No arithmetic tells 7.7 from 8 TB/s, 180 from 192 GB, 13 from 22 TB/s, or 153 from 165 TOP/s. */
static void disputes(void **state) {
    (void)state;
    static const char *const told[] = {"h100-clock", "mi355x-peaks",         "gaudi3-peak",   "tpu-v3-peak",
                                       "tpu-v4-ici", "blackwell-ultra-int8", "mtia-v2-memory"};
    size_t found[sizeof told / sizeof *told] = {0};
    rg_chip_lint l;
    rg_error err = {0};
    const char *const copy[] = {
        "sh", "-c",
        "rm -rf swap-test && mkdir swap-test && for d in chips links systems technology; do cp -r " DATA
        "/$d swap-test; done",
        NULL};
    assert_int_equal(rg_run(copy, NULL, 10, NULL, NULL), RG_OK);
    assert_int_equal(unexplained("swap-test"), 0);
    assert_int_equal(rg_chip_lint_all(&l, DATA, &err), RG_OK);
    for (size_t i = 0; i < l.n_chips; i++)
        for (size_t k = 0; k < l.chip[i].n_conflicts; k++) {
            const rg_chip_conflict *x = &l.chip[i].conflict[k];
            char path[256], *text;
            size_t size;
            snprintf(path, sizeof path, "swap-test/chips/%s.yaml", l.chip[i].id);
            assert_int_equal(rg_file_read(path, 1 << 20, &text, &size, &err), RG_OK);
            for (size_t v = 0; v < x->n; v++) {
                char *swapped = with_value(text, x->path, x->claim[v].text);
                assert_int_equal(rg_file_write(path, swapped, strlen(swapped), &err), RG_OK);
                for (size_t t = 0; t < sizeof told / sizeof *told; t++)
                    if (strcmp(told[t], x->topic) == 0) found[t] += unexplained("swap-test") > 0;
                free(swapped);
            }
            assert_int_equal(rg_file_write(path, text, size, &err), RG_OK);
            free(text);
        }
    for (size_t t = 0; t < sizeof told / sizeof *told; t++)
        if (!found[t]) fail_msg("%s: neither value is found out", told[t]);
    rg_chip_lint_close(&l);
    const char *const away[] = {"rm", "-r", "swap-test", NULL};
    assert_int_equal(rg_run(away, NULL, 10, NULL, NULL), RG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lint), cmocka_unit_test(lint_finds),
                                       cmocka_unit_test(peaks), cmocka_unit_test(disputes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
