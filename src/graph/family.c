/* Reading family files and finding the one for a config. */
#include "graph/family.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rg_status read_lets(family *f, rg_error *err) {
    rg_doc_node *map;
    RG_TRY(rg_doc_child(&f->doc, f->doc.root, "let", RG_DOC_MAP, false, &map, err));
    let **end = &f->lets;
    for (rg_doc_node *c = map ? map->child : NULL; c; c = c->next) {
        c->used = true;
        let *l = rg_arena_alloc(&f->doc.arena, 1, sizeof *l);
        if (!l) return rg_fail(err, RG_ERR_MEMORY, f->doc.file, NULL, "out of memory");
        scanner s;
        RG_TRY(scanner_open(&s, &f->doc, c, &f->doc.arena, err));
        RG_TRY(expr_parse(&s, &l->value));
        RG_TRY(scanner_end(&s));
        l->name = c->key;
        l->node = c;
        *end = l;
        end = &l->next;
    }
    return RG_OK;
}

/* Maps of field: [values]. */
static rg_status check_lists(family *f, rg_doc_node *map, rg_error *err) {
    char where[256];
    for (rg_doc_node *c = map ? map->child : NULL; c; c = c->next) {
        c->used = true;
        bool plain = c->kind == RG_DOC_LIST && c->n > 0;
        for (rg_doc_node *v = c->child; v; v = v->next)
            plain = plain && (v->kind == RG_DOC_SCALAR || v->kind == RG_DOC_NULL);
        if (!plain)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(&f->doc, c, where, sizeof where),
                           "a list of admissible values", "the list of \"%s\" is not one", c->key);
    }
    return RG_OK;
}

static rg_status read_part(family *f, const char *key, statement **out, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(&f->doc, f->doc.root, key, RG_DOC_LIST, false, &list, err));
    return list ? statements_parse(f, list, out, err) : RG_OK;
}

static rg_status read_family(family *f, rg_error *err) {
    rg_doc *doc = &f->doc;
    char where[256];
    if (doc->root->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, doc->file, "a map with the keys of a family file", "found none");
    RG_TRY(rg_doc_string(doc, doc->root, "family", true, &f->name, err));
    RG_TRY(rg_doc_child(doc, doc->root, "match", RG_DOC_MAP, true, &f->match, err));
    RG_TRY(rg_doc_child(doc, doc->root, "require", RG_DOC_MAP, false, &f->require, err));
    RG_TRY(rg_doc_child(doc, doc->root, "harmless", RG_DOC_LIST, false, &f->harmless, err));
    if (!f->match->child)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, f->match, where, sizeof where),
                       "at least one field", "match: is empty");
    RG_TRY(check_lists(f, f->match, err));
    RG_TRY(check_lists(f, f->require, err));
    for (rg_doc_node *c = f->harmless ? f->harmless->child : NULL; c; c = c->next)
        if (c->kind != RG_DOC_SCALAR)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, c, where, sizeof where),
                           "the name of a config field", "found none");
    RG_TRY(read_lets(f, err));
    const char *positions = NULL;
    RG_TRY(rg_doc_string(doc, doc->root, "positions", true, &positions, err));
    f->positions_node = rg_doc_get(doc->root, "positions");
    scanner s;
    RG_TRY(scanner_open(&s, doc, f->positions_node, &doc->arena, err));
    RG_TRY(expr_parse(&s, &f->positions));
    RG_TRY(scanner_end(&s));
    f->stored_node = rg_doc_get(doc->root, "stored");
    if (f->stored_node) {
        RG_TRY(scanner_open(&s, doc, f->stored_node, &doc->arena, err));
        RG_TRY(expr_parse(&s, &f->stored));
        RG_TRY(scanner_end(&s));
    }
    rg_doc_node *graph;
    RG_TRY(rg_doc_child(doc, doc->root, "graph", RG_DOC_LIST, true, &graph, err));
    RG_TRY(statements_parse(f, graph, &f->body, err));
    RG_TRY(read_part(f, "mtp", &f->mtp, err));
    RG_TRY(read_part(f, "vision", &f->vision, err));
    rg_checkpoint checkpoint = {0};
    RG_TRY(checkpoint_read(f, &doc->arena, &checkpoint, err));
    return rg_doc_unused(doc, doc->root, err);
}

/* Takes the document over, also on failure. */
static rg_status from_doc(family *out, rg_doc doc, rg_error *err) {
    family f = {.doc = doc};
    rg_status status = read_family(&f, err);
    if (status != RG_OK) {
        family_close(&f);
        return status;
    }
    *out = f;
    return RG_OK;
}

rg_status family_open(family *out, const char *path, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_open(&doc, path, err));
    return from_doc(out, doc, err);
}

rg_status family_parse(family *out, const char *text, size_t size, const char *name, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    return from_doc(out, doc, err);
}

void family_close(family *f) {
    rg_doc_close(&f->doc);
    *f = (family){0};
}

static int is_yaml(const struct dirent *entry) {
    size_t n = strlen(entry->d_name);
    return n > 5 && strcmp(entry->d_name + n - 5, ".yaml") == 0;
}

static bool matches(const family *f, rg_doc *config) {
    for (const rg_doc_node *c = f->match->child; c; c = c->next)
        if (!field_is_one_of(config, c->key, c)) return false;
    return true;
}

static rg_status no_family(rg_doc *config, const char *dir, const rg_str *known, rg_error *err) {
    char where[256], expected[256];
    rg_doc_node *node = field_find(config, "model_type");
    snprintf(expected, sizeof expected, "one of the families of %.80s:%.150s", dir,
             known->data ? known->data : " (none)");
    if (!node)
        return rg_fail(err, RG_ERR_UNSUPPORTED, config->file, expected,
                       "no family file matches: model_type is missing");
    rg_doc_where(config, node, where, sizeof where);
    return rg_fail(err, RG_ERR_UNSUPPORTED, where, expected, "no family file matches model_type \"%.100s\"",
                   node->kind == RG_DOC_SCALAR ? node->text : "(not a string)");
}

/* Every file is read even after a match: two that fit would make the choice depend on names. */
static rg_status find(family *out, rg_doc *config, const char *dir, struct dirent **entry, int n,
                      rg_str *known, rg_error *err) {
    bool found = false;
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", dir, entry[i]->d_name) >= (int)sizeof path)
            return rg_fail(err, RG_ERR_IO, dir, "a shorter path", "the path is too long");
        family f;
        RG_TRY(family_open(&f, path, err));
        rg_str_printf(known, " %s", f.name);
        if (!matches(&f, config)) {
            family_close(&f);
            continue;
        }
        if (found) {
            rg_fail(err, RG_ERR_PARSE, path, "families that exclude each other",
                    "matches \"%s\" as family \"%s\" does", config->file, out->name);
            family_close(&f);
            return RG_ERR_PARSE;
        }
        for (const rg_doc_node *c = f.match->child; c; c = c->next) field_find(config, c->key);
        *out = f;
        found = true;
    }
    return found ? RG_OK : no_family(config, dir, known, err);
}

rg_status family_find(family *out, rg_doc *config, const char *dir, rg_error *err) {
    struct dirent **entry;
    int n = scandir(dir, &entry, is_yaml, alphasort);
    if (n < 0) return rg_fail(err, RG_ERR_IO, dir, "the folder of family files", "cannot be read");
    rg_str known = {0};
    family f = {0};
    rg_status status = find(&f, config, dir, entry, n, &known, err);
    for (int i = 0; i < n; i++) free(entry[i]);
    free(entry);
    rg_str_free(&known);
    if (status != RG_OK) {
        family_close(&f);
        return status;
    }
    *out = f;
    return RG_OK;
}
