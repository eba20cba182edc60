/* Expressions of family files: values, binding, and texts that must fail with a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "graph/expr.h"
#include "unit/graph/models.h"

static rg_status lookup(scope *s, const rg_doc_node *at, const char *name, value *out) {
    (void)s;
    (void)at;
    static const struct {
        const char *name;
        value v;
    } known[] = {{"two", {.kind = VALUE_INT, .i = 2}},
                 {"half", {.kind = VALUE_REAL, .r = 0.5}},
                 {"word", {.kind = VALUE_STRING, .s = "abc"}},
                 {"a.b", {.kind = VALUE_INT, .i = 7}},
                 {"yes", {.kind = VALUE_BOOL, .i = 1}}};
    static rg_doc_node third = {.kind = RG_DOC_NULL},
                       second = {.kind = RG_DOC_SCALAR, .text = "full", .next = &third},
                       first = {.kind = RG_DOC_SCALAR, .text = "7", .next = &second},
                       list = {.kind = RG_DOC_LIST, .n = 3, .child = &first};
    if (strcmp(name, "list") == 0) {
        *out = field_element(&list);
        out->name = "list";
        return RG_OK;
    }
    *out = (value){.name = name};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strcmp(known[i].name, name) == 0) *out = known[i].v;
    return RG_OK;
}

static rg_status weight(scope *s, const rg_doc_node *at, const char *name, int n_dims, const int64_t *shape,
                        value *out) {
    (void)s;
    (void)at;
    (void)name;
    *out = (value){.kind = VALUE_WEIGHT, .i = shape[0] * 1000 + (n_dims > 1 ? shape[1] : 0)};
    return RG_OK;
}

static bool given(scope *s, const char *name) {
    (void)s;
    return strcmp(name, "two") == 0;
}

static rg_status eval(const char *text, rg_arena *arena, value *out, rg_error *err) {
    rg_doc doc = {.file = "f.yaml"};
    rg_doc_node node = {.kind = RG_DOC_SCALAR, .text = text, .line = 3};
    scope sc = {.family = &doc,
                .config_file = "c.json",
                .arena = arena,
                .err = err,
                .lookup = lookup,
                .given = given,
                .weight = weight};
    scanner s;
    expr *e;
    RG_TRY(scanner_open(&s, &doc, &node, arena, err));
    RG_TRY(expr_parse(&s, &e));
    RG_TRY(scanner_end(&s));
    return expr_eval(&sc, &node, e, out);
}

static void values(void **state) {
    (void)state;
    static const struct {
        const char *text;
        value_kind kind;
        int64_t i;
        double r;
    } cases[] = {
        {"1 + 2 * 3 - 4", VALUE_INT, 3, 0},
        {"(1 + 2) * 3 % 5", VALUE_INT, 4, 0},
        {"7 - 2 - 1", VALUE_INT, 4, 0},
        {"-two * -3", VALUE_INT, 6, 0},
        {"- - 4", VALUE_INT, 4, 0},
        {"12 / 4", VALUE_INT, 3, 0},
        {"1.5 / 2", VALUE_REAL, 0, 0.75},
        {"1e-3", VALUE_REAL, 0, 1e-3},
        {"two * half", VALUE_REAL, 0, 1},
        {"two ** 3", VALUE_NULL, -1, 0}, /* refused */
        {"absent ?? 64 / 4", VALUE_INT, 16, 0},
        {"a.b ?? 64 / 4", VALUE_INT, 7, 0}, /* not (a.b ?? 64) / 4 */
        {"absent ?? nothing ?? 5", VALUE_INT, 5, 0},
        {"absent ?? 1 == 1", VALUE_BOOL, 1, 0},
        {"absent == null", VALUE_BOOL, 1, 0},
        {"word == \"abc\" and not false", VALUE_BOOL, 1, 0},
        {"word == \"a{two}\" or yes", VALUE_BOOL, 1, 0},
        {"1 < 2 and 2 <= 2 and 3 > 2.5 and 3 >= 3 and 1 != 2", VALUE_BOOL, 1, 0},
        {"1 == 1.0", VALUE_BOOL, 1, 0},
        {"1 == \"1\"", VALUE_BOOL, 0, 0},
        {"true or absent", VALUE_BOOL, 1, 0}, /* the right side is not looked at */
        {"3 if yes else absent + 1", VALUE_INT, 3, 0},
        {"3 if false", VALUE_NULL, 0, 0},
        {"1 if false else 2 if true else 3", VALUE_INT, 2, 0},
        {"W[two * 4, 3] \"x.{two}\"", VALUE_WEIGHT, 8003, 0},
        {"W[5] \"x\"", VALUE_WEIGHT, 5000, 0},
        {"log(1) + sqrt(two * 8)", VALUE_REAL, 0, 4},
        {"int(-half * 5)", VALUE_INT, -2, 0},
        {"int(7 * half) / 3", VALUE_INT, 1, 0},
        {"given(two) and not given(a.b)", VALUE_BOOL, 1, 0},
        {"9223372036854775807", VALUE_INT, INT64_MAX, 0},
        {"list[0] + list[two - 2]", VALUE_INT, 14, 0},
        {"list[1] == \"full\"", VALUE_BOOL, 1, 0},
        {"list[2] ?? 5", VALUE_INT, 5, 0},
        {"absent[9] ?? 5", VALUE_INT, 5, 0},
        {"7.0 in list and \"full\" in list and not (8 in list)", VALUE_BOOL, 1, 0},
        {"1 in absent", VALUE_BOOL, 0, 0},
        {"word[1] == \"b\" and len(word) == 3 and len(list) == 3", VALUE_BOOL, 1, 0},
        {"list[3]", VALUE_NULL, -1, 0},
        {"word[3]", VALUE_NULL, -1, 0},
        {"word[-1]", VALUE_NULL, -1, 0},
        {"len(two)", VALUE_NULL, -1, 0},
        {"len(absent)", VALUE_NULL, -1, 0},
        {"list[-1]", VALUE_NULL, -1, 0},
        {"list[half]", VALUE_NULL, -1, 0},
        {"two[0]", VALUE_NULL, -1, 0},
        {"list + 1", VALUE_NULL, -1, 0},
        {"1 in two", VALUE_NULL, -1, 0},
        {"list[0", VALUE_NULL, -1, 0},
        {"2 if list", VALUE_NULL, -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_arena arena = {0};
        rg_error err = {0};
        value v = {0};
        rg_status status = eval(cases[i].text, &arena, &v, &err);
        if (cases[i].i == -1) {
            assert_int_equal(status, RG_ERR_PARSE);
        } else {
            if (status != RG_OK) fail_msg("%s: %s", cases[i].text, err.message);
            if (v.kind != cases[i].kind) fail_msg("%s: kind %d", cases[i].text, v.kind);
            if (v.kind == VALUE_REAL && v.r != cases[i].r) fail_msg("%s: %g", cases[i].text, v.r);
            if (v.kind != VALUE_REAL && v.kind != VALUE_NULL && v.i != cases[i].i)
                fail_msg("%s: %lld", cases[i].text, (long long)v.i);
        }
        rg_arena_free(&arena);
    }
}

static const char *const hostile_texts[] = {"",
                                            " ",
                                            "1 +",
                                            "(1",
                                            "1)",
                                            "1 2",
                                            "+",
                                            "* 2",
                                            "??",
                                            "a ??",
                                            "if",
                                            "1 if",
                                            "1 if yes else",
                                            "\"open",
                                            "W[",
                                            "W[1",
                                            "W[1]",
                                            "W[1, 2, 3, 4] \"x\"",
                                            "W[0] \"x\"",
                                            "W[1.5] \"x\"",
                                            "W[] \"x\"",
                                            "W[1] x",
                                            "W[3000000000] \"x\"",
                                            "1 / 0",
                                            "1 % 0",
                                            "7 / 2",
                                            "1.5 % 2",
                                            "1.0 / 0",
                                            "9223372036854775807 + 1",
                                            "9223372036854775807 * 2",
                                            "-9223372036854775807 - 2",
                                            "99999999999999999999",
                                            "1e999",
                                            "1x",
                                            "0x10",
                                            "1..2",
                                            "1e",
                                            "yes + 1",
                                            "word * 2",
                                            "absent + 1",
                                            "not 3",
                                            "1 and yes",
                                            "1 if 1 else 2",
                                            "a.",
                                            ".a",
                                            "&",
                                            "\"{\"",
                                            "\"{absent}\"",
                                            "\"{half}\"",
                                            "1 < word",
                                            "yes < yes",
                                            "\xff",
                                            "1 = 1",
                                            "a = b",
                                            "true.x",
                                            "log(0)",
                                            "sqrt(-1)",
                                            "int(1e300)",
                                            "log()",
                                            "log(two",
                                            "given(1)",
                                            "exp(1)",
                                            "log(word)"};

static void hostile(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof hostile_texts / sizeof *hostile_texts; i++) {
        rg_arena arena = {0};
        rg_error err = {0};
        value v;
        rg_status status = eval(hostile_texts[i], &arena, &v, &err);
        if (status != RG_ERR_PARSE) fail_msg("\"%s\" gave %d", hostile_texts[i], status);
        assert_string_equal(err.where, "f.yaml:3");
        assert_true(err.message[0] != 0);
        rg_arena_free(&arena);
    }
}

static void deep(void **state) {
    (void)state;
    static const char *const units[] = {"(",     "-",  "not ", "1 if yes else ", "W[",   "1 + ",
                                        "1 ?? ", "((", "- (",  "log(",           "list["};
    char text[4000];
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        for (size_t limit = 100; limit < sizeof text; limit += 600) {
            size_t n = 0, m = strlen(units[u]);
            for (; n + m + 2 < limit; n += m) memcpy(text + n, units[u], m);
            text[n] = '1';
            text[n + 1] = 0;
            rg_arena arena = {0};
            rg_error err = {0};
            value v;
            rg_status status = eval(text, &arena, &v, &err); /* sums are long, not deep */
            if (status != RG_OK) assert_int_equal(status, RG_ERR_PARSE);
            rg_arena_free(&arena);
        }
}

/* Every text of up to three tokens, and random longer ones: a value or an error, never a crash. */
static void random_texts(void **state) {
    (void)state;
    static const char *const tokens[] = {"1",     "two",  "half", "word", "absent", "yes",    "(",       ")",
                                         "+",     "-",    "*",    "/",    "%",      "??",     "==",      "<",
                                         "and",   "or",   "not ", " if ", " else ", "W[",     "] \"x\"", ",",
                                         "\"q\"", "null", " ",    "log(", "int(",   "given(", "list["};
    enum { N = sizeof tokens / sizeof *tokens };
    for (uint64_t i = 0; i < 60000; i++) {
        char text[256] = "";
        int n = 1 + (int)(rg_random_u32(7, 0, i) % (i < 30000 ? 4 : 12));
        for (int k = 0; k < n; k++) strcat(text, tokens[rg_random_u32(7, 1 + (uint64_t)k, i) % N]);
        rg_arena arena = {0};
        rg_error err = {0};
        value v;
        rg_status status = eval(text, &arena, &v, &err);
        if (status != RG_OK && (status != RG_ERR_PARSE || !err.message[0])) fail_msg("%s: %d", text, status);
        rg_arena_free(&arena);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(hostile),
                                       cmocka_unit_test(deep), cmocka_unit_test(random_texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
