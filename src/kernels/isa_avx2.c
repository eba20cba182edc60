/* The kernels for AVX2 and FMA. */
#if defined(__AVX2__) && defined(__FMA__)
#include "kernels/dot_text.h"
#include "kernels/gemm_text.h"
#include "kernels/rows_text.h"
#include "kernels/state_text.h"
#include "kernels/isa.h"

#define CAST_TABLE rg_cast_avx2
#define PACK_TABLE rg_pack_bmi2

const rg_kernels rg_kernels_avx2 = KERNELS_TABLE;
#else
typedef int rg_kernels_avx2; /* not for this processor family */
#endif
