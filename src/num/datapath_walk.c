/* The walk over a datapath's graph: the exact definition of a dot product. */
#include "num/datapath.h"
#include "num/datapath_sum.h"

/* k-th lane that an operand takes. */
static int lane_of(const dp_operand *o, int k) {
    if (o->modulus == 0) return k;
    const int count = __builtin_popcountll(o->residues);
    int left = k % count, r = 0;
    while (!(o->residues >> r & 1) || left-- > 0) r++;
    return k / count * o->modulus + r;
}

static int lanes_of(const dp_graph *g, const dp_operand *o) {
    const int lanes = g->node[o->node].lanes;
    return o->modulus ? lanes / o->modulus * __builtin_popcountll(o->residues) : lanes;
}

static dp_term operand_lane(const dp_graph *g, const dp_term *lane, const dp_operand *o, int k) {
    return lane[g->node[o->node].first + lane_of(o, k)];
}

static dp_term cut(dp_term t, int exponent, int bits, int drop, rg_rounding rounding) {
    if (t.kind != DP_FINITE) return t;
    const int quantum = exponent - bits;
    if (drop && t.exponent < exponent - drop) t.magnitude = 0;
    if (t.magnitude == 0)
        t.lsb = quantum;
    else if (t.lsb < quantum)
        t.magnitude = dp_drop(t.magnitude, quantum - t.lsb, rounding, t.negative), t.lsb = quantum;
    t.exponent = exponent;
    return t;
}

static void align(const dp_graph *g, const dp_node *n, dp_term *lane) {
    int exponent = n->floor;
    for (int j = 0; j < n->n_operands; j++)
        for (int k = 0, count = lanes_of(g, &n->operand[j]); k < count; k++) {
            const dp_term t = operand_lane(g, lane, &n->operand[j], k);
            if (t.present && t.exponent > exponent) exponent = t.exponent;
        }
    dp_term *out = lane + n->first;
    for (int j = 0; j < n->n_operands; j++) {
        const dp_operand *o = &n->operand[j];
        const int bits = o->bits >= 0 ? o->bits : n->bits;
        for (int k = 0, count = lanes_of(g, o); k < count; k++)
            *out++ = cut(operand_lane(g, lane, o, k), exponent, bits, o->drop, n->rounding);
    }
}

static dp_term flush_small(dp_term t, dp_float f) {
    const bool small =
        t.kind == DP_FINITE && t.magnitude && dp_bit_length(t.magnitude) + t.lsb - 1 < 1 - dp_emax(f);
    return small ? dp_zero(t.negative) : t;
}

static dp_term rounded(const dp_node *n, dp_term t) {
    t = dp_round(t, n->format, n->rounding);
    return n->flush ? flush_small(t, n->format) : t;
}

/* IEEE addition: a zero is negative only when both are (or, rounding down, when they cancel). */
static dp_term add(const dp_node *n, dp_term x, dp_term y) {
    const dp_term both[2] = {x, y};
    dp_term t = dp_sum(both, 2, 1, false);
    const bool zeros = x.magnitude == 0 && y.magnitude == 0;
    if (t.kind == DP_FINITE && t.magnitude == 0)
        t.negative = zeros && x.negative == y.negative ? x.negative : n->rounding == RG_RD;
    return rounded(n, t);
}

static dp_term limited(const dp_node *n, dp_term t) {
    const bool over = n->limit && t.kind == DP_FINITE && dp_bit_length(t.magnitude) + t.lsb > n->limit;
    return over ? dp_special_term(DP_INF, t.negative) : t;
}

/* Subnormal by the input's own fields. */
static dp_term flush_input(const rg_datapath *dp, int input, dp_term t) {
    const dp_elem fp32 = {false, true, true, 32, 8, 23, 127, DP_IEEE};
    const dp_elem *e = input == DP_C ? &fp32 : &dp->input[input].elem;
    const bool small = t.kind == DP_FINITE && t.magnitude && !e->is_int &&
                       dp_bit_length(t.magnitude) + t.lsb - 1 < 1 - e->bias;
    return small ? dp_zero(false) : t;
}

static dp_term scaled(const rg_datapath *dp, const dp_graph *g, const dp_node *n, const dp_term *lane,
                      int k) {
    dp_term t = operand_lane(g, lane, &n->operand[0], k);
    const int element = k * (dp->n / n->lanes);
    for (int j = 1; j < n->n_operands; j++) {
        const int input = n->operand[j].node;
        t = dp_multiply(t, lane[g->node[input].first + element / dp->input[input - DP_SA].block]);
    }
    return t;
}

/* All lanes of a sum's operands, gathered, then summed in runs. */
static void sum(const dp_graph *g, const dp_node *n, dp_term *lane) {
    dp_term all[DP_MAX_LANES];
    int count = 0;
    for (int j = 0; j < n->n_operands; j++)
        for (int k = 0, m = lanes_of(g, &n->operand[j]); k < m; k++)
            all[count++] = operand_lane(g, lane, &n->operand[j], k);
    const int run = count / n->lanes;
    for (int i = 0; i < n->lanes; i++) lane[n->first + i] = dp_sum(all + i * run, run, 1, n->aligned);
}

static dp_term lane_value(const rg_datapath *dp, const dp_graph *g, const dp_node *n, const dp_term *lane,
                          int k) {
    const dp_term x = operand_lane(g, lane, &n->operand[0], k);
    switch (n->op) {
    case DP_MULTIPLY:
        return limited(n, dp_multiply(x, operand_lane(g, lane, &n->operand[1], k)));
    case DP_SCALE:
        return scaled(dp, g, n, lane, k);
    case DP_ADD:
        return add(n, x, operand_lane(g, lane, &n->operand[1], k));
    case DP_FMA:
        return add(n, dp_multiply(x, operand_lane(g, lane, &n->operand[1], k)),
                   n->n_operands > 2 ? operand_lane(g, lane, &n->operand[2], k) : dp_zero(false));
    case DP_FLUSH:
        return flush_input(dp, n->operand[0].node, x);
    default:
        return rounded(n, x);
    }
}

/* One step on decoded operands (n lanes of a and b; scales or NULL) and the accumulator. */
static dp_term one_step(const rg_datapath *dp, const dp_graph *g, const dp_term *a, const dp_term *b,
                        const dp_term *sa, const dp_term *sb, dp_term c) {
    dp_term lane[DP_MAX_LANES];
    const dp_term *const inputs[DP_N_INPUTS] = {a, b, &c, sa, sb};
    for (int i = 0; i < DP_N_INPUTS; i++)
        if (inputs[i]) memcpy(lane + g->node[i].first, inputs[i], (size_t)g->node[i].lanes * sizeof *lane);
    for (int i = DP_N_INPUTS; i < g->n_nodes; i++) {
        const dp_node *n = &g->node[i];
        if (n->op == DP_ALIGN)
            align(g, n, lane);
        else if (n->op == DP_SUM)
            sum(g, n, lane);
        else
            for (int k = 0; k < n->lanes; k++) lane[n->first + k] = lane_value(dp, g, n, lane, k);
    }
    return lane[g->node[g->n_nodes - 1].first];
}

/* ---- the chain ------------------------------------------------------------------------------------------
 */

static const dp_float fp32 = {8, 23}, fp16 = {5, 10};

static void decode_step(const rg_datapath *dp, const rg_dot *dot, size_t steps, size_t s, dp_term *a,
                        dp_term *b) {
    for (size_t i = 0; i < (size_t)dp->n; i++) {
        const size_t e = dp_element(dp->order, (size_t)dp->n, steps, s, i);
        a[i] = e < dot->k ? dp_decode(&dp->input[0].elem, dot->a[e]) : dp_zero(false);
        b[i] = e < dot->k ? dp_decode(&dp->input[1].elem, dot->b[e]) : dp_zero(false);
    }
}

static void decode_scales(const rg_datapath *dp, const rg_dot *dot, size_t s, dp_term *scale[2]) {
    const uint32_t *const codes[2] = {dot->a_scale, dot->b_scale};
    const dp_term one = dp_from_fp32(1);
    for (int side = 0; side < 2; side++) {
        const dp_input *in = &dp->input[side];
        for (int i = 0; in->block && i < dp->n; i += in->block) {
            const size_t e = s * (size_t)dp->n + (size_t)i, block = e / (size_t)in->block;
            scale[side][i / in->block] =
                codes[side] && e < dot->k ? dp_decode(&in->scale, codes[side][block]) : one;
            scale[side][i / in->block].negative = false; /* UE4M3: stored as e4m3fn, the sign means nothing */
        }
    }
}

uint32_t rg_dot_walk(const rg_datapath *dp, rg_dot_out out, const rg_dot *dot) {
    dp_term a[DP_MAX_GROUP], b[DP_MAX_GROUP], sa[DP_MAX_GROUP], sb[DP_MAX_GROUP], *scale[2] = {sa, sb};
    const size_t n = (size_t)dp->n, steps = dot->k ? (dot->k + n - 1) / n : 1;
    const size_t run = dp->promote ? ((size_t)dp->promote + n - 1) / n : steps;
    const dp_graph *graph = &dp->graph[out];
    const dp_node promote = {.op = DP_ADD, .format = fp32, .rounding = RG_RNE};
    dp_term total = dp_from_fp32(dot->c), part;
    if (out == RG_DOT_FP16) total = dp_round(total, fp16, RG_RNE);
    part = dp->promote ? dp_zero(false) : total;
    for (size_t s = 0; s < steps; s++) {
        decode_step(dp, dot, steps, s, a, b);
        decode_scales(dp, dot, s, scale);
        part = one_step(dp, graph, a, b, sa, sb, part);
        if (dp->promote && ((s + 1) % run == 0 || s + 1 == steps)) {
            total = add(&promote, total, part);
            part = dp_zero(false);
        }
    }
    if (!dp->promote)
        total = part;
    else if (out == RG_DOT_FP16)
        total = dp_round(total, fp16, RG_RNE);
    return dp_to_fp32(total, dp->nan);
}
