/* Score card, what comes first: every table of an operator's timings, fitted anew or with the constants
   given, on the sites that its fit has not seen. */
#include "perf/score/score.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

const perf_score_source perf_score_sources[] = {
    {"gemm", "a100-sxm-80", "aiconfigurator/gemm/a100_sxm_vllm-0.14.0.csv", NULL},
    {"gemm", "h100-sxm", "aiconfigurator/gemm/h100_sxm_vllm-0.24.0.csv", NULL},
    {"gemm", "h200-sxm", "aiconfigurator/gemm_power/h200_sxm_vllm-0.22.0.csv", "vllm"},
    {"gemm", "b200-sxm", "aiconfigurator/gemm/b200_sxm_vllm-0.24.0.csv", NULL},
    {"gemm", "l40s", "aiconfigurator/gemm/l40s_vllm-0.24.0.csv", NULL},
    {"gemm", "rtx-pro-6000-server", "aiconfigurator/gemm/rtx_pro_6000_server_vllm-0.24.0.csv", NULL},
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
const size_t perf_score_n_sources = sizeof perf_score_sources / sizeof *perf_score_sources;

static perf_score_result *result_of(perf_scoring *s, const perf_score_source *source, const char *group) {
    for (size_t i = 0; i < s->n_results; i++)
        if (s->result[i].source == source && strcmp(s->result[i].group, group) == 0) return &s->result[i];
    if (s->n_results == PERF_MAX_RESULTS) return NULL;
    perf_score_result *r = &s->result[s->n_results];
    *r = (perf_score_result){.source = source,
                             .group = rg_arena_strndup(&s->card.arena, group, strlen(group))};
    if (!r->group) return NULL;
    s->n_results++;
    return r;
}

static rg_status add_result(perf_scoring *s, const perf_score_source *source, const char *group,
                            const rg_fit_score *f, double bound_mape) {
    perf_score_result *r = result_of(s, source, group);
    if (!r) return perf_score_no_memory(s);
    if (!f->n) return RG_OK;
    const double k = r->seeds++, all = k + 1;
    const double rows = (double)r->s.n, all_rows = rows + (double)f->n;
    r->s.n += f->n;
    r->s.mape = (r->s.mape * k + f->mape) / all;
    r->s.median = (r->s.median * k + f->median) / all;
    r->s.p90 = (r->s.p90 * k + f->p90) / all;
    r->s.bias = (r->s.bias * k + f->bias) / all;
    r->s.coverage80 = (r->s.coverage80 * rows + f->coverage80 * (double)f->n) / all_rows; /* of rows */
    r->bound_mape = (r->bound_mape * k + bound_mape) / all;
    return RG_OK;
}

enum { N_SPLITS = 3 };

/* The constants of another split of a chip, beside those in use; none where the file is absent. */
static rg_status read_split(perf_scoring *s, const char *chip, int split, rg_calibrations *out) {
    char path[4096], other[4096];
    snprintf(path, sizeof path, "%s/calibration/%s.yaml", s->data_dir, chip);
    perf_split_path(path, split, other, sizeof other);
    return access(other, R_OK) == 0 ? perf_calibrations_read(out, other, s->err) : RG_OK;
}

static rg_status score_shipped(perf_scoring *s, const rg_fit_request *q, rg_fit *out) {
    rg_calibrations other[N_SPLITS - 1] = {0};
    const rg_calibrations *split[N_SPLITS] = {s->all};
    rg_status status = RG_OK;
    for (int i = 0; status == RG_OK && i < N_SPLITS - 1; i++) {
        status = read_split(s, q->chip->id, i + 2, &other[i]);
        split[i + 1] = &other[i];
    }
    if (status == RG_OK) status = perf_score_table(q, split, N_SPLITS, out, s->err);
    for (int i = 0; i < N_SPLITS - 1; i++) rg_arena_free(&other[i].arena);
    return status;
}

static rg_status score_source(perf_scoring *s, const perf_score_source *x, const char *path) {
    rg_chip chip;
    rg_fit fit;
    RG_TRY(rg_chip_open(&chip, x->chip, s->data_dir, s->err));
    const rg_fit_request q = {
        .op = x->op, .path = path, .chip = &chip, .kernel = x->kernel, .date = "", .all = s->all};
    rg_status status = s->refit ? rg_perf_fit(&q, &fit, s->err) : score_shipped(s, &q, &fit);
    rg_chip_close(&chip);
    RG_TRY(status);
    for (size_t i = 0; status == RG_OK && i < fit.n_rows; i++)
        status = add_result(s, x, fit.row[i].group, &fit.row[i].held_out, fit.row[i].bound_mape);
    for (size_t i = 0; status == RG_OK && s->refit && i < fit.constants->n; i++)
        status = perf_calibrations_add(&s->refitted, &fit.constants->entry[i], s->err);
    rg_fit_close(&fit);
    return status;
}

rg_status perf_score_tables(perf_scoring *s) {
    char path[4096];
    for (size_t i = 0; i < perf_score_n_sources; i++) {
        if (!rg_progress_step(s->progress, "tables", (double)i, (double)perf_score_n_sources))
            return rg_fail(s->err, RG_ERR_CANCELLED, NULL, NULL, "stopped");
        const perf_score_source *x = &perf_score_sources[i];
        if (perf_score_open(s, x->table, path, sizeof path)) RG_TRY(score_source(s, x, path));
    }
    return RG_OK;
}
