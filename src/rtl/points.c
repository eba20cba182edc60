/* Every recipe for one unit and library. The key is the digest of all that decides the outcome; the folder
   is filled under another name and renamed when complete. */
#include "rtl/points.h"
#include "rtl/synth.h"
#include "rtl/tool.h"

#include <errno.h>
#include <jansson.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rg_digest key_of(const rtl_points_request *q) {
    rg_str text = {0};
    rg_str_printf(&text, "ridge %s\nrtl %s\nliberty %s\ntools %s\n", RG_VERSION, q->folder->rtl_sha256.hex,
                  q->liberty_sha256.hex, q->tools);
    const rtl_recipe *r;
    for (size_t i = 0; (r = rtl_recipe_at(i)); i++) rg_str_printf(&text, "%s: %s", r->name, r->script);
    const rg_digest key = rg_sha256(text.data, text.len);
    rg_str_free(&text);
    return key;
}

/* False when there is nothing or something else: then it is made anew. */
static bool load(rtl_points *out, const rg_digest *key) {
    char path[4096];
    json_t *root = rtl_path(path, out->dir, "points.json") ? json_load_file(path, 0, NULL) : NULL;
    const char *of = json_string_value(json_object_get(root, "key"));
    const json_t *list = json_object_get(root, "points");
    const size_t n = json_array_size(list);
    bool good = of && strcmp(of, key->hex) == 0 && n && n <= RG_RTL_MAX_RECIPES && !rtl_recipe_at(n);
    for (size_t i = 0; good && i < n; i++) {
        rg_rtl_point *p = &out->point[i];
        const char *recipe;
        json_int_t cells;
        good = json_unpack(json_array_get(list, i), "{ss sF sF sI}", "recipe", &recipe, "area_um2",
                           &p->area_um2, "delay_ns", &p->delay_ns, "cells", &cells) == 0 &&
               p->area_um2 > 0 && p->delay_ns > 0;
        if (!good) break;
        p->cells = cells;
        snprintf(p->recipe, sizeof p->recipe, "%s", recipe);
    }
    if (good) out->n = n;
    json_decref(root);
    return good;
}

static rg_status store(const rtl_points *p, const char *dir, const rg_digest *key,
                       const rtl_points_request *q, rg_error *err) {
    char path[4096];
    json_t *list = json_array();
    for (size_t i = 0; i < p->n; i++)
        json_array_append_new(list, json_pack("{ss sf sf sI}", "recipe", p->point[i].recipe, "area_um2",
                                              p->point[i].area_um2, "delay_ns", p->point[i].delay_ns, "cells",
                                              (json_int_t)p->point[i].cells));
    json_t *root = json_pack("{ss ss ss ss so}", "key", key->hex, "library", q->liberty->name,
                             "library_sha256", q->liberty_sha256.hex, "tools", q->tools, "points", list);
    char *text = root ? json_dumps(root, JSON_INDENT(1) | JSON_REAL_PRECISION(17)) : NULL;
    rg_status status = RG_OK;
    if (!text)
        status = rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    else if (!rtl_path(path, dir, "points.json"))
        status = rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    else
        status = rg_file_write(path, text, strlen(text), err);
    free(text);
    json_decref(root);
    return status;
}

static rg_status put(const char *dir, const char *name, const char *text, size_t size, rg_error *err) {
    char path[4096];
    if (!rtl_path(path, dir, name)) return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    return rg_file_write(path, text, size, err);
}

/* Scratch of the tools, too large or too dull to keep. */
static void drop_scratch(const char *dir) {
    static const char *const name[] = {"cells.lib", "unit.il", "unit.v"};
    char path[4096];
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        if (rtl_path(path, dir, name[i])) unlink(path);
}

/* Recipes are independent, the tools single-threaded. */
static rg_status run_recipes(const rtl_synth *s, rtl_points *out, rg_error *err) {
    rg_error error[RG_RTL_MAX_RECIPES] = {0};
    rg_status status[RG_RTL_MAX_RECIPES] = {0};
    while (out->n < RG_RTL_MAX_RECIPES && rtl_recipe_at(out->n)) out->n++;
#pragma omp parallel for schedule(dynamic, 1)
    for (size_t i = 0; i < out->n; i++)
        status[i] = rtl_synth_map(s, rtl_recipe_at(i), &out->point[i], &error[i]);
    for (size_t i = 0; i < out->n; i++)
        if (status[i] != RG_OK) {
            if (err) *err = error[i];
            return status[i];
        }
    return RG_OK;
}

static rg_status fill(const rtl_points_request *q, const char *dir, const rg_digest *key, rtl_points *out,
                      rg_error *err) {
    const rtl_synth s = {.dir = dir, .top = q->folder->top, .lib = q->liberty, .limit_s = q->limit_s};
    char *verilog;
    size_t size;
    RG_TRY(rg_file_read(q->folder->rtl_path, 1 << 26, &verilog, &size, err));
    rg_status status = put(dir, "unit.v", verilog, size, err);
    free(verilog);
    RG_TRY(status);
    RG_TRY(put(dir, "cells.lib", q->liberty_text, q->liberty_size, err));
    RG_TRY(rtl_synth_elaborate(&s, err));
    RG_TRY(run_recipes(&s, out, err));
    drop_scratch(dir);
    return store(out, dir, key, q, err);
}

rg_status rtl_points_get(const rtl_points_request *q, rtl_points *out, rg_error *err) {
    const rg_digest key = key_of(q);
    char syn[4096], part[4096], name[24];
    *out = (rtl_points){0};
    snprintf(name, sizeof name, "%.16s", key.hex);
    if (!rtl_path(syn, q->dir, "syn") || !rtl_path(out->dir, syn, name) ||
        !rtl_path(part, syn, ".part-XXXXXX"))
        return rg_fail(err, RG_ERR_IO, q->dir, NULL, "path too long");
    if (load(out, &key)) return RG_OK;
    RG_TRY(rg_dir_make(syn, err));
    if (!mkdtemp(part))
        return rg_fail(err, RG_ERR_IO, syn, "a writable folder", "cannot make a folder: %s", strerror(errno));
    out->n = 0;
    const rg_status status = fill(q, part, &key, out, err);
    if (status != RG_OK) {
        rtl_scratch_remove(part);
        return status;
    }
    rtl_scratch_remove(out->dir); /* a spoilt one */
    if (rename(part, out->dir) == 0) return RG_OK;
    const int reason = errno;
    rtl_scratch_remove(part);
    return rg_fail(err, RG_ERR_IO, out->dir, "a writable folder", "cannot rename: %s", strerror(reason));
}
