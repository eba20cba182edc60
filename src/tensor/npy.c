/* One array of NumPy: versions 1 to 3, little endian, C order. Source: numpy.lib.format (NEP 1). */
#include "tensor/file.h"

#include <stdio.h>
#include <stdlib.h>

enum { MAGIC_BYTES = 8, MAX_TEXT = 1 << 20 };

typedef struct text {
    rg_tensor_file *file;
    uint64_t at, end;
    rg_error *err;
} text;

static rg_status fail(const text *t, uint64_t at, const char *expected, const char *what) {
    char where[FILE_WHERE];
    return rg_fail(t->err, RG_ERR_PARSE, file_where(t->file, at, where), expected, "%s", what);
}

static int peek(text *t) {
    while (t->at < t->end && strchr(" \t\n", t->file->data[t->at]) && t->file->data[t->at]) t->at++;
    return t->at < t->end ? t->file->data[t->at] : -1;
}

static bool take(text *t, int c) {
    if (peek(t) != c) return false;
    t->at++;
    return true;
}

static bool take_word(text *t, const char *word) {
    const size_t n = strlen(word);
    peek(t);
    if (t->end - t->at < n || memcmp(t->file->data + t->at, word, n) != 0) return false;
    t->at += n;
    return true;
}

/* 'text' or "text" without escapes. */
static rg_status take_quoted(text *t, char *out, size_t size) {
    const int quote = peek(t);
    const uint64_t start = t->at;
    size_t n = 0;
    if (quote != '\'' && quote != '"') return fail(t, start, "a text in quotes", "the header has none");
    for (t->at++; t->at < t->end && t->file->data[t->at] != quote; t->at++) {
        const uint8_t c = t->file->data[t->at];
        if (c < ' ' || c > '~' || c == '\\' || n + 1 == size)
            return fail(t, t->at, "a short plain text", "the header has another");
        out[n++] = (char)c;
    }
    if (t->at == t->end) return fail(t, start, "a closing quote", "the header ends within a text");
    t->at++;
    out[n] = 0;
    return RG_OK;
}

static rg_status take_shape(text *t, rg_tensor_info *info, uint64_t *n_elements) {
    *n_elements = 1;
    if (!take(t, '(')) return fail(t, t->at, "(sizes)", "the shape is none");
    while (!take(t, ')')) {
        int64_t size = 0;
        const uint64_t at = t->at;
        if (info->n_dims == RG_MAX_DIMS) return fail(t, at, "at most 8", "the array has more dimensions");
        for (; t->at < t->end && t->file->data[t->at] >= '0' && t->file->data[t->at] <= '9'; t->at++)
            if (__builtin_mul_overflow(size, 10, &size) ||
                __builtin_add_overflow(size, t->file->data[t->at] - '0', &size))
                return fail(t, at, "fewer than 2^60 elements", "a dimension is too large");
        if (t->at == at || __builtin_mul_overflow(*n_elements, (uint64_t)size, n_elements) ||
            *n_elements > INT64_MAX / 8)
            return fail(t, at, "whole numbers, fewer than 2^60 elements", "a dimension is wrong");
        info->shape[info->n_dims++] = size;
        if (!take(t, ',') && peek(t) != ')') return fail(t, t->at, ", or )", "the shape does not go on");
    }
    return RG_OK;
}

static rg_status take_type(text *t, uint64_t at, const char *descr, const tensor_type **type) {
    char where[FILE_WHERE];
    *type = tensor_type_npy(descr);
    if (*type) return RG_OK;
    return rg_fail(t->err, RG_ERR_UNSUPPORTED, file_where(t->file, at, where),
                   "<f2 <f4 <f8 |i1 <i2 <i4 <i8 |u1 |b1", "an array of %.40s", descr);
}

typedef struct fields {
    const tensor_type *type;
    bool fortran, has_order, has_shape;
    uint64_t n_elements;
} fields;

static rg_status take_field(text *t, rg_tensor_info *info, fields *f) {
    char key[32], descr[48];
    const uint64_t start = t->at;
    RG_TRY(take_quoted(t, key, sizeof key));
    if (!take(t, ':')) return fail(t, t->at, "a colon", "a key of the header has no value");
    peek(t);
    const uint64_t at = t->at;
    if (strcmp(key, "descr") == 0 && !f->type) {
        RG_TRY(take_quoted(t, descr, sizeof descr));
        return take_type(t, at, descr, &f->type);
    }
    if (strcmp(key, "fortran_order") == 0 && !f->has_order) {
        f->has_order = true;
        f->fortran = take_word(t, "True");
        return f->fortran || take_word(t, "False") ? RG_OK
                                                   : fail(t, at, "True or False", "the order is neither");
    }
    if (strcmp(key, "shape") == 0 && !f->has_shape) {
        f->has_shape = true;
        return take_shape(t, info, &f->n_elements);
    }
    return fail(t, start, "descr, fortran_order and shape, once each", "the header has another key");
}

static rg_status take_header(text *t, rg_tensor_info *info) {
    fields f = {0};
    char where[FILE_WHERE], expected[120];
    if (!take(t, '{')) return fail(t, t->at, "{'descr': ...}", "the header is no dictionary");
    while (!take(t, '}')) {
        RG_TRY(take_field(t, info, &f));
        if (!take(t, ',') && peek(t) != '}') return fail(t, t->at, ", or }", "the header does not go on");
    }
    if (peek(t) != -1) return fail(t, t->at, "the end of the header", "the header goes on");
    if (!f.type || !f.has_order || !f.has_shape)
        return fail(t, MAGIC_BYTES, "descr, fortran_order and shape", "a key of the header is missing");
    if (f.fortran && info->n_dims > 1)
        return rg_fail(t->err, RG_ERR_UNSUPPORTED, file_where(t->file, MAGIC_BYTES, where),
                       "fortran_order False (numpy.ascontiguousarray makes it so)",
                       "an array in Fortran order");
    info->format = f.type->name;
    info->bytes = f.n_elements * f.type->bytes;
    info->offset = t->end;
    if (info->bytes == t->file->size - t->end) return RG_OK;
    snprintf(expected, sizeof expected, "%llu for its shape and type", (unsigned long long)info->bytes);
    char found[80];
    snprintf(found, sizeof found, "%llu bytes of data", (unsigned long long)(t->file->size - t->end));
    return fail(t, t->end, expected, found);
}

/* The file's name without folder and ending. */
static const char *array_name(rg_tensor_file *file) {
    const char *slash = strrchr(file->path, '/'), *base = slash ? slash + 1 : file->path;
    const char *dot = strrchr(base, '.');
    size_t n = dot && dot > base ? (size_t)(dot - base) : strlen(base);
    for (size_t i = 0; i < n; i++)
        if (base[i] <= ' ' || base[i] > '~') n = 0;
    return n ? rg_arena_strndup(&file->arena, base, n) : "array";
}

bool npy_is(const uint8_t *data, size_t size) {
    return size >= 6 && memcmp(data, "\x93NUMPY", 6) == 0;
}

rg_status npy_parse(rg_tensor_file *file, rg_error *err) {
    text t = {.file = file, .err = err};
    char where[FILE_WHERE];
    if (file->size < MAGIC_BYTES + 4)
        return fail(&t, 0, "a header", "truncated: the file ends in its header");
    const int version = file->data[6];
    if (version < 1 || version > 3 || file->data[7] != 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, file_where(file, 6, where), "1.0, 2.0 or 3.0",
                       "an array file of version %d.%d", version, file->data[7]);
    const uint64_t n = version == 1 ? file->data[8] | (uint64_t)file->data[9] << 8 : load_u32(file->data + 8);
    t.at = MAGIC_BYTES + (version == 1 ? 2 : 4);
    if (n > MAX_TEXT || n > file->size - t.at)
        return fail(&t, MAGIC_BYTES, "a length that the file has room for",
                    "truncated: the header is longer");
    t.end = t.at + n;
    file->tensor = rg_arena_alloc(&file->arena, 1, sizeof *file->tensor);
    if (!file->tensor || !(file->tensor->name = array_name(file))) return file_no_memory(file, err);
    file->n_tensors = 1;
    return take_header(&t, file->tensor);
}
