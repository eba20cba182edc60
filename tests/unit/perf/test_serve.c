/* Serving in steady state against limits that hold whatever the constants are, the capacity audit of measured
   servings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "perf/serve/serve_rows.h"
#include "ridge/serve.h"
#include "ridge/step.h"
#include "unit/graph/models.h"

#define FP8                                                                                                  \
    "w=e4m3fn(scale=tensor),a=e4m3fn(scale=row),kv=e4m3fn,w.lm_head=e4m3fn(scale=tensor),w."                 \
    "embed=e4m3fn(scale=tensor)"

typedef struct world {
    rg_graph dense, sparse;
    rg_system h200, node;
    rg_layout one, eight;
} world;

static void layout(const char *text, rg_layout *out) {
    rg_error err = {0};
    must(rg_layout_parse(text, out, &err), &err);
}

static int set_up(void **state) {
    static world w;
    rg_error err = {0};
    open_model(&w.dense, "llama-3.1-70b");
    open_model(&w.sparse, "deepseek-v3");
    must(rg_system_open(&w.h200, "h200", DATA, &err), &err);
    must(rg_system_open(&w.node, "dgx-h200", DATA, &err), &err);
    layout("tp=1", &w.one);
    layout("tp=8", &w.eight);
    *state = &w;
    return 0;
}

static int tear_down(void **state) {
    world *w = *state;
    rg_graph_close(&w->dense);
    rg_graph_close(&w->sparse);
    rg_system_close(&w->h200);
    rg_system_close(&w->node);
    return 0;
}

static rg_serve_request question(const world *w) {
    return (rg_serve_request){.graph = &w->dense,
                              .system = &w->node,
                              .layout = &w->eight,
                              .policy = FP8,
                              .isl = 1024,
                              .osl = 1024,
                              .concurrency = 16};
}

static rg_serve_result ask(const rg_serve_request *q) {
    rg_serve_result r;
    rg_error err = {0};
    must(rg_serve_estimate(&r, q, NULL, &err), &err);
    return r;
}

static void near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance * fabs(b))) fail_msg("%.12g is not %.12g", a, b);
}

static void refuses(rg_serve_request q, const char *word) {
    rg_serve_result r;
    rg_error err = {0};
    assert_int_equal(rg_serve_estimate(&r, &q, NULL, &err), RG_ERR_USAGE);
    if (!strstr(err.message, word) && !strstr(err.where, word) && !strstr(err.expected, word))
        fail_msg("no \"%s\" in %s: %s; expected %s", word, err.where, err.message, err.expected);
}

/* ---- limits ------------------------------------------------------------------------------------------ */

/* One sequence, and a long answer: a decode step, whose bound is that of roof decode. */
static void test_one_sequence_is_a_step(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    rg_error err = {0};
    rg_step s;
    q.concurrency = 1;
    q.osl = 2e5;
    const rg_serve_result r = ask(&q);
    const rg_step_request step = {.graph = q.graph,
                                  .system = q.system,
                                  .layout = q.layout,
                                  .policy = q.policy,
                                  .phase = RG_DECODE,
                                  .batch = 1,
                                  .context = q.isl + q.osl / 2};
    must(rg_step_estimate(&s, &step, NULL, &err), &err);
    assert_true(r.verdict == RG_SERVE_OK);
    assert_true(r.resident_batch == 1);
    near(r.tpot.bound_s, s.bound_s, 1e-9);
    assert_true(r.part_s[RG_SERVE_PROMPTS] < 1e-3 * r.tpot.estimate_s);
    near(r.requests_per_s, 1 / (q.osl * r.tpot.estimate_s), 1e-9);
}

static void test_parts_add_up(void **state) {
    rg_serve_request q = question(*state);
    const rg_serve_result r = ask(&q);
    double sum = 0;
    for (int i = 0; i < RG_SERVE_N_PARTS; i++) sum += r.part_s[i];
    near(sum, r.tpot.estimate_s, 1e-12);
    assert_true(r.tpot.bound_s <= r.tpot.lo80_s && r.tpot.lo80_s <= r.tpot.estimate_s &&
                r.tpot.estimate_s <= r.tpot.hi80_s);
    assert_true(r.ttft.lo80_s <= r.ttft.estimate_s && r.ttft.estimate_s <= r.ttft.hi80_s);
    near(r.tokens_per_s, r.tokens_per_s_per_chip * 8, 1e-12);
}

static void test_grows_with_load_and_length(void **state) {
    rg_serve_request q = question(*state);
    double time = 0, rate = 0;
    for (double c = 1; c <= 256; c *= 2) {
        q.concurrency = c;
        const rg_serve_result r = ask(&q);
        assert_true(r.tpot.estimate_s > time && r.tokens_per_s > rate);
        time = r.tpot.estimate_s, rate = r.tokens_per_s;
    }
    q.isl = 8192;
    assert_true(ask(&q).tpot.estimate_s > time);
}

/* Little's law joins the two ways to ask. */
static void test_rate_and_concurrency_agree(void **state) {
    rg_serve_request q = question(*state);
    q.concurrency = 32;
    const rg_serve_result a = ask(&q);
    q.requests_per_s = a.requests_per_s * (1 - 1e-9);
    q.concurrency = 0;
    const rg_serve_result b = ask(&q);
    assert_true(b.resident_batch == 32);
    near(b.tpot.estimate_s, a.tpot.estimate_s, 1e-12);
}

/* ---- verdicts ---------------------------------------------------------------------------------------- */

static void test_saturation_is_a_verdict(void **state) {
    rg_serve_request q = question(*state);
    q.concurrency = 0;
    q.requests_per_s = 1;
    const double most = ask(&q).sustainable_requests_per_s;
    q.requests_per_s = most * 1.01;
    const rg_serve_result r = ask(&q);
    assert_true(r.verdict == RG_SERVE_SATURATED);
    assert_true(isnan(r.tpot.estimate_s) && isnan(r.ttft.estimate_s));
    near(r.sustainable_requests_per_s, most, 1e-12);
    near(r.requests_per_s, most, 1e-12);
    q.requests_per_s = most * 0.99;
    assert_true(ask(&q).verdict == RG_SERVE_OK);
}

/* Weights and the cache of 128 sequences need 178 GB of 141: 67 are resident, and the bound is theirs. */
static void test_capacity_clamps(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    q.system = &w->h200;
    q.layout = &w->one;
    q.osl = 8192;
    q.concurrency = 128;
    const rg_serve_result r = ask(&q);
    assert_true(r.verdict == RG_SERVE_OK);
    assert_true(r.resident_batch == 67);
    near(r.wanted_bytes, 178e9, 0.002);
    near(r.tpot.bound_s, 26.2e-3, 0.002);
    assert_non_null(strstr(r.reason, "KV does not fit: 178 GB > 141 GB"));
}

static void test_what_does_not_fit_is_said(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    q.system = &w->h200;
    q.layout = &w->one;
    q.policy = NULL; /* 141 GB of weights */
    rg_serve_result r = ask(&q);
    assert_true(r.verdict == RG_SERVE_DOES_NOT_FIT);
    assert_non_null(strstr(r.reason, "weights do not fit"));
    assert_non_null(strstr(r.reason, "tp=2"));
    assert_true(isnan(r.tpot.estimate_s));
}

static void test_bad_questions_are_refused(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    rg_layout three, many;
    q.concurrency = 0;
    refuses(q, "concurrency");
    q = question(w), q.requests_per_s = 1;
    refuses(q, "both");
    q = question(w), q.isl = 0;
    refuses(q, "isl");
    q = question(w), q.prefix_hit = 1;
    refuses(q, "prefix_hit");
    q = question(w), q.acceptance = NAN;
    refuses(q, "acceptance");
    layout("tp=3", &three);
    q = question(w), q.layout = &three;
    refuses(q, "tp");
    layout("tp=8,dp=131072", &many);
    q = question(w), q.layout = &many;
    refuses(q, "ranks");
}

/* ---- what changes a serving -------------------------------------------------------------------------- */

static void test_speculation(void **state) {
    near(rg_serve_tokens_per_step(0.8, 1), 1.8, 1e-12);
    near(rg_serve_tokens_per_step(0.5, 2), 1.75, 1e-12);
    near(rg_serve_tokens_per_step(1, 3), 4, 1e-12);
    rg_serve_request q = question(*state);
    q.concurrency = 4; /* weights are read once for all guesses: faster */
    const double plain = ask(&q).tpot.estimate_s;
    q.draft = 3;
    q.acceptance = 0.8;
    rg_serve_result r = ask(&q);
    assert_true(r.tpot.estimate_s < plain / 1.8);
    near(r.tokens_per_step, rg_serve_tokens_per_step(0.8, 3), 1e-12);
    q.acceptance = 0; /* nothing is kept: slower by guesses and their check */
    assert_true(ask(&q).tpot.estimate_s > plain);
}

static void test_prefix_hits_and_chunks(void **state) {
    rg_serve_request q = question(*state);
    q.isl = 8192;
    const rg_serve_result none = ask(&q);
    q.prefix_hit = 0.75;
    const rg_serve_result hit = ask(&q);
    assert_true(hit.part_s[RG_SERVE_PROMPTS] < none.part_s[RG_SERVE_PROMPTS] / 2);
    assert_true(hit.part_s[RG_SERVE_PROMPTS] >
                none.part_s[RG_SERVE_PROMPTS] / 4); /* attention sees all keys */
    assert_true(hit.ttft.estimate_s < none.ttft.estimate_s);
    q.prefix_hit = 0;
    q.chunk = 512;
    assert_true(ask(&q).prompt_s > none.prompt_s);
}

static void test_pools_apart(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    rg_layout four;
    layout("tp=4", &four);
    q.isl = 8192;
    q.concurrency = 64;
    const rg_serve_result one = ask(&q);
    q.prefill_layout = &four;
    const rg_serve_result two = ask(&q);
    assert_true(two.part_s[RG_SERVE_PROMPTS] == 0);
    assert_true(two.tpot.estimate_s < one.tpot.estimate_s);
    assert_true(two.chips > 8 && fmod(two.chips - 8, 4) == 0);
    near(two.transfer_bytes, 8192 * 2.0 * 80 * 8 * 128, 1e-9); /* FP8 keys and values, 80 layers */
    assert_true(two.transfer_s > 0 && two.utilisation < 1);
}

/* Stages share the work of a token: as many multiplies a chip and second as tokens. */
static void test_stages(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    rg_layout l;
    q.policy = NULL;
    q.concurrency = 64;
    const rg_serve_result one = ask(&q);
    layout("tp=4,pp=2", &l);
    q.layout = &l;
    const rg_serve_result two = ask(&q);
    assert_true(two.tpot.estimate_s > one.tpot.estimate_s);
    near(two.memory_bytes[RG_SERVE_WEIGHTS], one.memory_bytes[RG_SERVE_WEIGHTS], 1e-3);
    near(two.mfu / two.tokens_per_s, one.mfu / one.tokens_per_s, 0.02);
}

static void test_experts_over_replicas(void **state) {
    const world *w = *state;
    rg_serve_request q = question(w);
    rg_layout l;
    layout("dp=8,ep=8", &l);
    q.graph = &w->sparse;
    q.layout = &l;
    q.policy = "w=e4m3fn(scale=row),a=e4m3fn(scale=row)";
    q.concurrency = 256;
    const rg_serve_result r = ask(&q);
    assert_true(r.verdict == RG_SERVE_OK && r.resident_batch == 32);
    assert_true(r.part_s[RG_SERVE_COLLECTIVE] > 0 && r.part_s[RG_SERVE_EXPERTS] > 0);
}

/* ---- published --------------------------------------------------------------------------------------- */

/* Of the measured servings of Llama-3.1-70B exactly one is faster than a bound with all sequences resident.
 */
static void test_capacity_audit(void **state) {
    (void)state;
    const char *path = shared_path("measured/serving_e2e_ttft_tpot.csv.gz");
    if (!path) skip();
    perf_serve_rows rows;
    rg_error err = {0};
    must(perf_serve_rows_read(&rows, path, DATA, &err), &err);
    int servings = 0, found = 0;
    for (size_t i = 0; i < rows.n; i++) {
        const perf_serve_row *r = &rows.row[i];
        if (strcmp(r->model, "llama-3.1-70b") != 0) continue;
        servings++;
        if (!r->impossible) continue;
        found++;
        assert_string_equal(r->chip, "h200-sxm");
        assert_true(r->concurrency == 128 && r->isl == 1024 && r->osl == 8192);
        near(r->wanted_bytes, 178e9, 0.02); /* with the output head in bf16 */
        near(r->tpot_s, 30.4e-3, 0.01);
    }
    assert_int_equal(servings, 441);
    assert_int_equal(found, 1);
    assert_int_equal(rows.rows, 4563);
    assert_int_equal(rows.n + rows.other_mode + rows.not_positive + rows.unknown + rows.not_dividing +
                         rows.not_fitting + rows.faster_than_bound,
                     4563);
    perf_serve_rows_close(&rows);
}

/* Rows that are no servings are counted, whatever stands in them. */
static void test_odd_rows_are_counted(void **state) {
    (void)state;
    static const char head[] =
        "backend,model_path,system,precision,mode,isl,osl,moe_quant_mode,batch_size,tp_size,"
        "attention_dp_size,moe_tp_size,moe_ep_size,silicon_ttft_ms,silicon_tpot_ms\n";
    static const char *const rows[] = {
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,8,1,1,1,1,100,10\n",       /* sound */
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,8,1,1,1,1,100,0.1\n",      /* too fast */
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,8,3,1,1,1,100,10\n",       /* tp = 3 */
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,8,1e300,nan,1,1,100,10\n", /* as tp = 1
                                                                                                 */
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,8,1,1,1,1,0.0,10\n",       /* no time */
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,nan,1024,fp8,8,1,1,1,1,100,10\n",
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1e300,fp8,8,1,1,1,1,100,10\n",
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,1e18,1,1,1,1,100,10\n",
        "vllm,nobody/knows,h100_sxm,fp8,agg,1024,1024,fp8,8,1,1,1,1,100,10\n",
        "nobody,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg,1024,1024,fp8,8,1,1,1,1,100,10\n",
        "vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,disagg,1024,1024,fp8,,,,,,100,10\n",
        "vllm,deepseek-ai/DeepSeek-V3,h100_sxm,fp8,agg,1024,1024,fp8,8,1,1,1,1,100,10\n", /* does not fit */
        "vllm,deepseek-ai/DeepSeek-V3,h100_sxm,fp8,agg,1024,1024,fp8,8,2147483647,9e9,-3,x,100,10\n",
    };
    rg_str text = {0};
    rg_error err = {0};
    perf_serve_rows r;
    char path[] = "/tmp/ridge-serve-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    rg_str_add(&text, head);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) rg_str_add(&text, rows[i]);
    must(rg_file_write(path, text.data, text.len, &err), &err);
    must(perf_serve_rows_read(&r, path, DATA, &err), &err);
    remove(path);
    assert_int_equal(r.n, 2);
    assert_int_equal(r.faster_than_bound, 1);
    assert_int_equal(r.not_dividing, 1);
    assert_int_equal(r.not_positive, 4);
    assert_int_equal(r.unknown, 2);
    assert_int_equal(r.other_mode, 1);
    assert_int_equal(r.not_fitting, 2);
    perf_serve_rows_close(&r);
    must(rg_file_write(path, "a,b\n1,2\n", 8, &err), &err);
    assert_int_equal(perf_serve_rows_read(&r, path, DATA, &err), RG_ERR_PARSE);
    remove(path);
    rg_str_free(&text);
}

enum { ROWS = 2400, GROUPS = 120 };

/* A row as the constants make it. */
static void make_row(int i, const double truth[PERF_SERVE_N_FITTED], perf_serve_row *r) {
    const double a = 1 + i % 7, b = 1 + i % 11, k = 1 + i % 5;
    double c[PERF_SERVE_N];
    *r = (perf_serve_row){
        .group = i % GROUPS, .engine_index = i % 3, .osl = 100 * k, .batch = 4 * b, .replicas = 1 + i % 4};
    r->step = (perf_serve_pass){.attention_memory_s = 1e-3 * b,
                                .attention_compute_s = 1e-4 * k,
                                .network_s = 2e-4 * a,
                                .collectives = 20 * b,
                                .kernels = 200 * k,
                                .conversions = 90 * a};
    r->prompt = (perf_serve_pass){.attention_compute_s = 1e-3 * a, .network_s = 1e-4 * b};
    for (int w = 0; w < PERF_N_WIDTHS; w++) {
        r->step.linear_memory_s[w] = i % 3 == w ? 2e-3 * a : 0;
        r->step.linear_compute_s[w] = i % 3 == w ? 5e-4 * b : 0;
        r->step.expert_memory_s[w] = i % 4 == w ? 1e-3 * k : 0;
        r->step.expert_compute_s[w] = i % 4 == w ? 3e-4 * a : 0;
        r->prompt.linear_compute_s[w] = i % 3 == w ? 1e-2 * k : 0;
    }
    perf_serve_fitted(truth, r->engine_index, c);
    r->tpot_s = perf_serve_row_time(r, c, NULL);
}

static void check_slopes(const perf_serve_row *r, const double fitted[PERF_SERVE_N_FITTED]) {
    double c[PERF_SERVE_N], slope[PERF_SERVE_N];
    perf_serve_fitted(fitted, r->engine_index, c);
    const double time_s = perf_serve_row_time(r, c, slope);
    for (int i = 0; i < PERF_SERVE_N; i++) {
        double more[PERF_SERVE_N];
        memcpy(more, c, sizeof more);
        more[i] *= 1 + 1e-6;
        assert_true(fabs((perf_serve_row_time(r, more, NULL) - time_s) / 1e-6 - slope[i]) < 1e-4 * time_s);
    }
}

static double mean_error(const perf_serve_row *row, const double fitted[PERF_SERVE_N_FITTED]) {
    double sum = 0, c[PERF_SERVE_N];
    for (int i = 0; i < ROWS; i++) {
        perf_serve_fitted(fitted, row[i].engine_index, c);
        sum += fabs(log(perf_serve_row_time(&row[i], c, NULL) / row[i].tpot_s));
    }
    return sum / ROWS;
}

/* Times of rows that the constants made are fitted by those constants; slopes are those of small steps. */
static void test_fit_finds_constants(void **state) {
    (void)state;
    static perf_serve_row row[ROWS];
    static bool use[ROWS];
    double presets[PERF_SERVE_N_FITTED], truth[PERF_SERVE_N_FITTED], fitted[PERF_SERVE_N_FITTED];
    rg_error err = {0};
    perf_serve_presets(presets);
    for (int i = 0; i < PERF_SERVE_N_FITTED; i++) truth[i] = presets[i] * (i % 2 ? 1.3 : 0.8);
    for (int i = 0; i < ROWS; i++) {
        make_row(i, truth, &row[i]);
        check_slopes(&row[i], truth);
        use[i] = true;
    }
    const perf_serve_rows rows = {.n = ROWS, .n_groups = GROUPS, .row = row};
    must(perf_serve_fit(&rows, use, false, fitted, &err), &err);
    const double before = mean_error(row, presets), after = mean_error(row, fitted);
    printf("XX %g %g\n", before, after);
    if (!(after < before / 4)) fail_msg("error %g before, %g after", before, after);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sequence_is_a_step),
        cmocka_unit_test(test_parts_add_up),
        cmocka_unit_test(test_grows_with_load_and_length),
        cmocka_unit_test(test_rate_and_concurrency_agree),
        cmocka_unit_test(test_saturation_is_a_verdict),
        cmocka_unit_test(test_capacity_clamps),
        cmocka_unit_test(test_what_does_not_fit_is_said),
        cmocka_unit_test(test_bad_questions_are_refused),
        cmocka_unit_test(test_speculation),
        cmocka_unit_test(test_prefix_hits_and_chunks),
        cmocka_unit_test(test_pools_apart),
        cmocka_unit_test(test_stages),
        cmocka_unit_test(test_experts_over_replicas),
        cmocka_unit_test(test_capacity_audit),
        cmocka_unit_test(test_odd_rows_are_counted),
        cmocka_unit_test(test_fit_finds_constants),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
