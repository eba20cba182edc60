/* stories260k reproduces recorded reference results: every row whose formats this version has.
   LABELS: long */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/stories_check.h"

static void all_rows(void **state) {
    (void)state;
    if (!stories_present()) {
        print_message("skipped: shared data absent\n");
        skip();
    }
    static stories_row rows[STORIES_ROWS];
    static rg_quality got[STORIES_ROWS + 1];
    rg_error err = {0};
    const size_t n = stories_rows(rows);
    assert_true(n >= 20);
    const size_t kept = n;
    if (stories_run(rows, kept, got, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    bool good = got[1].is_reference;
    for (size_t i = 0; i < kept; i++) good = stories_agree(&rows[i], &got[i + 1]) && good;
    assert_true(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
