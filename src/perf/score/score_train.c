/* Score card, training: Megatron's iteration times and memory (Q10), MPT (Q11), Megatron-Bridge (Q12). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/train/train_fit.h"

enum { SEEDS = 3 };

typedef struct tally { /* of one partition, over the seeds */
    perf_errors errors, trivial;
    double splits, largest;
} tally;

static void add(tally *t, const perf_train_case *c, const perf_train_constants *k) {
    rg_train_step step;
    perf_train_case_step(c, k, &step);
    perf_errors_add(&t->errors, c->measured_s, step.estimate_s, step.lo80_s, step.hi80_s);
    /* as if every step reached 45 % of the peak, recomputation counted */
    perf_errors_add(&t->trivial, c->measured_s, step.hfu * step.estimate_s / 0.45, 0, 0);
    t->largest = fmax(t->largest, fabs(step.estimate_s / c->measured_s - 1));
}

static rg_status close_tally(perf_scoring *s, tally *t, const char *id, const char *partition, double floor,
                             double stretch, bool coverage) {
    const size_t n = t->errors.n;
    const rg_fit_score e = perf_errors_score(&t->errors), trivial = perf_errors_score(&t->trivial);
    rg_status status = perf_score_add_error(s, id, partition, n, e.mape, floor, stretch, trivial.mape);
    if (status == RG_OK && coverage)
        status = perf_score_add_coverage(s, partition, n, fmax(1, t->splits), e.coverage80);
    perf_errors_free(&t->errors);
    perf_errors_free(&t->trivial);
    return status;
}

/* ---- Megatron ---------------------------------------------------------------------------------------- */

static rg_status score_times(perf_scoring *s, const perf_train_set *past, const perf_train_set *set) {
    tally t = {.splits = 1};
    perf_train_fit fit;
    if (s->refit) RG_TRY(perf_train_fit_megatron(s, past, &fit));
    for (size_t i = 0; i < set->n; i++) {
        perf_train_constants k;
        perf_train_fitted(s, s->refit ? &fit : NULL, &set->item[i], &k);
        add(&t, &set->item[i], &k);
    }
    RG_TRY(perf_score_add_error(s, "Q10", "Megatron 2022, largest error of a time", set->n, t.largest, 0.10,
                                0.06, NAN));
    return close_tally(s, &t, "Q10", "Megatron 2022, times by constants of Megatron 2021", 0.05, 0.03, true);
}

/* The layers alone, as the paper has them: of a stage between the outer ones, or without embedding and head.
 */
static void memory_of(perf_scoring *s, const perf_train_case *from, double *state, double *activations) {
    perf_train_constants k;
    rg_train_step step;
    perf_train_case c = *from;
    for (int i = PERF_BEFORE; i <= PERF_AFTER; i += PERF_AFTER - PERF_BEFORE)
        c.work.parameters[i] = c.work.saved_bytes[i] = 0;
    perf_train_case_constants(s, &c, &k);
    perf_train_case_step(&c, &k, &step);
    const double *b = step.stage[0].bytes;
    *state = b[RG_TRAIN_WEIGHTS] + b[RG_TRAIN_GRADIENTS] + b[RG_TRAIN_OPTIMIZER_STATE];
    *activations = b[RG_TRAIN_ACTIVATIONS];
}

static rg_status score_memory(perf_scoring *s, const perf_train_set *set) {
    char path[4096];
    perf_csv t;
    double error[2] = {0};
    size_t n = 0;
    if (!perf_score_open(s, "calculon-validation/megatron_seqsel_memory.csv", path, sizeof path))
        return RG_OK;
    RG_TRY(perf_csv_read(&t, path, s->err));
    for (size_t i = 0; i < t.n_rows; i++) {
        const char *model = perf_csv_cell(&t, i, "model"), *mode = perf_csv_cell(&t, i, "mode");
        for (size_t j = 0; model && mode && j < set->n; j++) {
            double state, activations;
            if (strcmp(set->item[j].model, model) != 0 || strcmp(set->item[j].mode, mode) != 0) continue;
            memory_of(s, &set->item[j], &state, &activations);
            error[0] += fabs(state / (perf_csv_number(&t, i, "params_opt_gib") * 0x1p30) - 1);
            error[1] += fabs(activations / (perf_csv_number(&t, i, "activation_gib") * 0x1p30) - 1);
            n++;
        }
    }
    perf_csv_close(&t);
    RG_TRY(perf_score_add_error(s, "Q10", "Megatron 2022, weights, gradients and optimizer", n,
                                error[0] / fmax(1, (double)n), 0.05, 0.02, NAN));
    return perf_score_add_error(s, "Q10", "Megatron 2022, activations", n, error[1] / fmax(1, (double)n),
                                0.05, 0.02, NAN);
}

static rg_status score_megatron(perf_scoring *s) {
    perf_train_set past = {.n = 0}, set = {.n = 0}, modes = {.n = 0};
    rg_status status = perf_train_megatron_2021(s, &past);
    if (status == RG_OK) status = perf_train_megatron_2022(s, &set);
    if (status == RG_OK) status = perf_train_megatron_modes(s, &modes);
    if (status == RG_OK && set.n) status = score_times(s, &past, &set);
    if (status == RG_OK && modes.n) status = score_memory(s, &modes);
    perf_train_set_close(&past);
    perf_train_set_close(&set);
    perf_train_set_close(&modes);
    return status;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

/* Held-out rows of one split, by constants that are fitted to the others or, without refit, given. */
static rg_status score_split(perf_scoring *s, const perf_train_set *rows, const perf_train_part *p,
                             uint64_t seed, tally *t) {
    perf_train_fit fit;
    bool *fitted = calloc(rows->n + 1, sizeof *fitted);
    if (!fitted) return perf_score_no_memory(s);
    perf_train_halves(rows, seed, fitted);
    const rg_status status =
        s->refit ? perf_train_fit_set(s, rows, fitted, p->free, p->n_free, true, &fit) : RG_OK;
    for (size_t i = 0; status == RG_OK && i < rows->n; i++) {
        perf_train_constants k;
        if (fitted[i]) continue;
        perf_train_fitted(s, s->refit ? &fit : NULL, &rows->item[i], &k);
        add(t, &rows->item[i], &k);
    }
    t->splits++;
    free(fitted);
    return status;
}

static rg_status score_part(perf_scoring *s, const perf_train_set *set, const perf_train_part *p) {
    perf_train_set rows = {.n = 0};
    tally t = {.splits = 0};
    rg_status status = perf_train_part_rows(s, set, p, &rows);
    for (uint64_t seed = 1; status == RG_OK && rows.n && seed <= (s->refit ? SEEDS : 1); seed++)
        status = score_split(s, &rows, p, seed, &t);
    rg_arena_free(&rows.arena);
    if (status == RG_OK) return close_tally(s, &t, p->id, p->name, p->floor, p->stretch, true);
    perf_errors_free(&t.errors);
    perf_errors_free(&t.trivial);
    return status;
}

/* By what the operators' tables, Megatron's paper and published ratios of kernels give. */
static rg_status score_unseen(perf_scoring *s, const perf_train_set *set) {
    tally t = {.splits = 1};
    for (size_t i = 0; i < set->n; i++) {
        perf_train_constants k;
        perf_train_case_constants(s, &set->item[i], &k);
        add(&t, &set->item[i], &k);
    }
    return close_tally(s, &t, "Q11", "MPT, no constant of this table", 0.15, 0.10, true);
}

static rg_status score_tables(perf_scoring *s) {
    rg_status status = RG_OK;
    for (const perf_train_part *p = perf_train_parts; status == RG_OK && p->id;) {
        const perf_train_part *first = p;
        perf_train_set set = {.n = 0};
        status = p->read(s, &set);
        if (status == RG_OK && p->read == perf_train_mpt) status = score_unseen(s, &set);
        for (; status == RG_OK && p->id && p->read == first->read; p++) status = score_part(s, &set, p);
        perf_train_set_close(&set);
    }
    return status;
}

rg_status perf_score_train(perf_scoring *s) {
    RG_TRY(score_megatron(s));
    return score_tables(s);
}
