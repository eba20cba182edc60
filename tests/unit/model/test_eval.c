/* Evaluation on a small random model: windows of the protocols, figures against their definitions in double,
   equal bits for any threads, batch and instruction set, and errors by name. */
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

/* ---- protocols -------------------------------------------------------------------------------------------
 */

static eval_plan plan_of(const char *protocol, size_t n_characters, size_t max_tokens) {
    char *text = tiny_text(n_characters);
    eval_plan plan;
    rg_error err = {0};
    if (eval_plan_make(&plan, &model, protocol, text, n_characters, max_tokens, &err) != RG_OK)
        fail_msg("%s %zu: %s", protocol ? protocol : "ridge", n_characters, err.message);
    free(text);
    return plan;
}

/* Number of tokens of the text, leading space included where the tokenizer adds one. */
static size_t tokens_of(size_t n_characters) {
    char *text = tiny_text(n_characters);
    int32_t *ids;
    size_t n;
    assert_int_equal(rg_tokenize(model.tokenizer, text, n_characters, &ids, &n, NULL), RG_OK);
    free(ids);
    free(text);
    return n;
}

static void ridge_windows(void **state) {
    (void)state;
    const size_t sizes[] = {2,   3,   4,   10,  255, 300, 511, 512, 513, 598,
                            599, 600, 601, 602, 700, 943, 944, 945, 2000};
    for (int positions = 600; positions > 0; positions -= 563) { /* 600 and 37 */
        model.graph.max_positions = positions;
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            const size_t n = tokens_of(sizes[s]), bos = rg_tokenizer_adds_bos(model.tokenizer);
            eval_plan plan = plan_of(NULL, sizes[s], 0);
            const size_t window = n + bos < (size_t)positions ? n + bos : (size_t)positions;
            const size_t context = window / 2 < 256 ? window / 2 : 256;
            int *times = calloc(n, sizeof *times);
            size_t scored = 0;
            for (size_t w = 0; w < plan.n_windows; w++) {
                const eval_window *at = &plan.window[w];
                assert_int_equal(at->length, window);
                for (size_t p = at->first_scored; p + 1 < at->length; p++, scored++) {
                    assert_true(p + 1 >= context);
                    times[at->text_index + (int64_t)p + 1]++;
                }
            }
            assert_int_equal(scored, plan.n_scored);
            for (size_t t = 0; t < n; t++) assert_int_equal(times[t], t + bos >= context);
            free(times);
            eval_plan_free(&plan);
        }
    }
    model.graph.max_positions = TINY_POSITIONS;
}

static void fixed_windows(void **state) {
    (void)state;
    const size_t bos = rg_tokenizer_adds_bos(model.tokenizer);
    int32_t *ids;
    size_t n;
    char *text = tiny_text(2500);
    assert_int_equal(rg_tokenize(model.tokenizer, text, 2500, &ids, &n, NULL), RG_OK);
    eval_plan plan = plan_of("llamacpp-512", 2500, 2048);
    assert_int_equal(plan.n_windows, 4);
    assert_int_equal(plan.n_scored, 4 * 255);
    for (size_t w = 0; w < 4; w++) {
        assert_int_equal(plan.window[w].first_scored, 256);
        assert_int_equal(plan.window[w].length, 512);
        const int32_t *token = plan.token + plan.window[w].start;
        if (bos) assert_int_equal(token[0], rg_tokenizer_bos(model.tokenizer));
        /* BOS pushes the text by one and then takes the place of each window's first token */
        for (size_t p = bos; p < 512; p++) assert_int_equal(token[p], ids[512 * w + p - bos]);
    }
    eval_plan_free(&plan);
    plan = plan_of("stories-256", 2500, 0);
    assert_int_equal(plan.n_windows, n / 255);
    assert_int_equal(plan.n_scored, n / 255 * 128);
    for (size_t w = 0; w < plan.n_windows; w++) {
        const int32_t *token = plan.token + plan.window[w].start;
        assert_int_equal(token[0], rg_tokenizer_bos(model.tokenizer));
        for (size_t p = 1; p < 256; p++) assert_int_equal(token[p], ids[255 * w + p - 1]);
        assert_int_equal(plan.window[w].first_scored, 127);
    }
    eval_plan_free(&plan);
    free(ids);
    free(text);
}

static void empty_lines(void **state) {
    (void)state;
    char with[1200], without[1200];
    size_t n = 0, m = 0;
    with[n++] = '\n';
    for (int line = 0; line < 40; line++) {
        if (line) without[m++] = '\n';
        for (int i = 0; i < 20; i++) with[n++] = without[m++] = (char)('a' + (line * 7 + i * 3) % 26);
        for (int i = 0; i <= line % 3; i++) with[n++] = '\n';
    }
    eval_plan a, b;
    assert_int_equal(eval_plan_make(&a, &model, "stories-256", with, n, 0, NULL), RG_OK);
    assert_int_equal(eval_plan_make(&b, &model, "stories-256", without, m, 0, NULL), RG_OK);
    assert_int_equal(a.n_tokens, b.n_tokens);
    assert_memory_equal(a.token, b.token, a.n_tokens * sizeof *a.token);
    eval_plan_free(&a);
    eval_plan_free(&b);
}

/* ---- figures ---------------------------------------------------------------------------------------------
 */

typedef struct captured {
    double (*p)[TINY_VOCAB]; /* [n_scored] log-probabilities */
    size_t *top;
} captured;

static rg_status capture(void *context, size_t variant, size_t first, size_t n, const float *reference,
                         const float *logits, rg_error *err) {
    captured *c = (captured *)context + variant;
    (void)reference, (void)err;
    for (size_t i = 0; i < n; i++, logits += TINY_VOCAB) {
        double largest = -INFINITY, sum = 0;
        for (size_t j = 0; j < TINY_VOCAB; j++)
            if (logits[j] > largest) largest = logits[j], c->top[first + i] = j;
        for (size_t j = 0; j < TINY_VOCAB; j++) sum += exp(logits[j] - largest);
        for (size_t j = 0; j < TINY_VOCAB; j++) c->p[first + i][j] = logits[j] - largest - log(sum);
    }
    return RG_OK;
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double between(const double *x, size_t n, double q) {
    const double at = q * (double)(n - 1), below = floor(at);
    const double low = x[(size_t)below], high = x[(size_t)below + (at > below)];
    return low + (at - below) * (high - low);
}

/* All windows in one batch, logits kept, figures by their definitions. */
static void by_definition(const char *protocol, const char *policy, size_t n_characters, rg_quality *out) {
    eval_plan plan = plan_of(protocol, n_characters, 0);
    static rg_policy policies[2];
    exec_use *use = calloc(2 * model.graph.n_nodes, sizeof *use);
    bool touched;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rg_policy_parse(i ? policy : "", &policies[i], NULL), RG_OK);
        assert_int_equal(exec_resolve(&model.graph, &policies[i], &(exec_datapaths){0},
                                      use + (size_t)i * model.graph.n_nodes, &touched, NULL),
                         RG_OK);
    }
    const size_t n = plan.n_scored;
    size_t *start = calloc(plan.n_windows + 1, sizeof *start), *scored = calloc(n, sizeof *scored), k = 0;
    captured c[2];
    for (int i = 0; i < 2; i++) c[i].p = calloc(n, sizeof *c[i].p), c[i].top = calloc(n, sizeof *c[i].top);
    for (size_t w = 0; w < plan.n_windows; w++) {
        start[w + 1] = start[w] + plan.window[w].length;
        for (size_t p = plan.window[w].first_scored; p + 1 < plan.window[w].length; p++)
            scored[k++] = start[w] + p;
    }
    exec e;
    const exec_batch batch = {plan.n_windows, start, plan.token, n, scored};
    assert_int_equal(exec_open(&e, &model, use, 2, 1, plan.max_length, NULL), RG_OK);
    assert_int_equal(exec_run(&e, &batch, capture, c, NULL, (const double[2]){0, 1}, NULL), RG_OK);
    exec_close(&e);
    double nll = 0, base = 0, sum = 0, squares = 0, same = 0, reverse = 0, change = 0, change2 = 0, bytes = 0;
    double *kld = calloc(n, sizeof *kld), *moved = calloc(n, sizeof *moved);
    for (size_t i = 0; i < n; i++) {
        const int32_t target = plan.token[scored[i] + 1];
        const char *piece;
        size_t length = 0;
        assert_int_equal(plan.target[i], target);
        assert_true(rg_tokenizer_token(model.tokenizer, target, &piece, &length));
        bytes += (double)length;
        nll -= c[1].p[i][target];
        base -= c[0].p[i][target];
        moved[i] = exp(c[1].p[i][target]) - exp(c[0].p[i][target]);
        change += moved[i];
        change2 += moved[i] * moved[i];
        for (size_t j = 0; j < TINY_VOCAB; j++) reverse += exp(c[1].p[i][j]) * (c[1].p[i][j] - c[0].p[i][j]);
        for (size_t j = 0; j < TINY_VOCAB; j++) kld[i] += exp(c[0].p[i][j]) * (c[0].p[i][j] - c[1].p[i][j]);
        sum += kld[i];
        same += c[0].top[i] == c[1].top[i];
    }
    for (size_t i = 0; i < n; i++) squares += pow(kld[i] - sum / (double)n, 2);
    qsort(kld, n, sizeof *kld, ascending);
    qsort(moved, n, sizeof *moved, ascending);
    *out = (rg_quality){.ppl = exp(nll / (double)n),
                        .kld_mean = sum / (double)n,
                        .kld_mean_se = sqrt(squares / (double)(n - 1) / (double)n),
                        .kld_median = between(kld, n, 0.5),
                        .kld_p90 = between(kld, n, 0.9),
                        .kld_p99 = between(kld, n, 0.99),
                        .kld_max = kld[n - 1],
                        .kld_reverse = reverse / (double)n,
                        .delta_nll = (nll - base) / (double)n,
                        .delta_p_mean = change / (double)n,
                        .delta_p_rms = sqrt(change2 / (double)n),
                        .delta_p = {between(moved, n, 0.01), between(moved, n, 0.05), between(moved, n, 0.25),
                                    between(moved, n, 0.5), between(moved, n, 0.75), between(moved, n, 0.95),
                                    between(moved, n, 0.99)},
                        .bits_per_byte = nll / log(2) / bytes,
                        .same_top = same / (double)n,
                        .tokens = n};
    for (int i = 0; i < 2; i++) free(c[i].p), free(c[i].top);
    free(kld);
    free(moved);
    free(start);
    free(scored);
    free(use);
    eval_plan_free(&plan);
}

static rg_status run(const char *protocol, size_t n_characters, int threads, size_t batch,
                     const char *const *policies, size_t n, rg_quality *out, rg_error *err) {
    char *text = tiny_text(n_characters);
    const rg_eval_options options = {.protocol = protocol, .threads = threads, .batch_tokens = batch};
    rg_status status = rg_eval_run(&model, text, n_characters, policies, n, &options, out, err);
    free(text);
    return status;
}

static void figures(void **state) {
    (void)state;
    const char *const policies[] = {"w=mxfp4,a=mxfp8,kv=e4m3fn", "a=bf16"};
    const char *const protocols[] = {"ridge", "llamacpp-512", "stories-256"};
    for (int i = 0; i < 3; i++) {
        rg_quality got[3], want;
        assert_int_equal(run(protocols[i], 1700, 2, 0, policies, 2, got, NULL), RG_OK);
        for (int j = 0; j < 2; j++) {
            by_definition(protocols[i], policies[j], 1700, &want);
            /* exp in fp32 has 6e-8 of relative error; divergences of bf16 are about 1e-5 of the logits' size
             */
            assert_near(got[j + 1].ppl, want.ppl, 1e-6);
            assert_near(got[j + 1].kld_mean, want.kld_mean, 1e-3);
            assert_near(got[j + 1].kld_mean_se, want.kld_mean_se, 1e-3);
            assert_near(got[j + 1].kld_median, want.kld_median, 1e-3);
            assert_near(got[j + 1].kld_p90, want.kld_p90, 1e-3);
            assert_near(got[j + 1].kld_p99, want.kld_p99, 1e-3);
            assert_near(got[j + 1].kld_max, want.kld_max, 1e-3);
            assert_near(got[j + 1].kld_reverse, want.kld_reverse, 1e-3);
            assert_near(got[j + 1].bits_per_byte, want.bits_per_byte, 1e-6);
            assert_true(fabs(got[j + 1].delta_nll - want.delta_nll) <= 1e-6);
            assert_true(fabs(got[j + 1].delta_p_mean - want.delta_p_mean) <= 1e-6);
            assert_near(got[j + 1].delta_p_rms, want.delta_p_rms, 1e-3);
            for (int k = 0; k < RG_DELTA_P_QUANTILES; k++)
                assert_true(fabs(got[j + 1].delta_p[k] - want.delta_p[k]) <= 1e-6);
            assert_near(got[j + 1].same_top, want.same_top, 1e-12);
            assert_near(got[j + 1].same_top_se,
                        sqrt(want.same_top * (1 - want.same_top) / (double)(want.tokens - 1)), 1e-9);
            assert_int_equal(got[j + 1].tokens, want.tokens);
            assert_true(got[j + 1].ppl_se > 0 && !got[j + 1].is_reference);
        }
        assert_true(got[0].is_reference && got[0].kld_mean == 0 && got[0].same_top == 1);
    }
}

static void same_bits(void **state) {
    (void)state;
    const char *const policies[] = {"w=mxfp4,a=mxfp8,kv=e4m3fn", "w=int4", "w=nvfp4,a=nvfp4",
                                    "w.lm_head=int8,a=e4m3fn@sra(8),a.lm_head=e4m3fn@sra(8)"};
    rg_quality want[5], got[5];
    assert_int_equal(run("ridge", 1500, 1, 0, policies, 4, want, NULL), RG_OK);
    const size_t batches[] = {1, 600, 1300, 100000};
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(run("ridge", 1500, 1 + (int)(i % 2), batches[i], policies, 4, got, NULL), RG_OK);
        for (int j = 0; j < 5; j++) same_numbers(&got[j], &want[j]);
    }
    for (size_t i = 0; rg_kernels_level(i); i++) {
        if (!rg_kernels_named(rg_kernels_level(i))) {
            print_message("skipped: this processor has no %s\n", rg_kernels_level(i));
            continue;
        }
        setenv("RIDGE_CPU", rg_kernels_level(i), 1);
        assert_int_equal(run("ridge", 1500, 2, 0, policies, 4, got, NULL), RG_OK);
        unsetenv("RIDGE_CPU");
        for (int j = 0; j < 5; j++) same_numbers(&got[j], &want[j]);
    }
}

/* ---- what goes wrong -------------------------------------------------------------------------------------
 */

static void refused(rg_status want, const char *protocol, size_t n_characters, const char *policy,
                    const char *word) {
    rg_quality out[2], before[2];
    memset(out, 0x5a, sizeof out);
    memcpy(before, out, sizeof out);
    rg_error err = {0};
    const rg_status got = run(protocol, n_characters, 1, 0, &policy, 1, out, &err);
    if (got != want || !(strstr(err.message, word) || strstr(err.where, word)))
        fail_msg("%s: %s, not %s about %s", err.where, err.message, rg_status_name(want), word);
    assert_memory_equal(out, before, sizeof out);
}

static void errors(void **state) {
    (void)state;
    refused(RG_ERR_USAGE, "harness", 1000, "w=int8", "harness");
    refused(RG_ERR_USAGE, "llamacpp-512", 300, "w=int8", "llamacpp-512");
    refused(RG_ERR_USAGE, "stories-256", 200, "w=int8", "stories-256");
    refused(RG_ERR_USAGE, "ridge", 0, "w=int8", "ridge");
    refused(RG_ERR_USAGE, "ridge", 1000, "w=int9000", "int9000");
    refused(RG_ERR_USAGE, "ridge", 1000, "w.no_such_operator=int8", "no_such_operator");
    model.graph.max_positions = 300;
    refused(RG_ERR_UNSUPPORTED, "llamacpp-512", 1000, "w=int8", "llamacpp-512");
    refused(RG_ERR_UNSUPPORTED, "gptq-2048", 5000, "w=int8", "gptq-2048");
    refused(RG_ERR_USAGE, "harness-word", 0, "w=int8", "harness-word");
    model.graph.max_positions = TINY_POSITIONS;
    model.graph.vocab_size = 511;
    refused(RG_ERR_MISMATCH, "ridge", 1000, "w=int8", "512");
    model.graph.vocab_size = TINY_VOCAB;
}

static void not_finite(void **state) {
    (void)state;
    /* One gain of the last norm is out of reach: every logit is infinite or undefined. */
    const rg_graph_node *head = &model.graph.node[model.graph.output];
    float *gain = model.weight[model.graph.node[head->input[0]].weight], kept = gain[3];
    gain[3] = INFINITY;
    refused(RG_ERR_MISMATCH, "ridge", 1000, "w=int8", "fp32");
    refused(RG_ERR_MISMATCH, "ridge", 1000, "w=int8", "position 255 of window 0");
    gain[3] = kept;
}

static bool stop(void *context, const char *what, double done, double total) {
    double *last = context;
    assert_non_null(what);
    assert_true(done >= *last && done <= total);
    *last = done;
    return done < 0.6 * total;
}

/* Asked to stop: the windows that are done are reported, and equal those of a text that ends there. */
static void interrupted(void **state) {
    (void)state;
    double last = 0;
    const rg_progress progress = {stop, &last};
    const char *const policies[] = {"w=int8", "fp32"};
    rg_quality out[3], want[3], before[3];
    char *text = tiny_text(2500);
    rg_eval_options options = {.protocol = "llamacpp-512", .progress = &progress, .batch_tokens = 512};
    memset(out, 0x5a, sizeof out);
    memcpy(before, out, sizeof out);
    assert_int_equal(rg_eval_run(&model, text, 2500, policies, 2, &options, out, NULL), RG_ERR_CANCELLED);
    assert_memory_equal(out, before, sizeof out);
    last = 0;
    rg_eval_report report = {0};
    rg_error err = {0};
    assert_int_equal(rg_eval_report_make(&report, &model, text, 2500, policies, 2, &options, &err),
                     RG_ERR_CANCELLED);
    assert_true(last >= 0.6 && strstr(err.message, "interrupted"));
    assert_true(!report.complete && report.tokens == 2 * 255 && report.tokens_planned == 4 * 255);
    options = (rg_eval_options){.protocol = "llamacpp-512", .max_tokens = 1024};
    assert_int_equal(rg_eval_run(&model, text, 2500, policies, 2, &options, want, NULL), RG_OK);
    for (int i = 0; i < 3; i++) same_numbers(&report.quality[i], &want[i]);
    rg_eval_report_free(&report);
    last = 0; /* before anything is known */
    options = (rg_eval_options){.progress = &progress, .batch_tokens = 100000};
    assert_int_equal(rg_eval_report_make(&report, &model, text, 2500, policies, 2, &options, NULL),
                     RG_ERR_CANCELLED);
    assert_int_equal(report.n_qualities, 0);
    rg_eval_report_free(&report);
    free(text);
}

static void reference_policies(void **state) {
    (void)state;
    const char *const policies[] = {"fp32", "w=int8", "w=fp32,a=fp32", "w=int8,w=fp32"};
    rg_quality out[5];
    assert_int_equal(run("ridge", 1000, 1, 0, policies, 4, out, NULL), RG_OK);
    for (int i = 0; i < 5; i++) {
        assert_int_equal(out[i].verdict == RG_EQUAL, i != 2);
        assert_int_equal(out[i].is_reference, i != 2);
        assert_int_equal(out[i].kld_mean == 0, i != 2);
        assert_true(i == 2 || out[i].ppl == out[0].ppl);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(ridge_windows),     cmocka_unit_test(fixed_windows),
                                       cmocka_unit_test(empty_lines),       cmocka_unit_test(figures),
                                       cmocka_unit_test(same_bits),         cmocka_unit_test(errors),
                                       cmocka_unit_test(not_finite),        cmocka_unit_test(interrupted),
                                       cmocka_unit_test(reference_policies)};
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
