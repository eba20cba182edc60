/* One lane: what processors without vectors and threads of a GPU make of the operations of a step. In the
   common subset of C and CUDA C, after ivec, bits_of and LANE_INLINE. */
#ifndef RIDGE_KERNELS_DOT_ONE_H
#define RIDGE_KERNELS_DOT_ONE_H

typedef double dhalf; /* one lane: the low half is all, the high one void */
LANE_INLINE ivec i_max(ivec a, ivec b) {
    return a > b ? a : b;
}
LANE_INLINE ivec i_right(ivec a, ivec by) {
    return (uint32_t)by < 32 ? (ivec)((uint32_t)a >> by) : 0;
}
LANE_INLINE dhalf d_half(ivec a, int high) {
    return high ? 0 : (double)a;
}
LANE_INLINE dhalf d_power(ivec e, int high) {
    const uint64_t bits = (uint64_t)(high ? 1 : e) << 52;
    double y;
    memcpy(&y, &bits, sizeof y);
    return y;
}
LANE_INLINE ivec d_round(dhalf low, dhalf high, bool nearest) {
    const float y = (float)low;
    (void)high;
    return bits_of(y) - (!nearest && fabs((double)y) > fabs(low));
}

#endif
