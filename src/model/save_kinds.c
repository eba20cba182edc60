/* Writing llama2.c files and Hugging Face folders. */
#include "model/save.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_LIMIT = 1 << 30 };

static rg_status too_long(const char *path, rg_error *err) {
    return rg_fail(err, RG_ERR_USAGE, path, "a shorter path", "the path is too long");
}

/* ---- llama2.c ------------------------------------------------------------------------------------ */

/* A file that is there must be the same; *write: it is not there. */
static rg_status check_tokenizer(const char *path, const char *data, size_t size, bool *write,
                                 rg_error *err) {
    char *present;
    size_t n;
    *write = access(path, F_OK) != 0;
    if (*write) return RG_OK;
    RG_TRY(rg_file_read(path, FILE_LIMIT, &present, &n, err));
    const bool same = n == size && memcmp(present, data, n) == 0;
    free(present);
    if (same) return RG_OK;
    return rg_fail(err, RG_ERR_MISMATCH, path, "no such file, or the model's own tokenizer",
                   "another tokenizer is there and would be overwritten");
}

static rg_status write_tensors(saving *s, const char *path, rg_error *err) {
    rg_map source;
    rg_status status = RG_OK;
    RG_TRY(rg_map_open(&source, s->model->path, err));
    uint8_t *data = malloc(source.size);
    if (data)
        memcpy(data, source.data, source.size);
    else
        status = rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    for (size_t i = 0; status == RG_OK && i < rg_tensor_file_count(s->file); i++) {
        float *x = malloc(s->info[i].bytes); /* fp32 as all of such files, where the source has it */
        status = x ? save_tensor(s, i, x, err) : rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
        if (status == RG_OK) memcpy(data + s->info[i].offset, x, s->info[i].bytes);
        free(x);
    }
    if (status == RG_OK) status = rg_file_write(path, data, source.size, err);
    free(data);
    rg_map_close(&source);
    return status;
}

rg_status save_llama2c(saving *s, const char *path, rg_error *err) {
    char from[1100], to[4096], *data;
    const char *slash = strrchr(path, '/');
    size_t size;
    bool write;
    load_tokenizer_beside(s->model, from, sizeof from);
    if (snprintf(to, sizeof to, "%.*stok%lld.bin", slash ? (int)(slash - path) + 1 : 0, path,
                 (long long)s->model->graph.vocab_size) >= (int)sizeof to)
        return too_long(path, err);
    if (strcmp(to, path) == 0)
        return rg_fail(err, RG_ERR_USAGE, path, "another name", "the model would get its tokenizer's name");
    RG_TRY(rg_file_read(from, FILE_LIMIT, &data, &size, err));
    rg_status status = check_tokenizer(to, data, size, &write, err);
    if (status == RG_OK) status = write_tensors(s, path, err);
    if (status == RG_OK && write) status = rg_file_write(to, data, size, err);
    free(data);
    return status;
}

/* ---- folders ------------------------------------------------------------------------------------- */

static const char *const companions[] = {"config.json",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "special_tokens_map.json",
                                         "added_tokens.json",
                                         "generation_config.json",
                                         "vocab.json",
                                         "vocab.txt",
                                         "merges.txt"};
enum { N_COMPANIONS = sizeof companions / sizeof *companions };

static rg_status copy_companion(const char *from, const char *to, const char *name, rg_error *err) {
    char source[4096], target[4096], *data;
    size_t size;
    if (snprintf(source, sizeof source, "%s/%s", from, name) >= (int)sizeof source ||
        snprintf(target, sizeof target, "%s/%s", to, name) >= (int)sizeof target)
        return too_long(to, err);
    if (access(source, R_OK) != 0) return RG_OK;
    RG_TRY(rg_file_read(source, FILE_LIMIT, &data, &size, err));
    const rg_status status = rg_file_write(target, data, size, err);
    free(data);
    return status;
}

static void remove_folder(const char *folder) {
    char path[4200];
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    unlink(path);
    for (size_t i = 0; i < N_COMPANIONS; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, companions[i]);
        unlink(path);
    }
    rmdir(folder);
}

static rg_status fill_folder(saving *s, const rg_tensor_list *list, const char *folder, rg_error *err) {
    char weights[4200], from[sizeof s->model->path];
    memcpy(from, s->model->path, sizeof from);
    char *slash = strrchr(from, '/');
    if (slash)
        *slash = 0;
    else
        memcpy(from, ".", 2);
    snprintf(weights, sizeof weights, "%s/model.safetensors", folder);
    for (size_t i = 0; i < N_COMPANIONS; i++) RG_TRY(copy_companion(from, folder, companions[i], err));
    return rg_tensor_write_safetensors(weights, list, err);
}

rg_status save_folder(saving *s, const rg_tensor_list *list, const char *path, rg_error *err) {
    char part[4096], target[4096];
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    if (snprintf(target, sizeof target, "%.*s", (int)n, path) >= (int)sizeof target ||
        snprintf(part, sizeof part, "%s.part.%ld", target, (long)getpid()) >= (int)sizeof part)
        return too_long(path, err);
    if (access(target, F_OK) == 0 && rmdir(target) != 0) /* an empty folder may give its place */
        return rg_fail(err, RG_ERR_IO, path, "a name that is free, or an empty folder",
                       "the folder would be overwritten");
    RG_TRY(rg_dir_make(part, err));
    rg_status status = fill_folder(s, list, part, err);
    if (status == RG_OK && rename(part, target) != 0)
        status = rg_fail(err, RG_ERR_IO, path, "a writable place", "cannot write: %s", strerror(errno));
    if (status != RG_OK) remove_folder(part);
    return status;
}
