/* The table of formats: every number of it, every code, every rounding and saturation around every value. */
#include "float_oracle.h"

static void table(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SPECS; i++) {
        const spec *s = &specs[i];
        const rg_elem e = spec_elem(s->name);
        assert_int_equal(e.exponent_bits, s->e);
        assert_int_equal(e.mantissa_bits, s->m);
        assert_int_equal(e.bias, s->bias);
        assert_int_equal(e.is_signed, s->is_signed);
        assert_int_equal(e.has_inf, s->inf != 0);
        assert_int_equal(e.nan != RG_NAN_NONE, s->nan != 0 || (s->is_signed && !s->minus_zero));
        assert_int_equal(e.max_code, s->max);
        assert_true(rg_elem_max(&e) == s->max_value && spec_value(s, s->max) == s->max_value);
        assert_true(rg_elem_min_normal(&e) == s->min_normal);
        assert_true(rg_elem_min_subnormal(&e) == s->min_subnormal);
        spec_check_decode(s, &e);
    }
}

/* Where overflow starts by rne: the count and, without saturation, the code. */
static void overflow(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SPECS; i++) {
        const spec *s = &specs[i];
        if (s->overflow == 0) continue;
        const rg_quant q = {.format = {.elem = spec_elem(s->name)}};
        const float first = (float)s->overflow, last = nextafterf(first, 0);
        float y;
        rg_qdq_counts n = {0};
        rg_qdq(&q, &last, &y, 1, 1, false, &n);
        assert_true(n.n_overflow == 0 && (double)y == s->max_value);
        rg_qdq(&q, &first, &y, 1, 1, false, &n);
        if (n.n_overflow != 1) fail_msg("%s: %a does not overflow", s->name, (double)first);
        assert_true((double)y == s->max_value);
    }
}

/* All roundings by all saturations around every value; of 16 bits and more a sample. */
static void modes(void **state) {
    (void)state;
    for (size_t i = 0; i < N_SPECS; i++) {
        const rg_elem e = spec_elem(specs[i].name);
        spec_check_gaps(&specs[i], &e, e.bits > 8 ? 151 : 1);
    }
}

/* Two's complement by lists of whole numbers; int8 of OCP MX counts sixty-fourths. */
static void integers(void **state) {
    (void)state;
    for (int bits = 2; bits <= 16; bits++) {
        char name[48];
        snprintf(name, sizeof name, "int%d(sym,row,scale=fp32)", bits);
        const rg_elem e = spec_elem(name);
        const int max = (1 << (bits - 1)) - 1, step = bits > 9 ? 131 : 1;
        assert_true(rg_elem_max(&e) == max);
        for (int v = -max - 2; v <= max + 2; v += v > -max + 2 && v < max - 2 - step ? step : 1)
            for (int quarter = 0; quarter < 4; quarter++)
                for (int r = RG_RNE; r <= RG_RO; r++) {
                    const double x = v + quarter / 4.0, size = fabs(x), low = floor(size), rest = size - low;
                    const rg_cast cast = {.rounding = (rg_rounding)r};
                    const bool odd = fmod(low, 2) != 0;
                    const bool up = r == RG_RZ    ? false
                                    : r == RG_RU  ? rest > 0 && x > 0
                                    : r == RG_RD  ? rest > 0 && x < 0
                                    : r == RG_RO  ? rest > 0 && !odd
                                    : r == RG_RNA ? rest >= 0.5
                                                  : rest > 0.5 || (rest == 0.5 && odd);
                    const double want = copysign(fmin(low + up, max), x);
                    const double got = rg_elem_decode_double(&e, rg_elem_cast(&e, &cast, (float)x, 0));
                    if (got != want)
                        fail_msg("int%d, rounding %d: %g gives %g, not %g", bits, r, x, got, want);
                }
    }
    rg_quant q;
    float y;
    assert_int_equal(rg_quant_parse("mxint8", &q, NULL), RG_OK);
    const unsigned char one = 1, top = 127, scale = 127;
    rg_decode(&q.format, &one, &scale, &y, 1, 1, false);
    assert_true(y == 1.0f / 64);
    rg_decode(&q.format, &top, &scale, &y, 1, 1, false);
    assert_true(y == 127.0f / 64);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(table), cmocka_unit_test(overflow),
                                       cmocka_unit_test(modes), cmocka_unit_test(integers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
