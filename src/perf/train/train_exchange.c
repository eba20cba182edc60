/* What ranks do beside the graph: send between stages, gather sharded weights, reduce gradients, update. */
#include <math.h>

#include "perf/train/train.h"

typedef struct exchange {
    const rg_train_request *r;
    const rg_calibrations *all;
    rg_error *err;
} exchange;

/* `times` of them, added. */
static rg_status add(const exchange *e, rg_collective op, double ranks, double stride, double bytes,
                     double times, double *s, double *bound_s) {
    rg_collective_time t;
    if (ranks <= 1 || !(bytes > 0) || !(times > 0)) return RG_OK;
    RG_TRY(rg_perf_collective(e->r->system, e->all, op, "half", ranks, stride, bytes, &t, e->err));
    *s += times * t.estimate_s;
    *bound_s += times * t.bound_s;
    return RG_OK;
}

/* What a stage hands to the next: each rank of tp its part. */
static rg_status add_sends(const exchange *e, const perf_train_work *w, perf_train_exchanges *out) {
    const rg_layout *l = e->r->layout;
    (void)w;
    if (l->pp == 1) return RG_OK;
    const double tokens = (double)l->microbatch * e->r->sequence / (double)l->cp;
    const double bytes = 2 * tokens * (double)e->r->graph->hidden_size / (double)l->tp;
    return add(e, RG_SEND, 2, (double)(l->tp * l->cp * l->dp), bytes, 2, &out->send_s, &out->send_bound_s);
}

/* Parameters of the mean stage that all ranks of one group hold: gathered forward and back, reduced back
   (zero=3), or reduced once a step and, sharded, gathered once. */
static rg_status add_group(const exchange *e, double n, double pieces, double ranks, double stride,
                           const perf_parameter_bytes *b, perf_train_exchanges *out) {
    const int64_t zero = e->r->layout->zero;
    const double gathered = b->weight * n / pieces, reduced = b->gradient * n / pieces;
    if (zero == 3) {
        RG_TRY(
            add(e, RG_ALL_GATHER, ranks, stride, gathered, 2 * pieces, &out->gather_s, &out->gather_bound_s));
        return e->r->frozen ? RG_OK
                            : add(e, RG_REDUCE_SCATTER, ranks, stride, reduced, pieces, &out->gather_s,
                                  &out->gather_bound_s);
    }
    if (e->r->frozen) return RG_OK;
    if (zero == 0)
        return add(e, RG_ALL_REDUCE, ranks, stride, reduced, pieces, &out->gradient_s,
                   &out->gradient_bound_s);
    RG_TRY(
        add(e, RG_REDUCE_SCATTER, ranks, stride, reduced, pieces, &out->gradient_s, &out->gradient_bound_s));
    return add(e, RG_ALL_GATHER, ranks, stride, gathered, pieces, &out->gradient_s, &out->gradient_bound_s);
}

static rg_status add_replicas(const exchange *e, const perf_train_work *w, perf_train_exchanges *out) {
    const rg_layout *l = e->r->layout;
    const perf_parameter_bytes b = perf_train_bytes(e->r);
    const double p = (double)l->pp, layers = w->layers / p;
    const double ranks = (double)(l->cp * l->dp), stride = (double)l->tp;
    const double of_experts = (double)(l->tp * l->cp * l->dp) / (double)(l->ep * l->etp);
    const double ends = fmax(w->parameters[PERF_BEFORE], w->parameters[PERF_AFTER]);
    RG_TRY(add_group(e, w->parameters[PERF_BLOCKS] / p, layers, ranks, stride, &b, out));
    RG_TRY(add_group(e, p > 1 ? ends : w->parameters[PERF_BEFORE] + w->parameters[PERF_AFTER], 1, ranks,
                     stride, &b, out));
    return add_group(e, w->expert_parameters[PERF_BLOCKS] / p, layers, of_experts, (double)(l->ep * l->etp),
                     &b, out);
}

/* Reads gradients and state, writes state and weights. */
static void add_update(const exchange *e, const perf_train_work *w, perf_train_exchanges *out) {
    const rg_layout *l = e->r->layout;
    const perf_parameter_bytes b = perf_train_bytes(e->r);
    const double p = (double)l->pp, each = b.gradient + 2 * b.optimizer + b.weight;
    const double ends = fmax(w->parameters[PERF_BEFORE], w->parameters[PERF_AFTER]);
    const double own = (w->parameters[PERF_BLOCKS] / p + ends) / perf_train_sharded(l, false, 1) +
                       w->expert_parameters[PERF_BLOCKS] / p / perf_train_sharded(l, true, 1);
    if (e->r->frozen) return;
    out->optimizer_s = each * own / w->memory_bytes_per_s;
    out->optimizer_bound_s = each * own / e->r->system->chip.memory_bytes_per_s.value;
}

rg_status perf_train_exchange(perf_train_exchanges *out, const perf_train_work *w, const rg_train_request *r,
                              const rg_calibrations *all, rg_error *err) {
    const exchange e = {r, all, err};
    *out = (perf_train_exchanges){0};
    RG_TRY(add_sends(&e, w, out));
    RG_TRY(add_replicas(&e, w, out));
    add_update(&e, w, out);
    return RG_OK;
}
