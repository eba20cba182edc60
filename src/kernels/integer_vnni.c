/* Products of integers for AVX-512 VNNI: four products and their sum a lane. The instruction takes unsigned
   times signed bytes, so panels hold 128 more than W and each sum begins 128 times the sum of x lower. */
#if defined(__AVX512VNNI__) && defined(__AVX512BW__)
#include <immintrin.h>
#include <stddef.h>

#define UNROLL _Pragma("GCC unroll 16")
enum { TILE_M = 6, VECTORS = 2, TILE_N = 16 * VECTORS };
#include "kernels/integer_text.h"

/* One block: the exact sum of each output, then one fused multiply-add. */
static inline __attribute__((always_inline)) void block_step(size_t groups, const uint8_t *const row[TILE_M],
                                                             size_t at, const uint8_t *panel,
                                                             __m512 sum[TILE_M][VECTORS]) {
    const size_t end = at + 4 * groups;
    __m512i part[TILE_M][VECTORS];
    UNROLL for (int r = 0; r < TILE_M; r++) {
        part[r][0] = _mm512_set1_epi32(load_4(row[r] + end + 4));
        UNROLL for (int j = 1; j < VECTORS; j++) part[r][j] = part[r][0];
    }
    for (; at < end; at += 4, panel += 4 * TILE_N) {
        __m512i w[VECTORS];
        UNROLL for (int j = 0; j < VECTORS; j++) w[j] = _mm512_loadu_si512(panel + 64 * j);
        UNROLL for (int r = 0; r < TILE_M; r++) {
            const __m512i x = _mm512_set1_epi32(load_4(row[r] + at));
            UNROLL for (int j = 0; j < VECTORS; j++) part[r][j] = _mm512_dpbusd_epi32(part[r][j], w[j], x);
        }
    }
    UNROLL for (int r = 0; r < TILE_M; r++) {
        const __m512 x = _mm512_set1_ps(load_float(row[r] + end));
        UNROLL for (int j = 0; j < VECTORS; j++) {
            const __m512 scale = _mm512_mul_ps(x, _mm512_loadu_ps(panel + 64 * j));
            sum[r][j] = _mm512_fmadd_ps(_mm512_cvtepi32_ps(part[r][j]), scale, sum[r][j]);
        }
    }
}

static inline __attribute__((always_inline)) void steps(size_t n, size_t groups,
                                                        const uint8_t *const row[TILE_M], size_t *at,
                                                        const uint8_t **panel, __m512 sum[TILE_M][VECTORS]) {
    for (size_t b = 0; b < n; b++) {
        block_step(groups, row, *at, *panel, sum);
        *at += 4 * groups + 8;
        *panel += 4 * TILE_N * (groups + 1);
    }
}

static inline void tile(const integer_shape *s, size_t b0, size_t b1, const uint8_t *const row[TILE_M],
                        const uint8_t *panel, float *y, size_t ldy) {
    const size_t last = b1 == s->n_blocks, whole = b1 - b0 - last;
    size_t at = 0;
    __m512 sum[TILE_M][VECTORS];
    UNROLL for (int r = 0; r < TILE_M; r++) {
        UNROLL for (int j = 0; j < VECTORS; j++) {
            sum[r][j] = b0 ? _mm512_loadu_ps(y + (size_t)r * ldy + 16 * j) : _mm512_setzero_ps();
        }
    }
    if (s->groups == 4)
        steps(whole, 4, row, &at, &panel, sum);
    else if (s->groups == 8)
        steps(whole, 8, row, &at, &panel, sum);
    else
        steps(whole, s->groups, row, &at, &panel, sum);
    steps(last, s->last_groups, row, &at, &panel, sum);
    UNROLL for (int r = 0; r < TILE_M; r++) {
        UNROLL for (int j = 0; j < VECTORS; j++) _mm512_storeu_ps(y + (size_t)r * ldy + 16 * j, sum[r][j]);
    }
}

const rg_integer_kernels rg_integer_vnni = {"vnni", TILE_M, TILE_N, true, multiply, lay_row};
#else
typedef int rg_integer_vnni; /* not for this processor family */
#endif
