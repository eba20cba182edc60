/* Products whose operands are rotated by Hadamard blocks before they are quantized: x H (W H)^T = x W^T, but
   outliers spread over their block. */
#include "model/exec.h"

#include <math.h>
#include <string.h>

/* One block in place: the butterflies of the Walsh-Hadamard transform, then 1 / sqrt(size). */
static void rotate_block(float *x, size_t size) {
    const float scale = (float)(1 / sqrt((double)size));
    for (size_t half = 1; half < size; half *= 2)
        for (size_t i = 0; i < size; i += 2 * half)
            for (size_t j = i; j < i + half; j++) {
                const float a = x[j], b = x[j + half];
                x[j] = a + b;
                x[j + half] = a - b;
            }
    for (size_t i = 0; i < size; i++) x[i] *= scale;
}

void exec_rotate_rows(const exec *e, size_t size, const float *x, float *y, size_t rows, size_t cols) {
#pragma omp parallel for num_threads(e->threads) schedule(static)
    for (size_t r = 0; r < rows; r++) {
        float *row = y + r * cols;
        memcpy(row, x + r * cols, cols * sizeof *row);
        for (size_t from = 0, n; from < cols; from += n) { /* a rest in the largest powers of two that fit */
            for (n = size; n > cols - from;) n /= 2;
            rotate_block(row + from, n);
        }
    }
}
