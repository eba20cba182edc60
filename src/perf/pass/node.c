/* Estimates of the nodes of a graph: as a row of the table of an operator model, or, where none fits, by the
   bandwidth, peak and launch time that the chip's GEMMs reach. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"
#include "perf/pass/perf.h"

bool perf_typical_of(const rg_calibrations *all, const rg_chip *chip, perf_typical *out) {
    for (int own = 1; own >= 0; own--) {
        double sum[3] = {0}, n = 0;
        for (size_t i = 0; all && i < all->n; i++) {
            const perf_calibration *e = &all->entry[i];
            if (e->model != &perf_gemm || strncmp(e->group, "bfloat16/", 9) != 0) continue;
            if (own && strcmp(e->chip, chip->id) != 0) continue;
            for (int k = 0; k < 3; k++) sum[k] += log(e->constant[k]);
            n++;
        }
        if (!(n > 0)) continue;
        *out =
            (perf_typical){exp(sum[0] / n) / perf_clock_hz(chip), exp(sum[1] / n), exp(sum[2] / n), own == 1};
        return true;
    }
    return false;
}

static const char *dtype_name(const perf_cost *cost, double weight_bits) {
    const char *as = cost->execution.runs_as;
    if (strcmp(as, "fp8") == 0) return "fp8";
    if (strcmp(as, "fp4") == 0) return "nvfp4";
    if (strcmp(as, "int8") == 0) return "int8";
    return weight_bits > 9 ? "bfloat16" : weight_bits > 6 ? "int8_wo" : "int4_wo";
}

/* As measured kernels name it, with the bytes of the policy's own formats. */
static perf_dtype dtype_of(const perf_cost *cost, double weight_bits, const char **name) {
    *name = dtype_name(cost, weight_bits);
    const perf_dtype *like = perf_dtype_find(*name);
    perf_dtype d = *like;
    d.rate = cost->execution.runs_as;
    d.weight_bytes = weight_bits / 8;
    return d;
}

static void put(perf_row *row, size_t i, const char *word) {
    snprintf(row->word[i], sizeof row->word[i], "%s", word);
}

/* Weight-only kernels were measured on one chip: others run them as bf16 multiplies of narrower weights. */
static bool answer(const perf_case *c, const rg_calibrations *all, const perf_model *model, perf_row *row,
                   rg_estimate *out) {
    if (perf_answer(all, c->chip, model, row, NULL, out)) return true;
    put(row, 0, "bfloat16");
    if (!perf_answer(all, c->chip, model, row, NULL, out)) return false;
    out->kind = "transferred";
    return true;
}

bool perf_estimate_gemm(const perf_case *c, const rg_calibrations *all, const perf_cost *cost, double m,
                        double n, double k, rg_estimate *out) {
    const char *as = cost->execution.runs_as, *name;
    const double bits = strcmp(as, "fp4") == 0                              ? 4
                        : strcmp(as, "fp8") == 0 || strcmp(as, "int8") == 0 ? 8
                                                                            : 16;
    const perf_dtype d = dtype_of(cost, bits, &name);
    perf_row row = {.x = {m, n, k}, .dtype = &d};
    put(&row, 0, name);
    return answer(c, all, &perf_gemm, &row, out);
}

static bool estimate_linear(const perf_case *c, const rg_calibrations *all, const rg_graph_node *n,
                            const perf_cost *cost, rg_estimate *out) {
    const rg_graph_weight *w = &c->graph->weight[n->weight];
    const double rows = (double)w->shape[w->n_dims - 2], cols = (double)w->shape[w->n_dims - 1];
    const char *name;
    const perf_dtype d = dtype_of(cost, 8 * cost->bytes / (rows * cols), &name);
    perf_row row = {
        .x = {fmax(1, cost->matrix_flop / (2 * rows * cols)), rows, cols}, .dtype = &d, .cold = true};
    put(&row, 0, name);
    return answer(c, all, &perf_gemm, &row, out);
}

static double top_k_of(const rg_graph *g, const rg_graph_node *n) {
    for (int i = 0; i < n->n_inputs; i++)
        if (n->input[i] >= 0 && g->node[n->input[i]].op == RG_OP_ROUTER)
            return (double)g->node[n->input[i]].top_k;
    return 0;
}

/* Its part, by FLOP, of a layer of experts of its shape. */
static bool estimate_experts(const perf_case *c, const rg_calibrations *all, const rg_graph_node *n,
                             const perf_cost *cost, rg_estimate *out) {
    const rg_graph_weight *w = &c->graph->weight[n->weight];
    const double experts = (double)w->shape[0], out_n = (double)w->shape[w->n_dims - 2],
                 in_n = (double)w->shape[w->n_dims - 1], k = top_k_of(c->graph, n);
    const double tokens = k > 0 ? cost->matrix_flop / (2 * out_n * in_n * k) : 0;
    if (w->n_dims != 3 || !(tokens >= 1)) return false;
    const double read = fmax(1, fmin(experts, tokens * k)); /* near enough for the width of a weight */
    const char *name;
    const perf_dtype d = dtype_of(cost, fmin(16, fmax(4, 8 * cost->bytes / (read * out_n * in_n))), &name);
    perf_row row = {.x = {tokens, in_n, out_n, k, experts, 1, 1}, .dtype = &d, .cold = true};
    put(&row, 0, name);
    put(&row, 1, "balanced");
    if (!answer(c, all, &perf_moe, &row, out)) return false;
    out->estimate_s /= 3, out->lo80_s /= 3, out->hi80_s /= 3;
    return true;
}

static bool estimate_attention(perf_case *c, const rg_calibrations *all, const rg_graph_node *n,
                               rg_estimate *out) {
    const bool decode = c->phase == RG_DECODE;
    const double head = (double)n->head_dim, kv_heads = (double)n->kv_heads;
    const double kv_bytes = perf_kv_row_bytes(c, n) / (2 * kv_heads * head);
    if (!(kv_heads > 0) || !(head > 0) || !(kv_bytes > 0)) return false;
    const perf_dtype *bf16 = perf_dtype_find("bfloat16");
    perf_dtype kv = *bf16;
    kv.activation_bytes = kv_bytes;
    perf_row row = {.x = {c->batch, decode ? 1 : c->context, decode ? c->context - 1 : 0, (double)n->heads,
                          kv_heads, head, (double)n->window},
                    .dtype = bf16,
                    .cold = true,
                    .kv_dtype = &kv};
    put(&row, 0, "bfloat16");
    put(&row, 1, kv_bytes < 1.5 ? "fp8" : "bfloat16");
    if (!perf_answer(all, c->chip, decode ? &perf_attention_decode : &perf_attention_prefill, &row, NULL,
                     out))
        return false;
    if (!decode && n->split > 1) { /* ranks of cp share the queries evenly, early and late ones each */
        out->estimate_s /= (double)n->split;
        out->lo80_s /= (double)n->split;
        out->hi80_s /= (double)n->split;
    }
    return true;
}

/* Views move nothing; the rest reads its inputs and writes its outputs. Often fused with a neighbour: the low
   end leaves out launch and traffic. */
static bool estimate_other(const perf_case *c, const rg_calibrations *all, size_t node, const perf_cost *cost,
                           double bound_s, rg_estimate *out) {
    const rg_op op = c->graph->node[node].op;
    perf_typical t;
    if (!perf_typical_of(all, c->chip, &t)) return false;
    *out = (rg_estimate){.regime = "launch", .kind = "transferred"};
    if (op == RG_OP_SLICE || op == RG_OP_CONCAT || op == RG_OP_ROWS_OF) return true;
    const rg_node_count n = rg_graph_count_node(c->graph, node, c->phase, c->batch, c->context);
    const double bytes = cost->bytes + 2 * (n.input_elements + n.output_elements);
    const double memory_s = bytes / (c->bytes_per_s * t.bandwidth),
                 compute_s = cost->matrix_s / t.peak + cost->vector_s;
    out->estimate_s = fmax(bound_s, t.launch_s + perf_overlap(compute_s, memory_s, 0));
    out->lo80_s = fmin(out->estimate_s, fmax(bound_s, 0.25 * out->estimate_s));
    out->hi80_s = 2 * out->estimate_s;
    out->regime = t.launch_s > fmax(memory_s, compute_s) ? "launch"
                  : memory_s > compute_s                 ? "memory"
                                                         : "compute";
    return true;
}

bool perf_estimate_node(perf_case *c, const rg_calibrations *all, size_t node, const perf_cost *cost,
                        double bound_s, rg_estimate *out) {
    const rg_graph_node *n = &c->graph->node[node];
    bool done = false;
    if (n->op == RG_OP_LINEAR)
        done = estimate_linear(c, all, n, cost, out);
    else if (n->op == RG_OP_EXPERT_LINEAR)
        done = estimate_experts(c, all, n, cost, out);
    else if (n->op == RG_OP_ATTENTION)
        done = estimate_attention(c, all, n, out);
    if (!done) done = estimate_other(c, all, node, cost, bound_s, out);
    if (!done) return false;
    /* a pass is larger than any cache: no part of it beats its bound */
    out->bound_s = bound_s;
    out->estimate_s = fmax(out->estimate_s, bound_s);
    out->lo80_s = fmin(fmax(out->lo80_s, bound_s), out->estimate_s);
    out->hi80_s = fmax(out->hi80_s, out->estimate_s);
    return true;
}
