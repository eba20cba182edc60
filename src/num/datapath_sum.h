/* Exact sums of terms, however far apart. */
#ifndef RIDGE_NUM_DATAPATH_SUM_H
#define RIDGE_NUM_DATAPATH_SUM_H

#include "num/datapath_term.h"

/* Wide enough for products of bf16 with e8m0 block scales: 2^-520 to 2^520, and 2^16 of them. */
enum { DP_WIDE_WORDS = 18, DP_WIDE_LSB = -576 };
typedef struct dp_wide {
    uint64_t word[DP_WIDE_WORDS]; /* two's complement, times 2^DP_WIDE_LSB */
} dp_wide;

static inline void dp_wide_add(dp_wide *w, dp_u128 magnitude, int lsb, bool negative) {
    const int at = lsb - DP_WIDE_LSB, shift = at % 64;
    int i = at / 64;
    const uint64_t low = (uint64_t)magnitude, high = (uint64_t)(magnitude >> 64);
    const uint64_t part[3] = {low << shift, (shift ? low >> (64 - shift) : 0) | high << shift,
                              shift ? high >> (64 - shift) : 0};
    uint64_t carry = 0;
    for (int j = 0; i < DP_WIDE_WORDS; i++, j++) {
        const uint64_t x = j < 3 ? part[j] : 0;
        const dp_u128 sum = negative ? (dp_u128)w->word[i] - x - carry : (dp_u128)w->word[i] + x + carry;
        w->word[i] = (uint64_t)sum;
        carry = (uint64_t)(sum >> 64) & 1;
        if (j >= 3 && !carry) break;
    }
}

/* The sum as a term. Of more than 126 bits the lowest is set when anything below it is (rounding to odd): any
   later cut to fewer bits comes out as from the exact sum. */
static inline dp_term dp_wide_term(dp_wide *w) {
    dp_term t = dp_zero(false);
    t.negative = w->word[DP_WIDE_WORDS - 1] >> 63;
    if (t.negative) {
        uint64_t carry = 1;
        for (int i = 0; i < DP_WIDE_WORDS; i++) {
            w->word[i] = ~w->word[i] + carry;
            carry = carry && w->word[i] == 0;
        }
    }
    int top = DP_WIDE_WORDS - 1;
    while (top >= 0 && w->word[top] == 0) top--;
    if (top < 0) return t;
    const int length = 64 * top + 64 - __builtin_clzll(w->word[top]), drop = length > 126 ? length - 126 : 0;
    bool sticky = false;
    for (int i = 0; i < drop / 64; i++) sticky = sticky || w->word[i];
    if (drop % 64) sticky = sticky || w->word[drop / 64] << (64 - drop % 64);
    for (int i = top; i >= drop / 64; i--) {
        const int place = 64 * i - drop;
        t.magnitude |= place >= 0 ? (dp_u128)w->word[i] << place : (dp_u128)(w->word[i] >> -place);
    }
    t.magnitude |= sticky;
    t.lsb = DP_WIDE_LSB + drop;
    return t;
}

static inline dp_term dp_sum_wide(const dp_term *t, int n, int stride) {
    dp_wide w = {{0}};
    for (int i = 0; i < n; i++)
        if (t[i * stride].magnitude)
            dp_wide_add(&w, t[i * stride].magnitude, t[i * stride].lsb, t[i * stride].negative);
    return dp_wide_term(&w);
}

/* Exact sum of t[0], t[stride], ...; present when a lane is. `aligned`: the exponent is the lanes'; else 0, a
 * fixed-point number. */
static inline dp_term dp_sum(const dp_term *t, int n, int stride, bool aligned) {
    bool nan = false, plus = false, minus = false, present = false, narrow = true;
    int lsb = 0, exponent = 0, top = 0;
    for (int i = 0; i < n; i++) {
        const dp_term *x = &t[i * stride];
        if (x->kind != DP_FINITE) {
            nan = nan || x->kind == DP_NAN;
            plus = plus || (x->kind == DP_INF && !x->negative);
            minus = minus || (x->kind == DP_INF && x->negative);
        }
        if (x->present && (!present || x->exponent > exponent)) exponent = x->exponent;
        present = present || x->present;
        if (!x->magnitude) continue;
        const int high = x->lsb + dp_bit_length(x->magnitude);
        narrow = narrow && high - x->lsb < 100;
        if (top == lsb) lsb = x->lsb, top = high;
        if (x->lsb < lsb) lsb = x->lsb;
        if (high > top) top = high;
    }
    if (nan || (plus && minus)) return dp_special_term(DP_NAN, false);
    if (plus || minus) return dp_special_term(DP_INF, minus);
    dp_term sum = dp_zero(false);
    if (narrow && top - lsb <= 110) {
        __int128 s = 0;
        for (int i = 0; i < n; i++) {
            const dp_term *x = &t[i * stride];
            if (!x->magnitude) continue;
            const __int128 v = (__int128)(x->magnitude << (x->lsb - lsb));
            s += x->negative ? -v : v;
        }
        sum.negative = s < 0;
        sum.magnitude = (dp_u128)(s < 0 ? -s : s);
        sum.lsb = lsb;
    } else {
        sum = dp_sum_wide(t, n, stride);
    }
    sum.exponent = aligned ? exponent : 0;
    sum.present = present;
    return sum;
}

#endif
