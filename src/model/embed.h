/* Parts of embedding: sentences to tokens, embeddings to figures. */
#ifndef RIDGE_MODEL_EMBED_H
#define RIDGE_MODEL_EMBED_H

#include "ridge/embed.h"

typedef struct embed_plan {
    size_t n, n_tokens;
    size_t *start;   /* [n + 1] offsets into token */
    size_t *line;    /* [n] of the text, 1-based */
    bool *truncated; /* [n] */
    int32_t *token;
    size_t max_length; /* of a sentence here */
    size_t room, token_room;
} embed_plan;

/* How a folder of a sentence encoder pools: files beside the weights, where they are. */
typedef struct embed_form {
    bool cls; /* the first token's state, not the mean */
    size_t max_tokens;
} embed_form;

rg_status embed_form_read(const rg_model *model, embed_form *out, rg_error *err);
/* Free with embed_plan_free, after a failure too. */
rg_status embed_plan_make(embed_plan *out, const rg_model *model, const embed_form *form, const char *name,
                          const char *text, size_t size, size_t limit, rg_error *err);
void embed_plan_free(embed_plan *plan);

/* Figures of n embeddings [n][width] against the reference's. `line` [n]. */
rg_status embed_compare(const float *reference, const float *vector, size_t n, size_t width, size_t k,
                        const size_t *line, int threads, rg_embed_quality *out, rg_error *err);

#endif
