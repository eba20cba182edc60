/* The Verilog of a folder against the vectors of the C datapath, in whichever simulator is there. */
#include "rtl/folder.h"
#include "rtl/tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_S = 900, COMPILED_FROM_BITS = 384 };

typedef struct paths {
    char scratch[4096], sim[4096], testbench[4096], rtl[4096], program[4096];
} paths;

static rg_status make_paths(paths *p, const rtl_folder *f, const char *dir, rg_error *err) {
    char relative[4096];
    if (!rtl_path(relative, dir, "sim") || !realpath(relative, p->sim) || !realpath(f->rtl_path, p->rtl) ||
        !rtl_path(p->testbench, p->sim, "testbench.v"))
        return rg_fail(err, RG_ERR_IO, dir, "a folder that ridge rtl gen wrote", "cannot resolve: %s",
                       strerror(errno));
    return RG_OK;
}

static rg_status interpret(paths *p, const char *where, rg_str *output, rg_error *err) {
    if (!rtl_path(p->program, p->scratch, "unit.vvp"))
        return rg_fail(err, RG_ERR_IO, p->scratch, NULL, "path too long");
    const char *const compile[] = {"iverilog", "-g2005",     "-s",   "testbench", "-o",
                                   p->program, p->testbench, p->rtl, NULL};
    const char *const run[] = {"vvp", "-n", p->program, NULL};
    RG_TRY(rtl_tool(compile, NULL, LIMIT_S, where, NULL, err));
    return rtl_tool(run, p->sim, LIMIT_S, where, output, err);
}

static rg_status compile_and_run(paths *p, const char *where, rg_str *output, rg_error *err) {
    const char *const compile[] = {"verilator",  "--binary", "--timing", "-Wno-fatal", "--top-module",
                                   "testbench",  "-Mdir",    p->scratch, "-o",         "simulate",
                                   p->testbench, p->rtl,     NULL};
    if (!rtl_path(p->program, p->scratch, "simulate"))
        return rg_fail(err, RG_ERR_IO, p->scratch, NULL, "path too long");
    const char *const run[] = {p->program, NULL};
    RG_TRY(rtl_tool(compile, NULL, LIMIT_S, where, NULL, err));
    return rtl_tool(run, p->sim, LIMIT_S, where, output, err);
}

/* iverilog starts at once and is quick on small units; verilator takes seconds to compile, and is 50 times
   faster from then on. */
static rg_status simulate(const rtl_folder *f, paths *p, rg_str *output, char *name, size_t size,
                          rg_error *err) {
    const bool large = f->unit.n * (f->unit.a.bits + f->unit.b.bits) > COMPILED_FROM_BITS;
    const bool compiled = rg_have_program("verilator") && (large || !rg_have_program("iverilog"));
    char version[32];
    if (compiled)
        RG_TRY(rtl_tool_version("verilator", "--version", "Verilator ", version, sizeof version, err));
    else
        RG_TRY(rtl_tool_version("iverilog", "-V", "version ", version, sizeof version, err));
    snprintf(name, size, "%s %s", compiled ? "verilator" : "iverilog", version);
    RG_TRY(rtl_scratch_make(p->scratch, err));
    const rg_status status =
        compiled ? compile_and_run(p, f->rtl_path, output, err) : interpret(p, f->rtl_path, output, err);
    rtl_scratch_remove(p->scratch);
    return status;
}

/* The last line that starts so. */
static const char *last_line(const char *text, const char *start) {
    const char *found = NULL;
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, start, strlen(start)) == 0) found = line;
    }
    return found;
}

static rg_status read_result(const rtl_folder *f, const char *text, rg_rtl_verify_result *r, rg_error *err) {
    unsigned long long vectors, mismatches;
    const char *line = last_line(text, "RESULT vectors ");
    if (!line || sscanf(line, "RESULT vectors %llu mismatches %llu", &vectors, &mismatches) != 2)
        return rg_fail(err, RG_ERR_TOOL, f->rtl_path, "a line RESULT vectors V mismatches M",
                       "%s ended without a result", r->simulator);
    if (vectors != f->vectors || mismatches > vectors)
        return rg_fail(err, RG_ERR_TOOL, f->rtl_path, "every vector compared",
                       "%s compared %llu of %llu vectors", r->simulator, vectors,
                       (unsigned long long)f->vectors);
    r->vectors = vectors;
    r->mismatches = mismatches;
    const char *first = mismatches ? strstr(text, "vector ") : NULL;
    if (first) snprintf(r->first, sizeof r->first, "%.*s", (int)strcspn(first, "\n"), first);
    return RG_OK;
}

rg_status rg_rtl_verify(const char *dir, rg_rtl_verify_result *out, rg_error *err) {
    rtl_folder *f = calloc(1, sizeof *f);
    paths *p = calloc(1, sizeof *p);
    rg_str output = {0};
    rg_rtl_verify_result r = {0};
    rg_status status =
        f && p ? rtl_folder_open(f, dir, true, err) : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    if (status == RG_OK) status = make_paths(p, f, dir, err);
    if (status == RG_OK) status = simulate(f, p, &output, r.simulator, sizeof r.simulator, err);
    if (status == RG_OK) status = read_result(f, output.data ? output.data : "", &r, err);
    if (status == RG_OK) {
        r.exhaustive = f->exhaustive;
        *out = r;
    }
    rg_str_free(&output);
    free(p);
    free(f);
    return status;
}
