/* The needle test: a fact hidden in filler text, asked for at the end. It shows what a number format does to
   keys and values that are far away, which perplexity hardly sees. docs/quality.md, "A needle". */
#ifndef RIDGE_NEEDLE_H
#define RIDGE_NEEDLE_H

#include "ridge/model.h"
#include "ridge/paired.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { RG_NEEDLE_DEPTHS = 32, RG_NEEDLE_TRIALS = 4096 };

typedef struct rg_needle_options {
    size_t context; /* tokens of a window, at most the model's positions; 0: 1024, or what the model has */
    size_t depths;  /* 1 .. RG_NEEDLE_DEPTHS, evenly from 0 (start) to 1 (end); one alone: the middle; 0: 5 */
    size_t trials;  /* 1 .. RG_NEEDLE_TRIALS facts, each at every depth; 0: 8 */
    uint64_t seed;  /* chooses facts and filler */
    int threads;    /* as in rg_eval_options */
    size_t batch_tokens;
    const rg_progress *progress;
    const char *data_dir;
} rg_needle_options;

typedef struct rg_needle_summary {
    size_t context, depths, trials; /* as run; trials: those done when it was interrupted */
    double depth[RG_NEEDLE_DEPTHS];
    size_t shortest, longest; /* tokens of the windows, the value's with them */
    double value_tokens;      /* of a value, mean */
    bool interrupted;
} rg_needle_summary;

typedef struct rg_needle_depth {
    double loglik;          /* mean log-likelihood of a value, nats */
    double delta, delta_se; /* mean of its difference from the reference's, standard error over trials */
    double exact;           /* share of values of which every token is the most likely one */
} rg_needle_depth;

typedef struct rg_needle_quality {
    char policy[512];
    bool is_reference;
    double loglik;          /* over all depths */
    rg_interval difference; /* loss of a value, candidate - reference, nats: t interval over trials */
    double detectable;      /* smallest such difference that so many trials show 4 times of 5 */
    rg_verdict verdict;     /* by `difference` */
    rg_paired_shares exact; /* all trials at all depths */
    rg_needle_depth at[RG_NEEDLE_DEPTHS];
} rg_needle_quality;

/* Policies in lock step with fp32, entry 0 of `out` [n_policies + 1]. Filler comes from `text` (UTF-8, long
   enough for a window). RG_ERR_USAGE for a text that is too short and for a context longer than the model's
   positions; else as rg_eval_run. An interruption after the first trial is no failure. */
rg_status rg_needle_run(const rg_model *model, const char *text, size_t text_size,
                        const char *const *policies, size_t n_policies, const rg_needle_options *options,
                        rg_needle_summary *summary, rg_needle_quality *out, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
