/* One operand, exact, rounded, scaled, clipped. */
#include "kernels/explain.h"

#include <stdio.h>
#include <stdlib.h>

#include "kernels/job.h"

/* The same element with a range that no scaled number leaves. Sorted values have no such thing. */
static rg_elem without_end(const rg_elem *elem) {
    rg_elem wide = *elem;
    if (elem->kind == RG_ELEM_ORDERED) return wide;
    if (elem->kind == RG_ELEM_INT) {
        wide.bits = 30;
        wide.is_signed = true;
        wide.max_code = elem_ones(29);
        return wide;
    }
    wide.exponent_bits = elem->exponent_bits < 9 ? 9 : elem->exponent_bits + 1;
    wide.is_signed = true;
    wide.bits = 1 + wide.exponent_bits + wide.mantissa_bits;
    if (wide.bits > 32) return *elem; /* fp32 and its like end where fp32 inputs do */
    wide.nan = RG_NAN_NONE;
    wide.has_inf = false;
    wide.max_code = elem_all_ones(&wide);
    return wide;
}

/* x rounded to the wide element; beyond the largest of sorted values x stays. */
static double round_wide(const rg_elem *wide, const rg_cast *cast, float x, uint64_t index) {
    bool overflow;
    const uint32_t code = num_cast(wide, cast, x, index, &overflow);
    return overflow ? (double)x : num_value_double(wide, code);
}

/* What an ideal scale would be, and the zero point, for a group (or sub-block) of these elements. */
typedef struct ideal {
    double scale, zero;
} ideal;

static ideal ideal_of(const quant_job *j, uint64_t row, uint64_t rows, uint64_t col, uint64_t cols) {
    const rg_elem *elem = &j->quant.format.elem;
    job_range range = {0, 0, 0};
    for (uint64_t r = row; r < row + rows; r++)
        for (uint64_t c = col; c < col + cols; c++) job_range_add(&range, j->x[r * j->cols + c]);
    if (!j->quant.format.zero_point) return (ideal){(double)elem_float_of(range.amax) / num_max(elem), 0};
    const double low = -(double)elem_float_of(range.low), high = (double)elem_float_of(range.high);
    const double s = (high - low) / ((2 << (elem->bits - 1)) - 1);
    return (ideal){s, s > 0 ? -low / s : 0};
}

/* rounded[] of one group; with a zero point the grid is shifted by the part of it that is no integer. */
static void round_group(const quant_job *j, const rg_elem *wide, ideal s, uint64_t row, uint64_t rows,
                        uint64_t col, uint64_t cols, double *rounded) {
    for (uint64_t r = row; r < row + rows; r++)
        for (uint64_t c = col; c < col + cols; c++) {
            const uint64_t i = r * j->cols + c;
            const double v = s.scale > 0 ? (double)j->x[i] / s.scale + s.zero : s.zero;
            rounded[i] = (round_wide(wide, &j->quant.cast, (float)v, i) - s.zero) * s.scale;
        }
}

static void round_ideal(const quant_job *j, const rg_elem *wide, double *rounded) {
    const rg_format *f = &j->quant.format;
    if (f->span == RG_SPAN_NONE) {
        round_group(j, wide, (ideal){1, 0}, 0, j->rows, 0, j->cols, rounded);
        return;
    }
    for (uint64_t g = 0; g < j->n_groups; g++) {
        const job_place p = job_place_of(j, g);
        const uint64_t rows = f->sub_block ? 1 : p.rows,
                       step = f->sub_block ? (uint64_t)f->sub_block : p.cols;
        for (uint64_t r = 0; r < p.rows; r += rows)
            for (uint64_t c = 0; c < p.cols; c += step) {
                const uint64_t cols = job_least(step, p.cols - c);
                const ideal s = ideal_of(j, p.row + r, rows, p.col + c, cols);
                round_group(j, wide, s, p.row + r, rows, p.col + c, cols, rounded);
            }
    }
}

/* An element that does not fit, under its scale, had the element no largest value. */
static double unclipped_value(const quant_job *j, const rg_elem *wide, const num_scale *s, uint64_t i) {
    const rg_format *f = &j->quant.format;
    const float x = j->x[i];
    if (f->span == RG_SPAN_NONE) return round_wide(wide, &j->quant.cast, x, i);
    const float v = s->multiply ? x * s->by : x / s->value;
    return round_wide(wide, &j->quant.cast, v, i) * (double)s->value;
}

static void store(quant_job *j, const rg_elem *wide, explain_operand *o) {
    for (uint64_t i = 0; j->span && i < j->rows * j->cols; i++)
        job_range_add(&j->range[i / j->span], j->x[i]);
    for (uint64_t g = 0; g < j->n_groups; g++) job_group(j, g);
    for (uint64_t i = 0; i < j->rows * j->cols; i++) {
        const num_scale s = job_scale_of(j, i);
        bool overflow;
        const uint32_t code = num_element_code(&j->quant, &s, j->x[i], i, &overflow);
        o->stored[i] = num_element_value(&j->quant.format, &s, code);
        o->unclipped[i] = overflow ? unclipped_value(j, wide, &s, i) : (double)o->stored[i];
        o->n_clipped += overflow;
    }
}

static rg_status check(const explain_operand *o, const char *name, const float *x, const char *expected,
                       const char *what, rg_error *err) {
    for (size_t i = 0; i < o->rows * o->cols; i++) {
        if (isfinite(x[i])) continue;
        char where[64];
        snprintf(where, sizeof where, "%s[%zu][%zu]", name, i / o->cols, i % o->cols);
        return rg_fail(err, RG_ERR_USAGE, where, expected, "%s %g", what, (double)x[i]);
    }
    return RG_OK;
}

rg_status explain_operand_make(explain_operand *o, const rg_quant *q, const char *name, const float *x,
                               size_t rows, size_t cols, bool per_row, rg_error *err) {
    const size_t n = rows * cols;
    *o = (explain_operand){.rows = rows, .cols = cols, .exact = x};
    RG_TRY(check(o, name, x, "finite numbers", "a number is", err));
    quant_job j = job_make(q, rows, cols, per_row, 0);
    j.x = x;
    j.range = calloc(j.span ? n / j.span : 1, sizeof *j.range);
    j.scale = calloc(j.n_groups + 1, sizeof *j.scale);
    j.shift = calloc(rows * j.row_shifts + 1, 1);
    o->rounded = malloc(n * sizeof *o->rounded);
    o->unclipped = malloc(n * sizeof *o->unclipped);
    o->stored = malloc(n * sizeof *o->stored);
    rg_status status = RG_OK;
    if (!j.range || !j.scale || !j.shift || !o->rounded || !o->unclipped || !o->stored) {
        status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu x %zu numbers", rows, cols);
    } else {
        const rg_elem wide = without_end(&q->format.elem);
        round_ideal(&j, &wide, o->rounded);
        store(&j, &wide, o);
        status = check(o, name, o->stored, "a cast that keeps it finite, such as sat=finite",
                       "the format turns a number into", err);
    }
    free(j.range);
    free(j.scale);
    free(j.shift);
    return status;
}

void explain_operand_free(explain_operand *o) {
    free(o->rounded);
    free(o->unclipped);
    free(o->stored);
    *o = (explain_operand){0};
}
