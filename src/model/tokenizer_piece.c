/* The model of a tokenizer: a piece of text becomes ids. */
#include "model/tokenizer.h"

#include <stdio.h>
#include <string.h>

/* Bytes of a character of valid UTF-8. */
static size_t character(const char *text, size_t n) {
    size_t len = 1;
    while (len < n && (text[len] & 0xc0) == 0x80) len++;
    return len;
}

static rg_status no_token(const char *text, size_t n, rg_error *err) {
    char shown[16] = "";
    for (size_t i = 0; i < n && i < 4; i++)
        snprintf(shown + 3 * i, sizeof shown - 3 * i, i ? " %02x" : "%02x", (unsigned)(uint8_t)text[i]);
    return rg_fail(err, RG_ERR_UNSUPPORTED, "text", "a vocabulary with all of the text, or an unknown token",
                   "the vocabulary has no token for %s %s", n > 1 ? "the character of bytes" : "byte", shown);
}

/* ---- BPE ----------------------------------------------------------------------------------------- */

static rg_status bytes_encode(const rg_tokenizer *t, const char *piece, size_t n, encoding *e,
                              rg_error *err) {
    for (size_t i = 0; i < n; i++) {
        int32_t id = t->byte_id[(uint8_t)piece[i]];
        if (id < 0) id = t->unknown;
        if (id < 0) return no_token(piece + i, 1, err);
        e->id[e->n++] = id;
    }
    return RG_OK;
}

/* One character: its token, its bytes' tokens, or the unknown one. *unknown: the one before was unknown. */
static rg_status add_symbol(const rg_tokenizer *t, const char *text, size_t n, bool *unknown, encoding *e,
                            rg_error *err) {
    const int32_t id = vocabulary_find(&t->vocab, text, n);
    bool bytes = id < 0 && t->byte_fallback;
    for (size_t i = 0; bytes && i < n; i++) bytes = t->byte_id[(uint8_t)text[i]] >= 0;
    if (id < 0 && !bytes) {
        if (t->unknown < 0) return no_token(text, n, err);
        if (!*unknown || !t->fuse_unknown) e->id[e->n++] = t->unknown;
        *unknown = true;
        return RG_OK;
    }
    *unknown = false;
    if (id >= 0) e->id[e->n++] = id;
    for (size_t i = 0; bytes && i < n; i++) e->id[e->n++] = t->byte_id[(uint8_t)text[i]];
    return RG_OK;
}

static rg_status characters_encode(const rg_tokenizer *t, const char *piece, size_t n, encoding *e,
                                   rg_error *err) {
    bool unknown = false;
    for (size_t at = 0, len; at < n; at += len) {
        len = character(piece + at, n - at);
        RG_TRY(add_symbol(t, piece + at, len, &unknown, e, err));
    }
    return RG_OK;
}

/* ---- SentencePiece ------------------------------------------------------------------------------- */

rg_status scores_encode(const rg_tokenizer *t, const char *text, size_t n, encoding *e, rg_error *err) {
    if (n == 0) return RG_OK;
    RG_TRY(encoding_room(e, n + 1, err));
    const size_t first = e->n;
    bool unknown = false;
    if (t->blank_first) RG_TRY(add_symbol(t, " ", 1, &unknown, e, err));
    for (size_t at = 0, len; at < n; at += len) {
        const char *symbol = text + at;
        /* A character is a byte and the continuation bytes behind it, four bytes at most. */
        for (len = 1; len < 4 && len < n - at && (symbol[len] & 0xc0) == 0x80;) len++;
        if (t->blank_sign && len == 3 && memcmp(symbol, "\xe2\x96\x81", 3) == 0)
            RG_TRY(add_symbol(t, " ", 1, &unknown, e, err));
        else
            RG_TRY(add_symbol(t, symbol, len, &unknown, e, err));
    }
    return encoding_merge(e, t, first, err);
}

/* ---- WordPiece ----------------------------------------------------------------------------------- */

/* The longest token that text begins with, after a prefix; its bytes of text in *used. */
static int32_t longest_token(const rg_tokenizer *t, const char *prefix, const char *text, size_t n,
                             size_t *used) {
    char buf[TOKENIZER_MAX_TOKEN + 1];
    const size_t p = strlen(prefix), longest = t->vocab.longest;
    if (longest <= p || longest > TOKENIZER_MAX_TOKEN) return -1;
    memcpy(buf, prefix, p);
    size_t len = n < longest - p ? n : longest - p;
    memcpy(buf + p, text, len);
    for (; len; len--) {
        if (len < n && (text[len] & 0xc0) == 0x80) continue; /* inside a character */
        const int32_t id = vocabulary_find(&t->vocab, buf, p + len);
        if (id >= 0) {
            *used = len;
            return id;
        }
    }
    return -1;
}

/* A word is known in all its parts or not at all. */
static rg_status word_encode(const rg_tokenizer *t, const char *word, size_t n, encoding *e) {
    const size_t first = e->n;
    size_t characters = 0;
    for (size_t i = 0; i < n; i++) characters += (word[i] & 0xc0) != 0x80;
    bool known = characters <= t->max_word;
    for (size_t at = 0, used = 0; known && at < n; at += used) {
        const int32_t id = longest_token(t, at ? t->inner_prefix : t->word_prefix, word + at, n - at, &used);
        known = id >= 0;
        if (known) e->id[e->n++] = id;
    }
    if (known) return RG_OK;
    e->n = first;
    e->id[e->n++] = t->unknown;
    return RG_OK;
}

/* ---- all ----------------------------------------------------------------------------------------- */

rg_status piece_encode(const rg_tokenizer *t, const char *piece, size_t n, encoding *e, rg_error *err) {
    RG_TRY(encoding_room(e, n, err));
    if (t->kind == TOKENIZER_WORDS) return word_encode(t, piece, n, e);
    const size_t first = e->n;
    if (t->whole_pieces) {
        const int32_t id = vocabulary_find(&t->vocab, piece, n);
        if (id >= 0) {
            e->id[e->n++] = id;
            return RG_OK;
        }
    }
    if (t->kind == TOKENIZER_BYTES)
        RG_TRY(bytes_encode(t, piece, n, e, err));
    else
        RG_TRY(characters_encode(t, piece, n, e, err));
    return encoding_merge(e, t, first, err);
}
