/* Tokenizer files: GGUF metadata, tokenizer.json and llama2.c vocabularies of 300 tokens; what opens must
   encode a text into ids of its vocabulary. */
#include <stdlib.h>
#include <string.h>

#include "model/tokenizer.h"
#include "tensor/file.h"

static void encode(const rg_tokenizer *t) {
    static const char text[] = "it's  12 na\xc3\xafve\n\n \xff\xe2\x80\x83x";
    int32_t *ids;
    size_t n;
    rg_error err;
    if (rg_tokenize(t, text, sizeof text - 1, &ids, &n, &err) != RG_OK) return;
    for (size_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= rg_tokenizer_vocab_size(t)) abort();
    free(ids);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* has no header */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rg_tensor_file *file = NULL;
    rg_error err;
    rg_tokenizer *t = tokenizer_new();
    if (!t) return 0;
    rg_status status;
    if (size >= 4 && memcmp(data, "GGUF", 4) == 0) {
        status = tensor_file_open_memory(&file, data, size, "fuzz", &err);
        if (status == RG_OK) status = tokenizer_from_gguf(t, file, 0, &err);
    } else if (size && data[0] == '{') {
        status = tokenizer_from_json(t, (const char *)data, size, NULL, 0, "fuzz", 0, &err);
    } else {
        status = tokenizer_from_llama2c(t, (const char *)data, size, "fuzz", 300, &err);
    }
    if (status == RG_OK) encode(t);
    rg_tensor_file_close(file);
    rg_tokenizer_close(t);
    return 0;
}
