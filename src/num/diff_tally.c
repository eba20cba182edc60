/* Differences sorted by where their inputs lie and by what becomes of them. */
#include <float.h>

#include "num/diff.h"

enum { MAX_TABLE_BITS = 16 };
static const double BESIDE =
    1 / 16.0; /* bf16 and fp16 turn a value by less than this share of an 8-bit gap */

static bool same_value(double a, double b) {
    return (isnan(a) && isnan(b)) || (a == b && signbit(a) == signbit(b));
}

diff_pair diff_pair_make(const rg_quant *a, const rg_quant *b) {
    const rg_elem *ea = &a->format.elem, *eb = &b->format.elem;
    diff_pair p = {.q = {a, b}};
    for (int i = 0; i < 2; i++) {
        const rg_elem *e = &p.q[i]->format.elem;
        p.max[i] = rg_elem_max(e);
        if (e->kind == RG_ELEM_FLOAT) p.normal[i] = rg_elem_min_normal(e) * (e->has_subnormals ? 1 : 2);
    }
    if (ea->bits == eb->bits && ea->bits <= MAX_TABLE_BITS) {
        p.n_codes = 1u << ea->bits;
        for (uint32_t c = 0; c < p.n_codes; c++)
            p.n_other_codes += !same_value(rg_elem_decode_double(ea, c), rg_elem_decode_double(eb, c));
        p.by_value = p.n_other_codes > 0;
    } else {
        p.by_value = strcmp(ea->name, eb->name) != 0;
    }
    return p;
}

static bool is_overflow_nan(double a, double b, const rg_elem *of_b) {
    return isinf(a) && isnan(b) && !of_b->has_inf;
}

bool diff_differs(const diff_pair *p, float x, diff_side a, diff_side b, bool *equated) {
    *equated = false;
    if (!p->by_value) return a.code != b.code;
    if (same_value(a.value, b.value)) return false;
    *equated = !isnan(x) && (is_overflow_nan(a.value, b.value, &p->q[1]->format.elem) ||
                             is_overflow_nan(b.value, a.value, &p->q[0]->format.elem));
    return !*equated;
}

/* Position of x between the two results, as a share of the gap; NaN where it is not between them. */
static double share_of(float x, diff_side a, diff_side b) {
    const double m = fabs((double)x), lo = fmin(fabs(a.value), fabs(b.value)),
                 hi = fmax(fabs(a.value), fabs(b.value));
    return isfinite(a.value) && isfinite(b.value) && lo <= m && m <= hi && lo < hi ? (m - lo) / (hi - lo)
                                                                                   : NAN;
}

/* Both take the magnitude of negative numbers. */
static bool magnitudes(const diff_pair *p, float x, diff_side a, diff_side b) {
    bool overflow;
    return num_cast(&p->q[0]->format.elem, &p->q[0]->cast, -x, 0, &overflow) == a.code &&
           num_cast(&p->q[1]->format.elem, &p->q[1]->cast, -x, 0, &overflow) == b.code;
}

diff_kind diff_classify(const diff_pair *p, float first, float last, diff_side a, diff_side b) {
    const double m = fabs((double)first);
    const bool has_sign = p->q[0]->format.elem.is_signed && p->q[1]->format.elem.is_signed;
    if (isnan(first)) return DIFF_NAN;
    if (isinf(first)) return DIFF_INFINITY;
    if (first == 0) return DIFF_ZERO;
    if (first < 0 && !has_sign && !magnitudes(p, first, a, b)) return DIFF_NEGATIVE;
    if (m > fmin(p->max[0], p->max[1])) return DIFF_OVERFLOW;
    if (p->q[0]->cast.subnormal != p->q[1]->cast.subnormal && m < fmax(p->normal[0], p->normal[1]))
        return DIFF_SUBNORMAL;
    const double s = share_of(first, a, b), e = share_of(last, a, b);
    if (isnan(s) || isnan(e) || p->n_other_codes) return DIFF_OTHER;
    if (s == 0.5 && e == 0.5) return DIFF_TIE;
    return fabs(s - 0.5) <= BESIDE && fabs(e - 0.5) <= BESIDE ? DIFF_BESIDE : DIFF_BETWEEN;
}

diff_range diff_range_add(diff_range r, double x, bool empty) {
    if (empty) return (diff_range){x, x};
    return (diff_range){fmin(r.least, x), fmax(r.most, x)};
}

/* Keeps the first two different results. NaN inputs: by code, else by value. */
static void add_output(diff_class *c, int side, diff_kind kind, diff_side s) {
    for (int i = 0; i < c->n_output[side] && i < 2; i++) {
        const diff_side *known = &c->output[side][i];
        if (kind == DIFF_NAN ? known->code == s.code : same_value(known->value, s.value)) return;
    }
    if (c->n_output[side] < 2) c->output[side][c->n_output[side]] = s;
    if (c->n_output[side] < 3) c->n_output[side]++;
}

void diff_note(diff_class *c, const diff_pair *p, diff_kind kind, float first, float last, diff_side a,
               diff_side b, uint64_t count) {
    const bool empty = c->count == 0, mirrored = signbit(first) && kind != DIFF_NAN && kind != DIFF_ZERO;
    const diff_side sides[] = {a, b};
    c->count += count;
    if (fabs(a.value) > fabs(b.value)) c->a_beyond += count;
    if (!isnan(first)) {
        c->magnitude = diff_range_add(c->magnitude, fabs((double)first), empty);
        c->magnitude = diff_range_add(c->magnitude, fabs((double)last), false);
    }
    if (kind >= DIFF_TIE && kind <= DIFF_BETWEEN) {
        c->share = diff_range_add(c->share, share_of(first, a, b), empty);
        c->share = diff_range_add(c->share, share_of(last, a, b), false);
    }
    for (int i = 0; i < 2; i++) {
        const bool turn = mirrored && p->q[i]->format.elem.is_signed;
        const double value = turn ? -sides[i].value : sides[i].value;
        c->n_even[i] += sides[i].code & 1 ? 0 : count;
        add_output(c, i, kind, (diff_side){sides[i].code, value});
    }
}

static uint32_t magnitude_of(float x) {
    return elem_bits_of(x) & 0x7fffffffu;
}

/* Points of NaN are kept while there is nothing else. */
static bool is_smaller(float x, float y) {
    return magnitude_of(x) < magnitude_of(y);
}

void diff_point_note(diff_tally *t, rg_diff_point point, uint64_t count) {
    const float x = point.x;
    t->n_differences += count;
    if (!signbit(x)) t->n_positive += count;
    if (!t->found || is_smaller(x, t->smallest.x)) t->smallest = point;
    if (!t->found) t->first = point;
    t->found = true;
    const double d = fabs(point.a_value - point.b_value) / fabs((double)x);
    if (isfinite(d) && isfinite(x) && d > t->largest_relative) t->largest_relative = d;
}

static void merge_class(diff_class *into, const diff_class *from, diff_kind kind) {
    if (from->count == 0) return;
    const bool empty = into->count == 0;
    diff_range *const to[] = {&into->magnitude, &into->share, &into->ratio, &into->fraction};
    const diff_range of[] = {from->magnitude, from->share, from->ratio, from->fraction};
    for (int i = 0; i < 4; i++) {
        *to[i] = diff_range_add(*to[i], of[i].least, empty);
        *to[i] = diff_range_add(*to[i], of[i].most, false);
    }
    into->count += from->count;
    into->a_beyond += from->a_beyond;
    for (int i = 0; i < 2; i++) {
        into->n_even[i] += from->n_even[i];
        for (int k = 0; k < from->n_output[i] && k < 2; k++) add_output(into, i, kind, from->output[i][k]);
        if (from->n_output[i] > 2) into->n_output[i] = 3;
    }
}

void diff_merge(diff_tally *into, const diff_tally *from) {
    for (int k = 0; k < DIFF_KINDS; k++) merge_class(&into->kind[k], &from->kind[k], (diff_kind)k);
    into->n_differences += from->n_differences;
    into->n_positive += from->n_positive;
    into->n_equated += from->n_equated;
    into->largest_relative = fmax(into->largest_relative, from->largest_relative);
    if (!from->found) return;
    if (!into->found || is_smaller(from->smallest.x, into->smallest.x)) into->smallest = from->smallest;
    if (!into->found) into->first = from->first;
    into->found = true;
}
