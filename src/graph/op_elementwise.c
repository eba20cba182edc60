/* Operators that work feature by feature: swiglu, add, multiply, softcap. */
#include "graph/ops.h"

static void count_add(const op_case *of, rg_node_count *c) {
    c->vector_flop = of->tokens * (double)of->node->width;
}

static void count_swiglu(const op_case *of, rg_node_count *c) {
    c->vector_flop = 5 * of->tokens * (double)of->node->width;
}

/* One factor for all features of a row, or one each. */
static rg_status infer_multiply(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    *width = op_width_of(g, n, 0);
    const int64_t factors = op_width_of(g, n, 1);
    if (factors == *width || factors == 1) return RG_OK;
    return op_bad(n, "inputs of equal width, or a second one of width 1", err, "widths differ");
}

const op_spec op_add = {.name = "add",
                        .min_inputs = 2,
                        .max_inputs = 2,
                        .infer = op_infer_equal,
                        .count = count_add,
                        .sharing = OP_EVEN};
const op_spec op_swiglu = {.name = "swiglu",
                           .min_inputs = 2,
                           .max_inputs = 2,
                           .infer = op_infer_equal,
                           .count = count_swiglu,
                           .sharing = OP_EVEN,
                           .saves = 3};
const op_spec op_multiply = {.name = "multiply",
                             .min_inputs = 2,
                             .max_inputs = 2,
                             .infer = infer_multiply,
                             .count = count_add,
                             .sharing = OP_EVEN,
                             .saves = 3};

static void count_softcap(const op_case *of, rg_node_count *c) {
    c->vector_flop = 5 * of->tokens * (double)of->node->width; /* divide, exp, add, divide, multiply */
}

const op_spec op_softcap = {.name = "softcap",
                            .min_inputs = 1,
                            .max_inputs = 1,
                            .needs = NODE_LIMIT,
                            .infer = op_infer_equal,
                            .count = count_softcap,
                            .sharing = OP_EVEN,
                            .saves = 1};
