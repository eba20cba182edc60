/* Steps of recurrences over a matrix, one text for every instruction set: a lane is a column, so the width of
   a vector changes nothing. Included only by the isa_*.c files. */
#ifndef RIDGE_KERNELS_STATE_TEXT_H
#define RIDGE_KERNELS_STATE_TEXT_H

#include "kernels/vec.h"

/* So many blocks of columns together hide the latency of the chains over rows. */
enum { STATE_BLOCKS = 4, STATE_COLUMNS = STATE_BLOCKS * RG_ROW_LANES };

#define EACH_BLOCK_OF(n) UNROLL for (size_t b = 0; b < (n); b++)

/* `left` columns of n blocks. */
static inline void state_columns(size_t n, size_t left, size_t rows, size_t cols, float decay, const float *u,
                                 const float *v, const float *w, float *state, float *y) {
    block in[STATE_BLOCKS], out[STATE_BLOCKS];
    const block keep = block_all(decay);
    EACH_BLOCK_OF(n) {
        in[b] = block_load_part(v + b * RG_ROW_LANES, left - b * RG_ROW_LANES, 0);
        out[b] = block_all(0);
    }
    for (size_t i = 0; i < rows; i++, state += cols) {
        const block ui = block_all(u[i]), wi = block_all(w[i]);
        EACH_BLOCK_OF(n) {
            float *at = state + b * RG_ROW_LANES;
            const size_t here = left - b * RG_ROW_LANES;
            const block s = block_fma(ui, in[b], block_multiply(keep, block_load_part(at, here, 0)));
            block_store_part(at, here, s);
            out[b] = block_fma(wi, s, out[b]);
        }
    }
    EACH_BLOCK_OF(n) block_store_part(y + b * RG_ROW_LANES, left - b * RG_ROW_LANES, out[b]);
}

static inline void delta_columns(size_t n, size_t left, size_t rows, size_t cols, const float *decay,
                                 float beta, const float *u, const float *v, const float *w, float *state,
                                 float *y) {
    block r[STATE_BLOCKS], out[STATE_BLOCKS];
    EACH_BLOCK_OF(n) r[b] = out[b] = block_all(0);
    for (size_t i = 0; i < rows; i++) {
        const block ui = block_all(u[i]), keep = block_all(decay[i]);
        EACH_BLOCK_OF(n) {
            float *at = state + i * cols + b * RG_ROW_LANES;
            const size_t here = left - b * RG_ROW_LANES;
            const block s = block_multiply(keep, block_load_part(at, here, 0));
            block_store_part(at, here, s);
            r[b] = block_fma(ui, s, r[b]);
        }
    }
    EACH_BLOCK_OF(n) {
        const block in = block_load_part(v + b * RG_ROW_LANES, left - b * RG_ROW_LANES, 0);
        r[b] = block_multiply(block_all(beta), block_subtract(in, r[b]));
    }
    for (size_t i = 0; i < rows; i++) {
        const block ui = block_all(u[i]), wi = block_all(w[i]);
        EACH_BLOCK_OF(n) {
            float *at = state + i * cols + b * RG_ROW_LANES;
            const size_t here = left - b * RG_ROW_LANES;
            const block s = block_fma(ui, r[b], block_load_part(at, here, 0));
            block_store_part(at, here, s);
            out[b] = block_fma(wi, s, out[b]);
        }
    }
    EACH_BLOCK_OF(n) block_store_part(y + b * RG_ROW_LANES, left - b * RG_ROW_LANES, out[b]);
}

static void state_step(size_t rows, size_t cols, float decay, const float *u, const float *v, const float *w,
                       float *state, float *y) {
    size_t j = 0;
    for (; cols - j >= STATE_COLUMNS; j += STATE_COLUMNS)
        state_columns(STATE_BLOCKS, STATE_COLUMNS, rows, cols, decay, u, v + j, w, state + j, y + j);
    for (; j < cols; j += MIN_BLOCK(cols - j))
        state_columns(1, MIN_BLOCK(cols - j), rows, cols, decay, u, v + j, w, state + j, y + j);
}

static void delta_step(size_t rows, size_t cols, const float *decay, float beta, const float *u,
                       const float *v, const float *w, float *state, float *y) {
    size_t j = 0;
    for (; cols - j >= STATE_COLUMNS; j += STATE_COLUMNS)
        delta_columns(STATE_BLOCKS, STATE_COLUMNS, rows, cols, decay, beta, u, v + j, w, state + j, y + j);
    for (; j < cols; j += MIN_BLOCK(cols - j))
        delta_columns(1, MIN_BLOCK(cols - j), rows, cols, decay, beta, u, v + j, w, state + j, y + j);
}

#endif
