/* Which unit multiplies which pair of formats. */
#include "hw/hw.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

const char *rg_path_kind_name(rg_path_kind kind) {
    static const char *const names[] = {"native", "dequantised", "hypothetical"};
    return names[kind];
}

/* ---- reading ----------------------------------------------------------------------------------------- */

enum { PART_SIZE = 128 }; /* longer than any canonical text */

/* The next part of "A | B | C", cut to PART_SIZE; NULL after the last. */
static const char *next_part(const char *pattern, char part[PART_SIZE], size_t *n) {
    const char *bar = strstr(pattern, " | ");
    *n = bar ? (size_t)(bar - pattern) : strlen(pattern);
    snprintf(part, PART_SIZE, "%.*s", (int)(*n < PART_SIZE ? *n : PART_SIZE - 1), pattern);
    return bar ? bar + 3 : NULL;
}

/* A part of a pattern without '*' or '?' must be a format: a misspelt one would never fit. */
static rg_status check_part(hw_reader *r, const rg_doc_node *node, const char *part, rg_error *err) {
    if (strpbrk(part, "*?")) return RG_OK;
    rg_quant q;
    rg_error inner;
    if (rg_quant_parse(part, &q, &inner) == RG_OK) return RG_OK;
    char where[256];
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where),
                   "formats, globs over them, names of sets:, separated by \" | \"", "\"%.60s\" is no format",
                   part);
}

static rg_status check_parts(hw_reader *r, const rg_doc_node *node, const char *pattern, rg_error *err) {
    char part[PART_SIZE], where[256];
    size_t n;
    for (; pattern;) {
        const char *rest = next_part(pattern, part, &n);
        if (n >= PART_SIZE)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where),
                           "parts of at most 127 characters", "a part of %zu characters", n);
        RG_TRY(check_part(r, node, part, err));
        pattern = rest;
    }
    return RG_OK;
}

/* "fp8s | e2m1" with fp8s in sets: -> "e4m3fn* | e5m2* | e2m1". Sets do not nest. */
static rg_status read_pattern(hw_reader *r, rg_doc_node *map, const char *key, rg_doc_node *sets,
                              const char **out, rg_error *err) {
    const char *text;
    RG_TRY(rg_doc_string(r->doc, map, key, true, &text, err));
    rg_doc_node *node = rg_doc_get(map, key);
    rg_str full = {0};
    rg_status status = RG_OK;
    while (status == RG_OK && text) {
        char part[PART_SIZE];
        size_t n;
        const char *rest = next_part(text, part, &n), *value = NULL;
        if (sets) status = rg_doc_string(r->doc, sets, part, false, &value, err);
        rg_str_printf(&full, "%s%.*s", full.len ? " | " : "", value ? (int)strlen(value) : (int)n,
                      value ? value : text);
        text = rest;
    }
    if (status == RG_OK && !full.failed) status = check_parts(r, node, full.data ? full.data : "", err);
    if (status == RG_OK) status = hw_keep(r->arena, full.data ? full.data : "", out, err);
    rg_str_free(&full);
    return status;
}

static rg_status read_kind(hw_reader *r, rg_doc_node *node, rg_path_kind *out, rg_error *err) {
    const char *text;
    RG_TRY(rg_doc_string(r->doc, node, "kind", true, &text, err));
    for (int k = RG_PATH_NATIVE; k <= RG_PATH_HYPOTHETICAL; k++)
        if (strcmp(text, rg_path_kind_name((rg_path_kind)k)) == 0) {
            *out = (rg_path_kind)k;
            return RG_OK;
        }
    char where[256];
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, rg_doc_get(node, "kind"), where, sizeof where),
                   "native, dequantised or hypothetical", "found \"%.40s\"", text);
}

static rg_status read_path(hw_reader *r, rg_doc_node *node, rg_doc_node *sets, struct rg_chip_path *p,
                           rg_error *err) {
    char where[256], rate[96];
    RG_TRY(read_pattern(r, node, "weight", sets, &p->weight, err));
    RG_TRY(read_pattern(r, node, "activation", sets, &p->activation, err));
    RG_TRY(rg_doc_bool(r->doc, node, "either_way", false, &p->either_way, err));
    RG_TRY(hw_string(r, node, "runs_as", true, &p->runs_as, err));
    RG_TRY(read_kind(r, node, &p->kind, err));
    RG_TRY(hw_string(r, node, "conversion", p->kind == RG_PATH_DEQUANTISED, &p->conversion, err));
    RG_TRY(hw_source(r, node, &p->source, err));
    snprintf(rate, sizeof rate, "rates.%.64s", p->runs_as);
    if (hw_unit_of(rate) != RG_UNIT_FLOP_PER_S)
        return rg_fail(err, RG_ERR_PARSE,
                       rg_doc_where(r->doc, rg_doc_get(node, "runs_as"), where, sizeof where),
                       "a type of rates:", "\"%.40s\"", p->runs_as);
    return RG_OK;
}

rg_status hw_read_paths(hw_reader *r, rg_error *err) {
    rg_doc_node *list, *sets;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "sets", RG_DOC_MAP, false, &sets, err));
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "paths", RG_DOC_LIST, true, &list, err));
    rg_chip *chip = r->chip;
    chip->path = rg_arena_alloc(&chip->arena, list->n + 1, sizeof *chip->path);
    if (!chip->path) return rg_fail(err, RG_ERR_MEMORY, chip->file, NULL, "out of memory");
    for (rg_doc_node *c = list->child; c; c = c->next) {
        RG_TRY(read_path(r, c, sets, &chip->path[chip->n_paths], err));
        chip->n_paths++;
    }
    return RG_OK;
}

/* ---- matching ---------------------------------------------------------------------------------------- */

typedef struct operand {
    rg_quant quant;
    char text[RG_QUANT_TEXT]; /* canonical: "mxfp4" */
    char full[RG_QUANT_TEXT]; /* spelt out: "mx(e2m1,32,e8m0)"; the same where there is no short name */
} operand;

/* Presets print by their short names, which would hide them from a glob over what they are made of. */
static void spell_out(const rg_format *f, operand *o) {
    snprintf(o->full, sizeof o->full, "%s", o->text);
    if (f->span == RG_SPAN_NONE || f->tensor_scale) return;
    char span[32] = "tensor";
    if (f->span == RG_SPAN_ROW) snprintf(span, sizeof span, "row");
    if (f->span == RG_SPAN_BLOCK) snprintf(span, sizeof span, "group=%d", f->block);
    if (f->span == RG_SPAN_BLOCK && f->power_of_two_scale)
        snprintf(o->full, sizeof o->full, "mx(%s,%d,%s)", f->elem.name, f->block, f->scale.name);
    else if (f->elem.kind == RG_ELEM_INT)
        snprintf(o->full, sizeof o->full, "%s(%s,%s,scale=%s)", f->elem.name, f->zero_point ? "asym" : "sym",
                 span, f->scale.name);
}

static operand operand_of(const rg_quant *q) {
    operand o;
    if (q)
        o.quant = *q;
    else /* storage of an operand that no policy names */
        rg_quant_parse("bf16", &o.quant, NULL);
    rg_format_print(&o.quant.format, o.text, sizeof o.text);
    spell_out(&o.quant.format, &o);
    return o;
}

/* A glob over the canonical or the spelt-out text, or a format however it is spelt. */
static bool part_fits(const char *part, const operand *o) {
    if (strpbrk(part, "*?")) return fnmatch(part, o->text, 0) == 0 || fnmatch(part, o->full, 0) == 0;
    char text[128];
    rg_quant q;
    if (strcmp(part, o->text) == 0) return true;
    if (rg_quant_parse(part, &q, NULL) != RG_OK) return false;
    rg_format_print(&q.format, text, sizeof text);
    return strcmp(text, o->text) == 0;
}

static bool fits(const char *pattern, const operand *o) {
    char part[PART_SIZE];
    size_t n;
    while (pattern) {
        pattern = next_part(pattern, part, &n);
        if (part_fits(part, o)) return true;
    }
    return false;
}

rg_status rg_chip_execute(const rg_chip *chip, const rg_quant *weight, const rg_quant *activation,
                          rg_chip_execution *out, rg_error *err) {
    const operand w = operand_of(weight), a = operand_of(activation);
    for (size_t i = 0; i < chip->n_paths; i++) {
        const struct rg_chip_path *p = &chip->path[i];
        bool here = fits(p->weight, &w) && fits(p->activation, &a);
        if (!here && p->either_way) here = fits(p->weight, &a) && fits(p->activation, &w);
        if (!here) continue;
        double rate;
        if (rg_chip_rate_of(chip, p->runs_as, &rate, NULL) != RG_OK)
            return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file,
                           "the number in the chip's file, or --set rates.TYPE=\"N TFLOP/s\"",
                           "%s runs %.60s x %.60s as %s, whose rate (rates.%s) is not published", chip->id,
                           w.text, a.text, p->runs_as, p->runs_as);
        *out = (rg_chip_execution){p->kind, p->runs_as, p->conversion, p->source, rate};
        return RG_OK;
    }
    return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file, "a pair that one of its paths: fits",
                   "%s has no path for %.60s x %.60s", chip->id, w.text, a.text);
}

/* ---- what if it had ---------------------------------------------------------------------------------- */

rg_status hw_add_hypothetical(rg_chip *chip, const char *type, rg_error *err) {
    static const struct {
        const char *type, *pattern;
    } units[] = {
        {"fp8", "e4m3fn* | e5m2* | mx(e4m3fn,32,* | mx(e5m2,32,*"},
        {"fp6", "e2m3* | e3m2* | mx(e2m3,32,* | mx(e3m2,32,*"},
        {"fp4", "e2m1 | e2m1(* | mx(e2m1,32,* | nvfp4"},
        {"int8", "int8*"},
        {"int4", "int4*"},
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (strcmp(units[i].type, type) != 0) continue;
        struct rg_chip_path *grown = rg_arena_alloc(&chip->arena, chip->n_paths + 1, sizeof *grown);
        if (!grown) return rg_fail(err, RG_ERR_MEMORY, chip->file, NULL, "out of memory");
        if (chip->n_paths) memcpy(grown + 1, chip->path, chip->n_paths * sizeof *grown);
        grown[0] = (struct rg_chip_path){.weight = units[i].pattern,
                                         .activation = units[i].pattern,
                                         .runs_as = units[i].type,
                                         .kind = RG_PATH_HYPOTHETICAL,
                                         .conversion = "what if the chip had such a unit",
                                         .source = "set by hand"};
        chip->path = grown;
        chip->n_paths++;
        return RG_OK;
    }
    return RG_OK;
}
