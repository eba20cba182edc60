/* gpt-oss against a forward pass in double: sinks, windows by layer, scaled rotations, clamped experts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

enum { VOCAB = 67, D = 22, F = 13, LAYERS = 3, HEADS = 6, KV = 2, HD = 10, E = 5, TOP = 2, LONG = 60 };
static const double eps = 1e-5;

/* theta 300, factor 8, original 100, beta 2 and 0.5, not rounded. */
static double frequency(size_t i, size_t r) {
    const double low = (double)r * log(100 / (4 * M_PI)) / (2 * log(300)),
                 high = (double)r * log(100 / M_PI) / (2 * log(300)),
                 t = fmin(fmax(((double)i - low) / (high - low), 0), 1);
    return pow(300, -2.0 * (double)i / (double)r) * (t / 8 + 1 - t);
}

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "model.layers.%zu.%s", layer, name);
}

static void project(const rg_model *m, size_t l, const char *name, const double *x, size_t n, size_t out,
                    size_t in, double *y) {
    char w[64], b[64];
    snprintf(w, sizeof w, "%s.weight", name);
    snprintf(b, sizeof b, "%s.bias", name);
    oracle_linear(x, weight(m, l, w), weight(m, l, b), n, out, in, y);
}

/* One token: the TOP largest scores, their softmax, the experts one after the other. */
static void mixture(const rg_model *m, size_t l, const double *x, double *y) {
    const float *up = weight(m, l, "mlp.experts.gate_up_proj"),
                *up_bias = weight(m, l, "mlp.experts.gate_up_proj_bias"),
                *down = weight(m, l, "mlp.experts.down_proj"),
                *down_bias = weight(m, l, "mlp.experts.down_proj_bias");
    double score[E], sum = 0;
    bool chosen[E] = {false};
    project(m, l, "mlp.router", x, 1, E, D, score);
    for (size_t s = 0; s < TOP; s++) {
        size_t best = E;
        for (size_t e = 0; e < E; e++)
            if (!chosen[e] && (best == E || score[e] > score[best])) best = e;
        chosen[best] = true;
        sum += exp(score[best]);
    }
    memset(y, 0, D * sizeof *y);
    for (size_t e = 0; e < E; e++) {
        double both[2 * F], inner[F], out[D];
        if (!chosen[e]) continue;
        oracle_linear(x, up + e * 2 * F * D, up_bias + e * 2 * F, 1, 2 * F, D, both);
        for (size_t i = 0; i < F; i++) {
            const double g = fmin(both[2 * i], 0.9), u = fmax(fmin(both[2 * i + 1], 0.9), -0.9);
            inner[i] = (u + 1) * g / (1 + exp(-1.702 * g));
        }
        oracle_linear(inner, down + e * D * F, down_bias + e * D, 1, D, F, out);
        for (size_t i = 0; i < D; i++) y[i] += exp(score[e]) / sum * out[i];
    }
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], q[LONG * HEADS * HD], k[LONG * KV * HD], v[LONG * KV * HD],
        a[LONG * HEADS * HD];
    const double length = 0.1 * log(8) + 1;
    oracle_embed(instance_weight(m, "model.embed_tokens.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        oracle_rmsnorm(x, weight(m, l, "input_layernorm.weight"), eps, n, D, h);
        project(m, l, "self_attn.q_proj", h, n, HEADS * HD, D, q);
        project(m, l, "self_attn.k_proj", h, n, KV * HD, D, k);
        project(m, l, "self_attn.v_proj", h, n, KV * HD, D, v);
        oracle_rope(q, n, HEADS, HD, 0, HD, false, frequency, length);
        oracle_rope(k, n, KV, HD, 0, HD, false, frequency, length);
        const oracle_attention kind = {
            HEADS, KV, HD, HD, 1 / sqrt(HD), l == 1 ? 0 : 7, false, weight(m, l, "self_attn.sinks")};
        oracle_attend(&kind, n, q, k, v, a);
        project(m, l, "self_attn.o_proj", a, n, D, HEADS * HD, h);
        oracle_add(x, h, n * D);
        oracle_rmsnorm(x, weight(m, l, "post_attention_layernorm.weight"), eps, n, D, h);
        for (size_t t = 0; t < n; t++) mixture(m, l, h + t * D, a + t * D);
        oracle_add(x, a, n * D);
    }
    oracle_rmsnorm(x, instance_weight(m, "model.norm.weight"), eps, n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

static void right(void **state) {
    (void)state;
    static const size_t length[] = {50, LONG, 1, 17}, few[] = {33, 17};
    static const char *const policies[] = {"fp32", "w=mxfp4,a=int8,kv=e4m3fn"};
    rg_model m;
    instance_of_config(
        &m,
        "{\"model_type\": \"gpt_oss\", \"vocab_size\": 67, \"hidden_size\": 22, \"intermediate_size\": 13,"
        "\"num_hidden_layers\": 3, \"num_attention_heads\": 6, \"num_key_value_heads\": 2,"
        "\"head_dim\": 10, \"num_local_experts\": 5, \"num_experts_per_tok\": 2, \"sliding_window\": 7,"
        "\"rope_theta\": 300, \"swiglu_limit\": 0.9, \"max_position_embeddings\": 800,"
        "\"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 8.0, \"beta_fast\": 2.0,"
        "\"beta_slow\": 0.5, \"original_max_position_embeddings\": 100, \"truncate\": false}}");
    instance_check_right(&m, oracle, length, 4, 1e-5);
    instance_check_bits(&m, policies, 2, few, 2);
    instance_check_counts(&m, LONG);
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
