/* Prompts and decode steps under layouts: one chip is what roof explain says, parts add up, memory is that of
   the fullest chip, and questions without an answer are refused with what would do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/plan/step.h"

#define DATA RIDGE_SOURCE_DIR "/data"

typedef struct world {
    rg_graph dense, sparse;
    rg_system node, chip;
    rg_calibrations *all;
} world;

static void must(rg_status status, const rg_error *err) {
    if (status != RG_OK) fail_msg("%s: %s; expected %s", err->where, err->message, err->expected);
}

static int set_up(void **state) {
    static world w;
    rg_error err = {0};
    must(rg_graph_from_name(&w.dense, "llama-3.1-70b", DATA, &err), &err);
    must(rg_graph_from_name(&w.sparse, "deepseek-v3", DATA, &err), &err);
    must(rg_system_open(&w.node, "dgx-h100", DATA, &err), &err);
    must(rg_system_open(&w.chip, "h200", DATA, &err), &err);
    must(rg_calibrations_open(&w.all, DATA, &err), &err);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    rg_graph_close(&w->dense);
    rg_graph_close(&w->sparse);
    rg_system_close(&w->node);
    rg_system_close(&w->chip);
    rg_calibrations_close(w->all);
    return 0;
}

static rg_status ask(const world *w, const rg_graph *g, const rg_system *s, const char *text, rg_phase phase,
                     double batch, double context, rg_step *out, rg_error *err) {
    rg_layout l;
    must(rg_layout_parse(text, &l, err), err);
    const rg_step_request r = {.graph = g,
                               .system = s,
                               .layout = &l,
                               .policy = "",
                               .phase = phase,
                               .batch = batch,
                               .context = context};
    return rg_step_estimate(out, &r, w->all, err);
}

static rg_step step_of(const world *w, const char *layout, rg_phase phase, double batch, double context) {
    rg_step s;
    rg_error err = {0};
    must(ask(w, &w->dense, &w->node, layout, phase, batch, context, &s, &err), &err);
    double sum = 0, bytes = 0;
    for (int i = 0; i < RG_N_STEP_PARTS; i++) sum += s.part_s[i];
    for (int i = 0; i < RG_N_STEP_MEMORY; i++) bytes += s.memory_bytes[i];
    assert_true(fabs(sum - s.estimate_s) <= 1e-9 * s.estimate_s);
    assert_true(fabs(bytes - s.total_bytes) <= 1e-9 * bytes);
    assert_true(s.bound_s <= s.estimate_s && s.lo80_s <= s.estimate_s && s.estimate_s <= s.hi80_s);
    assert_true(s.mfu > 0 && s.mfu < 1);
    assert_int_equal(s.fits, s.total_bytes <= s.available_bytes);
    assert_int_equal(s.fits, *s.advice == 0);
    return s;
}

static void test_one_chip(void **state) {
    const world *w = *state;
    for (int phase = RG_PREFILL; phase <= RG_DECODE; phase++) {
        rg_step s;
        rg_roof roof;
        rg_error err = {0};
        must(ask(w, &w->dense, &w->chip, "", (rg_phase)phase, 2, 3000, &s, &err), &err);
        must(rg_roof_estimate(&roof, &w->dense, &w->chip.chip, (rg_phase)phase, 2, 3000, "", w->all, &err),
             &err);
        assert_true(fabs(s.estimate_s - roof.estimate_s) <= 1e-9 * roof.estimate_s);
        assert_true(fabs(s.bound_s - roof.bound_s) <= 1e-9 * roof.bound_s);
        assert_true(fabs(s.memory_bytes[RG_STEP_WEIGHTS] - roof.weight_bytes) <= 1e-9 * roof.weight_bytes);
        assert_true(fabs(s.memory_bytes[RG_STEP_KV] - roof.kv_bytes) <= 1e-9 * roof.kv_bytes);
        rg_roof_close(&roof);
    }
}

/* More ranks of tp: less of each operator, but exchanges; stages of a pipeline: the same work, less weight.
 */
static void test_layouts(void **state) {
    const world *w = *state;
    const rg_step one = step_of(w, "tp=2", RG_DECODE, 32, 4096),
                  four = step_of(w, "tp=8", RG_DECODE, 32, 4096),
                  stages = step_of(w, "tp=2,pp=4", RG_DECODE, 32, 4096),
                  replicas = step_of(w, "tp=2,dp=4", RG_DECODE, 128, 4096);
    assert_true(four.part_s[RG_STEP_LINEAR] < one.part_s[RG_STEP_LINEAR]);
    assert_true(four.part_s[RG_STEP_TP] > 0 && four.estimate_s < one.estimate_s);
    assert_true(stages.memory_bytes[RG_STEP_WEIGHTS] < 0.3 * one.memory_bytes[RG_STEP_WEIGHTS]);
    assert_true(stages.part_s[RG_STEP_PP] > 0);
    assert_true(fabs(replicas.estimate_s - one.estimate_s) <= 1e-9 * one.estimate_s);
    assert_true(fabs(replicas.tokens_per_s - 4 * one.tokens_per_s) <= 1e-9 * replicas.tokens_per_s);
    /* prompts: three of four stages wait at each end */
    const rg_step single = step_of(w, "tp=2,pp=4", RG_PREFILL, 1, 2048),
                  many = step_of(w, "tp=2,pp=4", RG_PREFILL, 16, 2048);
    assert_true(many.estimate_s >= single.estimate_s * (1 + 15 / 4.0) &&
                many.estimate_s < 1.01 * single.estimate_s * (1 + 15 / 4.0)); /* one stage has the head */
    assert_true(fabs(many.bound_s - single.bound_s * (1 + 15 / 4.0)) <= 1e-9 * many.bound_s);
    /* 80 layers over 3 stages: all wait for the one with 27, and the head */
    const rg_step odd = step_of(w, "tp=2,pp=3", RG_DECODE, 33, 4096);
    const double share = odd.estimate_s / (odd.estimate_s - odd.part_s[RG_STEP_PP]);
    assert_true(share >= 81 / 80.0 && share < 1.05);
}

/* A rank that holds a 64th of the experts reads those that the tokens of all 64 choose. */
static void test_experts(void **state) {
    const world *w = *state;
    rg_step s;
    rg_error err = {0};
    must(ask(w, &w->sparse, &w->node, "tp=1,dp=64,ep=64", RG_DECODE, 64 * 64, 4096, &s, &err), &err);
    assert_true(s.part_s[RG_STEP_EP] > 0 && s.part_s[RG_STEP_EXPERTS] > 0);
    assert_int_equal((int)s.chips, 64);
    must(ask(w, &w->sparse, &w->node, "tp=8", RG_DECODE, 8, 4096, &s, &err), &err);
    assert_false(s.fits);
    assert_non_null(strstr(s.advice, "weights do not fit"));
}

static void refused(const world *w, const char *layout, rg_phase phase, double batch, const char *message,
                    const char *expected) {
    rg_step s;
    rg_error err = {0};
    assert_int_equal(ask(w, &w->dense, &w->node, layout, phase, batch, 4096, &s, &err), RG_ERR_USAGE);
    if (!strstr(err.message, message) || !strstr(err.expected, expected))
        fail_msg("%s; expected %s", err.message, err.expected);
}

static void test_refused(void **state) {
    const world *w = *state;
    refused(w, "tp=2,dp=4", RG_DECODE, 30, "dp=4 does not divide 30 sequences", "28 or 32");
    refused(w, "tp=2,dp=4", RG_DECODE, 1, "dp=4 does not divide 1 sequences", "4");
    refused(w, "tp=1,pp=81", RG_DECODE, 1, "pp=81 for 80 layers", "80");
    refused(w, "tp=8,cp=2", RG_DECODE, 2, "cp=2", "cp=1");
    refused(w, "tp=128", RG_DECODE, 2, "tp=128 does not divide its 64 heads", "64");
    refused(w, "tp=8,dp=1048576", RG_DECODE, 1048576, "ranks, more than the chips of dgx-h100", "at most");
    refused(w, "tp=8", RG_DECODE, 0.5, "0.5", "whole number");
}

/* A cache answers as a fresh question does, whatever was asked before. */
static void test_cache(void **state) {
    const world *w = *state;
    perf_cache *cache;
    rg_error err = {0};
    must(perf_cache_open(&cache, w->all, &err), &err);
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < 60; i++) {
            static const char *const layouts[] = {"tp=1", "tp=2", "tp=4,pp=2", "tp=8", "tp=2,pp=5"};
            rg_layout l;
            rg_step a, b;
            must(rg_layout_parse(layouts[i % 5], &l, &err), &err);
            const rg_step_request r = {.graph = &w->dense,
                                       .system = &w->node,
                                       .layout = &l,
                                       .policy = "",
                                       .phase = i % 3 ? RG_DECODE : RG_PREFILL,
                                       .batch = 1 + i,
                                       .context = 1024};
            must(perf_step(&a, &r, cache, &err), &err);
            must(rg_step_estimate(&b, &r, w->all, &err), &err);
            assert_true(a.estimate_s == b.estimate_s && a.lo80_s == b.lo80_s &&
                        a.total_bytes == b.total_bytes);
        }
    perf_cache_close(cache);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_chip), cmocka_unit_test(test_layouts),
                                       cmocka_unit_test(test_experts), cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_cache)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
