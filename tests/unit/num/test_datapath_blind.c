/* Blind identification of many random datapaths. LABELS: long */
#include "unit/num/datapath_blind.h"

static void many(void **state) {
    (void)state;
    enum { RUNS = 40 };
    size_t vectors = 0;
    for (uint64_t run = 3; run < RUNS; run++) {
        char text[256];
        random_text(run, text, sizeof text);
        identify_one(text, &vectors);
    }
    print_message("%d random datapaths, %zu vectors each on average\n", RUNS - 3, vectors / (RUNS - 3));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
