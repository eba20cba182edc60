/* The scale of one group of elements. The text, scale_text.h, is in the common subset of C and CUDA C. */
#ifndef RIDGE_NUM_SCALE_H
#define RIDGE_NUM_SCALE_H

#include "num/cast.h"

/* Functions of scale_text.h: shared by the files of a C library, compiled into each of CUDA C. */
#ifdef __CUDACC__
#define NUM_SHARED NUM_INLINE
#else
#define NUM_SHARED
#endif

/* What a group is divided by, and how that is stored. */
typedef struct num_scale {
    uint32_t code; /* in the format's scale element */
    int zero;      /* zero point: code of the value 0 */
    float value;   /* of a unit of the element */
    bool multiply; /* elements are multiplied by `by`, not divided by `value` */
    float by;
} num_scale;

/* Of formats without scales. */
NUM_INLINE num_scale num_scale_one(void) {
    const num_scale s = {0, 0, 1, false, 0};
    return s;
}

/* The elements that share a scale: x[r * stride + c], numbered for stochastic rounding from `first` in the
   same way. */
typedef struct num_group {
    const float *x;
    size_t rows, cols, stride;
    uint64_t first;
    float tensor_amax; /* where a tensor scale lies above: largest magnitude of that tensor */
} num_group;

/* Without shifts of sub-blocks. `tensor`: the fp32 scale above the group as it is stored, 1 where there is
   none. */
NUM_SHARED num_scale num_scale_choose(const rg_quant *q, const num_group *group, float tensor);
/* The same from what a pass over the group finds: its largest magnitude, or for formats with a zero point its
   least and its largest value or 0. */
NUM_SHARED num_scale num_scale_of_amax(const rg_quant *q, const num_group *group, float amax, float tensor);
NUM_SHARED num_scale num_scale_of_range(const rg_quant *q, float low, float high);
/* The scale that stored fields stand for. */
NUM_SHARED num_scale num_scale_read(const rg_format *format, uint32_t code, int zero, float tensor);
/* Shift of a sub-block under the scale of its block: as many binades as the scale rule would take off were
   the sub-block a block, as far as the bits of a shift reach. */
NUM_SHARED int num_shift_choose(const rg_quant *q, const num_scale *block, const num_group *sub);
/* The scale of a sub-block. */
NUM_SHARED num_scale num_scale_shift(const num_scale *block, int shift);
/* fp32 scale above the block scales of a tensor with this largest magnitude. */
NUM_SHARED float num_tensor_scale(const rg_quant *q, float amax);

/* How many fp32 patterns [first, end) of positive amax get other exponents by the e8m0 rules of a and b,
   which look at amax alone, before the exponents are clamped to what a scale stores. */
NUM_SHARED uint64_t num_count_exponents(const rg_quant *a, const rg_quant *b, uint32_t first, uint32_t end);

/* Largest finite magnitude; 0 when there is none. */
NUM_SHARED float num_amax(const num_group *group);

/* Code of x, element `index`, under a scale, and the value of a code. */
NUM_SHARED uint32_t num_element_code(const rg_quant *q, const num_scale *s, float x, uint64_t index,
                                     bool *overflow);
NUM_SHARED float num_element_value(const rg_format *format, const num_scale *s, uint32_t code);

#endif
