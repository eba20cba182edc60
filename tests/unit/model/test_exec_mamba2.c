/* Mamba-2 against a forward pass in double written from its definition, in both forms of its configs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/instance.h"

/* Odd sizes; the convolution reaches beyond short windows. */
typedef struct sizes {
    int vocab, d, layers, heads, hd, state, groups, kernel, normed;
    bool bias;
    double dt_min, dt_max, eps;
    const char *table;
} sizes;

static const char original_config[] =
    "{\"model_type\": \"mamba2\", \"vocab_size\": 91, \"pad_vocab_size_multiple\": 8, \"d_model\": 30,"
    "\"n_layer\": 2, \"ssm_cfg\": {\"layer\": \"Mamba2\", \"d_state\": 19, \"d_conv\": 4, \"expand\": 2,"
    "\"headdim\": 10, \"ngroups\": 2, \"chunk_size\": 16}, \"rms_norm\": true, \"tie_embeddings\": true}";
static const sizes original = {96, 30, 2, 6, 10, 19, 2, 4, 2, false, 0, 1e30, 1e-5, "embedding"};

static const char transformers_config[] =
    "{\"model_type\": \"mamba2\", \"vocab_size\": 53, \"hidden_size\": 35, \"num_hidden_layers\": 1,"
    "\"num_heads\": 2, \"head_dim\": 70, \"state_size\": 20, \"n_groups\": 1, \"conv_kernel\": 5,"
    "\"expand\": 4, \"use_bias\": true, \"use_conv_bias\": true, \"layer_norm_epsilon\": 1e-3,"
    "\"tie_word_embeddings\": false, \"time_step_limit\": [0.3, 0.9], \"hidden_act\": \"silu\"}";
static const sizes transformers = {53, 35, 1, 2, 70, 20, 1, 5, 1, true, 0.3, 0.9, 1e-3, "embeddings"};

static const sizes *size;

/* ---- the oracle -------------------------------------------------------------------------------- */

enum { LONGEST = 120, WIDEST = 700 };

static void norm(double *x, int n, int run, const float *gain) {
    for (int g = 0; g < n; g += run) {
        double squares = 0;
        for (int i = g; i < g + run; i++) squares += x[i] * x[i];
        for (int i = g; i < g + run; i++) x[i] *= gain[i] / sqrt(squares / run + size->eps);
    }
}

static void product(const double *x, const float *w, const float *bias, int n, int k, double *y) {
    for (int i = 0; i < n; i++) {
        y[i] = bias ? bias[i] : 0;
        for (int j = 0; j < k; j++) y[i] += x[j] * w[i * k + j];
    }
}

static double silu(double x) {
    return x / (1 + exp(-x));
}

/* One block on the residual stream x[length][d]. */
static void block_of(const rg_model *m, int layer, size_t length, double (*x)[WIDEST]) {
    static double p[LONGEST][WIDEST], mixed[WIDEST], state[WIDEST][WIDEST], y[WIDEST];
    const int inner = size->heads * size->hd, gn = size->groups * size->state, width = inner + 2 * gn;
#define LAYER(name) instance_weight(m, "backbone.layers.%d." name, layer)
    const float *A_log = LAYER("mixer.A_log"), *D = LAYER("mixer.D"), *dt_bias = LAYER("mixer.dt_bias");
    const float *tap = LAYER("mixer.conv1d.weight"), *tap_bias = LAYER("mixer.conv1d.bias");
    memset(state, 0, sizeof state);
    for (size_t t = 0; t < length; t++) {
        memcpy(y, x[t], sizeof y);
        norm(y, size->d, size->d, LAYER("norm.weight"));
        product(y, LAYER("mixer.in_proj.weight"), size->bias ? LAYER("mixer.in_proj.bias") : NULL,
                inner + width + size->heads, size->d, p[t]);
        for (int c = 0; c < width; c++) {
            double sum = tap_bias[c];
            for (int k = 0; k < size->kernel; k++) {
                const int from = (int)t - size->kernel + 1 + k;
                if (from >= 0) sum += tap[c * size->kernel + k] * p[from][inner + c];
            }
            mixed[c] = silu(sum);
        }
        for (int h = 0; h < size->heads; h++) {
            const double *B = mixed + inner + h / (size->heads / size->groups) * size->state, *C = B + gn;
            const double raw = log1p(exp(p[t][inner + width + h] + dt_bias[h])),
                         dt = fmin(fmax(raw, size->dt_min), size->dt_max), keep = exp(-dt * exp(A_log[h]));
            for (int i = h * size->hd; i < (h + 1) * size->hd; i++) {
                y[i] = D[h] * mixed[i];
                for (int s = 0; s < size->state; s++) {
                    state[i][s] = keep * state[i][s] + dt * mixed[i] * B[s];
                    y[i] += state[i][s] * C[s];
                }
            }
        }
        for (int i = 0; i < inner; i++) y[i] *= silu(p[t][i]);
        norm(y, inner, inner / size->normed, LAYER("mixer.norm.weight"));
        product(y, LAYER("mixer.out_proj.weight"), size->bias ? LAYER("mixer.out_proj.bias") : NULL, size->d,
                inner, mixed);
        for (int i = 0; i < size->d; i++) x[t][i] += mixed[i];
    }
}

static void oracle(const rg_model *m, const int32_t *token, size_t length, double *logits) {
    static double x[LONGEST][WIDEST];
    const float *table = instance_weight(m, "backbone.%s.weight", size->table), *head = table;
    if (size == &transformers) head = instance_weight(m, "lm_head.weight");
    for (size_t t = 0; t < length; t++)
        for (int i = 0; i < size->d; i++) x[t][i] = table[token[t] * size->d + i];
    for (int layer = 0; layer < size->layers; layer++) block_of(m, layer, length, x);
    for (size_t t = 0; t < length; t++) {
        norm(x[t], size->d, size->d, instance_weight(m, "backbone.norm_f.weight"));
        product(x[t], head, NULL, size->vocab, size->d, logits + t * (size_t)size->vocab);
    }
}

/* ---- tests -------------------------------------------------------------------------------------- */

/* Time steps and decays of all sizes: from a state that forgets at once to one that keeps everything. */
static void open_model(rg_model *m, const sizes *of) {
    size = of;
    instance_of_config(m, of == &original ? original_config : transformers_config);
    instance_fill(m, "A_log", 0, 1);
    instance_fill(m, "dt_bias", -3, 2);
    instance_fill(m, "conv1d.weight", 0, 0.7);
}

static const size_t lengths[] = {50, LONGEST, 1, 3};

static void right(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        rg_model m;
        open_model(&m, i ? &transformers : &original);
        assert_int_equal(m.graph.vocab_size, size->vocab);
        instance_check_right(&m, oracle, lengths, 4, 1e-5);
        instance_close(&m);
    }
}

static void same_bits(void **state) {
    (void)state;
    static const char *const policies[] = {"fp32", "w=mxfp4", "w=int8,a=e4m3fn", "a=int8"};
    for (int i = 0; i < 2; i++) {
        rg_model m;
        open_model(&m, i ? &transformers : &original);
        instance_check_bits(&m, policies, 4, lengths, 4);
        instance_close(&m);
    }
}

static void counts(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        rg_model m;
        open_model(&m, i ? &transformers : &original);
        const rg_graph_totals t = rg_graph_total(&m.graph, 100);
        const int inner = size->heads * size->hd, width = inner + 2 * size->groups * size->state,
                  projected = inner + width + size->heads;
        for (size_t length = 1; length < LONGEST; length += 58) instance_check_counts(&m, length);
        assert_true(t.kv_bytes_per_token == 0);
        assert_true(t.state_bytes_per_sequence ==
                    size->layers * (2.0 * (size->kernel - 1) * width + 4.0 * inner * size->state));
        assert_true(t.decode_flop_per_token ==
                    2.0 * size->d * size->vocab +
                        size->layers * (2.0 * size->d * (projected + inner) + 4.0 * inner * size->state));
        instance_close(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right), cmocka_unit_test(same_bits),
                                       cmocka_unit_test(counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
