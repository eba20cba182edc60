/* Rates, bandwidths and where they meet. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference/reference.h"

/* Sequences at which a layer of Llama's MLP, in these formats, takes as long to multiply as to read. */
static double critical_batch(const char *chip_id, const char *set, const char *policy) {
    rg_graph g = ref_model("llama-3.1-70b");
    rg_chip chip = ref_chip(chip_id, set);
    rg_roof roof;
    rg_error err = {0};
    double batch = NAN;
    ref_must(rg_roof_explain(&roof, &g, &chip, RG_DECODE, 1, 1, policy, &err), &err);
    for (size_t i = 0; i < roof.n_operators; i++)
        if (strcmp(roof.op[i].name, "mlp.gate_proj") == 0) batch = roof.op[i].memory_s / roof.op[i].compute_s;
    rg_roof_close(&roof);
    rg_chip_close(&chip);
    rg_graph_close(&g);
    return batch;
}

static void bf16_v5e(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = critical_batch("tpu-v5e", NULL, "");
}

static void int8_weights_v5e(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = critical_batch("tpu-v5e", NULL, "w=int8,a=bf16");
}

static void int8_v5e(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = critical_batch("tpu-v5e", "memory.bandwidth=8.1e11", "w=int8,a=int8");
    ref_note(a, "at the 810 GB/s of the row; at 819 GB/s %.1f",
             critical_batch("tpu-v5e", NULL, "w=int8,a=int8"));
}

static void bf16_h100(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = critical_batch("h100-sxm", "bf16=1e15", "");
    ref_note(a, "at the round 1 PFLOP/s of the row; at 989.4 TFLOP/s %.1f",
             critical_batch("h100-sxm", NULL, ""));
}

static void a100(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_chip chip = ref_chip("a100-sxm-40", "memory.bandwidth=1.5e12");
    a->value[0] = rg_chip_ridge_point(&chip, "bf16");
    rg_chip_close(&chip);
    chip = ref_chip("a100-sxm-40", NULL);
    ref_note(a, "at the 1.5 TB/s of the row; at 1.555 TB/s %.1f", rg_chip_ridge_point(&chip, "bf16"));
    rg_chip_close(&chip);
}

static void per_dollar(const ref_row *row, ref_answer *a) {
    (void)row;
    static const char *const chips[] = {"h100-sxm", "tpu-v5p", "tpu-v5e"};
    for (size_t i = 0; i < 3; i++)
        a->value[i] = ref_rate(chips[i], "bf16") / ref_number(chips[i], "cost.rent");
}

/* Every byte of a latent cache is worth `per_head` FLOP to each head. */
static void latent_heads(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_chip chip = ref_chip("h800-sxm", "bf16=865e12");
    const double ridge = rg_chip_ridge_point(&chip, "bf16");
    rg_graph g = ref_model("deepseek-v3");
    const rg_graph_node *mla = ref_node(&g, RG_OP_MLA);
    const size_t i = (size_t)(mla - g.node);
    const rg_node_count far = rg_graph_count_node(&g, i, RG_DECODE, 1, 2e6),
                        near = rg_graph_count_node(&g, i, RG_DECODE, 1, 1e6);
    const double per_head = (far.matrix_flop - near.matrix_flop) /
                            (far.kv_read_elements - near.kv_read_elements) / 2 / (double)mla->heads;
    a->value[0] = ridge / 2;
    ref_note(
        a, "the source takes 2 FLOP per byte and head; DeepSeek-V3's shape has %.2f, which makes %.0f heads",
        per_head, ridge / per_head);
    rg_graph_close(&g);
    rg_chip_close(&chip);
}

/* ---- LLM Inference Unveiled, Table 1: operators apart, each reads and writes memory, all keys for all
 * queries */

typedef struct table_row {
    double flop, elements;
} table_row;

static table_row of_node(const rg_graph *g, const char *name, rg_phase phase) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (!strstr(g->node[i].name, name)) continue;
        const rg_node_count c = rg_graph_count_node(g, i, phase, 1, 2048);
        return (table_row){c.matrix_flop, c.weight_elements + c.input_elements + c.output_elements};
    }
    return (table_row){NAN, NAN};
}

/* A prompt of n tokens without a mask is n steps at context n; a step's vector work is 5 per score, 1 per
 * output. */
static table_row of_scores(const rg_graph *g, bool softmax) {
    const rg_graph_node *node = ref_node(g, RG_OP_ATTENTION);
    const rg_node_count c = rg_graph_count_node(g, (size_t)(node - g->node), RG_DECODE, 2048, 2048);
    const double scores = (c.vector_flop - c.output_elements) / 5;
    if (softmax) return (table_row){5 * scores, 2 * scores};
    return (table_row){c.matrix_flop / 2, c.input_elements + c.kv_read_elements / 2048 / 2 + scores};
}

static void unveiled(const ref_row *row, ref_answer *a) {
    static const char a6000[] =
        "id: a6000\nname: A6000\naliases: []\nvendor: NVIDIA\nclass: gpu\narchitecture: ampere\n"
        "status: shipping\nyear: 2020\nconfidence: high\npeaks: dense\nsources: {t: 'arXiv 2402.16363'}\n"
        "rates: {fp16: {value: 155 TFLOP/s, source: t}}\n"
        "memory: {capacity: {value: 48 GB, source: t}, bandwidth: {value: 768 GB/s, source: t}}\n"
        "paths: [{weight: fp16, activation: fp16, runs_as: fp16, kind: native, source: t}]\n";
    rg_chip chip;
    rg_error err = {0};
    ref_must(rg_chip_parse(&chip, a6000, strlen(a6000), "a6000", &err), &err);
    rg_graph g = ref_model("llama-2-7b");
    const char *name = strrchr(row->id, '-') + 1;
    const rg_phase phase = strstr(row->id, "prefill") ? RG_PREFILL : RG_DECODE;
    const table_row t = strcmp(name, "softmax") == 0     ? of_scores(&g, true)
                        : strcmp(name, "qk_matmul") == 0 ? of_scores(&g, false)
                                                         : of_node(&g, name, phase);
    double peak;
    ref_must(rg_chip_rate_of(&chip, "fp16", &peak, &err), &err);
    a->value[0] = t.flop;
    a->value[1] = 2 * t.elements;
    a->value[2] = t.flop / (2 * t.elements);
    a->value[3] = fmin(peak, a->value[2] * chip.memory_bytes_per_s.value);
    if (strcmp(name, "softmax") == 0 || strcmp(name, "qk_matmul") == 0)
        ref_note(
            a,
            "as the table counts: no mask, scores through memory; Ridge's attention keeps them on the chip");
    rg_graph_close(&g);
    rg_chip_close(&chip);
}

/* ---- bounds beside claims */

static void wafer(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-3.1-405b");
    rg_chip chip = ref_chip("cerebras-wse3", NULL);
    a->value[1] = chip.memory_bytes_per_s.value / ref_weight_bytes(&g, NULL);
    ref_note(a, "claimed: %.1f %% of one pass over the weights at SRAM speed; they take %.0f wafers",
             100 * row->published[0] / a->value[1],
             ceil(ref_weight_bytes(&g, NULL) / chip.memory_bytes.value));
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

static void groq(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-2-70b");
    rg_chip chip = ref_chip("groq-lpu-v1", NULL);
    const double bytes = ref_weight_bytes(&g, "w=fp16,w.lm_head=fp16,w.embed=fp16");
    a->value[1] = bytes / chip.memory_bytes.value;
    a->value[2] = chip.memory_bytes_per_s.value / bytes;
    ref_note(
        a,
        "the claim is %.0f %% of one chip's bandwidth, %.2f %% of all chips': a pipeline, one stage at work",
        100 * row->published[0] / a->value[2], 100 * row->published[0] / a->value[2] / a->value[1]);
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

const ref_family ref_roof_rows[] = {{"jax-01", bf16_v5e},
                                    {"jax-02", int8_weights_v5e},
                                    {"jax-03", int8_v5e},
                                    {"jax-04", bf16_h100},
                                    {"jax-36", per_dollar},
                                    {"kip-1", a100},
                                    {"mla-1", latent_heads},
                                    {"unv-*", unveiled},
                                    {"cer-1", wafer},
                                    {"grq-1", groq},
                                    {NULL}};
