/* slice and concat: features moved, nothing computed. */
#include "graph/ops.h"

#include <stdio.h>

static rg_status infer_slice(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    const int64_t heads = n->head_dim ? n->heads : 1, run = n->head_dim ? n->head_dim : op_width_of(g, n, 0);
    *width = n->width;
    if (!n->head_dim && n->heads) return op_bad(n, "head_dim beside heads", err, "heads without head_dim");
    RG_TRY(op_check_heads(g, n, 0, heads, run, err));
    if (n->width < 1 || n->width % heads)
        return op_bad(n, "a width of equal parts, one per head", err, "width does not divide by the heads");
    if (n->from < 0 || n->from > run || n->width / heads > run - n->from) {
        char text[160];
        snprintf(text, sizeof text, "%lld features of %lld, from feature %lld on",
                 (long long)(n->width / heads), (long long)run, (long long)n->from);
        return op_bad(n, "features that the input has", err, text);
    }
    return RG_OK;
}

static rg_status infer_concat(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err) {
    *width = 0;
    for (int i = 0; i < n->n_inputs; i++) *width += op_width_of(g, n, i);
    if (*width > INT32_MAX) return op_bad(n, "a width below 2^31", err, "width out of range");
    return RG_OK;
}

/* Of the input only what goes on is read. */
static void count_slice(const op_case *of, rg_node_count *c) {
    (void)of;
    c->input_elements = c->output_elements;
}

const op_spec op_slice = {.name = "slice",
                          .min_inputs = 1,
                          .max_inputs = 1,
                          .needs = NODE_WIDTH | NODE_FROM,
                          .takes = NODE_HEADS | NODE_HEAD_DIM,
                          .infer = infer_slice,
                          .count = count_slice,
                          .sharing = OP_EVEN};
const op_spec op_concat = {.name = "concat",
                           .min_inputs = 2,
                           .max_inputs = RG_MAX_INPUTS,
                           .infer = infer_concat,
                           .sharing = OP_EVEN};
