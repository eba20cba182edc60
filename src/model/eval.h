/* What an evaluation keeps per scored token, and the figures made of it. */
#ifndef RIDGE_MODEL_EVAL_H
#define RIDGE_MODEL_EVAL_H

#include "model/exec.h"
#include "model/protocol.h"
#include "ridge/paired.h"

/* Of one variant, in the order of the scored tokens. */
typedef struct eval_record {
    double *nll, *kld; /* [n_scored] nats */
    float *reverse;    /* [n_scored] KL(candidate || reference) */
    uint8_t *same;     /* [n_scored] 1 where the most likely token is the reference's */
} eval_record;
rg_status eval_record_make(eval_record *record, rg_arena *arena, size_t n, rg_error *err);

/* From two rows of logits and the token that came. */
void eval_score(const rg_kernels *kernels, size_t vocab, const float *reference, const float *logits,
                int32_t next, eval_record *record, size_t i, bool *finite);

/* What is resampled: scored tokens that hang together. */
typedef struct eval_units {
    const char *name;
    size_t n;
    double design_effect; /* > 1: units hang together too; variances are multiplied by it */
    uint32_t *of;         /* [scored tokens] ascending from 0 */
} eval_units;
/* Documents where there are RG_CLUSTERS_MIN, else windows where there are, else blocks of 64 tokens. Of the
   first n scored tokens. */
rg_status eval_units_make(eval_units *out, const eval_plan *plan, size_t n, rg_error *err);
void eval_units_free(eval_units *units);
/* Units that the first n tokens belong to. */
size_t eval_units_seen(const eval_units *units, size_t n);
/* Tokens of each unit, and the sum of x[i] - minus[i] (NULL: x[i]) over them: [eval_units_seen]. */
void eval_units_count(const eval_units *units, size_t n, double *count);
void eval_units_sum(const eval_units *units, size_t n, const double *x, const double *minus, double *sum);

/* Everything that figures are made of: the first n scored tokens of all variants. */
typedef struct eval_scores {
    const eval_plan *plan;
    const rg_tokenizer *tokenizer;
    size_t n, n_variants;
    const eval_record *record; /* [n_variants] the reference first */
    double confidence, tolerance;
} eval_scores;

/* Figures of one variant that need no interval. `scratch` [n]. */
void eval_figures(const eval_scores *s, size_t variant, double *scratch, rg_quality *out);
/* Standard errors, intervals, verdicts of all variants (q[n_variants], figures filled), and all pairs of
   candidates, by the numbers of their variants; pair may be NULL. */
rg_status eval_compare(const eval_scores *s, const eval_units *units, rg_quality *q, rg_quality_pair *pair,
                       rg_error *err);

/* ---- stopping when sure (eval_looks.c) ------------------------------------------------------------------
 */

typedef struct eval_looks {
    bool on;
    eval_units units; /* of the whole text */
    size_t next;      /* windows after which the next look is due */
    double spent;     /* share of alpha */
    size_t n_looks;
    double *lo, *hi; /* [n_variants] what all looks together say of the loss difference */
    double *sum, *count;
} eval_looks;
rg_status eval_looks_open(eval_looks *looks, const eval_plan *plan, size_t n_variants, rg_error *err);
void eval_looks_close(eval_looks *looks);
/* Looks at the first s->n tokens, those of n_windows windows; true: every verdict is in. */
bool eval_looks_take(eval_looks *looks, const eval_scores *s, size_t n_windows);

#endif
