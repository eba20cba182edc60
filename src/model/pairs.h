/* Log-likelihoods of continuations given contexts, under several policies in lock step: what multiple-choice
   sets and the needle test are made of. */
#ifndef RIDGE_MODEL_PAIRS_H
#define RIDGE_MODEL_PAIRS_H

#include "model/exec.h"

/* One continuation. Its tokens are predicted by n logits of a window, from position `first` on. */
typedef struct pair_item {
    size_t window, first, n;
    size_t target; /* offset into target: the n tokens */
    size_t line;   /* of the set, and which of its choices: for messages */
    int option;
    bool truncated;
} pair_item;

typedef struct pair_plan {
    const char *name; /* of the set, in messages; not owned */
    size_t n;
    pair_item *pair; /* [n] */
    size_t n_windows;
    size_t *start;  /* [n_windows + 1] offsets into token */
    int32_t *token; /* inputs of all windows */
    size_t n_targets;
    int32_t *target;
    size_t max_length; /* of a window */
    size_t pair_room, window_room, token_room, target_room;
} pair_plan;

typedef struct pair_text {
    const char *context, *continuation; /* UTF-8 */
    size_t context_size, continuation_size;
    size_t line;
    int option;
} pair_text;

static inline bool pair_is_space(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Tokens as lm-evaluation-harness splits them (lm_eval/api/model.py, _encode_pair): white space at the end of
   the context goes to the continuation; the continuation's tokens are those of the whole text past the number
   of tokens that the context alone has. BOS stands in front where the tokenizer adds one, and instead of an
   empty context. What does not fit the model's positions is cut from the left end of the context (BOS stays).
   Neighbouring pairs with the same inputs share a window. */
rg_status pair_plan_add(pair_plan *plan, const rg_model *model, const pair_text *text, rg_error *err);
void pair_plan_free(pair_plan *plan);

typedef struct pair_options {
    int threads;
    size_t batch_tokens;
    const rg_progress *progress;
    const char *data_dir;
} pair_options;

typedef struct pair_result {
    exec_variants variants;
    double *const *loglik;  /* [variants.n_policies][plan.n] nats; those untouched share the reference's */
    uint8_t *const *greedy; /* the same, every token is the most likely one */
    size_t n_done;          /* pairs scored: all, or fewer when interrupted after the first batch */
    rg_arena arena;
} pair_result;

/* Free with pair_result_free, after a failure too. */
rg_status pair_run(const rg_model *model, const pair_plan *plan, const char *const *policies,
                   size_t n_policies, const pair_options *options, pair_result *out, rg_error *err);
void pair_result_free(pair_result *result);

#endif
