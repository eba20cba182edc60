/* From the work of one rank to a step: stages, schedule, what waits for what. */
#include <math.h>
#include <string.h>

#include "perf/train/train.h"

/* Sets the slowest stage, its ends counted in layers. */
static void find_slowest(perf_split *s, double before, double after) {
    const double first = s->first + before, last = s->last + after;
    s->slow_layers = s->middle, s->slow_before = s->slow_after = 0;
    if (first > fmax(s->middle, last))
        s->slow_layers = s->first, s->slow_before = 1;
    else if (last > s->middle)
        s->slow_layers = s->last, s->slow_after = 1;
    s->most = fmax(s->middle, fmax(first, last));
}

perf_split perf_train_split(double layers, double stages, double before, double after) {
    perf_split best = {
        .first = layers, .last = layers, .slow_layers = layers, .slow_before = 1, .slow_after = 1};
    const bool even = fmod(layers, stages) == 0;
    if (stages == 1) return best;
    best.most = INFINITY;
    for (double each = floor(layers / stages); each <= ceil(layers / stages) + 1; each++) {
        const double ends = layers - each * (stages - 2);
        if (ends < 0) break;
        double last = fmax(0, fmin(ends, round((ends + before - after) / 2)));
        if (even) last = each;
        perf_split s = {.first = ends - last, .last = last, .middle = stages > 2 ? each : 0};
        find_slowest(&s, before, after);
        if (s.most < best.most) best = s;
        if (even) break;
    }
    return best;
}

/* ---- one microbatch ---------------------------------------------------------------------------------- */

typedef struct mix { /* of passes, with constants */
    double s[PERF_N_SEGMENTS], bound_s;
} mix;

static mix mix_of(const perf_pass *p, double share, const perf_train_constants *k) {
    mix m = {.bound_s = 0};
    double computes = 0, talks = 0;
    for (int i = 0; i < PERF_N_SEGMENTS; i++) {
        m.s[i] = share * k->segment[i] * p->segment[i].estimate_s;
        *(i < PERF_SEGMENT_TP ? &computes : &talks) += share * p->segment[i].bound_s;
    }
    m.bound_s = fmax(computes, talks); /* physics allows to overlap them */
    return m;
}

static double sum_of(const mix *m) {
    double s = 0;
    for (int i = 0; i < PERF_N_SEGMENTS; i++) s += m->s[i];
    return s;
}

static void add(mix *to, const mix *m) {
    for (int i = 0; i < PERF_N_SEGMENTS; i++) to->s[i] += m->s[i];
    to->bound_s += m->bound_s;
}

typedef struct stage {
    mix forward, backward, recompute;
    double device_s, host_s; /* host: beyond the device's time */
} stage;

/* `layers` of the layers, with `before` and `after` shares of the ends. The host hands out two kernels back
   for each one forward. */
static stage stage_of(const perf_train_work *w, const rg_train_request *r, double layers, double before,
                      double after, const perf_train_constants *k) {
    const double share[PERF_N_REGIONS] = {before, layers / w->layers, after};
    const bool again = r->layout->recompute == RG_RECOMPUTE_FULL;
    stage s = {.recompute = mix_of(&w->recompute, share[PERF_BLOCKS], k)};
    for (int i = 0; i < PERF_N_REGIONS; i++) {
        const mix f = mix_of(&w->forward[i], share[i], k), b = mix_of(&w->backward[i], share[i], k);
        add(&s.forward, &f);
        add(&s.backward, &b);
    }
    s.device_s = sum_of(&s.forward) + sum_of(&s.backward) + sum_of(&s.recompute);
    const double host = k->host_s * share[PERF_BLOCKS] * w->kernels * (again ? 4 : 3);
    s.host_s = perf_overlap(s.device_s, host, 0) - s.device_s;
    return s;
}

static double all_of(const stage *s) {
    return s->device_s + s->host_s;
}

/* Time of what the ends of the model add to a stage, in layers. */
static double in_layers(const perf_train_work *w, const rg_train_request *r, bool before, bool after,
                        const perf_train_constants *k) {
    const stage layer = stage_of(w, r, 1, 0, 0, k), end = stage_of(w, r, 0, before, after, k);
    return layer.device_s > 0 ? end.device_s / layer.device_s : 0;
}

/* ---- a step ------------------------------------------------------------------------------------------ */

static void add_mix(rg_train_step *out, const mix *m, rg_train_part part, double times) {
    static const rg_train_operator as[] = {[PERF_SEGMENT_LINEAR] = RG_TRAIN_LINEAR,
                                           [PERF_SEGMENT_EXPERTS] = RG_TRAIN_EXPERTS,
                                           [PERF_SEGMENT_ATTENTION] = RG_TRAIN_ATTENTION,
                                           [PERF_SEGMENT_REST] = RG_TRAIN_REST};
    for (int i = 0; i < PERF_SEGMENT_TP; i++) {
        out->part_s[part] += times * m->s[i];
        out->operator_s[as[i]] += times * m->s[i];
    }
    out->part_s[RG_TRAIN_TP] += times * m->s[PERF_SEGMENT_TP];
    out->part_s[RG_TRAIN_CP] += times * m->s[PERF_SEGMENT_CP];
    out->part_s[RG_TRAIN_EP] += times * m->s[PERF_SEGMENT_EP];
}

/* A share of an exchange takes units and bandwidth from what runs beside it; the rest is hidden as far as
   there is time to hide it in. */
static double exposed(double exchange_s, double share, double beside_s) {
    return share * exchange_s + fmax(0, (1 - share) * exchange_s - beside_s);
}

static void find_limiter(rg_train_step *out) {
    double most = 0;
    for (int i = RG_TRAIN_RECOMPUTE + 1; i < RG_N_TRAIN_PARTS; i++) {
        if (out->part_s[i] <= most) continue;
        most = out->part_s[i];
        out->limiter = rg_train_part_name((rg_train_part)i);
    }
    for (int i = 0; i < RG_N_TRAIN_OPERATORS; i++) {
        if (out->operator_s[i] <= most) continue;
        most = out->operator_s[i];
        out->limiter = rg_train_operator_name((rg_train_operator)i);
    }
}

/* Weight gradients are half of what linear operators and experts take back. */
static perf_stage_time stage_time(const stage *s, bool bound) {
    if (bound) return (perf_stage_time){s->forward.bound_s, s->backward.bound_s + s->recompute.bound_s, 0};
    return (perf_stage_time){sum_of(&s->forward), sum_of(&s->backward) + sum_of(&s->recompute) + s->host_s,
                             0.5 *
                                 (s->backward.s[PERF_SEGMENT_LINEAR] + s->backward.s[PERF_SEGMENT_EXPERTS])};
}

static void add_parts(rg_train_step *out, const stage *slow, const stage *mean, const perf_train_exchanges *x,
                      const rg_train_request *r, const perf_train_constants *k) {
    const double m = out->microbatches, p = (double)r->layout->pp, v = (double)r->layout->vp;
    const perf_stage_time t = stage_time(mean, false);
    const double gradient_share = r->serial ? 1 : k->gradient_exposed;
    memset(out->part_s, 0, sizeof out->part_s);
    memset(out->operator_s, 0, sizeof out->operator_s);
    add_mix(out, &slow->forward, RG_TRAIN_FORWARD, m);
    add_mix(out, &slow->backward, RG_TRAIN_BACKWARD, m);
    add_mix(out, &slow->recompute, RG_TRAIN_RECOMPUTE, m);
    out->part_s[RG_TRAIN_HOST] = m * slow->host_s;
    out->part_s[RG_TRAIN_PP] = m * v * x->send_s;
    out->part_s[RG_TRAIN_BUBBLE] =
        perf_schedule_of(r->layout->schedule)->bubble_s(&t, p, v) + (p - 1) * x->send_s;
    out->part_s[RG_TRAIN_DP] = m * exposed(x->gather_s, k->shard_exposed, all_of(slow)) +
                               exposed(x->gradient_s, gradient_share, all_of(slow));
    out->part_s[RG_TRAIN_OPTIMIZER] = x->optimizer_s;
    for (int i = 0; i < RG_N_TRAIN_PARTS; i++) out->part_s[i] *= k->step;
    for (int i = 0; i < RG_N_TRAIN_OPERATORS; i++) out->operator_s[i] *= k->step;
}

static double bound_of(double microbatches, const stage *slow, const stage *mean,
                       const perf_train_exchanges *x, const rg_layout *l) {
    const perf_stage_time t = stage_time(mean, true);
    const double stage_s = slow->forward.bound_s + slow->backward.bound_s + slow->recompute.bound_s;
    const double computes =
        microbatches * stage_s + perf_schedule_of(l->schedule)->bubble_s(&t, (double)l->pp, (double)l->vp);
    const double moves = microbatches * x->gather_bound_s + x->gradient_bound_s;
    return fmax(computes, fmax(moves, microbatches * (double)l->vp * x->send_bound_s)) + x->optimizer_bound_s;
}

perf_split perf_train_compose(rg_train_step *out, const perf_train_work *w, const perf_train_exchanges *x,
                              const rg_train_request *r, const perf_train_constants *k) {
    const double p = (double)r->layout->pp;
    const perf_split split =
        perf_train_split(w->layers, p, in_layers(w, r, true, false, k), in_layers(w, r, false, true, k));
    const stage slow = stage_of(w, r, split.slow_layers, split.slow_before, split.slow_after, k),
                mean = stage_of(w, r, w->layers / p, 1 / p, 1 / p, k);
    add_parts(out, &slow, &mean, x, r, k);
    out->bound_s = bound_of(out->microbatches, &slow, &mean, x, r->layout);
    out->estimate_s = 0;
    for (int i = 0; i < RG_N_TRAIN_PARTS; i++) out->estimate_s += out->part_s[i];
    out->estimate_s = fmax(out->estimate_s, out->bound_s);
    out->lo80_s = fmax(out->bound_s, out->estimate_s * exp(k->lo));
    out->hi80_s = out->estimate_s * exp(k->hi);
    find_limiter(out);
    return split;
}
