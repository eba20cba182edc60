/* Products whose operands are rotated by Hadamard blocks before they are quantized: x H (W H)^T = x W^T, but
   outliers spread over their block. */
#include "model/exec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One block in place: the butterflies of the Walsh-Hadamard transform, then 1 / sqrt(size). */
static void rotate_block(float *x, size_t size) {
    const float scale = (float)(1 / sqrt((double)size));
    for (size_t half = 1; half < size; half *= 2)
        for (size_t i = 0; i < size; i += 2 * half)
            for (size_t j = i; j < i + half; j++) {
                const float a = x[j], b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
    for (size_t i = 0; i < size; i++) x[i] *= scale;
}

void exec_rotate_rows(const exec *e, size_t size, const float *x, float *y, size_t rows, size_t cols) {
#pragma omp parallel for num_threads(e->threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float *row = y + r * cols;
        memcpy(row, x + r * cols, cols * sizeof *row);
        for (size_t from = 0, n; from < cols; from += n) { /* a rest in the largest powers of two that fit */
            for (n = size; n > cols - from;) n /= 2;
            rotate_block(row + from, n);
        }
    }
}

rg_status exec_linear_rotated(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    const size_t k = (size_t)e->model->graph.node[n->input[0]].width, width = (size_t)n->width,
                 size = (size_t)use->rotation;
    float **y = exec_value(e, node, variant);
    RG_TRY(exec_scratch_need(&e->weight, width * k, err));
    exec_rotate_rows(e, size, exec_weight(e, node, n->weight), e->weight.data, width, k);
    const float *weight = e->weight.data;
    if (use->weight) {
        RG_TRY(exec_scratch_need(&e->operand2, width * k, err));
        exec_quantize_matrix(e, use->weight, n->weight, e->weight.data, e->operand2.data);
        weight = e->operand2.data;
    }
    RG_TRY(exec_scratch_need(&e->packed, rg_gemm_packed_size(e->kernels, width, k), err));
    rg_gemm_pack(e->kernels, e->threads, weight, width, k, e->packed.data);
    RG_TRY(exec_scratch_need(&e->operand, e->n_tokens * k, err));
    exec_rotate_rows(e, size, *exec_value(e, n->input[0], variant), e->operand.data, e->n_tokens, k);
    if (use->input[0])
        exec_quantize_value(e, use->input[0], n->input[0], 0, e->n_tokens, k, e->operand.data,
                            e->operand.data);
    RG_TRY(exec_take(e, width, y, err));
    rg_gemm(e->kernels, e->threads, e->n_tokens, width, k, e->operand.data, e->packed.data, *y);
    exec_add_bias(e, node, e->n_tokens, *y);
    e->matrix_flop[node] += 2 * (uint64_t)e->n_tokens * width * k;
    return RG_OK;
}
