/* Neighbours of a table along one size, groups of one kernel. */
#include "perf/lint/lint_order.h"

#include <stdlib.h>
#include <string.h>

static int compare_but(const perf_table *t, size_t axis, const perf_row *a, const perf_row *b) {
    for (size_t i = 0; i < t->model->n_words; i++) {
        const int d = strcmp(a->word[i], b->word[i]);
        if (d) return d;
    }
    for (size_t i = 0; i < t->model->n_numbers; i++)
        if (i != axis && a->x[i] != b->x[i]) return a->x[i] < b->x[i] ? -1 : 1;
    return 0;
}

typedef struct key {
    const perf_table *table;
    size_t axis, row;
} key;

static int by_key(const void *a, const void *b) {
    const key *x = a, *y = b;
    const perf_row *p = &x->table->row[x->row], *q = &y->table->row[y->row];
    const int d = compare_but(x->table, x->axis, p, q);
    if (d) return d;
    if (p->x[x->axis] != q->x[x->axis]) return p->x[x->axis] < q->x[x->axis] ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

static size_t axis_of(const perf_model *m) {
    for (size_t i = 0; i < m->n_numbers; i++)
        if (!m->number[i].site) return i;
    return m->n_numbers - 1;
}

rg_status lint_order_open(lint_order *o, lint *l, const perf_table *t) {
    *o = (lint_order){.n = t->n, .axis = axis_of(t->model), .at = malloc((t->n + 1) * sizeof *o->at)};
    key *k = malloc((t->n + 1) * sizeof *k);
    if (!o->at || !k) {
        free(k);
        lint_order_close(o);
        return lint_no_memory(l);
    }
    for (size_t i = 0; i < t->n; i++) k[i] = (key){t, o->axis, i};
    qsort(k, t->n, sizeof *k, by_key);
    for (size_t i = 0; i < t->n; i++) o->at[i] = k[i].row;
    free(k);
    return RG_OK;
}

void lint_order_close(lint_order *o) {
    free(o->at);
    *o = (lint_order){0};
}

bool lint_neighbours(const lint_order *o, const perf_table *t, size_t i, size_t k) {
    return compare_but(t, o->axis, &t->row[o->at[i]], &t->row[o->at[k]]) == 0;
}

typedef struct member {
    char group[160];
    size_t row;
} member;

static int by_group(const void *a, const void *b) {
    const member *x = a, *y = b;
    const int d = strcmp(x->group, y->group);
    return d ? d : (x->row > y->row) - (x->row < y->row);
}

static rg_status call_each(lint *l, const lint_rows *r, member *m, size_t *at, lint_group_check check) {
    const size_t n = r->table.n;
    for (size_t i = 0; i < n; i++) {
        m[i].row = i;
        perf_group_text(r->table.model, &r->table.row[i], m[i].group, sizeof m[i].group);
    }
    qsort(m, n, sizeof *m, by_group);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first; end < n && strcmp(m[end].group, m[first].group) == 0; end++)
            at[end - first] = m[end].row;
        RG_TRY(check(l, r, m[first].group, at, end - first));
    }
    return RG_OK;
}

rg_status lint_each_group(lint *l, const lint_rows *r, lint_group_check check) {
    member *m = malloc((r->table.n + 1) * sizeof *m);
    size_t *at = malloc((r->table.n + 1) * sizeof *at);
    const rg_status status = m && at ? call_each(l, r, m, at, check) : lint_no_memory(l);
    free(m);
    free(at);
    return status;
}
