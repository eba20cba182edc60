/* Elasticities against two whole passes, the second on a chip changed by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ridge/elasticity.h"
#include "unit/graph/models.h"

typedef struct question {
    const char *model, *chip;
    rg_phase phase;
    double batch, context;
    const char *policy;
} question;

static rg_roof whole(const question *q, const rg_graph *g, const rg_calibrations *all, const char *set) {
    rg_chip chip;
    rg_roof r;
    rg_error err = {0};
    must(rg_chip_open(&chip, q->chip, DATA, &err), &err);
    if (set) must(rg_chip_set(&chip, set, &err), &err);
    must(rg_roof_estimate(&r, g, &chip, q->phase, q->batch, q->context, q->policy, all, &err), &err);
    rg_chip_close(&chip);
    return r;
}

static void near(double a, double b) {
    if (!(fabs(a - b) < 1e-8)) fail_msg("%.12g is not %.12g", a, b);
}

static void check(const question *q, const rg_calibrations *all) {
    rg_graph g;
    rg_chip chip;
    rg_elasticities e;
    rg_error err = {0};
    open_model(&g, q->model);
    must(rg_chip_open(&chip, q->chip, DATA, &err), &err);
    must(rg_roof_elasticities(&e, &g, &chip, q->phase, q->batch, q->context, q->policy, all, &err), &err);
    rg_roof now = whole(q, &g, all, NULL);
    size_t of_chip = 0;
    for (size_t i = 0; i < e.n; i++) {
        char set[96];
        assert_true(i == 0 || e.entry[i - 1].estimate >= e.entry[i].estimate);
        if (!rg_chip_find(&chip, e.entry[i].parameter)) continue;
        snprintf(set, sizeof set, "%s=x1.01", e.entry[i].parameter);
        rg_roof more = whole(q, &g, all, set);
        near(e.entry[i].bound, (1 - more.bound_s / now.bound_s) / 0.01);
        near(e.entry[i].estimate, (1 - more.estimate_s / now.estimate_s) / 0.01);
        rg_roof_close(&more);
        of_chip++;
    }
    assert_int_equal(of_chip + 2, e.n); /* launch and latency are of no chip */
    rg_roof_close(&now);
    rg_elasticities_close(&e);
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

static void test_against_whole_passes(void **state) {
    (void)state;
    static const question questions[] = {
        {"llama-3.1-8b", "h100", RG_DECODE, 32, 8192, NULL},
        {"llama-3.1-8b", "h100", RG_PREFILL, 1, 2048, "w=e4m3fn,a=e4m3fn,w.lm_head=bf16"},
        {"deepseek-v3", "b200", RG_DECODE, 64, 4096, "w=nvfp4,a=nvfp4"},
        {"gpt-oss-20b", "h200", RG_DECODE, 8, 4096, NULL}, /* every other layer has a window */
        {"nemotron-h-56b", "mi300x", RG_PREFILL, 1, 1024, NULL},
    };
    rg_calibrations *all;
    rg_error err = {0};
    must(rg_calibrations_open(&all, DATA, &err), &err);
    for (size_t i = 0; i < sizeof questions / sizeof *questions; i++) check(&questions[i], all);
    rg_calibrations_close(all);
}

static void test_without_constants(void **state) {
    (void)state;
    rg_graph g;
    rg_chip chip;
    rg_elasticities e;
    rg_error err = {0};
    open_model(&g, "llama-3.1-8b");
    must(rg_chip_open(&chip, "h100", DATA, &err), &err);
    must(rg_roof_elasticities(&e, &g, &chip, RG_DECODE, 1, 4096, "", NULL, &err), &err);
    assert_string_equal(e.entry[0].parameter, "memory.bandwidth");
    assert_true(fabs(e.entry[0].bound - (1 - 1 / 1.01) / 0.01) < 1e-3); /* the rest is vector work */
    assert_true(isnan(e.entry[0].estimate));
    assert_int_equal(rg_roof_elasticities(&e, &g, &chip, RG_DECODE, 0, 4096, "", NULL, &err), RG_ERR_USAGE);
    rg_elasticities_close(&e);
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_whole_passes),
        cmocka_unit_test(test_without_constants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
