/* The kernels for one element at a time. */
#include "kernels/dot_text.h"
#include "kernels/gemm_text.h"
#include "kernels/rows_text.h"
#include "kernels/state_text.h"
#include "kernels/isa.h"

#define CAST_TABLE rg_cast_scalar
#define PACK_TABLE rg_pack_scalar

const rg_kernels rg_kernels_scalar = KERNELS_TABLE;
