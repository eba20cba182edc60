/* Reading a chip file. */
#include "hw/hw.h"

#include <stdio.h>
#include <string.h>

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
    RG_TRY(hw_year(r, &c->year, err));
    RG_TRY(hw_read_aliases(r, &c->n_alias, &c->alias, err));
    return read_peaks(r, err);
}

static rg_status read_chip(hw_reader *r, rg_error *err) {
    RG_TRY(hw_begin(r, "chip", err));
    RG_TRY(read_head(r, err));
    RG_TRY(hw_read_numbers(r, err));
    RG_TRY(hw_read_compositions(r, err));
    RG_TRY(hw_read_notes(r, err));
    RG_TRY(hw_read_paths(r, err));
    return hw_end(r, err);
}

static rg_status from_doc(rg_chip *out, rg_doc *doc, const char *data_dir, rg_error *err) {
    rg_chip chip = {0};
    hw_reader r = {.doc = doc, .arena = &chip.arena, .chip = &chip, .data_dir = data_dir};
    rg_status status = hw_keep(&chip.arena, doc->file, &chip.file, err);
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
    return from_doc(out, &doc, NULL, err);
}

rg_status rg_chip_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err) {
    return hw_list(data_dir, "chips", arena, ids, n, err);
}

rg_status rg_chip_open(rg_chip *out, const char *id, const char *data_dir, rg_error *err) {
    rg_doc doc;
    RG_TRY(hw_open_by_name(&doc, data_dir, "chips", id, "an id or alias that \"ridge hw list\" prints",
                           "chip", err));
    return from_doc(out, &doc, data_dir, err);
}

void rg_chip_close(rg_chip *chip) {
    if (!chip) return;
    rg_arena_free(&chip->arena);
    memset(chip, 0, sizeof *chip);
}
