/* Steps and servers: the scaling book's chapters on inference, Pope et al., DeepSeek's economics. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

/* Time of everything that a step of Llama-3-70B reads, in int8, by eight v5e together. */
static double step_70b(double batch) {
    rg_graph g = ref_model("llama-3.1-70b");
    rg_chip chip = ref_chip("tpu-v5e", "memory.bandwidth=x8 memory.capacity=x8 bf16=x8 int8=x8");
    rg_roof roof;
    rg_error err = {0};
    ref_must(rg_roof_explain(&roof, &g, &chip, RG_DECODE, batch, 8192,
                             "w=int8,w.lm_head=int8,a=bf16,kv=e4m3fn", &err),
             &err);
    const double step_s = roof.overlapped_s;
    rg_roof_close(&roof);
    rg_chip_close(&chip);
    rg_graph_close(&g);
    return step_s;
}

static void step(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = step_70b(32);
}

static void throughput(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 32 / step_70b(32) / 8;
}

static double whole_memory_s(void) {
    rg_chip chip = ref_chip("tpu-v5e", NULL);
    const double s = chip.memory_bytes.value / chip.memory_bytes_per_s.value;
    rg_chip_close(&chip);
    return s;
}

static void whole_memory(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = whole_memory_s();
}

static double prefill_70b_s(void) {
    return 2 * ref_parameters("llama-3.1-70b") * 8192 / (16 * ref_rate("tpu-v5e", "bf16") * 0.4);
}

static void prefill(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-3.1-70b");
    a->value[0] = prefill_70b_s();
    ref_note(a, "2 FLOP per parameter; with attention, the head once and no embedding %.3f s",
             rg_graph_total(&g, 8192).prefill_flop_per_token * 8192 /
                 (16 * ref_rate("tpu-v5e", "bf16") * 0.4));
    rg_graph_close(&g);
}

static void server_ratio(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 32 / (512 * whole_memory_s()) * prefill_70b_s();
}

/* One gate matrix of Llama-3-70B on 4 x 8 chips, batch 64: network, memory, compute, in us. */
static void one_matmul(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-3.1-70b");
    rg_chip chip = ref_chip("tpu-v5e", NULL);
    rg_roof roof;
    rg_error err = {0};
    ref_must(rg_roof_explain(&roof, &g, &chip, RG_DECODE, 64, 1, "", &err), &err);
    for (size_t i = 0; i < roof.n_operators; i++)
        if (strcmp(roof.op[i].name, "mlp.gate_proj") == 0) {
            a->value[1] = 1e6 * roof.op[i].memory_s / (double)g.n_layers / 32;
            a->value[2] = 1e6 * roof.op[i].compute_s / (double)g.n_layers / 32;
        }
    a->value[0] =
        1e6 * 2 * 64 * (double)g.hidden_size / (rg_chip_find(&chip, "scaleup.bandwidth")->v.value / 2);
    a->conflict[2] = true; /* (2 * 64 * 8192 * 28,672) / (32 * 1.97e14) = 4us */
    ref_note(a, "the book writes 2 64 8192 28672 / (32 1.97e14) = 4 us, which is 4.77");
    rg_roof_close(&roof);
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

static rg_graph llama_13b(double kv_heads) {
    return ref_config(
        "{model_type: llama, num_hidden_layers: 40, hidden_size: 5120, intermediate_size: 13824, "
        "num_attention_heads: 40, num_key_value_heads: %.0f, vocab_size: 32000}",
        kv_heads);
}

/* All weights and caches once through 8 v5e, in ms. */
static void table_13b(const ref_row *row, ref_answer *a) {
    const bool grouped = strstr(row->id, "gqa") != NULL;
    const double batch = atof(strrchr(row->id, '-') + 1);
    rg_graph whole = llama_13b(40), cached = llama_13b(grouped ? 8 : 40);
    rg_chip chip = ref_chip("tpu-v5e", "memory.bandwidth=8.2e11");
    rg_error err = {0};
    double kv;
    ref_must(rg_graph_kv_bytes(&cached, NULL, 8192, &kv, &err), &err);
    const double per_ms = 8 * chip.memory_bytes_per_s.value / 1e3;
    a->value[0] = (ref_weight_bytes(&whole, NULL) + batch * kv) / per_ms;
    if (grouped && batch == 1)
        ref_note(
            a, "the weights of 40 KV heads, as the book says; with 8 there are %.4g parameters and %.2f ms",
            rg_graph_total(&cached, 1).parameters_total, (ref_weight_bytes(&cached, NULL) + kv) / per_ms);
    else if (batch == 1)
        ref_note(a, "at the 820 GB/s of the book, the embedding table read as well");
    rg_chip_close(&chip);
    rg_graph_close(&whole);
    rg_graph_close(&cached);
}

/* ---- Pope et al. 2022 */

static rg_graph palm(double layers, double hidden, double heads, double kv_heads, double head_dim) {
    return ref_config(
        "{model_type: palm, num_hidden_layers: %.0f, hidden_size: %.0f, intermediate_size: %.0f, "
        "num_attention_heads: %.0f, num_key_value_heads: %.0f, head_dim: %.0f, vocab_size: 256000, "
        "max_position_embeddings: 2048, hidden_act: swiglu, parallel_attn_mlp: true, attention_bias: "
        "false, tie_word_embeddings: true}",
        layers, hidden, 4 * hidden, heads, kv_heads, head_dim);
}

/* Utilisation from the published latency, 2 FLOP per parameter and token. */
static void pope_mfu(const ref_row *row, ref_answer *a) {
    static const struct {
        const char *id;
        double chips, tokens;
    } runs[] = {{"pope-540-prefill-lat", 64, 2048},       {"pope-540-decode-lat", 64, 64 * 64},
                {"pope-540-prefill-thr", 64, 512 * 2048}, {"pope-540-decode-thr", 64, 512 * 64},
                {"pope-62-prefill-lat", 16, 2048},        {"pope-62-decode-lat", 16, 32 * 64},
                {"pope-62-prefill-thr", 32, 512 * 2048},  {"pope-62-decode-thr", 8, 512 * 64}};
    rg_graph g = strstr(row->id, "540") ? palm(118, 18432, 48, 1, 256) : palm(64, 8192, 32, 1, 256);
    const double flop = 2 * rg_graph_total(&g, 1).parameters_total;
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
        if (strcmp(runs[i].id, row->id) == 0)
            a->value[0] = 100 * flop * runs[i].tokens /
                          (row->published[1] * runs[i].chips * ref_rate("tpu-v4", "bf16"));
    rg_graph_close(&g);
}

/* Tokens of each sequence whose keys and values fill 30 % of 64 chips. What one KV head keeps, every chip
   keeps unless sequences are dealt out ("opt"); 48 heads on 64 chips take the room of 64. */
static void pope_context(const ref_row *row, ref_answer *a) {
    const bool multihead = strstr(row->id, "mha"), replicated = strstr(row->id, "base");
    const double batch = atof(strrchr(row->id, '-') + 1);
    rg_graph g = multihead ? palm(118, 18432, 64, 64, 128) : palm(118, 18432, 48, 1, 256);
    rg_chip chip = ref_chip("tpu-v4", "memory.capacity=32GiB");
    const double bytes = 0.3 * (replicated ? 1 : 64) * chip.memory_bytes.value;
    a->value[0] = bytes / (batch * ref_kv_bytes(&g, NULL));
    if (multihead && batch == 128)
        ref_note(a, "memory in GiB; with GB %.0f, out by 7 %%", a->value[0] * 32e9 / chip.memory_bytes.value);
    rg_chip_close(&chip);
    rg_graph_close(&g);
}

/* ---- DeepSeek: a day of serving */

static void nodes(const ref_row *row, ref_answer *a) {
    (void)row;
    const double day_s = 86400;
    a->value[0] = 608e9 / (73.7e3 * day_s) + 168e9 / (14.8e3 * day_s);
}

static void daily_cost(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 226.75 * 8 * 24 * 2;
}

static void daily_revenue(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = (342e9 * 0.14 + 266e9 * 0.55 + 168e9 * 2.19) / 1e6;
    ref_note(a, "prices per million tokens: hits, misses, output; profit %.0f %% of %.0f USD",
             100 * (a->value[0] / 87072 - 1), 87072.0);
}

const ref_family ref_serve_rows[] = {{"jax-17", step},
                                     {"jax-18", throughput},
                                     {"jax-19", whole_memory},
                                     {"jax-20", prefill},
                                     {"jax-21", server_ratio},
                                     {"jax-22", one_matmul},
                                     {"jax-13b-*", table_13b},
                                     {"pope-ctx-*", pope_context},
                                     {"pope-*-*", pope_mfu},
                                     {"ds-9", daily_cost},
                                     {"ds-10", nodes},
                                     {"ds-11", daily_revenue},
                                     {NULL}};
