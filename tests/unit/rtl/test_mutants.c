/* Single faults in generated Verilog, each found by the unit's vectors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/rtl/mutants.h"

static void test_integers(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const mutant list[] = {
        {"a[15]", "a[14]", "a1 ="}, /* sign of one lane */
        {"+ a1", "- a1", "assign sum"},
    };
    CHECK_KILLED("dot(a=int8,b=int8,n=2)", list);
}

static void test_exact_floats(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const mutant list[] = {
        {"5'd2", "5'd3", "g1 ="},
        {"| ~na0", "& ~na0", "ea0 ="}, /* subnormals */
        {"qa1", "qa0", "nan = qa0 |"},
    };
    CHECK_KILLED("dot(a=e4m3fn,b=e2m1,n=2)", list);
}

static void test_aligned(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const mutant list[] = {
        {"19'd0", "18'd0", "g0 ="},
        {"{29{s1}}", "{29{s0}}", "v1 ="},
        {"x0_0 > x0_1", "x0_0 < x0_1", "x1_0 ="},
    };
    CHECK_KILLED("dot(a=e4m3fn,b=e4m3fn,n=2)", list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_integers), cmocka_unit_test(test_exact_floats),
                                       cmocka_unit_test(test_aligned)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
