/* CSV as RFC 4180 has it, and what is no CSV. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "perf/calibrate/csv.h"
#include "unit/graph/models.h"

static void cells(void **state) {
    (void)state;
    static const char text[] = "a,b,c\r\n1,\"x, \"\"y\"\"\nz\",\n\n2.5 (3),,last";
    perf_csv t;
    rg_error err = {0};
    must(perf_csv_parse(&t, text, sizeof text - 1, "test", &err), &err);
    assert_int_equal(t.n_columns, 3);
    assert_int_equal(t.n_rows, 2);
    assert_string_equal(perf_csv_cell(&t, 0, "b"), "x, \"y\"\nz");
    assert_string_equal(perf_csv_cell(&t, 0, "c"), "");
    assert_string_equal(perf_csv_cell(&t, 1, "c"), "last");
    assert_true(perf_csv_number(&t, 1, "a") == 2.5);
    assert_true(isnan(perf_csv_number(&t, 1, "b")));
    assert_true(isnan(perf_csv_number(&t, 1, "d")));
    assert_null(perf_csv_cell(&t, 1, "d"));
    perf_csv_close(&t);
}

static void refusals(void **state) {
    (void)state;
    static const char *const wrong[] = {"",       "\n",          "a,b\n1\n",  "a,b\n1,2,3\n",
                                        "a\n\"x", "a\n\"x\"y\n", "a\n1\x01\n"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        perf_csv t;
        rg_error err = {0};
        assert_int_equal(perf_csv_parse(&t, wrong[i], strlen(wrong[i]), "test", &err), RG_ERR_PARSE);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(cells), cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
