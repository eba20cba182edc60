/* What the files of this domain have in common: sources, numbers with units, and nothing unknown. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "hw/hw.h"

rg_status hw_keep(rg_arena *arena, const char *text, const char **out, rg_error *err) {
    *out = NULL;
    if (!text) return RG_OK;
    *out = rg_arena_strndup(arena, text, strlen(text));
    return *out ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

rg_status hw_wrong(const hw_reader *r, const rg_doc_node *node, rg_error *err, const char *expected,
                   const char *fmt, ...) {
    char where[256], what[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where), expected, "%s", what);
}

rg_status hw_begin(hw_reader *r, const char *what, rg_error *err) {
    rg_doc_node *root = r->doc->root;
    if (!root || root->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, r->doc->file, "keys and values", "not a %s file", what);
    return rg_doc_child(r->doc, root, "sources", RG_DOC_MAP, true, &r->sources, err);
}

rg_status hw_end(hw_reader *r, rg_error *err) {
    for (rg_doc_node *s = r->sources->child; s; s = s->next)
        if (!s->used)
            return hw_wrong(r, s, err, "sources that some number names", "source \"%.80s\" is never used",
                            s->key);
    return rg_doc_unused(r->doc, r->doc->root, err);
}

rg_status hw_string(hw_reader *r, rg_doc_node *map, const char *key, bool need, const char **out,
                    rg_error *err) {
    const char *text = NULL;
    RG_TRY(rg_doc_string(r->doc, map, key, need, &text, err));
    return hw_keep(r->arena, text, out, err);
}

rg_status hw_source(hw_reader *r, rg_doc_node *map, const char **out, rg_error *err) {
    const char *keys;
    RG_TRY(rg_doc_string(r->doc, map, "source", true, &keys, err));
    rg_str text = {0};
    rg_status status = RG_OK;
    for (const char *p = keys; status == RG_OK; p++) {
        while (*p == ' ') p++;
        size_t n = strcspn(p, ",");
        char key[64];
        snprintf(key, sizeof key, "%.*s", (int)(n < 63 ? n : 63), p);
        const char *full = NULL;
        status = rg_doc_string(r->doc, r->sources, key, false, &full, err);
        if (status == RG_OK && !full)
            status = hw_wrong(r, rg_doc_get(map, "source"), err, "keys of sources:, separated by commas",
                              "unknown source \"%s\"", key);
        if (status == RG_OK) rg_str_printf(&text, "%s%s", text.len ? "; " : "", full);
        p += n;
        if (!*p) break;
    }
    if (status == RG_OK) status = hw_keep(r->arena, text.data ? text.data : "", out, err);
    rg_str_free(&text);
    return status;
}

rg_status hw_read_aliases(hw_reader *r, size_t *n, const char ***out, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "aliases", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    *out = rg_arena_alloc(r->arena, list->n + 1, sizeof **out);
    if (!*out) return rg_fail(err, RG_ERR_MEMORY, r->doc->file, NULL, "out of memory");
    for (rg_doc_node *c = list->child; c; c = c->next) {
        if (c->kind != RG_DOC_SCALAR) return hw_wrong(r, c, err, "names", "an alias that is no word");
        RG_TRY(hw_keep(r->arena, c->text, &(*out)[(*n)++], err));
    }
    return RG_OK;
}

rg_status hw_year(hw_reader *r, int *out, rg_error *err) {
    int64_t year;
    RG_TRY(rg_doc_int(r->doc, r->doc->root, "year", true, &year, err));
    if (year < 1980 || year > 2100)
        return hw_wrong(r, rg_doc_get(r->doc->root, "year"), err, "1980 to 2100", "year %lld",
                        (long long)year);
    *out = (int)year;
    return RG_OK;
}

/* ---- numbers ----------------------------------------------------------------------------------------- */

static rg_status quantity(hw_reader *r, const rg_doc_node *node, const char *text, rg_unit unit, double *out,
                          rg_error *err) {
    rg_error inner = {0};
    if (rg_units_parse(text, unit, out, &inner) == RG_OK && *out > 0) return RG_OK;
    return inner.status ? hw_wrong(r, node, err, inner.expected, "%s", inner.message)
                        : hw_wrong(r, node, err, "more than 0", "\"%.80s\"", text);
}

rg_status hw_quantity(hw_reader *r, rg_doc_node *map, const char *key, rg_unit unit, double *out,
                      rg_error *err) {
    const char *text;
    RG_TRY(rg_doc_string(r->doc, map, key, true, &text, err));
    return quantity(r, rg_doc_get(map, key), text, unit, out, err);
}

static rg_status read_range(hw_reader *r, rg_doc_node *node, rg_unit unit, rg_value *v, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, node, "range", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    if (list->n != 2 || list->child->kind != RG_DOC_SCALAR || list->child->next->kind != RG_DOC_SCALAR)
        return hw_wrong(r, list, err, "[LOW, HIGH], each with its unit", "not two numbers");
    RG_TRY(quantity(r, list->child, list->child->text, unit, &v->lo, err));
    RG_TRY(quantity(r, list->child->next, list->child->next->text, unit, &v->hi, err));
    if (v->lo <= v->value && v->value <= v->hi) return RG_OK;
    return hw_wrong(r, list, err, "LOW at most the value, HIGH at least", "the value is out of its range");
}

rg_status hw_value(hw_reader *r, rg_doc_node *node, rg_unit unit, rg_value *out, const char **estimated,
                   rg_error *err) {
    rg_value v = {.given = true};
    if (node->kind != RG_DOC_MAP)
        return hw_wrong(r, node, err, "{value: NUMBER UNIT, source: KEY}", "a number without its source");
    RG_TRY(hw_quantity(r, node, "value", unit, &v.value, err));
    RG_TRY(read_range(r, node, unit, &v, err));
    RG_TRY(hw_source(r, node, &v.source, err));
    if (estimated) RG_TRY(hw_string(r, node, "estimated", false, estimated, err));
    *out = v;
    return RG_OK;
}

rg_status hw_member(hw_reader *r, rg_doc_node *map, const char *key, rg_unit unit, bool need, rg_value *out,
                    rg_error *err) {
    rg_doc_node *node = rg_doc_get(map, key);
    if (node) return hw_value(r, node, unit, out, NULL, err);
    return need ? hw_wrong(r, map, err, "{value: NUMBER UNIT, source: KEY}", "key \"%s\" is missing", key)
                : RG_OK;
}

rg_status hw_share(hw_reader *r, rg_doc_node *map, const char *key, bool need, rg_value *out, rg_error *err) {
    rg_value v = *out;
    RG_TRY(hw_member(r, map, key, RG_UNIT_COUNT, need, &v, err));
    const double most = v.hi > v.value ? v.hi : v.value;
    if (most > 1) return hw_wrong(r, rg_doc_get(map, key), err, "a share, at most 1", "%g", most);
    *out = v;
    return RG_OK;
}
