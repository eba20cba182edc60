/* All 2^32 fp32 patterns through every integer format, against the definition.
   LABELS: long
   LIBS: mpfr gmp */
#include "elem_all.h"

static void ints(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_ints); i++) oracle_check_all(&oracle_ints[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ints)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
