/* Faults in the corners of large units: overflow, subnormal results, specials of one lane. LABELS: long */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/rtl/mutants.h"

static void test_specials(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const mutant list[] = {
        {" | zi3", "", "nan ="},
        {"(i1 & ~s1)", "1'b0", "plus_inf ="},
        {"(i2 & s2)", "(i2 & ~s2)", "minus_inf ="},
        {"qb3 | ", "", "nan ="},
        {"(plus_inf & minus_inf)", "1'b0", "nan ="},
        {"a[14:10]", "a[14:11]", "ta1 ="},
        {"(|mb2)", "(|mb3)", "zi2 ="},
        {"32'h7fffffff", "32'h7ffffffe", "assign result"},
        {"{minus_inf,", "{plus_inf,", "assign result"},
    };
    CHECK_KILLED("dot(a=e5m2,b=e5m2,n=4)", list);
}

static void test_ends_of_fp32(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const mutant list[] = {
        {": 9'd128", ": 9'd127", "top ="},
        {"9'd1;", "9'd2;", "lim ="},
        {"loose5 | lim[4]", "loose5 & lim[4]", "z4 ="},
        {"lim[0]", "lim[1]", "z0 ="},
        {"& ~empty3", "| ~empty3", "loose3 ="},
        {"(&exponent[7:0])", "1'b0", "over ="},
        {"7f7fffff", "7f7ffffe", "finite ="},
        {"[8:8]", "[7:7]", "over ="},
        {"(|ma1) & (|mb1)", "(|ma1)", "x0_1 ="}, /* a product of zero sets the alignment */
        {"{8{h0[27]}}", "{8{1'b1}}", "field ="},
    };
    CHECK_KILLED("dot(a=bf16,b=bf16,n=2)", list);
}

static void test_shifts_and_signs(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const mutant list[] = {
        {">>", "<<", "g2 ="},
        {"[28:27]", "[28:28]", "empty1 ="},
        {"x0_0 > x0_1", "x0_0 < x0_1", "x1_0 ="},
        {"8'd116", "8'd115", "base ="},
        {"h0[27:5]", "h0[26:4]", "fraction ="},
        {"^", "|", "s1 ="},
        {"top - x2", "top + x2", "d2 ="},
        {"qa2", "qa1", "nan = qa0 | qb0 | qa1 |"},
    };
    CHECK_KILLED("dot(a=e4m3fn,b=e4m3fn,n=3)", list);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_shifts_and_signs),
                                       cmocka_unit_test(test_specials), cmocka_unit_test(test_ends_of_fp32)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
