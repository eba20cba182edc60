/* The scanner of Liberty files: what it takes from them, and one line for each kind of bad one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtl/liberty.h"
#include "unit/rtl/unit_folder.h"

static void test_functions(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int table; /* bits: 00, A, B, AB */
    } f[] = {{"A", 10},     {"B", 12},      {"!A", 5},       {"A'", 5},       {"A''", 10},
             {"!!A", 10},   {"A B", 8},     {"A*B", 8},      {"A & B", 8},    {"A+B", 14},
             {"A | B", 14}, {"A^B", 6},     {"(!(A B))", 7}, {"!(A*B)", 7},   {"((!A)|(!B))", 7},
             {"(A B)'", 7}, {"!A + !B", 7}, {"A' + B'", 7},  {"A + B A", 10}, {"A ^ B A", 2},
             {"A^B|A", 14}, {"1", 15},      {"0", 0},        {"A & 1", 10},   {" ( A ) ", 10},
             {"A(B)", 8},   {"(A)(B)", 8},  {"", -1},        {"C", -1},       {"A B)", -1},
             {"(A", -1},    {"A +", -1},    {"A & & B", -1}, {"!", -1},       {"AB", -1},
             {"()", -1},    {"A ? B", -1}};
    for (size_t i = 0; i < sizeof f / sizeof *f; i++) {
        const int got = rtl_liberty_table(f[i].text, "A", "B");
        if (got != f[i].table) fail_msg("'%s': %d, want %d", f[i].text, got, f[i].table);
    }
    assert_int_equal(rtl_liberty_table("B", "A", NULL), -1);
    char deep[2000];
    memset(deep, '(', sizeof deep - 1);
    deep[sizeof deep - 1] = 0;
    assert_int_equal(rtl_liberty_table(deep, "A", "B"), -1);
}

#define PINS(f)                                                                                              \
    "pin(A) { direction : input; capacitance : 0.010; }\n"                                                   \
    "pin(B) { direction : \"input\"; capacitance : 0.014 }\n"                                                \
    "pin (Y) { direction : output; function : \"" f                                                          \
    "\"; timing() { related_pin : \"A\"; values ( \\\n \"1, 2\", "                                           \
    "\\\n \"3, 4\" ); } }\n"
#define BUFFER(name, area)                                                                                   \
    "cell (" name ") { area : " area "; pin(A) { direction : input; capacitance : 1; }\n"                    \
    "pin(Y) { direction : output; function : \"A\"; } }\n"
#define HEAD "/* { */ library (tiny) { // }\n  time_unit : \"1ns\";\n  capacitive_load_unit (1,pf);\n"

static const char good[] =
    HEAD BUFFER("BUFX4", "60") BUFFER("BUFX2", "30") "cell (NAND2X10) { area : 3; " PINS(
        "!(A B)") "}\n"
                  "cell (NAND2X1) { area : 24.5; " PINS(
                      "!(A B)") "}\n"
                                "cell (NAND2X0P5) { area : 9; " PINS(
                                    "!(A B)") "}\n"
                                              "cell (AND2X1) { area : 2; " PINS(
                                                  "A B") "}\n"
                                                         "cell (NAND2_1) { dont_use : true; area : 1; " PINS(
                                                             "!(A B)") "}\n"
                                                                       "cell (\"DFFX1\") { area : 4; ff (IQ, "
                                                                       "IQN) { clocked_on : \"A\"; "
                                                                       "next_state : \"B\"; } " PINS(
                                                                           "IQ") "}\n"
                                                                                 "cell (TBUFX1) { area : 1; "
                                                                                 "pin(A) { direction : "
                                                                                 "input; capacitance : 1; }\n"
                                                                                 "pin(Y) { direction : "
                                                                                 "output; three_state : "
                                                                                 "\"!EN\"; function : \"A\"; "
                                                                                 "} }\n}\n";

static rg_status scan(const char *text, rtl_liberty *lib, rg_error *e) {
    return rtl_liberty_scan(lib, text, strlen(text), "tiny.lib", e);
}

static void test_facts(void **state) {
    (void)state;
    rtl_liberty lib;
    rg_error e = {0};
    if (scan(good, &lib, &e) != RG_OK) fail_msg("%s: %s", e.where, e.message);
    assert_string_equal(lib.name, "tiny");
    assert_string_equal(lib.nand2, "NAND2X1");
    assert_string_equal(lib.buffer, "BUFX2");
    assert_int_equal(lib.n_cells, 9);
    assert_true(lib.nand2_um2 == 24.5 && lib.nand2_ff > 11.999 && lib.nand2_ff < 12.001);
}

static void test_refusals(void **state) {
    (void)state;
    static const char *const bad[][3] = {
        {"", "tiny.lib:1", "not a Liberty file"},
        {"# Ridge\n", "tiny.lib:1", "not a Liberty file"},
        {"\n\nmodule x (a);", "tiny.lib:3", "not a Liberty file"},
        {"library", "tiny.lib:1", "not a Liberty file"},
        {"library (x", "tiny.lib:1", "does not end"},
        {"library (x) {\n", "tiny.lib:2", "ends inside a group"},
        {"library (x) {\n}\n", "tiny.lib", "none of its 0 cells is a 2-input NAND"},
        {HEAD "cell (NAND2X1) { area : 1; " PINS("!(A B)") "} }", "tiny.lib", "is a buffer"},
        {HEAD "cell (NAND2X1) {\n area 1; } }", "tiny.lib:5", "not Liberty"},
        {HEAD "cell (NAND2X1) {\n area : ; } }", "tiny.lib:5", "nothing after the colon"},
        {"library (x) {" BUFFER("B", "1") "cell (N1) { area : 1; " PINS("!(A B)") "} }", "tiny.lib",
         "no capacitance"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rtl_liberty lib = {.n_cells = -7};
        rg_error e = {0};
        assert_int_equal(scan(bad[i][0], &lib, &e), RG_ERR_PARSE);
        if (strcmp(e.where, bad[i][1]) != 0 || !strstr(e.message, bad[i][2]) || !e.expected[0])
            fail_msg("row %zu: %s: %s; expected %s", i, e.where, e.message, e.expected);
        assert_int_equal(lib.n_cells, -7);
    }
}

static void test_every_cut_and_damage(void **state) {
    (void)state;
    rtl_liberty lib;
    const size_t size = strlen(good);
    for (size_t n = 0; n + 2 < size; n++) {
        char *cut = malloc(n + 1); /* exact, for the sanitizer */
        memcpy(cut, good, n);
        assert_int_equal(rtl_liberty_scan(&lib, cut, n, "tiny.lib", NULL), RG_ERR_PARSE);
        free(cut);
    }
    char *bent = strdup(good);
    for (uint64_t i = 0; i < 20000; i++) {
        const size_t at = rg_random_u32(5, i, 0) % size;
        bent[at] = (char)rg_random_u32(5, i, 1);
        rtl_liberty_scan(&lib, bent, size, "tiny.lib", NULL);
        bent[at] = good[at];
    }
    memset(bent, '(', size);
    rtl_liberty_scan(&lib, bent, size, "tiny.lib", NULL);
    free(bent);
    rg_str deep = {0};
    rg_error e = {0};
    rg_str_add(&deep, "library (x) {");
    for (int i = 0; i < 100000; i++) rg_str_add(&deep, "g () {");
    assert_int_equal(rtl_liberty_scan(&lib, deep.data, deep.len, "tiny.lib", &e), RG_ERR_PARSE);
    assert_non_null(strstr(e.message, "too deeply"));
    rg_str_free(&deep);
}

/* The library of Debian, by figures of its own text. */
static void test_osu018(void **state) {
    (void)state;
    static const char path[] = "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";
    if (access(path, R_OK) != 0) {
        print_message("skipped: qflow-tech-osu018 is not installed\n");
        skip();
    }
    char *text;
    size_t size;
    rtl_liberty lib;
    assert_int_equal(rg_file_read(path, 1 << 28, &text, &size, NULL), RG_OK);
    assert_int_equal(rtl_liberty_scan(&lib, text, size, path, NULL), RG_OK);
    free(text);
    assert_string_equal(lib.nand2, "NAND2X1");
    assert_true(lib.nand2_um2 == 24 && lib.n_cells == 32);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_functions), cmocka_unit_test(test_facts), cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_every_cut_and_damage), cmocka_unit_test(test_osu018)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
