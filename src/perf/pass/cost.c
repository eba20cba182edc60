/* What one operator computes and must move, and how long each unit of the chip needs for it. */
#include "perf/pass/perf.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* Vector work runs at the first of these that the chip has. */
static rg_status vector_rate(perf_case *c, rg_error *err) {
    static const char *const types[] = {"fp32", "bf16", "fp16"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (rg_chip_rate_of(c->chip, types[i], &c->vector_flop_per_s, NULL) == RG_OK) {
            c->vector_type = types[i];
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_UNSUPPORTED, c->chip->file, "one of them, or --set rates.bf16=\"N TFLOP/s\"",
                   "%s: none of rates.fp32, rates.bf16, rates.fp16 is published", c->chip->id);
}

static rg_status need(const rg_chip *chip, const char *path, double *out, rg_error *err) {
    const rg_chip_number *n = rg_chip_find(chip, path);
    if (!n)
        return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file, "the number in the chip's file, or --set",
                       "%s: %s is not published", chip->id, path);
    *out = n->v.value;
    return RG_OK;
}

rg_status perf_case_set(perf_case *c, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                        double batch, double context, rg_policy *policy, bool all_fp32, rg_error *err) {
    memset(c, 0, offsetof(perf_case, parsed));
    if (!(batch >= 1 && batch <= 1e9) || batch != floor(batch))
        return rg_fail(err, RG_ERR_USAGE, "batch", "a whole number of sequences, 1 or more", "%g", batch);
    if (!(context >= 1 && context <= 1e9) || context != floor(context))
        return rg_fail(err, RG_ERR_USAGE, "context", "a whole number of tokens, 1 or more", "%g", context);
    c->graph = graph;
    c->chip = chip;
    c->phase = phase;
    c->batch = batch;
    c->context = context;
    c->policy = policy;
    c->all_fp32 = all_fp32;
    if (all_fp32) RG_TRY(rg_quant_parse("fp32", &c->fp32, err));
    RG_TRY(vector_rate(c, err));
    return need(chip, "memory.bandwidth", &c->bytes_per_s, err);
}

rg_status perf_case_init(perf_case *c, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                         double batch, double context, const char *policy, rg_error *err) {
    RG_TRY(rg_policy_parse(policy ? policy : "", &c->parsed, err));
    return perf_case_set(c, graph, chip, phase, batch, context, &c->parsed,
                         policy && strcmp(policy, "fp32") == 0, err);
}

/* Quantizer of an operand; NULL: stored as bf16. */
static const rg_quant *quant_of(perf_case *c, rg_role role, const rg_graph_node *n) {
    const rg_quant *q = rg_policy_lookup(c->policy, role, rg_graph_place(c->graph, n));
    return q ? q : c->all_fp32 ? &c->fp32 : NULL;
}

static double stored_bytes(const rg_quant *q, double rows, double cols, bool per_row) {
    if (!q) return 2 * rows * cols;
    return ceil((double)rg_format_stored_size(&q->format, (size_t)rows, (size_t)cols, per_row).packed_bits /
                8);
}

static void format_text(const rg_quant *q, char *buf, size_t size) {
    if (q)
        rg_format_print(&q->format, buf, size);
    else
        snprintf(buf, size, "bf16");
}

/* Of one bias vector. */
static double bias_bytes(const perf_case *c, int w) {
    if (w < 0) return 0;
    const rg_graph_weight *b = &c->graph->weight[w];
    return (c->all_fp32 ? 4.0 : 2.0) * (double)b->shape[b->n_dims - 1];
}

/* Also with the experts that the pass reads, `weight_elements` in all. */
static rg_status cost_linear(perf_case *c, const rg_graph_node *n, double weight_elements, perf_cost *out,
                             rg_error *err) {
    const rg_graph_weight *w = &c->graph->weight[n->weight];
    const bool router = rg_graph_feeds_router(c->graph, (size_t)(n - c->graph->node));
    const rg_quant *weight = quant_of(c, router ? RG_ROLE_ROUTER : RG_ROLE_WEIGHT, n),
                   *activation = quant_of(c, router ? RG_ROLE_ROUTER : RG_ROLE_ACTIVATION, n);
    const double rows = (double)w->shape[w->n_dims - 2], cols = (double)w->shape[w->n_dims - 1];
    const double matrices = weight_elements / (rows * cols + (n->bias >= 0 ? rows : 0));
    RG_TRY(rg_chip_execute(c->chip, weight, activation, &out->execution, err));
    out->multiplies = true;
    out->matrix_s = out->matrix_flop / out->execution.flop_per_s;
    out->bytes = matrices * (stored_bytes(weight, rows, cols, false) + bias_bytes(c, n->bias));
    format_text(weight, out->weight_format, sizeof out->weight_format);
    format_text(activation, out->activation_format, sizeof out->activation_format);
    return RG_OK;
}

static double row_bytes(const rg_graph *g, const rg_graph_node *n, int input, const rg_quant *q) {
    return stored_bytes(q, 1, (double)g->node[n->input[input]].width, true);
}

double perf_kv_row_bytes(perf_case *c, const rg_graph_node *n) {
    const rg_quant *key = quant_of(c, RG_ROLE_KEY, n), *value = quant_of(c, RG_ROLE_VALUE, n);
    if (n->op == RG_OP_MLA && n->form == RG_MLA_PLAIN)
        return stored_bytes(key, 1, (double)(n->heads * (n->nope_dim + n->rope_dim)), true) +
               stored_bytes(value, 1, (double)(n->heads * n->v_head_dim), true);
    if (n->op == RG_OP_MLA) return row_bytes(c->graph, n, 1, value) + row_bytes(c->graph, n, 2, key);
    return row_bytes(c->graph, n, 1, key) + row_bytes(c->graph, n, 2, value);
}

/* Scores multiply keys, the output values, each as stored, with operands that are bf16: half the work each.
 */
static rg_status cost_attention(perf_case *c, const rg_graph_node *n, double keys, perf_cost *out,
                                rg_error *err) {
    const rg_quant *key = quant_of(c, RG_ROLE_KEY, n), *value = quant_of(c, RG_ROLE_VALUE, n);
    const rg_quant *query = c->all_fp32 ? &c->fp32 : NULL;
    rg_chip_execution k, v;
    RG_TRY(rg_chip_execute(c->chip, key, query, &k, err));
    RG_TRY(rg_chip_execute(c->chip, value, query, &v, err));
    out->multiplies = true;
    out->execution = v.flop_per_s < k.flop_per_s || (v.flop_per_s == k.flop_per_s && v.kind > k.kind) ? v : k;
    if (v.kind > out->execution.kind) out->execution.kind = v.kind;
    if (k.kind > out->execution.kind) out->execution.kind = k.kind;
    out->matrix_s = 0.5 * out->matrix_flop * (1 / k.flop_per_s + 1 / v.flop_per_s);
    out->bytes += keys * perf_kv_row_bytes(c, n);
    char kt[60], vt[60];
    format_text(key, kt, sizeof kt);
    format_text(value, vt, sizeof vt);
    bool same = strcmp(kt, vt) == 0;
    snprintf(out->weight_format, sizeof out->weight_format, "%s%s%s", kt, same ? "" : " / ", same ? "" : vt);
    format_text(query, out->activation_format, sizeof out->activation_format);
    return RG_OK;
}

/* The weight multiplies every token once, with bf16; the rest is attention. */
static rg_status cost_mla(perf_case *c, const rg_graph_node *n, perf_cost *out, rg_error *err) {
    const rg_graph_weight *w = &c->graph->weight[n->weight];
    const double rows = (double)w->shape[0], cols = (double)w->shape[1],
                 tokens = (c->phase == RG_PREFILL ? c->batch * c->context : c->batch) /
                          (n->split > 1 ? (double)n->split : 1);
    const rg_quant *weight = quant_of(c, RG_ROLE_WEIGHT, n);
    const double all = out->matrix_flop, here = 2 * tokens * rows * cols;
    rg_chip_execution by_weight;
    RG_TRY(rg_chip_execute(c->chip, weight, c->all_fp32 ? &c->fp32 : NULL, &by_weight, err));
    out->bytes = stored_bytes(weight, rows, cols, false);
    out->matrix_flop = all - here;
    RG_TRY(cost_attention(c, n, c->batch * c->context, out, err));
    out->matrix_flop = all;
    out->matrix_s += here / by_weight.flop_per_s;
    if (by_weight.kind > out->execution.kind) out->execution.kind = by_weight.kind;
    return RG_OK;
}

static int storage_of(const rg_graph *g, int w) {
    return g->weight[w].tied_to >= 0 ? g->weight[w].tied_to : w;
}

/* A table that shares its storage with an operator's weight is stored as that operator has it. */
static const rg_quant *table_quant(perf_case *c, const rg_graph_node *n) {
    const rg_graph *g = c->graph;
    const rg_quant *q = quant_of(c, RG_ROLE_WEIGHT, n);
    for (size_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].op == RG_OP_LINEAR && storage_of(g, g->node[i].weight) == storage_of(g, n->weight))
            q = quant_of(c, RG_ROLE_WEIGHT, &g->node[i]);
    return q;
}

/* Rows used: the tokens of the pass, all different, but no more than the table has. */
static void cost_embed(perf_case *c, const rg_graph_node *n, perf_cost *out) {
    const rg_graph_weight *w = &c->graph->weight[n->weight];
    double tokens = c->phase == RG_PREFILL ? c->batch * c->context : c->batch;
    const rg_quant *q = table_quant(c, n);
    out->bytes = fmin(tokens, (double)w->shape[0]) * stored_bytes(q, 1, (double)w->shape[1], true);
    format_text(q, out->weight_format, sizeof out->weight_format);
}

double perf_state_bytes(const perf_case *c, size_t node) {
    if (c->graph->node[node].op == RG_OP_ATTENTION) return 0;
    const rg_node_count n = rg_graph_count_node(c->graph, node, c->phase, 1, c->context);
    return (c->all_fp32 ? 4 : 2) * n.state_elements_per_sequence + 4 * n.recurrent_elements_per_sequence;
}

/* A decode step reads and writes what is kept of each sequence, a prompt leaves it behind once. */
static void cost_other(const perf_case *c, size_t node, const rg_node_count *count, perf_cost *out) {
    const double moves = c->phase == RG_DECODE ? 2 : 1;
    out->bytes =
        (c->all_fp32 ? 4 : 2) * count->weight_elements + moves * c->batch * perf_state_bytes(c, node);
    if (c->phase == RG_DECODE) /* what selected attention reads: all index keys, the keys that were chosen */
        out->bytes += 2 * count->kv_read_elements + c->batch * c->context * count->index_bytes_per_token;
}

/* Keys, with their values, that are read: a window or other rows than the context's. */
static double kv_rows(const perf_case *c, const rg_graph_node *n, const rg_node_count *count) {
    const rg_graph_node *node = c->graph->node;
    const double width =
        (double)node[n->input[1]].width + (n->cached == RG_CACHE_KEYS ? 0 : (double)node[n->input[2]].width);
    return count->kv_read_elements / width;
}

rg_status perf_cost_of(perf_case *c, size_t node, perf_cost *out, rg_error *err) {
    const rg_graph_node *n = &c->graph->node[node];
    const rg_node_count count = rg_graph_count_node(c->graph, node, c->phase, c->batch, c->context);
    perf_cost cost = {.matrix_flop = count.matrix_flop, .vector_flop = count.vector_flop};
    if (n->op == RG_OP_LINEAR || n->op == RG_OP_EXPERT_LINEAR)
        RG_TRY(cost_linear(c, n, count.weight_elements, &cost, err));
    else if (n->op == RG_OP_MLA)
        RG_TRY(cost_mla(c, n, &cost, err));
    else if (n->op == RG_OP_ATTENTION)
        RG_TRY(cost_attention(c, n, kv_rows(c, n, &count), &cost, err));
    else if (n->op == RG_OP_EMBED)
        cost_embed(c, n, &cost);
    else
        cost_other(c, node, &count, &cost);
    cost.vector_s = cost.vector_flop / c->vector_flop_per_s;
    cost.memory_s = cost.bytes / c->bytes_per_s;
    *out = cost;
    return RG_OK;
}
