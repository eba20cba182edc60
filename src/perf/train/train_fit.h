/* Fits of the constants of training steps. */
#ifndef PERF_TRAIN_FIT_H
#define PERF_TRAIN_FIT_H

#include "perf/train/train_cases.h"

enum { PERF_TRAIN_MAX_CHIPS = 4 };
/* A constant that is fitted, for some chips and one stack. */
typedef struct perf_train_free {
    const char *name;
    const char *chip[PERF_TRAIN_MAX_CHIPS]; /* none: any */
    const char *stack;                      /* NULL: any */
    double lo, hi;
} perf_train_free;

enum { PERF_TRAIN_MAX_FREE = 10 };
typedef struct perf_train_fit {
    const perf_train_free *free;
    size_t n;
    double value[PERF_TRAIN_MAX_FREE];
    double low, high; /* 10 and 90 % quantiles of log(measured / estimate), each family left out of its fit */
    size_t rows, families;
} perf_train_fit;

/* Half of the families fit, the others are held out; the halves follow from the seed. fitted[set->n]. */
void perf_train_halves(const perf_train_set *set, uint64_t seed, bool *fitted);
/* Starts at the constants of the files; rows of `chosen` count. */
rg_status perf_train_fit_set(const perf_scoring *s, const perf_train_set *set, const bool *chosen,
                             const perf_train_free *free, size_t n, bool intervals, perf_train_fit *out);
/* Constants of a case as the fit has them; NULL: those of the files. */
void perf_train_fitted(const perf_scoring *s, const perf_train_fit *fit, const perf_train_case *c,
                       perf_train_constants *k);

/* ---- what is fitted ---------------------------------------------------------------------------------- */

enum { PERF_TRAIN_MAX_STACKS = 4 };
/* A part of a table that has constants, and a score, of its own. */
typedef struct perf_train_part {
    const char *id, *name; /* "Q11" */
    const char *chip;      /* NULL: all */
    int experts;           /* 1 or 0: models with or without; -1: all */
    double floor, stretch;
    const perf_train_free *free;
    size_t n_free;
    const char *stack[PERF_TRAIN_MAX_STACKS]; /* of its rows */
    const char *table;                        /* below measured/ */
    rg_status (*read)(perf_scoring *s, perf_train_set *out);
} perf_train_part;
extern const perf_train_part perf_train_parts[]; /* ends with id NULL */
/* Its rows, whose stack is set where the table's reader leaves it open. Closed with rg_arena_free. */
rg_status perf_train_part_rows(perf_scoring *s, const perf_train_set *set, const perf_train_part *p,
                               perf_train_set *out);
/* Megatron's compute constant from its table of 2021. */
rg_status perf_train_fit_megatron(perf_scoring *s, const perf_train_set *past, perf_train_fit *out);

/* data/calibration/training_fitted.yaml: every part fitted on the first split. */
rg_status perf_train_calibrate(perf_scoring *s, const char *date, rg_str *out);

#endif
