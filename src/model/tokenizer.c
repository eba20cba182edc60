/* Tokenizers: opened by content, used on text. */
#include "model/tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_FILE_BYTES = 64 << 20, MAX_TEXT_BYTES = 1 << 29 };

rg_tokenizer *tokenizer_new(void) {
    rg_tokenizer *t = calloc(1, sizeof *t);
    if (!t) return NULL;
    t->bos = t->eos = t->unknown = -1;
    for (int b = 0; b < 256; b++) t->byte_id[b] = -1;
    return t;
}

static rg_status open_llama2c(rg_tokenizer *t, const char *path, int64_t vocab_size, rg_error *err) {
    size_t size;
    RG_TRY(rg_file_read(path, MAX_FILE_BYTES, &t->content, &size, err));
    return tokenizer_from_llama2c(t, t->content, size, path, vocab_size, err);
}

static rg_status open_gguf(rg_tokenizer *t, const char *path, int64_t vocab_size, rg_error *err) {
    rg_tensor_file *file;
    RG_TRY(rg_tensor_file_open(&file, path, err));
    rg_status status = tokenizer_from_gguf(t, file, vocab_size, err);
    rg_tensor_file_close(file);
    return status;
}

/* With tokenizer_config.json of the same folder, where there is one. */
static rg_status open_json(rg_tokenizer *t, const char *path, int64_t vocab_size, rg_error *err) {
    char *data = NULL, *config = NULL, name[4096];
    size_t size, config_size = 0;
    RG_TRY(rg_file_read(path, MAX_FILE_BYTES, &data, &size, err));
    const char *slash = strrchr(path, '/');
    const int folder = slash ? (int)(slash + 1 - path) : 0;
    rg_status status = RG_OK;
    if (snprintf(name, sizeof name, "%.*stokenizer_config.json", folder, path) < (int)sizeof name &&
        access(name, R_OK) == 0)
        status = rg_file_read(name, MAX_FILE_BYTES, &config, &config_size, err);
    if (status == RG_OK)
        status = tokenizer_from_json(t, data, size, config, config_size, path, vocab_size, err);
    free(data);
    free(config);
    return status;
}

static bool is_json(const rg_map *map) {
    size_t at = 0;
    while (at < map->size && at < 64 && strchr(" \t\r\n", map->data[at])) at++;
    return at + 1 < map->size && map->data[at] == '{' && strchr(" \t\r\n\"}", map->data[at + 1]);
}

rg_status rg_tokenizer_open(rg_tokenizer **out, const char *path, int64_t vocab_size, rg_error *err) {
    rg_map map;
    RG_TRY(rg_map_open(&map, path, err));
    const bool gguf = map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0, json = is_json(&map);
    rg_map_close(&map);
    rg_tokenizer *t = tokenizer_new();
    if (!t) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    rg_status status = gguf   ? open_gguf(t, path, vocab_size, err)
                       : json ? open_json(t, path, vocab_size, err)
                              : open_llama2c(t, path, vocab_size, err);
    if (status != RG_OK) {
        rg_tokenizer_close(t);
        return status;
    }
    *out = t;
    return RG_OK;
}

void rg_tokenizer_close(rg_tokenizer *tokenizer) {
    if (!tokenizer) return;
    for (size_t i = 0; i < tokenizer->n_steps; i++) tokenizer_regex_free(tokenizer->step[i].regex);
    for (size_t i = 0; i < tokenizer->n_stages; i++) tokenizer_regex_free(tokenizer->stage[i].regex);
    free(tokenizer->content);
    rg_arena_free(&tokenizer->arena);
    free(tokenizer);
}

rg_status rg_tokenize(const rg_tokenizer *tokenizer, const char *text, size_t size, int32_t **ids, size_t *n,
                      rg_error *err) {
    if (size > MAX_TEXT_BYTES)
        return rg_fail(err, RG_ERR_UNSUPPORTED, NULL, "at most 2^29 bytes", "text of %zu bytes", size);
    encoding e = {0};
    rg_status status = encoding_room(&e, 1, err); /* an empty text, too, has a list */
    if (status == RG_OK) status = text_encode(tokenizer, text, size, &e, err);
    encoding_free(&e, status != RG_OK);
    if (status != RG_OK) return status;
    *ids = e.id;
    *n = e.n;
    return RG_OK;
}

int32_t rg_tokenizer_eos(const rg_tokenizer *tokenizer) {
    return tokenizer->eos;
}
bool rg_tokenizer_adds_eos(const rg_tokenizer *tokenizer) {
    return tokenizer->adds_eos;
}
int32_t rg_tokenizer_bos(const rg_tokenizer *tokenizer) {
    return tokenizer->bos;
}
bool rg_tokenizer_adds_bos(const rg_tokenizer *tokenizer) {
    return tokenizer->adds_bos;
}
int64_t rg_tokenizer_vocab_size(const rg_tokenizer *tokenizer) {
    return tokenizer->vocab_size;
}
