/* Stored size of a sequence's keys and values under a policy. */
#include "graph/ops.h"

#include <math.h>

static double row_bytes(const rg_quant *quant, int64_t heads, int64_t head_dim) {
    if (!heads) return 0;
    if (!quant) return 2.0 * (double)heads * (double)head_dim;
    const rg_stored_size one = rg_format_stored_size(&quant->format, (size_t)heads, (size_t)head_dim, true);
    return (double)((one.packed_bits + 7) / 8);
}

/* What a quantizer sees of a token. */
typedef struct rows {
    int64_t heads, width;
} rows;

static bool is_latent(const rg_graph_node *n) {
    return n->op == RG_OP_MLA || n->op == RG_OP_MLA_SELECTED;
}

/* Latent attention: the rotated key, or in its plain form whole keys. */
static rows keys_of(const rg_graph *g, const rg_graph_node *n) {
    if (is_latent(n) && n->form == RG_MLA_PLAIN) return (rows){n->heads, n->nope_dim + n->rope_dim};
    if (is_latent(n)) return (rows){1, n->rope_dim};
    return (rows){n->kv_heads, op_width_of(g, n, 1) / n->kv_heads};
}

/* Latent attention: the latent vector, or in its plain form values. */
static rows values_of(const rg_graph *g, const rg_graph_node *n) {
    if (is_latent(n) && n->form == RG_MLA_PLAIN) return (rows){n->heads, n->v_head_dim};
    if (is_latent(n)) return (rows){1, op_width_of(g, n, 1)};
    if (n->cached == RG_CACHE_KEYS) return (rows){0, 0};
    return (rows){n->kv_heads, op_width_of(g, n, 2) / n->kv_heads};
}

rg_status rg_graph_kv_bytes(const rg_graph *g, const char *text, double context, double *bytes,
                            rg_error *err) {
    rg_policy policy = {0};
    if (!(context >= 1)) return rg_fail(err, RG_ERR_USAGE, "context", "1 or more", "%g", context);
    if (text) RG_TRY(rg_policy_parse(text, &policy, err));
    double sum = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *n = &g->node[i];
        const rg_node_count c = rg_graph_count_node(g, i, RG_DECODE, 1, context);
        sum += c.index_bytes_per_token * context;
        if (n->op != RG_OP_ATTENTION && !is_latent(n)) { /* no policy speaks of them */
            sum += 2 * (c.cache_elements_per_token * context + c.state_elements_per_sequence) +
                   4 * c.recurrent_elements_per_sequence;
            continue;
        }
        const rg_policy_place place = rg_graph_place(g, n);
        const rg_quant *key = rg_policy_lookup(&policy, RG_ROLE_KEY, place),
                       *value = rg_policy_lookup(&policy, RG_ROLE_VALUE, place);
        const rows k = keys_of(g, n), v = values_of(g, n);
        const double elements = (double)(k.heads * k.width + v.heads * v.width);
        /* a sliding window holds so many positions at most */
        const double most =
            c.cache_elements_per_token > 0 ? context : c.state_elements_per_sequence / elements;
        const double tokens = g->node[n->input[1]].apart ? most : fmin(context, most);
        const double kept = fmin(tokens, (double)(policy.window + policy.sinks)); /* held as bf16 */
        sum += 2 * elements * kept;
        sum += (tokens - kept) * (row_bytes(key, k.heads, k.width) + row_bytes(value, v.heads, v.width));
    }
    *bytes = sum;
    return RG_OK;
}
