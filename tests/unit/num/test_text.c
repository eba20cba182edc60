/* Text of formats and casts: synonyms, canonical forms, refusals that name the bad part, hostile texts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/num.h"

static const char *const good[] = {
    "fp32",
    "tf32",
    "bf16",
    "fp16",
    "e5m2",
    "e4m3fn",
    "e3m2",
    "e2m3",
    "e2m1",
    "e4m3fn(scale=tensor)",
    "e4m3fn(scale=row)",
    "e5m2(scale=tensor)",
    "e2m1(scale=row)",
    "int2",
    "int3",
    "int4",
    "int5",
    "int6",
    "int7",
    "int8",
    "int8(sym,tensor,scale=fp32)",
    "int8(sym,row,scale=fp16)",
    "int8(sym,group=128,scale=fp32)",
    "int4(sym,group=32,scale=fp16)",
    "int4(sym,group=128,scale=bf16)",
    "int4(asym,group=32,scale=fp16)",
    "int8(asym,row,scale=fp32)",
    "int2(sym,tensor,scale=fp32)",
    "mxfp8",
    "mxfp6",
    "mxfp4",
    "mx(e5m2,32,e8m0)",
    "mx(e3m2,32,e8m0)",
    "mx(e2m1,16,e8m0)",
    "nvfp4",
    "mxfp4@rne(scale=even)",
    "mxfp8@rne(scale=floor)",
    "nvfp4@rne(scale=4over6)",
    "e4m3fn@rne",
    "e4m3fn@rne(sat=finite)",
    "int4(sym,group=32,scale=fp16)@rne",
    "posit(8,1)",
    "takum(12,log)",
    "takum(16,linear)",
    "lns(8,8)",
    "lns(6,4)@rz",
    "hif8",
    "hif8@rna(sat=ocp)",
    "hif8(row,scale=fp32)",
    "book(-1,0,0.5)",
    "nf4(group=64,scale=fp32)",
    "fp4bnb(group=64,scale=fp32)",
    "binary16p16uf",
    "binary3p1ue",
    "float(e=5,m=3,unsigned)",
    "float(e=4,m=3,nan=top,max=240)",
    "smx9",
    "smx4@rne(scale=rceil)",
    "mx(e2m1,32,e8m0,sub=8)",
    "mx(e2m1,4x32,e8m0,sub=8,shift=2)",
    "msfp12",
    "mxint8",
    "mx(binary8p3se,32,binary8p1uf)@rne(scale=unit)",
};

static rg_quant parse(const char *text) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(text, &q, &err) != RG_OK)
        fail_msg("%s: %s: %s; expected %s", text, err.where, err.message, err.expected);
    return q;
}

static void print(const rg_quant *q, char text[256]) {
    const size_t n = rg_quant_print(q, text, 256);
    assert_true(n > 0 && n < 256);
    assert_int_equal(strlen(text), n);
}

/* Printing what was parsed is a fixed point, and the object is the same. */
static void fixed_point(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char first[256], second[256];
        const rg_quant q = parse(good[i]);
        print(&q, first);
        const rg_quant again = parse(first);
        print(&again, second);
        assert_string_equal(first, second);
        if (!rg_quant_equal(&q, &again)) fail_msg("%s: %s is another object", good[i], first);
    }
}

static void presets(void **state) {
    (void)state;
    const char *name, *summary;
    size_t n = 0;
    for (; (name = rg_format_preset(n, &summary)); n++) {
        char text[256];
        const rg_quant q = parse(name);
        print(&q, text);
        assert_string_equal(text, name);
        rg_format_print(&q.format, text, sizeof text);
        assert_string_equal(text, name);
        assert_true(summary && strlen(summary) > 5);
    }
    assert_true(n >= 20);
    assert_null(rg_format_preset(n, NULL));
    assert_non_null(rg_format_preset(0, NULL));
    static const char *const named[] = {"fp32", "tf32", "bf16",  "fp16",  "e5m2",  "e4m3fn", "e3m2",
                                        "e2m3", "e2m1", "int8",  "int4",  "int2",  "int3",   "int5",
                                        "int6", "int7", "mxfp8", "mxfp6", "mxfp4", "nvfp4"};
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++) found = found || strcmp(rg_format_preset(k, NULL), named[i]) == 0;
        if (!found) fail_msg("%s is not listed", named[i]);
    }
}

static void synonyms(void **state) {
    (void)state;
    static const char *const same[][2] = {
        {"int8", "int8(sym,row,scale=fp32)"},
        {"int8", "int8(sym,row)"},
        {"int4", "int4(sym,group=32,scale=fp16)"},
        {"int2", "int2(sym,group=32,scale=fp16)"},
        {"int3", "int3(sym,group=32,scale=fp16)"},
        {"int5", "int5(sym,group=32,scale=fp16)"},
        {"int6", "int6(sym,group=32,scale=fp16)"},
        {"int7", "int7(sym,group=32,scale=fp16)"},
        {"mxfp8", "mx(e4m3fn,32,e8m0)"},
        {"mxfp6", "mx(e2m3,32,e8m0)"},
        {"mxfp4", "mx(e2m1,32,e8m0)"},
        {"mxfp4", "mxfp4@rne"},
        {"mxfp4", "mxfp4@rne(scale=floor)"},
        {"mxfp4@rne(scale=even)", "mx(e2m1,32,e8m0)@rne(scale=even)"},
        {"e4m3fn", "e4m3fn@rne(sat=finite)"},
        {"nvfp4", "nvfp4@rne"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        char a_text[256], b_text[256];
        const rg_quant a = parse(same[i][0]), b = parse(same[i][1]);
        print(&a, a_text);
        print(&b, b_text);
        if (!rg_quant_equal(&a, &b) || strcmp(a_text, b_text) != 0)
            fail_msg("%s prints %s, %s prints %s", same[i][0], a_text, same[i][1], b_text);
        assert_string_equal(a_text, same[i][0]); /* a name is preferred */
    }
}

static void different(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (size_t k = 0; k < i; k++) {
            char a_text[256], b_text[256];
            const rg_quant a = parse(good[i]), b = parse(good[k]);
            print(&a, a_text);
            print(&b, b_text);
            assert_int_equal(rg_quant_equal(&a, &b), strcmp(a_text, b_text) == 0);
        }
    const rg_quant floor_rule = parse("mxfp4"), even = parse("mxfp4@rne(scale=even)");
    assert_false(rg_quant_equal(&floor_rule, &even));
}

/* The format alone prints without its cast. */
static void format_alone(void **state) {
    (void)state;
    char text[64];
    const rg_quant q = parse("mxfp4@rne(scale=even)");
    assert_int_equal(rg_format_print(&q.format, text, sizeof text), 5);
    assert_string_equal(text, "mxfp4");
}

static void small_buffer(void **state) {
    (void)state;
    char text[8];
    memset(text, 'x', sizeof text);
    const rg_quant q = parse("nvfp4@rne(scale=4over6)");
    assert_int_equal(rg_quant_print(&q, text, 5), strlen("nvfp4@rne(scale=4over6)"));
    assert_string_equal(text, "nvfp");
    assert_int_equal(text[5], 'x');
}

/* Blanks stand around arguments and nowhere else. */
static void blanks(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"int4(sym, group=32, scale=fp16)", "int4"},
                                           {"mx( e2m1 , 32 , e8m0 )", "mxfp4"},
                                           {"mxfp4@rne( scale=even )", "mxfp4@rne(scale=even)"}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const rg_quant q = parse(texts[i][0]), want = parse(texts[i][1]);
        assert_true(rg_quant_equal(&q, &want));
    }
    static const char *const bad[] = {" e4m3fn",         "e4m3fn ",
                                      "e4m3 fn",         "int4 (sym,group=32)",
                                      "int4(s ym,row)",  "int8(sym,group = 32)",
                                      "int8(sym, ,row)", "e4m3fn(scale=ro w)"};
    rg_quant q;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rg_quant_parse(bad[i], &q, NULL) != RG_ERR_USAGE) fail_msg("\"%s\" is accepted", bad[i]);
}

/* Fails as wrong usage with a message that has `part` in it, and leaves the output alone. */
static void refused(const char *text, const char *part) {
    rg_quant q, untouched;
    rg_error err = {0};
    memset(&q, 0x5a, sizeof q);
    memset(&untouched, 0x5a, sizeof untouched);
    const rg_status status = rg_quant_parse(text, &q, &err);
    if (status == RG_OK) fail_msg("\"%.60s\" is accepted", text);
    assert_int_equal(status, RG_ERR_USAGE);
    assert_int_equal(err.status, RG_ERR_USAGE);
    assert_true(err.message[0] != 0);
    if (part && !strstr(err.message, part) && !strstr(err.where, part))
        fail_msg("\"%.60s\": no \"%s\" in \"%s: %s\"", text, part, err.where, err.message);
    if (!err.expected[0]) fail_msg("\"%.60s\": nothing expected: %s", text, err.message);
    assert_memory_equal(&q, &untouched, sizeof q);
    assert_int_equal(rg_quant_parse(text, &q, NULL), RG_ERR_USAGE);
}

static void errors(void **state) {
    (void)state;
    static const char *const bad[][2] = {
        {"", NULL},
        {" ", NULL},
        {"(", NULL},
        {"@", NULL},
        {"@rne", NULL},
        {"int99", "int99"},
        {"int1", "int1"},
        {"int0", "int0"},
        {"int", "int"},
        {"int-8", NULL},
        {"e9m9", "e9m9"},
        {"fp32x", "fp32x"},
        {"nan", "nan"},
        {"e4m3fn)", NULL},
        {"e4m3fn(", NULL},
        {"e4m3fn()x", NULL},
        {"e4m3fn(scale=)", NULL},
        {"e4m3fn(scale=blah)", "blah"},
        {"e4m3fn(scale=row", NULL},
        {"e4m3fn(scale=row,)", NULL},
        {"e4m3fn(scale=row)row", NULL},
        {"e4m3fn(colour=row)", "colour"},
        {"int8(sym", NULL},
        {"int8(middling,row,scale=fp32)", "middling"},
        {"int8(sym,column,scale=fp32)", "column"},
        {"int8(sym,group=0,scale=fp16)", "0"},
        {"int8(sym,group=-1,scale=fp16)", "-1"},
        {"int8(sym,group=,scale=fp16)", NULL},
        {"int8(sym,group=1.5,scale=fp16)", "1.5"},
        {"int8(sym,group=32x,scale=fp16)", "32x"},
        {"int8(sym,group=99999999999999999999,scale=fp16)", "99999999999999999999"},
        {"int8(sym,group=4294967328,scale=fp16)", "4294967328"},
        {"int8(sym,row,scale=fp64)", "fp64"},
        {"int8(sym,row,scale=mxfp4)", "mxfp4"},
        {"mx(e9m9,32,e8m0)", "e9m9"},
        {"mx(e2m1,0,e8m0)", "0"},
        {"mx(e2m1,-32,e8m0)", "-32"},
        {"mx(e2m1,32,e9m0)", "e9m0"},
        {"mx(e2m1)", NULL},
        {"mx()", NULL},
        {"mx(mx(e2m1,32,e8m0),32,e8m0)", NULL},
        {"mx(mxfp4,32,e8m0)", "mxfp4"},
        {"mx(e2m1,32,e8m0,7)", "7"},
        {"nvfp4(group=8)", NULL},
        {"mxfp4@", NULL},
        {"mxfp4@foo", "foo"},
        {"mxfp4@rne(", NULL},
        {"mxfp4@rne(scale=even", NULL},
        {"mxfp4@rne(scale=even,)", NULL},
        {"mxfp4@rne(scale=even)x", NULL},
        {"mxfp4@rne(scale=blah)", "blah"},
        {"mxfp4@rne(scale)", "scale"},
        {"mxfp4@rne(bogus=1)", "bogus"},
        {"mxfp4@rne(sat=sometimes)", "sometimes"},
        {"mxfp4@rne@rne", NULL},
        {"w=mxfp4", "w=mxfp4"},
        {"mxfp4,mxfp8", NULL},
        {"e4m3fn%s%n", "e4m3fn%s%n"},
        {"int17", "int17"},
        {"mx(int17,32,e8m0)", "int17"},
        {"binary8p9ue", "precision 9"},
        {"binary8p8se", "precision 8"},
        {"binary8p0se", "precision 0"},
        {"binary17p4se", "17 bits"},
        {"binary2p1se", "2 bits"},
        {"binary8p3xe", "binary8p3xe"},
        {"float(e=9,m=3)", "e=9"},
        {"float(e=4,m=24)", "m=24"},
        {"float(e=4)", "e and m"},
        {"float(e=1,m=0,unsigned)", "2 to 32"},
        {"float(e=1,m=2,nan=top,max=0.5)", "normal"},
        {"float(e=1,m=0,nan=top)", "normal"},
        {"float(e=1,m=3,nan=ieee)", "ieee"},
        {"float(e=4,m=3,bias=20000)", "bias=20000"},
        {"float(e=4,m=3,bias=400)", "bias=400"},
        {"float(e=4,m=3,bias=-150)", "bias=-150"},
        {"float(e=4,m=3,nan=some)", "nan=some"},
        {"float(e=4,m=3,max=449)", "max=449"},
        {"float(e=4,m=3,inf)", "infinity"},
        {"posit(33,2)", "posit"},
        {"posit(8)", "posit"},
        {"takum(5,log)", "takum"},
        {"takum(16)", "takum"},
        {"takum(16,square)", "takum"},
        {"lns(8,3)", "lns"},
        {"lns(16,1)", "lns"},
        {"lns(8,128)", "lns"},
        {"hif8(1)", NULL},
        {"book(1,1)", "book"},
        {"book(1)", "book"},
        {"hif8@sra(8)", "hif8"},
        {"mxfp4@rne(scale=unit)", "mxfp4"},
        {"nvfp4@rne(scale=unit)", "nvfp4"},
        {"mx(posit(8,1),32,e8m0)@rne(scale=even)", "even"},
        {"posit(8,2)@rne(sat=ocp)", "posit(8,2)"},
        {"mx(int8,16,e8m0,sub=0)", "sub=0"},
        {"mx(int8,16,e8m0,sub=17)", "sub=17"},
        {"mx(int8,16,e8m0,sub=2,shift=5)", "shift=5"},
        {"mx(int8,16,e8m0,shift=1)", "shift=1"},
        {"mx(int8,16,fp16,sub=2)", "sub=2"},
        {"mx(int8,16,e8m0,sub=2,sub=2)", "sub=2"},
        {"mx(e2m1,0x16,e8m0)", "0x16"},
        {"int8(sym,group=4x0,scale=fp32)", "4x0"},
        {"int16(sym,row,scale=e4m3fn)", "e4m3fn"},
        {"mx(bf16,32,e4m3fn)", "e4m3fn"},
        {"mx(binary8p1se,32,e2m1)", "e2m1"},
        {"mx(takum(12,linear),32,e8m0)", "2^254"},
        {"mx(binary16p1se,32,e8m0)", "2^"},
        {"mx(float(e=2,m=1,bias=140),32,e8m0)", "2^"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) refused(bad[i][0], bad[i][1]);
}

static void hostile(void **state) {
    (void)state;
    enum { LONG = 100000 };
    static const char fill[] = "(),=@a0 \x01\xff";
    char *text = malloc(LONG + 1);
    assert_non_null(text);
    for (size_t k = 0; k < sizeof fill - 1; k++) {
        memset(text, fill[k], LONG);
        text[LONG] = 0;
        refused(text, NULL);
        memcpy(text, "mx(", 3);
        refused(text, NULL);
        memcpy(text, "mxfp4@rne(scale=", 16);
        refused(text, NULL);
        memcpy(text, "int8(sym,group=", 15);
        refused(text, NULL);
    }
    free(text);
}

/* One byte of a good text changed, dropped or doubled: refused, or an object that prints as a fixed point. */
static void mutants(void **state) {
    (void)state;
    size_t n_accepted = 0;
    for (uint64_t k = 0; k < 40000; k++) {
        char text[80], first[256], second[256];
        const uint32_t r = rg_random_u32(7, 0, k);
        snprintf(text, sizeof text - 1, "%s", good[r % (sizeof good / sizeof *good)]);
        const size_t n = strlen(text), at = (r >> 8) % n;
        const int kind = (int)(r >> 16) % 3;
        if (kind == 0) text[at] = "e480=(),@x 1m\x80"[(r >> 20) % 14];
        if (kind == 1) memmove(text + at, text + at + 1, n - at);
        if (kind == 2) memmove(text + at + 1, text + at, n - at + 1);
        rg_quant q;
        const rg_status status = rg_quant_parse(text, &q, NULL);
        assert_true(status == RG_OK || status == RG_ERR_USAGE);
        if (status != RG_OK) continue;
        n_accepted++;
        print(&q, first);
        const rg_quant again = parse(first);
        print(&again, second);
        if (strcmp(first, second) != 0 || !rg_quant_equal(&q, &again))
            fail_msg("%s: %s, then %s", text, first, second);
    }
    assert_true(n_accepted > 100 && n_accepted < 39000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fixed_point), cmocka_unit_test(presets),      cmocka_unit_test(synonyms),
        cmocka_unit_test(different),   cmocka_unit_test(format_alone), cmocka_unit_test(small_buffer),
        cmocka_unit_test(blanks),      cmocka_unit_test(errors),       cmocka_unit_test(hostile),
        cmocka_unit_test(mutants),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
