/* Words of a command against the shell's own splitting, and the pointers of RFC 6901 section 5. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "ledger/ledger.h"

/* The oracle: sh prints each of its words between brackets. */
static void test_words(void **state) {
    (void)state;
    static const char *const commands[] = {"ridge num show e2m1",
                                           "  ridge\tnum  show ",
                                           "a 'b c' d",
                                           "a \"b c\" d",
                                           "a b\\ c d",
                                           "'a'\"b\"c",
                                           "a '' \"\" b",
                                           "'it'\\''s'",
                                           "\"a\\\"b\\\\c\\$d\\ne\"",
                                           "'a\\b'",
                                           "w='int4(sym,group=128)',a=e4m3fn"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        rg_arena arena = {0};
        const char **words = NULL;
        rg_str shell = {0}, mine = {0}, script = {0};
        rg_str_printf(&script, "for w in %s; do printf '[%%s]' \"$w\"; done", commands[i]);
        const char *const argv[] = {"sh", "-c", script.data, NULL};
        assert_int_equal(rg_run_stdout(argv, NULL, 10, &shell, NULL), RG_OK);
        assert_int_equal(ledger_words(&arena, commands[i], &words, NULL), RG_OK);
        for (int k = 0; words[k]; k++) rg_str_printf(&mine, "[%s]", words[k]);
        assert_string_equal(mine.data, shell.data);
        rg_str_free(&shell), rg_str_free(&mine), rg_str_free(&script);
        rg_arena_free(&arena);
    }
}

static void test_bad_words(void **state) {
    (void)state;
    static const char *const commands[] = {"", "   ", "a 'b", "a \"b", "a \"b\\\""};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        rg_arena arena = {0};
        const char **words = NULL;
        assert_int_equal(ledger_words(&arena, commands[i], &words, NULL), RG_ERR_PARSE);
        rg_arena_free(&arena);
    }
    rg_arena arena = {0};
    const char **words = NULL;
    char many[1024];
    for (size_t i = 0; i < sizeof many; i++) many[i] = i % 2 ? ' ' : 'a';
    many[sizeof many - 1] = 0;
    assert_int_equal(ledger_words(&arena, many, &words, NULL), RG_ERR_PARSE);
    assert_int_equal(ledger_words(&arena, "echo $HOME `x` ; > *", &words, NULL), RG_OK);
    assert_string_equal(words[1], "$HOME"); /* nothing is expanded */
    assert_string_equal(words[4], ">");
    rg_arena_free(&arena);
}

static void test_pointers(void **state) {
    (void)state;
    json_t *root = json_loads(
        "{\"foo\": [1, 2], \"\": 0, \"a/b\": 1, \"c%d\": 2, \"i\\\\j\": 5, \"k\\\"l\": 6, \" \": 7,"
        "\"m~n\": 8}",
        0, NULL);
    static const struct {
        const char *pointer;
        int value;
    } found[] = {{"/foo/0", 1}, {"/foo/1", 2}, {"/", 0},  {"/a~1b", 1}, {"/c%d", 2},
                 {"/i\\j", 5},  {"/k\"l", 6},  {"/ ", 7}, {"/m~0n", 8}};
    for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
        const json_t *v = ledger_pointer(root, found[i].pointer);
        assert_true(json_is_integer(v));
        assert_int_equal(json_integer_value(v), found[i].value);
    }
    assert_ptr_equal(ledger_pointer(root, ""), root);
    static const char *const absent[] = {
        "/foo/2", "/foo/01", "/foo/-", "/foo/0/0", "/bar",
        "foo",    "/m~n",    "/m~2n",  "/foo/",    "/foo/99999999999999999999"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++) assert_null(ledger_pointer(root, absent[i]));
    json_decref(root);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_bad_words),
                                       cmocka_unit_test(test_pointers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
