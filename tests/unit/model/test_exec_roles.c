/* Every role of a policy against a forward pass in double in which that operand, and no other, is quantized
   by the scalar definition; kept positions and layers; and that equal values are computed once. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "unit/model/instance.h"

enum { VOCAB = 53, D = 24, F = 36, LAYERS = 2, HEADS = 4, KV = 2, HD = 6, LENGTH = 61 };
static const double eps = 1e-5, theta = 500;

static rg_model model;

static const char config[] =
    "{\"model_type\": \"llama\", \"vocab_size\": 53, \"hidden_size\": 24, \"intermediate_size\": 36,"
    "\"num_hidden_layers\": 2, \"num_attention_heads\": 4, \"num_key_value_heads\": 2,"
    "\"rope_theta\": 500, \"rms_norm_eps\": 1e-5, \"hidden_act\": \"silu\","
    "\"max_position_embeddings\": 128, \"tie_word_embeddings\": false}";

static int open_model(void **state) {
    (void)state;
    instance_of_config(&model, config);
    return 0;
}

static int close_model(void **state) {
    (void)state;
    instance_close(&model);
    return 0;
}

/* ---- the oracle -----------------------------------------------------------------------------------------
 */

/* NULL: not quantized. */
typedef struct roles {
    const char *q, *k, *v, *s, *p, *res, *o, *a;
    int window, sinks, first; /* layers below `first` are kept */
    int rotation;
} roles;

static void qdq(const char *format, double *x, int n) {
    float in[128], out[128];
    rg_quant q;
    if (!format) return;
    assert_int_equal(rg_quant_parse(format, &q, NULL), RG_OK);
    for (int i = 0; i < n; i++) in[i] = (float)x[i];
    rg_qdq(&q, in, out, 1, (size_t)n, true, NULL);
    for (int i = 0; i < n; i++) x[i] = (double)out[i];
}

static void norm(const char *o, const double *x, const float *gain, double *y) {
    double squares = 0;
    for (int i = 0; i < D; i++) squares += x[i] * x[i];
    for (int i = 0; i < D; i++) y[i] = x[i] / sqrt(squares / D + eps) * gain[i];
    qdq(o, y, D);
}

/* x in blocks of `size` times the Hadamard matrix / sqrt(size), by its definition: sign (-1)^popcount(i & j).
 */
static void rotate(double *x, int n, int size) {
    for (int from = 0; from < n; from += size) {
        while (size > n - from) size /= 2;
        double y[64] = {0};
        for (int i = 0; i < size; i++)
            for (int j = 0; j < size; j++)
                y[i] += (__builtin_popcount((unsigned)(i & j)) & 1 ? -1 : 1) * x[from + j] / sqrt(size);
        memcpy(x + from, y, (size_t)size * sizeof *x);
    }
}

static void product(const roles *r, const char *o, const double *x, const float *w, int n, int k, double *y) {
    double in[64], row[64];
    memcpy(in, x, (size_t)k * sizeof *in);
    if (r->rotation) rotate(in, k, r->rotation);
    qdq(r->a, in, k);
    for (int i = 0; i < n; i++) {
        for (int j = 0; j < k; j++) row[j] = (double)w[i * k + j];
        if (r->rotation) rotate(row, k, r->rotation);
        y[i] = 0;
        for (int j = 0; j < k; j++) y[i] += in[j] * row[j];
    }
    qdq(o, y, n);
}

static void turn(const char *o, double *x, int heads, int position) {
    for (int h = 0; h < heads; h++)
        for (int i = 0; i < HD / 2; i++) {
            double angle = position * pow(theta, -2.0 * i / HD), a = x[h * HD + i],
                   b = x[h * HD + i + HD / 2];
            x[h * HD + i] = a * cos(angle) - b * sin(angle);
            x[h * HD + i + HD / 2] = b * cos(angle) + a * sin(angle);
        }
    qdq(o, x, heads * HD);
}

static void attend(const roles *r, double *q, double (*keys)[KV * HD], double (*values)[KV * HD],
                   int position, double *out) {
    for (int h = 0; h < HEADS; h++) {
        const int kv = h / (HEADS / KV) * HD;
        double p[LENGTH], raw[LENGTH], sum = 0, top = -1e300;
        qdq(r->q, q + h * HD, HD);
        for (int s = 0; s <= position; s++) {
            double key[HD];
            memcpy(key, keys[s] + kv, sizeof key);
            if (s >= r->sinks && position - s >= r->window) qdq(r->k, key, HD);
            p[s] = 0;
            for (int i = 0; i < HD; i++) p[s] += q[h * HD + i] * key[i];
            p[s] /= sqrt(HD);
        }
        qdq(r->s, p, position + 1);
        for (int s = 0; s <= position; s++) top = p[s] > top ? p[s] : top;
        for (int s = 0; s <= position; s++) sum += raw[s] = exp(p[s] - top);
        qdq(r->p, raw, position + 1);
        for (int i = 0; i < HD; i++) out[h * HD + i] = 0;
        for (int s = 0; s <= position; s++) {
            double kept[HD];
            memcpy(kept, values[s] + kv, sizeof kept);
            if (s >= r->sinks && position - s >= r->window) qdq(r->v, kept, HD);
            for (int i = 0; i < HD; i++) out[h * HD + i] += raw[s] / sum * kept[i];
        }
    }
    qdq(r->o, out, HEADS * HD);
}

static void block(const roles *r, int l, int t, double (*keys)[KV * HD], double (*values)[KV * HD],
                  double *x) {
    double h[D], q[HEADS * HD], a[HEADS * HD], o[D], gate[F], up[F];
    norm(r->o, x, instance_weight(&model, "model.layers.%d.input_layernorm.weight", l), h);
    product(r, r->o, h, instance_weight(&model, "model.layers.%d.self_attn.q_proj.weight", l), HEADS * HD, D,
            q);
    product(r, r->o, h, instance_weight(&model, "model.layers.%d.self_attn.k_proj.weight", l), KV * HD, D,
            keys[t]);
    product(r, r->o, h, instance_weight(&model, "model.layers.%d.self_attn.v_proj.weight", l), KV * HD, D,
            values[t]);
    turn(r->o, q, HEADS, t);
    turn(r->o, keys[t], KV, t);
    attend(r, q, keys, values, t, a);
    product(r, r->o, a, instance_weight(&model, "model.layers.%d.self_attn.o_proj.weight", l), D, HEADS * HD,
            o);
    for (int i = 0; i < D; i++) x[i] += o[i];
    qdq(r->res, x, D);
    norm(r->o, x, instance_weight(&model, "model.layers.%d.post_attention_layernorm.weight", l), h);
    product(r, r->o, h, instance_weight(&model, "model.layers.%d.mlp.gate_proj.weight", l), F, D, gate);
    product(r, r->o, h, instance_weight(&model, "model.layers.%d.mlp.up_proj.weight", l), F, D, up);
    for (int i = 0; i < F; i++) gate[i] = gate[i] / (1 + exp(-gate[i])) * up[i];
    qdq(r->o, gate, F);
    product(r, r->o, gate, instance_weight(&model, "model.layers.%d.mlp.down_proj.weight", l), D, F, o);
    for (int i = 0; i < D; i++) x[i] += o[i];
    qdq(r->res, x, D);
}

static void oracle(const roles *given, const int32_t *token, double *logits) {
    static double keys[LAYERS][LENGTH][KV * HD], values[LAYERS][LENGTH][KV * HD];
    const roles none = {0};
    for (int t = 0; t < LENGTH; t++) {
        double x[D], h[D];
        for (int i = 0; i < D; i++)
            x[i] = instance_weight(&model, "model.embed_tokens.weight")[token[t] * D + i];
        for (int l = 0; l < LAYERS; l++) block(l < given->first ? &none : given, l, t, keys[l], values[l], x);
        norm(NULL, x, instance_weight(&model, "model.norm.weight"), h);
        product(&none, NULL, h, instance_weight(&model, "lm_head.weight"), VOCAB, D, logits + t * VOCAB);
    }
}

/* ---- running --------------------------------------------------------------------------------------------
 */

enum { MAX_VARIANTS = 20 };
static float got[MAX_VARIANTS][LENGTH * VOCAB];
static double want[LENGTH * VOCAB];
static double executed_flop; /* of all nodes but the head */

static rg_status keep(void *context, size_t variant, size_t first, size_t n, const float *reference,
                      const float *logits, rg_error *err) {
    (void)context, (void)reference, (void)err;
    memcpy(got[variant] + first * VOCAB, logits, n * VOCAB * sizeof *logits);
    return RG_OK;
}

static void tokens(int32_t *token) {
    for (size_t i = 0; i < LENGTH; i++) token[i] = (int32_t)(rg_random_u32(3, 0, i) % VOCAB);
}

static void run(const char *const *text, size_t n, int threads) {
    static rg_policy policy[MAX_VARIANTS];
    const size_t nodes = model.graph.n_nodes, start[] = {0, LENGTH};
    exec_use *use = calloc(n * nodes, sizeof *use);
    exec_datapaths datapaths = {.data_dir = RIDGE_SOURCE_DIR "/data"};
    size_t scored[LENGTH];
    int32_t token[LENGTH];
    bool touched;
    exec e;
    rg_error err = {0};
    tokens(token);
    for (size_t i = 0; i < LENGTH; i++) scored[i] = i;
    for (size_t i = 0; i < n; i++)
        if (rg_policy_parse(text[i], &policy[i], &err) != RG_OK ||
            exec_resolve(&model.graph, &policy[i], &datapaths, use + i * nodes, &touched, &err) != RG_OK)
            fail_msg("%s: %s: %s", text[i], err.where, err.message);
    const exec_batch batch = {1, start, token, LENGTH, scored, 0};
    assert_int_equal(exec_open(&e, &model, use, n, threads, LENGTH, &err), RG_OK);
    assert_int_equal(exec_run(&e, &batch, keep, NULL, NULL, (const double[2]){0, 1}, &err), RG_OK);
    executed_flop = 0;
    for (size_t i = 0; i < nodes; i++)
        if ((int)i != model.graph.output) executed_flop += (double)e.matrix_flop[i];
    exec_close(&e);
    exec_datapaths_close(&datapaths);
    free(use);
}

/* Root of the mean squared difference of logits, as a share of the oracle's. */
static double distance(const float *logits) {
    double squares = 0, all = 0;
    for (size_t i = 0; i < LENGTH * VOCAB; i++) {
        squares += ((double)logits[i] - want[i]) * ((double)logits[i] - want[i]);
        all += want[i] * want[i];
    }
    return sqrt(squares / all);
}

/* fp32 roundings before a quantizer may move a value across a tie: then one element differs by a whole step.
   The formats are such that this does not happen with these weights. */
static void roles_are_where_they_should_be(void **state) {
    (void)state;
    static const struct {
        const char *policy;
        roles roles;
    } cases[] = {{"q=int4", {.q = "int4"}},
                 {"k=int4", {.k = "int4"}},
                 {"v=int4", {.v = "int4"}},
                 {"kv=mxfp4", {.k = "mxfp4", .v = "mxfp4"}},
                 {"s=e5m2", {.s = "e5m2"}},
                 {"p=e4m3fn", {.p = "e4m3fn"}},
                 {"p=int4", {.p = "int4"}},
                 {"a=int4", {.a = "int4"}},
                 {"res=e4m3fn", {.res = "e4m3fn"}},
                 {"o=e4m3fn", {.o = "e4m3fn"}},
                 {"kv=int4,window=5", {.k = "int4", .v = "int4", .window = 5}},
                 {"kv=int4,sinks=3", {.k = "int4", .v = "int4", .sinks = 3}},
                 {"v=int2,window=4,sinks=2", {.v = "int2", .window = 4, .sinks = 2}},
                 {"a=int4,rot=hadamard(16)", {.a = "int4", .rotation = 16}},
                 {"a=mxfp4,rot=hadamard(4)", {.a = "mxfp4", .rotation = 4}},
                 {"a=int4,res=e4m3fn,first=1", {.a = "int4", .res = "e4m3fn", .first = 1}},
                 {"a=int4,kv=int4,s=e5m2", {.a = "int4", .k = "int4", .v = "int4", .s = "e5m2"}}};
    enum { N = sizeof cases / sizeof *cases };
    const char *text[N + 1] = {"fp32"};
    int32_t token[LENGTH];
    tokens(token);
    for (size_t i = 0; i < N; i++) text[i + 1] = cases[i].policy;
    run(text, N + 1, 2);
    for (size_t i = 0; i < N; i++) {
        oracle(&cases[i].roles, token, want);
        const double right = distance(got[i + 1]), reference = distance(got[0]);
        if (right > 3e-5 || reference < 30 * right)
            fail_msg("%s: %g from the oracle, fp32 %g", cases[i].policy, right, reference);
    }
}

/* With everything kept, a quantizer changes no bit; the last layers kept leave only the first ones. */
static void everything_kept(void **state) {
    (void)state;
    const char *const text[] = {"fp32",
                                "kv=int4,window=61",
                                "kv=int4,sinks=61",
                                "w=int4,a=int4,kv=int4,first=2",
                                "w=int4,a=int4,kv=int4,last=2",
                                "rot=hadamard(8)",
                                "w=int4,last=1",
                                "w.layers.0.*=int4"};
    run(text, sizeof text / sizeof *text, 1);
    for (size_t i = 1; i <= 5; i++) assert_memory_equal(got[0], got[i], sizeof got[0]);
    assert_memory_equal(got[6], got[7], sizeof got[0]);
    assert_memory_not_equal(got[0], got[6], sizeof got[0]);
}

static void equal_values_once(void **state) {
    (void)state;
    const char *const alone[] = {"fp32"}, *const twice[] = {"fp32", "fp32"},
                      *const late[] = {"fp32", "w.layers.1.mlp.down_proj=int4"};
    run(alone, 1, 1);
    const double one = executed_flop;
    run(twice, 2, 1);
    assert_true(executed_flop == one);
    assert_memory_equal(got[0], got[1], sizeof got[0]);
    run(late, 2, 1);
    assert_true(executed_flop == one + 2.0 * LENGTH * D * F);
    static float kept[LENGTH * VOCAB];
    memcpy(kept, got[1], sizeof kept);
    const char *const only[] = {"w.layers.1.mlp.down_proj=int4"};
    run(only, 1, 1);
    assert_memory_equal(kept, got[0], sizeof kept);
}

/* Bits do not depend on threads, nor on which policies run beside. */
static void same_bits(void **state) {
    (void)state;
    const char *const text[] = {"fp32", "s=e5m2@srb(4),p=e4m3fn@sra(4),o=bf16@srb(8),res=e4m3fn@src(4)",
                                "q=int4,kv=int4,window=7,sinks=2", "a=int4"},
                      *const alone[] = {text[0], text[1]};
    static float kept[4][LENGTH * VOCAB];
    run(text, 4, 1);
    memcpy(kept, got, sizeof kept);
    run(text, 4, 3);
    assert_memory_equal(kept, got, sizeof kept);
    run(alone, 2, 2);
    assert_memory_equal(kept, got, sizeof kept[0] * 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roles_are_where_they_should_be),
        cmocka_unit_test(everything_kept),
        cmocka_unit_test(equal_values_once),
        cmocka_unit_test(same_bits),
    };
    return cmocka_run_group_tests(tests, open_model, close_model);
}
