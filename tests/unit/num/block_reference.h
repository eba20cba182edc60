/* Scaled and block formats once more, from their definitions: elements and scales by search among their
   values (elem_oracle.h), exponents by exact comparison. Shares nothing with src/num. */
#ifndef RIDGE_TEST_BLOCK_REFERENCE_H
#define RIDGE_TEST_BLOCK_REFERENCE_H

#include "elem_oracle.h"

typedef enum ref_kind { REF_SCALED, REF_ASYM, REF_MX, REF_NVFP4, REF_4OVER6 } ref_kind;
typedef enum ref_rule {
    RULE_FLOOR,
    RULE_FLOOR1,
    RULE_CEIL,
    RULE_RCEIL,
    RULE_EVEN,
    RULE_RNE,
    RULE_LOG,
    RULE_RZ
} ref_rule;

typedef struct ref_format {
    const char *text;
    ref_kind kind;
    const char *elem, *scale; /* scale NULL: fp32 */
    int block;                /* elements of a scale; 0: a row; -1: the tensor */
    ref_rule rule;
} ref_format;

typedef struct ref_state {
    const ref_format *format;
    oracle elem, scale, e4m3;
    float max; /* of an element; mx int8 reads 127 as 127 / 64 */
    int unit;  /* log2 of the weight of integer 1 in mx int8 */
} ref_state;

static inline const oracle_layout *ref_layout(const char *name) {
    for (size_t i = 0; i < ORACLE_COUNT(oracle_floats); i++)
        if (strcmp(oracle_floats[i].name, name) == 0) return &oracle_floats[i];
    for (size_t i = 0; i < ORACLE_COUNT(oracle_ints); i++)
        if (strcmp(oracle_ints[i].name, name) == 0) return &oracle_ints[i];
    for (size_t i = 0; i < ORACLE_COUNT(oracle_wide); i++)
        if (strcmp(oracle_wide[i].name, name) == 0) return &oracle_wide[i];
    fail_msg("no layout %s", name);
    return NULL;
}

static inline ref_state ref_open(const ref_format *f) {
    ref_state s = {
        .format = f, .elem = oracle_open(ref_layout(f->elem)), .e4m3 = oracle_open(ref_layout("e4m3fn"))};
    if (f->scale) s.scale = oracle_open(ref_layout(f->scale));
    s.unit = f->kind == REF_MX && s.elem.is_int ? -(s.elem.bits - 2) : 0;
    s.max = (float)ldexp(s.elem.layout->max, s.unit);
    return s;
}

static inline void ref_close(ref_state *s) {
    oracle_close(&s->elem);
    oracle_close(&s->e4m3);
    if (s->format->scale) oracle_close(&s->scale);
}

/* x rounded to an element: infinity to the largest value, NaN to NaN where there is one, else that too. */
static inline float ref_nearest(const oracle *o, float x) {
    if (isnan(x)) return o->layout->nan_code == o->layout->max_code ? (float)o->layout->max : NAN;
    const float magnitude = (float)o->value[oracle_round(o, fabs((double)x))];
    if (o->is_int && magnitude == 0) return 0;
    return copysignf(magnitude, x);
}

static inline float ref_amax(const float *x, size_t n) {
    float amax = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i]) && fabsf(x[i]) > amax) amax = fabsf(x[i]);
    return amax;
}

static inline int ref_floor_log2(double a) {
    int e;
    frexp(a, &e);
    return e - 1;
}

/* The exponent of an mx scale (OCP MX v1.0 6.3 and the rules of libraries), exact. */
static inline int ref_exponent(const ref_state *s, float amax) {
    const int top = ref_floor_log2(amax), emax = ref_floor_log2(s->max);
    const int mantissa = s->elem.is_int ? s->elem.bits - 2 : s->elem.layout->mantissa_bits;
    const double significand = ldexp(amax, -top); /* in [1, 2) */
    int rz = top - emax + 2;                      /* floor(log2(amax / max)) */
    while (ldexp(s->max, rz) > amax) rz--;
    const double ratio2 = ldexp(amax, -rz) * ldexp(amax, -rz), max2 = (double)s->max * s->max;
    switch (s->format->rule) {
    case RULE_FLOOR:
        return top - emax;
    case RULE_FLOOR1:
        return top - emax + 1;
    case RULE_CEIL:
        return top - emax + (significand > 1);
    case RULE_RCEIL:
        return rz + (ldexp(s->max, rz) < amax);
    case RULE_EVEN:
        return top - emax + (floor(ldexp(significand, mantissa) + 0.5) >= ldexp(2, mantissa));
    case RULE_RNE: {
        const double middle = 1.5 * ldexp(s->max, rz);
        return rz + (amax > middle || (amax == middle && (rz + 127) % 2 != 0));
    }
    case RULE_LOG:
        return rz + (ratio2 >= 2 * max2);
    case RULE_RZ:
        return rz;
    }
    return 0;
}

static inline float ref_mx_scale(const ref_state *s, float amax) {
    int e = amax > 0 ? ref_exponent(s, amax) : -127;
    if (e < -127) e = -127;
    if (e > 127) e = 127;
    return (float)ldexp(1, e + s->unit);
}

/* One group by one scale. */
static inline void ref_scaled(const ref_state *s, const float *x, float *y, size_t n, float scale) {
    for (size_t i = 0; i < n; i++) {
        if (scale == 0) {
            const bool nan = isnan(x[i]) && s->elem.layout->nan_code != s->elem.layout->max_code;
            y[i] = nan ? NAN : s->elem.is_int ? 0 : copysignf(0, isnan(x[i]) ? 1.0f : x[i]);
        } else {
            y[i] = ref_nearest(&s->elem, x[i] / scale) * scale;
        }
    }
}

/* Codes 0 .. 2^bits - 1 over [min(0, x), max(0, x)], integer `z` standing for 0. */
static inline void ref_asym(const ref_state *s, const float *x, float *y, size_t n) {
    const float steps = (float)((1 << s->elem.bits) - 1);
    float low = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(x[i]) && x[i] < low) low = x[i];
        if (isfinite(x[i]) && x[i] > high) high = x[i];
    }
    float scale = (high - low) / steps;
    if (isinf(scale)) scale = (high / 2 - low / 2) / (steps / 2); /* a range beyond fp32 */
    if (s->format->scale) scale = ref_nearest(&s->scale, scale);
    const float z = scale == 0 ? 0 : fminf(rintf(-low / scale), steps);
    for (size_t i = 0; i < n; i++) {
        const float v = isnan(x[i]) ? INFINITY : x[i];
        const float code = fmaxf(0, fminf(steps, rintf(v / scale) + z));
        y[i] = scale == 0 ? 0 : (code - z) * scale;
    }
}

static inline double ref_error(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(x[i])) sum += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    return sum;
}

/* nvfp4: block scale rounded to e4m3fn under the tensor scale t. 4over6 also tries the block's largest value
   at 4; where the two errors are too close to tell in fp32, `other` holds the second choice. */
static inline void ref_nvfp4(const ref_state *s, const float *x, float *y, float *other, size_t n, float t) {
    const float amax = ref_amax(x, n);
    const float six = t > 0 ? ref_nearest(&s->e4m3, amax / 6 / t) * t : 0;
    const float four = t > 0 ? ref_nearest(&s->e4m3, amax / 4 / t) * t : 0;
    ref_scaled(s, x, y, n, six);
    memcpy(other, y, n * sizeof *y);
    if (s->format->kind != REF_4OVER6) return;
    ref_scaled(s, x, other, n, four);
    const double e6 = ref_error(x, y, n), e4 = ref_error(x, other, n);
    if (fabs(e6 - e4) <= 1e-5 * (e6 + e4) && e6 != e4) return;
    memcpy(e4 < e6 ? y : other, e4 < e6 ? other : y, n * sizeof *y);
}

/* y[rows][cols], and in `other` what is admitted beside it (see ref_nvfp4). */
static inline void ref_qdq(const ref_state *s, const float *x, float *y, float *other, size_t rows,
                           size_t cols, bool per_row) {
    const ref_format *f = s->format;
    const size_t group = f->block > 0 ? (size_t)f->block : cols;
    for (size_t r = 0; r < rows; r++) {
        const float tensor = per_row ? ref_amax(x + r * cols, cols) : ref_amax(x, rows * cols);
        for (size_t c = 0; c < cols; c += group) {
            const size_t at = r * cols + c, n = cols - c < group ? cols - c : group;
            const float amax = f->block < 0 ? tensor : ref_amax(x + at, n);
            float scale = amax / s->max;
            if (f->scale) scale = ref_nearest(&s->scale, scale);
            if (f->kind == REF_MX) scale = ref_mx_scale(s, amax);
            if (f->kind == REF_NVFP4 || f->kind == REF_4OVER6) {
                ref_nvfp4(s, x + at, y + at, other + at, n, tensor / 2688);
                continue;
            }
            if (f->kind == REF_ASYM)
                ref_asym(s, x + at, y + at, n);
            else
                ref_scaled(s, x + at, y + at, n, scale);
            memcpy(other + at, y + at, n * sizeof *y);
        }
    }
}

#endif
