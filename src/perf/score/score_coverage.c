/* Score card: do 80 of 100 measurements on unseen sites lie inside the 80 % interval (Q18)? */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/score/score.h"

/* Collectives: a table at a time, for its groups hold a few rows. */
static rg_status collective_row(perf_scoring *s, const perf_score_source *x) {
    char name[256];
    double inside = 0, n = 0, seeds = 1;
    for (size_t i = 0; i < s->n_results; i++) {
        const perf_score_result *r = &s->result[i];
        if (r->source != x) continue;
        inside += r->s.coverage80 * (double)r->s.n;
        n += (double)r->s.n;
        seeds = fmax(seeds, r->seeds);
    }
    snprintf(name, sizeof name, "collective %s", x->chip);
    return perf_score_add_coverage(s, name, (size_t)n, seeds, inside / n);
}

rg_status perf_score_coverage(perf_scoring *s) {
    char name[256];
    for (size_t i = 0; i < s->n_results; i++) {
        const perf_score_result *r = &s->result[i];
        if (strcmp(r->source->op, "collective") == 0) continue;
        snprintf(name, sizeof name, "%s %s %s", r->source->op, r->source->chip, r->group);
        RG_TRY(perf_score_add_coverage(s, name, r->s.n, r->seeds, r->s.coverage80));
    }
    for (size_t i = 0; i < perf_score_n_sources; i++)
        if (strcmp(perf_score_sources[i].op, "collective") == 0)
            RG_TRY(collective_row(s, &perf_score_sources[i]));
    return RG_OK;
}
