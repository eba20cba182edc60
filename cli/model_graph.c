/* ridge model graph. */
#include "model_graph.h"

#include "ridge/model.h"
#include "ridge/parallel.h"

static void graph_row(const rg_graph *g, size_t i) {
    const rg_graph_node *n = &g->node[i];
    char inputs[48] = "", weight[48] = "-";
    for (int k = 0, at = 0; k < n->n_inputs; k++)
        at += n->input[k] < 0
                  ? snprintf(inputs + at, sizeof inputs - (size_t)at, "%stokens", k ? "," : "")
                  : snprintf(inputs + at, sizeof inputs - (size_t)at, "%s%d", k ? "," : "", n->input[k]);
    if (n->weight >= 0) {
        const rg_graph_weight *w = &g->weight[n->weight];
        if (w->n_dims == 2)
            snprintf(weight, sizeof weight, "%lld x %lld%s", (long long)w->shape[0], (long long)w->shape[1],
                     w->tied_to >= 0 ? " tied" : "");
        else
            snprintf(weight, sizeof weight, "%lld", (long long)w->shape[0]);
    }
    printf("%5zu  %-36s %-10s %-18s %8lld  %s\n", i, n->name,
           n->op == RG_OP_OPAQUE ? n->opaque_op : rg_op_name(n->op), inputs, (long long)n->width, weight);
}

static rg_status print(cli_context *context, const rg_graph *g, rg_error *err) {
    rg_status status = RG_OK;
    if (context->json) {
        rg_str out = {0};
        status = rg_graph_to_json(g, &out, err);
        if (status == RG_OK) fwrite(out.data, 1, out.len, stdout);
        rg_str_free(&out);
    } else {
        printf("%5s  %-36s %-10s %-18s %8s  %s\n", "node", "name", "operator", "inputs", "width", "weight");
        for (size_t i = 0; i < g->n_nodes; i++) graph_row(g, i);
        printf("%zu nodes, %zu weights; node %d gives the logits\n", g->n_nodes, g->n_weights, g->output);
    }
    return status;
}

rg_status cli_model_graph(cli_context *context, rg_error *err) {
    const char *text = cli_string(context, "layout");
    rg_layout layout;
    rg_model model;
    rg_graph rank;
    if (text) RG_TRY(rg_layout_parse(text, &layout, err));
    RG_TRY(rg_model_open(&model, context->argument[0], context->data_dir, false, err));
    rg_status status = text ? rg_graph_shard(&rank, &model.graph, &layout, err) : RG_OK;
    if (status == RG_OK) {
        status = print(context, text ? &rank : &model.graph, err);
        if (text) rg_graph_close(&rank);
    }
    rg_model_close(&model);
    return status;
}

const cli_option cli_model_graph_options[] = {{"layout", CLI_STRING, "LAYOUT", NULL, NULL, 0, 0, false, false,
                                               "graph of one rank, as tp=8,ep=8,sp=1 (docs/parallel.md)"},
                                              {0}};
