/* The tiny model of gguf_model.h as a Hugging Face folder. */
#ifndef RIDGE_TEST_FOLDER_MODEL_H
#define RIDGE_TEST_FOLDER_MODEL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/model.h"
#include "unit/model/gguf_model.h"

/* What a test may want different; zero: the plain folder. */
typedef struct folder_model {
    const char *extra_tensor; /* name of a further tensor of 2 numbers */
    const char *dtype;        /* of all: F32 or BF16 (upper halves) or I8 */
    const char *skip_tensor;
    const char *family; /* what the config says of itself; NULL: llama */
    bool bare;          /* names without "model." */
    bool tied_again;    /* lm_head.weight is there, too */
    bool tied_other;    /* and differs */
    bool wide;          /* matrices of the MLP as [rows][1][cols] */
    int shards;         /* 0, 1: one file */
    int n_tokens;       /* of tokenizer.json: byte-level BPE, 256 bytes, "ab", the rest unused; 0: no file */
} folder_model;

typedef struct folder_tensor {
    char name[128], shape[64];
    const float *data;
    size_t n;
    bool bytes; /* U8, each number one */
} folder_tensor;

static inline void folder_write(const char *path, const folder_tensor *t, size_t n, const char *dtype) {
    rg_str header = {0}, data = {0};
    const bool half = strcmp(dtype, "BF16") == 0, byte = strcmp(dtype, "I8") == 0;
    rg_str_add(&header, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (size_t i = 0; i < n; i++) {
        const size_t begin = data.len;
        for (size_t k = 0; k < t[i].n; k++) {
            const char *number = (const char *)&t[i].data[k];
            const uint8_t small = t[i].bytes ? (uint8_t)t[i].data[k] : 0;
            if (t[i].bytes) {
                rg_str_add_n(&data, (const char *)&small, 1);
                continue;
            }
            rg_str_add_n(&data, half || byte ? number + (byte ? 3 : 2) : number, byte ? 1 : half ? 2 : 4);
        }
        rg_str_printf(&header, ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                      t[i].name, t[i].bytes ? "U8" : dtype, t[i].shape, begin, data.len);
    }
    rg_str_add(&header, "}");
    rg_str all = {0};
    const uint64_t size = header.len;
    rg_str_add_n(&all, (const char *)&size, 8);
    rg_str_add_n(&all, header.data, header.len);
    if (data.len) rg_str_add_n(&all, data.data, data.len);
    if (rg_file_write(path, all.data, all.len, NULL) != RG_OK) abort();
    rg_str_free(&all);
    rg_str_free(&header);
    rg_str_free(&data);
}

static inline size_t folder_tensors(const rg_model *m, const folder_model *f, folder_tensor *t) {
    static const float other[GM_VOCAB * GM_D];
    size_t n = 0;
    for (size_t i = 0; i < m->graph.n_weights; i++) {
        const rg_graph_weight *w = &m->graph.weight[i];
        if (w->tied_to >= 0 && !f->tied_again && !f->tied_other) continue;
        if (f->skip_tensor && strcmp(w->name, f->skip_tensor) == 0) continue;
        const bool bare = f->bare && strncmp(w->name, "model.", 6) == 0;
        snprintf(t[n].name, sizeof t[n].name, "%s", w->name + (bare ? 6 : 0));
        t[n].n = (size_t)w->shape[0] * (w->n_dims > 1 ? (size_t)w->shape[1] : 1);
        t[n].data = w->tied_to >= 0 && f->tied_other ? other : m->weight[i];
        if (w->n_dims > 1)
            snprintf(t[n].shape, sizeof t[n].shape, f->wide && strstr(w->name, "mlp") ? "%d,1,%d" : "%d,%d",
                     (int)w->shape[0], (int)w->shape[1]);
        else
            snprintf(t[n].shape, sizeof t[n].shape, "%d", (int)w->shape[0]);
        n++;
    }
    if (f->extra_tensor) {
        t[n] = (folder_tensor){.shape = "2", .data = other, .n = 2};
        snprintf(t[n++].name, sizeof t->name, "%s", f->extra_tensor);
    }
    return n;
}

static inline void folder_tokenizer(const char *path, int n_tokens) {
    rg_str s = {0};
    rg_str_add(
        &s, "{\"version\": \"1.0\", \"truncation\": null, \"padding\": null, \"added_tokens\": [],"
            " \"normalizer\": null, \"pre_tokenizer\": {\"type\": \"ByteLevel\", \"add_prefix_space\": false,"
            " \"trim_offsets\": true, \"use_regex\": true}, \"post_processor\": null,"
            " \"decoder\": {\"type\": \"ByteLevel\", \"add_prefix_space\": true, \"trim_offsets\": true,"
            " \"use_regex\": true}, \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": null,"
            " \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null, \"fuse_unk\": false,"
            " \"byte_fallback\": false, \"ignore_merges\": false, \"vocab\": {");
    for (int i = 0, other = 256; i < 256; i++) {
        const int c = (i > 32 && i < 127) || (i > 160 && i < 173) || i > 173 ? i : other++;
        rg_str_printf(&s, "%s\"\\u%04x\": %d", i ? ", " : "", (unsigned)c, i);
    }
    for (int i = 256; i < n_tokens; i++)
        i == 256 ? rg_str_add(&s, ", \"ab\": 256") : rg_str_printf(&s, ", \"unused%d\": %d", i, i);
    rg_str_add(&s, "}, \"merges\": [\"a b\"]}}");
    if (rg_file_write(path, s.data, s.len, NULL) != RG_OK) abort();
    rg_str_free(&s);
}

/* `m`: the model whose weights are written; below the current folder. */
static inline void folder_make(const char *dir, const rg_model *m, const folder_model *f) {
    static folder_tensor tensor[64];
    const size_t n = folder_tensors(m, f, tensor);
    const char *dtype = f->dtype ? f->dtype : "F32";
    char path[256], config[512];
    rg_dir_make(dir, NULL);
    snprintf(path, sizeof path, "%s/config.json", dir);
    snprintf(
        config, sizeof config,
        "{\"model_type\": \"%s\", \"hidden_size\": %d, \"intermediate_size\": %d, \"num_hidden_layers\": %d,"
        " \"num_attention_heads\": %d, \"num_key_value_heads\": %d, \"vocab_size\": %d,"
        " \"rms_norm_eps\": 1e-5, \"max_position_embeddings\": 64, \"tie_word_embeddings\": true}",
        f->family ? f->family : "llama", GM_D, GM_F, GM_L, GM_H, GM_K, GM_VOCAB);
    rg_file_write(path, config, strlen(config), NULL);
    snprintf(path, sizeof path, "%s/tokenizer.json", dir);
    if (f->n_tokens) folder_tokenizer(path, f->n_tokens);
    if (f->shards < 2) {
        snprintf(path, sizeof path, "%s/model.safetensors", dir);
        folder_write(path, tensor, n, dtype);
        return;
    }
    rg_str index = {0};
    for (int s = 0; s < f->shards; s++) {
        const size_t from = n * (size_t)s / (size_t)f->shards, to = n * (size_t)(s + 1) / (size_t)f->shards;
        snprintf(path, sizeof path, "%s/part-%d.safetensors", dir, s);
        folder_write(path, tensor + from, to - from, dtype);
        for (size_t i = from; i < to; i++)
            rg_str_printf(&index, "%s\"%s\": \"part-%d.safetensors\"", i ? ", " : "{\"weight_map\": {",
                          tensor[i].name, s);
    }
    rg_str_add(&index, "}}");
    snprintf(path, sizeof path, "%s/model.safetensors.index.json", dir);
    rg_file_write(path, index.data, index.len, NULL);
    rg_str_free(&index);
}

#endif
