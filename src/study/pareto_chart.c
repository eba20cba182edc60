/* The Pareto chart: quality against decode speed, one group of points for each chip. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ridge/report.h"

enum { HOVER = 320 };

/* How a point is drawn says how the chip executes it: rg_path_kind. */
static const char *const symbols[] = {"circle", "square-open", "x"};

static rg_chart_point point(const study *s, const study_option *o, size_t chip, char *hover) {
    const study_speed *v = &o->speed[chip][RG_DECODE];
    const rg_quality *q = &o->quality;
    const double margin = 2 * q->kld_mean_se;
    snprintf(hover, HOVER, "%s on %s<br>%.0f token/s, KL divergence %.4f ± %.4f nat<br>%s%s%s, limited by %s",
             o->name, s->chip_id[chip], v->tokens_per_s, q->kld_mean, margin, rg_path_kind_name(v->kind),
             v->runs_as[0] ? ", multiplied as " : "", v->runs_as, v->limiter);
    return (rg_chart_point){.x = v->tokens_per_s,
                            .y = q->kld_mean,
                            .x_lo = NAN,
                            .x_hi = NAN,
                            .y_lo = q->kld_mean - margin,
                            .y_hi = q->kld_mean + margin,
                            .label = o->front[chip] ? o->name : NULL,
                            .hover = hover,
                            .group = chip,
                            .symbol = symbols[v->executable ? v->kind : RG_PATH_HYPOTHETICAL],
                            .front = o->front[chip]};
}

rg_status study_pareto_figure(study *s, rg_str *json, rg_error *err) {
    const size_t room = s->n_options * s->n_chips;
    rg_chart_point *points = rg_arena_alloc(&s->arena, room, sizeof *points);
    char *hovers = rg_arena_alloc(&s->arena, room, HOVER), gate[48];
    if (!points || !hovers) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    size_t n = 0;
    for (size_t c = 0; c < s->n_chips; c++)
        for (size_t i = 0; i < s->n_options; i++)
            if (s->option[i].speed[c][RG_DECODE].fits) {
                points[n] = point(s, &s->option[i], c, hovers + n * HOVER);
                n++;
            }
    snprintf(gate, sizeof gate, "gate: %g nat", s->kld_limit);
    const rg_chart_line line = {.at = s->kld_limit, .label = gate};
    const rg_chart_scatter chart = {.x = {"bound on decode speed, token/s", true},
                                    .y = {"mean KL divergence from fp32, nat", true},
                                    .n_points = n,
                                    .point = points,
                                    .n_groups = s->n_chips,
                                    .group = s->chip_id,
                                    .n_lines = 1,
                                    .line = &line};
    return rg_chart_scatter_json(&chart, json, err);
}
