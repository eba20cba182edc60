/* Documents: typed access with places. */
#include "ridge/doc.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rg_doc_node *rg_doc_get(rg_doc_node *map, const char *key) {
    if (!map || map->kind != RG_DOC_MAP) return NULL;
    for (rg_doc_node *c = map->child; c; c = c->next)
        if (c->key && strcmp(c->key, key) == 0) {
            c->used = true;
            return c;
        }
    return NULL;
}

static void path_of(const rg_doc_node *node, char *buf, size_t size) {
    if (!node->parent) return;
    path_of(node->parent, buf, size);
    size_t n = strlen(buf);
    if (node->key) {
        snprintf(buf + n, size - n, "%s%s", n ? "." : "", node->key);
    } else {
        size_t index = 0;
        for (const rg_doc_node *c = node->parent->child; c && c != node; c = c->next) index++;
        snprintf(buf + n, size - n, "[%zu]", index);
    }
}

const char *rg_doc_where(const rg_doc *doc, const rg_doc_node *node, char *buf, size_t size) {
    char path[160] = "";
    if (node) path_of(node, path, sizeof path);
    if (path[0])
        snprintf(buf, size, "%s:%d (%s)", doc->file, node->line, path);
    else if (node)
        snprintf(buf, size, "%s:%d", doc->file, node->line);
    else
        snprintf(buf, size, "%s", doc->file);
    return buf;
}

static rg_status missing(rg_doc *doc, rg_doc_node *map, const char *key, const char *expected,
                         rg_error *err) {
    char where[256];
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, map, where, sizeof where), expected,
                   "key \"%s\" is missing", key);
}

static rg_status wrong(const rg_doc *doc, const rg_doc_node *node, const char *expected, rg_error *err) {
    static const char *const kinds[] = {"null", "scalar", "list", "map"};
    char where[256];
    rg_doc_where(doc, node, where, sizeof where);
    if (node->kind == RG_DOC_SCALAR)
        return rg_fail(err, RG_ERR_PARSE, where, expected, "found \"%.100s\"", node->text);
    return rg_fail(err, RG_ERR_PARSE, where, expected, "found a %s", kinds[node->kind]);
}

/* The member as a scalar: NULL with RG_OK when absent, null, and not needed. */
static rg_status scalar(rg_doc *doc, rg_doc_node *map, const char *key, bool need, const char *expected,
                        rg_doc_node **out, rg_error *err) {
    *out = NULL;
    rg_doc_node *node = rg_doc_get(map, key);
    if (!node || node->kind == RG_DOC_NULL) return need ? missing(doc, map, key, expected, err) : RG_OK;
    if (node->kind != RG_DOC_SCALAR) return wrong(doc, node, expected, err);
    *out = node;
    return RG_OK;
}

rg_status rg_doc_string(rg_doc *doc, rg_doc_node *map, const char *key, bool need, const char **out,
                        rg_error *err) {
    rg_doc_node *node;
    RG_TRY(scalar(doc, map, key, need, "a string", &node, err));
    if (node) *out = node->text;
    return RG_OK;
}

rg_status rg_doc_as_number(rg_doc *doc, const rg_doc_node *node, double *out, rg_error *err) {
    if (node->kind != RG_DOC_SCALAR || node->quoted) return wrong(doc, node, "a number", err);
    char *end;
    double v = strtod(node->text, &end);
    if (end == node->text || *end || !isfinite(v)) return wrong(doc, node, "a finite number", err);
    *out = v;
    return RG_OK;
}

rg_status rg_doc_number(rg_doc *doc, rg_doc_node *map, const char *key, bool need, double *out,
                        rg_error *err) {
    rg_doc_node *node;
    RG_TRY(scalar(doc, map, key, need, "a number", &node, err));
    return node ? rg_doc_as_number(doc, node, out, err) : RG_OK;
}

rg_status rg_doc_int(rg_doc *doc, rg_doc_node *map, const char *key, bool need, int64_t *out, rg_error *err) {
    rg_doc_node *node;
    RG_TRY(scalar(doc, map, key, need, "a whole number", &node, err));
    if (!node) return RG_OK;
    double v;
    RG_TRY(rg_doc_as_number(doc, node, &v, err));
    if (v != floor(v) || fabs(v) > 9007199254740992.0)
        return wrong(doc, node, "a whole number below 2^53", err);
    *out = (int64_t)v;
    return RG_OK;
}

rg_status rg_doc_bool(rg_doc *doc, rg_doc_node *map, const char *key, bool need, bool *out, rg_error *err) {
    rg_doc_node *node;
    RG_TRY(scalar(doc, map, key, need, "true or false", &node, err));
    if (!node) return RG_OK;
    bool yes = strcmp(node->text, "true") == 0;
    if (node->quoted || (!yes && strcmp(node->text, "false") != 0))
        return wrong(doc, node, "true or false", err);
    *out = yes;
    return RG_OK;
}

rg_status rg_doc_child(rg_doc *doc, rg_doc_node *map, const char *key, rg_doc_kind kind, bool need,
                       rg_doc_node **out, rg_error *err) {
    const char *expected = kind == RG_DOC_LIST ? "a list" : kind == RG_DOC_MAP ? "a map" : "a scalar";
    *out = NULL;
    rg_doc_node *node = rg_doc_get(map, key);
    if (!node || node->kind == RG_DOC_NULL) return need ? missing(doc, map, key, expected, err) : RG_OK;
    if (node->kind != kind) return wrong(doc, node, expected, err);
    *out = node;
    return RG_OK;
}

rg_status rg_doc_unused(rg_doc *doc, rg_doc_node *node, rg_error *err) {
    char where[256];
    for (rg_doc_node *c = node ? node->child : NULL; c; c = c->next) {
        if (node->kind == RG_DOC_MAP && !c->used)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, c, where, sizeof where),
                           "a key of this kind of file (see its docs)", "unknown key \"%s\"", c->key);
        RG_TRY(rg_doc_unused(doc, c, err));
    }
    return RG_OK;
}
