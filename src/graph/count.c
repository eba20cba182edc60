/* What the nodes of a graph compute and move. The conventions stand in ridge/graph.h. */
#include "graph/ops.h"

static double width_of(const rg_graph *g, const rg_graph_node *n, int i) {
    return n->input[i] < 0 ? 1 : (double)g->node[n->input[i]].width;
}

static double elements_of(const rg_graph *g, int w) {
    return w < 0 ? 0 : weight_elements(&g->weight[w]);
}

/* The weight whose storage this one uses. */
static int storage_of(const rg_graph *g, int w) {
    return g->weight[w].tied_to >= 0 ? g->weight[w].tied_to : w;
}

static void count_attention(const rg_graph *g, const rg_graph_node *n, rg_phase phase, double batch,
                            double context, rg_node_count *c) {
    double tokens = phase == RG_PREFILL ? batch * context : batch;
    double keys = phase == RG_PREFILL ? (context + 1) / 2 : context; /* attended, mean */
    double scores = tokens * (double)n->heads * keys;
    double kv = width_of(g, n, 1) + width_of(g, n, 2);
    c->matrix_flop = 4 * scores * (double)n->head_dim; /* q k^T and p v */
    c->vector_flop = 5 * scores + tokens * (double)n->width;
    c->input_elements = tokens * width_of(g, n, 0);
    c->kv_read_elements = batch * context * kv;
    c->kv_write_elements = tokens * kv;
}

rg_node_count rg_graph_count_node(const rg_graph *g, size_t node, rg_phase phase, double batch,
                                  double context) {
    const rg_graph_node *n = &g->node[node];
    bool once = phase == RG_DECODE || (int)node == g->output;
    double tokens = once ? batch : batch * context, width = (double)n->width;
    rg_node_count c = {.weight_elements = elements_of(g, n->weight) + elements_of(g, n->bias),
                       .output_elements = tokens * width};
    for (int i = 0; i < n->n_inputs; i++) c.input_elements += tokens * width_of(g, n, i);
    switch (n->op) {
    case RG_OP_EMBED:
        c.input_elements = 0; /* the token ids are not counted */
        if (c.output_elements < c.weight_elements) c.weight_elements = c.output_elements;
        break;
    case RG_OP_RMSNORM:
        c.vector_flop = 4 * tokens * width;
        break;
    case RG_OP_LINEAR:
        c.matrix_flop = 2 * tokens * width * width_of(g, n, 0);
        c.vector_flop = n->bias >= 0 ? tokens * width : 0;
        break;
    case RG_OP_ROPE:
        c.vector_flop = 3 * tokens * width;
        break;
    case RG_OP_ATTENTION:
        count_attention(g, n, phase, batch, context, &c);
        break;
    case RG_OP_SWIGLU:
        c.vector_flop = 5 * tokens * width;
        break;
    case RG_OP_ADD:
        c.vector_flop = tokens * width;
        break;
    default:
        break;
    }
    return c;
}

/* Elements of tables that are looked up and never multiplied. */
static double looked_up_only(const rg_graph *g) {
    double sum = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (g->node[i].op != RG_OP_EMBED) continue;
        int table = storage_of(g, g->node[i].weight);
        bool counted = false; /* multiplied, or another look-up of it taken already */
        for (size_t j = 0; j < g->n_nodes && !counted; j++)
            counted = g->node[j].weight >= 0 && storage_of(g, g->node[j].weight) == table &&
                      (g->node[j].op != RG_OP_EMBED || j < i);
        if (!counted) sum += elements_of(g, table);
    }
    return sum;
}

rg_graph_totals rg_graph_total(const rg_graph *g, double context) {
    rg_graph_totals t = {0};
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to < 0) t.parameters_total += elements_of(g, (int)i);
    t.parameters_active = t.parameters_total; /* no operator so far leaves weights idle */
    t.parameters_active_no_embedding = t.parameters_active - looked_up_only(g);
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        if (n->op == RG_OP_ATTENTION) t.kv_bytes_per_token += 2 * (width_of(g, n, 1) + width_of(g, n, 2));
        t.prefill_flop_per_token += rg_graph_count_node(g, i, RG_PREFILL, 1, context).matrix_flop / context;
        t.decode_flop_per_token += rg_graph_count_node(g, i, RG_DECODE, 1, context).matrix_flop;
    }
    return t;
}
