/* Codes without gaps, in the common subset of C and CUDA C: element c of a row takes the bits from c times
   the width of a code on, the low bits of a byte first; a row begins a byte, what is left of its last is
   zero. */
#ifndef RIDGE_NUM_PACK_H
#define RIDGE_NUM_PACK_H

#include "num/elem.h"

/* Bytes that a code takes outside packed rows. */
NUM_INLINE int num_code_width(int bits) {
    return bits <= 8 ? 1 : bits <= 16 ? 2 : 4;
}

/* Code i of a row without packing, little endian in its width. */
NUM_INLINE uint32_t num_code_at(const void *codes, uint64_t i, int width) {
    const uint8_t *p = (const uint8_t *)codes + i * (uint64_t)width;
    uint32_t code = p[0];
    if (width > 1) code |= (uint32_t)p[1] << 8;
    if (width > 2) code |= (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
    return code;
}

NUM_INLINE void num_code_put(void *codes, uint64_t i, int width, uint32_t code) {
    uint8_t *p = (uint8_t *)codes + i * (uint64_t)width;
    p[0] = (uint8_t)code;
    if (width > 1) p[1] = (uint8_t)(code >> 8);
    if (width > 2) {
        p[2] = (uint8_t)(code >> 16);
        p[3] = (uint8_t)(code >> 24);
    }
}

/* Byte `at` of a row of n codes, little endian in their width. */
NUM_INLINE uint8_t num_packed_byte(const uint8_t *codes, int bits, uint64_t n, uint64_t at) {
    const int width = num_code_width(bits);
    const uint64_t size = (uint64_t)bits;
    uint32_t byte = 0;
    for (uint64_t c = 8 * at / size; c < n && c * size < 8 * at + 8; c++) {
        const uint32_t code = num_code_at(codes, c, width) & elem_ones(bits);
        const int shift = (int)(c * size) - (int)(8 * at);
        byte |= shift >= 0 ? code << shift : code >> -shift;
    }
    return (uint8_t)byte;
}

/* Code c of a packed row. */
NUM_INLINE uint32_t num_packed_code(const uint8_t *packed, int bits, uint64_t c) {
    const uint64_t at = c * (uint64_t)bits;
    uint64_t code = 0;
    for (uint64_t byte = at / 8; 8 * byte < at + (uint64_t)bits; byte++)
        code |= (uint64_t)packed[byte] << 8 * (byte - at / 8);
    return (uint32_t)(code >> at % 8) & elem_ones(bits);
}

#endif
