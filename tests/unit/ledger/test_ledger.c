/* Claims: canonical lines and ids against hand-written text, idempotence, merging, look-ups, unsound claims.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <openssl/sha.h>

#include "unit/ledger/workspace.h"

/* The oracle: SHA-256 by another interface of libcrypto, over text written by hand. */
static void id_of(const char *text, char id[17]) {
    unsigned char raw[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), raw);
    for (int i = 0; i < 8; i++) snprintf(id + 2 * i, 3, "%02x", raw[i]);
}

static void test_line_and_id(void **state) {
    (void)state;
    static const char digest[] = "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd";
    const rg_claim_input inputs[] = {{"text", "t.txt", digest}, {"other", NULL, "0123456789abcdef"}};
    const char *const versions[] = {"yosys=0.23"};
    const rg_claim c = {.kind = RG_SIMULATED,
                        .subject = "silicon/\"x\"\\\n\xc2\xb5",
                        .text = "words",
                        .value = 0.1 + 0.2,
                        .unit = "um2",
                        .lo = -0.0,
                        .hi = 123456789012.0,
                        .interval = "range",
                        .n_inputs = 2,
                        .input = inputs,
                        .command = "ridge rtl ppa",
                        .n_versions = 1,
                        .version = versions};
    char text[1024], line[1100], id[17], expected[17];
    snprintf(text, sizeof text,
             "{\"class\":\"simulated\",\"command\":\"ridge rtl "
             "ppa\",\"hi\":123456789012,%%s\"inputs\":[{\"name\":\"text\","
             "\"path\":\"t.txt\",\"sha256\":\"%s\"},{\"name\":\"other\",\"sha256\":\"0123456789abcdef\"}],"
             "\"interval\":\"range\",\"lo\":0,\"subject\":\"silicon/"
             "\\\"x\\\"\\\\\\u000a\xc2\xb5\",\"text\":\"words\","
             "\"unit\":\"um2\",\"value\":0.30000000000000004,\"versions\":[\"ridge=" RG_VERSION
             "\",\"yosys=0.23\"]}",
             digest);
    snprintf(line, sizeof line, text, "");
    id_of(line, expected);
    rg_ledger *l = open_workspace();
    assert_int_equal(rg_ledger_add(l, &c, id, NULL), RG_OK);
    assert_string_equal(id, expected);
    rg_ledger_close(l);
    char member[32];
    snprintf(member, sizeof member, "\"id\":\"%s\",", id);
    snprintf(line, sizeof line, text, member);
    strcat(line, "\n");
    size_t size;
    char *data = get_file("claims.jsonl", &size);
    assert_string_equal(data, line);
    free(data);
}

static void test_numbers_read_back(void **state) {
    (void)state;
    static const double values[] = {
        0,    1,      -1,   0.1,   1.0 / 3, 1e22, 1e-5,         5e-324, 1.7976931348623157e308,
        1e15, 0x1p53, 1e17, 65504, 1e300,   -2.5, 6.02214076e23};
    rg_ledger *l = open_workspace();
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char id[17];
        rg_claim c = claim_of("number", values[i]);
        rg_str json = {0};
        assert_int_equal(rg_ledger_add(l, &c, id, NULL), RG_OK);
        assert_int_equal(rg_ledger_find(l, id, &json, NULL), RG_OK);
        assert_true(strtod(strstr(json.data, "\"value\":") + 8, NULL) == values[i]);
        rg_str_free(&json);
    }
    rg_ledger_close(l);
    rg_ledger_report r = verify_workspace(NULL); /* what was printed is canonical when read */
    assert_int_equal(r.claims, sizeof values / sizeof *values);
    assert_int_equal(r.n_failed, 0);
    rg_ledger_report_free(&r);
}

static void test_same_claim_once(void **state) {
    (void)state;
    char first[17], second[17];
    rg_ledger *l = open_workspace();
    add_resting(l, "a", NULL, NULL, first);
    add_resting(l, "a", NULL, NULL, second);
    assert_string_equal(first, second);
    rg_ledger_close(l);
    l = open_workspace();
    add_resting(l, "a", NULL, NULL, second);
    add_resting(l, "b", NULL, NULL, second);
    assert_string_not_equal(first, second);
    rg_ledger_close(l);
    assert_int_equal(count_lines("claims.jsonl"), 2);
}

/* Two processes with the same workspace: neither loses a claim, the index comes right. */
static void test_two_writers(void **state) {
    (void)state;
    char id[17];
    rg_ledger *one = open_workspace();
    add_resting(one, "a", NULL, NULL, id);
    rg_ledger *two = open_workspace();
    add_resting(two, "b", NULL, NULL, id);
    add_resting(one, "c", NULL, NULL, id);
    rg_ledger_close(one);
    rg_ledger_close(two);
    assert_int_equal(count_lines("claims.jsonl"), 3);
    rg_ledger *l = open_workspace();
    rg_str list = {0};
    assert_int_equal(rg_ledger_list(l, "[abc]", &list, NULL), RG_OK);
    int n = 0;
    for (const char *p = list.data; (p = strstr(p, "\"subject\"")); p++) n++;
    assert_int_equal(n, 3);
    rg_str_free(&list);
    rg_ledger_close(l);
}

/* Lines of another workspace, in another order, one of them twice: the union. */
static void test_merge(void **state) {
    (void)state;
    char a[17], b[17], c[17];
    rg_ledger *l = open_workspace();
    add_resting(l, "a", NULL, NULL, a);
    add_resting(l, "b", NULL, a, b);
    rg_ledger_close(l);
    size_t size;
    char *mine = get_file("claims.jsonl", &size);
    assert_int_equal(unlink(workspace_path("claims.jsonl")), 0);
    l = open_workspace();
    add_resting(l, "c", NULL, a, c); /* rests on a claim that comes with the other lines */
    rg_ledger_close(l);
    rg_ledger_report r = verify_workspace(NULL);
    assert_int_equal(r.n_failed, 1);
    assert_non_null(strstr(r.failed[0].reason, a));
    rg_ledger_report_free(&r);
    append_file("claims.jsonl", mine, size);
    append_file("claims.jsonl", mine, size);
    free(mine);
    r = verify_workspace(NULL);
    assert_int_equal(r.claims, 3);
    assert_int_equal(r.n_failed, 0);
    rg_ledger_report_free(&r);
    l = open_workspace(); /* the index has followed */
    rg_str users = {0};
    assert_int_equal(rg_ledger_used_by(l, a, &users, NULL), RG_OK);
    assert_non_null(strstr(users.data, b));
    assert_non_null(strstr(users.data, c));
    rg_str_free(&users);
    rg_ledger_close(l);
}

static void test_used_by_follows_chains(void **state) {
    (void)state;
    char a[17], b[17], c[17], other[17];
    rg_ledger *l = open_workspace();
    const rg_claim assumption = {.kind = RG_ASSUMED,
                                 .subject = "assumption/x",
                                 .value = NAN,
                                 .lo = NAN,
                                 .hi = NAN,
                                 .source = "judgement"};
    assert_int_equal(rg_ledger_add(l, &assumption, a, NULL), RG_OK);
    add_resting(l, "b", NULL, a, b);
    add_resting(l, "c", NULL, b, c);
    add_resting(l, "other", NULL, NULL, other);
    rg_str json = {0};
    assert_int_equal(rg_ledger_used_by(l, a, &json, NULL), RG_OK);
    assert_non_null(strstr(json.data, b));
    assert_non_null(strstr(json.data, c));
    assert_null(strstr(json.data, other));
    rg_str_free(&json);
    assert_int_equal(rg_ledger_find(l, a, &json, NULL), RG_OK);
    assert_non_null(strstr(json.data, "\"status\":\"open\""));
    assert_non_null(strstr(json.data, "\"value\":null"));
    rg_str_free(&json);
    assert_int_equal(rg_ledger_find(l, "0000000000000000", &json, NULL), RG_ERR_USAGE);
    assert_int_equal(rg_ledger_used_by(l, "0000000000000000", &json, NULL), RG_ERR_USAGE);
    assert_null(json.data);
    rg_ledger_close(l);
}

static void refuse(rg_ledger *l, rg_claim c, const char *word) {
    char id[17] = "untouched";
    rg_error e = {0};
    assert_int_equal(rg_ledger_add(l, &c, id, &e), RG_ERR_USAGE);
    assert_string_equal(id, "untouched");
    if (!strstr(e.message, word)) fail_msg("\"%s\" does not say \"%s\"", e.message, word);
}

static void test_unsound_claims(void **state) {
    (void)state;
    rg_ledger *l = open_workspace();
    const rg_claim good = claim_of("s", 1);
    const rg_claim_input bad_digest = {"x", "f", "abc"}, no_name = {NULL, "f", NULL},
                         upper = {"x", NULL, "ABCDEF0123456789"};
    rg_claim c;
#define REFUSE(word, ...) (c = good, __VA_ARGS__, refuse(l, c, word))
    REFUSE("subject", c.subject = NULL);
    REFUSE("subject", c.subject = "");
    REFUSE("finite", c.value = NAN);
    REFUSE("finite", c.value = INFINITY);
    REFUSE("unit", c.unit = NULL);
    REFUSE("interval", c.lo = 2, c.hi = 1);
    REFUSE("interval", c.lo = 2);
    REFUSE("interval", c.lo = -INFINITY, c.hi = 1);
    REFUSE("class", c.kind = RG_N_CLAIM_CLASSES);
    REFUSE("source", c.kind = RG_QUOTED);
    REFUSE("source", c.kind = RG_ASSUMED);
    REFUSE("status", c.status = "open");
    REFUSE("status", c.kind = RG_ASSUMED, c.source = "s", c.status = "maybe");
    REFUSE("result", c.command = "ridge num show e2m1");
    REFUSE("result", c.command = "ridge num show e2m1", c.result = "bits");
    REFUSE("digest", c.n_inputs = 1, c.input = &bad_digest);
    REFUSE("digest", c.n_inputs = 1, c.input = &upper);
    REFUSE("name", c.n_inputs = 1, c.input = &no_name);
    REFUSE("UTF-8", c.source = "\xff");
    REFUSE("UTF-8", c.subject = "half \xc3");
    rg_ledger_close(l);
    assert_int_equal(count_lines("claims.jsonl"), 0);
}

static void test_open_existing(void **state) {
    (void)state;
    rg_ledger *l = NULL;
    rg_error e = {0};
    assert_int_equal(rg_ledger_open_existing(&l, workspace_path("nowhere"), &e), RG_ERR_IO);
    assert_non_null(strstr(e.where, "claims.jsonl"));
    assert_true(access(workspace_path("nowhere"), F_OK) != 0);
    put_file("plain", "a file");
    assert_int_equal(rg_ledger_open(&l, workspace_path("plain"), &e), RG_ERR_IO);
    assert_null(l);
    rg_ledger_close(NULL);
}

int main(void) {
#define T(f) cmocka_unit_test_setup_teardown(f, workspace_make, workspace_remove)
    const struct CMUnitTest tests[] = {
        T(test_line_and_id), T(test_numbers_read_back),      T(test_same_claim_once), T(test_two_writers),
        T(test_merge),       T(test_used_by_follows_chains), T(test_unsound_claims),  T(test_open_existing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
