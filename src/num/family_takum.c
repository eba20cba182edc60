/* Takums: Hunhold, "Beating Posits at Their Own Game: Takum Arithmetic" (arXiv 2404.18603), checked against
   the author's libtakum 1.0.1. Sign, direction D, three bits R, r = R or 7 - R bits C, the rest a fraction m;
   c = 2^r - 1 + C where D is set, else 1 - 2^(r+1) + C. A positive takum is (1 + m) 2^c (linear) or
   sqrt(e)^(c + m) (logarithmic). Fewer than 12 bits stand for a pattern with zeros behind. Codes are two's
   complement integers in the order of their values; 10..0 is NaR. */
#include "num/ordered.h"
#include "num/two_complement.h"

#include <math.h>
#include <string.h>

enum { WIDE = 40, BELOW_R = WIDE - 5 }; /* bits of the pattern that is read; those below sign, D and R */

/* Value of the n-bit pattern, n <= 33. */
static double pattern_value(uint64_t code, int n, bool is_log) {
    const uint64_t sign = (uint64_t)1 << (WIDE - 1);
    uint64_t wide = code << (WIDE - n);
    if (wide == 0) return 0;
    if (wide == sign) return NAN;
    const bool negative = wide & sign;
    if (negative) wide = 2 * sign - wide;
    const bool direction = wide >> (WIDE - 2) & 1;
    const int three = (int)(wide >> BELOW_R & 7), r = direction ? three : 7 - three, m_bits = BELOW_R - r;
    const int field = (int)(wide >> m_bits & ((1u << r) - 1));
    const int c = direction ? (1 << r) - 1 + field : 1 - (2 << r) + field;
    const double m = ldexp((double)(wide & (((uint64_t)1 << m_bits) - 1)), -m_bits);
    const double y = is_log ? (double)expl((long double)(c + m) / 2) : ldexp(1 + m, c);
    return negative ? -y : y;
}

static bool is_log(const rg_elem *e) {
    return e->family == &family_takum_log;
}

static double value(const rg_elem *e, uint32_t code) {
    return pattern_value(code & (((uint64_t)1 << e->bits) - 1), e->bits, is_log(e));
}

/* Rounding is of the bit string, as that of posits: it turns at the pattern with one more bit. */
static double boundary(const rg_elem *e, uint32_t i) {
    const uint32_t low = complement_code_at(e, i);
    if (low == 0 || complement_code_at(e, i + 1) == 0) return 0;
    const uint64_t wide = (uint64_t)1 << (e->bits + 1);
    return pattern_value((2 * (uint64_t)low + 1) & (wide - 1), e->bits + 1, is_log(e));
}

static bool parse(const num_args *text, rg_elem *out) {
    if (text->n != 2 || text->arg[0].key[0] || text->arg[1].key[0]) return false;
    const char *kind = text->arg[1].value;
    out->family = strcmp(kind, "log") == 0 ? &family_takum_log : &family_takum;
    out->nan = RG_NAN_MINUS_ZERO;
    return (is_log(out) || strcmp(kind, "linear") == 0) && num_arg_int(text->arg[0].value, 6, 32, &out->bits);
}

const elem_family family_takum = {
    .name = "takum",
    .form = "takum(BITS,linear) or takum(BITS,log), 6 to 32 bits",
    .layout = "sign, direction, 3 bits of regime, characteristic, mantissa; two's complement",
    .parse = parse,
    .count = complement_count,
    .code_at = complement_code_at,
    .value = value,
    .boundary = boundary,
    .nan = complement_nan,
};

const elem_family family_takum_log = {
    .name = "takum",
    .layout =
        "sign, direction, 3 bits of regime, characteristic, mantissa of the logarithm; two's complement",
    .count = complement_count,
    .code_at = complement_code_at,
    .value = value,
    .boundary = boundary,
    .nan = complement_nan,
};
