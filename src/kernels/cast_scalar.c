/* The casts for one element at a time. */
#include "kernels/block_text.h"

const rg_cast_kernels rg_cast_scalar = {.encode = encode, .qdq = qdq, .blocks = blocks, .amax = amax};
