/* The kernels for AVX-512F. */
#if defined(__AVX512F__)
#include "kernels/gemm_text.h"
#include "kernels/rows_text.h"
#include "kernels/isa.h"

const rg_kernels rg_kernels_avx512 = {ISA_NAME, TILE_M,  TILE_N,  pack,    pack_transposed, multiply, rmsnorm,
                                      swiglu,   softmax, exp_row, log_row, compare,         fma_peak};
#else
typedef int rg_kernels_avx512; /* not for this processor family */
#endif
