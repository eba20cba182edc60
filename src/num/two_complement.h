/* Families whose codes are two's complement integers in the order of their values, 10..0 NaN (posits,
 * takums).
 */
#ifndef RIDGE_NUM_TWO_COMPLEMENT_H
#define RIDGE_NUM_TWO_COMPLEMENT_H

#include "num/ordered.h"

static inline uint32_t complement_count(const rg_elem *e) {
    return (uint32_t)(((uint64_t)1 << e->bits) - 1);
}

static inline uint32_t complement_code_at(const rg_elem *e, uint32_t i) {
    const uint64_t all = ((uint64_t)1 << e->bits) - 1;
    return (uint32_t)(((uint64_t)i + ((uint64_t)1 << (e->bits - 1)) + 1) & all);
}

static inline int64_t complement_nan(const rg_elem *e) {
    return (int64_t)1 << (e->bits - 1);
}

#endif
