/* Stopping when sure. Looking again and again at an interval that errs in 5 % of cases errs more often, so
   each look gets a share of the error of its own: by the time a share t of the text is scored, alpha t is
   spent (Lan and DeMets 1983, with the linear spending function), and by the union bound the chance that any
   look's interval misses is at most alpha, whatever hangs together with what. */
#include "model/eval.h"

#include <math.h>
#include <stdlib.h>

enum {
    FIRST_LOOK = 20, /* windows; then half as many again each time, so that no look's share is tiny */
    ENOUGH = 20      /* units for a look before the end */
};

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

/* Student's t with Hall's correction (1992) for skewed units: without it a long tail on one side, seen seldom
   in few units, gives false verdicts on the other. */
static void interval_of(const rg_interval *x, const double *sum, const double *count, size_t m, double alpha,
                        double *lo, double *hi) {
    const double t = rg_t_quantile(1 - alpha / 2, (double)(m - 1)), n = (double)m;
    double squares = 0, cubes = 0;
    for (size_t u = 0; u < m; u++) {
        const double excess = sum[u] - x->mean * count[u];
        squares += excess * excess;
        cubes += excess * excess * excess;
    }
    const double s = sqrt(squares / (n - 1)), skew = s > 0 ? cubes / n / (s * s * s) : 0;
    double reach[2] = {t, -t};
    for (int k = 0; k < 2 && fabs(skew) > 1e-6; k++)
        reach[k] = 3 / skew * sqrt(n) * (cbrt(1 + skew / sqrt(n) * (reach[k] - skew / 6 / sqrt(n))) - 1);
    *lo = -x->se * reach[0];
    *hi = -x->se * reach[1];
}

bool eval_looks_take(eval_looks *looks, const eval_scores *s, size_t n_windows) {
    while (looks->next <= n_windows) looks->next += looks->next / 2;
    const size_t m = eval_units_seen(&looks->units, s->n);
    const double share = (double)s->n / (double)s->plan->n_scored;
    const double alpha = (1 - s->confidence) * (share - looks->spent);
    const size_t least = s->n == s->plan->n_scored ? (size_t)RG_CLUSTERS_MIN : (size_t)ENOUGH;
    if (m < least || !(alpha > 0)) return false;
    looks->spent = share;
    looks->n_looks++;
    eval_units_count(&looks->units, s->n, looks->count);
    bool sure = true;
    for (size_t v = 1; v < s->n_variants; v++) {
        eval_units_sum(&looks->units, s->n, s->record[v].nll, s->record[0].nll, looks->sum);
        const rg_interval x = rg_cluster_t(looks->sum, looks->count, m, alpha);
        const double widen = sqrt(looks->units.design_effect);
        double lo, hi;
        interval_of(&x, looks->sum, looks->count, m, alpha, &lo, &hi);
        narrow(looks, v, x.mean + widen * lo, x.mean + widen * hi);
        sure =
            sure && (x.se == 0 || rg_verdict_of(looks->lo[v], looks->hi[v], s->tolerance) != RG_CANNOT_TELL);
    }
    return sure;
}
