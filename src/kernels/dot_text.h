/* Steps of the common datapath on many outputs at once: a lane is an output. One text for every instruction
   set; included only by the isa_*.c files. */
#ifndef RIDGE_KERNELS_DOT_TEXT_H
#define RIDGE_KERNELS_DOT_TEXT_H

#include "kernels/vec.h"

#define LANE_INLINE static inline

#if defined(__AVX512F__)
typedef __m512d dhalf;
static inline ivec i_max(ivec a, ivec b) {
    return (ivec)_mm512_max_epi32((__m512i)a, (__m512i)b);
}
static inline ivec i_right(ivec a, ivec by) { /* zero from 32 on */
    return (ivec)_mm512_srlv_epi32((__m512i)a, (__m512i)by);
}
static inline dhalf d_half(ivec a, int high) {
    return _mm512_cvtepi32_pd(high ? _mm512_extracti64x4_epi64((__m512i)a, 1)
                                   : _mm512_castsi512_si256((__m512i)a));
}
static inline dhalf d_power(ivec e, int high) { /* 2^(e - 1023) */
    const __m256i half = high ? _mm512_extracti64x4_epi64((__m512i)e, 1) : _mm512_castsi512_si256((__m512i)e);
    return _mm512_castsi512_pd(_mm512_slli_epi64(_mm512_cvtepi32_epi64(half), 52));
}
static inline ivec d_round(dhalf low, dhalf high, bool nearest) {
    enum {
        ZERO = _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC,
        EVEN = _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC
    };
    const __m256 a = nearest ? _mm512_cvt_roundpd_ps(low, EVEN) : _mm512_cvt_roundpd_ps(low, ZERO);
    const __m256 b = nearest ? _mm512_cvt_roundpd_ps(high, EVEN) : _mm512_cvt_roundpd_ps(high, ZERO);
    return (ivec)_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_castps_si256(a)), _mm256_castps_si256(b),
                                    1);
}
#elif defined(__AVX2__)
typedef __m256d dhalf;
static inline ivec i_max(ivec a, ivec b) {
    return (ivec)_mm256_max_epi32((__m256i)a, (__m256i)b);
}
static inline ivec i_right(ivec a, ivec by) {
    return (ivec)_mm256_srlv_epi32((__m256i)a, (__m256i)by);
}
static inline __m128i i_half(ivec a, int high) {
    return high ? _mm256_extracti128_si256((__m256i)a, 1) : _mm256_castsi256_si128((__m256i)a);
}
static inline dhalf d_half(ivec a, int high) {
    return _mm256_cvtepi32_pd(i_half(a, high));
}
static inline dhalf d_power(ivec e, int high) {
    return _mm256_castsi256_pd(_mm256_slli_epi64(_mm256_cvtepi32_epi64(i_half(e, high)), 52));
}
/* Rounding toward zero is rounding to nearest, one back where that went too far. */
static inline __m128i d_round_half(dhalf x, bool nearest) {
    const __m128i r = _mm_castps_si128(_mm256_cvtpd_ps(x));
    if (nearest) return r;
    const __m256d sign = _mm256_set1_pd(-0.0), back = _mm256_cvtps_pd(_mm_castsi128_ps(r));
    const __m256d far = _mm256_cmp_pd(_mm256_andnot_pd(sign, back), _mm256_andnot_pd(sign, x), _CMP_GT_OQ);
    const __m256i packed =
        _mm256_permutevar8x32_epi32(_mm256_castpd_si256(far), _mm256_setr_epi32(0, 2, 4, 6, 0, 2, 4, 6));
    return _mm_add_epi32(r, _mm256_castsi256_si128(packed));
}
static inline ivec d_round(dhalf low, dhalf high, bool nearest) {
    return (ivec)_mm256_set_m128i(d_round_half(high, nearest), d_round_half(low, nearest));
}
#else
#include "kernels/dot_one.h"
#endif

static inline ivec i_load(const void *p) {
    ivec v;
    memcpy(&v, p, sizeof v);
    return v;
}

#include "kernels/dot_lane.h"

static void dot(const dot_steps *p, size_t rows, size_t steps, const int32_t *x, size_t plane, size_t ldx,
                const int32_t *panel, float *state, int32_t *largest) {
    dot_columns w;
    for (size_t s = 0; s < steps; s++, x += p->n, panel += (size_t)p->n * LANES) {
        take_apart(panel, p->n, &w);
        for (size_t r = 0; r < rows; r++) {
            const int32_t *row = x + r * ldx;
            const dot_row mine = {row, row + plane, row + 2 * plane};
            ivec most = i_load(largest + r * LANES);
            const ivec y = dot_step(p, &mine, &w, i_load(state + r * LANES), &most);
            memcpy(state + r * LANES, &y, sizeof y);
            memcpy(largest + r * LANES, &most, sizeof most);
        }
    }
}

#endif
