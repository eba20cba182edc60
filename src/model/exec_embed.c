/* embed, position, first_row: rows of a table. */
#include "model/exec.h"

#include <string.h>

static size_t row_of(const exec *e, rg_op op, size_t token) {
    return op == RG_OP_EMBED      ? (size_t)e->batch->token[token]
           : op == RG_OP_POSITION ? exec_position(e, token)
                                  : 0;
}

static rg_status run(exec *e, int node, rg_error *err) {
    const rg_graph *graph = &e->model->graph;
    const rg_graph_node *n = &graph->node[node];
    const size_t width = (size_t)n->width, rows = (size_t)graph->weight[n->weight].shape[0];
    if (n->op == RG_OP_POSITION && e->max_window > rows)
        return rg_fail(err, RG_ERR_MISMATCH, n->name, "windows within the positions of the model",
                       "windows of %zu tokens, %zu positions", e->max_window, rows);
    const float *table = e->model->weight[n->weight], *from = NULL;
    const rg_quant *last = NULL;
    for (size_t v = 0; v < e->n_variants; v++) {
        const rg_quant *q = exec_use_of(e, node, v)->weight;
        float **out = exec_value(e, node, v);
        if (exec_same(e, node, v) != v) continue;
        RG_TRY(exec_take(e, width, out, err));
        if (!q) {
            from = table;
        } else if (!last || !rg_quant_equal(q, last)) {
            RG_TRY(exec_scratch_need(&e->weight, rows * width, err));
            exec_quantize_weight(e, q, n->weight, e->weight.data);
        }
        if (q) {
            from = e->weight.data;
            last = q;
        }
        exec_weight_part(e, node, n->weight, 0, e->n_tokens * width);
        for (size_t t = 0; t < e->n_tokens; t++)
            memcpy(*out + t * width, from + row_of(e, n->op, t) * width, width * sizeof **out);
    }
    return RG_OK;
}

const exec_op exec_op_embed = {.run = run, .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT)};
const exec_op exec_op_position = {.run = run, .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT)};
const exec_op exec_op_first_row = {.run = run, .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT)};
