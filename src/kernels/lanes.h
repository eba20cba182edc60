/* 32-bit lanes of the instruction set that this file is compiled for: integers, floats, masks. Included only
   by the cast_*.c files. Every function is one or two instructions, the same functions in each set. */
#ifndef RIDGE_KERNELS_LANES_H
#define RIDGE_KERNELS_LANES_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define OP static inline __attribute__((always_inline))

#if defined(__AVX512F__)
#include "kernels/lanes_avx512.h"
#elif defined(__AVX2__)
#include "kernels/lanes_avx2.h"
#else
#include "kernels/lanes_scalar.h"
#endif

#endif
