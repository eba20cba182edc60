/* safetensors: a 64-bit length, a JSON header of that many bytes, the bytes of the tensors. And the index of
   a checkpoint that is cut into several such files. Source: the README of huggingface/safetensors, section
   Format; Hugging Face transformers for the index. */
#include "tensor/file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { LENGTH_BYTES = 8, MAX_NAME = 255, HEADER_LIMIT = 100000000 }; /* the reference's limit */

typedef struct header {
    rg_tensor_file *file;
    uint64_t bytes; /* of the JSON text, from byte 8 */
    rg_error *err;
} header;

/* Where the JSON text says `word`, for messages. */
static uint64_t place_of(const header *h, const char *word) {
    char quoted[MAX_NAME + 3];
    const int n = snprintf(quoted, sizeof quoted, "\"%s\"", word);
    const uint8_t *text = h->file->data + LENGTH_BYTES,
                  *found = n < (int)sizeof quoted ? memmem(text, h->bytes, quoted, (size_t)n) : NULL;
    return LENGTH_BYTES + (found ? (uint64_t)(found - text) : 0);
}

static rg_status fail_at(const header *h, uint64_t at, const char *expected, const char *what) {
    char where[FILE_WHERE];
    return rg_fail(h->err, RG_ERR_PARSE, file_where(h->file, at, where), expected, "%s", what);
}

static rg_status bad_tensor(const header *h, const char *name, const char *expected, const char *what) {
    char text[300];
    snprintf(text, sizeof text, "tensor \"%.100s\" %s", name, what);
    return fail_at(h, place_of(h, name), expected, text);
}

/* ---- one tensor ---------------------------------------------------------------------------------- */

static rg_status take_dtype(const header *h, const json_t *dtype, const char *name, const tensor_type **out) {
    char where[FILE_WHERE];
    const char *text = json_string_value(dtype);
    if (!text) return bad_tensor(h, name, "a string", "has no dtype");
    *out = tensor_type_safetensors(text);
    if (*out) return RG_OK;
    return rg_fail(h->err, RG_ERR_UNSUPPORTED, file_where(h->file, place_of(h, name), where),
                   "F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, I16, I8, U8 or BOOL",
                   "tensor \"%.100s\" is of dtype %.40s", name, text);
}

static rg_status take_shape(const header *h, const json_t *shape, rg_tensor_info *t, uint64_t *n_elements) {
    char text[160], expected[80];
    const size_t n = json_array_size(shape);
    if (!json_is_array(shape)) return bad_tensor(h, t->name, "a list of sizes", "has no shape");
    snprintf(text, sizeof text, "has %zu dimensions", n);
    snprintf(expected, sizeof expected, "at most %d", RG_MAX_DIMS);
    if (n > RG_MAX_DIMS) return bad_tensor(h, t->name, expected, text);
    *n_elements = 1;
    for (size_t i = 0; i < n; i++) {
        const json_t *size = json_array_get(shape, i);
        const json_int_t value = json_integer_value(size);
        if (!json_is_integer(size) || value < 0 ||
            __builtin_mul_overflow(*n_elements, (uint64_t)value, n_elements) || *n_elements > INT64_MAX / 8) {
            snprintf(text, sizeof text, "has a wrong dimension %zu", i);
            return bad_tensor(h, t->name, "a whole number from 0, and fewer than 2^60 elements", text);
        }
        t->shape[i] = value;
    }
    t->n_dims = (int)n;
    return RG_OK;
}

static rg_status take_offsets(const header *h, const json_t *offsets, rg_tensor_info *t) {
    char text[200], expected[160];
    const json_t *from = json_array_get(offsets, 0), *to = json_array_get(offsets, 1);
    const json_int_t begin = json_integer_value(from), end = json_integer_value(to);
    const uint64_t start = LENGTH_BYTES + h->bytes, room = h->file->size - start;
    if (json_array_size(offsets) != 2 || !json_is_integer(from) || !json_is_integer(to) || begin < 0 ||
        end < begin)
        return bad_tensor(h, t->name, "[begin, end] with 0 <= begin <= end", "has wrong data_offsets");
    if ((uint64_t)(end - begin) != t->bytes) {
        snprintf(text, sizeof text, "has %lld bytes of data", (long long)(end - begin));
        snprintf(expected, sizeof expected, "%llu bytes for its shape and dtype",
                 (unsigned long long)t->bytes);
        return bad_tensor(h, t->name, expected, text);
    }
    if ((uint64_t)end > room) {
        snprintf(text, sizeof text, "ends at byte %lld of the data: the file is truncated", (long long)end);
        snprintf(expected, sizeof expected, "an end within the %llu bytes of data", (unsigned long long)room);
        return bad_tensor(h, t->name, expected, text);
    }
    t->offset = start + (uint64_t)begin;
    return RG_OK;
}

static rg_status take_tensor(const header *h, const char *name, const json_t *entry, rg_tensor_info *t) {
    const tensor_type *type = NULL;
    uint64_t n_elements = 0;
    if (file_check_name(h->file, name, MAX_NAME, 0, NULL) != RG_OK)
        return file_check_name(h->file, name, MAX_NAME, place_of(h, name), h->err);
    t->name = rg_arena_strndup(&h->file->arena, name, strlen(name));
    if (!t->name) return file_no_memory(h->file, h->err);
    if (!json_is_object(entry) || json_object_size(entry) != 3)
        return bad_tensor(h, name, "a map of dtype, shape and data_offsets", "has other fields");
    RG_TRY(take_dtype(h, json_object_get(entry, "dtype"), name, &type));
    RG_TRY(take_shape(h, json_object_get(entry, "shape"), t, &n_elements));
    t->format = type->name;
    t->bytes = n_elements * type->bytes; /* below 2^63 */
    return take_offsets(h, json_object_get(entry, "data_offsets"), t);
}

/* ---- metadata: texts ----------------------------------------------------------------------------- */

static rg_status take_metadata(const header *h, json_t *map) {
    rg_tensor_file *file = h->file;
    const char *key;
    json_t *value;
    if (!map) return RG_OK;
    if (!json_is_object(map))
        return fail_at(h, place_of(h, "__metadata__"), "a map of texts", "__metadata__ is none");
    file->meta = rg_arena_alloc(&file->arena, json_object_size(map) + 1, sizeof *file->meta);
    if (!file->meta) return file_no_memory(file, h->err);
    json_object_foreach(map, key, value) {
        const uint64_t n = json_string_length(value);
        if (!json_is_string(value))
            return fail_at(h, place_of(h, key), "a text", "a value of __metadata__ is none");
        const uint8_t **string = rg_arena_alloc(&file->arena, 1, sizeof *string);
        uint8_t *bytes = rg_arena_alloc(&file->arena, n + 9, 1);
        char *name = rg_arena_strndup(&file->arena, key, strlen(key));
        if (!string || !bytes || !name) return file_no_memory(file, h->err);
        memcpy(bytes, &n, sizeof n);
        memcpy(bytes + sizeof n, json_string_value(value), n);
        *string = bytes;
        file->meta[file->n_meta++] =
            (meta_entry){.key = name, .type = META_STRING, .count = 1, .at = LENGTH_BYTES, .strings = string};
    }
    return RG_OK;
}

/* ---- the file ------------------------------------------------------------------------------------ */

static rg_status take_all(const header *h, json_t *root) {
    rg_tensor_file *file = h->file;
    const char *name;
    json_t *entry;
    uint64_t bytes = 0;
    char expected[120];
    file->tensor = rg_arena_alloc(&file->arena, json_object_size(root) + 1, sizeof *file->tensor);
    if (!file->tensor) return file_no_memory(file, h->err);
    RG_TRY(take_metadata(h, json_object_get(root, "__metadata__")));
    json_object_foreach(root, name, entry) {
        if (strcmp(name, "__metadata__") == 0) continue;
        RG_TRY(take_tensor(h, name, entry, &file->tensor[file->n_tensors]));
        bytes +=
            file->tensor[file->n_tensors++].bytes; /* at most 10^8 terms below the file's size: no wrap */
        if (bytes > file->size) break;             /* they overlap, which is found below */
    }
    RG_TRY(file_check_overlap(file, h->err));
    const uint64_t start = LENGTH_BYTES + h->bytes, room = file->size - start;
    if (bytes == room) return RG_OK;
    snprintf(expected, sizeof expected, "all %llu bytes after the header to belong to tensors",
             (unsigned long long)room);
    return fail_at(h, start, expected, "there are holes between the tensors");
}

bool safetensors_is(const uint8_t *data, size_t size) {
    /* Below 2^32, as no legacy llama2.c file: its second number is not 0. */
    return size > LENGTH_BYTES && data[LENGTH_BYTES] == '{' && load_u64(data) < 1ull << 32;
}

rg_status safetensors_parse(rg_tensor_file *file, rg_error *err) {
    header h = {.file = file, .err = err};
    char text[200];
    json_error_t why;
    if (file->size <= LENGTH_BYTES || file->data[LENGTH_BYTES] != '{')
        return fail_at(&h, 0, "the length of a header and a JSON map", "not a safetensors file");
    const uint64_t bytes = load_u64(file->data), room = file->size - LENGTH_BYTES;
    snprintf(text, sizeof text, "the header claims %llu bytes", (unsigned long long)bytes);
    if (bytes > HEADER_LIMIT) return fail_at(&h, 0, "at most 100000000", text);
    if (bytes > room) {
        char expected[80];
        snprintf(text, sizeof text, "truncated: the header claims %llu bytes", (unsigned long long)bytes);
        snprintf(expected, sizeof expected, "at most %llu, what the file has", (unsigned long long)room);
        return fail_at(&h, 0, expected, text);
    }
    h.bytes = bytes;
    json_t *root = json_loadb((const char *)file->data + LENGTH_BYTES, bytes, JSON_REJECT_DUPLICATES, &why);
    if (!root) {
        snprintf(text, sizeof text, "the header is no JSON: %.150s", why.text);
        return fail_at(&h, LENGTH_BYTES + (why.position > 0 ? (uint64_t)why.position : 0),
                       "a JSON map of tensors", text);
    }
    const rg_status status = json_is_object(root)
                                 ? take_all(&h, root)
                                 : fail_at(&h, LENGTH_BYTES, "a JSON map of tensors", "the header is none");
    json_decref(root);
    return status;
}
