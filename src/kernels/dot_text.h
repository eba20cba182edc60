/* Steps of the common datapath on many outputs at once: a lane is an output. One text for every instruction
   set; included only by the isa_*.c files.

   Two passes over the products of a step: the largest exponent, then the products cut to its grid and summed
   as integers. The sum is a double without error (less than 2^53), and so is its value; the last rounding is
   one conversion to fp32. */
#ifndef RIDGE_KERNELS_DOT_TEXT_H
#define RIDGE_KERNELS_DOT_TEXT_H

#include "kernels/vec.h"

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
typedef double dhalf; /* one lane: the low half is all, the high one void */
static inline ivec i_max(ivec a, ivec b) {
    return a > b ? a : b;
}
static inline ivec i_right(ivec a, ivec by) {
    return (uint32_t)by < 32 ? (ivec)((uint32_t)a >> by) : 0;
}
static inline dhalf d_half(ivec a, int high) {
    return high ? 0 : (double)a;
}
static inline dhalf d_power(ivec e, int high) {
    const uint64_t bits = (uint64_t)(high ? 1 : e) << 52;
    double y;
    memcpy(&y, &bits, sizeof y);
    return y;
}
static inline ivec d_round(dhalf low, dhalf high, bool nearest) {
    const float y = (float)low;
    (void)high;
    return bits_of(y) - (!nearest && fabs((double)y) > fabs(low));
}
#endif

static inline ivec i_load(const void *p) {
    ivec v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* A step's part of a panel, taken apart. */
typedef struct dot_columns {
    ivec exponent[RG_DOT_FAST_GROUP], significand[RG_DOT_FAST_GROUP], sign[RG_DOT_FAST_GROUP];
} dot_columns;

static inline void take_apart(const int32_t *panel, int n, dot_columns *c) {
    for (int i = 0; i < n; i++, panel += LANES) {
        const ivec v = i_load(panel);
        c->exponent[i] = v >> 16;
        c->significand[i] = v & ivec_all(0x7fff);
        c->sign[i] = ivec_all(0) - ((v >> 15) & ivec_all(1));
    }
}

/* Sum of products first to end - 1, cut to the grid of `top`. */
static inline ivec cut_products(const dot_steps *p, const dot_row *x, const dot_columns *w, ivec top,
                                int first, int end) {
    ivec sum = ivec_all(0);
    top += ivec_all(p->extra);
    for (int i = first; i < end; i++) {
        const ivec down = top - (w->exponent[i] + ivec_all(x->exponent[i]));
        const ivec product = w->significand[i] * ivec_all(x->significand[i]);
        const ivec sign = w->sign[i] ^ ivec_all(x->sign[i]);
        sum += (i_right(product, down) ^ sign) - sign;
    }
    return sum;
}

/* The accumulator's bits after one step. */
static inline ivec dot_step(const dot_steps *p, const dot_row *x, const dot_columns *w, ivec c,
                            ivec *largest) {
    const ivec field = (c >> 23) & ivec_all(255), fraction = c & ivec_all(0x7fffff), sign = c >> 31;
    const ivec normal = (ivec_all(0) - field) >> 31; /* all ones where field > 0 */
    const ivec significand = fraction | (normal & ivec_all(0x800000));
    const ivec present = (ivec_all(0) - significand) >> 31;
    const ivec exponent = i_max(field, ivec_all(1)) - ivec_all(127);
    const ivec seen = (exponent & present) | (ivec_all(RG_DOT_ABSENT) & ~present);
    ivec top = i_max(seen, ivec_all(p->floor));
    for (int i = 0; i < p->n; i++) top = i_max(top, w->exponent[i] + ivec_all(x->exponent[i]));
    const ivec own = i_right(significand << p->c_lift, top - seen + ivec_all(p->c_extra));
    const ivec own_signed = (own ^ sign) - sign;
    const ivec scale = i_max(top, ivec_all(-900)) + ivec_all(1023 - p->align);
    dhalf low = d_half(own_signed, 0), high = d_half(own_signed, 1);
    for (int i = 0; i < p->n; i += p->safe) {
        const ivec sum = cut_products(p, x, w, top, i, i + p->safe < p->n ? i + p->safe : p->n);
        low += d_half(sum, 0);
        high += d_half(sum, 1);
    }
    const ivec bits = d_round(low * d_power(scale, 0), high * d_power(scale, 1), p->nearest);
    *largest = i_max(*largest, bits & ivec_all(INT32_MAX));
    return bits & ivec_all(p->keep);
}

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
