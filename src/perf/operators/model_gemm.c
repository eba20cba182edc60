/* Dense matrix multiply, m x k times k x n: tiles in waves. A kernel deals tiles of the output to the cores,
   in as many waves as that takes; splitting k shortens the chain of dependent steps at the cost of a
   reduction. The library is assumed to pick the best tile and split. */
#include "perf/operators/models.h"

#include <math.h>

enum { M, N, K };
enum { LAUNCH, BANDWIDTH, PEAK, TILE, STEP, SPLIT, CACHE, QUANTISE, ROW, HOST };
enum {
    COPIES = 6
}; /* different weights that the measured loops multiply in turn, with the same activations */

static bool formats(perf_row *row) {
    row->dtype = perf_dtype_find(row->word[0]);
    return row->dtype;
}

typedef struct operands {
    double weight, activation, out; /* bytes */
} operands;

static operands operands_of(const perf_row *r) {
    return (operands){r->x[N] * r->x[K] * r->dtype->weight_bytes,
                      r->x[M] * r->x[K] * r->dtype->activation_bytes, 2 * r->x[M] * r->x[N]};
}

static double compute_bound_s(const perf_row *r, const perf_machine *m) {
    return 2 * r->x[M] * r->x[N] * r->x[K] / m->flop_per_s;
}

static double bound_s(const perf_row *r, const perf_machine *m) {
    const operands o = operands_of(r);
    return fmax(compute_bound_s(r, m), (o.weight + o.activation + o.out) / m->bytes_per_s);
}

/* What the operands take, by where they lie: the rest of one turn of the loop passes through the last cache
   between two uses of a weight, one multiply between two uses of activations and results. */
typedef struct traffic {
    double rate, cache_rate;         /* bytes per second */
    double weight_kept, others_kept; /* shares found in the cache */
    double memory_s;
    bool cached; /* most of the time, or faster than the memory */
} traffic;

static traffic traffic_of(const perf_row *r, const perf_machine *m, const double *c) {
    const operands o = operands_of(r);
    const double others = o.activation + o.out;
    traffic t = {.rate = m->bytes_per_s * c[BANDWIDTH],
                 .weight_kept = r->cold ? 0 : perf_cached_share(COPIES * o.weight + others, m->onchip_bytes),
                 .others_kept = perf_cached_share(o.weight + others, m->onchip_bytes)};
    t.cache_rate = fmax(t.rate, c[CACHE] * m->cores * m->clock_hz);
    const double cached = o.weight * t.weight_kept + others * t.others_kept;
    t.memory_s = (o.weight + others - cached) / t.rate + cached / t.cache_rate;
    t.cached = cached > 0.5 * t.memory_s * t.cache_rate || t.memory_s * m->bytes_per_s < o.weight + others;
    return t;
}

typedef struct parts {
    double compute_s, memory_s, chain_s, squares;
} parts;

/* Best of the tiles and splits, by the sum of squares: as good a guide as the full norm, and cheap. */
static parts best_tile(const perf_row *r, const perf_machine *m, const double *c, const traffic *t) {
    static const double tile[][2] = {{64, 64},  {64, 128},  {64, 256}, {128, 64}, {128, 128}, {128, 256},
                                     {256, 64}, {256, 128}, {16, 32},  {16, 64},  {32, 32}};
    const double core_flop_per_s = m->flop_per_s * c[PEAK] / m->cores;
    const double step_s = c[STEP] / m->clock_hz, split_s = c[SPLIT] / m->clock_hz;
    parts best = {.squares = INFINITY};
    for (size_t i = 0; i < sizeof tile / sizeof *tile; i++) {
        const double tiles = ceil(r->x[M] / tile[i][0]) * ceil(r->x[N] / tile[i][1]);
        const double fill = 1 + c[TILE] * 0.5 * (1 / tile[i][0] + 1 / tile[i][1]);
        for (double s = 1; s <= 32 && (s == 1 || r->x[K] >= 256 * s); s *= 2) {
            const double waves = ceil(tiles * s / m->cores), steps = ceil(r->x[K] / s / 64);
            parts p = {.compute_s = waves * 2 * tile[i][0] * tile[i][1] * steps * 64 * fill / core_flop_per_s,
                       .memory_s = t->memory_s,
                       .chain_s = steps * step_s};
            if (s > 1) { /* partial sums in fp32 are written and read again */
                p.chain_s += split_s;
                p.memory_s += 4 * s * r->x[M] * r->x[N] / t->cache_rate;
            }
            p.squares = p.compute_s * p.compute_s + p.memory_s * p.memory_s + p.chain_s * p.chain_s;
            if (p.squares < best.squares) best = p;
        }
    }
    return best;
}

/* Kernels that make the narrow activations first: rows are dealt to the cores, or the bytes take longer. */
static double conversion_s(const perf_row *r, const perf_machine *m, const double *c, const traffic *t) {
    if (!r->dtype->converts) return 0;
    const double bytes = c[QUANTISE] * r->x[M] * r->x[K] * (2 + r->dtype->activation_bytes);
    return perf_overlap(bytes * ((1 - t->others_kept) / t->rate + t->others_kept / t->cache_rate),
                        r->x[M] * c[ROW] / (m->cores * m->clock_hz), 0);
}

static perf_guess estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const traffic t = traffic_of(r, m, c);
    const parts p = best_tile(r, m, c, &t);
    const double most = fmax(p.compute_s, fmax(p.memory_s, p.chain_s));
    const double extra_s = c[LAUNCH] / m->clock_hz + conversion_s(r, m, c, &t);
    const double device_s =
        extra_s + perf_overlap_long(p.compute_s, p.memory_s, p.chain_s, most * m->clock_hz);
    const double host_s = r->dtype->converts ? c[HOST] : 0;
    perf_guess g = {.s = fmax(device_s, host_s)};
    g.regime = extra_s > most || host_s > device_s ? PERF_LAUNCH
               : most == p.compute_s               ? PERF_COMPUTE
               : most == p.chain_s                 ? PERF_LATENCY
               : t.cached                          ? PERF_L2
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
    .n_constants = 10,
    .constant =
        {{"launch", "cycle", "of any kernel", 4000, 300, 1e6, .registers = 4800},
         {"bandwidth", "1", "share of the memory's bandwidth that is reached", 0.8, 0.2, 1.1},
         {"peak", "1", "share of the peak rate that large tiles reach", 0.7, 0.1, 1.1, .registers = 0.8},
         {"tile", "1", "cost of a tile's rim: 1 + tile x mean of 1 / side", 1, 0.01, 300, .registers = 14},
         {"step", "cycle", "latency of 64 columns of k within a tile", 130, 5, 6000, .registers = 450},
         {"split", "cycle", "extra time of a reduction over parts of k", 7000, 50, 2e5, .registers = 4100},
         {"cache", "B/cycle", "rate of one core at operands in the last cache", 6, 1, 64},
         {"quantise", "1", "passes over the activations that are converted first", 2, 0.02, 30,
          .converts = true},
         {"row", "cycle", "of one core for a row of activations that are converted", 500, 5, 2e4,
          .converts = true},
         {"host", "s", "in which the host issues the calls, where no graph does", 5e-6, 1e-7, 3e-3,
          .converts = true}},
    .formats = formats,
    .bound_s = bound_s,
    .compute_bound_s = compute_bound_s,
    .estimate = estimate,
};
