/* Casts to any element and what follows from its fields. In the common subset of C and CUDA C, but for
   elements known by their sorted values, which CUDA C leaves out. */
#ifndef RIDGE_NUM_CAST_H
#define RIDGE_NUM_CAST_H

#include "base/random.h"
#include "num/elem.h"
#ifndef __CUDACC__
#include "num/ordered.h"
#endif

/* rg_cast_random. */
NUM_INLINE uint32_t num_random(const rg_cast *cast, uint64_t index) {
    const int n = cast->random_bits, b = n <= 8 ? 8 : n <= 16 ? 16 : 32, groups = 128 / b;
    const uint64_t stripe = index / (16 * (uint64_t)groups), lane = index % 16;
    const int group = (int)(index / 16 % (uint64_t)groups);
    const uint64_t word = 4 * (16 * stripe + lane) + (uint64_t)(group / (32 / b));
    return base_random_u32(cast->seed, cast->stream, word) >> b * (group % (32 / b)) & elem_ones(n);
}

NUM_INLINE bool num_is_stochastic(const rg_cast *cast) {
    return cast->rounding == RG_SRA || cast->rounding == RG_SRB || cast->rounding == RG_SRC;
}

/* Code of x, element `index`. *overflow: x is finite and rounds beyond the largest value. */
NUM_INLINE uint32_t num_cast(const rg_elem *elem, const rg_cast *cast, float x, uint64_t index,
                             bool *overflow) {
#ifndef __CUDACC__
    if (elem->kind == RG_ELEM_ORDERED) return ordered_cast(elem, cast, elem_via(cast->via, x), overflow);
#endif
    return elem_cast(elem, cast, x, num_is_stochastic(cast) ? num_random(cast, index) : 0, overflow);
}

/* Code of x by a cast that has nothing but a rounding. */
NUM_INLINE uint32_t num_code(const rg_elem *elem, rg_rounding rounding, float x) {
    const rg_cast cast = {rounding};
    bool overflow;
    return num_cast(elem, &cast, x, 0, &overflow);
}

/* rg_elem_decode, rg_elem_decode_double. */
NUM_INLINE float num_value(const rg_elem *elem, uint32_t code) {
#ifndef __CUDACC__
    if (elem->kind == RG_ELEM_ORDERED) return (float)elem->family->value(elem, code);
#endif
    return elem_value(elem, code);
}

NUM_INLINE double num_value_double(const rg_elem *elem, uint32_t code) {
#ifndef __CUDACC__
    if (elem->kind == RG_ELEM_ORDERED) return elem->family->value(elem, code);
#endif
    return elem_is_fp32(elem) ? (double)elem_float_of(code) : elem_value_double(elem, code);
}

/* Code of the largest number, and rg_elem_max. */
NUM_INLINE uint32_t num_max_code(const rg_elem *elem) {
#ifndef __CUDACC__
    if (elem->kind == RG_ELEM_ORDERED) return elem->family->code_at(elem, elem->family->count(elem) - 1);
#endif
    return elem->max_code << (elem->kind == RG_ELEM_INT ? 0 : elem_padding(elem));
}

NUM_INLINE double num_max(const rg_elem *elem) {
    return num_value_double(elem, num_max_code(elem));
}

/* rg_elem_min_normal of floats and integers. */
NUM_INLINE double num_min_normal(const rg_elem *elem) {
    return elem->kind == RG_ELEM_INT ? 1 : ldexp(1.0, (elem->has_subnormals ? 1 : 0) - elem->bias);
}

#endif
