/* How far apart two arrays are. */
#include "model/tensor_distance.h"

#include "kernels/kernels.h"

#include <math.h>
#include <stdlib.h>

const rg_tensor_info *tensor_partner(const rg_tensor_file *file, const rg_tensor_info *info,
                                     const rg_tensor_file *other) {
    if (rg_tensor_file_count(file) == 1 && rg_tensor_file_count(other) == 1)
        return rg_tensor_file_info(other, 0);
    return rg_tensor_file_find(other, info->name);
}

bool tensor_same_shape(const rg_tensor_info *a, const rg_tensor_info *b) {
    bool same = a->n_dims == b->n_dims;
    for (int i = 0; same && i < a->n_dims; i++) same = a->shape[i] == b->shape[i];
    return same;
}

static rg_status read(const rg_tensor_file *file, const rg_tensor_info *info, size_t n, float **out,
                      rg_error *err) {
    float *x = malloc(n ? n * sizeof *x : 1);
    if (!x) return rg_fail(err, RG_ERR_MEMORY, rg_tensor_file_path(file), NULL, "out of memory");
    rg_status status = rg_tensor_read_f32(file, info, x, err);
    for (size_t i = 0; i < n && status == RG_OK; i++)
        if (!isfinite(x[i]))
            status = rg_fail(err, RG_ERR_MISMATCH, rg_tensor_file_path(file), "finite activations",
                             "element %zu of \"%.100s\" is infinite or undefined", i, info->name);
    if (status != RG_OK)
        free(x);
    else
        *out = x;
    return status;
}

static void add_up(const float *a, const float *b, size_t n, tensor_distance *out) {
    tensor_distance d = {.n = (double)n};
    for (size_t i = 0; i < n; i++) {
        const double x = a[i], y = b[i], error = fabs(y - x);
        d.signal += x * x;
        d.other += y * y;
        d.dot += x * y;
        d.noise += error * error;
        d.max_error = fmax(d.max_error, error);
        d.amax_a = fmax(d.amax_a, fabs(x));
        d.amax_b = fmax(d.amax_b, fabs(y));
    }
    *out = d;
}

rg_status tensor_distance_of(const rg_tensor_file *a, const rg_tensor_info *in_a, const rg_tensor_file *b,
                             const rg_tensor_info *in_b, tensor_distance *out, rg_error *err) {
    size_t n = 1;
    if (!tensor_same_shape(in_a, in_b))
        return rg_fail(err, RG_ERR_MISMATCH, rg_tensor_file_path(b), "the same shapes in both files",
                       "\"%.100s\" has another shape than in %.200s", in_b->name, rg_tensor_file_path(a));
    for (int i = 0; i < in_a->n_dims; i++)
        if (__builtin_mul_overflow(n, (size_t)in_a->shape[i], &n) || n > SIZE_MAX / sizeof(float))
            return rg_fail(err, RG_ERR_MEMORY, rg_tensor_file_path(a), NULL, "\"%.100s\" is too large",
                           in_a->name);
    float *x, *y;
    RG_TRY(read(a, in_a, n, &x, err));
    const rg_status status = read(b, in_b, n, &y, err);
    if (status == RG_OK) {
        add_up(x, y, n, out);
        free(y);
    }
    free(x);
    return status;
}

double tensor_distance_sqnr_db(const tensor_distance *d) {
    if (d->noise == 0) return INFINITY;
    if (d->signal == 0) return -INFINITY;
    return rg_sqnr_db(d->signal, d->noise);
}

double tensor_distance_cosine(const tensor_distance *d) {
    if (d->signal == 0 || d->other == 0) return d->signal == d->other;
    return d->dot / sqrt(d->signal) / sqrt(d->other);
}

double tensor_distance_relative(const tensor_distance *d) {
    if (d->noise == 0) return 0;
    return d->signal == 0 ? INFINITY : sqrt(d->noise / d->signal);
}
