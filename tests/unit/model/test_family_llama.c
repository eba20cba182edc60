/* Mistral, Qwen2 and Qwen3 against a forward pass in double: windows, biases, norms of heads, scaled
   rotations. Llama itself: test_exec.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

/* Odd sizes on purpose; three query heads to a key head, a head_dim of its own. */
enum { VOCAB = 101, D = 22, F = 37, LAYERS = 3, HEADS = 6, KV = 2, HD = 10, LONG = 70 };
#define SIZES                                                                                                \
    "\"vocab_size\": 101, \"hidden_size\": 22, \"intermediate_size\": 37, \"num_hidden_layers\": 3,"         \
    "\"num_attention_heads\": 6, \"num_key_value_heads\": 2, \"head_dim\": 10, \"rope_theta\": 500,"         \
    "\"rms_norm_eps\": 1e-5, \"hidden_act\": \"silu\", \"max_position_embeddings\": 128"

static const double eps = 1e-5;
static struct {
    bool bias, head_norm;
    size_t window[LAYERS];
    double (*frequency)(size_t i, size_t r);
    double length;
} is;

static double plain(size_t i, size_t r) {
    return pow(500, -2.0 * (double)i / (double)r);
}
/* factor 4, original_max_position 32, beta 32 and 1: the bounds are 10 ln(32 / (2 pi 32)) / (2 ln 500) < 0
   and 10 ln(32 / (2 pi)) / (2 ln 500) = 1.3 -> 2. */
static double yarn(size_t i, size_t r) {
    const double t = i >= 2 ? 1 : (double)i / 2;
    return plain(i, r) * (t / 4 + 1 - t);
}
static double linear(size_t i, size_t r) {
    return plain(i, r) / 2.5;
}

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "model.layers.%zu.%s", layer, name);
}

static void project(const rg_model *m, size_t l, const char *name, const double *x, size_t n, size_t heads,
                    double *y) {
    char text[64];
    snprintf(text, sizeof text, "self_attn.%s_proj.bias", name);
    const float *bias = is.bias ? weight(m, l, text) : NULL;
    snprintf(text, sizeof text, "self_attn.%s_proj.weight", name);
    oracle_linear(x, weight(m, l, text), bias, n, heads * HD, D, y);
    if (*name == 'v') return;
    snprintf(text, sizeof text, "self_attn.%s_norm.weight", name);
    if (is.head_norm) oracle_rmsnorm(y, weight(m, l, text), eps, n * heads, HD, y);
    oracle_rope(y, n, heads, HD, 0, HD, false, is.frequency, is.length);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], q[LONG * HEADS * HD], k[LONG * KV * HD], v[LONG * KV * HD],
        a[LONG * HEADS * HD], gate[LONG * F], up[LONG * F];
    oracle_embed(instance_weight(m, "model.embed_tokens.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        oracle_rmsnorm(x, weight(m, l, "input_layernorm.weight"), eps, n, D, h);
        project(m, l, "q", h, n, HEADS, q);
        project(m, l, "k", h, n, KV, k);
        project(m, l, "v", h, n, KV, v);
        const oracle_attention kind = {HEADS, KV, HD, HD, 1 / sqrt(HD), is.window[l], false, NULL};
        oracle_attend(&kind, n, q, k, v, a);
        oracle_linear(a, weight(m, l, "self_attn.o_proj.weight"), NULL, n, D, HEADS * HD, h);
        oracle_add(x, h, n * D);
        oracle_rmsnorm(x, weight(m, l, "post_attention_layernorm.weight"), eps, n, D, h);
        oracle_linear(h, weight(m, l, "mlp.gate_proj.weight"), NULL, n, F, D, gate);
        oracle_linear(h, weight(m, l, "mlp.up_proj.weight"), NULL, n, F, D, up);
        for (size_t i = 0; i < n * F; i++) gate[i] = oracle_silu(gate[i]) * up[i];
        oracle_linear(gate, weight(m, l, "mlp.down_proj.weight"), NULL, n, D, F, h);
        oracle_add(x, h, n * D);
    }
    oracle_rmsnorm(x, instance_weight(m, "model.norm.weight"), eps, n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

static void check(const char *config, bool bits) {
    static const size_t length[] = {50, LONG, 1, 17}, few[] = {53, 17};
    static const char *const policies[] = {"fp32", "w=mxfp4,a=int8,kv=int8,s=bf16,p=e4m3fn"};
    rg_model m;
    instance_of_config(&m, config);
    instance_check_right(&m, oracle, length, 4, 1e-5);
    if (bits) instance_check_bits(&m, policies, 2, few, 2);
    instance_check_counts(&m, LONG);
    instance_check_counts(&m, 7); /* shorter than the window */
    instance_close(&m);
}

static void mistral(void **state) {
    (void)state;
    is = (typeof(is)){.frequency = plain, .length = 1, .window = {9, 9, 9}};
    check("{\"model_type\": \"mistral\", \"sliding_window\": 9, " SIZES "}", true);
    is.window[0] = is.window[1] = is.window[2] = 0;
    check("{\"model_type\": \"mistral\", \"sliding_window\": null, " SIZES "}", false);
}

static void qwen2(void **state) {
    (void)state;
    is = (typeof(is)){.bias = true, .frequency = plain, .length = 1};
    check("{\"model_type\": \"qwen2\", \"use_sliding_window\": false, \"sliding_window\": 33,"
          "\"tie_word_embeddings\": true, " SIZES "}",
          false);
    is.window[1] = is.window[2] = 33;
    check("{\"model_type\": \"qwen2\", \"use_sliding_window\": true, \"sliding_window\": 33,"
          "\"max_window_layers\": 1, " SIZES "}",
          true);
    is.window[1] = 0;
    check("{\"model_type\": \"qwen2\", \"use_sliding_window\": true, \"sliding_window\": 33, \"layer_types\":"
          "[\"full_attention\", \"full_attention\", \"sliding_attention\"], " SIZES "}",
          false);
}

static void scalings(void **state) {
    (void)state;
    is = (typeof(is)){.bias = true, .frequency = yarn, .length = 0.1 * log(4) + 1};
    check("{\"model_type\": \"qwen2\", \"rope_scaling\": {\"type\": \"yarn\", \"factor\": 4.0,"
          "\"original_max_position_embeddings\": 32}, " SIZES "}",
          false);
    is.frequency = linear, is.length = 1;
    check("{\"model_type\": \"qwen2\", \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 2.5}, " SIZES
          "}",
          false);
}

static void qwen3(void **state) {
    (void)state;
    is = (typeof(is)){.head_norm = true, .frequency = plain, .length = 1};
    check("{\"model_type\": \"qwen3\", " SIZES "}", false);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(mistral), cmocka_unit_test(qwen2),
                                       cmocka_unit_test(scalings), cmocka_unit_test(qwen3)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
