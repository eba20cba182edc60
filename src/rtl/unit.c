/* The text of a unit: dot(a=FORMAT,b=FORMAT,n=N[,align=F]). */
#include "rtl/shape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECTED                                                                                             \
    "dot(a=FORMAT,b=FORMAT,n=1..64[,align=1..48]), elements int2..int8 e2m1 e2m3 e3m2 e4m3fn e5m2 fp16 bf16"
enum { MAX_LANES = 64, MIN_ALIGN = 1, MAX_ALIGN = 48, DEFAULT_ALIGN = 25 };

/* Where the value that starts at `p` ends: at a comma or parenthesis outside inner parentheses. */
static const char *value_end(const char *p) {
    for (int depth = 0; *p; p++) {
        if (depth == 0 && (*p == ',' || *p == ')')) return p;
        depth += *p == '(' ? 1 : *p == ')' ? -1 : 0;
    }
    return p;
}

static rg_status parse_int(const char *value, const char *key, long min, long max, int *out, rg_error *err) {
    char *end;
    errno = 0;
    const long v = strtol(value, &end, 10);
    if (end == value || *end || errno || v < min || v > max || value[0] == '+' || value[0] == ' ') {
        char expected[64];
        snprintf(expected, sizeof expected, "%s=%ld..%ld", key, min, max);
        return rg_fail(err, RG_ERR_USAGE, "unit", expected, "%s=%.60s", key, value);
    }
    *out = (int)v;
    return RG_OK;
}

/* The element is what the unit multiplies; scales ride outside. */
static rg_status parse_elem(const char *value, const char *key, rg_elem *out, rg_error *err) {
    rg_quant q;
    RG_TRY(rg_quant_parse(value, &q, err));
    const rg_elem *e = &q.format.elem;
    static const char *const floats[] = {"e2m1", "e2m3", "e3m2", "e4m3fn", "e5m2", "fp16", "bf16"};
    bool fits = e->kind == RG_ELEM_INT && e->bits <= 8;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        fits = fits || strcmp(e->name, floats[i]) == 0;
    if (!fits || q.format.zero_point)
        return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "%s=%.60s: no unit multiplies %s%s", key, value,
                       e->name, q.format.zero_point ? " with a zero point" : "");
    *out = *e;
    return RG_OK;
}

static rg_status parse_member(const char *key, const char *value, rg_rtl_unit *u, unsigned *seen,
                              rg_error *err) {
    static const char *const keys[] = {"a", "b", "n", "align"};
    unsigned k = 0;
    while (k < 4 && strcmp(key, keys[k]) != 0) k++;
    if (k == 4) return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "unknown key %.40s", key);
    if (*seen & (1u << k)) return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "%s is given twice", key);
    *seen |= 1u << k;
    if (k == 0) return parse_elem(value, key, &u->a, err);
    if (k == 1) return parse_elem(value, key, &u->b, err);
    if (k == 2) return parse_int(value, key, 1, MAX_LANES, &u->n, err);
    return parse_int(value, key, MIN_ALIGN, MAX_ALIGN, &u->align, err);
}

static rg_status parse_members(const char *p, rg_rtl_unit *u, unsigned *seen, rg_error *err) {
    for (;;) {
        const size_t n_key = strcspn(p, "=,()");
        const char *end = value_end(p + n_key);
        char key[64], value[128];
        if (p[n_key] != '=' || n_key == 0 || n_key >= sizeof key || (size_t)(end - p) - n_key >= sizeof value)
            return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "cannot read '%.60s'", p);
        snprintf(key, sizeof key, "%.*s", (int)n_key, p);
        snprintf(value, sizeof value, "%.*s", (int)(end - p - (ptrdiff_t)n_key - 1), p + n_key + 1);
        RG_TRY(parse_member(key, value, u, seen, err));
        if (*end == ')' && end[1] == 0) return RG_OK;
        if (*end != ',') return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "cannot read '%.60s'", end);
        p = end + 1;
    }
}

rg_status rg_rtl_unit_parse(const char *text, rg_rtl_unit *out, rg_error *err) {
    rg_rtl_unit u = {.align = DEFAULT_ALIGN};
    unsigned seen = 0;
    if (strncmp(text, "dot(", 4) != 0)
        return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "unknown unit '%.60s'", text);
    RG_TRY(parse_members(text + 4, &u, &seen, err));
    if ((seen & 7) != 7)
        return rg_fail(err, RG_ERR_USAGE, "unit", EXPECTED, "'%.60s' lacks %s", text,
                       !(seen & 1)   ? "a="
                       : !(seen & 2) ? "b="
                                     : "n=");
    const int exact_bits = rtl_exact_product_bits(&u.a, &u.b);
    u.exact = exact_bits <= rtl_aligned_product_bits(&u.a, &u.b, u.align);
    const bool exact_by_default = exact_bits <= rtl_aligned_product_bits(&u.a, &u.b, DEFAULT_ALIGN);
    char align[24] = "";
    if (!u.exact || !exact_by_default) snprintf(align, sizeof align, ",align=%d", u.align);
    if (u.exact) u.align = 0;
    snprintf(u.text, sizeof u.text, "dot(a=%s,b=%s,n=%d%s)", u.a.name, u.b.name, u.n, align);
    const rtl_shape s = rtl_shape_of(&u);
    u.output_bits = u.exact ? s.sum_bits + (s.has_nan ? 1 : 0) : 32;
    *out = u;
    return RG_OK;
}
