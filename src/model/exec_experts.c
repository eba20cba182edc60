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
        exec_operand_into(e, node, 0, s->in, variant, p->copy);
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

/* Into e->packed: good for all that have the same matrix. */
static rg_status pack_expert(exec *e, const exec_matrix *m, const exec_use *use, rg_error *err) {
    integer_plan plan;
    if (!use->integer) return exec_pack_weight(e, m, use->weight, use->rotation, &e->packed, err);
    RG_TRY(exec_integer_plan(e, m, use, &plan, err));
    return exec_integer_pack(e, m, &plan, &e->packed, err);
}

static rg_status multiply_integers(exec *e, const exec_matrix *m, const exec_use *use, const float *x,
                                   const size_t *token, size_t rows, float *y, rg_error *err) {
    integer_plan plan;
    RG_TRY(exec_integer_plan(e, m, use, &plan, err));
    RG_TRY(exec_integer_rows(e, &plan, x, token, rows, &e->operand3, err));
    integer_gemm(&plan, e->threads, rows, m->n, (const uint8_t *)e->operand3.data,
                 (const uint8_t *)e->packed.data, y);
    return RG_OK;
}

/* The rows of one expert: gathered, multiplied, put back. */
static rg_status multiply(exec *e, const exec_matrix *m, size_t variant, const sizes *s, const part *p,
                          rg_error *err) {
    const int node = m->node;
    const rg_graph_node *n = &e->model->graph.node[node];
    const exec_use *use = exec_use_of(e, node, variant);
    const size_t expert = m->expert, *row = p->row + p->first[expert],
                 rows = p->first[expert + 1] - p->first[expert];
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
        RG_TRY(exec_unit_multiply(e, m, use, x, p->from, rows, y, err));
    else if (use->integer)
        RG_TRY(multiply_integers(e, m, use, x, p->from, rows, y, err));
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

static rg_status run_expert(exec *e, const exec_matrix *m, const sizes *s, const part *all, rg_error *err) {
    const int node = m->node;
    const size_t expert = m->expert;
    for (size_t first = 0; first < e->n_variants; first++) {
        const exec_use *use = exec_use_of(e, node, first);
        bool done = false; /* with an earlier variant that has the same weight */
        for (size_t v = 0; v < first && !done; v++)
            done = has_rows(&all[v], expert) && same_matrix(exec_use_of(e, node, v), use);
        if (done || !has_rows(&all[first], expert)) continue;
        if (use->datapath) {
            RG_TRY(multiply(e, m, first, s, &all[first], err));
            continue;
        }
        RG_TRY(pack_expert(e, m, use, err));
        for (size_t v = first; v < e->n_variants; v++)
            if (has_rows(&all[v], expert) && same_matrix(exec_use_of(e, node, v), use))
                RG_TRY(multiply(e, m, v, s, &all[v], err));
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
    exec_matrix m = exec_matrix_of(e, node);
    for (; m.expert < s.experts && status == RG_OK; m.expert++) status = run_expert(e, &m, &s, all, err);
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
