/* How far apart two arrays are. */
#ifndef RIDGE_MODEL_TENSOR_DISTANCE_H
#define RIDGE_MODEL_TENSOR_DISTANCE_H

#include "ridge/tensor.h"

typedef struct tensor_distance {
    double n;
    double signal, noise; /* sums of a^2, of (b - a)^2 */
    double dot, other;    /* sums of a b, of b^2 */
    double max_error;     /* largest |b - a| */
    double amax_a, amax_b;
} tensor_distance;

/* The tensor of that name in another file; two files of a single array each need no name. NULL: none. */
const rg_tensor_info *tensor_partner(const rg_tensor_file *file, const rg_tensor_info *info,
                                     const rg_tensor_file *other);
bool tensor_same_shape(const rg_tensor_info *a, const rg_tensor_info *b);

/* Two tensors of the same name from two files; RG_ERR_MISMATCH for shapes that differ and for elements that
   are not finite, with the file's path in `where`. */
rg_status tensor_distance_of(const rg_tensor_file *a, const rg_tensor_info *in_a, const rg_tensor_file *b,
                             const rg_tensor_info *in_b, tensor_distance *out, rg_error *err);
/* 10 log10(signal / noise), infinity for equal arrays; cosine, 1 where both are 0. */
double tensor_distance_sqnr_db(const tensor_distance *d);
double tensor_distance_cosine(const tensor_distance *d);
/* sqrt(noise / signal); infinity where only the first is 0. */
double tensor_distance_relative(const tensor_distance *d);

#endif
