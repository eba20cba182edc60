/* The nodes of two dumps side by side. */
#include "model/dump.h"

#include "model/tensor_distance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_BYTES = 1 << 30 };

const char *rg_dump_kind_name(rg_dump_kind kind) {
    static const char *const names[] = {"values", "shape", "missing", "added"};
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "unknown";
}

double dump_apart(double a, double b) {
    const double larger = fmax(fabs(a), fabs(b));
    if (isnan(a) || isnan(b)) return NAN;
    return larger > 0 ? fabs(a - b) / larger : 0;
}

rg_status dump_report_add(rg_dump_report *report, size_t *room, const rg_dump_difference *difference,
                          rg_error *err) {
    if (!rg_grow(&report->difference, room, report->n + 1, sizeof *difference))
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    report->difference[report->n++] = *difference;
    return RG_OK;
}

static rg_dump_difference difference_of(const dump_node *a, const dump_node *b, rg_dump_kind kind) {
    const dump_node *any = a ? a : b;
    const double none = (double)NAN;
    rg_dump_difference d = {.name = any->name,
                            .op = *any->op || !b ? any->op : b->op,
                            .layer = any->layer >= 0 ? any->layer : dump_layer_of(any->name),
                            .kind = kind,
                            .amax_a = a ? a->amax : none,
                            .amax_b = b ? b->amax : none,
                            .rms_a = a ? a->rms : none,
                            .rms_b = b ? b->rms : none,
                            .mean_a = a ? a->mean : none,
                            .mean_b = b ? b->mean : none,
                            .relative_error = none,
                            .sqnr_db = none};
    d.amax_difference = dump_apart(d.amax_a, d.amax_b);
    d.rms_difference = dump_apart(d.rms_a, d.rms_b);
    return d;
}

/* The mean may lie near 0 by chance: its distance counts in units of the rms. */
static bool close_enough(const dump_node *a, const dump_node *b, double tolerance) {
    const double scale = fmax(a->rms, b->rms), mean = fabs(a->mean - b->mean) / scale;
    bool known = false;
    const double apart[] = {dump_apart(a->amax, b->amax), dump_apart(a->rms, b->rms), mean};
    for (size_t i = 0; i < 3; i++) {
        if (isnan(apart[i])) continue;
        known = true;
        if (apart[i] > tolerance) return false;
    }
    return known;
}

static bool equal(const dump_node *a, const dump_node *b, double tolerance) {
    if (a->sha256 && b->sha256) {
        if (strcmp(a->sha256, b->sha256) == 0) return true;
        if (tolerance == 0) return false; /* equal statistics of different bytes are chance */
    }
    return close_enough(a, b, tolerance);
}

static bool same_shape(const dump_node *a, const dump_node *b) {
    return !(a->rows != b->rows && !isnan(a->rows) && !isnan(b->rows)) &&
           !(a->width != b->width && !isnan(a->width) && !isnan(b->width));
}

static rg_status compare_nodes(const dump *a, const dump *b, double tolerance, rg_dump_report *report,
                               rg_error *err) {
    size_t room = 0;
    report->n_nodes = a->n;
    for (size_t i = 0; i < a->n; i++) {
        const dump_node *x = &a->node[i];
        const size_t at = dump_find(b, x->name);
        const dump_node *y = at == SIZE_MAX ? NULL : &b->node[at];
        if (y && same_shape(x, y) && equal(x, y, tolerance)) {
            report->n_equal++;
            continue;
        }
        const rg_dump_kind kind = !y ? RG_DUMP_MISSING : same_shape(x, y) ? RG_DUMP_VALUES : RG_DUMP_SHAPE;
        const rg_dump_difference d = difference_of(x, y, kind);
        RG_TRY(dump_report_add(report, &room, &d, err));
    }
    for (size_t i = 0; i < b->n; i++) {
        if (dump_find(a, b->node[i].name) != SIZE_MAX) continue;
        const rg_dump_difference d = difference_of(NULL, &b->node[i], RG_DUMP_ADDED);
        RG_TRY(dump_report_add(report, &room, &d, err));
    }
    return RG_OK;
}

static void compare_headers(const dump *a, const dump *b, rg_dump_report *report) {
    for (int i = 0; i < DUMP_HEADERS; i++) {
        const char *x = a->header[i], *y = b->header[i];
        if (x && y && strcmp(x, y) != 0)
            report->header[report->n_headers++] = (rg_dump_header){dump_header_keys[i], x, y};
    }
}

/* Whether a file is a dump: the first character that is not blank opens an object. */
static rg_status is_json(const char *path, bool *out, rg_error *err) {
    rg_map map;
    RG_TRY(rg_map_open(&map, path, err));
    size_t i = 0;
    while (i < map.size && memchr(" \t\r\n", map.data[i], 4)) i++;
    *out = i < map.size && map.data[i] == '{';
    rg_map_close(&map);
    return RG_OK;
}

static rg_status read_json(const char *path, dump *out, rg_arena *arena, rg_error *err) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(path, LIMIT_BYTES, &text, &size, err));
    const rg_status status = dump_parse(out, path, text, size, arena, err);
    free(text);
    return status;
}

static rg_status compare(const char *path_a, const char *path_b, double tolerance, rg_dump_report *report,
                         rg_error *err) {
    bool json_a, json_b;
    dump a = {0}, b = {0};
    RG_TRY(is_json(path_a, &json_a, err));
    RG_TRY(is_json(path_b, &json_b, err));
    if (json_a != json_b)
        return rg_fail(err, RG_ERR_MISMATCH, path_b, "two dumps, or two files of activations",
                       "a %s beside a %s", json_b ? "dump" : "file of activations",
                       json_a ? "dump" : "file of activations");
    if (!json_a) return dump_compare_tensors(path_a, path_b, tolerance, report, err);
    RG_TRY(read_json(path_a, &a, &report->arena, err));
    RG_TRY(read_json(path_b, &b, &report->arena, err));
    compare_headers(&a, &b, report);
    return compare_nodes(&a, &b, tolerance, report, err);
}

rg_status rg_dump_compare(const char *path_a, const char *path_b, double tolerance, rg_dump_report *out,
                          rg_error *err) {
    rg_dump_report report = {0};
    const rg_status status = compare(path_a, path_b, tolerance, &report, err);
    if (status == RG_OK)
        *out = report;
    else
        rg_dump_report_free(&report);
    return status;
}

void rg_dump_report_free(rg_dump_report *report) {
    free(report->difference);
    rg_arena_free(&report->arena);
    *report = (rg_dump_report){0};
}
