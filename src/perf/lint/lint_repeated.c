/* The same thing measured twice, with different results. */
#include <math.h>
#include <stdlib.h>

#include "perf/lint/lint_group.h"

static const double much = 0.1, noise_s = 2e-6; /* a kernel's start moves by more than that */

typedef struct spread { /* of one result column over the groups of equal keys */
    lint_hits hits;
    double *ratio; /* largest / smallest - 1 of each group that repeats */
    size_t n;
} spread;

/* No load, no key: two rows of that configuration are not the same measurement. */
static bool complete(const perf_csv *t, size_t row, int load) {
    return load < 0 || *lint_cell(t, row, load);
}

static void add_group(spread *s, const lint_group *g, size_t first, size_t end, int column, int load) {
    double least = INFINITY, most = 0;
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        const double x = lint_number(g->csv, g->at[i], column);
        if (!complete(g->csv, g->at[i], load) || !(x > 0)) continue;
        least = fmin(least, x);
        most = fmax(most, x);
        n++;
    }
    if (n < 2) return;
    const double ratio = most / least - 1, unit = lint_time_unit(g->csv->column[column]);
    s->ratio[s->n++] = ratio;
    if (ratio <= much || (unit > 0 && (most - least) * unit <= noise_s)) return;
    for (size_t i = first; i < end; i++)
        if (complete(g->csv, g->at[i], load) && lint_number(g->csv, g->at[i], column) > 0)
            lint_hit(&s->hits, g->at[i] + 1);
}

static rg_status check_column(lint *l, const lint_table *t, const lint_group *g, int column, int load) {
    spread s = {.ratio = malloc((g->n + 1) * sizeof *s.ratio)};
    if (!s.ratio) return lint_no_memory(l);
    for (size_t first = 0, end; first < g->n; first = end) {
        end = lint_group_end(g, first);
        if (end > first + 1) add_group(&s, g, first, end, column, load);
    }
    rg_status status = RG_OK;
    if (s.hits.n) {
        const double p90 = rg_quantile(s.ratio, s.n, 0.9), most = s.ratio[s.n - 1];
        status =
            lint_find(l, "repeated_key", t->name, &s.hits, RG_LINT_REPORTED,
                      rg_arena_printf(&l->out.arena,
                                      "%s differs by more than 10 %% between rows that agree in all else; "
                                      "of %zu that repeat, 9 in 10 by up to %.1f %%, the worst by %.0f %%",
                                      t->csv.column[column], s.n, 100 * p90, 100 * most),
                      "something that moves the result is no column: another run, version or setting");
    }
    lint_hits_free(&s.hits);
    free(s.ratio);
    return status;
}

rg_status lint_repeated(lint *l, const lint_table *t) {
    lint_group g;
    const int load = lint_column(&t->csv, "batch_size|concurrency");
    lint_group_keys(&g, &t->csv, -1);
    if (g.n_columns < 2) return RG_OK;
    RG_TRY(lint_group_sort(&g, l));
    rg_status status = RG_OK;
    for (size_t i = 0; status == RG_OK && i < t->csv.n_columns; i++)
        if (lint_is_result(t->csv.column[i])) status = check_column(l, t, &g, (int)i, load);
    lint_group_close(&g);
    return status;
}
