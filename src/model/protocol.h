/* Protocols: how a text becomes windows of tokens, and which of their logits are scored. */
#ifndef RIDGE_MODEL_PROTOCOL_H
#define RIDGE_MODEL_PROTOCOL_H

#include "ridge/model.h"

typedef struct eval_window {
    size_t start;        /* offset into token */
    size_t length;       /* tokens */
    size_t first_scored; /* the logits at positions first_scored .. length - 2 are scored against the token
                            after */
    int64_t text_index;  /* index in the text of the window's token 0; -1: a BOS before the text's token 0 */
} eval_window;

typedef struct eval_plan {
    const char *protocol;
    int32_t *token; /* the windows one after the other; overlaps are written out */
    size_t n_tokens, n_windows, max_length;
    eval_window *window;
    size_t n_scored;
} eval_plan;

/* Tokenizes and cuts. `protocol` NULL: "ridge"; max_tokens 0: the whole text. Fails for an unknown protocol,
   a text that is too short, a tokenizer without BOS where the protocol needs one, and token ids that the
   model does not have. */
rg_status eval_plan_make(eval_plan *out, const rg_model *model, const char *protocol, const char *text,
                         size_t size, size_t max_tokens, rg_error *err);
void eval_plan_free(eval_plan *plan);

#endif
