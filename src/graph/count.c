/* What the nodes of a graph compute and move. The conventions stand in ridge/graph.h. */
#include "graph/ops.h"

static double elements_of(const rg_graph *g, int w) {
    return w < 0 ? 0 : weight_elements(&g->weight[w]);
}

static double all_elements(const rg_graph *g, const rg_graph_node *n) {
    double sum = elements_of(g, n->weight) + elements_of(g, n->bias);
    for (int i = 0; i < RG_MAX_EXTRA; i++) sum += elements_of(g, n->extra[i]);
    return sum;
}

/* The weight whose storage this one uses. */
static int storage_of(const rg_graph *g, int w) {
    return g->weight[w].tied_to >= 0 ? g->weight[w].tied_to : w;
}

rg_node_count rg_graph_count_node(const rg_graph *g, size_t node, rg_phase phase, double batch,
                                  double context) {
    const rg_graph_node *n = &g->node[node];
    const bool once = phase == RG_DECODE || (op_is_head(g, node) && !g->every_row);
    double rows = n->apart ? 0 : once ? 1 : context;
    if (phase == RG_PREFILL) rows += (double)n->rows;
    const op_case of = {g, n, phase, batch, context, batch * rows / op_split(n)};
    rg_node_count c = {.weight_elements = all_elements(g, n),
                       .output_elements = of.tokens * (double)n->width};
    c.active_weight_elements = c.weight_elements;
    if (rows <= 0) c.weight_elements = 0; /* not read */
    for (int i = 0; i < n->n_inputs; i++) c.input_elements += of.tokens * (double)op_width_of(g, n, i);
    const op_spec *spec = op_find(n->op);
    if (spec->count) spec->count(&of, &c);
    return c;
}

/* Elements of tables that are looked up and never multiplied. */
static double looked_up_only(const rg_graph *g) {
    double sum = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!op_looks_up(g->node[i].op)) continue;
        int table = storage_of(g, g->node[i].weight);
        bool counted = false; /* multiplied, or another look-up of it taken already */
        for (size_t j = 0; j < g->n_nodes && !counted; j++)
            counted = g->node[j].weight >= 0 && storage_of(g, g->node[j].weight) == table &&
                      (!op_looks_up(g->node[j].op) || j < i);
        if (!counted) sum += elements_of(g, table);
    }
    return sum;
}

rg_graph_totals rg_graph_total(const rg_graph *g, double context) {
    rg_graph_totals t = {.parameters_mtp = g->parameters_mtp, .parameters_vision = g->parameters_vision};
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to < 0) t.parameters_total += elements_of(g, (int)i);
    double idle = 0; /* weights that a token passes by: experts not chosen */
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_node_count decode = rg_graph_count_node(g, i, RG_DECODE, 1, context);
        const rg_node_count prefill = rg_graph_count_node(g, i, RG_PREFILL, 1, context);
        if (!op_looks_up(g->node[i].op)) idle += all_elements(g, &g->node[i]) - decode.active_weight_elements;
        t.kv_bytes_per_token += 2 * decode.cache_elements_per_token;
        t.indexer_bytes_per_token += decode.index_bytes_per_token;
        t.state_bytes_per_sequence +=
            2 * decode.state_elements_per_sequence + 4 * decode.recurrent_elements_per_sequence;
        t.prefill_flop_per_token += prefill.matrix_flop / context;
        t.decode_flop_per_token += decode.matrix_flop;
    }
    t.parameters_active = t.parameters_total - idle;
    t.parameters_active_no_embedding = t.parameters_active - looked_up_only(g);
    return t;
}
