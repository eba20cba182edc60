/* 32-bit lanes of the instruction set that this file is compiled for: integers, floats, masks. Included only
   by the cast_*.c files. Every function is one or two instructions. */
#ifndef RIDGE_KERNELS_LANES_H
#define RIDGE_KERNELS_LANES_H

#include <stdint.h>
#include <string.h>
#if defined(__AVX2__)
#include <immintrin.h>
#endif

#define OP static inline __attribute__((always_inline))

#if defined(__AVX512F__)

enum { LANES = 16 };
typedef __m512i ivec;
typedef __m512 fvec;
typedef __mmask16 mask;
#define LANES_NAME "avx512"

OP ivec i_all(uint32_t x) {
    return _mm512_set1_epi32((int)x);
}
OP ivec i_load(const void *p) {
    return _mm512_loadu_si512(p);
}
OP ivec i_load_part(const void *p, size_t n) {
    return _mm512_maskz_loadu_epi32((mask)((1u << n) - 1), p);
}
OP void i_store(void *p, ivec v) {
    _mm512_storeu_si512(p, v);
}
OP void i_store_part(void *p, size_t n, ivec v) {
    _mm512_mask_storeu_epi32(p, (mask)((1u << n) - 1), v);
}
OP void i_stream(void *p, ivec v) {
    _mm512_stream_si512(p, v);
}
OP ivec i_add(ivec a, ivec b) {
    return _mm512_add_epi32(a, b);
}
OP ivec i_sub(ivec a, ivec b) {
    return _mm512_sub_epi32(a, b);
}
OP ivec i_and(ivec a, ivec b) {
    return _mm512_and_si512(a, b);
}
OP ivec i_or(ivec a, ivec b) {
    return _mm512_or_si512(a, b);
}
OP ivec i_xor(ivec a, ivec b) {
    return _mm512_xor_si512(a, b);
}
OP ivec i_shl(ivec a, ivec count) {
    return _mm512_sllv_epi32(a, count);
}
OP ivec i_shr(ivec a, ivec count) {
    return _mm512_srlv_epi32(a, count);
}
OP ivec i_max(ivec a, ivec b) {
    return _mm512_max_epi32(a, b);
}
OP ivec i_min(ivec a, ivec b) {
    return _mm512_min_epi32(a, b);
}
OP mask i_greater(ivec a, ivec b) {
    return _mm512_cmpgt_epi32_mask(a, b);
}
OP mask i_equal(ivec a, ivec b) {
    return _mm512_cmpeq_epi32_mask(a, b);
}
OP ivec i_select(mask m, ivec a, ivec b) {
    return _mm512_mask_mov_epi32(b, m, a);
}
OP mask m_and(mask a, mask b) {
    return a & b;
}
OP mask m_not(mask a) {
    return (mask)~a;
}
OP ivec i_of(fvec x) {
    return _mm512_castps_si512(x);
}
OP fvec f_of(ivec x) {
    return _mm512_castsi512_ps(x);
}
OP fvec f_all(float x) {
    return _mm512_set1_ps(x);
}
OP fvec f_add(fvec a, fvec b) {
    return _mm512_add_ps(a, b);
}
OP fvec f_sub(fvec a, fvec b) {
    return _mm512_sub_ps(a, b);
}
OP fvec f_mul(fvec a, fvec b) {
    return _mm512_mul_ps(a, b);
}
OP fvec f_div(fvec a, fvec b) {
    return _mm512_div_ps(a, b);
}
OP fvec f_min(fvec a, fvec b) {
    return _mm512_min_ps(a, b);
}
OP mask f_is_nan(fvec a) {
    return _mm512_cmp_ps_mask(a, a, _CMP_UNORD_Q);
}
OP fvec f_from(ivec a) {
    return _mm512_cvtepi32_ps(a);
}
/* Of an integer. */
OP ivec i_from(fvec a) {
    return _mm512_cvtps_epi32(a);
}
/* (sign of s) or m, m not negative. */
OP ivec i_sign(ivec m, ivec s) {
    return _mm512_ternarylogic_epi32(m, s, _mm512_set1_epi32((int)0x80000000u), 0xf8);
}
OP int32_t i_largest(ivec v) {
    const __m256i h = _mm256_max_epi32(_mm512_castsi512_si256(v), _mm512_extracti64x4_epi64(v, 1));
    __m128i w = _mm_max_epi32(_mm256_castsi256_si128(h), _mm256_extracti128_si256(h, 1));
    w = _mm_max_epi32(w, _mm_shuffle_epi32(w, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(w, _mm_shuffle_epi32(w, 0xb1)));
}
/* a + b toward zero, a and b not negative. */
OP fvec f_add_down(fvec a, fvec b) {
    return _mm512_add_round_ps(a, b, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC);
}
/* (a - b)^2 in double. */
OP void f_squares(fvec a, fvec b, double *square) {
    const __m256 a1 = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(a), 1));
    const __m256 b1 = _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(b), 1));
    const __m512d d0 =
        _mm512_sub_pd(_mm512_cvtps_pd(_mm512_castps512_ps256(a)), _mm512_cvtps_pd(_mm512_castps512_ps256(b)));
    const __m512d d1 = _mm512_sub_pd(_mm512_cvtps_pd(a1), _mm512_cvtps_pd(b1));
    _mm512_storeu_pd(square, _mm512_mul_pd(d0, d0));
    _mm512_storeu_pd(square + 8, _mm512_mul_pd(d1, d1));
}
/* Low bytes of four vectors. */
OP void i_store_4_bytes(uint8_t *p, const ivec v[4]) {
    for (int k = 0; k < 4; k++) _mm_storeu_si128((__m128i *)(void *)(p + 16 * k), _mm512_cvtepi32_epi8(v[k]));
}
OP void i_store_bytes(uint8_t *p, ivec v) {
    _mm_storeu_si128((__m128i *)(void *)p, _mm512_cvtepi32_epi8(v));
}
OP void i_store_halves(uint16_t *p, ivec v) {
    _mm256_storeu_si256((__m256i *)(void *)p, _mm512_cvtepi32_epi16(v));
}
/* a m, upper and lower halves of the 64-bit products. */
OP void i_multiply_wide(ivec a, uint32_t m, ivec *high, ivec *low) {
    const ivec factor = i_all(m);
    const ivec even = _mm512_mul_epu32(a, factor), odd = _mm512_mul_epu32(_mm512_srli_epi64(a, 32), factor);
    *high = _mm512_mask_mov_epi32(_mm512_srli_epi64(even, 32), 0xaaaa, odd);
    *low = _mm512_mask_mov_epi32(even, 0xaaaa, _mm512_slli_epi64(odd, 32));
}
OP void fence(void) {
    _mm_sfence();
}

#elif defined(__AVX2__)

enum { LANES = 8 };
typedef __m256i ivec;
typedef __m256 fvec;
typedef __m256i mask;
#define LANES_NAME "avx2"

OP ivec i_all(uint32_t x) {
    return _mm256_set1_epi32((int)x);
}
OP ivec i_load(const void *p) {
    return _mm256_loadu_si256(p);
}
OP mask first_lanes(size_t n) {
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
OP ivec i_load_part(const void *p, size_t n) {
    return _mm256_maskload_epi32(p, first_lanes(n));
}
OP void i_store(void *p, ivec v) {
    _mm256_storeu_si256(p, v);
}
OP void i_store_part(void *p, size_t n, ivec v) {
    _mm256_maskstore_epi32(p, first_lanes(n), v);
}
OP void i_stream(void *p, ivec v) {
    _mm256_stream_si256(p, v);
}
OP ivec i_add(ivec a, ivec b) {
    return _mm256_add_epi32(a, b);
}
OP ivec i_sub(ivec a, ivec b) {
    return _mm256_sub_epi32(a, b);
}
OP ivec i_and(ivec a, ivec b) {
    return _mm256_and_si256(a, b);
}
OP ivec i_or(ivec a, ivec b) {
    return _mm256_or_si256(a, b);
}
OP ivec i_xor(ivec a, ivec b) {
    return _mm256_xor_si256(a, b);
}
OP ivec i_shl(ivec a, ivec count) {
    return _mm256_sllv_epi32(a, count);
}
OP ivec i_shr(ivec a, ivec count) {
    return _mm256_srlv_epi32(a, count);
}
OP ivec i_max(ivec a, ivec b) {
    return _mm256_max_epi32(a, b);
}
OP ivec i_min(ivec a, ivec b) {
    return _mm256_min_epi32(a, b);
}
OP mask i_greater(ivec a, ivec b) {
    return _mm256_cmpgt_epi32(a, b);
}
OP mask i_equal(ivec a, ivec b) {
    return _mm256_cmpeq_epi32(a, b);
}
OP ivec i_select(mask m, ivec a, ivec b) {
    return _mm256_blendv_epi8(b, a, m);
}
OP mask m_and(mask a, mask b) {
    return _mm256_and_si256(a, b);
}
OP mask m_not(mask a) {
    return _mm256_xor_si256(a, _mm256_set1_epi32(-1));
}
OP ivec i_of(fvec x) {
    return _mm256_castps_si256(x);
}
OP fvec f_of(ivec x) {
    return _mm256_castsi256_ps(x);
}
OP fvec f_all(float x) {
    return _mm256_set1_ps(x);
}
OP fvec f_add(fvec a, fvec b) {
    return _mm256_add_ps(a, b);
}
OP fvec f_sub(fvec a, fvec b) {
    return _mm256_sub_ps(a, b);
}
OP fvec f_mul(fvec a, fvec b) {
    return _mm256_mul_ps(a, b);
}
OP fvec f_div(fvec a, fvec b) {
    return _mm256_div_ps(a, b);
}
OP fvec f_min(fvec a, fvec b) {
    return _mm256_min_ps(a, b);
}
OP mask f_is_nan(fvec a) {
    return _mm256_castps_si256(_mm256_cmp_ps(a, a, _CMP_UNORD_Q));
}
OP fvec f_from(ivec a) {
    return _mm256_cvtepi32_ps(a);
}
/* Of an integer. */
OP ivec i_from(fvec a) {
    return _mm256_cvtps_epi32(a);
}
OP ivec i_sign(ivec m, ivec s) {
    return i_or(m, i_and(s, i_all(0x80000000u)));
}
OP fvec f_add_down(fvec a, fvec b) {
    const fvec sum = f_add(a, b);
    const __m256 above = _mm256_cmp_ps(f_sub(sum, b), a, _CMP_GT_OQ);
    return f_of(i_add(i_of(sum), _mm256_castps_si256(above))); /* one place less where it was rounded up */
}
OP void f_squares(fvec a, fvec b, double *square) {
    const __m256d d0 =
        _mm256_sub_pd(_mm256_cvtps_pd(_mm256_castps256_ps128(a)), _mm256_cvtps_pd(_mm256_castps256_ps128(b)));
    const __m256d d1 = _mm256_sub_pd(_mm256_cvtps_pd(_mm256_extractf128_ps(a, 1)),
                                     _mm256_cvtps_pd(_mm256_extractf128_ps(b, 1)));
    _mm256_storeu_pd(square, _mm256_mul_pd(d0, d0));
    _mm256_storeu_pd(square + 4, _mm256_mul_pd(d1, d1));
}
OP int32_t i_largest(ivec v) {
    __m128i w = _mm_max_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    w = _mm_max_epi32(w, _mm_shuffle_epi32(w, 0x4e));
    return _mm_cvtsi128_si32(_mm_max_epi32(w, _mm_shuffle_epi32(w, 0xb1)));
}
OP void i_store_4_bytes(uint8_t *p, const ivec v[4]) {
    const ivec low = i_all(0xff);
    const ivec a = _mm256_packus_epi32(i_and(v[0], low), i_and(v[1], low));
    const ivec b = _mm256_packus_epi32(i_and(v[2], low), i_and(v[3], low));
    i_store(
        p, _mm256_permutevar8x32_epi32(_mm256_packus_epi16(a, b), _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7)));
}
OP void i_store_bytes(uint8_t *p, ivec v) {
    const ivec a = _mm256_shuffle_epi8(v, _mm256_setr_epi32(0x0c080400, -1, -1, -1, 0x0c080400, -1, -1, -1));
    const int64_t bytes = (int64_t)(uint32_t)_mm256_extract_epi32(a, 0) |
                          (int64_t)((uint64_t)(uint32_t)_mm256_extract_epi32(a, 4) << 32);
    memcpy(p, &bytes, sizeof bytes);
}
OP void i_store_halves(uint16_t *p, ivec v) {
    const ivec a = _mm256_packus_epi32(i_and(v, i_all(0xffff)), i_all(0));
    _mm_storeu_si128((__m128i *)(void *)p, _mm256_castsi256_si128(_mm256_permute4x64_epi64(a, 0x08)));
}
OP void i_multiply_wide(ivec a, uint32_t m, ivec *high, ivec *low) {
    const ivec factor = i_all(m);
    const ivec even = _mm256_mul_epu32(a, factor), odd = _mm256_mul_epu32(_mm256_srli_epi64(a, 32), factor);
    *high = _mm256_blend_epi32(_mm256_srli_epi64(even, 32), odd, 0xaa);
    *low = _mm256_blend_epi32(even, _mm256_slli_epi64(odd, 32), 0xaa);
}
OP void fence(void) {
    _mm_sfence();
}

#else

enum { LANES = 1 };
typedef int32_t ivec;
typedef float fvec;
typedef int32_t mask; /* 0 or -1 */
#define LANES_NAME "scalar"

OP ivec i_all(uint32_t x) {
    return (ivec)x;
}
OP ivec i_load(const void *p) {
    ivec v;
    memcpy(&v, p, sizeof v);
    return v;
}
OP ivec i_load_part(const void *p, size_t n) {
    return n ? i_load(p) : 0;
}
OP void i_store(void *p, ivec v) {
    memcpy(p, &v, sizeof v);
}
OP void i_store_part(void *p, size_t n, ivec v) {
    if (n) i_store(p, v);
}
OP void i_stream(void *p, ivec v) {
    i_store(p, v);
}
OP ivec i_add(ivec a, ivec b) {
    return (ivec)((uint32_t)a + (uint32_t)b);
}
OP ivec i_sub(ivec a, ivec b) {
    return (ivec)((uint32_t)a - (uint32_t)b);
}
OP ivec i_and(ivec a, ivec b) {
    return a & b;
}
OP ivec i_or(ivec a, ivec b) {
    return a | b;
}
OP ivec i_xor(ivec a, ivec b) {
    return a ^ b;
}
OP ivec i_shl(ivec a, ivec count) {
    return count > 31 ? 0 : (ivec)((uint32_t)a << count);
}
OP ivec i_shr(ivec a, ivec count) {
    return count > 31 ? 0 : (ivec)((uint32_t)a >> count);
}
OP ivec i_max(ivec a, ivec b) {
    return a > b ? a : b;
}
OP ivec i_min(ivec a, ivec b) {
    return a < b ? a : b;
}
OP mask i_greater(ivec a, ivec b) {
    return -(a > b);
}
OP mask i_equal(ivec a, ivec b) {
    return -(a == b);
}
OP ivec i_select(mask m, ivec a, ivec b) {
    return m ? a : b;
}
OP mask m_and(mask a, mask b) {
    return a & b;
}
OP mask m_not(mask a) {
    return ~a;
}
OP ivec i_of(fvec x) {
    ivec y;
    memcpy(&y, &x, sizeof y);
    return y;
}
OP fvec f_of(ivec x) {
    fvec y;
    memcpy(&y, &x, sizeof y);
    return y;
}
OP fvec f_all(float x) {
    return x;
}
OP fvec f_add(fvec a, fvec b) {
    return a + b;
}
OP fvec f_sub(fvec a, fvec b) {
    return a - b;
}
OP fvec f_mul(fvec a, fvec b) {
    return a * b;
}
OP fvec f_div(fvec a, fvec b) {
    return a / b;
}
OP fvec f_min(fvec a, fvec b) {
    return a < b ? a : b;
}
OP mask f_is_nan(fvec a) {
    return -(a != a);
}
OP fvec f_from(ivec a) {
    return (fvec)a;
}
OP ivec i_from(fvec a) {
    return (ivec)a;
}
OP ivec i_sign(ivec m, ivec s) {
    return (ivec)((uint32_t)m | ((uint32_t)s & 0x80000000u));
}
OP fvec f_add_down(fvec a, fvec b) {
    const fvec sum = a + b;
    return f_of(i_add(i_of(sum), -(sum - b > a)));
}
OP void f_squares(fvec a, fvec b, double *square) {
    const double d = (double)a - (double)b;
    *square = d * d;
}
OP int32_t i_largest(ivec v) {
    return v;
}
OP void i_store_4_bytes(uint8_t *p, const ivec v[4]) {
    for (int k = 0; k < 4; k++) p[k] = (uint8_t)v[k];
}
OP void i_store_bytes(uint8_t *p, ivec v) {
    *p = (uint8_t)v;
}
OP void i_store_halves(uint16_t *p, ivec v) {
    *p = (uint16_t)v;
}
OP void i_multiply_wide(ivec a, uint32_t m, ivec *high, ivec *low) {
    const uint64_t product = (uint64_t)(uint32_t)a * m;
    *high = (ivec)(product >> 32);
    *low = (ivec)product;
}
OP void fence(void) {}

#endif
#endif
