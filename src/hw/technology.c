/* Reading a technology file. */
#include "ridge/technology.h"

#include <string.h>

#include "hw/hw.h"

static bool is_digits(const char *text, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (text[i] < '0' || text[i] > '9') return false;
    return true;
}

/* "2025" or "2025-04". */
static bool is_date(const char *text) {
    const size_t n = strlen(text);
    if ((n != 4 && n != 7) || !is_digits(text, 4) || strncmp(text, "1980", 4) < 0) return false;
    return n == 4 || (text[4] == '-' && is_digits(text + 5, 2) && strcmp(text + 5, "01") >= 0 &&
                      strcmp(text + 5, "12") <= 0);
}

rg_status hw_dated(hw_reader *r, rg_doc_node *node, rg_value *v, rg_unit *unit, const char **date,
                   rg_error *err) {
    const char *text;
    rg_error why = {0};
    double unused;
    if (node->kind != RG_DOC_MAP)
        return hw_wrong(r, node, err, "{value, range, date, source}",
                        "a number without range, date and source");
    RG_TRY(rg_doc_string(r->doc, node, "value", true, &text, err));
    if (hw_units_any(text, &unused, unit, &why) != RG_OK)
        return hw_wrong(r, rg_doc_get(node, "value"), err, why.expected, "%s", why.message);
    RG_TRY(hw_value(r, node, *unit, v, NULL, err));
    if (!(v->hi > 0)) return hw_wrong(r, node, err, "range: [LOW, HIGH]", "key \"range\" is missing");
    RG_TRY(hw_string(r, node, "date", true, date, err));
    if (is_date(*date)) return RG_OK;
    return hw_wrong(r, rg_doc_get(node, "date"), err, "a date, as '2025-04'", "\"%.40s\"", *date);
}

static rg_status read_kind(hw_reader *r, rg_technology *t, rg_error *err) {
    static const char *const kinds[] = {"memory", "link", "process", "package"};
    RG_TRY(hw_string(r, r->doc->root, "kind", true, &t->kind, err));
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i], t->kind) == 0) return RG_OK;
    return hw_wrong(r, rg_doc_get(r->doc->root, "kind"), err, "memory, link, process or package", "\"%.40s\"",
                    t->kind);
}

static rg_status read_technology(hw_reader *r, rg_technology *t, rg_error *err) {
    rg_doc_node *root = r->doc->root, *map;
    RG_TRY(hw_begin(r, "technology", err));
    RG_TRY(hw_string(r, root, "id", true, &t->id, err));
    RG_TRY(hw_string(r, root, "name", true, &t->name, err));
    RG_TRY(hw_string(r, root, "notes", false, &t->notes, err));
    RG_TRY(read_kind(r, t, err));
    RG_TRY(hw_year(r, &t->year, err));
    RG_TRY(rg_doc_child(r->doc, root, "numbers", RG_DOC_MAP, true, &map, err));
    t->number = rg_arena_alloc(r->arena, map->n + 1, sizeof *t->number);
    if (!t->number) return rg_fail(err, RG_ERR_MEMORY, r->doc->file, NULL, "out of memory");
    for (rg_doc_node *c = map->child; c; c = c->next) {
        struct rg_technology_number *n = &t->number[t->n_numbers++];
        c->used = true;
        RG_TRY(hw_keep(r->arena, c->key, &n->name, err));
        RG_TRY(hw_dated(r, c, &n->v, &n->unit, &n->date, err));
    }
    return hw_end(r, err);
}

static rg_status from_doc(rg_technology *out, rg_doc *doc, rg_error *err) {
    rg_technology t = {0};
    hw_reader r = {.doc = doc, .arena = &t.arena};
    rg_status status = hw_keep(&t.arena, doc->file, &t.file, err);
    if (status == RG_OK) status = read_technology(&r, &t, err);
    rg_doc_close(doc);
    if (status == RG_OK)
        *out = t;
    else
        rg_technology_close(&t);
    return status;
}

rg_status rg_technology_parse(rg_technology *out, const char *text, size_t size, const char *name,
                              rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    return from_doc(out, &doc, err);
}

rg_status rg_technology_open(rg_technology *out, const char *id, const char *data_dir, rg_error *err) {
    rg_doc doc;
    RG_TRY(hw_open_by_name(&doc, data_dir, "technology", id, "an id of data/technology", "technology", err));
    return from_doc(out, &doc, err);
}

rg_status rg_technology_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n,
                             rg_error *err) {
    return hw_list(data_dir, "technology", arena, ids, n, err);
}

void rg_technology_close(rg_technology *t) {
    if (!t) return;
    rg_arena_free(&t->arena);
    memset(t, 0, sizeof *t);
}
