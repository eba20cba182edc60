/* The casts for AVX2. */
#if defined(__AVX2__)
#include "kernels/integers_text.h"

const rg_cast_kernels rg_cast_avx2 = {.encode = encode,
                                      .qdq = qdq,
                                      .blocks = blocks,
                                      .integers = integers,
                                      .integers_flat = integers_flat,
                                      .amax = amax};
#else
typedef int rg_cast_avx2; /* not for this processor family */
#endif
