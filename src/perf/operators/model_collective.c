/* Collectives within a node: alpha-beta in three size regimes. A library switches between protocols with low
   latency and those with full bandwidth; it is assumed to pick the fastest. */
#include "perf/operators/models.h"

#include <math.h>
#include <string.h>

enum { GPUS, ELEMENTS };

static bool formats(perf_row *row) {
    row->dtype = perf_dtype_find(row->word[1]);
    return row->dtype;
}

/* Bytes that leave each GPU. message_elements is the result of an all-gather, the input of the rest. */
static double moved(const perf_row *r) {
    const double bytes = r->x[ELEMENTS] * r->dtype->activation_bytes, n = r->x[GPUS];
    if (!(n > 1)) return 0;
    return bytes * (strcmp(r->word[0], "all_reduce") == 0 ? 2 : 1) * (n - 1) / n;
}

/* Reductions in the switch send each byte once. */
static double bound_s(const perf_row *r, const perf_machine *m) {
    return (strcmp(r->word[0], "all_reduce") == 0 ? 0.5 : 1) * moved(r) / m->link_bytes_per_s;
}

static double none(const perf_row *r, const perf_machine *m) {
    (void)r, (void)m;
    return 0;
}

static perf_guess estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const double wire_s = moved(r) / m->link_bytes_per_s;
    perf_guess g = {.s = INFINITY, .regime = PERF_LAUNCH};
    for (int i = 0; i < 3; i++) {
        const double alpha = c[2 * i], beta = wire_s / c[2 * i + 1], s = alpha + beta;
        if (s < g.s) g = (perf_guess){s, beta > alpha ? PERF_NETWORK : PERF_LAUNCH};
    }
    return g;
}

const perf_model perf_collective = {
    .op = "collective",
    .n_words = 3,
    .word = {{.name = "op_name"},
             {.name = "nccl_dtype", .other = "allreduce_dtype", .preset = "half"},
             {.name = "kernel", .other = "kernel_source", .preset = ""}},
    .groups = {true, true, true},
    .kernel = 2,
    .n_numbers = 2,
    .number = {{.name = "num_gpus", .site = true, .model = true},
               {.name = "message_elements", .other = "message_elems", .site = true}},
    .group_number = 0,
    .network = true,
    .n_constants = 6,
    .constant = {{"alpha_small", "s", "start, small messages", 8e-6, 1e-6, 3e-4},
                 {"beta_small", "1", "share of the links' bandwidth, small messages", 0.05, 1e-4, 2},
                 {"alpha_middle", "s", "start, middle", 2e-5, 1e-6, 1e-3},
                 {"beta_middle", "1", "share of the links' bandwidth, middle", 0.3, 1e-3, 2},
                 {"alpha_large", "s", "start, large messages", 5e-5, 1e-6, 3e-3},
                 {"beta_large", "1", "share of the links' bandwidth, large messages", 0.8, 1e-3, 2}},
    .formats = formats,
    .bound_s = bound_s,
    .compute_bound_s = none,
    .estimate = estimate,
};
