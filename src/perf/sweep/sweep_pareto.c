/* Which results of a sweep nothing beats. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/sweep/sweep.h"

#define OBJECTIVE(member, larger, known)                                                                     \
    { #member, offsetof(rg_sweep_result, member), larger, known }
static const perf_objective objectives[] = {OBJECTIVE(seconds, false, false),
                                            OBJECTIVE(bound_s, false, false),
                                            OBJECTIVE(ttft_s, false, false),
                                            OBJECTIVE(tokens_per_s, true, false),
                                            OBJECTIVE(tokens_per_s_per_chip, true, false),
                                            OBJECTIVE(tokens_per_s_per_sequence, true, false),
                                            OBJECTIVE(mfu, true, false),
                                            OBJECTIVE(chips, false, false),
                                            OBJECTIVE(memory_bytes, false, false),
                                            OBJECTIVE(usd_per_million_tokens, false, true)};
const char perf_objective_names[] =
    "seconds bound_s ttft_s tokens_per_s tokens_per_s_per_chip tokens_per_s_per_sequence "
    "mfu chips memory_bytes usd_per_million_tokens";

const perf_objective *perf_objective_find(const char *name) {
    for (size_t i = 0; i < sizeof objectives / sizeof *objectives; i++)
        if (strcmp(objectives[i].name, name) == 0) return &objectives[i];
    return NULL;
}

size_t rg_sweep_n_objectives(const rg_sweep *s) {
    return s->n_objectives;
}

const char *rg_sweep_objective(const rg_sweep *s, size_t i) {
    return s->objective[i]->name;
}

double rg_sweep_objective_value(const rg_sweep *s, size_t i, const rg_sweep_result *result) {
    double v;
    memcpy(&v, (const char *)result + s->objective[i]->offset, sizeof v);
    return v;
}

/* Smaller is better. What is not known, as a price that no file gives, is worst. */
static double cost(const rg_sweep *s, size_t i, const rg_sweep_result *r) {
    const double v = rg_sweep_objective_value(s, i, r);
    if (!isfinite(v) || (v == 0 && s->objective[i]->known)) return INFINITY;
    return s->objective[i]->larger ? -v : v;
}

/* Workloads and what-ifs are given, not chosen: each has a front of its own. */
static size_t workload(const rg_sweep *s, const rg_sweep_result *r) {
    static const perf_axis axes[] = {PERF_AXIS_WHAT_IF, PERF_AXIS_MODEL, PERF_AXIS_CONTEXT, PERF_AXIS_OSL};
    size_t group = 0;
    for (size_t i = 0; i < sizeof axes / sizeof *axes; i++)
        group = group * s->axis[axes[i]].n + perf_sweep_position(s, axes[i], r->index);
    if (!s->phase->batch_given) return group;
    return group * s->axis[PERF_AXIS_BATCH].n + perf_sweep_position(s, PERF_AXIS_BATCH, r->index);
}

/* < 0: a is better in the first objective that differs; equals by their index. */
static int compare(const rg_sweep *s, const rg_sweep_result *a, const rg_sweep_result *b) {
    const size_t of_a = workload(s, a), of_b = workload(s, b);
    if (of_a != of_b) return of_a < of_b ? -1 : 1;
    for (size_t i = 0; i < s->n_objectives; i++) {
        const double x = cost(s, i, a), y = cost(s, i, b);
        if (x != y) return x < y ? -1 : 1;
    }
    return a->index < b->index ? -1 : a->index > b->index;
}

static bool at_least_as_good(const rg_sweep *s, const rg_sweep_result *a, const rg_sweep_result *b) {
    for (size_t i = 0; i < s->n_objectives; i++)
        if (cost(s, i, a) > cost(s, i, b)) return false;
    return true;
}

/* Heap sort: qsort_r is not portable, and the order must not depend on the platform. */
static void sift(const rg_sweep *s, const rg_sweep_result *r, size_t *heap, size_t at, size_t n) {
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && compare(s, &r[heap[child]], &r[heap[child + 1]]) < 0) child++;
        if (compare(s, &r[heap[at]], &r[heap[child]]) >= 0) return;
        const size_t swap = heap[at];
        heap[at] = heap[child];
        heap[child] = swap;
    }
}

size_t rg_sweep_pareto(const rg_sweep *s, const rg_sweep_result *result, size_t n, size_t *front) {
    size_t n_ok = 0, kept = 0;
    for (size_t i = 0; i < n; i++)
        if (result[i].status == RG_SWEEP_OK) front[n_ok++] = i;
    for (size_t i = n_ok / 2; i-- > 0;) sift(s, result, front, i, n_ok);
    for (size_t end = n_ok; end-- > 1;) {
        const size_t swap = front[0];
        front[0] = front[end];
        front[end] = swap;
        sift(s, result, front, 0, end);
    }
    size_t first = 0; /* of the workload's front; sorted: only those before can beat it */
    for (size_t i = 0; i < n_ok; i++) {
        bool beaten = false;
        if (kept > 0 && workload(s, &result[front[kept - 1]]) != workload(s, &result[front[i]])) first = kept;
        for (size_t k = kept; k-- > first && !beaten;)
            beaten = at_least_as_good(s, &result[front[k]], &result[front[i]]);
        if (!beaten) front[kept++] = front[i];
    }
    return kept;
}
