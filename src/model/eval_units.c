/* Which scored tokens hang together. */
#include "model/eval.h"

#include <stdlib.h>

enum { BLOCK = 64 };

/* Blocks do not cross windows. */
static void number(const eval_plan *plan, size_t n, bool blocks, uint32_t *of) {
    uint32_t unit = 0;
    for (size_t w = 0, i = 0; w < plan->n_windows && i < n; w++) {
        const size_t n_scored = plan->window[w].n_scored;
        for (size_t k = 0; k < n_scored && i < n; k++, i++)
            of[i] = unit + (blocks ? (uint32_t)(k / BLOCK) : 0);
        unit += blocks ? (uint32_t)((n_scored + BLOCK - 1) / BLOCK) : n_scored > 0;
    }
}

rg_status eval_units_make(eval_units *out, const eval_plan *plan, size_t n, rg_error *err) {
    eval_units units = {.name = "document", .design_effect = 1};
    units.of = calloc(n ? n : 1, sizeof *units.of);
    if (!units.of) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
    for (size_t i = 0; plan->document && i < n; i++) units.of[i] = plan->document[i];
    if (eval_units_seen(&units, n) < RG_CLUSTERS_MIN) {
        units.name = "window";
        number(plan, n, false, units.of);
    }
    if (eval_units_seen(&units, n) < RG_CLUSTERS_MIN) {
        units.name = "block";
        units.design_effect = 2; /* neighbours share their context */
        number(plan, n, true, units.of);
    }
    units.n = eval_units_seen(&units, n);
    *out = units;
    return RG_OK;
}

void eval_units_free(eval_units *units) {
    free(units->of);
    *units = (eval_units){0};
}

size_t eval_units_seen(const eval_units *units, size_t n) {
    return n ? (size_t)units->of[n - 1] + 1 : 0;
}

void eval_units_count(const eval_units *units, size_t n, double *count) {
    for (size_t u = 0; u < eval_units_seen(units, n); u++) count[u] = 0;
    for (size_t i = 0; i < n; i++) count[units->of[i]]++;
}

void eval_units_sum(const eval_units *units, size_t n, const double *x, const double *minus, double *sum) {
    for (size_t u = 0; u < eval_units_seen(units, n); u++) sum[u] = 0;
    for (size_t i = 0; i < n; i++) sum[units->of[i]] += minus ? x[i] - minus[i] : x[i];
}
