/* Rows of an operator's table: in the order of one size, all else equal; and in groups. */
#ifndef PERF_LINT_ORDER_H
#define PERF_LINT_ORDER_H

#include "perf/lint/lint.h"

typedef struct lint_order {
    size_t n, *at; /* indices of rows */
    size_t axis;   /* number column that changes between neighbours */
} lint_order;

/* The axis is the first size that is no part of a site, else the last one. */
rg_status lint_order_open(lint_order *o, lint *l, const perf_table *t);
void lint_order_close(lint_order *o);
/* Rows o->at[i] and o->at[k] differ along the axis alone. */
bool lint_neighbours(const lint_order *o, const perf_table *t, size_t i, size_t k);

/* Calls `check` for what has constants of its own, "bfloat16/torch", with the indices of its rows. */
typedef rg_status (*lint_group_check)(lint *l, const lint_rows *r, const char *group, const size_t *at,
                                      size_t n);
rg_status lint_each_group(lint *l, const lint_rows *r, lint_group_check check);

#endif
