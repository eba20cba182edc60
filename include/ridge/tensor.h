/* Files of named tensors (GGUF, safetensors, llama2.c, npy), read to fp32. */
#ifndef RIDGE_TENSOR_H
#define RIDGE_TENSOR_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

#define RG_MAX_DIMS 8

typedef struct rg_tensor_info {
    const char *name; /* as the file names it */
    int n_dims;
    int64_t shape[RG_MAX_DIMS]; /* outermost first: a matrix is [rows][cols], cols contiguous */
    const char *format; /* f64 f32 f16 bf16 f8_e4m3 f8_e5m2 i64 i32 i16 i8 u8 bool; q8_0 q5_0 q5_1 q4_0 q4_1
                           q2_k q3_k q4_k q5_k q6_k iq4_nl mxfp4 (block formats of GGUF) */
    uint64_t bytes;     /* in the file */
    uint64_t offset;    /* from the start of the file, or of that part of a checkpoint */
} rg_tensor_info;

typedef struct rg_tensor_file rg_tensor_file;

/* Opens by content: GGUF (versions 2 and 3), safetensors, an array of NumPy (.npy, versions 1 to 3, little
   endian, C order; the tensor is called like the file), llama2.c. A model.safetensors.index.json opens the
   files it names as one; a folder opens the model.safetensors or that index in it. Everything is checked
   here, with the byte where it went wrong: truncated, offsets past the end, holes and overlaps
   (RG_ERR_PARSE), unknown types and versions (RG_ERR_UNSUPPORTED). */
rg_status rg_tensor_file_open(rg_tensor_file **out, const char *path, rg_error *err);
void rg_tensor_file_close(rg_tensor_file *file);
const char *rg_tensor_file_kind(const rg_tensor_file *file); /* gguf safetensors npy llama2c */
const char *rg_tensor_file_path(const rg_tensor_file *file);
/* Path of a file of a checkpoint in several, in the order of their names; NULL past the end. */
const char *rg_tensor_file_part(const rg_tensor_file *file, size_t i);
/* RG_ERR_USAGE when `path`, by whatever name, is a file that `file` reads: it would be lost in the writing.
 */
rg_status rg_tensor_file_spare(const rg_tensor_file *file, const char *path, rg_error *err);
size_t rg_tensor_file_count(const rg_tensor_file *file);
const rg_tensor_info *rg_tensor_file_info(const rg_tensor_file *file, size_t i);
const rg_tensor_info *rg_tensor_file_find(const rg_tensor_file *file, const char *name); /* or NULL */
/* Elements in order, as fp32: exact but for f64, i32, i64 (to nearest) and block formats with an offset
   (their sum rounded once). `out` has room for the product of the shape. RG_ERR_USAGE for a tensor of another
   file. */
rg_status rg_tensor_read_f32(const rg_tensor_file *file, const rg_tensor_info *info, float *out,
                             rg_error *err);

/* ---- writing --------------------------------------------------------------------------------------------
   Files appear whole under their name or not at all. */

/* What is written, in order; the elements are asked for one tensor at a time. */
typedef struct rg_tensor_list {
    size_t n;
    const rg_tensor_info *info; /* [n] name, shape and format; bytes and offset are not looked at */
    rg_status (*read)(void *context, size_t i, float *out, rg_error *err);
    void *context;
} rg_tensor_list;

/* Formats: f32 f16 bf16. RG_ERR_UNSUPPORTED, by the tensor's name, for another format, a shape that it does
   not take, and numbers beyond its range or not finite; RG_ERR_USAGE for 2^60 elements or more and a name
   that is not UTF-8. */
rg_status rg_tensor_write_safetensors(const char *path, const rg_tensor_list *tensors, rg_error *err);
/* The same, and blocks along the rows: q8_0 and q4_0 hold int8 and int4(sym,group=32,scale=fp16), mxfp4 is
   mxfp4: they decode to what rg_qdq gives. q4_1: d = (max - min) / 15, m = min. `metadata`: the GGUF file
   whose metadata is copied; NULL: none; RG_ERR_UNSUPPORTED for a file of another kind. */
rg_status rg_tensor_write_gguf(const char *path, const rg_tensor_list *tensors,
                               const rg_tensor_file *metadata, rg_error *err);

/* ---- metadata -------------------------------------------------------------------------------------------
   Of GGUF, the sizes of llama2.c under the same keys, the texts of safetensors. Scalars: false when the key
   is absent or of another kind. */
bool rg_tensor_meta_int(const rg_tensor_file *file, const char *key, int64_t *out);
bool rg_tensor_meta_float(const rg_tensor_file *file, const char *key, double *out);
bool rg_tensor_meta_bool(const rg_tensor_file *file, const char *key, bool *out);
/* Not NUL-terminated. */
bool rg_tensor_meta_string(const rg_tensor_file *file, const char *key, const char **out, size_t *len);
/* Arrays: number of elements (0 when absent), and one element; false past the end, too. */
size_t rg_tensor_meta_count(const rg_tensor_file *file, const char *key);
bool rg_tensor_meta_string_at(const rg_tensor_file *file, const char *key, size_t i, const char **out,
                              size_t *len);
bool rg_tensor_meta_int_at(const rg_tensor_file *file, const char *key, size_t i, int64_t *out);
bool rg_tensor_meta_float_at(const rg_tensor_file *file, const char *key, size_t i, double *out);
/* Keys present, for refusing what nobody consumes. NULL past the end. */
const char *rg_tensor_meta_key(const rg_tensor_file *file, size_t i);

#ifdef __cplusplus
}
#endif
#endif
