/* Score card: does the lint find what is known to be wrong with published measurements, and nothing else
   (Q20)? */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/lint/lint_planted.h"
#include "perf/score/score.h"

/* Defects that are in the tables; the others of the catalogue are planted. */
static const struct known {
    int item;
    const char *table, *check;
    size_t rows; /* 0: as many as there are */
} knowns[] = {
    {4, "gemm_h100sxm_trtllm1.3.0rc20.csv.gz", "in_cache", 57},
    {4, "aiconfigurator/gemm/l40s_vllm-0.24.0.csv", "in_cache", 0},
    {5, "serving_e2e_ttft_tpot.csv.gz", "offered_concurrency", 0},
    {5, "serving_e2e_ttft_tpot.csv.gz", "no_batch", 1199},
    {5, "serving_e2e_ttft_tpot.csv.gz", "repeated_key", 0},
    {8, "argonne-llm-inference-bench/power_results.csv", "milliwatts", 48},
    {8, "argonne-llm-inference-bench/power_results.csv", "all_tokens", 48},
    {9, "llmcompass/matmul_A100.csv", "timing_floor", 0},
    {10, "aiconfigurator/gemm_power/h200_sxm_vllm-0.22.0.csv", "power_jump", 0},
};
enum { N_ITEMS = 10 };

typedef struct tally {
    bool there[N_ITEMS + 1], missed[N_ITEMS + 1];
} tally;

/* Nothing, of a table that is not there. */
static rg_status lint_measured(perf_scoring *s, const char *name, rg_lint *out) {
    lint l;
    char path[4096], *text = NULL;
    size_t size = 0;
    const rg_lint_options options = {.data_dir = s->data_dir};
    *out = (rg_lint){0};
    if (!perf_score_find(s, name, path, sizeof path)) return RG_OK;
    RG_TRY(lint_open(&l, &options, s->err));
    rg_status status = rg_file_read(path, (size_t)1 << 28, &text, &size, s->err);
    if (status == RG_OK) status = lint_text(&l, name, text, size);
    free(text);
    lint_close(&l);
    *out = l.out;
    if (status != RG_OK) rg_lint_close(out);
    return status;
}

static bool has_finding(const rg_lint *found, const char *check, size_t rows) {
    for (size_t i = 0; i < found->n; i++)
        if (strcmp(found->finding[i].check, check) == 0 && (!rows || found->finding[i].n == rows))
            return true;
    return false;
}

static rg_status find_known(perf_scoring *s, tally *t) {
    const size_t n = sizeof knowns / sizeof *knowns;
    rg_lint found = {0};
    for (size_t i = 0; i < n; i++) { /* those of one table side by side */
        if (i && strcmp(knowns[i].table, knowns[i - 1].table) != 0) rg_lint_close(&found);
        if (!found.n_files) RG_TRY(lint_measured(s, knowns[i].table, &found));
        if (!found.n_files) continue;
        t->there[knowns[i].item] = true;
        t->missed[knowns[i].item] |= !has_finding(&found, knowns[i].check, knowns[i].rows);
    }
    rg_lint_close(&found);
    return RG_OK;
}

static rg_status find_planted(perf_scoring *s, tally *t) {
    for (size_t i = 0; i < lint_n_plants; i++) {
        bool found;
        const int item = lint_plants[i].item;
        RG_TRY(lint_find_planted(&lint_plants[i], s->data_dir, &found, s->err));
        t->there[item] = true;
        t->missed[item] |= !found;
    }
    return RG_OK;
}

/* Whatever is found in the tables of operators, but for what a cache, a protocol or a floor explains by a
   number of its own. */
static bool is_explained(const char *check) {
    static const char *const checks[] = {"in_cache", "type_protocol", "timing_floor", "power_jump",
                                         "power_short"};
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (strcmp(check, checks[i]) == 0) return true;
    return false;
}

static rg_status count_alarms(perf_scoring *s, size_t *rows, size_t *alarms) {
    for (size_t i = 0; i < perf_score_n_sources; i++) {
        rg_lint found;
        RG_TRY(lint_measured(s, perf_score_sources[i].table, &found));
        *rows += found.n_rows;
        for (size_t k = 0; k < found.n; k++)
            if (!is_explained(found.finding[k].check)) *alarms += found.finding[k].n;
        rg_lint_close(&found);
    }
    return RG_OK;
}

rg_status perf_score_lint(perf_scoring *s) {
    tally t = {0};
    size_t n = 0, found = 0, rows = 0, alarms = 0;
    char name[128];
    RG_TRY(find_known(s, &t));
    RG_TRY(find_planted(s, &t));
    RG_TRY(count_alarms(s, &rows, &alarms));
    for (int i = 1; i <= N_ITEMS; i++) {
        n += t.there[i];
        found += t.there[i] && !t.missed[i];
    }
    const double share = (double)found / (double)n;
    snprintf(name, sizeof name, "known defects found, %zu kinds in the tables or planted", n);
    RG_TRY(perf_score_add(
        s, (rg_score_row){"Q20", NULL, NULL, n, share, 1, 1, NAN, found == n && !t.missed[0]}, name));
    return perf_score_add_error(s, "Q20", "rows of operator tables that are reported without a known defect",
                                rows, (double)alarms / (double)rows, 0.01, 0.001, NAN);
}
