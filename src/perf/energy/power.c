/* Constants of a board's power: its own, those of a chip of its architecture, or shares of the TDP. */
#include "ridge/energy.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/calibrate/calibrate.h"
#include "perf/energy/power.h"

static rg_range range_of(const perf_step_constant *c, double scale) {
    return (rg_range){scale * c->value, scale * c->lo, scale * c->hi};
}

static rg_range widened(rg_range r, double by) {
    return (rg_range){r.value, r.lo * (1 - by), r.hi * (1 + by)};
}

/* A share of the TDP goes to `full` units of work per second. */
static rg_status assumed(const rg_calibrations *all, const char *name, double tdp_w, double full,
                         rg_range *out, rg_error *err) {
    const perf_step_constant *c = perf_step_constant_find(all, PERF_POWER, name, "", NULL);
    if (!c)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "data/calibration", "an entry of phase " PERF_POWER,
                       "no assumption \"%s\"", name);
    *out = range_of(c, tdp_w / full);
    return RG_OK;
}

/* Of this chip alone; constants without a chip are assumptions. The group of idle power and bytes is the
   chip's architecture, that of the rest a rate type. */
static const perf_step_constant *own(const rg_calibrations *all, const char *name, const char *chip,
                                     const char *group) {
    const perf_step_constant *c = perf_step_constant_find(all, PERF_POWER, name, chip, group);
    return c && *c->chip ? c : NULL;
}

typedef struct source {
    const char *chip, *kind; /* whose constants */
    double spread;
} source;

static source source_of(const rg_calibrations *all, const rg_chip *chip) {
    if (own(all, "idle", chip->id, chip->architecture)) return (source){chip->id, "calibrated", 0};
    const perf_step_constant *spread = perf_step_constant_find(all, PERF_POWER, "transfer_spread", "", NULL);
    for (size_t i = 0; spread && i < all->n_steps; i++) {
        const perf_step_constant *c = &all->step[i];
        if (strcmp(c->phase, PERF_POWER) == 0 && strcmp(c->name, "idle") == 0 && *c->chip &&
            strcmp(c->group, chip->architecture) == 0)
            return (source){c->chip, "transferred", spread->value};
    }
    return (source){NULL, "assumed", 0};
}

static rg_status add_type(rg_power *p, const rg_calibrations *all, const source *s, const char *type,
                          double tdp_w, double flop_per_s, rg_error *err) {
    struct rg_power_type *t = &p->type[p->n_types];
    const char *as = strcmp(type, "fp16") == 0 ? "bf16" : type; /* the same units */
    const perf_step_constant *c = s->chip ? own(all, "flop", s->chip, as) : NULL,
                             *r = s->chip ? own(all, "residual", s->chip, as) : NULL,
                             *v = s->chip ? own(all, "convert", s->chip, as) : NULL;
    snprintf(t->name, sizeof t->name, "%s", type);
    t->kind = "assumed";
    if (c) {
        t->flop_j = widened(range_of(c, 1), s->spread);
        t->kind = s->kind;
    } else {
        RG_TRY(assumed(all, "flop_share", tdp_w, flop_per_s, &t->flop_j, err));
    }
    if (v) t->convert_j = widened(range_of(v, 1), s->spread);
    if (r) t->log_lo = r->lo, t->log_hi = r->hi;
    p->n_types++;
    return RG_OK;
}

static rg_status add_types(rg_power *p, const rg_chip *chip, const rg_calibrations *all, const source *s,
                           rg_error *err) {
    static const char *const vector_types[] = {"fp32", "bf16", "fp16"}; /* as the bound takes them */
    const double tdp_w = chip->tdp_w.value;
    double vector = 0;
    for (size_t i = 0; i < chip->n_rates && p->n_types < RG_POWER_TYPES; i++) {
        const struct rg_chip_rate *r = &chip->rate[i];
        RG_TRY(add_type(p, all, s, r->type, tdp_w, r->flop_per_s.value, err));
    }
    for (size_t i = 0; vector == 0 && i < sizeof vector_types / sizeof *vector_types; i++)
        (void)rg_chip_rate_of(chip, vector_types[i], &vector, NULL);
    if (!(vector > 0))
        return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file, "the number in the chip's file, or --set",
                       "%s: none of rates.fp32, rates.bf16, rates.fp16 is published", chip->id);
    return assumed(all, "flop_share", tdp_w, vector, &p->vector_flop_j, err);
}

rg_status rg_power_of(rg_power *out, const rg_chip *chip, const rg_calibrations *all, rg_error *err) {
    if (!(chip->tdp_w.value > 0) || !(chip->memory_bytes_per_s.value > 0))
        return rg_fail(err, RG_ERR_UNSUPPORTED, chip->file, "the number in the chip's file, or --set",
                       "%s: power.tdp or memory.bandwidth is not published", chip->id);
    const source s = source_of(all, chip);
    const double tdp_w = chip->tdp_w.value;
    rg_power p = {.kind = s.kind};
    rg_range limit = {0};
    if (s.chip) {
        p.idle_w = widened(range_of(own(all, "idle", s.chip, chip->architecture), 1), s.spread);
        const perf_step_constant *byte = own(all, "byte", s.chip, chip->architecture);
        if (byte) p.byte_j = widened(range_of(byte, 1), s.spread);
    } else {
        RG_TRY(assumed(all, "idle_share", tdp_w, 1, &p.idle_w, err));
    }
    if (!(p.byte_j.value > 0))
        RG_TRY(assumed(all, "byte_share", tdp_w, chip->memory_bytes_per_s.value, &p.byte_j, err));
    RG_TRY(assumed(all, "limit_share", tdp_w, 1, &limit, err));
    p.limit_w = limit.value;
    RG_TRY(add_types(&p, chip, all, &s, err));
    *out = p;
    return RG_OK;
}

rg_status rg_power_cap(rg_power *power, double cap_w, rg_error *err) {
    if (!(cap_w > power->idle_w.hi))
        return rg_fail(err, RG_ERR_USAGE, "power cap", "more than the board's idle power",
                       "%g W, but idle power is %.3g W and may be %.3g W", cap_w, power->idle_w.value,
                       power->idle_w.hi);
    power->cap_w = cap_w;
    return RG_OK;
}
