/* Small models with random weights: made of a family or of statements, run, held against an oracle in double
   and against themselves. */
#ifndef RIDGE_TEST_INSTANCE_H
#define RIDGE_TEST_INSTANCE_H

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "graph/build.h"
#include "model/exec.h"

/* ---- making ------------------------------------------------------------------------------------- */

static inline size_t instance_elements(const rg_graph_weight *w) {
    size_t n = 1;
    for (int d = 0; d < w->n_dims; d++) n *= (size_t)w->shape[d];
    return n;
}

/* Weights whose name ends in `suffix` become normal numbers. */
static inline void instance_fill(rg_model *m, const char *suffix, double mean, double deviation) {
    size_t found = 0;
    for (size_t i = 0; i < m->graph.n_weights; i++) {
        const rg_graph_weight *w = &m->graph.weight[i];
        const size_t length = strlen(w->name), n = instance_elements(w);
        if (length < strlen(suffix) || strcmp(w->name + length - strlen(suffix), suffix) != 0) continue;
        found++;
        for (size_t j = 0; j < n && w->tied_to < 0; j++)
            m->weight[i][j] = (float)(mean + deviation * rg_random_normal(1, i, j));
    }
    if (!found) fail_msg("no weight ends in %s", suffix);
}

/* Matrices about 0, vectors (gains) about 1. */
static inline void instance_weights(rg_model *m) {
    const rg_graph *g = &m->graph;
    m->weight = calloc(g->n_weights, sizeof *m->weight);
    for (size_t i = 0; i < g->n_weights; i++) {
        const size_t n = instance_elements(&g->weight[i]);
        if (g->weight[i].tied_to >= 0) {
            m->weight[i] = m->weight[g->weight[i].tied_to];
            continue;
        }
        m->weight[i] = malloc(n * sizeof **m->weight);
        for (size_t j = 0; j < n; j++)
            m->weight[i][j] = (float)((g->weight[i].n_dims > 1 ? 0 : 1) + 0.3 * rg_random_normal(1, i, j));
    }
}

static inline void instance_of_config(rg_model *m, const char *json) {
    rg_doc doc;
    rg_error err = {0};
    *m = (rg_model){0};
    if (rg_doc_parse(&doc, json, strlen(json), "config.json", true, &err) != RG_OK ||
        rg_graph_from_config(&m->graph, &doc, RIDGE_SOURCE_DIR "/data/families", &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
    rg_doc_close(&doc);
    instance_weights(m);
}

/* `statements` as below `graph:` of a family file, `vocab` for its size. */
static inline void instance_of_statements(rg_model *m, const char *statements, int vocab) {
    rg_doc config;
    family f;
    rg_error err = {0};
    char text[4096], fields[64];
    snprintf(text, sizeof text, "family: test\nmatch: {model_type: [test]}\npositions: 1000\ngraph:\n%s",
             statements);
    snprintf(fields, sizeof fields, "model_type: test\nvocab: %d\n", vocab);
    *m = (rg_model){0};
    if (family_parse(&f, text, strlen(text), "test.yaml", &err) != RG_OK ||
        rg_doc_parse(&config, fields, strlen(fields), "config.yaml", false, &err) != RG_OK ||
        graph_build(&m->graph, &config, &f, &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
    rg_doc_close(&config);
    family_close(&f);
    instance_weights(m);
}

static inline void instance_close(rg_model *m) {
    for (size_t w = 0; w < m->graph.n_weights; w++)
        if (m->graph.weight[w].tied_to < 0) free(m->weight[w]);
    free(m->weight);
    rg_graph_close(&m->graph);
}

/* A weight by its name, which is a format for what follows. */
__attribute__((format(printf, 2, 3))) static inline const float *instance_weight(const rg_model *m,
                                                                                 const char *fmt, ...) {
    char name[128];
    va_list arguments;
    va_start(arguments, fmt);
    vsnprintf(name, sizeof name, fmt, arguments);
    va_end(arguments);
    for (size_t w = 0; w < m->graph.n_weights; w++)
        if (strcmp(m->graph.weight[w].name, name) == 0) return m->weight[w];
    fail_msg("no weight %s", name);
    return NULL;
}

/* ---- running ------------------------------------------------------------------------------------ */

enum { INSTANCE_VARIANTS = 4, INSTANCE_WINDOWS = 8, INSTANCE_TOKENS = 512 };

typedef struct instance_result {
    size_t rows, vocab;
    float *logits[INSTANCE_VARIANTS]; /* [rows][vocab] */
    double matrix_flop, head_flop;    /* of all nodes but the head; of the head */
} instance_result;

static inline void instance_result_free(instance_result *r) {
    for (int v = 0; v < INSTANCE_VARIANTS; v++) free(r->logits[v]);
}

static inline rg_status instance_keep(void *context, size_t variant, size_t first, size_t n,
                                      const float *reference, const float *logits, rg_error *err) {
    instance_result *r = context;
    (void)err, (void)reference;
    memcpy(r->logits[variant] + first * r->vocab, logits, n * r->vocab * sizeof *logits);
    return RG_OK;
}

/* Of the logits, or of the last hidden state of a model without head. */
static inline size_t instance_width(const rg_model *m) {
    return (size_t)m->graph.node[m->graph.output].width;
}

static inline int32_t instance_token(const rg_model *m, size_t window, size_t position) {
    return (int32_t)(rg_random_u32(9, window, position) % (uint32_t)m->graph.vocab_size);
}

/* Windows first, ..., first + n - 1 of those whose lengths are given; every position is scored. */
/* What the last run read, by node. */
static uint64_t instance_weight_elements[1 << 12], instance_cache_elements[1 << 12];

static inline instance_result instance_run(const rg_model *m, const char *const *policies, size_t n_policies,
                                           int threads, const size_t *length, size_t first, size_t n) {
    static rg_policy policy[INSTANCE_VARIANTS];
    static size_t scored[INSTANCE_TOKENS];
    static int32_t token[INSTANCE_TOKENS];
    const rg_graph *g = &m->graph;
    instance_result r = {.vocab = instance_width(m)};
    size_t start[INSTANCE_WINDOWS + 1] = {0}, first_token = 0, longest = 0;
    exec_use *use = calloc(n_policies * g->n_nodes, sizeof *use);
    rg_error err = {0};
    exec_datapaths datapaths = {0};
    bool touched;
    exec e;
    for (size_t w = 0; w < first; w++) first_token += length[w];
    for (size_t w = 0; w < n; w++) {
        const size_t size = length[first + w];
        if (size > longest) longest = size;
        for (size_t p = 0; p < size; p++) token[start[w] + p] = instance_token(m, first + w, p);
        start[w + 1] = start[w] + size;
    }
    r.rows = start[n];
    for (size_t i = 0; i < r.rows; i++) scored[i] = i;
    for (size_t i = 0; i < n_policies; i++) {
        r.logits[i] = malloc(r.rows * r.vocab * sizeof(float));
        if (rg_policy_parse(policies[i], &policy[i], &err) != RG_OK ||
            exec_resolve(g, &policy[i], &datapaths, use + i * g->n_nodes, &touched, &err) != RG_OK)
            fail_msg("%s: %s", err.where, err.message);
    }
    const exec_batch batch = {n, start, token, r.rows, scored, first_token};
    const bool head = g->node[g->output].op == RG_OP_LINEAR;
    if ((head ? exec_open : exec_open_hidden)(&e, m, use, n_policies, threads, longest, &err) != RG_OK ||
        exec_run(&e, &batch, instance_keep, &r, NULL, (const double[2]){0, 1}, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    for (size_t i = 0; i < g->n_nodes; i++)
        *((int)i == g->output ? &r.head_flop : &r.matrix_flop) += (double)e.matrix_flop[i];
    assert_true(g->n_nodes <= sizeof instance_weight_elements / sizeof *instance_weight_elements);
    memcpy(instance_weight_elements, e.weight_elements, g->n_nodes * sizeof *e.weight_elements);
    memcpy(instance_cache_elements, e.cache_elements, g->n_nodes * sizeof *e.cache_elements);
    exec_close(&e);
    exec_datapaths_close(&datapaths);
    free(use);
    return r;
}

/* ---- checks ------------------------------------------------------------------------------------- */

/* Logits [length][vocab] of one window. */
typedef void instance_oracle(const rg_model *m, const int32_t *token, size_t length, double *logits);

/* The largest difference, relative to the root mean square of the logits of a window, is below `bound`. */
static inline void instance_check_right(const rg_model *m, instance_oracle *oracle, const size_t *length,
                                        size_t n, double bound) {
    const char *const policy[] = {"fp32"};
    const size_t vocab = instance_width(m);
    instance_result got = instance_run(m, policy, 1, 1, length, 0, n);
    for (size_t w = 0, row = 0; w < n; row += length[w++]) {
        double *want = malloc(length[w] * vocab * sizeof *want), squares = 0, largest = 0;
        int32_t token[INSTANCE_TOKENS];
        for (size_t p = 0; p < length[w]; p++) token[p] = instance_token(m, w, p);
        oracle(m, token, length[w], want);
        for (size_t i = 0; i < length[w] * vocab; i++) {
            const double off = fabs(got.logits[0][row * vocab + i] - want[i]);
            squares += want[i] * want[i];
            if (!(off <= largest)) largest = off;
        }
        largest /= sqrt(squares / (double)(length[w] * vocab));
        if (!(largest < bound)) fail_msg("window %zu is off by %.3g, more than %g", w, largest, bound);
        free(want);
    }
    instance_result_free(&got);
}

static inline void instance_same(const instance_result *a, const instance_result *b, size_t row, size_t n) {
    for (size_t v = 0; v < n; v++)
        assert_memory_equal(a->logits[v] + row * a->vocab, b->logits[v],
                            b->rows * b->vocab * sizeof *b->logits[v]);
}

/* Bits depend on neither threads, instruction set nor the other windows of a batch. Policies after the first
   must change something. */
static inline void instance_check_bits(const rg_model *m, const char *const *policies, size_t n_policies,
                                       const size_t *length, size_t n) {
    instance_result all = instance_run(m, policies, n_policies, 1, length, 0, n), other;
    for (int threads = 2; threads <= 3; threads++) {
        other = instance_run(m, policies, n_policies, threads, length, 0, n);
        instance_same(&all, &other, 0, n_policies);
        instance_result_free(&other);
    }
    for (size_t i = 0; rg_kernels_level(i); i++) {
        if (!rg_kernels_named(rg_kernels_level(i))) continue;
        setenv("RIDGE_CPU", rg_kernels_level(i), 1);
        other = instance_run(m, policies, n_policies, 2, length, 0, n);
        unsetenv("RIDGE_CPU");
        instance_same(&all, &other, 0, n_policies);
        instance_result_free(&other);
    }
    for (size_t w = 0, row = 0; w < n; row += length[w++]) {
        other = instance_run(m, policies, n_policies, 2, length, w, 1);
        instance_same(&all, &other, row, n_policies);
        instance_result_free(&other);
    }
    for (size_t v = 1; v < n_policies; v++)
        assert_memory_not_equal(all.logits[0], all.logits[v], all.rows * all.vocab * sizeof(float));
    instance_result_free(&all);
}

/* Elements read by a node in a prompt pass of `tokens` tokens: weights (of experts: whole ones; of tables: a
   row for each token) and what a cache stores. */
static inline void instance_check_elements(const rg_model *m, size_t node, rg_node_count c, size_t tokens) {
    const rg_graph_node *n = &m->graph.node[node];
    const double read = (double)instance_weight_elements[node];
    bool right = read == c.weight_elements;
    if (n->op == RG_OP_EMBED || n->op == RG_OP_POSITION || n->op == RG_OP_FIRST_ROW)
        right = read == (double)tokens * (double)n->width;
    if (n->op == RG_OP_EXPERT_LINEAR) {
        const double all = (double)m->graph.weight[n->weight].shape[0],
                     each = c.active_weight_elements / (double)(m->graph.node[n->input[1]].width / 2);
        right = fmod(read, each) == 0 && read >= c.active_weight_elements && read <= all * each;
    }
    if (!right || (double)instance_cache_elements[node] != c.kv_write_elements)
        fail_msg("%s: read %.0f elements of weights and %.0f of the cache, counted %.0f and %.0f", n->name,
                 read, (double)instance_cache_elements[node], c.weight_elements, c.kv_write_elements);
}

/* Executed matrix FLOP are those counted for prompts of this length; the head runs for every token here, in
   the counts where attention sees both ways alone. */
static inline void instance_check_counts(const rg_model *m, size_t length) {
    const char *const policy[] = {"fp32"};
    const size_t lengths[] = {length, length};
    instance_result r = instance_run(m, policy, 1, 2, lengths, 0, 2);
    double blocks = 0, head = 0;
    for (size_t i = 0; i < m->graph.n_nodes; i++) {
        const rg_node_count c = rg_graph_count_node(&m->graph, i, RG_PREFILL, 2, (double)length);
        *((int)i == m->graph.output ? &head : &blocks) += c.matrix_flop;
        instance_check_elements(m, i, c, 2 * length);
    }
    if (r.matrix_flop != blocks) fail_msg("executed %.0f FLOP, counted %.0f", r.matrix_flop, blocks);
    assert_true(r.head_flop == head * (m->graph.every_row ? 1 : (double)length));
    instance_result_free(&r);
}

#endif
