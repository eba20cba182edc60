/* What a chip file says about its own numbers: arithmetic that must give them, ratios out of the pattern, and
   published values that disagree. */
#include "hw/hw.h"

#include <string.h>

static rg_status no_memory(const hw_reader *r, rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, r->chip->file, NULL, "out of memory");
}

static rg_status unknown_number(hw_reader *r, rg_doc_node *map, const char *key, const char *text,
                                rg_error *err) {
    char where[256];
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, rg_doc_get(map, key), where, sizeof where),
                   "a number that this file gives", "\"%.80s\"", text);
}

static rg_status read_derived(hw_reader *r, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "derived", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    rg_chip *chip = r->chip;
    chip->derived = rg_arena_alloc(&chip->arena, list->n + 1, sizeof *chip->derived);
    if (!chip->derived) return no_memory(r, err);
    for (rg_doc_node *c = list->child; c; c = c->next) {
        struct rg_chip_derived *d = &chip->derived[chip->n_derived++];
        double rate;
        RG_TRY(hw_string(r, c, "rate", true, &d->rate, err));
        if (rg_chip_rate_of(chip, d->rate, &rate, NULL) != RG_OK)
            return unknown_number(r, c, "rate", d->rate, err);
        RG_TRY(hw_quantity(r, c, "units", RG_UNIT_COUNT, &d->units, err));
        RG_TRY(hw_quantity(r, c, "per_cycle", RG_UNIT_COUNT, &d->per_cycle, err));
        RG_TRY(hw_quantity(r, c, "clock", RG_UNIT_HZ, &d->clock_hz, err));
        RG_TRY(hw_string(r, c, "note", true, &d->note, err));
    }
    return RG_OK;
}

static rg_status read_odd(hw_reader *r, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "odd", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    rg_chip *chip = r->chip;
    chip->odd = rg_arena_alloc(&chip->arena, list->n + 1, sizeof *chip->odd);
    if (!chip->odd) return no_memory(r, err);
    for (rg_doc_node *c = list->child; c; c = c->next) {
        struct rg_chip_odd *o = &chip->odd[chip->n_odd++];
        RG_TRY(hw_string(r, c, "ratio", true, &o->ratio, err));
        RG_TRY(hw_string(r, c, "why", true, &o->why, err));
    }
    return RG_OK;
}

static rg_status read_values(hw_reader *r, rg_doc_node *node, rg_unit unit, rg_chip_conflict *out,
                             rg_error *err) {
    rg_doc_node *list;
    char where[256];
    RG_TRY(rg_doc_child(r->doc, node, "values", RG_DOC_LIST, true, &list, err));
    if (list->n < 2)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, list, where, sizeof where),
                       "two values or more", "%zu value", list->n);
    out->claim = rg_arena_alloc(&r->chip->arena, list->n, sizeof *out->claim);
    if (!out->claim) return no_memory(r, err);
    for (rg_doc_node *c = list->child; c; c = c->next) {
        struct rg_chip_claim *claim = &out->claim[out->n++];
        RG_TRY(hw_quantity(r, c, "value", unit, &claim->value, err));
        RG_TRY(hw_string(r, c, "value", true, &claim->text, err));
        RG_TRY(hw_source(r, c, &claim->source, err));
    }
    return RG_OK;
}

static rg_status read_conflicts(hw_reader *r, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "conflicts", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    rg_chip *chip = r->chip;
    chip->conflict = rg_arena_alloc(&chip->arena, list->n + 1, sizeof *chip->conflict);
    if (!chip->conflict) return no_memory(r, err);
    for (rg_doc_node *c = list->child; c; c = c->next) {
        rg_chip_conflict *x = &chip->conflict[chip->n_conflicts++];
        x->line = c->line;
        RG_TRY(hw_string(r, c, "topic", true, &x->topic, err));
        RG_TRY(hw_string(r, c, "number", true, &x->path, err));
        RG_TRY(hw_string(r, c, "why", true, &x->why, err));
        const rg_chip_number *n = rg_chip_find(chip, x->path);
        if (!n) return unknown_number(r, c, "number", x->path, err);
        RG_TRY(read_values(r, c, n->unit, x, err));
    }
    return RG_OK;
}

rg_status hw_read_notes(hw_reader *r, rg_error *err) {
    RG_TRY(read_derived(r, err));
    RG_TRY(read_odd(r, err));
    return read_conflicts(r, err);
}
