/* Files of named tensors (GGUF, llama2.c), read to fp32. */
#ifndef RIDGE_TENSOR_H
#define RIDGE_TENSOR_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RG_MAX_DIMS 4

typedef struct rg_tensor_info {
    const char *name; /* as the file names it */
    int n_dims;
    int64_t shape[RG_MAX_DIMS]; /* outermost first: a matrix is [rows][cols], cols contiguous */
    const char *format;         /* "f32", "f16", "bf16", "q8_0", "q4_1" */
    uint64_t bytes;             /* in the file */
    uint64_t offset;            /* from the start of the file */
} rg_tensor_info;

typedef struct rg_tensor_file rg_tensor_file;

/* Opens by content. Everything is checked here: truncated, offsets past the end, overlapping tensors, unknown
 * types. */
rg_status rg_tensor_file_open(rg_tensor_file **out, const char *path, rg_error *err);
void rg_tensor_file_close(rg_tensor_file *file);
const char *rg_tensor_file_kind(const rg_tensor_file *file); /* "gguf", "llama2c" */
const char *rg_tensor_file_path(const rg_tensor_file *file);
size_t rg_tensor_file_count(const rg_tensor_file *file);
const rg_tensor_info *rg_tensor_file_info(const rg_tensor_file *file, size_t i);
const rg_tensor_info *rg_tensor_file_find(const rg_tensor_file *file, const char *name); /* or NULL */
/* Elements in order, dequantized exactly to fp32; out has room for the product of the shape. */
rg_status rg_tensor_read_f32(const rg_tensor_file *file, const rg_tensor_info *info, float *out,
                             rg_error *err);

/* GGUF metadata. Scalars: false when the key is absent or of another kind. */
bool rg_tensor_meta_int(const rg_tensor_file *file, const char *key, int64_t *out);
bool rg_tensor_meta_float(const rg_tensor_file *file, const char *key, double *out);
bool rg_tensor_meta_bool(const rg_tensor_file *file, const char *key, bool *out);
/* Not NUL-terminated. */
bool rg_tensor_meta_string(const rg_tensor_file *file, const char *key, const char **out, size_t *len);
/* Arrays: number of elements (0 when absent), and one element. */
size_t rg_tensor_meta_count(const rg_tensor_file *file, const char *key);
bool rg_tensor_meta_string_at(const rg_tensor_file *file, const char *key, size_t i, const char **out,
                              size_t *len);
bool rg_tensor_meta_int_at(const rg_tensor_file *file, const char *key, size_t i, int64_t *out);
/* Keys present, for refusing what nobody consumes. NULL past the end. */
const char *rg_tensor_meta_key(const rg_tensor_file *file, size_t i);

#ifdef __cplusplus
}
#endif
#endif
