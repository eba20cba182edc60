/* Fields of a config: reading them, holding them to required values, and naming those nobody knows. */
#include "graph/family.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rg_doc_node *member(rg_doc_node *map, const char *key, size_t n) {
    for (rg_doc_node *c = map->kind == RG_DOC_MAP ? map->child : NULL; c; c = c->next)
        if (strncmp(c->key, key, n) == 0 && !c->key[n]) return c;
    return NULL;
}

static rg_doc_node *find(rg_doc *config, const char *path, bool mark) {
    rg_doc_node *node = member(config->root, path, strlen(path));
    if (node) {
        node->used = node->used || mark;
        return node->kind == RG_DOC_NULL ? NULL : node;
    }
    node = config->root;
    for (const char *key = path; node && key;) {
        size_t n = strcspn(key, ".");
        node = member(node, key, n);
        bool last = !key[n];
        /* a scalar where a map belongs stays unknown: "rope_scaling: linear" must not pass for none */
        if (node && mark && (last || node->kind == RG_DOC_MAP || node->kind == RG_DOC_NULL))
            node->used = true;
        key = key[n] ? key + n + 1 : NULL;
    }
    return node && node->kind != RG_DOC_NULL ? node : NULL;
}

rg_doc_node *field_find(rg_doc *config, const char *path) {
    return find(config, path, true);
}

bool field_given(rg_doc *config, const char *path) {
    const rg_doc_node *node = member(config->root, path, strlen(path));
    for (rg_doc_node *map = config->root; !node && map;) {
        const size_t n = strcspn(path, ".");
        map = member(map, path, n);
        if (!path[n]) return map != NULL;
        path += n + 1;
    }
    return node != NULL;
}

/* Plain text as YAML and JSON mean it; 1e3 and 8.0 are real numbers. */
static value scalar_value(const rg_doc_node *node) {
    const char *t = node->text;
    value v = {.kind = VALUE_STRING, .s = t};
    if (node->quoted) return v;
    if (strcmp(t, "true") == 0 || strcmp(t, "false") == 0) return (value){.kind = VALUE_BOOL, .i = *t == 't'};
    if (!*t || t[strspn(t, "+-.0123456789eE")] || !t[strcspn(t, "0123456789")]) return v;
    char *end;
    errno = 0;
    long long i = strtoll(t, &end, 10);
    if (!*end && errno == 0) return (value){.kind = VALUE_INT, .i = i};
    double r = strtod(t, &end);
    return !*end && isfinite(r) ? (value){.kind = VALUE_REAL, .r = r} : v;
}

value field_element(const rg_doc_node *node) {
    if (node->kind == RG_DOC_SCALAR) return scalar_value(node);
    return (value){.kind = node->kind == RG_DOC_LIST ? VALUE_LIST : VALUE_NULL, .field = node};
}

rg_status field_value(rg_doc *config, const char *path, value *out, rg_error *err) {
    rg_doc_node *node = field_find(config, path);
    char where[256];
    if (!node) {
        *out = (value){.name = path};
        return RG_OK;
    }
    if (node->kind == RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(config, node, where, sizeof where),
                       "a number, string, truth value or list", "field \"%.100s\" is a map", path);
    *out = field_element(node);
    out->name = path;
    out->field = node;
    return RG_OK;
}

static bool same(const value *a, const value *b) {
    bool numbers =
        (a->kind == VALUE_INT || a->kind == VALUE_REAL) && (b->kind == VALUE_INT || b->kind == VALUE_REAL);
    if (numbers)
        return (a->kind == VALUE_INT ? (double)a->i : a->r) == (b->kind == VALUE_INT ? (double)b->i : b->r);
    if (a->kind != b->kind) return false;
    return a->kind == VALUE_STRING ? strcmp(a->s, b->s) == 0 : a->i == b->i;
}

bool field_is_one_of(rg_doc *config, const char *path, const rg_doc_node *list) {
    const rg_doc_node *node = find(config, path, false);
    for (const rg_doc_node *c = list->child; c; c = c->next) {
        if (!node || c->kind == RG_DOC_NULL) {
            if (!node && c->kind == RG_DOC_NULL) return true;
            continue;
        }
        if (node->kind != RG_DOC_SCALAR) continue;
        value a = scalar_value(node), b = scalar_value(c);
        if (same(&a, &b)) return true;
    }
    return false;
}

rg_status fields_require(const family *f, rg_doc *config, rg_error *err) {
    for (const rg_doc_node *c = f->require ? f->require->child : NULL; c; c = c->next) {
        const rg_doc_node *node = field_find(config, c->key);
        if (field_is_one_of(config, c->key, c)) continue;
        char where[256];
        rg_str expected = {0};
        for (const rg_doc_node *v = c->child; v; v = v->next)
            rg_str_printf(&expected, "%s%s", v == c->child ? "" : " or ",
                          v->kind == RG_DOC_NULL ? "none" : v->text);
        rg_str_printf(&expected, " (family %s)", f->name);
        if (node)
            rg_doc_where(config, node, where, sizeof where);
        else
            snprintf(where, sizeof where, "%s", config->file);
        rg_status status =
            rg_fail(err, RG_ERR_UNSUPPORTED, where, expected.data, "field \"%s\" is %.100s", c->key,
                    !node                         ? "missing"
                    : node->kind == RG_DOC_SCALAR ? node->text
                                                  : "a list or map");
        rg_str_free(&expected);
        return status;
    }
    return RG_OK;
}

typedef struct collector {
    rg_arena *arena;
    const char **name;
    size_t n, cap;
    bool failed;
} collector;

static void collect(collector *c, const rg_doc_node *node, const char *prefix) {
    char *name = rg_arena_printf(c->arena, "%s%s%s", prefix, *prefix ? "." : "", node->key);
    if (c->n == c->cap) {
        size_t cap = c->cap ? 2 * c->cap : 8;
        const char **bigger = rg_arena_alloc(c->arena, cap, sizeof *bigger);
        if (!bigger) {
            c->failed = true;
            return;
        }
        if (c->n) memcpy(bigger, c->name, c->n * sizeof *bigger);
        c->name = bigger;
        c->cap = cap;
    }
    c->failed = c->failed || !name;
    c->name[c->n++] = name;
}

/* "_note", "attention_bias_note": words for people. */
static bool is_comment(const char *key) {
    const size_t n = strlen(key);
    return *key == '_' || (n > 5 && strcmp(key + n - 5, "_note") == 0);
}

static void walk(collector *c, const rg_doc_node *map, const char *prefix) {
    for (rg_doc_node *child = map->child; child; child = child->next) {
        if (!child->used && is_comment(child->key)) continue;
        if (!child->used) {
            collect(c, child, prefix);
        } else if (child->kind == RG_DOC_MAP) {
            char path[256];
            snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", child->key);
            walk(c, child, path);
        }
    }
}

static void mark_all(rg_doc_node *node) {
    node->used = true;
    for (rg_doc_node *c = node->child; c; c = c->next) mark_all(c);
}

rg_status fields_unknown(const family *f, rg_doc *config, rg_arena *arena, size_t *n, const char ***names,
                         rg_error *err) {
    for (const rg_doc_node *c = f->harmless ? f->harmless->child : NULL; c; c = c->next) {
        rg_doc_node *field = field_find(config, c->text);
        if (field) mark_all(field);
    }
    collector c = {.arena = arena};
    walk(&c, config->root, "");
    if (c.failed) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    *n = c.n;
    *names = c.name;
    return RG_OK;
}
