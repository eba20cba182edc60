/* Stopping when sure. Looking again and again at an interval that errs in 5 % of cases errs more often, so
   each look gets a share of the error of its own: by the time a share t of the text is scored, alpha t is
   spent (Lan and DeMets 1983, with the linear spending function), and by the union bound the chance that any
   look's interval misses is at most alpha, whatever hangs together with what. */
#include "model/eval.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_LOOK = 8 }; /* windows; then half as many again each time, so that no look's share is tiny */

rg_status eval_looks_open(eval_looks *looks, const eval_plan *plan, size_t n_variants, rg_error *err) {
    *looks = (eval_looks){.on = true, .next = FIRST_LOOK};
    RG_TRY(eval_units_make(&looks->units, plan, plan->n_scored, err));
    looks->lo = calloc(n_variants, sizeof *looks->lo);
    looks->hi = calloc(n_variants, sizeof *looks->hi);
    looks->sum = calloc(looks->units.n + 1, sizeof *looks->sum);
    looks->count = calloc(looks->units.n + 1, sizeof *looks->count);
    if (!looks->lo || !looks->hi || !looks->sum || !looks->count)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the evaluation");
    for (size_t v = 0; v < n_variants; v++) {
        looks->lo[v] = -INFINITY;
        looks->hi[v] = INFINITY;
    }
    return RG_OK;
}

void eval_looks_close(eval_looks *looks) {
    eval_units_free(&looks->units);
    free(looks->lo);
    free(looks->hi);
    free(looks->sum);
    free(looks->count);
    *looks = (eval_looks){0};
}

/* All looks' intervals hold the truth together but for alpha, so their intersection does. */
static void narrow(eval_looks *looks, size_t v, double lo, double hi) {
    if (lo > looks->lo[v]) looks->lo[v] = lo;
    if (hi < looks->hi[v]) looks->hi[v] = hi;
}

bool eval_looks_take(eval_looks *looks, const eval_scores *s, size_t n_windows) {
    while (looks->next <= n_windows) looks->next += looks->next / 2;
    const size_t m = eval_units_seen(&looks->units, s->n);
    const double share = (double)s->n / (double)s->plan->n_scored;
    const double alpha = (1 - s->confidence) * (share - looks->spent);
    if (m < RG_CLUSTERS_MIN || !(alpha > 0)) return false;
    looks->spent = share;
    looks->n_looks++;
    eval_units_count(&looks->units, s->n, looks->count);
    bool sure = true;
    for (size_t v = 1; v < s->n_variants; v++) {
        eval_units_sum(&looks->units, s->n, s->record[v].nll, s->record[0].nll, looks->sum);
        const rg_interval x = rg_cluster_t(looks->sum, looks->count, m, alpha);
        const double reach = sqrt(looks->units.design_effect) * (x.hi - x.mean);
        narrow(looks, v, x.mean - reach, x.mean + reach);
        sure =
            sure && (x.se == 0 || rg_verdict_of(looks->lo[v], looks->hi[v], s->tolerance) != RG_CANNOT_TELL);
    }
    return sure;
}
