/* Training: FLOP, days, chips, utilisation. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

#define DAY_S 86400.0

/* ---- scaling book: Llama-3-70B on v5p; 70e9 parameters, as the book rounds -------------------------------
 */

static const double book_parameters = 70e9, book_tokens = 15e12;

static void total_flop(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 6 * book_parameters * book_tokens;
    ref_note(a, "70e9 parameters, as the book rounds; the model has %.4g, which makes %.3g FLOP",
             ref_parameters("llama-3.1-70b"), 6 * ref_parameters("llama-3.1-70b") * book_tokens);
}

static double days(double flop, double chips, double utilisation) {
    return flop / (chips * ref_rate("tpu-v5p", "bf16") * utilisation) / DAY_S;
}

static void pod_days(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] =
        days(6 * ref_parameters("llama-3.1-70b") * book_tokens, ref_number("tpu-v5p", "scaleup.domain"), 0.4);
}

static void larger_days(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = days(6 * ref_parameters("llama-3.1-70b") * book_tokens, 18823, 0.5);
}

/* Weights in bf16, two moments in fp32, four inputs of d features kept per layer and token. */
static double memory_70b(void) {
    rg_graph g = ref_model("llama-3.1-70b");
    const double n = rg_graph_total(&g, 1).parameters_total;
    const double kept = 4 * 2 * (double)g.hidden_size * (double)g.n_layers * 4e6;
    rg_graph_close(&g);
    return 2 * n + 8 * n + kept;
}

static void memory(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = memory_70b();
}

static void least_chips(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_chip chip = ref_chip("tpu-v5p", "memory.capacity=96GB");
    a->value[0] = 21.6e12 / chip.memory_bytes.value;
    ref_note(a, "21.6 TB and 96 GB, as the row says; %.4g TB on chips of 95 GB take %.0f",
             memory_70b() / 1e12, ceil(memory_70b() / ref_number("tpu-v5p", "memory.capacity")));
    rg_chip_close(&chip);
}

static void tokens_per_chip(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 4 * 1048576.0 / ref_number("tpu-v5p", "scaleup.domain");
}

static void deepseek_hopper(const ref_row *row, ref_answer *a) {
    (void)row;
    const double flop = 6 * 37e9 * 14.8e12, chip_s = 2.79e6 * 3600;
    rg_graph g = ref_model("deepseek-v3");
    const double active = rg_graph_total(&g, 1).parameters_active;
    rg_chip chip = ref_chip("h800-sxm", "fp8=1513e12");
    rg_error err = {0};
    double peak;
    ref_must(rg_chip_rate_of(&chip, "fp8", &peak, &err), &err);
    a->value[0] = flop / (chip_s * peak);
    ref_note(a,
             "37e9 active parameters, as published (counted %.4g); peak of the PCIe card; SXM's gives %.3f",
             active, flop / (chip_s * ref_rate("h800-sxm", "fp8")));
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

/* ---- Megatron ----------------------------------------------------------------------------------------- */

static void days_of_8tp(double tokens, double parameters, double chips, double flop_per_s, ref_answer *a) {
    a->value[0] = 8 * tokens * parameters / (chips * flop_per_s) / DAY_S;
}

static void days_175b(const ref_row *row, ref_answer *a) {
    (void)row;
    days_of_8tp(300e9, ref_parameters("gpt3-175b"), 1024, 140e12, a);
}

static void days_1t(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_gpt(128, 25600, 160, 51200, 2048);
    days_of_8tp(450e9, rg_graph_total(&g, 1).parameters_total, 3072, 163e12, a);
    rg_graph_close(&g);
}

/* ---- FLOP per token, utilisation ------------------------------------------------------------------------
 */

static double deepseek_flop(bool causal) {
    rg_graph g = ref_model("deepseek-v3");
    const double flop = 3 * ref_forward_flop(&g, 4096, causal);
    rg_graph_close(&g);
    return flop;
}

/* What a drafting module of the checkpoint adds to a token: one more layer, the joint of two rows, the head.
 */
static double drafting_flop(const rg_graph *g, double length) {
    if (g->parameters_mtp == 0) return 0;
    const double d = (double)g->hidden_size;
    double flop = 2 * 2 * d * d + 2 * d * (double)g->vocab_size;
    for (size_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].layer == g->n_layers - 1)
            flop += rg_graph_count_node(g, i, RG_PREFILL, 1, length).matrix_flop / length;
    return flop;
}

static void two_models(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-3.1-405b");
    a->value[0] = deepseek_flop(true) / 1e9;
    a->value[1] = 3 * ref_forward_flop(&g, 4096, true) / 1e9;
    ref_note(a, "without a mask DeepSeek-V3 has %.0f", deepseek_flop(false) / 1e9);
    rg_graph_close(&g);
}

static void deepseek_mfu(const ref_row *row, ref_answer *a) {
    (void)row;
    const double done = 14.8e12 / (2.664e6 * 3600 * ref_rate("h800-sxm", "bf16"));
    a->value[0] = 100 * done * deepseek_flop(false);
    a->value[1] = 100 * done * deepseek_flop(true);
}

static void llama_405b_flop(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 6 * ref_parameters("llama-3.1-405b") * 15.6e12;
}

/* TF/s that the published token rate comes to; the rate itself is an input. */
static void bridge(const ref_row *row, ref_answer *a) {
    static const struct {
        const char *row, *model;
        double length;
    } models[] = {{"LLAMA3.1_405B", "llama-3.1-405b", 8192},
                  {"DeepSeekV3", "deepseek-v3", 4096},
                  {"Qwen3_235B", "qwen3-235b-a22b", 4096},
                  {"Qwen3_30B", "qwen3-30b-a3b", 4096},
                  {"GPT_OSS_120B", "gpt-oss-120b", 4096}};
    for (size_t i = 0; i < sizeof models / sizeof *models; i++) {
        if (!strstr(row->id, models[i].row)) continue;
        rg_graph g = ref_model(models[i].model);
        const double drafting = drafting_flop(&g, models[i].length);
        const double flop = 3 * (ref_forward_flop(&g, models[i].length, true) + drafting);
        a->value[1] = row->published[0] * flop / 1e12;
        ref_note(a, "%.1f GFLOP/token, causal%s", flop / 1e9,
                 drafting > 0 ? ", with one drafting module" : "");
        rg_graph_close(&g);
    }
}

/* 6 N + 12 L d s per token, N every parameter. */
double ref_mfu(const rg_graph *g, double length, double tokens_per_s, double peak) {
    const double flop = 6 * rg_graph_total(g, 1).parameters_total + 3 * ref_attention_flop(g, length, false);
    return flop * tokens_per_s / peak;
}

static const double h100_foundry = 989.5e12; /* as llm-foundry takes it */

static void mpt(const ref_row *row, ref_answer *a) {
    const bool large = strcmp(row->id, "mpt-70b") == 0;
    rg_graph g = large ? ref_gpt(80, 8192, 64, 50368, 2048) : ref_gpt(32, 4096, 32, 50368, 2048);
    a->value[0] = 100 * ref_mfu(&g, 2048, large ? 1007 : 10475, h100_foundry);
    if (row->n > 1) a->value[1] = a->value[0] * 4 / 3;
    ref_note(a, "%.0f parameters", rg_graph_total(&g, 1).parameters_total);
    rg_graph_close(&g);
}

static void palm_mfu(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("palm-540b");
    const double peak = 6144 * ref_rate("tpu-v4", "bf16");
    a->value[0] = 100 * ref_mfu(&g, 2048, 238.3e3, peak);
    ref_note(a, "without attention %.1f", 100 * 6 * rg_graph_total(&g, 1).parameters_total * 238.3e3 / peak);
    rg_graph_close(&g);
}

/* ---- what follows from three numbers ------------------------------------------------------------------- */

static void hours(const ref_row *row, ref_answer *a) {
    a->value[0] = 14.8 * 180e3;
    if (strcmp(row->id, "ds-7") == 0) a->value[0] += 119e3 + 5e3;
}

/* 6 N D of "0.4B / 8.0B". */
static void chinchilla(const ref_row *row, ref_answer *a) {
    char *end;
    const char *at = strrchr(row->quantity, 'l') + 1;
    const double n = strtod(at, &end) * (*end == 'T' ? 1e12 : 1e9);
    const double d = strtod(strchr(end, '/') + 1, &end) * (*end == 'T' ? 1e12 : 1e9);
    a->value[0] = 6 * n * d;
}

static void loss(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 1.69 + 406.4 * pow(70e9, -0.34) + 410.7 * pow(1.4e12, -0.28);
    a->value[1] = 1.69 + 406.4 * pow(280e9, -0.34) + 410.7 * pow(300e9, -0.28);
}

const ref_family ref_train_rows[] = {{"jax-07", total_flop},
                                     {"jax-08", pod_days},
                                     {"jax-09", memory},
                                     {"jax-10", least_chips},
                                     {"jax-11", tokens_per_chip},
                                     {"jax-15", larger_days},
                                     {"jax-35", deepseek_hopper},
                                     {"meg21-t1", days_175b},
                                     {"meg21-t2", days_1t},
                                     {"llama3-d", llama_405b_flop},
                                     {"mbr-*", bridge},
                                     {"mpt-*", mpt},
                                     {"palm-1", palm_mfu},
                                     {"ds-2", two_models},
                                     {"ds-6", hours},
                                     {"ds-7", hours},
                                     {"ds-8", deepseek_mfu},
                                     {"chin-fit", loss},
                                     {"chin-*", chinchilla},
                                     {NULL}};
