/* The scanner of text forms. */
#include "num/args.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool copy_word(char *to, size_t size, const char *from, size_t n, const char *also) {
    if (n == 0 || n >= size) return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)from[i]) && !strchr(also, from[i])) return false;
    memcpy(to, from, n);
    to[n] = 0;
    return true;
}

/* Where text[0..n) has the character outside parentheses; NULL: nowhere. */
static const char *find_outside(const char *text, size_t n, char wanted) {
    int depth = 0;
    for (size_t i = 0; i < n; i++) {
        if (text[i] == wanted && depth == 0) return text + i;
        depth += (text[i] == '(') - (text[i] == ')');
    }
    return NULL;
}

/* Blanks may stand around an argument, as after a comma. */
static bool parse_arg(const char *text, size_t n, struct num_arg *out) {
    while (n && *text == ' ') text++, n--;
    while (n && text[n - 1] == ' ') n--;
    const char *equals = find_outside(text, n, '=');
    const size_t key = equals ? (size_t)(equals - text) : 0;
    out->key[0] = 0;
    if (equals && !copy_word(out->key, sizeof out->key, text, key, "_")) return false;
    if (equals) text += key + 1, n -= key + 1;
    return copy_word(out->value, sizeof out->value, text, n, "_.-+(),=");
}

rg_status num_args_parse(const char *text, size_t n, const char *what, num_args *out, rg_error *err) {
    const char *open = memchr(text, '(', n);
    const size_t n_name = open ? (size_t)(open - text) : n;
    *out = (num_args){.has_list = open != NULL};
    if (!copy_word(out->name, sizeof out->name, text, n_name, "_"))
        return rg_fail(err, RG_ERR_USAGE, what, "a name of letters and digits, then perhaps (...)",
                       "cannot read \"%.*s\"", (int)(n < 80 ? n : 80), text);
    if (!open) return RG_OK;
    if (text[n - 1] != ')')
        return rg_fail(err, RG_ERR_USAGE, what, "a closing parenthesis at the end", "\"%.*s\" does not end",
                       (int)(n < 80 ? n : 80), text);
    const char *p = open + 1, *end = text + n - 1;
    for (;;) {
        const char *comma = find_outside(p, (size_t)(end - p), ',');
        const size_t length = (size_t)((comma ? comma : end) - p);
        if (out->n == NUM_MAX_ARGS)
            return rg_fail(err, RG_ERR_USAGE, what, "at most 20", "\"%.60s\" has too many arguments", text);
        if (!parse_arg(p, length, &out->arg[out->n]))
            return rg_fail(err, RG_ERR_USAGE, what, "value or key=value", "cannot read \"%.*s\" in \"%.*s\"",
                           (int)(length < 40 ? length : 40), p, (int)(n < 80 ? n : 80), text);
        out->n++;
        if (!comma) return RG_OK;
        p = comma + 1;
    }
}

const char *num_arg_text(const struct num_arg *arg, char buf[128]) {
    snprintf(buf, 128, "%s%s%s", arg->key, arg->key[0] ? "=" : "", arg->value);
    return buf;
}

bool num_arg_int(const char *text, int min, int max, int *out) {
    char *end;
    if (!isdigit((unsigned char)text[0])) return false;
    const long v = strtol(text, &end, 10);
    if (*end || v < min || v > max) return false;
    *out = (int)v;
    return true;
}
