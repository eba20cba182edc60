/* Every gap of the posits and takums of 16 bits. LABELS: long
   LIBS: mpfr gmp */
#include "ordered_oracle.h"

static void all(void **state) {
    (void)state;
    for (int es = 0; es <= 4; es++) {
        char text[48];
        snprintf(text, sizeof text, "posit(16,%d)", es);
        sorted s = sorted_strings(text, 16, es, posit_formula, true);
        sorted_check_all(&s, 1);
        sorted_close(&s);
    }
    for (int is_log = 0; is_log < 2; is_log++) {
        sorted s =
            sorted_strings(is_log ? "takum(16,log)" : "takum(16,linear)", 16, is_log, takum_formula, !is_log);
        sorted_check_all(&s, 1);
        sorted_close(&s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
