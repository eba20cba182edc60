/* One element of a format: the exact integer definition of every cast to floats and integers. In the common
   subset of C and CUDA C; what is known by its sorted values (posits, code books) follows in ordered.h. */
#ifndef RIDGE_NUM_ELEM_H
#define RIDGE_NUM_ELEM_H

#include <math.h>
#include <string.h>

#include "ridge/num.h"

/* A CUDA file may ask for calls in place of inline text: it compiles many times faster. */
#ifndef NUM_INLINE
#ifdef __CUDACC__
#define NUM_INLINE static inline __host__ __device__
#else
#define NUM_INLINE static inline
#endif
#endif

NUM_INLINE uint32_t elem_bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

NUM_INLINE float elem_float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The lowest n bits. */
NUM_INLINE uint32_t elem_ones(int n) {
    return n >= 32 ? 0xffffffffu : (1u << n) - 1;
}

/* Fields shorter than the code leave zeros below. */
NUM_INLINE int elem_padding(const rg_elem *e) {
    return e->bits - (e->is_signed ? 1 : 0) - e->exponent_bits - e->mantissa_bits;
}

/* All exponent and mantissa bits set. */
NUM_INLINE uint32_t elem_all_ones(const rg_elem *e) {
    return elem_ones(e->exponent_bits + e->mantissa_bits);
}

/* Code of infinity without sign and padding, where the format has one. */
NUM_INLINE uint32_t elem_inf_code(const rg_elem *e) {
    const uint32_t all = elem_all_ones(e);
    return e->nan == RG_NAN_IEEE ? all - elem_ones(e->mantissa_bits) : e->nan == RG_NAN_TOP ? all - 1 : all;
}

/* |x| = significand 2^exponent, x finite; the significand has 24 bits unless x is zero. */
typedef struct elem_parts {
    uint32_t significand;
    int exponent;
} elem_parts;

NUM_INLINE elem_parts elem_split(float x) {
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

/* value / 2^shift, rounded down; shifts of any size. */
NUM_INLINE uint64_t elem_shift_down(uint64_t value, int shift) {
    return shift <= 0 ? value << -shift : shift > 63 ? 0 : value >> shift;
}

/* Whether a stochastic rounding goes away from zero: the share v = rest / 2^drop of the gap, N random bits.
 */
NUM_INLINE bool elem_stochastic_up(const rg_cast *cast, uint32_t rest, int drop, uint32_t random) {
    const int n = cast->random_bits;
    if (rest == 0) return false;
    if (cast->rounding == RG_SRA) return elem_shift_down(rest, drop - n) + random >= (uint64_t)1 << n;
    if (cast->rounding == RG_SRB)
        return elem_shift_down(rest, drop - n - 1) + 2 * (uint64_t)random + 1 >= (uint64_t)2 << n;
    uint64_t share = elem_shift_down(rest, drop - n); /* then to nearest even */
    if (drop > n) {
        const uint64_t below = drop - n > 40 ? rest : rest & (((uint64_t)1 << (drop - n)) - 1);
        const uint64_t half = drop - n > 40 ? (uint64_t)1 << 40 : (uint64_t)1 << (drop - n - 1);
        share += below > half || (below == half && (share & 1));
    }
    return share + random >= (uint64_t)1 << n;
}

/* significand / 2^drop as an integer, `drop` >= 0. `parity`: 1 where an even integer has an odd code. */
NUM_INLINE uint32_t elem_round(const rg_cast *cast, uint32_t significand, int drop, bool negative,
                               uint32_t parity, uint32_t random) {
    const uint32_t kept = drop > 31 ? 0 : significand >> drop;
    const uint32_t rest = drop > 31 ? significand : significand & elem_ones(drop);
    const uint32_t half = drop > 31 ? 0xffffffffu : (1u << drop) >> 1; /* the significand has 24 bits */
    const bool odd = (kept + parity) & 1;
    bool up = false;
    switch (cast->rounding) {
    case RG_RNE:
        up = drop && (rest > half || (rest == half && odd));
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
        up = rest && !odd;
        break;
    case RG_SRA:
    case RG_SRB:
    case RG_SRC:
        up = elem_stochastic_up(cast, rest, drop, random);
        break;
    default:
        break;
    }
    return kept + up;
}

/* Code of what lies beyond the largest number; sign and padding are the caller's. */
NUM_INLINE uint32_t elem_overflow(const rg_elem *e, const rg_cast *cast, bool infinite, bool negative) {
    const uint32_t max = e->max_code;
    if (e->kind == RG_ELEM_INT) return max;
    switch (cast->saturation) {
    case RG_SAT_PROPAGATE:
        return infinite && e->has_inf ? elem_inf_code(e) : max;
    case RG_SAT_NONE: {
        const bool inward = cast->rounding == RG_RZ || cast->rounding == RG_RO ||
                            cast->rounding == (negative ? RG_RU : RG_RD);
        return e->has_inf && (infinite || !inward) ? elem_inf_code(e) : max;
    }
    case RG_SAT_CLAMP:
        if (!infinite) return max;
        /* fall through */
    case RG_SAT_OCP:
        if (e->has_inf) return elem_inf_code(e);
        if (e->nan == RG_NAN_NONE) return max;
        /* one above all ones is the sign alone: the NaN of MINUS_ZERO */
        return elem_all_ones(e) + (e->nan == RG_NAN_MINUS_ZERO);
    default:
        return max;
    }
}

/* Code of NaN, whole. */
NUM_INLINE uint32_t elem_nan(const rg_elem *e, const rg_cast *cast, bool negative) {
    const bool is_float = e->kind == RG_ELEM_FLOAT, has_nan = is_float && e->nan != RG_NAN_NONE;
    const int padding = is_float ? elem_padding(e) : 0;
    const uint32_t sign = e->is_signed && e->kind == RG_ELEM_FLOAT ? 1u << (e->bits - 1) : 0;
    const uint32_t all = is_float ? elem_all_ones(e) : 0;
    switch (cast->nan) {
    case RG_NAN_TO_ZERO:
        return 0;
    case RG_NAN_TO_NEGATED_ZERO:
        return !negative && e->nan != RG_NAN_MINUS_ZERO ? sign : 0;
    case RG_NAN_TO_MAX:
        return e->max_code << padding;
    default:
        break;
    }
    if (!has_nan) return e->max_code << padding;
    if (e->nan == RG_NAN_MINUS_ZERO) return sign;
    if (cast->nan == RG_NAN_CANONICAL) return all << padding;
    uint32_t code = all;
    if (cast->nan == RG_NAN_QUIET && e->nan == RG_NAN_IEEE)
        code = elem_inf_code(e) | (1u << e->mantissa_bits) >> 1;
    return code << padding | (negative ? sign : 0);
}

/* Code of a magnitude that is not zero, without sign and padding. */
NUM_INLINE uint32_t elem_magnitude(const rg_elem *e, const rg_cast *cast, elem_parts p, bool negative,
                                   uint32_t random) {
    if (e->kind == RG_ELEM_INT) {
        if (p.exponent > 0) return e->max_code + 2; /* beyond either range */
        return elem_round(cast, p.significand, -p.exponent, negative, 0, random);
    }
    const int lowest = e->has_subnormals ? 1 - e->bias - e->mantissa_bits : -e->bias - e->mantissa_bits;
    int last = p.exponent + 23 - e->mantissa_bits; /* exponent of the last place of the result */
    if (last < lowest) {
        if (!e->has_subnormals) return 0; /* no zero: the least power of two */
        last = lowest;
    }
    if (cast->subnormal == RG_SUBNORMAL_UP && !e->has_subnormals && last == lowest)
        return p.significand > 0x800000u;
    if (cast->subnormal == RG_SUBNORMAL_ROUND && last == lowest && p.exponent + 23 < 1 - e->bias) {
        /* in units of the least normal */
        const uint32_t normal =
            elem_round(cast, p.significand, 1 - e->bias - p.exponent, negative, 0, random);
        return normal << e->mantissa_bits;
    }
    if (!e->has_subnormals && cast->scale_rule == RG_SCALE_LOG) { /* (significand / 2^23)^2 against 2 */
        const uint64_t square = (uint64_t)p.significand * p.significand;
        return (uint32_t)(last - lowest) + (square >= (uint64_t)1 << 47);
    }
    /* Where the significand is one bit, its parity says nothing and that of the code counts (P3109 v4.0). */
    const uint32_t field = (uint32_t)(last - lowest);
    const uint32_t hidden = e->has_subnormals ? 0 : 1u << e->mantissa_bits;
    const uint32_t parity = e->mantissa_bits == 0 ? field + hidden : 0;
    const uint32_t n = elem_round(cast, p.significand, last - p.exponent, negative, parity, random);
    return (field << e->mantissa_bits) + n - hidden;
}

/* Formats without a sign: what the cast says of negative numbers. True when *code is the answer. */
NUM_INLINE bool elem_negative(const rg_elem *e, const rg_cast *cast, float x, uint32_t random,
                              uint32_t *code) {
    rg_negative_policy policy = cast->negative;
    if (policy == RG_NEGATIVE_DEFAULT) {
        policy = RG_NEGATIVE_CLAMP;
        if (!e->has_subnormals)
            policy = RG_NEGATIVE_MAGNITUDE;
        else if (cast->saturation == RG_SAT_NONE) /* P3109 rounds first: what becomes zero is in range */
            policy = isinf(x) || elem_magnitude(e, cast, elem_split(x), true, random) ? RG_NEGATIVE_NAN
                                                                                      : RG_NEGATIVE_CLAMP;
    }
    if (policy == RG_NEGATIVE_MAGNITUDE) return false;
    *code = policy == RG_NEGATIVE_NAN ? elem_nan(e, cast, false) : 0;
    return true;
}

/* The definition, for floats and integers. *overflow: x is finite and rounds beyond the largest value.
   `random`: N bits, for stochastic rounding alone. */
NUM_INLINE uint32_t elem_cast_once(const rg_elem *e, const rg_cast *cast, float x, uint32_t random,
                                   bool *overflow) {
    const uint32_t bits = elem_bits_of(x), magnitude = bits & 0x7fffffffu;
    bool negative = bits >> 31;
    const bool is_int = e->kind == RG_ELEM_INT;
    uint32_t code = 0;
    *overflow = false;
    if (magnitude > 0x7f800000u) return elem_nan(e, cast, negative);
    if (magnitude == 0) {
        if (cast->zero == RG_ZERO_NAN && !is_int && !e->has_subnormals) return elem_nan(e, cast, negative);
    } else if (negative && !e->is_signed && elem_negative(e, cast, x, random, &code)) {
        return code;
    }
    if (!e->is_signed) negative = false;
    const uint32_t lower = is_int && negative && cast->range == RG_RANGE_FULL; /* one more number below */
    if (magnitude == 0x7f800000u) {
        code = elem_overflow(e, cast, true, negative) + lower;
    } else if (magnitude) {
        code = elem_magnitude(e, cast, elem_split(x), negative, random);
        if (code > e->max_code + lower) {
            *overflow = true;
            code = elem_overflow(e, cast, false, negative) + lower;
        }
        if (cast->subnormal == RG_SUBNORMAL_FLUSH && !is_int && e->has_subnormals &&
            code >> e->mantissa_bits == 0)
            code = 0;
    }
    if (is_int) return (negative ? 0u - code : code) & elem_ones(e->bits);
    if (e->nan == RG_NAN_MINUS_ZERO && code == 0) return 0;
    code <<= elem_padding(e);
    const bool plus = code == 0 && cast->zero == RG_ZERO_PLUS;
    return negative && !plus ? code | 1u << (e->bits - 1) : code;
}

/* fp32 is what comes in: nothing to do. */
NUM_INLINE bool elem_is_fp32(const rg_elem *e) {
    return e->kind == RG_ELEM_FLOAT && e->bits == 32 && e->exponent_bits == 8 && e->mantissa_bits == 23 &&
           e->nan == RG_NAN_IEEE;
}

/* x by way of a wider format, to nearest even; infinity and NaN stay. */
NUM_INLINE float elem_via(rg_via via, float x) {
    const uint32_t bits = elem_bits_of(x), magnitude = bits & 0x7fffffffu;
    if (via == RG_VIA_NONE || magnitude == 0 || magnitude >= 0x7f800000u) return x;
    if (via == RG_VIA_BF16) return elem_float_of((bits + 0x7fffu + (bits >> 16 & 1)) & 0xffff0000u);
    const rg_cast nearest = {RG_RNE};
    elem_parts p = elem_split(x);
    int last = p.exponent + 13;
    if (last < -24) last = -24;
    const float y = ldexpf((float)elem_round(&nearest, p.significand, last - p.exponent, false, 0, 0), last);
    const float z = y > 65504.0f ? INFINITY : y;
    return bits >> 31 ? -z : z;
}

NUM_INLINE uint32_t elem_cast(const rg_elem *e, const rg_cast *cast, float x, uint32_t random,
                              bool *overflow) {
    *overflow = false;
    if (elem_is_fp32(e)) return elem_bits_of(x);
    return elem_cast_once(e, cast, elem_via(cast->via, x), random, overflow);
}

/* Value of a code of a float or an integer as y 2^exponent; special codes give infinity and NaN. */
NUM_INLINE double elem_value_parts(const rg_elem *e, uint32_t code, int *exponent) {
    *exponent = 0;
    if (e->kind == RG_ELEM_INT) {
        const uint32_t sign = 1u << (e->bits - 1);
        if (!e->is_signed) return (double)(code & elem_ones(e->bits));
        return (double)((int64_t)((code & elem_ones(e->bits)) ^ sign) - (int64_t)sign);
    }
    const uint32_t all = elem_all_ones(e), magnitude = (code >> elem_padding(e)) & all;
    const bool negative = e->is_signed && code >> (e->bits - 1) & 1;
    const uint32_t mantissa = magnitude & elem_ones(e->mantissa_bits);
    const int field = (int)(magnitude >> e->mantissa_bits);
    double y;
    if (e->nan == RG_NAN_MINUS_ZERO && negative && magnitude == 0) return NAN;
    if (e->has_inf && magnitude == elem_inf_code(e))
        y = INFINITY;
    else if ((e->nan == RG_NAN_IEEE && magnitude > elem_inf_code(e)) ||
             (e->nan == RG_NAN_TOP && magnitude == all))
        y = NAN;
    else if (field == 0 && e->has_subnormals)
        y = (double)mantissa, *exponent = 1 - e->bias - e->mantissa_bits;
    else
        y = (double)(mantissa | 1u << e->mantissa_bits), *exponent = field - e->bias - e->mantissa_bits;
    return negative ? -y : y;
}

NUM_INLINE double elem_value_double(const rg_elem *e, uint32_t code) {
    int exponent;
    const double y = elem_value_parts(e, code, &exponent);
    return ldexp(y, exponent);
}

NUM_INLINE float elem_value(const rg_elem *e, uint32_t code) {
    if (elem_is_fp32(e)) return elem_float_of(code);
    return (float)elem_value_double(e, code);
}

#endif
