/* Links: the torus of TPUs, and experts across nodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"

/* One link of a torus in one direction: all links of the chip go two ways along each axis. */
static double link_bytes_per_s(const char *chip, double axes) {
    return ref_number(chip, "scaleup.bandwidth") / (2 * axes);
}

static void split_matmul(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 2 * ref_rate("tpu-v5e", "bf16") / link_bytes_per_s("tpu-v5e", 2);
}

/* FLOP per byte of one axis, both ways. */
static double intensity_v5p(void) {
    return ref_rate("tpu-v5p", "bf16") / (2 * link_bytes_per_s("tpu-v5p", 3));
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
    const double bytes = 2.0 * 2048 * 8192, one_way = link_bytes_per_s("tpu-v5e", 2);
    a->value[0] = 1e6 * bytes / (2 * one_way);
    ref_note(a, "the book moves all four shards; three of four have to move, which takes %.0f us",
             0.75 * a->value[0]);
}

static void gather_open(const ref_row *row, ref_answer *a) {
    (void)row;
    a->value[0] = 1e6 * 3 * (2.0 * 2048 * 8192 / 4) / link_bytes_per_s("tpu-v5e", 2);
}

static void gather_measured(const ref_row *row, ref_answer *a) {
    gather_open(row, a);
    ref_note(a, "the bound; measured is %.0f %% of link speed", 100 * a->value[0] / row->published[0]);
}

static void cube(const ref_row *row, ref_answer *a) {
    (void)row;
    const double bytes = 2.0 * 1024 * 4096, axis = 2 * link_bytes_per_s("tpu-v4", 3);
    a->value[0] = 1e6 * bytes / 4 / axis;
    a->value[1] = 1e6 * bytes / (2 * axis);
    a->value[2] = 1e6 * 2 * bytes / axis;
}

/* ---- experts across nodes ------------------------------------------------------------------------------ */

/* Dispatch in FP8 and combine in bf16 of 32 tokens to 9 experts; hidden size 7000, as the paper rounds. */
static double exchange_s(double bytes_per_s) {
    return (1 + 2) * 32.0 * 9 * 7000 / bytes_per_s;
}

static double nvl72_bytes_per_s(void) {
    return ref_number("gb200-nvl72-gpu", "scaleup.bandwidth");
}

static void exchange(const ref_row *row, ref_answer *a) {
    (void)row;
    rg_graph g = ref_model("deepseek-v3");
    a->value[0] = 1e6 * exchange_s(ref_number("h800-sxm", "scaleout.bandwidth"));
    ref_note(a, "hidden size 7000, as the paper rounds; with %lld %.1f us", (long long)g.hidden_size,
             a->value[0] * (double)g.hidden_size / 7000);
    rg_graph_close(&g);
}

/* ms and token/s when two exchanges in each of 61 layers are all that counts */
static void decode_limit(ref_answer *a, double bytes_per_s) {
    rg_graph g = ref_model("deepseek-v3");
    a->value[0] = 1e3 * 2 * (double)g.n_layers * exchange_s(bytes_per_s);
    a->value[1] = 1e3 / a->value[0];
    rg_graph_close(&g);
}

static void limit_infiniband(const ref_row *row, ref_answer *a) {
    (void)row;
    decode_limit(a, ref_number("h800-sxm", "scaleout.bandwidth"));
}

static void limit_nvl72(const ref_row *row, ref_answer *a) {
    (void)row;
    decode_limit(a, nvl72_bytes_per_s());
}

/* GB/s of dispatch and combine from their published times. */
static void deepep(const ref_row *row, ref_answer *a) {
    rg_graph g = ref_model("deepseek-v3");
    rg_quant sent;
    rg_error err = {0};
    ref_must(rg_quant_parse("mx(e4m3fn,128,fp32)", &sent, &err), &err);
    const double rows = 128.0 * (double)ref_node(&g, RG_OP_ROUTER)->top_k, hidden = (double)g.hidden_size;
    a->value[1] =
        rows * hidden * rg_format_bits(&sent.format, (size_t)g.hidden_size) / 8 / (row->published[0] * 1e3);
    a->value[3] = rows * hidden * 2 / (row->published[2] * 1e3);
    rg_graph_close(&g);
}

int ref_link_sweep(void) {
    return 0;
}

const ref_family ref_comms_rows[] = {{"jax-05", split_matmul},
                                     {"jax-12", ici_intensity},
                                     {"jax-13", mixed_bound},
                                     {"jax-14", best_degree},
                                     {"jax-31", gather},
                                     {"jax-32", gather_open},
                                     {"jax-33", gather_measured},
                                     {"jax-34", cube},
                                     {"ds-3", exchange},
                                     {"ds-4", limit_infiniband},
                                     {"ds-5", limit_nvl72},
                                     {"deepep-*", deepep},
                                     {NULL}};
