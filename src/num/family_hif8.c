/* HiFloat8: "Ascend HiFloat8 Format for Deep Learning" (arXiv 2409.16626), checked code by code against the
   Python package en_dtypes 0.0.4. After the sign a prefix says how many exponent bits D follow: 11 four, 10
   three, 01 two, 001 one, 0001 none, 0000 a denormal. Exponent: a sign and D - 1 bits below an implicit one.
   The rest is the mantissa: 1, 2, 3, 3, 3 bits. Denormals 2^(M-23), M = 0 zero, or NaN with the sign. The
   largest code of each sign is an infinity. */
#include "num/ordered.h"

#include <math.h>
#include <string.h>

enum { N_POSITIVE = 126, N_DENORMAL = 7, INFINITE = 0x6f };

/* Fields of an exponent: its bits and those of the mantissa behind it. */
typedef struct shape {
    int exponent_bits, mantissa_bits;
    uint32_t prefix; /* with zeros in the place of the other fields */
} shape;

static shape shape_of(int exponent) {
    static const shape shapes[] = {{0, 3, 0x08}, {1, 3, 0x10}, {2, 3, 0x20}, {3, 2, 0x40}, {4, 1, 0x60}};
    const int magnitude = exponent < 0 ? -exponent : exponent;
    return shapes[magnitude == 0 ? 0 : magnitude < 2 ? 1 : magnitude < 4 ? 2 : magnitude < 8 ? 3 : 4];
}

/* Code of the number i, from 0, among the positive ones. */
static uint32_t positive_code(uint32_t i) {
    if (i < N_DENORMAL) return i + 1;
    i -= N_DENORMAL;
    int exponent = -15;
    while (i >= 1u << shape_of(exponent).mantissa_bits) i -= 1u << shape_of(exponent++).mantissa_bits;
    const shape s = shape_of(exponent);
    uint32_t field = 0;
    if (s.exponent_bits) {
        const uint32_t sign = 1u << (s.exponent_bits - 1);
        field = (exponent < 0 ? sign : 0) | ((uint32_t)(exponent < 0 ? -exponent : exponent) & (sign - 1));
    }
    return s.prefix | field << s.mantissa_bits | i;
}

static double magnitude_value(uint32_t code) {
    if (code == INFINITE) return INFINITY;
    if (code < 8) return code ? ldexp(1, (int)code - 23) : 0;
    const int d = code >> 5 == 3 ? 4 : code >> 5 == 2 ? 3 : code >> 5 == 1 ? 2 : code >> 4 ? 1 : 0;
    const int m_bits = d == 4 ? 1 : d == 3 ? 2 : 3;
    int exponent = 0;
    if (d) {
        const int field = (int)(code >> m_bits & ((1u << d) - 1)), top = 1 << (d - 1);
        exponent = field & top ? -field : field | top;
    }
    return ldexp((double)(code & ((1u << m_bits) - 1)) + (1 << m_bits), exponent - m_bits);
}

static bool find(const char *name, rg_elem *out) {
    if (strcmp(name, "hif8") != 0) return false;
    *out = (rg_elem){.kind = RG_ELEM_ORDERED,
                     .bits = 8,
                     .is_signed = true,
                     .nan = RG_NAN_MINUS_ZERO,
                     .has_inf = true,
                     .family = &family_hif8};
    return true;
}

static uint32_t count(const rg_elem *e) {
    (void)e;
    return 2 * N_POSITIVE + 1;
}

static uint32_t code_at(const rg_elem *e, uint32_t i) {
    (void)e;
    if (i < N_POSITIVE) return 0x80 | positive_code(N_POSITIVE - 1 - i);
    return i == N_POSITIVE ? 0 : positive_code(i - N_POSITIVE - 1);
}

static double value(const rg_elem *e, uint32_t code) {
    (void)e;
    const double y = magnitude_value(code & 0x7f);
    if (!(code & 0x80)) return y;
    return y == 0 ? NAN : -y;
}

static int64_t nan_code(const rg_elem *e) {
    (void)e;
    return 0x80;
}

static double beyond(const rg_elem *e, uint32_t *infinity) {
    (void)e;
    *infinity = INFINITE;
    return 0x1.8p15;
}

const elem_family family_hif8 = {
    .name = "hif8",
    .layout = "sign, prefix, exponent with a sign and an implicit one, mantissa",
    .find = find,
    .count = count,
    .code_at = code_at,
    .value = value,
    .nan = nan_code,
    .beyond = beyond,
};
