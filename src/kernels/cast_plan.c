/* From a format and a cast to the constants of the kernels. What is special (NaN, infinity, overflow, zero,
   negative numbers) is asked of the definition. */
#include "kernels/cast.h"

#include <math.h>

#include "num/pack.h"
#include "num/scale.h"

/* Every number a normal fp32 (one binade down with powers), or fp32's own exponents. */
static bool has_values(const rg_cast_plan *p) {
    if (p->integer) return true;
    if (p->max_field > 254) return false;
    return p->powers ? p->lowest >= 0 : p->lowest >= 1;
}

static void set_fields(rg_cast_plan *p, const rg_elem *e) {
    p->integer = e->kind == RG_ELEM_INT;
    p->is_signed = e->is_signed;
    p->powers = !p->integer && !e->has_subnormals;
    p->code_bits = e->bits;
    p->width = num_code_width(e->bits);
    p->padding = p->integer ? 0 : elem_padding(e);
    p->mantissa_bits = p->integer ? 23 : e->mantissa_bits;
    p->lowest = p->integer ? 150 : (p->powers ? 127 : 128) - e->bias;
    p->max_code = (int)e->max_code;
    const int top = p->max_code >> p->mantissa_bits;
    p->max_field = p->lowest + (p->powers ? top : top > 0 ? top - 1 : 0);
    p->has_values = has_values(p);
    if (!p->has_values) return;
    p->max = (float)rg_elem_max(e);
    p->unit = p->powers ? 0 : ldexpf(1, p->lowest - 127 - p->mantissa_bits);
}

/* Code with sign and padding of a number beyond the largest. */
static uint32_t over_code(const rg_elem *e, const rg_cast *c, bool negative) {
    const uint32_t code = elem_overflow(e, c, false, negative && e->is_signed);
    if (e->kind == RG_ELEM_INT) return (negative ? 0u - code : code) & elem_ones(e->bits);
    return code << elem_padding(e) | (negative && e->is_signed ? 1u << (e->bits - 1) : 0);
}

static void set_specials(rg_cast_plan *p, const rg_elem *e, const rg_cast *c) {
    bool overflow;
    rg_cast plain = *c; /* specials do not pass through another format, nor draw */
    plain.via = RG_VIA_NONE;
    for (int s = 0; s < 2; s++) {
        const uint32_t sign = s ? 0x80000000u : 0;
        p->over_code[s] = over_code(e, c, s);
        p->inf_code[s] = elem_cast_once(e, &plain, elem_float_of(sign | 0x7f800000u), 0, &overflow);
        p->nan_code[s] = elem_cast_once(e, &plain, elem_float_of(sign | 0x7fc00000u), 0, &overflow);
        p->over_value[s] = rg_elem_decode(e, p->over_code[s]);
        p->inf_value[s] = rg_elem_decode(e, p->inf_code[s]);
        p->nan_value[s] = rg_elem_decode(e, p->nan_code[s]);
    }
    const bool top_is_over = p->max_field < 255; /* 2^128, for which an infinity is taken, overflows */
    p->clamp = (c->saturation == RG_SAT_FINITE || p->integer) && top_is_over;
    p->special_inf = !top_is_over || memcmp(p->inf_code, p->over_code, sizeof p->inf_code) != 0;
    if (!p->is_signed) p->special_inf = !top_is_over || p->inf_code[0] != p->over_code[0];
    p->special_zero = p->powers && c->zero == RG_ZERO_NAN;
    p->zero_code = elem_cast_once(e, &plain, 0, 0, &overflow);
    p->zero_value = rg_elem_decode(e, p->zero_code);
    uint32_t code = 0;
    p->special_negative = !p->is_signed && elem_negative(e, c, -1, 0, &code);
    p->negative_code = code;
    p->negative_value = rg_elem_decode(e, code);
    p->special = p->special_inf || p->special_zero || p->special_negative;
}

/* Rounding by way of the adder: no step leaves fp32's normal numbers. */
static bool adds(const rg_cast_plan *p, const rg_cast *c) {
    const int room = 23 - p->mantissa_bits;
    return p->clamp && p->is_signed && !p->special && !p->powers && !p->flush && !p->coarse && !p->via &&
           p->mantissa_bits >= 1 && p->has_values && p->padding == 0 &&
           (p->plus || c->zero == RG_ZERO_KEEP) && p->nan_code[0] == p->nan_code[1] &&
           p->max_field + room <= 254 && p->lowest + room <= 254;
}

bool rg_cast_plan_make(rg_cast_plan *p, const rg_elem *e, const rg_cast *c) {
    *p = (rg_cast_plan){.kind = (int)c->rounding, .via = c->via};
    if (e->kind == RG_ELEM_ORDERED || c->scale_rule == RG_SCALE_LOG) return false;
    if (elem_is_fp32(e)) {
        p->fp32 = p->has_values = true;
        p->width = 4;
        return true;
    }
    set_fields(p, e);
    if (!p->integer && p->mantissa_bits > 22) return false;
    if (p->integer && (e->bits > 16 || c->range)) return false;
    /* field and mantissa of the largest input, and of fp32's least subnormal, fit 31 bits */
    if ((int64_t)(256 - p->lowest) << p->mantissa_bits > INT32_MAX / 2 && !p->integer) return false;
    p->flush = c->subnormal == RG_SUBNORMAL_FLUSH && !p->integer && !p->powers;
    p->coarse = c->subnormal == RG_SUBNORMAL_ROUND && !p->integer && !p->powers;
    p->normalize = p->lowest < 1 || (p->lowest == 1 && (p->powers || p->coarse));
    p->plus = p->integer || e->nan == RG_NAN_MINUS_ZERO || c->zero == RG_ZERO_PLUS;
    set_specials(p, e, c);
    if (p->powers &&
        (p->special_zero ? p->is_signed
                         : c->subnormal != RG_SUBNORMAL_KEEP && c->subnormal != RG_SUBNORMAL_FLUSH))
        return false;
    /* what rounds to zero is in range there, what does not is not */
    if (!p->is_signed && !p->powers && !c->negative && c->saturation == RG_SAT_NONE) return false;
    if (num_is_stochastic(c)) {
        /* the drawn bits lie within what a rounding drops, also just above the largest number */
        const int dropped = p->integer ? 24 - e->bits : 23 - p->mantissa_bits;
        p->random_bits = c->random_bits;
        p->seed = c->seed;
        p->stream = c->stream;
        if (p->random_bits + (c->rounding != RG_SRA) > dropped || p->coarse) return false;
    }
    p->add_mantissa = p->integer ? e->bits - 1 : p->mantissa_bits;
    p->add_lowest = p->integer ? 126 + e->bits : p->lowest;
    if (adds(p, c)) {
        if (c->rounding == RG_RNE) p->kind = RG_CAST_ADD;
        if (c->rounding == RG_SRA && p->add_mantissa + p->random_bits <= 22) p->kind = RG_CAST_DRAW;
    }
    return true;
}

/* ---- blocks -------------------------------------------------------------------------------------------- */

/* Exponent of the scale of a block with this largest magnitude, by the definition. */
static int exponent_of(const rg_quant *q, float amax) {
    const num_group group = {.x = &amax, .rows = 1, .cols = 1, .stride = 1};
    return (int)num_scale_choose(q, &group, 1).code - 127;
}

/* Within a binade the exponent goes up once at most: where. */
static void find_threshold(rg_block_plan *p, const rg_quant *q, int parity) {
    const int exponent = parity; /* the middle of the range: no rule reaches an end of e8m0 */
    uint32_t lo = 1u << 23, hi = 1u << 24;
    p->base[parity] = exponent_of(q, ldexpf(1, exponent)) - exponent;
    while (lo < hi) {
        const uint32_t middle = lo + (hi - lo) / 2;
        if (exponent_of(q, ldexpf((float)middle, exponent - 23)) - exponent > p->base[parity])
            hi = middle;
        else
            lo = middle + 1;
    }
    p->threshold[parity] = lo;
}

bool rg_scale_is_plain(const rg_quant *q) {
    const rg_cast *c = &q->cast;
    return !c->special && !c->apply && !c->order && !c->least;
}

bool rg_block_plan_make(rg_block_plan *p, const rg_quant *q) {
    const rg_format *f = &q->format;
    const rg_scale_rule rule = q->cast.scale_rule;
    rg_cast elem_cast_only = q->cast;
    elem_cast_only.scale_rule = RG_SCALE_FLOOR; /* of the block, not of the element */
    *p = (rg_block_plan){.block = (size_t)f->block, .power_of_two = f->power_of_two_scale};
    if (f->span != RG_SPAN_BLOCK || f->block_rows != 1 || f->zero_point || f->sub_block ||
        !rg_scale_is_plain(q))
        return false;
    if (!rg_cast_plan_make(&p->elem, &f->elem, &elem_cast_only) || !p->elem.has_values || p->elem.fp32)
        return false;
    if (p->elem.powers && rule == RG_SCALE_LOG) return false;
    p->max = (float)rg_elem_max(&f->elem);
    p->tensor_scale = f->tensor_scale;
    p->four_over_six = rule == RG_SCALE_4OVER6;
    if (!p->power_of_two) {
        if (rule != RG_SCALE_FLOOR && rule != RG_SCALE_RCEIL && rule != RG_SCALE_4OVER6) return false;
        const rg_cast nearest = {.rounding = rule == RG_SCALE_RCEIL ? RG_RU : RG_RNE};
        return rg_cast_plan_make(&p->scale, &f->scale, &nearest) && p->scale.has_values;
    }
    if (rule == RG_SCALE_MSE || rule == RG_SCALE_MAE || rule == RG_SCALE_FLOOR32) return false;
    p->unit = f->elem.kind == RG_ELEM_INT ? 2 - f->elem.bits : 0;
    find_threshold(p, q, 0);
    find_threshold(p, q, 1);
    return true;
}
