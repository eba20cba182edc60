/* Quantize-dequantize of matrices, fast: the bits of rg_qdq, which runs wherever a scale or an input is
 * special. */
#include "kernels/qdq.h"

#include <math.h>

enum { MAX_BLOCKS = 2048, ROWS = 16 };

/* A format and cast that the kernels know. */
typedef struct plan {
    const rg_kernels *kernels;
    const rg_quant *quant;
    rg_grid grid;
    float max;       /* of an element */
    float max_scale; /* of a block scale, under a tensor scale */
    int exponent;    /* of max: mx */
} plan;

static bool plan_make(plan *p, const rg_kernels *kernels, const rg_quant *q) {
    const rg_elem *elem = &q->format.elem;
    const bool integer = elem->kind == RG_ELEM_INT;
    *p = (plan){.kernels = kernels, .quant = q, .max = (float)rg_elem_max(elem)};
    p->max_scale = q->format.tensor_scale ? (float)rg_elem_max(&q->format.scale) : 0;
    p->exponent = ilogb(p->max);
    p->grid.max = p->max;
    p->grid.mantissa_bits = integer ? elem->bits - 1 : elem->mantissa_bits;
    p->grid.min_exponent = integer ? elem->bits - 1 : 1 - elem->bias;
    p->grid.zero = integer ? 0.0f : -0.0f;
    const rg_cast *c = &q->cast;
    if (q->format.zero_point || q->format.block_rows != 1 || q->format.sub_block || !rg_cast_is_plain(c))
        return false;
    if (integer && (elem->bits < 2 || elem->bits > 8)) return false;
    if (!integer && (elem->kind != RG_ELEM_FLOAT || !elem->is_signed || !elem->has_subnormals ||
                     elem->nan == RG_NAN_MINUS_ZERO))
        return false;
    if (p->grid.mantissa_bits < 1 || p->grid.mantissa_bits > 10) return false;
    if (p->grid.min_exponent < -100 && p->grid.min_exponent != RG_GRID_FP32_EXPONENT) return false;
    const bool block_scale = q->format.span == RG_SPAN_BLOCK;
    if (q->format.power_of_two_scale)
        return block_scale &&
               (c->scale_rule == RG_SCALE_FLOOR || (c->scale_rule == RG_SCALE_EVEN && !integer));
    return c->scale_rule == RG_SCALE_FLOOR;
}

/* amax rounded to the mantissa of the element, to even: what scale=even takes the exponent of. */
static float round_to_mantissa(const plan *p, float amax) {
    const rg_grid grid = {p->grid.mantissa_bits, RG_GRID_FP32_EXPONENT, INFINITY, -0.0f};
    float y;
    p->kernels->quantize(&grid, 1, &amax, 1, &y);
    return y;
}

static float round_scale(const plan *p, float scale) {
    const rg_elem *format = &p->quant->format.scale;
    return format->bits == 32 ? scale : rg_elem_decode(format, rg_elem_encode(format, scale));
}

/* The scale that a group with this largest magnitude is divided by. False where it is not an ordinary number.
 */
static bool scale_of(const plan *p, float amax, float tensor_amax, float *scale) {
    const rg_format *f = &p->quant->format;
    const float smallest = 0x1p-100f, largest = 0x1p100f;
    if (!(amax >= smallest && amax <= largest)) return false;
    if (f->power_of_two_scale) {
        if (p->quant->cast.scale_rule == RG_SCALE_EVEN) amax = round_to_mantissa(p, amax);
        *scale = ldexpf(1, ilogbf(amax) - p->exponent);
    } else if (f->tensor_scale) {
        const float tensor_scale = tensor_amax / (p->max * p->max_scale);
        *scale = round_scale(p, amax / p->max / tensor_scale) * tensor_scale;
    } else {
        *scale = round_scale(p, amax / p->max);
    }
    return *scale >= smallest && *scale <= largest;
}

/* One row; `tensor_amax` over what a tensor scale spans. False, with nothing written, where something is
 * special. */
static bool fast_row(const plan *p, const float *x, float *y, size_t cols, float tensor_amax) {
    const rg_format *f = &p->quant->format;
    const size_t group = f->span == RG_SPAN_BLOCK ? (size_t)f->block : cols, n = (cols + group - 1) / group;
    float scale[MAX_BLOCKS];
    if (n > MAX_BLOCKS) return false;
    for (size_t b = 0; b < n; b++) {
        const size_t width = cols - b * group < group ? cols - b * group : group;
        float amax =
            f->span == RG_SPAN_TENSOR ? tensor_amax : p->kernels->largest_magnitude(width, x + b * group);
        if (f->span == RG_SPAN_NONE) {
            scale[b] = 1;
            if (!isfinite(amax)) return false;
        } else if (!scale_of(p, amax, tensor_amax, &scale[b])) {
            return false;
        }
    }
    for (size_t b = 0; b < n; b++) {
        const size_t width = cols - b * group < group ? cols - b * group : group;
        p->kernels->quantize(&p->grid, width, x + b * group, scale[b], y + b * group);
    }
    return true;
}

static float matrix_amax(const rg_kernels *kernels, int threads, const float *x, size_t rows, size_t cols) {
    float largest = 0;
    bool finite = true;
#pragma omp parallel for num_threads(threads) reduction(max : largest) reduction(&& : finite)
    for (size_t r = 0; r < rows; r++) {
        const float here = kernels->largest_magnitude(cols, x + r * cols);
        finite = finite && isfinite(here);
        if (here > largest) largest = here;
    }
    return finite ? largest : NAN;
}

static void slow_rows(int threads, const rg_quant *q, const float *x, float *y, size_t rows, size_t cols,
                      bool per_row) {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (size_t r = 0; r < rows; r += ROWS)
        rg_qdq(q, x + r * cols, y + r * cols, rows - r < ROWS ? rows - r : ROWS, cols, per_row, NULL);
}

void rg_qdq_fast(const rg_kernels *kernels, int threads, const rg_quant *q, const float *x, float *y,
                 size_t rows, size_t cols, bool per_row) {
    const bool spans_rows = q->format.span == RG_SPAN_TENSOR || q->format.tensor_scale;
    const bool one_scale = spans_rows && !per_row;
    plan p;
    if (!plan_make(&p, kernels, q)) {
        if (one_scale)
            rg_qdq(q, x, y, rows, cols, false, NULL);
        else
            slow_rows(threads, q, x, y, rows, cols, per_row);
        return;
    }
    const float whole = one_scale ? matrix_amax(kernels, threads, x, rows, cols) : 0;
    bool special = one_scale && !isfinite(whole);
#pragma omp parallel for num_threads(threads) schedule(dynamic, ROWS) reduction(|| : special) if (!special)
    for (size_t r = 0; r < rows; r++) {
        const float *row = x + r * cols;
        const float tensor_amax = one_scale ? whole : spans_rows ? kernels->largest_magnitude(cols, row) : 0;
        if (special || fast_row(&p, row, y + r * cols, cols, tensor_amax)) continue;
        if (one_scale)
            special = true;
        else
            rg_qdq(q, row, y + r * cols, 1, cols, per_row, NULL);
    }
    if (special) rg_qdq(q, x, y, rows, cols, false, NULL);
}
