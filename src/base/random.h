/* Counter-based random bits, in the common subset of C and CUDA C. */
#ifndef RIDGE_BASE_RANDOM_H
#define RIDGE_BASE_RANDOM_H

#include <Random123/philox.h>

#include <stdint.h>

#ifdef __CUDACC__
#define BASE_INLINE static inline __host__ __device__
#else
#define BASE_INLINE static inline
#endif

/* rg_random_u32. */
BASE_INLINE uint32_t base_random_u32(uint64_t seed, uint64_t stream, uint64_t index) {
    /* Four words come from one block: index / 4 counts blocks, index % 4 picks the word. */
    const philox4x32_ctr_t counter = {
        {(uint32_t)(index >> 2), (uint32_t)(index >> 34), (uint32_t)stream, (uint32_t)(stream >> 32)}};
    const philox4x32_key_t key = {{(uint32_t)seed, (uint32_t)(seed >> 32)}};
    return philox4x32(counter, key).v[index & 3];
}

#endif
