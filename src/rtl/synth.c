/* yosys and OpenSTA at work. Boundary of every unit: inputs driven by the library's smallest buffer, each
   output loaded by four inputs of its NAND2; no wires. */
#include "rtl/synth.h"
#include "rtl/tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_FANOUT = 4 };

/* Measured on the units of the first study (docs/rtl.md has the table). dch finds structural choices; amap
   maps for area, &nf for both, map for delay; what follows buffers and sizes by the library's timing. */
#define SIZED "; topo; buffer -c; upsize -c; dnsize -c\n"
static const rtl_recipe recipes[] = {
    {"small", "strash; dch; amap" SIZED},
    {"even", "strash; &get -n; &st; &dch; &nf; &put" SIZED},
    {"rewritten",
     "strash; ifraig; balance; rewrite; refactor; balance; rewrite; balance; dch; map -B 0.9" SIZED},
    {"quick", "strash; dch; map -B 0.9" SIZED},
    {"quickest", "strash; dch; map; topo; buffer -c; upsize; dnsize\n"},
};

const rtl_recipe *rtl_recipe_at(size_t i) {
    return i < sizeof recipes / sizeof *recipes ? &recipes[i] : NULL;
}

/* Writes DIR/NAME.SUFFIX. */
static rg_status put(const rtl_synth *s, const char *name, const char *suffix, rg_str *text, rg_error *err) {
    char file[64], path[4096];
    snprintf(file, sizeof file, "%s%s", name, suffix);
    if (!rtl_path(path, s->dir, file)) return rg_fail(err, RG_ERR_IO, s->dir, NULL, "path too long");
    rg_status status = text->failed ? rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory")
                                    : rg_file_write(path, text->data, text->len, err);
    rg_str_free(text);
    return status;
}

static rg_status run_yosys(const rtl_synth *s, const char *name, rg_error *err) {
    char script[64], what[128];
    snprintf(script, sizeof script, "%s.ys", name);
    snprintf(what, sizeof what, "%s, step %s", s->top, name);
    const char *const argv[] = {"yosys", "-q", "-s", script, NULL};
    return rtl_tool(argv, s->dir, s->limit_s, what, NULL, err);
}

rg_status rtl_synth_elaborate(const rtl_synth *s, rg_error *err) {
    rg_str text = {0};
    /* -noabc: the script that synth would run by default is the slow one */
    rg_str_printf(&text, "read_verilog unit.v\nhierarchy -check -top %s\nsynth -top %s -flatten -noabc\n",
                  s->top, s->top);
    rg_str_add(&text, "opt_clean -purge\ncheck -assert\nwrite_rtlil unit.il\n");
    RG_TRY(put(s, "elaborate", ".ys", &text, err));
    return run_yosys(s, "elaborate", err);
}

static rg_status write_scripts(const rtl_synth *s, const rtl_recipe *r, rg_error *err) {
    const double load_ff = LOAD_FANOUT * s->lib->nand2_ff;
    rg_str text = {0};
    rg_str_add(&text, r->script);
    RG_TRY(put(s, r->name, ".abc", &text, err));
    rg_str_printf(&text, "set_driving_cell %s\nset_load %.6g\n", s->lib->buffer, load_ff);
    RG_TRY(put(s, r->name, ".constr", &text, err));
    rg_str_printf(
        &text,
        "read_rtlil unit.il\nabc -liberty cells.lib -constr %s.constr -script %s.abc\n"
        "opt_clean -purge\nsetundef -zero\nsplitnets\nopt_clean -purge\n"
        "tee -q -o %s.stat stat -liberty cells.lib\nwrite_verilog -noattr -noexpr -simple-lhs %s.v\n",
        r->name, r->name, r->name, r->name);
    RG_TRY(put(s, r->name, ".ys", &text, err));
    rg_str_printf(
        &text,
        "read_liberty cells.lib\nset_cmd_units -time ns -capacitance fF\nread_verilog %s.v\n"
        "link_design %s\ncreate_clock -name clk -period 1\nset_input_delay 0 -clock clk [all_inputs]\n"
        "set_output_delay 0 -clock clk [all_outputs]\nset_driving_cell -lib_cell %s [all_inputs]\n"
        "set_load %.6g [all_outputs]\n",
        r->name, s->top, s->lib->buffer, load_ff);
    rg_str_add(&text,
               "foreach p [find_timing_paths -path_delay max] { puts \"SLACK [get_property $p slack]\" }\n"
               "report_checks -path_delay max\n");
    return put(s, r->name, ".tcl", &text, err);
}

/* Area and cells from what stat printed. A cell without an area would be counted as nothing: refused. */
static rg_status read_stat(const rtl_synth *s, const rtl_recipe *r, rg_rtl_point *p, rg_error *err) {
    char file[64], path[4096], *text;
    size_t size;
    snprintf(file, sizeof file, "%s.stat", r->name);
    if (!rtl_path(path, s->dir, file)) return rg_fail(err, RG_ERR_IO, s->dir, NULL, "path too long");
    RG_TRY(rg_file_read(path, 1 << 24, &text, &size, err));
    const char *area = strstr(text, "Chip area for"), *cells = strstr(text, "Number of cells:");
    area = area ? strstr(area, "': ") : NULL;
    p->area_um2 = area ? strtod(area + 3, NULL) : 0;
    p->cells = cells ? strtoll(cells + strlen("Number of cells:"), NULL, 10) : 0;
    const bool unknown = strstr(text, "is unknown") != NULL;
    free(text);
    if (unknown || p->cells <= 0 || !(p->area_um2 > 0) || !isfinite(p->area_um2))
        return rg_fail(err, RG_ERR_TOOL, s->top, "cells of the library, each with an area",
                       "recipe %s: area %g um2 of %lld cells%s", r->name, p->area_um2, (long long)p->cells,
                       unknown ? ", some without an area" : "");
    return RG_OK;
}

static rg_status read_delay(const rtl_synth *s, const rtl_recipe *r, rg_rtl_point *p, rg_error *err) {
    char script[64], what[128];
    snprintf(script, sizeof script, "%s.tcl", r->name);
    snprintf(what, sizeof what, "%s, recipe %s", s->top, r->name);
    const char *const argv[] = {"sta", "-no_init", "-no_splash", "-exit", script, NULL};
    rg_str output = {0};
    rg_status status = rtl_tool(argv, s->dir, s->limit_s, what, &output, err);
    if (status == RG_OK) { /* sta goes on after errors and exits with 0 */
        const char *failed = output.data ? strstr(output.data, "Error:") : NULL;
        const char *slack = output.data ? strstr(output.data, "SLACK ") : NULL;
        p->delay_ns = slack ? 1 - strtod(slack + 6, NULL) : 0; /* the clock period is 1 ns */
        if (failed || !(p->delay_ns > 0) || !isfinite(p->delay_ns))
            status =
                rg_fail(err, RG_ERR_TOOL, what, "a longest path", "sta: %.*s",
                        failed ? (int)strcspn(failed, "\n") : 22, failed ? failed : "no path with a delay");
    }
    rg_str_free(&output);
    return status;
}

rg_status rtl_synth_map(const rtl_synth *s, const rtl_recipe *r, rg_rtl_point *out, rg_error *err) {
    rg_rtl_point p = {0};
    snprintf(p.recipe, sizeof p.recipe, "%s", r->name);
    RG_TRY(write_scripts(s, r, err));
    RG_TRY(run_yosys(s, r->name, err));
    RG_TRY(read_stat(s, r, &p, err));
    RG_TRY(read_delay(s, r, &p, err));
    *out = p;
    return RG_OK;
}
