/* Shares of all block maxima 1 .. 2 for which a rule's exponent differs from the exact one, and for which the
   maximum clips by more than half a step: the table of the format study, reached through encoded blocks of
   one. */
#ifndef RIDGE_TEST_SCALE_SHARES_H
#define RIDGE_TEST_SCALE_SHARES_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/num.h"

typedef struct shares {
    const char *elem;
    double max, step; /* largest value, and how far apart values lie there */
    double percent[5][2];
} shares;

static const char *const share_rules[] = {"floor", "even", "ceil", "rne", "rz"};
/* In percent: differs from ceil(log2(amax / max)), clips. */
static const shares share_table[] = {
    {"e4m3fn", 448, 32, {{25, 18.75}, {18.75, 12.5}, {75, 0}, {56.25, 50}, {100, 93.75}}},
    {"e5m2", 57344, 8192, {{25, 12.5}, {12.5, 0}, {75, 0}, {56.25, 43.75}, {100, 87.5}}},
    {"e2m3", 7.5, 0.5, {{12.5, 6.25}, {6.25, 0}, {87.5, 0}, {53.125, 46.875}, {100, 93.75}}},
    {"e3m2", 28, 4, {{25, 12.5}, {12.5, 0}, {75, 0}, {56.25, 43.75}, {100, 87.5}}},
    {"e2m1", 6, 2, {{50, 25}, {25, 0}, {50, 0}, {62.5, 37.5}, {100, 75}}},
};

/* Exponent of the scale that a block of one element gets. */
static inline int exponent_of(const rg_quant *q, float x) {
    unsigned char code, scale;
    rg_encode(q, &x, &code, &scale, 1, 1, false, NULL);
    return scale - 127;
}

/* Every `stride`-th of the 2^23 mantissas. */
static inline void check_shares(const shares *s, uint32_t stride, double tolerance) {
    for (int r = 0; r < 5; r++) {
        char text[64];
        rg_quant q, exact;
        snprintf(text, sizeof text, "mx(%s,1,e8m0)@rne(scale=%s)", s->elem, share_rules[r]);
        assert_int_equal(rg_quant_parse(text, &q, NULL), RG_OK);
        snprintf(text, sizeof text, "mx(%s,1,e8m0)@rne(scale=rceil)", s->elem);
        assert_int_equal(rg_quant_parse(text, &exact, NULL), RG_OK);
        int64_t n = 0, differs = 0, clips = 0, wrong = 0;
#pragma omp parallel for reduction(+ : n, differs, clips, wrong)
        for (uint32_t mantissa = 0; mantissa < 1u << 23; mantissa += stride) {
            const float amax = 1 + ldexpf((float)mantissa, -23);
            const int e = exponent_of(&q, amax);
            int smallest = -20; /* with max 2^e >= amax */
            while (ldexp(s->max, smallest) < (double)amax) smallest++;
            n++;
            differs += e != smallest;
            clips += ldexp((double)amax, -e) > s->max + s->step / 2;
            wrong += exponent_of(&exact, amax) != smallest;
        }
        const double got[2] = {100.0 * (double)differs / (double)n, 100.0 * (double)clips / (double)n};
        for (int k = 0; k < 2; k++)
            if (fabs(got[k] - s->percent[r][k]) > tolerance)
                fail_msg("%s, %s: %s in %.5f %%, not %g", s->elem, share_rules[r], k ? "clips" : "differs",
                         got[k], s->percent[r][k]);
        assert_int_equal(wrong, 0);
    }
}

#endif
