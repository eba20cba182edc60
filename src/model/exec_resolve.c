/* What a policy means at each node of a graph. */
#include "model/exec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const rg_quant *find(rg_policy *policy, int role, const rg_graph_node *node) {
    const rg_quant *q = rg_policy_lookup(policy, (rg_role)(role - 1), node->name, node->layer >= 0);
    return q && !rg_quant_is_identity(q) ? q : NULL;
}

static size_t columns_of(const rg_graph *graph, const rg_graph_node *node, int i) {
    const exec_op *op = exec_op_find(node->op);
    return op && op->columns ? op->columns(node, i) : (size_t)graph->node[node->input[i]].width;
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
                if (!q || use[j].datapath ||
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
    const char *name = rg_policy_datapath(policy, node->name, node->layer >= 0);
    if (!name) return RG_OK;
    const rg_kernels *kernels;
    dot_plan plan;
    RG_TRY(rg_kernels_get(&kernels, err));
    RG_TRY(find_datapath(datapaths, name, &use->datapath, err));
    const rg_status status = dot_plan_make(&plan, kernels, use->datapath, use->input[0], use->weight,
                                           (size_t)graph->node[node->input[0]].width, err);
    if (status != RG_OK && err)
        snprintf(err->where, sizeof err->where, "policy, operator %.200s", node->name);
    return status;
}

rg_status exec_resolve(const rg_graph *graph, rg_policy *policy, exec_datapaths *datapaths, exec_use *use,
                       bool *touched, rg_error *err) {
    *touched = false;
    memset(use, 0, graph->n_nodes * sizeof *use);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        const rg_graph_node *node = &graph->node[i];
        const exec_op *op = exec_op_find(node->op);
        if (!op) continue; /* refused by exec_open */
        if (op->weight_role) use[i].weight = find(policy, op->weight_role, node);
        for (int j = 0; j < node->n_inputs; j++)
            if (op->input_role[j]) use[i].input[j] = find(policy, op->input_role[j], node);
        if (op->takes_datapath) RG_TRY(resolve_datapath(graph, node, policy, datapaths, &use[i], err));
        *touched = *touched || use[i].weight;
        for (int j = 0; j < node->n_inputs; j++) *touched = *touched || use[i].input[j];
    }
    RG_TRY(rg_policy_check(policy, err));
    for (size_t i = 0; i < graph->n_nodes; i++)
        if ((int)i != graph->output) hoist(graph, (int)i, use);
    return RG_OK;
}
