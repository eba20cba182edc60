/* Links of the tori of TPUs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"
#include "ridge/network.h"

/* One link of a pod's torus in one direction: all links of a chip go two ways along each axis. */
static double link_bytes_per_s(const char *pod) {
    rg_system s = ref_system(pod);
    const rg_system_level *ici = ref_level(&s, "ici");
    const double speed = ici->bytes_per_s.value / (2 * ici->n_axes);
    rg_system_close(&s);
    return speed;
}

static void split_matmul(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 2 * ref_rate("tpu-v5e", "bf16") / link_bytes_per_s("tpu-v5e-pod");
}

/* FLOP per byte of one axis, both ways. */
static double intensity_v5p(void) {
    return ref_rate("tpu-v5p", "bf16") / (2 * link_bytes_per_s("tpu-v5p-pod"));
}

static void ici_intensity(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = intensity_v5p();
}

static double feed_forward_70b(void) {
    rg_graph g = ref_model("llama-3.1-70b");
    const double width = (double)ref_node(&g, RG_OP_SWIGLU)->width;
    rg_graph_close(&g);
    return width;
}

static void mixed_bound(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 2 * pow(intensity_v5p(), 2) / feed_forward_70b();
}

static void best_degree(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = sqrt(2 * 4 * 1048576.0 * ref_number("tpu-v5p", "scaleup.domain") / feed_forward_70b());
}

/* us of a collective on a pod whose torus has these axes; without latency, or its bound. */
static double collective_us(const char *pod, const char *axes, rg_collective op, double ranks, double stride,
                            double bytes, bool bound) {
    rg_system s = ref_system(pod);
    rg_collective_time t;
    rg_error err = {0};
    if (axes) ref_must(rg_system_set(&s, axes, &err), &err);
    ref_must(rg_perf_collective(&s, NULL, op, NULL, ranks, stride, bytes, &t, &err), &err);
    rg_system_close(&s);
    return 1e6 * (bound ? t.bound_s : t.ideal_s);
}

static const double gathered = 2.0 * 2048 * 8192;

/* An axis of four that closes. */
static void gather(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = collective_us("tpu-v5e-pod", "ici.axes=4x4", RG_ALL_GATHER, 4, 1, gathered, false);
    ref_note(a, "two whole shards come one way and one the other; cut in pieces they would take %.0f us",
             collective_us("tpu-v5e-pod", "ici.axes=4x4", RG_ALL_GATHER, 4, 1, gathered, true));
}

/* Four chips of an axis of 16. */
static void gather_open(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = collective_us("tpu-v5e-pod", NULL, RG_ALL_GATHER, 4, 1, gathered, false);
}

static void gather_measured(const ref_row *row, ref_answer *a) {
    gather_open(row, a);
    ref_note(a, "without latency; measured is %.0f %% of link speed", 100 * a->value[0] / row->published[0]);
}

static void cube(const ref_row *row, ref_answer *a) {
    (void)row;
    const double bytes = 2.0 * 1024 * 4096;
    const char *const axes = "ici.axes=4x4x4";
    a->value[0] = collective_us("tpu-v4-pod", axes, RG_ALL_GATHER, 4, 1, bytes / 4, false);
    a->value[1] = collective_us("tpu-v4-pod", axes, RG_ALL_GATHER, 16, 1, bytes, false);
    a->value[2] = collective_us("tpu-v4-pod", axes, RG_ALL_REDUCE, 4, 16, bytes, false);
}

const ref_family ref_comms_rows[] = {
    {"jax-05", split_matmul},    {"jax-12", ici_intensity}, {"jax-13", mixed_bound},
    {"jax-14", best_degree},     {"jax-31", gather},        {"jax-32", gather_open},
    {"jax-33", gather_measured}, {"jax-34", cube},          {NULL}};
