/* A step of the common datapath, for any vector of outputs. In the common subset of C and CUDA C, after the
   operations on lanes (dot_text.h, cuda/gemm.cu).

   Two passes over the products of a step: the largest exponent, then the products cut to its grid and summed
   as integers. The sum is a double without error (less than 2^53), and so is its value; the last rounding is
   one conversion to fp32. */
#ifndef RIDGE_KERNELS_DOT_LANE_H
#define RIDGE_KERNELS_DOT_LANE_H

/* A step's part of a panel, taken apart. */
typedef struct dot_columns {
    ivec exponent[RG_DOT_FAST_GROUP], significand[RG_DOT_FAST_GROUP], sign[RG_DOT_FAST_GROUP];
} dot_columns;

LANE_INLINE void take_apart(const int32_t *panel, int n, dot_columns *c) {
    for (int i = 0; i < n; i++, panel += LANES) {
        const ivec v = i_load(panel);
        c->exponent[i] = v >> 16;
        c->significand[i] = v & ivec_all(0x7fff);
        c->sign[i] = ivec_all(0) - ((v >> 15) & ivec_all(1));
    }
}

/* Sum of products first to end - 1, cut to the grid of `top`. */
LANE_INLINE ivec cut_products(const dot_steps *p, const dot_row *x, const dot_columns *w, ivec top, int first,
                              int end) {
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
LANE_INLINE ivec dot_step(const dot_steps *p, const dot_row *x, const dot_columns *w, ivec c, ivec *largest) {
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

#endif
