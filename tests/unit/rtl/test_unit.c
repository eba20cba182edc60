/* The text of units: canonical form, defaults, refusals that name the part. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "ridge/rtl.h"

static void test_canonical(void **state) {
    (void)state;
    static const char *const text[][2] = {
        {"dot(a=int8,b=int8,n=4)", "dot(a=int8,b=int8,n=4)"},
        {"dot(n=4,b=e2m1,a=e4m3fn)", "dot(a=e4m3fn,b=e2m1,n=4)"},
        {"dot(a=bf16,b=bf16,n=1)", "dot(a=bf16,b=bf16,n=1,align=25)"},
        {"dot(a=e5m2,b=e5m2,n=2,align=13)", "dot(a=e5m2,b=e5m2,n=2,align=13)"},
        /* block formats: the element */
        {"dot(a=mxfp8,b=mxfp4,n=2)", "dot(a=e4m3fn,b=e2m1,n=2)"},
        {"dot(a=nvfp4,b=mxfp6,n=2)", "dot(a=e2m1,b=e2m3,n=2)"},
        {"dot(a=int4(sym,group=64,scale=fp16),b=int8(sym,row,scale=fp32),n=2)", "dot(a=int4,b=int8,n=2)"},
        {"dot(a=e4m3fn(scale=tensor),b=mx(e5m2,32,e8m0),n=2)", "dot(a=e4m3fn,b=e5m2,n=2,align=25)"},
        /* exact units keep no fraction bits of their own */
        {"dot(a=e2m1,b=e2m1,n=8,align=25)", "dot(a=e2m1,b=e2m1,n=8)"},
        {"dot(a=e2m1,b=e2m1,n=8,align=1)", "dot(a=e2m1,b=e2m1,n=8,align=1)"},
        /* exact because F is that large, so F stays in the text */
        {"dot(a=e5m2,b=e4m3fn,n=1,align=48)", "dot(a=e5m2,b=e4m3fn,n=1,align=48)"},
    };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        rg_rtl_unit u, again;
        rg_error e = {0};
        if (rg_rtl_unit_parse(text[i][0], &u, &e) != RG_OK) fail_msg("%s: %s", text[i][0], e.message);
        assert_string_equal(u.text, text[i][1]);
        assert_int_equal(rg_rtl_unit_parse(u.text, &again, NULL), RG_OK);
        assert_string_equal(again.text, u.text);
        assert_int_equal(again.output_bits, u.output_bits);
        assert_true(again.exact == u.exact && again.align == u.align && u.exact == (u.align == 0));
    }
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const text[][2] = {
        {"", "unknown unit"},
        {"fma(a=int8)", "unknown unit"},
        {"dot(", "cannot read"},
        {"dot()", "cannot read"},
        {"dot(a=int8,b=int8,n=4", "cannot read"},
        {"dot(a=int8,b=int8,n=4)x", "cannot read"},
        {"dot(a=int8,b=int8)", "lacks n="},
        {"dot(b=int8,n=4)", "lacks a="},
        {"dot(a=int8,n=4)", "lacks b="},
        {"dot(a=int8,a=int8,b=int8,n=4)", "a is given twice"},
        {"dot(a=int8,b=int8,n=0)", "n=0"},
        {"dot(a=int8,b=int8,n=65)", "n=65"},
        {"dot(a=int8,b=int8,n=4.5)", "n=4.5"},
        {"dot(a=int8,b=int8,n=99999999999999999999)", "n=9999"},
        {"dot(a=int8,b=int8,n=)", "n="},
        {"dot(a=int8,b=int8,n=4,align=0)", "align=0"},
        {"dot(a=int8,b=int8,n=4,align=49)", "align=49"},
        {"dot(a=int8,b=int8,n=4,width=3)", "unknown key width"},
        {"dot(a=int9x,b=int8,n=4)", "int9x"},
        {"dot(a=fp32,b=fp32,n=4)", "no unit multiplies fp32"},
        {"dot(a=tf32,b=fp16,n=4)", "no unit multiplies tf32"},
        {"dot(a=int4(asym,group=32,scale=fp16),b=int8,n=4)", "zero point"},
    };
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        rg_rtl_unit u = {.n = -7};
        rg_error e = {0};
        assert_int_equal(rg_rtl_unit_parse(text[i][0], &u, &e), RG_ERR_USAGE);
        if (!strstr(e.message, text[i][1])) fail_msg("'%s': %s lacks %s", text[i][0], e.message, text[i][1]);
        assert_true(e.expected[0] != 0);
        assert_int_equal(u.n, -7);
    }
}

/* Any bytes: an answer, never a crash. */
static void test_damaged_text(void **state) {
    (void)state;
    static const char good[] = "dot(a=mx(e4m3fn,32,e8m0),b=int4(sym,group=64,scale=fp16),n=8,align=25)";
    char text[sizeof good + 300];
    for (uint64_t i = 0; i < 20000; i++) {
        memcpy(text, good, sizeof good);
        for (uint64_t k = 0; k < 1 + i % 3; k++)
            text[rg_random_u32(3, i, 2 * k) % (sizeof good - 1)] = (char)rg_random_u32(3, i, 2 * k + 1);
        rg_rtl_unit u;
        rg_rtl_unit_parse(text, &u, NULL);
    }
    memset(text, '(', sizeof text - 1);
    memcpy(text, "dot(a=", 6);
    text[sizeof text - 1] = 0;
    rg_rtl_unit u;
    assert_int_equal(rg_rtl_unit_parse(text, &u, NULL), RG_ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_canonical), cmocka_unit_test(test_refusals),
                                       cmocka_unit_test(test_damaged_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
