/* The parts of the tables of training that have constants of their own. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/train/train_fit.h"

static const perf_train_free mpt_free[] = {
    {.name = "linear", .lo = 0.8, .hi = 1.6},
    {.name = "attention", .lo = 0.7, .hi = 7},
    {.name = "shard_exposed", .lo = 0.2, .hi = 1},
};

#define HOPPER          .chip = {"h100-sxm"}
#define BLACKWELL       .chip = {"b200-sxm", "gb200-nvl72-gpu"}
#define BLACKWELL_ULTRA .chip = {"b300-sxm", "gb300-nvl72-gpu"}
#define GRACE           .chip = {"gb200-nvl72-gpu", "gb300-nvl72-gpu"} /* hosts on the same board */
#define X86             .chip = {"b200-sxm", "b300-sxm", "h100-sxm"}
static const perf_train_free dense_free[] = {
    {.name = "linear", HOPPER, .lo = 0.6, .hi = 1.4},
    {.name = "linear", BLACKWELL, .lo = 0.6, .hi = 1.4},
    {.name = "linear", BLACKWELL_ULTRA, .lo = 0.6, .hi = 1.4},
    {.name = "tp", .lo = 0.3, .hi = 2},
    {.name = "gradient_exposed", .lo = 0.1, .hi = 1},
};
static const perf_train_free experts_free[] = {
    {.name = "experts", .lo = 0.5, .hi = 3},
    {.name = "rest", .lo = 0.7, .hi = 4},
    {.name = "linear", BLACKWELL_ULTRA, .lo = 0.6, .hi = 1.4},
    {.name = "ep", .lo = 0.25, .hi = 2},
    {.name = "host", GRACE, .lo = 1e-6, .hi = 3e-4},
    {.name = "host", X86, .lo = 1e-6, .hi = 3e-4},
    {.name = "step", .stack = "megatron-bridge-moe-26.06", .lo = 0.5, .hi = 1.2},
    {.name = "step", .stack = "megatron-bridge-moe-clamped", .lo = 1, .hi = 4},
    {.name = "attention", .stack = "megatron-bridge-moe-hybrid", .lo = 1, .hi = 16},
};

#define FREE(list) .free = list, .n_free = sizeof list / sizeof *list
#define MPT(of_chip, of_name)                                                                                \
    {                                                                                                        \
        .id = "Q11", .name = of_name, .chip = of_chip, .experts = -1, .floor = 0.08, .stretch = 0.05,        \
        FREE(mpt_free), .stack = {"llm-foundry"}, .table = "training-tables/llm_foundry_mpt.csv",            \
        .read = perf_train_mpt                                                                               \
    }
const perf_train_part perf_train_parts[] = {
    MPT("a100-sxm-40", "MPT on A100 40 GB, half of the models fitted"),
    MPT("a100-sxm-80", "MPT on A100 80 GB, half of the models fitted"),
    MPT("h100-sxm", "MPT on H100, half of the models fitted"),
    {.id = "Q12",
     .name = "Megatron-Bridge, dense, half of the configurations fitted",
     .experts = 0,
     .floor = 0.12,
     .stretch = 0.08,
     FREE(dense_free),
     .stack = {"megatron-bridge"},
     .table = "training-tables/megatron_bridge.csv",
     .read = perf_train_bridge},
    {.id = "Q12",
     .name = "Megatron-Bridge, experts, half of the configurations fitted",
     .experts = 1,
     .floor = 0.20,
     .stretch = 0.12,
     FREE(experts_free),
     .stack = {"megatron-bridge-moe", "megatron-bridge-moe-26.06", "megatron-bridge-moe-clamped",
               "megatron-bridge-moe-hybrid"},
     .table = "training-tables/megatron_bridge.csv",
     .read = perf_train_bridge},
    {0},
};

rg_status perf_train_part_rows(perf_scoring *s, const perf_train_set *set, const perf_train_part *p,
                               perf_train_set *out) {
    for (size_t i = 0; i < set->n; i++) {
        perf_train_case c = set->item[i];
        if (p->chip && strcmp(p->chip, c.system->chip.id) != 0) continue;
        if (p->experts >= 0 && p->experts != c.experts) continue;
        if (!*c.stack) snprintf(c.stack, sizeof c.stack, "%s", p->stack[0]);
        RG_TRY(perf_train_keep(s, out, &c));
    }
    return RG_OK;
}

rg_status perf_train_fit_megatron(perf_scoring *s, const perf_train_set *past, perf_train_fit *out) {
    static const perf_train_free linear = {.name = "linear", .lo = 0.9, .hi = 1.5};
    bool *all = malloc(past->n + 1);
    if (!all) return perf_score_no_memory(s);
    memset(all, true, past->n + 1);
    const rg_status status = perf_train_fit_set(s, past, all, &linear, 1, true, out);
    free(all);
    return status;
}

/* ---- constants as a file ----------------------------------------------------------------------------- */

static void print_constant(rg_str *out, const char *name, const char *chip, const char *stack, double value,
                           double lo, double hi, const char *unit) {
    rg_str_printf(out, "  - name: %s\n", name);
    if (chip) rg_str_printf(out, "    chip: %s\n", chip);
    if (stack) rg_str_printf(out, "    group: %s\n", stack);
    rg_str_printf(out, "    value: %.4g\n    range: [%.4g, %.4g]\n    unit: '%s'\n", value, lo, hi, unit);
}

typedef struct origin {
    const char *date, *data;
    rg_digest sha256;
    size_t rows;
} origin;

static void print_origin(rg_str *out, const origin *o) {
    rg_str_printf(out, "    date: '%s'\n    data: '%s'\n    sha256: '%s'\n    rows: %zu\n", o->date, o->data,
                  o->sha256.hex, o->rows);
}

/* One entry for each chip and stack that it is for. */
static void print_free(rg_str *out, const perf_train_part *p, const perf_train_free *f, double value,
                       const origin *o) {
    const char *unit = strcmp(f->name, "host") == 0 ? "s" : "1";
    for (int i = 0; i < PERF_TRAIN_MAX_STACKS && (i == 0 || p->stack[i]); i++) {
        if (f->stack && strcmp(f->stack, p->stack[i]) != 0) continue;
        for (int c = 0; c < PERF_TRAIN_MAX_CHIPS && (c == 0 || f->chip[c]); c++) {
            print_constant(out, f->name, f->chip[c] ? f->chip[c] : p->chip, p->stack[i], value, f->lo, f->hi,
                           unit);
            print_origin(out, o);
        }
    }
}

static rg_status calibrate(perf_scoring *s, const perf_train_set *set, const perf_train_part *p, origin o,
                           rg_str *out) {
    perf_train_set rows = {.n = 0};
    perf_train_fit fit;
    rg_status status = perf_train_part_rows(s, set, p, &rows);
    bool *fitted = calloc(rows.n + 1, sizeof *fitted);
    if (status == RG_OK && !fitted) status = perf_score_no_memory(s);
    if (status == RG_OK) {
        perf_train_halves(&rows, 1, fitted);
        status = perf_train_fit_set(s, &rows, fitted, p->free, p->n_free, true, &fit);
    }
    if (status == RG_OK) {
        o.rows = fit.rows;
        for (size_t i = 0; i < fit.n; i++) print_free(out, p, &p->free[i], fit.value[i], &o);
        const perf_train_free low = {.name = "low", .lo = -2, .hi = 0},
                              high = {.name = "high", .lo = 0, .hi = 2};
        print_free(out, p, &low, fit.low, &o);
        print_free(out, p, &high, fit.high, &o);
    }
    free(fitted);
    rg_arena_free(&rows.arena);
    return status;
}

static rg_status calibrate_megatron(perf_scoring *s, const char *date, rg_str *out, double *linear) {
    char path[4096];
    perf_train_set past = {.n = 0};
    perf_train_fit fit;
    origin o = {.date = date, .data = "arXiv 2104.04473, Table 1"};
    rg_status status = perf_train_megatron_2021(s, &past);
    if (status == RG_OK && past.n) {
        perf_score_find(s, "../reference/reference-numbers.csv", path, sizeof path);
        status = rg_sha256_file(path, &o.sha256, s->err);
        if (status == RG_OK) status = perf_train_fit_megatron(s, &past, &fit);
        if (status == RG_OK) {
            o.rows = fit.rows;
            *linear = fit.value[0];
            for (int i = 0; i < 2; i++) { /* for any software, and for that one with its interval */
                print_constant(out, "linear", NULL, i ? "megatron" : NULL, fit.value[0], 0.9, 1.5, "1");
                print_origin(out, &o);
            }
            print_constant(out, "low", NULL, "megatron", fit.low, -2, 0, "1");
            print_origin(out, &o);
            print_constant(out, "high", NULL, "megatron", fit.high, 0, 2, "1");
            print_origin(out, &o);
        }
    }
    perf_train_set_close(&past);
    return status;
}

/* The constants that nothing was fitted to, so that fits do not depend on those before; last `linear`, with
   which all software begins. */
static rg_status unfitted(const perf_scoring *s, rg_calibrations *out) {
    const rg_calibrations *all = s->all;
    *out = *all;
    out->n_steps = 0;
    out->step = malloc((all->n_steps + 1) * sizeof *out->step);
    if (!out->step) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < all->n_steps; i++)
        if (!(all->step[i].rows > 0)) out->step[out->n_steps++] = all->step[i];
    out->step[out->n_steps++] =
        (perf_step_constant){.phase = "training", .name = "linear", .chip = "", .group = "", .value = 1};
    return RG_OK;
}

static rg_status calibrate_parts(perf_scoring *s, const char *date, rg_str *out) {
    char path[4096];
    for (const perf_train_part *p = perf_train_parts; p->id; p++) {
        perf_train_set set = {.n = 0};
        origin o = {.date = date, .data = p->table};
        if (!perf_score_find(s, p->table, path, sizeof path)) continue;
        rg_status status = rg_sha256_file(path, &o.sha256, s->err);
        if (status == RG_OK) status = p->read(s, &set);
        if (status == RG_OK) status = calibrate(s, &set, p, o, out);
        perf_train_set_close(&set);
        RG_TRY(status);
    }
    return RG_OK;
}

rg_status perf_train_calibrate(perf_scoring *s, const char *date, rg_str *out) {
    const rg_calibrations *all = s->all;
    rg_calibrations base;
    double linear = 1;
    rg_str_add(out, "# Constants of training steps, written by \"ridge perf calibrate\": docs/training.md.\n"
                    "phase: training\nconstants:\n");
    RG_TRY(unfitted(s, &base));
    s->all = &base;
    rg_status status = calibrate_megatron(s, date, out, &linear);
    base.step[base.n_steps - 1].value = linear;
    if (status == RG_OK) status = calibrate_parts(s, date, out);
    s->all = all;
    free(base.step);
    return status;
}

rg_status rg_train_calibrate(rg_str *out, const char *dir, const char *data_dir, const rg_calibrations *all,
                             const char *date, rg_error *err) {
    perf_scoring *s = calloc(1, sizeof *s);
    if (!s) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    *s = (perf_scoring){.dir = dir, .data_dir = data_dir, .all = all, .err = err};
    const size_t before = out->len;
    rg_status status = perf_train_calibrate(s, date, out);
    if (status == RG_OK && !strstr((out->data ? out->data : "") + before, "name:"))
        status = rg_fail(err, RG_ERR_IO, dir, "a folder with measured/",
                         "none of the tables of training steps is there");
    rg_arena_free(&s->card.arena);
    free(s);
    return status != RG_OK || !out->failed ? status
                                           : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}
