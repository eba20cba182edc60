/* The lint of measurements: which files, which checks. */
#include "perf/lint/lint.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MAX_BYTES = 1 << 28, MAX_DEPTH = 8 };

static rg_status (*const column_checks[])(lint *l, const lint_table *t) = {
    lint_repeated, lint_floor, lint_zero, lint_tpot, lint_offered, lint_saturated, lint_capacity, lint_units,
};
static rg_status (*const row_checks[])(lint *l, const lint_rows *r) = {
    lint_physics, lint_spikes, lint_far, lint_floor_rows, lint_power, lint_protocol,
};

const char *rg_lint_action_name(rg_lint_action action) {
    static const char *const names[] = {"kept", "reported", "left out"};
    return names[action];
}

/* ---- one table --------------------------------------------------------------------------------------- */

static bool has_columns(const perf_csv *t, const perf_column *c, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (!c[i].preset && lint_column(t, c[i].name) < 0 && (!c[i].other || lint_column(t, c[i].other) < 0))
            return false;
    return true;
}

/* Prompts and one-token steps have the same columns: the name says which. */
static bool is_named(const char *name, const char *op) {
    if (strcmp(op, "attention_prefill") == 0) return strstr(name, "prefill") || strstr(name, "context");
    return strcmp(op, "attention_decode") != 0 || strstr(name, "decode") || strstr(name, "generation");
}

static const perf_model *model_of(const lint *l, const lint_table *t) {
    static const char *const ops[] = {"gemm", "attention_prefill", "attention_decode", "moe", "collective"};
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        const perf_model *m = perf_model_find(ops[i]);
        if (l->options.op ? strcmp(l->options.op, ops[i]) != 0 : !is_named(t->name, ops[i])) continue;
        if (has_columns(&t->csv, m->word, m->n_words) && has_columns(&t->csv, m->number, m->n_numbers))
            return m;
    }
    return NULL;
}

static rg_status report_unread(lint *l, const lint_table *t, const perf_unread *unread) {
    if (!unread->n) return RG_OK;
    rg_arena *a = &l->out.arena;
    lint_hits hits = {0};
    lint_hit(&hits, unread->first);
    return lint_find(
        l, "unreadable", t->name, &hits, RG_LINT_LEFT_OUT,
        rg_arena_printf(a, "%zu row%s are no measurement, the first: %.200s (%.100s)", unread->n,
                        unread->n > 1 ? "s" : "", unread->why.message, unread->why.where),
        strstr(unread->why.message, "window")
            ? "a sentinel: a negative window stands for full attention, and 0 may then mean no keys at all"
            : "a sentinel, or a column of another meaning");
}

static rg_status check_rows(lint *l, const lint_table *t, const perf_model *model, const char *measured,
                            const rg_chip *chip, const char *text, size_t size) {
    perf_unread unread = {0};
    lint_rows r = {.of = t, .chip = chip};
    char *copy = malloc(size + 1);
    if (!copy) return lint_no_memory(l);
    memcpy(copy, text, size);
    copy[size] = 0;
    rg_status status =
        perf_table_read_most(&r.table, model, copy, size, t->name, measured, chip, &unread, l->err);
    free(copy);
    RG_TRY(status);
    if (r.table.n || unread.n) status = report_unread(l, t, &unread);
    for (size_t i = 0; r.table.n && status == RG_OK && i < sizeof row_checks / sizeof *row_checks; i++)
        status = row_checks[i](l, &r);
    perf_table_close(&r.table);
    return status;
}

static rg_status report_no_chip(lint *l, const lint_table *t) {
    return lint_find(l, "no_chip", t->name, NULL, RG_LINT_REPORTED,
                     "no chip in the file's name or a column system: times were held against nothing",
                     "name the chip (--chip h100)");
}

/* A table of an operator: on the chip of its name, or on each of its column `system`. */
static rg_status check_operator(lint *l, const lint_table *t, const char *text, size_t size) {
    const perf_model *model = model_of(l, t);
    const char *measured = l->options.measured ? l->options.measured : "latency_ms";
    const int system = lint_column(&t->csv, "system");
    if (!model || lint_column(&t->csv, measured) < 0) return RG_OK;
    if (t->chip) return check_rows(l, t, model, measured, t->chip, text, size);
    bool checked = false;
    for (size_t i = 0; system >= 0 && i < l->chips.n; i++)
        for (size_t k = 0; k < t->csv.n_rows; k++)
            if (perf_is_chip(&l->chips.chip[i], lint_cell(&t->csv, k, system)) &&
                lint_chip_in(&l->chips, lint_cell(&t->csv, k, system)) == &l->chips.chip[i]) {
                RG_TRY(check_rows(l, t, model, measured, &l->chips.chip[i], text, size));
                checked = true;
                break;
            }
    return checked ? RG_OK : report_no_chip(l, t);
}

rg_status lint_text(lint *l, const char *name, const char *text, size_t size) {
    lint_table t = {.name = name};
    RG_TRY(perf_csv_parse(&t.csv, text, size, name, l->err));
    t.chip = l->options.chip ? l->options.chip : lint_chip_in(&l->chips, name);
    l->out.n_files++;
    l->out.n_rows += t.csv.n_rows;
    rg_status status = RG_OK;
    for (size_t i = 0; status == RG_OK && i < sizeof column_checks / sizeof *column_checks; i++)
        status = column_checks[i](l, &t);
    if (status == RG_OK) status = check_operator(l, &t, text, size);
    perf_csv_close(&t.csv);
    return status;
}

/* ---- files ------------------------------------------------------------------------------------------- */

typedef struct folder {
    rg_arena arena;
    size_t n, room, root; /* length of the path that names begin behind */
    lint_file *file;
} folder;

static bool is_table(const char *name) {
    return rg_ends_with(name, ".csv") || rg_ends_with(name, ".csv.gz");
}

static rg_status add_file(lint *l, folder *f, const char *path) {
    if (!rg_arena_grow(&f->arena, &f->file, &f->room, f->n + 1, sizeof *f->file)) return lint_no_memory(l);
    char *copy = rg_arena_strndup(&f->arena, path, strlen(path));
    if (!copy) return lint_no_memory(l);
    f->file[f->n++] = (lint_file){.path = copy, .name = copy + f->root};
    return RG_OK;
}

static rg_status add_folder(lint *l, folder *f, const char *path, int depth) {
    char below[4096];
    struct stat s;
    DIR *dir = opendir(path);
    if (!dir) return rg_fail(l->err, RG_ERR_IO, path, "a folder of tables", "%s", strerror(errno));
    rg_status status = RG_OK;
    for (struct dirent *e; status == RG_OK && (e = readdir(dir));) {
        if (e->d_name[0] == '.' ||
            (size_t)snprintf(below, sizeof below, "%s/%s", path, e->d_name) >= sizeof below ||
            lstat(below, &s) != 0)
            continue;
        if (S_ISDIR(s.st_mode) && depth < MAX_DEPTH)
            status = add_folder(l, f, below, depth + 1);
        else if (is_table(e->d_name) && stat(below, &s) == 0 && S_ISREG(s.st_mode))
            status = add_file(l, f, below);
    }
    closedir(dir);
    return status;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const lint_file *)a)->name, ((const lint_file *)b)->name);
}

static rg_status check_file(lint *l, folder *f, lint_file *file, bool alone) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(file->path, MAX_BYTES, &text, &size, l->err));
    const rg_digest digest = rg_sha256(text, size);
    file->sha256 = rg_arena_strndup(&f->arena, digest.hex, strlen(digest.hex));
    file->header = rg_arena_strndup(&f->arena, text, strcspn(text, "\r\n"));
    rg_error why = {0}, *err = l->err;
    l->err = &why;
    rg_status status =
        file->sha256 && file->header ? lint_text(l, file->name, text, size) : lint_no_memory(l);
    l->err = err;
    free(text);
    if (status == RG_ERR_PARSE && !alone) {
        file->header = NULL;
        return lint_find(l, "unreadable", file->name, NULL, RG_LINT_LEFT_OUT,
                         rg_arena_printf(&l->out.arena, "%.250s: %.250s", why.where, why.message),
                         "no table with one header");
    }
    if (status != RG_OK && err) *err = why;
    return status;
}

static rg_status check_files(lint *l, folder *f, const char *path) {
    struct stat s;
    if (stat(path, &s) != 0)
        return rg_fail(l->err, RG_ERR_IO, path, "a table or a folder", "%s", strerror(errno));
    const bool alone = !S_ISDIR(s.st_mode);
    const char *slash = strrchr(path, '/');
    f->root = alone ? (slash ? (size_t)(slash - path) + 1 : 0) : strlen(path) + 1;
    RG_TRY(alone ? add_file(l, f, path) : add_folder(l, f, path, 0));
    if (!f->n) return rg_fail(l->err, RG_ERR_IO, path, ".csv or .csv.gz files below it", "no tables");
    qsort(f->file, f->n, sizeof *f->file, by_name);
    for (size_t i = 0; i < f->n; i++) {
        if (!rg_progress_step(l->options.progress, "tables", (double)i, (double)f->n))
            return rg_fail(l->err, RG_ERR_CANCELLED, NULL, NULL, "stopped");
        RG_TRY(check_file(l, f, &f->file[i], alone));
    }
    return lint_files(l, f->file, f->n);
}

/* ---- the whole --------------------------------------------------------------------------------------- */

rg_status lint_open(lint *l, const rg_lint_options *options, rg_error *err) {
    *l = (lint){.options = *options, .err = err};
    if (options->op && !perf_model_find(options->op))
        return rg_fail(err, RG_ERR_USAGE, "--op",
                       "gemm, attention_prefill, attention_decode, moe or collective", "\"%.40s\"",
                       options->op);
    return lint_chips_open(&l->chips, options->data_dir, err);
}

void lint_close(lint *l) {
    lint_chips_close(&l->chips);
}

rg_status rg_perf_lint(const char *path, const rg_lint_options *options, rg_lint *out, rg_error *err) {
    lint l;
    folder f = {0};
    RG_TRY(lint_open(&l, options, err));
    const rg_status status = check_files(&l, &f, path);
    rg_arena_free(&f.arena);
    lint_close(&l);
    if (status == RG_OK)
        *out = l.out;
    else
        rg_arena_free(&l.out.arena);
    return status;
}

void rg_lint_close(rg_lint *found) {
    if (!found) return;
    rg_arena_free(&found->arena);
    memset(found, 0, sizeof *found);
}
