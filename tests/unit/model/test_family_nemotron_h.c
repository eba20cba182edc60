/* Nemotron-H against a forward pass in double: blocks of Mamba-2, of attention without positions, of MLPs
   with squared ReLU, and of experts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/oracle_mamba2.h"

enum { VOCAB = 71, D = 28, F = 45, A = 6, KV = 2, HD = 8, EXPERTS = 8, TOP = 3, FE = 17, FS = 21, LONG = 80 };
static const double eps = 1e-5;
static const oracle_mamba2 mixer = {D, 4, 9, 11, 2, 4, 2, 1e-5, 0, 1e30, false};
static const char *pattern;

static void open_model(rg_model *m, const char *blocks) {
    char json[1024];
    pattern = blocks;
    snprintf(
        json, sizeof json,
        "{\"model_type\": \"nemotron_h\", \"vocab_size\": 71, \"hidden_size\": 28, \"intermediate_size\": 45,"
        "\"hybrid_override_pattern\": \"%s\", \"num_attention_heads\": 6, \"num_key_value_heads\": 2,"
        "\"head_dim\": 8, \"mamba_num_heads\": 4, \"mamba_head_dim\": 9, \"ssm_state_size\": 11,"
        "\"n_groups\": 2, \"conv_kernel\": 4, \"layer_norm_epsilon\": 1e-5, \"n_routed_experts\": 8,"
        "\"num_experts_per_tok\": 3, \"moe_intermediate_size\": 17, \"n_group\": 4, \"topk_group\": 2,"
        "\"moe_shared_expert_intermediate_size\": 21, \"routed_scaling_factor\": 2.5,"
        "\"time_step_limit\": [0.0, Infinity], \"max_position_embeddings\": 128}",
        blocks);
    instance_of_config(m, json);
    instance_fill(m, "A_log", 0, 1);
    instance_fill(m, "dt_bias", -3, 2);
    instance_fill(m, "conv1d.weight", 0, 0.7);
}

/* ---- the oracle -------------------------------------------------------------------------------- */

static const float *weight(const rg_model *m, size_t layer, const char *name) {
    return instance_weight(m, "backbone.layers.%zu.%s", layer, name);
}

static double relu2(double x) {
    return x > 0 ? x * x : 0;
}

/* One token, added to out times `share`. */
static void mlp(const double *h, const float *up, const float *down, size_t f, double share, double *out) {
    double u[64], y[D];
    oracle_linear(h, up, NULL, 1, f, D, u);
    oracle_map(relu2, u, f);
    oracle_linear(u, down, NULL, 1, D, f, y);
    for (size_t i = 0; i < D; i++) out[i] += share * y[i];
}

static void attend(const rg_model *m, size_t l, const double *h, size_t n, double *out) {
    static double q[LONG * A * HD], k[LONG * KV * HD], v[LONG * KV * HD], a[LONG * A * HD];
    oracle_linear(h, weight(m, l, "mixer.q_proj.weight"), NULL, n, A * HD, D, q);
    oracle_linear(h, weight(m, l, "mixer.k_proj.weight"), NULL, n, KV * HD, D, k);
    oracle_linear(h, weight(m, l, "mixer.v_proj.weight"), NULL, n, KV * HD, D, v);
    const oracle_attention kind = {A, KV, HD, HD, 1 / sqrt(HD), 0, false, NULL};
    oracle_attend(&kind, n, q, k, v, a);
    oracle_linear(a, weight(m, l, "mixer.o_proj.weight"), NULL, n, D, A * HD, out);
}

/* Index of the largest of n that is not taken, the first of equals. */
static int largest(const double *x, const bool *taken, int n) {
    int best = -1;
    for (int i = 0; i < n; i++)
        if (!taken[i] && (best < 0 || x[i] > x[best])) best = i;
    return best;
}

/* Groups of two: of four, the two whose sums are highest; among theirs the experts. */
static void experts(const rg_model *m, size_t l, const double *h, double *out) {
    double p[EXPERTS], biased[EXPERTS], group[4], sum = 0;
    bool group_taken[4] = {false}, taken[EXPERTS];
    int chosen[TOP];
    oracle_linear(h, weight(m, l, "mixer.gate.weight"), NULL, 1, EXPERTS, D, p);
    for (int e = 0; e < EXPERTS; e++) {
        p[e] = 1 / (1 + exp(-p[e]));
        biased[e] = p[e] + (double)weight(m, l, "mixer.gate.e_score_correction_bias")[e];
        taken[e] = true;
    }
    for (int g = 0; g < 4; g++) group[g] = biased[2 * g] + biased[2 * g + 1];
    for (int i = 0; i < 2; i++) {
        const int g = largest(group, group_taken, 4);
        group_taken[g] = true;
        taken[2 * g] = taken[2 * g + 1] = false;
    }
    for (int i = 0; i < TOP; i++) {
        chosen[i] = largest(biased, taken, EXPERTS);
        taken[chosen[i]] = true;
        sum += p[chosen[i]];
    }
    for (int i = 0; i < TOP; i++) {
        const size_t e = (size_t)chosen[i];
        mlp(h, weight(m, l, "mixer.experts.*.up_proj.weight") + e * FE * D,
            weight(m, l, "mixer.experts.*.down_proj.weight") + e * D * FE, FE, 2.5 * p[e] / sum, out);
    }
    mlp(h, weight(m, l, "mixer.shared_experts.up_proj.weight"),
        weight(m, l, "mixer.shared_experts.down_proj.weight"), FS, 1, out);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double x[LONG * D], h[LONG * D], y[LONG * D];
    oracle_embed(instance_weight(m, "backbone.embeddings.weight"), token, n, D, x);
    for (size_t l = 0; pattern[l]; l++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "backbone.layers.%zu.mixer", l);
        oracle_rmsnorm(x, weight(m, l, "norm.weight"), eps, n, D, h);
        memset(y, 0, sizeof y);
        if (pattern[l] == 'M') oracle_mamba2_mixer(&mixer, m, prefix, h, n, y);
        if (pattern[l] == '*') attend(m, l, h, n, y);
        for (size_t t = 0; t < n; t++) {
            if (pattern[l] == '-')
                mlp(h + t * D, weight(m, l, "mixer.up_proj.weight"), weight(m, l, "mixer.down_proj.weight"),
                    F, 1, y + t * D);
            if (pattern[l] == 'E') experts(m, l, h + t * D, y + t * D);
        }
        oracle_add(x, y, n * D);
    }
    oracle_rmsnorm(x, instance_weight(m, "backbone.norm_f.weight"), eps, n, D, h);
    oracle_linear(h, instance_weight(m, "lm_head.weight"), NULL, n, VOCAB, D, logits);
}

/* ---- tests -------------------------------------------------------------------------------------- */

static void hold(const char *blocks) {
    static const size_t lengths[] = {40, LONG, 1, 3};
    static const char *const policies[] = {"fp32", "w=mxfp4", "w=int8,a=e4m3fn", "kv=int4"};
    rg_model m;
    open_model(&m, blocks);
    instance_check_right(&m, oracle, lengths, 4, 1e-5);
    instance_check_bits(&m, policies, 4, lengths, 4);
    for (size_t length = 1; length <= LONG; length += 39) instance_check_counts(&m, length);
    instance_close(&m);
}

static void dense(void **state) {
    (void)state;
    hold("M-*-M");
}

static void with_experts(void **state) {
    (void)state;
    hold("ME*E");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(dense), cmocka_unit_test(with_experts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
