/* The kernels for one element at a time. */
#include "kernels/gemm_text.h"
#include "kernels/rows_text.h"
#include "kernels/isa.h"

const rg_kernels rg_kernels_scalar = {ISA_NAME, TILE_M,  TILE_N,  pack,    pack_transposed, multiply, rmsnorm,
                                      swiglu,   softmax, exp_row, log_row, compare,         fma_peak};
