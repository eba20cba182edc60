/* Scales: one rule for each way of choosing, exponents taken from bits and never from a rounded logarithm. */
#include "num/scale.h"

enum { E8M0_BIAS = 127, E8M0_MAX = 254 };

float num_amax(const num_group *g) {
    float amax = 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->cols; c++) {
            const float a = fabsf(g->x[r * g->stride + c]);
            if (a > amax && a <= 3.402823466e38f) amax = a;
        }
    return amax;
}

float num_tensor_scale(const rg_format *f, float amax) {
    return amax / ((float)rg_elem_max(&f->elem) * (float)rg_elem_max(&f->scale));
}

/* ---- one element under a scale ----------------------------------------------------------------------- */

uint32_t num_element_code(const rg_quant *q, const num_scale *s, float x, uint64_t index, bool *overflow) {
    const rg_elem *e = &q->format.elem;
    if (q->format.span == RG_SPAN_NONE) return num_cast(e, &q->cast, x, index, overflow);
    if (!q->format.zero_point) {
        const float v = s->value != 0 ? x / s->value : isnan(x) ? x : copysignf(0, x);
        return num_cast(e, &q->cast, v, index, overflow);
    }
    /* Zero point: rounded on a grid without ends, so that both ends clamp after the zero is added. */
    const int max = (2 << (e->bits - 1)) - 1;
    *overflow = false;
    if (isnan(x)) return (uint32_t)max;
    const float v = s->value != 0 ? x / s->value : 0;
    if (!(fabsf(v) < 0x1p20f)) return v > 0 ? (uint32_t)max : 0;
    const rg_elem wide = {.kind = RG_ELEM_INT, .bits = 24, .is_signed = true, .max_code = (1u << 23) - 1};
    const int code = (int)elem_value(&wide, num_cast(&wide, &q->cast, v, index, overflow)) + s->zero;
    *overflow = code < 0 || code > max;
    return (uint32_t)(code < 0 ? 0 : code > max ? max : code);
}

float num_element_value(const rg_format *f, const num_scale *s, uint32_t code) {
    if (f->span == RG_SPAN_NONE) return rg_elem_decode(&f->elem, code);
    if (f->zero_point) {
        const uint32_t max = (2u << (f->elem.bits - 1)) - 1;
        return (float)((int)(code & max) - s->zero) * s->value;
    }
    return rg_elem_decode(&f->elem, code) * s->value;
}

num_scale num_scale_read(const rg_format *f, uint32_t code, int zero, float tensor) {
    const float stored = rg_elem_decode(&f->scale, code);
    num_scale s = {code, zero, stored};
    if (f->tensor_scale) s.value = stored * tensor;
    /* OCP MX v1.0 5.3: an integer element of b bits stands for q 2^-(b-2) */
    if (f->power_of_two_scale && f->elem.kind == RG_ELEM_INT) s.value = ldexpf(stored, 2 - f->elem.bits);
    return s;
}

/* ---- rules --------------------------------------------------------------------------------------------- */

/* e8m0 code of 2^exponent */
static uint32_t power_code(int exponent) {
    const int code = exponent + E8M0_BIAS;
    return (uint32_t)(code < 0 ? 0 : code > E8M0_MAX ? E8M0_MAX : code);
}

/* Squared or absolute error of the group under a scale, in the order of the elements. */
static double group_error(const rg_quant *q, const num_scale *s, const num_group *g, bool squared) {
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

/* Exponent by the rules that look at amax alone. The largest element is M = m 2^e, 1 <= m < 2. */
static int rule_exponent(const rg_quant *q, float amax) {
    const rg_elem *elem = &q->format.elem;
    const bool is_int = elem->kind == RG_ELEM_INT;
    /* integers of OCP MX: M = (2^(b-1) - 1) / 2^(b-2), e = 0 */
    const double largest = rg_elem_max(elem) * (is_int ? ldexp(1, 2 - elem->bits) : 1);
    const int e = ilogb(largest), a = ilogb((double)amax);
    const double m = ldexp(largest, -e), fraction = ldexp((double)amax, -a);
    switch (q->cast.scale_rule) {
    case RG_SCALE_FLOOR1:
        return a - e + 1;
    case RG_SCALE_CEIL:
        return a - e + (fraction > 1);
    case RG_SCALE_EVEN: {
        const int kept = is_int ? elem->bits - 2 : elem->mantissa_bits;
        return a - e + (rint(ldexp(fraction, kept)) >= ldexp(2, kept));
    }
    case RG_SCALE_RZ:
        return a - e - (fraction < m);
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

static num_scale choose_power(const rg_quant *q, const num_group *g) {
    const rg_format *f = &q->format;
    const float amax = num_amax(g);
    if (amax == 0) return num_scale_read(f, 0, 0, 1);
    const int exponent = rule_exponent(q, amax);
    num_scale best = num_scale_read(f, power_code(exponent), 0, 1);
    const bool squared = q->cast.scale_rule == RG_SCALE_MSE;
    if (!squared && q->cast.scale_rule != RG_SCALE_MAE) return best;
    double least = INFINITY;
    for (int e = exponent + 1; e >= exponent - 2; e--) {
        const num_scale s = num_scale_read(f, power_code(e), 0, 1);
        const double error = group_error(q, &s, g, squared);
        if (error < least) least = error, best = s;
    }
    return best;
}

static num_scale choose_zero_point(const rg_quant *q, const num_group *g) {
    const rg_format *f = &q->format;
    const int max = (2 << (f->elem.bits - 1)) - 1;
    float low = 0, high = 0;
    for (size_t r = 0; r < g->rows; r++)
        for (size_t c = 0; c < g->cols; c++) {
            const float x = g->x[r * g->stride + c];
            if (!isfinite(x)) continue;
            if (x < low) low = x;
            if (x > high) high = x;
        }
    float s = (high - low) / (float)max;
    if (isinf(s)) s = (high / 2 - low / 2) / ((float)max / 2);
    num_scale scale = num_scale_read(f, rg_elem_encode(&f->scale, s), 0, 1);
    const float zero = scale.value != 0 ? rintf(-low / scale.value) : 0;
    scale.zero = zero > (float)max ? max : (int)zero;
    return scale;
}

num_scale num_scale_choose(const rg_quant *q, const num_group *g, float tensor) {
    const rg_format *f = &q->format;
    if (f->span == RG_SPAN_NONE) return (num_scale){.value = 1};
    if (f->power_of_two_scale) return choose_power(q, g);
    if (f->zero_point) return choose_zero_point(q, g);
    const float amax = num_amax(g);
    float s = amax / (float)rg_elem_max(&f->elem);
    if (f->tensor_scale) s = tensor != 0 ? s / tensor : 0;
    const num_scale six = num_scale_read(f, rg_elem_encode(&f->scale, s), 0, tensor);
    if (q->cast.scale_rule != RG_SCALE_4OVER6) return six;
    float wide = amax / 4;
    if (f->tensor_scale) wide = tensor != 0 ? wide / tensor : 0;
    const num_scale four = num_scale_read(f, rg_elem_encode(&f->scale, wide), 0, tensor);
    return group_error(q, &four, g, true) < group_error(q, &six, g, true) ? four : six;
}
