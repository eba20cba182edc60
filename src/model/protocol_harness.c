/* WikiText as lm-evaluation-harness scores it: loglikelihood_rolling over each page (lm_eval/utils.py,
   get_rolling_token_windows with context 1, make_disjoint_window). */
#include "model/protocol.h"

#include <stdlib.h>
#include <string.h>

typedef struct pages {
    size_t *start, n; /* of the text */
    int32_t *id;
    uint32_t *document; /* of each id */
    size_t n_ids, room;
    double *words, *bytes;
} pages;

static void pages_free(pages *p) {
    free(p->start);
    free(p->id);
    free(p->document);
    free(p->words);
    free(p->bytes);
}

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the tokens");
}

static rg_status append(pages *p, const int32_t *ids, size_t n, size_t page, rg_error *err) {
    size_t room = p->room;
    if (!rg_grow(&p->id, &room, p->n_ids + n, sizeof *p->id) ||
        !rg_grow(&p->document, &p->room, p->n_ids + n, sizeof *p->document))
        return no_memory(err);
    if (n) memcpy(p->id + p->n_ids, ids, n * sizeof *ids);
    for (size_t i = 0; i < n; i++) p->document[p->n_ids++] = (uint32_t)page;
    return RG_OK;
}

/* The page without the newline in front of the next title. */
static rg_status add_page(pages *p, const rg_tokenizer *tokenizer, const char *text, size_t page,
                          rg_error *err) {
    const size_t from = p->start[page], size = p->start[page + 1] - from - (page + 1 < p->n);
    char *changed = NULL;
    size_t changed_size = 0, n = 0;
    int32_t *ids = NULL;
    RG_TRY(documents_detokenize(text + from, size, &changed, &changed_size, err));
    rg_status status = rg_tokenize(tokenizer, changed, changed_size, &ids, &n, err);
    free(changed);
    if (status == RG_OK) status = append(p, ids, n, page, err);
    free(ids);
    p->words[page] = (double)documents_words(text + from, size);
    p->bytes[page] = (double)size;
    return status;
}

/* All pages, or those that end within the first max_tokens tokens: words are known of whole pages only. */
static rg_status read_pages(pages *p, const rg_tokenizer *tokenizer, const char *text, size_t size,
                            size_t max_tokens, rg_error *err) {
    RG_TRY(documents_find(text, size, &p->start, &p->n, err));
    if (!p->start) { /* one page */
        p->start = calloc(2, sizeof *p->start);
        if (!p->start) return no_memory(err);
        p->n = 1;
        p->start[1] = size;
    }
    p->words = calloc(p->n, sizeof *p->words);
    p->bytes = calloc(p->n, sizeof *p->bytes);
    if (!p->words || !p->bytes) return no_memory(err);
    for (size_t page = 0; page < p->n; page++) {
        const size_t before = p->n_ids;
        RG_TRY(add_page(p, tokenizer, text, page, err));
        if (!max_tokens || p->n_ids <= max_tokens) continue;
        p->n_ids = before;
        p->n = page;
    }
    return p->n_ids ? RG_OK
                    : rg_fail(err, RG_ERR_USAGE, "text", "at least one whole page",
                              "protocol harness-word: no page ends within the tokens taken");
}

static size_t page_end(const pages *p, size_t from) {
    size_t end = from;
    while (end < p->n_ids && p->document[end] == p->document[from]) end++;
    return end;
}

rg_status cut_harness(eval_plan *plan, const rg_model *model, const char *text, size_t size,
                      size_t max_tokens, rg_error *err) {
    const int32_t prefix = rg_tokenizer_bos(model->tokenizer);
    const size_t most = (size_t)model->graph.max_positions;
    if (prefix < 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "protocol harness-word", "a tokenizer with a BOS token",
                       "the tokenizer has none");
    pages p = {0};
    rg_status status = read_pages(&p, model->tokenizer, text, size, max_tokens, err);
    size_t n_windows = 0;
    for (size_t at = 0, end; status == RG_OK && at < p.n_ids; at = end) {
        end = page_end(&p, at);
        n_windows += (end - at + most - 1) / most;
    }
    if (status == RG_OK) status = plan_reserve(plan, n_windows, most < p.n_ids ? most : p.n_ids, err);
    const text_tokens tokens = {p.id, p.n_ids, -1, p.document};
    for (size_t at = 0, end; status == RG_OK && at < p.n_ids; at = end) {
        end = page_end(&p, at);
        for (size_t from = at; from < end; from += most) { /* targets from, ..., from + n - 1 */
            const size_t n = end - from < most ? end - from : most;
            if (from == at)
                plan_add_window(plan, &tokens, prefix, from, n - 1, 0, true);
            else /* one token of context, but a short last window is filled up with context */
                plan_add_window(plan, &tokens, -1, from + n - most - 1, most, most - n, true);
        }
    }
    plan->words = p.words;
    plan->bytes = p.bytes;
    p.words = p.bytes = NULL;
    pages_free(&p);
    return status;
}
