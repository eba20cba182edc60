/* The kernels for AVX-512F. */
#if defined(__AVX512F__)
#include "kernels/dot_text.h"
#include "kernels/gemm_text.h"
#include "kernels/rows_text.h"
#include "kernels/state_text.h"
#include "kernels/isa.h"

#define CAST_TABLE rg_cast_avx512
#define PACK_TABLE rg_pack_bmi2

const rg_kernels rg_kernels_avx512 = KERNELS_TABLE;
#else
typedef int rg_kernels_avx512; /* not for this processor family */
#endif
