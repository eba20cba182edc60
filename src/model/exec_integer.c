/* Linear operators whose operands are integers times scales: kernels/integer.h. Weights are packed once for
   all policies that agree on them, activations are encoded once for all operators that read them alike. */
#include "model/exec.h"

static rg_status need_bytes(struct exec_scratch *scratch, size_t bytes, rg_error *err) {
    return exec_scratch_need(scratch, bytes / sizeof(float) + 1, err);
}

static uint8_t *bytes_of(const struct exec_scratch *scratch) {
    return (uint8_t *)scratch->data;
}

rg_status exec_integer_plan(const exec *e, const exec_matrix *m, const exec_use *use, integer_plan *out,
                            rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[m->node];
    const rg_quant x = exec_value_quant(use->input[0], n->input[0]), w = exec_matrix_quant(e, m, use->weight);
    if (integer_plan_make(out, e->kernels, &x, &w, m->k)) return RG_OK;
    return rg_fail(err, RG_ERR_UNSUPPORTED, n->name, "operands of integers", "no product of integers");
}

rg_status exec_integer_pack(exec *e, const exec_matrix *m, const integer_plan *plan,
                            struct exec_scratch *panels, rg_error *err) {
    RG_TRY(need_bytes(panels, integer_panels_bytes(plan, m->n), err));
    RG_TRY(need_bytes(&e->weight, integer_work_bytes(plan, e->threads, m->n), err));
    integer_pack(plan, e->threads, exec_matrix_data(e, m), m->n, e->weight.data, bytes_of(panels));
    return RG_OK;
}

rg_status exec_integer_rows(exec *e, const integer_plan *plan, const float *x, const size_t *token,
                            size_t rows, struct exec_scratch *out, rg_error *err) {
    RG_TRY(need_bytes(out, integer_rows_bytes(plan, rows), err));
    RG_TRY(need_bytes(&e->weight, integer_work_bytes(plan, e->threads, 0), err));
    for (size_t i = 0, end; i < rows; i = end) {
        end = token ? i + 1 : rows;
        while (end < rows && token[end] == token[end - 1] + 1) end++;
        const uint64_t first = (uint64_t)(e->batch->first_token + (token ? token[i] : 0)) * plan->k;
        integer_encode(plan, e->threads, x + i * plan->k, end - i, first, e->weight.data,
                       bytes_of(out) + integer_rows_bytes(plan, i));
    }
    return RG_OK;
}

/* The input of a node for a variant, encoded at the last node or now. */
static rg_status encode(exec *e, int value, size_t variant, const integer_plan *plan, const uint8_t **out,
                        rg_error *err) {
    struct exec_encoded *c = &e->encoded[exec_same(e, value, variant)];
    if (c->value != value || !integer_same_rows(&c->plan, plan)) {
        c->value = -1;
        RG_TRY(exec_integer_rows(e, plan, *exec_value(e, value, variant), NULL, e->n_tokens, &c->rows, err));
        c->value = value;
        c->plan = *plan;
    }
    *out = bytes_of(&c->rows);
    return RG_OK;
}

static rg_status multiply(exec *e, int node, size_t variant, const integer_plan *plan, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const uint8_t *rows;
    float **y = exec_value(e, node, variant);
    RG_TRY(encode(e, n->input[0], variant, plan, &rows, err));
    RG_TRY(exec_take(e, (size_t)n->width, y, err));
    integer_gemm(plan, e->threads, e->n_tokens, (size_t)n->width, rows, bytes_of(&e->packed), *y);
    exec_add_bias(e, node, e->n_tokens, *y);
    e->matrix_flop[node] += 2 * (uint64_t)e->n_tokens * (uint64_t)n->width * plan->k;
    return RG_OK;
}

rg_status exec_integer_linear(exec *e, int node, size_t first, rg_error *err) {
    const exec_matrix m = exec_matrix_of(e, node);
    integer_plan plan, other;
    RG_TRY(exec_integer_plan(e, &m, exec_use_of(e, node, first), &plan, err));
    RG_TRY(exec_integer_pack(e, &m, &plan, &e->packed, err));
    for (size_t v = first; v < e->n_variants; v++) {
        const exec_use *use = exec_use_of(e, node, v);
        if (exec_same(e, node, v) != v || !use->integer || *exec_value(e, node, v)) continue;
        RG_TRY(exec_integer_plan(e, &m, use, &other, err));
        if (integer_same_panels(&plan, &other)) RG_TRY(multiply(e, node, v, &other, err));
    }
    return RG_OK;
}

void exec_integer_forget(exec *e) {
    for (size_t v = 0; v < e->n_variants; v++) e->encoded[v].value = -1;
}
