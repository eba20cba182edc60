/* The output head: logits of the scored rows only, in chunks, never all at once. */
#include "model/exec.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 96 }; /* rows: 19 MB of logits for a vocabulary of 49,152 */

/* The rows of these tokens in place, tokens in a row together. */
static void quantize_rows(const exec *e, const rg_quant *q, int value, const size_t *token, size_t n,
                          size_t k, float *x) {
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        while (end < n && token[end] == token[end - 1] + 1) end++;
        exec_quantize_value(e, q, value, token[i], end - i, k, x + i * k, x + i * k);
    }
}

/* Panels of a variant's head, packed once for all variants that agree on them. */
static rg_status pack_integers(exec *e, int node, size_t variant, rg_error *err) {
    struct exec_unit *unit = &e->head[variant];
    const exec_matrix m = exec_matrix_of(e, node);
    RG_TRY(exec_integer_plan(e, &m, exec_use_of(e, node, variant), &unit->integers, err));
    for (size_t v = 0; v < variant; v++)
        if (e->head[v].packed && integer_same_panels(&e->head[v].integers, &unit->integers)) {
            unit->shared = e->head[v].shared;
            unit->packed = true;
            return RG_OK;
        }
    RG_TRY(exec_integer_pack(e, &m, &unit->integers, &unit->panels, err));
    unit->shared = variant;
    unit->packed = true;
    return RG_OK;
}

static rg_status integer_logits(exec *e, int node, size_t variant, const float *x, const size_t *token,
                                size_t n, float *out, rg_error *err) {
    struct exec_unit *unit = &e->head[variant];
    if (!unit->packed) RG_TRY(pack_integers(e, node, variant, err));
    RG_TRY(exec_integer_rows(e, &unit->integers, x, token, n, &e->operand2, err));
    integer_gemm(&unit->integers, e->threads, n, (size_t)e->model->graph.node[node].width,
                 (const uint8_t *)e->operand2.data, (const uint8_t *)e->head[unit->shared].panels.data, out);
    return RG_OK;
}

/* Logits of scored rows first, ..., first + n - 1. */
static rg_status logits(exec *e, size_t variant, size_t first, size_t n, const float *packed, float *out,
                        rg_error *err) {
    const int node = e->model->graph.output;
    const rg_graph_node *g = &e->model->graph.node[node];
    const size_t k = (size_t)e->model->graph.node[g->input[0]].width, vocab = (size_t)g->width;
    const float *value = *exec_value(e, g->input[0], variant);
    const rg_quant *q = exec_use_of(e, node, variant)->input[0];
    RG_TRY(exec_scratch_need(&e->operand, n * k, err));
    float *x = e->operand.data;
    for (size_t i = 0; i < n; i++) memcpy(x + i * k, value + e->batch->scored[first + i] * k, k * sizeof *x);
    const exec_use *use = exec_use_of(e, node, variant);
    const size_t *token = e->batch->scored + first;
    if (use->datapath) {
        struct exec_unit *unit = &e->head[variant];
        const exec_matrix m = exec_matrix_of(e, node);
        if (!unit->ready) RG_TRY(exec_unit_open(e, &m, use, unit, err));
        RG_TRY(exec_unit_run(e, unit, x, token, n, out, err));
    } else if (use->integer) {
        RG_TRY(integer_logits(e, node, variant, x, token, n, out, err));
    } else {
        if (q) quantize_rows(e, q, g->input[0], token, n, k, x);
        rg_gemm(e->kernels, e->threads, n, vocab, k, x, packed, out);
    }
    exec_add_bias(e, node, n, out);
    e->matrix_flop[node] += 2 * (uint64_t)n * vocab * k;
    return RG_OK;
}

/* The variants whose head weight is quantized by q, beside the reference, whose head lies in
 * reference_packed. */
static rg_status run_group(exec *e, const rg_quant *q, const float *reference_packed, const float *packed,
                           exec_logits_fn *take, void *context, const rg_progress *progress,
                           const double share[2], rg_error *err) {
    const size_t vocab = (size_t)e->model->graph.node[e->model->graph.output].width,
                 n_scored = e->batch->n_scored;
    RG_TRY(exec_scratch_need(&e->reference, CHUNK * vocab, err));
    RG_TRY(exec_scratch_need(&e->logits, CHUNK * vocab, err));
    for (size_t first = 0; first < n_scored; first += CHUNK) {
        const size_t n = n_scored - first < CHUNK ? n_scored - first : CHUNK;
        double done = share[0] + (share[1] - share[0]) * (double)first / (double)n_scored;
        if (!rg_progress_step(progress, "quality: forward passes", done, 1))
            return rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted");
        RG_TRY(logits(e, 0, first, n, reference_packed, e->reference.data, err));
        for (size_t v = 0; v < e->n_variants; v++) {
            if (!exec_same_quant(exec_use_of(e, e->model->graph.output, v)->weight, q)) continue;
            const float *mine = v ? e->logits.data : e->reference.data;
            if (v) RG_TRY(logits(e, v, first, n, packed, e->logits.data, err));
            RG_TRY(take(context, v, first, n, e->reference.data, mine, err));
        }
    }
    return RG_OK;
}

void exec_head_close(exec *e) {
    for (size_t v = 0; e->head && v < e->n_variants; v++) {
        dot_matrix_free(&e->head[v].weight);
        free(e->head[v].panels.data);
        e->head[v] = (struct exec_unit){.ready = false};
    }
}

/* Whether a variant whose head weight is quantized by q multiplies by the fp32 chain: only then is it packed.
 */
static bool has_chain(const exec *e, int node, const rg_quant *q) {
    for (size_t v = 0; v < e->n_variants; v++)
        if (exec_is_chain(exec_use_of(e, node, v)) && exec_same_quant(exec_use_of(e, node, v)->weight, q))
            return true;
    return false;
}

rg_status exec_head(exec *e, exec_logits_fn *take, void *context, const rg_progress *progress,
                    const double share[2], rg_error *err) {
    const int node = e->model->graph.output;
    const exec_matrix m = exec_matrix_of(e, node);
    const rg_quant *reference = exec_use_of(e, node, 0)->weight;
    if (has_chain(e, node, reference)) RG_TRY(exec_pack_weight(e, &m, reference, 0, &e->packed, err));
    for (size_t first = 0; first < e->n_variants; first++) {
        const rg_quant *q = exec_use_of(e, node, first)->weight;
        bool done = false;
        for (size_t v = 0; v < first && !done; v++)
            done = exec_same_quant(exec_use_of(e, node, v)->weight, q);
        if (done) continue;
        const bool own = !exec_same_quant(q, reference);
        if (own && has_chain(e, node, q)) RG_TRY(exec_pack_weight(e, &m, q, 0, &e->packed2, err));
        const double from = (double)first / (double)e->n_variants, width = share[1] - share[0];
        RG_TRY(run_group(e, q, e->packed.data, own ? e->packed2.data : e->packed.data, take, context,
                         progress, (const double[2]){share[0] + width * from, share[1]}, err));
    }
    return RG_OK;
}
