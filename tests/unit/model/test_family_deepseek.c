/* DeepSeek V2 and V3 against a forward pass in double: latent attention in its three forms, scaled rotations,
   groups of experts, shared experts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

/* Odd sizes on purpose. */
enum { VOCAB = 101, D = 22, F = 37, FE = 13, LAYERS = 3, HEADS = 3, NOPE = 5, ROPE = 4, HV = 7 };
enum { RANK = 9, Q_RANK = 11, SHARED = 2, LONG = 60, HD = NOPE + ROPE };
#define SIZES                                                                                                \
    "\"vocab_size\": 101, \"hidden_size\": 22, \"intermediate_size\": 37, \"moe_intermediate_size\": 13,"    \
    "\"num_hidden_layers\": 3, \"num_attention_heads\": 3, \"qk_nope_head_dim\": 5, \"qk_rope_head_dim\": "  \
    "4,"                                                                                                     \
    "\"v_head_dim\": 7, \"kv_lora_rank\": 9, \"n_routed_experts\": 12, \"n_shared_experts\": 2,"             \
    "\"rope_theta\": 500, \"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 128"
#define YARN                                                                                                 \
    "\"rope_scaling\": {\"type\": \"yarn\", \"factor\": 8, \"beta_fast\": 32, \"beta_slow\": 1, "            \
    "\"mscale\": 0.6,"                                                                                       \
    "\"mscale_all_dim\": 0.9, \"original_max_position_embeddings\": 32}"

static const double eps = 1e-5, inner_eps = 1e-6;
static struct {
    oracle_router router;
    bool low_rank_q, interleaved;
    size_t dense; /* first layers without experts */
    double (*frequency)(size_t i, size_t r);
    double length, scale;
} is;

static double plain(size_t i, size_t r) {
    return pow(500, -2.0 * (double)i / (double)r);
}
/* The bounds are 4 ln(32 / (2 pi 32)) / (2 ln 500) < 0 and 4 ln(32 / (2 pi)) / (2 ln 500) = 0.52 -> 1. */
static double yarn(size_t i, size_t r) {
    const double t = i >= 1 ? 1 : 0;
    return plain(i, r) * (t / 8 + 1 - t);
}

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "model.layers.%zu.%s", layer, name);
}

static void attention(const rg_model *m, size_t l, const double *h, size_t n, double *y) {
    static double q[LONG * HEADS * HD], low[LONG * Q_RANK], both[LONG * (RANK + ROPE)], c[LONG * RANK],
        pe[LONG * ROPE], kv[LONG * HEADS * (NOPE + HV)], k[LONG * HEADS * HD], v[LONG * HEADS * HV],
        a[LONG * HEADS * HV], normed[LONG * RANK];
    if (is.low_rank_q) {
        static double r[LONG * Q_RANK];
        oracle_linear(h, weight(m, l, "self_attn.q_a_proj.weight"), NULL, n, Q_RANK, D, r);
        oracle_rmsnorm(r, weight(m, l, "self_attn.q_a_layernorm.weight"), inner_eps, n, Q_RANK, low);
        oracle_linear(low, weight(m, l, "self_attn.q_b_proj.weight"), NULL, n, HEADS * HD, Q_RANK, q);
    } else {
        oracle_linear(h, weight(m, l, "self_attn.q_proj.weight"), NULL, n, HEADS * HD, D, q);
    }
    oracle_linear(h, weight(m, l, "self_attn.kv_a_proj_with_mqa.weight"), NULL, n, RANK + ROPE, D, both);
    for (size_t t = 0; t < n; t++) {
        memcpy(c + t * RANK, both + t * (RANK + ROPE), RANK * sizeof *c);
        memcpy(pe + t * ROPE, both + t * (RANK + ROPE) + RANK, ROPE * sizeof *pe);
    }
    oracle_rmsnorm(c, weight(m, l, "self_attn.kv_a_layernorm.weight"), inner_eps, n, RANK, normed);
    oracle_linear(normed, weight(m, l, "self_attn.kv_b_proj.weight"), NULL, n, HEADS * (NOPE + HV), RANK, kv);
    oracle_rope(q, n, HEADS, HD, NOPE, ROPE, is.interleaved, is.frequency, is.length);
    oracle_rope(pe, n, 1, ROPE, 0, ROPE, is.interleaved, is.frequency, is.length);
    for (size_t i = 0; i < n * HEADS; i++) {
        memcpy(k + i * HD, kv + i * (NOPE + HV), NOPE * sizeof *k);
        memcpy(k + i * HD + NOPE, pe + i / HEADS * ROPE, ROPE * sizeof *k);
        memcpy(v + i * HV, kv + i * (NOPE + HV) + NOPE, HV * sizeof *v);
    }
    const oracle_attention kind = {HEADS, HEADS, HD, HV, is.scale, 0, false, NULL};
    oracle_attend(&kind, n, q, k, v, a);
    oracle_linear(a, weight(m, l, "self_attn.o_proj.weight"), NULL, n, D, HEADS * HV, y);
}

static void feed_forward(const rg_model *m, size_t l, const double *x, double *y) {
    double logit[64], share[64];
    size_t number[64];
    if (l < is.dense) {
        oracle_swiglu(x, weight(m, l, "mlp.gate_proj.weight"), weight(m, l, "mlp.up_proj.weight"),
                      weight(m, l, "mlp.down_proj.weight"), D, F, 1, y);
        return;
    }
    oracle_linear(x, weight(m, l, "mlp.gate.weight"), NULL, 1, is.router.experts, D, logit);
    oracle_router router = is.router;
    if (router.scoring == ORACLE_SIGMOID)
        router.correction = weight(m, l, "mlp.gate.e_score_correction_bias");
    assert_true(oracle_route(&router, logit, number, share) > 1e-5);
    const size_t size = FE * D;
    for (size_t s = 0; s < router.top_k; s++)
        oracle_swiglu(x, weight(m, l, "mlp.experts.*.gate_proj.weight") + number[s] * size,
                      weight(m, l, "mlp.experts.*.up_proj.weight") + number[s] * size,
                      weight(m, l, "mlp.experts.*.down_proj.weight") + number[s] * size, D, FE, share[s], y);
    oracle_swiglu(x, weight(m, l, "mlp.shared_experts.gate_proj.weight"),
                  weight(m, l, "mlp.shared_experts.up_proj.weight"),
                  weight(m, l, "mlp.shared_experts.down_proj.weight"), D, SHARED * FE, 1, y);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], y[LONG * D];
    oracle_embed(instance_weight(m, "model.embed_tokens.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        oracle_rmsnorm(x, weight(m, l, "input_layernorm.weight"), eps, n, D, h);
        attention(m, l, h, n, y);
        oracle_add(x, y, n * D);
        oracle_rmsnorm(x, weight(m, l, "post_attention_layernorm.weight"), eps, n, D, h);
        for (size_t t = 0; t < n; t++) feed_forward(m, l, h + t * D, x + t * D);
    }
    oracle_rmsnorm(x, instance_weight(m, "model.norm.weight"), eps, n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

static void set_form(rg_model *m, rg_mla_form form) {
    for (size_t i = 0; i < m->graph.n_nodes; i++)
        if (m->graph.node[i].op == RG_OP_MLA) m->graph.node[i].form = form;
}

static void check(const char *config, bool bits) {
    static const size_t length[] = {50, LONG, 1, 17}, few[] = {53, 17};
    static const char *const policies[] = {
        "fp32", "w=mxfp4,a=int8,k=e4m3fn@sra(8),v=int4,q=bf16,s=bf16,p=e4m3fn", "kv=int4,window=3,sinks=1"};
    rg_model m;
    instance_of_config(&m, config);
    instance_fill(&m, "kv_b_proj.weight", 0, 0.12);
    for (int form = RG_MLA_PLAIN; form <= RG_MLA_LATENT; form++) {
        set_form(&m, (rg_mla_form)form);
        instance_check_right(&m, oracle, length, 4, 1e-5);
        if (bits) instance_check_bits(&m, policies, 3, few, 2);
        instance_check_counts(&m, LONG);
        instance_check_counts(&m, 7);
    }
    instance_close(&m);
}

static void v3(void **state) {
    (void)state;
    const double all = 0.1 * 0.9 * log(8) + 1;
    is = (typeof(is)){.router = {12, 3, ORACLE_SIGMOID, 4, 2, true, true, 2.5, NULL},
                      .low_rank_q = true,
                      .interleaved = true,
                      .dense = 1,
                      .frequency = yarn,
                      .length = (0.1 * 0.6 * log(8) + 1) / all,
                      .scale = all * all / sqrt(HD)};
#define V3                                                                                                   \
    "{\"model_type\": \"deepseek_v3\", \"q_lora_rank\": 11, \"num_experts_per_tok\": 3, \"n_group\": 4,"     \
    "\"topk_group\": 2, \"first_k_dense_replace\": 1, " SIZES
    check(V3 ", " YARN "}", true);
    is.interleaved = is.router.normalize = false;
    is.frequency = plain, is.length = 1, is.scale = 1 / sqrt(HD);
    check(V3 ", \"rope_interleave\": false, \"norm_topk_prob\": false}", false);
}

static void v2(void **state) {
    (void)state;
    const double all = 0.1 * 0.9 * log(8) + 1;
    is = (typeof(is)){.router = {12, 3, ORACLE_SOFTMAX, 4, 2, .scale = 4},
                      .interleaved = true,
                      .frequency = yarn,
                      .length = (0.1 * 0.6 * log(8) + 1) / all,
                      .scale = all * all / sqrt(HD)};
#define V2                                                                                                   \
    "{\"model_type\": \"deepseek_v2\", \"num_experts_per_tok\": 3, " SIZES ", \"routed_scaling_factor\": "   \
    "4.0"
    check(V2 ", \"q_lora_rank\": null, \"topk_method\": \"group_limited_greedy\", \"n_group\": 4, "
             "\"topk_group\": 2, " YARN "}",
          false);
    is.router.n_group = 0;
    is.low_rank_q = true;
    check(V2 ", \"q_lora_rank\": 11, \"n_group\": 1, " YARN "}", false);
}

/* The forms compute the same in other orders: near, and not to the bit. */
static void forms_agree(void **state) {
    (void)state;
    static const size_t length[] = {LONG};
    static const char *const policies[] = {"fp32", "v=e4m3fn,k=e4m3fn"};
    rg_model m;
    instance_result of[3];
    instance_of_config(&m, V3 ", " YARN "}");
    for (int form = 0; form < 3; form++) {
        set_form(&m, (rg_mla_form)form);
        of[form] = instance_run(&m, policies, 2, 2, length, 0, 1);
    }
    double squares = 0, off = 0, quantized = 0;
    for (size_t i = 0; i < of[0].rows * of[0].vocab; i++) {
        squares += pow((double)of[0].logits[0][i], 2);
        off = fmax(off, fabs((double)of[0].logits[0][i] - (double)of[1].logits[0][i]));
        /* what the cache holds is the same in ABSORBED and LATENT, not in PLAIN */
        quantized = fmax(quantized, fabs((double)of[1].logits[1][i] - (double)of[2].logits[1][i]));
    }
    const double bound = 1e-5 * sqrt(squares / (double)(of[0].rows * of[0].vocab));
    if (!(off < bound && quantized < 2 * bound)) fail_msg("off by %g and %g of %g", off, quantized, bound);
    assert_memory_equal(of[0].logits[0], of[2].logits[0], of[0].rows * of[0].vocab * sizeof(float));
    assert_memory_not_equal(of[0].logits[0], of[1].logits[0], of[0].rows * of[0].vocab * sizeof(float));
    assert_memory_not_equal(of[0].logits[1], of[2].logits[1], of[0].rows * of[0].vocab * sizeof(float));
    for (int form = 0; form < 3; form++) instance_result_free(&of[form]);
    instance_close(&m);
}

/* A cache that keeps the latent vector is one whose latent vector was rounded where it is made. */
static void cache_of_latents(void **state) {
    (void)state;
    static const size_t length[] = {LONG};
    static const char *const policies[] = {"fp32", "v=e4m3fn,k=bf16",
                                           "o.kv_a_layernorm=e4m3fn,o.rope_k=bf16"};
    rg_model m;
    instance_of_config(&m, V3 ", " YARN "}");
    for (int form = RG_MLA_ABSORBED; form <= RG_MLA_LATENT; form++) {
        set_form(&m, (rg_mla_form)form);
        instance_result r = instance_run(&m, policies, 3, 2, length, 0, 1);
        assert_memory_equal(r.logits[1], r.logits[2], r.rows * r.vocab * sizeof(float));
        assert_memory_not_equal(r.logits[0], r.logits[1], r.rows * r.vocab * sizeof(float));
        instance_result_free(&r);
    }
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(v3), cmocka_unit_test(v2),
                                       cmocka_unit_test(forms_agree), cmocka_unit_test(cache_of_latents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
