/* Operands as integers times scales, one element at a time, and their product. */
#include "num/integer_dot.h"

#include <math.h>

#include "num/scale.h"

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* Every code, NaN and infinity among them. */
static bool all_small(const rg_elem *e, float unit, int *largest) {
    *largest = 0;
    for (uint32_t code = 0; code < 1u << e->bits; code++) {
        const double q = rg_elem_decode_double(e, code) / (double)unit;
        if (!(fabs(q) <= RG_INTEGER_MOST)) return false;
        if ((int)fabs(q) > *largest) *largest = (int)fabs(q);
    }
    return true;
}

bool num_integer_form_of(num_integer_form *out, const rg_quant *q, size_t cols) {
    const rg_format *f = &q->format;
    const rg_elem *e = &f->elem;
    num_integer_form form = {.unit = 1,
                             .span = f->span == RG_SPAN_BLOCK ? smaller((size_t)f->block, cols) : cols};
    if (f->zero_point || f->sub_block || e->bits > 8) return false;
    if (e->kind == RG_ELEM_INT) {
        if (!e->is_signed || q->cast.range != RG_RANGE_SYMMETRIC) return false;
        form.largest = (1 << (e->bits - 1)) - 1;
    } else {
        if (e->kind != RG_ELEM_FLOAT || !e->has_subnormals) return false;
        form.unit = (float)rg_elem_min_subnormal(e);
        if (!all_small(e, form.unit, &form.largest)) return false;
    }
    *out = form;
    return true;
}

size_t num_integer_block(const num_integer_form *a, const num_integer_form *b, size_t k) {
    const size_t block = smaller(a->span, b->span);
    if (!block || (a->span < k && a->span % block) || (b->span < k && b->span % block)) return 0;
    return block > (size_t)INT32_MAX / (size_t)(a->largest * b->largest) ? 0 : block;
}

/* The elements of rows r.. and columns c.. that share a scale. */
static void split_group(const rg_quant *q, const num_integer_form *form, const num_group *g, size_t cols,
                        float tensor, int8_t *integers, float *scales, size_t n_scales) {
    const num_scale s = num_scale_choose(q, g, tensor);
    bool overflow;
    for (size_t r = 0; r < g->rows; r++) {
        scales[r * n_scales] = s.value * form->unit;
        for (size_t c = 0; c < g->cols; c++) {
            const size_t at = r * cols + c;
            const uint32_t code = num_element_code(q, &s, g->x[at], g->first + at, &overflow);
            integers[at] = (int8_t)(rg_elem_decode(&q->format.elem, code) / form->unit);
        }
    }
}

void num_integer_split(const rg_quant *q, const num_integer_form *form, const float *x, size_t rows,
                       size_t cols, bool per_row, uint64_t first, int8_t *integers, float *scales) {
    const rg_format *f = &q->format;
    const size_t piece = per_row ? 1 : rows, n_scales = cols ? (cols + form->span - 1) / form->span : 0;
    const size_t high = f->span == RG_SPAN_TENSOR  ? piece
                        : f->span == RG_SPAN_BLOCK ? (size_t)f->block_rows
                                                   : 1;
    for (size_t r0 = 0; r0 < rows; r0 += piece) {
        const num_group all = {x + r0 * cols, piece, cols, cols, 0, 0};
        const float amax = f->tensor_scale ? num_amax(&all) : 0;
        const float tensor = f->tensor_scale ? num_tensor_scale(q, amax) : 1;
        for (size_t r = r0; r < r0 + piece; r += high)
            for (size_t c = 0, b = 0; c < cols; c += form->span, b++) {
                const size_t at = r * cols + c;
                const num_group g = {
                    x + at, smaller(high, r0 + piece - r), smaller(form->span, cols - c), cols, first + at,
                    amax};
                split_group(q, form, &g, cols, tensor, integers + at, scales + r * n_scales + b, n_scales);
            }
    }
}

float num_integer_dot(const num_integers *a, const num_integers *b, size_t block, size_t k) {
    float y = 0;
    for (size_t from = 0; from < k; from += block) {
        int32_t sum = 0;
        for (size_t i = from; i < from + smaller(block, k - from); i++) sum += a->q[i] * b->q[i];
        y = fmaf((float)sum, a->scale[from / a->span] * b->scale[from / b->span], y);
    }
    return y;
}
