/* Score card: the same constants on another laboratory's runs (Q14-lab, beside the goal's own data): whole
   batches of equal prompts and answers, on chips and engine versions of which the constants saw some or none.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/calibrate/csv.h"
#include "perf/score/score.h"
#include "perf/serve/serve.h"

static const char table[] = "argonne-llm-inference-bench/All_results.csv";

static const struct name {
    const char *in_cell, *id;
} models[] = {{"Llama-2-7b", "llama-2-7b"},
              {"Llama-2-70b", "llama-2-70b"},
              {"Llama-3-8B", "llama-3.1-8b"}, /* of the same shapes */
              {"Llama-3-70B", "llama-3.1-70b"},
              {"Mistral-7B", "mistral-7b-v0.1"}},
  chips[] = {{"H100", "h100"}, {"A100", "a100-sxm-40"}, {"MI300X", "mi300x"}, {"MI250", "mi250x"}},
  engines[] = {{"TensorRT-LLM", "trtllm"}, {"vLLM", "vllm"}};

static const char *id_of(const struct name *names, size_t n, const char *cell) {
    for (size_t i = 0; cell && i < n; i++)
        if (strstr(cell, names[i].in_cell)) return names[i].id;
    return NULL;
}
#define ID_OF(names, cell) id_of(names, sizeof names / sizeof *names, cell)

typedef struct partition {
    const char *name, *chip[2], *engine;
    perf_errors error, bound;
} partition;

typedef struct lab {
    perf_scoring *s;
    perf_csv csv;
    char key[160]; /* what is open */
    bool open;
    rg_graph graph;
    rg_system system;
    perf_pool pool;
} lab;

static void close_lab(lab *l) {
    if (!l->open) return;
    perf_pool_close(&l->pool);
    rg_system_close(&l->system);
    rg_graph_close(&l->graph);
    l->open = false;
}

static rg_status open_lab(lab *l, const char *model, const char *chip, int64_t ranks) {
    char key[160], text[32];
    rg_layout layout;
    rg_error *err = l->s->err;
    snprintf(key, sizeof key, "%s|%s|%lld", model, chip, (long long)ranks);
    if (l->open && strcmp(key, l->key) == 0) return RG_OK;
    close_lab(l);
    snprintf(l->key, sizeof l->key, "%s", key);
    snprintf(text, sizeof text, "tp=%lld", (long long)ranks);
    RG_TRY(rg_layout_parse(text, &layout, err));
    RG_TRY(rg_graph_from_name(&l->graph, model, l->s->data_dir, err));
    rg_status status = rg_system_open(&l->system, chip, l->s->data_dir, err);
    if (status == RG_OK) {
        status = perf_pool_open(&l->pool, &l->graph, &l->system, &layout, NULL, err);
        if (status != RG_OK) rg_system_close(&l->system);
    }
    if (status != RG_OK) rg_graph_close(&l->graph);
    l->open = status == RG_OK;
    return status;
}

/* All prompts, then as many steps as an answer has tokens, at the mean length. */
static rg_status time_of(lab *l, const char *engine, double length, double batch, double *time_s,
                         double *bound_s) {
    double c[PERF_SERVE_N], part[RG_SERVE_N_PARTS];
    perf_serve_pass step, prompt;
    perf_serve_constants(l->s->all, engine, c);
    RG_TRY(perf_pool_step(&l->pool, batch, floor(1.5 * length), 1, &step, l->s->err));
    RG_TRY(perf_pool_prompt(&l->pool, length, 0, 1, &prompt, l->s->err));
    perf_serve_parts(&step, c, part);
    const double host_s = c[PERF_SERVE_HOST] + batch * c[PERF_SERVE_SEQUENCE];
    *time_s = length * (perf_serve_sum(part) + host_s) + batch * perf_serve_prompt_work(&prompt, c);
    *bound_s = length * step.bound_s;
    return RG_OK;
}

static rg_status add_row(lab *l, size_t i, partition *parts, size_t n_parts) {
    const char *model = ID_OF(models, perf_csv_cell(&l->csv, i, "Model")),
               *chip = ID_OF(chips, perf_csv_cell(&l->csv, i, "Hardware")),
               *engine = ID_OF(engines, perf_csv_cell(&l->csv, i, "Framework"));
    const double ranks = perf_csv_number(&l->csv, i, "Num of Hardware"),
                 length = perf_csv_number(&l->csv, i, "Input Output Length"),
                 batch = perf_csv_number(&l->csv, i, "Batch Size"),
                 measured_s = perf_csv_number(&l->csv, i, "Latency");
    double time_s, bound_s;
    if (!model || !chip || !engine || !(ranks >= 1 && ranks <= 8) || !(length >= 1 && length <= 1e6) ||
        !(batch >= 1 && batch <= 1e6) || !(measured_s > 0))
        return RG_OK;
    RG_TRY(open_lab(l, model, chip, (int64_t)ranks));
    perf_pool_room(&l->pool, floor(1.5 * length), 0, 0);
    if (batch > l->pool.max_batch) return RG_OK; /* ran in waves */
    RG_TRY(time_of(l, engine, length, batch, &time_s, &bound_s));
    for (size_t k = 0; k < n_parts; k++) {
        partition *p = &parts[k];
        if (strcmp(p->engine, engine) != 0 ||
            (strcmp(p->chip[0], chip) != 0 && strcmp(p->chip[1], chip) != 0))
            continue;
        perf_errors_add(&p->error, measured_s, time_s, 0, 0);
        perf_errors_add(&p->bound, measured_s, bound_s, 0, 0);
    }
    return RG_OK;
}

static rg_status add_partition(perf_scoring *s, partition *p) {
    const rg_fit_score e = perf_errors_score(&p->error), bound = perf_errors_score(&p->bound);
    const bool failed = p->error.failed || p->bound.failed;
    perf_errors_free(&p->error);
    perf_errors_free(&p->bound);
    if (failed) return perf_score_no_memory(s);
    return perf_score_add_error(s, "Q14-lab", p->name, e.n, e.mape, 0.15, 0.10, bound.mape);
}

rg_status perf_score_serving_lab(perf_scoring *s) {
    partition parts[] = {
        {"another lab, whole batches, H100, TensorRT-LLM", {"h100", "h100"}, "trtllm"},
        {"another lab, whole batches, H100, vLLM of 2024", {"h100", "h100"}, "vllm"},
        {"another lab, whole batches, A100, TensorRT-LLM", {"a100-sxm-40", ""}, "trtllm"},
        {"another lab, whole batches, A100, vLLM of 2024", {"a100-sxm-40", ""}, "vllm"},
        {"another lab, whole batches, MI250, MI300X, vLLM of 2024", {"mi300x", "mi250x"}, "vllm"}};
    enum { N = sizeof parts / sizeof *parts };
    char path[4096];
    if (!perf_score_open(s, table, path, sizeof path)) return RG_OK;
    lab l = {.s = s};
    RG_TRY(perf_csv_read(&l.csv, path, s->err));
    rg_status status = RG_OK;
    for (size_t i = 0; status == RG_OK && i < l.csv.n_rows; i++) status = add_row(&l, i, parts, N);
    close_lab(&l);
    perf_csv_close(&l.csv);
    for (size_t k = 0; k < N; k++) {
        const rg_status added = add_partition(s, &parts[k]);
        if (status == RG_OK) status = added;
    }
    return status;
}
