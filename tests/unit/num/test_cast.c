/* Roundings and saturations other than the default, against a search among the values of the format.
   LIBS: mpfr gmp */
#include "elem_oracle.h"

/* Magnitude code of |x| <= largest by any rounding. */
static uint32_t round_inside(const oracle *o, rg_rounding rounding, double magnitude, bool negative) {
    uint32_t lo = 0;
    for (uint32_t step = UINT32_C(1) << 20; step; step >>= 1)
        if (lo + step <= o->layout->max_code && o->value[lo + step] <= magnitude) lo += step;
    if (o->value[lo] == magnitude) return lo;
    const double below = magnitude - o->value[lo], above = o->value[lo + 1] - magnitude;
    switch (rounding) {
    case RG_RNA:
        return above <= below ? lo + 1 : lo;
    case RG_RU:
        return negative ? lo : lo + 1;
    case RG_RD:
        return negative ? lo + 1 : lo;
    case RG_RO:
        return lo % 2 ? lo : lo + 1;
    case RG_RZ:
        return lo;
    default:
        return below < above || (below == above && lo % 2 == 0) ? lo : lo + 1;
    }
}

/* Does |x| > largest round beyond it, were there more exponents? `next` is the value that would follow. */
static bool beyond(const oracle *o, rg_rounding rounding, double magnitude, bool negative) {
    const uint32_t max = o->layout->max_code;
    const double largest = o->value[max], next = 2 * largest - o->value[max - 1];
    const double middle = (largest + next) / 2;
    if (magnitude >= next) return true;
    switch (rounding) {
    case RG_RNA:
        return magnitude >= middle;
    case RG_RU:
        return !negative;
    case RG_RD:
        return negative;
    case RG_RZ:
        return false;
    case RG_RO:
        return max % 2 == 0;
    default:
        return magnitude > middle || (magnitude == middle && max % 2 != 0);
    }
}

static uint32_t expected(const oracle *o, const rg_cast *cast, float x) {
    const uint32_t max = o->layout->max_code;
    const bool negative = signbit(x), is_inf = isinf(x);
    const bool has_nan = o->layout->nan_code != max, has_inf = has_nan && o->layout->nan_code != max + 1;
    if (isnan(x)) return o->layout->nan_code << o->shift;
    const double magnitude = fabs((double)x);
    if (magnitude <= o->value[max])
        return oracle_sign(o, round_inside(o, cast->rounding, magnitude, negative), negative);
    uint32_t code = max;
    const bool over = is_inf || beyond(o, cast->rounding, magnitude, negative);
    const bool inward =
        cast->rounding == RG_RZ || cast->rounding == RG_RO || cast->rounding == (negative ? RG_RU : RG_RD);
    if (cast->saturation == RG_SAT_PROPAGATE && is_inf && has_inf) code = max + 1;
    if (cast->saturation == RG_SAT_NONE && has_inf && over && (is_inf || !inward)) code = max + 1;
    if (cast->saturation == RG_SAT_OCP && has_nan && over) code = max + 1;
    if (cast->saturation == RG_SAT_CLAMP && has_nan && is_inf) code = max + 1;
    return oracle_sign(o, code, negative);
}

static void check(const oracle *o, const rg_cast *cast, float x) {
    const uint32_t want = expected(o, cast, x), got = rg_elem_cast(&o->elem, cast, x, 0);
    if (want != got && !(isnan(x) && isnan(rg_elem_decode(&o->elem, got))))
        fail_msg("%s, rounding %d, saturation %d: %a encodes to 0x%x, not 0x%x", o->layout->name,
                 cast->rounding, cast->saturation, (double)x, (unsigned)got, (unsigned)want);
}

static void around(const oracle *o, const rg_cast *cast, double x) {
    const float near[] = {(float)x, nextafterf((float)x, INFINITY), nextafterf((float)x, 0)};
    for (int i = 0; i < 6; i++) check(o, cast, i % 2 ? -near[i / 2] : near[i / 2]);
}

enum { N_ROUNDINGS = RG_SRA }; /* the deterministic ones come first */

static void format(const oracle_layout *layout, uint64_t seed) {
    oracle o = oracle_open(layout);
    const uint32_t max = layout->max_code;
    for (int k = 0; k < N_ROUNDINGS * RG_N_SATURATIONS; k++) {
        const rg_cast cast = {.rounding = (rg_rounding)(k % N_ROUNDINGS),
                              .saturation = (rg_saturation)(k / N_ROUNDINGS)};
        for (uint32_t c = 0; c < max && c < 512; c++) {
            around(&o, &cast, o.value[c]);
            around(&o, &cast, (o.value[c] + o.value[c + 1]) / 2);
            around(&o, &cast, (3 * o.value[c] + o.value[c + 1]) / 4);
        }
        const double gap = o.value[max] - o.value[max - 1];
        for (int quarter = 0; quarter < 8; quarter++)
            if (o.value[max] + gap * quarter / 4 < 0x1p128)
                around(&o, &cast, o.value[max] + gap * quarter / 4);
        const float specials[] = {INFINITY, NAN, 0.0f, 0x1p-149f, 0x1p-126f, 0x1.fffffep127f};
        for (int i = 0; i < 12; i++) check(&o, &cast, i % 2 ? -specials[i / 2] : specials[i / 2]);
        for (size_t i = 0; i < 20000; i++) {
            const uint32_t bits = rg_random_u32(seed, (uint64_t)k, i);
            check(&o, &cast, oracle_from_bits(bits));
            check(&o, &cast, ldexpf(1 + (float)(bits >> 9) * 0x1p-23f, (int)(bits % 32) - 16));
        }
    }
    oracle_close(&o);
}

static void floats(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_floats); i++) format(&oracle_floats[i], 600 + i);
    for (size_t i = 0; i < ORACLE_COUNT(oracle_wide); i++) format(&oracle_wide[i], 610 + i);
}

static void ints(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_ints); i++) format(&oracle_ints[i], 620 + i);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(floats), cmocka_unit_test(ints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
