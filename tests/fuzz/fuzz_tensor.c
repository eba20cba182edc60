/* Tensor files: opened, every tensor and every metadata entry read. Indices of checkpoints: parsed. */
#include <stdlib.h>

#include "tensor/file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size); /* has no header */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    rg_tensor_file *file;
    rg_error err;
    const char *key, *text;
    size_t len;
    int64_t number;
    shard_index index;
    if (size && data[0] == '{' && shard_index_parse(&index, data, size, "fuzz", &err) == RG_OK)
        shard_index_free(&index);
    if (tensor_file_open_memory(&file, data, size, "fuzz", &err) != RG_OK) return 0;
    for (size_t i = 0; i < rg_tensor_file_count(file); i++) {
        const rg_tensor_info *t = rg_tensor_file_info(file, i);
        uint64_t n = 1;
        for (int d = 0; d < t->n_dims; d++) n *= (uint64_t)t->shape[d];
        float *out = malloc((n + 1) * sizeof *out);
        if (out && rg_tensor_read_f32(file, t, out, &err) != RG_OK) abort();
        free(out);
    }
    for (size_t i = 0; (key = rg_tensor_meta_key(file, i)); i++)
        for (size_t k = 0; k < rg_tensor_meta_count(file, key); k++)
            if (rg_tensor_meta_string_at(file, key, k, &text, &len) && len > size)
                abort();
            else
                rg_tensor_meta_int_at(file, key, k, &number);
    rg_tensor_file_close(file);
    return 0;
}
