/* Sweeps: every configuration as asked one by one, in any order; fronts against brute force; files that are
   refused with line and key. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/serve.h"
#include "ridge/step.h"
#include "ridge/sweep.h"
#include "ridge/train.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static rg_calibrations *all;

static void must(rg_status status, const rg_error *err) {
    if (status != RG_OK) fail_msg("%s: %s; expected %s", err->where, err->message, err->expected);
}

static int set_up(void **state) {
    rg_error err = {0};
    (void)state;
    must(rg_calibrations_open(&all, DATA, &err), &err);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    rg_calibrations_close(all);
    return 0;
}

static rg_status open_text(rg_sweep **out, const char *text, rg_error *err) {
    char path[] = "/tmp/ridge-sweep-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    const rg_status status = rg_sweep_open(out, path, DATA, all, err);
    unlink(path);
    return status;
}

static const char plain[] = "phase: decode\n"
                            "model: [llama-3.1-8b, gpt-oss-20b]\n"
                            "system: [dgx-h100, h200]\n"
                            "policy: [\"\", \"kv=e4m3fn\"]\n"
                            "tp: [1, 2, 3, 8]\n"
                            "pp: [1, 2]\n"
                            "dp: [1, 4]\n"
                            "batch: [1, 6, 64, 4096]\n"
                            "context: [1000, 30000]\n"
                            "objectives: [tokens_per_s_per_sequence, tokens_per_s_per_chip, memory_bytes]\n";

static void same_as_asked(const rg_sweep *s, const rg_sweep_result *r, const rg_graph *graphs,
                          const rg_system *systems) {
    rg_sweep_case c;
    rg_step step;
    rg_error err = {0};
    rg_status status = rg_sweep_describe(s, r->index, &c, &err);
    const rg_step_request q = {.graph = &graphs[strcmp(c.model, "llama-3.1-8b") != 0],
                               .system = &systems[strcmp(c.system, "dgx-h100") != 0],
                               .layout = &c.layout,
                               .policy = c.policy,
                               .phase = RG_DECODE,
                               .batch = c.batch,
                               .context = c.context};
    if (status == RG_OK) status = rg_step_estimate(&step, &q, all, &err);
    if (status != RG_OK) {
        assert_int_equal(r->status, RG_SWEEP_REFUSED);
        char told[64];
        snprintf(told, sizeof told, "%.60s", err.message);
        if (strncmp(r->reason, told, strlen(told)) != 0) fail_msg("%s for %s", r->reason, told);
        return;
    }
    assert_int_equal(r->status, step.fits ? RG_SWEEP_OK : RG_SWEEP_DOES_NOT_FIT);
    assert_true(r->memory_bytes == step.total_bytes);
    if (!step.fits) return;
    assert_true(r->seconds == step.estimate_s && r->bound_s == step.bound_s && r->hi80_s == step.hi80_s);
    assert_string_equal(r->limiter, step.limiter);
}

static void test_each_as_asked(void **state) {
    (void)state;
    rg_sweep *s;
    rg_error err = {0};
    rg_graph graphs[2];
    rg_system systems[2];
    must(open_text(&s, plain, &err), &err);
    must(rg_graph_from_name(&graphs[0], "llama-3.1-8b", DATA, &err), &err);
    must(rg_graph_from_name(&graphs[1], "gpt-oss-20b", DATA, &err), &err);
    must(rg_system_open(&systems[0], "dgx-h100", DATA, &err), &err);
    must(rg_system_open(&systems[1], "h200", DATA, &err), &err);
    const size_t n = (size_t)rg_sweep_size(s);
    assert_int_equal(n, 2 * 2 * 2 * 4 * 2 * 2 * 4 * 2);
    rg_sweep_result *r = calloc(n, sizeof *r), *again = calloc(n, sizeof *again);
    must(rg_sweep_evaluate(s, 0, n, r, &err), &err);
    size_t ok = 0;
    for (size_t i = 0; i < n; i += 7) {
        assert_int_equal(r[i].index, i);
        ok += r[i].status == RG_SWEEP_OK;
        same_as_asked(s, &r[i], graphs, systems);
    }
    assert_true(ok > 20);
    /* backwards, one by one: the same bits */
    for (size_t i = n; i-- > 0;) must(rg_sweep_evaluate(s, i, 1, &again[i], &err), &err);
    assert_memory_equal(r, again, n * sizeof *r);
    free(r);
    free(again);
    rg_sweep_close(s);
    for (int i = 0; i < 2; i++) rg_graph_close(&graphs[i]), rg_system_close(&systems[i]);
}

/* a beats b: same workload, nowhere worse, and better somewhere or earlier. */
static bool beats(const rg_sweep *s, const rg_sweep_result *a, const rg_sweep_result *b) {
    rg_sweep_case x, y;
    rg_error err = {0};
    must(rg_sweep_describe(s, a->index, &x, &err), &err);
    must(rg_sweep_describe(s, b->index, &y, &err), &err);
    if (strcmp(x.model, y.model) != 0 || x.context != y.context) return false;
    const double better[3] = {a->tokens_per_s_per_sequence - b->tokens_per_s_per_sequence,
                              a->tokens_per_s_per_chip - b->tokens_per_s_per_chip,
                              b->memory_bytes - a->memory_bytes};
    bool strictly = a->index < b->index;
    for (int i = 0; i < 3; i++) {
        if (better[i] < 0) return false;
        strictly = strictly || better[i] > 0;
    }
    return strictly;
}

static void test_front(void **state) {
    (void)state;
    rg_sweep *s;
    rg_error err = {0};
    must(open_text(&s, plain, &err), &err);
    assert_int_equal(rg_sweep_n_objectives(s), 3);
    const size_t n = (size_t)rg_sweep_size(s);
    rg_sweep_result *r = calloc(n, sizeof *r);
    size_t *front = calloc(n, sizeof *front), n_best = 0;
    bool *in = calloc(n, sizeof *in);
    must(rg_sweep_evaluate(s, 0, n, r, &err), &err);
    const size_t n_front = rg_sweep_pareto(s, r, n, front);
    for (size_t i = 0; i < n_front; i++) in[front[i]] = true;
    for (size_t i = 0; i < n; i++) {
        bool best = r[i].status == RG_SWEEP_OK;
        for (size_t k = 0; best && k < n; k++)
            best = r[k].status != RG_SWEEP_OK || k == i || !beats(s, &r[k], &r[i]);
        assert_int_equal(best, in[i]);
        n_best += best;
    }
    assert_int_equal(n_best, n_front);
    assert_true(n_front > 8);
    free(r);
    free(front);
    free(in);
    rg_sweep_close(s);
}

/* Training: what stages and replicas are put around a rank's work is what one question gives. */
static void test_training(void **state) {
    (void)state;
    rg_sweep *s;
    rg_graph g;
    rg_system system;
    rg_error err = {0};
    size_t ok = 0;
    must(rg_sweep_open(&s, DATA "/sweeps/training-70b.yaml", DATA, all, &err), &err);
    must(rg_graph_from_name(&g, "llama-3.1-70b", DATA, &err), &err);
    must(rg_system_open(&system, "dgx-h100", DATA, &err), &err);
    for (uint64_t i = 0; i < rg_sweep_size(s); i += 331) {
        rg_sweep_result r;
        rg_sweep_case c;
        rg_train_step step;
        must(rg_sweep_evaluate(s, i, 1, &r, &err), &err);
        if (r.status == RG_SWEEP_REFUSED) continue;
        must(rg_sweep_describe(s, i, &c, &err), &err);
        assert_true(c.layout.sp);
        const rg_train_request q = {.graph = &g,
                                    .system = &system,
                                    .layout = &c.layout,
                                    .policy = c.policy,
                                    .sequence = c.context,
                                    .global_batch = c.batch};
        must(rg_train_estimate(&step, &q, all, &err), &err);
        assert_int_equal(r.status == RG_SWEEP_OK, step.fits);
        assert_true(r.memory_bytes == step.memory.total_bytes);
        if (step.fits)
            assert_true(r.seconds == step.estimate_s && r.bound_s == step.bound_s && r.mfu == step.mfu);
        ok += step.fits;
    }
    assert_true(ok > 10);
    rg_sweep_close(s);
    rg_graph_close(&g);
    rg_system_close(&system);
}

/* One sweep over models with experts and without, whose intervals differ: each as it would be asked alone. */
static void test_training_models(void **state) {
    (void)state;
    static const char *const names[] = {"llama-3.1-8b", "mixtral-8x7b"};
    rg_sweep *s;
    rg_system system;
    rg_error err = {0};
    must(open_text(
             &s,
             "phase: train\nmodel: [llama-3.1-8b, mixtral-8x7b]\nsystem: dgx-h100\ntp: 8\ndp: 8\nzero: 1\n"
             "recompute: full\nbatch: 64\nsequence: 4096\n",
             &err),
         &err);
    must(rg_system_open(&system, "dgx-h100", DATA, &err), &err);
    for (uint64_t i = 0; i < 2; i++) {
        rg_graph g;
        rg_sweep_result r;
        rg_sweep_case c;
        rg_train_step step;
        must(rg_graph_from_name(&g, names[i], DATA, &err), &err);
        must(rg_sweep_evaluate(s, i, 1, &r, &err), &err);
        must(rg_sweep_describe(s, i, &c, &err), &err);
        const rg_train_request q = {.graph = &g,
                                    .system = &system,
                                    .layout = &c.layout,
                                    .policy = "",
                                    .sequence = 4096,
                                    .global_batch = 64};
        must(rg_train_estimate(&step, &q, all, &err), &err);
        assert_int_equal(r.status, RG_SWEEP_OK);
        assert_true(r.seconds == step.estimate_s && r.lo80_s == step.lo80_s && r.hi80_s == step.hi80_s);
        rg_graph_close(&g);
    }
    rg_sweep_close(s);
    rg_system_close(&system);
}

/* What has no price does not win by it, and no number that is not one is best. */
static void test_unknown(void **state) {
    (void)state;
    rg_sweep *s;
    rg_error err = {0};
    must(open_text(&s,
                   "phase: decode\nmodel: llama-3.1-8b\nsystem: h100\nbatch: [1, 2, 3]\n"
                   "objectives: [usd_per_million_tokens, mfu]\n",
                   &err),
         &err);
    const rg_sweep_result r[] = {{.index = 0, .usd_per_million_tokens = 0, .mfu = 0.2},
                                 {.index = 1, .usd_per_million_tokens = 5, .mfu = 0.2},
                                 {.index = 2, .usd_per_million_tokens = 6, .mfu = NAN}};
    size_t front[3];
    assert_int_equal(rg_sweep_pareto(s, r, 3, front), 1);
    assert_int_equal(front[0], 1);
    rg_sweep_close(s);
}

static void test_serving(void **state) {
    (void)state;
    static const char text[] =
        "phase: serve\nmodel: llama-3.1-70b\nsystem: dgx-h100\npolicy: "
        "\"w=e4m3fn(scale=row),a=e4m3fn(scale=row)\"\n"
        "tp: [1, 2, 8]\ndp: [1, 4]\nconcurrency: [1, 16, 4000]\nisl: [1000, 100000]\nosl: 500\n";
    rg_sweep *s;
    rg_graph g;
    rg_system system;
    rg_error err = {0};
    size_t ok = 0, tight = 0;
    must(open_text(&s, text, &err), &err);
    must(rg_graph_from_name(&g, "llama-3.1-70b", DATA, &err), &err);
    must(rg_system_open(&system, "dgx-h100", DATA, &err), &err);
    for (uint64_t i = 0; i < rg_sweep_size(s); i++) {
        rg_sweep_result r;
        rg_sweep_case c;
        rg_serve_result asked;
        must(rg_sweep_evaluate(s, i, 1, &r, &err), &err);
        must(rg_sweep_describe(s, i, &c, &err), &err);
        const rg_serve_request q = {.graph = &g,
                                    .system = &system,
                                    .layout = &c.layout,
                                    .policy = c.policy,
                                    .isl = c.context,
                                    .osl = c.osl,
                                    .concurrency = c.batch};
        must(rg_serve_estimate(&asked, &q, all, &err), &err);
        assert_int_equal(r.status == RG_SWEEP_OK, asked.verdict == RG_SERVE_OK);
        ok += r.status == RG_SWEEP_OK;
        tight += r.status == RG_SWEEP_DOES_NOT_FIT;
        if (r.status != RG_SWEEP_OK) continue;
        assert_true(r.seconds == asked.tpot.estimate_s && r.ttft_s == asked.ttft.estimate_s);
        assert_true(r.tokens_per_s == asked.tokens_per_s && r.chips == asked.chips);
    }
    assert_true(ok > 10 && tight > 0);
    rg_sweep_close(s);
    rg_graph_close(&g);
    rg_system_close(&system);
}

static void refused(const char *text, rg_status expected, const char *words) {
    rg_sweep *s;
    rg_error err = {0};
    char told[1200];
    const rg_status status = open_text(&s, text, &err);
    snprintf(told, sizeof told, "%s: %s; expected %s", err.where, err.message, err.expected);
    if (status == RG_OK || status != expected || !strstr(told, words))
        fail_msg("no \"%s\" in %s", words, told);
}

static void test_refused(void **state) {
    (void)state;
    refused("model: llama-3.1-8b\nsystem: h100\n", RG_ERR_PARSE, "phase");
    refused("phase: dream\nmodel: llama-3.1-8b\nsystem: h100\n", RG_ERR_PARSE, "decode");
    refused("phase: decode\nsystem: h100\n", RG_ERR_PARSE, "model");
    refused("phase: decode\nmodel: nobody\nsystem: h100\n", RG_ERR_USAGE, "nobody");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: nowhere\n", RG_ERR_USAGE, "nowhere");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\ntp: [1, two]\n", RG_ERR_PARSE,
            "whole numbers");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\ntp: []\n", RG_ERR_PARSE, "tp");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\nzero: 4\n", RG_ERR_PARSE, "from 0 to 3");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\ntpp: 2\n", RG_ERR_PARSE, "tpp");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\nchips: 8\ndp: 2\n", RG_ERR_PARSE,
            "dp or chips");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\nchips: [0, 8]\ndp: 2\n", RG_ERR_PARSE,
            "dp or chips");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\nobjectives: [fun]\n", RG_ERR_PARSE, "seconds");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\npolicy: w=nothing\n", RG_ERR_USAGE, "nothing");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem: h100\nwhat_if: memory.bandwidth\n", RG_ERR_USAGE,
            "memory");
    refused("phase: decode\nmodel: llama-3.1-8b\nsystem:\n", RG_ERR_PARSE, "a list of values");
    refused("phase: decode\nmodel: {}\nsystem: h100\n", RG_ERR_PARSE, "a list of values");
    refused("phase: decode\nmodel: {a: 1}\nsystem: h100\n", RG_ERR_PARSE, "a list of values");
    refused("[1, 2]\n", RG_ERR_PARSE, "not a sweep file");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_each_as_asked),   cmocka_unit_test(test_front),
                                       cmocka_unit_test(test_training),        cmocka_unit_test(test_serving),
                                       cmocka_unit_test(test_training_models), cmocka_unit_test(test_unknown),
                                       cmocka_unit_test(test_refused)};
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
