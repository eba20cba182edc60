/* Counting from turning point to turning point against trying all 2^32 inputs. */
#ifndef RIDGE_TEST_DIFF_ALL_H
#define RIDGE_TEST_DIFF_ALL_H

#include "diff_check.h"

static inline void same_by_all(const char *a, const char *b, const char *format) {
    const rg_diff_options each = {.enumerate = true};
    const rg_diff_result fast = diff(a, b, format), slow = diff_by(a, b, format, &each);
    assert_int_equal(fast.n_differences, slow.n_differences);
    assert_int_equal(fast.n_positive, slow.n_positive);
    assert_int_equal(fast.n_equated, slow.n_equated);
    assert_string_equal(fast.cause, slow.cause);
    assert_memory_equal(&fast.first.point.x, &slow.first.point.x, sizeof(float));
    assert_memory_equal(&fast.smallest.point.x, &slow.smallest.point.x, sizeof(float));
}

#endif
