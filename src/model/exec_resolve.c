/* What a policy means at each node of a graph. */
#include "model/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rg_quant *find(rg_policy *policy, int role, rg_policy_place place) {
    const rg_quant *q = rg_policy_lookup(policy, (rg_role)(role - 1), place);
    return q && !rg_quant_is_identity(q) ? q : NULL;
}

static size_t columns_of(const rg_graph *graph, const rg_graph_node *node, int i) {
    const exec_op *op = exec_op_find(node->op);
    return op && op->columns ? op->columns(graph, node, i) : (size_t)graph->node[node->input[i]].width;
}

static bool quantizes(const rg_graph_node *node) {
    const exec_op *op = exec_op_find(node->op);
    return op && op->quantizes;
}

/* When all uses of an output read it through one quantizer, it is applied once, where the output is made. */
static void hoist(const rg_graph *graph, int node, exec_use *use) {
    const rg_quant *common = NULL;
    size_t columns = 0;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t j = (size_t)node + 1; j < graph->n_nodes; j++) {
            const rg_graph_node *user = &graph->node[j];
            for (int i = 0; i < user->n_inputs; i++) {
                if (user->input[i] != node) continue;
                const rg_quant *q = use[j].input[i];
                if (pass == 1) {
                    use[j].input[i] = NULL;
                    continue;
                }
                if (!q || quantizes(user) || !exec_is_chain(&use[j]) || use[j].rotation || use[j].window ||
                    use[j].sinks ||
                    (common && (!rg_quant_equal(q, common) || columns != columns_of(graph, user, i))))
                    return;
                common = q;
                columns = columns_of(graph, user, i);
            }
        }
        if (!common) return;
    }
    use[node].output = common;
    use[node].output_columns = columns;
}

void exec_datapaths_close(exec_datapaths *d) {
    for (size_t i = 0; i < d->n; i++) rg_datapath_close(d->at[i].datapath);
    d->n = 0;
}

static rg_status find_datapath(exec_datapaths *d, const char *name, const rg_datapath **out, rg_error *err) {
    for (size_t i = 0; i < d->n; i++)
        if (strcmp(d->at[i].name, name) == 0) return *out = d->at[i].datapath, RG_OK;
    if (d->n == sizeof d->at / sizeof *d->at)
        return rg_fail(err, RG_ERR_USAGE, "policy", "at most 64 in all policies", "too many datapaths");
    RG_TRY(rg_datapath_open(&d->at[d->n].datapath, name, d->data_dir, err));
    d->at[d->n].name = name;
    *out = d->at[d->n++].datapath;
    return RG_OK;
}

/* Does the datapath take what the policy makes of the operands? */
static rg_status resolve_datapath(const rg_graph *graph, const rg_graph_node *node, rg_policy *policy,
                                  exec_datapaths *datapaths, exec_use *use, rg_error *err) {
    const char *name = rg_policy_datapath(policy, rg_graph_place(graph, node));
    if (!name) return RG_OK;
    const rg_kernels *kernels;
    dot_plan plan;
    RG_TRY(rg_kernels_get(&kernels, err));
    RG_TRY(find_datapath(datapaths, name, &use->datapath, err));
    const rg_status status = dot_plan_make(&plan, kernels, use->datapath, use->input[0], use->weight,
                                           columns_of(graph, node, 0), err);
    if (status != RG_OK && err)
        snprintf(err->where, sizeof err->where, "policy, operator %.200s", node->name);
    return status;
}

/* Only fp32 chains before the output head rotate; elsewhere a rotation would be lost in silence. */
static rg_status resolve_rotation(const rg_graph *graph, size_t i, rg_policy *policy, exec_use *use,
                                  rg_error *err) {
    const rg_graph_node *node = &graph->node[i];
    const int size = rg_policy_rotation(policy, rg_graph_place(graph, node));
    char where[sizeof err->where];
    if (!size) return RG_OK;
    snprintf(where, sizeof where, "policy, operator %.200s", node->name);
    if (use->datapath)
        return rg_fail(err, RG_ERR_USAGE, where, "either rot= or dp= for an operator",
                       "rot=hadamard(%d) together with dp=%.100s", size,
                       rg_policy_datapath(policy, rg_graph_place(graph, node)));
    if (!use->weight && !use->input[0]) return RG_OK; /* would change nothing but bits */
    if ((int)i == graph->output)
        return rg_fail(err, RG_ERR_USAGE, where, "rot= for linear operators before the output head",
                       "rot=hadamard(%d)", size);
    use->rotation = size;
    return RG_OK;
}

static bool multiplies_integers(const rg_graph *graph, const rg_graph_node *node, const exec_use *use) {
    num_integer_form x, w;
    if (!use->weight || !use->input[0] || use->datapath || use->rotation) return false;
    const size_t k = columns_of(graph, node, 0);
    return num_integer_form_of(&x, use->input[0], k) && num_integer_form_of(&w, use->weight, k) &&
           num_integer_block(&x, &w, k);
}

static rg_status resolve_node(const rg_graph *graph, size_t i, rg_policy *policy, exec_datapaths *datapaths,
                              exec_use *use, rg_error *err) {
    const rg_graph_node *node = &graph->node[i];
    const exec_op *op = exec_op_find(node->op);
    const rg_policy_place place = rg_graph_place(graph, node);
    const bool router = rg_graph_feeds_router(graph, i), inside = node->layer >= 0;
    if (!op) return RG_OK; /* refused by exec_open */
    if (op->weight_role)
        use->weight = find(policy, router ? EXEC_ROLE(RG_ROLE_ROUTER) : op->weight_role, place);
    for (int j = 0; j < node->n_inputs; j++)
        if (op->input_role[j])
            use->input[j] = find(policy, router ? EXEC_ROLE(RG_ROLE_ROUTER) : op->input_role[j], place);
    if (op->attends) {
        use->score = find(policy, EXEC_ROLE(RG_ROLE_SCORE), place);
        use->probability = find(policy, EXEC_ROLE(RG_ROLE_PROBABILITY), place);
    }
    if (op->attends && (use->input[1] || use->input[2])) { /* else nothing is kept from a quantizer */
        use->window = (size_t)policy->window;
        use->sinks = (size_t)policy->sinks;
    }
    if ((int)i != graph->output && inside && !op->chooses)
        use->result = find(policy, EXEC_ROLE(op->adds ? RG_ROLE_RESIDUAL : RG_ROLE_OUTPUT), place);
    if (!op->takes_datapath) return RG_OK;
    RG_TRY(resolve_datapath(graph, node, policy, datapaths, use, err));
    RG_TRY(resolve_rotation(graph, i, policy, use, err));
    use->integer = multiplies_integers(graph, node, use);
    return RG_OK;
}

static bool is_touched(const exec_use *use) {
    bool touched = use->weight || use->result || use->score || use->probability || use->datapath;
    for (int j = 0; j < RG_MAX_INPUTS; j++) touched = touched || use->input[j];
    return touched;
}

rg_status exec_resolve(const rg_graph *graph, rg_policy *policy, exec_datapaths *datapaths, exec_use *use,
                       bool *touched, rg_error *err) {
    *touched = false;
    memset(use, 0, graph->n_nodes * sizeof *use);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        RG_TRY(resolve_node(graph, i, policy, datapaths, &use[i], err));
        *touched = *touched || is_touched(&use[i]);
    }
    RG_TRY(rg_policy_check(policy, err));
    for (size_t i = 0; i < graph->n_nodes; i++)
        if ((int)i != graph->output) hoist(graph, (int)i, use);
    return RG_OK;
}
