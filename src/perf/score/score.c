/* The score card: how good the constants are on measurements that they have not seen. */
#include "perf/score/score.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct part {
    const char *name;
    rg_status (*run)(perf_scoring *s);
} parts[] = {
    {"tables of operators", perf_score_tables}, /* first: others read its results */
    {"transfer", perf_score_transfer},
    {"operators", perf_score_operators},
    {"coverage", perf_score_coverage},
    {"power", perf_score_power},
    {"serving", perf_score_serving},
    {"servings elsewhere", perf_score_serving_lab},
    {"lint", perf_score_lint},
    {"training", perf_score_train},
    {"sweeps", perf_score_sweep},
};
enum { N_PARTS = sizeof parts / sizeof *parts };

rg_status perf_score_no_memory(perf_scoring *s) {
    return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

bool perf_score_find(const perf_scoring *s, const char *name, char *path, size_t size) {
    snprintf(path, size, "%s/measured/%s", s->dir, name);
    return access(path, R_OK) == 0;
}

bool perf_score_open(perf_scoring *s, const char *name, char *path, size_t size) {
    const bool there = perf_score_find(s, name, path, size);
    s->card.tables += there;
    s->card.tables_absent += !there;
    return there;
}

rg_status perf_score_add(perf_scoring *s, rg_score_row row, const char *partition) {
    rg_scorecard *c = &s->card;
    if (!rg_arena_grow(&c->arena, &c->row, &c->room, c->n + 1, sizeof *c->row))
        return perf_score_no_memory(s);
    row.partition = rg_arena_strndup(&c->arena, partition, strlen(partition));
    c->row[c->n++] = row;
    return row.partition ? RG_OK : perf_score_no_memory(s);
}

rg_status perf_score_add_error(perf_scoring *s, const char *id, const char *partition, size_t n, double value,
                               double floor, double stretch, double baseline) {
    if (!n) return RG_OK;
    return perf_score_add(
        s, (rg_score_row){id, NULL, NULL, n, value, floor, stretch, baseline, value <= floor}, partition);
}

rg_status perf_score_add_coverage(perf_scoring *s, const char *partition, size_t n, double splits,
                                  double share) {
    if (!n) return RG_OK;
    const double each = (double)n / splits, slack = each >= 250 ? 0 : 1.96 * sqrt(0.8 * 0.2 / each);
    const bool met = share >= 0.75 - slack && share <= 0.85 + slack;
    return perf_score_add(s, (rg_score_row){"Q18", NULL, NULL, n, share, 0.75, 0.85, NAN, met}, partition);
}

static rg_status run_parts(perf_scoring *s) {
    for (size_t i = 0; i < N_PARTS; i++) {
        if (!rg_progress_step(s->progress, parts[i].name, (double)i, N_PARTS))
            return rg_fail(s->err, RG_ERR_CANCELLED, NULL, NULL, "stopped");
        RG_TRY(parts[i].run(s));
    }
    if (s->card.tables) return RG_OK;
    return rg_fail(s->err, RG_ERR_IO, s->dir, "a folder with measured/",
                   "none of %zu sets of measurements is there", s->card.tables_absent);
}

rg_status rg_perf_score(const char *dir, const rg_calibrations *all, const char *data_dir, bool refit,
                        const rg_progress *progress, rg_scorecard *out, rg_error *err) {
    perf_scoring *s = calloc(1, sizeof *s);
    if (!s) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    s->dir = dir;
    s->data_dir = data_dir;
    s->all = all;
    s->refit = refit;
    s->progress = progress;
    s->err = err;
    const rg_status status = run_parts(s);
    rg_arena_free(&s->refitted.arena);
    if (status == RG_OK)
        *out = s->card;
    else
        rg_arena_free(&s->card.arena);
    free(s);
    return status;
}

void rg_scorecard_close(rg_scorecard *card) {
    if (!card) return;
    rg_arena_free(&card->arena);
    memset(card, 0, sizeof *card);
}
