/* Protocols of other tools: gptq-2048 on the small model; harness-word against what lm-evaluation-harness
   0.4.9 makes of the same input (figures recorded from its preprocess_wikitext.py and utils.py). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/eval.h"
#include "unit/model/stories_check.h"
#include "unit/model/tiny_model.h"

static void gptq_windows(void **state) {
    (void)state;
    char *text = tiny_text(7000);
    int32_t *ids;
    size_t n;
    eval_plan plan;
    model.graph.max_positions = 2048;
    assert_int_equal(rg_tokenize(model.tokenizer, text, 7000, &ids, &n, NULL), RG_OK);
    assert_int_equal(eval_plan_make(&plan, &model, "gptq-2048", text, 7000, 0, NULL), RG_OK);
    const size_t bos = rg_tokenizer_adds_bos(model.tokenizer);
    assert_int_equal(plan.n_windows, (n + bos) / 2048);
    assert_int_equal(plan.n_scored, plan.n_windows * 2047);
    for (size_t w = 0; w < plan.n_windows; w++) {
        const eval_window *at = &plan.window[w];
        assert_true(at->length == 2048 && at->first_scored == 0 && at->n_scored == 2047);
        for (size_t p = 0; p < 2048; p++) {
            const size_t index = 2048 * w + p; /* in BOS and text, put together once */
            const int32_t want = index < bos ? rg_tokenizer_bos(model.tokenizer) : ids[index - bos];
            assert_int_equal(plan.token[at->start + p], want);
            if (p) assert_int_equal(plan.target[w * 2047 + p - 1], want);
        }
    }
    eval_plan_free(&plan);
    assert_int_equal(eval_plan_make(&plan, &model, "gptq-2048", text, 2000, 0, NULL), RG_ERR_USAGE);
    model.graph.max_positions = TINY_POSITIONS;
    free(ids);
    free(text);
}

/* One page of 13 tokens, windows of 5: what get_rolling_token_windows and make_disjoint_window give. */
static void rolling_windows(void **state) {
    (void)state;
    static const struct {
        int n_tokens, n_windows,
            first[3][2]; /* token that stands first (-1: prefix), first scored position */
    } cases[] = {{1, 1, {{-1, 0}}},
                 {4, 1, {{-1, 0}}},
                 {5, 1, {{-1, 0}}},
                 {6, 2, {{-1, 0}, {0, 4}}},
                 {13, 3, {{-1, 0}, {4, 0}, {7, 2}}}};
    model.graph.max_positions = 5;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        /* the tokenizer puts a space in front */
        const size_t n = (size_t)cases[k].n_tokens;
        eval_plan plan;
        assert_int_equal(eval_plan_make(&plan, &model, "harness-word", "abcdefghijklm", n - 1, 0, NULL),
                         n == 1 ? RG_ERR_USAGE : RG_OK);
        if (n == 1) continue;
        int32_t *ids;
        size_t n_ids, scored = 0;
        assert_int_equal(rg_tokenize(model.tokenizer, "abcdefghijklm", n - 1, &ids, &n_ids, NULL), RG_OK);
        assert_int_equal(n_ids, n);
        assert_int_equal(plan.n_windows, cases[k].n_windows);
        for (size_t w = 0; w < plan.n_windows; w++) {
            const eval_window *at = &plan.window[w];
            assert_int_equal(at->text_index, cases[k].first[w][0]);
            assert_int_equal(at->first_scored, cases[k].first[w][1]);
            assert_int_equal(at->length, n < 5 ? n : 5);
            for (size_t p = 0; p < at->length; p++) {
                const int64_t index = at->text_index + (int64_t)p;
                assert_int_equal(plan.token[at->start + p],
                                 index < 0 ? rg_tokenizer_bos(model.tokenizer) : ids[index]);
            }
            for (size_t i = 0; i < at->n_scored; i++, scored++)
                assert_int_equal(plan.target[scored], ids[scored]);
        }
        assert_int_equal(scored, n);
        assert_int_equal(plan.n_scored, n);
        eval_plan_free(&plan);
        free(ids);
    }
    model.graph.max_positions = TINY_POSITIONS;
}

/* Word, byte and token perplexity by their definitions; pages are scored apart. */
static void word_perplexity(void **state) {
    (void)state;
    const char *text = " \n = One = \n\nalpha beta , gamma\n = Two = \n\n delta ( epsilon ) zeta eta\n = = "
                       "part = = \ntheta\n";
    rg_quality q[2];
    rg_eval_options options = {.protocol = "harness-word"};
    assert_int_equal(rg_eval_run(&model, text, strlen(text), NULL, 0, &options, q, NULL), RG_OK);
    eval_plan plan;
    assert_int_equal(eval_plan_make(&plan, &model, "harness-word", text, strlen(text), 0, NULL), RG_OK);
    assert_int_equal(plan.n_documents, 2);
    assert_true(plan.words[0] == 8 && plan.words[1] == 17); /* len(re.split(r"\s+", page)) */
    assert_true(plan.bytes[0] == 29 && plan.bytes[1] == 60);
    const double loss = (double)plan.n_scored * log(q[0].token_ppl);
    assert_true(fabs(q[0].ppl / exp(loss / 25) - 1) < 1e-9);
    assert_true(fabs(q[0].byte_ppl / exp(loss / 89) - 1) < 1e-9);
    assert_true(fabs(q[0].bits_per_byte / (loss / log(2) / 89) - 1) < 1e-9);
    eval_plan_free(&plan);
    /* the first page alone, by a limit that cuts the second */
    assert_int_equal(eval_plan_make(&plan, &model, "harness-word", text, strlen(text), 40, NULL), RG_OK);
    assert_int_equal(plan.n_documents, 1);
    assert_int_equal(plan.document[plan.n_scored - 1], 0);
    eval_plan_free(&plan);
    assert_int_equal(eval_plan_make(&plan, &model, "harness-word", text, strlen(text), 4, NULL),
                     RG_ERR_USAGE);
}

static void detokenizer(void **state) {
    (void)state;
    const char
        *odd =
            "a ( b ) [  c ] { d } \" e \" ' f '\n = = = = x = = \u00a0y \u00b0 z N w 's s ' q , r . t @-@ u "
            "@,@ v /' 5/ ( open\u2003 ) \x1c",
        *want = "a (b) [c] {d} \"e\" 'f'\n==== x == \u00a0y\u00b0z 1 w's s' q, r. t-u,v /'[0-9]/ (open) \x1c";
    char *got;
    size_t n;
    assert_int_equal(documents_detokenize(odd, strlen(odd), &got, &n, NULL), RG_OK);
    assert_int_equal(n, strlen(want));
    assert_memory_equal(got, want, n);
    free(got);
    assert_int_equal(documents_words(odd, strlen(odd)), 46);
    const char *broken = "x ( \xff ) y , z"; /* no UTF-8: byte by byte */
    assert_int_equal(documents_detokenize(broken, strlen(broken), &got, &n, NULL), RG_OK);
    assert_int_equal(n, 10);
    assert_memory_equal(got, "x (\xff) y, z", 10);
    free(got);
    assert_int_equal(documents_detokenize("", 0, &got, &n, NULL), RG_OK);
    assert_int_equal(n, 0);
    free(got);
}

/* The whole test set of WikiText-2: pages, words, bytes, and the text that is scored. */
static void wikitext(void **state) {
    (void)state;
    char path[1024], *text;
    size_t size, n, *start, words = 0, bytes = 0;
    stories_path(path, sizeof path, "text/wikitext2-raw-test/wiki.test.raw");
    struct stat s;
    if (stat(path, &s) != 0) {
        print_message("skipped: shared data absent\n");
        skip();
    }
    assert_int_equal(rg_file_read(path, 1 << 26, &text, &size, NULL), RG_OK);
    assert_int_equal(documents_find(text, size, &start, &n, NULL), RG_OK);
    assert_int_equal(n, 62);
    rg_str all = {0};
    for (size_t i = 0; i < n; i++) {
        const size_t length = start[i + 1] - start[i] - (i + 1 < n);
        char *changed;
        size_t changed_size;
        assert_int_equal(documents_detokenize(text + start[i], length, &changed, &changed_size, NULL), RG_OK);
        rg_str_add_n(&all, changed, changed_size);
        words += documents_words(text + start[i], length);
        bytes += length;
        free(changed);
    }
    assert_int_equal(words, 241335);
    assert_int_equal(bytes, 1290527);
    assert_int_equal(all.len, 1240466);
    assert_string_equal(rg_sha256(all.data, all.len).hex,
                        "d6535ca809061590d5e672ac43d8d2d5e1fb500c3005768f6050dcc007786165");
    rg_str_free(&all);
    free(start);
    free(text);
}

/* Scored tokens know their page also where windows cross pages. */
static void documents_of_tokens(void **state) {
    (void)state;
    const char *text = " = One = \nabcdefghijabcdefghijabcdefghij\n = Two = \nklmnopqrst\n";
    eval_plan plan;
    assert_int_equal(eval_plan_make(&plan, &model, "ridge", text, strlen(text), 0, NULL), RG_OK);
    assert_int_equal(plan.n_documents, 2);
    const size_t second =
        strlen(" = One = \nabcdefghijabcdefghijabcdefghij\n") + 1; /* the tokenizer's space in front */
    for (size_t i = 0; i < plan.n_scored; i++) {
        const size_t token =
            (size_t)(plan.window[0].text_index + (int64_t)(plan.window[0].first_scored + 1 + i));
        assert_int_equal(plan.document[i], token >= second);
    }
    eval_plan_free(&plan);
    assert_int_equal(eval_plan_make(&plan, &model, "ridge", "no title", 8, 0, NULL), RG_OK);
    assert_null(plan.document);
    eval_plan_free(&plan);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gptq_windows),    cmocka_unit_test(rolling_windows),
        cmocka_unit_test(word_perplexity), cmocka_unit_test(detokenizer),
        cmocka_unit_test(wikitext),        cmocka_unit_test(documents_of_tokens)};
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
