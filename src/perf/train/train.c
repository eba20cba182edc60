/* A training step: what is asked for is checked, the parts are put together. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/train/train.h"

static const char *const attentions[RG_N_TRAIN_ATTENTIONS] = {"fused", "flash1", "unfused"};
static const char *const parts[RG_N_TRAIN_PARTS] = {
    "forward", "backward", "recompute", "tp", "cp", "ep", "pp", "bubble", "dp", "optimizer", "host"};
static const char *const operators[RG_N_TRAIN_OPERATORS] = {"linear", "experts", "attention", "rest"};
static const char *const components[RG_N_TRAIN_MEMORY] = {
    "weights", "gradients", "optimizer", "activations", "kv", "workspace", "fragmentation"};

const char *rg_train_attention_name(rg_train_attention attention) {
    return attentions[attention];
}

const char *rg_train_part_name(rg_train_part part) {
    return parts[part];
}

const char *rg_train_operator_name(rg_train_operator op) {
    return operators[op];
}

const char *rg_train_memory_name(rg_train_memory component) {
    return components[component];
}

/* ---- checks ------------------------------------------------------------------------------------------ */

static rg_status check_batch(const rg_train_request *r, rg_error *err) {
    char expected[80];
    const double each = (double)(r->layout->dp * r->layout->microbatch);
    if (!(r->sequence >= 1 && r->sequence <= 1e9) || r->sequence != floor(r->sequence))
        return rg_fail(err, RG_ERR_USAGE, "sequence", "whole tokens, 1 or more", "%g", r->sequence);
    if (!(r->global_batch >= 1 && r->global_batch <= 1e12) || r->global_batch != floor(r->global_batch))
        return rg_fail(err, RG_ERR_USAGE, "batch", "whole sequences, 1 or more", "%g", r->global_batch);
    if (fmod(r->global_batch, each) == 0) return RG_OK;
    snprintf(expected, sizeof expected, "a multiple of it, as %.0f",
             each * fmax(1, floor(r->global_batch / each + 0.5)));
    return rg_fail(err, RG_ERR_USAGE, "batch", expected, "%.0f sequences over dp x mbs = %lld x %lld = %.0f",
                   r->global_batch, (long long)r->layout->dp, (long long)r->layout->microbatch, each);
}

static rg_status check_stages(const rg_train_request *r, rg_error *err) {
    char expected[80];
    const rg_layout *l = r->layout;
    const int64_t most = r->graph->n_layers + 2; /* embedding and head may stand for a layer each */
    if (l->pp * l->vp > most) {
        snprintf(expected, sizeof expected, "pp x vp up to %lld layers, embedding and head", (long long)most);
        return rg_fail(err, RG_ERR_USAGE, "layout", expected, "pp=%lld x vp=%lld", (long long)l->pp,
                       (long long)l->vp);
    }
    if (fmod(r->sequence, (double)(l->cp * (l->sp ? l->tp : 1))) == 0) return RG_OK;
    snprintf(expected, sizeof expected, "a sequence that it divides");
    return rg_fail(err, RG_ERR_USAGE, "layout", expected, "%.0f tokens over cp=%lld%s", r->sequence,
                   (long long)l->cp, l->sp ? " x tp (sequence parallel)" : "");
}

static rg_status check_chips(const rg_train_request *r, rg_error *err) {
    char expected[80];
    const rg_system *s = r->system;
    const double ranks = rg_layout_ranks(r->layout),
                 most = s->n_levels ? s->level[s->n_levels - 1].n_chips : 1;
    if (ranks <= most) return RG_OK;
    snprintf(expected, sizeof expected, "at most %.0f, or a larger system", most);
    return rg_fail(err, RG_ERR_USAGE, "layout", expected, "tp x cp x dp x pp = %.0f chips of %s", ranks,
                   s->id);
}

rg_status perf_train_check(const rg_train_request *r, rg_error *err) {
    RG_TRY(check_chips(r, err));
    RG_TRY(check_batch(r, err));
    return check_stages(r, err);
}

/* ---- a step ------------------------------------------------------------------------------------------ */

/* Operators and step: nine tenths of the time within what was measured, and constants of the software. */
static const char *kind_of(const perf_train_work *w, const perf_train_constants *k) {
    double calibrated = 0, all = 0;
    for (int i = 0; i < PERF_N_REGIONS; i++) {
        calibrated += w->forward[i].calibrated_s;
        all += perf_pass_total(&w->forward[i]).estimate_s;
    }
    return k->calibrated && calibrated >= 0.9 * all ? "calibrated" : "transferred";
}

/* FLOP of all ranks: those of tp and cp share each replica's, those of pp run its layers one by one. */
static void add_rates(rg_train_step *out, const perf_train_work *w, const rg_train_request *r) {
    const rg_layout *l = r->layout;
    const double ranks = (double)(l->tp * l->cp * l->dp), passes = 3 * out->microbatches * ranks;
    out->chips = rg_layout_ranks(l);
    out->model_flop = passes * w->flop;
    out->square_flop = passes * w->square_flop;
    out->hardware_flop = out->model_flop + out->microbatches * ranks * w->recompute_flop;
    out->peak_flop_per_s = w->peak_flop_per_s;
    const double most = out->estimate_s * out->chips * out->peak_flop_per_s;
    out->mfu = out->model_flop / most;
    out->mfu_square = out->square_flop / most;
    out->hfu = out->hardware_flop / most;
    out->tokens_per_s = r->global_batch * r->sequence / out->estimate_s;
}

rg_status perf_train_prepare(perf_train_work *w, perf_train_exchanges *x, const rg_train_request *r,
                             const rg_calibrations *all, const perf_train_constants *k, rg_error *err) {
    RG_TRY(perf_train_check(r, err));
    RG_TRY(perf_train_measure(w, r, all, k, err));
    return perf_train_exchange(x, w, r, all, err);
}

void perf_train_finish(rg_train_step *out, const perf_train_work *w, const perf_train_exchanges *x,
                       const rg_train_request *r, const perf_train_constants *k) {
    memset(out, 0, sizeof *out);
    out->microbatches = r->global_batch / (double)(r->layout->dp * r->layout->microbatch);
    out->memory.available_bytes = r->system->chip.memory_bytes.value;
    const perf_split split = perf_train_compose(out, w, x, r, k);
    out->kind = kind_of(w, k);
    add_rates(out, w, r);
    perf_train_memory(out, w, r, &split, k);
}

rg_status rg_train_estimate(rg_train_step *out, const rg_train_request *r, const rg_calibrations *all,
                            rg_error *err) {
    perf_train_work w;
    perf_train_exchanges x;
    perf_train_constants k;
    RG_TRY(perf_train_check_stack(all, r->stack, err));
    perf_train_constants_of(&k, r, all);
    RG_TRY(perf_train_prepare(&w, &x, r, all, &k, err));
    perf_train_finish(out, &w, &x, r, &k);
    if (!out->fits) perf_train_advise(out, r, all);
    return RG_OK;
}
