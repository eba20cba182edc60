/* Estimates and intervals from constants: those of the chip itself, or drawn from other chips. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/energy/power.h"

/* The part of a group before the next '/' is the word, or the row leaves the word empty. */
static bool fits_word(const char **group, const char *word) {
    const size_t n = strcspn(*group, "/");
    const bool fits = !*word || (strncmp(*group, word, n) == 0 && !word[n]);
    *group += n + ((*group)[n] == '/');
    return fits;
}

/* As perf_group_text would tell, without printing it. */
static bool fits_group(const perf_calibration *e, const perf_row *row) {
    const char *group = e->group;
    for (size_t i = 0; i < e->model->n_words; i++)
        if (e->model->groups[i] && !fits_word(&group, row->word[i])) return false;
    return e->model->group_number < 0 || strtod(group, NULL) == row->x[e->model->group_number];
}

static bool inside_hull(const perf_calibration *e, const perf_row *row) {
    for (size_t i = 0; i < e->model->n_numbers; i++)
        if (row->x[i] < e->hull_lo[i] || row->x[i] > e->hull_hi[i]) return false;
    return true;
}

typedef struct blend { /* of what several sets of constants say */
    size_t n;
    double log_sum, lo, hi;
    bool inside;
    perf_regime regime;
} blend;

void perf_constants_on(const perf_calibration *e, const perf_machine *m, double *constant) {
    memcpy(constant, e->constant, sizeof e->constant);
    for (size_t i = 0; e->registers != m->registers && i < e->model->n_constants; i++) {
        const perf_constant *c = &e->model->constant[i];
        constant[i] *= perf_preset(c, m->registers) / perf_preset(c, e->registers);
    }
}

static void add(blend *b, const perf_calibration *e, const perf_row *row, const perf_machine *m) {
    double constant[PERF_MAX_CONSTANTS];
    perf_constants_on(e, m, constant);
    const perf_guess g = e->model->estimate(row, m, constant);
    const perf_residual *r = &e->residual[g.regime];
    if (!(r->n > 0)) r = &e->residual[PERF_N_REGIMES];
    const double at = log(g.s);
    b->inside = b->inside || inside_hull(e, row);
    b->lo = b->n ? fmin(b->lo, at + r->lo) : at + r->lo;
    b->hi = b->n ? fmax(b->hi, at + r->hi) : at + r->hi;
    if (!b->n++) b->regime = g.regime;
    b->log_sum += at;
}

static blend gather(const rg_calibrations *all, const rg_chip *chip, const perf_row *row,
                    const perf_machine *m, const perf_model *model, bool own, bool any_group,
                    const char *without) {
    blend b = {0};
    for (size_t i = 0; i < all->n; i++) {
        const perf_calibration *e = &all->entry[i];
        if (e->model != model || (strcmp(e->chip, chip->id) == 0) != own) continue;
        if (without && strcmp(e->chip, without) == 0) continue;
        if (any_group || fits_group(e, row)) add(&b, e, row, m);
    }
    return b;
}

bool perf_answer(const rg_calibrations *all, const rg_chip *chip, const perf_model *model,
                 const perf_row *row, const char *without, rg_estimate *out) {
    perf_machine m;
    const char *missing;
    rg_estimate e = {0};
    if (!perf_machine_of(chip, model, row, &m, &missing)) return false;
    e.bound_s = model->bound_s(row, &m);
    blend b = gather(all, chip, row, &m, model, true, false, without);
    const bool own = b.n > 0;
    if (!own) b = gather(all, chip, row, &m, model, false, false, without);
    if (!b.n) b = gather(all, chip, row, &m, model, true, true, without);
    if (!b.n) return false;
    const double at = b.log_sum / (double)b.n;
    /* beyond what was measured, or from other chips: twice as wide on the log scale */
    const double wider = own && b.inside ? 1 : own ? 2 : 1.25;
    /* physics allows no less, except where a cache can hold the operands */
    const double least = fmax(model->compute_bound_s(row, &m), b.regime == PERF_MEMORY ? e.bound_s : 0);
    e.estimate_s = fmax(exp(at), least);
    e.lo80_s = fmax(exp(at + wider * fmin(0, b.lo - at)), fmin(least, e.estimate_s));
    e.hi80_s = fmax(exp(at + wider * fmax(0, b.hi - at)), e.estimate_s);
    e.regime = perf_regime_name(b.regime);
    e.kind = own && b.inside ? "calibrated" : "transferred";
    *out = e;
    return true;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

static void print_row(rg_str *out, const perf_table *t, size_t i, const rg_estimate *e, double bound_s,
                      bool answered, bool measured) {
    rg_str_printf(out, "%s,", t->line[i]);
    if (bound_s > 0) rg_str_printf(out, "%.6g", bound_s);
    if (!answered) {
        rg_str_add(out, measured ? ",,,,,," : ",,,,,");
        return;
    }
    rg_str_printf(out, ",%.6g,%.6g,%.6g,%s,%s", e->estimate_s, e->lo80_s, e->hi80_s, e->regime, e->kind);
    if (measured) rg_str_add(out, ",");
    if (measured && t->row[i].measured_s > 0)
        rg_str_printf(out, "%.4f", 100 * (e->estimate_s / t->row[i].measured_s - 1));
}

static void print_energy(rg_str *out, const rg_power *power, const perf_row *row, const rg_estimate *e,
                         bool answered) {
    rg_energy_work w = perf_power_work(row);
    w.estimate_s = e->estimate_s, w.lo80_s = e->lo80_s, w.hi80_s = e->hi80_s;
    const rg_energy j = rg_energy_of(power, &w);
    if (answered)
        rg_str_printf(out, ",%.4g,%.6g", j.power_w, j.energy_j);
    else
        rg_str_add(out, ",,");
}

static rg_status known(const perf_table *t, rg_error *err) {
    for (size_t i = 0; i < t->n; i++) {
        char where[64];
        snprintf(where, sizeof where, "row %zu", i + 1);
        if (!t->row[i].known)
            return rg_fail(err, RG_ERR_USAGE, where, "a word that docs/performance.md lists",
                           "unknown formats \"%s\", \"%s\"", t->row[i].word[0], t->row[i].word[1]);
    }
    return RG_OK;
}

rg_status rg_perf_predict(const char *op, const rg_chip *chip, const rg_calibrations *all, const char *kernel,
                          const char *measured, char *text, size_t size, rg_str *out, rg_error *err) {
    const perf_model *model = perf_model_find(op);
    if (!model)
        return rg_fail(err, RG_ERR_USAGE, "--op",
                       "gemm, attention_prefill, attention_decode, moe or collective", "\"%.40s\"", op);
    perf_table t;
    rg_power power;
    rg_error no_power;
    RG_TRY(perf_table_read(&t, model, text, size, "table", measured, kernel, NULL, err));
    const bool energy = model == &perf_gemm && rg_power_of(&power, chip, all, &no_power) == RG_OK;
    rg_status status = known(&t, err);
    if (status == RG_OK)
        rg_str_printf(out, "%s,bound_s,estimate_s,lo80_s,hi80_s,regime,class%s%s\n", t.header,
                      measured ? ",error_pct" : "", energy ? ",power_w,energy_j" : "");
    for (size_t i = 0; status == RG_OK && i < t.n; i++) {
        rg_estimate e = {0};
        perf_machine m;
        const char *missing;
        const bool machine = perf_machine_of(chip, model, &t.row[i], &m, &missing);
        if (!machine && i == 0) {
            status = rg_fail(err, RG_ERR_UNSUPPORTED, chip->file, "the number in the chip's file, or --set",
                             "%s: %s is not published", chip->id, missing);
            break;
        }
        const bool answered = perf_answer(all, chip, model, &t.row[i], NULL, &e);
        print_row(out, &t, i, &e, machine ? model->bound_s(&t.row[i], &m) : 0, answered, measured);
        if (energy) print_energy(out, &power, &t.row[i], &e, answered);
        rg_str_add(out, "\n");
    }
    perf_table_close(&t);
    if (status == RG_OK && out->failed) status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    return status;
}
