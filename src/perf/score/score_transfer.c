/* Score card: constants of another chip (Q6), or the models' own presets (Q1), on bf16 GEMM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/score/score.h"

/* Error on all bf16 rows of a table with the constants of another chip; NULL: the presets. */
static rg_status score_constants(perf_scoring *s, const perf_score_source *x, const perf_calibration *from,
                                 rg_fit_score *out, double *bound_mape) {
    char path[4096], *text;
    size_t size;
    rg_chip chip;
    perf_table t;
    perf_errors e = {0}, bound = {0};
    *out = (rg_fit_score){0};
    if (!perf_score_find(s, x->table, path, sizeof path)) return RG_OK;
    RG_TRY(rg_chip_open(&chip, x->chip, s->data_dir, s->err));
    rg_status status = rg_file_read(path, (size_t)1 << 30, &text, &size, s->err);
    if (status == RG_OK) {
        status = perf_table_read(&t, &perf_gemm, text, size, path, "latency_ms", x->kernel, &chip, s->err);
        free(text);
    }
    for (size_t i = 0; status == RG_OK && i < t.n; i++) {
        perf_machine m;
        const char *missing;
        const perf_row *r = &t.row[i];
        if (!r->dtype || strcmp(r->dtype->name, "bfloat16") != 0 || !(r->measured_s > 0) ||
            !perf_machine_of(&chip, &perf_gemm, r, &m, &missing))
            continue;
        double constant[PERF_MAX_CONSTANTS];
        if (from)
            perf_constants_on(from, &m, constant);
        else
            for (size_t k = 0; k < perf_gemm.n_constants; k++)
                constant[k] = perf_preset(&perf_gemm.constant[k], m.registers);
        perf_errors_add(&e, r->measured_s, perf_gemm.estimate(r, &m, constant).s, 0, 0);
        perf_errors_add(&bound, r->measured_s, perf_gemm.bound_s(r, &m), 0, 0);
    }
    if (status == RG_OK) {
        *out = perf_errors_score(&e);
        *bound_mape = perf_errors_score(&bound).mape;
        if (e.failed || bound.failed) status = perf_score_no_memory(s);
        perf_table_close(&t);
    }
    perf_errors_free(&e);
    perf_errors_free(&bound);
    rg_chip_close(&chip);
    return status;
}

static const perf_calibration *bf16_of(const rg_calibrations *all, const char *chip) {
    for (size_t i = 0; i < all->n; i++) {
        const perf_calibration *e = &all->entry[i];
        if (e->model == &perf_gemm && strcmp(e->chip, chip) == 0 && strncmp(e->group, "bfloat16/", 9) == 0 &&
            strcmp(e->group, "bfloat16/trtllm") != 0)
            return e;
    }
    return NULL;
}

/* The chip's first table. */
static const perf_score_source *gemm_table(const char *chip) {
    for (size_t i = 0; i < perf_score_n_sources; i++)
        if (strcmp(perf_score_sources[i].op, "gemm") == 0 && strcmp(perf_score_sources[i].chip, chip) == 0)
            return &perf_score_sources[i];
    return NULL;
}

static rg_status add_row(perf_scoring *s, const char *id, const char *chip, const perf_calibration *from,
                         const char *partition, double floor, double stretch) {
    double bound;
    rg_fit_score score;
    RG_TRY(score_constants(s, gemm_table(chip), from, &score, &bound));
    return perf_score_add_error(s, id, partition, score.n, score.mape, floor, stretch, bound);
}

rg_status perf_score_transfer(perf_scoring *s) {
    static const char *const chips[] = {"a100-sxm-80", "h100-sxm", "h200-sxm", "b200-sxm"};
    static const struct {
        const char *from, *to;
        double floor, stretch;
    } pairs[] = {{"h100-sxm", "h200-sxm", 0.09, 0.07},
                 {"h100-sxm", "b200-sxm", 0.13, 0.10},
                 {"a100-sxm-80", "h100-sxm", 0.17, 0.12}};
    char name[128];
    for (size_t i = 0; i < sizeof chips / sizeof *chips; i++) {
        snprintf(name, sizeof name, "gemm bf16 %s, preset constants", chips[i]);
        RG_TRY(add_row(s, "Q1", chips[i], NULL, name, 0.18, 0.13));
    }
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const perf_calibration *c = bf16_of(s->refit ? &s->refitted : s->all, pairs[i].from);
        if (!c) continue;
        snprintf(name, sizeof name, "gemm bf16 %s -> %s", pairs[i].from, pairs[i].to);
        RG_TRY(add_row(s, "Q6", pairs[i].to, c, name, pairs[i].floor, pairs[i].stretch));
    }
    return RG_OK;
}
