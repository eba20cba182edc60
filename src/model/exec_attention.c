/* Causal attention inside each window, scores in fp32, every sum in one order. */
#include "model/exec.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Queries taken together; fixed, so that a query sees the same blocks on every machine. */
enum { QUERIES = 48 };

typedef struct job { /* one node of one variant */
    const rg_kernels *kernels;
    size_t heads, kv_heads, head_dim;
    const float *q, *k, *v;
    float *y;
    float scale;
} job;

typedef struct space { /* of one thread */
    float *keys, *values, *scores, *sums;
} space;

/* All query heads that share one key head, one window of `length` tokens beginning at row `start`. */
static uint64_t attend(const job *j, const space *s, size_t start, size_t length, size_t kv_head) {
    const size_t d = j->head_dim, ldq = j->heads * d, ldkv = j->kv_heads * d, group = j->heads / j->kv_heads;
    uint64_t flop = 0;
    j->kernels->pack(j->k + start * ldkv + kv_head * d, ldkv, length, d, s->keys);
    j->kernels->pack_transposed(j->v + start * ldkv + kv_head * d, ldkv, length, d, s->values);
    for (size_t h = kv_head * group; h < (kv_head + 1) * group; h++)
        for (size_t q0 = 0; q0 < length; q0 += QUERIES) {
            const size_t n = length - q0 < QUERIES ? length - q0 : QUERIES, seen = q0 + n;
            const float *q = j->q + (start + q0) * ldq + h * d;
            float *y = j->y + (start + q0) * ldq + h * d;
            j->kernels->multiply(n, seen, d, q, ldq, s->keys, d, s->scores, seen);
            for (size_t i = 0; i < n; i++) {
                float *row = s->scores + i * seen;
                const size_t attended = q0 + i + 1;
                s->sums[i] = j->kernels->softmax(attended, j->scale, row);
                memset(row + attended, 0, (seen - attended) * sizeof *row);
                flop += 4 * (uint64_t)attended * d;
            }
            j->kernels->multiply(n, d, seen, s->scores, seen, s->values, length, y, ldq);
            for (size_t i = 0; i < n; i++)
                for (size_t c = 0; c < d; c++) y[i * ldq + c] /= s->sums[i];
        }
    return flop;
}

static size_t longest(const exec_batch *batch) {
    size_t n = 0;
    for (size_t w = 0; w < batch->n_windows; w++)
        if (batch->start[w + 1] - batch->start[w] > n) n = batch->start[w + 1] - batch->start[w];
    return n;
}

static rg_status attend_variant(exec *e, int node, size_t variant, struct exec_scratch *k_copy,
                                struct exec_scratch *v_copy, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_batch *batch = e->batch;
    const size_t d = (size_t)n->head_dim, length = longest(batch);
    const size_t keys = rg_gemm_packed_size(e->kernels, length, d),
                 values = rg_gemm_packed_size(e->kernels, d, length);
    const size_t each = (keys + values + QUERIES * length + QUERIES + 15) / 16 * 16;
    job j = {e->kernels, (size_t)n->heads, (size_t)n->kv_heads, d, *exec_value(e, n->input[0], variant)};
    j.scale = (float)(1 / sqrt((double)d));
    RG_TRY(exec_operand(e, node, 1, d, variant, k_copy, &j.k, err));
    RG_TRY(exec_operand(e, node, 2, d, variant, v_copy, &j.v, err));
    RG_TRY(exec_scratch_need(&e->attention, each * (size_t)e->threads, err));
    RG_TRY(exec_take(e, (size_t)n->width, exec_value(e, node, variant), err));
    j.y = *exec_value(e, node, variant);
    uint64_t flop = 0;
#pragma omp parallel for num_threads(e->threads) schedule(dynamic) reduction(+ : flop)
    for (size_t t = 0; t < batch->n_windows * j.kv_heads; t++) {
        float *mine = e->attention.data + each * (size_t)omp_get_thread_num();
        const space s = {mine, mine + keys, mine + keys + values, mine + keys + values + QUERIES * length};
        const size_t w = t / j.kv_heads;
        flop += attend(&j, &s, batch->start[w], batch->start[w + 1] - batch->start[w], t % j.kv_heads);
    }
    e->matrix_flop[node] += flop;
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    for (size_t v = 0; v < e->n_variants; v++)
        RG_TRY(attend_variant(e, node, v, &e->operand, &e->operand2, err));
    return RG_OK;
}

static size_t columns(const rg_graph_node *node, int i) {
    (void)i;
    return (size_t)node->head_dim;
}

const exec_op exec_op_attention = {
    .run = run,
    .input_role = {EXEC_NO_ROLE, EXEC_ROLE(RG_ROLE_KEY), EXEC_ROLE(RG_ROLE_VALUE)},
    .columns = columns};
