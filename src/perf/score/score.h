/* Parts of the score card. A part is one file score_*.c with one function in the table of score.c: it scores
   what lies below the folder, adds rows, and passes over what is not there. */
#ifndef PERF_SCORE_H
#define PERF_SCORE_H

#include "perf/calibrate/calibrate.h"

/* A table of one operator's timings. */
typedef struct perf_score_source {
    const char *op, *chip, *table, *kernel;
} perf_score_source;

/* Of one group of one such table: on held-out sites, the mean over the splits. */
typedef struct perf_score_result {
    const perf_score_source *source;
    const char *group;
    rg_fit_score s;
    double bound_mape, seeds;
} perf_score_result;

enum { PERF_MAX_RESULTS = 256 };

typedef struct perf_scoring { /* a score card in the making */
    rg_scorecard card;
    const char *dir, *data_dir;
    const rg_calibrations *all; /* constants that are scored; with refit, what the parts begin with */
    rg_calibrations refitted;   /* by the tables of operators, when refit */
    bool refit;
    perf_score_result result[PERF_MAX_RESULTS]; /* of the tables of operators, which come first */
    size_t n_results;
    const rg_progress *progress;
    rg_error *err;
} perf_scoring;

/* Path of dir/measured/<name>; false when it is absent. */
bool perf_score_find(const perf_scoring *s, const char *name, char *path, size_t size);
/* The same, once for every data set that a part scores: counted as there or absent. */
bool perf_score_open(perf_scoring *s, const char *name, char *path, size_t size);

/* Adds a row; the partition is copied. */
rg_status perf_score_add(perf_scoring *s, rg_score_row row, const char *partition);
/* A row about an error, a fraction that must not exceed its floor. `baseline`: the same of a trivial model,
   NAN: none. No row for n = 0. */
rg_status perf_score_add_error(perf_scoring *s, const char *id, const char *partition, size_t n, double value,
                               double floor, double stretch, double baseline);
/* Q18: the share of measurements inside their 80 % intervals, n of them over all splits. Met by 0.75 to 0.85;
   with under 250 a split by what 95 of 100 samples of such a share show. No row for n = 0. */
rg_status perf_score_add_coverage(perf_scoring *s, const char *partition, size_t n, double splits,
                                  double share);
rg_status perf_score_no_memory(perf_scoring *s);

/* The tables of operators; the three behind it read their results. */
rg_status perf_score_tables(perf_scoring *s);
rg_status perf_score_transfer(perf_scoring *s);
rg_status perf_score_operators(perf_scoring *s);
rg_status perf_score_coverage(perf_scoring *s);
/* Board power and joules. */
rg_status perf_score_power(perf_scoring *s);
/* Time between tokens of measured servings. */
rg_status perf_score_serving(perf_scoring *s);
/* The same constants on the runs of another laboratory. */
rg_status perf_score_serving_lab(perf_scoring *s);
/* The lint of measurements. */
rg_status perf_score_lint(perf_scoring *s);

/* Training steps. */
rg_status perf_score_train(perf_scoring *s);
/* Speed of sweeps. */
rg_status perf_score_sweep(perf_scoring *s);

extern const perf_score_source perf_score_sources[];
extern const size_t perf_score_n_sources;

#endif
