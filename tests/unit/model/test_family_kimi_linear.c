/* Blocks of Kimi delta attention and of experts against a forward pass in double; the blocks of latent
   attention between them are those of other families. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

enum { VOCAB = 61, D = 25, F = 33, LAYERS = 2, HEADS = 2, HD = 22, INNER = HEADS * HD, KERNEL = 4 };
enum { EXPERTS = 6, TOP = 2, FE = 15, SHARED = 2, LONG = 70 };
static const double eps = 1e-5;

static const char config[] =
    "{\"model_type\": \"kimi_linear\", \"vocab_size\": 61, \"hidden_size\": 25, \"intermediate_size\": 33,"
    "\"num_hidden_layers\": 2, \"first_k_dense_replace\": 1, \"num_attention_heads\": 2, \"kv_lora_rank\": 8,"
    "\"qk_nope_head_dim\": 8, \"qk_rope_head_dim\": 4, \"v_head_dim\": 8, \"mla_use_nope\": true,"
    "\"linear_attn_config\": {\"num_heads\": 2, \"head_dim\": 22, \"short_conv_kernel_size\": 4,"
    "\"kda_layers\": [1, 2], \"full_attn_layers\": []}, \"num_experts\": 6, \"num_experts_per_token\": 2,"
    "\"num_shared_experts\": 2, \"moe_intermediate_size\": 15, \"moe_router_activation_func\": \"sigmoid\","
    "\"routed_scaling_factor\": 2.4, \"rms_norm_eps\": 1e-5, \"tie_word_embeddings\": false}";

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "model.layers.%zu.%s", layer, name);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

/* y[n][INNER]: projection, convolution, silu. */
static void mixed(const rg_model *m, size_t l, const char *name, const double *h, size_t n, double *y) {
    static double p[LONG * INNER];
    char text[64];
    snprintf(text, sizeof text, "self_attn.%s_proj.weight", name);
    oracle_linear(h, weight(m, l, text), NULL, n, INNER, D, p);
    snprintf(text, sizeof text, "self_attn.%s_conv1d.weight", name);
    const float *tap = weight(m, l, text);
    for (size_t t = 0; t < n; t++)
        for (size_t c = 0; c < INNER; c++) {
            double sum = 0;
            for (size_t k = 0; k < KERNEL; k++)
                if (t + k + 1 >= KERNEL)
                    sum += (double)tap[c * KERNEL + k] * p[(t + k + 1 - KERNEL) * INNER + c];
            y[t * INNER + c] = oracle_silu(sum);
        }
}

/* Two projections through a narrow middle. */
static void low_rank(const rg_model *m, size_t l, const char *name, const double *h, size_t n, double *y) {
    static double middle[LONG * HD];
    char text[64];
    snprintf(text, sizeof text, "self_attn.%s_a_proj.weight", name);
    oracle_linear(h, weight(m, l, text), NULL, n, HD, D, middle);
    snprintf(text, sizeof text, "self_attn.%s_b_proj.weight", name);
    oracle_linear(middle, weight(m, l, text), NULL, n, INNER, HD, y);
}

static void unit(double *x, double factor) {
    double squares = 1e-6;
    for (int i = 0; i < HD; i++) squares += x[i] * x[i];
    for (int i = 0; i < HD; i++) x[i] *= factor / sqrt(squares);
}

static void attend(const rg_model *m, size_t l, const double *h, size_t n, double *out) {
    static double q[LONG * INNER], k[LONG * INNER], v[LONG * INNER], g[LONG * INNER], z[LONG * INNER],
        b[LONG * HEADS], y[LONG * INNER], S[HEADS][HD][HD];
    mixed(m, l, "q", h, n, q), mixed(m, l, "k", h, n, k), mixed(m, l, "v", h, n, v);
    low_rank(m, l, "f", h, n, g), low_rank(m, l, "g", h, n, z);
    oracle_linear(h, weight(m, l, "self_attn.b_proj.weight"), NULL, n, HEADS, D, b);
    memset(S, 0, sizeof S);
    for (size_t t = 0; t < n; t++)
        for (size_t head = 0; head < HEADS; head++) {
            const size_t at = t * INNER + head * HD;
            unit(q + at, 1 / sqrt(HD)), unit(k + at, 1);
            for (size_t i = 0; i < HD; i++) {
                const double bias = (double)weight(m, l, "self_attn.dt_bias")[head * HD + i];
                const double keep =
                    exp(-exp((double)weight(m, l, "self_attn.A_log")[head]) * log1p(exp(g[at + i] + bias)));
                for (size_t j = 0; j < HD; j++) S[head][i][j] *= keep;
            }
            for (size_t j = 0; j < HD; j++) {
                double seen = 0;
                y[at + j] = 0;
                for (size_t i = 0; i < HD; i++) seen += S[head][i][j] * k[at + i];
                for (size_t i = 0; i < HD; i++) {
                    S[head][i][j] += sigmoid(b[t * HEADS + head]) * k[at + i] * (v[at + j] - seen);
                    y[at + j] += S[head][i][j] * q[at + i];
                }
            }
        }
    oracle_rmsnorm(y, weight(m, l, "self_attn.o_norm.weight"), eps, n * HEADS, HD, y);
    for (size_t i = 0; i < n * INNER; i++) y[i] *= sigmoid(z[i]);
    oracle_linear(y, weight(m, l, "self_attn.o_proj.weight"), NULL, n, D, INNER, out);
}

static void experts(const rg_model *m, size_t l, const double *h, double *out) {
#define MOE(name) weight(m, l, "block_sparse_moe." name)
    double p[EXPERTS], sum = 0;
    bool taken[EXPERTS] = {false};
    oracle_linear(h, MOE("gate.weight"), NULL, 1, EXPERTS, D, p);
    for (int i = 0; i < TOP; i++) {
        int best = -1;
        const float *bias = MOE("gate.e_score_correction_bias");
        for (int e = 0; e < EXPERTS; e++)
            if (!taken[e] &&
                (best < 0 || sigmoid(p[e]) + (double)bias[e] > sigmoid(p[best]) + (double)bias[best]))
                best = e;
        taken[best] = true;
        sum += sigmoid(p[best]);
    }
    for (size_t e = 0; e < EXPERTS; e++)
        if (taken[e])
            oracle_swiglu(h, MOE("experts.*.w1.weight") + e * FE * D, MOE("experts.*.w3.weight") + e * FE * D,
                          MOE("experts.*.w2.weight") + e * D * FE, D, FE, 2.4 * sigmoid(p[e]) / sum, out);
    oracle_swiglu(h, MOE("shared_experts.gate_proj.weight"), MOE("shared_experts.up_proj.weight"),
                  MOE("shared_experts.down_proj.weight"), D, SHARED * FE, 1, out);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], y[LONG * D];
    oracle_embed(instance_weight(m, "model.embed_tokens.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        oracle_rmsnorm(x, weight(m, l, "input_layernorm.weight"), eps, n, D, h);
        attend(m, l, h, n, y);
        oracle_add(x, y, n * D);
        oracle_rmsnorm(x, weight(m, l, "post_attention_layernorm.weight"), eps, n, D, h);
        for (size_t t = 0; t < n; t++)
            if (l)
                experts(m, l, h + t * D, x + t * D);
            else
                oracle_swiglu(h + t * D, weight(m, l, "mlp.gate_proj.weight"),
                              weight(m, l, "mlp.up_proj.weight"), weight(m, l, "mlp.down_proj.weight"), D, F,
                              1, x + t * D);
    }
    oracle_rmsnorm(x, instance_weight(m, "model.norm.weight"), eps, n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

static void holds(void **state) {
    (void)state;
    static const size_t lengths[] = {40, LONG, 1, 3};
    static const char *const policies[] = {"fp32", "w=mxfp4", "w=int8,a=e4m3fn"};
    rg_model m;
    instance_of_config(&m, config);
    instance_fill(&m, "A_log", 0, 1);
    instance_fill(&m, "dt_bias", -2, 2);
    instance_fill(&m, "conv1d.weight", 0, 0.7);
    instance_check_right(&m, oracle, lengths, 4, 1e-5);
    instance_check_bits(&m, policies, 3, lengths, 4);
    for (size_t length = 1; length <= LONG; length += 23) instance_check_counts(&m, length);
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
