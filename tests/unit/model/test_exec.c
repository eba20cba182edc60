/* The executor against a forward pass in double written from the definitions, and against itself: bits must
   not depend on threads, batch, variants or instruction set; counted work must be executed work. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/model/instance.h"

/* Odd sizes on purpose; two query heads to a key head. */
enum { VOCAB = 101, D = 24, F = 37, LAYERS = 2, HEADS = 4, KV = 2, HD = 6, LONGEST = 70 };
static const double theta = 500, eps = 1e-5;

static rg_model model;

static const char config[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 101, \"hidden_size\": 24, \"intermediate_size\": 37,"
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
    "\"rope_theta\": 500, \"rms_norm_eps\": 1e-5, \"hidden_act\": \"silu\","
    "\"max_position_embeddings\": 128, \"tie_word_embeddings\": false}";

static int open_model(void **state) {
    (void)state;
    instance_of_config(&model, config);
    return 0;
}

static int close_model(void **state) {
    (void)state;
    instance_close(&model);
    return 0;
}

/* ---- the oracle: one window in double --------------------------------------------------------------------
 */

static void norm(const double *x, const float *gain, double *y) {
    double squares = 0;
    for (int i = 0; i < D; i++) squares += x[i] * x[i];
    for (int i = 0; i < D; i++) y[i] = x[i] / sqrt(squares / D + eps) * gain[i];
}

static void product(const double *x, const float *w, int n, int k, double *y) {
    for (int i = 0; i < n; i++) {
        y[i] = 0;
        for (int j = 0; j < k; j++) y[i] += x[j] * w[i * k + j];
    }
}

static void turn(double *x, int heads, int position) {
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < HD / 2; i++) {
            double angle = position * pow(theta, -2.0 * i / HD), a = x[h * HD + i],
                   b = x[h * HD + i + HD / 2];
            x[h * HD + i] = a * cos(angle) - b * sin(angle);
            x[h * HD + i + HD / 2] = b * cos(angle) + a * sin(angle);
        }
}

static void attend(const double *q, double (*keys)[KV * HD], double (*values)[KV * HD], int position,
                   double *out) {
    for (int h = 0; h < HEADS; h++) {
        const int kv = h / (HEADS / KV) * HD;
        double p[LONGEST], sum = 0;
        for (int s = 0; s <= position; s++) {
            double dot = 0;
            for (int i = 0; i < HD; i++) dot += q[h * HD + i] * keys[s][kv + i];
            sum += p[s] = exp(dot / sqrt(HD));
        }
        for (int i = 0; i < HD; i++) {
            out[h * HD + i] = 0;
            for (int s = 0; s <= position; s++) out[h * HD + i] += p[s] / sum * values[s][kv + i];
        }
    }
}

static void oracle(const int32_t *token, int length, double *logits) {
    static double keys[LAYERS][LONGEST][KV * HD], values[LAYERS][LONGEST][KV * HD];
    for (int t = 0; t < length; t++) {
        double x[D], h[D], q[HEADS * HD], a[HEADS * HD], o[D], gate[F], up[F];
        for (int i = 0; i < D; i++)
            x[i] = instance_weight(&model, "model.embed_tokens.weight")[token[t] * D + i];
        for (int l = 0; l < LAYERS; l++) {
            norm(x, instance_weight(&model, "model.layers.%d.input_layernorm.weight", l), h);
            product(h, instance_weight(&model, "model.layers.%d.self_attn.q_proj.weight", l), HEADS * HD, D,
                    q);
            product(h, instance_weight(&model, "model.layers.%d.self_attn.k_proj.weight", l), KV * HD, D,
                    keys[l][t]);
            product(h, instance_weight(&model, "model.layers.%d.self_attn.v_proj.weight", l), KV * HD, D,
                    values[l][t]);
            turn(q, HEADS, t);
            turn(keys[l][t], KV, t);
            attend(q, keys[l], values[l], t, a);
            product(a, instance_weight(&model, "model.layers.%d.self_attn.o_proj.weight", l), D, HEADS * HD,
                    o);
            for (int i = 0; i < D; i++) x[i] += o[i];
            norm(x, instance_weight(&model, "model.layers.%d.post_attention_layernorm.weight", l), h);
            product(h, instance_weight(&model, "model.layers.%d.mlp.gate_proj.weight", l), F, D, gate);
            product(h, instance_weight(&model, "model.layers.%d.mlp.up_proj.weight", l), F, D, up);
            for (int i = 0; i < F; i++) gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
            product(gate, instance_weight(&model, "model.layers.%d.mlp.down_proj.weight", l), D, F, o);
            for (int i = 0; i < D; i++) x[i] += o[i];
        }
        norm(x, instance_weight(&model, "model.norm.weight"), h);
        product(h, instance_weight(&model, "lm_head.weight"), VOCAB, D, logits + t * VOCAB);
    }
}

/* ---- running ---------------------------------------------------------------------------------------------
 */

enum { MAX_VARIANTS = 7, MAX_TOKENS = 200 };
typedef struct outcome {
    float logits[MAX_VARIANTS][MAX_TOKENS][VOCAB];
    double matrix_flop; /* of all nodes but the head */
    double head_flop;
} outcome;

static rg_status keep(void *context, size_t variant, size_t first, size_t n, const float *reference,
                      const float *logits, rg_error *err) {
    outcome *o = context;
    (void)err;
    memcpy(o->logits[variant][first], logits, n * VOCAB * sizeof *logits);
    assert_memory_equal(reference, o->logits[0][first], n * VOCAB * sizeof *logits);
    return RG_OK;
}

static int32_t token_at(size_t window, size_t position) {
    return (int32_t)(rg_random_u32(9, window, position) % VOCAB);
}

static const size_t common_length[] = {50, LONGEST, 1, 17};

/* Windows first_window, ... of the given lengths, every position scored. */
static void run(const char *const *policies, size_t n_policies, int threads, size_t first_window,
                const size_t *length, size_t n_windows, outcome *out) {
    static rg_policy policy[MAX_VARIANTS];
    size_t first_token = 0; /* windows before these had the lengths of the common list */
    for (size_t w = 0; w < first_window; w++) first_token += common_length[w];
    exec_use *use = calloc(n_policies * model.graph.n_nodes, sizeof *use);
    size_t start[8] = {0}, scored[MAX_TOKENS];
    int32_t token[MAX_TOKENS];
    rg_error err = {0};
    bool touched;
    for (size_t i = 0; i < n_policies; i++) {
        assert_int_equal(rg_policy_parse(policies[i], &policy[i], &err), RG_OK);
        assert_int_equal(exec_resolve(&model.graph, &policy[i], &(exec_datapaths){0},
                                      use + i * model.graph.n_nodes, &touched, &err),
                         RG_OK);
    }
    for (size_t w = 0; w < n_windows; w++) {
        start[w + 1] = start[w] + length[w];
        for (size_t p = 0; p < length[w]; p++) token[start[w] + p] = token_at(first_window + w, p);
    }
    for (size_t i = 0; i < start[n_windows]; i++) scored[i] = i;
    memset(out, 0, sizeof *out);
    const exec_batch batch = {n_windows, start, token, start[n_windows], scored, first_token};
    exec e;
    assert_int_equal(exec_open(&e, &model, use, n_policies, threads, LONGEST, &err), RG_OK);
    assert_int_equal(exec_run(&e, &batch, keep, out, NULL, (const double[2]){0, 1}, &err), RG_OK);
    out->matrix_flop = out->head_flop = 0;
    for (size_t i = 0; i < model.graph.n_nodes; i++)
        *((int)i == model.graph.output ? &out->head_flop : &out->matrix_flop) += (double)e.matrix_flop[i];
    exec_close(&e);
    free(use);
}

static outcome first, second;
static const char *const many[] = {"fp32",
                                   "w=mxfp4",
                                   "w=mxfp4,a=int8,kv=e4m3fn",
                                   "a=nvfp4,kv=int8",
                                   "w=e4m3fn(scale=tensor)",
                                   "w=e2m1@srb(4),a=e4m3fn@sra(8),a.lm_head=e5m2@sra(8),kv=mxfp8@src(8)",
                                   "w.lm_head=int4,w.embed=int4,w.up_proj=int8,a.k_proj=int4,k=e5m2"};

static void right(void **state) {
    (void)state;
    const size_t length[] = {LONGEST, 13};
    run(many, 1, 1, 0, length, 2, &first);
    static double want[LONGEST * VOCAB];
    for (size_t w = 0, row = 0; w < 2; row += length[w++]) {
        int32_t token[LONGEST];
        for (size_t p = 0; p < length[w]; p++) token[p] = token_at(w, p);
        oracle(token, (int)length[w], want);
        double squares = 0;
        for (size_t i = 0; i < length[w] * VOCAB; i++) squares += want[i] * want[i];
        /* Some hundred fp32 roundings of relative size 6e-8 lie on the way. */
        double bound = 1e-5 * sqrt(squares / (double)(length[w] * VOCAB));
        for (size_t i = 0; i < length[w] * VOCAB; i++)
            assert_true(fabs(first.logits[0][row + i / VOCAB][i % VOCAB] - want[i]) < bound);
    }
}

static void threads_and_levels(void **state) {
    (void)state;
    const size_t *length = common_length;
    run(many, MAX_VARIANTS, 1, 0, length, 4, &first);
    for (int threads = 2; threads <= 3; threads++) {
        run(many, MAX_VARIANTS, threads, 0, length, 4, &second);
        assert_memory_equal(first.logits, second.logits, sizeof first.logits);
    }
    for (size_t i = 0; rg_kernels_level(i); i++) {
        if (!rg_kernels_named(rg_kernels_level(i))) {
            print_message("skipped: this processor has no %s\n", rg_kernels_level(i));
            continue;
        }
        setenv("RIDGE_CPU", rg_kernels_level(i), 1);
        run(many, MAX_VARIANTS, 2, 0, length, 4, &second);
        unsetenv("RIDGE_CPU");
        assert_memory_equal(first.logits, second.logits, sizeof first.logits);
    }
    for (size_t v = 1; v < MAX_VARIANTS; v++) /* the policies did something */
        assert_memory_not_equal(first.logits[0], first.logits[v], sizeof first.logits[0]);
}

static void batch_and_company(void **state) {
    (void)state;
    const size_t *length = common_length;
    run(many, MAX_VARIANTS, 2, 0, length, 4, &first);
    for (size_t w = 0, row = 0; w < 4; row += length[w++]) {
        run(many, MAX_VARIANTS, 2, w, length + w, 1, &second);
        for (size_t v = 0; v < MAX_VARIANTS; v++)
            assert_memory_equal(first.logits[v][row], second.logits[v],
                                length[w] * sizeof second.logits[0][0]);
    }
    for (size_t v = 1; v < MAX_VARIANTS; v++) { /* each policy alone with the reference */
        const char *const pair[] = {many[0], many[v]};
        run(pair, 2, 2, 0, length, 4, &second);
        assert_memory_equal(first.logits[v], second.logits[1], sizeof first.logits[v]);
    }
}

/* A policy on weights is the model whose weights were quantized beforehand. */
static void weights_beforehand(void **state) {
    (void)state;
    const size_t length[] = {LONGEST};
    const char *const policy[] = {"fp32", "w=nvfp4,w.lm_head=nvfp4"};
    run(policy, 2, 2, 0, length, 1, &first);
    float *kept[64];
    rg_quant q;
    assert_int_equal(rg_quant_parse("nvfp4", &q, NULL), RG_OK);
    for (size_t i = 0; i < model.graph.n_nodes; i++) {
        const rg_graph_node *n = &model.graph.node[i];
        if (n->op != RG_OP_LINEAR) continue;
        const rg_graph_weight *w = &model.graph.weight[n->weight];
        const size_t size = (size_t)(w->shape[0] * w->shape[1]);
        kept[n->weight] = model.weight[n->weight];
        model.weight[n->weight] = malloc(size * sizeof(float));
        rg_qdq(&q, kept[n->weight], model.weight[n->weight], (size_t)w->shape[0], (size_t)w->shape[1], false,
               NULL);
    }
    run(policy, 1, 1, 0, length, 1, &second);
    assert_memory_equal(first.logits[1], second.logits[0], sizeof first.logits[1]);
    for (size_t i = 0; i < model.graph.n_nodes; i++) {
        const rg_graph_node *n = &model.graph.node[i];
        if (n->op != RG_OP_LINEAR) continue;
        free(model.weight[n->weight]);
        model.weight[n->weight] = kept[n->weight];
    }
}

/* Quantizing an output where it is made, or copies of it where it is read: the same. */
static void hoisted_or_not(void **state) {
    (void)state;
    const size_t length[] = {LONGEST};
    const char *const policy[] = {
        "fp32", "a=mxfp6", "a.q_proj=mxfp6,a.k_proj=mxfp6,a.v_proj=mxfp6,a.o_proj=mxfp6,a.mlp.*=mxfp6",
        "a.q_proj=mxfp6", "a=mxfp6,a.k_proj=fp32,a.v_proj=fp32,a.o_proj=fp32,a.mlp.*=fp32"};
    run(policy, 5, 1, 0, length, 1, &first);
    assert_memory_equal(first.logits[1], first.logits[2], sizeof first.logits[1]);
    assert_memory_equal(first.logits[3], first.logits[4], sizeof first.logits[3]);
    assert_memory_not_equal(first.logits[1], first.logits[3], sizeof first.logits[1]);
}

static void counted_is_executed(void **state) {
    (void)state;
    const size_t length[] = {LONGEST, LONGEST};
    run(many, 3, 2, 0, length, 2, &first);
    double blocks = 0, head = 0;
    for (size_t i = 0; i < model.graph.n_nodes; i++) {
        double flop = rg_graph_count_node(&model.graph, i, RG_PREFILL, 2, LONGEST).matrix_flop;
        *((int)i == model.graph.output ? &head : &blocks) += flop;
    }
    assert_true(first.matrix_flop == 3 * blocks);
    assert_true(first.head_flop ==
                3 * head * LONGEST); /* counted once per prompt, here run for every token */
}

static void refusals(void **state) {
    (void)state;
    rg_policy policy;
    rg_error err;
    exec e;
    bool touched;
    exec_use *use = calloc(model.graph.n_nodes, sizeof *use);
    assert_int_equal(rg_policy_parse("w.no_such_thing=int8", &policy, &err), RG_OK);
    assert_int_not_equal(exec_resolve(&model.graph, &policy, &(exec_datapaths){0}, use, &touched, &err),
                         RG_OK);
    assert_non_null(strstr(err.message, "no_such_thing"));
    assert_int_equal(rg_policy_parse("", &policy, &err), RG_OK);
    assert_int_equal(exec_resolve(&model.graph, &policy, &(exec_datapaths){0}, use, &touched, &err), RG_OK);
    assert_false(touched);
    const int i = model.graph.output - 3;
    const rg_graph_node kept = model.graph.node[i];
    model.graph.node[i].op = RG_OP_OPAQUE;
    model.graph.node[i].opaque_op = "selective_scan";
    assert_int_equal(exec_open(&e, &model, use, 1, 1, LONGEST, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "selective_scan"));
    assert_string_equal(err.where, kept.name);
    exec_close(&e);
    model.graph.node[i] = kept;
    setenv("RIDGE_CPU", "abacus", 1);
    assert_int_equal(exec_open(&e, &model, use, 1, 1, LONGEST, &err), RG_ERR_USAGE);
    unsetenv("RIDGE_CPU");
    exec_close(&e);
    float **weights = model.weight;
    model.weight = NULL;
    assert_int_equal(exec_open(&e, &model, use, 1, 1, LONGEST, &err), RG_ERR_USAGE);
    exec_close(&e);
    model.weight = weights;
    free(use);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right),
                                       cmocka_unit_test(threads_and_levels),
                                       cmocka_unit_test(batch_and_company),
                                       cmocka_unit_test(weights_beforehand),
                                       cmocka_unit_test(hoisted_or_not),
                                       cmocka_unit_test(counted_is_executed),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, open_model, close_model);
}
