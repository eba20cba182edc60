/* Log-likelihoods of continuations: tokens of the split, and sums against the logits of one plain forward
   pass per pair. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/exec.h"
#include "model/pairs.h"
#include "unit/model/tiny_model.h"

static int32_t id_of(char c) {
    return c - ' ' + 259;
}

static rg_status add(pair_plan *plan, const char *context, const char *continuation, rg_error *err) {
    const pair_text text = {context, continuation, strlen(context), strlen(continuation), 7, 2};
    plan->name = "set";
    return pair_plan_add(plan, &model, &text, err);
}

static void add_good(pair_plan *plan, const char *context, const char *continuation) {
    rg_error err = {0};
    if (add(plan, context, continuation, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
}

/* BOS, the leading space of llama2.c, characters; a letter of `inputs` is a token. */
static void check_pair(const pair_plan *plan, size_t i, const char *inputs, const char *targets) {
    const pair_item *p = &plan->pair[i];
    const int32_t *token = plan->token + plan->start[p->window];
    const size_t length = plan->start[p->window + 1] - plan->start[p->window];
    assert_int_equal(length, 1 + strlen(inputs));
    assert_int_equal(token[0], rg_tokenizer_bos(model.tokenizer));
    for (size_t k = 1; k < length; k++) assert_int_equal(token[k], id_of(inputs[k - 1]));
    assert_int_equal(p->n, strlen(targets));
    for (size_t k = 0; k < p->n; k++) assert_int_equal(plan->target[p->target + k], id_of(targets[k]));
    assert_int_equal(p->first + p->n, length); /* the last input predicts the last target */
}

static void white_space_goes_to_the_continuation(void **state) {
    (void)state;
    pair_plan plan = {0};
    add_good(&plan, "ab", " cd");
    add_good(&plan, "ab ", "cd");
    add_good(&plan, "ab \t\n", " x");
    check_pair(&plan, 0, " ab c", " cd");
    check_pair(&plan, 1, " ab c", " cd");
    assert_int_equal(plan.pair[0].window, plan.pair[1].window); /* same inputs, one window */
    assert_int_equal(plan.n_windows, 2);
    assert_int_equal(plan.pair[2].n,
                     5); /* blank, tab, newline, blank, x: bytes without a character of theirs */
    pair_plan_free(&plan);
}

static void an_empty_context_is_bos(void **state) {
    (void)state;
    pair_plan plan = {0};
    add_good(&plan, "", "cd");
    check_pair(&plan, 0, " c", " cd");
    pair_plan_free(&plan);
}

static void a_long_context_loses_its_left_end(void **state) {
    (void)state;
    pair_plan plan = {0};
    rg_error err = {0};
    char context[TINY_POSITIONS + 2], inputs[TINY_POSITIONS];
    for (int i = 0; i < TINY_POSITIONS; i++) context[i] = (char)('a' + i % 26);
    context[TINY_POSITIONS] = 0;
    add_good(&plan, context, "XYZ");
    assert_true(plan.pair[0].truncated);
    assert_int_equal(plan.max_length, TINY_POSITIONS);
    memcpy(inputs, context + 3, TINY_POSITIONS - 3); /* BOS, 597 of the context, XY */
    memcpy(inputs + TINY_POSITIONS - 3, "XY", 3);
    check_pair(&plan, 0, inputs, "XYZ");
    context[TINY_POSITIONS - 4] = 0; /* with BOS, the leading space and XY exactly what fits */
    add_good(&plan, context, "XYZ");
    assert_false(plan.pair[1].truncated);
    context[TINY_POSITIONS - 4] = 'q';
    assert_int_equal(add(&plan, "a", context, &err), RG_OK); /* 600 tokens: the context goes, BOS stays */
    assert_true(plan.pair[2].truncated);
    assert_int_equal(plan.pair[2].first, 0);
    context[TINY_POSITIONS] = 'r';
    context[TINY_POSITIONS + 1] = 0;
    assert_int_equal(add(&plan, "a", context, &err), RG_ERR_MISMATCH);
    assert_string_equal(err.where, "set:7");
    assert_non_null(strstr(err.message, "601"));
    assert_int_equal(plan.n, 3);
    assert_int_equal(add(&plan, "ab", "", &err), RG_ERR_PARSE);
    pair_plan_free(&plan);
}

/* ---- sums --------------------------------------------------------------------------------------------- */

typedef struct captured {
    double loglik;
    bool greedy;
    const int32_t *target;
} captured;

static rg_status capture(void *context, size_t variant, size_t first, size_t n, const float *reference,
                         const float *logits, rg_error *err) {
    captured *c = context;
    (void)variant, (void)reference, (void)err;
    for (size_t i = 0; i < n; i++, logits += TINY_VOCAB) {
        double sum = 0;
        size_t top = 0;
        for (size_t j = 0; j < TINY_VOCAB; j++) {
            sum += exp((double)logits[j]);
            if (logits[j] > logits[top]) top = j;
        }
        const size_t target = (size_t)c->target[first + i];
        c->loglik += (double)logits[target] - log(sum);
        c->greedy = c->greedy && top == target;
    }
    return RG_OK;
}

/* One window on its own, one policy. */
static captured alone(const pair_plan *plan, size_t i, const char *text) {
    rg_error err = {0};
    rg_policy policy;
    exec_datapaths datapaths = {0};
    bool touched;
    exec e;
    const pair_item *p = &plan->pair[i];
    exec_use *use = calloc(model.graph.n_nodes, sizeof *use);
    size_t row[64], start[2] = {0, plan->start[p->window + 1] - plan->start[p->window]};
    captured c = {0, true, plan->target + p->target};
    assert_int_equal(rg_policy_parse(text, &policy, &err), RG_OK);
    assert_int_equal(exec_resolve(&model.graph, &policy, &datapaths, use, &touched, &err), RG_OK);
    assert_int_equal(exec_open(&e, &model, use, 1, 1, TINY_POSITIONS, &err), RG_OK);
    assert_true(p->n <= 64);
    for (size_t k = 0; k < p->n; k++) row[k] = p->first + k;
    const exec_batch batch = {1, start, plan->token + plan->start[p->window], p->n, row, 0};
    assert_int_equal(exec_run(&e, &batch, capture, &c, NULL, (double[2]){0, 1}, &err), RG_OK);
    exec_close(&e);
    exec_datapaths_close(&datapaths);
    free(use);
    return c;
}

static const char *const policies[] = {"w=int4,a=int8", "fp32", "kv=e4m3fn"};

static void fill(pair_plan *plan) {
    add_good(plan, "the quick brown fox", " jumps");
    add_good(plan, "the quick brown fox", " x"); /* inputs in common with the next, targets not */
    add_good(plan, "the quick brown fox", " y");
    add_good(plan, "the quick brown fo", "xz q");
    add_good(plan, "", "a");
    add_good(plan, "a longer context, which is not the same as the others", " and a continuation");
}

static void sums_are_those_of_plain_forward_passes(void **state) {
    (void)state;
    pair_plan plan = {0};
    pair_result result;
    rg_error err = {0};
    fill(&plan);
    const pair_options options = {.threads = 1};
    assert_int_equal(pair_run(&model, &plan, policies, 3, &options, &result, &err), RG_OK);
    assert_int_equal(result.n_done, plan.n);
    assert_int_equal(plan.pair[1].window, plan.pair[2].window);
    for (size_t p = 0; p < 4; p++)
        for (size_t i = 0; i < plan.n; i++) {
            const captured c = alone(&plan, i, p ? policies[p - 1] : "fp32");
            if (fabs(result.loglik[p][i] - c.loglik) > 1e-4 * (1 + fabs(c.loglik)))
                fail_msg("policy %zu, pair %zu: %g, expected %g", p, i, result.loglik[p][i], c.loglik);
            assert_int_equal(result.greedy[p][i], c.greedy);
        }
    assert_ptr_equal(result.loglik[2], result.loglik[0]);
    assert_int_equal(result.variants.variant_of[2], 0);
    assert_true(result.loglik[1][0] != result.loglik[0][0]);
    pair_result_free(&result);
    pair_plan_free(&plan);
}

/* The pair whose continuation is made of the likeliest tokens is greedy, and no other. */
static void greedy_continuations_are_seen(void **state) {
    (void)state;
    pair_plan plan = {0};
    pair_result result;
    rg_error err = {0};
    const pair_options options = {.threads = 1};
    for (char c = ' '; c < 127; c++) add_good(&plan, "some context", (char[]){c, c == ' ' ? '!' : 0, 0});
    assert_int_equal(pair_run(&model, &plan, NULL, 0, &options, &result, &err), RG_OK);
    size_t n_greedy = 0, top = 1;
    for (size_t i = 1; i < plan.n; i++) { /* single characters: one token each */
        n_greedy += result.greedy[0][i];
        if (result.loglik[0][i] > result.loglik[0][top]) top = i;
    }
    assert_true(n_greedy <= 1); /* the likeliest of all tokens may be none of these */
    assert_true(n_greedy == 0 || result.greedy[0][top]);
    pair_result_free(&result);
    pair_plan_free(&plan);
}

static void batches_and_threads_change_no_bit(void **state) {
    (void)state;
    pair_plan plan = {0};
    pair_result a, b;
    rg_error err = {0};
    fill(&plan);
    const pair_options one = {.threads = 1, .batch_tokens = 1}, many = {.threads = 2, .batch_tokens = 1000};
    assert_int_equal(pair_run(&model, &plan, policies, 3, &one, &a, &err), RG_OK);
    assert_int_equal(pair_run(&model, &plan, policies, 3, &many, &b, &err), RG_OK);
    for (size_t p = 0; p < 4; p++) assert_memory_equal(a.loglik[p], b.loglik[p], plan.n * sizeof(double));
    pair_result_free(&a);
    pair_result_free(&b);
    pair_plan_free(&plan);
}

static bool stop_at_half(void *context, const char *what, double done, double total) {
    (void)context, (void)what;
    return done < 0.5 * total;
}

static void an_interruption_keeps_what_is_done(void **state) {
    (void)state;
    pair_plan plan = {0};
    pair_result result;
    rg_error err = {0};
    fill(&plan);
    const rg_progress progress = {stop_at_half, NULL};
    pair_options options = {.threads = 1, .batch_tokens = 1, .progress = &progress};
    assert_int_equal(pair_run(&model, &plan, policies, 3, &options, &result, &err), RG_OK);
    assert_true(result.n_done > 0 && result.n_done < plan.n);
    pair_result_free(&result);
    options.batch_tokens = 100000; /* a single batch: nothing is done */
    assert_int_equal(pair_run(&model, &plan, policies, 3, &options, &result, &err), RG_ERR_CANCELLED);
    pair_result_free(&result);
    pair_plan_free(&plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(white_space_goes_to_the_continuation),
        cmocka_unit_test(an_empty_context_is_bos),
        cmocka_unit_test(a_long_context_loses_its_left_end),
        cmocka_unit_test(sums_are_those_of_plain_forward_passes),
        cmocka_unit_test(greedy_continuations_are_seen),
        cmocka_unit_test(batches_and_threads_change_no_bit),
        cmocka_unit_test(an_interruption_keeps_what_is_done),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
