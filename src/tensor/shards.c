/* A checkpoint cut into several safetensors files: the index (model.safetensors.index.json) names the file of
   each tensor. Source: Hugging Face transformers, sharded checkpoints. */
#include "tensor/file.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_SHARDS = 4096 };

static rg_status fail(const char *path, uint64_t at, rg_error *err, const char *expected, const char *what) {
    const rg_tensor_file file = {.path = path};
    char where[FILE_WHERE];
    return rg_fail(err, RG_ERR_PARSE, file_where(&file, at, where), expected, "%s", what);
}

/* A file beside the index: a name that leads elsewhere is refused. */
static bool is_plain(const char *name) {
    const size_t n = strlen(name);
    for (const char *p = name; *p; p++)
        if (*p <= ' ' || *p > '~' || *p == '/') return false;
    return n > 12 && n < 200 && name[0] != '.' && strcmp(name + n - 12, ".safetensors") == 0;
}

static rg_status add_shard(shard_index *out, const char *name, const char *path, rg_error *err) {
    for (size_t i = 0; i < out->n_shards; i++)
        if (strcmp(out->shard[i], name) == 0) return RG_OK;
    if (out->n_shards == MAX_SHARDS)
        return fail(path, 0, err, "at most 4096", "too many files in weight_map");
    out->shard[out->n_shards] = rg_arena_strndup(&out->arena, name, strlen(name));
    if (!out->shard[out->n_shards]) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    out->n_shards++;
    return RG_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static rg_status take_map(shard_index *out, json_t *map, const char *path, rg_error *err) {
    const char *tensor;
    json_t *value;
    if (!json_is_object(map) || json_object_size(map) == 0)
        return fail(path, 0, err, "\"weight_map\": a map from tensors to files", "no index of a checkpoint");
    out->shard = rg_arena_alloc(&out->arena, MAX_SHARDS, sizeof *out->shard);
    if (!out->shard) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    json_object_foreach(map, tensor, value) {
        const char *name = json_string_value(value);
        char text[200];
        snprintf(text, sizeof text, "the file of tensor \"%.100s\" is not one beside the index", tensor);
        if (!name || !is_plain(name)) return fail(path, 0, err, "NAME.safetensors without a folder", text);
        RG_TRY(add_shard(out, name, path, err));
    }
    qsort(out->shard, out->n_shards, sizeof *out->shard, by_name);
    return RG_OK;
}

rg_status shard_index_parse(shard_index *out, const uint8_t *data, size_t size, const char *path,
                            rg_error *err) {
    json_error_t why;
    *out = (shard_index){.root = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, &why)};
    if (!out->root)
        return fail(path, why.position > 0 ? (uint64_t)why.position : 0, err, "a JSON map", why.text);
    const rg_status status = take_map(out, json_object_get(out->root, "weight_map"), path, err);
    if (status != RG_OK) shard_index_free(out);
    return status;
}

void shard_index_free(shard_index *index) {
    json_decref(index->root);
    rg_arena_free(&index->arena);
    *index = (shard_index){0};
}

/* ---- the files ----------------------------------------------------------------------------------- */

static rg_status open_parts(rg_tensor_file *file, const shard_index *index, rg_error *err) {
    const char *slash = strrchr(file->path, '/');
    const int dir = slash ? (int)(slash - file->path) + 1 : 0;
    file->part = rg_arena_alloc(&file->arena, index->n_shards, sizeof *file->part);
    if (!file->part) return file_no_memory(file, err);
    for (size_t i = 0; i < index->n_shards; i++) {
        const char *path = rg_arena_printf(&file->arena, "%.*s%s", dir, file->path, index->shard[i]);
        if (!path) return file_no_memory(file, err);
        RG_TRY(tensor_file_open_one(&file->part[i], path, err));
        file->n_parts++;
        if (strcmp(file->part[i]->kind, "safetensors") != 0)
            return rg_fail(err, RG_ERR_PARSE, path, "a safetensors file", "a file of kind %s",
                           file->part[i]->kind);
        file->n_tensors += file->part[i]->n_tensors;
    }
    return RG_OK;
}

/* The tensors of all parts, each where the index says. */
static rg_status join(rg_tensor_file *file, const shard_index *index, rg_error *err) {
    json_t *map = json_object_get(index->root, "weight_map");
    size_t n = 0;
    file->tensor = rg_arena_alloc(&file->arena, file->n_tensors + 1, sizeof *file->tensor);
    file->part_of = rg_arena_alloc(&file->arena, file->n_tensors + 1, sizeof *file->part_of);
    if (!file->tensor || !file->part_of) return file_no_memory(file, err);
    for (size_t p = 0; p < file->n_parts; p++)
        for (size_t i = 0; i < file->part[p]->n_tensors; i++, n++) {
            file->tensor[n] = file->part[p]->tensor[i];
            file->part_of[n] = p;
            const char *named = json_string_value(json_object_get(map, file->tensor[n].name));
            if (named && strcmp(named, index->shard[p]) == 0) continue;
            return rg_fail(err, RG_ERR_PARSE, file->part[p]->path, named ? named : "a tensor of the index",
                           "tensor \"%.100s\" is not where the index has it", file->tensor[n].name);
        }
    RG_TRY(file_index(file, err));
    const char *name;
    json_t *value;
    json_object_foreach(map, name, value) if (!rg_tensor_file_find(file, name)) return rg_fail(
        err, RG_ERR_PARSE, file->path, json_string_value(value),
        "tensor \"%.100s\" of the index is in no file", name);
    return RG_OK;
}

rg_status shards_open(rg_tensor_file **out, const uint8_t *data, size_t size, const char *path,
                      rg_error *err) {
    shard_index index;
    RG_TRY(shard_index_parse(&index, data, size, path, err));
    rg_tensor_file *file = calloc(1, sizeof *file);
    if (!file) {
        shard_index_free(&index);
        return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    }
    file->kind = "safetensors";
    file->path = rg_arena_strndup(&file->arena, path, strlen(path));
    rg_status status = file->path ? open_parts(file, &index, err) : file_no_memory(file, err);
    if (status == RG_OK) status = join(file, &index, err);
    shard_index_free(&index);
    if (status != RG_OK) {
        rg_tensor_file_close(file);
        return status;
    }
    *out = file;
    return RG_OK;
}
