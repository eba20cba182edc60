/* Pre-tokenizers: text is cut by regular expressions (PCRE2), each applied to the pieces that the one before
   it left; tokens never cross a cut. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/tokenizer.h"

#include <pcre2.h>
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

/* Unicode property White_Space, which \s is in the tokenizers' own engines; PCRE2's \s differs in U+180E. */
#define WHITE                                                                                                \
    "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
#define DIGITS "\\p{N}|\\P{N}+"
/* Source: encoder.py of GPT-2. */
#define GPT2                                                                                                 \
    "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^" WHITE "\\p{L}\\p{N}]+|[" WHITE "]+(?![^" WHITE        \
    "])|[" WHITE "]+"

struct pretokenizer {
    const char *name;
    const char *stage[TOKENIZER_MAX_STAGES];
};

static const pretokenizer pretokenizers[] = {
    {"gpt-2", {GPT2}},
    {"smollm", {DIGITS, GPT2}}, /* tokenizer.json of SmolLM: Digits(individual), then ByteLevel */
};

rg_status split_find(const pretokenizer **out, const char *name, size_t len, const char *where,
                     rg_error *err) {
    for (size_t i = 0; i < sizeof pretokenizers / sizeof *pretokenizers; i++)
        if (strlen(pretokenizers[i].name) == len && memcmp(pretokenizers[i].name, name, len) == 0) {
            *out = &pretokenizers[i];
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_UNSUPPORTED, where, "gpt-2 or smollm", "unknown pre-tokenizer \"%.*s\"",
                   len < 100 ? (int)len : 100, name);
}

rg_status split_compile(rg_tokenizer *t, rg_error *err) {
    for (int i = 0; i < TOKENIZER_MAX_STAGES && t->pre->stage[i]; i++) {
        int code;
        PCRE2_SIZE at;
        pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)t->pre->stage[i], PCRE2_ZERO_TERMINATED,
                                             PCRE2_UTF | PCRE2_UCP | PCRE2_NO_UTF_CHECK, &code, &at, NULL);
        if (!compiled)
            return rg_fail(err, RG_ERR_TOOL, NULL, "PCRE2 with Unicode",
                           "pre-tokenizer %s: PCRE2 error %d at %zu", t->pre->name, code, (size_t)at);
        pcre2_jit_compile(compiled, PCRE2_JIT_COMPLETE); /* without it the interpreter matches the same */
        t->stage[i] = compiled;
    }
    return RG_OK;
}

void split_free(rg_tokenizer *t) {
    for (int i = 0; i < TOKENIZER_MAX_STAGES; i++) pcre2_code_free(t->stage[i]);
}

typedef struct splitter {
    const rg_tokenizer *t;
    const char *text; /* all of it */
    encoding *e;
    rg_error *err;
    pcre2_match_data *match;
} splitter;

static rg_status encode_piece(splitter *s, const char *piece, size_t n) {
    const rg_tokenizer *t = s->t;
    const size_t first = s->e->n;
    RG_TRY(encoding_room(s->e, n, s->err));
    for (size_t i = 0; i < n; i++) {
        int32_t id = t->byte_id[(uint8_t)piece[i]];
        if (id < 0) id = t->unknown;
        if (id < 0) {
            char where[64];
            snprintf(where, sizeof where, "text@byte %zu", (size_t)(piece - s->text) + i);
            return rg_fail(s->err, RG_ERR_UNSUPPORTED, where,
                           "a vocabulary with every byte, or an unknown token",
                           "the vocabulary has no token for byte 0x%02x", (unsigned)(uint8_t)piece[i]);
        }
        s->e->id[s->e->n++] = id;
    }
    return encoding_merge(s->e, t, first, s->err);
}

static rg_status cut(splitter *s, int stage, const char *piece, size_t n) {
    const pcre2_code *code = stage < TOKENIZER_MAX_STAGES ? s->t->stage[stage] : NULL;
    if (!code) return encode_piece(s, piece, n);
    for (size_t at = 0; at < n;) {
        const int found = pcre2_match(code, (PCRE2_SPTR)piece, n, at, PCRE2_NO_UTF_CHECK, s->match, NULL);
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(s->match);
        if (found < 1 || span[0] != at || span[1] <= at) /* the alternatives cover every character */
            return rg_fail(s->err, RG_ERR_TOOL, NULL, "a match", "pre-tokenizer %s: PCRE2 returns %d",
                           s->t->pre->name, found);
        const size_t end = span[1];
        RG_TRY(cut(s, stage + 1, piece + at, end - at));
        at = end;
    }
    return RG_OK;
}

rg_status split_encode(const rg_tokenizer *t, const char *text, size_t size, encoding *e, rg_error *err) {
    splitter s = {.t = t, .text = text, .e = e, .err = err, .match = pcre2_match_data_create(1, NULL)};
    rg_status status = s.match ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t at = 0; at < size && status == RG_OK;) {
        size_t valid = at; /* end of the run of valid UTF-8 */
        while (valid < size) {
            utf8proc_int32_t c;
            const size_t left = size - valid;
            const utf8proc_ssize_t n = utf8proc_iterate((const utf8proc_uint8_t *)text + valid,
                                                        left < 4 ? (utf8proc_ssize_t)left : 4, &c);
            if (n < 1) break;
            valid += (size_t)n;
        }
        if (valid > at) status = cut(&s, 0, text + at, valid - at);
        if (status == RG_OK && valid < size) status = encode_piece(&s, text + valid++, 1);
        at = valid;
    }
    pcre2_match_data_free(s.match);
    return status;
}
