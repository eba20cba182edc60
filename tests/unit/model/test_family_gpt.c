/* GPT-2 and GPT-NeoX against a forward pass in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

enum { VOCAB = 101, D = 42, F = 53, LAYERS = 2, HEADS = 3, HD = 14, LONG = 61 };
static const double eps = 1e-5;
static struct {
    double (*activation)(double);
    bool parallel, tied;
    size_t rotary;
} is;

/* A linear operator with its bias, by the name before ".weight". */
static void linear(const rg_model *m, const char *layer, const char *name, const double *x, size_t n,
                   size_t out, size_t in, double *y) {
    oracle_linear(x, instance_weight(m, "%s.%s.weight", layer, name),
                  instance_weight(m, "%s.%s.bias", layer, name), n, out, in, y);
}

static void layernorm(const rg_model *m, const char *layer, const char *name, const double *x, size_t n,
                      double *y) {
    oracle_layernorm(x, instance_weight(m, "%s.%s.weight", layer, name),
                     instance_weight(m, "%s.%s.bias", layer, name), eps, n, D, y);
}

static double q[LONG * D], k[LONG * D], v[LONG * D], qkv[LONG * 3 * D], inner[LONG * F];

static void attend(size_t n, double *y) {
    const oracle_attention kind = {HEADS, HEADS, HD, HD, 1 / sqrt(HD), 0, false, NULL};
    oracle_attend(&kind, n, q, k, v, y);
}

static void gpt2_oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], a[LONG * D];
    const float *positions = instance_weight(m, "transformer.wpe.weight");
    oracle_embed(instance_weight(m, "transformer.wte.weight"), token, n, D, x);
    for (size_t i = 0; i < n * D; i++) x[i] += (double)positions[i];
    for (size_t l = 0; l < LAYERS; l++) {
        char layer[32];
        snprintf(layer, sizeof layer, "transformer.h.%zu", l);
        layernorm(m, layer, "ln_1", x, n, h);
        linear(m, layer, "attn.c_attn", h, n, 3 * D, D, qkv);
        for (size_t t = 0; t < n; t++)
            for (size_t i = 0; i < D; i++) {
                q[t * D + i] = qkv[t * 3 * D + i];
                k[t * D + i] = qkv[t * 3 * D + D + i];
                v[t * D + i] = qkv[t * 3 * D + 2 * D + i];
            }
        attend(n, a);
        linear(m, layer, "attn.c_proj", a, n, D, D, h);
        oracle_add(x, h, n * D);
        layernorm(m, layer, "ln_2", x, n, h);
        linear(m, layer, "mlp.c_fc", h, n, F, D, inner);
        oracle_map(is.activation, inner, n * F);
        linear(m, layer, "mlp.c_proj", inner, n, D, F, h);
        oracle_add(x, h, n * D);
    }
    layernorm(m, "transformer", "ln_f", x, n, h);
    oracle_linear(h, instance_weight(m, is.tied ? "transformer.wte.weight" : "lm_head.weight"), NULL, n,
                  VOCAB, D, logits);
}

static double frequency(size_t i, size_t r) {
    return pow(700, -2.0 * (double)i / (double)r);
}

static void neox_oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], a[LONG * D], o[LONG * D];
    oracle_embed(instance_weight(m, "gpt_neox.embed_in.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        char layer[32];
        snprintf(layer, sizeof layer, "gpt_neox.layers.%zu", l);
        layernorm(m, layer, "input_layernorm", x, n, h);
        linear(m, layer, "attention.query_key_value", h, n, 3 * D, D, qkv);
        for (size_t t = 0; t < n * HEADS; t++) /* [heads][3][head_dim] */
            for (size_t i = 0; i < HD; i++) {
                q[t * HD + i] = qkv[t * 3 * HD + i];
                k[t * HD + i] = qkv[t * 3 * HD + HD + i];
                v[t * HD + i] = qkv[t * 3 * HD + 2 * HD + i];
            }
        oracle_rope(q, n, HEADS, HD, 0, is.rotary, false, frequency, 1);
        oracle_rope(k, n, HEADS, HD, 0, is.rotary, false, frequency, 1);
        attend(n, a);
        linear(m, layer, "attention.dense", a, n, D, D, o);
        oracle_add(o, x, n * D);
        layernorm(m, layer, "post_attention_layernorm", is.parallel ? x : o, n, h);
        linear(m, layer, "mlp.dense_h_to_4h", h, n, F, D, inner);
        oracle_map(is.activation, inner, n * F);
        linear(m, layer, "mlp.dense_4h_to_h", inner, n, D, F, x);
        oracle_add(x, o, n * D);
    }
    layernorm(m, "gpt_neox", "final_layer_norm", x, n, h);
    oracle_linear(h, instance_weight(m, "embed_out.weight"), NULL, n, VOCAB, D, logits);
}

static void check(const char *config, instance_oracle *oracle, bool bits) {
    static const size_t length[] = {50, LONG, 1, 17}, few[] = {53, 17};
    static const char *const policies[] = {"fp32", "w=mxfp4,a=int8,kv=e4m3fn,w.embed=int8"};
    rg_model m;
    instance_of_config(&m, config);
    instance_check_right(&m, oracle, length, 4, 1e-5);
    if (bits) instance_check_bits(&m, policies, 2, few, 2);
    instance_check_counts(&m, LONG);
    instance_close(&m);
}

#define GPT2                                                                                                 \
    "\"model_type\": \"gpt2\", \"n_embd\": 42, \"n_head\": 3, \"n_layer\": 2, \"n_inner\": 53,"              \
    "\"vocab_size\": 101, \"n_positions\": 61"

static void gpt2(void **state) {
    (void)state;
    is = (typeof(is)){.activation = oracle_gelu_tanh, .tied = true};
    check("{\"activation_function\": \"gelu_new\", " GPT2 "}", gpt2_oracle, true);
    is = (typeof(is)){.activation = oracle_gelu};
    check("{\"activation_function\": \"gelu\", \"tie_word_embeddings\": false, " GPT2 "}", gpt2_oracle,
          false);
}

#define NEOX                                                                                                 \
    "\"model_type\": \"gpt_neox\", \"hidden_size\": 42, \"num_attention_heads\": 3,"                         \
    "\"num_hidden_layers\": 2, \"intermediate_size\": 53, \"vocab_size\": 101, \"rotary_emb_base\": 700,"    \
    "\"max_position_embeddings\": 64"

static void gpt_neox(void **state) {
    (void)state;
    is = (typeof(is)){.activation = oracle_gelu, .parallel = true, .rotary = 4};
    check("{\"rotary_pct\": 0.29, " NEOX "}", neox_oracle, true); /* int(14 x 0.29) = 4 */
    is = (typeof(is)){.activation = oracle_gelu_tanh, .rotary = 14};
    check("{\"rotary_pct\": 1.0, \"use_parallel_residual\": false, \"hidden_act\": \"gelu_new\", " NEOX "}",
          neox_oracle, false);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(gpt2), cmocka_unit_test(gpt_neox)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
