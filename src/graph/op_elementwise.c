/* Operators that work feature by feature: swiglu, add. */
#include "graph/ops.h"

static void count_add(const op_case *of, rg_node_count *c) {
    c->vector_flop = of->tokens * (double)of->node->width;
}

static void count_swiglu(const op_case *of, rg_node_count *c) {
    c->vector_flop = 5 * of->tokens * (double)of->node->width;
}

const op_spec op_add = {
    .name = "add", .min_inputs = 2, .max_inputs = 2, .infer = op_infer_equal, .count = count_add};
const op_spec op_swiglu = {
    .name = "swiglu", .min_inputs = 2, .max_inputs = 2, .infer = op_infer_equal, .count = count_swiglu};
