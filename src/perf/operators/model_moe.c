/* The experts of one layer: three multiplies (gate, up, down) over the tokens that were routed to each expert
   of this rank. The weights of every expert that gets a token are read; an expert with few tokens still fills
   a tile. */
#include "perf/operators/models.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS, HIDDEN, INTER, TOPK, EXPERTS, TP, EP };
enum { LAUNCH, BANDWIDTH, PEAK, TILE, STEP, MOVE, ALL };

static bool formats(perf_row *row) {
    row->dtype = perf_dtype_find(row->word[0]);
    return row->dtype;
}

/* Experts of the Nemotron 3 models square a relu and have no gate: two multiplies instead of three. Tables do
   not say which model a shape is of. */
static double matrices(const perf_row *r) {
    static const double no_gate[][4] = {{2688, 1856, 6, 128}, {2048, 5120, 22, 512}, {8192, 5120, 22, 512}};
    for (size_t i = 0; i < sizeof no_gate / sizeof *no_gate; i++)
        if (r->x[HIDDEN] == no_gate[i][0] && r->x[INTER] == no_gate[i][1] && r->x[TOPK] == no_gate[i][2] &&
            r->x[EXPERTS] == no_gate[i][3])
            return 2;
    return 3;
}

typedef struct load {
    double rows, experts, active, inter; /* of this rank */
} load;

/* Exponent of power_law_x, 0 for balanced. */
static double exponent(const perf_row *r) {
    const char *at = strstr(r->word[1], "power_law_");
    return at ? atof(at + strlen("power_law_")) : 0;
}

/* How the measured tables draw unequal experts: weights from a power law x^-a between lo and hi, the fullest
   rank is timed (ai-dynamo/aiconfigurator: collector/helper.py). */
typedef struct spread {
    double a, lo, hi;
    double mean, variation; /* of a weight; the latter relative to the mean */
} spread;

/* Integral of x^(power - a), a > 1. */
static double moment(const spread *s, double power) {
    const double p = power + 1 - s->a;
    return (pow(s->hi, p) - pow(s->lo, p)) / p;
}

static spread spread_of(const perf_row *r, double a) {
    const bool many = r->x[TOKENS] * r->x[TOPK] > r->x[EXPERTS];
    spread s = {.a = a, .lo = many ? 1 : 0.01, .hi = many ? fmax(1.01, 0.8 * r->x[TOKENS]) : 2};
    const double all = moment(&s, 0);
    s.mean = moment(&s, 1) / all;
    s.variation = sqrt(fmax(0, moment(&s, 2) / all / (s.mean * s.mean) - 1));
    return s;
}

/* Share of the experts whose tokens do not round to none. */
static double share_active(const spread *s, double tokens_each) {
    spread above = *s;
    above.lo = fmin(s->hi, fmax(s->lo, 0.5 * s->mean / tokens_each));
    return moment(&above, 0) / moment(s, 0);
}

/* The largest of `ranks` sums of k weights lies about sqrt(2 ln ranks) deviations above the mean. */
static void unequal(const perf_row *r, double a, load *l) {
    const spread s = spread_of(r, a);
    const double each = r->x[TOKENS] * r->x[TOPK] / r->x[EXPERTS], k = l->experts;
    const double fullest = l->rows * (1 + s.variation * sqrt(2 * log(r->x[EP]) / k));
    const double most = k * fmin(r->x[TOKENS], each * s.hi / s.mean);
    l->rows = fmax(l->rows, fmin(fullest, fmin(most, r->x[TOKENS] * fmin(r->x[TOPK], k))));
    l->active = fmin(k * share_active(&s, each), l->rows);
}

static load load_of(const perf_row *r) {
    load l = {.rows = r->x[TOKENS] * r->x[TOPK] / r->x[EP],
              .experts = r->x[EXPERTS] / r->x[EP],
              .inter = r->x[INTER] / r->x[TP]};
    const double a = exponent(r);
    if (a > 1)
        unequal(r, a, &l);
    else
        l.active = fmin(l.experts, l.rows);
    l.active = fmax(1, l.active);
    return l;
}

static double compute_bound_s(const perf_row *r, const perf_machine *m) {
    return 2 * matrices(r) * r->x[TOKENS] * r->x[TOPK] / r->x[EP] * r->x[HIDDEN] * r->x[INTER] / r->x[TP] /
           m->flop_per_s;
}

/* At the least as many experts as one token takes of this rank. */
static double bound_s(const perf_row *r, const perf_machine *m) {
    const double experts = fmax(1, fmin(r->x[EXPERTS] / r->x[EP], floor(r->x[TOPK] / r->x[EP])));
    const double bytes =
        experts * matrices(r) * r->x[HIDDEN] * r->x[INTER] / r->x[TP] * r->dtype->weight_bytes +
        r->x[TOKENS] * r->x[HIDDEN] * 2;
    const double compute = exponent(r) > 0 && r->x[EP] > 1 ? 0 : compute_bound_s(r, m);
    return fmax(compute, bytes / m->bytes_per_s);
}

static perf_guess estimate(const perf_row *r, const perf_machine *m, const double *c) {
    const load l = load_of(r);
    const double rate = m->bytes_per_s * c[BANDWIDTH], h = r->x[HIDDEN];
    const double memory_s = l.active * matrices(r) * h * l.inter * r->dtype->weight_bytes / rate;
    /* rows of this rank are gathered and scattered; all tokens are looked at */
    const double move_s = (c[MOVE] * l.rows * (h * (4 + r->dtype->activation_bytes) + 3 * l.inter * 2) +
                           c[ALL] * r->x[TOKENS] * h * 4) /
                          rate;
    const double core = m->flop_per_s * c[PEAK] / m->cores;
    const double each = l.rows / l.active;
    double best = INFINITY, compute_s = 0;
    static const double tile[] = {16, 32, 64, 128};
    for (int i = 0; i < 4; i++) {
        const double down = l.active * (exponent(r) > 1 ? each / tile[i] + 0.6 : ceil(each / tile[i]));
        const double fill = 1 + c[TILE] * 0.5 * (1 / tile[i] + 1 / 128.0);
        const double s = 2 * tile[i] * 128 * fill / core *
                         (ceil(down * ceil((matrices(r) - 1) * l.inter / 128) / m->cores) * h +
                          ceil(down * ceil(h / 128) / m->cores) * l.inter);
        if (s < best) best = compute_s = s;
    }
    const double chain_s = (h + l.inter) / 64 * c[STEP] / m->clock_hz, launch_s = c[LAUNCH] / m->clock_hz;
    perf_guess g = {.s = launch_s + move_s + perf_overlap(compute_s, memory_s, chain_s)};
    const double most = fmax(compute_s, fmax(memory_s + move_s, chain_s));
    g.regime = launch_s > most     ? PERF_LAUNCH
               : most == compute_s ? PERF_COMPUTE
               : most == chain_s   ? PERF_LATENCY
                                   : PERF_MEMORY;
    return g;
}

const perf_model perf_moe = {
    .op = "moe",
    .n_words = 3,
    .word = {{.name = "moe_dtype"},
             {.name = "distribution", .preset = "balanced"},
             {.name = "kernel", .other = "kernel_source", .preset = ""}},
    .groups = {true, false, true},
    .kernel = 2,
    .group_number = -1,
    .n_numbers = 7,
    .number = {{.name = "num_tokens"},
               {.name = "hidden_size", .site = true, .model = true},
               {.name = "inter_size", .site = true, .model = true},
               {.name = "topk", .site = true, .model = true},
               {.name = "num_experts", .site = true, .model = true},
               {.name = "moe_tp_size", .preset = "1"},
               {.name = "moe_ep_size", .preset = "1"}},
    .n_constants = 7,
    .constant = {{"launch", "cycle", "of all kernels of the layer", 45000, 2000, 2e6},
                 {"bandwidth", "1", "share of the memory's bandwidth that is reached", 0.8, 0.05, 1.1},
                 {"peak", "1", "share of the peak rate that large tiles reach", 0.6, 0.02, 1.1},
                 {"tile", "1", "cost of a tile's rim: 1 + tile x mean of 1 / side", 5, 0.01, 300},
                 {"step", "cycle", "latency of 64 columns within a tile", 150, 5, 2e4},
                 {"move", "1", "passes over the tokens that are gathered and scattered", 1, 0.01, 30},
                 {"all", "1", "passes over the tokens of all ranks", 1, 0.01, 100}},
    .formats = formats,
    .bound_s = bound_s,
    .compute_bound_s = compute_bound_s,
    .estimate = estimate,
};
