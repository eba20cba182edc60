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
rg_quant exec_weight_quant(const rg_quant *q, int weight) {
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

void exec_quantize_matrix(const exec *e, const rg_quant *q, int weight, const float *x, float *y) {
    const rg_quant own = exec_weight_quant(q, weight);
    const rg_graph_weight *w = &e->model->graph.weight[weight];
    rg_qdq_fast(e->kernels, e->threads, &own, x, y, (size_t)w->shape[0], (size_t)w->shape[1], false, 0);
}

void exec_quantize_weight(const exec *e, const rg_quant *q, int weight, float *y) {
    exec_quantize_matrix(e, q, weight, e->model->weight[weight], y);
}

rg_status exec_operand(exec *e, int node, int i, size_t columns, size_t variant, struct exec_scratch *scratch,
                       const float **out, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const rg_quant *q = exec_use_of(e, node, variant)->input[i];
    const float *value = *exec_value(e, n->input[i], variant);
    *out = value;
    if (!q) return RG_OK;
    const size_t elements = e->n_tokens * (size_t)e->model->graph.node[n->input[i]].width;
    RG_TRY(exec_scratch_need(scratch, elements, err));
    exec_quantize_value(e, q, n->input[i], 0, e->n_tokens, columns, value, scratch->data);
    *out = scratch->data;
    return RG_OK;
}

rg_status exec_pack_weight(exec *e, int node, const rg_quant *q, struct exec_scratch *packed, rg_error *err) {
    const rg_graph_weight *w = &e->model->graph.weight[e->model->graph.node[node].weight];
    const size_t n = (size_t)w->shape[0], k = (size_t)w->shape[1];
    const float *data = exec_weight(e, node, e->model->graph.node[node].weight);
    if (q) {
        RG_TRY(exec_scratch_need(&e->weight, n * k, err));
        exec_quantize_weight(e, q, e->model->graph.node[node].weight, e->weight.data);
        data = e->weight.data;
    }
    RG_TRY(exec_scratch_need(packed, rg_gemm_packed_size(e->kernels, n, k), err));
    rg_gemm_pack(e->kernels, e->threads, data, n, k, packed->data);
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

rg_status exec_unit_open(const exec *e, int node, const exec_use *use, struct exec_unit *unit,
                         rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t k = (size_t)e->model->graph.node[n->input[0]].width;
    *unit = (struct exec_unit){.ready = false};
    RG_TRY(dot_plan_make(&unit->plan, e->kernels, use->datapath, use->input[0], use->weight, k, err));
    unit->plan.side[0].quant = exec_value_quant(&unit->plan.side[0].quant, n->input[0]);
    unit->plan.side[1].quant = exec_weight_quant(&unit->plan.side[1].quant, n->weight);
    RG_TRY(dot_matrix_make(&unit->weight, &unit->plan, e->threads, 1, exec_weight(e, node, n->weight),
                           (size_t)n->width, err));
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

static rg_status multiply_by_unit(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t k = (size_t)e->model->graph.node[n->input[0]].width, width = (size_t)n->width;
    float **y = exec_value(e, node, variant);
    struct exec_unit unit;
    rg_status status = exec_unit_open(e, node, exec_use_of(e, node, variant), &unit, err);
    if (status == RG_OK) status = exec_take(e, width, y, err);
    if (status == RG_OK)
        status = exec_unit_run(e, &unit, *exec_value(e, n->input[0], variant), NULL, e->n_tokens, *y, err);
    dot_matrix_free(&unit.weight);
    if (status == RG_OK) exec_add_bias(e, node, e->n_tokens, *y);
    e->matrix_flop[node] += 2 * (uint64_t)e->n_tokens * width * k;
    return status;
}

static rg_status multiply(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t k = (size_t)e->model->graph.node[n->input[0]].width, width = (size_t)n->width;
    const float *x;
    float **y = exec_value(e, node, variant);
    RG_TRY(exec_operand(e, node, 0, k, variant, &e->operand, &x, err));
    RG_TRY(exec_take(e, width, y, err));
    rg_gemm(e->kernels, e->threads, e->n_tokens, width, k, x, e->packed.data, *y);
    exec_add_bias(e, node, e->n_tokens, *y);
    e->matrix_flop[node] += 2 * (uint64_t)e->n_tokens * width * k;
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    for (size_t first = 0; first < e->n_variants; first++) {
        if (*exec_value(e, node, first)) continue; /* computed with an earlier variant's weight */
        if (exec_use_of(e, node, first)->rotation) {
            RG_TRY(exec_linear_rotated(e, node, first, err));
            continue;
        }
        if (exec_use_of(e, node, first)->datapath) {
            RG_TRY(multiply_by_unit(e, node, first, err));
            continue;
        }
        if (exec_use_of(e, node, first)->integer) {
            RG_TRY(exec_integer_linear(e, node, first, err));
            continue;
        }
        const rg_quant *q = exec_use_of(e, node, first)->weight;
        RG_TRY(exec_pack_weight(e, node, q, &e->packed, err));
        for (size_t v = first; v < e->n_variants; v++)
            if (exec_same(e, node, v) == v && exec_is_chain(exec_use_of(e, node, v)) &&
                !exec_use_of(e, node, v)->rotation && exec_same_quant(exec_use_of(e, node, v)->weight, q))
                RG_TRY(multiply(e, node, v, err));
    }
    return RG_OK;
}

const exec_op exec_op_linear = {.run = run,
                                .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT),
                                .input_role = {EXEC_ROLE(RG_ROLE_ACTIVATION)},
                                .takes_datapath = true};
