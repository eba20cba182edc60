/* Collectives from measured constants: those of the chip, else those of other chips, at the nearest count of
   ranks. An index by chip, operation, type and count makes it a look-up. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/network/network.h"

static const char *const op_names[] = {"all_reduce", "all_gather", "reduce_scatter", "alltoall"};
static const char *const dtype_names[] = {"half", "int8"};

/* "all_gather/half//8" */
static bool place_of(const char *group, int *op, int *dtype, int *slot) {
    char text[160];
    char *save = NULL;
    snprintf(text, sizeof text, "%s", group);
    const char *first = strtok_r(text, "/", &save), *second = strtok_r(NULL, "/", &save);
    const char *last = strrchr(group, '/');
    if (!first || !second || !last) return false;
    for (*op = 0; *op < PERF_NETWORK_OPS && strcmp(op_names[*op], first) != 0;) ++*op;
    for (*dtype = 0; *dtype < 2 && strcmp(dtype_names[*dtype], second) != 0;) ++*dtype;
    const double ranks = strtod(last + 1, NULL);
    *slot = ranks >= 2 && ranks <= 256 ? (int)log2(ranks) - 1 : -1;
    return *op < PERF_NETWORK_OPS && *dtype < 2 && *slot >= 0 && exp2(*slot + 1) == ranks;
}

static perf_network_chip *chip_of(rg_calibrations *all, const char *id) {
    for (size_t i = 0; i < all->n_network; i++)
        if (strcmp(all->network[i].id, id) == 0) return &all->network[i];
    if (all->n_network == PERF_NETWORK_CHIPS) return NULL;
    all->network[all->n_network] = (perf_network_chip){.id = id};
    return &all->network[all->n_network++];
}

void perf_network_index(rg_calibrations *all) {
    all->n_network = 0;
    for (size_t i = 0; i < all->n; i++) {
        const perf_calibration *e = &all->entry[i];
        int op, dtype, slot;
        if (e->model != &perf_collective || !place_of(e->group, &op, &dtype, &slot)) continue;
        perf_network_chip *c = chip_of(all, e->chip);
        if (c && !c->entry[op][dtype][slot]) c->entry[op][dtype][slot] = e;
    }
}

/* The slot nearest to this count of ranks; -1: none is filled. */
static int nearest(const perf_network_chip *c, int op, int dtype, double ranks) {
    int best = -1;
    for (int i = 0; i < PERF_NETWORK_COUNTS; i++)
        if (c->entry[op][dtype][i] && (best < 0 || fabs(i + 1 - log2(ranks)) < fabs(best + 1 - log2(ranks))))
            best = i;
    return best;
}

typedef struct blend {
    int n;
    double log_sum, lo, hi;
    bool exact; /* measured at this count, within the sizes */
} blend;

/* Beyond the measured counts latency grows with the logarithm: trees, recursive doubling. Steps per doubling
   as from 2 to 8 GPUs, where libraries still go round in rings. */
static double more_steps(rg_collective op, double ratio) {
    const double per_doubling = op == RG_ALL_REDUCE ? 4 : op == RG_ALL_TO_ALL ? 1 : 2;
    return ratio > 1 ? per_doubling * log2(ratio) : 0;
}

/* What one chip's constants say, with the links of `span` and latency for the steps that its count of ranks
   lacks. */
static void ask(const perf_network_chip *c, const perf_reach *span, rg_collective op, int dtype, double bytes,
                blend *b) {
    const int slot = nearest(c, op, dtype, span->ranks);
    if (slot < 0) return;
    const perf_calibration *e = c->entry[op][dtype][slot];
    const double counted = exp2(slot + 1);
    const perf_machine m = {.link_bytes_per_s = span->level->bytes_per_s.value};
    perf_row row = {.dtype = perf_dtype_find(dtype_names[dtype])};
    row.x[0] = span->ranks;
    row.x[1] = bytes / row.dtype->activation_bytes;
    strcpy(row.word[0], op_names[op]);
    const perf_guess g = e->model->estimate(&row, &m, e->constant);
    const perf_residual *r =
        e->residual[g.regime].n > 0 ? &e->residual[g.regime] : &e->residual[PERF_N_REGIMES];
    const double s =
        g.s + perf_network_latency_s(span->level, more_steps(op, span->ranks / counted), PERF_MIDDLE);
    b->lo = b->n ? fmin(b->lo, log(s) + r->lo) : log(s) + r->lo;
    b->hi = b->n ? fmax(b->hi, log(s) + r->hi) : log(s) + r->hi;
    b->log_sum += log(s);
    b->exact = counted == span->ranks && row.x[1] >= e->hull_lo[1] && row.x[1] <= e->hull_hi[1];
    b->n++;
}

bool perf_network_measured(const rg_calibrations *all, const rg_system *s, const perf_reach *span,
                           rg_collective op, int dtype, double bytes, perf_phase *out) {
    if (!all || op == RG_SEND || span->level != s->level || span->inside > 1 ||
        span->level->topology != RG_TOPOLOGY_SWITCH)
        return false;
    blend b = {0};
    for (size_t i = 0; i < all->n_network && !b.n; i++)
        if (strcmp(all->network[i].id, s->chip.id) == 0) ask(&all->network[i], span, op, dtype, bytes, &b);
    const bool own = b.n > 0;
    for (size_t i = 0; i < all->n_network && !own; i++) ask(&all->network[i], span, op, dtype, bytes, &b);
    if (!b.n) return false;
    /* beyond what was measured, or from other chips: twice as wide on the log scale. Leaving out one of three
       chips then covers 77 % (test_network_transfer.c). */
    const double middle = b.log_sum / b.n, wider = own && b.exact ? 1 : 2;
    out->algorithm = "measured";
    out->origin = own && b.exact ? PERF_CALIBRATED : PERF_TRANSFERRED;
    out->s = exp(middle);
    out->lo_s = exp(middle + wider * fmin(0, b.lo - middle));
    out->hi_s = exp(middle + wider * fmax(0, b.hi - middle));
    out->ideal_s = perf_network_cut(span, 1, op, span->ranks, bytes);
    return true;
}
