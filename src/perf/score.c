/* The score card: how good the constants are on measurements that they have not seen. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf/calibrate.h"

static const struct source {
    const char *op, *chip, *table, *kernel;
} sources[] = {
    {"gemm", "a100-sxm-80", "aiconfigurator/gemm/a100_sxm_vllm-0.14.0.csv", NULL},
    {"gemm", "h100-sxm", "aiconfigurator/gemm/h100_sxm_vllm-0.24.0.csv", NULL},
    {"gemm", "h200-sxm", "aiconfigurator/gemm_power/h200_sxm_vllm-0.22.0.csv", "vllm"},
    {"gemm", "b200-sxm", "aiconfigurator/gemm/b200_sxm_vllm-0.24.0.csv", NULL},
    {"gemm", "a100-sxm-80", "gemm_a100sxm80_trtllm1.0.0.csv.gz", "trtllm"},
    {"gemm", "h100-sxm", "gemm_h100sxm_trtllm1.3.0rc20.csv.gz", "trtllm"},
    {"gemm", "b200-sxm", "gemm_b200sxm_trtllm1.3.0rc20.csv.gz", "trtllm"},
    {"attention_prefill", "a100-sxm-80", "aiconfigurator/attention/a100_sxm_context_vllm-0.14.0.csv", NULL},
    {"attention_prefill", "h100-sxm", "attn_prefill_h100sxm_vllm0.24_fa3.csv.gz", NULL},
    {"attention_prefill", "b200-sxm", "aiconfigurator/attention/b200_sxm_context_vllm-0.24.0.csv", NULL},
    {"attention_decode", "a100-sxm-80", "aiconfigurator/attention/a100_sxm_generation_vllm-0.14.0.csv", NULL},
    {"attention_decode", "h100-sxm", "attn_decode_h100sxm_vllm0.24_fa3.csv.gz", NULL},
    {"attention_decode", "b200-sxm", "aiconfigurator/attention/b200_sxm_generation_vllm-0.24.0.csv", NULL},
    {"moe", "h100-sxm", "moe_h100sxm_trtllm1.3.0rc20.csv.gz", NULL},
    {"moe", "b200-sxm", "aiconfigurator/moe/b200_sxm_vllm-0.24.0.csv", NULL},
    {"collective", "a100-sxm-80", "nccl_a100.csv.gz", NULL},
    {"collective", "h100-sxm", "nccl_h100.csv.gz", NULL},
    {"collective", "gb200-nvl72-gpu", "nccl_gb200.csv.gz", NULL},
};
enum { N_SOURCES = sizeof sources / sizeof *sources, MAX_RESULTS = 256 };

typedef struct result { /* of one group of one table: on held-out sites, the mean over the splits */
    const struct source *source;
    const char *group;
    rg_fit_score s;
    double bound_mape, seeds;
} result;

typedef struct work {
    rg_scorecard card;
    const rg_calibrations *all; /* constants that are scored */
    rg_calibrations refitted;
    bool refit;
    const char *dir, *data_dir;
    result result[MAX_RESULTS];
    size_t n_results;
    rg_error *err;
} work;

static rg_status no_memory(work *w) {
    return rg_fail(w->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status add_row(work *w, rg_score_row row, const char *partition) {
    rg_scorecard *c = &w->card;
    if (c->n == c->room) {
        const size_t room = c->room ? 2 * c->room : 64;
        rg_score_row *grown = rg_arena_alloc(&c->arena, room, sizeof *grown);
        if (!grown) return no_memory(w);
        if (c->n) memcpy(grown, c->row, c->n * sizeof *grown);
        c->row = grown;
        c->room = room;
    }
    row.partition = rg_arena_strndup(&c->arena, partition, strlen(partition));
    c->row[c->n++] = row;
    return row.partition ? RG_OK : no_memory(w);
}

/* A row about an error, which must not exceed its floor. */
static rg_status add_error(work *w, const char *id, const char *partition, size_t n, double value,
                           double floor, double stretch, double baseline) {
    if (!n) return RG_OK;
    return add_row(w, (rg_score_row){id, NULL, n, value, floor, stretch, baseline, value <= floor},
                   partition);
}

/* ---- results of tables ------------------------------------------------------------------------------- */

static result *result_of(work *w, const struct source *source, const char *group) {
    for (size_t i = 0; i < w->n_results; i++)
        if (w->result[i].source == source && strcmp(w->result[i].group, group) == 0) return &w->result[i];
    if (w->n_results == MAX_RESULTS) return NULL;
    result *r = &w->result[w->n_results];
    *r = (result){.source = source, .group = rg_arena_strndup(&w->card.arena, group, strlen(group))};
    if (!r->group) return NULL;
    w->n_results++;
    return r;
}

static rg_status add_result(work *w, const struct source *source, const char *group, const rg_fit_score *s,
                            double bound_mape) {
    result *r = result_of(w, source, group);
    if (!r) return no_memory(w);
    if (!s->n) return RG_OK;
    const double k = r->seeds++, all = k + 1;
    r->s.n += s->n;
    r->s.mape = (r->s.mape * k + s->mape) / all;
    r->s.median = (r->s.median * k + s->median) / all;
    r->s.p90 = (r->s.p90 * k + s->p90) / all;
    r->s.bias = (r->s.bias * k + s->bias) / all;
    r->s.coverage80 = (r->s.coverage80 * k + s->coverage80) / all;
    r->bound_mape = (r->bound_mape * k + bound_mape) / all;
    return RG_OK;
}

static bool has_table(const work *w, const struct source *s, char *path, size_t size) {
    snprintf(path, size, "%s/measured/%s", w->dir, s->table);
    return access(path, R_OK) == 0;
}

static rg_status score_source(work *w, const struct source *s, const char *path) {
    rg_chip chip;
    rg_fit fit;
    RG_TRY(rg_chip_open(&chip, s->chip, w->data_dir, w->err));
    const rg_fit_request q = {
        .op = s->op, .path = path, .chip = &chip, .kernel = s->kernel, .date = "", .all = w->all};
    rg_status status = w->refit ? rg_perf_fit(&q, &fit, w->err) : perf_score_table(&q, &fit, w->err);
    rg_chip_close(&chip);
    RG_TRY(status);
    for (size_t i = 0; status == RG_OK && i < fit.n_rows; i++)
        status = add_result(w, s, fit.row[i].group, &fit.row[i].held_out, fit.row[i].bound_mape);
    for (size_t i = 0; status == RG_OK && w->refit && i < fit.constants->n; i++)
        status = perf_calibrations_add(&w->refitted, &fit.constants->entry[i], w->err);
    rg_fit_close(&fit);
    return status;
}

/* ---- rows -------------------------------------------------------------------------------------------- */

static bool is_bf16_gemm(const result *r) {
    return strcmp(r->source->op, "gemm") == 0 && strncmp(r->group, "bfloat16/", 9) == 0;
}

typedef struct mean {
    double value, median, baseline;
    size_t groups, n;
} mean;

static void mean_add(mean *m, const result *r) {
    if (!r->s.n) return;
    const double k = (double)m->groups++, all = k + 1;
    m->value = (m->value * k + r->s.mape) / all;
    m->median = (m->median * k + r->s.median) / all;
    m->baseline = (m->baseline * k + r->bound_mape) / all;
    m->n += r->s.n;
}

static rg_status add_result_row(work *w, const char *id, const result *r, double floor, double stretch) {
    char name[256];
    snprintf(name, sizeof name, "%s %s %s", r->source->op, r->source->chip, r->group);
    return add_error(w, id, name, r->s.n, r->s.mape, floor, stretch, r->bound_mape);
}

static rg_status gemm_rows(work *w) {
    mean vllm = {0};
    for (size_t i = 0; i < w->n_results; i++) {
        const result *r = &w->result[i];
        if (strcmp(r->source->op, "gemm") != 0) continue;
        if (is_bf16_gemm(r) && strstr(r->source->table, "vllm")) mean_add(&vllm, r);
        if (is_bf16_gemm(r))
            RG_TRY(add_result_row(w, "Q2", r, 0.095, 0.065));
        else if (strncmp(r->group, "fp8", 3) == 0)
            RG_TRY(add_result_row(w, "Q5", r, 0.15, 0.10));
        else if (strncmp(r->group, "nvfp4", 5) == 0)
            RG_TRY(add_result_row(w, "Q5", r, 0.11, 0.08));
    }
    RG_TRY(
        add_error(w, "Q2", "mean over chips, vLLM tables", vllm.n, vllm.value, 0.095, 0.065, vllm.baseline));
    return add_error(w, "Q2", "mean over chips of the medians, vLLM tables", vllm.n, vllm.median, 0.06, 0.04,
                     NAN);
}

/* One row per kind, the mean over its groups, and one per group. */
static rg_status op_rows(work *w, const char *id, const char *op, double floor, double stretch, bool groups) {
    char name[256];
    mean m = {0};
    for (size_t i = 0; i < w->n_results; i++)
        if (strcmp(w->result[i].source->op, op) == 0) {
            mean_add(&m, &w->result[i]);
            if (groups) RG_TRY(add_result_row(w, id, &w->result[i], floor, stretch));
        }
    snprintf(name, sizeof name, "%s, mean over tables and kernels", op);
    return add_error(w, id, name, m.n, m.value, floor, stretch, m.baseline);
}

/* 95 % of samples of n with a true share of 0.75 to 0.85 lie within this of it. */
static bool covers(double share, double n) {
    const double slack = n >= 250 ? 0 : 1.96 * sqrt(0.8 * 0.2 / n);
    return share >= 0.75 - slack && share <= 0.85 + slack;
}

static rg_status coverage_rows(work *w) {
    char name[256];
    for (size_t i = 0; i < w->n_results; i++) {
        const result *r = &w->result[i];
        if (!r->s.n || strcmp(r->source->op, "collective") == 0) continue;
        snprintf(name, sizeof name, "%s %s %s", r->source->op, r->source->chip, r->group);
        RG_TRY(add_row(w,
                       (rg_score_row){"Q18", NULL, r->s.n, r->s.coverage80, 0.75, 0.85, NAN,
                                      covers(r->s.coverage80, (double)r->s.n / r->seeds)},
                       name));
    }
    for (size_t k = 0; k < N_SOURCES; k++) { /* collectives: a table at a time, its groups hold a few rows */
        double inside = 0, n = 0, seeds = 1;
        for (size_t i = 0; i < w->n_results; i++)
            if (w->result[i].source == &sources[k] && strcmp(sources[k].op, "collective") == 0) {
                inside += w->result[i].s.coverage80 * (double)w->result[i].s.n;
                n += (double)w->result[i].s.n;
                seeds = fmax(seeds, w->result[i].seeds);
            }
        if (!(n > 0)) continue;
        snprintf(name, sizeof name, "collective %s", sources[k].chip);
        RG_TRY(add_row(w,
                       (rg_score_row){"Q18", NULL, (size_t)n, inside / n, 0.75, 0.85, NAN,
                                      covers(inside / n, n / seeds)},
                       name));
    }
    return RG_OK;
}

/* ---- constants of another chip, or of none ----------------------------------------------------------- */

/* Error on all bf16 rows of a table with given constants. */
static rg_status score_constants(work *w, const struct source *s, const double *constant, rg_fit_score *out,
                                 double *bound_mape) {
    char path[4096], *text;
    size_t size;
    rg_chip chip;
    perf_table t;
    perf_errors e = {0}, bound = {0};
    *out = (rg_fit_score){0};
    if (!has_table(w, s, path, sizeof path)) return RG_OK;
    RG_TRY(rg_chip_open(&chip, s->chip, w->data_dir, w->err));
    rg_status status = rg_file_read(path, (size_t)1 << 30, &text, &size, w->err);
    if (status == RG_OK) {
        status = perf_table_read(&t, &perf_gemm, text, size, path, "latency_ms", s->kernel, &chip, w->err);
        free(text);
    }
    for (size_t i = 0; status == RG_OK && i < t.n; i++) {
        perf_machine m;
        const char *missing;
        const perf_row *r = &t.row[i];
        if (!r->dtype || strcmp(r->dtype->name, "bfloat16") != 0 || !(r->measured_s > 0) ||
            !perf_machine_of(&chip, &perf_gemm, r, &m, &missing))
            continue;
        perf_errors_add(&e, r->measured_s, perf_gemm.estimate(r, &m, constant).s, 0, 0);
        perf_errors_add(&bound, r->measured_s, perf_gemm.bound_s(r, &m), 0, 0);
    }
    if (status == RG_OK) {
        *out = perf_errors_score(&e);
        *bound_mape = perf_errors_score(&bound).mape;
        if (e.failed || bound.failed) status = no_memory(w);
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

static rg_status transfer_rows(work *w) {
    static const struct {
        const char *from, *to;
        double floor, stretch;
    } pairs[] = {{"h100-sxm", "h200-sxm", 0.09, 0.07},
                 {"h100-sxm", "b200-sxm", 0.13, 0.10},
                 {"a100-sxm-80", "h100-sxm", 0.17, 0.12}};
    char name[128];
    double bound;
    rg_fit_score s;
    double preset[PERF_MAX_CONSTANTS];
    for (size_t i = 0; i < perf_gemm.n_constants; i++) preset[i] = perf_gemm.constant[i].preset;
    for (size_t k = 0; k < 4; k++) {
        RG_TRY(score_constants(w, &sources[k], preset, &s, &bound));
        snprintf(name, sizeof name, "gemm bf16 %s, preset constants", sources[k].chip);
        RG_TRY(add_error(w, "Q1", name, s.n, s.mape, 0.18, 0.13, bound));
    }
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++) {
        const perf_calibration *c = bf16_of(w->refit ? &w->refitted : w->all, pairs[p].from);
        for (size_t k = 0; c && k < 4; k++) {
            if (strcmp(sources[k].chip, pairs[p].to) != 0) continue;
            RG_TRY(score_constants(w, &sources[k], c->constant, &s, &bound));
            snprintf(name, sizeof name, "gemm bf16 %s -> %s", pairs[p].from, pairs[p].to);
            RG_TRY(add_error(w, "Q6", name, s.n, s.mape, pairs[p].floor, pairs[p].stretch, bound));
        }
    }
    return RG_OK;
}

static rg_status all_rows(work *w) {
    RG_TRY(transfer_rows(w));
    RG_TRY(gemm_rows(w));
    RG_TRY(op_rows(w, "Q7", "attention_prefill", 0.14, 0.09, true));
    RG_TRY(op_rows(w, "Q7", "attention_decode", 0.14, 0.08, true));
    RG_TRY(op_rows(w, "Q8", "moe", 0.20, 0.12, true));
    RG_TRY(op_rows(w, "Q9", "collective", 0.09, 0.06, false));
    return coverage_rows(w);
}

static rg_status score_all(work *w, const rg_progress *progress) {
    char path[4096];
    for (size_t i = 0; i < N_SOURCES; i++) {
        if (!rg_progress_step(progress, "tables", (double)i, N_SOURCES))
            return rg_fail(w->err, RG_ERR_CANCELLED, NULL, NULL, "stopped");
        if (has_table(w, &sources[i], path, sizeof path)) {
            RG_TRY(score_source(w, &sources[i], path));
            w->card.tables++;
        } else {
            w->card.tables_absent++;
        }
    }
    if (!w->card.tables)
        return rg_fail(w->err, RG_ERR_IO, w->dir, "a folder with measured/", "none of %d tables is there",
                       (int)N_SOURCES);
    return all_rows(w);
}

rg_status rg_perf_score(const char *dir, const rg_calibrations *all, const char *data_dir, bool refit,
                        const rg_progress *progress, rg_scorecard *out, rg_error *err) {
    work *w = calloc(1, sizeof *w);
    if (!w) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    w->all = all;
    w->refit = refit;
    w->dir = dir;
    w->data_dir = data_dir;
    w->err = err;
    const rg_status status = score_all(w, progress);
    rg_arena_free(&w->refitted.arena);
    if (status == RG_OK)
        *out = w->card;
    else
        rg_arena_free(&w->card.arena);
    free(w);
    return status;
}

void rg_scorecard_close(rg_scorecard *card) {
    if (!card) return;
    rg_arena_free(&card->arena);
    memset(card, 0, sizeof *card);
}
