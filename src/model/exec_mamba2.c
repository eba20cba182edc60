/* mamba2: every window from an empty state, one token after the other; windows and heads in parallel. */
#include "model/exec.h"

#include <omp.h>
#include <string.h>

typedef struct job { /* one node of one variant */
    const rg_kernels *kernels;
    const rg_graph_node *node;
    const float *A_log, *D, *dt_bias;
    const float *x, *b, *c, *dt;
    float *y;
} job;

static double time_step(const job *j, size_t head, float dt) {
    const double d = exec_softplus((double)dt + (double)j->dt_bias[head]), low = j->node->dt_min,
                 high = j->node->dt_max;
    return d < low ? low : high > 0 && d > high ? high : d;
}

/* One head, one window of `length` tokens beginning at row `start`. space: [state + 1][head_dim]. */
static uint64_t scan(const job *j, float *space, size_t start, size_t length, size_t head) {
    const size_t heads = (size_t)j->node->heads, d = (size_t)j->node->head_dim, s = (size_t)j->node->state,
                 groups = (size_t)j->node->groups, group = head / (heads / groups);
    const double a = -rg_exp((double)j->A_log[head]);
    float *state = space, *input = space + s * d;
    memset(state, 0, s * d * sizeof *state);
    for (size_t t = start; t < start + length; t++) {
        const float *x = j->x + (t * heads + head) * d;
        float *y = j->y + (t * heads + head) * d;
        const double step = time_step(j, head, j->dt[t * heads + head]);
        for (size_t i = 0; i < d; i++) input[i] = (float)step * x[i];
        j->kernels->state_step(s, d, (float)rg_exp(step * a), j->b + (t * groups + group) * s, input,
                               j->c + (t * groups + group) * s, state, y);
        for (size_t i = 0; i < d; i++) y[i] += j->D[head] * x[i];
    }
    return 4 * (uint64_t)length * s * d;
}

static rg_status run_variant(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_batch *batch = e->batch;
    const size_t heads = (size_t)n->heads, each = (size_t)((n->state + 1) * n->head_dim + 15) / 16 * 16;
    job j = {e->kernels, n};
    j.A_log = exec_weight(e, node, n->extra[0]);
    j.D = exec_weight(e, node, n->extra[1]);
    j.dt_bias = exec_weight(e, node, n->extra[2]);
    j.x = *exec_value(e, n->input[0], variant);
    j.b = *exec_value(e, n->input[1], variant);
    j.c = *exec_value(e, n->input[2], variant);
    j.dt = *exec_value(e, n->input[3], variant);
    RG_TRY(exec_scratch_need(&e->attention, each * (size_t)e->threads, err));
    RG_TRY(exec_take(e, (size_t)n->width, exec_value(e, node, variant), err));
    j.y = *exec_value(e, node, variant);
    uint64_t flop = 0;
#pragma omp parallel for num_threads(e->threads) schedule(dynamic) reduction(+ : flop)
    for (size_t t = 0; t < batch->n_windows * heads; t++) {
        const size_t w = t / heads;
        flop += scan(&j, e->attention.data + each * (size_t)omp_get_thread_num(), batch->start[w],
                     batch->start[w + 1] - batch->start[w], t % heads);
    }
    e->matrix_flop[node] += flop;
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    for (size_t v = 0; v < e->n_variants; v++)
        if (exec_same(e, node, v) == v) RG_TRY(run_variant(e, node, v, err));
    return RG_OK;
}

const exec_op exec_op_mamba2 = {.run = run};
