/* Links of the tori of TPUs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

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

static void gather(const ref_row *row, ref_answer *a) {
    (void)row;
    const double bytes = 2.0 * 2048 * 8192, one_way = link_bytes_per_s("tpu-v5e-pod");
    a->value[0] = 1e6 * bytes / (2 * one_way);
    ref_note(a, "the book moves all four shards; three of four have to move, which takes %.0f us",
             0.75 * a->value[0]);
}

static void gather_open(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 1e6 * 3 * (2.0 * 2048 * 8192 / 4) / link_bytes_per_s("tpu-v5e-pod");
}

static void gather_measured(const ref_row *row, ref_answer *a) {
    gather_open(row, a);
    ref_note(a, "the bound; measured is %.0f %% of link speed", 100 * a->value[0] / row->published[0]);
}

static void cube(const ref_row *row, ref_answer *a) {
    (void)row;
    const double bytes = 2.0 * 1024 * 4096, axis = 2 * link_bytes_per_s("tpu-v4-pod");
    a->value[0] = 1e6 * bytes / 4 / axis;
    a->value[1] = 1e6 * bytes / (2 * axis);
    a->value[2] = 1e6 * 2 * bytes / axis;
}

const ref_family ref_comms_rows[] = {
    {"jax-05", split_matmul},    {"jax-12", ici_intensity}, {"jax-13", mixed_bound},
    {"jax-14", best_degree},     {"jax-31", gather},        {"jax-32", gather_open},
    {"jax-33", gather_measured}, {"jax-34", cube},          {NULL}};
