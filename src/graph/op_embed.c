/* embed, position, first_row: rows of a table. */
#include "graph/ops.h"

static rg_status infer_row(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
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
                          .infer = infer_row,
                          .count = count};

/* The sequences of a batch share the rows of their positions. */
static void count_position(const op_case *of, rg_node_count *c) {
    const double width = (double)of->node->width;
    const double rows = of->tokens / of->batch;
    c->input_elements = 0;
    if (rows * width < c->weight_elements) c->weight_elements = rows * width;
}

static rg_status infer_sum(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    if (n->lookups < 1 || n->lookups > INT32_MAX)
        return op_bad(n, "in [1, 2^31)", err, "number of look-ups out of range");
    return infer_row(g, n, width, err);
}

static void count_sum(const op_case *of, rg_node_count *c) {
    const double read = c->output_elements * (double)of->node->lookups;
    c->input_elements = 0;
    c->vector_flop = read - c->output_elements;
    if (read < c->weight_elements) c->weight_elements = read;
}

const op_spec op_embed_sum = {.name = "embed_sum",
                              .min_inputs = 1,
                              .max_inputs = 1,
                              .weight_dims = 2,
                              .reads_tokens = true,
                              .needs = NODE_LOOKUPS,
                              .infer = infer_sum,
                              .count = count_sum};

static void count_first_row(const op_case *of, rg_node_count *c) {
    c->input_elements = 0;
    c->weight_elements = (double)of->node->width;
}

const op_spec op_position = {.name = "position",
                             .min_inputs = 1,
                             .max_inputs = 1,
                             .weight_dims = 2,
                             .reads_tokens = true,
                             .infer = infer_row,
                             .count = count_position};
const op_spec op_first_row = {.name = "first_row",
                              .min_inputs = 1,
                              .max_inputs = 1,
                              .weight_dims = 2,
                              .reads_tokens = true,
                              .infer = infer_row,
                              .count = count_first_row};
