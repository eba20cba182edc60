/* Qwen3-Next against a forward pass in double: gated deltanet, attention with an output gate and partly
   rotated heads, gains 1 + w, experts beside a shared one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

/* Odd sizes; layer 1 attends and has no experts. */
enum { VOCAB = 83, D = 26, F = 31, FE = 11, FS = 13, LAYERS = 3, HEADS = 4, KV = 2, HD = 12, ROTARY = 6 };
enum { KEY_HEADS = 2, V_HEADS = 6, DK = 24, DV = 14, KERNEL = 4, EXPERTS = 7, TOP = 3, LONG = 90 };
enum { KEYS = KEY_HEADS * DK, VALUES = V_HEADS * DV, GROUP = V_HEADS / KEY_HEADS, MIXED = 2 * KEYS + VALUES };
static const double eps = 1e-5;
static bool has_experts;

static void open_model(rg_model *m, bool experts) {
    char json[1024];
    has_experts = experts;
    snprintf(
        json, sizeof json,
        "{\"model_type\": \"qwen3_next\", \"vocab_size\": 83, \"hidden_size\": 26, \"intermediate_size\": 31,"
        "\"num_hidden_layers\": 3, \"num_attention_heads\": 4, \"num_key_value_heads\": 2, \"head_dim\": 12,"
        "\"partial_rotary_factor\": 0.5, \"rope_theta\": 300, \"rms_norm_eps\": 1e-5,"
        "\"full_attention_interval\": 2, \"linear_conv_kernel_dim\": 4, \"linear_key_head_dim\": 24,"
        "\"linear_value_head_dim\": 14, \"linear_num_key_heads\": 2, \"linear_num_value_heads\": 6,"
        "\"moe_intermediate_size\": 11, \"shared_expert_intermediate_size\": 13,"
        "\"num_experts_per_tok\": 3, \"num_experts\": %d, \"mlp_only_layers\": [1],"
        "\"max_position_embeddings\": 128}",
        experts ? EXPERTS : 0);
    instance_of_config(m, json);
    instance_fill(m, "norm.weight", 0, 0.3); /* gains are 1 + w, but not those of deltanet's own norm */
    instance_fill(m, "layernorm.weight", 0, 0.3);
    instance_fill(m, "linear_attn.norm.weight", 1, 0.3);
    instance_fill(m, "A_log", 0, 1);
    instance_fill(m, "dt_bias", -2, 2);
    instance_fill(m, "conv1d.weight", 0, 0.7);
}

/* ---- the oracle -------------------------------------------------------------------------------- */

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "model.layers.%zu.%s", layer, name);
}

/* Gains 1 + w. */
static void norm(const double *x, const float *w, size_t rows, size_t n, double *y) {
    float gain[64];
    for (size_t i = 0; i < n; i++) gain[i] = 1 + w[i];
    oracle_rmsnorm(x, gain, eps, rows, n, y);
}

static double sigmoid(double x) {
    return 1 / (1 + exp(-x));
}

static double frequency(size_t i, size_t r) {
    return pow(300, -2.0 * (double)i / (double)r);
}

static void attend(const rg_model *m, size_t l, const double *h, size_t n, double *out) {
    static double both[LONG * 2 * HEADS * HD], q[LONG * HEADS * HD], k[LONG * KV * HD], v[LONG * KV * HD],
        a[LONG * HEADS * HD];
    oracle_linear(h, weight(m, l, "self_attn.q_proj.weight"), NULL, n, (size_t)2 * HEADS * HD, D, both);
    oracle_linear(h, weight(m, l, "self_attn.k_proj.weight"), NULL, n, KV * HD, D, k);
    oracle_linear(h, weight(m, l, "self_attn.v_proj.weight"), NULL, n, KV * HD, D, v);
    for (size_t i = 0; i < n * HEADS; i++) memcpy(q + i * HD, both + i * 2 * HD, HD * sizeof *q);
    norm(q, weight(m, l, "self_attn.q_norm.weight"), n * HEADS, HD, q);
    norm(k, weight(m, l, "self_attn.k_norm.weight"), n * KV, HD, k);
    oracle_rope(q, n, HEADS, HD, 0, ROTARY, false, frequency, 1);
    oracle_rope(k, n, KV, HD, 0, ROTARY, false, frequency, 1);
    const oracle_attention kind = {HEADS, KV, HD, HD, 1 / sqrt(HD), 0, false, NULL};
    oracle_attend(&kind, n, q, k, v, a);
    for (size_t i = 0; i < n * HEADS * HD; i++) a[i] *= sigmoid(both[i / HD * 2 * HD + HD + i % HD]);
    oracle_linear(a, weight(m, l, "self_attn.o_proj.weight"), NULL, n, D, HEADS * HD, out);
}

/* x / sqrt(sum of squares + 1e-6), times `factor`. */
static void unit(const double *x, double factor, double *y) {
    double squares = 1e-6;
    for (int i = 0; i < DK; i++) squares += x[i] * x[i];
    for (int i = 0; i < DK; i++) y[i] = factor * x[i] / sqrt(squares);
}

/* One head over one window; a, b: its features of each token, z its gate. */
static void delta_head(const rg_model *m, size_t l, size_t h, size_t n, double (*mixed)[MIXED],
                       double (*a)[V_HEADS], double (*b)[V_HEADS], double *y) {
    double S[DK][DV] = {{0}}, q[DK], k[DK];
    for (size_t t = 0; t < n; t++) {
        const double *v = mixed[t] + 2 * KEYS + h * DV;
        const double keep = exp(-exp(weight(m, l, "linear_attn.A_log")[h]) *
                                log1p(exp(a[t][h] + weight(m, l, "linear_attn.dt_bias")[h])));
        unit(mixed[t] + h / GROUP * DK, 1 / sqrt(DK), q);
        unit(mixed[t] + KEYS + h / GROUP * DK, 1, k);
        for (int j = 0; j < DV; j++) {
            double seen = 0, *out = y + (t * V_HEADS + h) * DV + j;
            for (int i = 0; i < DK; i++) seen += keep * S[i][j] * k[i];
            *out = 0;
            for (int i = 0; i < DK; i++) {
                S[i][j] = keep * S[i][j] + k[i] * sigmoid(b[t][h]) * (v[j] - seen);
                *out += S[i][j] * q[i];
            }
        }
    }
}

static void delta_net(const rg_model *m, size_t l, const double *h, size_t n, double *out) {
    enum { RUN = 2 * DK + 2 * GROUP * DV };
    static double p[LONG][KEY_HEADS][RUN], s[LONG][KEY_HEADS][2 * GROUP], raw[LONG][MIXED],
        mixed[LONG][MIXED], a[LONG][V_HEADS], b[LONG][V_HEADS], z[LONG][VALUES], y[LONG * VALUES];
    oracle_linear(h, weight(m, l, "linear_attn.in_proj_qkvz.weight"), NULL, n, KEY_HEADS * RUN, D, p[0][0]);
    oracle_linear(h, weight(m, l, "linear_attn.in_proj_ba.weight"), NULL, n, 2 * V_HEADS, D, s[0][0]);
    for (size_t t = 0; t < n; t++)
        for (size_t g = 0; g < KEY_HEADS; g++) {
            memcpy(raw[t] + g * DK, p[t][g], DK * sizeof(double));
            memcpy(raw[t] + KEYS + g * DK, p[t][g] + DK, DK * sizeof(double));
            memcpy(raw[t] + 2 * KEYS + g * GROUP * DV, p[t][g] + 2 * DK, GROUP * DV * sizeof(double));
            memcpy(z[t] + g * GROUP * DV, p[t][g] + 2 * DK + GROUP * DV, GROUP * DV * sizeof(double));
            memcpy(b[t] + g * GROUP, s[t][g], GROUP * sizeof(double));
            memcpy(a[t] + g * GROUP, s[t][g] + GROUP, GROUP * sizeof(double));
        }
    const float *tap = weight(m, l, "linear_attn.conv1d.weight");
    for (size_t t = 0; t < n; t++)
        for (size_t c = 0; c < MIXED; c++) {
            double sum = 0;
            for (size_t k = 0; k < KERNEL; k++)
                if (t + k + 1 >= KERNEL) sum += tap[c * KERNEL + k] * raw[t + k + 1 - KERNEL][c];
            mixed[t][c] = oracle_silu(sum);
        }
    for (size_t head = 0; head < V_HEADS; head++) delta_head(m, l, head, n, mixed, a, b, y);
    oracle_rmsnorm(y, weight(m, l, "linear_attn.norm.weight"), eps, n * V_HEADS, DV, y);
    for (size_t i = 0; i < n * VALUES; i++) y[i] *= oracle_silu(z[i / VALUES][i % VALUES]);
    oracle_linear(y, weight(m, l, "linear_attn.out_proj.weight"), NULL, n, D, VALUES, out);
}

static void experts(const rg_model *m, size_t l, const double *h, double *out) {
    double p[EXPERTS], sum = 0, shared;
    int order[EXPERTS];
    oracle_linear(h, weight(m, l, "mlp.gate.weight"), NULL, 1, EXPERTS, D, p);
    for (int e = 0; e < EXPERTS; e++) { /* highest first */
        int at = e;
        for (; at > 0 && p[order[at - 1]] < p[e]; at--) order[at] = order[at - 1];
        order[at] = e;
    }
    for (int i = 0; i < TOP; i++) sum += exp(p[order[i]]);
    for (int i = 0; i < TOP; i++) {
        const size_t e = (size_t)order[i];
        oracle_swiglu(h, weight(m, l, "mlp.experts.*.gate_proj.weight") + e * FE * D,
                      weight(m, l, "mlp.experts.*.up_proj.weight") + e * FE * D,
                      weight(m, l, "mlp.experts.*.down_proj.weight") + e * D * FE, D, FE, exp(p[e]) / sum,
                      out);
    }
    oracle_linear(h, weight(m, l, "mlp.shared_expert_gate.weight"), NULL, 1, 1, D, &shared);
    oracle_swiglu(h, weight(m, l, "mlp.shared_expert.gate_proj.weight"),
                  weight(m, l, "mlp.shared_expert.up_proj.weight"),
                  weight(m, l, "mlp.shared_expert.down_proj.weight"), D, FS, sigmoid(shared), out);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], y[LONG * D];
    oracle_embed(instance_weight(m, "model.embed_tokens.weight"), token, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        norm(x, weight(m, l, "input_layernorm.weight"), n, D, h);
        (l == 1 ? attend : delta_net)(m, l, h, n, y);
        oracle_add(x, y, n * D);
        norm(x, weight(m, l, "post_attention_layernorm.weight"), n, D, h);
        for (size_t t = 0; t < n; t++)
            if (has_experts && l != 1)
                experts(m, l, h + t * D, x + t * D);
            else
                oracle_swiglu(h + t * D, weight(m, l, "mlp.gate_proj.weight"),
                              weight(m, l, "mlp.up_proj.weight"), weight(m, l, "mlp.down_proj.weight"), D, F,
                              1, x + t * D);
    }
    norm(x, instance_weight(m, "model.norm.weight"), n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

/* ---- tests -------------------------------------------------------------------------------------- */

static const size_t lengths[] = {40, LONG, 1, 3};
static const char *const policies[] = {"fp32", "w=mxfp4", "w=int8,a=e4m3fn", "kv=int4"};

static void hold(bool with_experts) {
    rg_model m;
    open_model(&m, with_experts);
    instance_check_right(&m, oracle, lengths, 4, 1e-5);
    instance_check_bits(&m, policies, 4, lengths, 4);
    for (size_t length = 1; length <= LONG; length += 44) instance_check_counts(&m, length);
    const rg_graph_totals t = rg_graph_total(&m.graph, 100);
    assert_true(t.kv_bytes_per_token == 2.0 * 2 * KV * HD);
    assert_true(t.state_bytes_per_sequence == 2.0 * (4 * DK * VALUES + 2 * (KERNEL - 1) * MIXED));
    instance_close(&m);
}

static void without_experts(void **state) {
    (void)state;
    hold(false);
}

static void with_experts(void **state) {
    (void)state;
    hold(true);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_experts), cmocka_unit_test(with_experts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
