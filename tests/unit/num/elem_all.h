/* All 2^32 fp32 patterns through an element format, against the definition. */
#ifndef RIDGE_TEST_ELEM_ALL_H
#define RIDGE_TEST_ELEM_ALL_H

#include "elem_oracle.h"

enum { CHUNK_BITS = 20 };

/* Patterns of a chunk ascend in magnitude, so that the code goes up by at most a step at a time: it is
   searched once and then followed. Returns the first pattern that encodes wrongly, or -1. */
static inline int64_t oracle_check_chunk(const oracle *o, uint32_t first) {
    uint32_t code = oracle_round(o, fabs((double)oracle_from_bits(first)));
    for (uint32_t bits = first; bits - first < UINT32_C(1) << CHUNK_BITS; bits++) {
        const float x = oracle_from_bits(bits);
        if (isnan(x)) {
            if (!isnan(rg_elem_decode(&o->elem, rg_elem_encode(&o->elem, x))) &&
                rg_elem_encode(&o->elem, x) != o->layout->nan_code)
                return bits;
            continue;
        }
        const double magnitude = fabs((double)x);
        while (code < o->layout->max_code) {
            const double middle = (o->value[code] + o->value[code + 1]) / 2;
            if (magnitude < middle || (magnitude == middle && code % 2 == 0)) break;
            code++;
        }
        if (rg_elem_encode(&o->elem, x) != oracle_sign(o, code, signbit(x))) return bits;
    }
    return -1;
}

static inline void oracle_check_all(const oracle_layout *layout) {
    oracle o = oracle_open(layout);
    int64_t bad = -1;
#pragma omp parallel for schedule(dynamic) reduction(max : bad)
    for (uint32_t chunk = 0; chunk < UINT32_C(1) << (32 - CHUNK_BITS); chunk++) {
        const int64_t found = oracle_check_chunk(&o, chunk << CHUNK_BITS);
        if (found > bad) bad = found;
    }
    if (bad >= 0) oracle_check(&o, oracle_from_bits((uint32_t)bad));
    assert_true(bad < 0);
    oracle_close(&o);
}

#endif
