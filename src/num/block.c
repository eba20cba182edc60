/* Matrices: which elements share a scale, in which order scales are stored. */
#include "num/pack.h"
#include "num/scale.h"

/* A matrix on its way through: quantized (x), stored (codes, scales) and dequantized (y), each may be absent.
 */
typedef struct pass {
    const rg_quant *q;
    const float *x;
    float *y;
    void *codes;
    uint8_t *scale_at, *zero_at, *shift_at; /* next to write or read */
    uint64_t first;                         /* number of element 0, for stochastic rounding */
    float tensor_amax;                      /* of the tensor at hand, where the format has a scale for it */
    rg_qdq_counts *counts;
} pass;

static size_t width_of(const rg_elem *e) {
    return (size_t)num_code_width(e->bits);
}

static uint32_t code_of(pass *p, const num_scale *s, size_t i) {
    bool overflow;
    const float x = p->x[i];
    const uint32_t code = num_element_code(p->q, s, x, p->first + i, &overflow);
    if (p->counts) {
        p->counts->n_nan += isnan(x) != 0;
        p->counts->n_inf += isinf(x) != 0;
        p->counts->n_overflow += overflow;
    }
    return code;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* A rectangle of elements: rows x cols from element `at`, `stride` elements from row to row. */
typedef struct place {
    size_t at, rows, cols, stride;
} place;

static void run_elements(pass *p, const place *w, const num_scale *s) {
    const rg_format *f = &p->q->format;
    const int width = num_code_width(f->elem.bits);
    for (size_t r = 0; r < w->rows; r++)
        for (size_t i = w->at + r * w->stride, end = i + w->cols; i < end; i++) {
            const uint32_t code = p->x ? code_of(p, s, i) : num_code_at(p->codes, i, width);
            if (p->x && p->codes) num_code_put(p->codes, i, width, code);
            if (p->y) p->y[i] = num_element_value(f, s, code);
        }
}

/* The scale of a rectangle: chosen and stored, or read back. */
static num_scale next_scale(pass *p, const place *w, float tensor) {
    const rg_format *f = &p->q->format;
    const int width = num_code_width(f->scale.bits);
    num_scale s;
    if (p->x) {
        const num_group group = {p->x + w->at, w->rows, w->cols, w->stride, p->first + w->at, p->tensor_amax};
        s = num_scale_choose(p->q, &group, tensor);
        if (p->scale_at) num_code_put(p->scale_at, 0, width, s.code);
        if (p->zero_at) *p->zero_at = (uint8_t)s.zero;
    } else {
        s = num_scale_read(f, num_code_at(p->scale_at, 0, width), f->zero_point ? *p->zero_at : 0, tensor);
    }
    if (p->scale_at) p->scale_at += width;
    if (p->zero_at) p->zero_at++;
    return s;
}

/* The shift of a sub-block: chosen and stored, or read back. */
static int next_shift(pass *p, const place *sub, const num_scale *s) {
    const rg_format *f = &p->q->format;
    if (!p->x) return *p->shift_at++ & ((1 << f->shift_bits) - 1);
    const num_group group = {p->x + sub->at, 1, sub->cols, sub->cols, p->first + sub->at};
    const int shift = num_shift_choose(p->q, s, &group);
    if (p->shift_at) *p->shift_at++ = (uint8_t)shift;
    return shift;
}

static void run_sub_blocks(pass *p, const place *w, const num_scale *s) {
    const rg_format *f = &p->q->format;
    const size_t wide = (size_t)f->sub_block;
    for (size_t r = 0; r < w->rows; r++)
        for (size_t c = 0; c < w->cols; c += wide) {
            const place sub = {w->at + r * w->stride + c, 1, smaller(wide, w->cols - c), w->stride};
            const num_scale own = num_scale_shift(s, next_shift(p, &sub, s));
            run_elements(p, &sub, &own);
        }
}

/* Rows and columns that share a scale, within `rows` rows that belong together. */
static size_t block_rows(const rg_format *f, size_t rows) {
    return f->span == RG_SPAN_TENSOR  ? rows
           : f->span == RG_SPAN_BLOCK ? smaller((size_t)f->block_rows, rows)
                                      : 1;
}
static size_t block_cols(const rg_format *f, size_t cols) {
    return f->span == RG_SPAN_BLOCK ? (size_t)f->block : cols;
}

/* `rows` rows from element `first` that share a tensor scale, where the format has one. */
static void run_tensor(pass *p, size_t first, size_t rows, size_t cols, float tensor) {
    const rg_format *f = &p->q->format;
    if (f->span == RG_SPAN_NONE) {
        run_elements(p, &(place){first, rows, cols, cols}, &(num_scale){.value = 1});
        return;
    }
    const size_t high = block_rows(f, rows), wide = block_cols(f, cols);
    for (size_t r = 0; r < rows; r += high)
        for (size_t c = 0; c < cols; c += wide) {
            const place w = {first + r * cols + c, smaller(high, rows - r), smaller(wide, cols - c), cols};
            const num_scale s = next_scale(p, &w, tensor);
            if (f->sub_block)
                run_sub_blocks(p, &w, &s);
            else
                run_elements(p, &w, &s);
        }
}

/* Rows of the pieces that are quantized apart from each other: with `per_row` a scale or block never spans
   rows. */
static size_t piece_rows(size_t rows, bool per_row) {
    return per_row ? 1 : rows;
}

static size_t count_tensors(const rg_format *f, size_t rows, bool per_row) {
    return !f->tensor_scale ? 0 : per_row ? rows : rows > 0;
}

static size_t count_scales(const rg_format *f, size_t rows, size_t cols, bool per_row) {
    if (f->span == RG_SPAN_NONE || rows == 0 || cols == 0) return 0;
    const size_t high = block_rows(f, piece_rows(rows, per_row)), wide = block_cols(f, cols);
    return (rows + high - 1) / high * ((cols + wide - 1) / wide);
}

static size_t parts(size_t n, size_t size) {
    return (n + size - 1) / size;
}

static size_t count_shifts(const rg_format *f, size_t rows, size_t cols) {
    if (!f->sub_block) return 0;
    const size_t wide = block_cols(f, cols), sub = (size_t)f->sub_block;
    return rows * (cols / wide * parts(wide, sub) + parts(cols % wide, sub));
}

static void run(pass *p, size_t rows, size_t cols, bool per_row, uint8_t *scales) {
    const rg_format *f = &p->q->format;
    const size_t n_tensors = count_tensors(f, rows, per_row);
    const size_t n_scales = count_scales(f, rows, cols, per_row);
    if (rows == 0 || cols == 0) return;
    uint8_t *tensor_at = scales;
    if (scales && f->span != RG_SPAN_NONE) {
        p->scale_at = scales + (f->tensor_scale ? n_tensors * sizeof(float) : 0);
        if (f->zero_point) p->zero_at = p->scale_at + n_scales * width_of(&f->scale);
        if (f->sub_block) p->shift_at = p->scale_at + n_scales * width_of(&f->scale);
    }
    const size_t step = piece_rows(rows, per_row);
    for (size_t r = 0; r < rows; r += step) {
        float tensor = 1;
        if (f->tensor_scale) {
            if (p->x) {
                const num_group all = {p->x + r * cols, step, cols, cols, 0, 0};
                p->tensor_amax = num_amax(&all);
                tensor = num_tensor_scale(p->q, p->tensor_amax);
            } else {
                memcpy(&tensor, tensor_at, sizeof tensor);
            }
            if (p->x && scales) memcpy(tensor_at, &tensor, sizeof tensor);
            if (scales) tensor_at += sizeof tensor;
        }
        run_tensor(p, r * cols, step, cols, tensor);
    }
}

void rg_qdq_from(const rg_quant *q, const float *x, float *y, size_t rows, size_t cols, bool per_row,
                 uint64_t first, rg_qdq_counts *counts) {
    pass p = {.q = q, .x = x, .y = y, .counts = counts, .first = first};
    run(&p, rows, cols, per_row, NULL);
}

void rg_qdq(const rg_quant *q, const float *x, float *y, size_t rows, size_t cols, bool per_row,
            rg_qdq_counts *counts) {
    rg_qdq_from(q, x, y, rows, cols, per_row, 0, counts);
}

void rg_encode_from(const rg_quant *q, const float *x, void *codes, void *scales, size_t rows, size_t cols,
                    bool per_row, uint64_t first, rg_qdq_counts *counts) {
    pass p = {.q = q, .x = x, .codes = codes, .counts = counts, .first = first};
    run(&p, rows, cols, per_row, scales);
}

void rg_encode(const rg_quant *q, const float *x, void *codes, void *scales, size_t rows, size_t cols,
               bool per_row, rg_qdq_counts *counts) {
    rg_encode_from(q, x, codes, scales, rows, cols, per_row, 0, counts);
}

void rg_decode(const rg_format *format, const void *codes, const void *scales, float *y, size_t rows,
               size_t cols, bool per_row) {
    const rg_quant q = {.format = *format};
    pass p = {.q = &q, .codes = (void *)codes, .y = y}; /* without x, codes and scales are only read */
    run(&p, rows, cols, per_row, (void *)scales);
}

rg_stored_size rg_format_stored_size(const rg_format *f, size_t rows, size_t cols, bool per_row) {
    const size_t n_tensors = f->tensor_scale ? count_tensors(f, rows, per_row) : 0;
    const size_t n_scales = count_scales(f, rows, cols, per_row);
    const size_t n_shifts = count_shifts(f, rows, cols);
    const int zero_bits = f->zero_point ? f->elem.bits : 0;
    return (rg_stored_size){
        .code_bytes = rows * cols * width_of(&f->elem),
        .scale_bytes =
            n_tensors * sizeof(float) + n_scales * (width_of(&f->scale) + (f->zero_point ? 1 : 0)) + n_shifts,
        .packed_bits = (uint64_t)rows * cols * (uint64_t)f->elem.bits + 32 * (uint64_t)n_tensors +
                       (uint64_t)n_scales * (uint64_t)(f->scale.bits + zero_bits) +
                       (uint64_t)n_shifts * (uint64_t)f->shift_bits};
}

double rg_format_bits(const rg_format *f, size_t cols) {
    /* what spans a tensor weighs nothing in a long one */
    const size_t rows = f->span == RG_SPAN_BLOCK ? (size_t)f->block_rows : 1;
    const rg_stored_size size = rg_format_stored_size(f, rows, cols, false);
    const uint64_t above = f->tensor_scale ? 32 : f->span == RG_SPAN_TENSOR ? (uint64_t)f->scale.bits : 0;
    return (double)(size.packed_bits - above) / ((double)rows * (double)cols);
}
