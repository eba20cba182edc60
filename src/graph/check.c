/* A whole graph held to its rules: the same for graphs built from families and for those read from JSON. */
#include "graph/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static rg_status unique(const char **names, size_t n, const char *what, rg_error *err) {
    qsort(names, n, sizeof *names, by_text);
    for (size_t i = 1; i < n; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            return rg_fail(err, RG_ERR_PARSE, NULL, "each name once", "two %s are called \"%.200s\"", what,
                           names[i]);
    return RG_OK;
}

static rg_status names_unique(const rg_graph *g, rg_error *err) {
    const char **names = malloc((g->n_nodes + g->n_weights + 1) * sizeof *names);
    if (!names) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < g->n_nodes; i++) names[i] = g->node[i].name;
    rg_status status = unique(names, g->n_nodes, "nodes", err);
    for (size_t i = 0; i < g->n_weights; i++) names[i] = g->weight[i].name;
    if (status == RG_OK) status = unique(names, g->n_weights, "weights", err);
    free(names);
    return status;
}

static rg_status check_weight(const rg_graph *g, size_t index, rg_error *err) {
    const rg_graph_weight *w = &g->weight[index];
    char where[256];
    snprintf(where, sizeof where, "weight %.200s", w->name);
    if (w->n_dims < 1 || w->n_dims > RG_MAX_WEIGHT_DIMS)
        return rg_fail(err, RG_ERR_PARSE, where, "1 to 3", "%d dimensions", w->n_dims);
    for (int d = 0; d < w->n_dims; d++)
        if (w->shape[d] < 1 || w->shape[d] > INT32_MAX)
            return rg_fail(err, RG_ERR_PARSE, where, "a size in [1, 2^31)", "size %lld",
                           (long long)w->shape[d]);
    if (w->tied_to < -1 || w->tied_to >= (int64_t)index)
        return rg_fail(err, RG_ERR_PARSE, where, "a weight before it", "tied to weight %d", w->tied_to);
    if (w->tied_to < 0) return RG_OK;
    const rg_graph_weight *t = &g->weight[w->tied_to];
    if (t->tied_to >= 0 || t->n_dims != w->n_dims || memcmp(t->shape, w->shape, sizeof t->shape) != 0)
        return rg_fail(err, RG_ERR_PARSE, where, "an untied weight of the same shape",
                       "tied to \"%.200s\", which is not one", t->name);
    return RG_OK;
}

static rg_status check_sizes(const rg_graph *g, rg_error *err) {
    int64_t n_layers = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        if (n->layer < -1 || n->layer >= MAX_LAYERS)
            return rg_fail(err, RG_ERR_PARSE, n->name, "-1 (outside the blocks) or 0, 1, ...", "layer %d",
                           n->layer);
        if (n->layer >= n_layers) n_layers = n->layer + 1;
        if (n->op == RG_OP_EMBED && n->width != g->hidden_size)
            return rg_fail(err, RG_ERR_PARSE, n->name, "the width of the embedding", "hidden_size is %lld",
                           (long long)g->hidden_size);
    }
    if (g->n_layers != n_layers)
        return rg_fail(err, RG_ERR_PARSE, "n_layers", "the layers of the nodes", "found %lld for %lld",
                       (long long)g->n_layers, (long long)n_layers);
    if (g->vocab_size != graph_vocab_size(g))
        return rg_fail(err, RG_ERR_PARSE, "vocab_size", "the width of the head, or the rows of the embedding",
                       "found %lld for %lld", (long long)g->vocab_size, (long long)graph_vocab_size(g));
    if (g->max_positions < 1 || g->max_positions > INT32_MAX || g->hidden_size < 1 ||
        g->hidden_size > INT32_MAX)
        return rg_fail(err, RG_ERR_PARSE, "max_positions, hidden_size", "in [1, 2^31)", "found %lld and %lld",
                       (long long)g->max_positions, (long long)g->hidden_size);
    return RG_OK;
}

rg_status graph_check(const rg_graph *g, rg_error *err) {
    if (!g->n_nodes || g->output < 0 || (size_t)g->output >= g->n_nodes)
        return rg_fail(err, RG_ERR_PARSE, "output", "the index of a node", "%zu nodes, output %d", g->n_nodes,
                       g->output);
    RG_TRY(names_unique(g, err));
    for (size_t i = 0; i < g->n_weights; i++) RG_TRY(check_weight(g, i, err));
    for (size_t i = 0; i < g->n_nodes; i++) {
        int64_t width;
        RG_TRY(op_infer(g, i, &width, err));
        if (width != g->node[i].width)
            return rg_fail(err, RG_ERR_PARSE, g->node[i].name, "the width that its operator gives",
                           "width %lld, its operator gives %lld", (long long)g->node[i].width,
                           (long long)width);
    }
    return check_sizes(g, err);
}
