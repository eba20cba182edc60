/* Schedules of microbatches over pipeline stages, as a table. */
#include "perf/train/train.h"

/* One forward, one backward (arXiv 2104.04473, section 2.2): p - 1 microbatches fill and drain. With vp runs
   of layers per stage each of them is a vp-th as long. */
static double plain_bubble(const perf_stage_time *t, double p, double v) {
    return (p - 1) / v * (t->forward_s + t->backward_s);
}

/* Weight gradients wait until a stage has nothing else to do (arXiv 2401.10241, ZB-H1): p - 1 times the
   forward and input gradients less the weight gradients. */
static double zero_bubble(const perf_stage_time *t, double p, double v) {
    const double left = t->forward_s + t->backward_s - 2 * t->weight_gradient_s;
    return (p - 1) / v * (left > 0 ? left : 0);
}

/* Microbatches whose activations the first stage holds, in units of all its layers. */
static double plain_held(double p, double v) {
    (void)v;
    return p;
}

/* arXiv 2205.05198, section 4.2.3 */
static double interleaved_held(double p, double v) {
    return p + (p - 1) / v;
}

static const perf_schedule schedules[RG_N_SCHEDULES] = {
    [RG_SCHEDULE_1F1B] = {plain_bubble, plain_held},
    [RG_SCHEDULE_INTERLEAVED] = {plain_bubble, interleaved_held},
    [RG_SCHEDULE_ZERO_BUBBLE] = {zero_bubble, plain_held},
};

const perf_schedule *perf_schedule_of(rg_schedule schedule) {
    return &schedules[schedule];
}
