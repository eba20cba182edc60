/* bf16, fp16 and tf32 against their definitions: every code, every rounding boundary, special values.
   LIBS: mpfr gmp */
#include "elem_oracle.h"

static void check(size_t i) {
    oracle o = oracle_open(&oracle_wide[i]);
    oracle_check_ranges(&o);
    oracle_check_decode(&o);
    oracle_check_boundaries(&o);
    oracle_check_specials(&o);
    oracle_check_sample(&o, 500 + i, 1 << 20);
    oracle_close(&o);
}

static void fp16(void **state) {
    (void)state;
    check(0);
}

static void bf16(void **state) {
    (void)state;
    check(1);
}

static void tf32(void **state) {
    (void)state;
    check(2);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(fp16), cmocka_unit_test(bf16),
                                       cmocka_unit_test(tf32)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
