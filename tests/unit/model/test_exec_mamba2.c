/* Mamba-2 against a forward pass in double written from its definition, in both forms of its configs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/oracle_mamba2.h"

/* Odd sizes; the convolution reaches beyond short windows. */
typedef struct sizes {
    size_t vocab, layers;
    const char *table;
    oracle_mamba2 mixer;
} sizes;

static const char original_config[] =
    "{\"model_type\": \"mamba2\", \"vocab_size\": 91, \"pad_vocab_size_multiple\": 8, \"d_model\": 30,"
    "\"n_layer\": 2, \"ssm_cfg\": {\"layer\": \"Mamba2\", \"d_state\": 19, \"d_conv\": 4, \"expand\": 2,"
    "\"headdim\": 10, \"ngroups\": 2, \"chunk_size\": 16}, \"rms_norm\": true, \"tie_embeddings\": true}";
static const sizes original = {96, 2, "embedding", {30, 6, 10, 19, 2, 4, 2, 1e-5, 0, 1e30, false}};

static const char transformers_config[] =
    "{\"model_type\": \"mamba2\", \"vocab_size\": 53, \"hidden_size\": 35, \"num_hidden_layers\": 1,"
    "\"num_heads\": 2, \"head_dim\": 70, \"state_size\": 20, \"n_groups\": 1, \"conv_kernel\": 5,"
    "\"expand\": 4, \"use_bias\": true, \"use_conv_bias\": true, \"layer_norm_epsilon\": 1e-3,"
    "\"tie_word_embeddings\": false, \"time_step_limit\": [0.3, 0.9], \"hidden_act\": \"silu\"}";
static const sizes transformers = {53, 1, "embeddings", {35, 2, 70, 20, 1, 5, 1, 1e-3, 0.3, 0.9, true}};

static const sizes *size;

enum { LONGEST = 120, WIDEST = 64 };

static void oracle(const rg_model *m, const int32_t *token, size_t length, double *logits) {
    static double x[LONGEST * WIDEST], h[LONGEST * WIDEST], y[LONGEST * WIDEST];
    const oracle_mamba2 *o = &size->mixer;
    const float *table = instance_weight(m, "backbone.%s.weight", size->table), *head = table;
    if (size == &transformers) head = instance_weight(m, "lm_head.weight");
    oracle_embed(table, token, length, o->d, x);
    for (size_t layer = 0; layer < size->layers; layer++) {
        char prefix[64];
        snprintf(prefix, sizeof prefix, "backbone.layers.%zu.mixer", layer);
        oracle_rmsnorm(x, instance_weight(m, "backbone.layers.%zu.norm.weight", layer), o->eps, length, o->d,
                       h);
        oracle_mamba2_mixer(o, m, prefix, h, length, y);
        oracle_add(x, y, length * o->d);
    }
    oracle_rmsnorm(x, instance_weight(m, "backbone.norm_f.weight"), o->eps, length, o->d, h);
    oracle_linear(h, head, NULL, length, size->vocab, o->d, logits);
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
        const oracle_mamba2 *o = &size->mixer;
        const double inner = (double)(o->heads * o->head_dim),
                     width = inner + 2.0 * (double)(o->groups * o->state),
                     projected = inner + width + (double)o->heads, d = (double)o->d,
                     layers = (double)size->layers, state_of_head = (double)o->state;
        for (size_t length = 1; length < LONGEST; length += 58) instance_check_counts(&m, length);
        assert_true(t.kv_bytes_per_token == 0);
        assert_true(t.state_bytes_per_sequence ==
                    layers * (2 * ((double)o->kernel - 1) * width + 4 * inner * state_of_head));
        assert_true(t.decode_flop_per_token ==
                    2 * d * (double)size->vocab +
                        layers * (2 * d * (projected + inner) + 4 * inner * state_of_head));
        instance_close(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right), cmocka_unit_test(same_bits),
                                       cmocka_unit_test(counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
