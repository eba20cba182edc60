/* Rounding to sorted values by bisection: slow, exact, the same for every family. */
#include "num/ordered.h"

#include <math.h>

/* takum(N,log) is parsed by family_takum. */
static const elem_family *const families[] = {&family_posit, &family_takum, &family_lns, &family_hif8,
                                              &family_book};

const elem_family *elem_family_at(size_t i) {
    return i < sizeof families / sizeof *families ? families[i] : NULL;
}

bool elem_family_find(const char *name, rg_elem *out) {
    for (size_t i = 0; elem_family_at(i); i++)
        if (elem_family_at(i)->find && elem_family_at(i)->find(name, out)) return true;
    return false;
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

/* Two neighbours and where rounding to nearest turns from one to the other. */
typedef struct pair {
    uint32_t low_code, high_code;
    double low, high, turn;
} pair;

/* Whether x between two neighbours becomes the upper one. */
static bool goes_up(rg_rounding rounding, const pair *p, double x) {
    const bool around_zero = p->low < 0 && p->high > 0; /* formats without zero: the sign stays */
    switch (rounding) {
    case RG_RZ:
        return around_zero ? x >= 0 : x < 0;
    case RG_RU:
        return true;
    case RG_RD:
        return false;
    case RG_RO:
        return around_zero ? x >= 0 : p->high_code & 1;
    case RG_RNA:
        return x > p->turn || (x == p->turn && x > 0);
    default:
        return x > p->turn || (x == p->turn && (p->low_code & 1));
    }
}

/* The code that stands for a number that rounds beyond the largest (or the least), or for infinity. */
static uint32_t overflow_code(const rg_elem *e, const rg_cast *cast, bool infinite, bool negative) {
    const elem_family *f = e->family;
    const uint32_t largest = f->code_at(e, negative ? 0 : f->count(e) - 1);
    if (!f->beyond) return largest;
    uint32_t infinity;
    f->beyond(e, &infinity);
    if (negative) infinity |= 1u << (e->bits - 1);
    const bool inward =
        cast->rounding == RG_RZ || cast->rounding == RG_RO || cast->rounding == (negative ? RG_RU : RG_RD);
    switch (cast->saturation) {
    case RG_SAT_PROPAGATE:
    case RG_SAT_CLAMP:
        return infinite ? infinity : largest;
    case RG_SAT_NONE:
        return infinite || !inward ? infinity : largest;
    case RG_SAT_OCP:
        return infinity;
    default:
        return largest;
    }
}

/* Whether x, above the largest number or below the least, rounds beyond it. Families without infinities have
   no number that would follow: there the last gap is taken to go on. */
static bool rounds_beyond(const rg_elem *e, const rg_cast *cast, bool above, double end, double x) {
    const elem_family *f = e->family;
    if (!f->beyond) {
        const uint32_t inner = above ? f->count(e) - 2 : 1;
        return fabs(x - end) > fabs(end - f->value(e, f->code_at(e, inner))) / 2;
    }
    uint32_t infinity;
    const double next = f->beyond(e, &infinity), size = fabs(x), largest = fabs(end);
    if (size >= next) return true;
    const pair p = {infinity - 1, infinity, largest, next, largest / 2 + next / 2};
    const rg_rounding rounding = above                     ? cast->rounding
                                 : cast->rounding == RG_RU ? RG_RD
                                 : cast->rounding == RG_RD ? RG_RU
                                                           : cast->rounding;
    return goes_up(rounding, &p, size);
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
    if (isinf(x)) return overflow_code(e, cast, true, x < 0);
    if (x == 0) x = 0; /* one zero */
    if (x < lowest || x > highest)
        *overflow = rounds_beyond(e, cast, x > highest, x > highest ? highest : lowest, x);
    if (*overflow) return overflow_code(e, cast, false, x < lowest);
    if (x <= lowest) return f->code_at(e, 0);
    if (x >= highest) return f->code_at(e, last);
    const uint32_t i = below(e, x), code = f->code_at(e, i);
    const double value = f->value(e, code);
    if (value == x) return code;
    pair p = {code, f->code_at(e, i + 1), value, 0, 0};
    p.high = f->value(e, p.high_code);
    p.turn = f->boundary ? f->boundary(e, i) : value / 2 + p.high / 2;
    return goes_up(cast->rounding, &p, x) ? p.high_code : code;
}
