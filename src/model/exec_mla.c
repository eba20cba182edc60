/* mla: attention over keys and values that are made of a latent vector, or over the latent vector itself. */
#include "model/exec.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef struct sizes {
    size_t heads, nope, rope, value, rank, tokens;
} sizes;

/* Buffers from the pool, given back together. */
typedef struct loans {
    float *at[16];
    int n;
} loans;

static rg_status lend(exec *e, loans *l, size_t width, float **out, rg_error *err) {
    RG_TRY(exec_take(e, width, out, err));
    l->at[l->n++] = *out;
    return RG_OK;
}

static sizes sizes_of(const exec *e, const rg_graph_node *n) {
    return (sizes){(size_t)n->heads,
                   (size_t)n->nope_dim,
                   (size_t)n->rope_dim,
                   (size_t)n->v_head_dim,
                   (size_t)e->model->graph.node[n->input[1]].width,
                   e->n_tokens};
}

/* Keys [heads][nope + rope] and values [heads][value] of every token; the weight is in e->packed. */
static rg_status expand(exec *e, const sizes *s, loans *l, const float *c, const float *r,
                        const float **k_out, const float **v_out, rg_error *err) {
    const size_t each = s->nope + s->value, width = s->heads * each, d = s->nope + s->rope;
    float *k, *v;
    RG_TRY(lend(e, l, s->heads * d, &k, err));
    RG_TRY(lend(e, l, s->heads * s->value, &v, err));
    RG_TRY(exec_scratch_need(&e->operand, s->tokens * width, err));
    float *kv = e->operand.data;
    rg_gemm(e->kernels, e->threads, s->tokens, width, s->rank, c, e->packed.data, kv);
#pragma omp parallel for num_threads(e->threads) schedule(static)
    for (size_t i = 0; i < s->tokens * s->heads; i++) {
        memcpy(k + i * d, kv + i * each, s->nope * sizeof *k);
        memcpy(k + i * d + s->nope, r + i / s->heads * s->rope, s->rope * sizeof *k);
        memcpy(v + i * s->value, kv + i * each + s->nope, s->value * sizeof *v);
    }
    *k_out = k;
    *v_out = v;
    return RG_OK;
}

/* Rows of one head of one token, in a copy. */
static rg_status quantize_heads(exec *e, int node, const sizes *s, loans *l, const rg_quant *q,
                                enum exec_inside what, size_t d, const float **x, rg_error *err) {
    float *copy;
    if (!q) return RG_OK;
    RG_TRY(lend(e, l, s->heads * d, &copy, err));
    exec_quantize_inside(e, e->threads, q, node, what, (uint64_t)e->batch->first_token * s->heads * d,
                         s->tokens * s->heads, d, *x, copy);
    *x = copy;
    return RG_OK;
}

/* The latent vector or the rotated key as the cache gives it back. */
static rg_status cached(exec *e, int node, int i, size_t variant, loans *l, const float **out,
                        rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const rg_quant *q = exec_use_of(e, node, variant)->input[i];
    const size_t width = (size_t)e->model->graph.node[n->input[i]].width;
    float *copy;
    *out = *exec_value(e, n->input[i], variant);
    if (!q) return RG_OK;
    RG_TRY(lend(e, l, width, &copy, err));
    exec_quantize_value(e, q, n->input[i], 0, e->n_tokens, width, *out, copy);
    *out = copy;
    return RG_OK;
}

/* PLAIN and LATENT. */
static rg_status attend_expanded(exec *e, int node, size_t variant, const sizes *s, loans *l, exec_heads *h,
                                 rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    const bool kept = (use->window || use->sinks) && (use->input[1] || use->input[2]);
    const float *c = *exec_value(e, n->input[1], variant), *r = *exec_value(e, n->input[2], variant);
    h->kv_heads = s->heads;
    h->head_dim = s->nope + s->rope;
    h->v_head_dim = s->value;
    h->y = *exec_value(e, node, variant);
    const exec_matrix matrix = exec_matrix_of(e, node);
    RG_TRY(exec_pack_weight(e, &matrix, use->weight, 0, &e->packed, err));
    if (n->form == RG_MLA_PLAIN) {
        RG_TRY(expand(e, s, l, c, r, &h->k, &h->v, err));
        if (kept && use->input[2]) h->kept_k = h->k;
        if (kept && use->input[1]) h->kept_v = h->v;
        RG_TRY(quantize_heads(e, node, s, l, use->input[2], EXEC_KEY, h->head_dim, &h->k, err));
        RG_TRY(quantize_heads(e, node, s, l, use->input[1], EXEC_VALUE, s->value, &h->v, err));
    } else {
        if (kept) RG_TRY(expand(e, s, l, c, r, &h->kept_k, &h->kept_v, err));
        RG_TRY(cached(e, node, 1, variant, l, &c, err));
        RG_TRY(cached(e, node, 2, variant, l, &r, err));
        RG_TRY(expand(e, s, l, c, r, &h->k, &h->v, err));
    }
    return exec_attend(e, node, variant, h, err);
}

/* [c | r] of every token: one key for all heads. */
static rg_status join(exec *e, const sizes *s, loans *l, const float *c, const float *r, const float **out,
                      rg_error *err) {
    const size_t d = s->rank + s->rope;
    float *k;
    RG_TRY(lend(e, l, d, &k, err));
    for (size_t t = 0; t < s->tokens; t++) {
        memcpy(k + t * d, c + t * s->rank, s->rank * sizeof *k);
        memcpy(k + t * d + s->rank, r + t * s->rope, s->rope * sizeof *k);
    }
    *out = k;
    return RG_OK;
}

/* Queries against the latent vector (`in`), or values of what was attended (not `in`), head by head. */
static rg_status multiply_heads(exec *e, const sizes *s, const float *weight, bool in, const float *x,
                                float *y, rg_error *err) {
    const size_t each = s->nope + s->value, d = s->nope + s->rope, latent = s->rank + s->rope;
    const size_t a = rg_gemm_packed_size(e->kernels, s->rank, s->nope),
                 b = rg_gemm_packed_size(e->kernels, s->value, s->rank),
                 space = ((a > b ? a : b) + 15) / 16 * 16;
    RG_TRY(exec_scratch_need(&e->packed2, space * (size_t)e->threads, err));
#pragma omp parallel for num_threads(e->threads) schedule(dynamic)
    for (size_t h = 0; h < s->heads; h++) {
        float *panels = e->packed2.data + space * (size_t)omp_get_thread_num();
        const float *w = weight + h * each * s->rank;
        if (!in) {
            e->kernels->pack(w + s->nope * s->rank, s->rank, s->value, s->rank, panels);
            e->kernels->multiply(s->tokens, s->value, s->rank, x + h * s->rank, s->heads * s->rank, panels,
                                 s->rank, y + h * s->value, s->heads * s->value);
            continue;
        }
        e->kernels->pack_transposed(w, s->rank, s->nope, s->rank, panels);
        e->kernels->multiply(s->tokens, s->rank, s->nope, x + h * d, s->heads * d, panels, s->nope,
                             y + h * latent, s->heads * latent);
        for (size_t t = 0; t < s->tokens; t++)
            memcpy(y + (t * s->heads + h) * latent + s->rank, x + (t * s->heads + h) * d + s->nope,
                   s->rope * sizeof *y);
    }
    return RG_OK;
}

static rg_status attend_absorbed(exec *e, int node, size_t variant, const sizes *s, loans *l, exec_heads *h,
                                 rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    const bool kept = (use->window || use->sinks) && (use->input[1] || use->input[2]);
    const float *weight = exec_weight(e, node, n->weight);
    const float *c = *exec_value(e, n->input[1], variant), *r = *exec_value(e, n->input[2], variant);
    float *q, *y;
    if (use->weight) {
        RG_TRY(exec_scratch_need(&e->weight, s->heads * (s->nope + s->value) * s->rank, err));
        exec_quantize_weight(e, use->weight, n->weight, e->weight.data);
        weight = e->weight.data;
    }
    if (kept) {
        RG_TRY(join(e, s, l, c, r, &h->kept_k, err));
        h->kept_v = c;
    }
    RG_TRY(cached(e, node, 1, variant, l, &c, err));
    RG_TRY(cached(e, node, 2, variant, l, &r, err));
    RG_TRY(join(e, s, l, c, r, &h->k, err));
    RG_TRY(lend(e, l, s->heads * (s->rank + s->rope), &q, err));
    RG_TRY(lend(e, l, s->heads * s->rank, &y, err));
    RG_TRY(multiply_heads(e, s, weight, true, h->q, q, err));
    h->q = q;
    h->v = c;
    h->y = y;
    h->kv_heads = 1;
    h->head_dim = s->rank + s->rope;
    h->v_head_dim = s->rank;
    RG_TRY(exec_attend(e, node, variant, h, err));
    return multiply_heads(e, s, weight, false, y, *exec_value(e, node, variant), err);
}

static rg_status run(exec *e, int node, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const sizes s = sizes_of(e, n);
    rg_status status = RG_OK;
    for (size_t v = 0; v < e->n_variants && status == RG_OK; v++) {
        loans l = {.n = 0};
        exec_heads h = {.heads = s.heads,
                        .scale = (float)(n->scale > 0 ? n->scale : 1 / sqrt((double)(s.nope + s.rope)))};
        if (exec_same(e, node, v) != v) continue;
        status = exec_take(e, (size_t)n->width, exec_value(e, node, v), err);
        if (status == RG_OK) status = exec_operand(e, node, 0, s.nope + s.rope, v, &e->operand3, &h.q, err);
        if (status == RG_OK)
            status = n->form == RG_MLA_ABSORBED ? attend_absorbed(e, node, v, &s, &l, &h, err)
                                                : attend_expanded(e, node, v, &s, &l, &h, err);
        for (int i = 0; i < l.n; i++) exec_release(e, l.at[i]);
        e->cache_elements[node] +=
            s.tokens * (n->form == RG_MLA_PLAIN ? s.heads * (s.nope + s.rope + s.value) : s.rank + s.rope);
        e->matrix_flop[node] += 2 * (uint64_t)s.tokens * s.heads * s.rank * (s.nope + s.value);
    }
    return status;
}

static size_t columns(const rg_graph *graph, const rg_graph_node *node, int i) {
    return (size_t)(i == 0 ? node->nope_dim + node->rope_dim : graph->node[node->input[i]].width);
}

/* The latent vector makes the values (and the rest of the keys): entries of `v` quantize it. In PLAIN, `k`
   and `v` quantize the keys and values that are made. */
const exec_op exec_op_mla = {
    .run = run,
    .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT),
    .input_role = {EXEC_ROLE(RG_ROLE_QUERY), EXEC_ROLE(RG_ROLE_VALUE), EXEC_ROLE(RG_ROLE_KEY)},
    .columns = columns,
    .attends = true,
    .quantizes = true};
