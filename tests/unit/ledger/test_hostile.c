/* Hostile lines and broken indices: an error or a named line, never a crash, and sound claims stay readable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "ledger/ledger.h"
#include "unit/ledger/workspace.h"

static char good[17];

static void build(void) {
    rg_ledger *l = open_workspace();
    add_resting(l, "good", NULL, NULL, good);
    rg_ledger_close(l);
}

static void expect_good_found(void) {
    rg_ledger *l = open_workspace();
    rg_str json = {0};
    assert_int_equal(rg_ledger_find(l, good, &json, NULL), RG_OK);
    assert_non_null(strstr(json.data, "\"subject\":\"good\""));
    rg_str_free(&json);
    rg_ledger_close(l);
}

static void expect_line_named(const char *text, size_t size, const char *word) {
    build();
    append_file("claims.jsonl", text, size);
    rg_ledger_report r = verify_workspace(NULL);
    assert_int_equal(r.n_failed, 1);
    assert_non_null(strstr(r.failed[0].reason, "claims.jsonl:2:"));
    if (!strstr(r.failed[0].reason, word)) fail_msg("\"%s\" does not say \"%s\"", r.failed[0].reason, word);
    rg_ledger_report_free(&r);
    expect_good_found();
    assert_int_equal(unlink(workspace_path("claims.jsonl")), 0);
}

static void test_lines(void **state) {
    (void)state;
    static const struct {
        const char *line, *word;
    } lines[] = {{"{\"class\":\"derived\",\"id\":\"0123", "not JSON"},
                 {"[]", "not a JSON object"},
                 {"null", "not"},
                 {"\"text\"", "not"},
                 {"{}", "no id"},
                 {"{\"id\":7}", "no id"},
                 {"{\"id\":\"0123456789ABCDEF\"}", "no id"},
                 {"{\"id\":\"0123456789abcdef\"}", "was changed"},
                 {"{\"id\":\"0123456789abcdef\",\"id\":\"0123456789abcdef\"}", "not JSON"},
                 {"{\"id\":\"\xff\"}", "not JSON"},
                 {"{\"id\":\"\\u0000\"}", "not JSON"},
                 {"{\"value\":1e999}", "not JSON"},
                 {"{\"value\":99999999999999999999}", "not JSON"},
                 {"<<<<<<< HEAD", "not JSON"}};
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        expect_line_named(lines[i].line, strlen(lines[i].line), lines[i].word);
    expect_line_named("\0\0\0\0", 4, "not JSON");
}

/* Objects whose id is right but which are no claims. */
static void test_true_ids_on_no_claims(void **state) {
    (void)state;
    static const char *const objects[] = {
        "{}",
        "{\"class\":\"guessed\"}",
        "{\"class\":\"derived\",\"subject\":[]}",
        "{\"class\":\"derived\",\"subject\":\"s\",\"value\":\"1\"}",
        "{\"class\":\"derived\",\"subject\":\"s\",\"value\":1}",
        "{\"class\":\"derived\",\"inputs\":[7],\"subject\":\"s\",\"value\":1}",
        "{\"class\":\"derived\",\"inputs\":[{\"name\":\"n\",\"path\":\"p\",\"sha256\":\"short\"}],"
        "\"subject\":\"s\",\"value\":1}",
        "{\"class\":\"derived\",\"command\":7,\"inputs\":[],\"subject\":\"s\",\"value\":1}"};
    for (size_t i = 0; i < sizeof objects / sizeof *objects; i++) {
        json_t *json = json_loads(objects[i], 0, NULL);
        char id[17];
        assert_int_equal(ledger_id(json, id, NULL), RG_OK);
        json_object_set_new(json, "id", json_string(id));
        rg_str line = {0};
        ledger_canonical(json, NULL, &line);
        expect_line_named(line.data, line.len, "is no claim");
        rg_str_free(&line);
        json_decref(json);
    }
}

static void test_huge_and_deep_lines(void **state) {
    (void)state;
    size_t n = (1 << 20) + 10;
    char *huge = malloc(n);
    memset(huge, 'x', n);
    expect_line_named(huge, n, "longer than 1 MiB");
    free(huge);
    rg_str deep = {0}; /* below the parser's limit, above that of a claim */
    rg_str_add(&deep, "{\"id\":\"0123456789abcdef\",\"x\":");
    for (int i = 0; i < 1000; i++) rg_str_add(&deep, "[");
    for (int i = 0; i < 1000; i++) rg_str_add(&deep, "]");
    rg_str_add(&deep, "}");
    expect_line_named(deep.data, deep.len, "nested too deeply");
    rg_str_free(&deep);
    char *brackets = malloc(100000); /* above the parser's limit */
    memset(brackets, '[', 100000);
    expect_line_named(brackets, 100000, "not JSON");
    free(brackets);
}

static void test_torn_last_line(void **state) {
    (void)state;
    char id[17];
    build();
    append_file("claims.jsonl", "{\"class\":\"der", 13); /* a writer that died */
    rg_ledger *l = open_workspace();
    add_resting(l, "after", NULL, NULL, id);
    rg_ledger_close(l);
    rg_ledger_report r = verify_workspace(NULL);
    assert_int_equal(r.claims, 3);
    assert_int_equal(r.n_failed, 1);
    assert_non_null(strstr(r.failed[0].reason, "claims.jsonl:2:"));
    rg_ledger_report_free(&r);
}

static void test_claims_that_name_themselves(void **state) {
    (void)state;
    /* ids cannot be forged, but broken lines can state any: no endless walk */
    build();
    static const char line[] =
        "{\"class\":\"derived\",\"id\":\"aaaaaaaaaaaaaaaa\",\"inputs\":[{\"name\":\"n\",\"sha256\":"
        "\"aaaaaaaaaaaaaaaa\"}],\"subject\":\"loop\",\"value\":1}\n";
    append_file("claims.jsonl", line, strlen(line));
    append_file("claims.jsonl", line, strlen(line));
    rg_ledger_report r = verify_workspace(NULL);
    assert_int_equal(r.n_failed, 2);
    assert_string_equal(r.failed[0].subject, "loop");
    rg_ledger_report_free(&r);
}

/* ---- the index ------------------------------------------------------------------------------------ */

static void test_broken_index(void **state) {
    (void)state;
    build();
    size_t size;
    char *sound = get_file("index.sqlite", &size);
    put_file("index.sqlite",
             "this is no database, but longer than a header of one hundred bytes ........................"
             "..........");
    expect_good_found();
    put_file("index.sqlite", "");
    expect_good_found();
    for (size_t at = 0; at < size; at += 97) { /* a byte here and there */
        char kept = sound[at];
        sound[at] = (char)~kept;
        assert_int_equal(rg_file_write(workspace_path("index.sqlite"), sound, size, NULL), RG_OK);
        rg_ledger *l = open_workspace();
        rg_str json = {0};
        rg_status status = rg_ledger_find(l, good, &json, NULL);
        assert_true(status == RG_OK);
        rg_str_free(&json);
        rg_ledger_close(l);
        sound[at] = kept;
    }
    for (size_t cut = size; cut > 512; cut /= 2) {
        assert_int_equal(rg_file_write(workspace_path("index.sqlite"), sound, cut - 1, NULL), RG_OK);
        expect_good_found();
    }
    free(sound);
    assert_int_equal(unlink(workspace_path("index.sqlite")), 0);
    expect_good_found();
    assert_int_equal(unlink(workspace_path("index.sqlite")), 0);
    assert_int_equal(mkdir(workspace_path("index.sqlite"), 0777), 0); /* cannot be replaced: in memory */
    expect_good_found();
}

static void test_stale_index(void **state) {
    (void)state;
    char id[17];
    build();
    size_t size;
    char *sound = get_file("index.sqlite", &size);
    rg_ledger *l = open_workspace();
    add_resting(l, "later", NULL, NULL, id);
    rg_ledger_close(l);
    assert_int_equal(rg_file_write(workspace_path("index.sqlite"), sound, size, NULL), RG_OK);
    free(sound);
    l = open_workspace();
    rg_str json = {0};
    assert_int_equal(rg_ledger_find(l, id, &json, NULL), RG_OK);
    rg_str_free(&json);
    rg_ledger_close(l);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, workspace_make, workspace_remove)
    const struct CMUnitTest tests[] = {
        T(test_lines),          T(test_true_ids_on_no_claims),       T(test_huge_and_deep_lines),
        T(test_torn_last_line), T(test_claims_that_name_themselves), T(test_broken_index),
        T(test_stale_index)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
