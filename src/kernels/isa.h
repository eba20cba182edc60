/* The tables that the isa_*.c files define. */
#ifndef RIDGE_KERNELS_ISA_H
#define RIDGE_KERNELS_ISA_H

#include "kernels/kernels.h"

extern const rg_kernels rg_kernels_scalar;
#if defined(__x86_64__)
extern const rg_kernels rg_kernels_avx2, rg_kernels_avx512;
#endif

#endif
