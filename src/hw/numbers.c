/* The numbers of a chip: one list, each under its path, with unit and source. */
#include "hw/hw.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *path;
    rg_unit unit;
} known[] = {
    {"rates.fp64", RG_UNIT_FLOP_PER_S},
    {"rates.fp32", RG_UNIT_FLOP_PER_S},
    {"rates.tf32", RG_UNIT_FLOP_PER_S},
    {"rates.bf16", RG_UNIT_FLOP_PER_S},
    {"rates.fp16", RG_UNIT_FLOP_PER_S},
    {"rates.fp8", RG_UNIT_FLOP_PER_S},
    {"rates.fp6", RG_UNIT_FLOP_PER_S},
    {"rates.fp4", RG_UNIT_FLOP_PER_S},
    {"rates.int8", RG_UNIT_FLOP_PER_S},
    {"rates.int4", RG_UNIT_FLOP_PER_S},
    {"rates.mx9", RG_UNIT_FLOP_PER_S}, /* 9-bit MX of Maia: shared exponents in two levels */
    {"rates.mx6", RG_UNIT_FLOP_PER_S},
    {"memory.capacity", RG_UNIT_BYTES},
    {"memory.bandwidth", RG_UNIT_BYTES_PER_S},
    {"onchip.capacity", RG_UNIT_BYTES},
    {"onchip.bandwidth", RG_UNIT_BYTES_PER_S},
    {"scaleup.bandwidth", RG_UNIT_BYTES_PER_S}, /* one chip, one direction, all links */
    {"scaleup.domain", RG_UNIT_COUNT},
    {"scaleout.bandwidth", RG_UNIT_BYTES_PER_S},
    {"silicon.area", RG_UNIT_MM2},
    {"silicon.transistors", RG_UNIT_COUNT},
    {"silicon.clock", RG_UNIT_HZ},
    {"silicon.cores", RG_UNIT_COUNT}, /* multiprocessors, compute units: what tiles are dealt to */
    {"power.tdp", RG_UNIT_W},
    {"cost.unit", RG_UNIT_USD},
    {"cost.rent", RG_UNIT_USD_PER_H},
    {"measured.bf16", RG_UNIT_FLOP_PER_S},
    {"measured.bandwidth", RG_UNIT_BYTES_PER_S},
};
enum { N_KNOWN = sizeof known / sizeof *known };

rg_unit hw_unit_of(const char *path) {
    for (int i = 0; i < N_KNOWN; i++)
        if (strcmp(known[i].path, path) == 0) return known[i].unit;
    return RG_N_UNITS;
}

rg_status hw_add_number(rg_chip *chip, const char *path, rg_unit unit, rg_value v, const char *estimated,
                        rg_error *err) {
    rg_chip_number *grown = rg_arena_alloc(&chip->arena, chip->n_numbers + 1, sizeof *grown);
    if (!grown) return rg_fail(err, RG_ERR_MEMORY, chip->file, NULL, "out of memory");
    if (chip->n_numbers) memcpy(grown, chip->number, chip->n_numbers * sizeof *grown);
    chip->number = grown;
    chip->number[chip->n_numbers++] = (rg_chip_number){path, unit, v, estimated};
    struct rg_chip_rate *rates = rg_arena_alloc(&chip->arena, chip->n_numbers, sizeof *rates);
    if (!rates) return rg_fail(err, RG_ERR_MEMORY, chip->file, NULL, "out of memory");
    chip->rate = rates; /* room for all of them; hw_sync fills it */
    hw_sync(chip);
    return RG_OK;
}

void hw_sync(rg_chip *chip) {
    chip->n_rates = 0;
    for (size_t i = 0; i < chip->n_numbers; i++) {
        const rg_chip_number *n = &chip->number[i];
        if (strncmp(n->path, "rates.", 6) == 0)
            chip->rate[chip->n_rates++] = (struct rg_chip_rate){n->path + 6, n->v};
        else if (strcmp(n->path, "memory.capacity") == 0)
            chip->memory_bytes = n->v;
        else if (strcmp(n->path, "memory.bandwidth") == 0)
            chip->memory_bytes_per_s = n->v;
        else if (strcmp(n->path, "power.tdp") == 0)
            chip->tdp_w = n->v;
    }
}

const rg_chip_number *rg_chip_find(const rg_chip *chip, const char *path) {
    for (size_t i = 0; i < chip->n_numbers; i++)
        if (strcmp(chip->number[i].path, path) == 0) return &chip->number[i];
    return NULL;
}

rg_status rg_chip_rate_of(const rg_chip *chip, const char *type, double *flop_per_s, rg_error *err) {
    char path[64];
    snprintf(path, sizeof path, "rates.%s", type);
    const rg_chip_number *n = rg_chip_find(chip, path);
    if (!n)
        return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file,
                       "the number in the chip's file, or --set rates.TYPE=\"N TFLOP/s\"",
                       "%s: the rate of %s (rates.%s) is not published", chip->id, type, type);
    *flop_per_s = n->v.value;
    return RG_OK;
}

double rg_chip_ridge_point(const rg_chip *chip, const char *type) {
    double rate;
    if (!chip->memory_bytes_per_s.given || rg_chip_rate_of(chip, type, &rate, NULL) != RG_OK) return 0;
    return rate / chip->memory_bytes_per_s.value;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static rg_status read_number(hw_reader *r, const char *path, rg_unit unit, rg_doc_node *node, rg_error *err) {
    rg_value v;
    const char *estimated = NULL, *kept;
    RG_TRY(hw_value(r, node, unit, &v, &estimated, err));
    RG_TRY(hw_keep(r->arena, path, &kept, err));
    return hw_add_number(r->chip, kept, unit, v, estimated, err);
}

/* Members of a section that are words, not numbers: where to keep one, NULL for a number. */
static const char **word_of(rg_chip *chip, const char *path) {
    const struct {
        const char *path, **to;
    } words[] = {{"memory.kind", &chip->memory_kind},   {"onchip.kind", &chip->onchip_kind},
                 {"scaleup.link", &chip->scaleup.link}, {"scaleup.topology", &chip->scaleup.topology},
                 {"scaleup.axes", &chip->scaleup.axes}, {"silicon.operands", &chip->operands}};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(words[i].path, path) == 0) return words[i].to;
    return NULL;
}

static rg_status read_operands(hw_reader *r, const rg_doc_node *at, const char *word, rg_error *err) {
    r->chip->operands_in_registers = strcmp(word, "registers") == 0;
    if (r->chip->operands_in_registers || strcmp(word, "memory") == 0) return RG_OK;
    return hw_wrong(r, at, err, "registers or memory", "operands \"%.40s\"", word);
}

static rg_status read_section(hw_reader *r, const char *name, rg_error *err) {
    rg_doc_node *section;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, name, RG_DOC_MAP, false, &section, err));
    for (rg_doc_node *c = section ? section->child : NULL; c; c = c->next) {
        char path[96];
        snprintf(path, sizeof path, "%s.%.64s", name, c->key);
        c->used = true;
        rg_unit unit = hw_unit_of(path);
        const char **word = word_of(r->chip, path);
        if (word) {
            RG_TRY(hw_string(r, section, c->key, true, word, err));
            if (strcmp(path, "silicon.operands") == 0) RG_TRY(read_operands(r, c, *word, err));
        } else if (unit == RG_N_UNITS) {
            return hw_wrong(r, c, err, "a number that docs/chips.md lists", "a chip has no \"%s\"", path);
        } else {
            RG_TRY(read_number(r, path, unit, c, err));
        }
    }
    return RG_OK;
}

rg_status hw_read_numbers(hw_reader *r, rg_error *err) {
    static const char *const sections[] = {"rates",   "memory", "onchip", "scaleup", "scaleout",
                                           "silicon", "power",  "cost",   "measured"};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) RG_TRY(read_section(r, sections[i], err));
    return RG_OK;
}
