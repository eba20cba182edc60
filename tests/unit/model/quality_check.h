/* Figures of an evaluation against others. */
#ifndef RIDGE_TEST_QUALITY_CHECK_H
#define RIDGE_TEST_QUALITY_CHECK_H

#include <math.h>
#include <stddef.h>

#include "ridge/model.h"

#define assert_near(got, want, relative) assert_true(fabs((got) - (want)) <= (relative)*fabs(want))

/* Every number, bit for bit. */
static inline void same_numbers(const rg_quality *a, const rg_quality *b) {
    assert_memory_equal(&a->ppl, &b->ppl, offsetof(rg_quality, verdict) - offsetof(rg_quality, ppl));
    assert_int_equal(a->verdict, b->verdict);
    assert_int_equal(a->tokens, b->tokens);
    assert_string_equal(a->policy, b->policy);
}

#endif
