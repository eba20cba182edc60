/* What is derived from an element's fields, and casts to any of them. */
#include "num/cast.h"

uint32_t rg_cast_random(const rg_cast *cast, uint64_t index) {
    return num_random(cast, index);
}

uint32_t rg_elem_cast(const rg_elem *elem, const rg_cast *cast, float x, uint64_t index) {
    bool overflow;
    return num_cast(elem, cast, x, index, &overflow);
}

uint32_t rg_elem_encode(const rg_elem *elem, float x) {
    return rg_elem_cast(elem, &(rg_cast){0}, x, 0);
}

double rg_elem_decode_double(const rg_elem *elem, uint32_t code) {
    return num_value_double(elem, code);
}

float rg_elem_decode(const rg_elem *elem, uint32_t code) {
    return num_value(elem, code);
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

double rg_elem_max(const rg_elem *elem) {
    return num_max(elem);
}

int rg_elem_max_exponent(const rg_elem *elem) {
    double significand;
    return rg_elem_decode_exact(elem, num_max_code(elem), &significand);
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
    return elem->kind == RG_ELEM_ORDERED ? ordered_least(elem) : num_min_normal(elem);
}

double rg_elem_min_subnormal(const rg_elem *elem) {
    if (elem->kind == RG_ELEM_INT) return 1;
    if (elem->kind == RG_ELEM_ORDERED || !elem->has_subnormals || elem->mantissa_bits == 0) return 0;
    return ldexp(1, 1 - elem->bias - elem->mantissa_bits);
}
