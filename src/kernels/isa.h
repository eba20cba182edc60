/* The tables that the isa_*.c files define. */
#ifndef RIDGE_KERNELS_ISA_H
#define RIDGE_KERNELS_ISA_H

#include "kernels/kernels.h"

#define KERNELS_TABLE                                                                                        \
    {                                                                                                        \
        .name = ISA_NAME, .tile_m = TILE_M, .tile_n = TILE_N, .pack = pack,                                  \
        .pack_transposed = pack_transposed, .multiply = multiply, .rmsnorm = rmsnorm, .swiglu = swiglu,      \
        .softmax = softmax, .exp = exp_row, .log = log_row, .compare = compare, .state_step = state_step,    \
        .delta_step = delta_step, .dot = dot, .tile_dot = LANES, .cast = &CAST_TABLE,                        \
        .pack_codes = &PACK_TABLE, .fma_peak = fma_peak                                                      \
    }

extern const rg_kernels rg_kernels_scalar;
#if defined(__x86_64__)
extern const rg_kernels rg_kernels_avx2, rg_kernels_avx512;
#endif

#endif
