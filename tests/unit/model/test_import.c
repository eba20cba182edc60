/* Results from elsewhere: figures against what they are made of, forms and their errors. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/import.h"

static rg_import *parse(const char *name, const char *text) {
    rg_import *import = NULL;
    rg_error err = {0};
    if (rg_import_parse(&import, name, text, strlen(text), NULL, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    return import;
}

static rg_import_result against(const rg_import *reference, const rg_import *candidate) {
    static rg_import_result result;
    rg_error err = {0};
    if (rg_import_compare(reference, candidate, &result, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    return result;
}

static const rg_import_figure *figure(const rg_import_result *r, const char *key) {
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->figure[i].key, key) == 0) return &r->figure[i];
    fail_msg("no figure %s", key);
    return NULL;
}

static void is(const rg_import_result *r, const char *key, double value) {
    const double got = figure(r, key)->value;
    if (!(fabs(got - value) <= 1e-9 * (1 + fabs(value))))
        fail_msg("%s is %.12g, expected %.12g", key, got, value);
}

static void refused_as(const char *text, const rg_import_options *options, rg_status status,
                       const char *where, const char *message) {
    rg_import *import = NULL;
    rg_error err = {0};
    const rg_status got = rg_import_parse(&import, "f", text, strlen(text), options, &err);
    if (got != status || strcmp(err.where, where) != 0 || !strstr(err.message, message))
        fail_msg("%s: status %d, %s: %s", text, (int)got, err.where, err.message);
    assert_null(import);
}

static void refused(const char *text, const char *where, const char *message) {
    refused_as(text, NULL, RG_ERR_PARSE, where, message);
}

static void mismatched(const char *a, const char *b, const char *message) {
    rg_import *x = parse("a", a), *y = parse("b", b);
    rg_import_result *result = calloc(1, sizeof *result);
    rg_error err = {0};
    assert_int_equal(rg_import_compare(x, y, result, &err), RG_ERR_MISMATCH);
    assert_int_equal(err.status, RG_ERR_MISMATCH);
    if (!strstr(err.message, message)) fail_msg("%s", err.message);
    assert_int_equal(result->n, 0);
    free(result);
    rg_import_close(x);
    rg_import_close(y);
}

/* ---- lm-evaluation-harness --------------------------------------------------------------------------------
 */

/* 220 items, right under both: 133, under the first alone 10, under the second alone 27. */
static char *samples(int second, bool as_text) {
    rg_str s = {0};
    for (int i = 219; i >= 0; i--) {
        const bool right = i < 133 || (second ? i >= 143 && i < 170 : i >= 133 && i < 143);
        const double gold = -10 - (second ? 0.5 : 0), other = right ? -20 : -5;
        rg_str_printf(&s, "{\"doc_id\": %d, \"doc\": {\"x\": [1]}, \"target\": ", i);
        rg_str_printf(&s,
                      as_text ? "\"1\", \"filtered_resps\": [[\"%g\", \"False\"], [\"%g\", \"True\"]]"
                              : "1, \"filtered_resps\": [[%g, false], [%g, true]]",
                      other, gold);
        rg_str_printf(&s,
                      ", \"filter\": \"none\", \"prompt_hash\": \"p%d\", \"acc\": %s, \"acc_norm\": %d}\n", i,
                      right ? "1.0" : "0.0", i % 2);
    }
    assert_false(s.failed);
    return s.data;
}

static void samples_give_the_paired_test(void **state) {
    (void)state;
    char *a = samples(0, true), *b = samples(1, false);
    rg_import *x = parse("a", a), *y = parse("b", b);
    assert_string_equal(rg_import_kind(x), "lm-eval");
    rg_import_result r = against(x, y);
    is(&r, "n", 220);
    is(&r, "accuracy", 160.0 / 220);
    is(&r, "flips", 37);
    is(&r, "mcnemar_p", 0.007632078602910042);
    is(&r, "unpaired_p", 0.08007965031669928);
    is(&r, "accuracy_norm", 0.5);
    is(&r, "flips_norm", 0);
    is(&r, "gold_loglik", -10.5);
    is(&r, "gold_delta", -0.5);
    is(&r, "answers_changed", 37);
    assert_true(r.compared && r.has_verdict);
    assert_int_equal(r.verdict, RG_BETTER);
    assert_string_equal(r.note, "");
    r = against(y, x);
    assert_int_equal(r.verdict, RG_WORSE);
    r = against(x, x);
    assert_int_equal(r.verdict, RG_EQUAL);
    r = against(NULL, x);
    is(&r, "accuracy", 143.0 / 220);
    assert_false(r.compared || r.has_verdict);
    rg_import_close(x);
    rg_import_close(y);
    free(a);
    free(b);
}

#define SAMPLE(id, rest) "{\"doc_id\": " id ", \"filtered_resps\": [[-1.5, true]], " rest "}\n"
#define GOOD             SAMPLE("0", "\"acc\": 1")

static void samples_of_other_tasks(void **state) {
    (void)state;
    /* one response an item, as LAMBADA's: perplexity; generated text: exact_match only */
    rg_import *x = parse("a", GOOD SAMPLE("1", "\"acc\": 0"));
    rg_import_result r = against(NULL, x);
    is(&r, "perplexity", exp(1.5));
    rg_import_close(x);
    static const char text[] = "{\"doc_id\": 0, \"target\": \"4\", \"filtered_resps\": [\"5\"], \"filter\": "
                               "\"strict\", \"exact_match\": 0}\n"
                               "{\"doc_id\": 0, \"target\": \"4\", \"filtered_resps\": [\"4\"], \"filter\": "
                               "\"loose\", \"exact_match\": 1}\n";
    refused(text, "f:2", "filter \"loose\" beside \"strict\"");
    const rg_import_options loose = {.filter = "loose"}, none = {.filter = "other"};
    rg_error err = {0};
    assert_int_equal(rg_import_parse(&x, "f", text, sizeof text - 1, &loose, &err), RG_OK);
    r = against(NULL, x);
    is(&r, "accuracy", 1);
    is(&r, "n", 1);
    rg_import_close(x);
    refused_as(text, &none, RG_ERR_PARSE, "f", "no samples of filter other");
}

static void bad_samples_are_named(void **state) {
    (void)state;
    refused(GOOD "{\"doc_id\": 1", "f:2", "not JSON");
    refused(GOOD SAMPLE("\"x\"", "\"acc\": 1"), "f:2", "doc_id");
    refused(GOOD SAMPLE("0", "\"acc\": 1"), "f:2", "stands twice (first on line 1)");
    refused(GOOD SAMPLE("1", "\"acc\": 0.5"), "f:2", "\"acc\" is no outcome");
    refused(GOOD SAMPLE("1", "\"f1\": 1"), "f:2", "no \"acc\"");
    refused(GOOD SAMPLE("1", "\"acc\": 1, \"acc_norm\": 1"), "f:2", "differ in form");
    refused("{\"doc_id\": 1, \"filtered_resps\": [[\"nan\", \"True\"]], \"acc\": 1}", "f:1",
            "infinite or undefined");
    refused("{\"doc_id\": 1, \"filtered_resps\": [[\"-inf\", \"True\"]], \"acc\": 1}", "f:1",
            "infinite or undefined");
    refused("{\"doc_id\": 1, \"filtered_resps\": [[NaN, true]], \"acc\": 1}", "f:1", "not JSON");
    mismatched(GOOD, GOOD SAMPLE("1", "\"acc\": 1"), "doc_id 1 is missing");
    mismatched(GOOD SAMPLE("2", "\"acc\": 1"), GOOD SAMPLE("3", "\"acc\": 1"), "doc_id 2 is missing");
    mismatched(SAMPLE("0", "\"acc\": 1, \"prompt_hash\": \"a\""),
               SAMPLE("0", "\"acc\": 1, \"prompt_hash\": \"b\""), "another item");
    mismatched(GOOD, "{\"doc\": 1, \"logprobs\": [-1]}", "form logprobs beside one of form lm-eval");
}

/* ---- log-probabilities ------------------------------------------------------------------------------------
 */

static void token_losses_are_bootstrapped_by_document(void **state) {
    (void)state;
    enum { DOCS = 12 };
    rg_str a = {0}, b = {0}, both = {0};
    double sum[DOCS] = {0}, n[DOCS], tokens = 0, loss = 0;
    for (int i = 0; i < DOCS; i++) {
        /* ids that sort as they count */
        rg_str_printf(&a, "{\"doc\": \"d%02d\", \"logprobs\": [", i);
        rg_str_printf(&b, "{\"doc\": \"d%02d\", \"logprobs\": [", i);
        rg_str la = {0}, lb = {0};
        n[i] = 20 + i;
        for (int k = 0; k < 20 + i; k++) {
            const double x = -3 * rg_random_uniform(1, 0, (uint64_t)(i * 100 + k)),
                         y = x - 0.01 * rg_random_uniform(1, 1, (uint64_t)(i * 100 + k));
            rg_str_printf(&la, "%s%.17g", k ? ", " : "", x);
            rg_str_printf(&lb, "%s%.17g", k ? ", " : "", y);
            sum[i] += x - y;
            loss -= y;
        }
        tokens += n[i];
        rg_str_printf(&both, "{\"doc\": \"d%02d\", \"logprobs\": [%s], \"reference\": [%s]}\n", i, lb.data,
                      la.data);
        rg_str_printf(&a, "%s]}\n", la.data);
        rg_str_printf(&b, "%s]}\n", lb.data);
        rg_str_free(&la);
        rg_str_free(&lb);
    }
    rg_interval want;
    rg_error err = {0};
    assert_int_equal(rg_cluster_bootstrap(sum, n, DOCS, 1, 0.05, 1, &want, &err), RG_OK);
    rg_import *x = parse("a", a.data), *y = parse("b", b.data), *z = parse("c", both.data);
    const rg_import_result pair = against(x, y), alone = against(NULL, z);
    for (int i = 0; i < 2; i++) {
        const rg_import_result *r = i ? &alone : &pair;
        is(r, "tokens", tokens);
        is(r, "documents", DOCS);
        is(r, "clusters", DOCS);
        is(r, "ppl", exp(loss / tokens));
        is(r, "delta_nll", want.mean);
        assert_true(fabs(figure(r, "delta_nll")->lo - want.lo) < 1e-12);
        assert_true(fabs(figure(r, "delta_nll")->hi - want.hi) < 1e-12);
        assert_int_equal(r->verdict, RG_WORSE);
    }
    const rg_import_result same = against(x, x);
    assert_int_equal(same.verdict, RG_EQUAL);
    rg_import_close(x);
    rg_import_close(y);
    rg_import_close(z);
    rg_str_free(&a);
    rg_str_free(&b);
    rg_str_free(&both);
}

static void changes_of_probability(void **state) {
    (void)state;
    rg_import *x = parse("a", "{\"doc\": 1, \"logprobs\": [-0.5, -1, -2], \"reference\": [-0.25, -1.5, -2]}");
    rg_import_result r = against(NULL, x);
    const double dp[3] = {exp(-0.5) - exp(-0.25), exp(-1) - exp(-1.5), 0};
    is(&r, "delta_p_mean", (dp[0] + dp[1] + dp[2]) / 3);
    is(&r, "delta_p_rms", sqrt((dp[0] * dp[0] + dp[1] * dp[1]) / 3));
    is(&r, "delta_p_p50", 0);
    is(&r, "clusters", 1);
    is(&r, "ppl_reference", exp(3.75 / 3));
    assert_int_equal(r.verdict, RG_CANNOT_TELL);
    assert_string_equal(r.note, "1 clusters are too few for an interval");
    rg_import_close(x);
}

static void blocks_stand_in_for_documents(void **state) {
    (void)state;
    rg_str s = {0};
    rg_str_add(&s, "{\"doc\": 1, \"logprobs\": [");
    for (int k = 0; k < 2100; k++) rg_str_printf(&s, "%s%g", k ? ", " : "", -1 - 0.001 * (k % 7));
    rg_str_add(&s, "]}\n");
    rg_import *x = parse("a", s.data);
    const rg_import_result r = against(x, x);
    is(&r, "clusters", 9); /* 8 of 256, 1 of 52 */
    rg_import_close(x);
    rg_str_free(&s);
}

static void bad_log_probabilities_are_named(void **state) {
    (void)state;
    static const char good[] = "{\"doc\": 1, \"logprobs\": [-1, -2]}\n";
    char text[512];
    const struct {
        const char *line, *message;
    } rows[] = {{"{\"doc\": 1, \"logprobs\": [-1]}", "stands twice"},
                {"{\"doc\": 2, \"logprobs\": []}", "empty"},
                {"{\"doc\": 2, \"logprobs\": [0.5]}", "element 0"},
                {"{\"doc\": 2, \"logprobs\": [-1, null]}", "element 1"},
                {"{\"doc\": 2, \"logprobs\": [-1, \"-2\"]}", "element 1"},
                {"{\"doc\": 2.5, \"logprobs\": [-1]}", "\"doc\""},
                {"{\"doc\": 2}", "\"logprobs\""},
                {"{\"doc\": 2, \"logprobs\": [-1], \"reference\": [-1]}", "differ in form"},
                {"{\"doc\": 2, \"logprobs\": [-1], \"reference\": [-1, -2]}", "2 numbers"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "%s%s\n", good, rows[i].line);
        refused(text, "f:2", rows[i].message);
    }
    mismatched(good, "{\"doc\": 1, \"logprobs\": [-1]}", "has 1 tokens");
    mismatched(good, "{\"doc\": 2, \"logprobs\": [-1, -2]}", "is missing");
}

/* ---- llama.cpp
 * ---------------------------------------------------------------------------------------------- */

enum { CHUNKS = 10 };

/* The form of the tool's output; the means of single chunks are ratio[] and 0.1. */
static char *log_of(const double *ratio, const char *sign, const char *delta, double base) {
    rg_str s = {0};
    double sum = 0;
    rg_str_add(
        &s, "llama_context: n_ctx_per_seq (512) < n_ctx_train (8192)\nllama_context: n_ctx         = 512\n");
    for (int i = 0; i < CHUNKS; i++) {
        sum += ratio[i];
        rg_str_printf(&s,
                      "\nchunk             PPL               ln(PPL(Q)/PPL(base))          KL Divergence\n"
                      "%4d    %9.4f %s %9.4f    %10.5f %s %10.5f    %10.5f %s %10.5f    %6.3f %s %6.3f %%    "
                      "%6.3f %s %6.3f %%\n",
                      i + 1, 12.5, sign, 0.5, sum / (i + 1), sign, 0.01, 0.1, sign, 0.001, 1.25, sign, 0.1,
                      96.5, sign, 0.2);
    }
    rg_str_printf(
        &s,
        "\n====== Perplexity statistics ======\nMean PPL(Q)                   :  12.500000 %s   0.500000\n"
        "Mean PPL(base)                :  %9.6f %s   0.450000\nCor(ln(PPL(Q)), ln(PPL(base))):  98.50%%\n"
        "Mean ln(PPL(Q)/PPL(base))     :   %8.6f %s   0.010000\n",
        sign, base, sign, sum / CHUNKS, sign);
    rg_str_printf(&s,
                  "\n====== KL divergence statistics ======\nMean    KLD:   0.100000 %s   0.001000\nMaximum "
                  "KLD:   9.500000\n"
                  "99.0%%   KLD:   0.800000\nMedian  KLD:   0.050000\n 1.0%%   KLD:   0.000010\nMinimum KLD: "
                  " -0.000021\n",
                  sign);
    rg_str_printf(&s,
                  "\nMean    %sp: -0.979 %s 0.015 %%\n99.0%%   %sp: 12.561%%\n 1.0%%   %sp: -20.108%%\nRMS "
                  "%sp    :  5.843 %s 0.054 %%\n"
                  "Same top p: 89.938 %s 0.078 %%\n",
                  delta, sign, delta, delta, delta, sign, sign);
    assert_false(s.failed);
    return s.data;
}

static void logs_of_llama_cpp(void **state) {
    (void)state;
    const double a[CHUNKS] = {0.02, 0.01, 0.03, 0.02, 0.02, 0.01, 0.03, 0.02, 0.015, 0.025},
                 b[CHUNKS] = {0.02, 0.012, 0.031, 0.02, 0.021, 0.01, 0.03, 0.022, 0.015, 0.023};
    char *one = log_of(a, "\xc2\xb1", "\xce\x94", 12.25), *two = log_of(b, "_", "_", 12.25),
         *other = log_of(b, "+-", "?", 12.5);
    rg_import *x = parse("a", one), *y = parse("b", two);
    rg_import_result r = against(NULL, x);
    assert_string_equal(rg_import_kind(x), "llama-kld");
    is(&r, "tokens", CHUNKS * 255);
    is(&r, "ppl", 12.5);
    is(&r, "ppl_se", 0.5);
    is(&r, "ppl_reference", 12.25);
    is(&r, "correlation", 0.985);
    is(&r, "kld_mean", 0.1);
    is(&r, "kld_mean_se", 0.001);
    is(&r, "kld_p99", 0.8);
    is(&r, "kld_median", 0.05);
    is(&r, "kld_max", 9.5);
    is(&r, "kld_min", -0.000021);
    is(&r, "delta_p_mean", -0.00979);
    is(&r, "delta_p_p99", 0.12561);
    is(&r, "delta_p_p01", -0.20108);
    is(&r, "delta_p_rms", 0.05843);
    is(&r, "same_top", 0.89938);
    is(&r, "same_top_se", 0.00078);
    assert_int_equal(r.verdict, RG_WORSE); /* 0.02 nat, s / sqrt(10) = 0.0023 */
    const rg_interval want = rg_cluster_t(a, (double[]){1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, CHUNKS, 0.05);
    assert_true(fabs(figure(&r, "delta_nll")->lo - want.lo) < 1e-4); /* five printed digits */
    assert_true(fabs(figure(&r, "delta_nll")->hi - want.hi) < 1e-4);
    rg_import_result same = against(NULL, y);
    is(&same, "delta_p_mean", -0.00979); /* whatever the signs came through as */
    r = against(x, y);
    assert_true(fabs(figure(&r, "delta_nll")->value - 0.0004) < 2e-5);
    assert_int_equal(r.verdict, RG_CANNOT_TELL);
    assert_non_null(strstr(r.note, "2550 tokens show a difference of"));
    r = against(x, x);
    assert_int_equal(r.verdict, RG_EQUAL);
    rg_import_close(x);
    rg_import_close(y);
    mismatched(one, other, "the base has perplexity 12.5");
    *strstr(one, "Mean    KLD") = 'X';
    refused(one, "f", "\"Mean KLD\"");
    strcpy(strstr(two, "Mean    KLD"), "Mean    KLD:        nan _  nan\n");
    rg_import *z = NULL;
    rg_error err = {0};
    assert_int_equal(rg_import_parse(&z, "f", two, strlen(two), NULL, &err), RG_ERR_PARSE);
    assert_non_null(strstr(err.message, "undefined"));
    free(one);
    free(two);
    free(other);
}

/* ---- activations
 * ---------------------------------------------------------------------------------------------- */

/* A safetensors file of two fp32 tensors of 4 elements. */
static rg_import *dump(const char *name, const char *second, const float *values, const char *shape) {
    char text[512];
    const int n = snprintf(
        text + 8, 256,
        "{\"first\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[0,16]},\"%s\":{\"dtype\":\"F32\","
        "\"shape\":[4],\"data_offsets\":[16,32]}}",
        shape, second);
    const uint64_t size = (uint64_t)n;
    memcpy(text, &size, 8);
    memcpy(text + 8 + n, values, 32);
    rg_import *import = NULL;
    rg_error err = {0};
    if (rg_import_parse(&import, name, text, 8 + (size_t)n + 32, NULL, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    return import;
}

static void activations(void **state) {
    (void)state;
    const float a[8] = {1, -2, 3, 4, 1, 1, 1, 1}, b[8] = {1, -2, 3, 4, 1, 1, 1.5f, 1};
    float c[8] = {1, -2, 3, NAN, 1, 1, 1, 1};
    rg_import *x = dump("a", "second", a, "[4]"), *y = dump("b", "second", b, "[4]"),
              *z = dump("c", "third", a, "[4]"), *flat = dump("d", "second", a, "[2,2]"),
              *nan = dump("e", "second", c, "[4]");
    rg_import_result r = against(x, y);
    is(&r, "tensors", 2);
    is(&r, "tensors_equal", 1);
    is(&r, "elements", 8);
    is(&r, "relative_error", sqrt(0.25 / 34));
    is(&r, "sqnr_db", 10 * log10(34 / 0.25));
    is(&r, "sqnr_min_db", 10 * log10(4 / 0.25));
    is(&r, "cosine_min", 4.5 / sqrt(4 * 5.25));
    is(&r, "max_error", 0.5);
    assert_false(r.has_verdict);
    assert_string_equal(r.note, "farthest: second, 12.04 dB");
    r = against(x, x);
    assert_int_equal(r.verdict, RG_EQUAL);
    rg_error err = {0};
    assert_int_equal(rg_import_compare(x, z, &r, &err), RG_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "\"third\" is missing"));
    assert_int_equal(rg_import_compare(x, flat, &r, &err), RG_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "\"first\" has another shape"));
    assert_int_equal(rg_import_compare(x, nan, &r, &err), RG_ERR_MISMATCH);
    assert_non_null(strstr(err.message, "element 3 of \"first\" is infinite or undefined"));
    rg_import *const all[] = {x, y, z, flat, nan};
    for (size_t i = 0; i < 5; i++) rg_import_close(all[i]);
}

static void forms(void **state) {
    (void)state;
    const char *help;
    size_t n = 0;
    while (rg_import_form(n, &help)) {
        assert_true(strlen(help) > 10);
        n++;
    }
    assert_int_equal(n, 4);
    refused("hello", "f", "no known form");
    refused("", "f", "no known form");
    refused("{\"a\": 1}\n", "f", "no known form");
    const rg_import_options csv = {.form = "csv"}, logprobs = {.form = "logprobs"};
    refused_as("x", &csv, RG_ERR_USAGE, "form", "unknown form \"csv\"");
    refused_as("x", &logprobs, RG_ERR_PARSE, "f:1", "not JSON");
    refused_as("\n", &logprobs, RG_ERR_PARSE, "f", "no documents");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_give_the_paired_test),
        cmocka_unit_test(samples_of_other_tasks),
        cmocka_unit_test(bad_samples_are_named),
        cmocka_unit_test(token_losses_are_bootstrapped_by_document),
        cmocka_unit_test(changes_of_probability),
        cmocka_unit_test(blocks_stand_in_for_documents),
        cmocka_unit_test(bad_log_probabilities_are_named),
        cmocka_unit_test(logs_of_llama_cpp),
        cmocka_unit_test(activations),
        cmocka_unit_test(forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
