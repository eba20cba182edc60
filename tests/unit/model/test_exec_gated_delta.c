/* The gated delta rule, one token after the other and in chunks, against its definition in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/instance.h"

enum {
    VOCAB = 29,
    D = 40,
    HEADS = 6,
    KEY_HEADS = 3,
    DK = 20,
    DV = 33,
    KEYS = KEY_HEADS * DK,
    VALUES = HEADS * DV
};

/* form: after `eps = ..`; decays: features of a. */
static void open_model(rg_model *m, const char *form, int decays) {
    char text[2048];
    snprintf(
        text, sizeof text,
        "  - x = embed(token, W[vocab, 40] \"embed.weight\")\n"
        "  - q = linear(x, W[60, 40] \"q.weight\")\n"
        "  - k = linear(x, W[60, 40] \"k.weight\")\n"
        "  - v = linear(x, W[198, 40] \"v.weight\")\n"
        "  - a = linear(x, W[%d, 40] \"a.weight\")\n"
        "  - b = linear(x, W[6, 40] \"b.weight\")\n"
        "  - y = gated_delta(q, k, v, a, b, A_log = W[6] \"A_log\", dt_bias = W[%d] \"dt_bias\",\n"
        "      heads = 6, key_heads = 3, head_dim = 20, v_head_dim = 33, eps = 0.01, name = \"delta\"%s)\n"
        "  - x = linear(y, W[vocab, 198] \"head.weight\")\n",
        decays, decays, form);
    instance_of_statements(m, text, VOCAB);
    instance_fill(m, "A_log", 0, 1.5); /* some heads forget at once, some nearly never */
    instance_fill(m, "dt_bias", -4, 3);
}

/* ---- the oracle -------------------------------------------------------------------------------- */

static int decays;

static void product(const double *x, const float *w, int n, int k, double *y) {
    for (int i = 0; i < n; i++) {
        y[i] = 0;
        for (int j = 0; j < k; j++) y[i] += x[j] * w[i * k + j];
    }
}

static void unit(double *x, double factor) {
    double squares = 0;
    for (int i = 0; i < DK; i++) squares += x[i] * x[i];
    for (int i = 0; i < DK; i++) x[i] *= factor / sqrt(squares + 0.01);
}

static void oracle(const rg_model *m, const int32_t *token, size_t length, double *logits) {
    static double S[HEADS][DK][DV];
    memset(S, 0, sizeof S);
    for (size_t t = 0; t < length; t++) {
        double x[D], q[KEYS], k[KEYS], v[VALUES], a[HEADS * DK], b[HEADS], y[VALUES] = {0};
        for (int i = 0; i < D; i++) x[i] = instance_weight(m, "embed.weight")[token[t] * D + i];
        product(x, instance_weight(m, "q.weight"), KEYS, D, q);
        product(x, instance_weight(m, "k.weight"), KEYS, D, k);
        product(x, instance_weight(m, "v.weight"), VALUES, D, v);
        product(x, instance_weight(m, "a.weight"), decays, D, a);
        product(x, instance_weight(m, "b.weight"), HEADS, D, b);
        for (int h = 0; h < KEY_HEADS; h++) {
            unit(q + h * DK, 1 / sqrt(DK));
            unit(k + h * DK, 1);
        }
        for (int h = 0; h < HEADS; h++) {
            const double *key = k + h / (HEADS / KEY_HEADS) * DK, *query = q + h / (HEADS / KEY_HEADS) * DK;
            for (int i = 0; i < DK; i++) {
                const int from = decays == HEADS ? h : h * DK + i;
                const double g = -exp(instance_weight(m, "A_log")[h]) *
                                 log1p(exp(a[from] + instance_weight(m, "dt_bias")[from]));
                for (int j = 0; j < DV; j++) S[h][i][j] *= exp(g);
            }
            for (int j = 0; j < DV; j++) {
                double seen = 0;
                for (int i = 0; i < DK; i++) seen += S[h][i][j] * key[i];
                for (int i = 0; i < DK; i++) {
                    S[h][i][j] += key[i] * (v[h * DV + j] - seen) / (1 + exp(-b[h]));
                    y[h * DV + j] += S[h][i][j] * query[i];
                }
            }
        }
        product(y, instance_weight(m, "head.weight"), VOCAB, VALUES, logits + t * VOCAB);
    }
}

/* ---- tests -------------------------------------------------------------------------------------- */

static const size_t lengths[] = {100, 16, 33, 1};
static const char *const chunked[] = {", form = \"chunked\", chunk = 16", ", form = \"chunked\", chunk = 64",
                                      ", form = \"chunked\", chunk = 1"};
enum { N_CHUNKED = sizeof chunked / sizeof *chunked };

static void right(void **state) {
    (void)state;
    rg_model m;
    for (decays = HEADS; decays <= HEADS * DK; decays += HEADS * (DK - 1)) {
        open_model(&m, "", decays);
        instance_check_right(&m, oracle, lengths, 4, 1e-5);
        instance_close(&m);
    }
    decays = HEADS;
    for (int i = 0; i < N_CHUNKED; i++) {
        open_model(&m, chunked[i], decays);
        instance_check_right(&m, oracle, lengths, 4, 1e-5);
        instance_close(&m);
    }
}

/* The two forms differ in the order of sums alone. */
static void forms_agree(void **state) {
    (void)state;
    const char *const policy[] = {"fp32"};
    rg_model a, b;
    open_model(&a, "", HEADS);
    instance_result recurrent = instance_run(&a, policy, 1, 1, lengths, 0, 4);
    const size_t n = recurrent.rows * recurrent.vocab;
    double squares = 0;
    for (size_t i = 0; i < n; i++) squares += (double)recurrent.logits[0][i] * recurrent.logits[0][i];
    const double bound = 1e-4 * sqrt(squares / (double)n);
    for (int c = 0; c < N_CHUNKED; c++) {
        open_model(&b, chunked[c], HEADS);
        instance_result in_chunks = instance_run(&b, policy, 1, 1, lengths, 0, 4);
        assert_memory_not_equal(recurrent.logits[0], in_chunks.logits[0], n * sizeof(float));
        for (size_t i = 0; i < n; i++)
            assert_true(fabs((double)recurrent.logits[0][i] - in_chunks.logits[0][i]) < bound);
        instance_result_free(&in_chunks);
        instance_close(&b);
    }
    instance_result_free(&recurrent);
    instance_close(&a);
}

static void same_bits(void **state) {
    (void)state;
    const char *const policies[] = {"fp32", "w.q=int8,w.k=int8", "a.v=int8"};
    rg_model m;
    for (int i = -1; i < 2; i++) {
        open_model(&m, i < 0 ? "" : chunked[i], HEADS);
        instance_check_bits(&m, policies, 3, lengths, 4);
        instance_close(&m);
    }
}

static void counts(void **state) {
    (void)state;
    rg_model m;
    for (int i = -1; i < N_CHUNKED; i++) {
        open_model(&m, i < 0 ? "" : chunked[i], HEADS);
        for (size_t length = 1; length < 200; length += 33) instance_check_counts(&m, length);
        const rg_graph_totals t = rg_graph_total(&m.graph, 100);
        const double linear = 2.0 * D * (2 * KEYS + VALUES + 2 * HEADS) + 2.0 * VALUES * VOCAB;
        assert_true(t.decode_flop_per_token == linear + 6.0 * HEADS * DK * DV);
        assert_true(t.state_bytes_per_sequence == 4.0 * HEADS * DK * DV && t.kv_bytes_per_token == 0);
        instance_close(&m);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right), cmocka_unit_test(forms_agree),
                                       cmocka_unit_test(same_bits), cmocka_unit_test(counts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
