/* gated_delta: every window from an empty state; windows and key heads in parallel. */
#include "model/exec_gated_delta.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* x / sqrt(sum of squares + eps) is what the norm's kernel makes of x with gains 1 / sqrt(n) and eps / n. */
static void unit_vector(const delta_job *j, const float *gain, const float *x, float *y) {
    const size_t d = (size_t)j->node->head_dim;
    j->kernels->rmsnorm(d, x, gain, j->node->eps / (double)d, y);
}

void delta_vectors(const delta_job *j, size_t token, size_t key_head, float *q, float *k) {
    const size_t d = (size_t)j->node->head_dim, at = (token * (size_t)j->node->key_heads + key_head) * d;
    unit_vector(j, j->gain, j->q + at, q);
    unit_vector(j, j->gain + d, j->k + at, k);
}

double delta_log_decay(const delta_job *j, size_t token, size_t i) {
    const size_t decays = j->decays, head = i / (decays / (size_t)j->node->heads);
    const double a = (double)j->a[token * decays + i] + (double)j->dt_bias[i];
    return -rg_exp((double)j->A_log[head]) * exec_softplus(a);
}

float delta_beta(const delta_job *j, size_t token, size_t head) {
    return (float)(1 / (1 + rg_exp(-(double)j->b[token * (size_t)j->node->heads + head])));
}

/* space: q, k and decays [head_dim] each, then a matrix for each head of the key head. */
static void recur(const delta_job *j, float *space, size_t start, size_t length, size_t key_head) {
    const size_t heads = (size_t)j->node->heads, dk = (size_t)j->node->head_dim,
                 dv = (size_t)j->node->v_head_dim, group = heads / (size_t)j->node->key_heads,
                 per_head = j->decays / heads;
    float *q = space, *k = q + dk, *decay = k + dk, *state = decay + dk;
    memset(state, 0, group * dk * dv * sizeof *state);
    for (size_t t = start; t < start + length; t++) {
        delta_vectors(j, t, key_head, q, k);
        for (size_t i = 0; i < group; i++) {
            const size_t h = key_head * group + i, at = (t * heads + h) * dv;
            for (size_t r = 0; r < dk; r++)
                decay[r] = r < per_head ? (float)rg_exp(delta_log_decay(j, t, h * per_head + r)) : *decay;
            j->kernels->delta_step(dk, dv, decay, delta_beta(j, t, h), k, j->v + at, q, state + i * dk * dv,
                                   j->y + at);
        }
    }
}

static size_t recur_space(const rg_graph_node *n) {
    const size_t group = (size_t)(n->heads / n->key_heads);
    return (size_t)n->head_dim * (3 + group * (size_t)n->v_head_dim);
}

static uint64_t flop_of(const rg_graph_node *n, size_t length) {
    const uint64_t keys = (uint64_t)(n->key_heads * n->head_dim),
                   values = (uint64_t)(n->heads * n->v_head_dim);
    uint64_t flop = 6 * (uint64_t)length * values * (uint64_t)n->head_dim;
    for (size_t t = 0; n->form == RG_CHUNKED && t < length; t += (size_t)n->chunk) {
        const uint64_t l = length - t < (size_t)n->chunk ? length - t : (uint64_t)n->chunk;
        flop += 2 * l * l * (keys + values);
    }
    return flop;
}

static rg_status gains(exec *e, const rg_graph_node *n, rg_error *err) {
    const size_t d = (size_t)n->head_dim;
    RG_TRY(exec_scratch_need(&e->weight, 2 * d, err));
    for (size_t i = 0; i < d; i++) {
        e->weight.data[i] = (float)(1 / (double)d); /* q, divided by sqrt(head_dim) twice */
        e->weight.data[d + i] = (float)(1 / sqrt((double)d));
    }
    return RG_OK;
}

static rg_status run_variant(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_batch *batch = e->batch;
    const size_t key_heads = (size_t)n->key_heads;
    const size_t each =
        ((n->form == RG_CHUNKED ? delta_chunk_space(e->kernels, n) : recur_space(n)) + 15) / 16 * 16;
    delta_job j = {e->kernels, n};
    const float **const input[] = {&j.q, &j.k, &j.v, &j.a, &j.b};
    for (int i = 0; i < 5; i++) *input[i] = *exec_value(e, n->input[i], variant);
    j.decays = (size_t)e->model->graph.node[n->input[3]].width;
    j.A_log = exec_weight(e, node, n->extra[0]);
    j.dt_bias = exec_weight(e, node, n->extra[1]);
    j.gain = e->weight.data;
    RG_TRY(exec_scratch_need(&e->attention, each * (size_t)e->threads, err));
    RG_TRY(exec_take(e, (size_t)n->width, exec_value(e, node, variant), err));
    j.y = *exec_value(e, node, variant);
#pragma omp parallel for num_threads(e->threads) schedule(dynamic)
    for (size_t t = 0; t < batch->n_windows * key_heads; t++) {
        float *mine = e->attention.data + each * (size_t)omp_get_thread_num();
        const size_t w = t / key_heads, start = batch->start[w], length = batch->start[w + 1] - start;
        (n->form == RG_CHUNKED ? delta_chunked : recur)(&j, mine, start, length, t % key_heads);
    }
    for (size_t w = 0; w < batch->n_windows; w++)
        e->matrix_flop[node] += flop_of(n, batch->start[w + 1] - batch->start[w]);
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    RG_TRY(gains(e, &e->model->graph.node[node], err));
    for (size_t v = 0; v < e->n_variants; v++)
        if (exec_same(e, node, v) == v) RG_TRY(run_variant(e, node, v, err));
    return RG_OK;
}

const exec_op exec_op_gated_delta = {.run = run};
