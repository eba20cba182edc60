/* What models weigh and keep: parameters, cached bytes, checkpoints. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "reference/reference.h"

static void llama_70b(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = ref_parameters("llama-3.1-70b");
}

static void invented_18b(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g =
        ref_config("{model_type: llama, num_hidden_layers: 64, hidden_size: 4096, intermediate_size: 16384, "
                   "num_attention_heads: 32, num_key_value_heads: 8, head_dim: 256, vocab_size: 32128, "
                   "tie_word_embeddings: true}");
    a->value[0] = rg_graph_total(&g, 1).parameters_total;
    rg_graph_close(&g);
}

static void kv_of_llama_70b(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-3.1-70b");
    a->value[0] = ref_kv_bytes(&g, "kv=e4m3fn");
    ref_note(a, "one byte an element; int8 has a scale of 4 bytes a head and token besides: %.0f",
             ref_kv_bytes(&g, "kv=int8"));
    rg_graph_close(&g);
}

static void kv_of_three(const ref_row *row, ref_answer *a) {
    (void)row;
    static const char *const models[] = {"deepseek-v3", "qwen2.5-72b", "llama-3.1-405b"};
    for (size_t i = 0; i < 3; i++) {
        rg_graph g = ref_model(models[i]);
        a->value[i] = rg_graph_total(&g, 1).kv_bytes_per_token;
        rg_graph_close(&g);
    }
}

static void kv_of_52b(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_gpt(64, 8192, 64, 50257, 2048);
    a->value[0] = rg_graph_total(&g, 1).kv_bytes_per_token;
    ref_note(a, "64 layers of 8192; %.3g parameters", rg_graph_total(&g, 1).parameters_total);
    rg_graph_close(&g);
}

/* The latent in FP8, an fp32 scale per 128, the rotated part in bf16. */
static void latent_record(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("deepseek-v3.2");
    const rg_graph_node *mla = ref_node(&g, RG_OP_MLA_SELECTED);
    rg_quant latent;
    rg_error err = {0};
    ref_must(rg_quant_parse("mx(e4m3fn,128,fp32)", &latent, &err), &err);
    const size_t n = (size_t)g.node[mla->input[1]].width;
    const double bits = (double)rg_format_stored_size(&latent.format, 1, n, true).packed_bits;
    a->value[0] = bits / 8 + 2.0 * (double)mla->rope_dim;
    rg_graph_close(&g);
}

static void checkpoint(const ref_row *row, ref_answer *a) {
    rg_graph g = ref_model(strstr(row->quantity, "120b") ? "gpt-oss-120b" : "gpt-oss-20b");
    a->value[0] = ref_weight_bytes(&g, g.stored) / 1073741824;
    ref_note(a, "stored as %s", g.stored);
    rg_graph_close(&g);
}

/* Sizes of llama.cpp's files of one format; mixtures of formats are beyond a policy of ours. */
static void gguf_size(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("llama-3.1-8b");
    a->value[0] =
        ref_weight_bytes(&g, "w=int8(sym,group=32,scale=fp16),w.lm_head=int8(sym,group=32,scale=fp16),"
                             "w.embed=int8(sym,group=32,scale=fp16)") /
        1073741824;
    ref_note(a, "the file alone; its quality belongs to a model that is not in the data");
    rg_graph_close(&g);
}

const ref_family ref_model_rows[] = {
    {"jax-06", llama_70b},    {"jax-30", invented_18b}, {"jax-16", kv_of_llama_70b},
    {"ds-1", kv_of_three},    {"kip-2", kv_of_52b},     {"mla-3", latent_record},
    {"gptoss-?", checkpoint}, {"lcpp-q8_0", gguf_size}, {NULL}};
