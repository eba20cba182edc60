/* Tables of measurements as CSV. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"

enum { MAX_CELLS = 64 };

typedef struct reader {
    perf_table table;
    const char *name;
    int word[PERF_MAX_WORDS], number[PERF_MAX_NUMBERS]; /* columns, -1: none */
    int measured, system;
    double unit_s;
    const char *kernel;
    const rg_chip *chip;
    size_t n_cells, line, n_rows; /* so far, left out or not */
    perf_unread *unread;
} reader;

static size_t cut(char *line, char **cell) {
    size_t n = 0;
    for (char *at = line; at && n < MAX_CELLS;) {
        cell[n++] = at;
        at = strchr(at, ',');
        if (at) *at++ = 0;
    }
    return n;
}

static int find(char *const *cell, size_t n, const char *name) {
    for (size_t i = 0; name && i < n; i++)
        if (strcmp(cell[i], name) == 0) return (int)i;
    return -1;
}

static rg_status find_column(reader *r, char *const *cell, size_t n, const perf_column *c, int *out,
                             rg_error *err) {
    *out = find(cell, n, c->name);
    if (*out < 0) *out = find(cell, n, c->other);
    if (*out >= 0 || c->preset) return RG_OK;
    return rg_fail(err, RG_ERR_PARSE, r->name, c->name, "no column \"%s\" for operator %s", c->name,
                   r->table.model->op);
}

static double unit_of(const char *measured) {
    const size_t n = strlen(measured);
    if (n > 3 && strcmp(measured + n - 3, "_us") == 0) return 1e-6;
    return n > 2 && strcmp(measured + n - 2, "_s") == 0 ? 1 : 1e-3;
}

static rg_status read_header(reader *r, char *line, const char *measured, rg_error *err) {
    char *cell[MAX_CELLS];
    const perf_model *m = r->table.model;
    r->table.header = rg_arena_strndup(&r->table.arena, line, strlen(line));
    if (!r->table.header) return rg_fail(err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    r->n_cells = cut(line, cell);
    for (size_t i = 0; i < m->n_words; i++)
        RG_TRY(find_column(r, cell, r->n_cells, &m->word[i], &r->word[i], err));
    for (size_t i = 0; i < m->n_numbers; i++)
        RG_TRY(find_column(r, cell, r->n_cells, &m->number[i], &r->number[i], err));
    r->system = find(cell, r->n_cells, "system");
    r->measured = find(cell, r->n_cells, measured);
    if (measured && r->measured < 0)
        return rg_fail(err, RG_ERR_PARSE, r->name, "the name of a column of measured times",
                       "no column \"%s\"", measured);
    if (measured) r->unit_s = unit_of(measured);
    return RG_OK;
}

static rg_status read_value(const reader *r, const char *text, const char *column, double *out,
                            rg_error *err) {
    char *end, where[300];
    *out = strtod(text, &end);
    if (end != text && *end == 0 && isfinite(*out)) return RG_OK;
    snprintf(where, sizeof where, "%s:%zu", r->name, r->line);
    return rg_fail(err, RG_ERR_PARSE, where, "a number", "%s \"%.60s\"", column, text);
}

bool perf_is_chip(const rg_chip *chip, const char *system) {
    char name[64];
    snprintf(name, sizeof name, "%s", system);
    for (char *p = name; *p; p++)
        if (*p == '_') *p = '-';
    for (size_t i = 0; i < chip->n_alias; i++)
        if (strcmp(chip->alias[i], name) == 0) return true;
    return strncmp(chip->id, name, strlen(name)) == 0;
}

/* A shape can hold no zero or negative size; steps and windows may be 0. */
static rg_status check_size(const reader *r, const perf_column *c, double x, rg_error *err) {
    char where[300];
    const bool may_be_zero = c->preset && strcmp(c->preset, "0") == 0;
    if (x > 0 ? x <= 1e15 : x == 0 && may_be_zero) return RG_OK;
    snprintf(where, sizeof where, "%s:%zu", r->name, r->line);
    return rg_fail(err, RG_ERR_PARSE, where, "more than 0 and at most 1e15", "%s is %g", c->name, x);
}

static rg_status read_row(reader *r, char *line, rg_error *err) {
    char *cell[MAX_CELLS], where[300];
    const perf_model *m = r->table.model;
    const char *raw = rg_arena_strndup(&r->table.arena, line, strlen(line));
    if (!raw) return rg_fail(err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    if (cut(line, cell) != r->n_cells) {
        snprintf(where, sizeof where, "%s:%zu", r->name, r->line);
        return rg_fail(err, RG_ERR_PARSE, where, "as many cells as the header", "a line of another width");
    }
    if (r->system >= 0 && r->chip && !perf_is_chip(r->chip, cell[r->system])) return RG_OK;
    perf_row row = {0};
    for (size_t i = 0; i < m->n_words; i++)
        snprintf(row.word[i], sizeof row.word[i], "%s",
                 r->word[i] >= 0                    ? cell[r->word[i]]
                 : (int)i == m->kernel && r->kernel ? r->kernel
                                                    : m->word[i].preset);
    for (size_t i = 0; i < m->n_numbers; i++) {
        const char *text = r->number[i] >= 0 ? cell[r->number[i]] : m->number[i].preset;
        RG_TRY(read_value(r, text, m->number[i].name, &row.x[i], err));
        RG_TRY(check_size(r, &m->number[i], row.x[i], err));
    }
    if (r->measured >= 0) {
        RG_TRY(read_value(r, cell[r->measured], "measured time", &row.measured_s, err));
        row.measured_s *= r->unit_s;
    }
    row.known = m->formats(&row);
    r->table.line[r->table.n] = raw;
    r->table.number[r->table.n] = r->n_rows;
    r->table.row[r->table.n++] = row;
    return RG_OK;
}

/* Counts what cannot be read, where that is asked for. */
static rg_status take_row(reader *r, char *line, rg_error *err) {
    rg_error why = {0};
    r->n_rows++;
    if (!r->unread) return read_row(r, line, err);
    const rg_status status = read_row(r, line, &why);
    if (status == RG_OK) return RG_OK;
    if (status != RG_ERR_PARSE) return rg_fail(err, status, r->name, NULL, "%s", why.message);
    if (!r->unread->n++) {
        r->unread->first = r->n_rows;
        r->unread->why = why;
    }
    return RG_OK;
}

static rg_status read_all(reader *r, char *text, const char *measured, rg_error *err) {
    size_t lines = 0;
    for (const char *p = text; (p = strchr(p, '\n')); p++) lines++;
    r->table.row = rg_arena_alloc(&r->table.arena, lines + 1, sizeof *r->table.row);
    r->table.line = rg_arena_alloc(&r->table.arena, lines + 1, sizeof *r->table.line);
    r->table.number = rg_arena_alloc(&r->table.arena, lines + 1, sizeof *r->table.number);
    if (!r->table.row || !r->table.line || !r->table.number)
        return rg_fail(err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    for (char *line = text; line && *line;) {
        char *next = strchr(line, '\n');
        if (next) *next++ = 0;
        const size_t n = strlen(line);
        if (n && line[n - 1] == '\r') line[n - 1] = 0;
        r->line++;
        if (r->line == 1)
            RG_TRY(read_header(r, line, measured, err));
        else if (*line)
            RG_TRY(take_row(r, line, err));
        line = next;
    }
    if (!r->table.header)
        return rg_fail(err, RG_ERR_PARSE, r->name, "a header line, then rows", "empty table");
    return RG_OK;
}

static rg_status read_text(perf_table *out, reader *r, char *text, size_t size, const char *measured,
                           rg_error *err) {
    rg_status status = RG_OK;
    if (memchr(text, 0, size)) status = rg_fail(err, RG_ERR_PARSE, r->name, "CSV text", "a zero byte");
    if (status == RG_OK) status = read_all(r, text, measured, err);
    if (status == RG_OK)
        *out = r->table;
    else
        rg_arena_free(&r->table.arena);
    return status;
}

rg_status perf_table_read(perf_table *out, const perf_model *model, char *text, size_t size, const char *name,
                          const char *measured, const char *kernel, const rg_chip *chip, rg_error *err) {
    reader r = {.table.model = model, .name = name, .kernel = kernel, .chip = chip, .unit_s = 1e-3};
    return read_text(out, &r, text, size, measured, err);
}

rg_status perf_table_read_most(perf_table *out, const perf_model *model, char *text, size_t size,
                               const char *name, const char *measured, const rg_chip *chip,
                               perf_unread *unread, rg_error *err) {
    reader r = {.table.model = model, .name = name, .chip = chip, .unread = unread, .unit_s = 1e-3};
    *unread = (perf_unread){0};
    return read_text(out, &r, text, size, measured, err);
}

void perf_table_close(perf_table *table) {
    rg_arena_free(&table->arena);
    memset(table, 0, sizeof *table);
}

void perf_group_text(const perf_model *model, const perf_row *row, char *buf, size_t size) {
    size_t n = 0;
    buf[0] = 0;
    for (size_t i = 0; i < model->n_words; i++)
        if (model->groups[i] && n < size)
            n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? "/" : "", row->word[i]);
    if (model->group_number >= 0 && n < size)
        snprintf(buf + n, size - n, "/%.0f", row->x[model->group_number]);
}
