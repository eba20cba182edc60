/* Candidates, and how they multiply from stage to stage. */
#include "num/datapath_candidates.h"

#include <stdlib.h>
#include <string.h>

bool dp_set_add(dp_set *set, const dp_candidate *candidate) {
    if (!rg_grow(&set->at, &set->room, set->n + 1, sizeof *set->at)) return false;
    set->at[set->n++] = *candidate;
    return true;
}

void dp_set_free(dp_set *set) {
    free(set->at);
    *set = (dp_set){0};
}

const rg_datapath *dp_candidate_open(dp_space *space, const dp_candidate *c) {
    if (c->preset) return space->preset[c->preset - 1];
    rg_datapath *dp = &space->scratch;
    dp_shape *s = &dp->shape;
    dp->is_shape = true;
    dp->n = c->n;
    dp->promote = c->promote;
    dp->order = (dp_order)c->order;
    dp->nan = c->nan ? UINT32_C(0x7fc00000) : UINT32_C(0x7fffffff);
    *s = (dp_shape){.exact = c->align < 0, .align = c->align < 0 ? 0 : c->align, .cut = (rg_rounding)c->cut};
    s->floor = c->floor == INT16_MIN ? DP_NO_FLOOR : c->floor;
    s->c_after = c->c_after;
    s->flush_in = c->flush & 1;
    s->flush_out = c->flush & 2;
    s->acc[RG_DOT_FP32] = (dp_float){c->exponent_bits, c->mantissa_bits};
    s->rounding[RG_DOT_FP32] = (rg_rounding)c->rounding;
    s->acc[RG_DOT_FP16] = (dp_float){5, 10};
    s->rounding[RG_DOT_FP16] = RG_RNE;
    dp_dot_build_out(dp, RG_DOT_FP32, NULL);
    return dp;
}

static bool keep_presets(const dp_space *space, const dp_set *from, dp_set *to) {
    for (size_t i = 0; !from && i < space->n_presets; i++)
        if (!dp_set_add(to, &(dp_candidate){.preset = (int16_t)(i + 1)})) return false;
    for (size_t i = 0; from && i < from->n; i++)
        if (from->at[i].preset && !dp_set_add(to, &from->at[i])) return false;
    return true;
}

/* ---- stages ---------------------------------------------------------------------------------------------
 */

enum { MOST_BITS = 44 };

/* One accumulator; every alignment. */
static bool all_alignments(dp_candidate c, dp_set *to) {
    bool good = true;
    for (c.align = -1; good && c.align <= MOST_BITS; c.align++)
        for (int rd = 0; good && rd <= (c.align >= 0); rd++) {
            c.cut = rd ? RG_RD : RG_RZ;
            good = dp_set_add(to, &c);
        }
    return good;
}

static bool first_stage(dp_set *to) {
    bool good = true;
    dp_candidate c = {.floor = INT16_MIN};
    for (int e = 5; good && e <= 8; e += 3)
        for (int m = 1; good && m <= 23; m++)
            for (int r = RG_RNE; good && r <= RG_RO; r++)
                for (int after = 0; good && after < 2; after++)
                    for (int n = 1; good && n <= DP_SUM_K; n++) {
                        c.exponent_bits = (uint8_t)e;
                        c.mantissa_bits = (uint8_t)m;
                        c.rounding = (uint8_t)r;
                        c.c_after = (uint8_t)after;
                        c.n = (int16_t)n;
                        good = all_alignments(c, to);
                    }
    return good;
}

/* A sum that goes to a register after each step was seen: promotion after every step (c after), or later. */
static bool promotions(dp_candidate c, int above, int upto, dp_set *to) {
    bool good = true;
    c.c_after = 0;
    for (int p = c.n * (above / c.n + 1); good && p <= upto; p += c.n) {
        c.promote = (int16_t)p;
        good = dp_set_add(to, &c);
    }
    return good;
}

static bool group_stage(dp_candidate c, dp_set *to) {
    bool good = true;
    const int last = c.n < DP_SUM_K ? c.n : DP_MAX_GROUP, after = c.c_after;
    for (int n = c.n; good && n <= last; n++)
        for (int order = 0; good && order < DP_N_ORDERS; order++) {
            c.n = (int16_t)n;
            c.order = (uint8_t)order;
            c.c_after = (uint8_t)after;
            c.promote = 0;
            good = dp_set_add(to, &c);
            /* beyond what this stage sees, one stands for all: the first multiple past it */
            if (after && good) good = promotions(c, 0, DP_GROUP_K + n, to);
        }
    return good;
}

static bool promote_stage(dp_candidate c, dp_set *to) {
    if (!c.promote || c.promote < DP_GROUP_K) return dp_set_add(to, &c);
    return promotions(c, c.promote - c.n,
                      32767 / c.n * c.n < 2 * DP_PROMOTE_K ? DP_PROMOTE_K : DP_PROMOTE_K + c.n, to);
}

static bool special_stage(const dp_space *space, dp_candidate c, dp_set *to) {
    static const int16_t edges[] = {INT16_MIN, -149, -133, -132, -127, -126, -125, -24, -21, -20, -19,
                                    -16,       -14,  -12,  -10,  -8,   -7,   -6,   -4,  -2,  0};
    const size_t n_edges = c.align < 0 || space->input[0].elem.is_int ? 1 : sizeof edges / sizeof *edges;
    bool good = true;
    for (size_t i = 0; i < n_edges; i++)
        for (int flush = 0; flush < 4; flush++)
            for (int nan = 0; nan < 2 && good; nan++) {
                c.floor = edges[i];
                c.flush = (uint8_t)flush;
                c.nan = (uint8_t)nan;
                good = dp_set_add(to, &c);
            }
    return good;
}

bool dp_stage_expand(dp_space *space, dp_stage stage, const dp_set *from, dp_set *to) {
    bool good = keep_presets(space, from, to);
    if (stage == DP_STAGE_SUM) return good && first_stage(to);
    for (size_t i = 0; good && i < from->n; i++) {
        const dp_candidate c = from->at[i];
        if (c.preset) continue;
        good = stage == DP_STAGE_GROUP     ? group_stage(c, to)
               : stage == DP_STAGE_PROMOTE ? promote_stage(c, to)
                                           : special_stage(space, c, to);
    }
    return good;
}
