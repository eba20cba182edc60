/* The operators: what each takes and how the width of its output follows. */
#ifndef GRAPH_OPS_H
#define GRAPH_OPS_H

#include "ridge/graph.h"

/* Numbers a node carries, as bits for `needs` and `takes`; names as in family files and JSON. */
enum {
    NODE_EPS = 1,
    NODE_HEADS = 2,
    NODE_KV_HEADS = 4,
    NODE_HEAD_DIM = 8,
    NODE_THETA = 16,
    NODE_SCALING = 32, /* factor, low_freq_factor, high_freq_factor, original_max_position */
    NODE_WIDTH = 64
};

typedef struct node_number {
    const char *name;
    unsigned bit;
    bool whole;    /* int64_t, else double */
    size_t offset; /* in rg_graph_node */
} node_number;
/* Ends with name NULL. */
extern const node_number node_numbers[];

typedef struct op_spec {
    const char *name;
    int n_inputs;    /* -1: any */
    int weight_dims; /* 0: none; -1: any or none */
    bool takes_bias;
    unsigned needs, takes; /* takes: beside needs */
} op_spec;
const op_spec *op_find(rg_op op);
/* RG_OP_OPAQUE for a name that no table knows. */
rg_op op_from_name(const char *name);

enum { MAX_NODES = 1 << 20, MAX_LAYERS = 1 << 16 };

/* Holds a node whose inputs come before it to the rules of its operator and gives the width of its output
   (OPAQUE: its own). */
rg_status op_infer(const rg_graph *g, size_t node, int64_t *width, rg_error *err);
static inline double weight_elements(const rg_graph_weight *w) {
    return (double)w->shape[0] * (w->n_dims == 2 ? (double)w->shape[1] : 1);
}

/* Weights: names unique, shapes, ties to an earlier untied weight of the same shape. Nodes: names unique and
   op_infer for each, widths as inferred. Sizes: as the embedding and the output say. */
rg_status graph_check(const rg_graph *g, rg_error *err);
/* A graph in its JSON form; `out` does not refer to `doc`. */
rg_status graph_from_doc(rg_graph *out, rg_doc *doc, rg_error *err);

#endif
