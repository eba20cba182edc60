/* Reading a chip file. */
#include "hw/hw.h"

#include <stdio.h>
#include <string.h>

rg_status hw_keep(rg_chip *chip, const char *text, const char **out, rg_error *err) {
    *out = NULL;
    if (!text) return RG_OK;
    *out = rg_arena_strndup(&chip->arena, text, strlen(text));
    return *out ? RG_OK : rg_fail(err, RG_ERR_MEMORY, chip->file, NULL, "out of memory");
}

rg_status hw_string(hw_reader *r, rg_doc_node *map, const char *key, bool need, const char **out,
                    rg_error *err) {
    const char *text = NULL;
    RG_TRY(rg_doc_string(r->doc, map, key, need, &text, err));
    return hw_keep(r->chip, text, out, err);
}

rg_status hw_source(hw_reader *r, rg_doc_node *map, const char **out, rg_error *err) {
    const char *keys;
    RG_TRY(rg_doc_string(r->doc, map, "source", true, &keys, err));
    rg_str text = {0};
    rg_status status = RG_OK;
    for (const char *p = keys; status == RG_OK; p++) {
        while (*p == ' ') p++;
        size_t n = strcspn(p, ",");
        char key[64], where[256];
        snprintf(key, sizeof key, "%.*s", (int)(n < 63 ? n : 63), p);
        const char *full = NULL;
        status = rg_doc_string(r->doc, r->sources, key, false, &full, err);
        if (status == RG_OK && !full)
            status = rg_fail(err, RG_ERR_PARSE,
                             rg_doc_where(r->doc, rg_doc_get(map, "source"), where, sizeof where),
                             "keys of sources:, separated by commas", "unknown source \"%s\"", key);
        if (status == RG_OK) rg_str_printf(&text, "%s%s", text.len ? "; " : "", full);
        p += n;
        if (!*p) break;
    }
    if (status == RG_OK) status = hw_keep(r->chip, text.data ? text.data : "", out, err);
    rg_str_free(&text);
    return status;
}

static rg_status read_aliases(hw_reader *r, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "aliases", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    r->chip->alias = rg_arena_alloc(&r->chip->arena, list->n + 1, sizeof *r->chip->alias);
    if (!r->chip->alias) return rg_fail(err, RG_ERR_MEMORY, r->chip->file, NULL, "out of memory");
    for (rg_doc_node *c = list->child; c; c = c->next) {
        char where[256];
        if (c->kind != RG_DOC_SCALAR)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, c, where, sizeof where), "names",
                           "an alias that is no word");
        RG_TRY(hw_keep(r->chip, c->text, &r->chip->alias[r->chip->n_alias++], err));
    }
    return RG_OK;
}

static rg_status read_peaks(hw_reader *r, rg_error *err) {
    const char *peaks;
    RG_TRY(rg_doc_string(r->doc, r->doc->root, "peaks", true, &peaks, err));
    char where[256];
    r->chip->sparse_peaks = strcmp(peaks, "sparse") == 0;
    if (!r->chip->sparse_peaks && strcmp(peaks, "dense") != 0)
        return rg_fail(err, RG_ERR_PARSE,
                       rg_doc_where(r->doc, rg_doc_get(r->doc->root, "peaks"), where, sizeof where),
                       "dense, or sparse where the dense peaks are not published", "found \"%.40s\"", peaks);
    return hw_string(r, r->doc->root, "peaks_note", false, &r->chip->peaks_note, err);
}

static rg_status read_head(hw_reader *r, rg_error *err) {
    rg_chip *c = r->chip;
    rg_doc_node *root = r->doc->root;
    const struct {
        const char *key, **to;
        bool need;
    } words[] = {{"id", &c->id, true},
                 {"name", &c->name, true},
                 {"vendor", &c->vendor, true},
                 {"class", &c->kind, true},
                 {"architecture", &c->architecture, true},
                 {"status", &c->status, true},
                 {"confidence", &c->confidence, true},
                 {"process", &c->process, false},
                 {"notes", &c->notes, false}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        RG_TRY(hw_string(r, root, words[i].key, words[i].need, words[i].to, err));
    int64_t year;
    RG_TRY(rg_doc_int(r->doc, root, "year", true, &year, err));
    if (year < 1980 || year > 2100) {
        char where[256];
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, rg_doc_get(root, "year"), where, sizeof where),
                       "1980 to 2100", "year %lld", (long long)year);
    }
    c->year = (int)year;
    RG_TRY(read_aliases(r, err));
    return read_peaks(r, err);
}

static rg_status read_chip(hw_reader *r, rg_error *err) {
    char where[256];
    if (!r->doc->root || r->doc->root->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, r->doc->file, "keys and values (docs/chips.md)", "not a chip file");
    RG_TRY(read_head(r, err));
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "sources", RG_DOC_MAP, true, &r->sources, err));
    RG_TRY(hw_read_numbers(r, err));
    RG_TRY(hw_read_notes(r, err));
    RG_TRY(hw_read_paths(r, err));
    for (rg_doc_node *s = r->sources->child; s; s = s->next)
        if (!s->used)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, s, where, sizeof where),
                           "sources that some number or path names", "source \"%s\" is never used", s->key);
    return rg_doc_unused(r->doc, r->doc->root, err);
}

static rg_status from_doc(rg_chip *out, rg_doc *doc, rg_error *err) {
    rg_chip chip = {0};
    hw_reader r = {.doc = doc, .chip = &chip};
    rg_status status = hw_keep(&chip, doc->file, &chip.file, err);
    if (status == RG_OK) status = read_chip(&r, err);
    rg_doc_close(doc);
    if (status == RG_OK)
        *out = chip;
    else
        rg_chip_close(&chip);
    return status;
}

rg_status rg_chip_parse(rg_chip *out, const char *text, size_t size, const char *name, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    return from_doc(out, &doc, err);
}

static rg_status open_file(rg_chip *out, const char *path, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_open(&doc, path, err));
    return from_doc(out, &doc, err);
}

static bool has_name(const rg_chip *chip, const char *name) {
    for (size_t i = 0; i < chip->n_alias; i++)
        if (strcmp(chip->alias[i], name) == 0) return true;
    return strcmp(chip->id, name) == 0;
}

static bool is_id(const char *id, const char *const *ids, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(ids[i], id) == 0) return true;
    return false;
}

static rg_status open_id(rg_chip *out, const char *id, const char *data_dir, rg_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/chips/%s.yaml", data_dir, id);
    rg_chip chip;
    RG_TRY(open_file(&chip, path, err));
    if (strcmp(chip.id, id) == 0) {
        *out = chip;
        return RG_OK;
    }
    rg_status status = rg_fail(err, RG_ERR_PARSE, path, "the name of the file", "id \"%.80s\"", chip.id);
    rg_chip_close(&chip);
    return status;
}

rg_status rg_chip_open(rg_chip *out, const char *id, const char *data_dir, rg_error *err) {
    rg_arena arena = {0};
    const char **ids;
    size_t n;
    rg_status status = rg_chip_list(data_dir, &arena, &ids, &n, err);
    if (status == RG_OK && is_id(id, ids, n)) {
        status = open_id(out, id, data_dir, err);
        rg_arena_free(&arena);
        return status;
    }
    bool found = false;
    rg_error broken = {0}; /* a file that cannot be read hides no alias of the others */
    for (size_t i = 0; status == RG_OK && !found && i < n; i++) {
        rg_chip chip;
        if (open_id(&chip, ids[i], data_dir, broken.status ? NULL : &broken) != RG_OK) continue;
        found = has_name(&chip, id);
        if (found)
            *out = chip;
        else
            rg_chip_close(&chip);
    }
    rg_arena_free(&arena);
    if (status == RG_OK && !found && broken.status)
        status = rg_fail(err, broken.status, broken.where, broken.expected, "%s", broken.message);
    else if (status == RG_OK && !found)
        status = rg_fail(err, RG_ERR_USAGE, NULL, "an id or alias that \"ridge hw list\" prints",
                         "unknown chip \"%.80s\"", id);
    return status;
}

void rg_chip_close(rg_chip *chip) {
    if (!chip) return;
    rg_arena_free(&chip->arena);
    memset(chip, 0, sizeof *chip);
}
