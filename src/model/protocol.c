/* The protocols of docs/quality.md. */
#include "model/protocol.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct text_tokens {
    const int32_t *id;
    size_t n;
    int32_t bos; /* -1: the tokenizer adds none */
} text_tokens;

typedef rg_status cut_fn(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err);

static rg_status too_short(const eval_plan *plan, size_t n, size_t needed, rg_error *err) {
    char expected[64];
    snprintf(expected, sizeof expected, "at least %zu tokens", needed);
    return rg_fail(err, RG_ERR_USAGE, "text", expected, "protocol %s: the text has %zu tokens",
                   plan->protocol, n);
}

/* Room for n_windows windows of at most `length` tokens. */
static rg_status reserve(eval_plan *plan, size_t n_windows, size_t length, rg_error *err) {
    plan->window = calloc(n_windows, sizeof *plan->window);
    plan->token = calloc(n_windows, length * sizeof *plan->token);
    if (!plan->window || !plan->token)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the tokens");
    return RG_OK;
}

/* A window: BOS (if bos >= 0) in front of n tokens of the text from `from` on. */
static void add_window(eval_plan *plan, const text_tokens *text, int32_t bos, size_t from, size_t n,
                       size_t first_scored) {
    eval_window *w = &plan->window[plan->n_windows++];
    *w = (eval_window){plan->n_tokens, n + (bos >= 0), first_scored, (int64_t)from - (bos >= 0)};
    if (bos >= 0) plan->token[plan->n_tokens++] = bos;
    memcpy(plan->token + plan->n_tokens, text->id + from, n * sizeof *text->id);
    plan->n_tokens += n;
    plan->n_scored += w->length - 1 - first_scored;
    if (w->length > plan->max_length) plan->max_length = w->length;
}

/* Windows of up to 1024 tokens (what the model can hold, if less). Every token of the text with at least
   `context` tokens before it is scored once, in the first window that shows it so many. The last window ends
   with the text. */
static rg_status cut_ridge(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { WINDOW = 1024, CONTEXT = 256 };
    const size_t bos = text->bos >= 0;
    size_t window = max_window < WINDOW ? max_window : WINDOW;
    if (text->n + bos < window) window = text->n + bos;
    if (window < 2 + bos) return too_short(plan, text->n, 2, err);
    const size_t context = window / 2 < CONTEXT ? window / 2 : CONTEXT, shown = window - bos;
    RG_TRY(reserve(plan, (text->n + bos) / (window - context) + 2, window, err));
    add_window(plan, text, text->bos, 0, shown, context - 1);
    for (size_t end = shown; end < text->n;) { /* tokens below `end` are done */
        size_t from = end + bos - context;
        if (from + shown > text->n) from = text->n - shown;
        add_window(plan, text, text->bos, from, shown, end - from + bos - 1);
        end = from + shown;
    }
    return RG_OK;
}

/* llama.cpp's perplexity tool: full windows of 512 side by side, of which the second half is scored. Where
   the tokenizer adds BOS, it stands before the text and then in the place of each window's first token. */
static rg_status cut_llamacpp(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { WINDOW = 512, FIRST = 256 };
    const size_t bos = text->bos >= 0, n = text->n + bos;
    if (max_window < WINDOW)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "protocol llamacpp-512", "a model for 512 positions",
                       "the model has %zu", max_window);
    if (n < WINDOW) return too_short(plan, text->n, WINDOW - bos, err);
    RG_TRY(reserve(plan, n / WINDOW, WINDOW, err));
    for (size_t from = 0; from + WINDOW <= n; from += WINDOW)
        add_window(plan, text, text->bos, from, WINDOW - bos, FIRST);
    return RG_OK;
}

/* The protocol of the stories260k reference results. */
static rg_status cut_stories(eval_plan *plan, const text_tokens *text, size_t max_window, rg_error *err) {
    enum { SHOWN = 255, FIRST = 127 };
    if (max_window < SHOWN + 1)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "protocol stories-256", "a model for 256 positions",
                       "the model has %zu", max_window);
    if (text->bos < 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "protocol stories-256", "a tokenizer with a BOS token",
                       "the tokenizer has none");
    if (text->n < SHOWN) return too_short(plan, text->n, SHOWN, err);
    RG_TRY(reserve(plan, text->n / SHOWN, SHOWN + 1, err));
    for (size_t from = 0; from + SHOWN <= text->n; from += SHOWN)
        add_window(plan, text, text->bos, from, SHOWN, FIRST);
    return RG_OK;
}

static const struct protocol {
    const char *name;
    cut_fn *cut;
    bool always_bos, drops_empty_lines;
} protocols[] = {{"ridge", cut_ridge, false, false},
                 {"llamacpp-512", cut_llamacpp, false, false},
                 {"stories-256", cut_stories, true, true}};

static const struct protocol *find_protocol(const char *name) {
    if (!name) return &protocols[0];
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i].name, name) == 0) return &protocols[i];
    return NULL;
}

rg_status rg_eval_protocol_check(const char *name, rg_error *err) {
    return find_protocol(name) ? RG_OK
                               : rg_fail(err, RG_ERR_USAGE, "protocol", "ridge, llamacpp-512 or stories-256",
                                         "unknown protocol \"%s\"", name);
}

/* Lines joined by one newline, empty ones left out. malloc'ed. */
static char *without_empty_lines(const char *text, size_t *size) {
    char *out = malloc(*size + 1);
    size_t n = 0;
    for (size_t i = 0; out && i < *size;) {
        const char *newline = memchr(text + i, '\n', *size - i);
        size_t length = newline ? (size_t)(newline - (text + i)) : *size - i;
        if (length && n) out[n++] = '\n';
        memcpy(out + n, text + i, length);
        n += length;
        i += length + 1;
    }
    *size = n;
    return out;
}

static rg_status tokens_of(const struct protocol *protocol, const rg_model *model, const char *text,
                           size_t size, int32_t **ids, size_t *n, rg_error *err) {
    if (!protocol->drops_empty_lines) return rg_tokenize(model->tokenizer, text, size, ids, n, err);
    char *kept = without_empty_lines(text, &size);
    if (!kept) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the text");
    rg_status status = rg_tokenize(model->tokenizer, kept, size, ids, n, err);
    free(kept);
    return status;
}

static rg_status check_ids(const rg_model *model, const eval_plan *plan, rg_error *err) {
    for (size_t i = 0; i < plan->n_tokens; i++)
        if (plan->token[i] < 0 || plan->token[i] >= model->graph.vocab_size)
            return rg_fail(err, RG_ERR_MISMATCH, model->path, "a tokenizer made for this model",
                           "the tokenizer gives id %d, the model's vocabulary has %lld", (int)plan->token[i],
                           (long long)model->graph.vocab_size);
    return RG_OK;
}

rg_status eval_plan_make(eval_plan *out, const rg_model *model, const char *protocol, const char *text,
                         size_t size, size_t max_tokens, rg_error *err) {
    const struct protocol *p = find_protocol(protocol);
    RG_TRY(rg_eval_protocol_check(protocol, err));
    if (!model->tokenizer)
        return rg_fail(err, RG_ERR_USAGE, model->path, "a model file with its tokenizer",
                       "the model has no tokenizer");
    if (rg_tokenizer_vocab_size(model->tokenizer) > model->graph.vocab_size)
        return rg_fail(err, RG_ERR_MISMATCH, model->path, "a tokenizer made for this model",
                       "the tokenizer has %lld tokens, the model's vocabulary %lld",
                       (long long)rg_tokenizer_vocab_size(model->tokenizer),
                       (long long)model->graph.vocab_size);
    int32_t *ids = NULL;
    size_t n = 0;
    RG_TRY(tokens_of(p, model, text, size, &ids, &n, err));
    if (max_tokens && max_tokens < n) n = max_tokens;
    const bool bos = p->always_bos || rg_tokenizer_adds_bos(model->tokenizer);
    const text_tokens tokens = {ids, n, bos ? rg_tokenizer_bos(model->tokenizer) : -1};
    eval_plan plan = {.protocol = p->name};
    rg_status status = p->cut(&plan, &tokens, (size_t)model->graph.max_positions, err);
    if (status == RG_OK) status = check_ids(model, &plan, err);
    free(ids);
    if (status == RG_OK)
        *out = plan;
    else
        eval_plan_free(&plan);
    return status;
}

void eval_plan_free(eval_plan *plan) {
    free(plan->token);
    free(plan->window);
    *plan = (eval_plan){0};
}
