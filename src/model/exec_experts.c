/* expert_linear: the rows of all tokens that chose an expert are multiplied together; experts that nobody
   chose are not touched. */
#include "model/exec.h"

#include <stdlib.h>
#include <string.h>

typedef struct sizes {
    size_t experts, out, in, top_k;
    size_t x_width; /* in, or top_k in */
} sizes;

/* One variant's work. A row is a slot of a token: row = token top_k + slot. */
typedef struct part {
    const float *x;      /* as the product reads it */
    float *copy;         /* taken from the pool for x, or NULL */
    size_t *first, *row; /* rows row[first[e]], ..., row[first[e + 1] - 1] chose expert e */
    size_t *from;        /* [rows of an expert] their places in x, by which random bits are numbered */
} part;

static sizes sizes_of(const exec *e, int node) {
    const rg_graph *g = &e->model->graph;
    const rg_graph_node *n = &g->node[node];
    const int64_t *shape = g->weight[n->weight].shape;
    return (sizes){(size_t)shape[0], (size_t)shape[1], (size_t)shape[2],
                   (size_t)g->node[n->input[1]].width / 2, (size_t)g->node[n->input[0]].width};
}

/* Rows by the expert they chose, in their order. */
static void sort_rows(const exec *e, const sizes *s, const float *choice, part *p) {
    const size_t n = e->n_tokens * s->top_k;
    memset(p->first, 0, (s->experts + 1) * sizeof *p->first);
    for (size_t i = 0; i < n; i++) p->first[(size_t)choice[i / s->top_k * 2 * s->top_k + i % s->top_k] + 1]++;
    for (size_t i = 0; i < s->experts; i++) p->first[i + 1] += p->first[i];
    for (size_t i = 0; i < n; i++)
        p->row[p->first[(size_t)choice[i / s->top_k * 2 * s->top_k + i % s->top_k]]++] = i;
    for (size_t i = s->experts; i > 0; i--) p->first[i] = p->first[i - 1];
    p->first[0] = 0;
}

static rg_status part_open(exec *e, int node, size_t variant, const sizes *s, part *p, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    p->first = malloc((s->experts + 2) * sizeof *p->first);
    p->row = malloc((e->n_tokens * s->top_k + 1) * sizeof *p->row);
    p->from = malloc((e->n_tokens * s->top_k + 1) * sizeof *p->from);
    if (!p->first || !p->row || !p->from) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    sort_rows(e, s, *exec_value(e, n->input[1], variant), p);
    p->x = *exec_value(e, n->input[0], variant);
    if ((use->input[0] || use->rotation) && exec_is_chain(use)) {
        RG_TRY(exec_take(e, s->x_width, &p->copy, err));
        if (use->rotation)
            exec_rotate_rows(e, (size_t)use->rotation, p->x, p->copy, e->n_tokens * s->x_width / s->in,
                             s->in);
        if (use->input[0])
            exec_quantize_value(e, use->input[0], n->input[0], 0, e->n_tokens, s->in,
                                use->rotation ? p->copy : p->x, p->copy);
        p->x = p->copy;
    }
    return exec_take(e, (size_t)n->width, exec_value(e, node, variant), err);
}

static void part_close(exec *e, part *p) {
    if (p->copy) exec_release(e, p->copy);
    free(p->first);
    free(p->row);
    free(p->from);
}

/* Each expert's weight is quantized by itself, with a stream of random bits of its own. */
static rg_quant expert_quant(const rg_quant *q, int weight, size_t expert) {
    rg_quant own = exec_weight_quant(q, weight);
    own.cast.stream ^= expert;
    return own;
}

static rg_status integers_of(const exec *e, int node, const sizes *s, size_t expert, const exec_use *use,
                             integer_plan *out, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const rg_quant x = exec_value_quant(use->input[0], n->input[0]),
                   w = expert_quant(use->weight, n->weight, expert);
    if (integer_plan_make(out, e->kernels, &x, &w, s->in)) return RG_OK;
    return rg_fail(err, RG_ERR_UNSUPPORTED, n->name, "operands of integers", "no product of integers");
}

static rg_status need_bytes(struct exec_scratch *scratch, size_t bytes, rg_error *err) {
    return exec_scratch_need(scratch, bytes / sizeof(float) + 1, err);
}

static rg_status pack_integers(exec *e, int node, const sizes *s, size_t expert, const exec_use *use,
                               rg_error *err) {
    integer_plan plan;
    RG_TRY(integers_of(e, node, s, expert, use, &plan, err));
    RG_TRY(need_bytes(&e->packed, integer_panels_bytes(&plan, s->out), err));
    RG_TRY(need_bytes(&e->weight, integer_work_bytes(&plan, e->threads, s->out), err));
    integer_pack(
        &plan, e->threads,
        exec_weight_part(e, node, e->model->graph.node[node].weight, expert * s->out * s->in, s->out * s->in),
        s->out, e->weight.data, (uint8_t *)e->packed.data);
    return RG_OK;
}

static rg_status pack_expert(exec *e, int node, const sizes *s, size_t expert, const exec_use *use,
                             rg_error *err) {
    const int weight = e->model->graph.node[node].weight;
    const size_t n = s->out * s->in;
    if (use->integer) return pack_integers(e, node, s, expert, use, err);
    const float *data = exec_weight_part(e, node, weight, expert * n, n);
    if (use->rotation) {
        RG_TRY(exec_scratch_need(&e->operand, n, err));
        exec_rotate_rows(e, (size_t)use->rotation, data, e->operand.data, s->out, s->in);
        data = e->operand.data;
    }
    if (use->weight) {
        const rg_quant own = expert_quant(use->weight, weight, expert);
        RG_TRY(exec_scratch_need(&e->weight, n, err));
        rg_qdq_fast(e->kernels, e->threads, &own, data, e->weight.data, s->out, s->in, false, 0);
        data = e->weight.data;
    }
    RG_TRY(exec_scratch_need(&e->packed, rg_gemm_packed_size(e->kernels, s->out, s->in), err));
    rg_gemm_pack(e->kernels, e->threads, data, s->out, s->in, e->packed.data);
    return RG_OK;
}

/* Under a datapath: codes of one expert and of the rows, `token` numbers the rows. */
static rg_status multiply_by_unit(exec *e, int node, size_t variant, const sizes *s, size_t expert,
                                  const float *x, const size_t *token, size_t rows, float *y, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    dot_plan plan;
    dot_matrix weight = {0}, operand = {0};
    RG_TRY(dot_plan_make(&plan, e->kernels, use->datapath, use->input[0], use->weight, s->in, err));
    plan.side[0].quant = exec_value_quant(&plan.side[0].quant, n->input[0]);
    plan.side[1].quant = expert_quant(&plan.side[1].quant, n->weight, expert);
    plan.side[0].first_token = e->batch->first_token;
    plan.side[0].token = token;
    rg_status status = dot_matrix_make(
        &weight, &plan, e->threads, 1,
        exec_weight_part(e, node, n->weight, expert * s->out * s->in, s->out * s->in), s->out, err);
    if (status == RG_OK) status = dot_matrix_make(&operand, &plan, e->threads, 0, x, rows, err);
    if (status == RG_OK) dot_gemm(&plan, e->threads, &operand, &weight, y);
    dot_matrix_free(&operand);
    dot_matrix_free(&weight);
    return status;
}

static rg_status multiply_integers(exec *e, int node, size_t variant, const sizes *s, size_t expert,
                                   const float *x, const size_t *token, size_t rows, float *y,
                                   rg_error *err) {
    integer_plan plan;
    RG_TRY(integers_of(e, node, s, expert, exec_use_of(e, node, variant), &plan, err));
    RG_TRY(exec_integer_rows(e, &plan, x, token, rows, &e->operand3, err));
    integer_gemm(&plan, e->threads, rows, s->out, (const uint8_t *)e->operand3.data,
                 (const uint8_t *)e->packed.data, y);
    return RG_OK;
}

/* The rows of one expert: gathered, multiplied, put back. */
static rg_status multiply(exec *e, int node, size_t variant, const sizes *s, size_t expert, const part *p,
                          rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    const size_t *row = p->row + p->first[expert], rows = p->first[expert + 1] - p->first[expert];
    const size_t slots = s->x_width / s->in, before = e->batch->first_token * (slots - 1);
    const float *bias = n->bias >= 0 ? exec_weight_part(e, node, n->bias, expert * s->out, s->out) : NULL;
    float *all = *exec_value(e, node, variant);
    RG_TRY(exec_scratch_need(&e->operand, rows * s->in, err));
    RG_TRY(exec_scratch_need(&e->operand2, rows * s->out, err));
    float *x = e->operand.data, *y = e->operand2.data;
    for (size_t r = 0; r < rows; r++) {
        const size_t at = slots == 1 ? row[r] / s->top_k : row[r];
        memcpy(x + r * s->in, p->x + at * s->in, s->in * sizeof *x);
        p->from[r] = at + before; /* first_token is added to it */
    }
    if (use->datapath)
        RG_TRY(multiply_by_unit(e, node, variant, s, expert, x, p->from, rows, y, err));
    else if (use->integer)
        RG_TRY(multiply_integers(e, node, variant, s, expert, x, p->from, rows, y, err));
    else
        rg_gemm(e->kernels, e->threads, rows, s->out, s->in, x, e->packed.data, y);
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < s->out; i++)
            all[row[r] * s->out + i] = y[r * s->out + i] + (bias ? bias[i] : 0);
    e->matrix_flop[node] += 2 * (uint64_t)rows * s->out * s->in;
    return RG_OK;
}

/* Packed for one, good for the other. Panels of integers depend on the blocks of the rows, too. */
static bool same_matrix(const exec_use *a, const exec_use *b) {
    return !a->datapath && !b->datapath && a->rotation == b->rotation && a->integer == b->integer &&
           exec_same_quant(a->weight, b->weight) &&
           (!a->integer || exec_same_quant(a->input[0], b->input[0]));
}

static bool has_rows(const part *p, size_t expert) {
    return p->first && p->first[expert + 1] > p->first[expert];
}

static rg_status run_expert(exec *e, int node, const sizes *s, size_t expert, const part *all,
                            rg_error *err) {
    for (size_t first = 0; first < e->n_variants; first++) {
        const exec_use *use = exec_use_of(e, node, first);
        bool done = false; /* with an earlier variant that has the same weight */
        for (size_t v = 0; v < first && !done; v++)
            done = has_rows(&all[v], expert) && same_matrix(exec_use_of(e, node, v), use);
        if (done || !has_rows(&all[first], expert)) continue;
        if (use->datapath) {
            RG_TRY(multiply(e, node, first, s, expert, &all[first], err));
            continue;
        }
        RG_TRY(pack_expert(e, node, s, expert, use, err));
        for (size_t v = first; v < e->n_variants; v++)
            if (has_rows(&all[v], expert) && same_matrix(exec_use_of(e, node, v), use))
                RG_TRY(multiply(e, node, v, s, expert, &all[v], err));
    }
    return RG_OK;
}

static rg_status run(exec *e, int node, rg_error *err) {
    const sizes s = sizes_of(e, node);
    part *all = calloc(e->n_variants, sizeof *all);
    if (!all) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    rg_status status = RG_OK;
    for (size_t v = 0; v < e->n_variants && status == RG_OK; v++)
        if (exec_same(e, node, v) == v) status = part_open(e, node, v, &s, &all[v], err);
    for (size_t i = 0; i < s.experts && status == RG_OK; i++) status = run_expert(e, node, &s, i, all, err);
    for (size_t v = 0; v < e->n_variants; v++) part_close(e, &all[v]);
    free(all);
    return status;
}

static size_t columns(const rg_graph *graph, const rg_graph_node *node, int i) {
    return (size_t)(i == 0 ? graph->weight[node->weight].shape[2] : graph->node[node->input[i]].width);
}

const exec_op exec_op_expert_linear = {.run = run,
                                       .weight_role = EXEC_ROLE(RG_ROLE_WEIGHT),
                                       .input_role = {EXEC_ROLE(RG_ROLE_ACTIVATION)},
                                       .columns = columns,
                                       .takes_datapath = true};
