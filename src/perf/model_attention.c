/* Attention over a cache of keys and values: prompts in causal tiles of queries, one-token steps split over
   the keys. */
#include "perf/models.h"

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

enum { P_LAUNCH, P_BANDWIDTH, P_PEAK, P_SOFTMAX, P_ITEM, P_KV };

/* Tiles of 64 or 128 queries are dealt to the cores; queries of the heads that share keys may lie in one. */
static double prefill_core_s(const perf_row *r, const perf_machine *m, const double *c, double rows) {
    const double group = r->x[HEADS] / r->x[KV_HEADS];
    const double apart = ceil(r->x[ISL] / rows) * r->x[HEADS],
                 packed = ceil(r->x[ISL] * group / rows) * r->x[KV_HEADS];
    const double tiles = r->x[BATCH] * fmin(apart, packed);
    const double keys = pairs(r) / r->x[ISL] + rows / 2; /* mean over the tiles, the diagonal one whole */
    const double last = windowed(r, r->x[STEP] + r->x[ISL]) + rows;
    const double core = m->flop_per_s * c[P_PEAK] / m->cores;
    const double per_key = 4 * rows * (r->x[HEAD_DIM] + c[P_SOFTMAX]) / core;
    const double work_s = tiles * (keys * per_key + c[P_ITEM]) / m->cores,
                 longest_s = last * per_key + c[P_ITEM];
    return tiles < m->cores ? fmax(longest_s, work_s) : work_s + 0.25 * longest_s;
}

static perf_guess prefill_estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const double compute_s = fmin(prefill_core_s(r, m, c, 64), prefill_core_s(r, m, c, 128));
    const double bytes = prefill_bytes(r) + (c[P_KV] - 1) * kv_bytes(r, r->x[STEP] + r->x[ISL]);
    const double memory_s = fmax(0, bytes) / (m->bytes_per_s * c[P_BANDWIDTH]);
    perf_guess g = {.s = c[P_LAUNCH] + perf_overlap(compute_s, memory_s, 0)};
    const double most = fmax(compute_s, memory_s);
    g.regime = c[P_LAUNCH] > most ? PERF_LAUNCH : most == compute_s ? PERF_COMPUTE : PERF_MEMORY;
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

enum { D_LAUNCH, D_BANDWIDTH, D_PEAK, D_STEP, D_SPLIT, D_ITEM };

/* Work items (a sequence, a KV head, a part of its keys) are dealt to the cores; each has a fixed cost beside
   its products, and within one the steps over the keys depend on each other. */
static perf_guess decode_estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const double keys = keys_of(r), group = r->x[HEADS] / r->x[KV_HEADS];
    const double items = r->x[BATCH] * r->x[KV_HEADS];
    const double memory_s = decode_bytes(r) / (m->bytes_per_s * c[D_BANDWIDTH]);
    const double padded = 64 * ceil(group / 64);
    const double products_s = 4 * items * padded * r->x[HEAD_DIM] * (keys + 32) / (m->flop_per_s * c[D_PEAK]);
    double best = INFINITY, compute_s = 0, chain_s = 0;
    for (double s = 1; s <= 128 && (s == 1 || keys >= 64 * s); s *= 2) {
        const double core_s = products_s + c[D_ITEM] * fmax(1, items * s / m->cores);
        const double chain =
            ceil(keys / s / 64) * c[D_STEP] * r->x[HEAD_DIM] / 128 + (s > 1 ? c[D_SPLIT] : 0);
        const double squares = core_s * core_s + chain * chain;
        if (squares >= best) continue;
        best = squares, compute_s = core_s, chain_s = chain;
    }
    perf_guess g = {.s = c[D_LAUNCH] + perf_overlap(compute_s, memory_s, chain_s)};
    const double most = fmax(compute_s, fmax(memory_s, chain_s));
    g.regime = c[D_LAUNCH] > most  ? PERF_LAUNCH
               : most == chain_s   ? PERF_LATENCY
               : most == compute_s ? PERF_COMPUTE
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
    .constant = {{"launch", "s", "of any kernel", 5e-6, 1e-7, 3e-4},
                 {"bandwidth", "1", "share of the memory's bandwidth that is reached", 0.8, 0.05, 1.1},
                 {"peak", "1", "share of the peak rate that is reached", 0.7, 0.05, 1.1},
                 {"softmax", "1", "cost of a score beside its products, in columns of the head", 30, 0.1,
                  500},
                 {"item", "s", "cost of a tile beside its products", 1e-6, 1e-9, 1e-4},
                 {"kv", "1", "passes over keys and values", 1.5, 1, 30}},
    .bound_s = prefill_bound_s,
    .compute_bound_s = prefill_compute_s,
    .estimate = prefill_estimate,
};

const perf_model perf_attention_decode = {
    .op = "attention_decode",
    COLUMNS,
    .n_constants = 6,
    .constant = {{"launch", "s", "of any kernel", 6e-6, 1e-7, 3e-4},
                 {"bandwidth", "1", "share of the memory's bandwidth that is reached", 0.85, 0.05, 1.1},
                 {"peak", "1", "share of the peak rate that is reached", 0.5, 0.005, 1.1},
                 {"step", "s", "latency of 64 keys of a head of 128", 2e-7, 1e-9, 1e-5},
                 {"split", "s", "extra time of a reduction over parts of the keys", 2e-6, 1e-8, 1e-4},
                 {"item", "s", "cost of a work item beside its products", 1e-6, 1e-9, 1e-4}},
    .bound_s = decode_bound_s,
    .compute_bound_s = decode_compute_s,
    .estimate = decode_estimate,
};
