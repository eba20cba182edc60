/* Area and delay: choice of the recipe, determinism, refusals, time limits, nothing half-written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>

#include "unit/rtl/unit_folder.h"

#define NEEDS_TOOLS                                                                                          \
    NEEDS("yosys");                                                                                          \
    NEEDS("sta");                                                                                            \
    if (access("/usr/share/qflow/tech/osu018/osu018_stdcells.lib", R_OK) != 0) {                             \
        print_message("skipped: qflow-tech-osu018 is not installed\n");                                      \
        skip();                                                                                              \
    }

static rg_rtl_ppa_result ppa_at(const char *name, double delay_ns, const char *liberty) {
    static rg_rtl_ppa_result r;
    rg_error e = {0};
    const rg_rtl_ppa_options o = {.delay_ns = delay_ns, .liberty = liberty};
    if (rg_rtl_ppa(folder_path(name), &o, &r, &e) != RG_OK) fail_msg("%s: %s", e.where, e.message);
    assert_true(r.area_um2 > 0 && r.area_ge > 0 && r.delay_ns > 0 && r.cells > 0);
    assert_true(isfinite(r.area_um2) && isfinite(r.area_ge) && isfinite(r.delay_ns));
    assert_int_equal(access(r.netlist, R_OK), 0);
    return r;
}

static int entries(const char *path) {
    DIR *dir = opendir(path);
    int n = 0;
    for (struct dirent *e; dir && (e = readdir(dir));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
    if (dir) closedir(dir);
    return n;
}

static void refused(const char *name, const rg_rtl_ppa_options *o, rg_status want, const char *where,
                    const char *message) {
    rg_error e = {0};
    rg_rtl_ppa_result *r = calloc(1, sizeof *r);
    r->cells = -7;
    assert_int_equal(rg_rtl_ppa(folder_path(name), o, r, &e), want);
    if (!strstr(e.where, where) || !strstr(e.message, message))
        fail_msg("\"%s: %s\" lacks \"%s: %s\"", e.where, e.message, where, message);
    assert_int_equal(r->cells, -7);
    free(r);
    char syn[300];
    snprintf(syn, sizeof syn, "%s/syn", folder_path(name));
    assert_int_equal(entries(syn), 0);
}

static void test_choice(void **state) {
    (void)state;
    NEEDS_TOOLS;
    folder_generate("dot(a=int4,b=int4,n=2)", "unit");
    const rg_rtl_ppa_result fastest = ppa_at("unit", 0, NULL), smallest = ppa_at("unit", 1000, NULL);
    assert_true(fastest.met && smallest.met && fastest.n_points >= 4);
    assert_true(fastest.area_ge == fastest.area_um2 / 24);
    double least_area = INFINITY, least_delay = INFINITY;
    for (size_t i = 0; i < fastest.n_points; i++) {
        least_area = fmin(least_area, fastest.point[i].area_um2);
        least_delay = fmin(least_delay, fastest.point[i].delay_ns);
    }
    assert_true(smallest.area_um2 == least_area && fastest.delay_ns == least_delay);
    assert_true(smallest.area_um2 < fastest.area_um2 && smallest.delay_ns > fastest.delay_ns);
    /* between the two: the smallest that meets it */
    const double target = 0.5 * (fastest.delay_ns + smallest.delay_ns);
    const rg_rtl_ppa_result between = ppa_at("unit", target, NULL);
    assert_true(between.met && between.delay_ns <= target);
    for (size_t i = 0; i < between.n_points; i++)
        assert_true(between.point[i].delay_ns > target || between.point[i].area_um2 >= between.area_um2);
    const rg_rtl_ppa_result missed = ppa_at("unit", 0.01, NULL);
    assert_true(!missed.met && missed.delay_ns == fastest.delay_ns);
    assert_non_null(strstr(missed.tools, "Yosys "));
    assert_non_null(strstr(missed.tools, "OpenSTA "));
}

/* The same from scratch; the Verilog, not the folder, decides. */
static void test_deterministic(void **state) {
    (void)state;
    NEEDS_TOOLS;
    folder_generate("dot(a=e2m1,b=e2m1,n=2)", "one");
    folder_generate("dot(a=e2m1,b=e2m1,n=2)", "two");
    const rg_rtl_ppa_result one = ppa_at("one", 0, NULL), two = ppa_at("two", 0, NULL);
    assert_int_equal(one.n_points, two.n_points);
    for (size_t i = 0; i < one.n_points; i++) {
        assert_string_equal(one.point[i].recipe, two.point[i].recipe);
        assert_true(one.point[i].area_um2 == two.point[i].area_um2);
        assert_true(one.point[i].delay_ns == two.point[i].delay_ns &&
                    one.point[i].cells == two.point[i].cells);
    }
    const rg_rtl_ppa_result again = ppa_at("one", 0, NULL); /* read back */
    assert_true(again.area_um2 == one.area_um2 && again.delay_ns == one.delay_ns && again.cells == one.cells);
    /* another Verilog, another result */
    const char name[] = "one/rtl/dot_e2m1_e2m1_n2.v";
    char *verilog = folder_read(name), *plus = strstr(verilog, "+ v1");
    assert_non_null(plus);
    memcpy(plus, "& v1", 4);
    folder_write(name, verilog);
    free(verilog);
    assert_true(ppa_at("one", 0, NULL).area_um2 != one.area_um2);
    assert_int_equal(entries(folder_path("one/syn")), 2);
}

static void test_missing_tools(void **state) {
    (void)state;
    NEEDS_TOOLS;
    folder_generate("dot(a=int2,b=int2,n=1)", "bare");
    char *path = strdup(getenv("PATH"));
    setenv("PATH", folder_base, 1);
    rg_error e = {0};
    static rg_rtl_ppa_result r;
    const rg_status status = rg_rtl_ppa(folder_path("bare"), NULL, &r, &e);
    setenv("PATH", path, 1);
    free(path);
    assert_int_equal(status, RG_ERR_TOOL);
    assert_non_null(strstr(e.message, "yosys"));
    assert_int_equal(entries(folder_path("bare/syn")), 0);
}

static void test_refusals(void **state) {
    (void)state;
    NEEDS_TOOLS;
    folder_generate("dot(a=int2,b=int2,n=1)", "bad");
    rg_rtl_ppa_options o = {.delay_ns = -1};
    refused("bad", &o, RG_ERR_USAGE, "delay", "-1");
    o.delay_ns = NAN;
    refused("bad", &o, RG_ERR_USAGE, "delay", "nan");
    o = (rg_rtl_ppa_options){.liberty = "/nonexistent.lib"};
    refused("bad", &o, RG_ERR_IO, "/nonexistent.lib", "cannot open");
    folder_write("bad.lib", "cells, many cells\n");
    o.liberty = folder_path("bad.lib");
    refused("bad", &o, RG_ERR_PARSE, "bad.lib:1", "not a Liberty file");
    refused("nowhere", NULL, RG_ERR_IO, "nowhere/unit.json", "cannot open");
    o = (rg_rtl_ppa_options){.limit_s = 0.001};
    refused("bad", &o, RG_ERR_TOOL, "elaborate", "longer than");
    folder_write("bad/rtl/dot_int2_int2_n1.v", "module dot_int2_int2_n1 (input a\n");
    refused("bad", NULL, RG_ERR_TOOL, "elaborate", "ERROR");
    folder_write(
        "bad/rtl/dot_int2_int2_n1.v",
        "module dot_int2_int2_n1 (input wire a, output wire sum);\n    assign sum = a;\nendmodule\n");
    refused("bad", NULL, RG_ERR_TOOL, "dot_int2_int2_n1", "0 cells");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_choice), cmocka_unit_test(test_deterministic),
                                       cmocka_unit_test(test_missing_tools), cmocka_unit_test(test_refusals)};
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
