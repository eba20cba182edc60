/* Posits: Standard for Posit Arithmetic (2022); es is 2 there, free here. Codes are two's complement integers
   in the order of their values; 10..0 is NaR. */
#include "num/ordered.h"
#include "num/two_complement.h"

#include <math.h>

/* Value of the n-bit pattern, n <= 33. */
static double pattern_value(uint64_t code, int n, int es) {
    const uint64_t sign = (uint64_t)1 << (n - 1);
    if (code == 0) return 0;
    if (code == sign) return NAN;
    const bool negative = code & sign;
    if (negative) code = (2 * sign - code) & (2 * sign - 1);
    int at = n - 2; /* next bit to read */
    const int first = (int)(code >> at & 1);
    int run = 0;
    while (at >= 0 && (int)(code >> at & 1) == first) run++, at--;
    at--; /* the bit that ends the regime */
    const int regime = first ? run - 1 : -run;
    int exponent = 0;
    for (int i = 0; i < es; i++, at--) exponent = 2 * exponent + (at >= 0 ? (int)(code >> at & 1) : 0);
    const int left = at + 1 > 0 ? at + 1 : 0;
    const double fraction = 1 + ldexp((double)(code & (((uint64_t)1 << left) - 1)), -left);
    const double y = ldexp(fraction, regime * (1 << es) + exponent);
    return negative ? -y : y;
}

static bool parse(const num_args *text, rg_elem *out) {
    out->nan = RG_NAN_MINUS_ZERO; /* NaR */
    return text->n == 2 && !text->arg[0].key[0] && !text->arg[1].key[0] &&
           num_arg_int(text->arg[0].value, 3, 32, &out->bits) &&
           num_arg_int(text->arg[1].value, 0, 4, &out->exponent_bits);
}

static double value(const rg_elem *e, uint32_t code) {
    return pattern_value(code & (((uint64_t)1 << e->bits) - 1), e->bits, e->exponent_bits);
}

/* Rounding is of the bit string: it turns at the pattern with one more bit. What is not zero never becomes
   zero. */
static double boundary(const rg_elem *e, uint32_t i) {
    const uint32_t low = complement_code_at(e, i);
    if (low == 0 || complement_code_at(e, i + 1) == 0) return 0;
    const uint64_t wide = (uint64_t)1 << (e->bits + 1);
    return pattern_value((2 * (uint64_t)low + 1) & (wide - 1), e->bits + 1, e->exponent_bits);
}

const elem_family family_posit = {
    .name = "posit",
    .form = "posit(BITS,ES), 3 to 32 bits, ES 0 to 4",
    .layout = "sign, regime, exponent, fraction; two's complement",
    .parse = parse,
    .count = complement_count,
    .code_at = complement_code_at,
    .value = value,
    .boundary = boundary,
    .nan = complement_nan,
};
