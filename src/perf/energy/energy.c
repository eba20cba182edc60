/* Joules and dollars of work on a chip. */
#include "ridge/energy.h"

#include <math.h>
#include <string.h>

static const struct rg_power_type *named(const rg_power *p, const char *name, size_t n) {
    for (size_t i = 0; i < p->n_types; i++)
        if (strlen(p->type[i].name) == n && strncmp(p->type[i].name, name, n) == 0) return &p->type[i];
    return NULL;
}

/* Without one: bf16, or fp16 on parts from before it. */
static const struct rg_power_type *type_of(const rg_power *p, const char *name) {
    const struct rg_power_type *t = name ? named(p, name, strcspn(name, "+")) : NULL;
    if (!t) t = named(p, "bf16", 4);
    if (!t) t = named(p, "fp16", 4);
    return t ? t : &p->type[0];
}

static int weakness(const char *kind) {
    return !kind ? 0 : strcmp(kind, "calibrated") == 0 ? 1 : strcmp(kind, "transferred") == 0 ? 2 : 3;
}

static const char *weaker(const char *a, const char *b) {
    return weakness(a) >= weakness(b) ? a : b;
}

typedef struct draw {
    double energy_j, time_s;
} draw;

/* What the work draws in `time_s`, and how much longer it takes under a cap. */
static draw draw_of(const rg_power *p, double idle_w, double dynamic_j, double time_s) {
    const double cap = p->cap_w > 0 ? fmin(p->cap_w, p->limit_w) : p->limit_w;
    const double power = fmin(p->limit_w, idle_w + (time_s > 0 ? dynamic_j / time_s : 0));
    if (power <= cap) return (draw){power * time_s, time_s};
    const double longer = time_s * (power - idle_w) / (cap - idle_w);
    return (draw){cap * longer, longer};
}

static void add_scaled(rg_range *sum, double by, rg_range r) {
    *sum = (rg_range){sum->value + by * r.value, sum->lo + by * r.lo, sum->hi + by * r.hi};
}

/* Joules above idle. */
static rg_range dynamic_of(const rg_power *p, const struct rg_power_type *t, const rg_energy_work *w) {
    rg_range sum = {0};
    add_scaled(&sum, w->matrix_flop, t->flop_j);
    add_scaled(&sum, w->converted, t->convert_j);
    add_scaled(&sum, w->vector_flop, p->vector_flop_j);
    add_scaled(&sum, w->bytes, p->byte_j);
    return sum;
}

rg_energy rg_energy_of(const rg_power *p, const rg_energy_work *w) {
    const struct rg_power_type *t = type_of(p, w->type);
    const rg_range dynamic = dynamic_of(p, t, w);
    const draw expected = draw_of(p, p->idle_w.value, dynamic.value, w->estimate_s);
    rg_energy e = {.energy_j = expected.energy_j, .estimate_s = expected.time_s};
    e.lo80_j = fmin(e.energy_j, draw_of(p, p->idle_w.lo, dynamic.lo, w->lo80_s).energy_j * exp(t->log_lo));
    e.hi80_j = fmax(e.energy_j, draw_of(p, p->idle_w.hi, dynamic.hi, w->hi80_s).energy_j * exp(t->log_hi));
    if (isnan(e.energy_j)) e.lo80_j = e.hi80_j = NAN;
    e.power_w = e.estimate_s == 0 ? p->idle_w.value : e.energy_j / e.estimate_s;
    e.kind = weaker(weaker(w->kind, p->kind), w->matrix_flop > 0 ? t->kind : NULL);
    return e;
}

void rg_energy_add(rg_energy *sum, const rg_energy *one) {
    sum->energy_j += one->energy_j;
    sum->lo80_j += one->lo80_j;
    sum->hi80_j += one->hi80_j;
    sum->estimate_s += one->estimate_s;
    sum->power_w = sum->estimate_s > 0 ? sum->energy_j / sum->estimate_s : 0;
    sum->kind = weaker(sum->kind, one->kind);
}

rg_energy rg_energy_of_roof(const rg_power *power, const rg_roof *roof, rg_energy *each) {
    rg_energy sum = {0};
    for (size_t i = 0; i < roof->n_operators; i++) {
        const rg_roof_operator *o = &roof->op[i];
        const rg_energy_work w = {.matrix_flop = o->matrix_flop,
                                  .vector_flop = o->vector_flop,
                                  .bytes = o->bytes,
                                  .type = o->runs_as,
                                  .estimate_s = o->estimate_s,
                                  .lo80_s = o->lo80_s,
                                  .hi80_s = o->hi80_s,
                                  .kind = o->estimate_kind};
        const rg_energy e = rg_energy_of(power, &w);
        if (each) each[i] = e;
        rg_energy_add(&sum, &e);
    }
    /* the word that the time as a whole has, not that of its smallest part */
    sum.kind = weaker(roof->estimate_kind, power->kind);
    return sum;
}

/* The rate type of a peak; NULL: none. */
static const char *type_at(const rg_chip *chip, double flop_per_s) {
    for (size_t i = 0; i < chip->n_rates; i++)
        if (chip->rate[i].flop_per_s.value == flop_per_s) return chip->rate[i].type;
    return NULL;
}

/* `one` is the work of a chip. */
static rg_energy on_chips(const rg_power *power, const rg_energy_work *one, double chips) {
    rg_energy e = rg_energy_of(power, one);
    e.energy_j *= chips;
    e.lo80_j *= chips;
    e.hi80_j *= chips;
    return e;
}

rg_energy rg_energy_of_step(const rg_power *power, const rg_chip *chip, const rg_step *step) {
    const rg_energy_work one = {.matrix_flop = step->flop / step->chips,
                                .bytes = step->bytes / step->chips,
                                .type = type_at(chip, step->peak_flop_per_s),
                                .estimate_s = step->estimate_s,
                                .lo80_s = step->lo80_s,
                                .hi80_s = step->hi80_s,
                                .kind = step->kind};
    return on_chips(power, &one, step->chips);
}

rg_energy rg_energy_of_train(const rg_power *power, const rg_chip *chip, const rg_train_step *step) {
    const double streams_s = step->operator_s[RG_TRAIN_REST] + step->part_s[RG_TRAIN_OPTIMIZER];
    const rg_energy_work one = {.matrix_flop = step->hardware_flop / step->chips,
                                .bytes = streams_s * chip->memory_bytes_per_s.value,
                                .type = type_at(chip, step->peak_flop_per_s),
                                .estimate_s = step->estimate_s,
                                .lo80_s = step->lo80_s,
                                .hi80_s = step->hi80_s,
                                .kind = "assumed"};
    return on_chips(power, &one, step->chips);
}

rg_energy rg_energy_of_serve(const rg_power *power, const rg_chip *chip, const rg_serve_result *s) {
    const rg_serve_time *t = &s->tpot;
    double peak = 0;
    if (s->verdict != RG_SERVE_OK || s->transfer_bytes > 0 || !(t->estimate_s > 0)) return (rg_energy){0};
    if (rg_chip_rate_of(chip, "bf16", &peak, NULL) != RG_OK &&
        rg_chip_rate_of(chip, "fp16", &peak, NULL) != RG_OK)
        return (rg_energy){0};
    const double streams_s =
                     s->part_s[RG_SERVE_LINEAR] + s->part_s[RG_SERVE_EXPERTS] + s->part_s[RG_SERVE_ATTENTION],
                 stored = s->memory_bytes[RG_SERVE_WEIGHTS] + s->memory_bytes[RG_SERVE_CACHE],
                 steps_per_s = 1 / (t->estimate_s * s->tokens_per_step);
    const rg_energy_work one = {
        .matrix_flop = s->mfu * peak,
        .bytes = fmin(stored * steps_per_s, streams_s / t->estimate_s * chip->memory_bytes_per_s.value),
        .estimate_s = 1,
        .lo80_s = t->lo80_s / t->estimate_s,
        .hi80_s = t->hi80_s / t->estimate_s,
        .kind = s->kind};
    return on_chips(power, &one, s->chips);
}

rg_cost rg_cost_of(const rg_chip *chip, double usd_per_chip_h, double chips, double tokens, double flop,
                   double time_s) {
    const rg_chip_number *rent = rg_chip_find(chip, "cost.rent");
    double peak = NAN;
    if (!(usd_per_chip_h > 0)) usd_per_chip_h = rent ? rent->v.value : (double)NAN;
    (void)rg_chip_rate_of(chip, "bf16", &peak, NULL);
    const double usd_per_s = chips * usd_per_chip_h / 3600, usd = usd_per_s * time_s;
    return (rg_cost){.usd_per_h = chips * usd_per_chip_h,
                     .usd_per_mtoken = 1e6 * usd / tokens,
                     .flop_per_usd = flop / usd,
                     .peak_flop_per_usd = chips * peak / usd_per_s};
}
