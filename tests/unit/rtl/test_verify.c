/* Generated Verilog against the C datapath in a simulator; folders that are not what was generated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/rtl/unit_folder.h"

static void check_agrees(const char *text, uint64_t vectors, bool exhaustive) {
    rg_rtl_verify_result r;
    rg_error e = {0};
    folder_generate(text, "agrees");
    if (rg_rtl_verify(folder_path("agrees"), &r, &e) != RG_OK)
        fail_msg("%s: %s: %s", text, e.where, e.message);
    if (r.mismatches) fail_msg("%s: %llu mismatches, %s", text, (unsigned long long)r.mismatches, r.first);
    assert_int_equal(r.vectors, vectors);
    assert_true(r.exhaustive == exhaustive && r.first[0] == 0);
    assert_true(strncmp(r.simulator, "iverilog 1", 10) == 0);
}

static void test_every_input(void **state) {
    (void)state;
    NEEDS("iverilog");
    check_agrees("dot(a=int8,b=int8,n=1)", 65536, true);
    check_agrees("dot(a=e4m3fn,b=e4m3fn,n=1)", 65536, true);
    check_agrees("dot(a=e5m2,b=e5m2,n=1)", 65536, true);
    check_agrees("dot(a=e2m1,b=e2m1,n=1)", 256, true);
    check_agrees("dot(a=int4,b=e2m1,n=2)", 65536, true);
    check_agrees("dot(a=e2m3,b=e3m2,n=1)", 4096, true);
    check_agrees("dot(a=e4m3fn,b=e2m1,n=1)", 4096, true);
}

static void test_sampled(void **state) {
    (void)state;
    NEEDS("iverilog");
    check_agrees("dot(a=bf16,b=int4,n=1)", 65536, false);
    check_agrees("dot(a=fp16,b=fp16,n=1)", 65536, false);
}

static rg_status verify(rg_error *e) {
    rg_rtl_verify_result r = {.mismatches = 77};
    const rg_status status = rg_rtl_verify(folder_path("unit"), &r, e);
    if (status != RG_OK) assert_int_equal(r.mismatches, 77);
    return status;
}

static void refused(rg_status want, const char *where, const char *message) {
    rg_error e = {0};
    assert_int_equal(verify(&e), want);
    if (!strstr(e.where, where) || !strstr(e.message, message))
        fail_msg("\"%s: %s\" lacks \"%s: %s\"", e.where, e.message, where, message);
}

/* One changed byte of the stimulus must not pass for a verified unit. */
static void test_changed_stimulus(void **state) {
    (void)state;
    folder_generate("dot(a=e2m1,b=e2m1,n=1)", "unit");
    char *vectors = folder_read("unit/sim/vectors.hex");
    vectors[100] = vectors[100] == '0' ? '1' : '0';
    folder_write("unit/sim/vectors.hex", vectors);
    refused(RG_ERR_MISMATCH, "sim/vectors.hex", "changed since it was generated");
    free(vectors);
    folder_generate("dot(a=e2m1,b=e2m1,n=1)", "unit");
    folder_write("unit/sim/testbench.v",
                 "module testbench; initial $display(\"RESULT vectors 256 mismatches 0\"); endmodule\n");
    refused(RG_ERR_MISMATCH, "sim/testbench.v", "changed since it was generated");
}

static void test_not_a_unit(void **state) {
    (void)state;
    refused(RG_ERR_IO, "unit.json", "cannot open");
    folder_generate("dot(a=e2m1,b=e2m1,n=1)", "unit");
    char *json = folder_read("unit/unit.json");
    static const char *const bad[][2] = {{"", "unit.json"},
                                         {"{\"unit\": 3}", "unit.json:1"},
                                         {"[]", "unit.json"},
                                         {"{\"unit\": \"dot(a=int8)\"}", "unit.json:1"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        folder_write("unit/unit.json", bad[i][0]);
        refused(RG_ERR_PARSE, bad[i][1], "");
    }
    for (size_t n = 0, size = strlen(json); n + 2 < size; n += 7) { /* cut anywhere */
        char *cut = strndup(json, n);
        folder_write("unit/unit.json", cut);
        refused(RG_ERR_PARSE, "unit.json", "");
        free(cut);
    }
    folder_write("unit/unit.json", json);
    free(json);
    unlink(folder_path("unit/sim/vectors.hex"));
    refused(RG_ERR_IO, "sim/vectors.hex", "cannot open");
}

static void test_broken_verilog(void **state) {
    (void)state;
    NEEDS("iverilog");
    folder_generate("dot(a=e2m1,b=e2m1,n=1)", "unit");
    folder_write("unit/rtl/dot_e2m1_e2m1_n1.v", "module dot_e2m1_e2m1_n1 (\n    input wire a\n");
    refused(RG_ERR_TOOL, "dot_e2m1_e2m1_n1.v", "error");
    folder_write("unit/rtl/dot_e2m1_e2m1_n1.v", "module other; endmodule\n");
    refused(RG_ERR_TOOL, "dot_e2m1_e2m1_n1.v", "Unknown module type");
    /* ends the simulation before anything was compared */
    folder_write("unit/rtl/dot_e2m1_e2m1_n1.v",
                 "module dot_e2m1_e2m1_n1 (input wire [3:0] a, input wire [3:0] b, output wire [8:0] sum);\n"
                 "    assign sum = 0;\n    initial #3 $finish;\nendmodule\n");
    refused(RG_ERR_TOOL, "dot_e2m1_e2m1_n1.v", "without a result");
    unlink(folder_path("unit/rtl/dot_e2m1_e2m1_n1.v"));
    refused(RG_ERR_IO, "dot_e2m1_e2m1_n1.v", "");
}

static void test_no_simulator(void **state) {
    (void)state;
    folder_generate("dot(a=e2m1,b=e2m1,n=1)", "unit");
    char *path = strdup(getenv("PATH"));
    setenv("PATH", folder_base, 1);
    rg_error e = {0};
    const rg_status status = verify(&e);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(status, RG_ERR_TOOL);
    assert_non_null(strstr(e.message, "iverilog"));
}

/* A folder is whole again, or not at all, after the next generation. */
static void test_generation_over_another(void **state) {
    (void)state;
    NEEDS("iverilog");
    folder_generate("dot(a=int4,b=int4,n=2)", "unit");
    folder_generate("dot(a=e2m1,b=e2m1,n=1)", "unit");
    assert_int_equal(verify(NULL), RG_OK);
    rg_rtl_unit u;
    rg_error e = {0};
    assert_int_equal(rg_rtl_unit_parse("dot(a=int4,b=int4,n=2)", &u, NULL), RG_OK);
    folder_write("file", "");
    assert_int_equal(rg_rtl_generate(&u, folder_path("file/unit"), &e), RG_ERR_IO);
    assert_non_null(strstr(e.where, "file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_not_a_unit),
        cmocka_unit_test(test_every_input),
        cmocka_unit_test(test_sampled),
        cmocka_unit_test(test_changed_stimulus),
        cmocka_unit_test(test_broken_verilog),
        cmocka_unit_test(test_no_simulator),
        cmocka_unit_test(test_generation_over_another),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
