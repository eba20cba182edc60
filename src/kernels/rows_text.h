/* Functions of a row, one text for every instruction set: 16 lanes whatever the vector, folded as one fixed
   tree. Included only by the isa_*.c files. */
#ifndef RIDGE_KERNELS_ROWS_TEXT_H
#define RIDGE_KERNELS_ROWS_TEXT_H

#include "kernels/vec.h"

#define EACH_BLOCK(i, left, n)                                                                               \
    for (size_t i = 0, left = (n); left; left -= MIN_BLOCK(left), i += RG_ROW_LANES)
#define MIN_BLOCK(left) ((left) < RG_ROW_LANES ? (left) : (size_t)RG_ROW_LANES)

static void rmsnorm(size_t n, const float *x, const float *gain, double eps, float *y) {
    block squares = block_all(0);
    EACH_BLOCK(i, left, n) {
        block b = block_load_part(x + i, left, 0);
        squares = block_fma(b, b, squares);
    }
    block factor = block_all((float)(1 / sqrt((double)block_sum(squares) / (double)n + eps)));
    EACH_BLOCK(i, left, n) {
        block b = block_multiply(block_load_part(x + i, left, 0), factor);
        block_store_part(y + i, left, block_multiply(b, block_load_part(gain + i, left, 0)));
    }
}

static void swiglu(size_t n, const float *gate, const float *up, float *y) {
    const block zero = block_all(0), one = block_all(1);
    EACH_BLOCK(i, left, n) {
        block g = block_load_part(gate + i, left, 0);
        block silu = block_divide(g, block_add(one, block_exp(block_subtract(zero, g))));
        block_store_part(y + i, left, block_multiply(silu, block_load_part(up + i, left, 0)));
    }
}

/* `scale` is not negative, so the largest product is that of the largest x. */
static float softmax(size_t n, float scale, float *x) {
    block largest = block_all(-INFINITY), factor = block_all(scale), sum = block_all(0);
    const size_t whole = n / RG_ROW_LANES * RG_ROW_LANES, rest = n - whole;
    for (size_t i = 0; i < whole; i += RG_ROW_LANES) largest = block_max(block_load(x + i), largest);
    if (rest) largest = block_max(block_load_part(x + whole, rest, -INFINITY), largest);
    const block top = block_all(block_largest(largest) * scale);
    for (size_t i = 0; i < whole; i += RG_ROW_LANES) {
        const block b = block_exp(block_subtract(block_multiply(block_load(x + i), factor), top));
        sum = block_add(sum, b);
        block_store(x + i, b);
    }
    if (rest) {
        const block b = block_multiply(block_load_part(x + whole, rest, -INFINITY), factor);
        const block y = block_exp(block_subtract(b, top));
        sum = block_add(sum, y);
        block_store_part(x + whole, rest, y);
    }
    return block_sum(sum);
}

static void exp_row(size_t n, const float *x, float *y) {
    EACH_BLOCK(i, left, n)
    block_store_part(y + i, left, block_exp(block_load_part(x + i, left, 0)));
}

static void log_row(size_t n, const float *x, float *y) {
    EACH_BLOCK(i, left, n)
    block_store_part(y + i, left, block_log(block_load_part(x + i, left, 1)));
}

static double lane_sum(double lane[RG_ROW_LANES]) {
    for (int half = RG_ROW_LANES / 2; half; half /= 2)
        for (int i = 0; i < half; i++) lane[i] += lane[i + half];
    return lane[0];
}

static size_t first_equal(const float *x, size_t n, float value) {
    for (size_t i = 0; i < n; i++)
        if (x[i] == value) return i;
    return n;
}

static rg_row_compare compare(size_t n, const float *a, const float *b) {
    block zero = block_all(0), bad = zero, large_a = block_all(-INFINITY), large_b = large_a;
    EACH_BLOCK(i, left, n) {
        block x = block_load_part(a + i, left, a[0]), y = block_load_part(b + i, left, b[0]);
        bad = block_fma(y, zero, block_fma(x, zero, bad)); /* infinity * 0 is NaN and stays */
        large_a = block_max(x, large_a);
        large_b = block_max(y, large_b);
    }
    rg_row_compare r = {.max_a = block_largest(large_a), .max_b = block_largest(large_b)};
    r.finite = block_sum(bad) == 0;
    if (!r.finite) return r;
    block top_a = block_all(r.max_a), top_b = block_all(r.max_b);
    double sum_a[RG_ROW_LANES] = {0}, sum_b[RG_ROW_LANES] = {0}, weighted[RG_ROW_LANES] = {0},
           weighted_b[RG_ROW_LANES] = {0};
    EACH_BLOCK(i, left, n) {
        block x = block_load_part(a + i, left, -INFINITY), y = block_load_part(b + i, left, -INFINITY);
        float ea[RG_ROW_LANES], eb[RG_ROW_LANES], difference[RG_ROW_LANES];
        block_store(ea, block_exp(block_subtract(x, top_a)));
        block_store(eb, block_exp(block_subtract(y, top_b)));
        /* Lanes past the end: infinity - infinity would be NaN, so the difference is taken of zeros. */
        block_store(difference,
                    block_subtract(block_load_part(a + i, left, 0), block_load_part(b + i, left, 0)));
        for (int j = 0; j < RG_ROW_LANES; j++) {
            sum_a[j] += (double)ea[j];
            sum_b[j] += (double)eb[j];
            weighted[j] += (double)ea[j] * (double)difference[j];
            weighted_b[j] += (double)eb[j] * (double)difference[j];
        }
    }
    r.sum_a = lane_sum(sum_a);
    r.sum_b = lane_sum(sum_b);
    r.weighted = lane_sum(weighted);
    r.weighted_b = lane_sum(weighted_b);
    r.top_a = first_equal(a, n, r.max_a);
    r.top_b = first_equal(b, n, r.max_b);
    return r;
}

#endif
