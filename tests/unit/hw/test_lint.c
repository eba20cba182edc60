/* The lint: nothing unexplained in data/chips, and each check finds what it is for. */
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(lint), cmocka_unit_test(lint_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
