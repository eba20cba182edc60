/* Values for comparing scaled formats, all from (seed, row, column): tensors, and blocks built to separate
   rules from each other. docs/profiles.md says which and why. */
#include "num/diff.h"

enum { ROW = 64, TENSOR_ROW = 4096, TENSOR_VALUES = 1 << 22, BLOCK_VALUES = 1 << 20 };
/* HEAVY: the largest value, which is that of element 0. Of bf16 values those alone whose ratio to it is a
   short number make ties of block scales, so its 13 decides whether roundings before the last are seen at
   all; and the blocks that fall below the least normal scale of nvfp4 are those below its 2^10. */
static const float HEAVY_MAX = 13 * 0x1p11f;

diff_shape diff_input_shape(const rg_quant *q, rg_diff_input input, size_t n_values) {
    const rg_format *f = &q->format;
    const size_t block = f->span == RG_SPAN_BLOCK ? (size_t)f->block : ROW;
    const bool tensor = input == RG_DIFF_HEAVY || input == RG_DIFF_GAUSSIAN;
    const bool ties = input == RG_DIFF_TIES && f->tensor_scale;
    diff_shape s = {.cols = block, .per_row = !tensor && !ties};
    if (tensor) s.cols = (TENSOR_ROW + block - 1) / block * block;
    if (!tensor && !ties && f->tensor_scale) s.cols = 4 * block;
    if (n_values == 0) n_values = tensor ? TENSOR_VALUES : BLOCK_VALUES;
    s.rows = (n_values + s.cols - 1) / s.cols;
    return s;
}

static float with_sign(float magnitude, uint32_t random) {
    return random & 1 ? -magnitude : magnitude;
}

/* bf16 values with P(|x| > 0.96 m) = (1 + m)^(-4/3). */
static float heavy(uint64_t seed, size_t row, size_t col) {
    const double u = 1 - rg_random_uniform(seed, 2 * row, col); /* (0, 1] */
    const float m = fminf(0.96f * (float)(1 / sqrt(u * sqrt(u)) - 1), HEAVY_MAX);
    return elem_via(RG_VIA_BF16, with_sign(m, rg_random_u32(seed, 2 * row + 1, col)));
}

static float normal(uint64_t seed, size_t row, size_t col) {
    return (float)rg_random_normal(seed, row, col);
}

/* Half way between two neighbouring numbers of the element, which ones `random` says. */
static float half_way(const rg_elem *e, uint32_t random) {
    if (e->kind == RG_ELEM_INT) return (float)(random % e->max_code) + 0.5f;
    if (e->kind == RG_ELEM_FLOAT) {
        const uint32_t c = random % e->max_code;
        const int padding = elem_padding(e);
        return (float)(elem_value_double(e, c << padding) / 2 + elem_value_double(e, (c + 1) << padding) / 2);
    }
    const uint32_t c = random % (e->family->count(e) - 1);
    const double a = e->family->value(e, e->family->code_at(e, c)),
                 b = e->family->value(e, e->family->code_at(e, c + 1));
    return fabsf((float)(a / 2 + b / 2));
}

/* A scale that the format stores exactly: a power of two, or any positive number of the scale's format. */
static float any_scale(const rg_format *f, uint32_t random) {
    if (f->power_of_two_scale) return ldexpf(1, (int)(random % 41) - 20);
    if (f->scale.bits > 16) return ldexpf(1 + (float)(random >> 9) * 0x1p-23f, (int)(random % 17) - 8);
    return rg_elem_decode(&f->scale, (1 + random % f->scale.max_code) << elem_padding(&f->scale));
}

/* Blocks whose first value sets the scale and whose others are half way between two elements. Under a tensor
   scale the first block, `opens`, makes that 1. */
static void ties_row(const rg_quant *q, uint64_t seed, size_t row, size_t cols, bool opens, float *x) {
    const rg_format *f = &q->format;
    const size_t block = f->span == RG_SPAN_BLOCK ? (size_t)f->block : cols;
    const float max = (float)rg_elem_max(&f->elem),
                unit = f->power_of_two_scale && f->elem.kind == RG_ELEM_INT ? ldexpf(1, 2 - f->elem.bits) : 1;
    for (size_t c = 0; c < cols; c++) {
        const uint32_t random = rg_random_u32(seed, row, c),
                       of_block = rg_random_u32(seed, row, cols + c / block);
        const bool first = opens && c < block;
        const float scale = (first ? (float)rg_elem_max(&f->scale) : any_scale(f, of_block)) * unit;
        x[c] = with_sign(c % block ? half_way(&f->elem, random >> 1) * scale : max * scale, random);
    }
}

/* The first value of each block as given, the others smaller. */
static void under(float *x, size_t cols, size_t block, uint64_t seed, size_t row) {
    for (size_t c = 0; c < cols; c++) {
        const uint32_t random = rg_random_u32(seed, row, c);
        if (c % block) x[c] = with_sign(x[c / block * block] * ((float)(random >> 8) * 0x1p-24f), random);
    }
}

static float first_value(const rg_quant *q, int kind, uint32_t random) {
    const uint32_t exponent = random >> 16;
    switch (kind) {
    case 3: /* just below a power of two */
        return elem_float_of(((27 + exponent % 201) << 23) - 1 - random % 64);
    case 4: { /* at and beside the largest element times a power of two */
        const float x = ldexpf((float)rg_elem_max(&q->format.elem), (int)(exponent % 101) - 50);
        return elem_float_of(elem_bits_of(x) + random % 17 - 8);
    }
    case 5: /* scales that run out below */
        return ldexpf(1 + (float)(random & 0xffff) * 0x1p-16f, (int)(exponent % 45) - 149);
    default: /* and above */
        return ldexpf(1 + (float)(random & 0xffff) * 0x1p-16f, (int)(exponent % 10) + 118);
    }
}

/* Normal values among which some are NaN or infinite, or zeros. */
static float spoilt(int kind, uint64_t seed, size_t row, size_t col) {
    const uint32_t random = rg_random_u32(seed, row, col + 1000000);
    const float x = normal(seed, row, col);
    if (kind == 7) {
        if (random % 19) return x;
        const uint32_t which = row / 9 % 3 ? (uint32_t)(row / 9 % 3) - 1 : random >> 8; /* one sort, or all */
        return which % 2 ? with_sign(INFINITY, random >> 4) : with_sign(NAN, random >> 4);
    }
    return row / 9 % 4 == 0 || random % 3 ? with_sign(0, random >> 4) : x;
}

static void adversarial_row(const rg_quant *q, uint64_t seed, size_t row, size_t cols, float *x) {
    const size_t block = q->format.span == RG_SPAN_BLOCK ? (size_t)q->format.block : cols;
    const int kind = (int)(row % 9);
    const int exponent = (int)(rg_random_u32(seed, row, 2000000) % 41) - 20;
    if (kind == 2) {
        ties_row(q, seed, row, cols, q->format.tensor_scale, x);
        return;
    }
    for (size_t c = 0; c < cols; c++)
        x[c] = kind == 0   ? ldexpf(normal(seed, row, c), exponent)
               : kind == 1 ? heavy(seed, row, c)
               : kind >= 7 ? spoilt(kind, seed, row, c)
                           : first_value(q, kind, rg_random_u32(seed, row, 3000000 + c / block));
    if (kind >= 3 && kind < 7) under(x, cols, block, seed, row);
}

void diff_input_row(const rg_quant *q, rg_diff_input input, uint64_t seed, size_t row, size_t cols,
                    float *x) {
    if (input == RG_DIFF_TIES) {
        ties_row(q, seed, row, cols, q->format.tensor_scale && row == 0, x);
    } else if (input == RG_DIFF_HEAVY || input == RG_DIFF_GAUSSIAN) {
        for (size_t c = 0; c < cols; c++)
            x[c] = input == RG_DIFF_GAUSSIAN ? normal(seed, row, c)
                   : row + c                 ? heavy(seed, row, c)
                                             : HEAVY_MAX;
    } else {
        adversarial_row(q, seed, row, cols, x);
    }
}
