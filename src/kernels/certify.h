/* Certificates of casts, and their parts for tests. */
#ifndef RIDGE_KERNELS_CERTIFY_H
#define RIDGE_KERNELS_CERTIFY_H

#include "kernels/cast.h"

/* rg_certify by these kernels; NULL: by the definition, pattern by pattern. RG_ERR_UNSUPPORTED: no kernel
   knows the cast. */
rg_status rg_certify_by(const rg_cast_kernels *kernels, const rg_quant *q, int threads,
                        const rg_progress *progress, uint32_t *crc, rg_error *err);

/* CRC-32 over `n` codes of `width` bytes, all alike. */
uint32_t rg_certify_repeated(uint32_t code, int width, uint64_t n);

/* The same certificate from runs of equal codes: their ends are searched with the definition, which never
   turns back as |x| grows. Rounding must draw nothing. */
uint32_t rg_certify_by_runs(const rg_quant *q);

#endif
