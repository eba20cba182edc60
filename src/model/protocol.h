/* Protocols: how a text becomes windows of tokens, and which of their logits are scored. */
#ifndef RIDGE_MODEL_PROTOCOL_H
#define RIDGE_MODEL_PROTOCOL_H

#include "ridge/model.h"

typedef struct eval_window {
    size_t start;  /* offset into token */
    size_t length; /* tokens */
    size_t
        first_scored; /* the logits at positions first_scored, ..., first_scored + n_scored - 1 are scored */
    size_t n_scored;
    int64_t text_index; /* index in the text of the window's token 0; -1: a token before the text's token 0 */
} eval_window;

typedef struct eval_plan {
    const char *protocol;
    int32_t *token; /* the windows one after the other; overlaps are written out */
    size_t n_tokens, n_windows, max_length;
    eval_window *window;
    size_t n_scored;
    int32_t *target;    /* [n_scored] the token that came */
    uint32_t *document; /* [n_scored] ascending from 0; NULL: the text is one */
    size_t n_documents; /* that have scored tokens */
    /* Of each document as it stood before it was changed for scoring; NULL: perplexity is per token and bytes
       are those of the targets. Then every document is scored from its first token to its last. */
    double *words, *bytes;
} eval_plan;

/* Tokenizes and cuts. `protocol` NULL: "ridge"; max_tokens 0: the whole text. Fails for an unknown protocol,
   a text that is too short, a model with too few positions, a tokenizer without BOS where the protocol needs
   one, and token ids that the model does not have. */
rg_status eval_plan_make(eval_plan *out, const rg_model *model, const char *protocol, const char *text,
                         size_t size, size_t max_tokens, rg_error *err);
void eval_plan_free(eval_plan *plan);

/* ---- parts (protocol_*.c) ------------------------------------------------------------------------------ */

typedef struct text_tokens {
    const int32_t *id;
    size_t n;
    int32_t bos;              /* -1: the tokenizer adds none */
    const uint32_t *document; /* [n]; NULL: one */
} text_tokens;

rg_status plan_too_short(const eval_plan *plan, size_t n, size_t needed, rg_error *err);
/* Room for n_windows windows of at most `length` tokens. */
rg_status plan_reserve(eval_plan *plan, size_t n_windows, size_t length, rg_error *err);
/* A window: `first` (if >= 0) in front of n tokens of the text from `from` on. Scored are the logits from
   first_scored on for all tokens that follow: inside the window, and with `beyond` the one after it. */
void plan_add_window(eval_plan *plan, const text_tokens *text, int32_t first, size_t from, size_t n,
                     size_t first_scored, bool beyond);

typedef rg_status plan_cut_fn(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err);
plan_cut_fn cut_ridge, cut_llamacpp, cut_stories, cut_gptq;
/* Documents one by one, changed and cut as lm-evaluation-harness does with WikiText. */
rg_status cut_harness(eval_plan *plan, const rg_model *model, const char *text, size_t size,
                      size_t max_tokens, rg_error *err);

/* ---- documents ----------------------------------------------------------------------------------------- */

/* Where pages of WikiText begin: the lines " = Title = ". start[n + 1], the last one `size`; what stands
   before the first title belongs to no page unless it is more than white space. NULL and 0 where there are no
   titles. malloc'ed. */
rg_status documents_find(const char *text, size_t size, size_t **start, size_t *n, rg_error *err);
/* Number of pieces between runs of white space, empty ones at the ends counted. */
size_t documents_words(const char *text, size_t size);
/* The harness' changes: spaces around punctuation and brackets, "@-@", headings. malloc'ed. */
rg_status documents_detokenize(const char *text, size_t size, char **out, size_t *out_size, rg_error *err);

#endif
