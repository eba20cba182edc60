/* One lane. Included only by lanes.h. */
#ifndef RIDGE_KERNELS_LANES_SCALAR_H
#define RIDGE_KERNELS_LANES_SCALAR_H

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
