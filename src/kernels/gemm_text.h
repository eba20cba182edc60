/* Packing and the GEMM micro-kernel, one text for every instruction set. Included only by the isa_*.c files.

   Each output is one chain of fused multiply-adds over ascending k; a lane is an output, so the width of a
   vector changes nothing. Blocking over k stores the sums in y and goes on from there: the same bits. */
#ifndef RIDGE_KERNELS_GEMM_TEXT_H
#define RIDGE_KERNELS_GEMM_TEXT_H

#include "kernels/vec.h"

/* Panel of BLOCK_K x TILE_N and TILE_M rows of x stay in a 32 KiB first-level cache. */
enum { BLOCK_K = 256 };

static void pack(const float *w, size_t ld, size_t n, size_t k, float *panels) {
    for (size_t n0 = 0; n0 < n; n0 += TILE_N, panels += k * TILE_N) {
        size_t width = n - n0 < TILE_N ? n - n0 : TILE_N;
        if (width < TILE_N) memset(panels, 0, k * TILE_N * sizeof *panels);
        /* Short runs of k keep the panel's lines in cache while each row is visited. */
        for (size_t k0 = 0; k0 < k; k0 += 64) {
            size_t end = k - k0 < 64 ? k : k0 + 64;
            for (size_t j = 0; j < width; j++)
                for (size_t i = k0; i < end; i++) panels[i * TILE_N + j] = w[(n0 + j) * ld + i];
        }
    }
}

static void pack_transposed(const float *v, size_t ld, size_t k, size_t n, float *panels) {
    for (size_t n0 = 0; n0 < n; n0 += TILE_N) {
        size_t width = n - n0 < TILE_N ? n - n0 : TILE_N;
        for (size_t i = 0; i < k; i++, panels += TILE_N) {
            memcpy(panels, v + i * ld + n0, width * sizeof *panels);
            if (width < TILE_N) memset(panels + width, 0, (TILE_N - width) * sizeof *panels);
        }
    }
}

/* y[TILE_M][TILE_N] (+)= rows of x times a panel. */
static inline void tile(size_t k, const float *const row[TILE_M], const float *panel, float *y, size_t ldy,
                        bool go_on) {
    vec sum[TILE_M][TILE_VECTORS];
    UNROLL for (int r = 0; r < TILE_M; r++) {
        UNROLL for (int j = 0; j < TILE_VECTORS; j++) {
            sum[r][j] = go_on ? vec_load(y + (size_t)r * ldy + j * LANES) : vec_all(0);
        }
    }
    for (size_t i = 0; i < k; i++, panel += TILE_N) {
        vec w[TILE_VECTORS];
        UNROLL for (int j = 0; j < TILE_VECTORS; j++) w[j] = vec_load(panel + j * LANES);
        UNROLL for (int r = 0; r < TILE_M; r++) {
            vec x = vec_all(row[r][i]);
            UNROLL for (int j = 0; j < TILE_VECTORS; j++) sum[r][j] = vec_fma(x, w[j], sum[r][j]);
        }
    }
    UNROLL for (int r = 0; r < TILE_M; r++) {
        UNROLL for (int j = 0; j < TILE_VECTORS; j++) vec_store(y + (size_t)r * ldy + j * LANES, sum[r][j]);
    }
}

/* The same of the first LANES columns. */
static inline void narrow_tile(size_t k, const float *const row[TILE_M], const float *panel, float *y,
                               size_t ldy, bool go_on) {
    vec sum[TILE_M];
    UNROLL for (int r = 0; r < TILE_M; r++) sum[r] = go_on ? vec_load(y + (size_t)r * ldy) : vec_all(0);
    for (size_t i = 0; i < k; i++, panel += TILE_N) {
        const vec w = vec_load(panel);
        UNROLL for (int r = 0; r < TILE_M; r++) sum[r] = vec_fma(vec_all(row[r][i]), w, sum[r]);
    }
    UNROLL for (int r = 0; r < TILE_M; r++) vec_store(y + (size_t)r * ldy, sum[r]);
}

/* A tile at the edge: rows and columns that do not exist are computed into a buffer and dropped; half the
   columns are not computed where they do not matter. */
static void edge_tile(size_t m, size_t n, size_t k, const float *const row[TILE_M], const float *panel,
                      float *y, size_t ldy, bool go_on) {
    if (m == TILE_M && n == LANES) {
        narrow_tile(k, row, panel, y, ldy, go_on);
        return;
    }
    float buffer[TILE_M * TILE_N];
    if (go_on) {
        memset(buffer, 0, sizeof buffer);
        for (size_t r = 0; r < m; r++) memcpy(buffer + r * TILE_N, y + r * ldy, n * sizeof *y);
    }
    if (n <= LANES)
        narrow_tile(k, row, panel, buffer, TILE_N, go_on);
    else
        tile(k, row, panel, buffer, TILE_N, go_on);
    for (size_t r = 0; r < m; r++) memcpy(y + r * ldy, buffer + r * TILE_N, n * sizeof *y);
}

static void multiply(size_t m, size_t n, size_t k, const float *x, size_t ldx, const float *panels,
                     size_t panel_k, float *y, size_t ldy) {
    if (k == 0)
        for (size_t r = 0; r < m; r++) memset(y + r * ldy, 0, n * sizeof *y);
    for (size_t k0 = 0; k0 < k; k0 += BLOCK_K) {
        size_t depth = k - k0 < BLOCK_K ? k - k0 : BLOCK_K;
        for (size_t n0 = 0; n0 < n; n0 += TILE_N) {
            const float *panel = panels + n0 * panel_k + k0 * TILE_N;
            size_t width = n - n0 < TILE_N ? n - n0 : TILE_N;
            for (size_t m0 = 0; m0 < m; m0 += TILE_M) {
                size_t height = m - m0 < TILE_M ? m - m0 : TILE_M;
                const float *row[TILE_M];
                for (size_t r = 0; r < TILE_M; r++)
                    row[r] = x + (m0 + (r < height ? r : height - 1)) * ldx + k0;
                float *out = y + m0 * ldy + n0;
                if (height == TILE_M && width == TILE_N)
                    tile(depth, row, panel, out, ldy, k0 > 0);
                else
                    edge_tile(height, width, depth, row, panel, out, ldy, k0 > 0);
            }
        }
    }
}

/* Twelve chains hide the latency of the units of every processor so far. */
static float fma_peak(size_t n, double *flop) {
    enum { CHAINS = 12 };
    vec sum[CHAINS], a = vec_all(0.999f), b = vec_all(1e-3f);
    UNROLL for (int j = 0; j < CHAINS; j++) sum[j] = vec_all((float)j);
    for (size_t i = 0; i < n; i++) {
        UNROLL for (int j = 0; j < CHAINS; j++) sum[j] = vec_fma(sum[j], a, b);
    }
    UNROLL for (int j = 1; j < CHAINS; j++) sum[0] += sum[j];
    *flop = 2.0 * CHAINS * LANES * (double)n;
    float lane[LANES];
    vec_store(lane, sum[0]);
    return lane[0];
}

#endif
