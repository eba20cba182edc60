/* Causal attention inside each window, scores in fp32, every sum in one order. */
#include "model/exec.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Queries taken together; fixed, so that a query sees the same blocks on every machine. */
enum { QUERIES = 48 };

typedef struct job { /* one node of one variant */
    const exec *e;
    const rg_kernels *kernels;
    int node;
    const exec_use *use;
    size_t heads, kv_heads, head_dim;
    const float *q, *k, *v;
    /* Keys and values that no quantizer touched, for the positions that the policy keeps; NULL: none. */
    const float *kept_k, *kept_v;
    float *y;
    float scale;
} job;

/* Buffers of one thread. */
enum { KEYS, VALUES, SCORES, SUMS, KEPT_KEYS, KEPT_VALUES, KEPT_SCORES, KEPT_Y, N_SPACES };
typedef struct space {
    float *at[N_SPACES];
} space;

/* Is the key at `key` kept from the quantizer for the query at `position`? */
static bool is_kept(const exec_use *use, size_t position, size_t key) {
    return key < use->sinks || position - key < use->window;
}

/* Moves what belongs to kept positions from one row to the other, which gets zeros elsewhere. */
static void part(const exec_use *use, size_t position, size_t attended, float *row, float *kept) {
    for (size_t key = 0; key < attended; key++) {
        const bool k = is_kept(use, position, key);
        kept[key] = k ? row[key] : 0;
        if (k) row[key] = 0;
    }
}

/* Scores of one query to probabilities, not yet divided by their sum, which is returned. */
static float probabilities(const job *j, size_t token, size_t h, size_t attended, float *row) {
    const rg_graph *graph = &j->e->model->graph;
    const exec_use *use = j->use;
    const uint64_t first =
        ((j->e->batch->first_token + token) * j->heads + h) * (uint64_t)graph->max_positions;
    if (use->score) {
        for (size_t i = 0; i < attended; i++) row[i] *= j->scale;
        exec_quantize_inside(j->e, use->score, j->node, EXEC_SCORE, first, attended, row);
    }
    const float sum = j->kernels->softmax(attended, use->score ? 1 : j->scale, row);
    if (use->probability)
        exec_quantize_inside(j->e, use->probability, j->node, EXEC_PROBABILITY, first, attended, row);
    return sum;
}

/* Queries q0, ..., q0 + n - 1 of a window that begins at row `start`, head h. */
static void attend_queries(const job *j, const space *s, size_t start, size_t length, size_t q0, size_t n,
                           size_t h) {
    const size_t d = j->head_dim, ldq = j->heads * d, seen = q0 + n;
    const float *q = j->q + (start + q0) * ldq + h * d;
    float *y = j->y + (start + q0) * ldq + h * d, *scores = s->at[SCORES], *kept = s->at[KEPT_SCORES],
          *more = s->at[KEPT_Y];
    j->kernels->multiply(n, seen, d, q, ldq, s->at[KEYS], d, scores, seen);
    if (j->kept_k) j->kernels->multiply(n, seen, d, q, ldq, s->at[KEPT_KEYS], d, kept, seen);
    for (size_t i = 0; i < n; i++) {
        float *row = scores + i * seen;
        const size_t position = q0 + i, attended = position + 1;
        for (size_t key = 0; j->kept_k && key < attended; key++)
            if (is_kept(j->use, position, key)) row[key] = kept[i * seen + key];
        s->at[SUMS][i] = probabilities(j, start + position, h, attended, row);
        memset(row + attended, 0, (seen - attended) * sizeof *row);
        if (!j->kept_v) continue;
        memset(kept + i * seen + attended, 0, (seen - attended) * sizeof *row);
        part(j->use, position, attended, row, kept + i * seen);
    }
    j->kernels->multiply(n, d, seen, scores, seen, s->at[VALUES], length, y, ldq);
    if (j->kept_v) j->kernels->multiply(n, d, seen, kept, seen, s->at[KEPT_VALUES], length, more, d);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < d; c++) {
            if (j->kept_v) y[i * ldq + c] += more[i * d + c];
            y[i * ldq + c] /= s->at[SUMS][i];
        }
}

/* All query heads that share one key head, one window of `length` tokens beginning at row `start`. */
static uint64_t attend(const job *j, const space *s, size_t start, size_t length, size_t kv_head) {
    const size_t d = j->head_dim, ldkv = j->kv_heads * d, group = j->heads / j->kv_heads,
                 at = start * ldkv + kv_head * d;
    j->kernels->pack(j->k + at, ldkv, length, d, s->at[KEYS]);
    j->kernels->pack_transposed(j->v + at, ldkv, length, d, s->at[VALUES]);
    if (j->kept_k) j->kernels->pack(j->kept_k + at, ldkv, length, d, s->at[KEPT_KEYS]);
    if (j->kept_v) j->kernels->pack_transposed(j->kept_v + at, ldkv, length, d, s->at[KEPT_VALUES]);
    for (size_t h = kv_head * group; h < (kv_head + 1) * group; h++)
        for (size_t q0 = 0; q0 < length; q0 += QUERIES)
            attend_queries(j, s, start, length, q0, length - q0 < QUERIES ? length - q0 : QUERIES, h);
    return 2 * (uint64_t)length * (length + 1) * d * group; /* 4 d for each key attended */
}

static size_t longest(const exec_batch *batch) {
    size_t n = 0;
    for (size_t w = 0; w < batch->n_windows; w++)
        if (batch->start[w + 1] - batch->start[w] > n) n = batch->start[w + 1] - batch->start[w];
    return n;
}

/* Keys or values for a variant; *kept: as they are, where the policy keeps some of them. */
static rg_status cached(exec *e, int node, int i, size_t variant, struct exec_scratch *copy,
                        const float **out, const float **kept, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    if (use->input[i] && (use->window || use->sinks)) *kept = *exec_value(e, n->input[i], variant);
    return exec_operand(e, node, i, (size_t)n->head_dim, variant, copy, out, err);
}

static rg_status attend_variant(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_batch *batch = e->batch;
    const size_t d = (size_t)n->head_dim, length = longest(batch);
    const size_t keys = rg_gemm_packed_size(e->kernels, length, d),
                 values = rg_gemm_packed_size(e->kernels, d, length);
    job j = {.e = e,
             .kernels = e->kernels,
             .node = node,
             .use = exec_use_of(e, node, variant),
             .heads = (size_t)n->heads,
             .kv_heads = (size_t)n->kv_heads,
             .head_dim = d,
             .scale = (float)(1 / sqrt((double)d))};
    RG_TRY(exec_operand(e, node, 0, d, variant, &e->operand3, &j.q, err));
    RG_TRY(cached(e, node, 1, variant, &e->operand, &j.k, &j.kept_k, err));
    RG_TRY(cached(e, node, 2, variant, &e->operand2, &j.v, &j.kept_v, err));
    const bool kept = j.kept_k || j.kept_v;
    const size_t size[N_SPACES] = {[KEYS] = keys,
                                   [VALUES] = values,
                                   [SCORES] = QUERIES * length,
                                   [SUMS] = QUERIES,
                                   [KEPT_KEYS] = kept ? keys : 0,
                                   [KEPT_VALUES] = kept ? values : 0,
                                   [KEPT_SCORES] = kept ? QUERIES * length : 0,
                                   [KEPT_Y] = kept ? QUERIES * d : 0};
    size_t each = 0, offset[N_SPACES];
    for (int i = 0; i < N_SPACES; i++) {
        offset[i] = each;
        each += (size[i] + 15) / 16 * 16;
    }
    RG_TRY(exec_scratch_need(&e->attention, each * (size_t)e->threads, err));
    RG_TRY(exec_take(e, (size_t)n->width, exec_value(e, node, variant), err));
    j.y = *exec_value(e, node, variant);
    uint64_t flop = 0;
#pragma omp parallel for num_threads(e->threads) schedule(dynamic) reduction(+ : flop)
    for (size_t t = 0; t < batch->n_windows * j.kv_heads; t++) {
        space s;
        for (int i = 0; i < N_SPACES; i++)
            s.at[i] = e->attention.data + each * (size_t)omp_get_thread_num() + offset[i];
        const size_t w = t / j.kv_heads;
        flop += attend(&j, &s, batch->start[w], batch->start[w + 1] - batch->start[w], t % j.kv_heads);
    }
    e->matrix_flop[node] += flop;
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    for (size_t v = 0; v < e->n_variants; v++)
        if (exec_same(e, node, v) == v) RG_TRY(attend_variant(e, node, v, err));
    return RG_OK;
}

static size_t columns(const rg_graph_node *node, int i) {
    (void)i;
    return (size_t)node->head_dim;
}

const exec_op exec_op_attention = {
    .run = run,
    .input_role = {EXEC_ROLE(RG_ROLE_QUERY), EXEC_ROLE(RG_ROLE_KEY), EXEC_ROLE(RG_ROLE_VALUE)},
    .columns = columns,
    .attends = true};
