/* Casts in lanes, one text for every instruction set. Included only by the cast_*.c files. */
#ifndef RIDGE_KERNELS_CAST_TEXT_H
#define RIDGE_KERNELS_CAST_TEXT_H

#include "kernels/random_text.h"

/* ---- any rounding: integers, as in num/elem.h -----------------------------------------------------------
 */

/* significand / 2^drop as an integer. `odd`: what is added to the parity of the result; `away`: ones where
   directed rounding goes away from zero. */
OP ivec round_lanes(const rg_cast_plan *p, int kind, ivec s, ivec drop, ivec odd, ivec away, ivec random) {
    const ivec one = i_all(1);
    switch (kind) {
    case RG_RNE: {
        const ivec bit = i_and(i_add(i_shr(s, drop), odd), one);
        const ivec half = i_shr(i_shl(one, drop), one);
        return i_shr(i_add(s, i_add(i_sub(half, one), bit)), drop);
    }
    case RG_RNA:
        return i_shr(i_add(s, i_shr(i_shl(one, drop), one)), drop);
    case RG_RU:
    case RG_RD:
        return i_shr(i_add(s, i_and(i_sub(i_shl(one, drop), one), away)), drop);
    case RG_RO: {
        const ivec kept = i_shr(s, drop);
        const mask inexact = m_not(i_equal(i_shl(kept, drop), s));
        const mask even = i_equal(i_and(i_add(kept, odd), one), i_all(0));
        return i_add(kept, i_select(m_and(inexact, even), one, i_all(0)));
    }
    case RG_SRA: {
        const ivec n = i_all((uint32_t)p->random_bits);
        const ivec share = i_shr(s, i_max(i_sub(drop, n), i_all(0)));
        return i_shr(i_add(share, random), n);
    }
    case RG_SRB: {
        const ivec n = i_all((uint32_t)p->random_bits + 1);
        const ivec share = i_shr(s, i_max(i_sub(drop, n), i_all(0)));
        return i_shr(i_add(share, i_add(i_add(random, random), one)), n);
    }
    case RG_SRC: {
        const ivec n = i_all((uint32_t)p->random_bits);
        const ivec below = i_min(i_max(i_sub(drop, n), one), i_all(25));
        const ivec bit = i_and(i_shr(s, below), one), half = i_shr(i_shl(one, below), one);
        const ivec share = i_shr(i_add(s, i_add(i_sub(half, one), bit)), below);
        return i_shr(i_add(share, random), n);
    }
    default:
        return i_shr(s, drop);
    }
}

OP ivec magnitude_of(ivec bits) {
    return i_and(bits, i_all(0x7fffffffu));
}

/* Ones where the sign counts and is set. */
OP ivec negative_lanes(const rg_cast_plan *p, ivec bits) {
    const mask negative = i_greater(i_all(0), bits);
    return p->is_signed ? i_select(negative, i_all(0xffffffffu), i_all(0)) : i_all(0);
}

/* |x| = significand 2^(exponent - 150), exponent at least 1 but for formats below fp32's normal numbers. */
OP void split_lanes(const rg_cast_plan *p, ivec magnitude, ivec *significand, ivec *exponent) {
    const ivec one = i_all(1), places = i_all(23);
    *exponent = i_max(i_shr(magnitude, places), one);
    *significand = i_sub(magnitude, i_shl(i_sub(*exponent, one), places));
    if (!p->normalize) return;
    const ivec exact = i_of(f_from(magnitude)); /* of a subnormal: below 2^23 */
    const mask subnormal = i_greater(i_all(0x800000), magnitude);
    const ivec field = i_sub(i_shr(exact, places), i_all(149));
    const ivec normal = i_or(i_and(exact, i_all(0x7fffff)), i_all(0x800000));
    const mask zero = i_equal(magnitude, i_all(0));
    *exponent = i_select(subnormal, field, *exponent);
    *significand = i_select(subnormal, normal, *significand);
    *exponent = i_select(zero, i_all((uint32_t)p->lowest), *exponent);
    *significand = i_select(zero, i_all(p->powers ? 0x800000 : 0), *significand);
}

/* Code of a magnitude without sign and padding, possibly beyond max_code. */
OP ivec code_lanes(const rg_cast_plan *p, int kind, ivec magnitude, ivec negative, ivec random) {
    const ivec zero = i_all(0), m = i_all((uint32_t)p->mantissa_bits);
    ivec significand, exponent;
    split_lanes(p, magnitude, &significand, &exponent);
    const ivec above = i_sub(exponent, i_all((uint32_t)p->lowest)), field = i_max(above, zero);
    const mask below = i_greater(zero, above);
    const ivec hidden = i_all(p->powers ? 1 : 0);
    ivec drop = i_add(i_all((uint32_t)(23 - p->mantissa_bits)), i_sub(field, above));
    if (p->coarse) drop = i_add(drop, i_select(below, m, zero));
    const int most = kind == RG_SRA || kind == RG_SRB || kind == RG_SRC ? 31 + p->random_bits : 25;
    drop = i_min(drop, i_all((uint32_t)most));
    const ivec odd = p->mantissa_bits == 0 ? i_add(field, hidden) : zero;
    const ivec away = kind == RG_RU ? i_xor(negative, i_all(0xffffffffu)) : negative;
    ivec n = round_lanes(p, kind, significand, drop, odd, away, random);
    if (p->coarse) n = i_shl(n, i_select(below, m, zero));
    ivec code = i_sub(i_add(i_shl(field, m), n), hidden);
    if (p->powers) code = i_select(below, zero, code);
    return code;
}

/* Through another format, to nearest even. */
OP ivec via_lanes(rg_via via, ivec bits) {
    const ivec magnitude = magnitude_of(bits);
    const mask finite = i_greater(i_all(0x7f800000), magnitude);
    if (via == RG_VIA_BF16) {
        const ivec odd = i_and(i_shr(bits, i_all(16)), i_all(1));
        const ivec y = i_and(i_add(bits, i_add(i_all(0x7fff), odd)), i_all(0xffff0000u));
        return i_select(finite, y, bits);
    }
    /* fp16: its last place is that of the sum with 2^13 times the binade; above 65504 infinity */
    const ivec top = i_max(i_and(magnitude, i_all(0x7f800000)), i_all((127 - 14) << 23));
    const fvec big = f_of(i_add(i_min(top, i_all((127 + 16) << 23)), i_all(13 << 23)));
    const fvec v = f_min(f_of(magnitude), f_all(0x1p17f));
    const ivec y = i_of(f_sub(f_add(v, big), big));
    const ivec z = i_select(i_greater(y, i_all(0x477fe000)), i_all(0x7f800000), y);
    return i_select(finite, i_sign(z, bits), bits);
}

/* Inputs that are no ordinary numbers, over what was made of them. */
OP ivec special_lanes(const rg_cast_plan *p, ivec bits, ivec result, const uint32_t inf[2],
                      const uint32_t nan[2], uint32_t zero, uint32_t below_zero) {
    const ivec magnitude = magnitude_of(bits), infinity = i_all(0x7f800000);
    const mask negative = i_greater(i_all(0), bits);
    if (p->special) {
        if (p->special_inf)
            result = i_select(i_equal(magnitude, infinity), i_select(negative, i_all(inf[1]), i_all(inf[0])),
                              result);
        if (p->special_zero) result = i_select(i_equal(magnitude, i_all(0)), i_all(zero), result);
        if (p->special_negative)
            result = i_select(m_and(negative, i_greater(magnitude, i_all(0))), i_all(below_zero), result);
    }
    return i_select(i_greater(magnitude, infinity), i_select(negative, i_all(nan[1]), i_all(nan[0])), result);
}

/* ---- codes ----------------------------------------------------------------------------------------------
 */

/* Sign and padding; integers: two's complement. */
OP ivec signed_code(const rg_cast_plan *p, ivec code, ivec negative) {
    if (p->integer)
        return i_and(i_sub(i_xor(code, negative), negative),
                     i_all((uint32_t)(((uint64_t)1 << p->code_bits) - 1)));
    ivec sign = i_and(negative, i_all(p->is_signed ? 1u << (p->code_bits - 1) : 0));
    if (p->plus) sign = i_select(i_equal(code, i_all(0)), i_all(0), sign);
    return i_or(p->padding ? i_shl(code, i_all((uint32_t)p->padding)) : code, sign);
}

OP ivec encode_any(const rg_cast_plan *p, int kind, ivec bits, ivec random) {
    if (p->via) bits = via_lanes(p->via, bits);
    const ivec negative = negative_lanes(p, bits), max = i_all((uint32_t)p->max_code);
    ivec code = code_lanes(p, kind, magnitude_of(bits), negative, random);
    const mask over = i_greater(code, max);
    if (p->clamp) code = i_min(code, max);
    if (p->flush) code = i_select(i_greater(i_all(1u << p->mantissa_bits), code), i_all(0), code);
    code = signed_code(p, code, negative);
    if (!p->clamp) {
        const mask minus = i_greater(i_all(0), negative);
        code = i_select(over, i_select(minus, i_all(p->over_code[1]), i_all(p->over_code[0])), code);
    }
    return special_lanes(p, bits, code, p->inf_code, p->nan_code, p->zero_code, p->negative_code);
}

/* The number whose unit in the last place is that of |x| in the format: |x| plus it rounds to nearest even.
 */
OP ivec adder(const rg_cast_plan *p, ivec magnitude, ivec *binade) {
    *binade = i_max(i_and(magnitude, i_all(0x7f800000)), i_all((uint32_t)p->add_lowest << 23));
    return i_add(*binade, i_all((uint32_t)(23 - p->add_mantissa) << 23));
}

/* |x| in units of the last place, to nearest even or by random bits: those are added to as many more places,
   which a smaller adder keeps. */
OP ivec units_lanes(const rg_cast_plan *p, int kind, ivec magnitude, ivec big, ivec random) {
    if (kind == RG_CAST_ADD) return i_sub(i_of(f_add(f_of(magnitude), f_of(big))), big);
    const ivec finer = i_sub(big, i_all((uint32_t)p->random_bits << 23));
    const ivec share = i_sub(i_of(f_add_down(f_of(magnitude), f_of(finer))), finer);
    return i_shr(i_add(share, random), i_all((uint32_t)p->random_bits));
}

OP ivec encode_add(const rg_cast_plan *p, int kind, ivec bits, ivec random) {
    const mask nan = f_is_nan(f_of(bits));
    const ivec magnitude = i_of(f_min(f_of(magnitude_of(bits)), f_all(p->max)));
    ivec binade;
    const ivec big = adder(p, magnitude, &binade);
    const ivec n = units_lanes(p, kind, magnitude, big, random);
    const ivec field =
        i_shr(i_sub(binade, i_all((uint32_t)p->add_lowest << 23)), i_all((uint32_t)(23 - p->add_mantissa)));
    const ivec code = signed_code(p, i_add(field, n), negative_lanes(p, bits));
    return i_select(nan, i_all(p->nan_code[0]), code);
}

OP ivec encode_lanes(const rg_cast_plan *p, int kind, ivec bits, ivec random) {
    return kind >= RG_CAST_ADD ? encode_add(p, kind, bits, random) : encode_any(p, kind, bits, random);
}

/* ---- values ---------------------------------------------------------------------------------------------
 */

/* Value of a code without sign and padding. */
OP ivec value_lanes(const rg_cast_plan *p, ivec code) {
    const ivec shift = i_all((uint32_t)(23 - p->mantissa_bits));
    if (p->integer) return i_of(f_from(code));
    if (p->powers) { /* the exponent is the code's; field 0 is 2^-127 */
        const ivec field = i_add(code, i_all((uint32_t)p->lowest));
        return i_max(i_shl(field, i_all(23)), i_all(0x00400000));
    }
    const ivec normal = i_add(i_shl(code, shift), i_all((uint32_t)(p->lowest - 1) << 23));
    if (p->lowest == 1) return normal; /* subnormals of fp32 */
    const ivec subnormal = i_of(f_mul(f_from(code), f_all(p->unit)));
    return i_select(i_greater(i_all(1u << p->mantissa_bits), code), subnormal, normal);
}

OP fvec qdq_any(const rg_cast_plan *p, int kind, ivec bits, ivec random) {
    if (p->via) bits = via_lanes(p->via, bits);
    const ivec negative = negative_lanes(p, bits), max = i_all((uint32_t)p->max_code);
    ivec code = code_lanes(p, kind, magnitude_of(bits), negative, random);
    const mask over = i_greater(code, max);
    if (p->clamp) code = i_min(code, max);
    if (p->flush) code = i_select(i_greater(i_all(1u << p->mantissa_bits), code), i_all(0), code);
    const ivec unsigned_value = value_lanes(p, code);
    ivec y = i_sign(unsigned_value, negative);
    if (p->plus) y = i_select(i_equal(code, i_all(0)), unsigned_value, y);
    uint32_t over_bits[2], inf[2], nan[2], zero, below_zero;
    memcpy(over_bits, p->over_value, sizeof over_bits);
    memcpy(inf, p->inf_value, sizeof inf);
    memcpy(nan, p->nan_value, sizeof nan);
    memcpy(&zero, &p->zero_value, sizeof zero);
    memcpy(&below_zero, &p->negative_value, sizeof below_zero);
    if (!p->clamp) {
        const mask minus = i_greater(i_all(0), negative);
        y = i_select(over, i_select(minus, i_all(over_bits[1]), i_all(over_bits[0])), y);
    }
    return f_of(special_lanes(p, bits, y, inf, nan, zero, below_zero));
}

/* `finite`: x is known to be. */
OP fvec qdq_add(const rg_cast_plan *p, int kind, ivec bits, ivec random, bool finite) {
    const ivec magnitude = i_of(f_min(f_of(magnitude_of(bits)), f_all(p->max)));
    ivec binade;
    const ivec big = adder(p, magnitude, &binade);
    const fvec sum = kind == RG_CAST_ADD ? f_add(f_of(magnitude), f_of(big))
                                         : f_of(i_add(units_lanes(p, kind, magnitude, big, random), big));
    ivec y = i_sign(i_of(f_sub(sum, f_of(big))), bits);
    if (p->plus) y = i_of(f_add(f_of(y), f_all(0.0f)));
    if (finite) return f_of(y);
    return f_of(i_select(f_is_nan(f_of(bits)), i_of(f_all(p->nan_value[0])), y));
}

OP fvec qdq_lanes(const rg_cast_plan *p, int kind, ivec bits, ivec random) {
    return kind >= RG_CAST_ADD ? qdq_add(p, kind, bits, random, false) : qdq_any(p, kind, bits, random);
}

#endif
