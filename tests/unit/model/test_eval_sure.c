/* How sure an evaluation is: what is resampled, intervals and verdicts of made-up losses, looks along the way
   and when they stop. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/eval.h"
#include "unit/model/quality_check.h"
#include "unit/model/tiny_model.h"

enum { WINDOWS = 24, EACH = 128, N = WINDOWS * EACH };

/* A reference and `c` candidates whose losses have a shift of their own in each window. */
typedef struct made_up {
    double nll[3][N], kld[3][N];
    float reverse[3][N];
    uint8_t same[3][N];
    int32_t target[N];
    uint32_t document[N];
    eval_window window[WINDOWS];
    eval_plan plan;
    eval_record record[3];
    eval_scores scores;
} made_up;

static void make_up(made_up *m, uint64_t trial, const double mean[3], size_t n_windows, size_t n_documents) {
    m->plan = (eval_plan){.n_windows = n_windows,
                          .window = m->window,
                          .n_scored = n_windows * EACH,
                          .target = m->target,
                          .document = n_documents ? m->document : NULL,
                          .n_documents = n_documents};
    for (int v = 0; v < 3; v++) m->record[v] = (eval_record){m->nll[v], m->kld[v], m->reverse[v], m->same[v]};
    for (size_t w = 0; w < n_windows; w++) m->window[w] = (eval_window){.n_scored = EACH};
    for (size_t i = 0; i < m->plan.n_scored; i++) {
        m->document[i] = n_documents ? (uint32_t)(i * n_documents / m->plan.n_scored) : 0;
        m->nll[0][i] = 2 + rg_random_normal(41, trial, i / EACH) + rg_random_normal(42, trial, i);
        for (uint64_t v = 1; v < 3; v++)
            m->nll[v][i] = m->nll[0][i] + mean[v] + 0.1 * rg_random_normal(43 + v, trial, i / EACH) +
                           0.1 * rg_random_normal(53 + v, trial, i);
        for (int v = 0; v < 3; v++) {
            m->kld[v][i] = v ? 0.01 * -log(1 - rg_random_uniform(63, trial, i)) : 0;
            m->same[v][i] = v ? rg_random_u32(64, trial, i) % 16 != 0 : 1;
        }
    }
    m->scores = (eval_scores){&m->plan, model.tokenizer, m->plan.n_scored, 3, m->record, 0.95, 0};
}

static void judge(made_up *m, rg_quality *q, rg_quality_pair *pair, eval_units *units) {
    static double scratch[N];
    memset(q, 0, 3 * sizeof *q);
    for (size_t v = 0; v < 3; v++) eval_figures(&m->scores, v, scratch, &q[v]);
    assert_int_equal(eval_units_make(units, &m->plan, m->scores.n, NULL), RG_OK);
    assert_int_equal(eval_compare(&m->scores, units, q, pair, NULL), RG_OK);
}

/* Errors come from windows, not from tokens; the pairing removes what both share. */
static void clustered_error(void **state) {
    (void)state;
    static made_up m;
    rg_quality q[3];
    rg_quality_pair pair[1];
    eval_units units;
    double loss[WINDOWS] = {0}, difference[WINDOWS] = {0}, count[WINDOWS];
    make_up(&m, 1, (const double[]){0, 0.2, 0.2}, WINDOWS, 0);
    judge(&m, q, pair, &units);
    assert_string_equal(units.name, "window");
    assert_int_equal(units.n, WINDOWS);
    for (size_t i = 0; i < N; i++) {
        loss[i / EACH] += m.nll[0][i] / EACH;
        difference[i / EACH] += (m.nll[1][i] - m.nll[0][i]) / EACH;
        count[i / EACH] = 1;
    }
    assert_near(q[0].ppl_se / q[0].ppl, rg_standard_error(loss, WINDOWS), 1e-9);
    assert_near(q[1].delta_nll_se, rg_standard_error(difference, WINDOWS), 1e-9);
    const rg_interval t = rg_cluster_t(difference, count, WINDOWS, 0.05);
    assert_near(q[1].delta_nll_hi - q[1].delta_nll_lo, t.hi - t.lo, 0.15); /* bootstrap and t agree */
    assert_int_equal(q[1].verdict, RG_WORSE);
    assert_int_equal(pair[0].verdict, RG_CANNOT_TELL);
    assert_near(pair[0].delta_nll, q[1].delta_nll - q[2].delta_nll, 1e-9);
    assert_near(q[1].detectable, q[1].delta_nll_se * (2.0687 + 0.858), 1e-3); /* t of 23 degrees */
    assert_true(q[1].kld_mean_lo < q[1].kld_mean && q[1].kld_mean < q[1].kld_mean_hi);
    assert_true(q[1].same_top_lo < q[1].same_top && q[1].same_top < q[1].same_top_hi);
    eval_units_free(&units);
}

/* What is resampled: documents, else windows, else blocks of 64 tokens with twice the variance, else nothing.
 */
static void units_by_size(void **state) {
    (void)state;
    static made_up m;
    rg_quality q[3];
    rg_quality_pair pair[1];
    const struct {
        size_t windows, documents;
        const char *unit;
        size_t n;
    } cases[] = {{24, 9, "document", 9}, {24, 7, "window", 24}, {8, 0, "window", 8},
                 {7, 3, "block", 14},    {4, 0, "block", 8},    {3, 0, "block", 6}};
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        eval_units units;
        make_up(&m, k, (const double[]){0, 0.3, 0}, cases[k].windows, cases[k].documents);
        judge(&m, q, pair, &units);
        assert_string_equal(units.name, cases[k].unit);
        assert_int_equal(units.n, cases[k].n);
        assert_int_equal(isfinite(q[1].delta_nll_lo), cases[k].n >= RG_CLUSTERS_MIN);
        assert_int_equal(q[1].verdict, cases[k].n >= RG_CLUSTERS_MIN ? RG_WORSE : RG_CANNOT_TELL);
        if (strcmp(units.name, "block") == 0 && units.n >= RG_CLUSTERS_MIN) {
            double sum[16], count[16];
            eval_units_count(&units, m.scores.n, count);
            eval_units_sum(&units, m.scores.n, m.nll[1], m.nll[0], sum);
            assert_near(q[1].delta_nll_se, sqrt(2) * rg_cluster_t(sum, count, units.n, 0.05).se, 1e-9);
        }
        eval_units_free(&units);
    }
}

/* A tolerance turns a small difference into none, and the tokens that are missing into those that tell it
   from the tolerance. */
static void tolerance(void **state) {
    (void)state;
    static made_up m;
    rg_quality q[3];
    eval_units units;
    make_up(&m, 3, (const double[]){0, 0.2, 0.02}, WINDOWS, 0);
    m.scores.tolerance = 0.15;
    judge(&m, q, NULL, &units);
    eval_units_free(&units);
    assert_int_equal(q[2].verdict, RG_WITHIN);
    assert_near(q[1].tokens_needed, ceil(N * pow(q[1].detectable / (fabs(q[1].delta_nll) - 0.15), 2)), 1e-9);
    m.scores.tolerance = 0;
    judge(&m, q, NULL, &units);
    eval_units_free(&units);
    assert_int_equal(q[2].verdict, RG_CANNOT_TELL);
    assert_true(q[2].tokens_needed > N);
}

/* Looking after 20 and 24 windows: candidates that are as good as the reference get a verdict in at
   most 5 % of trials (binomial error of 800 trials: 0.8 points), where a plain interval at each look errs
   more often; a candidate that is much worse stops at the first look. */
static void looks(void **state) {
    (void)state;
    static made_up m;
    int wrong = 0, naive = 0;
    enum { TRIALS = 400 };
    for (uint64_t trial = 0; trial < TRIALS; trial++) {
        make_up(&m, 100 + trial, (const double[]){0, 0, 0}, WINDOWS, 0);
        eval_looks l;
        bool erred[3] = {false}, erred_naive[3] = {false};
        assert_int_equal(eval_looks_open(&l, &m.plan, 3, NULL), RG_OK);
        for (size_t w = l.next; w <= WINDOWS; w = l.next > WINDOWS && w < WINDOWS ? WINDOWS : l.next) {
            m.scores.n = w * EACH;
            eval_looks_take(&l, &m.scores, w);
            for (size_t v = 1; v < 3; v++) {
                erred[v] = erred[v] || rg_verdict_of(l.lo[v], l.hi[v], 0) != RG_CANNOT_TELL;
                double sum[WINDOWS], count[WINDOWS];
                eval_units_count(&l.units, m.scores.n, count);
                eval_units_sum(&l.units, m.scores.n, m.nll[v], m.nll[0], sum);
                const rg_interval x = rg_cluster_t(sum, count, w, 0.05);
                erred_naive[v] = erred_naive[v] || rg_verdict_of(x.lo, x.hi, 0) != RG_CANNOT_TELL;
            }
            if (w == WINDOWS) break;
        }
        assert_int_equal(l.n_looks, 2);
        wrong += erred[1] + erred[2];
        naive += erred_naive[1] + erred_naive[2];
        eval_looks_close(&l);
    }
    print_message("false verdicts %.1f %%, by plain intervals %.1f %%\n", 50.0 * wrong / TRIALS,
                  50.0 * naive / TRIALS);
    assert_true(wrong <= 0.05 * 2 * TRIALS);
    assert_true(naive > wrong);
    eval_looks l;
    make_up(&m, 7, (const double[]){0, 1, -1}, WINDOWS, 0);
    assert_int_equal(eval_looks_open(&l, &m.plan, 3, NULL), RG_OK);
    m.scores.n = 20 * EACH;
    assert_true(eval_looks_take(&l, &m.scores, 20));
    assert_true(l.lo[1] > 0 && l.hi[2] < 0 && l.next == 30);
    eval_looks_close(&l);
}

/* A wide tolerance is known to be kept after the first look, whatever the batch. */
static void stops_early(void **state) {
    (void)state;
    const char *const policies[] = {"w=int8"};
    char *text = tiny_text(6000);
    rg_eval_report all, first = {0};
    for (int i = 0; i < 3; i++) {
        const rg_eval_options options = {.protocol = "stories-256",
                                         .tolerance = 2,
                                         .stop_when_sure = i > 0,
                                         .batch_tokens = i == 2 ? 300 : 100000};
        rg_eval_report *r = i == 0 ? &all : &first, before = first;
        assert_int_equal(rg_eval_report_make(r, &model, text, 6000, policies, 1, &options, NULL), RG_OK);
        assert_true(r->complete && r->tokens_planned == all.tokens);
        assert_int_equal(r->stopped_early, i > 0);
        assert_int_equal(r->tokens, i ? 20 * 128 : all.tokens_planned);
        assert_int_equal(r->n_looks, i > 0);
        if (i == 2) same_numbers(&r->quality[1], &before.quality[1]);
        if (i == 2) rg_eval_report_free(&before);
    }
    assert_int_equal(first.quality[1].verdict, RG_WITHIN);
    assert_true(first.tokens < all.tokens);
    rg_eval_report_free(&all);
    rg_eval_report_free(&first);
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(clustered_error), cmocka_unit_test(units_by_size),
                                       cmocka_unit_test(tolerance), cmocka_unit_test(looks),
                                       cmocka_unit_test(stops_early)};
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
