/* A Hugging Face folder: config.json, weights in safetensors, tokenizer.json. */
#include "model/load.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static rg_status path_in(char *buf, size_t size, const char *folder, const char *name, rg_error *err) {
    if ((size_t)snprintf(buf, size, "%s/%s", folder, name) < size) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, NULL, "a shorter path", "the path of the model is too long");
}

static rg_status find_weights(const char *folder, char *buf, size_t size, rg_error *err) {
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        RG_TRY(path_in(buf, size, folder, names[i], err));
        if (access(buf, R_OK) == 0) return RG_OK;
    }
    return rg_fail(err, RG_ERR_UNSUPPORTED, folder, "model.safetensors or model.safetensors.index.json",
                   "the folder has no weights in safetensors");
}

/* A larger vocabulary in the weights than in the tokenizer is usual: rows are padded. */
static rg_status open_tokenizer(rg_model *m, const char *folder, rg_error *err) {
    char path[1100];
    RG_TRY(path_in(path, sizeof path, folder, "tokenizer.json", err));
    if (access(path, R_OK) != 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, path, "a tokenizer.json beside the weights",
                       "the folder has no tokenizer that Ridge reads");
    RG_TRY(rg_tokenizer_open(&m->tokenizer, path, m->graph.vocab_size, err));
    if (rg_tokenizer_vocab_size(m->tokenizer) <= m->graph.vocab_size) return RG_OK;
    return rg_fail(err, RG_ERR_MISMATCH, path, "a tokenizer made for this model",
                   "the tokenizer has %lld ids, the weights %lld rows",
                   (long long)rg_tokenizer_vocab_size(m->tokenizer), (long long)m->graph.vocab_size);
}

rg_status load_folder(rg_model *m, const char *folder, const char *families, bool weights, rg_error *err) {
    char config[1100], path[sizeof m->path];
    rg_tensor_file *file;
    RG_TRY(path_in(config, sizeof config, folder, "config.json", err));
    RG_TRY(rg_graph_from_file(&m->graph, config, families, err));
    if (!weights) {
        snprintf(m->path, sizeof m->path, "%.1023s", config);
        return RG_OK;
    }
    RG_TRY(find_weights(folder, path, sizeof path, err));
    RG_TRY(rg_tensor_file_open(&file, path, err));
    rg_status status = load_weights(m, NULL, file, err);
    rg_tensor_file_close(file);
    if (status == RG_OK) status = open_tokenizer(m, folder, err);
    memcpy(m->path, path, sizeof path);
    return status;
}

/* Of several files: the digest of what sha256sum prints for them. */
rg_status load_digest(const char *path, rg_digest *out, rg_error *err) {
    const size_t n = strlen(path), m = sizeof ".index.json" - 1;
    rg_tensor_file *file;
    rg_str lines = {0};
    rg_status status = RG_OK;
    if (n < m || strcmp(path + n - m, ".index.json") != 0) return rg_sha256_file(path, out, err);
    RG_TRY(rg_tensor_file_open(&file, path, err));
    for (size_t i = 0; status == RG_OK && rg_tensor_file_part(file, i); i++) {
        rg_digest digest;
        const char *part = rg_tensor_file_part(file, i), *slash = strrchr(part, '/');
        status = rg_sha256_file(part, &digest, err);
        if (status == RG_OK) rg_str_printf(&lines, "%s  %s\n", digest.hex, slash ? slash + 1 : part);
    }
    if (status == RG_OK && lines.failed) status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (status == RG_OK) *out = rg_sha256(lines.data, lines.len);
    rg_str_free(&lines);
    rg_tensor_file_close(file);
    return status;
}
