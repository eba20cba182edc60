/* Codes of up to 8 bits packed without gaps (num/pack.h is the definition): one row, one byte a code outside.
 */
#ifndef RIDGE_KERNELS_PACK_H
#define RIDGE_KERNELS_PACK_H

#include <stddef.h>
#include <stdint.h>

typedef struct rg_pack_kernels {
    /* n codes of `bits` bits, 1 to 8, into (n bits + 7) / 8 bytes; bits of a code above its width do not
     * count. */
    void (*pack)(int bits, size_t n, const uint8_t *codes, uint8_t *packed);
    void (*unpack)(int bits, size_t n, const uint8_t *packed, uint8_t *codes);
} rg_pack_kernels;

extern const rg_pack_kernels rg_pack_scalar;
#if defined(__x86_64__)
extern const rg_pack_kernels rg_pack_bmi2; /* eight codes at a time */
#endif

#endif
