/* Sentences of a text as windows of tokens, and what a sentence encoder's folder says of them. */
#include "model/embed.h"
#include "model/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the sentences");
}

/* A file in the folder of the weights; false when there is none. */
static bool beside(const rg_model *model, const char *name, char *path, size_t size) {
    const char *slash = strrchr(model->path, '/');
    const int folder = slash ? (int)(slash - model->path) + 1 : 0;
    return (size_t)snprintf(path, size, "%.*s%s", folder, model->path, name) < size &&
           access(path, R_OK) == 0;
}

static rg_status read_pooling(const char *path, bool *cls, rg_error *err) {
    static const char *const other[] = {"pooling_mode_max_tokens", "pooling_mode_mean_sqrt_len_tokens",
                                        "pooling_mode_weightedmean_tokens", "pooling_mode_lasttoken"};
    rg_doc doc;
    bool mean = false, first = false, odd = false;
    RG_TRY(rg_doc_open(&doc, path, err));
    rg_status status = rg_doc_bool(&doc, doc.root, "pooling_mode_mean_tokens", false, &mean, err);
    if (status == RG_OK) status = rg_doc_bool(&doc, doc.root, "pooling_mode_cls_token", false, &first, err);
    for (size_t i = 0; i < sizeof other / sizeof *other && status == RG_OK && !odd; i++)
        status = rg_doc_bool(&doc, doc.root, other[i], false, &odd, err);
    if (status == RG_OK && (odd || mean == first))
        status = rg_fail(err, RG_ERR_UNSUPPORTED, path, "pooling_mode_mean_tokens or pooling_mode_cls_token",
                         "a way of pooling that Ridge does not do");
    if (status == RG_OK) *cls = first;
    rg_doc_close(&doc);
    return status;
}

static rg_status read_longest(const char *path, int64_t *longest, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_open(&doc, path, err));
    rg_status status = rg_doc_int(&doc, doc.root, "max_seq_length", false, longest, err);
    if (status == RG_OK && *longest < 3)
        status = rg_fail(err, RG_ERR_PARSE, path, "3 or more", "max_seq_length is %lld", (long long)*longest);
    rg_doc_close(&doc);
    return status;
}

rg_status embed_form_read(const rg_model *model, embed_form *out, rg_error *err) {
    char path[1100];
    int64_t longest = model->graph.max_positions;
    *out = (embed_form){0};
    if (beside(model, "1_Pooling/config.json", path, sizeof path)) RG_TRY(read_pooling(path, &out->cls, err));
    if (beside(model, "sentence_bert_config.json", path, sizeof path))
        RG_TRY(read_longest(path, &longest, err));
    if (longest > model->graph.max_positions) longest = model->graph.max_positions;
    out->max_tokens = (size_t)longest;
    return RG_OK;
}

static bool room_for(embed_plan *p, size_t tokens) {
    size_t room[3] = {p->room, p->room, p->room};
    if (!rg_grow(&p->start, &room[0], p->n + 2, sizeof *p->start) ||
        !rg_grow(&p->line, &room[1], p->n + 2, sizeof *p->line) ||
        !rg_grow(&p->truncated, &room[2], p->n + 2, sizeof *p->truncated))
        return false;
    p->room = room[0];
    return rg_grow(&p->token, &p->token_room, p->n_tokens + tokens, sizeof *p->token);
}

static rg_status add_sentence(embed_plan *p, const rg_model *model, const embed_form *form, const char *text,
                              size_t size, size_t line, rg_error *err) {
    const rg_tokenizer *t = model->tokenizer;
    const bool bos = rg_tokenizer_adds_bos(t), eos = rg_tokenizer_adds_eos(t);
    const size_t most = form->max_tokens - (size_t)bos - (size_t)eos;
    int32_t *ids = NULL;
    size_t n = 0;
    RG_TRY(rg_tokenize(t, text, size, &ids, &n, err));
    const size_t kept = n < most ? n : most, length = kept + (size_t)bos + (size_t)eos;
    if (!room_for(p, length)) {
        free(ids);
        return no_memory(err);
    }
    int32_t *to = p->token + p->n_tokens;
    if (bos) *to++ = rg_tokenizer_bos(t);
    if (kept) memcpy(to, ids, kept * sizeof *ids);
    if (eos) to[kept] = rg_tokenizer_eos(t);
    free(ids);
    if (!length) return RG_OK;
    p->line[p->n] = line;
    p->truncated[p->n] = kept < n;
    p->start[p->n++] = p->n_tokens;
    p->n_tokens += length;
    p->start[p->n] = p->n_tokens;
    if (length > p->max_length) p->max_length = length;
    return RG_OK;
}

static bool is_blank(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] != ' ' && text[i] != '\t' && text[i] != '\r') return false;
    return true;
}

rg_status embed_plan_make(embed_plan *out, const rg_model *model, const embed_form *form, const char *name,
                          const char *text, size_t size, size_t limit, rg_error *err) {
    *out = (embed_plan){0};
    if (!model->tokenizer || form->max_tokens < 3)
        return rg_fail(err, RG_ERR_UNSUPPORTED, model->path,
                       "a model with a tokenizer and 3 positions or more", "sentences cannot be made tokens");
    RG_TRY(load_check_tokenizer(model, err));
    for (size_t at = 0, line = 1; at < size && (!limit || out->n < limit); line++) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t n = end ? (size_t)(end - text) - at : size - at;
        if (!is_blank(text + at, n)) RG_TRY(add_sentence(out, model, form, text + at, n, line, err));
        at += n + 1;
    }
    if (out->n) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, name, "a sentence on each line", "the text has no sentences");
}

void embed_plan_free(embed_plan *plan) {
    free(plan->start);
    free(plan->line);
    free(plan->truncated);
    free(plan->token);
    *plan = (embed_plan){0};
}
