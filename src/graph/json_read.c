/* Graphs from JSON, version 1. Structure and types are checked here, the meaning by graph_check. */
#include "graph/ops.h"

#include <stdio.h>
#include <string.h>

typedef struct reader {
    rg_doc *doc;
    rg_graph *graph;
    rg_error *err;
} reader;

static rg_status bad(reader *r, const rg_doc_node *at, const char *expected, const char *what) {
    char where[256];
    return rg_fail(r->err, RG_ERR_PARSE, rg_doc_where(r->doc, at, where, sizeof where), expected, "%s", what);
}

/* A whole number that fits an int; without `need`, *out stays when the key is absent. */
static rg_status read_index(reader *r, rg_doc_node *map, const char *key, bool need, int *out) {
    int64_t v = *out;
    RG_TRY(rg_doc_int(r->doc, map, key, need, &v, r->err));
    if (v < -1 || v > INT32_MAX) return bad(r, rg_doc_get(map, key), "an index or -1", "out of range");
    *out = (int)v;
    return RG_OK;
}

static rg_status read_text(reader *r, rg_doc_node *map, const char *key, const char **out) {
    const char *text = NULL;
    RG_TRY(rg_doc_string(r->doc, map, key, true, &text, r->err));
    if (strlen(text) > 1000) return bad(r, rg_doc_get(map, key), "at most 1000 characters", "a long name");
    *out = rg_arena_strndup(&r->graph->arena, text, strlen(text));
    return *out ? RG_OK : rg_fail(r->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status read_whole(reader *r, const rg_doc_node *node, int64_t *out) {
    double v;
    RG_TRY(rg_doc_as_number(r->doc, node, &v, r->err));
    if (!(v >= -1 && v <= INT32_MAX) || v != (double)(int64_t)v)
        return bad(r, node, "a whole number in [-1, 2^31)", "out of range");
    *out = (int64_t)v;
    return RG_OK;
}

static rg_status read_weight(reader *r, rg_doc_node *map, rg_graph_weight *w) {
    rg_doc_node *shape;
    *w = (rg_graph_weight){.tied_to = -1};
    if (map->kind != RG_DOC_MAP) return bad(r, map, "an object", "a weight is not an object");
    RG_TRY(read_text(r, map, "name", &w->name));
    RG_TRY(rg_doc_child(r->doc, map, "shape", RG_DOC_LIST, true, &shape, r->err));
    if (shape->n < 1 || shape->n > RG_MAX_WEIGHT_DIMS)
        return bad(r, shape, "1 to 3 sizes", "wrong number of dimensions");
    for (rg_doc_node *c = shape->child; c; c = c->next) RG_TRY(read_whole(r, c, &w->shape[w->n_dims++]));
    return read_index(r, map, "tied_to", false, &w->tied_to);
}

static rg_status read_word(reader *r, rg_doc_node *map, const node_number *k, bool need, int64_t *out) {
    const char *text = NULL;
    RG_TRY(rg_doc_string(r->doc, map, k->name, need, &text, r->err));
    if (!text) return RG_OK;
    const int64_t word = node_word(k, text);
    if (word < 0) return bad(r, rg_doc_get(map, k->name), "a word of docs/families.md", "unknown word");
    *out = word;
    return RG_OK;
}

static rg_status read_numbers(reader *r, rg_doc_node *map, rg_graph_node *n) {
    const op_spec *spec = op_find(n->op);
    for (const node_number *k = node_numbers; k->name; k++) {
        bool width = k->bit == NODE_WIDTH, need = width || (spec->needs & k->bit);
        if (!need && !(spec->takes & k->bit)) continue;
        void *at = (char *)n + k->offset;
        if (k->words)
            RG_TRY(read_word(r, map, k, need, at));
        else if (k->whole)
            RG_TRY(rg_doc_int(r->doc, map, k->name, need, at, r->err));
        else
            RG_TRY(rg_doc_number(r->doc, map, k->name, need, at, r->err));
    }
    return RG_OK;
}

static rg_status read_node(reader *r, rg_doc_node *map, rg_graph_node *n) {
    const char *op = NULL;
    rg_doc_node *inputs;
    *n = (rg_graph_node){.weight = -1, .bias = -1};
    for (int i = 0; i < RG_MAX_EXTRA; i++) n->extra[i] = -1;
    if (map->kind != RG_DOC_MAP) return bad(r, map, "an object", "a node is not an object");
    RG_TRY(read_text(r, map, "name", &n->name));
    RG_TRY(read_text(r, map, "op", &op));
    n->op = op_from_name(op);
    if (n->op == RG_OP_OPAQUE) n->opaque_op = op;
    RG_TRY(read_index(r, map, "layer", true, &n->layer));
    RG_TRY(rg_doc_child(r->doc, map, "inputs", RG_DOC_LIST, true, &inputs, r->err));
    if (inputs->n > RG_MAX_INPUTS) return bad(r, inputs, "at most 8", "too many inputs");
    for (rg_doc_node *c = inputs->child; c; c = c->next) {
        int64_t v = -1;
        RG_TRY(read_whole(r, c, &v));
        n->input[n->n_inputs++] = (int)v;
    }
    RG_TRY(read_index(r, map, "weight", false, &n->weight));
    RG_TRY(read_index(r, map, "bias", false, &n->bias));
    for (int i = 0; i < RG_MAX_EXTRA && op_find(n->op)->extra[i]; i++)
        RG_TRY(read_index(r, map, op_find(n->op)->extra[i], false, &n->extra[i]));
    const bool more = rg_doc_get(map, "more_rows");
    n->apart = rg_doc_get(map, "rows");
    if (more && n->apart) return bad(r, map, "rows or more_rows", "both are there");
    RG_TRY(rg_doc_int(r->doc, map, more ? "more_rows" : "rows", false, &n->rows, r->err));
    if (n->rows < 0 || n->rows > INT32_MAX || (n->rows == 0) != (!more && !n->apart))
        return bad(r, map, "rows in [1, 2^31)", "rows out of range");
    RG_TRY(rg_doc_int(r->doc, map, "split", false, &n->split, r->err));
    if (n->split < 0 || n->split > INT32_MAX || n->split == 1)
        return bad(r, map, "split in [2, 2^31)", "split out of range");
    return read_numbers(r, map, n);
}

static rg_status read_lists(reader *r, rg_doc_node *weights, rg_doc_node *nodes) {
    rg_graph *g = r->graph;
    if (weights->n > MAX_NODES || nodes->n > MAX_NODES)
        return bad(r, nodes, "at most 2^20", "too many nodes or weights");
    g->weight = rg_arena_alloc(&g->arena, weights->n + 1, sizeof *g->weight);
    g->node = rg_arena_alloc(&g->arena, nodes->n + 1, sizeof *g->node);
    if (!g->weight || !g->node) return rg_fail(r->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (rg_doc_node *c = weights->child; c; c = c->next)
        RG_TRY(read_weight(r, c, &g->weight[g->n_weights++]));
    for (rg_doc_node *c = nodes->child; c; c = c->next) RG_TRY(read_node(r, c, &g->node[g->n_nodes++]));
    return RG_OK;
}

static rg_status read_graph(reader *r) {
    rg_doc *doc = r->doc;
    rg_graph *g = r->graph;
    rg_doc_node *root = doc->root, *weights, *nodes;
    int64_t version = 0;
    if (root->kind != RG_DOC_MAP) return bad(r, root, "an object with \"ridge_graph\": 1", "not a graph");
    RG_TRY(rg_doc_int(doc, root, "ridge_graph", true, &version, r->err));
    if (version != 1) return bad(r, rg_doc_get(root, "ridge_graph"), "1", "unknown version");
    RG_TRY(read_text(r, root, "family", &g->family));
    RG_TRY(read_text(r, root, "model", &g->model));
    RG_TRY(rg_doc_int(doc, root, "vocab_size", true, &g->vocab_size, r->err));
    RG_TRY(rg_doc_int(doc, root, "hidden_size", true, &g->hidden_size, r->err));
    RG_TRY(rg_doc_int(doc, root, "n_layers", true, &g->n_layers, r->err));
    RG_TRY(rg_doc_int(doc, root, "max_positions", true, &g->max_positions, r->err));
    RG_TRY(rg_doc_number(doc, root, "parameters_mtp", false, &g->parameters_mtp, r->err));
    RG_TRY(rg_doc_number(doc, root, "parameters_vision", false, &g->parameters_vision, r->err));
    if (!(g->parameters_mtp >= 0 && g->parameters_mtp < 1e18) ||
        !(g->parameters_vision >= 0 && g->parameters_vision < 1e18))
        return bad(r, root, "numbers of parameters", "parameters_mtp or parameters_vision is none");
    if (rg_doc_get(root, "stored")) {
        rg_policy policy;
        RG_TRY(read_text(r, root, "stored", &g->stored));
        if (rg_policy_parse(g->stored, &policy, NULL) != RG_OK)
            return bad(r, rg_doc_get(root, "stored"), "a numerics policy", "stored is none");
    }
    RG_TRY(read_index(r, root, "output", true, &g->output));
    RG_TRY(rg_doc_child(doc, root, "weights", RG_DOC_LIST, true, &weights, r->err));
    RG_TRY(rg_doc_child(doc, root, "nodes", RG_DOC_LIST, true, &nodes, r->err));
    RG_TRY(read_lists(r, weights, nodes));
    RG_TRY(rg_doc_unused(doc, root, r->err));
    RG_TRY(graph_check(g, r->err));
    g->every_row = graph_sees_both_ways(g);
    return RG_OK;
}

rg_status graph_from_doc(rg_graph *out, rg_doc *doc, rg_error *err) {
    rg_graph g = {0};
    reader r = {.doc = doc, .graph = &g, .err = err};
    rg_status status = read_graph(&r);
    if (status != RG_OK) {
        rg_graph_close(&g);
        return status;
    }
    *out = g;
    return RG_OK;
}

rg_status rg_graph_from_json(rg_graph *out, const char *text, size_t size, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, "graph", true, err));
    rg_status status = graph_from_doc(out, &doc, err);
    rg_doc_close(&doc);
    return status;
}
