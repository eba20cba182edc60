/* Quality of numerics policies by sentence embeddings: what moves, and whose nearest neighbours change.
   docs/quality.md defines the figures. */
#ifndef RIDGE_EMBED_H
#define RIDGE_EMBED_H

#include "ridge/model.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_embed_options {
    size_t limit;        /* first N sentences; 0: all */
    int threads;         /* 0: all cores */
    size_t batch_tokens; /* tokens carried through the graph together; 0: by memory. Never changes a bit */
    const rg_progress *progress;
    const char *data_dir; /* as in rg_eval_options */
} rg_embed_options;

/* One policy against fp32 on the same sentences. What is unknown is NaN: ranks of fewer than 2 sentences. */
typedef struct rg_embed_quality {
    char policy[RG_POLICY_TEXT];
    bool is_reference;                  /* the policy quantizes nothing */
    double cosine_mean, cosine_mean_se; /* of a sentence's embedding with its fp32 one; s / sqrt(n) */
    double cosine_min;                  /* the worst sentence, and its line */
    size_t cosine_min_line;
    double top1_changed, top1_changed_lo, top1_changed_hi; /* share of sentences whose nearest neighbour among
                                                              the others changes; 95 % Wilson interval */
    double topk_changed; /* share of the k nearest that are no longer among them, mean over sentences */
    double kendall_tau;  /* of the ranks of all others, old and new: mean over sentences */
    const float *vector; /* [n][width] embeddings, of length 1 */
} rg_embed_quality;

typedef struct rg_embed_report {
    size_t n; /* sentences: all asked for, or those done when it was interrupted */
    size_t n_asked;
    size_t n_truncated; /* of the n: longer than max_tokens, cut at the end */
    size_t max_tokens;  /* of a sentence, with the tokens that the tokenizer adds */
    size_t width, k;    /* k: min(10, n - 1) neighbours */
    uint64_t n_tokens;
    const char *pooling; /* "mean" or "cls" */
    size_t n_qualities;
    rg_embed_quality *quality; /* [n_qualities] the fp32 reference first */
    rg_arena arena;
} rg_embed_report;
void rg_embed_report_free(rg_embed_report *report);

/* Embeds each line of a UTF-8 text (`name` stands in messages; empty lines are none) by a model whose output
   is a hidden state: mean of the last hidden states of all its tokens, or that of the first where
   1_Pooling/config.json beside the weights says so, scaled to length 1. Longest sentence: the model's
   positions, or less by sentence_bert_config.json. An interruption after the first batch is no failure.
   RG_ERR_UNSUPPORTED for a model with a language-model head or another way of pooling; RG_ERR_USAGE for a
   text without sentences; RG_ERR_MISMATCH for embeddings that are not finite, with policy and line; else as
   rg_eval_report_make. Close with rg_embed_report_free. */
rg_status rg_embed_run(rg_embed_report *out, const rg_model *model, const char *name, const char *text,
                       size_t text_size, const char *const *policies, size_t n_policies,
                       const rg_embed_options *options, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
