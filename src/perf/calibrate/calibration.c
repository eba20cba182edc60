/* Constants as files, data/calibration/<chip>.yaml; those of whole steps: step_constants.c. */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status keep(rg_calibrations *all, const char *text, const char **out, rg_error *err) {
    *out = rg_arena_strndup(&all->arena, text ? text : "", text ? strlen(text) : 0);
    return *out ? RG_OK : no_memory(err);
}

static bool same_place(const perf_calibration *a, const perf_calibration *b) {
    return strcmp(a->chip, b->chip) == 0 && strcmp(a->op, b->op) == 0 && strcmp(a->group, b->group) == 0;
}

rg_status perf_calibrations_add(rg_calibrations *all, const perf_calibration *entry, rg_error *err) {
    perf_calibration e = *entry;
    RG_TRY(keep(all, entry->chip, &e.chip, err));
    RG_TRY(keep(all, entry->group, &e.group, err));
    RG_TRY(keep(all, entry->date, &e.date, err));
    RG_TRY(keep(all, entry->data, &e.data, err));
    RG_TRY(keep(all, entry->sha256, &e.sha256, err));
    e.op = e.model->op;
    for (size_t i = 0; i < all->n; i++)
        if (same_place(&all->entry[i], &e)) {
            all->entry[i] = e;
            return RG_OK;
        }
    if (!rg_arena_grow(&all->arena, &all->entry, &all->room, all->n + 1, sizeof *all->entry))
        return no_memory(err);
    all->entry[all->n++] = e;
    return RG_OK;
}

/* ---- reading ----------------------------------------------------------------------------------------- */

static rg_status wrong(rg_doc *doc, rg_doc_node *node, const char *expected, const char *what,
                       rg_error *err) {
    char where[256];
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, node, where, sizeof where), expected, "%s", what);
}

static rg_status read_pair(rg_doc *doc, rg_doc_node *map, const char *key, double *lo, double *hi,
                           rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(doc, map, key, RG_DOC_LIST, true, &list, err));
    if (list->n != 2) return wrong(doc, list, "[LOW, HIGH]", "not two numbers", err);
    RG_TRY(rg_doc_as_number(doc, list->child, lo, err));
    RG_TRY(rg_doc_as_number(doc, list->child->next, hi, err));
    return *lo <= *hi ? RG_OK : wrong(doc, list, "[LOW, HIGH]", "LOW above HIGH", err);
}

static rg_status read_constants(rg_doc *doc, rg_doc_node *node, perf_calibration *e, rg_error *err) {
    rg_doc_node *map, *hull;
    const perf_model *m = e->model;
    RG_TRY(rg_doc_child(doc, node, "constants", RG_DOC_MAP, true, &map, err));
    for (size_t i = 0; i < m->n_constants; i++) {
        RG_TRY(rg_doc_number(doc, map, m->constant[i].name, true, &e->constant[i], err));
        if (e->constant[i] >= m->constant[i].lo * 0.999 && e->constant[i] <= m->constant[i].hi * 1.001)
            continue;
        return wrong(doc, rg_doc_get(map, m->constant[i].name), "a value in the constant's range",
                     "out of range", err);
    }
    RG_TRY(rg_doc_child(doc, node, "hull", RG_DOC_MAP, true, &hull, err));
    for (size_t i = 0; i < m->n_numbers; i++)
        RG_TRY(read_pair(doc, hull, m->number[i].name, &e->hull_lo[i], &e->hull_hi[i], err));
    return RG_OK;
}

static rg_status read_residuals(rg_doc *doc, rg_doc_node *node, perf_calibration *e, rg_error *err) {
    rg_doc_node *map;
    RG_TRY(rg_doc_child(doc, node, "residuals", RG_DOC_MAP, true, &map, err));
    for (int i = 0; i <= PERF_N_REGIMES; i++) {
        const char *name = i == PERF_N_REGIMES ? "all" : perf_regime_name((perf_regime)i);
        rg_doc_node *one;
        RG_TRY(rg_doc_child(doc, map, name, RG_DOC_MAP, i == PERF_N_REGIMES, &one, err));
        if (!one) continue;
        RG_TRY(rg_doc_number(doc, one, "n", true, &e->residual[i].n, err));
        RG_TRY(read_pair(doc, one, "log_ratio", &e->residual[i].lo, &e->residual[i].hi, err));
        if (!(fabs(e->residual[i].lo) < 20 && fabs(e->residual[i].hi) < 20))
            return wrong(doc, one, "logarithms of ratios", "a residual beyond 20", err);
    }
    return RG_OK;
}

static rg_status read_score(rg_doc *doc, rg_doc_node *node, rg_fit_score *s, rg_error *err) {
    rg_doc_node *map;
    double n = 0;
    RG_TRY(rg_doc_child(doc, node, "held_out", RG_DOC_MAP, true, &map, err));
    RG_TRY(rg_doc_number(doc, map, "n", true, &n, err));
    RG_TRY(rg_doc_number(doc, map, "mape", true, &s->mape, err));
    RG_TRY(rg_doc_number(doc, map, "median", true, &s->median, err));
    RG_TRY(rg_doc_number(doc, map, "p90", true, &s->p90, err));
    RG_TRY(rg_doc_number(doc, map, "bias", true, &s->bias, err));
    RG_TRY(rg_doc_number(doc, map, "coverage80", true, &s->coverage80, err));
    if (!(n >= 0 && n < 1e12)) return wrong(doc, map, "a count", "n out of range", err);
    s->n = (size_t)n;
    return RG_OK;
}

static rg_status read_entry(rg_calibrations *all, rg_doc *doc, const char *chip, rg_doc_node *node,
                            rg_error *err) {
    perf_calibration e = {.chip = chip};
    const char *operands;
    if (node->kind != RG_DOC_MAP) return wrong(doc, node, "keys and values", "no map", err);
    RG_TRY(rg_doc_string(doc, node, "op", true, &e.op, err));
    e.model = perf_model_find(e.op);
    if (!e.model) return wrong(doc, rg_doc_get(node, "op"), "an operator model", "unknown operator", err);
    RG_TRY(rg_doc_string(doc, node, "group", true, &e.group, err));
    RG_TRY(rg_doc_string(doc, node, "date", true, &e.date, err));
    RG_TRY(rg_doc_string(doc, node, "data", true, &e.data, err));
    RG_TRY(rg_doc_string(doc, node, "sha256", true, &e.sha256, err));
    RG_TRY(rg_doc_number(doc, node, "rows", true, &e.rows, err));
    RG_TRY(rg_doc_string(doc, node, "operands", true, &operands, err));
    e.registers = strcmp(operands, "registers") == 0;
    if (!e.registers && strcmp(operands, "memory") != 0)
        return wrong(doc, rg_doc_get(node, "operands"), "registers or memory", "unknown operands", err);
    RG_TRY(read_constants(doc, node, &e, err));
    RG_TRY(read_residuals(doc, node, &e, err));
    RG_TRY(read_score(doc, node, &e.held_out, err));
    return perf_calibrations_add(all, &e, err);
}

static rg_status read_doc(rg_calibrations *all, rg_doc *doc, rg_error *err) {
    const char *chip;
    rg_doc_node *list;
    if (!doc->root || doc->root->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, doc->file, "chip: and calibrations:", "not a calibration");
    if (rg_doc_get(doc->root, "phase")) {
        RG_TRY(perf_step_constants_read(all, doc, err));
        return rg_doc_unused(doc, doc->root, err);
    }
    RG_TRY(rg_doc_string(doc, doc->root, "chip", true, &chip, err));
    RG_TRY(rg_doc_child(doc, doc->root, "calibrations", RG_DOC_LIST, true, &list, err));
    for (rg_doc_node *c = list->child; c; c = c->next) RG_TRY(read_entry(all, doc, chip, c, err));
    return rg_doc_unused(doc, doc->root, err);
}

rg_status perf_calibrations_parse(rg_calibrations *all, const char *text, size_t size, const char *name,
                                  rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    const rg_status status = read_doc(all, &doc, err);
    rg_doc_close(&doc);
    return status;
}

rg_status perf_calibrations_read(rg_calibrations *all, const char *path, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_open(&doc, path, err));
    const rg_status status = read_doc(all, &doc, err);
    rg_doc_close(&doc);
    return status;
}

void perf_split_path(const char *path, int split, char *buf, size_t size) {
    const size_t n = strlen(path), stem = n > 5 && strcmp(path + n - 5, ".yaml") == 0 ? n - 5 : n;
    snprintf(buf, size, "%.*s.split%d.yaml", (int)stem, path, split);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_yaml(const struct dirent *d) {
    const size_t n = strlen(d->d_name);
    return n > 5 && d->d_name[0] != '.' && strcmp(d->d_name + n - 5, ".yaml") == 0 &&
           !strstr(d->d_name, ".split");
}

rg_status rg_calibrations_open(rg_calibrations **out, const char *data_dir, rg_error *err) {
    char path[4096];
    struct dirent **file = NULL;
    rg_calibrations *all = calloc(1, sizeof *all);
    if (!all) return no_memory(err);
    snprintf(path, sizeof path, "%s/calibration", data_dir);
    const int n = scandir(path, &file, is_yaml, by_name);
    rg_status status = n >= 0 || errno == ENOENT
                           ? RG_OK
                           : rg_fail(err, RG_ERR_IO, path, NULL, "cannot list: %s", strerror(errno));
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/calibration/%s", data_dir, file[i]->d_name);
        if (status == RG_OK) status = perf_calibrations_read(all, path, err);
        free(file[i]);
    }
    free(file);
    if (status == RG_OK) perf_network_index(all);
    if (status == RG_OK)
        *out = all;
    else
        rg_calibrations_close(all);
    return status;
}

void rg_calibrations_close(rg_calibrations *all) {
    if (!all) return;
    rg_arena_free(&all->arena);
    free(all);
}

/* ---- writing ----------------------------------------------------------------------------------------- */

void perf_print_quoted(rg_str *out, const char *text) {
    rg_str_add(out, "'");
    for (const char *p = text; *p; p++) {
        if ((unsigned char)*p < 0x20) continue;
        rg_str_add_n(out, p, 1);
        if (*p == '\'') rg_str_add(out, "'");
    }
    rg_str_add(out, "'");
}

static void print_entry(rg_str *out, const perf_calibration *e) {
    const perf_model *m = e->model;
    rg_str_printf(out, "  - op: %s\n    group: ", m->op);
    perf_print_quoted(out, e->group);
    rg_str_printf(out, "\n    date: '%s'\n    data: ", e->date);
    perf_print_quoted(out, e->data);
    rg_str_printf(out, "\n    sha256: '%s'\n    rows: %.0f\n    operands: %s\n    constants: {", e->sha256,
                  e->rows, e->registers ? "registers" : "memory");
    for (size_t i = 0; i < m->n_constants; i++)
        rg_str_printf(out, "%s%s: %.5g", i ? ", " : "", m->constant[i].name, e->constant[i]);
    rg_str_add(out, "}\n    hull: {");
    for (size_t i = 0; i < m->n_numbers; i++)
        rg_str_printf(out, "%s%s: [%.17g, %.17g]", i ? ", " : "", m->number[i].name, e->hull_lo[i],
                      e->hull_hi[i]);
    rg_str_add(out, "}\n    residuals:\n");
    for (int i = 0; i <= PERF_N_REGIMES; i++)
        if (e->residual[i].n > 0 || i == PERF_N_REGIMES)
            rg_str_printf(out, "      %s: {n: %.0f, log_ratio: [%.4f, %.4f]}\n",
                          i == PERF_N_REGIMES ? "all" : perf_regime_name((perf_regime)i), e->residual[i].n,
                          e->residual[i].lo, e->residual[i].hi);
    const rg_fit_score *s = &e->held_out;
    rg_str_printf(
        out, "    held_out: {n: %zu, mape: %.4f, median: %.4f, p90: %.4f, bias: %.4f, coverage80: %.4f}\n",
        s->n, s->mape, s->median, s->p90, s->bias, s->coverage80);
}

rg_status perf_calibrations_write(const rg_calibrations *all, const char *chip, const char *path,
                                  rg_error *err) {
    rg_str out = {0};
    rg_str_printf(&out,
                  "# Constants of operator models, written by \"ridge perf fit\": docs/performance.md.\n"
                  "chip: %s\ncalibrations:\n",
                  chip);
    for (size_t i = 0; i < all->n; i++)
        if (strcmp(all->entry[i].chip, chip) == 0) print_entry(&out, &all->entry[i]);
    const rg_status status = out.failed ? no_memory(err) : rg_file_write(path, out.data, out.len, err);
    rg_str_free(&out);
    return status;
}
