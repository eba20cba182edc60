/* embed: rows of a table. */
#include "graph/ops.h"

static rg_status infer(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    (void)err;
    *width = g->weight[n->weight].shape[1];
    return RG_OK;
}

static void count(const op_case *of, rg_node_count *c) {
    (void)of;
    c->input_elements = 0; /* the token ids are not counted */
    if (c->output_elements < c->weight_elements) c->weight_elements = c->output_elements;
}

const op_spec op_embed = {.name = "embed",
                          .min_inputs = 1,
                          .max_inputs = 1,
                          .weight_dims = 2,
                          .reads_tokens = true,
                          .infer = infer,
                          .count = count};
