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
    const char *safetensors, *npy; /* what those files call it; NULL: they have no such type */
    uint32_t block, bytes;
    void (*decode)(const uint8_t *in, float *out, size_t n_blocks);
} tensor_type;

enum { NO_GGUF = 255 };

/* By number or name; NULL when Ridge does not read it. */
const tensor_type *tensor_type_of(uint32_t gguf);
const tensor_type *tensor_type_named(const char *name);
const tensor_type *tensor_type_safetensors(const char *dtype);
const tensor_type *tensor_type_npy(const char *descr);
/* Name of any type that the GGUF specification lists, or NULL. */
const char *tensor_type_label(uint32_t gguf);

float half_value(const uint8_t *p); /* fp16, two bytes */

/* types_block.c */
#define TENSOR_DECODER(name) void decode_##name(const uint8_t *in, float *out, size_t n_blocks);
TENSOR_DECODER(q4_0)
TENSOR_DECODER(q4_1)
TENSOR_DECODER(q5_0)
TENSOR_DECODER(q5_1)
TENSOR_DECODER(q8_0)
TENSOR_DECODER(q2_k)
TENSOR_DECODER(q3_k)
TENSOR_DECODER(q4_k)
TENSOR_DECODER(q5_k)
TENSOR_DECODER(q6_k)
TENSOR_DECODER(iq4_nl)
TENSOR_DECODER(mxfp4)
#undef TENSOR_DECODER

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
    uint64_t begin, end;     /* GGUF: the whole entry, key and value */
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
    /* a checkpoint in several files: then data is NULL */
    size_t n_parts;
    rg_tensor_file **part;
    size_t *part_of; /* [n_tensors] */
};

/* The same as rg_tensor_file_open on bytes in memory, which must outlive the file. `path` is for messages. */
rg_status tensor_file_open_memory(rg_tensor_file **out, const uint8_t *data, size_t size, const char *path,
                                  rg_error *err);

/* One file, whatever its name and never a folder. */
rg_status tensor_file_open_one(rg_tensor_file **out, const char *path, rg_error *err);

rg_status gguf_parse(rg_tensor_file *file, rg_error *err);
rg_status llama2c_parse(rg_tensor_file *file, rg_error *err);
bool safetensors_is(const uint8_t *data, size_t size);
rg_status safetensors_parse(rg_tensor_file *file, rg_error *err);
bool npy_is(const uint8_t *data, size_t size);
rg_status npy_parse(rg_tensor_file *file, rg_error *err);

/* The index of a checkpoint in several files. */
typedef struct shard_index {
    rg_arena arena;
    struct json_t *root;
    size_t n_shards;
    char **shard; /* [n_shards] names of files beside the index, sorted */
} shard_index;
rg_status shard_index_parse(shard_index *out, const uint8_t *data, size_t size, const char *path,
                            rg_error *err);
void shard_index_free(shard_index *index);
rg_status shards_open(rg_tensor_file **out, const uint8_t *data, size_t size, const char *path,
                      rg_error *err);

/* Sorts tensors and keys by name; refuses a name that stands twice. */
rg_status file_index(rg_tensor_file *file, rg_error *err);
/* Refuses tensors that share bytes. */
rg_status file_check_overlap(rg_tensor_file *file, rg_error *err);

/* "FILE@byte OFFSET", the head of a long path left out. */
enum { FILE_WHERE = 256 };
const char *file_where(const rg_tensor_file *file, uint64_t offset, char *buf);
/* A tensor's name: 1 to `most` printable ASCII characters. */
rg_status file_check_name(const rg_tensor_file *file, const char *name, size_t most, uint64_t at,
                          rg_error *err);
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
