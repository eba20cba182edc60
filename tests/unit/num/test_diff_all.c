/* Counting from turning point to turning point equals trying all 2^32 inputs.
   LABELS: long */

#include "diff_all.h"

static void casts(void **state) {
    (void)state;
    same_by_all("intel", "cuda13", "e5m2");
    rg_profiles_close(&profiles);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(casts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
