/* Plans against the pass that takes every node by itself, and activations against the closed forms of the
   literature. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/plan/plan.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static void must(rg_status status, const rg_error *err) {
    if (status != RG_OK) fail_msg("%s: %s; expected %s", err->where, err->message, err->expected);
}

static void near_to(double a, double b, double tolerance, const char *what) {
    if (!(fabs(a - b) <= tolerance * fabs(b))) fail_msg("%s: %.9g for %.9g", what, a, b);
}

static perf_plan plan_of(const rg_graph *g, const char *layout, const char *policy, bool training) {
    rg_layout l;
    rg_error err = {0};
    perf_plan p;
    must(rg_layout_parse(layout, &l, &err), &err);
    must(perf_plan_open(&p, g, &l, policy, training, &err), &err);
    return p;
}

static perf_pass whole_pass(perf_plan *p, const perf_plan_question *q) {
    perf_pass forward[64], sum = {0};
    rg_error err = {0};
    assert_true(p->n_kinds + 2 <= 64);
    must(perf_plan_times(p, q, forward, NULL, &err), &err);
    for (size_t k = 0; k < p->n_kinds + 2; k++) {
        for (int i = 0; i < PERF_N_SEGMENTS; i++)
            perf_span_add(&sum.segment[i], forward[k].segment[i], p->kind[k].n_layers);
        sum.flop += p->kind[k].n_layers * forward[k].flop;
    }
    return sum;
}

/* One rank: the plan gives the same pass as the sum over all nodes. */
static void test_same_as_nodes(void **state) {
    (void)state;
    static const struct {
        const char *model, *policy;
    } cases[] = {{"llama-3.1-8b", ""},
                 {"deepseek-v3", "w=e4m3fn(scale=row),a=e4m3fn(scale=row)"},
                 {"nemotron-h-56b", "w=int4,first=2"},
                 {"gpt-oss-20b", "w=mxfp4"}};
    rg_system system;
    rg_calibrations *all;
    rg_error err = {0};
    must(rg_system_open(&system, "h100", DATA, &err), &err);
    must(rg_calibrations_open(&all, DATA, &err), &err);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int phase = RG_PREFILL; phase <= RG_DECODE; phase++) {
            rg_graph g;
            rg_roof roof;
            must(rg_graph_from_name(&g, cases[i].model, DATA, &err), &err);
            perf_plan p = plan_of(&g, "tp=1", cases[i].policy, false);
            const perf_plan_question q = {
                .system = &system, .all = all, .phase = (rg_phase)phase, .batch = 3, .context = 1000};
            const perf_pass pass = whole_pass(&p, &q);
            const perf_span total = perf_pass_total(&pass);
            must(rg_roof_estimate(&roof, &g, &system.chip, (rg_phase)phase, 3, 1000, cases[i].policy, all,
                                  &err),
                 &err);
            near_to(total.bound_s, roof.bound_s, 1e-9, "bound");
            near_to(total.estimate_s, roof.estimate_s, 1e-9, "estimate");
            near_to(total.lo80_s, roof.lo80_s, 1e-9, "lo");
            near_to(total.hi80_s, roof.hi80_s, 1e-9, "hi");
            rg_roof_close(&roof);
            perf_plan_close(&p);
            rg_graph_close(&g);
        }
    rg_calibrations_close(all);
    rg_system_close(&system);
}

/* 80 equal layers are one kind; DeepSeek-V3 has a dense and a sparse one. */
static void test_kinds(void **state) {
    (void)state;
    rg_graph g;
    rg_error err = {0};
    must(rg_graph_from_name(&g, "llama-3.1-70b", DATA, &err), &err);
    perf_plan p = plan_of(&g, "tp=8,sp=1", "w=int4", true);
    assert_int_equal(p.n_kinds, 1);
    assert_int_equal((int)p.kind[0].n_layers, 80);
    near_to(80 * p.kind[0].weight_elements + p.kind[1].weight_elements + p.kind[2].weight_elements,
            rg_graph_total(&p.rank, 1).parameters_total, 1e-12, "weights");
    perf_plan_close(&p);
    rg_graph_close(&g);
    must(rg_graph_from_name(&g, "deepseek-v3", DATA, &err), &err);
    p = plan_of(&g, "tp=1,ep=64,dp=64", "", true);
    assert_int_equal(p.n_kinds, 2);
    assert_int_equal((int)p.kind[0].n_layers, 3);
    assert_int_equal((int)p.kind[1].n_layers, 58);
    near_to(p.kind[1].expert_weight_elements, 4 * 3 * 7168.0 * 2048, 1e-12, "experts");
    perf_plan_close(&p);
    rg_graph_close(&g);
}

/* Two stacks whose layers are both counted from 0: 38 blocks behind 19 others (FLUX.1), and what is gathered
   for them between two layers, are all there. */
static void test_stacks(void **state) {
    (void)state;
    static const char *const layouts[] = {"tp=1", "tp=2,sp=1"};
    const char *config = "_class_name: FluxTransformer2DModel\nattention_head_dim: 128\n"
                         "axes_dims_rope: [16, 56, 56]\nguidance_embeds: true\nin_channels: 64\n"
                         "joint_attention_dim: 4096\nnum_attention_heads: 24\nnum_layers: 19\n"
                         "num_single_layers: 38\npatch_size: 1\npooled_projection_dim: 768\n";
    rg_doc doc;
    rg_graph g;
    rg_error err = {0};
    must(rg_doc_parse(&doc, config, strlen(config), "flux", false, &err), &err);
    must(rg_graph_from_config(&g, &doc, DATA "/families", &err), &err);
    rg_doc_close(&doc);
    for (int i = 0; i < 2; i++) {
        perf_plan p = plan_of(&g, layouts[i], "", false);
        double weights = p.kind[p.n_kinds].weight_elements + p.kind[p.n_kinds + 1].weight_elements;
        assert_int_equal(p.n_layers, 57);
        for (size_t k = 0; k < p.n_layers; k++) weights += p.kind[p.kind_of_layer[k]].weight_elements;
        near_to(weights, rg_graph_total(&p.rank, 1).parameters_total, 1e-12, layouts[i]);
        perf_plan_close(&p);
    }
    rg_graph_close(&g);
}

/* s b h (34 + 5 a s / h) bytes a layer, 16 bits an element, masks of dropouts 8 (arXiv 2205.05198, equations
   1 to 4): what tensor and sequence parallelism divide follows from the graph. */
static void test_activations(void **state) {
    (void)state;
    const double s = 2048, b = 1, h = 12288, a = 96;
    static const struct {
        const char *layout;
        double fixed, divided, t; /* s b h (fixed + (divided + 5 a s / h) / t) */
    } cases[] = {{"tp=1", 0, 34, 1}, {"tp=8", 10, 24, 8}, {"tp=8,sp=1", 0, 34, 8}};
    rg_doc doc;
    rg_graph g;
    rg_error err = {0};
    const char *config = "model_type: gpt2\nn_embd: 12288\nn_head: 96\nn_layer: 2\nvocab_size: 51200\n"
                         "n_positions: 2048\n";
    must(rg_doc_parse(&doc, config, strlen(config), "gpt3", false, &err), &err);
    must(rg_graph_from_config(&g, &doc, DATA "/families", &err), &err);
    rg_doc_close(&doc);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        perf_plan p = plan_of(&g, cases[i].layout, "", true);
        const perf_kept k = perf_plan_kept(&p, 0, b, s);
        near_to(2 * k.elements + k.residual_elements,
                s * b * h * (cases[i].fixed + cases[i].divided / cases[i].t), 1e-12, cases[i].layout);
        near_to(5 * k.score_elements, s * b * h * 5 * a * s / h / cases[i].t, 1e-12, "scores");
        near_to(k.input_elements, s * b * h / (i == 2 ? 8 : 1), 1e-12, "input of the layer");
        perf_plan_close(&p);
    }
    rg_graph_close(&g);
}

/* A backward pass multiplies twice as much, attention 2.5 times, and takes at least as long as its bound. */
static void test_backward(void **state) {
    (void)state;
    rg_graph g;
    rg_system system;
    rg_calibrations *all;
    rg_error err = {0};
    must(rg_graph_from_name(&g, "llama-3.1-8b", DATA, &err), &err);
    must(rg_system_open(&system, "dgx-h100", DATA, &err), &err);
    must(rg_calibrations_open(&all, DATA, &err), &err);
    perf_plan p = plan_of(&g, "tp=4,sp=1", "", true);
    perf_pass forward[8], backward[8];
    const perf_plan_question q = {
        .system = &system, .all = all, .phase = RG_PREFILL, .batch = 1, .context = 4096};
    must(perf_plan_times(&p, &q, forward, backward, &err), &err);
    const double d = 4096, tokens = 4096, pairs = 4096.0 * 4097 / 2, attention = 4 * pairs * d / 4;
    const double linear = 2 * tokens * (2 * d * d + 2 * d * 1024 + 3 * d * 14336) / 4;
    near_to(forward[0].flop, linear + attention, 1e-12, "forward FLOP");
    near_to(backward[0].flop, 2 * linear + 2.5 * attention, 1e-12, "backward FLOP");
    for (int i = 0; i < PERF_N_SEGMENTS; i++) {
        const perf_span f = forward[0].segment[i], w = backward[0].segment[i];
        if (!(w.bound_s <= w.estimate_s && w.lo80_s <= w.estimate_s && w.estimate_s <= w.hi80_s))
            fail_msg("%s: %g %g %g %g", perf_segment_name((perf_segment)i), w.bound_s, w.lo80_s, w.estimate_s,
                     w.hi80_s);
        if (i == PERF_SEGMENT_TP) near_to(w.estimate_s, f.estimate_s, 1e-12, "exchanges");
    }
    /* the head works on every token of a training step */
    near_to(forward[2].flop, 2 * tokens * d * 128256 / 4, 1e-12, "head");
    perf_plan_close(&p);
    rg_graph_close(&g);
    rg_calibrations_close(all);
    rg_system_close(&system);
}

/* Bytes that a sequence keeps: what rg_graph_kv_bytes says of the whole model, divided over tp. */
static void test_cache(void **state) {
    (void)state;
    static const char *const models[] = {"llama-3.1-8b", "gpt-oss-20b", "qwen3-next-80b-a3b"};
    rg_error err = {0};
    for (size_t i = 0; i < 3; i++) {
        rg_graph g;
        double whole, sum = 0;
        must(rg_graph_from_name(&g, models[i], DATA, &err), &err);
        must(rg_graph_kv_bytes(&g, "kv=e4m3fn", 5000, &whole, &err), &err);
        perf_plan p = plan_of(&g, "tp=2", "kv=e4m3fn", false);
        for (size_t k = 0; k < p.n_kinds + 2; k++)
            sum += p.kind[k].n_layers * perf_plan_cache_bytes(&p, k, 5000);
        near_to(2 * sum, whole, 1e-9, models[i]);
        perf_plan_close(&p);
        rg_graph_close(&g);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_as_nodes), cmocka_unit_test(test_kinds),    cmocka_unit_test(test_stacks),
        cmocka_unit_test(test_activations),   cmocka_unit_test(test_backward), cmocka_unit_test(test_cache)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
