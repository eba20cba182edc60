/* Opening a model: a file of tensors, a config, or a name of the program's data. */
#include "model/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static rg_status no_weights(const char *spec, const char *what, rg_error *err) {
    return rg_fail(err, RG_ERR_UNSUPPORTED, spec,
                   "a GGUF file, a llama2.c file or a Hugging Face folder, which have weights", "%s", what);
}

static rg_status families(const char *data_dir, char *buf, size_t size, rg_error *err) {
    if ((size_t)snprintf(buf, size, "%s/families", data_dir) < size) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, data_dir, "a shorter path", "the path of the data is too long");
}

/* ---- files of tensors --------------------------------------------------------------------------- */

/* tok512.bin for a vocabulary of 512, else tokenizer.bin, in the folder of the model. */
void load_tokenizer_beside(const rg_model *m, char *buf, size_t size) {
    const char *slash = strrchr(m->path, '/');
    const int dir = slash ? (int)(slash - m->path) + 1 : 0;
    snprintf(buf, size, "%.*stok%lld.bin", dir, m->path, (long long)m->graph.vocab_size);
    if (access(buf, R_OK) == 0) return;
    char other[sizeof m->path + 64];
    snprintf(other, sizeof other, "%.*stokenizer.bin", dir, m->path);
    if (access(other, R_OK) == 0) snprintf(buf, size, "%s", other);
}

static rg_status open_beside(rg_model *m, rg_error *err) {
    char path[sizeof m->path + 64];
    load_tokenizer_beside(m, path, sizeof path);
    return rg_tokenizer_open(&m->tokenizer, path, m->graph.vocab_size, err);
}

static rg_status graph_of_file(rg_model *m, const load_map *map, const rg_tensor_file *file,
                               const char *data_dir, rg_error *err) {
    rg_str json = {0};
    rg_doc config;
    char folder[4096];
    RG_TRY(families(data_dir, folder, sizeof folder, err));
    rg_status status = load_map_config(map, file, &json, err);
    if (status == RG_OK) status = rg_doc_parse(&config, json.data, json.len, m->path, true, err);
    if (status == RG_OK) {
        status = rg_graph_from_config(&m->graph, &config, folder, err);
        rg_doc_close(&config);
    }
    rg_str_free(&json);
    return status;
}

static rg_status fill_from_tensors(rg_model *m, const rg_tensor_file *file, const char *data_dir,
                                   bool weights, rg_error *err) {
    const load_map *map;
    RG_TRY(load_map_find(&map, file, err));
    RG_TRY(graph_of_file(m, map, file, data_dir, err));
    if (!weights) return RG_OK;
    if (strcmp(rg_tensor_file_kind(file), "gguf") == 0)
        RG_TRY(rg_tokenizer_open(&m->tokenizer, m->path, m->graph.vocab_size, err));
    else
        RG_TRY(open_beside(m, err));
    return load_weights(m, map, file, err);
}

static rg_status open_tensors(rg_model *m, const char *data_dir, bool weights, rg_error *err) {
    rg_tensor_file *file;
    RG_TRY(rg_tensor_file_open(&file, m->path, err));
    rg_status status = fill_from_tensors(m, file, data_dir, weights, err);
    rg_tensor_file_close(file);
    return status;
}

rg_status load_check_tokenizer(const rg_model *m, rg_error *err) {
    if (!m->tokenizer)
        return rg_fail(err, RG_ERR_USAGE, m->path, "a model file with its tokenizer",
                       "the model has no tokenizer");
    const int64_t n = rg_tokenizer_vocab_size(m->tokenizer);
    if (n <= m->graph.vocab_size) return RG_OK;
    return rg_fail(err, RG_ERR_MISMATCH, m->path, "a tokenizer made for this model",
                   "the tokenizer has %lld tokens, the model's vocabulary %lld", (long long)n,
                   (long long)m->graph.vocab_size);
}

/* ---- configs ------------------------------------------------------------------------------------ */

static rg_status open_config(rg_model *m, const char *data_dir, bool weights, rg_error *err) {
    char folder[4096];
    if (weights) return no_weights(m->path, "a config has no weights", err);
    RG_TRY(families(data_dir, folder, sizeof folder, err));
    return rg_graph_from_file(&m->graph, m->path, folder, err);
}

static rg_status open_name(rg_model *m, const char *name, const char *data_dir, bool weights, rg_error *err) {
    RG_TRY(rg_graph_from_name(&m->graph, name, data_dir, err));
    if (weights) return no_weights(name, "a model of the program's data is a config without weights", err);
    snprintf(m->path, sizeof m->path, "%s/models/%s.yaml", data_dir, name);
    return RG_OK;
}

static rg_status open_folder(rg_model *m, const char *data_dir, bool weights, rg_error *err) {
    char families_dir[4096], folder[sizeof m->path];
    RG_TRY(families(data_dir, families_dir, sizeof families_dir, err));
    memcpy(folder, m->path, sizeof folder);
    return load_folder(m, folder, families_dir, weights, err);
}

/* The file of the weights, or their index, stands for its folder. */
static rg_status open_folder_of(rg_model *m, const char *data_dir, bool weights, rg_error *err) {
    char *slash = strrchr(m->path, '/');
    if (slash)
        slash[slash == m->path] = 0;
    else
        memcpy(m->path, ".", 2);
    return open_folder(m, data_dir, weights, err);
}

/* ---- any ---------------------------------------------------------------------------------------- */

static bool looks_like_file(const char *spec) {
    static const char *const endings[] = {".gguf", ".bin", ".json", ".yaml", ".safetensors"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (rg_ends_with(spec, endings[i])) return true;
    return strchr(spec, '/') != NULL;
}

static rg_status open_any(rg_model *m, const char *spec, const char *data_dir, bool weights, rg_error *err) {
    struct stat st;
    const bool exists = stat(spec, &st) == 0;
    if (!exists && !looks_like_file(spec)) return open_name(m, spec, data_dir, weights, err);
    if ((size_t)snprintf(m->path, sizeof m->path, "%s", spec) >= sizeof m->path)
        return rg_fail(err, RG_ERR_USAGE, NULL, "at most 1023 characters",
                       "the path of the model is too long");
    if (exists && S_ISDIR(st.st_mode)) return open_folder(m, data_dir, weights, err);
    if (rg_ends_with(spec, ".safetensors") || rg_ends_with(spec, ".safetensors.index.json"))
        return open_folder_of(m, data_dir, weights, err);
    if (rg_ends_with(spec, ".json") || rg_ends_with(spec, ".yaml"))
        return open_config(m, data_dir, weights, err);
    return open_tensors(m, data_dir, weights, err);
}

rg_status rg_model_open(rg_model *out, const char *spec, const char *data_dir, bool weights, rg_error *err) {
    rg_model m = {0};
    rg_status status = open_any(&m, spec, data_dir, weights, err);
    if (status == RG_OK) status = load_digest(m.path, &m.sha256, err);
    if (status != RG_OK) {
        rg_model_close(&m);
        return status;
    }
    *out = m;
    return RG_OK;
}

void rg_model_close(rg_model *model) {
    load_weights_free(model);
    rg_tokenizer_close(model->tokenizer);
    rg_graph_close(&model->graph);
    *model = (rg_model){0};
}
