/* Area and delay of a generated unit: of what the recipes reach, the smallest that meets the target. */
#include "rtl/points.h"
#include "rtl/synth.h"
#include "rtl/tool.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DEFAULT_LIMIT_S = 120, MAX_LIBERTY_BYTES = 1 << 30 };

const char *rg_rtl_default_liberty(void) {
    return "/usr/share/qflow/tech/osu018/osu018_stdcells.lib";
}

static rg_status read_liberty(const char *path, rtl_points_request *q, char **text, rtl_liberty *lib,
                              rg_error *err) {
    if (!path) {
        path = rg_rtl_default_liberty();
        if (access(path, R_OK) != 0)
            return rg_fail(err, RG_ERR_IO, path, "Debian's package qflow-tech-osu018, or --liberty FILE",
                           "the default library is not installed");
    }
    RG_TRY(rg_sha256_file(path, &q->liberty_sha256, err));
    RG_TRY(rg_file_read(path, MAX_LIBERTY_BYTES, text, &q->liberty_size, err));
    q->liberty_path = path;
    q->liberty_text = *text;
    q->liberty = lib;
    if (q->liberty_size >= 6 && memcmp(*text,
                                       "\xfd"
                                       "7zXZ",
                                       6) == 0)
        return rg_fail(err, RG_ERR_PARSE, path, "Liberty text, plain or .gz", "packed by xz");
    return rtl_liberty_scan(lib, *text, q->liberty_size, path, err);
}

static rg_status tool_versions(char *tools, size_t size, rg_error *err) {
    char yosys[32], sta[32];
    RG_TRY(rtl_tool_version("yosys", "-V", "Yosys ", yosys, sizeof yosys, err));
    RG_TRY(rtl_tool_version("sta", "-version", "", sta, sizeof sta, err));
    snprintf(tools, size, "Yosys %s, OpenSTA %s", yosys, sta);
    return RG_OK;
}

static int by_area(const void *x, const void *y) {
    const rg_rtl_point *a = x, *b = y;
    if (a->area_um2 != b->area_um2) return a->area_um2 < b->area_um2 ? -1 : 1;
    return (a->delay_ns > b->delay_ns) - (a->delay_ns < b->delay_ns);
}

/* Points come by area: the first that meets the target is the smallest. */
static const rg_rtl_point *choose(const rtl_points *p, double target_ns) {
    const rg_rtl_point *fastest = &p->point[0];
    for (size_t i = 0; i < p->n; i++) {
        if (target_ns > 0 && p->point[i].delay_ns <= target_ns) return &p->point[i];
        if (p->point[i].delay_ns < fastest->delay_ns) fastest = &p->point[i];
    }
    return fastest;
}

static rg_status ppa(const char *dir, const rg_rtl_ppa_options *options, rtl_folder *folder,
                     rtl_points *points, char **text, rg_rtl_ppa_result *r, rg_error *err) {
    rtl_liberty lib;
    rtl_points_request q = {.dir = dir, .folder = folder, .tools = r->tools};
    q.limit_s = options->limit_s > 0 ? options->limit_s : DEFAULT_LIMIT_S;
    RG_TRY(rtl_folder_open(folder, dir, false, err));
    RG_TRY(read_liberty(options->liberty, &q, text, &lib, err));
    RG_TRY(tool_versions(r->tools, sizeof r->tools, err));
    RG_TRY(rtl_points_get(&q, points, err));
    qsort(points->point, points->n, sizeof points->point[0], by_area);
    const rg_rtl_point *best = choose(points, options->delay_ns);
    r->area_um2 = best->area_um2;
    r->area_ge = best->area_um2 / lib.nand2_um2;
    r->delay_ns = best->delay_ns;
    r->cells = best->cells;
    r->met = options->delay_ns == 0 || best->delay_ns <= options->delay_ns;
    r->library_sha256 = q.liberty_sha256;
    r->n_points = points->n;
    memcpy(r->recipe, best->recipe, sizeof r->recipe);
    memcpy(r->point, points->point, sizeof r->point);
    char file[64];
    snprintf(file, sizeof file, "%.32s.v", best->recipe);
    if (!rtl_path(r->netlist, points->dir, file)) return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    return RG_OK;
}

rg_status rg_rtl_ppa(const char *dir, const rg_rtl_ppa_options *options, rg_rtl_ppa_result *out,
                     rg_error *err) {
    static const rg_rtl_ppa_options defaults;
    if (!options) options = &defaults;
    if (!(options->delay_ns >= 0) || !isfinite(options->delay_ns))
        return rg_fail(err, RG_ERR_USAGE, "delay", "a delay of 0 ns (the fastest) or more", "%g ns",
                       options->delay_ns);
    rtl_folder *folder = calloc(1, sizeof *folder);
    rtl_points *points = calloc(1, sizeof *points);
    rg_rtl_ppa_result *r = calloc(1, sizeof *r);
    char *text = NULL;
    rg_status status = folder && points && r ? ppa(dir, options, folder, points, &text, r, err)
                                             : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    if (status == RG_OK) *out = *r;
    free(text);
    free(r);
    free(points);
    free(folder);
    return status;
}
