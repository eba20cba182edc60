/* Matrix products: operands quantized once for all policies that agree on the quantizer. */
#include "model/exec.h"

#include <stdlib.h>

/* The quantizer with a stream of random bits that no other value or weight has. */
static rg_quant with_stream(const rg_quant *q, uint64_t which) {
    rg_quant own = *q;
    own.cast.stream ^= (which + 1) << 32;
    return own;
}

rg_quant exec_value_quant(const rg_quant *q, int node) {
    return with_stream(q, 2 * (uint64_t)node);
}
static rg_quant weight_quant(const rg_quant *q, int weight) {
    return with_stream(q, 2 * (uint64_t)weight + 1);
}

void exec_quantize_value(const exec *e, const rg_quant *q, int node, size_t token, size_t n_tokens,
                         size_t columns, const float *x, float *y) {
    const rg_quant own = exec_value_quant(q, node);
    const size_t width = (size_t)e->model->graph.node[node].width;
    rg_qdq_fast(e->kernels, e->threads, &own, x, y, n_tokens * width / columns, columns, true,
                (uint64_t)(e->batch->first_token + token) * width);
}

void exec_quantize_inside(const exec *e, int threads, const rg_quant *q, int node, enum exec_inside what,
                          uint64_t first, size_t rows, size_t columns, const float *x, float *y) {
    const rg_quant own = with_stream(q, (UINT64_C(1) << 31) + 8 * (uint64_t)node + (uint64_t)what);
    rg_qdq_fast(e->kernels, threads, &own, x, y, rows, columns, true, first);
}

void exec_quantize_weight(const exec *e, const rg_quant *q, int weight, float *y) {
    const rg_quant own = weight_quant(q, weight);
    const rg_graph_weight *w = &e->model->graph.weight[weight];
    rg_qdq_fast(e->kernels, e->threads, &own, e->model->weight[weight], y, (size_t)w->shape[0],
                (size_t)w->shape[1], false, 0);
}

static size_t elements_of(const exec *e, int node) {
    return e->n_tokens * (size_t)e->model->graph.node[node].width;
}

void exec_operand_into(const exec *e, int node, int i, size_t columns, size_t variant, float *y) {
    const exec_use *use = exec_use_of(e, node, variant);
    const int from = e->model->graph.node[node].input[i];
    const float *x = *exec_value(e, from, variant);
    if (use->rotation) {
        exec_rotate_rows(e, (size_t)use->rotation, x, y, elements_of(e, from) / columns, columns);
        x = y;
    }
    if (use->input[i]) exec_quantize_value(e, use->input[i], from, 0, e->n_tokens, columns, x, y);
}

rg_status exec_operand(exec *e, int node, int i, size_t columns, size_t variant, struct exec_scratch *scratch,
                       const float **out, rg_error *err) {
    const exec_use *use = exec_use_of(e, node, variant);
    const int from = e->model->graph.node[node].input[i];
    *out = *exec_value(e, from, variant);
    if (!use->input[i] && !use->rotation) return RG_OK;
    RG_TRY(exec_scratch_need(scratch, elements_of(e, from), err));
    exec_operand_into(e, node, i, columns, variant, scratch->data);
    *out = scratch->data;
    return RG_OK;
}

exec_matrix exec_matrix_of(const exec *e, int node) {
    const rg_graph_weight *w = &e->model->graph.weight[e->model->graph.node[node].weight];
    return (exec_matrix){node, (size_t)w->shape[w->n_dims - 2], (size_t)w->shape[w->n_dims - 1], 0};
}

const float *exec_matrix_data(const exec *e, const exec_matrix *m) {
    const size_t n = m->n * m->k;
    return exec_weight_part(e, m->node, e->model->graph.node[m->node].weight, m->expert * n, n);
}

rg_quant exec_matrix_quant(const exec *e, const exec_matrix *m, const rg_quant *q) {
    rg_quant own = weight_quant(q, e->model->graph.node[m->node].weight);
    own.cast.stream ^= m->expert;
    return own;
}

rg_status exec_pack_weight(exec *e, const exec_matrix *m, const rg_quant *q, int rotation,
                           struct exec_scratch *packed, rg_error *err) {
    const float *data = exec_matrix_data(e, m);
    if (rotation) {
        RG_TRY(exec_scratch_need(&e->operand, m->n * m->k, err));
        exec_rotate_rows(e, (size_t)rotation, data, e->operand.data, m->n, m->k);
        data = e->operand.data;
    }
    if (q) {
        const rg_quant own = exec_matrix_quant(e, m, q);
        RG_TRY(exec_scratch_need(&e->weight, m->n * m->k, err));
        rg_qdq_fast(e->kernels, e->threads, &own, data, e->weight.data, m->n, m->k, false, 0);
        data = e->weight.data;
    }
    RG_TRY(exec_scratch_need(packed, rg_gemm_packed_size(e->kernels, m->n, m->k), err));
    rg_gemm_pack(e->kernels, e->threads, data, m->n, m->k, packed->data);
    return RG_OK;
}

void exec_add_bias(const exec *e, int node, size_t rows, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    if (n->bias < 0) return;
    const size_t width = (size_t)n->width;
    const float *bias = exec_weight(e, node, n->bias);
    for (size_t r = 0; r < rows; r++, y += width)
        for (size_t i = 0; i < width; i++) y[i] += bias[i];
}

bool exec_same_quant(const rg_quant *a, const rg_quant *b) {
    return a == b || (a && b && rg_quant_equal(a, b));
}

rg_status exec_unit_open(const exec *e, const exec_matrix *m, const exec_use *use, struct exec_unit *unit,
                         rg_error *err) {
    *unit = (struct exec_unit){.ready = false};
    RG_TRY(dot_plan_make(&unit->plan, e->kernels, use->datapath, use->input[0], use->weight, m->k, err));
    unit->plan.side[0].quant =
        exec_value_quant(&unit->plan.side[0].quant, e->model->graph.node[m->node].input[0]);
    unit->plan.side[1].quant = exec_matrix_quant(e, m, &unit->plan.side[1].quant);
    RG_TRY(dot_matrix_make(&unit->weight, &unit->plan, e->threads, 1, exec_matrix_data(e, m), m->n, err));
    unit->ready = true;
    return RG_OK;
}

rg_status exec_unit_run(const exec *e, struct exec_unit *unit, const float *x, const size_t *token,
                        size_t rows, float *y, rg_error *err) {
    dot_matrix operand;
    unit->plan.side[0].first_token = e->batch->first_token;
    unit->plan.side[0].token = token;
    const rg_status status = dot_matrix_make(&operand, &unit->plan, e->threads, 0, x, rows, err);
    if (status == RG_OK) dot_gemm(&unit->plan, e->threads, &operand, &unit->weight, y);
    dot_matrix_free(&operand);
    return status;
}

rg_status exec_unit_multiply(const exec *e, const exec_matrix *m, const exec_use *use, const float *x,
                             const size_t *token, size_t rows, float *y, rg_error *err) {
    struct exec_unit unit;
    rg_status status = exec_unit_open(e, m, use, &unit, err);
    if (status == RG_OK) status = exec_unit_run(e, &unit, x, token, rows, y, err);
    dot_matrix_free(&unit.weight);
    return status;
}

/* By e->packed, or under the datapath. */
static rg_status multiply(exec *e, const exec_matrix *m, size_t variant, rg_error *err) {
    const int input = e->model->graph.node[m->node].input[0];
    const exec_use *use = exec_use_of(e, m->node, variant);
    const float *x = *exec_value(e, input, variant);
    float **y = exec_value(e, m->node, variant);
    if (!use->datapath) RG_TRY(exec_operand(e, m->node, 0, m->k, variant, &e->operand, &x, err));
    RG_TRY(exec_take(e, m->n, y, err));
    if (use->datapath)
        RG_TRY(exec_unit_multiply(e, m, use, x, NULL, e->n_tokens, *y, err));
    else
        rg_gemm(e->kernels, e->threads, e->n_tokens, m->n, m->k, x, e->packed.data, *y);
    exec_add_bias(e, m->node, e->n_tokens, *y);
    e->matrix_flop[m->node] += 2 * (uint64_t)e->n_tokens * m->n * m->k;
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    const exec_matrix m = exec_matrix_of(e, node);
    for (size_t first = 0; first < e->n_variants; first++) {
        const exec_use *use = exec_use_of(e, node, first);
        if (*exec_value(e, node, first)) continue; /* computed with an earlier variant's weight */
        if (use->datapath) {
            RG_TRY(multiply(e, &m, first, err));
            continue;
        }
        if (use->integer) {
            RG_TRY(exec_integer_linear(e, node, first, err));
            continue;
        }
        RG_TRY(exec_pack_weight(e, &m, use->weight, use->rotation, &e->packed, err));
        for (size_t v = first; v < e->n_variants; v++) {
            const exec_use *other = exec_use_of(e, node, v);
            if (exec_same(e, node, v) == v && exec_is_chain(other) && other->rotation == use->rotation &&
                exec_same_quant(other->weight, use->weight))
                RG_TRY(multiply(e, &m, v, err));
        }
    }
    return RG_OK;
}

const exec_op exec_op_linear = {.run = run,
                                .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT),
                                .input_role = {EXEC_ROLE(RG_ROLE_ACTIVATION)},
                                .takes_datapath = true};
