/* All 2^32 fp32 patterns through fp16, bf16 and tf32, against the definition.
   LABELS: long
   LIBS: mpfr gmp */
#include "elem_all.h"

static void wide(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_wide); i++) oracle_check_all(&oracle_wide[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(wide)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
