/* The random bits of rg_cast_random, many at a time. Included only by the cast_*.c files.

   A stripe is 16 counters times the groups of b bits in a block of 128: lane i of 16 elements in a row
   belongs to counter i, and the next 16 elements take the next group. */
#ifndef RIDGE_KERNELS_RANDOM_TEXT_H
#define RIDGE_KERNELS_RANDOM_TEXT_H

#include "kernels/cast.h"
#include "kernels/lanes.h"

enum { STRIPE_COUNTERS = 16, MAX_STRIPE = 256 };

typedef struct random_bits {
    int width;                          /* b: 8, 16, 32 */
    uint64_t length;                    /* elements of a stripe */
    uint64_t next;                      /* number of the first element after this stripe; 0: none drawn yet */
    uint32_t value[MAX_STRIPE + LANES]; /* a vector may be read past the end */
} random_bits;

OP void random_open(random_bits *r, const rg_cast_plan *p) {
    r->width = p->random_bits <= 8 ? 8 : p->random_bits <= 16 ? 16 : 32;
    r->length = (uint64_t)(STRIPE_COUNTERS * 128 / r->width);
    r->next = 0;
}

/* Philox 4x32-10 (Salmon et al., SC11) of LANES blocks from number `block` on. */
OP void philox(uint64_t block, const rg_cast_plan *p, ivec c[4]) {
    static const int32_t lane[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    uint32_t key0 = (uint32_t)p->seed, key1 = (uint32_t)(p->seed >> 32);
    /* blocks of a stripe differ in the low four bits alone: no carry */
    c[0] = i_add(i_all((uint32_t)block), i_load(lane));
    c[1] = i_all((uint32_t)(block >> 32));
    c[2] = i_all((uint32_t)p->stream);
    c[3] = i_all((uint32_t)(p->stream >> 32));
    for (int round = 0; round < 10; round++) {
        ivec high0, low0, high1, low1;
        i_multiply_wide(c[0], 0xd2511f53u, &high0, &low0);
        i_multiply_wide(c[2], 0xcd9e8d57u, &high1, &low1);
        c[0] = i_xor(i_xor(high1, c[1]), i_all(key0));
        c[1] = low1;
        c[2] = i_xor(i_xor(high0, c[3]), i_all(key1));
        c[3] = low0;
        key0 += 0x9e3779b9u;
        key1 += 0xbb67ae85u;
    }
}

static void random_draw(random_bits *r, const rg_cast_plan *p, uint64_t stripe) {
    const ivec all = i_all((uint32_t)(((uint64_t)1 << p->random_bits) - 1));
    const int per_word = 32 / r->width;
    for (int at = 0; at < STRIPE_COUNTERS; at += LANES) {
        ivec word[4];
        philox(STRIPE_COUNTERS * stripe + (uint64_t)at, p, word);
        for (int w = 0; w < 4; w++)
            for (int g = 0; g < per_word; g++)
                i_store(r->value + (w * per_word + g) * STRIPE_COUNTERS + at,
                        i_and(i_shr(word[w], i_all((uint32_t)(g * r->width))), all));
    }
}

/* The bits of elements `index`, ..., as many as are left of the stripe: *n becomes at most that. */
OP const uint32_t *random_at(random_bits *r, const rg_cast_plan *p, uint64_t index, size_t *n) {
    if (index >= r->next || index + r->length < r->next || r->next == 0) {
        random_draw(r, p, index / r->length);
        r->next = (index / r->length + 1) * r->length;
    }
    const uint64_t left = r->next - index;
    if (*n > left) *n = (size_t)left;
    return r->value + (r->length - left);
}

#endif
