/* Inside of a tensor file: the mapped bytes, the tensors and the metadata found in them. */
#ifndef RIDGE_TENSOR_FILE_H
#define RIDGE_TENSOR_FILE_H

#include "ridge/tensor.h"

#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "files are little endian and read in place");

/* ---- element types ------------------------------------------------------------------------------ */

/* A run of `block` elements is stored in `bytes` bytes. */
typedef struct tensor_type {
    uint32_t gguf; /* ggml_type of the GGUF specification */
    const char *name;
    uint32_t block, bytes;
    void (*decode)(const uint8_t *in, float *out, size_t n_blocks);
} tensor_type;

/* By number or name; NULL when Ridge does not read it. */
const tensor_type *tensor_type_of(uint32_t gguf);
const tensor_type *tensor_type_named(const char *name);
/* Name of any type that the GGUF specification lists, or NULL. */
const char *tensor_type_label(uint32_t gguf);

/* ---- metadata ----------------------------------------------------------------------------------- */

/* Value types of the GGUF specification. */
enum {
    META_U8,
    META_I8,
    META_U16,
    META_I16,
    META_U32,
    META_I32,
    META_F32,
    META_BOOL,
    META_STRING,
    META_ARRAY,
    META_U64,
    META_I64,
    META_F64,
    META_N_TYPES
};

typedef struct meta_entry {
    const char *key;
    uint32_t type;           /* of the value, or of the elements of an array */
    bool array;              /* then `count` elements */
    uint64_t count;          /* 1 for scalars */
    uint64_t at;             /* byte offset of the value in the file, for messages */
    const uint8_t *data;     /* numbers, one after the other; not aligned */
    const uint8_t **strings; /* [count] each a 64-bit length, then the bytes */
} meta_entry;

/* Bytes of a number or truth value; 0 for strings and arrays. */
size_t meta_type_bytes(uint32_t type);

/* ---- the file ----------------------------------------------------------------------------------- */

struct rg_tensor_file {
    rg_map map; /* empty when the bytes belong to somebody else */
    const uint8_t *data;
    size_t size;
    rg_arena arena;
    const char *path, *kind;
    size_t n_tensors, n_meta;
    rg_tensor_info *tensor;
    meta_entry *meta;
    const rg_tensor_info **by_name; /* [n_tensors] sorted */
    const meta_entry **by_key;      /* [n_meta] sorted */
};

/* The same as rg_tensor_file_open on bytes in memory, which must outlive the file. `path` is for messages. */
rg_status tensor_file_open_memory(rg_tensor_file **out, const uint8_t *data, size_t size, const char *path,
                                  rg_error *err);

rg_status gguf_parse(rg_tensor_file *file, rg_error *err);
rg_status llama2c_parse(rg_tensor_file *file, rg_error *err);

/* Sorts tensors and keys by name; refuses a name that stands twice. */
rg_status file_index(rg_tensor_file *file, rg_error *err);
/* Refuses tensors that share bytes. */
rg_status file_check_overlap(rg_tensor_file *file, rg_error *err);

/* "FILE@byte OFFSET", the head of a long path left out. */
enum { FILE_WHERE = 256 };
const char *file_where(const rg_tensor_file *file, uint64_t offset, char *buf);
rg_status file_no_memory(const rg_tensor_file *file, rg_error *err);

static inline uint32_t load_u32(const void *p) {
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline uint64_t load_u64(const void *p) {
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

#endif
