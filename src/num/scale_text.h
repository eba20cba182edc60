/* Scales: one rule for each way of choosing, exponents taken from bits and never from a rounded logarithm
   (but for the rule that is one). Included by scale_rules.c and by the CUDA kernels. */
#ifndef RIDGE_NUM_SCALE_TEXT_H
#define RIDGE_NUM_SCALE_TEXT_H

#include "num/scale.h"

#include <float.h>

enum { E8M0_BIAS = 127, E8M0_MAX = 254, E8M0_NAN = 255 };

NUM_SHARED float num_amax(const num_group *g) {
    float amax = 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->cols; c++) {
            const float a = fabsf(g->x[r * g->stride + c]);
            if (a > amax && a <= 3.402823466e38f) amax = a;
        }
    return amax;
}

/* order=folded: what a tensor is multiplied by to reach the range of elements and scales. */
NUM_INLINE float tensor_gain(const rg_format *f, float amax) {
    if (!f->tensor_scale || amax == 0) return 1;
    const float range = (float)num_max(&f->elem) * (float)num_max(&f->scale);
    const float gain = fminf(range / amax, FLT_MAX);
    return gain == 0 ? 1 : gain;
}

NUM_SHARED float num_tensor_scale(const rg_quant *q, float amax) {
    const rg_format *f = &q->format;
    if (q->cast.order == RG_ORDER_FOLDED) return 1 / tensor_gain(f, amax);
    return amax / ((float)num_max(&f->elem) * (float)num_max(&f->scale));
}

/* ---- one element under a scale ----------------------------------------------------------------------- */

NUM_SHARED uint32_t num_element_code(const rg_quant *q, const num_scale *s, float x, uint64_t index,
                                     bool *overflow) {
    const rg_elem *e = &q->format.elem;
    if (q->format.span == RG_SPAN_NONE) return num_cast(e, &q->cast, x, index, overflow);
    if (!q->format.zero_point) {
        const float v = s->multiply     ? x * s->by
                        : s->value != 0 ? x / s->value
                        : isnan(x)      ? x
                                        : copysignf(0, x);
        return num_cast(e, &q->cast, v, index, overflow);
    }
    /* Zero point: rounded on a grid without ends, so that both ends clamp after the zero is added. */
    const int max = (2 << (e->bits - 1)) - 1;
    *overflow = false;
    if (isnan(x)) return (uint32_t)max;
    const float v = s->value != 0 ? x / s->value : 0;
    if (!(fabsf(v) < 0x1p20f)) return v > 0 ? (uint32_t)max : 0;
    rg_elem wide = *e;
    wide.kind = RG_ELEM_INT;
    wide.bits = 24;
    wide.is_signed = true;
    wide.max_code = (1u << 23) - 1;
    const int code = (int)elem_value(&wide, num_cast(&wide, &q->cast, v, index, overflow)) + s->zero;
    *overflow = code < 0 || code > max;
    return (uint32_t)(code < 0 ? 0 : code > max ? max : code);
}

NUM_SHARED float num_element_value(const rg_format *f, const num_scale *s, uint32_t code) {
    if (f->span == RG_SPAN_NONE) return num_value(&f->elem, code);
    if (f->zero_point) {
        const uint32_t max = (2u << (f->elem.bits - 1)) - 1;
        return (float)((int)(code & max) - s->zero) * s->value;
    }
    return num_value(&f->elem, code) * s->value;
}

NUM_SHARED num_scale num_scale_read(const rg_format *f, uint32_t code, int zero, float tensor) {
    const float stored = num_value(&f->scale, code);
    num_scale s = {code, zero, stored, false, 0};
    if (f->tensor_scale) s.value = stored * tensor;
    /* OCP MX v1.0 5.3: an integer element of b bits stands for q 2^-(b-2) */
    if (f->power_of_two_scale && f->elem.kind == RG_ELEM_INT) s.value = ldexpf(stored, 2 - f->elem.bits);
    return s;
}

/* ---- rules --------------------------------------------------------------------------------------------- */

/* e8m0 code of 2^exponent */
NUM_INLINE uint32_t power_code(int exponent) {
    const int code = exponent + E8M0_BIAS;
    return (uint32_t)(code < 0 ? 0 : code > E8M0_MAX ? E8M0_MAX : code);
}

/* Squared or absolute error of the group under one scale, in the order of the elements. */
NUM_INLINE double error_under(const rg_quant *q, const num_scale *s, const num_group *g, bool squared) {
    double sum = 0;
    bool overflow;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->cols; c++) {
            const size_t at = r * g->stride + c;
            if (!isfinite(g->x[at])) continue;
            const uint32_t code = num_element_code(q, s, g->x[at], g->first + at, &overflow);
            const double d = (double)num_element_value(&q->format, s, code) - (double)g->x[at];
            sum += squared ? d * d : fabs(d);
        }
    return sum;
}

/* The same, each sub-block under its own scale. */
NUM_INLINE double group_error(const rg_quant *q, const num_scale *s, const num_group *g, bool squared) {
    if (!q->format.sub_block) return error_under(q, s, g, squared);
    double sum = 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0, wide = (size_t)q->format.sub_block; c < g->cols; c += wide) {
            const size_t at = r * g->stride + c, n = g->cols - c < wide ? g->cols - c : wide;
            const num_group sub = {g->x + at, 1, n, n, g->first + at};
            const num_scale own = num_scale_shift(s, num_shift_choose(q, s, &sub));
            sum += error_under(q, &own, &sub, squared);
        }
    return sum;
}

/* Exponent by the rules that look at amax alone. The largest element is M = m 2^e, 1 <= m < 2. */
NUM_INLINE int rule_exponent(const rg_quant *q, float amax) {
    const rg_elem *elem = &q->format.elem;
    const bool is_int = elem->kind == RG_ELEM_INT;
    /* integers of OCP MX: M = (2^(b-1) - 1) / 2^(b-2), e = 0 */
    const double largest = num_max(elem) * (is_int ? ldexp(1.0, 2 - elem->bits) : 1);
    const int e = ilogb(largest), a = ilogb((double)amax);
    const double m = ldexp(largest, -e), fraction = ldexp((double)amax, -a);
    switch (q->cast.scale_rule) {
    case RG_SCALE_FLOOR1:
        return a - e + 1;
    case RG_SCALE_CEIL:
        return a - e + (fraction > 1);
    case RG_SCALE_EVEN: {
        const int kept = is_int ? elem->bits - 2 : elem->mantissa_bits;
        return a - e + (rint(ldexp(fraction, kept)) >= ldexp(2.0, kept));
    }
    case RG_SCALE_RZ:
        return a - e - (fraction < m);
    case RG_SCALE_FLOOR32: /* no fp32 lies so near a turning point that the last place of a double counts */
        return (int)floorf((float)log2((double)amax)) - e;
    case RG_SCALE_LOG: /* (fraction / m)^2 against 2 or 1/2: squares of 24 bits are exact in double */
        return a - e + (fraction * fraction >= 2 * m * m) - (2 * fraction * fraction < m * m);
    case RG_SCALE_RNE: {
        /* ratio fraction / m, or twice that below 1, against 1.5, a tie to the even code */
        const int exponent = a - e - (fraction < m);
        const double twice = 2 * (fraction < m ? 2 * fraction : fraction);
        return exponent + (twice > 3 * m || (twice == 3 * m && ((exponent + E8M0_BIAS) & 1)));
    }
    case RG_SCALE_RCEIL:
    case RG_SCALE_MSE:
    case RG_SCALE_MAE:
        return a - e + (fraction > m);
    default:
        return a - e;
    }
}

/* One above the last pattern of [from, end) with the exponent of `from`: exponents ascend with amax. */
NUM_INLINE uint32_t last_same(const rg_quant *q, uint32_t from, uint32_t end) {
    const int exponent = rule_exponent(q, elem_float_of(from));
    while (end - from > 1) {
        const uint32_t middle = from + (end - from) / 2;
        if (rule_exponent(q, elem_float_of(middle)) == exponent)
            from = middle;
        else
            end = middle;
    }
    return end;
}

NUM_SHARED uint64_t num_count_exponents(const rg_quant *a, const rg_quant *b, uint32_t first, uint32_t end) {
    uint64_t n = 0;
    for (uint32_t at = first; at < end;) {
        const uint32_t a_end = last_same(a, at, end), b_end = last_same(b, at, end);
        const uint32_t next = a_end < b_end ? a_end : b_end;
        if (rule_exponent(a, elem_float_of(at)) != rule_exponent(b, elem_float_of(at))) n += next - at;
        at = next;
    }
    return n;
}

/* How elements meet a scale that has been chosen. */
NUM_INLINE num_scale applied(const rg_quant *q, num_scale s, float tensor) {
    if (q->cast.apply == RG_APPLY_DIVIDE || q->cast.apply == RG_APPLY_UNCLAMPED) return s;
    s.multiply = true;
    const float stored = num_value(&q->format.scale, s.code);
    const bool in_turn = q->cast.apply == RG_APPLY_RECIPROCAL2 && q->format.tensor_scale;
    s.by = fminf(in_turn ? 1 / tensor / stored : 1 / s.value, FLT_MAX);
    return s;
}

/* The e8m0 scale 2^exponent. */
NUM_INLINE num_scale power_scale(const rg_quant *q, int exponent) {
    num_scale s = num_scale_read(&q->format, power_code(exponent), 0, 1);
    if (q->cast.apply != RG_APPLY_UNCLAMPED) return applied(q, s, 1);
    const int unit = q->format.elem.kind == RG_ELEM_INT ? 2 - q->format.elem.bits : 0;
    s.multiply = true;
    s.by = 1 / ldexpf(1, exponent + unit);
    return s;
}

/* What NaN and infinity say of the scale of their block: 0 nothing, 1 the largest, 2 NaN. */
NUM_INLINE int special_scale(const rg_quant *q, const num_group *g) {
    int found = 0;
    if (q->cast.special == RG_SPECIAL_SKIP) return 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->cols; c++) {
            const float x = g->x[r * g->stride + c];
            if (q->cast.special == RG_SPECIAL_NAN && !isfinite(x)) return 2;
            if (isinf(x)) found = 1;
        }
    return found;
}

NUM_INLINE num_scale choose_power(const rg_quant *q, const num_group *g) {
    const rg_format *f = &q->format;
    const int special = special_scale(q, g);
    if (special) return num_scale_read(f, special == 1 ? E8M0_MAX : E8M0_NAN, 0, 1);
    const float amax = num_amax(g);
    if (amax == 0) return num_scale_read(f, 0, 0, 1);
    const int exponent = rule_exponent(q, amax);
    num_scale best = power_scale(q, exponent);
    const bool squared = q->cast.scale_rule == RG_SCALE_MSE;
    if (!squared && q->cast.scale_rule != RG_SCALE_MAE) return best;
    double least = INFINITY;
    for (int e = exponent + 1; e >= exponent - 2; e--) {
        const num_scale s = power_scale(q, e);
        const double error = group_error(q, &s, g, squared);
        if (error < least) least = error, best = s;
    }
    return best;
}

NUM_SHARED int num_shift_choose(const rg_quant *q, const num_scale *block, const num_group *sub) {
    const int most = (1 << q->format.shift_bits) - 1, exponent = (int)block->code - E8M0_BIAS;
    const float amax = num_amax(sub);
    if (amax == 0) return block->code ? most : 0;
    const int shift = exponent - rule_exponent(q, amax);
    return shift < 0 ? 0 : shift > most ? most : shift;
}

NUM_SHARED num_scale num_scale_shift(const num_scale *block, int shift) {
    num_scale s = *block;
    s.value = ldexpf(s.value, -shift);
    if (s.multiply) s.by = fminf(ldexpf(s.by, shift), FLT_MAX);
    return s;
}

NUM_SHARED num_scale num_scale_of_range(const rg_quant *q, float low, float high) {
    const rg_format *f = &q->format;
    const int max = (2 << (f->elem.bits - 1)) - 1;
    float s = (high - low) / (float)max;
    if (isinf(s)) s = (high / 2 - low / 2) / ((float)max / 2);
    num_scale scale = num_scale_read(f, num_code(&f->scale, RG_RNE, s), 0, 1);
    const float zero = scale.value != 0 ? rintf(-low / scale.value) : 0;
    scale.zero = zero > (float)max ? max : (int)zero;
    return scale;
}

NUM_INLINE num_scale choose_zero_point(const rg_quant *q, const num_group *g) {
    float low = 0, high = 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->cols; c++) {
            const float x = g->x[r * g->stride + c];
            if (!isfinite(x)) continue;
            if (x < low) low = x;
            if (x > high) high = x;
        }
    return num_scale_of_range(q, low, high);
}

/* The float scale with which `amax` becomes `target`. */
NUM_INLINE num_scale float_scale(const rg_quant *q, const num_group *g, float amax, float target,
                                 float tensor) {
    const rg_format *f = &q->format;
    float s = amax / target;
    if (q->cast.order == RG_ORDER_FOLDED)
        s = fminf(amax * (tensor_gain(f, g->tensor_amax) * (1 / target)), FLT_MAX);
    else if (f->tensor_scale)
        s = tensor != 0 ? s / tensor : 0;
    if (q->cast.least == RG_LEAST_NORMAL) s = fmaxf(s, (float)num_min_normal(&f->scale));
    const uint32_t code = num_code(&f->scale, q->cast.scale_rule == RG_SCALE_RCEIL ? RG_RU : RG_RNE, s);
    return applied(q, num_scale_read(f, code, 0, tensor), tensor);
}

NUM_SHARED num_scale num_scale_of_amax(const rg_quant *q, const num_group *g, float amax, float tensor) {
    if (q->cast.scale_rule == RG_SCALE_UNIT) return float_scale(q, g, amax, 1, tensor);
    const num_scale six = float_scale(q, g, amax, (float)num_max(&q->format.elem), tensor);
    if (q->cast.scale_rule != RG_SCALE_4OVER6) return six;
    const num_scale four = float_scale(q, g, amax, 4, tensor);
    return group_error(q, &four, g, true) < group_error(q, &six, g, true) ? four : six;
}

NUM_SHARED num_scale num_scale_choose(const rg_quant *q, const num_group *g, float tensor) {
    const rg_format *f = &q->format;
    if (f->span == RG_SPAN_NONE) return num_scale_one();
    if (f->power_of_two_scale) return choose_power(q, g);
    if (f->zero_point) return choose_zero_point(q, g);
    return num_scale_of_amax(q, g, num_amax(g), tensor);
}

#endif
