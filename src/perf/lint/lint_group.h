/* Rows of a table in the order of some of its columns. */
#ifndef PERF_LINT_GROUP_H
#define PERF_LINT_GROUP_H

#include "perf/lint/lint.h"

enum { LINT_MAX_COLUMNS = 64 };

typedef struct lint_group {
    const perf_csv *csv;
    size_t n, *at; /* indices of rows, those that agree in all columns side by side */
    size_t n_columns, column[LINT_MAX_COLUMNS];
} lint_group;

/* What was measured: every column but results, labels and those of `without` (-1: none). */
void lint_group_keys(lint_group *g, const perf_csv *csv, int without);
/* Sorts by g->column, as text, then as they stand. */
rg_status lint_group_sort(lint_group *g, lint *l);
void lint_group_close(lint_group *g);
/* End of the group that begins at `first`. */
size_t lint_group_end(const lint_group *g, size_t first);

#endif
