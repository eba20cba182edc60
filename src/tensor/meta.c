/* Typed access to metadata. */
#include "tensor/file.h"

#include <stdlib.h>

size_t meta_type_bytes(uint32_t type) {
    static const uint8_t bytes[META_N_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
    return type < META_N_TYPES ? bytes[type] : 0;
}

static int compare(const void *key, const void *entry) {
    return strcmp(key, (*(const meta_entry *const *)entry)->key);
}

static const meta_entry *meta_find(const rg_tensor_file *file, const char *key) {
    const meta_entry **found =
        file->n_meta ? bsearch(key, file->by_key, file->n_meta, sizeof *file->by_key, compare) : NULL;
    return found ? *found : NULL;
}

static bool integer(const meta_entry *m, size_t i, int64_t *out) {
    if (m->type == META_STRING) return false; /* has no numbers */
    const uint8_t *p = m->data + i * meta_type_bytes(m->type);
    switch (m->type) {
    case META_U8:
        *out = *p;
        return true;
    case META_I8:
        *out = (int8_t)*p;
        return true;
    case META_U16:
        *out = p[0] | p[1] << 8;
        return true;
    case META_I16:
        *out = (int16_t)(p[0] | p[1] << 8);
        return true;
    case META_U32:
        *out = load_u32(p);
        return true;
    case META_I32:
        *out = (int32_t)load_u32(p);
        return true;
    case META_U64:
    case META_I64:
        if (m->type == META_U64 && load_u64(p) > INT64_MAX) return false;
        *out = (int64_t)load_u64(p);
        return true;
    default:
        return false;
    }
}

bool rg_tensor_meta_int(const rg_tensor_file *file, const char *key, int64_t *out) {
    const meta_entry *m = meta_find(file, key);
    return m && !m->array && integer(m, 0, out);
}

static bool real(const meta_entry *m, size_t i, double *out) {
    if (m->type == META_F32) {
        float v;
        memcpy(&v, m->data + i * sizeof v, sizeof v);
        *out = v;
        return true;
    }
    if (m->type != META_F64) return false;
    memcpy(out, m->data + i * sizeof *out, sizeof *out);
    return true;
}

bool rg_tensor_meta_float(const rg_tensor_file *file, const char *key, double *out) {
    const meta_entry *m = meta_find(file, key);
    return m && !m->array && real(m, 0, out);
}

bool rg_tensor_meta_bool(const rg_tensor_file *file, const char *key, bool *out) {
    const meta_entry *m = meta_find(file, key);
    if (!m || m->array || m->type != META_BOOL) return false;
    *out = *m->data != 0;
    return true;
}

static bool string(const meta_entry *m, size_t i, const char **out, size_t *len) {
    if (m->type != META_STRING || i >= m->count) return false;
    *out = (const char *)m->strings[i] + 8;
    *len = load_u64(m->strings[i]);
    return true;
}

bool rg_tensor_meta_string(const rg_tensor_file *file, const char *key, const char **out, size_t *len) {
    const meta_entry *m = meta_find(file, key);
    return m && !m->array && string(m, 0, out, len);
}

size_t rg_tensor_meta_count(const rg_tensor_file *file, const char *key) {
    const meta_entry *m = meta_find(file, key);
    return m && m->array ? m->count : 0;
}

bool rg_tensor_meta_string_at(const rg_tensor_file *file, const char *key, size_t i, const char **out,
                              size_t *len) {
    const meta_entry *m = meta_find(file, key);
    return m && m->array && string(m, i, out, len);
}

bool rg_tensor_meta_int_at(const rg_tensor_file *file, const char *key, size_t i, int64_t *out) {
    const meta_entry *m = meta_find(file, key);
    return m && m->array && i < m->count && integer(m, i, out);
}

bool rg_tensor_meta_float_at(const rg_tensor_file *file, const char *key, size_t i, double *out) {
    const meta_entry *m = meta_find(file, key);
    return m && m->array && i < m->count && real(m, i, out);
}

const char *rg_tensor_meta_key(const rg_tensor_file *file, size_t i) {
    return i < file->n_meta ? file->meta[i].key : NULL;
}
