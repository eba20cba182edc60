/* Attention over a cache of keys and values: prompts in causal tiles of queries, one-token steps split over
   the keys. */
#include "perf/operators/models.h"

#include <math.h>

enum { BATCH, ISL, STEP, HEADS, KV_HEADS, HEAD_DIM, WINDOW };

static bool formats(perf_row *row) {
    row->dtype = perf_dtype_find(row->word[0]);
    row->kv_dtype = perf_dtype_find(row->word[1]);
    return row->dtype && row->kv_dtype;
}

/* Keys that all queries of one sequence see together, causal and within the window. */
static double pairs(const perf_row *r) {
    const double n = r->x[ISL], before = r->x[STEP], w = r->x[WINDOW];
    const double full = n * before + n * (n + 1) / 2;
    if (!(w > 0) || before + n <= w) return full;
    const double grows = fmax(0, fmin(n, w - before)); /* queries that do not yet fill the window */
    return grows * before + grows * (grows + 1) / 2 + (n - grows) * w;
}

static double kv_bytes(const perf_row *r, double keys) {
    return r->x[BATCH] * keys * 2 * r->x[KV_HEADS] * r->x[HEAD_DIM] * r->kv_dtype->activation_bytes;
}

static double windowed(const perf_row *r, double keys) {
    return r->x[WINDOW] > 0 ? fmin(keys, r->x[WINDOW]) : keys;
}

/* ---- prompts ----------------------------------------------------------------------------------------- */

static double prefill_bytes(const perf_row *r) {
    return kv_bytes(r, r->x[STEP] + r->x[ISL]) + 4 * r->x[BATCH] * r->x[ISL] * r->x[HEADS] * r->x[HEAD_DIM];
}

static double prefill_compute_s(const perf_row *r, const perf_machine *m) {
    return 4 * r->x[BATCH] * r->x[HEADS] * r->x[HEAD_DIM] * pairs(r) / m->flop_per_s;
}

static double prefill_bound_s(const perf_row *r, const perf_machine *m) {
    return fmax(prefill_compute_s(r, m), prefill_bytes(r) / m->bytes_per_s);
}

enum { P_LAUNCH, P_PEAK, P_SOFTMAX, P_ITEM, P_KV, P_ROW };

/* Tiles of 64 to 256 queries are dealt to the cores. FlashAttention-3 lets queries of the heads that share
   keys lie in one; others do so for single queries alone. */
static double prefill_core_s(const perf_row *r, const perf_machine *m, const double *c, double rows) {
    const double group = r->x[HEADS] / r->x[KV_HEADS];
    const bool packs = m->flash3 || r->x[ISL] == 1;
    const double apart = ceil(r->x[ISL] / rows) * r->x[HEADS],
                 packed = ceil(r->x[ISL] * group / rows) * r->x[KV_HEADS];
    const double tiles = r->x[BATCH] * (packs ? fmin(apart, packed) : apart);
    const double keys = pairs(r) / r->x[ISL] + rows / 2; /* mean over the tiles, the diagonal one whole */
    const double last = windowed(r, r->x[STEP] + r->x[ISL]) + rows;
    const double core = m->flop_per_s * c[P_PEAK] / m->cores;
    const double per_key = 4 * rows * (r->x[HEAD_DIM] + c[P_SOFTMAX]) / core,
                 item_s = c[P_ITEM] / m->clock_hz;
    const double work_s = tiles * (keys * per_key + item_s) / m->cores, longest_s = last * per_key + item_s;
    return tiles < m->cores ? fmax(longest_s, work_s) : work_s + 0.5 * longest_s;
}

/* A kernel before the attention writes keys and values to the cache: a block of up to 512 threads for each
   token, one for each of its elements (vllm-project/vllm: csrc/cache_kernels.cu). */
static perf_guess prefill_estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const double rate = 0.7 * m->bytes_per_s;
    const double kv = kv_bytes(r, r->x[STEP] + r->x[ISL]);
    const double threads = fmin(512, r->x[KV_HEADS] * r->x[HEAD_DIM]) / 512;
    double compute_s = fmin(prefill_core_s(r, m, c, 64), prefill_core_s(r, m, c, 128));
    if (!m->registers && !m->flash3) /* Blackwell: two tiles at once */
        compute_s = fmin(compute_s, prefill_core_s(r, m, c, 256));
    const double memory_s = prefill_bytes(r) / rate;
    const double write_s =
        c[P_KV] * kv / rate + c[P_ROW] * threads * r->x[BATCH] * r->x[ISL] / (m->cores * m->clock_hz);
    const double launch_s = c[P_LAUNCH] / m->clock_hz;
    perf_guess g = {.s = launch_s + write_s + perf_overlap(compute_s, memory_s, 0)};
    const double most = fmax(compute_s, memory_s + write_s);
    g.regime = launch_s > most ? PERF_LAUNCH : most == compute_s ? PERF_COMPUTE : PERF_MEMORY;
    return g;
}

/* ---- one token --------------------------------------------------------------------------------------- */

static double keys_of(const perf_row *r) {
    return windowed(r, r->x[ISL] + r->x[STEP]);
}

static double decode_bytes(const perf_row *r) {
    return kv_bytes(r, keys_of(r)) + 4 * r->x[BATCH] * r->x[HEADS] * r->x[HEAD_DIM];
}

static double decode_compute_s(const perf_row *r, const perf_machine *m) {
    return 4 * r->x[BATCH] * r->x[HEADS] * r->x[HEAD_DIM] * keys_of(r) / m->flop_per_s;
}

static double decode_bound_s(const perf_row *r, const perf_machine *m) {
    return fmax(decode_compute_s(r, m), decode_bytes(r) / m->bytes_per_s);
}

enum { D_LAUNCH, D_BANDWIDTH, D_STEP, D_SPLIT, D_ITEM, D_SEQUENCE };

/* FlashAttention-2, which runs where matrix units take operands from registers, splits keys only where it
   packs the query heads of a KV head, and then copies queries and results of several sequences. The scheduler
   of FlashAttention-3 walks over the sequences, 992 at most. (Dao-AILab/flash-attention: csrc/flash_attn and
   hopper, flash_api.cpp) */
enum { MOST_SCHEDULED = 992 };

static bool may_split(const perf_row *r, const perf_machine *m) {
    return !m->registers || r->x[HEADS] > r->x[KV_HEADS];
}

static double around_cycles(const perf_row *r, const perf_machine *m, const double *c) {
    if (m->registers) return may_split(r, m) && r->x[BATCH] > 1 && r->x[KV_HEADS] > 1 ? c[D_SPLIT] : 0;
    const double scheduled = r->x[BATCH] <= MOST_SCHEDULED ? c[D_SEQUENCE] * r->x[BATCH] / m->cores : 0;
    /* split by the number of keys, those outside the window included */
    return scheduled + (keys_of(r) < r->x[ISL] + r->x[STEP] ? c[D_SPLIT] : 0);
}

/* Keys and values of the run before may still lie in the last cache. */
static double decode_memory_s(const perf_row *r, const perf_machine *m, const double *c) {
    const double cache_bytes_per_cycle = 16; /* of one core */
    const double bytes = decode_bytes(r), rate = m->bytes_per_s * c[D_BANDWIDTH];
    const double kept = r->cold ? 0 : perf_cached_share(bytes, m->onchip_bytes);
    return bytes * ((1 - kept) / rate + kept / fmax(rate, cache_bytes_per_cycle * m->cores * m->clock_hz));
}

/* Work items (a sequence, a KV head, a part of its keys) are dealt to the cores; each has a fixed cost beside
   its products, and within one the steps over the keys depend on each other. */
static perf_guess decode_estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const double keys = keys_of(r), groups = ceil(r->x[HEADS] / r->x[KV_HEADS] / 64);
    const double items = r->x[BATCH] * r->x[KV_HEADS] * groups, peak = 0.6;
    const double memory_s = decode_memory_s(r, m, c);
    const double products_s = 4 * items * 64 * r->x[HEAD_DIM] * (keys + 32) / (m->flop_per_s * peak);
    /* narrow values are transposed within the kernel */
    const double wide = r->kv_dtype->activation_bytes < 1.5 ? r->x[HEAD_DIM] / 128 : 1;
    const double item_s = c[D_ITEM] * wide / m->clock_hz,
                 step_s = c[D_STEP] * r->x[HEAD_DIM] / 128 / m->clock_hz;
    double best = INFINITY, compute_s = 0, chain_s = 0;
    for (double s = 1; s <= 128 && (s == 1 || (may_split(r, m) && keys >= 64 * s)); s *= 2) {
        const double core_s = products_s + item_s * fmax(1, items * s / m->cores);
        const double chain = ceil(keys / s / 64) * step_s + (s > 1 ? c[D_SPLIT] / m->clock_hz : 0);
        const double squares = core_s * core_s + chain * chain;
        if (squares >= best) continue;
        best = squares, compute_s = core_s, chain_s = chain;
    }
    const double extra_s = (c[D_LAUNCH] + around_cycles(r, m, c)) / m->clock_hz;
    perf_guess g = {.s = extra_s + perf_overlap(compute_s, memory_s, chain_s)};
    const double most = fmax(compute_s, fmax(memory_s, chain_s));
    g.regime = extra_s > most                                ? PERF_LAUNCH
               : most == chain_s                             ? PERF_LATENCY
               : most == compute_s                           ? PERF_COMPUTE
               : memory_s * m->bytes_per_s < decode_bytes(r) ? PERF_L2
                                                             : PERF_MEMORY;
    return g;
}

#define COLUMNS                                                                                              \
    .n_words = 3,                                                                                            \
    .word = {{.name = "attn_dtype", .preset = "bfloat16"},                                                   \
             {.name = "kv_cache_dtype", .preset = "bfloat16"},                                               \
             {.name = "kernel", .other = "kernel_source", .preset = ""}},                                    \
    .groups = {true, true, true}, .kernel = 2, .group_number = -1, .n_numbers = 7,                           \
    .number = {{.name = "batch_size"},                                                                       \
               {.name = "isl"},                                                                              \
               {.name = "step", .preset = "0"},                                                              \
               {.name = "num_heads", .site = true, .model = true},                                           \
               {.name = "num_key_value_heads", .site = true},                                                \
               {.name = "head_dim", .site = true, .model = true},                                            \
               {.name = "window_size", .preset = "0"}},                                                      \
    .formats = formats

const perf_model perf_attention_prefill = {
    .op = "attention_prefill",
    COLUMNS,
    .n_constants = 6,
    .constant = {{"launch", "cycle", "of all kernels", 15000, 300, 1e6},
                 {"peak", "1", "share of the peak rate that is reached", 0.7, 0.05, 1.1},
                 {"softmax", "1", "cost of a score beside its products, in columns of the head", 30, 0.1,
                  500},
                 {"item", "cycle", "of a core for a tile beside its products", 4000, 10, 2e5},
                 {"kv", "1", "passes over keys and values to write the cache", 2, 0.05, 30},
                 {"row", "cycle", "of a core to write a token of 512 elements or more to the cache", 200, 1,
                  1e4}},
    .bound_s = prefill_bound_s,
    .compute_bound_s = prefill_compute_s,
    .estimate = prefill_estimate,
};

const perf_model perf_attention_decode = {
    .op = "attention_decode",
    COLUMNS,
    .n_constants = 6,
    .constant = {{"launch", "cycle", "of all kernels", 15000, 300, 1e6},
                 {"bandwidth", "1", "share of the memory's bandwidth that is reached", 0.85, 0.05, 1.1},
                 {"step", "cycle", "latency of 64 keys of a head of 128", 300, 5, 2e4},
                 {"split", "cycle", "of one more kernel: a reduction over parts of the keys, copies", 5000,
                  10, 2e5},
                 {"item", "cycle", "of a core for a work item beside its products", 4000, 10, 2e5},
                 {"sequence", "cycle", "of a core to schedule one sequence", 3000, 10, 1e5}},
    .bound_s = decode_bound_s,
    .compute_bound_s = decode_compute_s,
    .estimate = decode_estimate,
};
