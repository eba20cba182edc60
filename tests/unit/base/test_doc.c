/* Documents: places of values, wrong types, typos, hostile text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/doc.h"

static rg_status parse(rg_doc *doc, const char *text, bool json, rg_error *err) {
    return rg_doc_parse(doc, text, strlen(text), "t", json, err);
}

static void yaml_values_and_their_places(void **state) {
    (void)state;
    rg_doc doc;
    rg_error err = {0};
    assert_int_equal(parse(&doc, "a: 1.5\nb: {c: [1, 2, x], d: true}\ne: ~\nf: \"12\"\n", false, &err),
                     RG_OK);
    double number = 0;
    assert_int_equal(rg_doc_number(&doc, doc.root, "a", true, &number, &err), RG_OK);
    assert_true(number == 1.5);
    rg_doc_node *b, *c;
    assert_int_equal(rg_doc_child(&doc, doc.root, "b", RG_DOC_MAP, true, &b, &err), RG_OK);
    assert_int_equal(rg_doc_child(&doc, b, "c", RG_DOC_LIST, true, &c, &err), RG_OK);
    assert_int_equal(c->n, 3);
    assert_int_equal(rg_doc_as_number(&doc, c->child->next->next, &number, &err), RG_ERR_PARSE);
    assert_string_equal(err.where, "t:2 (b.c[2])");
    assert_string_equal(err.message, "found \"x\"");
    bool yes = false;
    assert_int_equal(rg_doc_bool(&doc, b, "d", true, &yes, &err), RG_OK);
    assert_true(yes);
    int64_t whole = 5;
    assert_int_equal(rg_doc_int(&doc, doc.root, "a", true, &whole, &err), RG_ERR_PARSE);
    assert_int_equal(rg_doc_int(&doc, doc.root, "e", false, &whole, &err), RG_OK);
    assert_int_equal(rg_doc_int(&doc, doc.root, "f", true, &whole, &err),
                     RG_ERR_PARSE); /* quoted: a string */
    assert_int_equal(whole, 5);
    assert_int_equal(rg_doc_int(&doc, doc.root, "g", true, &whole, &err), RG_ERR_PARSE);
    assert_string_equal(err.message, "key \"g\" is missing");
    rg_doc_close(&doc);
}

static void unknown_keys_are_named(void **state) {
    (void)state;
    rg_doc doc;
    rg_error err = {0};
    assert_int_equal(parse(&doc, "known: {x: 1,\n  typo: 2}\n", false, &err), RG_OK);
    rg_doc_node *known;
    double x;
    assert_int_equal(rg_doc_child(&doc, doc.root, "known", RG_DOC_MAP, true, &known, &err), RG_OK);
    assert_int_equal(rg_doc_number(&doc, known, "x", true, &x, &err), RG_OK);
    assert_int_equal(rg_doc_unused(&doc, doc.root, &err), RG_ERR_PARSE);
    assert_string_equal(err.where, "t:2 (known.typo)");
    rg_doc_close(&doc);
}

static void json_keeps_its_lines(void **state) {
    (void)state;
    rg_doc doc;
    rg_error err = {0};
    assert_int_equal(
        parse(&doc, "{\"a\":1,\n\t\"b\":{\"c\":\"x\\/y\\u00e9\"},\"n\":null,\"t\":true}", true, &err), RG_OK);
    const char *text = NULL;
    assert_int_equal(rg_doc_string(&doc, rg_doc_get(doc.root, "b"), "c", true, &text, &err), RG_OK);
    assert_string_equal(text, "x/y\xc3\xa9");
    assert_int_equal(rg_doc_get(doc.root, "b")->line, 2);
    assert_int_equal(rg_doc_get(doc.root, "n")->kind, RG_DOC_NULL);
    rg_doc_close(&doc);
}

static void bad_text_is_refused_with_its_line(void **state) {
    (void)state;
    const struct {
        const char *text, *where;
        bool json;
    } cases[] = {
        {"a: 1\na: 2\n", "t:2", false},     {"a: [1, 2\n", "t:2", false},       {"", "t", false},
        {"a: &x 1\nb: *x\n", "t:2", false}, {"? [1]\n: 2\n", "t:1", false},     {"{\"a\":1,", "t:1", true},
        {"{\"a\":1,\"a\":2}", "t:1", true}, {"a: 1\n---\nb: 2\n", "t:3", false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_doc doc;
        rg_error err = {0};
        assert_int_equal(parse(&doc, cases[i].text, cases[i].json, &err), RG_ERR_PARSE);
        assert_string_equal(err.where, cases[i].where);
    }
}

static void deep_nesting_and_random_bytes_end_in_errors(void **state) {
    (void)state;
    char text[4096];
    memset(text, '[', sizeof text);
    rg_doc doc;
    rg_error err = {0};
    assert_int_equal(rg_doc_parse(&doc, text, sizeof text, "t", false, &err), RG_ERR_PARSE);
    const char alphabet[] = "a:-[]{}, \n\"'#&*!|>%@\\0\x80\xff";
    for (uint64_t round = 0; round < 3000; round++) {
        size_t n = rg_random_u32(1, round, 0) % 60;
        for (size_t i = 0; i < n; i++) text[i] = alphabet[rg_random_u32(1, round, i + 1) % sizeof alphabet];
        for (int json = 0; json < 2; json++)
            if (rg_doc_parse(&doc, text, n, "t", json, NULL) == RG_OK) rg_doc_close(&doc);
    }
}

/* Escapes of JSON that YAML writes otherwise. */
static void json_escapes(void **state) {
    (void)state;
    static const char text[] = "{\"a\": \"\\ud83d\\ude00 \\u00e9 \\\\ud83d\\\\ude00 \\/ \\\"\",\t\"b\": 1}";
    rg_doc doc;
    assert_int_equal(rg_doc_parse(&doc, text, sizeof text - 1, "x.json", true, NULL), RG_OK);
    const char *a = NULL;
    assert_int_equal(rg_doc_string(&doc, doc.root, "a", true, &a, NULL), RG_OK);
    assert_string_equal(a, "\xf0\x9f\x98\x80 \xc3\xa9 \\ud83d\\ude00 / \"");
    rg_doc_close(&doc);
}

/* As Python writes it: a word where anything may stand, no number, and nothing in a string. */
static void json_infinity(void **state) {
    (void)state;
    rg_doc doc;
    rg_error err = {0};
    double number;
    assert_int_equal(parse(&doc,
                           "{\"a\": [0.0, Infinity, -Infinity], \"b\": \"\\\"Infinity\", \"c\": Infinity}",
                           true, &err),
                     RG_OK);
    assert_string_equal(rg_doc_get(doc.root, "a")->child->next->text, "Infinity");
    assert_string_equal(rg_doc_get(doc.root, "a")->child->next->next->text, "-Infinity");
    assert_string_equal(rg_doc_get(doc.root, "b")->text, "\"Infinity");
    assert_int_equal(rg_doc_number(&doc, doc.root, "c", true, &number, &err), RG_ERR_PARSE);
    rg_doc_close(&doc);
    assert_int_equal(parse(&doc, "{\"a\": Infinity8}", true, &err), RG_ERR_PARSE);
    assert_int_equal(parse(&doc, "{\"a\": NaN}", true, &err), RG_ERR_PARSE);
    assert_int_equal(parse(&doc, "{Infinity: 1}", true, &err), RG_ERR_PARSE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_escapes),
        cmocka_unit_test(json_infinity),
        cmocka_unit_test(yaml_values_and_their_places),
        cmocka_unit_test(unknown_keys_are_named),
        cmocka_unit_test(json_keeps_its_lines),
        cmocka_unit_test(bad_text_is_refused_with_its_line),
        cmocka_unit_test(deep_nesting_and_random_bytes_end_in_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
