/* What checks ask of a table: columns by any spelling, chips by name, and a place for findings. */
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "perf/lint/lint.h"

rg_status lint_no_memory(lint *l) {
    return rg_fail(l->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* ---- findings ---------------------------------------------------------------------------------------- */

void lint_hit(lint_hits *hits, size_t number) {
    if (!rg_grow(&hits->row, &hits->room, hits->n + 1, sizeof *hits->row)) {
        hits->failed = true;
        return;
    }
    hits->row[hits->n++] = number;
}

void lint_hits_free(lint_hits *hits) {
    free(hits->row);
    memset(hits, 0, sizeof *hits);
}

static rg_status add(lint *l, const rg_lint_finding *f) {
    rg_lint *o = &l->out;
    if (!f->file || !f->what || !f->cause) return lint_no_memory(l);
    if (!rg_arena_grow(&o->arena, &o->finding, &o->room, o->n + 1, sizeof *o->finding))
        return lint_no_memory(l);
    o->finding[o->n++] = *f;
    return RG_OK;
}

static int by_size(const void *a, const void *b) {
    const size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

rg_status lint_find(lint *l, const char *check, const char *file, lint_hits *hits, rg_lint_action action,
                    const char *what, const char *cause) {
    rg_lint_finding f = {.check = check,
                         .file = rg_arena_strndup(&l->out.arena, file, strlen(file)),
                         .what = what,
                         .cause = cause,
                         .action = action};
    if (!hits) return add(l, &f);
    if (hits->failed) return lint_no_memory(l);
    if (!hits->n) return RG_OK;
    size_t *row = rg_arena_alloc(&l->out.arena, hits->n, sizeof *row);
    if (!row) return lint_no_memory(l);
    memcpy(row, hits->row, hits->n * sizeof *row);
    f.n = hits->n;
    f.row = row;
    qsort(row, f.n, sizeof *row, by_size);
    lint_hits_free(hits);
    return add(l, &f);
}

/* ---- columns ----------------------------------------------------------------------------------------- */

/* Letters and digits agree: "Batch Size" is batch_size. */
static bool same_name(const char *column, const char *name, size_t n) {
    size_t i = 0;
    for (; *column; column++) {
        if (!isalnum((unsigned char)*column)) continue;
        while (i < n && !isalnum((unsigned char)name[i])) i++;
        if (i == n || tolower((unsigned char)*column) != name[i]) return false;
        i++;
    }
    return i == n;
}

int lint_column(const perf_csv *t, const char *names) {
    for (const char *at = names; *at;) {
        const size_t n = strcspn(at, "|");
        for (size_t i = 0; i < t->n_columns; i++)
            if (same_name(t->column[i], at, n)) return (int)i;
        at += n + (at[n] == '|');
    }
    return -1;
}

const char *lint_cell(const perf_csv *t, size_t row, int column) {
    return column < 0 ? "" : t->cell[row * t->n_columns + (size_t)column];
}

double lint_number(const perf_csv *t, size_t row, int column) {
    char *end;
    const char *text = lint_cell(t, row, column);
    const double x = strtod(text, &end);
    return end != text && !*end && isfinite(x) ? x : NAN;
}

/* Does the lower-case text hold one of the words? */
static bool holds(const char *text, const char *const *word, size_t n) {
    char low[64] = "";
    for (size_t i = 0; text[i] && i + 1 < sizeof low; i++) low[i] = (char)tolower((unsigned char)text[i]);
    for (size_t i = 0; i < n; i++)
        if (strstr(low, word[i])) return true;
    return false;
}

bool lint_is_result(const char *column) {
    static const char *const words[] = {"latency", "ttft", "tpot",    "itl",       "throughput",
                                        "power",   "time", "_per_s",  "bandwidth", "_gbps",
                                        "tflop",   "mfu",  "speedup", "result",    "accuracy"};
    return lint_time_unit(column) > 0 || holds(column, words, sizeof words / sizeof *words);
}

bool lint_is_label(const perf_csv *t, size_t column) {
    static const char *const words[] = {"measured", "date", "image", "source_file"};
    if (holds(t->column[column], words, sizeof words / sizeof *words)) return true;
    const int c = (int)column; /* every value but once: an id */
    if (t->n_rows < 2 || !isnan(lint_number(t, 0, c))) return false;
    for (size_t i = 1; i < t->n_rows && i < 64; i++)
        if (strcmp(lint_cell(t, i, c), lint_cell(t, i - 1, c)) == 0) return false;
    return strcmp(t->column[column], "id") == 0;
}

double lint_time_unit(const char *column) {
    static const struct {
        const char *end;
        double s;
    } units[] = {{"_ms", 1e-3}, {"_us", 1e-6}, {"_ns", 1e-9}};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (rg_ends_with(column, units[i].end)) return units[i].s;
    return rg_ends_with(column, "_s") && !rg_ends_with(column, "_per_s") ? 1 : 0;
}

/* ---- chips ------------------------------------------------------------------------------------------- */

rg_status lint_chips_open(lint_chips *chips, const char *data_dir, rg_error *err) {
    const char **id;
    size_t n;
    memset(chips, 0, sizeof *chips);
    rg_status status = rg_chip_list(data_dir, &chips->arena, &id, &n, err);
    if (status == RG_OK && !(chips->chip = rg_arena_alloc(&chips->arena, n + 1, sizeof *chips->chip)))
        status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; status == RG_OK && i < n; i++) {
        status = rg_chip_open(&chips->chip[i], id[i], data_dir, err);
        chips->n += status == RG_OK;
    }
    if (status != RG_OK) lint_chips_close(chips);
    return status;
}

void lint_chips_close(lint_chips *chips) {
    for (size_t i = 0; i < chips->n; i++) rg_chip_close(&chips->chip[i]);
    rg_arena_free(&chips->arena);
    memset(chips, 0, sizeof *chips);
}

/* Letters and digits of the name from `at` on, the last number whole: "a10" does not begin "a100". */
static bool begins(const char *at, const char *name) {
    for (; *name; name++) {
        if (!isalnum((unsigned char)*name)) continue;
        while (*at && !isalnum((unsigned char)*at)) at++;
        if (tolower((unsigned char)*at) != *name) return false;
        at++;
    }
    return !isdigit((unsigned char)*at);
}

const rg_chip *lint_chip_in(const lint_chips *chips, const char *text) {
    const rg_chip *best = NULL;
    size_t most = 0;
    for (const char *at = text; *at; at++) {
        if (!isalnum((unsigned char)*at) || (at > text && isalnum((unsigned char)at[-1]))) continue;
        for (size_t i = 0; i < chips->n; i++)
            for (size_t k = 0; k <= chips->chip[i].n_alias; k++) {
                const rg_chip *c = &chips->chip[i];
                const char *name = k < c->n_alias ? c->alias[k] : c->id;
                if (strlen(name) <= most || !begins(at, name)) continue;
                best = c;
                most = strlen(name);
            }
    }
    return best;
}
