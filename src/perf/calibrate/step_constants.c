/* Constants of whole steps as files, data/calibration/<phase>.yaml: what the table of no operator shows. */
#include <math.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* An optional text becomes "". */
static rg_status text_of(rg_calibrations *all, rg_doc *doc, rg_doc_node *node, const char *key, bool need,
                         const char **out, rg_error *err) {
    const char *text = "";
    RG_TRY(rg_doc_string(doc, node, key, need, &text, err));
    *out = rg_arena_printf(&all->arena, "%s", text);
    return *out ? RG_OK : no_memory(err);
}

static rg_status read_range(rg_doc *doc, rg_doc_node *node, perf_step_constant *c, rg_error *err) {
    char where[256];
    rg_doc_node *list;
    RG_TRY(rg_doc_child(doc, node, "range", RG_DOC_LIST, true, &list, err));
    if (list->n == 2) {
        RG_TRY(rg_doc_as_number(doc, list->child, &c->lo, err));
        RG_TRY(rg_doc_as_number(doc, list->child->next, &c->hi, err));
    }
    if (list->n == 2 && c->lo <= c->value && c->value <= c->hi) return RG_OK;
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, list, where, sizeof where),
                   "[LOW, HIGH] around the value", "not a range of %s", c->name);
}

static rg_status append(rg_calibrations *all, const perf_step_constant *c, rg_error *err) {
    if (!rg_arena_grow(&all->arena, &all->step, &all->step_room, all->n_steps + 1, sizeof *all->step))
        return no_memory(err);
    all->step[all->n_steps++] = *c;
    return RG_OK;
}

static bool same_place(const perf_step_constant *a, const perf_step_constant *b) {
    return strcmp(a->phase, b->phase) == 0 && strcmp(a->name, b->name) == 0 &&
           strcmp(a->chip, b->chip) == 0 && strcmp(a->group, b->group) == 0;
}

rg_status perf_step_constants_add(rg_calibrations *all, const perf_step_constant *c, rg_error *err) {
    perf_step_constant e = *c;
    const char **text[] = {&e.phase, &e.name, &e.unit,   &e.chip, &e.group,
                           &e.date,  &e.data, &e.sha256, &e.note};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        if (!(*text[i] = rg_arena_strndup(&all->arena, *text[i], strlen(*text[i])))) return no_memory(err);
    for (size_t i = 0; i < all->n_steps; i++)
        if (same_place(&all->step[i], &e)) {
            all->step[i] = e;
            return RG_OK;
        }
    return append(all, &e, err);
}

static rg_status read_one(rg_calibrations *all, rg_doc *doc, const char *phase, rg_doc_node *node,
                          rg_error *err) {
    char where[256];
    perf_step_constant c = {.phase = phase};
    if (node->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, node, where, sizeof where), "keys and values",
                       "no map");
    RG_TRY(text_of(all, doc, node, "name", true, &c.name, err));
    RG_TRY(text_of(all, doc, node, "chip", false, &c.chip, err));
    RG_TRY(text_of(all, doc, node, "group", false, &c.group, err));
    RG_TRY(text_of(all, doc, node, "unit", true, &c.unit, err));
    RG_TRY(text_of(all, doc, node, "date", true, &c.date, err));
    RG_TRY(text_of(all, doc, node, "data", true, &c.data, err));
    RG_TRY(text_of(all, doc, node, "sha256", false, &c.sha256, err));
    RG_TRY(text_of(all, doc, node, "note", false, &c.note, err));
    RG_TRY(rg_doc_number(doc, node, "value", true, &c.value, err));
    RG_TRY(rg_doc_number(doc, node, "rows", false, &c.rows, err));
    RG_TRY(read_range(doc, node, &c, err));
    return append(all, &c, err);
}

rg_status perf_step_constants_read(rg_calibrations *all, rg_doc *doc, rg_error *err) {
    const char *phase;
    rg_doc_node *list;
    RG_TRY(text_of(all, doc, doc->root, "phase", true, &phase, err));
    RG_TRY(rg_doc_child(doc, doc->root, "constants", RG_DOC_LIST, true, &list, err));
    for (rg_doc_node *c = list->child; c; c = c->next) RG_TRY(read_one(all, doc, phase, c, err));
    return RG_OK;
}

/* 0: does not apply; else the better the more it names. */
static int fit(const perf_step_constant *c, const char *phase, const char *name, const char *chip,
               const char *group) {
    if (strcmp(c->phase, phase) != 0 || strcmp(c->name, name) != 0) return 0;
    if (*c->chip && strcmp(c->chip, chip) != 0) return 0;
    if (*c->group && strcmp(c->group, group) != 0) return 0;
    return 1 + (*c->chip ? 2 : 0) + (*c->group ? 1 : 0);
}

const perf_step_constant *perf_step_constant_find(const rg_calibrations *all, const char *phase,
                                                  const char *name, const char *chip, const char *group) {
    const perf_step_constant *best = NULL;
    int best_fit = 0;
    for (size_t i = 0; all && i < all->n_steps; i++) {
        const int f = fit(&all->step[i], phase, name, chip, group ? group : "");
        if (f > best_fit) best = &all->step[i], best_fit = f;
    }
    return best;
}

/* ---- writing ----------------------------------------------------------------------------------------- */

static void print_text(rg_str *out, const char *key, const char *text) {
    if (!*text) return;
    rg_str_printf(out, "    %s: ", key);
    perf_print_quoted(out, text);
    rg_str_add(out, "\n");
}

static void print_one(rg_str *out, const perf_step_constant *c) {
    rg_str_printf(out, "  - name: %s\n", c->name);
    print_text(out, "chip", c->chip);
    print_text(out, "group", c->group);
    rg_str_printf(out, "    value: %.4g\n    range: [%.4g, %.4g]\n", c->value, fmin(c->lo, c->value),
                  fmax(c->hi, c->value));
    print_text(out, "unit", c->unit);
    if (c->rows > 0) rg_str_printf(out, "    rows: %.0f\n", c->rows);
    print_text(out, "date", c->date);
    print_text(out, "data", c->data);
    print_text(out, "sha256", c->sha256);
    print_text(out, "note", c->note);
}

rg_status perf_step_constants_write(const rg_calibrations *all, const char *phase, const char *path,
                                    rg_error *err) {
    rg_str out = {0};
    rg_str_printf(
        &out, "# Constants of phase %s, written by \"ridge perf fit\": docs/%s.md.\nphase: %s\nconstants:\n",
        phase, strcmp(phase, "power") == 0 ? "energy" : phase, phase);
    for (size_t i = 0; i < all->n_steps; i++)
        if (strcmp(all->step[i].phase, phase) == 0) print_one(&out, &all->step[i]);
    const rg_status status = out.failed ? no_memory(err) : rg_file_write(path, out.data, out.len, err);
    rg_str_free(&out);
    return status;
}
