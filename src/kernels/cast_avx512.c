/* The casts for AVX-512F. */
#if defined(__AVX512F__)
#include "kernels/block_text.h"

const rg_cast_kernels rg_cast_avx512 = {.encode = encode, .qdq = qdq, .blocks = blocks, .amax = amax};
#else
typedef int rg_cast_avx512; /* not for this processor family */
#endif
