/* Experts across nodes: DeepSeek-V3's exchanges, and what its decoding is limited by. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"
#include "ridge/parallel.h"

static double level_bytes_per_s(const char *system, const char *level) {
    rg_system s = ref_system(system);
    const double speed = ref_level(&s, level)->bytes_per_s.value;
    rg_system_close(&s);
    return speed;
}

/* One layer's exchange as the paper counts it: 32 tokens to 9 experts, one byte there and two back; hidden
 * size 7000. */
static double exchange_s(double bytes_per_s) {
    return (1 + 2) * 32.0 * 9 * 7000 / bytes_per_s;
}

/* One of 256 ranks with an expert of each layer. */
static rg_graph rank_of_256(void) {
    rg_graph whole = ref_model("deepseek-v3"), rank;
    rg_layout layout;
    rg_error err = {0};
    ref_must(rg_layout_parse("dp=256,ep=256", &layout, &err), &err);
    ref_must(rg_graph_shard(&rank, &whole, &layout, &err), &err);
    rg_graph_close(&whole);
    return rank;
}

/* The same as the graph of a rank has it. */
static double exchange_bytes(const rg_graph *rank) {
    double bytes = 0;
    for (size_t i = 0; i < rank->n_nodes; i++)
        if (rank->node[i].op == RG_OP_ALL_TO_ALL && rank->node[i].layer == rank->n_layers - 1)
            bytes += rg_graph_count_node(rank, i, RG_DECODE, 32, 1).network_elements *
                     (rank->node[i].top_k ? 1 : 2);
    return bytes;
}

static void exchange(const ref_row *row, ref_answer *a) {
    (void)row;
    const double speed = level_bytes_per_s("h800-deepseek", "infiniband");
    rg_graph rank = rank_of_256();
    a->value[0] = 1e6 * exchange_s(speed);
    ref_note(a,
             "9 destinations of 7000, as the paper rounds; the graph has 8 of %lld, the shared expert at "
             "home: %.1f us",
             (long long)rank.hidden_size, 1e6 * exchange_bytes(&rank) / speed);
    rg_graph_close(&rank);
}

/* In each layer an exchange of either of two microbatches, and nothing else: the paper overlaps all work with
 * them. */
static double decode_limit_s(double bytes_per_s) {
    rg_graph g = ref_model("deepseek-v3");
    const double s = 2 * (double)g.n_layers * exchange_s(bytes_per_s);
    rg_graph_close(&g);
    return s;
}

static void decode_limit(const ref_row *row, ref_answer *a) {
    const bool rack = strcmp(row->id, "ds-5") == 0;
    const double step_s = decode_limit_s(rack ? level_bytes_per_s("gb200-nvl72", "nvlink")
                                              : level_bytes_per_s("h800-deepseek", "infiniband"));
    a->value[0] = 1e3 * step_s;
    a->value[1] = 1 / step_s;
}

/* GB/s of dispatch and combine from their published times. */
static void deepep(const ref_row *row, ref_answer *a) {
    rg_graph g = ref_model("deepseek-v3");
    rg_quant sent;
    rg_error err = {0};
    ref_must(rg_quant_parse("mx(e4m3fn,128,fp32)", &sent, &err), &err);
    const double rows = 128.0 * (double)ref_node(&g, RG_OP_ROUTER)->top_k, hidden = (double)g.hidden_size;
    const double dispatched = rows * hidden * rg_format_bits(&sent.format, (size_t)g.hidden_size) / 8;
    a->value[1] = dispatched / (row->published[0] * 1e3);
    a->value[3] = rows * hidden * 2 / (row->published[2] * 1e3);
    rg_graph_close(&g);
}

const ref_family ref_expert_rows[] = {
    {"ds-3", exchange}, {"ds-4", decode_limit}, {"ds-5", decode_limit}, {"deepep-*", deepep}, {NULL}};

/* ---- the study behind ds-4 and ds-5: the link's speed, all else as it is
 * ------------------------------------- */

/* Bound of a step of two microbatches of 32 sequences of 4989 tokens (the published mean) on one rank,
 * exchanges apart. */
static double rank_step_s(const rg_chip *chip, const char **limiter) {
    static char name[64];
    rg_graph rank = rank_of_256();
    rg_roof roof;
    rg_error err = {0};
    ref_must(rg_roof_explain(&roof, &rank, chip, RG_DECODE, 64, 4989, "w=e4m3fn,a=e4m3fn,kv=bf16", &err),
             &err);
    const double step_s = roof.overlapped_s;
    snprintf(name, sizeof name, "%s", roof.limiter);
    *limiter = name;
    rg_roof_close(&roof);
    rg_graph_close(&rank);
    return step_s;
}

/* What binds at either end and where it changes; number of statements that do not hold. */
static int sweep(const char *system, const char *level, double first, double last) {
    static const double speeds[] = {50, 100, 200, 400, 900};
    const char *limiter, *binds = "";
    rg_system s = ref_system(system);
    rg_error err = {0};
    const double rank_s = rank_step_s(&s.chip, &limiter);
    double at_first = 0, at_last = 0;
    printf("%s: a step without exchanges takes %.2f ms (%s)\n", system, 1e3 * rank_s, limiter);
    printf("  %s GB/s   exchanges ms   token/s of them alone   token/s   limit\n", level);
    for (size_t i = 0; i < sizeof speeds / sizeof *speeds; i++) {
        char set[64];
        snprintf(set, sizeof set, "%s.bandwidth=%.0f GB/s", level, speeds[i]);
        ref_must(rg_system_set(&s, set, &err), &err);
        const double link_s = decode_limit_s(ref_level(&s, level)->bytes_per_s.value);
        binds = link_s > rank_s ? level : limiter;
        printf("  %*.0f %14.2f %23.0f %9.0f   %s\n", (int)strlen(level) + 5, speeds[i], 1e3 * link_s,
               1 / link_s, 1 / fmax(link_s, rank_s), binds);
        if (i == 0) at_first = 1 / link_s;
        at_last = 1 / link_s;
    }
    printf("  the link stops to bind at %.0f GB/s\n\n", 50 * decode_limit_s(50e9) / rank_s);
    rg_system_close(&s);
    return (fabs(at_first / first - 1) > 0.02) + (fabs(at_last / last - 1) > 0.02) +
           (strcmp(binds, "memory") != 0);
}

int ref_link_sweep(void) {
    return sweep("h800-deepseek", "infiniband", 67, 1220) + sweep("gb200-nvl72", "nvlink", 67, 1220);
}
