/* Scale rules: their shares on a sample of mantissas (test_scale_rules_all.c: on all), and cases by hand. */
#include "scale_shares.h"

static void sampled(void **state) {
    (void)state;
    for (size_t i = 0; i < 5; i++) check_shares(&share_table[i], 127, 0.01);
}

/* float log2 rounds [7.9999995] up to 3; exponents are taken from bits. */
static void exact_exponents(void **state) {
    (void)state;
    static const struct {
        const char *text;
        float amax;
        int exponent;
    } cases[] = {
        {"mx(e2m1,1,e8m0)", 0x1.fffffep2f, 0},
        {"mx(e2m1,1,e8m0)", 8, 1},
        {"mx(e2m1,1,e8m0)@rne(scale=floor1)", 8, 2},
        {"mx(e2m1,1,e8m0)@rne(scale=ceil)", 8, 1},
        {"mx(e2m1,1,e8m0)@rne(scale=ceil)", 0x1.000002p3f, 2},
        {"mx(e2m1,1,e8m0)@rne(scale=rceil)", 6, 0},
        {"mx(e2m1,1,e8m0)@rne(scale=rceil)", 0x1.800002p2f, 1},
        {"mx(e2m1,1,e8m0)@rne(scale=even)", 7, 1},
        {"mx(e2m1,1,e8m0)@rne(scale=even)", 0x1.bffffep2f, 0},
        {"mx(e2m1,1,e8m0)@rne(scale=rne)", 9, 1}, /* 1.5: a tie; 2^0 has the odd code 127 */
        {"mx(e2m1,1,e8m0)@rne(scale=rne)", 18, 1},
        {"mx(e2m1,1,e8m0)@rne(scale=log)", 8.48f, 0},
        {"mx(e2m1,1,e8m0)@rne(scale=log)", 8.49f, 1},
        {"mx(e2m1,1,e8m0)@rne(scale=rz)", 0x1.7ffffep2f, -1},
        {"mx(e2m1,1,e8m0)", 0x1p-149f, -127},
        {"mx(e2m1,1,e8m0)@rne(scale=rceil)", 0x1.fffffep127f, 126},
        {"mx(e4m3fn,1,e8m0)", 0x1p-120f, -127},
        {"mx(int8,1,e8m0)", 1.999f, 0},
        {"mx(int8,1,e8m0)@rne(scale=rceil)", 1.999f, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_quant q;
        assert_int_equal(rg_quant_parse(cases[i].text, &q, NULL), RG_OK);
        const int e = exponent_of(&q, cases[i].amax);
        if (e != cases[i].exponent)
            fail_msg("%s: %a has exponent %d, not %d", cases[i].text, (double)cases[i].amax, e,
                     cases[i].exponent);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(sampled), cmocka_unit_test(exact_exponents)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
