/* What is derived from an element's fields, and casts to any of them. */
#include "num/elem.h"

#include "num/scale.h"

uint32_t rg_cast_random(const rg_cast *cast, uint64_t index) {
    const int n = cast->random_bits, b = n <= 8 ? 8 : n <= 16 ? 16 : 32, groups = 128 / b;
    const uint64_t stripe = index / (16 * (uint64_t)groups), lane = index % 16;
    const int group = (int)(index / 16 % (uint64_t)groups);
    const uint64_t word = 4 * (16 * stripe + lane) + (uint64_t)(group / (32 / b));
    return rg_random_u32(cast->seed, cast->stream, word) >> b * (group % (32 / b)) & elem_ones(n);
}

static bool is_stochastic(const rg_cast *cast) {
    return cast->rounding == RG_SRA || cast->rounding == RG_SRB || cast->rounding == RG_SRC;
}

uint32_t num_cast(const rg_elem *elem, const rg_cast *cast, float x, uint64_t index, bool *overflow) {
    if (elem->kind == RG_ELEM_ORDERED) return ordered_cast(elem, cast, elem_via(cast->via, x), overflow);
    return elem_cast(elem, cast, x, is_stochastic(cast) ? rg_cast_random(cast, index) : 0, overflow);
}

uint32_t rg_elem_cast(const rg_elem *elem, const rg_cast *cast, float x, uint64_t index) {
    bool overflow;
    return num_cast(elem, cast, x, index, &overflow);
}

uint32_t rg_elem_encode(const rg_elem *elem, float x) {
    return rg_elem_cast(elem, &(rg_cast){0}, x, 0);
}

double rg_elem_decode_double(const rg_elem *elem, uint32_t code) {
    if (elem->kind == RG_ELEM_ORDERED) return elem->family->value(elem, code);
    return elem_is_fp32(elem) ? (double)elem_float_of(code) : elem_value_double(elem, code);
}

float rg_elem_decode(const rg_elem *elem, uint32_t code) {
    if (elem->kind == RG_ELEM_ORDERED) return (float)elem->family->value(elem, code);
    return elem_value(elem, code);
}

int rg_elem_decode_exact(const rg_elem *elem, uint32_t code, double *significand) {
    int exponent = 0, more;
    const double y = elem->kind == RG_ELEM_ORDERED ? elem->family->value(elem, code)
                                                   : elem_value_parts(elem, code, &exponent);
    *significand = y;
    if (y == 0 || !isfinite(y)) return 0;
    *significand = 2 * frexp(y, &more);
    return exponent + more - 1;
}

const char *rg_elem_layout(const rg_elem *elem) {
    return elem->kind == RG_ELEM_ORDERED ? elem->family->layout : NULL;
}

/* Code of the largest number. */
static uint32_t max_code(const rg_elem *elem) {
    if (elem->kind == RG_ELEM_ORDERED) return elem->family->code_at(elem, elem->family->count(elem) - 1);
    return elem->max_code << (elem->kind == RG_ELEM_INT ? 0 : elem_padding(elem));
}

double rg_elem_max(const rg_elem *elem) {
    return rg_elem_decode_double(elem, max_code(elem));
}

int rg_elem_max_exponent(const rg_elem *elem) {
    double significand;
    return rg_elem_decode_exact(elem, max_code(elem), &significand);
}

/* Smallest positive value. */
static double ordered_least(const rg_elem *elem) {
    double least = 0;
    uint32_t lo = 0, hi = elem->family->count(elem);
    while (hi - lo > 0) { /* first that is above zero */
        const uint32_t middle = lo + (hi - lo) / 2;
        const double v = elem->family->value(elem, elem->family->code_at(elem, middle));
        if (v > 0)
            least = v, hi = middle;
        else
            lo = middle + 1;
    }
    return least;
}

double rg_elem_min_normal(const rg_elem *elem) {
    if (elem->kind == RG_ELEM_INT) return 1;
    if (elem->kind == RG_ELEM_ORDERED) return ordered_least(elem);
    return ldexp(1, (elem->has_subnormals ? 1 : 0) - elem->bias);
}

double rg_elem_min_subnormal(const rg_elem *elem) {
    if (elem->kind == RG_ELEM_INT) return 1;
    if (elem->kind == RG_ELEM_ORDERED || !elem->has_subnormals || elem->mantissa_bits == 0) return 0;
    return ldexp(1, 1 - elem->bias - elem->mantissa_bits);
}
