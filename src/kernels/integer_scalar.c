/* Products of integers, one at a time. */
#include <math.h>
#include <stddef.h>

enum { TILE_M = 1, TILE_N = 8 };
#include "kernels/integer_text.h"

static inline void tile(const integer_shape *s, size_t b0, size_t b1, const uint8_t *const row[TILE_M],
                        const uint8_t *panel, float *y, size_t ldy) {
    const uint8_t *x = row[0];
    (void)ldy;
    if (b0 == 0) memset(y, 0, TILE_N * sizeof *y);
    for (size_t b = b0; b < b1; b++) {
        const size_t groups = b + 1 < s->n_blocks ? s->groups : s->last_groups;
        int32_t sum[TILE_N] = {0};
        for (size_t g = 0; g < groups; g++, panel += 4 * TILE_N)
            for (size_t j = 0; j < TILE_N; j++)
                for (size_t i = 0; i < 4; i++) sum[j] += (int8_t)x[4 * g + i] * (int8_t)panel[4 * j + i];
        const float scale = load_float(x + 4 * groups);
        for (size_t j = 0; j < TILE_N; j++)
            y[j] = fmaf((float)sum[j], scale * load_float(panel + 4 * j), y[j]);
        panel += 4 * TILE_N;
        x += 4 * groups + 8;
    }
}

const rg_integer_kernels rg_integer_scalar = {"scalar", TILE_M, TILE_N, false, multiply, lay_row};
