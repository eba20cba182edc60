/* BERT without a head against a forward pass in double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/model/instance.h"
#include "unit/model/oracle.h"

enum { VOCAB = 101, D = 33, F = 47, LAYERS = 3, HEADS = 3, HD = 11, LONG = 61 };
static const double eps = 1e-12;

static void linear(const rg_model *m, size_t l, const char *name, const double *x, size_t n, size_t out,
                   size_t in, double *y) {
    oracle_linear(x, instance_weight(m, "encoder.layer.%zu.%s.weight", l, name),
                  instance_weight(m, "encoder.layer.%zu.%s.bias", l, name), n, out, in, y);
}

static void layernorm(const rg_model *m, size_t l, const char *name, const double *x, size_t n, double *y) {
    oracle_layernorm(x, instance_weight(m, "encoder.layer.%zu.%s.LayerNorm.weight", l, name),
                     instance_weight(m, "encoder.layer.%zu.%s.LayerNorm.bias", l, name), eps, n, D, y);
}

static void oracle(const rg_model *m, const int32_t *token, size_t n, double *y) {
    static double x[LONG * D], h[LONG * D], q[LONG * D], k[LONG * D], v[LONG * D], a[LONG * D], f[LONG * F];
    const oracle_attention kind = {HEADS, HEADS, HD, HD, 1 / sqrt(HD), 0, true, NULL};
    const float *types = instance_weight(m, "embeddings.token_type_embeddings.weight"),
                *positions = instance_weight(m, "embeddings.position_embeddings.weight");
    oracle_embed(instance_weight(m, "embeddings.word_embeddings.weight"), token, n, D, h);
    for (size_t i = 0; i < n * D; i++) h[i] += (double)positions[i] + (double)types[i % D];
    oracle_layernorm(h, instance_weight(m, "embeddings.LayerNorm.weight"),
                     instance_weight(m, "embeddings.LayerNorm.bias"), eps, n, D, x);
    for (size_t l = 0; l < LAYERS; l++) {
        linear(m, l, "attention.self.query", x, n, D, D, q);
        linear(m, l, "attention.self.key", x, n, D, D, k);
        linear(m, l, "attention.self.value", x, n, D, D, v);
        oracle_attend(&kind, n, q, k, v, a);
        linear(m, l, "attention.output.dense", a, n, D, D, h);
        oracle_add(h, x, n * D);
        layernorm(m, l, "attention.output", h, n, x);
        linear(m, l, "intermediate.dense", x, n, F, D, f);
        oracle_map(oracle_gelu, f, n * F);
        linear(m, l, "output.dense", f, n, D, F, h);
        oracle_add(h, x, n * D);
        layernorm(m, l, "output", h, n, x);
    }
    memcpy(y, x, n * D * sizeof *y);
}

#define CONFIG                                                                                               \
    "{\"model_type\": \"bert\", \"hidden_size\": 33, \"num_attention_heads\": 3, \"num_hidden_layers\": 3,"  \
    "\"intermediate_size\": 47, \"vocab_size\": 101, \"max_position_embeddings\": 61}"

static void right(void **state) {
    (void)state;
    static const size_t length[] = {50, LONG, 1, 17}, few[] = {53, 17};
    static const char *const policies[] = {"fp32", "w=mxfp4,a=int8,kv=e4m3fn,w.embed=int8"};
    rg_model m;
    instance_of_config(&m, CONFIG);
    assert_int_equal(m.graph.vocab_size, VOCAB);
    instance_check_right(&m, oracle, length, 4, 1e-5);
    instance_check_bits(&m, policies, 2, few, 2);
    instance_check_counts(&m, LONG);
    instance_close(&m);
}

/* There are no logits to score. */
static void no_head(void **state) {
    (void)state;
    rg_model m;
    rg_error err;
    exec e;
    instance_of_config(&m, CONFIG);
    exec_use *use = calloc(m.graph.n_nodes, sizeof *use);
    assert_int_equal(exec_open(&e, &m, use, 1, 1, 8, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "layernorm"));
    exec_close(&e);
    free(use);
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right), cmocka_unit_test(no_head)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
