/* One element of a format: the exact integer definition of every cast. In the common subset of C and CUDA C.
 */
#ifndef RIDGE_NUM_ELEM_H
#define RIDGE_NUM_ELEM_H

#include <math.h>
#include <string.h>

#include "ridge/num.h"

/* Element format of a name; false when there is none. */
bool elem_find(const char *name, rg_elem *out);

static inline uint32_t elem_bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Fields shorter than the code leave zeros below. */
static inline int elem_padding(const rg_elem *e) {
    return e->bits - (e->is_signed ? 1 : 0) - e->exponent_bits - e->mantissa_bits;
}

/* Largest code of a number, sign and padding left out. */
static inline uint32_t elem_max_code(const rg_elem *e) {
    if (e->kind == RG_ELEM_INT) return (1u << (e->bits - 1)) - 1;
    const uint32_t all = (uint32_t)(((uint64_t)1 << (e->exponent_bits + e->mantissa_bits)) - 1);
    switch (e->nan) {
    case RG_NAN_IEEE:
        return all - (1u << e->mantissa_bits);
    case RG_NAN_TOP:
    case RG_NAN_ONLY_FF:
        return all - 1;
    default:
        return all;
    }
}

/* |x| = significand 2^exponent, x finite; the significand has 24 bits unless x is zero. */
typedef struct elem_parts {
    uint32_t significand;
    int exponent;
} elem_parts;

static inline elem_parts elem_split(float x) {
    const uint32_t bits = elem_bits_of(x) & 0x7fffffffu;
    elem_parts p = {bits & 0x7fffffu, -149};
    if (bits >> 23) {
        p.significand |= 0x800000u;
        p.exponent = (int)(bits >> 23) - 150;
    } else {
        while (p.significand && !(p.significand & 0x800000u)) p.significand <<= 1, p.exponent--;
    }
    return p;
}

/* significand / 2^drop as an integer; `drop` >= 0. */
static inline uint32_t elem_round(uint32_t significand, int drop, rg_rounding rounding, bool negative) {
    if (drop > 26)
        significand = significand != 0, drop = 26; /* below a quarter of the last place either way */
    const uint32_t kept = significand >> drop, rest = significand & ((1u << drop) - 1);
    const uint32_t half = (1u << drop) >> 1;
    bool up = false;
    switch (rounding) {
    case RG_RNE:
        up = drop && (rest > half || (rest == half && (kept & 1)));
        break;
    case RG_RNA:
        up = drop && rest >= half;
        break;
    case RG_RU:
        up = rest && !negative;
        break;
    case RG_RD:
        up = rest && negative;
        break;
    case RG_RO:
        up = rest && !(kept & 1);
        break;
    default:
        break;
    }
    return kept + up;
}

/* Code of what overflows: the sign is the caller's. Fields without padding. */
static inline uint32_t elem_overflow(const rg_elem *e, const rg_cast *cast, bool infinite, bool negative) {
    const uint32_t max = elem_max_code(e);
    if (e->kind == RG_ELEM_INT) return max;
    const bool has_inf = e->nan == RG_NAN_IEEE;
    switch (cast->saturation) {
    case RG_SAT_PROPAGATE:
        return infinite && has_inf ? max + 1 : max;
    case RG_SAT_NONE: {
        const bool inward = cast->rounding == RG_RZ || cast->rounding == RG_RO ||
                            cast->rounding == (negative ? RG_RU : RG_RD);
        return has_inf && (infinite || !inward) ? max + 1 : max;
    }
    case RG_SAT_OCP:
        return e->nan == RG_NAN_NONE ? max : max + 1;
    default:
        return max;
    }
}

/* e8m0: powers of two alone, so rounding looks at the code's parity. */
static inline uint32_t elem_cast_power(const rg_elem *e, const rg_cast *cast, float x, bool *overflow) {
    const elem_parts p = elem_split(x);
    const int exponent = p.exponent + 23;
    if (p.significand == 0 || exponent < -e->bias) return 0;
    const uint32_t code = (uint32_t)(exponent + e->bias), fraction = p.significand & 0x7fffffu;
    const bool odd = code & 1;
    bool up = false;
    switch (cast->rounding) {
    case RG_RNE:
        up = fraction > 0x400000u || (fraction == 0x400000u && odd);
        break;
    case RG_RNA:
        up = fraction >= 0x400000u;
        break;
    case RG_RU:
        up = fraction != 0;
        break;
    case RG_RO:
        up = fraction && !odd;
        break;
    default:
        break;
    }
    const uint32_t max = elem_max_code(e);
    *overflow = code + up > max;
    return *overflow ? elem_overflow(e, cast, false, false) : code + up;
}

/* The definition. *overflow: x is finite and rounds beyond the largest value. */
static inline uint32_t elem_cast(const rg_elem *e, const rg_cast *cast, float x, bool *overflow) {
    const uint32_t bits = elem_bits_of(x);
    *overflow = false;
    if (e->bits == 32 && e->mantissa_bits == 23) return bits;
    const bool nan = (bits & 0x7fffffffu) > 0x7f800000u, infinite = (bits & 0x7fffffffu) == 0x7f800000u;
    const bool negative = bits >> 31;
    const int padding = e->kind == RG_ELEM_INT ? 0 : elem_padding(e);
    const uint32_t max = elem_max_code(e);
    uint32_t code;
    if (nan) {
        if (e->kind == RG_ELEM_INT || e->nan == RG_NAN_NONE) return max;
        return (uint32_t)(((uint64_t)1 << (e->exponent_bits + e->mantissa_bits)) - 1) << padding;
    }
    if (infinite) {
        code = elem_overflow(e, cast, true, negative && e->is_signed);
    } else if (!e->has_subnormals && e->kind == RG_ELEM_FLOAT) {
        return elem_cast_power(e, cast, x, overflow);
    } else {
        const elem_parts p = elem_split(x);
        const bool is_int = e->kind == RG_ELEM_INT;
        const int floor_exponent = is_int ? 0 : 1 - e->bias - e->mantissa_bits; /* of the last place */
        int last = is_int ? 0 : p.exponent + 23 - e->mantissa_bits;
        if (last < floor_exponent) last = floor_exponent;
        const int drop = last - p.exponent;
        if (drop < 0) /* only integers */
            code = max + 1;
        else
            code = elem_round(p.significand, drop, cast->rounding, negative) +
                   ((uint32_t)(last - floor_exponent) << e->mantissa_bits);
        if (code > max) {
            *overflow = true;
            code = elem_overflow(e, cast, false, negative && e->is_signed);
        }
    }
    if (e->kind == RG_ELEM_INT) return (negative ? 0u - code : code) & ((2u << (e->bits - 1)) - 1);
    if (!e->is_signed && negative) return 0; /* nothing below zero */
    code <<= padding;
    return e->is_signed && negative ? code | 1u << (e->bits - 1) : code;
}

static inline float elem_value(const rg_elem *e, uint32_t code) {
    if (e->bits == 32) {
        float x;
        memcpy(&x, &code, sizeof x);
        return x; /* fp32, and tf32 whose fields are those of fp32 */
    }
    if (e->kind == RG_ELEM_INT) {
        const uint32_t sign = 1u << (e->bits - 1);
        return (float)((int32_t)((code & (2 * sign - 1)) ^ sign) - (int32_t)sign);
    }
    const uint32_t all = (1u << (e->exponent_bits + e->mantissa_bits)) - 1;
    const bool negative = e->is_signed && code >> (e->bits - 1) & 1;
    const uint32_t magnitude = code & all, mantissa = magnitude & ((1u << e->mantissa_bits) - 1);
    const int field = (int)(magnitude >> e->mantissa_bits);
    float y;
    if (magnitude > elem_max_code(e))
        y = e->nan == RG_NAN_IEEE && mantissa == 0 ? INFINITY : NAN;
    else if (field == 0 && e->has_subnormals)
        y = ldexpf((float)mantissa, 1 - e->bias - e->mantissa_bits);
    else
        y = ldexpf((float)(mantissa | 1u << e->mantissa_bits), field - e->bias - e->mantissa_bits);
    return negative ? -y : y;
}

#endif
