/* Windows of the protocols of docs/quality.md. */
#include "model/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rg_status plan_too_short(const eval_plan *plan, size_t n, size_t needed, rg_error *err) {
    char expected[64];
    snprintf(expected, sizeof expected, "at least %zu tokens", needed);
    return rg_fail(err, RG_ERR_USAGE, "text", expected, "protocol %s: the text has %zu tokens",
                   plan->protocol, n);
}

/* Does the model hold the windows? */
static rg_status positions(const eval_plan *plan, size_t window, size_t max_window, rg_error *err) {
    if (max_window >= window) return RG_OK;
    char where[64], expected[64];
    snprintf(where, sizeof where, "protocol %s", plan->protocol);
    snprintf(expected, sizeof expected, "a model for %zu positions", window);
    return rg_fail(err, RG_ERR_UNSUPPORTED, where, expected, "the model has %zu positions", max_window);
}

rg_status plan_reserve(eval_plan *plan, size_t n_windows, size_t length, rg_error *err) {
    plan->window = calloc(n_windows, sizeof *plan->window);
    plan->token = calloc(n_windows, length * sizeof *plan->token);
    plan->target = calloc(n_windows, length * sizeof *plan->target);
    plan->document = calloc(n_windows, length * sizeof *plan->document);
    if (!plan->window || !plan->token || !plan->target || !plan->document)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the tokens");
    return RG_OK;
}

void plan_add_window(eval_plan *plan, const text_tokens *text, int32_t first, size_t from, size_t n,
                     size_t first_scored, bool beyond) {
    const size_t in_front = first >= 0;
    eval_window *w = &plan->window[plan->n_windows++];
    *w = (eval_window){.start = plan->n_tokens,
                       .length = n + in_front,
                       .first_scored = first_scored,
                       .n_scored = n + in_front - first_scored - !beyond,
                       .text_index = (int64_t)from - (int64_t)in_front};
    if (first >= 0) plan->token[plan->n_tokens++] = first;
    memcpy(plan->token + plan->n_tokens, text->id + from, n * sizeof *text->id);
    plan->n_tokens += n;
    for (size_t i = 0; i < w->n_scored; i++, plan->n_scored++) {
        const size_t target = from + first_scored + 1 + i - in_front;
        plan->target[plan->n_scored] = text->id[target];
        plan->document[plan->n_scored] = text->document ? text->document[target] : 0;
    }
    if (w->length > plan->max_length) plan->max_length = w->length;
}

/* Windows of up to 1024 tokens (what the model can hold, if less). Every token of the text with at least
   `context` tokens before it is scored once, in the first window that shows it so many. The last window ends
   with the text. */
rg_status cut_ridge(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { WINDOW = 1024, CONTEXT = 256 };
    const size_t bos = text->bos >= 0;
    size_t window = max_window < WINDOW ? max_window : WINDOW;
    if (text->n + bos < window) window = text->n + bos;
    if (window < 2 + bos) return plan_too_short(plan, text->n, 2, err);
    const size_t context = window / 2 < CONTEXT ? window / 2 : CONTEXT, shown = window - bos;
    RG_TRY(plan_reserve(plan, (text->n + bos) / (window - context) + 2, window, err));
    plan_add_window(plan, text, text->bos, 0, shown, context - 1, false);
    for (size_t end = shown; end < text->n;) { /* tokens below `end` are done */
        size_t from = end + bos - context;
        if (from + shown > text->n) from = text->n - shown;
        plan_add_window(plan, text, text->bos, from, shown, end - from + bos - 1, false);
        end = from + shown;
    }
    return RG_OK;
}

/* llama.cpp's perplexity tool: full windows of 512 side by side, of which the second half is scored. Where
   the tokenizer adds BOS, it stands before the text and then in the place of each window's first token. */
rg_status cut_llamacpp(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { WINDOW = 512, FIRST = 256 };
    const size_t bos = text->bos >= 0, n = text->n + bos;
    RG_TRY(positions(plan, WINDOW, max_window, err));
    if (n < WINDOW) return plan_too_short(plan, text->n, WINDOW - bos, err);
    RG_TRY(plan_reserve(plan, n / WINDOW, WINDOW, err));
    for (size_t from = 0; from + WINDOW <= n; from += WINDOW)
        plan_add_window(plan, text, text->bos, from, WINDOW - bos, FIRST, false);
    return RG_OK;
}

/* The protocol of the stories260k reference results. */
rg_status cut_stories(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { SHOWN = 255, FIRST = 127 };
    RG_TRY(positions(plan, SHOWN + 1, max_window, err));
    if (text->bos < 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "protocol stories-256", "a tokenizer with a BOS token",
                       "the tokenizer has none");
    if (text->n < SHOWN) return plan_too_short(plan, text->n, SHOWN, err);
    RG_TRY(plan_reserve(plan, text->n / SHOWN, SHOWN + 1, err));
    for (size_t from = 0; from + SHOWN <= text->n; from += SHOWN)
        plan_add_window(plan, text, text->bos, from, SHOWN, FIRST, false);
    return RG_OK;
}

/* The scripts of GPTQ and its heirs: full windows of 2048 side by side over the tokens of the text, BOS in
   front of the text (not of each window) where the tokenizer adds one, every following token of a window
   scored. Their mean of window means is the mean over tokens, since windows are equal. */
rg_status cut_gptq(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { WINDOW = 2048 };
    const size_t bos = text->bos >= 0, n = text->n + bos;
    RG_TRY(positions(plan, WINDOW, max_window, err));
    if (n < WINDOW) return plan_too_short(plan, text->n, WINDOW - bos, err);
    RG_TRY(plan_reserve(plan, n / WINDOW, WINDOW, err));
    for (size_t at = 0; at + WINDOW <= n; at += WINDOW)
        plan_add_window(plan, text, at ? -1 : text->bos, at ? at - bos : 0, at ? WINDOW : WINDOW - bos, 0,
                        false);
    return RG_OK;
}
