/* Graphs as JSON, version 1. */
#include "base/json.h"
#include "graph/ops.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Shortest text that reads back as the same number; graph_check keeps infinities out. */
static void add_real(rg_str *out, double v) {
    char text[40];
    if (v == floor(v) && fabs(v) < 1e15) { /* 500000.0 rather than 5e+05 */
        rg_str_printf(out, "%.1f", v);
        return;
    }
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, v);
        if (strtod(text, NULL) == v) break;
    }
    rg_str_add(out, text);
}

static void add_weight(rg_str *out, const rg_graph_weight *w) {
    rg_str_add(out, "{\"name\": ");
    rg_str_add_json(out, w->name);
    rg_str_printf(out, ", \"shape\": [%lld", (long long)w->shape[0]);
    for (int d = 1; d < w->n_dims; d++) rg_str_printf(out, ", %lld", (long long)w->shape[d]);
    rg_str_add(out, "]");
    if (w->tied_to >= 0) rg_str_printf(out, ", \"tied_to\": %d", w->tied_to);
    rg_str_add(out, "}");
}

static void add_node(rg_str *out, const rg_graph_node *n) {
    const op_spec *spec = op_find(n->op);
    rg_str_add(out, "{\"name\": ");
    rg_str_add_json(out, n->name);
    rg_str_add(out, ", \"op\": ");
    rg_str_add_json(out, n->op == RG_OP_OPAQUE ? n->opaque_op : spec->name);
    rg_str_printf(out, ", \"layer\": %d, \"inputs\": [", n->layer);
    for (int i = 0; i < n->n_inputs; i++) rg_str_printf(out, "%s%d", i ? ", " : "", n->input[i]);
    rg_str_printf(out, "], \"width\": %lld", (long long)n->width);
    if (n->weight >= 0) rg_str_printf(out, ", \"weight\": %d", n->weight);
    if (n->bias >= 0) rg_str_printf(out, ", \"bias\": %d", n->bias);
    for (int i = 0; i < RG_MAX_EXTRA; i++)
        if (n->extra[i] >= 0) rg_str_printf(out, ", \"%s\": %d", spec->extra[i], n->extra[i]);
    if (n->rows || n->apart)
        rg_str_printf(out, ", \"%s\": %lld", n->apart ? "rows" : "more_rows", (long long)n->rows);
    if (n->split > 1) rg_str_printf(out, ", \"split\": %lld", (long long)n->split);
    for (const node_number *k = node_numbers; k->name; k++) {
        if (k->bit == NODE_WIDTH || !((spec->needs | spec->takes) & k->bit)) continue;
        const void *at = (const char *)n + k->offset;
        const int64_t whole = k->whole ? *(const int64_t *)at : 0;
        const double real = k->whole ? 0 : *(const double *)at;
        if (whole == 0 && real == 0 && !(spec->needs & k->bit)) continue;
        rg_str_printf(out, ", \"%s\": ", k->name);
        if (k->words)
            rg_str_add_json(out, k->words[whole]);
        else if (k->whole)
            rg_str_printf(out, "%lld", (long long)whole);
        else
            add_real(out, real);
    }
    rg_str_add(out, "}");
}

rg_status rg_graph_to_json(const rg_graph *g, rg_str *out, rg_error *err) {
    rg_str_add(out, "{\"ridge_graph\": 1,\n \"family\": ");
    rg_str_add_json(out, g->family);
    rg_str_add(out, ", \"model\": ");
    rg_str_add_json(out, g->model);
    rg_str_printf(out, ",\n \"vocab_size\": %lld, \"hidden_size\": %lld, \"n_layers\": %lld",
                  (long long)g->vocab_size, (long long)g->hidden_size, (long long)g->n_layers);
    rg_str_printf(out, ", \"max_positions\": %lld", (long long)g->max_positions);
    if (g->parameters_mtp > 0) rg_str_printf(out, ", \"parameters_mtp\": %.0f", g->parameters_mtp);
    if (g->parameters_vision > 0) rg_str_printf(out, ", \"parameters_vision\": %.0f", g->parameters_vision);
    if (g->stored) {
        rg_str_add(out, ", \"stored\": ");
        rg_str_add_json(out, g->stored);
    }
    rg_str_printf(out, ", \"output\": %d,\n \"weights\": [", g->output);
    for (size_t i = 0; i < g->n_weights; i++) {
        rg_str_add(out, i ? ",\n  " : "\n  ");
        add_weight(out, &g->weight[i]);
    }
    rg_str_add(out, "],\n \"nodes\": [");
    for (size_t i = 0; i < g->n_nodes; i++) {
        rg_str_add(out, i ? ",\n  " : "\n  ");
        add_node(out, &g->node[i]);
    }
    rg_str_add(out, "]}\n");
    return out->failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}
