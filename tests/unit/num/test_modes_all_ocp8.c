/* All 2^32 fp32 patterns by every rounding: e5m2 e4m3fn; 6 minutes on two cores.
   LABELS: long */
#include "modes_all.h"

static void all(void **state) {
    (void)state;
    const char *const names[] = {"e5m2", "e4m3fn"};
    modes_formats(names, sizeof names / sizeof *names);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
