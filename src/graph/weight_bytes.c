/* Stored size of a model's weights under a policy. */
#include "graph/ops.h"

#include <stdlib.h>

/* Bytes of weight `w` under what the policy gives the operator (NULL: bf16), rounded up to whole ones. */
static double stored_bytes(const rg_graph *g, int w, const rg_quant *quant) {
    const rg_graph_weight *weight = &g->weight[w];
    if (!quant) return 2 * weight_elements(weight);
    size_t cols = (size_t)weight->shape[weight->n_dims - 1];
    size_t rows = weight->n_dims > 1 ? (size_t)weight->shape[weight->n_dims - 2] : 1;
    double matrices = weight->n_dims > 2 ? (double)weight->shape[0] : 1; /* each has scales of its own */
    return matrices *
           (double)((rg_format_stored_size(&quant->format, rows, cols, false).packed_bits + 7) / 8);
}

static rg_status all_matched(const rg_policy *policy, rg_error *err) {
    for (size_t i = 0; i < policy->n; i++) {
        const rg_policy_entry *e = &policy->entry[i];
        if (e->role == RG_ROLE_WEIGHT && !e->matched)
            return rg_fail(err, RG_ERR_USAGE, policy->text, "a glob of operator names (ridge model graph)",
                           "w.%s matches no operator", e->glob);
    }
    return RG_OK;
}

/* Quantizers of the weights of all operators of one kind, by storage; biases and corrections stay bf16. */
static void look_up(const rg_graph *g, rg_op op, rg_policy *policy, const rg_quant **quant) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        if (n->op != op) continue;
        int tied_to = g->weight[n->weight].tied_to;
        quant[tied_to >= 0 ? tied_to : n->weight] = rg_policy_lookup(
            policy, rg_graph_feeds_router(g, i) ? RG_ROLE_ROUTER : RG_ROLE_WEIGHT, rg_graph_place(g, n));
    }
}

rg_status rg_graph_weight_bytes(const rg_graph *g, const char *text, double *bytes, rg_error *err) {
    rg_policy policy = {0};
    if (text) RG_TRY(rg_policy_parse(text, &policy, err));
    const rg_quant **quant = calloc(g->n_weights + 1, sizeof *quant);
    if (!quant) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    look_up(g, RG_OP_EMBED, &policy, quant);
    look_up(g, RG_OP_EXPERT_LINEAR, &policy, quant);
    look_up(g, RG_OP_MLA, &policy, quant);
    look_up(g, RG_OP_MLA_SELECTED, &policy, quant);
    look_up(g, RG_OP_GROUPED_LINEAR, &policy, quant);
    look_up(g, RG_OP_LINEAR, &policy, quant); /* last: what multiplies decides how a tied table is stored */
    rg_status status = all_matched(&policy, err);
    double sum = 0;
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to < 0) sum += stored_bytes(g, (int)i, quant[i]);
    free(quant);
    if (status == RG_OK) *bytes = sum;
    return status;
}
