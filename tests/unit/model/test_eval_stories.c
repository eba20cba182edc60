/* stories260k reproduces recorded reference results: some rows. test_eval_stories_all.c takes all of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/stories_check.h"

static void some_rows(void **state) {
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
    size_t kept = 0;
    for (size_t i = 0; i < n; i += 4) rows[kept++] = rows[i]; /* from fp32 to a row of kv */
    if (stories_run(rows, kept, got, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    bool good = got[1].is_reference;
    for (size_t i = 0; i < kept; i++) good = stories_agree(&rows[i], &got[i + 1]) && good;
    assert_true(good);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(some_rows)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
