/* The differ: two behaviours, over all fp32 inputs or over blocks. */
#include "num/diff.h"

#include <stdlib.h>

enum { EFFECT_ROW = 4096, EFFECT_ROWS = 64 };
static const uint64_t EFFECT_SEED = 20250705;

/* Error on a standard normal tensor, of both. */
static bool effect(const diff_pair *p, rg_diff_result *out) {
    const size_t n = (size_t)EFFECT_ROW * EFFECT_ROWS;
    float *x = malloc(n * sizeof *x), *y = malloc(n * sizeof *y);
    if (x && y) {
        for (size_t r = 0; r < EFFECT_ROWS; r++)
            diff_input_row(p->q[0], RG_DIFF_GAUSSIAN, EFFECT_SEED, r, EFFECT_ROW, x + r * EFFECT_ROW);
        for (int k = 0; k < 2; k++) {
            double error = 0, norm = 0;
            rg_qdq(p->q[k], x, y, EFFECT_ROWS, EFFECT_ROW, false, NULL);
            for (size_t i = 0; i < n; i++) {
                const double d = (double)y[i] - (double)x[i];
                error += d * d;
                norm += (double)x[i] * (double)x[i];
            }
            out->relative_mse[k] = error / norm;
        }
    }
    const bool good = x && y;
    free(x);
    free(y);
    return good;
}

/* Exponents that the rules give for all normal amax. */
static void compare_amax(const diff_pair *p, rg_diff_result *out) {
    for (int k = 0; k < 2; k++) {
        const rg_cast *c = &p->q[k]->cast;
        const rg_scale_rule rule = c->scale_rule;
        if (!p->q[k]->format.power_of_two_scale || rule == RG_SCALE_MSE || rule == RG_SCALE_MAE) return;
    }
    const uint32_t first = 0x00800000u, end = 0x7f800000u;
    out->n_amax = end - first;
    out->n_amax_differences = num_count_exponents(p->q[0], p->q[1], first, end);
}

rg_status rg_diff(const rg_quant *a, const rg_quant *b, const rg_diff_options *options, rg_diff_result *out,
                  rg_error *err) {
    const rg_diff_options defaults = {0};
    rg_diff_result result = {0};
    if (!options) options = &defaults;
    if (num_is_stochastic(&a->cast) || num_is_stochastic(&b->cast))
        return rg_fail(err, RG_ERR_UNSUPPORTED, "cast", "rne rna rz ru rd ro",
                       "stochastic roundings differ from one draw to the next");
    const diff_pair pair = diff_pair_make(a, b);
    result.by_value = pair.by_value;
    if (a->format.span == RG_SPAN_NONE && b->format.span == RG_SPAN_NONE)
        diff_casts(&pair, options->enumerate, &result);
    else
        RG_TRY(diff_blocks(&pair, options, &result, err));
    compare_amax(&pair, &result);
    if (!effect(&pair, &result)) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for a tensor");
    *out = result;
    return RG_OK;
}
