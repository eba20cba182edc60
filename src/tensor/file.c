/* Tensor files: opened by content, looked up by name, read to fp32. */
#include "tensor/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

const char *file_where(const rg_tensor_file *file, uint64_t offset, char *buf) {
    enum { ROOM = 200 };
    const size_t n = strlen(file->path);
    snprintf(buf, FILE_WHERE, "%s%s@byte %llu", n > ROOM ? "..." : "", file->path + (n > ROOM ? n - ROOM : 0),
             (unsigned long long)offset);
    return buf;
}

rg_status file_no_memory(const rg_tensor_file *file, rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, file->path, NULL, "out of memory");
}

rg_status file_check_name(const rg_tensor_file *file, const char *name, size_t most, uint64_t at,
                          rg_error *err) {
    char where[FILE_WHERE];
    const size_t n = strlen(name);
    if (n == 0 || n > most)
        return rg_fail(err, RG_ERR_PARSE, file_where(file, at, where), "1 to 255",
                       "a tensor name has %zu characters", n);
    for (size_t i = 0; i < n; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return rg_fail(err, RG_ERR_PARSE, file_where(file, at, where), "printable ASCII",
                           "a tensor name has byte 0x%02x in it", (uint8_t)name[i]);
    return RG_OK;
}

/* Only the names of safetensors files count beside their content: so their defects are told, too. */
static rg_status parse(rg_tensor_file *file, rg_error *err) {
    if (file->size >= 4 && memcmp(file->data, "GGUF", 4) == 0) {
        file->kind = "gguf";
        return gguf_parse(file, err);
    }
    if (npy_is(file->data, file->size)) {
        file->kind = "npy";
        return npy_parse(file, err);
    }
    if (safetensors_is(file->data, file->size) || rg_ends_with(file->path, ".safetensors")) {
        file->kind = "safetensors";
        return safetensors_parse(file, err);
    }
    file->kind = "llama2c";
    return llama2c_parse(file, err);
}

rg_status tensor_file_open_memory(rg_tensor_file **out, const uint8_t *data, size_t size, const char *path,
                                  rg_error *err) {
    rg_tensor_file *file = calloc(1, sizeof *file);
    if (!file) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    file->data = data;
    file->size = size;
    file->path = rg_arena_strndup(&file->arena, path, strlen(path));
    rg_status status =
        file->path ? parse(file, err) : rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    if (status == RG_OK) status = file_check_overlap(file, err);
    if (status == RG_OK) status = file_index(file, err);
    if (status != RG_OK) {
        rg_tensor_file_close(file);
        return status;
    }
    *out = file;
    return RG_OK;
}

/* The weights of a Hugging Face folder; false where there are none. */
static bool weights_of_folder(const char *path, char *buf, size_t size) {
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json"};
    struct stat st;
    if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if ((size_t)snprintf(buf, size, "%s/%s", path, names[i]) < size && access(buf, R_OK) == 0)
            return true;
    return false;
}

rg_status tensor_file_open_one(rg_tensor_file **out, const char *path, rg_error *err) {
    rg_map map;
    RG_TRY(rg_map_open(&map, path, err));
    const rg_status status = tensor_file_open_memory(out, map.data, map.size, path, err);
    if (status != RG_OK)
        rg_map_close(&map);
    else
        (*out)->map = map;
    return status;
}

rg_status rg_tensor_file_open(rg_tensor_file **out, const char *path, rg_error *err) {
    rg_map map;
    char weights[4096];
    if (weights_of_folder(path, weights, sizeof weights)) path = weights;
    if (!rg_ends_with(path, ".index.json")) return tensor_file_open_one(out, path, err);
    RG_TRY(rg_map_open(&map, path, err));
    const rg_status status = shards_open(out, map.data, map.size, path, err);
    rg_map_close(&map);
    return status;
}

void rg_tensor_file_close(rg_tensor_file *file) {
    if (!file) return;
    for (size_t i = 0; i < file->n_parts; i++) rg_tensor_file_close(file->part[i]);
    rg_map_close(&file->map);
    rg_arena_free(&file->arena);
    free(file);
}

const char *rg_tensor_file_kind(const rg_tensor_file *file) {
    return file->kind;
}
const char *rg_tensor_file_path(const rg_tensor_file *file) {
    return file->path;
}
const char *rg_tensor_file_part(const rg_tensor_file *file, size_t i) {
    return i < file->n_parts ? file->part[i]->path : NULL;
}
rg_status rg_tensor_file_spare(const rg_tensor_file *file, const char *path, rg_error *err) {
    if (rg_file_same(file->path, path))
        return rg_fail(err, RG_ERR_USAGE, path, "another name than the source's",
                       "the source would be overwritten");
    for (size_t i = 0; i < file->n_parts; i++) RG_TRY(rg_tensor_file_spare(file->part[i], path, err));
    return RG_OK;
}
size_t rg_tensor_file_count(const rg_tensor_file *file) {
    return file->n_tensors;
}

const rg_tensor_info *rg_tensor_file_info(const rg_tensor_file *file, size_t i) {
    return i < file->n_tensors ? &file->tensor[i] : NULL;
}

/* ---- names -------------------------------------------------------------------------------------- */

static int compare_tensors(const void *a, const void *b) {
    return strcmp((*(const rg_tensor_info *const *)a)->name, (*(const rg_tensor_info *const *)b)->name);
}

static int compare_keys(const void *a, const void *b) {
    return strcmp((*(const meta_entry *const *)a)->key, (*(const meta_entry *const *)b)->key);
}

rg_status file_index(rg_tensor_file *file, rg_error *err) {
    char where[FILE_WHERE];
    file->by_name = rg_arena_alloc(&file->arena, file->n_tensors + 1, sizeof *file->by_name);
    file->by_key = rg_arena_alloc(&file->arena, file->n_meta + 1, sizeof *file->by_key);
    if (!file->by_name || !file->by_key) return file_no_memory(file, err);
    for (size_t i = 0; i < file->n_tensors; i++) file->by_name[i] = &file->tensor[i];
    for (size_t i = 0; i < file->n_meta; i++) file->by_key[i] = &file->meta[i];
    qsort(file->by_name, file->n_tensors, sizeof *file->by_name, compare_tensors);
    qsort(file->by_key, file->n_meta, sizeof *file->by_key, compare_keys);
    for (size_t i = 1; i < file->n_tensors; i++)
        if (compare_tensors(file->by_name + i - 1, file->by_name + i) == 0)
            return rg_fail(err, RG_ERR_PARSE, file_where(file, file->by_name[i]->offset, where),
                           "each name once", "two tensors are called \"%s\"", file->by_name[i]->name);
    for (size_t i = 1; i < file->n_meta; i++)
        if (compare_keys(file->by_key + i - 1, file->by_key + i) == 0)
            return rg_fail(err, RG_ERR_PARSE, file_where(file, file->by_key[i]->at, where), "each key once",
                           "metadata key \"%.200s\" stands twice", file->by_key[i]->key);
    return RG_OK;
}

static int compare_offsets(const void *a, const void *b) {
    const uint64_t x = (*(const rg_tensor_info *const *)a)->offset;
    const uint64_t y = (*(const rg_tensor_info *const *)b)->offset;
    if (x != y) return x < y ? -1 : 1;
    const uint64_t n =
        (*(const rg_tensor_info *const *)a)->bytes; /* empty ones first: they overlap nothing */
    const uint64_t m = (*(const rg_tensor_info *const *)b)->bytes;
    return n < m ? -1 : n > m;
}

rg_status file_check_overlap(rg_tensor_file *file, rg_error *err) {
    const rg_tensor_info **order = malloc((file->n_tensors + 1) * sizeof *order);
    char where[FILE_WHERE], expected[256];
    rg_status status = RG_OK;
    if (!order) return file_no_memory(file, err);
    for (size_t i = 0; i < file->n_tensors; i++) order[i] = &file->tensor[i];
    qsort(order, file->n_tensors, sizeof *order, compare_offsets);
    for (size_t i = 1; i < file->n_tensors && status == RG_OK; i++) {
        const uint64_t end = order[i - 1]->offset + order[i - 1]->bytes;
        if (order[i]->offset >= end) continue;
        snprintf(expected, sizeof expected, "byte %llu or later, where tensor \"%.100s\" ends",
                 (unsigned long long)end, order[i - 1]->name);
        status = rg_fail(err, RG_ERR_PARSE, file_where(file, order[i]->offset, where), expected,
                         "tensor \"%.100s\" overlaps tensor \"%.100s\"", order[i]->name, order[i - 1]->name);
    }
    free(order);
    return status;
}

static int compare_name(const void *name, const void *info) {
    return strcmp(name, (*(const rg_tensor_info *const *)info)->name);
}

const rg_tensor_info *rg_tensor_file_find(const rg_tensor_file *file, const char *name) {
    const rg_tensor_info **found =
        file->n_tensors ? bsearch(name, file->by_name, file->n_tensors, sizeof *file->by_name, compare_name)
                        : NULL;
    return found ? *found : NULL;
}

/* ---- values ------------------------------------------------------------------------------------- */

rg_status rg_tensor_read_f32(const rg_tensor_file *file, const rg_tensor_info *info, float *out,
                             rg_error *err) {
    const size_t i = info >= file->tensor && info < file->tensor + file->n_tensors
                         ? (size_t)(info - file->tensor)
                         : file->n_tensors;
    if (file->n_parts && i < file->n_tensors)
        return rg_tensor_read_f32(file->part[file->part_of[i]], info, out, err);
    const tensor_type *type = tensor_type_named(info->format);
    if (!type || info->offset > file->size || info->bytes > file->size - info->offset)
        return rg_fail(err, RG_ERR_USAGE, file->path, "a tensor of this file", "tensor \"%.100s\" is not",
                       info->name);
    enum { CHUNK = 2048 };
    const size_t n_blocks = info->bytes / type->bytes;
    const uint8_t *in = file->data + info->offset;
#pragma omp parallel for schedule(static) if (n_blocks > 16 * CHUNK)
    for (size_t b = 0; b < n_blocks; b += CHUNK)
        type->decode(in + b * type->bytes, out + b * type->block,
                     n_blocks - b < CHUNK ? n_blocks - b : CHUNK);
    return RG_OK;
}
