/* Building a report: blocks, cells, claims. */
#include "report/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void wrong(rg_report *r, rg_status status, const char *where, const char *what) {
    if (r->error.status == RG_OK) rg_fail(&r->error, status, where, NULL, "%s", what);
}

static const char *keep(rg_report *r, const char *text) {
    const char *copy = rg_arena_strndup(&r->arena, text ? text : "", text ? strlen(text) : 0);
    if (!copy) wrong(r, RG_ERR_MEMORY, "report", "out of memory");
    return copy ? copy : "";
}

rg_status rg_report_new(rg_report **out, const char *title, rg_error *err) {
    rg_report *r = calloc(1, sizeof *r);
    if (!r) return rg_fail(err, RG_ERR_MEMORY, "report", NULL, "out of memory");
    r->title = keep(r, title);
    *out = r;
    return RG_OK;
}

void rg_report_free(rg_report *r) {
    if (!r) return;
    for (report_block *b = r->first; b; b = b->next) free(b->cell);
    free(r->claim);
    json_decref(r->by_id);
    rg_arena_free(&r->arena);
    free(r);
}

/* Adds an empty block; on lack of memory one that is not in the list, so that callers need not look. */
static report_block *add(rg_report *r, block_kind kind) {
    report_block *b = rg_arena_alloc(&r->arena, 1, sizeof *b);
    if (!b) {
        wrong(r, RG_ERR_MEMORY, "report", "out of memory");
        r->nowhere = (report_block){0};
        return &r->nowhere;
    }
    b->kind = kind;
    *(r->last ? &r->last->next : &r->first) = b;
    r->last = b;
    return b;
}

void rg_report_heading(rg_report *r, int level, const char *anchor, const char *text) {
    report_block *b = add(r, BLOCK_HEADING);
    if (level < 2 || level > 4) wrong(r, RG_ERR_USAGE, text, "a heading has level 2, 3 or 4");
    b->level = level;
    b->name = anchor ? keep(r, anchor) : NULL;
    b->text = keep(r, text);
}

void rg_report_text(rg_report *r, const char *text) {
    add(r, BLOCK_TEXT)->text = keep(r, text);
}

void rg_report_callout(rg_report *r, const char *kind, const char *title, const char *text) {
    report_block *b = add(r, BLOCK_CALLOUT);
    if (strcmp(kind, "decision") != 0 && strcmp(kind, "note") != 0 && strcmp(kind, "warning") != 0)
        wrong(r, RG_ERR_USAGE, kind, "a callout is a decision, a note or a warning");
    b->name = keep(r, kind);
    b->more = keep(r, title);
    b->text = keep(r, text);
}

void rg_report_table(rg_report *r, const char *name, const char *caption, size_t n_columns,
                     const char *const *columns) {
    report_block *b = add(r, BLOCK_TABLE);
    b->name = keep(r, name);
    b->text = keep(r, caption);
    b->column = rg_arena_alloc(&r->arena, n_columns, sizeof *b->column);
    if (n_columns == 0) wrong(r, RG_ERR_USAGE, name, "table without columns");
    if (!b->column) wrong(r, RG_ERR_MEMORY, name, "out of memory");
    for (size_t i = 0; b->column && i < n_columns; i++) b->column[i] = keep(r, columns[i]);
    b->n_columns = b->column ? n_columns : 0;
}

static void add_cell(rg_report *r, report_cell cell) {
    report_block *t = r->last;
    if (!t || t->kind != BLOCK_TABLE) {
        wrong(r, RG_ERR_USAGE, cell.text, "cell outside a table");
        return;
    }
    if (t->n_cells == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 64;
        report_cell *more = realloc(t->cell, cap * sizeof *more);
        if (!more) {
            wrong(r, RG_ERR_MEMORY, t->name, "out of memory");
            return;
        }
        t->cell = more;
        t->cap = cap;
    }
    t->cell[t->n_cells++] = cell;
}

void rg_report_cell_text(rg_report *r, const char *text) {
    add_cell(r, (report_cell){.text = keep(r, text)});
}

void rg_report_cell_number(rg_report *r, double value, const char *shown, const char *claim_id,
                           const char *claim_class) {
    if (!claim_id || !*claim_id) wrong(r, RG_ERR_USAGE, shown, "number without a claim");
    add_cell(r, (report_cell){.text = keep(r, shown),
                              .value = value,
                              .number = true,
                              .claim = keep(r, claim_id),
                              .class = claim_class ? keep(r, claim_class) : NULL});
}

void rg_report_cell_plain(rg_report *r, double value, const char *shown) {
    add_cell(r, (report_cell){.text = keep(r, shown), .value = value, .number = true});
}

void rg_report_chart(rg_report *r, const char *name, const char *caption, const char *alt,
                     const char *figure_json) {
    report_block *b = add(r, BLOCK_CHART);
    b->name = keep(r, name);
    b->text = keep(r, caption);
    b->more = keep(r, alt);
    b->figure = keep(r, figure_json);
}

void rg_report_claim(rg_report *r, const char *id, const char *claim_json) {
    if (r->n_claims == r->cap_claims) {
        size_t cap = r->cap_claims ? 2 * r->cap_claims : 64;
        struct report_claim *more = realloc(r->claim, cap * sizeof *more);
        if (!more) {
            wrong(r, RG_ERR_MEMORY, id, "out of memory");
            return;
        }
        r->claim = more;
        r->cap_claims = cap;
    }
    r->claim[r->n_claims++] = (struct report_claim){.id = keep(r, id), .text = keep(r, claim_json)};
}
