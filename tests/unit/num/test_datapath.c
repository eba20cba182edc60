/* Datapaths: dot products captured on chips, to the bit; wrong parameters are caught; text; the accumulator
 * study. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ridge/datapath.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static const char *vectors(void) {
    static char dir[512];
    const char *shared = getenv("RIDGE_SHARED");
    snprintf(dir, sizeof dir, "%s/matrix-units", shared ? shared : RIDGE_SOURCE_DIR "/../shared/data");
    return access(dir, R_OK) == 0 ? dir : NULL;
}

static rg_datapath *must_open(const char *text) {
    rg_datapath *dp;
    rg_error err = {0};
    if (rg_datapath_open(&dp, text, DATA, &err) != RG_OK)
        fail_msg("%s: %s: %s", text, err.where, err.message);
    return dp;
}

/* Rows of a set on which a column (0: fp32, 1: fp16) differs from the datapath. */
static int mismatches(const char *set, const char *text, rg_dot_out out, int column, bool ignore_c,
                      int *rows) {
    char command[640], line[2048];
    snprintf(command, sizeof command, "xzcat '%s/%s.txt.xz'", vectors(), set);
    FILE *f = popen(command, "r");
    rg_datapath *dp = must_open(text);
    int wrong = 0;
    *rows = 0;
    while (f && fgets(line, sizeof line, f)) {
        char want[2][16];
        rg_arena arena = {0};
        rg_dot dot;
        assert_int_equal(sscanf(line, "%*s %*s %*s %15s %15s", want[0], want[1]), 2);
        assert_int_equal(rg_dot_read(dp, line, set, &arena, &dot, NULL), RG_OK);
        if (ignore_c) dot.c = 0;
        wrong += rg_dot_walk(dp, out, &dot) != (uint32_t)strtoul(want[column], NULL, 16);
        ++*rows;
        rg_arena_free(&arena);
    }
    if (f) pclose(f);
    rg_datapath_close(dp);
    return wrong;
}

static const struct {
    const char *set, *fp32, *fp16;
    bool ignore_c;
} sets[] = {
    {"V100_fp16", "v100-fp16", "v100-fp16", false},
    {"A100_fp16", "a100-fp16", "a100-fp16", false},
    {"A100_bf16", "a100-bf16", NULL, false},
    {"A100_tf32", "a100-tf32", NULL, false},
    {"Ada_fp16", "ada-fp16", "ada-fp16", false},
    {"Ada_E4M3", "ada-e4m3", "ada-e4m3", false},
    {"Ada_E5M2", "ada-e5m2", "ada-e5m2", false},
    {"H100_fp16", "h100-fp16", "h100-fp16", false},
    {"H100_bf16", "h100-bf16", NULL, false},
    {"H100_tf32", "h100-tf32", NULL, false},
    {"H100_E4M3", "h100-e4m3-wgmma", "h100-e4m3-mma", true},
    {"H100_E5M2", "h100-e5m2-wgmma", "h100-e5m2-mma", true},
};

static void captured(void **state) {
    (void)state;
    if (!vectors()) {
        print_message("skipped: shared data absent\n");
        skip();
    }
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        int rows;
        int wrong = mismatches(sets[i].set, sets[i].fp32, RG_DOT_FP32, 0, sets[i].ignore_c, &rows);
        if (wrong || rows != 1000) fail_msg("%s: %d of %d differ", sets[i].set, wrong, rows);
        if (!sets[i].fp16) continue;
        wrong = mismatches(sets[i].set, sets[i].fp16, RG_DOT_FP16, 1, false, &rows);
        if (wrong || rows != 1000) fail_msg("%s to fp16: %d of %d differ", sets[i].set, wrong, rows);
    }
}

/* One bit more or less of alignment, another group, another rounding: hundreds of rows differ. */
static void wrong_parameters(void **state) {
    (void)state;
    static const struct {
        const char *set, *text;
        bool ignore_c;
    } wrong[] = {{"A100_fp16", "a100-fp16(align=23)", false},
                 {"A100_fp16", "a100-fp16(align=25)", false},
                 {"H100_fp16", "h100-fp16(align=24)", false},
                 {"H100_fp16", "h100-fp16(align=26)", false},
                 {"H100_fp16", "h100-fp16(n=8)", false},
                 {"H100_fp16", "h100-fp16(acc=fp32@rne)", false},
                 {"V100_fp16", "v100-fp16(align=24)", false},
                 {"H100_E4M3", "h100-e4m3-wgmma(align=12)", true},
                 {"H100_E4M3", "h100-e4m3-wgmma(align=14)", true},
                 {"H100_E4M3", "h100-e4m3-wgmma(n=16)", true},
                 {"Ada_E4M3", "ada-e4m3(n=32)", false}};
    if (!vectors()) {
        print_message("skipped: shared data absent\n");
        skip();
    }
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int rows;
        const int n = mismatches(wrong[i].set, wrong[i].text, RG_DOT_FP32, 0, wrong[i].ignore_c, &rows);
        if (n < 100) fail_msg("%s on %s: only %d of %d differ", wrong[i].text, wrong[i].set, n, rows);
    }
}

/* ---- text -----------------------------------------------------------------------------------------------
 */

static void text_round_trips(void **state) {
    (void)state;
    static const char *const texts[][2] = {
        {"dot(a=fp16,b=fp16,n=4)", "dot(a=fp16,b=fp16,n=4,align=exact,acc=fp32@rz)"},
        {"dot(n=32,b=e4m3fn,a=e4m3fn,acc=e8m13@rz,align=13)",
         "dot(a=e4m3fn,b=e4m3fn,n=32,align=13,acc=e8m13@rz)"},
        {"dot(a=nvfp4,b=nvfp4,n=16,align=25,acc=fp32@rz,promote=128)",
         "dot(a=nvfp4,b=nvfp4,n=16,align=25,acc=fp32@rz,promote=128)"},
        {"dot(a=mx(e4m3fn,32,e8m0),b=mxfp8,n=32,align=25)", "dot(a=mxfp8,b=mxfp8,n=32,align=25,acc=fp32@rz)"},
        {"dot(a=bf16,b=tf32,n=8,align=20,cut=rd,floor=-126,acc=bf16@rne,acc16=fp16@rz,c=after,order=reverse,"
         "flush=both,nan=7fc00000)",
         "dot(a=bf16,b=tf32,n=8,align=20,cut=rd,floor=-126,acc=bf16@rne,acc16=fp16@rz,c=after,order=reverse,"
         "flush=both,nan=7fc00000)"},
        {"a100-fp16(align=23)", "dot(a=fp16,b=fp16,n=8,align=23,acc=fp32@rz)"},
        {"tpu(n=128,acc=fp32@rne)", "dot(a=bf16,b=bf16,n=128,align=exact,acc=fp32@rne)"},
        {"mi300-fp8", "mi300-fp8"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        rg_datapath *dp = must_open(texts[i][0]), *again;
        assert_string_equal(rg_datapath_text(dp), texts[i][1]);
        again = must_open(texts[i][1]);
        assert_string_equal(rg_datapath_text(again), texts[i][1]);
        rg_datapath_close(dp);
        rg_datapath_close(again);
    }
}

static void refusals(void **state) {
    (void)state;
    static const char *const wrong[] = {"",
                                        "dot",
                                        "dot(",
                                        "dot()",
                                        "dot(a=fp16,b=fp16)",
                                        "dot(a=fp16,n=4)",
                                        "dot(a=fp16,b=fp16,n=0)",
                                        "dot(a=fp16,b=fp16,n=129)",
                                        "dot(a=fp16,b=fp16,n=4,n=4)",
                                        "dot(a=fp16,b=fp16,n=4,align=61)",
                                        "dot(a=fp16,b=fp16,n=4,acc=fp32)x",
                                        "dot(a=fp16,b=fp16,n=4,acc=fp99@rz)",
                                        "dot(a=fp16,b=fp16,n=4,what=1)",
                                        "dot(a=mxfp8,b=mxfp8,n=24)",
                                        "dot(a=fp16,b=fp16,n=4,promote=6)",
                                        "dot(a=fp32,b=fp32,n=4)",
                                        "dot(a=int4,b=int4,n=4)",
                                        "nothing",
                                        "mi300-fp8(n=4)",
                                        "tpu",
                                        "none.yaml:x",
                                        "h100-fp16(",
                                        "h100-fp16(align)"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rg_datapath *dp;
        rg_error err = {0};
        if (rg_datapath_open(&dp, wrong[i], DATA, &err) == RG_OK) fail_msg("\"%s\" is accepted", wrong[i]);
        assert_true(err.message[0]);
    }
}

static void presets(void **state) {
    (void)state;
    static const char *const needed = "v100-fp16 a2-fp16 a100-fp16 ada-fp16 l40s-fp16 h100-fp16 h200-fp16 "
                                      "b200-fp16 a2-bf16 a100-bf16 ada-bf16 l40s-bf16 "
                                      "h100-bf16 h200-bf16 b200-bf16 a2-tf32 a100-tf32 ada-tf32 l40s-tf32 "
                                      "h100-tf32 h200-tf32 b200-tf32 ada-e4m3 ada-e5m2 "
                                      "l40s-e4m3 l40s-e5m2 h100-e4m3-wgmma h100-e5m2-wgmma h200-e4m3-wgmma "
                                      "h200-e5m2-wgmma h100-e4m3-mma h100-e5m2-mma "
                                      "h200-e4m3-mma h200-e5m2-mma b200-e4m3-mma b200-e5m2-mma b200-mxfp8 "
                                      "b200-mxfp4 b200-nvfp4 mi250-fp16 mi250-bf16 "
                                      "mi300-fp16 mi300-bf16 mi300-xf32 mi300-fp8 ";
    char name[64];
    for (const char *p = needed; sscanf(p, "%63s", name) == 1; p += strlen(name) + 1)
        rg_datapath_close(must_open(name));
    rg_arena arena = {0};
    const char **names;
    size_t n;
    assert_int_equal(rg_datapath_names(DATA, &arena, &names, &n, NULL), RG_OK);
    assert_true(n >= 45);
    rg_arena_free(&arena);
}

/* ---- special values -------------------------------------------------------------------------------------
 */

static uint32_t one_line(const char *text, const char *line) {
    rg_datapath *dp = must_open(text);
    rg_arena arena = {0};
    rg_dot dot;
    rg_error err = {0};
    if (rg_dot_read(dp, line, "line", &arena, &dot, &err) != RG_OK) fail_msg("%s: %s", line, err.message);
    const uint32_t y = rg_dot_walk(dp, RG_DOT_FP32, &dot);
    rg_arena_free(&arena);
    rg_datapath_close(dp);
    return y;
}

static void special_values(void **state) {
    (void)state;
    static const struct {
        const char *text, *line;
        uint32_t want;
    } cases[] = {{"h100-fp16", "7e00 3c00 00000000", 0x7fffffff},         /* NaN is canonical */
                 {"h100-fp16", "7c00 0000 00000000", 0x7fffffff},         /* infinity times zero */
                 {"h100-fp16", "7c007c00 3c00bc00 00000000", 0x7fffffff}, /* infinity minus infinity */
                 {"h100-fp16", "fc00 3c00 7f7fffff", 0xff800000},
                 {"mi250-fp16", "7c007c00 3c00bc00 00000000", 0x7fc00000},
                 {"h100-bf16", "7f007f00 7f00ff00 3f800000",
                  0x00000000}, /* products beyond fp32's range cancel; c is far below */
                 {"mi300-bf16", "7f007f00 7f00ff00 3f800000", 0x7fc00000}, /* there they do not */
                 {"h100-bf16", "7f00 7f00 00000000", 0x7f800000},
                 {"h100-e4m3-wgmma", "7f 38 00000000", 0x7fffffff},
                 {"h100-fp16", "8000 3c00 80000000", 0x00000000},        /* an exact zero is +0 */
                 {"h100-fp16", "0001 0001 00000000", 0x27800000},        /* 2^-48: subnormal inputs count */
                 {"mi250-fp16", "0001 3c00 00000000", 0x00000000},       /* there they are flushed */
                 {"mi300-fp8", "80 40 00000000", 0x7fc00000},            /* fnuz: the code of -0 is NaN */
                 {"b200-nvfp4", "2222:40 2222:38 3f800000", 0x41100000}, /* 4 * 2 + 1 */
                 {"b200-mxfp8", "38:ff 38:7f 00000000", 0x7fffffff},     /* e8m0 NaN */
                 {"b200-mxfp8", "38:80 38:7e 00000000", 0x3f800000}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const uint32_t got = one_line(cases[i].text, cases[i].line);
        if (got != cases[i].want)
            fail_msg("%s on %s: %08x, not %08x", cases[i].text, cases[i].line, got, cases[i].want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(captured),         cmocka_unit_test(wrong_parameters),
                                       cmocka_unit_test(text_round_trips), cmocka_unit_test(refusals),
                                       cmocka_unit_test(presets),          cmocka_unit_test(special_values)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
