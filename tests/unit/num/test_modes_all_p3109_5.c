/* All 2^32 fp32 patterns by every rounding: binary8p5se; 6 minutes on two cores.
   LABELS: long */
#include "modes_all.h"

static void all(void **state) {
    (void)state;
    const char *const names[] = {"binary8p5se"};
    modes_formats(names, sizeof names / sizeof *names);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
