/* The C datapath: what a unit computes, from decoded values and wide integers. It shares no width, field or
   shift with the emitter. Aligned units follow the model of matrix units in docs/rtl.md. */
#include "ridge/rtl.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef unsigned __int128 wide;

/* magnitude 2^(exponent - fraction), the exponent that of the code's own field: a subnormal keeps e_min. */
typedef struct term {
    wide magnitude;
    int exponent, fraction;
    bool negative;
} term;

static term term_of(const rg_elem *elem, float x) {
    term t = {.negative = signbit(x) != 0};
    if (elem->kind == RG_ELEM_FLOAT) {
        const int e_min = 1 - elem->bias;
        t.fraction = elem->mantissa_bits;
        t.exponent = x == 0 || ilogbf(x) < e_min ? e_min : ilogbf(x);
    }
    t.magnitude = (wide)ldexp(fabs((double)x), t.fraction - t.exponent);
    return t;
}

static term product(const rg_rtl_unit *u, float x, float y) {
    const term a = term_of(&u->a, x), b = term_of(&u->b, y);
    return (term){a.magnitude * b.magnitude, a.exponent + b.exponent, a.fraction + b.fraction,
                  a.negative != b.negative};
}

/* NaN and infinities as IEEE 754 adds and multiplies them; true when there are any. */
static bool special(const rg_rtl_unit *u, const float *x, const float *y, float *result) {
    bool any = false;
    float sum = 0; /* finite products count as 0 here: they change no infinity */
    for (int i = 0; i < u->n; i++) {
        if (isfinite(x[i]) && isfinite(y[i])) continue;
        any = true;
        sum += x[i] * y[i];
    }
    *result = sum;
    return any;
}

/* sum 2^exponent, toward zero, to the bits of an fp32: too large gives the largest number, too small a zero
   of the same sign; a sum of 0 is +0. */
static uint32_t fp32_toward_zero(__int128 sum, int exponent) {
    wide magnitude = sum < 0 ? -(wide)sum : (wide)sum;
    while (magnitude >> 24 || (exponent < -149 && magnitude)) magnitude >>= 1, exponent++;
    double value = ldexp((double)magnitude, exponent); /* 24 bits: exact */
    if (value > FLT_MAX) value = FLT_MAX;
    const float result = (float)(sum < 0 ? -value : value);
    uint32_t bits;
    memcpy(&bits, &result, sizeof bits);
    return bits;
}

static uint32_t eval_aligned(const rg_rtl_unit *u, const float *x, const float *y) {
    float odd;
    if (special(u, x, y, &odd)) return isnan(odd) ? 0x7fffffffu : odd < 0 ? 0xff800000u : 0x7f800000u;
    int top = -126;
    bool found = false;
    for (int i = 0; i < u->n; i++) {
        const term p = product(u, x[i], y[i]);
        if (p.magnitude == 0) continue;
        if (!found || p.exponent > top) top = p.exponent;
        found = true;
    }
    if (top < -126) top = -126;
    __int128 sum = 0;
    for (int i = 0; i < u->n; i++) {
        const term p = product(u, x[i], y[i]);
        const int up = u->align - p.fraction + p.exponent - top;
        const wide kept = up >= 0 ? p.magnitude << (up < 100 ? up : 0) : -up < 100 ? p.magnitude >> -up : 0;
        sum += p.negative ? -(__int128)kept : (__int128)kept;
    }
    return fp32_toward_zero(sum, top - u->align);
}

static wide eval_exact(const rg_rtl_unit *u, const float *x, const float *y) {
    float odd;
    const int flag = u->output_bits - 1;
    if (special(u, x, y, &odd)) return (wide)1 << flag;
    const int lowest =
        (u->a.kind == RG_ELEM_FLOAT ? 1 - u->a.bias : 0) + (u->b.kind == RG_ELEM_FLOAT ? 1 - u->b.bias : 0);
    __int128 sum = 0;
    for (int i = 0; i < u->n; i++) {
        const term p = product(u, x[i], y[i]);
        const __int128 value = (__int128)(p.magnitude << (p.exponent - lowest));
        sum += p.negative ? -value : value;
    }
    const bool flagged = u->a.nan != RG_NAN_NONE || u->b.nan != RG_NAN_NONE;
    const int bits = flagged ? flag : u->output_bits;
    return (wide)sum & (((wide)1 << bits) - 1);
}

void rg_rtl_unit_eval(const rg_rtl_unit *unit, const uint32_t *a, const uint32_t *b, uint64_t *out) {
    float x[64], y[64]; /* rg_rtl_unit_parse allows 64 lanes */
    for (int i = 0; i < unit->n && i < 64; i++) {
        x[i] = rg_elem_decode(&unit->a, a[i]);
        y[i] = rg_elem_decode(&unit->b, b[i]);
    }
    if (!unit->exact) {
        out[0] = eval_aligned(unit, x, y);
        return;
    }
    const wide result = eval_exact(unit, x, y);
    out[0] = (uint64_t)result;
    if (unit->output_bits > 64) out[1] = (uint64_t)(result >> 64);
}
