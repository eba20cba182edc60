/* Sixteen lanes. Included only by lanes.h. */
#ifndef RIDGE_KERNELS_LANES_AVX512_H
#define RIDGE_KERNELS_LANES_AVX512_H

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

#endif
