/* What attention and rotations can do beside what Llama does, against the definitions in double: windows,
   sinks, scales, narrow values, every key seen; parts of heads, interleaved pairs, scaled frequencies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

enum {
    VOCAB = 23,
    HEADS = 6,
    KV = 2,
    HD = 10,
    DV = 7,
    LONG = 150,
    Q = HEADS * HD,
    K = KV * HD,
    V = KV * DV,
    E = Q + K + V
};

static oracle_attention kind;
static struct {
    size_t first, r;
    bool interleaved;
    double (*frequency)(size_t i, size_t r);
    double length;
} turn;

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *logits) {
    static double e[LONG * E], q[LONG * Q], k[LONG * K], v[LONG * V], y[LONG * HEADS * DV];
    oracle_embed(instance_weight(m, "e"), token, n, E, e);
    for (size_t t = 0; t < n; t++) {
        memcpy(q + t * Q, e + t * E, Q * sizeof *e);
        memcpy(k + t * K, e + t * E + Q, K * sizeof *e);
        memcpy(v + t * V, e + t * E + Q + K, V * sizeof *e);
    }
    oracle_rope(q, n, HEADS, HD, turn.first, turn.r, turn.interleaved, turn.frequency, turn.length);
    oracle_rope(k, n, KV, HD, turn.first, turn.r, turn.interleaved, turn.frequency, turn.length);
    if (kind.sinks) kind.sinks = instance_weight(m, "sinks");
    oracle_attend(&kind, n, q, k, v, y);
    oracle_linear(y, instance_weight(m, "head"), NULL, n, VOCAB, HEADS * DV, logits);
}

static void check(const char *rope, const char *attention) {
    static const size_t length[] = {50, LONG, 1, 97}, few[] = {LONG, 17};
    static const char *const policies[] = {
        "fp32", "k.attention=e4m3fn,v.attention=e4m3fn,s.attention=bf16,p.attention=e4m3fn,window=3,sinks=2"};
    char text[2000];
    rg_model m;
    snprintf(text, sizeof text,
             "  - e = embed(token, W[vocab, %d] \"e\")\n"
             "  - q = slice(e, from = 0, width = %d, name = \"q\")\n"
             "  - k = slice(e, from = %d, width = %d, name = \"k\")\n"
             "  - v = slice(e, from = %d, width = %d, name = \"v\")\n"
             "  - q = rope(q, heads = 6, head_dim = 10, theta = 300, name = \"rope_q\"%s)\n"
             "  - k = rope(k, heads = 2, head_dim = 10, theta = 300, name = \"rope_k\"%s)\n"
             "  - a = attention(q, k, v, heads = 6, kv_heads = 2, head_dim = 10, v_head_dim = 7,\n"
             "        name = \"attention\"%s)\n"
             "  - x = linear(a, W[vocab, %d] \"head\")\n",
             E, Q, Q, K, Q + K, V, rope, rope, attention, HEADS * DV);
    instance_of_statements(&m, text, VOCAB);
    instance_check_right(&m, oracle, length, 4, 1e-5);
    instance_check_bits(&m, policies, 2, few, 2);
    instance_check_counts(&m, LONG);
    instance_check_counts(&m, 5);
    instance_close(&m);
}

static double plain(size_t i, size_t r) {
    return pow(300, -2.0 * (double)i / (double)r);
}

static void reset(void) {
    kind = (oracle_attention){HEADS, KV, HD, DV, 1 / sqrt(HD), 0, false, NULL};
    turn = (typeof(turn)){0, HD, false, plain, 1};
}

static void masks(void **state) {
    (void)state;
    static const int windows[] = {2, 16, 49, 149, 1000};
    reset();
    check("", "");
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        char text[32];
        kind.window = (size_t)windows[i];
        snprintf(text, sizeof text, ", window = %d", windows[i]);
        check("", text);
    }
    reset();
    kind.bidirectional = true;
    check("", ", mask = \"bidirectional\"");
}

static void sinks_and_scale(void **state) {
    (void)state;
    static const float some = 0;
    reset();
    kind.sinks = &some;
    check("", ", sinks = W[6] \"sinks\"");
    kind.window = 21;
    kind.scale = 1.25;
    check("", ", sinks = W[6] \"sinks\", window = 21, scale = 1.25");
}

static void rotations(void **state) {
    (void)state;
    reset();
    turn.interleaved = true;
    check(", pairs = \"interleaved\"", "");
    turn.first = 3, turn.r = 4;
    check(", pairs = \"interleaved\", from = 3, rotary_dim = 4", "");
    turn.interleaved = false;
    turn.first = 4, turn.r = 6;
    check(", from = 4, rotary_dim = 6", "");
}

/* With range exact the bounds are fractions: low = d(2) = 10 ln(100 / (4 pi)) / (2 ln 300) = 1.818, high =
   d(0.5) = 10 ln(100 / pi) / (2 ln 300) = 3.034. */
static double exact(size_t i, size_t r) {
    const double low = 10 * log(100 / (4 * M_PI)) / (2 * log(300)),
                 high = 10 * log(100 / M_PI) / (2 * log(300));
    const double t = fmin(fmax(((double)i - low) / (high - low), 0), 1);
    return plain(i, r) * (t / 8 + 1 - t);
}
static double whole(size_t i, size_t r) { /* 1 and 4 */
    const double t = fmin(fmax(((double)i - 1) / 3, 0), 1);
    return plain(i, r) * (t / 8 + 1 - t);
}

static void yarn(void **state) {
    (void)state;
    reset();
    turn.frequency = exact, turn.length = 1.5;
    check(", scaling = \"yarn\", factor = 8, beta_fast = 2, beta_slow = 0.5, original_max_position = 100,"
          " range = \"exact\", attention_factor = 1.5",
          "");
    turn.frequency = whole, turn.length = 1;
    check(", scaling = \"yarn\", factor = 8, beta_fast = 2, beta_slow = 0.5, original_max_position = 100",
          "");
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *rope, *attention, *words;
    } cases[] = {{", rotary_dim = 12", "", "more features than a head"},
                 {", from = 4, rotary_dim = 8", "", "more features than a head"},
                 {", rotary_dim = 3", "", "even"},
                 {", scaling = \"yarn\"", "", "frequencies"},
                 {", scaling = \"yarn\", factor = 2", "", "incomplete"},
                 {", scaling = \"ntk\", factor = 2", "", "words"},
                 {", factor = 0.5, scaling = \"linear\"", "", "larger"},
                 {", pairs = \"odd\"", "", "words"},
                 {"", ", window = 0", "window"},
                 {"", ", window = 3, mask = \"bidirectional\"", "window"},
                 {"", ", scale = -1", "scale"},
                 {"", ", sinks = W[5] \"sinks\"", "sinks"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1200], all[1200];
        rg_graph g = {0};
        rg_error err = {0};
        family f;
        rg_doc config;
        snprintf(text, sizeof text,
                 "family: t\nmatch: {model_type: [t]}\npositions: 9\ngraph:\n"
                 "  - q = embed(token, W[5, 60] \"q\")\n  - k = embed(token, W[5, 20] \"k\")\n"
                 "  - k = rope(k, heads = 2, head_dim = 10, theta = 3, name = \"rope\"%s)\n"
                 "  - a = attention(q, k, k, heads = 6, kv_heads = 2, head_dim = 10, name = \"a\"%s)\n",
                 cases[i].rope, cases[i].attention);
        assert_int_equal(family_parse(&f, text, strlen(text), "t.yaml", &err), RG_OK);
        assert_int_equal(rg_doc_parse(&config, "model_type: t\n", 14, "c.yaml", false, &err), RG_OK);
        assert_int_equal(graph_build(&g, &config, &f, &err), RG_ERR_PARSE);
        snprintf(all, sizeof all, "%s %s", err.message, err.expected);
        if (!strstr(all, cases[i].words)) fail_msg("no \"%s\" in %s", cases[i].words, all);
        rg_graph_close(&g);
        rg_doc_close(&config);
        family_close(&f);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(masks), cmocka_unit_test(sinks_and_scale),
                                       cmocka_unit_test(rotations), cmocka_unit_test(yarn),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
