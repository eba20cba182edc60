/* Counting from turning point to turning point equals trying all 2^32 inputs.
   LABELS: long */

#include "diff_check.h"

static void same(const char *a, const char *b, const char *format) {
    const rg_diff_options each = {.enumerate = true};
    const rg_diff_result fast = diff(a, b, format), slow = diff_by(a, b, format, &each);
    assert_int_equal(fast.n_differences, slow.n_differences);
    assert_int_equal(fast.n_positive, slow.n_positive);
    assert_int_equal(fast.n_equated, slow.n_equated);
    assert_string_equal(fast.cause, slow.cause);
    assert_memory_equal(&fast.first.point.x, &slow.first.point.x, sizeof(float));
    assert_memory_equal(&fast.smallest.point.x, &slow.smallest.point.x, sizeof(float));
}

static void casts(void **state) {
    (void)state;
    same("cpfloat", "ocp", "e4m3fn");
    same("intel", "cuda13", "e5m2");
    same("universal", "ml_dtypes", "e8m0");
    rg_profiles_close(&profiles);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(casts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
