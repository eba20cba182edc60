/* Attention inside each window of the batch, scores in fp32, every sum in one order. */
#include "model/exec.h"

#include <math.h>
#include <omp.h>
#include <string.h>

/* Queries taken together; fixed, so that a query sees the same blocks on every machine. */
enum { QUERIES = 48 };

/* Buffers of one thread. */
enum { KEYS, VALUES, SCORES, SUMS, KEPT_KEYS, KEPT_VALUES, KEPT_SCORES, KEPT_Y, N_SPACES };
typedef struct space {
    float *at[N_SPACES];
} space;

/* Is the key at `key` kept from the quantizer for the query at `position`? */
static bool is_kept(const exec_use *use, size_t position, size_t key) {
    return key < use->sinks || position - key < use->window;
}

/* The keys that a query sees: [first, end). */
typedef struct span {
    size_t first, end;
} span;

static span seen_by(const exec_heads *j, size_t position, size_t length) {
    if (j->bidirectional) return (span){0, length};
    return (span){j->window && position >= j->window ? position + 1 - j->window : 0, position + 1};
}

/* Scores of one query against the keys it sees to probabilities, not yet divided by their sum, which is
   returned. A sink is one more score, that only the sum keeps. */
static float probabilities(const exec_heads *j, size_t token, size_t h, span seen, float *row) {
    const rg_graph *graph = &j->e->model->graph;
    const exec_use *use = j->use;
    const size_t attended = seen.end - seen.first;
    const uint64_t first =
        ((j->e->batch->first_token + token) * j->heads + h) * (uint64_t)graph->max_positions + seen.first;
    const float scale = use->score ? 1 : j->scale, next = row[attended];
    if (use->score) {
        for (size_t i = 0; i < attended; i++) row[i] *= j->scale;
        exec_quantize_inside(j->e, 1, use->score, j->node, EXEC_SCORE, first, 1, attended, row, row);
    }
    if (j->sinks) row[attended] = j->sinks[h] / scale;
    const float sum = j->kernels->softmax(attended + (j->sinks != NULL), scale, row);
    row[attended] = next;
    if (use->probability)
        exec_quantize_inside(j->e, 1, use->probability, j->node, EXEC_PROBABILITY, first, 1, attended, row,
                             row);
    return sum;
}

/* Scores of a block of queries against keys first, ..., first + n_keys - 1, rows of n_keys + 1, become
   probabilities, zero where nothing is seen; those of kept values go to rows of their own. */
static uint64_t weigh(const exec_heads *j, const space *s, size_t start, size_t length, size_t q0, size_t n,
                      size_t h, size_t first, size_t n_keys) {
    uint64_t pairs = 0;
    for (size_t i = 0; i < n; i++) {
        float *row = s->at[SCORES] + i * (n_keys + 1), *kept = s->at[KEPT_SCORES] + i * (n_keys + 1);
        const size_t position = q0 + i;
        const span seen = seen_by(j, position, length);
        for (size_t key = seen.first; j->kept_k && key < seen.end; key++)
            if (is_kept(j->use, position, key)) row[key - first] = kept[key - first];
        s->at[SUMS][i] = probabilities(j, start + position, h, seen, row + (seen.first - first));
        memset(row, 0, (seen.first - first) * sizeof *row);
        memset(row + (seen.end - first), 0, (first + n_keys - seen.end) * sizeof *row);
        pairs += seen.end - seen.first;
        for (size_t key = first; j->kept_v && key < first + n_keys; key++) {
            const bool k = is_kept(j->use, position, key);
            kept[key - first] = k ? row[key - first] : 0;
            if (k) row[key - first] = 0;
        }
    }
    return pairs;
}

/* Queries q0, ..., q0 + n - 1 of a window that begins at row `start`, head h. Keys before `first`, a multiple
   of the panels' width, are seen by none of them. */
static uint64_t attend_queries(const exec_heads *j, const space *s, size_t start, size_t length, size_t q0,
                               size_t n, size_t h) {
    const size_t d = j->head_dim, dv = j->v_head_dim, ldq = j->heads * d, ldy = j->heads * dv;
    const size_t tile = j->kernels->tile_n, first = seen_by(j, q0, length).first / tile * tile;
    const size_t n_keys = seen_by(j, q0 + n - 1, length).end - first, ld = n_keys + 1;
    const float *q = j->q + (start + q0) * ldq + h * d;
    float *y = j->y + (start + q0) * ldy + h * dv, *scores = s->at[SCORES], *kept = s->at[KEPT_SCORES],
          *more = s->at[KEPT_Y];
    j->kernels->multiply(n, n_keys, d, q, ldq, s->at[KEYS] + first * d, d, scores, ld);
    if (j->kept_k) j->kernels->multiply(n, n_keys, d, q, ldq, s->at[KEPT_KEYS] + first * d, d, kept, ld);
    const uint64_t pairs = weigh(j, s, start, length, q0, n, h, first, n_keys);
    j->kernels->multiply(n, dv, n_keys, scores, ld, s->at[VALUES] + first * tile, length, y, ldy);
    if (j->kept_v)
        j->kernels->multiply(n, dv, n_keys, kept, ld, s->at[KEPT_VALUES] + first * tile, length, more, dv);
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < dv; c++) {
            if (j->kept_v) y[i * ldy + c] += more[i * dv + c];
            y[i * ldy + c] /= s->at[SUMS][i];
        }
    return 2 * pairs * (d + dv);
}

/* All query heads that share one key head, one window of `length` tokens beginning at row `start`. */
static uint64_t attend(const exec_heads *j, const space *s, size_t start, size_t length, size_t kv_head) {
    const size_t d = j->head_dim, dv = j->v_head_dim, group = j->heads / j->kv_heads;
    const size_t ldk = j->kv_heads * d, ldv = j->kv_heads * dv, k = start * ldk + kv_head * d,
                 v = start * ldv + kv_head * dv;
    uint64_t flop = 0;
    j->kernels->pack(j->k + k, ldk, length, d, s->at[KEYS]);
    j->kernels->pack_transposed(j->v + v, ldv, length, dv, s->at[VALUES]);
    if (j->kept_k) j->kernels->pack(j->kept_k + k, ldk, length, d, s->at[KEPT_KEYS]);
    if (j->kept_v) j->kernels->pack_transposed(j->kept_v + v, ldv, length, dv, s->at[KEPT_VALUES]);
    for (size_t h = kv_head * group; h < (kv_head + 1) * group; h++)
        for (size_t q0 = 0; q0 < length; q0 += QUERIES)
            flop += attend_queries(j, s, start, length, q0, length - q0 < QUERIES ? length - q0 : QUERIES, h);
    return flop;
}

static size_t longest(const exec_batch *batch) {
    size_t n = 0;
    for (size_t w = 0; w < batch->n_windows; w++)
        if (batch->start[w + 1] - batch->start[w] > n) n = batch->start[w + 1] - batch->start[w];
    return n;
}

/* What a cache stores together: one head of one token. */
static size_t columns(const rg_graph *graph, const rg_graph_node *node, int i) {
    (void)graph;
    return (size_t)(i == 2 && node->v_head_dim ? node->v_head_dim : node->head_dim);
}

/* Keys or values for a variant; *kept: as they are, where the policy keeps some of them. */
static rg_status cached(exec *e, int node, int i, size_t variant, struct exec_scratch *copy,
                        const float **out, const float **kept, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    if (use->input[i] && (use->window || use->sinks)) *kept = *exec_value(e, n->input[i], variant);
    return exec_operand(e, node, i, columns(&e->model->graph, n, i), variant, copy, out, err);
}

rg_status exec_attend(exec *e, int node, size_t variant, exec_heads *j, rg_error *err) {
    const exec_batch *batch = e->batch;
    const size_t d = j->head_dim, dv = j->v_head_dim, length = longest(batch);
    const size_t keys = rg_gemm_packed_size(e->kernels, length, d),
                 values = rg_gemm_packed_size(e->kernels, dv, length),
                 scores = QUERIES * (length + 1); /* a sink has room */
    const bool kept = j->kept_k || j->kept_v;
    const size_t size[N_SPACES] = {[KEYS] = keys,
                                   [VALUES] = values,
                                   [SCORES] = scores,
                                   [SUMS] = QUERIES,
                                   [KEPT_KEYS] = kept ? keys : 0,
                                   [KEPT_VALUES] = kept ? values : 0,
                                   [KEPT_SCORES] = kept ? scores : 0,
                                   [KEPT_Y] = kept ? QUERIES * dv : 0};
    size_t each = 0, offset[N_SPACES];
    for (int i = 0; i < N_SPACES; i++) {
        offset[i] = each;
        each += (size[i] + 15) / 16 * 16;
    }
    RG_TRY(exec_scratch_need(&e->attention, each * (size_t)e->threads, err));
    j->e = e;
    j->kernels = e->kernels;
    j->node = node;
    j->use = exec_use_of(e, node, variant);
    uint64_t flop = 0;
#pragma omp parallel for num_threads(e->threads) schedule(dynamic) reduction(+ : flop)
    for (size_t t = 0; t < batch->n_windows * j->kv_heads; t++) {
        space s;
        for (int i = 0; i < N_SPACES; i++)
            s.at[i] = e->attention.data + each * (size_t)omp_get_thread_num() + offset[i];
        const size_t w = t / j->kv_heads;
        flop += attend(j, &s, batch->start[w], batch->start[w + 1] - batch->start[w], t % j->kv_heads);
    }
    e->matrix_flop[node] += flop;
    return RG_OK;
}

static rg_status attend_variant(exec *e, int node, size_t variant, rg_error *err) {
    const rg_graph *graph = &e->model->graph;
    const rg_graph_node *n = &graph->node[node];
    const size_t d = (size_t)n->head_dim;
    exec_heads j = {.heads = (size_t)n->heads,
                    .kv_heads = (size_t)n->kv_heads,
                    .head_dim = d,
                    .v_head_dim = columns(graph, n, 2),
                    .window = (size_t)n->window,
                    .bidirectional = n->mask == RG_MASK_BIDIRECTIONAL,
                    .sinks = exec_weight(e, node, n->extra[0]),
                    .scale = (float)(n->scale > 0 ? n->scale : 1 / sqrt((double)d))};
    if (!j.bidirectional) e->cache_elements[node] += e->n_tokens * j.kv_heads * (d + j.v_head_dim);
    RG_TRY(exec_operand(e, node, 0, d, variant, &e->operand3, &j.q, err));
    RG_TRY(cached(e, node, 1, variant, &e->operand, &j.k, &j.kept_k, err));
    RG_TRY(cached(e, node, 2, variant, &e->operand2, &j.v, &j.kept_v, err));
    RG_TRY(exec_take(e, (size_t)n->width, exec_value(e, node, variant), err));
    j.y = *exec_value(e, node, variant);
    return exec_attend(e, node, variant, &j, err);
}

static rg_status run(exec *e, int node, rg_error *err) {
    for (size_t v = 0; v < e->n_variants; v++)
        if (exec_same(e, node, v) == v) RG_TRY(attend_variant(e, node, v, err));
    return RG_OK;
}

const exec_op exec_op_attention = {
    .run = run,
    .input_role = {EXEC_ROLE(RG_ROLE_QUERY), EXEC_ROLE(RG_ROLE_KEY), EXEC_ROLE(RG_ROLE_VALUE)},
    .columns = columns,
    .attends = true};
