/* Eight lanes. Included only by lanes.h. */
#ifndef RIDGE_KERNELS_LANES_AVX2_H
#define RIDGE_KERNELS_LANES_AVX2_H

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

#endif
