/* Groups of rows. */
#include "perf/lint/lint_group.h"

#include <stdlib.h>
#include <string.h>

void lint_group_keys(lint_group *g, const perf_csv *csv, int without) {
    *g = (lint_group){.csv = csv};
    for (size_t i = 0; i < csv->n_columns && g->n_columns < LINT_MAX_COLUMNS; i++)
        if (!lint_is_result(csv->column[i]) && !lint_is_label(csv, i) && (int)i != without)
            g->column[g->n_columns++] = i;
}

static int compare(const lint_group *g, size_t a, size_t b) {
    for (size_t i = 0; i < g->n_columns; i++) {
        const int d =
            strcmp(lint_cell(g->csv, a, (int)g->column[i]), lint_cell(g->csv, b, (int)g->column[i]));
        if (d) return d;
    }
    return 0;
}

typedef struct key {
    const lint_group *group;
    size_t row;
} key;

static int by_key(const void *a, const void *b) {
    const key *x = a, *y = b;
    const int d = compare(x->group, x->row, y->row);
    return d ? d : (x->row > y->row) - (x->row < y->row);
}

rg_status lint_group_sort(lint_group *g, lint *l) {
    g->n = g->csv->n_rows;
    g->at = malloc((g->n + 1) * sizeof *g->at);
    key *k = malloc((g->n + 1) * sizeof *k);
    if (!g->at || !k) {
        free(k);
        lint_group_close(g);
        return lint_no_memory(l);
    }
    for (size_t i = 0; i < g->n; i++) k[i] = (key){g, i};
    qsort(k, g->n, sizeof *k, by_key);
    for (size_t i = 0; i < g->n; i++) g->at[i] = k[i].row;
    free(k);
    return RG_OK;
}

void lint_group_close(lint_group *g) {
    free(g->at);
    g->at = NULL;
}

size_t lint_group_end(const lint_group *g, size_t first) {
    size_t end = first + 1;
    while (end < g->n && compare(g, g->at[first], g->at[end]) == 0) end++;
    return end;
}
