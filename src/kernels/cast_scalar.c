/* The casts for one element at a time. */
#include "kernels/integers_text.h"

const rg_cast_kernels rg_cast_scalar = {.encode = encode,
                                        .qdq = qdq,
                                        .blocks = blocks,
                                        .integers = integers,
                                        .integers_flat = integers_flat,
                                        .amax = amax};
