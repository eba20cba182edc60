/* Roofline bounds: no execution that runs the operators one after the other can be faster, and none at all
   than rg_roof.overlapped_s.

   What is counted, and nothing else, so that a bound stays a bound:
   - matrix work (linear, attention) at the rate of the type that the chip's path names for the pair of stored
     formats; vector work (norm, rope, activation, softmax, add) at the fp32 rate (bf16, then fp16, where no
   fp32 rate is published). Two units: they overlap, the slower one counts. Work of conversions is not
   counted.
   - weights once per pass, as stored (scales included); of an embedding table only the rows used; KV once:
     decode reads that of context - 1 tokens and writes one, prefill writes that of every token.
   - not counted: activations between operators, since they can stay on the chip (fused or tiled), token ids
   and logits. An operator takes the longest of matrix, vector and memory time; operators run one after the
   other. */
#ifndef RIDGE_PERF_H
#define RIDGE_PERF_H

#include "ridge/graph.h"
#include "ridge/network.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_roof_operator {
    const char
        *name; /* class of operators over all layers ("self_attn.q_proj"), or a node outside the blocks */
    const char *op;
    double flop, bytes;              /* of all layers together, per pass; flop: matrix + vector */
    double matrix_flop, vector_flop; /* the parts of flop */
    double compute_s, vector_s, memory_s, bound_s; /* compute_s: matrix work */
    const char *limiter;                           /* "compute:bf16", "vector:fp32", "memory" */
    double estimate_s, lo80_s, hi80_s;             /* NAN without constants */
    const char *regime, *estimate_kind;            /* as in rg_estimate; NULL without constants */
    rg_path_kind kind;                             /* how its multiply is executed */
    const char *runs_as; /* rate type ("fp8+bf16" when layers differ), or NULL for vector work */
    const char *weight_format, *activation_format; /* canonical; attention: keys (and values), queries */
    const char *conversion, *source;               /* of the path; NULL: none */
} rg_roof_operator;

typedef struct rg_roof {
    rg_arena arena;
    size_t n_operators;
    rg_roof_operator *op;
    double flop, bytes, bound_s; /* sum over operators, which run one after the other */
    double
        overlapped_s; /* if all operators overlapped as well: longest of total matrix, vector, memory time */
    const char *limiter;                /* resource that binds for most of the time */
    double estimate_s, lo80_s, hi80_s;  /* sums, as if all errors had one sign; NAN without constants */
    const char *regime, *estimate_kind; /* calibrated: nine tenths of the time is */
    rg_path_kind kind;        /* the weakest of the operators': hypothetical > dequantised > native */
    rg_path_kind linear_kind; /* the same over the linear operators alone */
    bool fits;
    double memory_bytes, memory_available_bytes; /* weights + KV and states of the batch at full context; the
                                                  chip's */
    double weight_bytes, kv_bytes, state_bytes;
    double max_batch;    /* sequences at this context whose KV and states fit beside the weights, whole */
    double tokens_per_s; /* batch / bound_s (decode), batch * context / bound_s (prefill) */
} rg_roof;

/* One pass of `phase` for `batch` sequences at `context` tokens under `policy` (NULL or "": bf16 everywhere;
   an operand that the policy does not name is bf16, unless the policy is "fp32"). A number that the chip's
   file lacks and this needs is RG_ERR_UNSUPPORTED, by name; a policy entry that matches nothing, batch or
   context below 1 RG_ERR_USAGE. Close with rg_roof_close. */
rg_status rg_roof_explain(rg_roof *out, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                          double batch, double context, const char *policy, rg_error *err);
void rg_roof_close(rg_roof *roof);
typedef struct rg_calibrations rg_calibrations;
/* The same with estimates (below); `all` may be NULL. */
rg_status rg_roof_estimate(rg_roof *out, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                           double batch, double context, const char *policy, const rg_calibrations *all,
                           rg_error *err);

/* ---- estimates --------------------------------------------------------------------------------------- */

/* How good predictions are: |estimate / measured - 1| (mape is its mean), mean of the same with sign, share
   of measurements inside the 80 % interval. All as fractions. */
typedef struct rg_fit_score {
    size_t n;
    double mape, median, p90, bias, coverage80;
} rg_fit_score;

/* Three columns: what physics allows, what is expected, and where 80 of 100 measurements should lie. */
typedef struct rg_estimate {
    double bound_s, estimate_s, lo80_s, hi80_s;
    const char *regime; /* "launch", "memory", "L2", "compute", "latency", "network" */
    const char *kind;   /* "calibrated", or "transferred": beyond the measured range, or from other chips */
} rg_estimate;

/* Constants of data/calibration/<chip>.yaml of all chips; docs/performance.md says what they mean. */
rg_status rg_calibrations_open(rg_calibrations **out, const char *data_dir, rg_error *err);
void rg_calibrations_close(rg_calibrations *all);

/* CSV in, CSV out: the columns bound_s, estimate_s, lo80_s, hi80_s, regime, class are appended, and error_pct
   when `measured` names a column of measured times (ms, or s or us by the end of its name). `kernel`, where
   the table has no such column, may be NULL: then all calibrated kernels count, and the interval spans them.
   A row without constants has empty cells. `text` is cut up. */
rg_status rg_perf_predict(const char *op, const rg_chip *chip, const rg_calibrations *all, const char *kernel,
                          const char *measured, char *text, size_t size, rg_str *out, rg_error *err);

typedef struct rg_fit_request {
    const char *op, *path;
    const rg_chip *chip;
    const char *kernel;         /* for tables without such a column; NULL: "" */
    const char *measured;       /* NULL: latency_ms */
    const char *holdout;        /* "site", "model", "chip" */
    const char *source, *date;  /* stored with the constants; source NULL: the file's name */
    const rg_calibrations *all; /* for holdout "chip" */
    const char *data_dir;       /* "serving": where models and systems lie */
} rg_fit_request;

typedef struct rg_fit_row {
    const char *group; /* "bfloat16/torch" */
    int seed;          /* of the split; 0: no split (holdout chip) */
    rg_fit_score held_out;
    double bound_mape; /* of the bound alone, on the same rows */
} rg_fit_row;

typedef struct rg_fit {
    rg_arena arena;
    size_t n_rows;
    rg_fit_row *row;
    size_t rows, used;
    size_t not_positive, unknown_format, faster_than_compute, faster_than_cache; /* left out */
    size_t faster_than_memory;  /* used: the last cache explains it */
    rg_calibrations *constants; /* of the first split; NULL for holdout chip */
    rg_calibrations *other[2];  /* of the second and the third, for scores alone */
} rg_fit;
/* Lints the table, then fits each group three times, on three splits of the sites. */
rg_status rg_perf_fit(const rg_fit_request *request, rg_fit *out, rg_error *err);
/* Adds the constants to the calibration in `path`, in place of those of the same operator and group. */
rg_status rg_fit_store(const rg_fit *fit, const char *chip, const char *path, rg_error *err);
/* Those of the other two splits, to x.split2.yaml and x.split3.yaml beside x.yaml: rg_perf_score reads them.
 */
rg_status rg_fit_store_splits(const rg_fit *fit, const char *chip, const char *path, rg_error *err);
void rg_fit_close(rg_fit *fit);

/* ---- lint -------------------------------------------------------------------------------------------- */

typedef enum rg_lint_action {
    RG_LINT_KEPT,     /* explained: a fit uses the rows */
    RG_LINT_REPORTED, /* a fit would use them; think first */
    RG_LINT_LEFT_OUT  /* no fit may use them */
} rg_lint_action;
const char *rg_lint_action_name(rg_lint_action action);

typedef struct rg_lint_finding {
    const char *check; /* "in_cache"; docs/performance.md has the list */
    const char *file;  /* below the folder that was given */
    size_t n;          /* rows concerned, 0: the file as a whole */
    const size_t *row; /* their numbers, from 1, the header not counted */
    const char *what, *cause;
    rg_lint_action action;
} rg_lint_finding;

typedef struct rg_lint {
    rg_arena arena;
    size_t n_files, n_rows; /* tables read, their rows */
    size_t n, room;
    rg_lint_finding *finding;
} rg_lint;

typedef struct rg_lint_options { /* NULL: what the names of files and columns say */
    const rg_chip *chip;
    const char *op, *measured;
    const char *data_dir;
    const rg_progress *progress;
} rg_lint_options;

/* Checks tables of measurements against physics and against themselves before anything is fitted to them:
   `path` is a .csv or .csv.gz, or a folder that is searched. What is found is no error; a folder without
   tables, and a file (not one of a folder, which becomes a finding) that is no CSV, are. */
rg_status rg_perf_lint(const char *path, const rg_lint_options *options, rg_lint *out, rg_error *err);
void rg_lint_close(rg_lint *found);

/* ---- score card -------------------------------------------------------------------------------------- */

typedef struct rg_score_row {
    const char *id, *partition; /* "Q2"; "h100-sxm bfloat16/torch" */
    const char *unit;           /* of value, floor, stretch: "1/s"; NULL: a fraction, printed in % */
    size_t n;
    double value, floor, stretch; /* mean error; Q18: share inside the 80 % interval */
    double baseline;              /* the same error of the bound alone; NAN: none */
    bool met;                     /* the floor is */
} rg_score_row;

typedef struct rg_scorecard {
    rg_arena arena;
    size_t n, room;
    rg_score_row *row;
    size_t tables, tables_absent;
} rg_scorecard;
/* Scores the constants on the tables below dir/measured, on sites held out of the fit: of operators those of
   the split in use and of the two others beside it (rg_fit_store_splits). `refit` fits all anew. A set of
   measurements that is not there is counted and passed over; none at all is an error. */
rg_status rg_perf_score(const char *dir, const rg_calibrations *all, const char *data_dir, bool refit,
                        const rg_progress *progress, rg_scorecard *out, rg_error *err);
void rg_scorecard_close(rg_scorecard *card);

#ifdef __cplusplus
}
#endif
#endif
