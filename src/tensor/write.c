/* Writing files of tensors: under a temporary name, then renamed. */
#include "tensor/write.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

rg_status output_open(output *out, const char *path, rg_error *err) {
    *out = (output){.path = path};
    const int n = snprintf(out->temporary, sizeof out->temporary, "%s.part.%ld", path, (long)getpid());
    if (n < 0 || (size_t)n >= sizeof out->temporary)
        return rg_fail(err, RG_ERR_IO, path, "a shorter path", "path too long");
    out->file = fopen(out->temporary, "we");
    if (out->file) return RG_OK;
    return rg_fail(err, RG_ERR_IO, path, "a writable place", "cannot write: %s", strerror(errno));
}

void output_add(output *out, const void *data, size_t n) {
    if (n && fwrite(data, 1, n, out->file) != n) out->failed = true;
    out->size += n;
}

void output_pad(output *out, uint64_t alignment) {
    static const uint8_t zeros[64];
    while (out->size % alignment) {
        const uint64_t n = alignment - out->size % alignment;
        output_add(out, zeros, n < sizeof zeros ? n : sizeof zeros);
    }
}

rg_status output_close(output *out, rg_status status, rg_error *err) {
    if (!out->file) return status;
    int reason = errno;
    bool good = !out->failed && !ferror(out->file) && fflush(out->file) == 0;
    if (!good) reason = errno;
    good = fclose(out->file) == 0 && good;
    if (status == RG_OK && good && rename(out->temporary, out->path) == 0) return RG_OK;
    if (good) reason = errno;
    unlink(out->temporary);
    if (status != RG_OK) return status;
    return rg_fail(err, RG_ERR_IO, out->path, "a writable place with room", "cannot write: %s",
                   strerror(reason));
}

/* ---- what is written ----------------------------------------------------------------------------- */

static rg_status place_one(const rg_tensor_list *list, size_t i, rg_tensor_info *t, const tensor_type **type,
                           bool gguf, rg_error *err) {
    *t = list->info[i];
    *type = t->format ? tensor_encodable(t->format) : NULL;
    if (!*type || (gguf ? (*type)->gguf == NO_GGUF : !(*type)->safetensors))
        return rg_fail(err, RG_ERR_UNSUPPORTED, t->name,
                       gguf ? "f32 f16 bf16 q8_0 q4_0 q4_1 mxfp4" : "f32 f16 bf16", "cannot write type %.40s",
                       t->format ? t->format : "(none)");
    uint64_t n = 1;
    for (int d = 0; d < t->n_dims; d++)
        if (t->shape[d] < 0 || __builtin_mul_overflow(n, (uint64_t)t->shape[d], &n) || n > INT64_MAX / 8)
            return rg_fail(err, RG_ERR_USAGE, t->name, "fewer than 2^60 elements", "the shape is too large");
    if ((*type)->block > 1 && (t->n_dims == 0 || t->shape[t->n_dims - 1] % (*type)->block))
        return rg_fail(err, RG_ERR_UNSUPPORTED, t->name, "rows of a multiple of 32", "%s has rows of %lld",
                       t->format, t->n_dims ? (long long)t->shape[t->n_dims - 1] : 1LL);
    if (gguf && (t->n_dims < 1 || t->n_dims > 4 || n == 0))
        return rg_fail(err, RG_ERR_UNSUPPORTED, t->name, "1 to 4 dimensions, none of 0",
                       "GGUF has no tensor of this shape");
    t->bytes = n / (*type)->block * (*type)->bytes;
    return RG_OK;
}

rg_status layout_make(layout *out, const rg_tensor_list *list, uint64_t alignment, bool gguf, rg_error *err) {
    uint64_t at = 0;
    *out = (layout){.list = list};
    out->info = calloc(list->n + 1, sizeof *out->info);
    out->type = calloc(list->n + 1, sizeof *out->type);
    rg_status status =
        out->info && out->type ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; status == RG_OK && i < list->n; i++) {
        rg_tensor_info *t = &out->info[i];
        status = place_one(list, i, t, &out->type[i], gguf, err);
        t->offset = at = (at + alignment - 1) / alignment * alignment;
        if (__builtin_add_overflow(at, t->bytes, &at) || at > INT64_MAX)
            status = rg_fail(err, RG_ERR_USAGE, t->name, "fewer than 2^63 bytes", "the file is too large");
    }
    if (status != RG_OK) layout_free(out);
    return status;
}

void layout_free(layout *l) {
    free(l->info);
    free(l->type);
    *l = (layout){0};
}

static rg_status write_one(const layout *l, size_t i, output *out, rg_error *err) {
    const rg_tensor_info *t = &l->info[i];
    const tensor_type *type = l->type[i];
    const uint64_t n = t->bytes / type->bytes * type->block;
    float *x = malloc((n + 1) * sizeof *x);
    uint8_t *code = malloc(t->bytes + 1);
    rg_status status = x && code ? RG_OK : rg_fail(err, RG_ERR_MEMORY, t->name, NULL, "out of memory");
    if (status == RG_OK) status = l->list->read(l->list->context, i, x, err);
    if (status == RG_OK) status = tensor_encode(type, t->name, x, n, code, err);
    if (status == RG_OK) output_add(out, code, t->bytes);
    free(x);
    free(code);
    return status;
}

rg_status layout_write(const layout *l, output *out, uint64_t alignment, rg_error *err) {
    for (size_t i = 0; i < l->list->n; i++) {
        output_pad(out, alignment);
        RG_TRY(write_one(l, i, out, err));
    }
    return RG_OK;
}
