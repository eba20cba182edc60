/* tokenizer.json. */
#include "model/tokenizer.h"
rg_status tokenizer_from_json(rg_tokenizer *t, const char *data, size_t size, const char *config,
                              size_t config_size, const char *path, int64_t vocab_size, rg_error *err) {
    (void)t;
    (void)data;
    (void)size;
    (void)config;
    (void)config_size;
    (void)path;
    (void)vocab_size;
    return rg_fail(err, RG_ERR_UNSUPPORTED, path, "a GGUF or llama2.c tokenizer",
                   "tokenizer.json is not read");
}
