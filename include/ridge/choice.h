/* Quality of numerics policies by tasks: multiple choice, schema and cloze sets, scored by the likelihood of
   continuations and compared with fp32 item by item. docs/quality.md defines figures and forms. */
#ifndef RIDGE_CHOICE_H
#define RIDGE_CHOICE_H

#include "ridge/model.h"
#include "ridge/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_choice_options {
    const char *norm;    /* what divides a choice's log-likelihood in accuracy_norm: "byte" (NULL), "char",
                            "token" or "none" */
    const char *join;    /* between context and continuation; NULL: one space, none after white space */
    size_t limit;        /* first N items; 0: all */
    int threads;         /* 0: all cores */
    size_t batch_tokens; /* tokens carried through the graph together; 0: by memory. Never changes a bit */
    const rg_progress *progress;
    const char *data_dir; /* as in rg_eval_options */
} rg_choice_options;

typedef struct rg_choice_summary {
    const char *kind;   /* "choice", "schema", "cloze" */
    size_t n_set;       /* items of the set */
    size_t n;           /* items scored: n_set, the limit, or those done when it was interrupted */
    size_t n_truncated; /* of the scored items: a context did not fit the model and lost its left end */
    double chance;      /* accuracy of a blind guess: mean of 1 / choices; 0 for cloze */
    uint64_t n_tokens;  /* carried through the model, for each policy */
    bool interrupted;
} rg_choice_summary;

/* One policy on the scored items. */
typedef struct rg_choice_quality {
    char policy[512];         /* canonical text */
    bool is_reference;        /* the policy quantizes nothing */
    rg_paired_shares plain;   /* right by the sum of log-likelihoods; cloze: every token is the most likely */
    rg_paired_shares normed;  /* right by that over the length; cloze: as plain */
    uint64_t answers_changed; /* items whose choice differs from the reference's, right or wrong */
    double gold_loglik;       /* mean log-likelihood of the right continuation, nats */
    double gold_delta,
        gold_delta_se; /* mean of its difference from the reference, standard error over items */
    double perplexity, token_perplexity; /* cloze: exp(-gold_loglik), as lm-evaluation-harness; per token.
                                            Else NaN */
} rg_choice_quality;

/* Scores a set in JSON lines (`name` stands in messages), policies in lock step. A line is one of
     {"query": TEXT, "choices": [TEXT, ...], "gold": INDEX}                 which continuation of one context
     {"context_options": [TEXT, ...], "continuation": TEXT, "gold": INDEX}  which context of one continuation
     {"context": TEXT, "continuation": TEXT}                                cloze
   all of one kind, other keys ignored. Entry 0 of `out` is the fp32 reference, then one per policy
   (n_policies + 1). An interruption after the first batch is no failure: the items done are summed up.
   RG_ERR_PARSE names file and line of what is no item; RG_ERR_MISMATCH a continuation longer than the model's
   positions and logits that are not finite, with policy, line and choice; else as rg_eval_run. */
rg_status rg_choice_run(const rg_model *model, const char *name, const char *text, size_t text_size,
                        const char *const *policies, size_t n_policies, const rg_choice_options *options,
                        rg_choice_summary *summary, rg_choice_quality *out, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
