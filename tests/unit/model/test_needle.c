/* The needle test: windows hold what they must, figures follow from likelihoods of the pairs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <ctype.h>
#include <cmocka.h>

#include "model/needle.h"
#include "model/pairs.h"
#include "unit/model/tiny_model.h"

static rg_str text; /* sentences of letters */

static void make_text(void) {
    for (uint32_t i = 0; text.len < 20000; i++) {
        const uint32_t n = 2 + rg_random_u32(5, 0, i) % 7;
        for (uint32_t k = 0; k < n; k++)
            rg_str_printf(&text, "%c", 'a' + rg_random_u32(5, 1, (uint64_t)i * 10 + k) % 26);
        rg_str_add(&text, i % 9 == 8 ? ". " : " ");
    }
    assert_false(text.failed);
}

static size_t occurrences(const char *in, const char *what) {
    size_t n = 0;
    for (const char *at = in; (at = strstr(at, what)); at++) n++;
    return n;
}

static void the_fact_is_hidden_once_where_asked(void **state) {
    (void)state;
    for (uint64_t trial = 0; trial < 50; trial++) {
        needle_fact fact;
        needle_fact_make(&fact, 3, trial, text.data, 10000);
        assert_int_equal(fact.value[0], ' ');
        assert_int_equal(strlen(fact.value), 6);
        for (int i = 1; i < 6; i++) assert_true(isdigit((unsigned char)fact.value[i]));
        assert_true(fact.start == 0 || text.data[fact.start - 1] == ' ');
        double last = -1;
        for (int d = 0; d <= 4; d++) {
            rg_str s;
            rg_error err = {0};
            assert_int_equal(needle_context(&fact, text.data, text.len, 1500, d / 4.0, &s, &err), RG_OK);
            assert_int_equal(occurrences(s.data, fact.question), 2);
            assert_int_equal(occurrences(s.data, fact.value), 1);
            assert_string_equal(s.data + s.len - strlen(fact.question), fact.question);
            const double at = (double)(strstr(s.data, fact.question) - s.data) / (double)s.len;
            assert_true(at > last && fabs(at - d / 4.0) < 0.2);
            last = at;
            rg_str_free(&s);
        }
    }
}

static void facts_follow_the_seed(void **state) {
    (void)state;
    needle_fact a, b;
    size_t same = 0;
    for (uint64_t trial = 0; trial < 100; trial++) {
        needle_fact_make(&a, 3, trial, text.data, 10000);
        needle_fact_make(&b, 3, trial, text.data, 10000);
        assert_memory_equal(&a.start, &b.start, sizeof a.start);
        assert_string_equal(a.value, b.value);
        assert_string_equal(a.question, b.question);
        needle_fact_make(&b, 4, trial, text.data, 10000);
        same += strcmp(a.value, b.value) == 0;
    }
    assert_true(same < 3);
}

static const char *const policies[] = {"kv=int2(sym,row,scale=fp32)", "kv=fp32"};

static void figures_follow_from_likelihoods(void **state) {
    (void)state;
    enum { TRIALS = 9, DEPTHS = 3 };
    const rg_needle_options options = {
        .context = 300, .depths = DEPTHS, .trials = TRIALS, .seed = 7, .threads = 1};
    static rg_needle_quality got[3];
    rg_needle_summary s;
    rg_error err = {0};
    if (rg_needle_run(&model, text.data, text.len, policies, 2, &options, &s, got, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    assert_int_equal(s.trials, TRIALS);
    assert_true(s.longest <= 300 && s.longest > 250 && s.shortest <= s.longest);
    assert_true(fabs(s.value_tokens - 6) < 1e-9); /* a blank and five digits, characters of this tokenizer */
    assert_true(s.depth[0] == 0 && s.depth[1] == 0.5 && s.depth[2] == 1);

    /* by depth and over all the figures must agree with each other */
    for (int p = 0; p < 3; p++) {
        double loglik = 0, delta = 0, share = 0;
        for (int d = 0; d < DEPTHS; d++) {
            loglik += got[p].at[d].loglik / DEPTHS;
            delta += got[p].at[d].delta / DEPTHS;
            share += got[p].at[d].exact / DEPTHS;
            assert_true(fabs(got[p].at[d].delta - (got[p].at[d].loglik - got[0].at[d].loglik)) < 1e-9);
        }
        assert_true(fabs(got[p].loglik - loglik) < 1e-9);
        assert_true(fabs(got[p].difference.mean + delta) < 1e-9);
        assert_true(fabs(got[p].exact.share - share) < 1e-12);
        assert_int_equal(got[p].exact.n, TRIALS * DEPTHS);
    }
    assert_true(got[2].is_reference && got[2].verdict == RG_EQUAL && got[2].difference.mean == 0);
    assert_true(got[1].difference.mean != 0 && got[1].difference.se > 0);
    assert_true(got[1].difference.lo < got[1].difference.mean &&
                got[1].difference.mean < got[1].difference.hi);
}

/* One trial at one depth, whose window can be found again: the likelihood is that of the pair. */
static void a_value_is_scored_as_a_continuation(void **state) {
    (void)state;
    const rg_needle_options options = {.context = 200, .depths = 1, .trials = 1, .seed = 9, .threads = 1};
    rg_needle_quality got[3];
    rg_needle_summary s;
    rg_error err = {0};
    assert_int_equal(rg_needle_run(&model, text.data, text.len, policies, 2, &options, &s, got, &err), RG_OK);
    assert_true(isnan(got[1].difference.lo) && got[1].verdict == RG_CANNOT_TELL);
    /* room for half as much again as 200 tokens take, by the first 64 windows: one character is a token, and
       llama2.c puts a blank in front */
    const size_t window = (size_t)(1.5 * 12800.0 / 12801.0 * 200);
    bool found = false; /* filler of some length, from where the fact says */
    for (size_t filler = 0; filler < 200 && !found; filler++) {
        needle_fact fact;
        rg_str context;
        pair_plan plan = {.name = "t"};
        pair_result r;
        needle_fact_make(&fact, 9, 0, text.data, text.len - window);
        assert_int_equal(needle_context(&fact, text.data, text.len, filler, 0.5, &context, &err), RG_OK);
        const pair_text pair = {context.data, fact.value, context.len, 6, 1, 0};
        assert_int_equal(pair_plan_add(&plan, &model, &pair, &err), RG_OK);
        if (plan.max_length + 1 == s.longest) {
            const pair_options one = {.threads = 1};
            assert_int_equal(pair_run(&model, &plan, policies, 2, &one, &r, &err), RG_OK);
            for (int p = 0; p < 3; p++) found = fabs(r.loglik[p][0] - got[p].loglik) < 1e-9;
            pair_result_free(&r);
        }
        pair_plan_free(&plan);
        rg_str_free(&context);
    }
    assert_true(found);
}

static void refused(rg_needle_options options, size_t size, const char *message) {
    rg_needle_quality got[3];
    rg_needle_summary s = {.trials = 77};
    rg_error err = {0};
    assert_int_equal(rg_needle_run(&model, text.data, size, policies, 2, &options, &s, got, &err),
                     RG_ERR_USAGE);
    if (!strstr(err.message, message)) fail_msg("%s", err.message);
    assert_int_equal(s.trials, 77);
}

static void what_does_not_fit_is_refused(void **state) {
    (void)state;
    refused((rg_needle_options){.context = TINY_POSITIONS + 1}, text.len,
            "601 tokens, the model has 600 positions");
    refused((rg_needle_options){.context = 63}, text.len, "63 tokens");
    refused((rg_needle_options){.context = 64}, text.len,
            "64 tokens"); /* no room for the fact, twice its question */
    refused((rg_needle_options){.context = 300}, 200, "the context is 300");
    refused((rg_needle_options){.context = 300, .depths = 33}, text.len, "33 depths");
}

int main(void) {
    make_text();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fact_is_hidden_once_where_asked),
        cmocka_unit_test(facts_follow_the_seed),
        cmocka_unit_test(figures_follow_from_likelihoods),
        cmocka_unit_test(a_value_is_scored_as_a_continuation),
        cmocka_unit_test(what_does_not_fit_is_refused),
    };
    const int failed = cmocka_run_group_tests(tests, open_tiny, close_tiny);
    rg_str_free(&text);
    return failed;
}
