/* Constants of whole steps: read beside those of operators, the closest one counts, nonsense is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "perf/calibrate/calibrate.h"
#include "unit/graph/models.h"

#define HEAD   "phase: training\nconstants:\n"
#define COMMON "    unit: '1'\n    date: '2026-11-26'\n    data: 'a table'\n"

static rg_status parse(rg_calibrations *all, const char *text, rg_error *err) {
    return perf_calibrations_parse(all, text, strlen(text), "test", err);
}

static double value_of(const rg_calibrations *all, const char *chip, const char *group) {
    const perf_step_constant *c = perf_step_constant_find(all, "training", "linear", chip, group);
    assert_non_null(c);
    return c->value;
}

static void closest_counts(void **state) {
    (void)state;
    rg_error err = {0};
    rg_calibrations *all = calloc(1, sizeof *all);
    must(parse(all,
               HEAD
               "  - name: linear\n    value: 1.1\n    range: [1, 2]\n" COMMON
               "  - name: linear\n    chip: x\n    value: 1.2\n    range: [1, 2]\n" COMMON
               "  - name: linear\n    chip: x\n    group: fp8\n    value: 1.3\n    range: [1, 2]\n" COMMON
               "  - name: linear\n    group: fp8\n    value: 1.4\n    range: [1, 2]\n" COMMON,
               &err),
         &err);
    assert_true(value_of(all, "y", NULL) == 1.1);
    assert_true(value_of(all, "x", "bf16") == 1.2);
    assert_true(value_of(all, "x", "fp8") == 1.3);
    assert_true(value_of(all, "y", "fp8") == 1.4);
    assert_null(perf_step_constant_find(all, "serving", "linear", "x", NULL));
    assert_null(perf_step_constant_find(all, "training", "attention", "x", NULL));
    rg_calibrations_close(all);
}

static void refusals(void **state) {
    (void)state;
    static const char *const wrong[] = {
        HEAD "  - name: linear\n    value: 3\n    range: [1, 2]\n" COMMON, /* out of its range */
        HEAD "  - name: linear\n    value: 1\n" COMMON,                    /* no range */
        HEAD "  - name: linear\n    value: 1\n    range: [1]\n" COMMON,
        HEAD "  - name: linear\n    value: 1\n    range: [1, 2]\n    colour: 3\n" COMMON, /* unknown key */
        HEAD "  - name: linear\n    value: 1\n    range: [1, 2]\n",                       /* no source */
        HEAD "  - linear\n",
        "phase: training\n",
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rg_error err = {0};
        rg_calibrations *all = calloc(1, sizeof *all);
        assert_int_equal(parse(all, wrong[i], &err), RG_ERR_PARSE);
        rg_calibrations_close(all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(closest_counts), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
