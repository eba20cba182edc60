/* All 2^32 fp32 patterns through every float format of 8 bits and fewer, against the definition.
   LABELS: long
   LIBS: mpfr gmp */
#include "elem_all.h"

static void small(void **state) {
    (void)state;
    for (size_t i = 0; i < ORACLE_COUNT(oracle_floats); i++) oracle_check_all(&oracle_floats[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(small)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
