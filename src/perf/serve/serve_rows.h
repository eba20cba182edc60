/* A table of measured servings, as passes of the rank of each. */
#ifndef PERF_SERVE_ROWS_H
#define PERF_SERVE_ROWS_H

#include "perf/serve/serve.h"

typedef struct perf_serve_row {
    size_t index; /* in the table */
    int group;    /* of one model, chip, engine and precision: of rows that err alike */
    const char *model, *chip, *engine, *path, *precision,
        *layout; /* model: whose shapes; path: as recorded */
    int engine_index;
    double isl, osl, concurrency, chips;
    double tpot_s, ttft_s;  /* measured */
    double batch, replicas; /* resident in a replica */
    double wanted_bytes;    /* weights and cache of all that were in flight, on a chip */
    bool dense, clamped;    /* clamped: more were in flight than 90 % of the memory holds */
    bool impossible; /* wanted_bytes do not fit, and the time is less than the bound with all resident */
    perf_serve_pass step, prompt;
} perf_serve_row;

typedef struct perf_serve_rows {
    rg_arena arena;
    size_t n, n_groups;
    perf_serve_row *row;
    rg_digest digest;
    /* What the table has, and what became of it. */
    size_t rows, other_mode, not_positive, squared, unknown, not_dividing, not_fitting, faster_than_bound,
        clamped, impossible;
} perf_serve_rows;

/* Rows of one pool that does both. Rows that no layout explains, do not fit or are faster than their bound
   are counted and left out. */
rg_status perf_serve_rows_read(perf_serve_rows *out, const char *path, const char *data_dir, rg_error *err);
void perf_serve_rows_close(perf_serve_rows *rows);

/* Time between tokens, and its derivatives by the logarithms of the constants (NULL: not wanted). */
double perf_serve_row_time(const perf_serve_row *row, const double constant[PERF_SERVE_N],
                           double slope[PERF_SERVE_N]);

/* Time to the first token, waiting included. */
double perf_serve_row_first(const perf_serve_row *row, const double constant[PERF_SERVE_N], double tpot_s);

/* ---- fits -------------------------------------------------------------------------------------------- */

enum {
    PERF_SERVE_N_FITTED =
        PERF_SERVE_FIRST_OF_ENGINE + (PERF_SERVE_N - PERF_SERVE_FIRST_OF_ENGINE) * PERF_SERVE_N_ENGINES
};
/* Those of an engine, out of fitted ones. */
void perf_serve_fitted(const double fitted[PERF_SERVE_N_FITTED], int engine, double out[PERF_SERVE_N]);
void perf_serve_presets(double fitted[PERF_SERVE_N_FITTED]);
/* The most plausible constants: a row's log error counts as its size beyond 10 %, a (model, chip, engine,
   precision) as one row and a bit, a constant's distance from its preset by its spread. `use[i]`: row i takes
   part. Constants of the first token alone are fitted when first_tokens is set. */
rg_status perf_serve_fit(const perf_serve_rows *rows, const bool *use, bool first_tokens,
                         double fitted[PERF_SERVE_N_FITTED], rg_error *err);

/* ---- held out ---------------------------------------------------------------------------------------- */

typedef enum perf_serve_key { PERF_SERVE_BY_MODEL, PERF_SERVE_BY_CHIP } perf_serve_key;
bool perf_serve_same(const perf_serve_row *a, const perf_serve_row *b, perf_serve_key key);
/* Times of the rows of `part`, each by constants of those of another model (or chip). `first_s` and `range`
   (of each constant, over all fits: lowest, highest) may be NULL. */
rg_status perf_serve_hold_out(const perf_serve_rows *rows, const bool *part, perf_serve_key key,
                              double *time_s, double *first_s, double range[PERF_SERVE_N_FITTED][2],
                              rg_error *err);
/* Times by given constants. */
void perf_serve_predict(const perf_serve_rows *rows, const bool *part,
                        const double fitted[PERF_SERVE_N_FITTED], double *time_s, double *first_s);
/* Quantiles of log(measured / time) over the rows of `part` that are dense, or have experts, and are not of
   the key of `except` (NULL: all). */
rg_status perf_serve_residual(const perf_serve_rows *rows, const bool *part, bool dense,
                              const perf_serve_row *except, perf_serve_key key, const double *time_s,
                              bool first_token, perf_residual *out, rg_error *err);

/* Does each row of `part` lie in the interval that the rows of other keys give it? */
rg_status perf_serve_inside(const perf_serve_rows *rows, const bool *part, perf_serve_key key,
                            const double *time_s, bool *inside, rg_error *err);

/* perf fit --op serving: constants and residuals of a whole table. */
#define PERF_SERVING "serving"
rg_status perf_serve_fit_table(const rg_fit_request *request, rg_fit *out, rg_error *err);

#endif
