/* The shares of scale rules over all 2^23 mantissas. LABELS: long */
#include "scale_shares.h"

static void all(void **state) {
    (void)state;
    for (size_t i = 0; i < 5; i++) check_shares(&share_table[i], 1, 1e-4);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
