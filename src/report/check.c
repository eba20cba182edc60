/* What must hold before a byte is written: whole rows, names, figures that parse, and a claim for every
 * number. */
#include "report/report.h"

#include <ctype.h>
#include <string.h>

static bool is_name(const char *name) {
    size_t n = strlen(name);
    return n > 0 && n < 100 && name[0] != '-' && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") == n;
}

static bool is_id(const char *text) {
    size_t n = strlen(text);
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)text[i]) && text[i] != '-' && text[i] != '_') return false;
    return n > 0;
}

static bool is_anchor(const char *name) {
    return isalpha((unsigned char)name[0]) && is_id(name);
}

static rg_status check_claims(rg_report *r, rg_error *err) {
    json_decref(r->by_id);
    r->by_id = json_object();
    size_t n = 0;
    for (size_t i = 0; i < r->n_claims; i++) {
        struct report_claim *c = &r->claim[i];
        if (json_object_get(r->by_id, c->id)) continue; /* listed before */
        json_t *json = json_loads(c->text, 0, NULL);
        const char *class = json_string_value(json_object_get(json, "class"));
        if (!is_id(c->id) || !class || !json_is_string(json_object_get(json, "subject"))) {
            json_decref(json);
            return rg_fail(err, RG_ERR_USAGE, c->id, "JSON object with class and subject", "not a claim");
        }
        if (json_object_set_new(r->by_id, c->id, json) != 0)
            return rg_fail(err, RG_ERR_MEMORY, c->id, NULL, "out of memory");
        c->json = json;
        r->claim[n++] = *c;
    }
    r->n_claims = n;
    return RG_OK;
}

static rg_status check_table(rg_report *r, report_block *t, rg_error *err) {
    if (!is_name(t->name) || !strcmp(t->name, "report") || !strcmp(t->name, "decision"))
        return rg_fail(err, RG_ERR_USAGE, t->name,
                       "lower-case letters, digits, - and _, not report or decision",
                       "table name cannot name a file");
    if (t->n_cells % t->n_columns != 0)
        return rg_fail(err, RG_ERR_USAGE, t->name, "whole rows", "%zu cells in a table of %zu columns",
                       t->n_cells, t->n_columns);
    for (size_t i = 0; i < t->n_cells; i++) {
        report_cell *c = &t->cell[i];
        if (!c->claim) continue;
        const json_t *claim = json_object_get(r->by_id, c->claim);
        if (!claim)
            return rg_fail(err, RG_ERR_USAGE, t->name, "an id that rg_report_claim was given",
                           "number %s: no claim %s in the report", c->text, c->claim);
        c->class = json_string_value(json_object_get(claim, "class"));
    }
    return RG_OK;
}

static rg_status check_chart(const report_block *b, rg_error *err) {
    if (!is_anchor(b->name))
        return rg_fail(err, RG_ERR_USAGE, b->name, "letters, digits, - and _", "chart name");
    json_error_t where;
    json_t *figure = json_loads(b->figure, JSON_REJECT_DUPLICATES, &where);
    bool good = json_is_array(json_object_get(figure, "data"));
    json_decref(figure);
    return good ? RG_OK
                : rg_fail(err, RG_ERR_USAGE, b->name, "figure JSON: an object with a list `data`",
                          "chart cannot be drawn: %s", figure ? "no data" : where.text);
}

/* Table and chart names and anchors each name one thing. */
static rg_status check_unique(const rg_report *r, rg_error *err) {
    static const char *const prefixes[] = {"", "", "", "table-", "chart-"};
    json_t *seen = json_object();
    rg_status status = RG_OK;
    for (const report_block *b = r->first; b && status == RG_OK; b = b->next) {
        if (!b->name || b->kind == BLOCK_TEXT || b->kind == BLOCK_CALLOUT) continue;
        rg_str name = {0};
        rg_str_printf(&name, "%s%s", prefixes[b->kind], b->name);
        if (name.failed || name.len > 200 || !is_anchor(name.data) || !strcmp(name.data, "claims"))
            status =
                rg_fail(err, RG_ERR_USAGE, b->name, "letters, digits, - and _", "unusable name or anchor");
        else if (json_object_get(seen, name.data))
            status = rg_fail(err, RG_ERR_USAGE, b->name, "a name used once", "two blocks have the same name");
        else
            json_object_set_new(seen, name.data, json_true());
        rg_str_free(&name);
    }
    json_decref(seen);
    return status;
}

rg_status report_check(rg_report *r, rg_error *err) {
    if (r->error.status != RG_OK) {
        if (err) *err = r->error;
        return r->error.status;
    }
    RG_TRY(check_claims(r, err));
    for (report_block *b = r->first; b; b = b->next) {
        if (b->kind == BLOCK_TABLE) RG_TRY(check_table(r, b, err));
        if (b->kind == BLOCK_CHART) RG_TRY(check_chart(b, err));
    }
    return check_unique(r, err);
}

size_t report_number_length(const char *shown) {
    size_t n = strcspn(shown, " "); /* the number itself may end in e+09 or % */
    const char *rest = shown + n;
    static const char *const signs[] = {" ± ", " +- "}; /* and its error */
    for (int i = 0; i < 2; i++)
        if (strncmp(rest, signs[i], strlen(signs[i])) == 0)
            return n + strlen(signs[i]) + strcspn(rest + strlen(signs[i]), " ");
    return n;
}

static size_t characters(const char *text) {
    size_t n = 0;
    for (; *text; text++) n += ((unsigned char)*text & 0xC0) != 0x80;
    return n;
}

report_column report_column_of(const report_block *t, size_t column) {
    report_column c = {0};
    bool mixed = false;
    for (size_t i = column; i < t->n_cells; i += t->n_columns) {
        const report_cell *cell = &t->cell[i];
        if (!cell->number) continue;
        size_t suffix = characters(cell->text + report_number_length(cell->text));
        if (suffix > c.suffix) c.suffix = suffix;
        c.number = true;
        if (!cell->claim) continue;
        mixed = mixed || (c.class && strcmp(c.class, cell->class) != 0);
        c.class = cell->class;
    }
    if (mixed) c.class = NULL;
    return c;
}
