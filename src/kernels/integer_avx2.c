/* Products of integers for AVX2: |x| times W with the sign of x. A pair of products, at most 2 127^2, fits
   the 16 bits in which the instruction adds them. */
#if defined(__AVX2__) && defined(__FMA__)
#include <immintrin.h>
#include <stddef.h>

#define UNROLL _Pragma("GCC unroll 16")
enum { TILE_M = 4, TILE_N = 8 };
#include "kernels/integer_text.h"

static inline void tile(const integer_shape *s, size_t b0, size_t b1, const uint8_t *const row[TILE_M],
                        const uint8_t *panel, float *y, size_t ldy) {
    const __m256i ones = _mm256_set1_epi16(1);
    size_t at = 0;
    __m256 sum[TILE_M];
    UNROLL for (int r = 0; r < TILE_M; r++) {
        sum[r] = b0 ? _mm256_loadu_ps(y + (size_t)r * ldy) : _mm256_setzero_ps();
    }
    for (size_t b = b0; b < b1; b++) {
        const size_t groups = b + 1 < s->n_blocks ? s->groups : s->last_groups, end = at + 4 * groups;
        __m256i part[TILE_M];
        UNROLL for (int r = 0; r < TILE_M; r++) part[r] = _mm256_setzero_si256();
        for (; at < end; at += 4, panel += 4 * TILE_N) {
            const __m256i w = _mm256_loadu_si256((const __m256i *)(const void *)panel);
            UNROLL for (int r = 0; r < TILE_M; r++) {
                const __m256i x = _mm256_set1_epi32(load_4(row[r] + at));
                const __m256i pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(x), _mm256_sign_epi8(w, x));
                part[r] = _mm256_add_epi32(part[r], _mm256_madd_epi16(pairs, ones));
            }
        }
        const __m256 scale = _mm256_loadu_ps((const float *)(const void *)panel);
        UNROLL for (int r = 0; r < TILE_M; r++) {
            const __m256 both = _mm256_mul_ps(_mm256_set1_ps(load_float(row[r] + end)), scale);
            sum[r] = _mm256_fmadd_ps(_mm256_cvtepi32_ps(part[r]), both, sum[r]);
        }
        panel += 4 * TILE_N;
        at = end + 8;
    }
    UNROLL for (int r = 0; r < TILE_M; r++) _mm256_storeu_ps(y + (size_t)r * ldy, sum[r]);
}

const rg_integer_kernels rg_integer_avx2 = {"avx2", TILE_M, TILE_N, false, multiply, lay_row};
#else
typedef int rg_integer_avx2; /* not for this processor family */
#endif
