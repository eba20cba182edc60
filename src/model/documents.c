/* Pages of WikiText and what lm-evaluation-harness makes of them before it scores (lm_eval/tasks/wikitext:
   preprocess_wikitext.py and the script of its data set). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "model/protocol.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

static bool blank(char c) {
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* "= Title =", one sign on each side, spaces around allowed. */
static bool is_title(const char *line, size_t n) {
    while (n && blank(line[0])) line++, n--;
    while (n && blank(line[n - 1])) n--;
    return n >= 4 && memcmp(line, "= ", 2) == 0 && memcmp(line + n - 2, " =", 2) == 0 && line[2] != '=' &&
           line[n - 3] != '=';
}

static bool all_blank(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!blank(text[i])) return false;
    return true;
}

/* Calls for each title with its offset; returns how many there are. `start` NULL: counts only. */
static size_t titles(const char *text, size_t size, size_t *start) {
    size_t n = 0;
    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        const size_t length = newline ? (size_t)(newline - (text + at)) : size - at;
        if (is_title(text + at, length)) {
            if (start) start[n] = at;
            n++;
        }
        at += length + 1;
    }
    return n;
}

rg_status documents_find(const char *text, size_t size, size_t **start, size_t *n, rg_error *err) {
    const size_t found = titles(text, size, NULL);
    *start = NULL;
    *n = 0;
    if (found == 0) return RG_OK;
    size_t *all = calloc(found + 2, sizeof *all);
    if (!all) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the pages");
    titles(text, size, all + 1);
    const bool in_front = !all_blank(text, all[1]); /* text before the first title */
    if (!in_front) memmove(all, all + 1, found * sizeof *all);
    *n = found + in_front;
    all[*n] = size;
    *start = all;
    return RG_OK;
}

/* Bytes of the white space character at p (Unicode's, as Python's \s), 0 where there is none. */
static size_t space_length(const unsigned char *p, size_t left) {
    if (blank((char)*p) || (*p >= 0x1c && *p <= 0x1f)) return 1;
    if (left >= 2 && p[0] == 0xc2 && (p[1] == 0x85 || p[1] == 0xa0)) return 2;
    if (left < 3) return 0;
    const uint32_t c = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    return c == 0xe19a80 || (c >= 0xe28080 && c <= 0xe2808a) || c == 0xe280a8 || c == 0xe280a9 ||
                   c == 0xe280af || c == 0xe2819f || c == 0xe38080
               ? 3
               : 0;
}

size_t documents_words(const char *text, size_t size) {
    size_t runs = 0;
    bool inside = false;
    for (size_t i = 0; i < size;) {
        const size_t n = space_length((const unsigned char *)text + i, size - i);
        if (n && !inside) runs++;
        inside = n > 0;
        i += n ? n : 1;
    }
    return runs + 1;
}

static const struct change {
    const char *pattern, *replacement;
    bool plain; /* no regular expression */
} changes[] = {{"s '", "s'", true},
               {"/' [0-9]/", "/'[0-9]/", false},
               {" @-@ ", "-", true},
               {" @,@ ", ",", true},
               {" @.@ ", ".", true},
               {" : ", ": ", true},
               {" ; ", "; ", true},
               {" . ", ". ", true},
               {" ! ", "! ", true},
               {" ? ", "? ", true},
               {" , ", ", ", true},
               {"\\(\\s*([^\\)]*?)\\s*\\)", "($1)", false},
               {"\\[\\s*([^\\]]*?)\\s*\\]", "[$1]", false},
               {"\\{\\s*([^}]*?)\\s*\\}", "{$1}", false},
               {"\"\\s*([^\"]*?)\\s*\"", "\"$1\"", false},
               {"'\\s*([^']*?)\\s*'", "'$1'", false},
               {"= = = =", "====", true},
               {"= = =", "===", true},
               {"= =", "==", true},
               {" \xc2\xb0 ", "\xc2\xb0", true},
               {" \n", "\n", true},
               {"\n ", "\n", true},
               {" N ", " 1 ", true},
               {" 's", "'s", true}};

/* One change of all places. `to` has room for *to_size bytes. PCRE2's code of what went wrong, or >= 0. */
static int apply(const struct change *c, uint32_t unicode, const char *from, size_t size, char *to,
                 PCRE2_SIZE *to_size) {
    int code;
    PCRE2_SIZE where;
    pcre2_code *compiled =
        pcre2_compile((PCRE2_SPTR)c->pattern, PCRE2_ZERO_TERMINATED,
                      c->plain ? PCRE2_LITERAL | (unicode & PCRE2_UTF) : unicode, &code, &where, NULL);
    if (!compiled) return PCRE2_ERROR_NOMEMORY;
    code = pcre2_substitute(compiled, (PCRE2_SPTR)from, size, 0, PCRE2_SUBSTITUTE_GLOBAL, NULL, NULL,
                            (PCRE2_SPTR)c->replacement, PCRE2_ZERO_TERMINATED, (PCRE2_UCHAR *)to, to_size);
    pcre2_code_free(compiled);
    return code;
}

static int apply_all(uint32_t unicode, const char *text, size_t size, char *buffer[2], size_t room,
                     size_t *out_size) {
    memcpy(buffer[0], text, size);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        PCRE2_SIZE n = room;
        const int code = apply(&changes[i], unicode, buffer[0], size, buffer[1], &n);
        if (code < 0) return code;
        char *swap = buffer[0];
        buffer[0] = buffer[1];
        buffer[1] = swap;
        size = n;
    }
    *out_size = size;
    return 0;
}

rg_status documents_detokenize(const char *text, size_t size, char **out, size_t *out_size, rg_error *err) {
    if (size > SIZE_MAX / 4) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "the text is too large");
    const size_t room = 2 * size + 16; /* no change doubles its place */
    char *buffer[2] = {malloc(room), malloc(room)};
    int code = PCRE2_ERROR_NOMEMORY;
    if (buffer[0] && buffer[1]) {
        code = apply_all(PCRE2_UTF | PCRE2_UCP, text, size, buffer, room, out_size);
        if (code <= PCRE2_ERROR_UTF8_ERR1 && code >= PCRE2_ERROR_UTF8_ERR21) /* not UTF-8: byte by byte */
            code = apply_all(0, text, size, buffer, room, out_size);
    }
    free(buffer[1]);
    if (code == 0) {
        *out = buffer[0];
        return RG_OK;
    }
    free(buffer[0]);
    return code == PCRE2_ERROR_NOMEMORY
               ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for a page")
               : rg_fail(err, RG_ERR_UNSUPPORTED, "text", "pages as WikiText has them",
                         "a page of %zu bytes cannot be changed as harness-word does (PCRE2 error %d)", size,
                         code);
}
