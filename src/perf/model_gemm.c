/* Dense matrix multiply, m x k times k x n: tiles in waves. A kernel deals tiles of the output to the cores,
   in as many waves as that takes; splitting k shortens the chain of dependent steps at the cost of a
   reduction. The library is assumed to pick the best tile and split. */
#include "perf/models.h"

#include <math.h>

enum { M, N, K };
enum { LAUNCH, BANDWIDTH, PEAK, TILE, STEP, SPLIT, QUANTISE, CACHE };

static bool formats(perf_row *row) {
    row->dtype = perf_dtype_find(row->word[0]);
    return row->dtype;
}

static double bytes_of(const perf_row *r) {
    return r->x[N] * r->x[K] * r->dtype->weight_bytes + r->x[M] * r->x[K] * r->dtype->activation_bytes +
           2 * r->x[M] * r->x[N];
}

static double compute_bound_s(const perf_row *r, const perf_machine *m) {
    return 2 * r->x[M] * r->x[N] * r->x[K] / m->flop_per_s;
}

static double bound_s(const perf_row *r, const perf_machine *m) {
    return fmax(compute_bound_s(r, m), bytes_of(r) / m->bytes_per_s);
}

typedef struct parts {
    double compute_s, memory_s, chain_s, squares;
} parts;

/* Best of the tiles and splits, by the sum of squares: as good a guide as the full norm, and cheap. */
static parts best_tile(const perf_row *r, const perf_machine *m, const double *c, double memory_s) {
    static const double tile[][2] = {{64, 64},  {64, 128},  {64, 256}, {128, 64}, {128, 128}, {128, 256},
                                     {256, 64}, {256, 128}, {16, 32},  {16, 64},  {32, 32}};
    const double core_flop_per_s = m->flop_per_s * c[PEAK] / m->cores;
    parts best = {.squares = INFINITY};
    for (size_t i = 0; i < sizeof tile / sizeof *tile; i++) {
        const double tiles = ceil(r->x[M] / tile[i][0]) * ceil(r->x[N] / tile[i][1]);
        const double fill = 1 + c[TILE] * 0.5 * (1 / tile[i][0] + 1 / tile[i][1]);
        for (double s = 1; s <= 32 && (s == 1 || r->x[K] >= 256 * s); s *= 2) {
            const double waves = ceil(tiles * s / m->cores), steps = ceil(r->x[K] / s / 64);
            parts p = {.compute_s = waves * 2 * tile[i][0] * tile[i][1] * steps * 64 * fill / core_flop_per_s,
                       .memory_s = memory_s,
                       .chain_s = steps * c[STEP]};
            if (s > 1) { /* partial sums in fp32 are written and read again */
                p.chain_s += c[SPLIT];
                p.memory_s += 4 * s * r->x[M] * r->x[N] / (m->bytes_per_s * c[BANDWIDTH]);
            }
            p.squares = p.compute_s * p.compute_s + p.memory_s * p.memory_s + p.chain_s * p.chain_s;
            if (p.squares < best.squares) best = p;
        }
    }
    return best;
}

static perf_guess estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const double bytes = bytes_of(r), rate = m->bytes_per_s * c[BANDWIDTH];
    /* share that still lies in the cache from the call before */
    const double over = m->onchip_bytes > 0 ? bytes / m->onchip_bytes : INFINITY;
    const double resident = 1 / (1 + over * over * over * over);
    const double memory_s = bytes / rate * (1 - resident + resident / c[CACHE]);
    const parts p = best_tile(r, m, c, memory_s);
    double extra = c[LAUNCH];
    if (r->dtype->converts)
        extra += c[QUANTISE] * r->x[M] * r->x[K] * (2 + r->dtype->activation_bytes) / rate;
    perf_guess g = {.s = extra + perf_overlap(p.compute_s, p.memory_s, p.chain_s)};
    const double most = fmax(p.compute_s, fmax(p.memory_s, p.chain_s));
    g.regime = extra > most                                                      ? PERF_LAUNCH
               : most == p.compute_s                                             ? PERF_COMPUTE
               : most == p.chain_s                                               ? PERF_LATENCY
               : resident / c[CACHE] > 0.5 || (resident > 0.5 && c[CACHE] > 1.2) ? PERF_L2
                                                                                 : PERF_MEMORY;
    return g;
}

const perf_model perf_gemm = {
    .op = "gemm",
    .n_words = 2,
    .word = {{.name = "gemm_dtype"}, {.name = "kernel", .other = "kernel_source", .preset = ""}},
    .groups = {true, true},
    .kernel = 1,
    .group_number = -1,
    .n_numbers = 3,
    .number = {{.name = "m"}, {.name = "n", .site = true, .model = true}, {.name = "k", .site = true}},
    .n_constants = 8,
    .constant = {{"launch", "s", "of any kernel", 2.5e-6, 1e-7, 3e-4},
                 {"bandwidth", "1", "share of the memory's bandwidth that is reached", 0.85, 0.2, 1.1},
                 {"peak", "1", "share of the peak rate that large tiles reach", 0.8, 0.1, 1.1},
                 {"tile", "1", "cost of a tile's rim: 1 + tile x mean of 1 / side", 5, 0.01, 300},
                 {"step", "s", "latency of 64 columns of k within a tile", 8e-8, 1e-9, 3e-6},
                 {"split", "s", "extra time of a reduction over parts of k", 3e-6, 1e-8, 1e-4},
                 {"quantise", "1", "passes over the activations that are converted first", 1, 0.02, 30},
                 {"cache", "1", "rate of operands in the last cache over that of memory", 1.2, 1, 20}},
    .formats = formats,
    .bound_s = bound_s,
    .compute_bound_s = compute_bound_s,
    .estimate = estimate,
};
