/* Normalizers. */
#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

rg_status tokenizer_add_step(rg_tokenizer *t, normal_step step, const char *where, rg_error *err) {
    if (t->n_steps == TOKENIZER_MAX_STEPS) {
        tokenizer_regex_free(step.regex);
        return rg_fail(err, RG_ERR_UNSUPPORTED, where, "at most 32", "too many normalizers");
    }
    t->step[t->n_steps++] = step;
    return RG_OK;
}

rg_status tokenizer_add_bert_steps(rg_tokenizer *t, bert_options options, const char *where, rg_error *err) {
    const normal_step clean = {.kind = NORMAL_CLEAN}, ideographs = {.kind = NORMAL_IDEOGRAPH},
                      parts = {.kind = NORMAL_FORM, .form = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE},
                      unmark = {.kind = NORMAL_UNMARK, .categories = 1u << UTF8PROC_CATEGORY_MN},
                      lower = {.kind = NORMAL_LOWER};
    if (options.clean) RG_TRY(tokenizer_add_step(t, clean, where, err));
    if (options.ideographs) RG_TRY(tokenizer_add_step(t, ideographs, where, err));
    if (options.unmark) RG_TRY(tokenizer_add_step(t, parts, where, err));
    if (options.unmark) RG_TRY(tokenizer_add_step(t, unmark, where, err));
    return options.lower ? tokenizer_add_step(t, lower, where, err) : RG_OK;
}

static void add_character(rg_str *out, int32_t c) {
    utf8proc_uint8_t text[4];
    const utf8proc_ssize_t n = utf8proc_encode_char(c, text);
    rg_str_add_n(out, (const char *)text, (size_t)n);
}

/* Unicode property White_Space. */
static bool is_white(int32_t c) {
    return (c >= 9 && c <= 13) || c == ' ' || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f ||
           c == 0x3000;
}

/* The blocks that BERT's tokenizer takes apart; 2b920 stands where 2b820 was meant, in all implementations
   that models were trained with. */
static bool is_ideograph(int32_t c) {
    return (c >= 0x4e00 && c <= 0x9fff) || (c >= 0x3400 && c <= 0x4dbf) || (c >= 0x20000 && c <= 0x2a6df) ||
           (c >= 0x2a700 && c <= 0x2b73f) || (c >= 0x2b740 && c <= 0x2b81f) ||
           (c >= 0x2b920 && c <= 0x2ceaf) || (c >= 0xf900 && c <= 0xfaff) || (c >= 0x2f800 && c <= 0x2fa1f);
}

static uint32_t category_bit(int32_t c) {
    return 1u << utf8proc_category(c);
}

static void add_cleaned(rg_str *out, int32_t c) {
    const uint32_t other =
        1u << UTF8PROC_CATEGORY_CC | 1u << UTF8PROC_CATEGORY_CF | 1u << UTF8PROC_CATEGORY_CO;
    if (c == 0 || c == 0xfffd) return;
    if (c == '\t' || c == '\n' || c == '\r')
        add_character(out, ' ');
    else if (category_bit(c) & other)
        return;
    else
        add_character(out, is_white(c) ? ' ' : c);
}

static void add_lower(rg_str *out, int32_t c) {
    add_character(out, utf8proc_tolower(c));
    if (c == 0x130) add_character(out, 0x307); /* the one letter whose small form is two characters */
}

static void add_stepped(const normal_step *step, rg_str *out, int32_t c) {
    switch (step->kind) {
    case NORMAL_LOWER:
        add_lower(out, c);
        break;
    case NORMAL_CLEAN:
        add_cleaned(out, c);
        break;
    case NORMAL_UNMARK:
        if (!(category_bit(c) & step->categories)) add_character(out, c);
        break;
    case NORMAL_IDEOGRAPH:
        if (is_ideograph(c)) rg_str_add_n(out, " ", 1);
        add_character(out, c);
        if (is_ideograph(c)) rg_str_add_n(out, " ", 1);
        break;
    default:
        break;
    }
}

static rg_status each_character(const normal_step *step, rg_str *out, const char *text, size_t n) {
    for (size_t at = 0; at < n;) {
        utf8proc_int32_t c;
        const utf8proc_ssize_t len =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(n - at), &c);
        if (len < 1) break; /* cannot be: text is valid */
        add_stepped(step, out, c);
        at += (size_t)len;
    }
    return RG_OK;
}

static rg_status form(const normal_step *step, rg_str *out, const char *text, size_t n, rg_error *err) {
    utf8proc_uint8_t *made = NULL;
    const utf8proc_ssize_t len = utf8proc_map((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)n, &made,
                                              (utf8proc_option_t)step->form);
    if (len < 0)
        return rg_fail(err, len == UTF8PROC_ERROR_NOMEM ? RG_ERR_MEMORY : RG_ERR_UNSUPPORTED, NULL,
                       "text that Unicode can normalize", "%s", utf8proc_errmsg(len));
    rg_str_add_n(out, (const char *)made, (size_t)len);
    free(made);
    return RG_OK;
}

static rg_status replace(const normal_step *step, encoding *e, rg_str *out, const char *text, size_t n,
                         rg_error *err) {
    size_t done = 0;
    while (done < n) {
        bool found;
        size_t start, end;
        RG_TRY(tokenizer_regex_match(step->regex, &e->regex, text, n, done, &found, &start, &end, err));
        if (!found || end == start) break;
        rg_str_add_n(out, text + done, start - done);
        rg_str_add_n(out, step->text, step->len);
        done = end;
    }
    rg_str_add_n(out, text + done, n - done);
    return RG_OK;
}

static rg_status trim(const normal_step *step, rg_str *out, const char *text, size_t n) {
    size_t start = n, end = 0;
    for (size_t at = 0; at < n;) {
        utf8proc_int32_t c;
        const utf8proc_ssize_t len =
            utf8proc_iterate((const utf8proc_uint8_t *)text + at, (utf8proc_ssize_t)(n - at), &c);
        if (len < 1) break;
        if (!is_white(c)) {
            if (start == n) start = at;
            end = at + (size_t)len;
        }
        at += (size_t)len;
    }
    if (!step->left) start = 0;
    if (!step->right) end = n;
    if (start < end) rg_str_add_n(out, text + start, end - start);
    return RG_OK;
}

static rg_status one_step(const normal_step *step, encoding *e, rg_str *out, const char *text, size_t n,
                          rg_error *err) {
    switch (step->kind) {
    case NORMAL_FORM:
        return form(step, out, text, n, err);
    case NORMAL_REPLACE:
        return replace(step, e, out, text, n, err);
    case NORMAL_TRIM:
        return trim(step, out, text, n);
    case NORMAL_PREPEND:
        if (n) rg_str_add_n(out, step->text, step->len);
        rg_str_add_n(out, text, n);
        return RG_OK;
    default:
        return each_character(step, out, text, n);
    }
}

static bool is_ascii(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if ((uint8_t)text[i] >= 128) return false;
    return true;
}

rg_status normalize(const rg_tokenizer *t, encoding *e, const char **text, size_t *n, rg_error *err) {
    for (size_t i = 0; i < t->n_steps; i++) {
        const normal_step *step = &t->step[i];
        if (step->kind == NORMAL_FORM && is_ascii(*text, *n)) continue;
        rg_str *out = &e->normal[*text == e->normal[0].data];
        out->len = 0;
        rg_str_add_n(out, "", 0); /* an empty result, too, is a text */
        RG_TRY(one_step(step, e, out, *text, *n, err));
        if (out->failed) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        *text = out->data;
        *n = out->len;
    }
    return RG_OK;
}
