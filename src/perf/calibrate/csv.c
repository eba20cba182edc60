/* CSV tables of any columns. */
#include "perf/calibrate/csv.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 1 << 28 };

typedef struct reader {
    perf_csv table;
    const char *at, *end, *name;
    size_t line, room, n_cells;
} reader;

static rg_status bad(const reader *r, const char *what, const char *expected, rg_error *err) {
    char where[256];
    snprintf(where, sizeof where, "%.200s:%zu", r->name, r->line);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "%s", what);
}

static rg_status push(reader *r, const char *cell, rg_error *err) {
    if (!rg_arena_grow(&r->table.arena, &r->table.cell, &r->room, r->n_cells + 1, sizeof *r->table.cell))
        return rg_fail(err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    r->table.cell[r->n_cells++] = cell;
    return RG_OK;
}

/* Where the text of a cell ends; NULL: its quote does not. */
static const char *cell_end(const reader *r, bool quotes) {
    const char *at = r->at + quotes;
    if (!quotes) {
        while (at < r->end && *at != ',' && *at != '\n' && *at != '\r') at++;
        return at;
    }
    while (at < r->end && (*at != '"' || (at + 1 < r->end && at[1] == '"'))) at += *at == '"' ? 2 : 1;
    return at < r->end ? at : NULL;
}

static rg_status read_cell(reader *r, rg_error *err) {
    const bool quotes = r->at < r->end && *r->at == '"';
    const char *end = cell_end(r, quotes);
    if (!end) return bad(r, "a quote that does not end", "\" at the end of the cell", err);
    char *cell = rg_arena_alloc(&r->table.arena, (size_t)(end - r->at) + 1, 1), *to = cell;
    if (!cell) return rg_fail(err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    for (r->at += quotes; r->at < end; r->at++) {
        *to++ = *r->at;
        r->line += *r->at == '\n';
        if (*r->at == '"' && quotes) r->at++; /* a doubled one */
    }
    r->at = end + quotes;
    return push(r, cell, err);
}

/* One row, or nothing of an empty line. */
static rg_status row(reader *r, rg_error *err) {
    const size_t before = r->n_cells;
    for (bool more = true; more;) {
        RG_TRY(read_cell(r, err));
        if (r->at < r->end && *r->at == '\r') r->at++;
        more = r->at < r->end && *r->at == ',';
        if (r->at < r->end && !more && *r->at != '\n')
            return bad(r, "text behind a closing quote", "a comma or the end of the line", err);
        if (r->at < r->end) r->at++;
    }
    if (r->n_cells == before + 1 && !*r->table.cell[before]) r->n_cells = before;
    return RG_OK;
}

static rg_status rows(reader *r, rg_error *err) {
    for (r->line = 1; r->at < r->end; r->line++) {
        const size_t before = r->n_cells;
        RG_TRY(row(r, err));
        const size_t n = r->n_cells - before;
        if (!r->table.n_columns) {
            r->table.n_columns = n;
            r->table.column = r->table.cell;
            r->table.cell = NULL;
            r->room = r->n_cells = 0;
        } else if (n && n != r->table.n_columns) {
            return bad(r, "a row of another length", "as many cells as the header has", err);
        } else {
            r->table.n_rows += n > 0;
        }
    }
    return r->table.n_columns ? RG_OK : bad(r, "no header", "names of columns, separated by commas", err);
}

/* A binary file may come apart into rows of one cell, and must not pass for a table. */
static rg_status check_text(reader *r, const char *text, size_t size, rg_error *err) {
    r->line = 1;
    for (size_t i = 0; i < size; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return bad(r, "no text: a control character", "a table as CSV", err);
        r->line += c == '\n';
    }
    return RG_OK;
}

rg_status perf_csv_parse(perf_csv *out, const char *text, size_t size, const char *name, rg_error *err) {
    reader r = {.at = text, .end = text + size, .name = name};
    RG_TRY(check_text(&r, text, size, err));
    const rg_status status = rows(&r, err);
    if (status == RG_OK)
        *out = r.table;
    else
        rg_arena_free(&r.table.arena);
    return status;
}

rg_status perf_csv_read(perf_csv *out, const char *path, rg_error *err) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(path, MAX_BYTES, &text, &size, err));
    const rg_status status = perf_csv_parse(out, text, size, path, err);
    free(text);
    return status;
}

void perf_csv_close(perf_csv *t) {
    if (!t) return;
    rg_arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}

const char *perf_csv_cell(const perf_csv *t, size_t at, const char *column) {
    for (size_t i = 0; i < t->n_columns; i++)
        if (strcmp(t->column[i], column) == 0) return t->cell[at * t->n_columns + i];
    return NULL;
}

double perf_csv_number(const perf_csv *t, size_t at, const char *column) {
    char *end;
    const char *text = perf_csv_cell(t, at, column);
    if (!text) return NAN;
    const double x = strtod(text, &end);
    return end != text && isfinite(x) ? x : NAN;
}
