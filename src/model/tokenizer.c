/* Tokenizers: opened by content, used on text. */
#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_FILE_BYTES = 64 << 20, MAX_TEXT_BYTES = 1 << 29 };

/* A tokenizer of its own file. */
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

rg_status rg_tokenizer_open(rg_tokenizer **out, const char *path, int64_t vocab_size, rg_error *err) {
    rg_map map;
    RG_TRY(rg_map_open(&map, path, err));
    const bool gguf = map.size >= 4 && memcmp(map.data, "GGUF", 4) == 0;
    rg_map_close(&map);
    rg_tokenizer *t = calloc(1, sizeof *t);
    if (!t) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    t->bos = t->unknown = -1;
    rg_status status = gguf ? open_gguf(t, path, vocab_size, err) : open_llama2c(t, path, vocab_size, err);
    if (status != RG_OK) {
        rg_tokenizer_close(t);
        return status;
    }
    *out = t;
    return RG_OK;
}

void rg_tokenizer_close(rg_tokenizer *tokenizer) {
    if (!tokenizer) return;
    split_free(tokenizer);
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
    if (status == RG_OK)
        status = tokenizer->pre ? split_encode(tokenizer, text, size, &e, err)
                                : llama2c_encode(tokenizer, text, size, &e, err);
    encoding_free(&e, status != RG_OK);
    if (status != RG_OK) return status;
    *ids = e.id;
    *n = e.n;
    return RG_OK;
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
