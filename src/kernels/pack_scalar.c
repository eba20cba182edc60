/* Packing by its definition. */
#include "kernels/pack.h"
#include "num/pack.h"

static void pack(int bits, size_t n, const uint8_t *codes, uint8_t *packed) {
    const size_t bytes = (n * (size_t)bits + 7) / 8;
    for (size_t b = 0; b < bytes; b++) packed[b] = num_packed_byte(codes, bits, n, b);
}

static void unpack(int bits, size_t n, const uint8_t *packed, uint8_t *codes) {
    for (size_t c = 0; c < n; c++) codes[c] = (uint8_t)num_packed_code(packed, bits, c);
}

const rg_pack_kernels rg_pack_scalar = {pack, unpack};
