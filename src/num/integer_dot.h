/* Products of operands whose elements are small integers times a scale: the definition. */
#ifndef RIDGE_NUM_INTEGER_DOT_H
#define RIDGE_NUM_INTEGER_DOT_H

#include "ridge/num.h"

/* A quantizer's elements are q unit, q an integer of at most RG_INTEGER_MOST: e2m1 (unit 1/2), e2m3 (1/8),
   integers of up to 8 bits (1). With s the scale that rg_qdq multiplies by (the block's times the tensor's,
   in fp32), an element of value q unit s is q S, S = s unit, one fp32 operation: exact unless S is
   subnormal. rg_qdq gives q S rounded to fp32. */
enum { RG_INTEGER_MOST = 127 };
typedef struct num_integer_form {
    float unit;
    int largest; /* of |q| */
    size_t span; /* elements of a row that share a scale, at most the row */
} num_integer_form;

/* False where the elements are none (zero points, shifts of sub-blocks, code books, wider formats), or where
   one may be infinite or NaN. */
bool num_integer_form_of(num_integer_form *out, const rg_quant *q, size_t cols);
/* Elements of a block of the product of two such operands along k: the shorter span, which must divide the
   longer; 0 where it does not, or where a sum of so many products may leave 32 bits. */
size_t num_integer_block(const num_integer_form *a, const num_integer_form *b, size_t k);

/* Integers [rows][cols] and scales S [rows][ceil(cols / span)] of x, by the steps of rg_qdq_from. */
void num_integer_split(const rg_quant *q, const num_integer_form *form, const float *x, size_t rows,
                       size_t cols, bool per_row, uint64_t first, int8_t *integers, float *scales);

/* One operand's row. */
typedef struct num_integers {
    const int8_t *q;
    const float *scale;
    size_t span;
} num_integers;
/* y = 0; for each block in ascending order y = fmaf(sum, S_a S_b, y): `sum` the block's exact sum of q_a q_b
   rounded to fp32, S_a S_b rounded to fp32, each to nearest even. */
float num_integer_dot(const num_integers *a, const num_integers *b, size_t block, size_t k);

#endif
