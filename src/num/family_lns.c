/* Logarithmic numbers: a sign and a whole number k of BITS - 1 bits, value +-2^(k / GAMMA). The shape is that
   of LNS-Madam (arXiv 2106.13914: 8 bits, GAMMA 8, under a scale); the paper's own rules for zero could not
   be looked up, so this is the plain definition: no zero, no infinity, no NaN. Rounding is of the logarithm.
 */
#include "num/ordered.h"

#include <float.h>
#include <math.h>

/* mantissa_bits: of k, those behind the point; exponent_bits: those before it */
static double power(const rg_elem *e, double k) {
    return (double)exp2l((long double)ldexp(k, -e->mantissa_bits));
}

static uint32_t half(const rg_elem *e) {
    return 1u << (e->bits - 1);
}

static bool parse(const num_args *text, rg_elem *out) {
    int gamma;
    if (text->n != 2 || text->arg[0].key[0] || text->arg[1].key[0] ||
        !num_arg_int(text->arg[0].value, 3, 16, &out->bits) ||
        !num_arg_int(text->arg[1].value, 1, 1 << 12, &gamma) || (gamma & (gamma - 1)))
        return false;
    while (1 << out->mantissa_bits < gamma) out->mantissa_bits++;
    out->exponent_bits = out->bits - 1 - out->mantissa_bits;
    return out->exponent_bits >= 1 && out->exponent_bits <= 7;
}

static uint32_t count(const rg_elem *e) {
    return 2 * half(e);
}

static uint32_t code_at(const rg_elem *e, uint32_t i) {
    return i < half(e) ? 2 * half(e) - 1 - i : i - half(e);
}

static double value(const rg_elem *e, uint32_t code) {
    const double y = power(e, code & (half(e) - 1));
    return code & half(e) ? -y : y;
}

static double boundary(const rg_elem *e, uint32_t i) {
    const uint32_t h = half(e);
    if (i == h - 1) return -DBL_TRUE_MIN; /* between -1 and 1: zero goes up */
    return i < h ? -power(e, (double)(h - 1 - i) - 0.5) : power(e, (double)(i - h) + 0.5);
}

static int64_t nan_code(const rg_elem *e) {
    (void)e;
    return -1;
}

const elem_family family_lns = {
    .name = "lns",
    .form = "lns(BITS,GAMMA), 3 to 16 bits, GAMMA a power of two, from 2^(BITS-8) to 2^(BITS-2)",
    .layout = "sign, logarithm of the magnitude",
    .parse = parse,
    .count = count,
    .code_at = code_at,
    .value = value,
    .boundary = boundary,
    .nan = nan_code,
};
