/* Rounding to sorted values by bisection: slow, exact, the same for every family. */
#include "num/ordered.h"

#include <math.h>

static const elem_family *const families[] = {&family_posit, &family_book};

const elem_family *elem_family_at(size_t i) {
    return i < sizeof families / sizeof *families ? families[i] : NULL;
}

/* Largest i whose value is at most x; x is not below the first. */
static uint32_t below(const rg_elem *e, double x) {
    uint32_t lo = 0, hi = e->family->count(e);
    while (hi - lo > 1) {
        const uint32_t middle = lo + (hi - lo) / 2;
        if (e->family->value(e, e->family->code_at(e, middle)) <= x)
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

/* Whether x between numbers i and i + 1 becomes the upper one. */
static bool goes_up(const rg_elem *e, const rg_cast *cast, uint32_t i, double x) {
    const uint32_t low = e->family->code_at(e, i), high = e->family->code_at(e, i + 1);
    const double a = e->family->value(e, low), b = e->family->value(e, high);
    const double turn = e->family->boundary ? e->family->boundary(e, i) : a / 2 + b / 2;
    switch (cast->rounding) {
    case RG_RZ:
        return x < 0;
    case RG_RU:
        return true;
    case RG_RD:
        return false;
    case RG_RO:
        return high & 1;
    case RG_RNA:
        return x > turn || (x == turn && x > 0);
    default:
        return x > turn || (x == turn && (low & 1));
    }
}

uint32_t ordered_cast(const rg_elem *e, const rg_cast *cast, float x, bool *overflow) {
    const elem_family *f = e->family;
    const uint32_t last = f->count(e) - 1;
    const double lowest = f->value(e, f->code_at(e, 0)), highest = f->value(e, f->code_at(e, last));
    *overflow = false;
    if (isnan(x)) {
        const int64_t nan = f->nan(e);
        return nan >= 0 ? (uint32_t)nan : f->code_at(e, last);
    }
    if (isinf(x)) return f->code_at(e, x > 0 ? last : 0);
    if (x == 0) x = 0; /* one zero */
    *overflow = x < lowest || x > highest;
    if (x <= lowest) return f->code_at(e, 0);
    if (x >= highest) return f->code_at(e, last);
    const uint32_t i = below(e, x), code = f->code_at(e, i);
    if (f->value(e, code) == x) return code;
    return f->code_at(e, i + goes_up(e, cast, i, x));
}
