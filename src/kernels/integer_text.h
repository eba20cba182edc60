/* The loops around a micro-kernel of integers. Included only by the integer_*.c files, which define TILE_M
   and TILE_N before and tile() after. */
#ifndef RIDGE_KERNELS_INTEGER_TEXT_H
#define RIDGE_KERNELS_INTEGER_TEXT_H

#include <string.h>

#include "kernels/integer.h"

/* y[TILE_M][TILE_N], from zero for b0 == 0, goes on with blocks b0 .. b1 - 1. row[] and panel begin at block
   b0. */
static inline void tile(const integer_shape *s, size_t b0, size_t b1, const uint8_t *const row[TILE_M],
                        const uint8_t *panel, float *y, size_t ldy);

static inline int32_t load_4(const uint8_t *p) {
    int32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}
static inline float load_float(const uint8_t *p) {
    float v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* Bytes of a panel's column that stay in a first-level cache of 32 KiB with the rows of x. */
enum { DEPTH = 512 };

/* A tile at the edge: rows and columns that do not exist are computed into a buffer and dropped. */
static void edge_tile(const integer_shape *s, size_t b0, size_t b1, size_t m, size_t n,
                      const uint8_t *const row[TILE_M], const uint8_t *panel, float *y, size_t ldy) {
    float buffer[TILE_M * TILE_N] = {0};
    if (b0)
        for (size_t r = 0; r < m; r++) memcpy(buffer + r * TILE_N, y + r * ldy, n * sizeof *y);
    tile(s, b0, b1, row, panel, buffer, TILE_N);
    for (size_t r = 0; r < m; r++) memcpy(y + r * ldy, buffer + r * TILE_N, n * sizeof *y);
}

static void multiply(const integer_shape *s, size_t m, size_t n, const uint8_t *x, const uint8_t *panels,
                     float *y, size_t ldy) {
    const size_t record = 4 * s->groups + 8, slice = 4 * TILE_N * (s->groups + 1);
    const size_t step = 4 * s->groups < DEPTH ? DEPTH / (4 * s->groups) : 1;
    for (size_t b0 = 0; b0 < s->n_blocks; b0 += step) {
        const size_t b1 = s->n_blocks - b0 < step ? s->n_blocks : b0 + step;
        for (size_t n0 = 0; n0 < n; n0 += TILE_N) {
            const uint8_t *panel = panels + n0 / TILE_N * s->panel_bytes + b0 * slice;
            const size_t width = n - n0 < TILE_N ? n - n0 : TILE_N;
            for (size_t m0 = 0; m0 < m; m0 += TILE_M) {
                const size_t height = m - m0 < TILE_M ? m - m0 : TILE_M;
                const uint8_t *row[TILE_M];
                for (size_t r = 0; r < TILE_M; r++)
                    row[r] = x + (m0 + (r < height ? r : height - 1)) * s->row_bytes + b0 * record;
                if (height == TILE_M && width == TILE_N)
                    tile(s, b0, b1, row, panel, y + m0 * ldy + n0, ldy);
                else
                    edge_tile(s, b0, b1, height, width, row, panel, y + m0 * ldy + n0, ldy);
            }
        }
    }
}

/* The scale and, where it is wanted, the sum behind the integers of a block. */
static inline void lay_end(uint8_t *at, float scale, int32_t sum) {
    const uint32_t minus = 0u - 128u * (uint32_t)sum;
    memcpy(at, &scale, sizeof scale);
    memcpy(at + 4, &minus, sizeof minus);
}

static inline void lay_block(const int8_t *q, size_t width, float scale, uint8_t *at, size_t groups) {
    int32_t sum = 0;
    memset(at + 4 * groups - 4, 0, 4);
    memcpy(at, q, width);
    for (size_t i = 0; i < width; i++) sum += q[i];
    lay_end(at + 4 * groups, scale, sum);
}

static void lay_row(size_t k, size_t block, const int8_t *q, const float *scale, size_t span, uint8_t *row) {
    for (size_t from = 0; from < k; from += block) {
        const size_t width = k - from < block ? k - from : block, groups = (width + 3) / 4;
        const float here = scale[from / span];
        if (width == 16)
            lay_block(q + from, 16, here, row, 4);
        else if (width == 32)
            lay_block(q + from, 32, here, row, 8);
        else
            lay_block(q + from, width, here, row, groups);
        row += 4 * groups + 8;
    }
}

#endif
