/* Task sets: forms and their errors, answers and figures recomputed by hand from the log-likelihoods. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "model/choice.h"
#include "model/pairs.h"
#include "unit/model/tiny_model.h"

enum { N_ITEMS = 40, N_CHOICES = 3 };

static void refused(const char *text, rg_status status, const char *where, const char *message) {
    choice_set set;
    rg_error err = {0};
    const rg_status got = choice_set_read(&set, "s.jsonl", text, strlen(text), &err);
    if (got != status || strcmp(err.where, where) != 0 || !strstr(err.message, message))
        fail_msg("%s: status %d, %s: %s", text, (int)got, err.where, err.message);
}

static void bad_lines_are_named(void **state) {
    (void)state;
    static const char good[] = "{\"query\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": 1}\n";
    char text[512];
    const struct {
        const char *line, *message;
    } rows[] = {
        {"{\"query\": \"a\"", "not JSON at column"},
        {"[1]", "no JSON object"},
        {"{\"text\": \"a\"}", "unknown form"},
        {"{\"query\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": 2}", "\"gold\" is 2"},
        {"{\"query\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": -1}", "\"gold\" is -1"},
        {"{\"query\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": \"b\"}", "\"gold\""},
        {"{\"query\": \"a\", \"choices\": [\"b\", \"c\"]}", "\"gold\""},
        {"{\"query\": \"a\", \"choices\": [\"b\"], \"gold\": 0}", "at least two"},
        {"{\"query\": \"a\", \"choices\": \"bc\", \"gold\": 0}", "at least two"},
        {"{\"query\": \"a\", \"choices\": [\"b\", \"\"], \"gold\": 0}", "empty"},
        {"{\"query\": \"a\", \"choices\": [\"b\", 3], \"gold\": 0}", "no text"},
        {"{\"choices\": [\"b\", \"c\"], \"gold\": 0}", "\"query\" is missing"},
        {"{\"context\": \"a\", \"continuation\": \"b\"}", "another form"},
        {"{\"query\": \"a\", \"query\": \"a\", \"choices\": [\"b\", \"c\"], \"gold\": 1}", "duplicate"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "%s\n%s%s\n", good, good, rows[i].line);
        refused(text, RG_ERR_PARSE, "s.jsonl:4", rows[i].message);
    }
    refused("{\"context_options\": [\"a\", \"b\"], \"continuation\": \"\", \"gold\": 0}", RG_ERR_PARSE,
            "s.jsonl:1", "empty");
    refused("{\"context\": \"a\", \"continuation\": \"\"}", RG_ERR_PARSE, "s.jsonl:1", "empty");
    refused("", RG_ERR_PARSE, "s.jsonl", "no items");
    refused("\n \n", RG_ERR_PARSE, "s.jsonl", "no items");
}

static char *make_set(void) {
    rg_str text = {0};
    for (int i = 0; i < N_ITEMS; i++) {
        rg_str_printf(&text, "{\"query\": \"question %d %c\", \"choices\": [", i, 'a' + i % 26);
        for (int k = 0; k < N_CHOICES; k++)
            rg_str_printf(&text, "%s\"%.*s%c\"", k ? ", " : "", 1 + (i + 3 * k) % 7, "abcdefg",
                          'h' + (i * k) % 13);
        rg_str_printf(&text, "], \"gold\": %d}\n", (i * 7) % N_CHOICES);
    }
    assert_false(text.failed);
    return text.data;
}

/* What rg_choice_run must say, made of log-likelihoods alone. */
static void recompute(const pair_plan *plan, const pair_result *r, const choice_set *set, size_t p,
                      rg_choice_quality *q) {
    uint8_t right[2][2][N_ITEMS];
    *q = (rg_choice_quality){0};
    for (size_t i = 0; i < N_ITEMS; i++) {
        size_t answer[2][2];
        for (int who = 0; who < 2; who++) {
            const double *l = r->loglik[who ? 0 : p] + i * N_CHOICES;
            for (int norm = 0; norm < 2; norm++) {
                double top = -1e300;
                for (size_t k = 0; k < N_CHOICES; k++) {
                    const double n = norm ? (double)strlen(set->option[i * N_CHOICES + k].continuation) : 1;
                    if (l[k] / n > top) top = l[k] / n, answer[norm][who] = k;
                }
                right[norm][who][i] = answer[norm][who] == set->item[i].gold;
            }
        }
        q->answers_changed += answer[0][0] != answer[0][1];
        q->gold_loglik += r->loglik[p][i * N_CHOICES + set->item[i].gold] / N_ITEMS;
    }
    rg_paired_shares_compare(N_ITEMS, right[0][1], right[0][0], &q->plain);
    rg_paired_shares_compare(N_ITEMS, right[1][1], right[1][0], &q->normed);
    (void)plan;
}

static void figures_follow_from_likelihoods(void **state) {
    (void)state;
    static const char *const policies[] = {"w=int2", "w=fp32", "w=int8"};
    char *text = make_set();
    choice_set set;
    rg_error err = {0};
    pair_plan plan = {.name = "s"};
    pair_result result;
    rg_choice_summary summary;
    rg_choice_quality got[4], want;
    const rg_choice_options options = {.threads = 1};
    assert_int_equal(choice_set_read(&set, "s", text, strlen(text), &err), RG_OK);
    assert_int_equal(set.n, N_ITEMS);
    for (size_t i = 0; i < set.n_options; i++) {
        char joined[64];
        snprintf(joined, sizeof joined, " %s", set.option[i].continuation);
        const pair_text pair = {set.option[i].context, joined, strlen(set.option[i].context), strlen(joined)};
        assert_int_equal(pair_plan_add(&plan, &model, &pair, &err), RG_OK);
    }
    const pair_options run = {.threads = 1};
    assert_int_equal(pair_run(&model, &plan, policies, 3, &run, &result, &err), RG_OK);
    if (rg_choice_run(&model, "s", text, strlen(text), policies, 3, &options, &summary, got, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    assert_string_equal(summary.kind, "choice");
    assert_int_equal(summary.n, N_ITEMS);
    assert_true(fabs(summary.chance - 1.0 / 3) < 1e-12);
    for (size_t p = 0; p < 4; p++) {
        recompute(&plan, &result, &set, p, &want);
        if (p == 0 || p == 2) want.plain.verdict = want.normed.verdict = RG_EQUAL;
        assert_memory_equal(&got[p].plain, &want.plain, sizeof want.plain);
        assert_memory_equal(&got[p].normed, &want.normed, sizeof want.normed);
        assert_int_equal(got[p].answers_changed, want.answers_changed);
        assert_true(fabs(got[p].gold_loglik - want.gold_loglik) < 1e-9);
        assert_true(got[p].is_reference == (p == 0 || p == 2));
    }
    assert_true(got[1].plain.to_right + got[1].plain.to_wrong >
                0); /* two bits hurt, or the test says little */
    assert_memory_not_equal(&got[1].plain, &got[1].normed, sizeof got[1].plain); /* and lengths matter */
    pair_result_free(&result);
    pair_plan_free(&plan);
    choice_set_free(&set);
    free(text);
}

static rg_status run(const char *text, rg_choice_options options, rg_choice_summary *summary,
                     rg_choice_quality out[2], rg_error *err) {
    static const char *const policies[] = {"w=int4"};
    options.threads = 1;
    return rg_choice_run(&model, "s", text, strlen(text), policies, 1, &options, summary, out, err);
}

static void lengths_and_joins(void **state) {
    (void)state;
    static const char set[] = "{\"query\": \"ab\", \"choices\": [\"c\\u00e9d\", \"efghijk\"], \"gold\": 0}";
    static const char spaced[] =
        "{\"query\": \"ab \", \"choices\": [\"c\\u00e9d\", \"efghijk\"], \"gold\": 0}";
    rg_choice_summary summary;
    rg_choice_quality a[2], b[2];
    rg_error err = {0};
    assert_int_equal(run(set, (rg_choice_options){0}, &summary, a, &err), RG_OK);
    assert_int_equal(run(spaced, (rg_choice_options){0}, &summary, b, &err), RG_OK);
    assert_true(a[0].gold_loglik == b[0].gold_loglik); /* one separator in both */
    assert_int_equal(run(set, (rg_choice_options){.join = "\nAnswer: "}, &summary, b, &err), RG_OK);
    assert_true(a[0].gold_loglik != b[0].gold_loglik);
    for (size_t i = 0; i < 4; i++) {
        static const char *const norms[] = {"byte", "char", "token", "none"};
        assert_int_equal(run(set, (rg_choice_options){.norm = norms[i]}, &summary, b, &err), RG_OK);
        if (i == 3) assert_int_equal(b[0].normed.right, b[0].plain.right);
    }
    assert_int_equal(run(set, (rg_choice_options){.norm = "word"}, &summary, b, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "word"));
}

static void schema_and_cloze(void **state) {
    (void)state;
    static const char schema[] =
        "{\"context_options\": [\"one\", \"two\"], \"continuation\": \"three\", \"gold\": 1}\n"
        "{\"context_options\": [\"a\", \"b\", \"c\", \"d\"], \"continuation\": \"e\", \"gold\": 0}\n";
    static const char cloze[] = "{\"context\": \"one two\", \"continuation\": \"three\"}\n\n"
                                "{\"context\": \"four\", \"continuation\": \"five\", \"source\": 1}\n";
    rg_choice_summary summary;
    rg_choice_quality got[2];
    rg_error err = {0};
    assert_int_equal(run(schema, (rg_choice_options){0}, &summary, got, &err), RG_OK);
    assert_string_equal(summary.kind, "schema");
    assert_true(fabs(summary.chance - 0.375) < 1e-12);
    assert_int_equal(got[0].plain.right, got[0].normed.right); /* one continuation, one length */
    assert_true(isnan(got[0].perplexity));
    assert_int_equal(run(cloze, (rg_choice_options){0}, &summary, got, &err), RG_OK);
    assert_string_equal(summary.kind, "cloze");
    assert_int_equal(summary.n, 2);
    assert_true(fabs(got[0].perplexity / exp(-got[0].gold_loglik) - 1) < 1e-12);
    /* " three" and " five": 6 and 5 tokens of this tokenizer */
    assert_true(fabs(got[0].token_perplexity / exp(-got[0].gold_loglik * 2 / 11) - 1) < 1e-12);
    assert_int_equal(run(cloze, (rg_choice_options){.limit = 1}, &summary, got, &err), RG_OK);
    assert_int_equal(summary.n, 1);
    assert_int_equal(summary.n_set, 2);
}

static void logits_that_are_not_finite_are_refused(void **state) {
    (void)state;
    const rg_graph_node *head = &model.graph.node[model.graph.output];
    float *gain = model.weight[model.graph.node[head->input[0]].weight], kept = gain[3];
    rg_choice_summary summary = {.n = 99};
    rg_choice_quality got[2];
    rg_error err = {0};
    gain[3] = INFINITY;
    assert_int_equal(
        run("\n{\"context\": \"a\", \"continuation\": \"b\"}", (rg_choice_options){0}, &summary, got, &err),
        RG_ERR_MISMATCH);
    gain[3] = kept;
    assert_string_equal(err.where, "s:2 (choice 0)");
    assert_non_null(strstr(err.message, "fp32"));
    assert_int_equal(summary.n, 99);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bad_lines_are_named),
        cmocka_unit_test(figures_follow_from_likelihoods),
        cmocka_unit_test(lengths_and_joins),
        cmocka_unit_test(schema_and_cloze),
        cmocka_unit_test(logits_that_are_not_finite_are_refused),
    };
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
