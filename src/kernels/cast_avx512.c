/* The casts for AVX-512F. */
#if defined(__AVX512F__)
#include "kernels/integers_text.h"

const rg_cast_kernels rg_cast_avx512 = {.encode = encode,
                                        .qdq = qdq,
                                        .blocks = blocks,
                                        .integers = integers,
                                        .integers_flat = integers_flat,
                                        .amax = amax};
#else
typedef int rg_cast_avx512; /* not for this processor family */
#endif
