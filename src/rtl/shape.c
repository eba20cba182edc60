/* Ranges and widths of a unit from its formats. */
#include "rtl/shape.h"

int rtl_bit_length(uint64_t x) {
    int n = 0;
    for (; x; x >>= 1) n++;
    return n;
}

static rtl_operand operand_of(const rg_elem *elem) {
    rtl_operand o = {.bits = elem->bits};
    if (elem->kind == RG_ELEM_INT) {
        o.is_int = true;
        o.magnitude_bits = elem->bits;
        o.magnitude_max = 1u << (elem->bits - 1);
        return o;
    }
    const int top = (1 << elem->exponent_bits) - 1;
    o.exponent_bits = elem->exponent_bits;
    o.fraction = elem->mantissa_bits;
    o.magnitude_bits = elem->mantissa_bits + 1;
    o.has_inf = elem->nan == RG_NAN_IEEE;
    o.has_nan = o.has_inf || elem->nan == RG_NAN_TOP;
    o.e_min = 1 - elem->bias;
    o.e_max = top - elem->bias - (o.has_inf ? 1 : 0);
    o.magnitude_max = (2u << elem->mantissa_bits) - (elem->nan == RG_NAN_TOP ? 2 : 1);
    return o;
}

static int exact_bits(const rtl_operand *a, const rtl_operand *b, uint64_t n) {
    return rtl_bit_length(n * a->magnitude_max * b->magnitude_max) + (a->e_max - a->e_min) +
           (b->e_max - b->e_min);
}

int rtl_exact_product_bits(const rg_elem *a, const rg_elem *b) {
    const rtl_operand x = operand_of(a), y = operand_of(b);
    return exact_bits(&x, &y, 1);
}

int rtl_aligned_product_bits(const rg_elem *a, const rg_elem *b, int align) {
    const rtl_operand x = operand_of(a), y = operand_of(b);
    return x.magnitude_bits - x.fraction + y.magnitude_bits - y.fraction + align;
}

rtl_shape rtl_shape_of(const rg_rtl_unit *unit) {
    rtl_shape s = {.a = operand_of(&unit->a), .b = operand_of(&unit->b), .n = unit->n, .align = unit->align};
    s.product_bits = s.a.magnitude_bits + s.b.magnitude_bits;
    s.fraction = s.a.fraction + s.b.fraction;
    s.e_min = s.a.e_min + s.b.e_min;
    s.e_max = s.a.e_max + s.b.e_max;
    s.has_nan = s.a.has_nan || s.b.has_nan;
    s.has_inf = s.a.has_inf || s.b.has_inf;
    if (unit->exact) {
        s.lsb = s.e_min - s.fraction;
        s.sum_bits = exact_bits(&s.a, &s.b, (uint64_t)s.n) + 1;
        return s;
    }
    s.e_floor = s.e_min < -126 ? -126 : s.e_min;
    s.aligned_bits = s.product_bits - s.fraction + s.align;
    const uint64_t largest = (uint64_t)s.a.magnitude_max * s.b.magnitude_max;
    const int up = s.align - s.fraction;
    /* n products of at most `largest`, shifted; a down-shift truncates */
    const uint64_t sum = up >= 0 ? (uint64_t)s.n * largest : (uint64_t)s.n * (largest >> -up);
    s.sum_bits = rtl_bit_length(sum) + (up > 0 ? up : 0) + 1;
    return s;
}
