/* Contexts and continuations into windows of tokens. */
#include "model/pairs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the tokens of a set");
}

/* Ids of both, with the context's first; *n_context of them are context. */
typedef struct split {
    int32_t *id;
    size_t n, n_context;
} split;

static rg_status encode(const rg_model *model, const pair_text *t, const char *where, split *out,
                        rg_error *err) {
    size_t context_size = t->context_size;
    while (context_size && pair_is_space(t->context[context_size - 1])) context_size--;
    const size_t size = t->context_size + t->continuation_size;
    char *whole = malloc(size + 1);
    if (!whole) return no_memory(err);
    memcpy(whole, t->context, t->context_size);
    memcpy(whole + t->context_size, t->continuation, t->continuation_size);
    split s = {0};
    int32_t *context = NULL;
    rg_status status = rg_tokenize(model->tokenizer, whole, size, &s.id, &s.n, err);
    if (status == RG_OK && context_size)
        status = rg_tokenize(model->tokenizer, whole, context_size, &context, &s.n_context, err);
    free(context);
    free(whole);
    if (status == RG_OK && s.n <= s.n_context)
        status = rg_fail(err, RG_ERR_PARSE, where, "a continuation that makes tokens of its own",
                         "the continuation adds no token to its context");
    if (status != RG_OK)
        free(s.id);
    else
        *out = s;
    return status;
}

/* The pair's inputs into the token list; a window of its own unless the last one has the same. */
static rg_status add_window(pair_plan *plan, int32_t bos, const int32_t *id, size_t n, size_t *window,
                            rg_error *err) {
    const size_t length = n + (bos >= 0), at = plan->n_windows ? plan->start[plan->n_windows] : 0;
    if (!rg_grow(&plan->token, &plan->token_room, at + length, sizeof *plan->token) ||
        !rg_grow(&plan->start, &plan->window_room, plan->n_windows + 2, sizeof *plan->start))
        return no_memory(err);
    int32_t *token = plan->token + at;
    if (bos >= 0) *token = bos;
    memcpy(token + (bos >= 0), id, n * sizeof *id);
    const size_t last = plan->n_windows ? plan->start[plan->n_windows - 1] : 0;
    const bool same = plan->n_windows && at - last == length &&
                      memcmp(plan->token + last, token, length * sizeof *token) == 0;
    if (!plan->n_windows) plan->start[0] = 0;
    if (!same) plan->start[++plan->n_windows] = at + length;
    if (length > plan->max_length) plan->max_length = length;
    *window = plan->n_windows - 1;
    return RG_OK;
}

static rg_status add(pair_plan *plan, const rg_model *model, const pair_text *text, const char *where,
                     const split *s, rg_error *err) {
    const size_t room = (size_t)model->graph.max_positions;
    const int32_t known = rg_tokenizer_bos(model->tokenizer);
    const int32_t bos = rg_tokenizer_adds_bos(model->tokenizer) || s->n_context == 0 ? known : -1;
    const size_t n_target = s->n - s->n_context, front = bos >= 0;
    if (s->n_context + front == 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, where, "a context, or a tokenizer with a BOS token",
                       "the context is empty");
    if (n_target > room)
        return rg_fail(err, RG_ERR_MISMATCH, where, "a continuation that the model's positions hold",
                       "the continuation has %zu tokens, the model %zu positions", n_target, room);
    /* the last token is predicted, never an input; BOS or a token of the context is left in any case */
    const size_t n_inputs = front + s->n - 1, from = n_inputs > room ? n_inputs - room : 0;
    size_t window = 0;
    RG_TRY(add_window(plan, bos, s->id + from, s->n - 1 - from, &window, err));
    if (!rg_grow(&plan->pair, &plan->pair_room, plan->n + 1, sizeof *plan->pair) ||
        !rg_grow(&plan->target, &plan->target_room, plan->n_targets + n_target, sizeof *plan->target))
        return no_memory(err);
    plan->pair[plan->n++] = (pair_item){.window = window,
                                        .first = front + s->n_context - from - 1,
                                        .n = n_target,
                                        .target = plan->n_targets,
                                        .line = text->line,
                                        .option = text->option,
                                        .truncated = from > 0};
    memcpy(plan->target + plan->n_targets, s->id + s->n_context, n_target * sizeof *plan->target);
    plan->n_targets += n_target;
    return RG_OK;
}

rg_status pair_plan_add(pair_plan *plan, const rg_model *model, const pair_text *text, rg_error *err) {
    char where[256];
    snprintf(where, sizeof where, "%.200s:%zu", plan->name, text->line);
    split s = {0};
    RG_TRY(encode(model, text, where, &s, err));
    rg_status status = add(plan, model, text, where, &s, err);
    free(s.id);
    return status;
}

void pair_plan_free(pair_plan *plan) {
    free(plan->pair);
    free(plan->start);
    free(plan->token);
    free(plan->target);
    *plan = (pair_plan){0};
}
