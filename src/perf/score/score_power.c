/* Score card, Q17: board power of GEMMs on unseen sites, and joules of whole runs that nothing was fitted to.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/calibrate/csv.h"
#include "perf/energy/power.h"
#include "perf/score/score.h"

/* ---- kernels ----------------------------------------------------------------------------------------- */

/* The mean of a type over the splits, of `n_types` rows each. */
static rg_status add_type(perf_scoring *s, const char *chip, const rg_fit *f, size_t first, size_t n_types) {
    rg_fit_score sum = {0};
    double constant = 0, splits = 0;
    char name[128];
    for (size_t i = first; i < f->n_rows; i += n_types, splits++) {
        sum.n += f->row[i].held_out.n;
        sum.mape += f->row[i].held_out.mape;
        sum.coverage80 += f->row[i].held_out.coverage80;
        constant += f->row[i].bound_mape;
    }
    snprintf(name, sizeof name, "board power %s %s, three splits", chip, f->row[first].group);
    const double mape = sum.mape / splits, baseline = constant / splits;
    RG_TRY(perf_score_add(
        s,
        (rg_score_row){"Q17", NULL, NULL, sum.n, mape, 0.08, 0.05, baseline, mape <= 0.08 && mape < baseline},
        name));
    return perf_score_add_coverage(s, name, sum.n, splits, sum.coverage80 / splits);
}

static rg_status score_kernels(perf_scoring *s) {
    static const char *const tables[][2] = {
        {"h200-sxm", "aiconfigurator/gemm_power/h200_sxm_vllm-0.22.0.csv"},
        {"b200-sxm", "aiconfigurator/gemm_power/b200_sxm_vllm-0.22.0.csv"}};
    for (size_t k = 0; k < sizeof tables / sizeof *tables; k++) {
        char path[4096];
        rg_chip chip;
        rg_fit f;
        if (!perf_score_open(s, tables[k][1], path, sizeof path)) continue;
        RG_TRY(rg_chip_open(&chip, tables[k][0], s->data_dir, s->err));
        const rg_fit_request q = {.op = PERF_POWER, .path = path, .chip = &chip, .date = "", .all = s->all};
        rg_status status = rg_perf_fit(&q, &f, s->err);
        if (status == RG_OK) {
            size_t n_types = 0;
            while (n_types < f.n_rows && f.row[n_types].seed == 1) n_types++;
            for (size_t i = 0; status == RG_OK && i < n_types; i++)
                status = add_type(s, chip.id, &f, i, n_types);
            rg_fit_close(&f);
        }
        rg_chip_close(&chip);
        RG_TRY(status);
    }
    return RG_OK;
}

/* ---- whole runs -------------------------------------------------------------------------------------- */

typedef struct run { /* a prompt of `tokens` and as many steps, `batch` together, on one chip */
    const char *chip, *model;
    double batch, tokens;
    double measured_j;
} run;

/* False: a machine or a model that is not described. */
static bool read_run(const perf_csv *t, size_t row, run *out) {
    static const char *const chips[][2] = {{"Nvidia A100 GPU", "a100-sxm-40"},
                                           {"Nvidia H100 GPU", "h100-sxm"}};
    static const char *const models[][2] = {{"meta-llama/Llama-2-7b-hf", "llama-2-7b"},
                                            {"meta-llama/Meta-Llama-3-8B", "llama-3.1-8b"}};
    const char *chip = perf_csv_cell(t, row, "Hardware"), *model = perf_csv_cell(t, row, "Model");
    *out = (run){.batch = perf_csv_number(t, row, "Batch Size"),
                 .tokens = perf_csv_number(t, row, "Input Output Length")};
    for (size_t i = 0; i < 2; i++) {
        if (chip && strcmp(chip, chips[i][0]) == 0) out->chip = chips[i][1];
        if (model && strcmp(model, models[i][0]) == 0) out->model = models[i][1];
    }
    /* the column is in milliwatts */
    out->measured_j = perf_csv_number(t, row, "avg_power") / 1e3 * perf_csv_number(t, row, "Latency");
    return out->chip && out->model && out->batch >= 1 && out->tokens >= 2 && out->measured_j > 0;
}

static rg_status pass_of(perf_scoring *s, const rg_graph *g, const rg_chip *chip, const rg_power *power,
                         rg_phase phase, double batch, double context, double times, rg_energy *sum) {
    rg_roof roof;
    RG_TRY(rg_roof_estimate(&roof, g, chip, phase, batch, context, NULL, s->all, s->err));
    const rg_energy e = rg_energy_of_roof(power, &roof, NULL);
    sum->energy_j += times * e.energy_j;
    sum->lo80_j += times * e.lo80_j;
    sum->hi80_j += times * e.hi80_j;
    rg_roof_close(&roof);
    return RG_OK;
}

/* The prompt, and all steps as they are in the middle. */
static rg_status run_on(perf_scoring *s, const run *r, const rg_graph *g, rg_energy *out) {
    rg_chip chip;
    rg_power power;
    *out = (rg_energy){0};
    RG_TRY(rg_chip_open(&chip, r->chip, s->data_dir, s->err));
    rg_status status = rg_power_of(&power, &chip, s->all, s->err);
    if (status == RG_OK) status = pass_of(s, g, &chip, &power, RG_PREFILL, r->batch, r->tokens, 1, out);
    if (status == RG_OK)
        status =
            pass_of(s, g, &chip, &power, RG_DECODE, r->batch, floor(1.5 * r->tokens), r->tokens - 1, out);
    rg_chip_close(&chip);
    return status;
}

static rg_status energy_of_run(perf_scoring *s, const run *r, rg_energy *out) {
    rg_graph g;
    RG_TRY(rg_graph_from_name(&g, r->model, s->data_dir, s->err));
    const rg_status status = run_on(s, r, &g, out);
    rg_graph_close(&g);
    return status;
}

static rg_status score_runs(perf_scoring *s, const perf_csv *t) {
    static const char *const chips[] = {"a100-sxm-40", "h100-sxm"};
    perf_errors all = {0}, of[2] = {{0}};
    char name[128];
    rg_status status = RG_OK;
    for (size_t i = 0; status == RG_OK && i < t->n_rows; i++) {
        run r;
        rg_energy e;
        if (!read_run(t, i, &r)) continue;
        status = energy_of_run(s, &r, &e);
        if (status != RG_OK || isnan(e.energy_j)) continue;
        perf_errors_add(&all, r.measured_j, e.energy_j, e.lo80_j, e.hi80_j);
        for (size_t k = 0; k < 2; k++)
            if (strcmp(r.chip, chips[k]) == 0)
                perf_errors_add(&of[k], r.measured_j, e.energy_j, e.lo80_j, e.hi80_j);
    }
    for (size_t k = 0; status == RG_OK && k < 2; k++) {
        const rg_fit_score f = perf_errors_score(&of[k]);
        snprintf(name, sizeof name, "joules per token end to end, %s, no fit", chips[k]);
        status = perf_score_add_error(s, "Q17", name, f.n, f.mape, 0.20, 0.12, NAN);
    }
    const rg_fit_score f = perf_errors_score(&all);
    if (status == RG_OK)
        status = perf_score_add_error(s, "Q17", "joules per token end to end, all, no fit", f.n, f.mape, 0.20,
                                      0.12, NAN);
    if (status == RG_OK)
        status = perf_score_add_coverage(s, "joules per token end to end", f.n, 1, f.coverage80);
    if (all.failed || of[0].failed || of[1].failed) status = perf_score_no_memory(s);
    perf_errors_free(&all);
    for (size_t k = 0; k < 2; k++) perf_errors_free(&of[k]);
    return status;
}

rg_status perf_score_power(perf_scoring *s) {
    char path[4096];
    perf_csv t;
    RG_TRY(score_kernels(s));
    if (!perf_score_open(s, "argonne-llm-inference-bench/power_results.csv", path, sizeof path)) return RG_OK;
    RG_TRY(perf_csv_read(&t, path, s->err));
    const rg_status status = score_runs(s, &t);
    perf_csv_close(&t);
    return status;
}
