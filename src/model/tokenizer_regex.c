/* Regular expressions of tokenizers, which are written for Oniguruma with Ruby's syntax, in PCRE2. */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/tokenizer.h"

#include <pcre2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PATTERN = 1 << 16 };

struct tokenizer_regex {
    pcre2_code *code;
};

/* Unicode property White_Space, which \s is in Oniguruma; PCRE2's \s differs in U+180E. */
#define WHITE                                                                                                \
    "\\t-\\r \\x{85}\\x{a0}\\x{1680}\\x{2000}-\\x{200a}\\x{2028}\\x{2029}\\x{202f}\\x{205f}\\x{3000}"
/* \w in Oniguruma: alphabetic characters, marks, decimal digits, connectors, and the digits and fractions of
   Latin-1. PCRE2's differs. */
#define WORD                                                                                                 \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{b2}\\x{b3}\\x{b9}\\x{bc}-\\x{be}\\x{24b6}-\\x{24e9}\\x{1f130}-"    \
    "\\x{1f149}\\x{1f150}-"                                                                                  \
    "\\x{1f169}\\x{1f170}-\\x{1f189}"

typedef struct translation {
    const char *p; /* NUL-terminated pattern, what is left of it */
    rg_str out;
    bool in_class;
    char what[64]; /* that is not understood */
} translation;

static bool unknown(translation *t, const char *text, size_t n) {
    snprintf(t->what, sizeof t->what, "%.*s", (int)(n < 60 ? n : 60), text);
    return false;
}

static bool add(translation *t, const char *text, size_t skip) {
    rg_str_add(&t->out, text);
    t->p += skip;
    return true;
}

/* \p{Han} is a script in Oniguruma, characters that go with a script in PCRE2. */
static bool translate_property(translation *t) {
    const char *end = strchr(t->p, '}');
    if (t->p[2] != '{' || !end || end - t->p > 40) return unknown(t, t->p, 3);
    const char *name = t->p + 3;
    const int len = (int)(end - name);
    if (len == 0 || strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_") < (size_t)len)
        return unknown(t, t->p, (size_t)(end + 1 - t->p));
    rg_str_printf(&t->out, "\\%c{%s%.*s}", t->p[1], len > 2 ? "sc:" : "", len, name);
    t->p = end + 1;
    return true;
}

static bool translate_escape(translation *t) {
    const char c = t->p[1];
    char text[3] = {'\\', c, 0};
    switch (c) {
    case 's':
        return add(t, t->in_class ? WHITE : "[" WHITE "]", 2);
    case 'S':
        return add(t, t->in_class ? "\\S\\x{180e}" : "[^" WHITE "]", 2);
    case 'w':
        return add(t, t->in_class ? WORD : "[" WORD "]", 2);
    case 'W':
        return t->in_class ? unknown(t, t->p, 2) : add(t, "[^" WORD "]", 2);
    case 'h':
        return add(t, t->in_class ? "0-9a-fA-F" : "[0-9a-fA-F]", 2);
    case 'd':
    case 'D':
    case 'n':
    case 'r':
    case 't':
    case 'f':
        return add(t, text, 2);
    case 'A':
    case 'z':
        return t->in_class ? unknown(t, t->p, 2) : add(t, text, 2);
    case 'p':
    case 'P':
        return translate_property(t);
    case 'u': /* \uHHHH */
        if (strspn(t->p + 2, "0123456789abcdefABCDEF") < 4) return unknown(t, t->p, 2);
        rg_str_printf(&t->out, "\\x{%.4s}", t->p + 2);
        t->p += 6;
        return true;
    case 'x':
        if (t->p[2] == '{') {
            const size_t n = strspn(t->p + 3, "0123456789abcdefABCDEF");
            if (n == 0 || n > 6 || t->p[3 + n] != '}') return unknown(t, t->p, 3);
            rg_str_add_n(&t->out, t->p, n + 4);
            t->p += n + 4;
            return true;
        }
        return unknown(t, t->p, 2);
    default:
        break;
    }
    /* A sign stands for itself; letters, digits and line ends that are not above mean something else. */
    if (c > ' ' && c < 127 &&
        strspn(text + 1, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") == 0)
        return add(t, text, 2);
    if (c == ' ') return add(t, text, 2);
    return unknown(t, t->p, c ? 2 : 1);
}

/* What follows "(": only groups that capture nothing and look-around; plain ones are harmless too. */
static bool translate_group(translation *t) {
    static const char *const same[] = {"(?:", "(?=", "(?!", "(?<=", "(?<!", "(?>", "(?i:"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        if (strncmp(t->p, same[i], strlen(same[i])) == 0) return add(t, same[i], strlen(same[i]));
    if (t->p[1] == '?' || t->p[1] == '*') return unknown(t, t->p, 3);
    return add(t, "(", 1);
}

/* {n,m}: a "+" behind it repeats in Ruby and forbids backtracking in PCRE2. */
static bool translate_counts(translation *t) {
    const size_t digits = strspn(t->p + 1, "0123456789");
    size_t n = 1 + digits;
    if (t->p[n] == ',') n += 1 + strspn(t->p + n + 1, "0123456789");
    if (digits == 0 || t->p[n] != '}' || t->p[n + 1] == '+' || t->p[n + 1] == '?')
        return unknown(t, t->p, n + 2 < strlen(t->p) ? n + 2 : strlen(t->p));
    rg_str_add_n(&t->out, t->p, n + 1);
    t->p += n + 1;
    return true;
}

static bool translate_class(translation *t) {
    const char *open = t->p;
    t->in_class = true;
    add(t, "[", 1);
    if (*t->p == '^') add(t, "^", 1);
    if (*t->p == ']') return unknown(t, open, 2); /* empty, or a sign: engines differ */
    while (*t->p && *t->p != ']') {
        if (*t->p == '\\') {
            if (!translate_escape(t)) return false;
        } else if (*t->p == '[' || (t->p[0] == '&' && t->p[1] == '&')) {
            return unknown(t, t->p, 2); /* sets of sets */
        } else {
            rg_str_add_n(&t->out, t->p++, 1);
        }
    }
    t->in_class = false;
    return *t->p ? add(t, "]", 1) : unknown(t, open, 1);
}

static bool translate(translation *t) {
    while (*t->p) {
        bool ok = true;
        switch (*t->p) {
        case '\\':
            ok = translate_escape(t);
            break;
        case '[':
            ok = translate_class(t);
            break;
        case '(':
            ok = translate_group(t);
            break;
        case '{':
            ok = translate_counts(t);
            break;
        default:
            rg_str_add_n(&t->out, t->p++, 1);
        }
        if (!ok) return false;
    }
    return true;
}

static rg_status compile(tokenizer_regex *r, const char *pattern, size_t len, bool literal, const char *where,
                         rg_error *err) {
    int code;
    PCRE2_SIZE at;
    const uint32_t options =
        PCRE2_UTF | (literal ? PCRE2_LITERAL
                             : PCRE2_UCP | PCRE2_MULTILINE | PCRE2_NEVER_BACKSLASH_C | PCRE2_NO_AUTO_CAPTURE);
    r->code = pcre2_compile((PCRE2_SPTR)pattern, len, options, &code, &at, NULL);
    if (!r->code) {
        char text[160] = "";
        pcre2_get_error_message(code, (PCRE2_UCHAR *)text, sizeof text);
        return rg_fail(err, RG_ERR_UNSUPPORTED, where, "a regular expression of PCRE2",
                       "%s (at %zu of %.200s)", text, (size_t)at, pattern);
    }
    pcre2_jit_compile(r->code, PCRE2_JIT_COMPLETE); /* without it the interpreter matches the same */
    return RG_OK;
}

rg_status tokenizer_regex_compile(tokenizer_regex **out, const char *pattern, size_t len, bool literal,
                                  const char *where, rg_error *err) {
    if (len == 0 || len > MAX_PATTERN || (!literal && memchr(pattern, 0, len)))
        return rg_fail(err, RG_ERR_UNSUPPORTED, where, "1 to 65536 bytes, no NUL", "pattern of %zu bytes",
                       len);
    tokenizer_regex *r = calloc(1, sizeof *r);
    if (!r) return rg_fail(err, RG_ERR_MEMORY, where, NULL, "out of memory");
    translation t = {0};
    char *copy = strndup(pattern, len);
    t.p = copy;
    rg_status status;
    if (literal)
        status = compile(r, pattern, len, true, where, err);
    else if (copy && !translate(&t))
        status = rg_fail(err, RG_ERR_UNSUPPORTED, where, "syntax that docs/tokenizers.md lists",
                         "\"%s\" in the regular expression %.200s", t.what, pattern);
    else if (!copy || t.out.failed)
        status = rg_fail(err, RG_ERR_MEMORY, where, NULL, "out of memory");
    else
        status = compile(r, t.out.data, t.out.len, false, where, err);
    free(copy);
    rg_str_free(&t.out);
    if (status == RG_OK)
        *out = r;
    else
        tokenizer_regex_free(r);
    return status;
}

bool tokenizer_regex_matches_empty(const tokenizer_regex *r) {
    uint32_t empty = 0;
    pcre2_pattern_info(r->code, PCRE2_INFO_MATCHEMPTY, &empty);
    return empty;
}

void tokenizer_regex_free(tokenizer_regex *r) {
    if (!r) return;
    pcre2_code_free(r->code);
    free(r);
}

void regex_scratch_free(regex_scratch *s) {
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->limits);
}

rg_status tokenizer_regex_match(const tokenizer_regex *r, regex_scratch *s, const char *text, size_t n,
                                size_t at, bool *found, size_t *start, size_t *end, rg_error *err) {
    if (!s->match) s->match = pcre2_match_data_create(1, NULL);
    if (!s->limits) s->limits = pcre2_match_context_create(NULL);
    if (!s->match || !s->limits) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    /* Ordinary patterns take a few steps a byte; those that take more would never end. */
    pcre2_set_match_limit(s->limits, (uint32_t)(1000000 + 4 * (n < 1u << 29 ? n : 1u << 29)));
    int got = pcre2_match(r->code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK, s->match, s->limits);
    if (got == PCRE2_ERROR_JIT_STACKLIMIT)
        got = pcre2_match(r->code, (PCRE2_SPTR)text, n, at, PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, s->match,
                          s->limits);
    *found = got >= 0;
    if (got < 0 && got != PCRE2_ERROR_NOMATCH)
        return rg_fail(err, RG_ERR_UNSUPPORTED, NULL, "a regular expression that ends soon",
                       "a regular expression of the tokenizer takes too many steps (PCRE2 error %d)", got);
    if (*found) {
        const PCRE2_SIZE *span = pcre2_get_ovector_pointer(s->match);
        *start = span[0];
        *end = span[1];
    }
    return RG_OK;
}
