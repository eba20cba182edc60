/* Megatron's papers: ten models of 2021, iteration times of 2022. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/train/train_cases.h"

rg_status perf_train_gpt(perf_scoring *s, perf_train_set *set, const char *name, double layers, double hidden,
                         double heads, double positions, double vocabulary, const rg_graph **out) {
    char config[400];
    snprintf(config, sizeof config,
             "model_type: gpt2\nn_embd: %.0f\nn_layer: %.0f\nn_head: %.0f\nn_positions: %.0f\n"
             "vocab_size: %.0f\nactivation_function: gelu\ntie_word_embeddings: true\n",
             hidden, layers, heads, positions, vocabulary);
    return perf_train_graph(s, set, name, config, out);
}

/* Masks behind scores and blocks, scores written, gradients reduced when all is done. */
static rg_train_request as_published(double batch) {
    return (rg_train_request){.sequence = 2048,
                              .global_batch = batch,
                              .attention = RG_TRAIN_UNFUSED,
                              .dropout = true,
                              .serial = true};
}

/* ---- 2021 -------------------------------------------------------------------------------------------- */

/* The paper does not say how many sequences a microbatch has: the one that this model finds fastest, up to
   what fits. */
static rg_status add_2021(perf_scoring *s, perf_train_set *set, const perf_train_case *from, double tp,
                          double pp, double chips) {
    perf_train_set tried = {.n = 0};
    const double dp = chips / (tp * pp);
    rg_status status = RG_OK;
    double best_s = INFINITY;
    size_t best = 0;
    for (double mbs = 1; status == RG_OK && mbs <= 16; mbs *= 2) {
        char layout[160];
        perf_train_constants k;
        rg_train_step step;
        if (fmod(from->request.global_batch, dp * mbs) != 0) break;
        snprintf(layout, sizeof layout, "tp=%.0f,pp=%.0f,dp=%.0f,mbs=%.0f,recompute=full", tp, pp, dp, mbs);
        status = perf_train_add_case(s, &tried, from, layout);
        if (status != RG_OK) break;
        perf_train_case_constants(s, &tried.item[tried.n - 1], &k);
        perf_train_case_step(&tried.item[tried.n - 1], &k, &step);
        if (mbs > 1 && !(step.fits && step.estimate_s < best_s)) continue;
        best_s = step.estimate_s;
        best = tried.n - 1;
    }
    if (status == RG_OK && tried.n) status = perf_train_keep(s, set, &tried.item[best]);
    rg_arena_free(&tried.arena);
    return status;
}

static rg_status row_2021(perf_scoring *s, perf_train_set *set, const perf_csv *t, size_t row) {
    double heads, hidden, layers, tp, pp, chips, batch, sequence, vocabulary;
    const char *id = perf_csv_cell(t, row, "id"), *inputs = perf_csv_cell(t, row, "inputs");
    const double published = 1e12 * perf_csv_number(t, row, "published");
    if (strncmp(id, "meg21-", 6) != 0 ||
        sscanf(inputs, "heads %lf hidden %lf layers %lf TP%lf PP%lf GPUs %lf batch %lf seq %lf vocab %lf",
               &heads, &hidden, &layers, &tp, &pp, &chips, &batch, &sequence, &vocabulary) != 9)
        return RG_OK;
    perf_train_case c = {.request = as_published(batch)};
    set->n_rows++;
    snprintf(c.name, sizeof c.name, "%s", id);
    snprintf(c.family, sizeof c.family, "%s", id);
    RG_TRY(perf_train_gpt(s, set, id, layers, hidden, heads, sequence, vocabulary, &c.graph));
    RG_TRY(perf_train_system(s, set, "dgx-a100", &c.system));
    c.request.sequence = sequence;
    c.measured_s = 96 * batch * sequence * layers * hidden * hidden *
                   (1 + sequence / (6 * hidden) + vocabulary / (16 * layers * hidden)) / (published * chips);
    return add_2021(s, set, &c, tp, pp, chips);
}

rg_status perf_train_megatron_2021(perf_scoring *s, perf_train_set *out) {
    char path[4096];
    perf_csv t;
    rg_status status = RG_OK;
    if (!perf_score_open(s, "../reference/reference-numbers.csv", path, sizeof path)) return RG_OK;
    RG_TRY(perf_csv_read(&t, path, s->err));
    for (size_t i = 0; status == RG_OK && i < t.n_rows; i++) status = row_2021(s, out, &t, i);
    perf_csv_close(&t);
    return status;
}

/* ---- 2022 -------------------------------------------------------------------------------------------- */

static const struct megatron {
    const char *name;
    double layers, hidden, heads;
} models[] = {{"megatron-22B", 48, 6144, 64},
              {"gpt3-175B", 96, 12288, 96},
              {"turing-530B", 105, 20480, 128},
              {"megatron-1T", 128, 25600, 160}};

/* How the paper computes again: scores alone, with sequence parallelism; all; nothing. */
static const char *again_text(const char *mode) {
    return strcmp(mode, "full") == 0   ? "recompute=full"
           : strcmp(mode, "none") == 0 ? "recompute=none"
                                       : "sp=1,recompute=selective";
}

static rg_status add_2022(perf_scoring *s, perf_train_set *set, const perf_csv *t, size_t row,
                          const char *mode, double measured_s) {
    const char *model = perf_csv_cell(t, row, "model");
    char layout[160];
    size_t i = 0;
    while (i < 4 && strcmp(models[i].name, model) != 0) i++;
    set->n_rows++;
    if (i == 4) return RG_OK;
    perf_train_case c = {.request = as_published(perf_csv_number(t, row, "global_batch")),
                         .measured_s = measured_s};
    snprintf(c.name, sizeof c.name, "%s %s", model, mode);
    snprintf(c.family, sizeof c.family, "%s", model);
    snprintf(c.model, sizeof c.model, "%s", model);
    snprintf(c.mode, sizeof c.mode, "%s", mode);
    snprintf(c.stack, sizeof c.stack, "megatron");
    RG_TRY(perf_train_gpt(s, set, model, models[i].layers, models[i].hidden, models[i].heads, 2048, 51200,
                          &c.graph));
    RG_TRY(perf_train_system(s, set, "dgx-a100", &c.system));
    snprintf(layout, sizeof layout, "tp=%.0f,pp=%.0f,dp=%.0f,mbs=%.0f,vp=%.0f,%s",
             perf_csv_number(t, row, "tp"), perf_csv_number(t, row, "pp"), perf_csv_number(t, row, "dp"),
             perf_csv_number(t, row, "microbatch"), perf_csv_number(t, row, "interleave"), again_text(mode));
    return perf_train_add_case(s, set, &c, layout);
}

static rg_status read_2022(perf_scoring *s, perf_train_set *out, bool modes) {
    char path[4096];
    perf_csv t;
    rg_status status = RG_OK;
    if (!perf_score_open(s, "calculon-validation/megatron_seqsel_e2e.csv", path, sizeof path)) return RG_OK;
    RG_TRY(perf_csv_read(&t, path, s->err));
    for (size_t i = 0; status == RG_OK && i < t.n_rows; i++) {
        const char *mode = perf_csv_cell(&t, i, "recompute");
        if (modes && strcmp(mode, "full") == 0) mode = "none";
        status = add_2022(s, out, &t, i, mode, perf_csv_number(&t, i, "measured_iter_s"));
    }
    perf_csv_close(&t);
    return status;
}

rg_status perf_train_megatron_2022(perf_scoring *s, perf_train_set *out) {
    return read_2022(s, out, false);
}

rg_status perf_train_megatron_modes(perf_scoring *s, perf_train_set *out) {
    return read_2022(s, out, true);
}
