/* Packing with the bit gather and scatter of BMI2: eight codes are `bits` bytes. A store or load of 8 bytes
   reaches past them, so the last few go by the definition. */
#include "kernels/pack.h"

#if defined(__BMI2__)
#include <immintrin.h>
#include <string.h>

static uint64_t lanes_of(int bits) {
    return 0x0101010101010101u * (uint64_t)((1 << bits) - 1);
}

/* Groups of eight codes whose 8 bytes from their first one lie within the row's. */
static size_t whole_groups(int bits, size_t n) {
    const size_t bytes = (n * (size_t)bits + 7) / 8;
    return bytes < 8 ? 0 : (bytes - 8) / (size_t)bits + 1 < n / 8 ? (bytes - 8) / (size_t)bits + 1 : n / 8;
}

static void pack(int bits, size_t n, const uint8_t *codes, uint8_t *packed) {
    const size_t groups = whole_groups(bits, n);
    const uint64_t lanes = lanes_of(bits);
    for (size_t g = 0; g < groups; g++) {
        uint64_t eight;
        memcpy(&eight, codes + 8 * g, 8);
        eight = _pext_u64(eight, lanes);
        memcpy(packed + g * (size_t)bits, &eight, 8);
    }
    rg_pack_scalar.pack(bits, n - 8 * groups, codes + 8 * groups, packed + groups * (size_t)bits);
}

static void unpack(int bits, size_t n, const uint8_t *packed, uint8_t *codes) {
    const size_t groups = whole_groups(bits, n);
    const uint64_t lanes = lanes_of(bits);
    for (size_t g = 0; g < groups; g++) {
        uint64_t eight;
        memcpy(&eight, packed + g * (size_t)bits, 8);
        eight = _pdep_u64(eight, lanes);
        memcpy(codes + 8 * g, &eight, 8);
    }
    rg_pack_scalar.unpack(bits, n - 8 * groups, packed + groups * (size_t)bits, codes + 8 * groups);
}

const rg_pack_kernels rg_pack_bmi2 = {pack, unpack};
#else
typedef int rg_pack_bmi2; /* not for this processor family */
#endif
