/* One collective, one size, two types of elements: another protocol, not another bandwidth. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/lint/lint.h"

static const double large_bytes = 64 << 20, apart = 1.15;

typedef struct message { /* a large reduction: what is only moved has no type */
    const perf_row *row;
    double bytes;
    size_t number;
} message;

static int compare(const message *x, const message *y) {
    int d = strcmp(x->row->word[0], y->row->word[0]);
    if (!d) d = strcmp(x->row->word[2], y->row->word[2]);
    if (!d) d = (x->row->x[0] > y->row->x[0]) - (x->row->x[0] < y->row->x[0]);
    return d ? d : (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_work(const void *a, const void *b) {
    const message *x = a, *y = b;
    const int d = compare(x, y);
    return d ? d : (x->number > y->number) - (x->number < y->number);
}

static size_t large_reductions(const lint_rows *r, message *out) {
    size_t n = 0;
    for (size_t i = 0; i < r->table.n; i++) {
        const perf_row *row = &r->table.row[i];
        const double bytes = row->dtype ? row->x[1] * row->dtype->activation_bytes : 0;
        if (bytes >= large_bytes && row->measured_s > 0 && row->x[0] > 1 && strstr(row->word[0], "reduce"))
            out[n++] = (message){row, bytes, r->table.number[i]};
    }
    qsort(out, n, sizeof *out, by_work);
    return n;
}

/* GB/s through each GPU's links. */
static double bus_rate(const message *m) {
    const double passes = strcmp(m->row->word[0], "all_reduce") == 0 ? 2 : 1, n = m->row->x[0];
    return passes * m->bytes * (n - 1) / n / m->row->measured_s / 1e9;
}

typedef struct gap {
    lint_hits hits;
    const message *slow, *fast; /* of the largest message */
} gap;

/* Rows of the same work: those that take longer than the slowest of the fastest row's type. */
static void find_gap(gap *g, const message *m, size_t n) {
    const message *fast = m, *limit = NULL;
    for (size_t i = 1; i < n; i++)
        if (m[i].row->measured_s < fast->row->measured_s) fast = &m[i];
    for (size_t i = 0; i < n; i++)
        if (m[i].row->dtype == fast->row->dtype && (!limit || m[i].row->measured_s > limit->row->measured_s))
            limit = &m[i];
    for (size_t i = 0; i < n; i++) {
        if (m[i].row->dtype == fast->row->dtype || m[i].row->measured_s <= apart * limit->row->measured_s)
            continue;
        lint_hit(&g->hits, m[i].number);
        if (!g->slow || m[i].bytes > g->slow->bytes) g->slow = &m[i], g->fast = limit;
    }
}

rg_status lint_protocol(lint *l, const lint_rows *r) {
    if (!r->table.model->network) return RG_OK;
    gap g = {0};
    message *m = malloc((r->table.n + 1) * sizeof *m);
    if (!m) return lint_no_memory(l);
    const size_t n = large_reductions(r, m);
    for (size_t first = 0, end; first < n; first = end) {
        for (end = first + 1; end < n && compare(&m[first], &m[end]) == 0;) end++;
        find_gap(&g, m + first, end - first);
    }
    rg_status status = RG_OK;
    if (g.hits.n)
        status = lint_find(
            l, "type_protocol", r->of->name, &g.hits, RG_LINT_REPORTED,
            rg_arena_printf(&l->out.arena,
                            "%s: %s of %.0f GPUs, %.0f MB: %s reaches %.0f, %s %.0f GB/s of bus bandwidth",
                            r->chip->id, g.slow->row->word[0], g.slow->row->x[0], g.slow->bytes / 1e6,
                            g.slow->row->word[1], bus_rate(g.slow), g.fast->row->word[1], bus_rate(g.fast)),
            "a protocol difference, not bandwidth: this type is summed elsewhere (by the GPUs, not by the "
            "switches) or in other pieces");
    free(m);
    lint_hits_free(&g.hits);
    return status;
}
