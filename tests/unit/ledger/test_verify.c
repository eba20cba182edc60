/* Verification: a changed byte anywhere is named together with all that rests on it; commands are run again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <sys/stat.h>

#include "unit/ledger/workspace.h"

/* file <- a <- b <- c, and d on another file. */
static void build(char id[4][17]) {
    put_file("model.bin", "weights");
    put_file("other.bin", "others");
    rg_ledger *l = open_workspace();
    add_resting(l, "a", "model.bin", rg_sha256("weights", 7).hex, id[0]);
    add_resting(l, "b", NULL, id[0], id[1]);
    add_resting(l, "c", NULL, id[1], id[2]);
    add_resting(l, "d", workspace_path("other.bin"), rg_sha256("others", 6).hex,
                id[3]); /* an absolute path */
    rg_ledger_close(l);
}

static void expect_named(const char *file, size_t n, const char *const *subjects) {
    rg_ledger_report r = verify_workspace(NULL);
    assert_int_equal(r.claims, 4);
    assert_int_equal(r.n_failed, n);
    for (size_t i = 0; i < n; i++) {
        const rg_ledger_failure *f = failure_of(&r, subjects[i]);
        assert_non_null(f);
        if (!strstr(f->reason, file)) fail_msg("%s: \"%s\" does not name %s", f->subject, f->reason, file);
    }
    rg_ledger_report_free(&r);
}

static void test_changed_input(void **state) {
    (void)state;
    char id[4][17];
    build(id);
    expect_named("", 0, NULL);
    put_file("model.bin", "weighty"); /* one byte */
    expect_named("model.bin", 3, (const char *const[]){"a", "b", "c"});
    put_file("model.bin", "weights");
    expect_named("", 0, NULL);
    put_file("other.bin", "other");
    expect_named("other.bin", 1, (const char *const[]){"d"});
    put_file("other.bin", "");
    expect_named("other.bin", 1, (const char *const[]){"d"});
    assert_int_equal(unlink(workspace_path("other.bin")), 0);
    expect_named("other.bin is missing", 1, (const char *const[]){"d"});
    assert_int_equal(mkfifo(workspace_path("other.bin"), 0600), 0); /* must not wait for a writer */
    expect_named("other.bin is not a regular file", 1, (const char *const[]){"d"});
}

/* Every single bit of every byte of claims.jsonl: the damage is found and placed. */
static void test_every_flipped_byte(void **state) {
    (void)state;
    char id[4][17];
    build(id);
    size_t size;
    char *data = get_file("claims.jsonl", &size);
    for (size_t i = 0; i < size; i++) {
        size_t line = 1;
        for (size_t k = 0; k < i; k++) line += data[k] == '\n';
        char kept = data[i], where[64];
        data[i] = (char)(kept ^ 1 << i % 8);
        assert_int_equal(rg_file_write(workspace_path("claims.jsonl"), data, size, NULL), RG_OK);
        rg_ledger_report r = verify_workspace(NULL);
        bool found = false;
        /* a broken line end joins two lines; a byte that becomes a line end splits one */
        snprintf(where, sizeof where, "claims.jsonl:%zu:", line);
        for (size_t k = 0; k < r.n_failed; k++) found = found || strstr(r.failed[k].reason, where);
        if (!found && !(kept == '\n' && i + 1 == size)) fail_msg("byte %zu: line %zu not named", i, line);
        if (line == 1 && kept != '\n' && r.n_failed < 3) fail_msg("byte %zu: claims on line 1 not named", i);
        rg_ledger_report_free(&r);
        data[i] = kept;
    }
    free(data);
}

static void test_repaired_by_adding(void **state) {
    (void)state;
    char id[4][17], again[17];
    build(id);
    size_t size;
    char *data = get_file("claims.jsonl", &size);
    *strstr(data, "1.5") = '2';
    assert_int_equal(rg_file_write(workspace_path("claims.jsonl"), data, size, NULL), RG_OK);
    free(data);
    rg_ledger *l = open_workspace();
    add_resting(l, "a", "model.bin", rg_sha256("weights", 7).hex, again);
    rg_ledger_close(l);
    assert_string_equal(again, id[0]);
    rg_ledger_report r = verify_workspace(NULL); /* the broken line stays named, but nothing rests on it */
    assert_int_equal(r.claims, 5);
    assert_int_equal(r.n_failed, 1);
    assert_string_equal(r.failed[0].claim, id[0]);
    rg_ledger_report_free(&r);
}

/* ---- commands ------------------------------------------------------------------------------------ */

static char program[256];

/* Prints JSON on stdout and noise on stderr, and counts its runs. */
static void make_program(const char *json) {
    char text[1024];
    snprintf(text, sizeof text, "#!/bin/sh\necho noise >&2\necho \"$@\" >>runs\ncat <<'E'\n%s\nE\n", json);
    snprintf(program, sizeof program, "%s", workspace_path("program"));
    put_file("program", text);
    assert_int_equal(chmod(program, 0700), 0);
}

static void add_command(const char *subject, double value, const char *command, const char *result) {
    char id[17];
    rg_ledger *l = open_workspace();
    rg_claim c = claim_of(subject, value);
    c.command = command;
    c.result = result;
    rg_error e = {0};
    if (rg_ledger_add(l, &c, id, &e) != RG_OK) fail_msg("%s", e.message);
    add_resting(l, "above", NULL, id, id);
    rg_ledger_close(l);
}

static void expect_reason(const char *subject, const char *word) {
    rg_ledger_report r = verify_workspace(program);
    const rg_ledger_failure *f = failure_of(&r, subject), *above = failure_of(&r, "above");
    assert_non_null(f);
    if (!strstr(f->reason, word)) fail_msg("\"%s\" does not say \"%s\"", f->reason, word);
    assert_non_null(above);
    rg_ledger_report_free(&r);
}

static void test_commands(void **state) {
    (void)state;
    make_program("{\"total\": {\"bound_s\": 0.30000000000000004, \"n\": [1, 2.5e-3]}}");
    add_command("x", 0.1 + 0.2, "ridge roof explain 'a model' h100 --json", "/total/bound_s");
    add_command("y", 0.0025, "ridge roof explain 'a model' h100 --json", "/total/n/1");
    rg_ledger_report r = verify_workspace(program);
    assert_int_equal(r.n_failed, 0);
    rg_ledger_report_free(&r);
    size_t size;
    char *runs = get_file("runs", &size); /* once for both, in the workspace, words split */
    assert_string_equal(runs, "roof explain a model h100 --json\n");
    free(runs);
    make_program("{\"total\": {\"bound_s\": 0.3, \"n\": [1, 2.5e-3]}}"); /* another double */
    expect_reason("x", "now gives 0.3, the claim states 0.30000000000000004");
    make_program("{\"total\": {\"bound_s\": null}}");
    expect_reason("x", "no longer gives a number at /total/bound_s");
    make_program("text");
    expect_reason("x", "did not print JSON");
    snprintf(program, sizeof program, "%s", workspace_path("absent"));
    expect_reason("x", "command failed");
}

static void test_only_reading_commands_run(void **state) {
    (void)state;
    static const char *const refused[] = {"rm -rf /nowhere --json",
                                          "ridge study run x -o y --json",
                                          "ridge rtl gen x --json",
                                          "ridge roof explain x -oy --json",
                                          "ridge",
                                          "/bin/ridge num show e2m1",
                                          "ridge num qdq e2m1"};
    make_program("{\"v\": 1}");
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        add_command(refused[i], 1, refused[i], "/v");
        expect_reason(refused[i], "not a command of Ridge that only reads");
    }
    add_command("quote", 1, "ridge num show 'e2m1", "/v");
    expect_reason("quote", "quote");
    assert_true(access(workspace_path("runs"), F_OK) != 0);
}

static bool stop(void *context, const char *what, double done, double total) {
    (void)context, (void)what, (void)done, (void)total;
    return false;
}

static void test_cancel(void **state) {
    (void)state;
    char id[4][17];
    build(id);
    rg_ledger *l = open_workspace();
    rg_ledger_report r = {.claims = 77};
    const rg_progress progress = {.fn = stop};
    assert_int_equal(rg_ledger_verify(l, NULL, &r, &progress, NULL), RG_ERR_CANCELLED);
    assert_int_equal(r.claims, 77);
    rg_ledger_close(l);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, workspace_make, workspace_remove)
    const struct CMUnitTest tests[] = {
        T(test_changed_input), T(test_every_flipped_byte),        T(test_repaired_by_adding),
        T(test_commands),      T(test_only_reading_commands_run), T(test_cancel)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
