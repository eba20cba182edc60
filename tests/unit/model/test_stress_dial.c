/* Every row of the recorded outlier dial. LABELS: long */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ridge/model.h"
#include "unit/model/dial_check.h"

static void every_row(void **state) {
    (void)state;
    dial_row rows[DIAL_ROWS];
    int n_bad = 0;
    if (!stories_present()) skip_absent("stories260k");
    const size_t n = dial_read(rows);
    assert_int_equal(n, 24);
    for (int i = 0; i < 3; i++) n_bad += dial_run(rows, n, (int[]){1, 10, 50}[i], "");
    assert_int_equal(n_bad, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_row)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
