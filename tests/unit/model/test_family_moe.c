/* Mixtures of experts against a forward pass in double: Mixtral, Qwen3 with experts, and every way of
   routing; one expert that all tokens take is a linear operator to the last bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <unistd.h>

#include "model/load.h"
#include "unit/model/folder_model.h"
#include "unit/model/instance.h"
#include "unit/model/oracle.h"

/* Odd sizes on purpose. */
enum { VOCAB = 101, D = 22, F = 37, FE = 13, LAYERS = 3, HEADS = 4, KV = 2, HD = 6, LONG = 70 };
#define SIZES                                                                                                \
    "\"vocab_size\": 101, \"hidden_size\": 22, \"num_hidden_layers\": 3, \"num_attention_heads\": 4,"        \
    "\"num_key_value_heads\": 2, \"head_dim\": 6, \"rope_theta\": 500, \"rms_norm_eps\": 1e-5,"              \
    "\"hidden_act\": \"silu\", \"max_position_embeddings\": 128"

static const double eps = 1e-5;
static struct {
    oracle_router router;
    const char *gate, *up, *down, *choose; /* names below the layer */
    size_t f;                              /* of an expert */
    bool head_norm, dense[LAYERS];
} is;

static double frequency(size_t i, size_t r) {
    return pow(500, -2.0 * (double)i / (double)r);
}

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "model.layers.%zu.%s", layer, name);
}

static void project(const rg_model *m, size_t l, const char *name, const double *x, size_t n, size_t heads,
                    double *y) {
    char text[64];
    snprintf(text, sizeof text, "self_attn.%s_proj.weight", name);
    oracle_linear(x, weight(m, l, text), NULL, n, heads * HD, D, y);
    if (*name == 'v') return;
    snprintf(text, sizeof text, "self_attn.%s_norm.weight", name);
    if (is.head_norm) oracle_rmsnorm(y, weight(m, l, text), eps, n * heads, HD, y);
    oracle_rope(y, n, heads, HD, 0, HD, false, frequency, 1);
}

static void experts(const rg_model *m, size_t l, const double *x, double *y) {
    double logit[64], share[64];
    size_t number[64];
    oracle_linear(x, weight(m, l, is.choose), NULL, 1, is.router.experts, D, logit);
    assert_true(oracle_route(&is.router, logit, number, share) > 1e-5); /* fp32 chooses the same */
    const size_t size = is.f * D;
    for (size_t s = 0; s < is.router.top_k; s++)
        oracle_swiglu(x, weight(m, l, is.gate) + number[s] * size, weight(m, l, is.up) + number[s] * size,
                      weight(m, l, is.down) + number[s] * size, D, is.f, share[s], y);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], q[LONG * HEADS * HD], k[LONG * KV * HD], v[LONG * KV * HD],
        a[LONG * HEADS * HD];
    oracle_embed(instance_weight(m, "model.embed_tokens.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        oracle_rmsnorm(x, weight(m, l, "input_layernorm.weight"), eps, n, D, h);
        project(m, l, "q", h, n, HEADS, q);
        project(m, l, "k", h, n, KV, k);
        project(m, l, "v", h, n, KV, v);
        const oracle_attention kind = {HEADS, KV, HD, HD, 1 / sqrt(HD), 0, false, NULL};
        oracle_attend(&kind, n, q, k, v, a);
        oracle_linear(a, weight(m, l, "self_attn.o_proj.weight"), NULL, n, D, HEADS * HD, h);
        oracle_add(x, h, n * D);
        oracle_rmsnorm(x, weight(m, l, "post_attention_layernorm.weight"), eps, n, D, h);
        for (size_t t = 0; t < n; t++)
            if (is.dense[l])
                oracle_swiglu(h + t * D, weight(m, l, "mlp.gate_proj.weight"),
                              weight(m, l, "mlp.up_proj.weight"), weight(m, l, "mlp.down_proj.weight"), D, F,
                              1, x + t * D);
            else
                experts(m, l, h + t * D, x + t * D);
    }
    oracle_rmsnorm(x, instance_weight(m, "model.norm.weight"), eps, n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

static void check(const char *config, bool bits) {
    static const size_t length[] = {50, LONG, 1, 17}, few[] = {53, 17};
    static const char *const policies[] = {"fp32", "w=mxfp4,a=int8,kv=int8,r=bf16",
                                           "w=int8(sym,tensor)@srb(8),a.experts.*=e4m3fn@sra(8)",
                                           "o=bf16,res=bf16"};
    rg_model m;
    instance_of_config(&m, config);
    instance_fill(&m, "q_proj.weight", 0, 0.15); /* fp32 errors in large scores are not what is tested */
    instance_check_right(&m, oracle, length, 4, 1e-5);
    if (bits) instance_check_bits(&m, policies, 4, few, 2);
    instance_check_counts(&m, LONG);
    instance_check_counts(&m, 7);
    instance_close(&m);
}

static void mixtral(void **state) {
    (void)state;
    is = (typeof(is)){.router = {.experts = 7, .top_k = 2, .normalize = true, .scale = 1},
                      .gate = "block_sparse_moe.experts.*.w1.weight",
                      .up = "block_sparse_moe.experts.*.w3.weight",
                      .down = "block_sparse_moe.experts.*.w2.weight",
                      .choose = "block_sparse_moe.gate.weight",
                      .f = FE};
    check("{\"model_type\": \"mixtral\", \"intermediate_size\": 13, \"num_local_experts\": 7, " SIZES "}",
          true);
}

static void qwen3_moe(void **state) {
    (void)state;
    is = (typeof(is)){.router = {.experts = 11, .top_k = 4, .normalize = true, .scale = 1},
                      .gate = "mlp.experts.*.gate_proj.weight",
                      .up = "mlp.experts.*.up_proj.weight",
                      .down = "mlp.experts.*.down_proj.weight",
                      .choose = "mlp.gate.weight",
                      .f = FE,
                      .head_norm = true,
                      .dense = {false, true, false}};
#define QWEN                                                                                                 \
    "{\"model_type\": \"qwen3_moe\", \"intermediate_size\": 37, \"moe_intermediate_size\": 13,"              \
    "\"num_experts\": 11, \"num_experts_per_tok\": 4, " SIZES
    check(QWEN ", \"norm_topk_prob\": true, \"mlp_only_layers\": [1]}", true);
    is.router.normalize = false;
    is.dense[0] = is.dense[2] = true;
    is.dense[1] = false;
    check(QWEN ", \"decoder_sparse_step\": 2}", false);
}

/* ---- ways of routing ---------------------------------------------------------------------------- */

static void oracle_routing(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    const oracle_router *r = &is.router;
    for (size_t t = 0; t < n; t++) {
        double x[D], logit[64], share[64], y[D] = {0};
        size_t number[64];
        oracle_embed(instance_weight(m, "embed"), token + t, 1, D, x);
        oracle_linear(x, instance_weight(m, "gate"), NULL, 1, r->experts, D, logit);
        assert_true(oracle_route(r, logit, number, share) > 1e-5);
        for (size_t s = 0; s < r->top_k; s++) {
            double both[2 * FE], inner[FE], z[D];
            oracle_linear(x, instance_weight(m, "both") + number[s] * 2 * FE * D,
                          instance_weight(m, "both.bias") + number[s] * 2 * FE, 1, 2 * FE, D, both);
            for (size_t i = 0; i < FE; i++) {
                const double gate = fmin(both[2 * i], 0.8), up = fmax(fmin(both[2 * i + 1], 0.8), -0.8);
                inner[i] = (up + 1) * gate / (1 + exp(-1.702 * gate));
            }
            oracle_linear(inner, instance_weight(m, "down") + number[s] * D * FE,
                          instance_weight(m, "down.bias") + number[s] * D, 1, D, FE, z);
            for (size_t i = 0; i < D; i++) y[i] += share[s] * z[i];
        }
        oracle_linear(y, instance_weight(m, "head"), NULL, 1, VOCAB, D, logits + t * VOCAB);
    }
}

static void routing(const char *router, bool corrected) {
    static const size_t length[] = {LONG, 30};
    char text[1500];
    rg_model m;
    snprintf(
        text, sizeof text,
        "  - x = embed(token, W[vocab, 22] \"embed\", name = \"e\")\n"
        "  - s = linear(x, W[12, 22] \"gate\", name = \"g\")\n"
        "  - r = router(s, name = \"r\", %s)\n"
        "  - b = expert_linear(x, r, W[12, 26, 22] \"both\", bias = W[12, 26] \"both.bias\", name = \"b\")\n"
        "  - b = swiglu_clamped(b, alpha = 1.702, limit = 0.8, name = \"s\")\n"
        "  - b = expert_linear(b, r, W[12, 22, 13] \"down\", bias = W[12, 22] \"down.bias\", name = \"d\")\n"
        "  - x = combine(b, r, name = \"c\")\n"
        "  - x = linear(x, W[vocab, 22] \"head\", name = \"h\")\n",
        router);
    instance_of_statements(&m, text, VOCAB);
    if (corrected) {
        instance_fill(&m, "correction", 0, 0.2);
        is.router.correction = instance_weight(&m, "correction");
    }
    instance_check_right(&m, oracle_routing, length, 2, 1e-5);
    instance_check_counts(&m, LONG);
    instance_close(&m);
}

static void ways_of_routing(void **state) {
    (void)state;
    is.router = (oracle_router){12, 4, ORACLE_SOFTMAX_TOPK, .scale = 1};
    routing("top_k = 4, scoring = \"softmax_topk\"", false);
    is.router = (oracle_router){12, 12, ORACLE_SOFTMAX, .scale = 1};
    routing("top_k = 12", false);
    is.router = (oracle_router){12, 3, ORACLE_SOFTMAX, 4, 2, .scale = 16};
    routing("top_k = 3, n_group = 4, topk_group = 2, routed_scale = 16", false);
    is.router = (oracle_router){12, 3, ORACLE_SIGMOID, 4, 2, true, true, 2.5, NULL};
    routing("top_k = 3, n_group = 4, topk_group = 2, group_score = \"top2\", scoring = \"sigmoid\","
            "normalize = \"yes\", routed_scale = 2.5, correction = W[12] \"correction\"",
            true);
    is.router = (oracle_router){12, 5, ORACLE_SIGMOID, .scale = 1, .normalize = true};
    routing("top_k = 5, scoring = \"sigmoid\", normalize = \"yes\", correction = W[12] \"correction\"", true);
}

/* ---- bits --------------------------------------------------------------------------------------- */

#define AROUND(middle)                                                                                       \
    "  - x = embed(token, W[vocab, 22] \"embed\", name = \"e\")\n"                                           \
    "  - s = linear(x, W[5, 22] \"gate\", name = \"g\")\n"                                                   \
    "  - r = router(s, top_k = 1, scoring = \"softmax_topk\", name = \"r\")\n" middle                        \
    "  - x = linear(x, W[vocab, 30] \"head\", name = \"h\")\n"

static void take_weights(rg_model *to, const rg_model *from) {
    for (size_t w = 0; w < to->graph.n_weights; w++) {
        const rg_graph_weight *g = &to->graph.weight[w];
        const size_t n = instance_elements(g), all = g->n_dims == 3 ? (size_t)g->shape[0] : 1;
        for (size_t i = 0; i < all; i++)
            memcpy(to->weight[w] + i * (n / all), instance_weight(from, "%s", g->name),
                   n / all * sizeof(float));
    }
}

/* Five experts with the same matrix are a linear operator, whatever the policy. */
static void alike(void **state) {
    (void)state;
    static const size_t length[] = {LONG, 30};
    static const char *const policies[] = {
        "w.m=int8(sym,tensor),a.m=mxfp6", "a.m=e4m3fn@sra(8),w.m=nvfp4",
        "rot.m=hadamard(8),w.m=mxfp4,a.m=int4",
        "dp.m=dot(a=e4m3fn,b=e4m3fn,n=8,align=20),w.m=e4m3fn(scale=row),a.m=e4m3fn(scale=row)@sra(8)"};
    rg_model one, many;
    instance_of_statements(&one, AROUND("  - x = linear(x, W[30, 22] \"m\", name = \"m\")\n"), VOCAB);
    instance_of_statements(&many,
                           AROUND("  - x = expert_linear(x, r, W[5, 30, 22] \"m\", name = \"m\")\n"
                                  "  - x = combine(x, r, name = \"c\")\n"),
                           VOCAB);
    take_weights(&many, &one);
    instance_result a = instance_run(&one, policies, 4, 2, length, 0, 2),
                    b = instance_run(&many, policies, 4, 2, length, 0, 2);
    instance_same(&a, &b, 0, 4);
    for (int v = 1; v < 4; v++)
        assert_memory_not_equal(a.logits[0], a.logits[v], a.rows * a.vocab * sizeof(float));
    instance_result_free(&a);
    instance_result_free(&b);
    instance_close(&one);
    instance_close(&many);
}

/* Policies that share a matrix but not the way it is multiplied give what each gives by itself. */
static void together(void **state) {
    (void)state;
    static const size_t length[] = {LONG, 30};
    static const char *const policies[] = {"w.m=int8(sym,tensor),a.m=int8(sym,row)", "w.m=int8(sym,tensor)",
                                           "w.m=int8(sym,tensor),a.m=mxfp6", "w.m=int8(sym,tensor),a.m=fp16"};
    rg_model m;
    instance_of_statements(&m,
                           AROUND("  - x = expert_linear(x, r, W[5, 30, 22] \"m\", name = \"m\")\n"
                                  "  - x = combine(x, r, name = \"c\")\n"),
                           VOCAB);
    instance_result all = instance_run(&m, policies, 4, 2, length, 0, 2);
    for (int v = 0; v < 4; v++) {
        instance_result alone = instance_run(&m, &policies[v], 1, 2, length, 0, 2);
        if (memcmp(all.logits[v], alone.logits[0], all.rows * all.vocab * sizeof(float)) != 0)
            fail_msg("%s: other bits beside other policies", policies[v]);
        instance_result_free(&alone);
    }
    instance_result_free(&all);
    instance_close(&m);
}

/* A rotation and a datapath of the same experts: neither would be left out silently. */
static void rotation_or_datapath(void **state) {
    (void)state;
    rg_model m;
    rg_policy policy;
    rg_error err = {0};
    exec_datapaths datapaths = {0};
    bool touched;
    instance_of_statements(&m,
                           AROUND("  - x = expert_linear(x, r, W[5, 30, 22] \"m\", name = \"m\")\n"
                                  "  - x = combine(x, r, name = \"c\")\n"),
                           VOCAB);
    exec_use *use = calloc(m.graph.n_nodes, sizeof *use);
    assert_int_equal(rg_policy_parse("rot.m=hadamard(8),w.m=e4m3fn(scale=row),a.m=e4m3fn(scale=row),"
                                     "dp.m=dot(a=e4m3fn,b=e4m3fn,n=8,align=20)",
                                     &policy, NULL),
                     RG_OK);
    assert_int_equal(exec_resolve(&m.graph, &policy, &datapaths, use, &touched, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "rot=hadamard(8) together with dp=dot("));
    assert_string_equal(err.where, "policy, operator m");
    exec_datapaths_close(&datapaths);
    free(use);
    instance_close(&m);
}

/* A policy on weights is the model whose matrices were quantized beforehand, each expert's by itself. */
static void weights_beforehand(void **state) {
    (void)state;
    static const size_t length[] = {LONG};
    static const char *const policy[] = {"fp32", "w.m=int4(sym,tensor)"};
    rg_model m;
    rg_quant q;
    instance_of_statements(&m,
                           AROUND("  - x = expert_linear(x, r, W[5, 30, 22] \"m\", name = \"m\")\n"
                                  "  - x = combine(x, r, name = \"c\")\n"),
                           VOCAB);
    instance_result a = instance_run(&m, policy, 2, 2, length, 0, 1);
    assert_int_equal(rg_quant_parse("int4(sym,tensor)", &q, NULL), RG_OK);
    float *w = (float *)(uintptr_t)instance_weight(&m, "m");
    for (size_t e = 0; e < 5; e++) {
        float copy[30 * 22];
        memcpy(copy, w + e * 30 * 22, sizeof copy);
        rg_qdq(&q, copy, w + e * 30 * 22, 30, 22, false, NULL);
    }
    instance_result b = instance_run(&m, policy, 1, 1, length, 0, 1);
    assert_memory_equal(a.logits[1], b.logits[0], a.rows * a.vocab * sizeof(float));
    assert_memory_not_equal(a.logits[0], b.logits[0], a.rows * a.vocab * sizeof(float));
    instance_result_free(&a);
    instance_result_free(&b);
    instance_close(&m);
}

/* ---- checkpoints -------------------------------------------------------------------------------- */

static rg_status load(const rg_graph *g, const folder_tensor *t, size_t n, rg_model *out, rg_error *err) {
    char path[] = "experts-XXXXXX.safetensors";
    rg_tensor_file *file;
    const int fd = mkstemps(path, 12);
    assert_true(fd >= 0);
    close(fd);
    folder_write(path, t, n, "F32");
    *out = (rg_model){.graph = *g};
    rg_status status = rg_tensor_file_open(&file, path, err);
    if (status == RG_OK) {
        status = load_weights(out, NULL, file, err);
        rg_tensor_file_close(file);
    }
    remove(path);
    return status;
}

/* One tensor for each expert, and one of three dimensions, each matrix transposed. */
static void checkpoints(void **state) {
    (void)state;
    enum { E = 5, OUT = 30, IN = 22 };
    static float turned[E * IN * OUT];
    static const float nothing[1];
    rg_model m, back;
    rg_error err = {0};
    folder_tensor t[16];
    size_t n = 0, up = 0, down = 0;
    instance_of_statements(
        &m,
        AROUND("  - x = expert_linear(x, r, W[5, 30, 22] \"a.experts.*.up.weight\")\n"
               "  - x = expert_linear(x, r, W[5, 22, 30] \"down\", stored = \"transposed\", name = \"d\")\n"
               "  - x = expert_linear(x, r, W[5, 30, 22] \"last\", name = \"l\")\n"
               "  - x = combine(x, r, name = \"c\")\n"),
        VOCAB);
    for (size_t w = 0; w < m.graph.n_weights; w++) {
        const rg_graph_weight *g = &m.graph.weight[w];
        folder_tensor one = {.data = m.weight[w], .n = instance_elements(g)};
        snprintf(one.name, sizeof one.name, "%s", g->name);
        snprintf(one.shape, sizeof one.shape, g->n_dims == 2 ? "%d,%d" : "%d,%d,%d", (int)g->shape[0],
                 (int)g->shape[1], (int)g->shape[2]);
        if (strcmp(g->name, "down") == 0) {
            down = w;
            for (size_t i = 0; i < E * IN * OUT; i++) /* [e][in][out] of [e][out][in], here 22 and 30 */
                turned[i] = m.weight[w][i / (IN * OUT) * (IN * OUT) + i % IN * OUT + i / IN % OUT];
            one.data = turned;
            snprintf(one.shape, sizeof one.shape, "5,30,22");
        }
        if (!strchr(g->name, '*')) {
            t[n++] = one;
            continue;
        }
        up = w;
        for (int e = 0; e < E; e++) {
            t[n] = (folder_tensor){.shape = "30,22", .data = m.weight[w] + e * OUT * IN, .n = OUT * IN};
            snprintf(t[n++].name, sizeof t->name, "a.experts.%d.up.weight", e);
        }
    }
    assert_string_equal(m.graph.node[3].name, "a.experts.up");
    if (load(&m.graph, t, n, &back, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    for (size_t w = 0; w < m.graph.n_weights; w++)
        assert_memory_equal(m.weight[w], back.weight[w],
                            instance_elements(&m.graph.weight[w]) * sizeof(float));
    assert_true(up != down);
    load_weights_free(&back);
    for (size_t i = 0; i < n; i++) { /* without one of them */
        const folder_tensor kept = t[i];
        t[i] = (folder_tensor){.shape = "1", .data = nothing, .n = 1};
        snprintf(t[i].name, sizeof t->name, "%.100s_blocks", kept.name);
        const rg_status status = load(&m.graph, t, n, &back, &err);
        assert_int_equal(status, RG_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, kept.name));
        load_weights_free(&back);
        snprintf(t[i].name, sizeof t->name, "other");
        assert_int_equal(load(&m.graph, t, n, &back, &err), RG_ERR_MISMATCH);
        assert_non_null(strstr(err.message, kept.name));
        load_weights_free(&back);
        t[i] = kept;
    }
    instance_close(&m);
}

/* Experts as MXFP4 codes and scales, made by the definition, come back as it decodes them. */
static void coded(void **state) {
    (void)state;
    enum { E = 5, OUT = 30, IN = 64, N = E * OUT * IN };
    static float codes[N / 2], scales[N / 32], want[N];
    static uint8_t code[N], scale[N / 32];
    rg_model m, back;
    rg_quant q;
    rg_error err = {0};
    folder_tensor t[16];
    size_t n = 0, blocks = 0, weight = 0;
    instance_of_statements(
        &m,
        AROUND("  - x = linear(x, W[64, 22] \"wide\", name = \"w\")\n"
               "  - x = expert_linear(x, r, W[5, 30, 64] \"coded\", stored = \"transposed\", "
               "name = \"d\")\n"
               "  - x = combine(x, r, name = \"c\")\n"),
        VOCAB);
    for (size_t w = 0; w < m.graph.n_weights; w++) {
        const rg_graph_weight *g = &m.graph.weight[w];
        if (strcmp(g->name, "coded") == 0) {
            weight = w;
            continue;
        }
        t[n] = (folder_tensor){.data = m.weight[w], .n = instance_elements(g)};
        snprintf(t[n].name, sizeof t->name, "%s", g->name);
        snprintf(t[n++].shape, sizeof t->shape, g->n_dims == 1 ? "%d" : "%d,%d", (int)g->shape[0],
                 (int)g->shape[1]);
    }
    assert_int_equal(rg_quant_parse("mxfp4", &q, NULL), RG_OK);
    rg_encode(&q, m.weight[weight], code, scale, E * OUT, IN, false, NULL);
    rg_decode(&q.format, code, scale, want, E * OUT, IN, false);
    for (size_t i = 0; i < N / 2; i++) codes[i] = (float)(code[2 * i] | code[2 * i + 1] << 4);
    for (size_t i = 0; i < N / 32; i++) scales[i] = scale[i];
    blocks = n;
    t[n++] = (folder_tensor){"coded_blocks", "5,30,2,16", codes, N / 2, true};
    t[n++] = (folder_tensor){"coded_scales", "5,30,2", scales, N / 32, true};
    if (load(&m.graph, t, n, &back, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    assert_memory_equal(want, back.weight[weight], sizeof want);
    load_weights_free(&back);
    snprintf(t[blocks].shape, sizeof t->shape, "5,30,32");
    assert_int_equal(load(&m.graph, t, n, &back, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "coded_blocks"));
    load_weights_free(&back);
    snprintf(t[blocks].shape, sizeof t->shape, "5,30,2,16");
    assert_int_equal(load(&m.graph, t, n - 1, &back, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "coded_blocks"));
    load_weights_free(&back);
    scales[7] = 255; /* NaN */
    assert_int_equal(load(&m.graph, t, n, &back, &err), RG_ERR_PARSE);
    load_weights_free(&back);
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(mixtral),
                                       cmocka_unit_test(qwen3_moe),
                                       cmocka_unit_test(ways_of_routing),
                                       cmocka_unit_test(alike),
                                       cmocka_unit_test(together),
                                       cmocka_unit_test(rotation_or_datapath),
                                       cmocka_unit_test(weights_beforehand),
                                       cmocka_unit_test(checkpoints),
                                       cmocka_unit_test(coded)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
