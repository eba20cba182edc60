/* From a text to pieces that stages can cut: added tokens, invalid UTF-8, normalizers. */
#include "model/tokenizer.h"

#include <utf8proc.h>

size_t utf8_run(const char *text, size_t n, size_t at) {
    const size_t start = at;
    while (at < n) {
        utf8proc_int32_t c;
        const size_t left = n - at;
        const utf8proc_ssize_t len =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, left < 4 ? (utf8proc_ssize_t)left : 4, &c);
        if (len < 1) break;
        at += (size_t)len;
    }
    return at - start;
}

static rg_status add_id(encoding *e, int32_t id, rg_error *err) {
    RG_TRY(encoding_room(e, 1, err));
    e->id[e->n++] = id;
    return RG_OK;
}

/* Valid UTF-8 without added tokens that stand in the text as it is. */
static rg_status encode_valid(const rg_tokenizer *t, const char *text, size_t n, bool first, encoding *e,
                              rg_error *err) {
    RG_TRY(normalize(t, e, &text, &n, err));
    for (size_t at = 0; at < n;) {
        size_t start = n;
        const struct added_token *added = added_tokens_find(&t->normal, text, n, at, &start);
        RG_TRY(split_encode(t, text + at, start - at, first && at == 0, e, err));
        if (!added) break;
        RG_TRY(add_id(e, added->id, err));
        at = start + added->len;
    }
    return RG_OK;
}

/* Byte-level BPE takes an invalid byte as a piece of its own. */
static rg_status encode_bytes(const rg_tokenizer *t, const char *text, size_t n, bool first, encoding *e,
                              rg_error *err) {
    for (size_t at = 0; at < n;) {
        const size_t run = utf8_run(text, n, at);
        if (run) RG_TRY(encode_valid(t, text + at, run, first && at == 0, e, err));
        at += run;
        if (at < n) RG_TRY(piece_encode(t, text + at++, 1, e, err));
    }
    return RG_OK;
}

/* The others read U+FFFD in its place. */
static rg_status encode_repaired(const rg_tokenizer *t, const char *text, size_t n, bool first, encoding *e,
                                 rg_error *err) {
    if (utf8_run(text, n, 0) == n) return encode_valid(t, text, n, first, e, err);
    rg_str repaired = {0};
    for (size_t at = 0; at < n;) {
        const size_t run = utf8_run(text, n, at);
        rg_str_add_n(&repaired, text + at, run);
        at += run;
        if (at < n) rg_str_add(&repaired, "\xef\xbf\xbd");
        at++;
    }
    rg_status status = repaired.failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory")
                                       : encode_valid(t, repaired.data, repaired.len, first, e, err);
    rg_str_free(&repaired);
    return status;
}

rg_status text_encode(const rg_tokenizer *t, const char *text, size_t n, encoding *e, rg_error *err) {
    for (size_t at = 0; at < n;) {
        size_t start = n;
        const struct added_token *added = added_tokens_find(&t->raw, text, n, at, &start);
        const char *part = text + at;
        if (t->kind == TOKENIZER_SCORES)
            RG_TRY(scores_encode(t, part, start - at, e, err));
        else if (t->kind == TOKENIZER_BYTES)
            RG_TRY(encode_bytes(t, part, start - at, at == 0, e, err));
        else
            RG_TRY(encode_repaired(t, part, start - at, at == 0, e, err));
        if (!added) break;
        RG_TRY(add_id(e, added->id, err));
        at = start + added->len;
    }
    return RG_OK;
}
