/* Every unit of the first study at its lanes, and shapes around them, over 65,536 vectors; one so large that
   verilator compiles it. LABELS: long */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/rtl/unit_folder.h"

static void check_agrees(const char *a, const char *b, int n, const char *more) {
    char text[128];
    rg_rtl_verify_result r;
    rg_error e = {0};
    snprintf(text, sizeof text, "dot(a=%s,b=%s,n=%d%s)", a, b, n, more);
    folder_generate(text, "unit");
    if (rg_rtl_verify(folder_path("unit"), &r, &e) != RG_OK) fail_msg("%s: %s: %s", text, e.where, e.message);
    if (r.mismatches) fail_msg("%s: %llu mismatches, %s", text, (unsigned long long)r.mismatches, r.first);
    assert_true(r.exhaustive || r.vectors == 65536);
}

static void test_study_units(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const char *const pair[][2] = {
        {"bf16", "bf16"}, {"int8", "int8"}, {"e4m3fn", "e4m3fn"}, {"e2m3", "e2m3"},   {"e2m1", "e2m1"},
        {"int4", "int4"}, {"bf16", "int4"}, {"bf16", "e2m1"},     {"e4m3fn", "e2m1"}, {"fp16", "fp16"},
        {"e5m2", "e5m2"}, {"e3m2", "e3m2"}, {"mxfp8", "nvfp4"},   {"mxfp6", "mxfp4"}};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++) check_agrees(pair[i][0], pair[i][1], 8, "");
}

static void test_other_shapes(void **state) {
    (void)state;
    NEEDS("iverilog");
    static const char *const pair[][2] = {{"fp16", "bf16"}, {"bf16", "bf16"}, {"e5m2", "e4m3fn"},
                                          {"int8", "e5m2"}, {"fp16", "int2"}, {"e4m3fn", "fp16"},
                                          {"int3", "int7"}};
    static const char *const align[] = {",align=1", ",align=13", ",align=48"};
    for (size_t i = 0; i < sizeof pair / sizeof *pair; i++)
        for (int k = 0; k < 3; k++)
            check_agrees(pair[i][0], pair[i][1], 1 + 2 * (k % 2) + (int)(i % 2), align[k]);
}

static void test_large(void **state) {
    (void)state;
    NEEDS("verilator");
    check_agrees("fp16", "fp16", 16, "");
    check_agrees("int8", "int8", 64, "");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_study_units),
                                       cmocka_unit_test(test_other_shapes), cmocka_unit_test(test_large)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
