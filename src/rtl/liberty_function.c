/* Boolean functions of Liberty pins (Liberty reference manual, "function"): recursive descent over truth
   tables of four bits. */
#include "rtl/liberty.h"

#include <ctype.h>
#include <string.h>

enum { MAX_DEPTH = 32, BAD = -1, ALL = 15 };

typedef struct reader {
    const char *p;
    const char *pin[2];
    int depth;
} reader;

static void skip(reader *r) {
    while (isspace((unsigned char)*r->p)) r->p++;
}

static int read_or(reader *r);

static int read_name(reader *r) {
    static const int table[2] = {10, 12}; /* pin 0, pin 1 */
    const char *start = r->p;
    while (isalnum((unsigned char)*r->p) || *r->p == '_' || *r->p == '[' || *r->p == ']') r->p++;
    const size_t n = (size_t)(r->p - start);
    if (n == 1 && *start == '0') return 0;
    if (n == 1 && *start == '1') return ALL;
    for (int i = 0; n && i < 2; i++)
        if (r->pin[i] && strlen(r->pin[i]) == n && strncmp(r->pin[i], start, n) == 0) return table[i];
    return BAD;
}

static int read_factor(reader *r) {
    skip(r);
    bool negate = false;
    while (*r->p == '!') {
        negate = !negate;
        r->p++;
        skip(r);
    }
    int v;
    if (*r->p == '(') {
        r->p++;
        if (++r->depth > MAX_DEPTH) return BAD;
        v = read_or(r);
        r->depth--;
        if (*r->p != ')') return BAD;
        r->p++;
    } else {
        v = read_name(r);
    }
    for (skip(r); *r->p == '\''; r->p++, skip(r)) negate = !negate;
    return v < 0 ? BAD : negate ? ALL & ~v : v;
}

static int read_and(reader *r) {
    int v = read_factor(r);
    while (v >= 0 && *r->p && !strchr("|+^)", *r->p)) {
        if (*r->p == '&' || *r->p == '*') r->p++;
        const int w = read_factor(r);
        v = w < 0 ? BAD : v & w;
    }
    return v;
}

static int read_xor(reader *r) {
    int v = read_and(r);
    while (v >= 0 && *r->p == '^') {
        r->p++;
        const int w = read_and(r);
        v = w < 0 ? BAD : v ^ w;
    }
    return v;
}

static int read_or(reader *r) {
    int v = read_xor(r);
    while (v >= 0 && (*r->p == '|' || *r->p == '+')) {
        r->p++;
        const int w = read_xor(r);
        v = w < 0 ? BAD : v | w;
    }
    return v;
}

int rtl_liberty_table(const char *function, const char *pin0, const char *pin1) {
    reader r = {.p = function, .pin = {pin0, pin1}};
    const int v = read_or(&r);
    return *r.p ? BAD : v;
}
