/* GGUF, versions 2 and 3. Everything in the header is checked against the bytes that are there before it is
   used. Source: GGUF specification (ggml, docs/gguf.md). */
#include "tensor/file.h"

#include <stdio.h>

enum { HEADER_BYTES = 24, MAX_GGUF_DIMS = 4, MAX_KEY = 65535, MAX_NAME = 255, DEFAULT_ALIGNMENT = 32 };

typedef struct cursor {
    rg_tensor_file *file;
    uint64_t at;
    rg_error *err;
} cursor;

static rg_status fail_at(const cursor *c, uint64_t at, const char *expected, const char *what) {
    char where[FILE_WHERE];
    return rg_fail(c->err, RG_ERR_PARSE, file_where(c->file, at, where), expected, "%s", what);
}

static rg_status take(cursor *c, uint64_t n, const char *what, const uint8_t **out) {
    const uint64_t left = c->file->size - c->at;
    if (n > left) {
        char text[160], expected[160];
        snprintf(text, sizeof text, "truncated: the file ends at byte %zu, inside %s", c->file->size, what);
        snprintf(expected, sizeof expected, "%llu bytes for %s", (unsigned long long)n, what);
        return fail_at(c, c->at, expected, text);
    }
    *out = c->file->data + c->at;
    c->at += n;
    return RG_OK;
}

static rg_status take_u32(cursor *c, const char *what, uint32_t *out) {
    const uint8_t *p = NULL;
    RG_TRY(take(c, 4, what, &p));
    *out = load_u32(p);
    return RG_OK;
}

static rg_status take_u64(cursor *c, const char *what, uint64_t *out) {
    const uint8_t *p = NULL;
    RG_TRY(take(c, 8, what, &p));
    *out = load_u64(p);
    return RG_OK;
}

/* *out: the length, then the bytes. */
static rg_status take_string(cursor *c, const char *what, const uint8_t **out) {
    uint64_t n = 0;
    const uint8_t *start = c->file->data + c->at, *bytes;
    RG_TRY(take_u64(c, what, &n));
    RG_TRY(take(c, n, what, &bytes));
    *out = start;
    return RG_OK;
}

/* Keys and tensor names: 1 to `most` printable ASCII characters. */
static rg_status take_name(cursor *c, const char *what, uint64_t most, const char **out) {
    const uint64_t at = c->at;
    const uint8_t *p = NULL;
    char text[160];
    RG_TRY(take_string(c, what, &p));
    const uint64_t n = load_u64(p);
    if (n == 0 || n > most) {
        snprintf(text, sizeof text, "%s has %llu characters", what, (unsigned long long)n);
        return fail_at(c, at, most == MAX_KEY ? "1 to 65535" : "1 to 255", text);
    }
    for (uint64_t i = 0; i < n; i++)
        if (p[8 + i] <= ' ' || p[8 + i] > '~') {
            snprintf(text, sizeof text, "%s has byte 0x%02x in it", what, p[8 + i]);
            return fail_at(c, at + 8 + i, "printable ASCII", text);
        }
    *out = rg_arena_strndup(&c->file->arena, (const char *)p + 8, n);
    return *out ? RG_OK : file_no_memory(c->file, c->err);
}

/* ---- metadata ----------------------------------------------------------------------------------- */

static rg_status take_strings(cursor *c, meta_entry *m) {
    const uint64_t left = c->file->size - c->at;
    if (m->count > left / 8) { /* before memory is taken for a count that cannot be */
        char text[200];
        snprintf(text, sizeof text, "\"%.100s\" claims %llu strings in the last %llu bytes of the file",
                 m->key, (unsigned long long)m->count, (unsigned long long)left);
        return fail_at(c, c->at, "a count that the file has room for", text);
    }
    m->strings = rg_arena_alloc(&c->file->arena, m->count ? m->count : 1, sizeof *m->strings);
    if (!m->strings) return file_no_memory(c->file, c->err);
    for (uint64_t i = 0; i < m->count; i++)
        RG_TRY(take_string(c, "a string of the metadata", &m->strings[i]));
    return RG_OK;
}

static rg_status take_numbers(cursor *c, meta_entry *m) {
    char text[200];
    const uint64_t at = c->at, bytes = meta_type_bytes(m->type);
    if (m->count > (c->file->size - c->at) / bytes) {
        snprintf(text, sizeof text, "truncated: \"%.100s\" claims %llu values of %llu bytes", m->key,
                 (unsigned long long)m->count, (unsigned long long)bytes);
        return fail_at(c, at, "a count that the file has room for", text);
    }
    RG_TRY(take(c, m->count * bytes, "a value of the metadata", &m->data));
    for (uint64_t i = 0; m->type == META_BOOL && i < m->count; i++)
        if (m->data[i] > 1) {
            snprintf(text, sizeof text, "\"%.100s\" is a truth value of %d", m->key, m->data[i]);
            return fail_at(c, at + i, "0 or 1", text);
        }
    return RG_OK;
}

static rg_status take_entry(cursor *c, meta_entry *m) {
    char text[200];
    RG_TRY(take_name(c, "a metadata key", MAX_KEY, &m->key));
    m->at = c->at;
    RG_TRY(take_u32(c, "the type of a metadata value", &m->type));
    m->count = 1;
    if (m->type == META_ARRAY) {
        m->array = true;
        m->at = c->at;
        RG_TRY(take_u32(c, "the type of array elements", &m->type));
        RG_TRY(take_u64(c, "the length of an array", &m->count));
    }
    if (m->type == META_STRING) return take_strings(c, m);
    if (meta_type_bytes(m->type)) return take_numbers(c, m);
    snprintf(text, sizeof text, "\"%.100s\" has %s %u", m->key, m->array ? "elements of type" : "type",
             m->type);
    return fail_at(c, m->at,
                   m->array ? "a number, truth value or string (types 0 to 8, 10 to 12)" : "0 to 12", text);
}

/* ---- tensors ------------------------------------------------------------------------------------ */

static rg_status take_shape(cursor *c, rg_tensor_info *t, uint64_t *n_elements) {
    char text[200];
    uint32_t n_dims = 0;
    uint64_t at = c->at, dim[MAX_GGUF_DIMS] = {0};
    RG_TRY(take_u32(c, "the number of dimensions", &n_dims));
    if (n_dims < 1 || n_dims > MAX_GGUF_DIMS) {
        snprintf(text, sizeof text, "tensor \"%.100s\" has %u dimensions", t->name, n_dims);
        return fail_at(c, at, "1 to 4", text);
    }
    *n_elements = 1;
    for (uint32_t i = 0; i < n_dims; i++) {
        at = c->at;
        RG_TRY(take_u64(c, "a dimension", &dim[i]));
        if (dim[i] == 0 || dim[i] > INT64_MAX || __builtin_mul_overflow(*n_elements, dim[i], n_elements) ||
            *n_elements > INT64_MAX / 8) {
            snprintf(text, sizeof text, "dimension %u of tensor \"%.100s\" is %llu", i, t->name,
                     (unsigned long long)dim[i]);
            return fail_at(c, at, "at least 1, and fewer than 2^60 elements", text);
        }
    }
    t->n_dims = (int)n_dims;
    for (uint32_t i = 0; i < n_dims; i++)
        t->shape[i] = (int64_t)dim[n_dims - 1 - i]; /* innermost first there */
    return RG_OK;
}

static rg_status take_type(cursor *c, rg_tensor_info *t, uint64_t n_elements) {
    static const char known[] =
        "F64 F32 F16 BF16 I8 I16 I32 I64 Q8_0 Q5_0 Q5_1 Q4_0 Q4_1 Q2_K Q3_K Q4_K Q5_K "
        "Q6_K IQ4_NL or MXFP4";
    char text[200], where[FILE_WHERE], expected[64];
    uint32_t number = 0;
    const uint64_t at = c->at;
    RG_TRY(take_u32(c, "a tensor type", &number));
    const tensor_type *type = tensor_type_of(number);
    const char *label = tensor_type_label(number);
    if (!type)
        return rg_fail(c->err, label ? RG_ERR_UNSUPPORTED : RG_ERR_PARSE, file_where(c->file, at, where),
                       known, "tensor \"%.100s\" is of type %u (%s)", t->name, number,
                       label ? label : "unknown");
    const uint64_t columns = (uint64_t)t->shape[t->n_dims - 1];
    if (columns % type->block) {
        snprintf(text, sizeof text, "rows of tensor \"%.100s\" have %llu elements", t->name,
                 (unsigned long long)columns);
        snprintf(expected, sizeof expected, "a multiple of %u for this type", type->block);
        return fail_at(c, at, expected, text);
    }
    t->format = type->name;
    t->bytes = n_elements / type->block * type->bytes; /* below 2^62 */
    return RG_OK;
}

/* The offset counts from the start of the data, which is not known yet: checked by place_tensors. */
static rg_status take_tensor(cursor *c, rg_tensor_info *t) {
    uint64_t n_elements = 0;
    RG_TRY(take_name(c, "a tensor name", MAX_NAME, &t->name));
    RG_TRY(take_shape(c, t, &n_elements));
    RG_TRY(take_type(c, t, n_elements));
    return take_u64(c, "the offset of a tensor", &t->offset);
}

static rg_status place_tensor(cursor *c, rg_tensor_info *t, uint64_t start, uint32_t alignment) {
    char text[320], expected[160];
    const uint64_t size = c->file->size;
    if (t->offset % alignment) {
        snprintf(text, sizeof text, "tensor \"%.100s\" begins at offset %llu", t->name,
                 (unsigned long long)t->offset);
        snprintf(expected, sizeof expected, "a multiple of the alignment %u", alignment);
        return fail_at(c, start, expected, text);
    }
    if (start > size || t->offset > size - start || t->bytes > size - start - t->offset) {
        snprintf(text, sizeof text,
                 "truncated: tensor \"%.100s\" has %llu bytes from offset %llu of the data at %llu", t->name,
                 (unsigned long long)t->bytes, (unsigned long long)t->offset, (unsigned long long)start);
        snprintf(expected, sizeof expected, "an end within the file's %llu bytes", (unsigned long long)size);
        return fail_at(c, size, expected, text);
    }
    t->offset += start;
    return RG_OK;
}

static rg_status find_alignment(cursor *c, uint32_t *out) {
    *out = DEFAULT_ALIGNMENT;
    for (size_t i = 0; i < c->file->n_meta; i++) {
        const meta_entry *m = &c->file->meta[i];
        if (strcmp(m->key, "general.alignment") != 0) continue;
        const uint32_t value = m->type == META_U32 && !m->array ? load_u32(m->data) : 0;
        if (value < 8 || value > 1 << 20 || value % 8) {
            char text[80];
            snprintf(text, sizeof text, "general.alignment is %u", value);
            return fail_at(c, m->at, "an unsigned 32-bit multiple of 8, at most 2^20", text);
        }
        *out = value;
    }
    return RG_OK;
}

static rg_status check_count(cursor *c, uint64_t at, uint64_t n, uint64_t least_bytes, const char *what) {
    char text[160];
    if (n <= c->file->size / least_bytes) return RG_OK;
    snprintf(text, sizeof text, "claims %llu %s in a file of %zu bytes", (unsigned long long)n, what,
             c->file->size);
    return fail_at(c, at, "a count that the file has room for", text);
}

static rg_status take_header(cursor *c) {
    const uint8_t *p = NULL;
    char where[FILE_WHERE];
    RG_TRY(take(c, HEADER_BYTES, "the header", &p));
    const uint32_t version = load_u32(p + 4);
    if (version == 0x02000000 || version == 0x03000000)
        return rg_fail(c->err, RG_ERR_UNSUPPORTED, file_where(c->file, 4, where), "a little-endian file",
                       "big-endian GGUF");
    if (version != 2 && version != 3)
        return rg_fail(c->err, RG_ERR_UNSUPPORTED, file_where(c->file, 4, where), "2 or 3", "GGUF version %u",
                       version);
    /* least sizes: name, dimensions, type, offset; key, type, value */
    RG_TRY(check_count(c, 8, load_u64(p + 8), 8 + 1 + 4 + 8 + 4 + 8, "tensors"));
    RG_TRY(check_count(c, 16, load_u64(p + 16), 8 + 1 + 4 + 1, "metadata entries"));
    c->file->n_tensors = load_u64(p + 8);
    c->file->n_meta = load_u64(p + 16);
    return RG_OK;
}

rg_status gguf_parse(rg_tensor_file *file, rg_error *err) {
    cursor c = {.file = file, .err = err};
    uint32_t alignment = 0;
    RG_TRY(take_header(&c));
    file->meta = rg_arena_alloc(&file->arena, file->n_meta + 1, sizeof *file->meta);
    file->tensor = rg_arena_alloc(&file->arena, file->n_tensors + 1, sizeof *file->tensor);
    if (!file->meta || !file->tensor) return file_no_memory(file, err);
    for (size_t i = 0; i < file->n_meta; i++) {
        file->meta[i].begin = c.at;
        RG_TRY(take_entry(&c, &file->meta[i]));
        file->meta[i].end = c.at;
    }
    RG_TRY(find_alignment(&c, &alignment));
    for (size_t i = 0; i < file->n_tensors; i++) RG_TRY(take_tensor(&c, &file->tensor[i]));
    const uint64_t start = (c.at + alignment - 1) / alignment * alignment;
    for (size_t i = 0; i < file->n_tensors; i++) RG_TRY(place_tensor(&c, &file->tensor[i], start, alignment));
    return RG_OK;
}
