/* What an evaluation keeps per scored token, and the figures made of it. */
#ifndef RIDGE_MODEL_EVAL_H
#define RIDGE_MODEL_EVAL_H

#include "model/exec.h"
#include "model/protocol.h"

/* Of one variant, in the order of the scored tokens. */
typedef struct eval_record {
    double *nll, *kld; /* [n_scored] nats */
    double *same;      /* [n_scored] 1 where the most likely token is the reference's */
} eval_record;

/* From two rows of logits and the token that came. */
void eval_score(const rg_kernels *kernels, size_t vocab, const float *reference, const float *logits,
                int32_t next, eval_record *record, size_t i, bool *finite);
/* Figures of docs/quality.md; `window_of` [n]: index of each token's window, ascending from 0. Sorts
 * record->kld. */
void eval_summarize(eval_record *record, const size_t *window_of, size_t n, rg_quality *out);

#endif
