/* Tables of training throughput: MPT models of llm-foundry, Megatron-Bridge. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/train/train_cases.h"

static bool says(const perf_csv *t, size_t row, const char *column, const char *text) {
    const char *cell = perf_csv_cell(t, row, column);
    return cell && strcmp(cell, text) == 0;
}

static rg_status read_rows(perf_scoring *s, const char *name, perf_train_set *out,
                           rg_status (*add)(perf_scoring *s, perf_train_set *set, const perf_csv *t,
                                            size_t row)) {
    char path[4096];
    perf_csv t;
    rg_status status = RG_OK;
    if (!perf_score_open(s, name, path, sizeof path)) return RG_OK;
    RG_TRY(perf_csv_read(&t, path, s->err));
    out->n_rows = t.n_rows;
    for (size_t i = 0; status == RG_OK && i < t.n_rows; i++) status = add(s, out, &t, i);
    perf_csv_close(&t);
    return status;
}

/* ---- llm-foundry ------------------------------------------------------------------------------------- */

/* GPT-2 with a vocabulary of 50368: the parameter counts of the table are met exactly. */
static const struct mpt {
    const char *name;
    double hidden, heads, layers;
} mpts[] = {{"125m", 768, 12, 12}, {"350m", 1024, 16, 24}, {"760m", 1536, 12, 24},
            {"1b", 2048, 16, 24},  {"3b", 2560, 20, 32},   {"7b", 4096, 32, 32},
            {"13b", 5120, 40, 40}, {"30b", 7168, 56, 48},  {"70b", 8192, 64, 80}};

static const char *const mpt_systems[][2] = {
    {"a100_40gb", "dgx-a100-40"}, {"a100_80gb", "dgx-a100"}, {"h100_80gb", "dgx-h100"}};

static rg_status add_mpt(perf_scoring *s, perf_train_set *set, const perf_csv *t, size_t row) {
    const char *model = perf_csv_cell(t, row, "model"), *gpu = perf_csv_cell(t, row, "gpu");
    const double sequence = perf_csv_number(t, row, "seqlen");
    const bool pure = says(t, row, "mp_mode", "PURE");
    char name[96], layout[160];
    size_t i = 0, at = 0;
    while (i < sizeof mpts / sizeof *mpts && strcmp(mpts[i].name, model) != 0) i++;
    while (at < 3 && strcmp(mpt_systems[at][0], gpu) != 0) at++;
    if (i == sizeof mpts / sizeof *mpts || at == 3) return RG_OK;
    perf_train_case c = {.request = {.sequence = sequence,
                                     .global_batch = perf_csv_number(t, row, "global_batch"),
                                     .attention = RG_TRAIN_FLASH1,
                                     .stops_early = true,
                                     .weight_bytes = 2,
                                     .gradient_bytes = pure ? 2 : 4,
                                     .optimizer_bytes = pure ? 4 : 12},
                         .measured_s = perf_csv_number(t, row, "global_batch") * sequence /
                                       perf_csv_number(t, row, "tok_per_s")};
    if (says(t, row, "precision", "amp_fp8"))
        c.request.policy = "w=e4m3fn(scale=tensor),a=e4m3fn(scale=tensor)";
    snprintf(name, sizeof name, "mpt-%s-%.0f", model, sequence);
    snprintf(c.name, sizeof c.name, "%s %s x %s", name, perf_csv_cell(t, row, "num_gpus"), gpu);
    snprintf(c.model, sizeof c.model, "%s", model);
    snprintf(c.family, sizeof c.family, "%s", model);
    RG_TRY(perf_train_gpt(s, set, name, mpts[i].layers, mpts[i].hidden, mpts[i].heads, sequence, 50368,
                          &c.graph));
    RG_TRY(perf_train_system(s, set, mpt_systems[at][1], &c.system));
    snprintf(layout, sizeof layout, "tp=1,dp=%s,mbs=%s,zero=%d%s", perf_csv_cell(t, row, "num_gpus"),
             perf_csv_cell(t, row, "microbatch"), says(t, row, "sharding", "FULL_SHARD") ? 3 : 2,
             says(t, row, "act_ckpt", "True") ? ",recompute=full" : "");
    return perf_train_add_case(s, set, &c, layout);
}

rg_status perf_train_mpt(perf_scoring *s, perf_train_set *out) {
    return read_rows(s, "training-tables/llm_foundry_mpt.csv", out, add_mpt);
}

/* ---- Megatron-Bridge --------------------------------------------------------------------------------- */

/* No configuration of Nemotron 3 Super, Ultra and 3.5 Lightning is at hand: their rows are left out. */
static const struct bridge {
    const char *name, *config;
    bool experts;
} bridges[] = {{"LLAMA3_8B", "llama-3.1-8b", false},
               {"LLAMA3_70B", "llama-3.1-70b", false},
               {"LLAMA3.1_405B", "llama-3.1-405b", false},
               {"Qwen3_30B_a3B", "qwen3-30b-a3b", true},
               {"Qwen3_235B_a22B", "qwen3-235b-a22b", true},
               {"GPT OSS 120B", "gpt-oss-120b", true},
               {"DeepSeekV3", "deepseek-v3", true},
               {"DeepSeekV4 Flash", "deepseek-v4-flash", true},
               {"Kimi_K2", "kimi-k2", true},
               {"Nemotron_3_Nano", "nemotron-3-nano-30b-a3b", true}};

static const char *const bridge_systems[][2] = {{"DGX-GB300", "gb300-nvl72"},
                                                {"DGX-GB200", "gb200-nvl72"},
                                                {"DGX-B300", "dgx-b300"},
                                                {"DGX-B200", "dgx-b200"},
                                                {"DGX-H100", "dgx-h100"}};

/* Of two precisions in one cell the first; none is named in the oldest rows, whose figures are those of FP8
   in the release after. */
static const char *policy_of(const char *precision) {
    if (strncmp(precision, "BF16", 4) == 0) return NULL;
    if (strncmp(precision, "NVFP4", 5) == 0) return "w=nvfp4,a=nvfp4";
    if (strncmp(precision, "MXFP8", 5) == 0 || strncmp(precision, "FP8-MX", 6) == 0) return "w=mxfp8,a=mxfp8";
    return "w=e4m3fn(scale=tensor),a=e4m3fn(scale=tensor)";
}

static double number_or(const perf_csv *t, size_t row, const char *column, double otherwise) {
    const double x = perf_csv_number(t, row, column);
    return isnan(x) ? otherwise : x;
}

/* A name may be followed by a remark: "DeepSeekV3 (w/o MTP)". */
static const struct bridge *model_of(const char *name) {
    for (size_t i = 0; i < sizeof bridges / sizeof *bridges; i++) {
        const size_t n = strlen(bridges[i].name);
        if (strncmp(name, bridges[i].name, n) == 0 && (!name[n] || strncmp(name + n, " (", 2) == 0))
            return &bridges[i];
    }
    return NULL;
}

/* Software whose constants count. With release 26.06 layers of experts became a quarter faster. Clamped gates
   (gpt-oss) were slow before; a footnote says that 26.06.01 was measured that way. Hybrids of recurrences and
   attention did not change. */
static const char *stack_of(const perf_csv *t, size_t row, const struct bridge *b) {
    const bool newer = strncmp(perf_csv_cell(t, row, "release"), "26.06", 5) >= 0 &&
                       !strstr(perf_csv_cell(t, row, "model_tflops_per_gpu"), "gpt-oss-note");
    if (!b->experts) return "megatron-bridge";
    if (strncmp(b->config, "nemotron", 8) == 0) return "megatron-bridge-moe-hybrid";
    if (newer) return "megatron-bridge-moe-26.06";
    return strncmp(b->config, "gpt-oss", 7) == 0 ? "megatron-bridge-moe-clamped" : "megatron-bridge-moe";
}

static rg_status add_bridge(perf_scoring *s, perf_train_set *set, const perf_csv *t, size_t row) {
    const struct bridge *b = model_of(perf_csv_cell(t, row, "model"));
    const char *system = perf_csv_cell(t, row, "system"), *precision = perf_csv_cell(t, row, "precision");
    const double chips = perf_csv_number(t, row, "num_gpus"), tp = number_or(t, row, "tp", 1),
                 pp = number_or(t, row, "pp", 1), cp = number_or(t, row, "cp", 1);
    char layout[200];
    size_t at = 0;
    while (at < 5 && strcmp(bridge_systems[at][0], system) != 0) at++;
    if (!b || at == 5) return RG_OK;
    const double batch = perf_csv_number(t, row, "gbs"), sequence = perf_csv_number(t, row, "seqlen");
    perf_train_case c = {.request = {.sequence = sequence,
                                     .global_batch = batch,
                                     .policy = policy_of(precision),
                                     .frozen = strncmp(perf_csv_cell(t, row, "task"), "LoRA", 4) == 0},
                         .measured_s =
                             batch * sequence / (chips * perf_csv_number(t, row, "tok_per_s_per_gpu")),
                         .experts = b->experts};
    snprintf(c.name, sizeof c.name, "%s %s x %.0f %s, %s", b->name, system, chips, precision,
             perf_csv_cell(t, row, "release"));
    snprintf(c.family, sizeof c.family, "%s %s %s", b->name, system, precision);
    snprintf(c.model, sizeof c.model, "%s", b->name);
    snprintf(c.stack, sizeof c.stack, "%s", stack_of(t, row, b));
    RG_TRY(perf_train_graph(s, set, b->config, NULL, &c.graph));
    RG_TRY(perf_train_system(s, set, bridge_systems[at][1], &c.system));
    snprintf(layout, sizeof layout, "tp=%.0f,pp=%.0f,cp=%.0f,dp=%.0f,ep=%.0f,vp=%.0f,mbs=%.0f,zero=%d,sp=%d",
             tp, pp, cp, floor(chips / (tp * pp * cp)), number_or(t, row, "ep", 1),
             pp > 1 ? number_or(t, row, "vp", 1) : 1, perf_csv_number(t, row, "mbs"),
             number_or(t, row, "fsdp", 0) > 0 ? 3 : 1, tp > 1);
    return perf_train_add_case(s, set, &c, layout);
}

rg_status perf_train_bridge(perf_scoring *s, perf_train_set *out) {
    return read_rows(s, "training-tables/megatron_bridge.csv", out, add_bridge);
}
