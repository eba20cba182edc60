/* From a text to a plan: the table of protocols, tokens, documents. */
#include "model/protocol.h"

#include "model/load.h"

#include <stdlib.h>
#include <string.h>

static const struct protocol {
    const char *name;
    plan_cut_fn *cut; /* NULL: cut_harness */
    bool always_bos, drops_empty_lines;
} protocols[] = {{"ridge", cut_ridge, false, false},
                 {"llamacpp-512", cut_llamacpp, false, false},
                 {"stories-256", cut_stories, true, true},
                 {"gptq-2048", cut_gptq, false, false},
                 {"harness-word", NULL, false, false}};

static const struct protocol *find_protocol(const char *name) {
    if (!name) return &protocols[0];
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i].name, name) == 0) return &protocols[i];
    return NULL;
}

rg_status rg_eval_protocol_check(const char *name, rg_error *err) {
    return find_protocol(name) ? RG_OK
                               : rg_fail(err, RG_ERR_USAGE, "protocol",
                                         "ridge, llamacpp-512, gptq-2048, harness-word or stories-256",
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

static size_t bytes_of(const rg_tokenizer *tokenizer, int32_t id) {
    const char *bytes;
    size_t n = 0;
    rg_tokenizer_token(tokenizer, id, &bytes, &n);
    return n;
}

/* The document of each of the first n tokens: that of its last byte, counted through the bytes that tokens
   stand for. NULL in *out where the text has no documents. */
static rg_status documents_of(const rg_tokenizer *tokenizer, const char *text, size_t size,
                              const int32_t *ids, size_t n_all, size_t n, uint32_t **out, rg_error *err) {
    size_t *start, n_documents, total = 0;
    *out = NULL;
    RG_TRY(documents_find(text, size, &start, &n_documents, err));
    if (n_documents == 0) return RG_OK;
    uint32_t *document = calloc(n ? n : 1, sizeof *document);
    for (size_t i = 0; i < n_all; i++) total += bytes_of(tokenizer, ids[i]);
    const size_t in_front = total == size + 1; /* some tokenizers put a space in front */
    for (size_t i = 0, at = 0, current = 0; document && i < n; i++) {
        at += bytes_of(tokenizer, ids[i]);
        while (current + 1 < n_documents && at > start[current + 1] + in_front) current++;
        document[i] = (uint32_t)current;
    }
    free(start);
    *out = document;
    return document ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the tokens");
}

/* Numbers the documents of scored tokens from 0 without gaps; one alone is none. */
static void count_documents(eval_plan *plan) {
    uint32_t last = 0, count = 0;
    for (size_t i = 0; i < plan->n_scored; i++) {
        if (i == 0 || plan->document[i] != last) count++;
        last = plan->document[i];
        plan->document[i] = count - 1;
    }
    plan->n_documents = count;
    if (count > 1 || plan->words) return;
    free(plan->document);
    plan->document = NULL;
}

static rg_status cut_text(eval_plan *plan, const struct protocol *p, const rg_model *model, const char *text,
                          size_t size, size_t max_tokens, rg_error *err) {
    int32_t *ids = NULL;
    uint32_t *document = NULL;
    size_t n = 0;
    RG_TRY(rg_tokenize(model->tokenizer, text, size, &ids, &n, err));
    const size_t n_all = n;
    if (max_tokens && max_tokens < n) n = max_tokens;
    rg_status status = documents_of(model->tokenizer, text, size, ids, n_all, n, &document, err);
    const bool bos = p->always_bos || rg_tokenizer_adds_bos(model->tokenizer);
    const text_tokens tokens = {ids, n, bos ? rg_tokenizer_bos(model->tokenizer) : -1, document};
    if (status == RG_OK) status = p->cut(plan, &tokens, (size_t)model->graph.max_positions, err);
    free(document);
    free(ids);
    return status;
}

static rg_status cut_any(eval_plan *plan, const struct protocol *p, const rg_model *model, const char *text,
                         size_t size, size_t max_tokens, rg_error *err) {
    if (!p->cut) return cut_harness(plan, model, text, size, max_tokens, err);
    if (!p->drops_empty_lines) return cut_text(plan, p, model, text, size, max_tokens, err);
    char *kept = without_empty_lines(text, &size);
    if (!kept) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the text");
    rg_status status = cut_text(plan, p, model, kept, size, max_tokens, err);
    free(kept);
    return status;
}

rg_status eval_plan_make(eval_plan *out, const rg_model *model, const char *protocol, const char *text,
                         size_t size, size_t max_tokens, rg_error *err) {
    const struct protocol *p = find_protocol(protocol);
    RG_TRY(rg_eval_protocol_check(protocol, err));
    RG_TRY(load_check_tokenizer(model, err));
    eval_plan plan = {.protocol = p->name};
    rg_status status = cut_any(&plan, p, model, text, size, max_tokens, err);
    if (status == RG_OK) {
        count_documents(&plan);
        *out = plan;
    } else {
        eval_plan_free(&plan);
    }
    return status;
}

void eval_plan_free(eval_plan *plan) {
    free(plan->token);
    free(plan->window);
    free(plan->target);
    free(plan->document);
    free(plan->words);
    free(plan->bytes);
    *plan = (eval_plan){0};
}
