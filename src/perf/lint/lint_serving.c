/* Served requests: offered load for batch, zeros for times that were not taken, definitions of the time per
   token, runs beyond capacity. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/lint/lint_group.h"

static const char *const loads = "batch_size|concurrency|max_concurrency";
static const char *const ttfts = "ttft|ttft_ms|ttft_s|silicon_ttft_ms|mean_ttft_ms|ttft_latency";
static const char *const tpots = "tpot|tpot_ms|tpot_s|silicon_tpot_ms|mean_tpot_ms|itl|itl_ms|mean_itl_ms";
static const char *const totals = "e2e|e2e_ms|e2e_s|e2e_latency_ms|mean_e2el_ms|end_latency|end_to_end_ms";
static const char *const outputs = "osl|output_length|output_len|output_tokens|num_output_tokens";

/* ---- times that are no times -------------------------------------------------------------------------- */

rg_status lint_zero(lint *l, const lint_table *t) {
    const char *const names[] = {ttfts, tpots, totals};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        const int column = lint_column(&t->csv, names[k]);
        lint_hits hits = {0};
        for (size_t i = 0; column >= 0 && i < t->csv.n_rows; i++)
            if (lint_number(&t->csv, i, column) <= 0) lint_hit(&hits, i + 1);
        if (!hits.n) continue;
        RG_TRY(lint_find(l, "zero_time", t->name, &hits, RG_LINT_LEFT_OUT,
                         rg_arena_printf(&l->out.arena, "%s is not positive", t->csv.column[column]),
                         "a sentinel: 0.0 stands for a time that was not measured, and would enter means"));
    }
    return RG_OK;
}

/* ---- time per token ----------------------------------------------------------------------------------- */

enum { N_FORMS = 4 };
static const char *const forms[N_FORMS] = {"(total - TTFT) / (output - 1)", "(total - TTFT) / output",
                                           "total / output", "total / (output - 1)"};

/* Units where the names give them; else all alike. */
static double unit_of(const lint_table *t, int column) {
    const double unit = lint_time_unit(t->csv.column[column]);
    return unit > 0 ? unit : 1;
}

/* The form that gives the row's time per token within 2 %; N_FORMS: none. */
static size_t form_of(double total, double ttft, double output, double tpot) {
    const double x[N_FORMS] = {(total - ttft) / (output - 1), (total - ttft) / output, total / output,
                               total / (output - 1)};
    size_t best = N_FORMS;
    for (size_t i = 0; i < N_FORMS; i++)
        if (fabs(x[i] / tpot - 1) <= 0.02 && (best == N_FORMS || fabs(x[i] - tpot) < fabs(x[best] - tpot)))
            best = i;
    return best;
}

static rg_status report_forms(lint *l, const lint_table *t, lint_hits *hits) {
    for (size_t f = 1; f <= N_FORMS; f++)
        RG_TRY(lint_find(
            l, "tpot_definition", t->name, &hits[f], RG_LINT_REPORTED,
            f < N_FORMS ? rg_arena_printf(&l->out.arena, "the time per token is %s here", forms[f])
                        : "the time per token follows from total, TTFT and output by no usual form",
            "definitions differ between tools; (total - TTFT) / (output - 1) is what a token takes"));
    return RG_OK;
}

rg_status lint_tpot(lint *l, const lint_table *t) {
    const int total = lint_column(&t->csv, totals), ttft = lint_column(&t->csv, ttfts),
              tpot = lint_column(&t->csv, tpots), output = lint_column(&t->csv, outputs);
    if (total < 0 || ttft < 0 || output < 0) return RG_OK;
    lint_hits hits[N_FORMS + 1] = {0}, single = {0};
    for (size_t i = 0; i < t->csv.n_rows; i++) {
        const double n = lint_number(&t->csv, i, output),
                     all = lint_number(&t->csv, i, total) * unit_of(t, total),
                     first = lint_number(&t->csv, i, ttft) * unit_of(t, ttft);
        const double each = tpot < 0 ? NAN : lint_number(&t->csv, i, tpot) * unit_of(t, tpot);
        if (n <= 1 && all > 1.5 * first) lint_hit(&single, i + 1);
        if (n > 1 && first > 0 && each > 0 && all > 0) lint_hit(&hits[form_of(all, first, n, each)], i + 1);
    }
    rg_status status = report_forms(l, t, hits);
    if (status == RG_OK)
        status =
            lint_find(l, "tpot_definition", t->name, &single, RG_LINT_REPORTED,
                      "an output of one token that takes longer than the first token",
                      "the length belongs to the run that took the TTFT: times per token need the other's");
    for (size_t f = 0; f <= N_FORMS; f++) lint_hits_free(&hits[f]);
    lint_hits_free(&single);
    return status;
}

/* ---- offered load ------------------------------------------------------------------------------------- */

/* The number behind "_c" in "llama_fp8_1024x8192_c128_tp1"; 0: none. */
static double offered_by(const char *id) {
    for (const char *at = id; (at = strstr(at, "_c")); at++)
        if (isdigit((unsigned char)at[2])) return strtod(at + 2, NULL);
    return 0;
}

rg_status lint_offered(lint *l, const lint_table *t) {
    const int load = lint_column(&t->csv, "batch_size"), id = lint_column(&t->csv, "id"),
              offered = lint_column(&t->csv, "concurrency|max_concurrency");
    if (load < 0 || lint_column(&t->csv, ttfts) < 0 || lint_column(&t->csv, tpots) < 0) return RG_OK;
    lint_hits same = {0}, none = {0};
    size_t others = 0;
    for (size_t i = 0; i < t->csv.n_rows; i++) {
        const double batch = lint_number(&t->csv, i, load);
        const double c =
            offered >= 0 ? lint_number(&t->csv, i, offered) : offered_by(lint_cell(&t->csv, i, id));
        if (isnan(batch)) lint_hit(&none, i + 1);
        if (batch > 0 && batch == c) lint_hit(&same, i + 1);
        others += batch > 0 && c > 0 && batch != c;
    }
    rg_status status = lint_find(
        l, "offered_concurrency", t->name, &same, RG_LINT_REPORTED,
        rg_arena_printf(&l->out.arena,
                        "batch_size is the concurrency that was offered (of %zu other rows it is not)",
                        others),
        "clients at work, not sequences in the batch: fewer are resident where memory or the scheduler "
        "says so");
    if (status == RG_OK)
        status = lint_find(l, "no_batch", t->name, &none, RG_LINT_REPORTED, "batch_size is empty",
                           "prefill and decode are served apart, or the load was not noted");
    lint_hits_free(&same);
    lint_hits_free(&none);
    return status;
}

/* ---- beyond capacity ---------------------------------------------------------------------------------- */

static rg_status find_failed(lint *l, const lint_table *t) {
    const int failed = lint_column(&t->csv, "failed|num_failed|failures|errors"),
              done = lint_column(&t->csv, "completed|num_completed|successful_requests|successes"),
              all = lint_column(&t->csv, "num_requests|num_prompts|requests|total_requests"),
              share = lint_column(&t->csv, "failure_rate|error_rate");
    lint_hits hits = {0};
    double most = 0;
    for (size_t i = 0; i < t->csv.n_rows; i++) {
        const double n = lint_number(&t->csv, i, all), ok = lint_number(&t->csv, i, done);
        double bad = lint_number(&t->csv, i, share);
        if (isnan(bad))
            bad = lint_number(&t->csv, i, failed) / (n > 0 ? n : lint_number(&t->csv, i, failed) + ok);
        if (isnan(bad)) bad = 1 - ok / n;
        if (!(bad > 0.01)) continue;
        most = fmax(most, bad);
        lint_hit(&hits, i + 1);
    }
    const rg_status status = lint_find(
        l, "failed_requests", t->name, &hits, RG_LINT_LEFT_OUT,
        rg_arena_printf(&l->out.arena, "more than 1 %% of the requests failed, up to %.0f %%", 100 * most),
        "a server beyond its capacity: what was measured is the rest that got through");
    lint_hits_free(&hits);
    return status;
}

typedef struct rung { /* of a ladder of loads */
    double load, ttft, rate;
    size_t row;
} rung;

static int by_load(const void *a, const void *b) {
    const rung *x = a, *y = b;
    return x->load != y->load ? (x->load > y->load) - (x->load < y->load)
                              : (x->row > y->row) - (x->row < y->row);
}

/* Twice the load, no more tokens, and a wait for the first one that grows: requests queue. */
static void climb(rung *r, size_t n, lint_hits *hits) {
    qsort(r, n, sizeof *r, by_load);
    for (size_t i = 1; i < n; i++)
        if (r[i].load >= 1.9 * r[i - 1].load && r[i].rate < 1.05 * r[i - 1].rate &&
            r[i].ttft > 2 * r[i - 1].ttft)
            lint_hit(hits, r[i].row + 1);
}

static void climb_group(const lint_table *t, const lint_group *g, size_t first, size_t end, rung *r,
                        lint_hits *hits) {
    const int load = lint_column(&t->csv, loads), ttft = lint_column(&t->csv, ttfts),
              tpot = lint_column(&t->csv, tpots), output = lint_column(&t->csv, outputs);
    size_t n = 0;
    for (size_t i = first; i < end; i++) {
        const size_t row = g->at[i];
        const double c = lint_number(&t->csv, row, load),
                     wait_s = lint_number(&t->csv, row, ttft) * unit_of(t, ttft),
                     each_s = lint_number(&t->csv, row, tpot) * unit_of(t, tpot);
        if (!(c > 0) || !(wait_s > 0) || !(each_s > 0)) continue;
        r[n++] = (rung){c, wait_s, c / (wait_s + each_s * lint_number(&t->csv, row, output)), row};
    }
    climb(r, n, hits);
}

static rg_status find_queues(lint *l, const lint_table *t) {
    const int load = lint_column(&t->csv, loads);
    if (load < 0 || lint_column(&t->csv, ttfts) < 0 || lint_column(&t->csv, tpots) < 0 ||
        lint_column(&t->csv, outputs) < 0)
        return RG_OK;
    lint_group g;
    lint_hits hits = {0};
    lint_group_keys(&g, &t->csv, load);
    rung *r = malloc((t->csv.n_rows + 1) * sizeof *r);
    if (!r) return lint_no_memory(l);
    rg_status status = lint_group_sort(&g, l);
    for (size_t first = 0, end; status == RG_OK && first < g.n; first = end) {
        end = lint_group_end(&g, first);
        climb_group(t, &g, first, end, r, &hits);
    }
    if (status == RG_OK)
        status =
            lint_find(l, "saturated", t->name, &hits, RG_LINT_REPORTED,
                      "twice the load of the row before gives less than 5 % more tokens, and the first token "
                      "takes more than twice as long",
                      "requests queue: the TTFT is a waiting time that depends on how long the run was");
    lint_hits_free(&hits);
    lint_group_close(&g);
    free(r);
    return status;
}

rg_status lint_saturated(lint *l, const lint_table *t) {
    RG_TRY(find_failed(l, t));
    return find_queues(l, t);
}
