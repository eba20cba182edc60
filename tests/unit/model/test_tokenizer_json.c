/* tokenizer.json against what the Python package tokenizers makes of the same texts (tokenizer_vectors.py),
   and files that are refused.
   LIBS: jansson */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/model/model_files.h"
#include "ridge/model.h"

static rg_tokenizer *open_json(const char *path) {
    rg_tokenizer *t = NULL;
    rg_error err = {0};
    if (rg_tokenizer_open(&t, path, 0, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    return t;
}

static void check_text(const rg_tokenizer *t, const char *name, json_t *text, json_t *want) {
    int32_t *ids = NULL;
    size_t n = 0;
    rg_error err = {0};
    if (rg_tokenize(t, json_string_value(text), json_string_length(text), &ids, &n, &err) != RG_OK)
        fail_msg("%s: %s", name, err.message);
    for (size_t i = 0; i < n && i < json_array_size(want); i++)
        if (ids[i] != json_integer_value(json_array_get(want, i)))
            fail_msg("%s: token %zu is %d, recorded %d", name, i, ids[i],
                     (int)json_integer_value(json_array_get(want, i)));
    assert_int_equal(n, json_array_size(want));
    free(ids);
}

/* What stands around an empty text: BOS and EOS, where they are added. */
static void check_ends(const rg_tokenizer *t, json_t *around) {
    const size_t bos = rg_tokenizer_adds_bos(t), eos = rg_tokenizer_adds_eos(t);
    assert_int_equal(bos + eos, json_array_size(around));
    if (bos) assert_int_equal(rg_tokenizer_bos(t), json_integer_value(json_array_get(around, 0)));
    if (eos) assert_int_equal(rg_tokenizer_eos(t), json_integer_value(json_array_get(around, bos)));
}

static void recorded_kinds(void **state) {
    (void)state;
    FILE *f = fopen(RIDGE_SOURCE_DIR "/tests/data/tokenizer_vectors.jsonl", "r");
    char *line = NULL;
    size_t room = 0;
    int kinds = 0;
    assert_non_null(f);
    for (; getline(&line, &room, f) > 0; kinds++) {
        json_t *row = json_loads(line, JSON_ALLOW_NUL, NULL), *text;
        size_t i;
        assert_non_null(row);
        assert_int_equal(json_dump_file(json_object_get(row, "tokenizer"), "tokenizer.json", 0), 0);
        rg_tokenizer *t = open_json("tokenizer.json");
        json_array_foreach(json_object_get(row, "texts"), i, text)
            check_text(t, json_string_value(json_object_get(row, "name")), text,
                       json_array_get(json_object_get(row, "ids"), i));
        check_ends(t, json_object_get(row, "around"));
        rg_tokenizer_close(t);
        json_decref(row);
    }
    assert_int_equal(kinds, 18);
    free(line);
    fclose(f);
}

/* The whole WikiText-2 test set by the tokenizer of all-MiniLM-L6-v2, recorded with tokenizers 0.23.3:
   SHA-256 of the ids as little-endian int32. */
static void minilm_matches_recorded_file(void **state) {
    (void)state;
    const char *folder = encoder_model(), *text_path = shared_file("text/wikitext2-raw-test/wiki.test.raw");
    char path[1100], *text = NULL;
    size_t size = 0, n = 0;
    int32_t *ids = NULL;
    if (!folder) skip_absent("the sentence encoder");
    if (!text_path) skip_absent("shared data");
    snprintf(path, sizeof path, "%s/tokenizer.json", folder);
    rg_tokenizer *t = open_json(path);
    assert_int_equal(rg_tokenizer_vocab_size(t), 30522);
    assert_int_equal(rg_tokenizer_bos(t), 101);
    assert_int_equal(rg_tokenizer_eos(t), 102);
    assert_int_equal(rg_file_read(text_path, 1 << 24, &text, &size, NULL), RG_OK);
    assert_int_equal(rg_tokenize(t, text, size, &ids, &n, NULL), RG_OK);
    assert_int_equal(n, 273178);
    assert_string_equal(rg_sha256(ids, n * sizeof *ids).hex,
                        "bae7b1109c99e9a1254cfe0e4f071c41e5a7cf836478209cf9daa860816deeff");
    free(text);
    free(ids);
    rg_tokenizer_close(t);
}

/* ---- worked by hand ------------------------------------------------------------------------------ */

#define MODEL                                                                                                \
    "\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"ab\":2,\"?\":3},\"merges\":[\"a "              \
    "b\"],\"unk_token\":\"?\"}"

static void write_text(const char *path, const char *text) {
    assert_int_equal(rg_file_write(path, text, strlen(text), NULL), RG_OK);
}

static void bytes_of_tokens_and_config(void **state) {
    (void)state;
    write_text(
        "tokenizer.json",
        "{\"added_tokens\":[{\"id\":5,\"content\":\"<s>\",\"special\":true},{\"id\":6,\"content\":\"<t>\","
        "\"special\":false,\"normalized\":false}],\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":"
        "\"\xe2\x96\x81\",\"prepend_scheme\":\"always\"},\"model\":{\"type\":\"BPE\",\"vocab\":{"
        "\"\xe2\x96\x81"
        "\":0,\"a\":1,\"\xe2\x96\x81"
        "a\":2},\"merges\":[[\"\xe2\x96\x81\",\"a\"]]}}");
    write_text("tokenizer_config.json", "{\"bos_token\":{\"content\":\"<s>\"},\"add_bos_token\":true}");
    rg_tokenizer *t = open_json("tokenizer.json");
    static const char *const want[] = {" ", "a", " a", "", "", "", "<t>"};
    for (int32_t id = 0; id < 7; id++) {
        const char *bytes;
        size_t n;
        assert_true(rg_tokenizer_token(t, id, &bytes, &n));
        assert_int_equal(n, strlen(want[id]));
        assert_memory_equal(bytes, want[id], n);
    }
    assert_true(rg_tokenizer_adds_bos(t));
    assert_int_equal(rg_tokenizer_bos(t), 5);
    int32_t *ids = NULL;
    size_t n = 0;
    rg_error err = {0};
    assert_int_equal(rg_tokenize(t, "a<t>a", 5, &ids, &n, &err), RG_OK);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], 2);
    assert_int_equal(ids[1], 6);
    assert_int_equal(ids[2], 2);
    free(ids);
    assert_int_equal(rg_tokenize(t, "a<s>", 4, &ids, &n, &err), RG_ERR_UNSUPPORTED);
    assert_string_equal(err.message, "the vocabulary has no token for byte 3c");
    rg_tokenizer_close(t);
    unlink("tokenizer_config.json");
}

/* ---- refusals ------------------------------------------------------------------------------------ */

static void expect_refusal(const char *text, int64_t rows, rg_status status, const char *part,
                           const char *where) {
    rg_tokenizer *t = (rg_tokenizer *)8;
    rg_error err = {0};
    write_text("tokenizer.json", text);
    const rg_status got = rg_tokenizer_open(&t, "tokenizer.json", rows, &err);
    if (got != status || !strstr(err.message, part) || !strstr(err.where, where) || !err.expected[0])
        fail_msg("%.90s: status %d, %s: %s; expected %s", text, got, err.where, err.message, err.expected);
    assert_ptr_equal(t, (rg_tokenizer *)8);
}

static void refused_files(void **state) {
    (void)state;
    const rg_status U = RG_ERR_UNSUPPORTED, P = RG_ERR_PARSE;
    const struct {
        const char *text;
        rg_status status;
        const char *part, *where;
    } rows[] = {
        {"{\"model\":{\"type\":\"Unigram\",\"vocab\":[]}}", U, "tokenizer model \"Unigram\"", "(model)"},
        {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", U, "\"WordLevel\"", "(model)"},
        {"{\"extra\":1," MODEL "}", U, "unknown member \"extra\"", "()"},
        {"{\"normalizer\":{\"type\":\"Precompiled\"}," MODEL "}", U, "type \"Precompiled\"", "(normalizer)"},
        {"{\"normalizer\":{\"type\":\"NFC\",\"way\":1}," MODEL "}", U, "member \"way\"", "(normalizer)"},
        {"{\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"UnicodeScripts\"}]}," MODEL
         "}",
         U, "type \"UnicodeScripts\"", "(pre_tokenizer.pretokenizers[0])"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"String\":\"a\"},\"behavior\":\"Odd\"}," MODEL
         "}",
         U, "behavior \"Odd\"", "pre_tokenizer"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"[a&&b]\"},\"behavior\":"
         "\"Isolated\"}," MODEL "}",
         U, "\"&&\" in the regular expression", "pre_tokenizer"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a\"},\"behavior\":\"Isolated\"}"
         "," MODEL "}",
         U, "parenthesis", "pre_tokenizer"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a*\"},\"behavior\":\"Contiguous\"}"
         "," MODEL "}",
         U, "may match nothing", "pre_tokenizer"},
        {"{\"post_processor\":{\"type\":\"Odd\"}," MODEL "}", U, "type \"Odd\"", "(post_processor)"},
        {"{\"post_processor\":{\"type\":\"Sequence\"}," MODEL "}", P, "processors is no list",
         "(post_processor)"},
        {"{\"added_tokens\":{\"id\":4}," MODEL "}", P, "added_tokens is none", "(added_tokens)"},
        {"{\"added_tokens\":[{\"id\":4,\"content\":\"x\",\"lstrip\":true}]," MODEL "}", U, "lstrip",
         "added_tokens[0]"},
        {"{\"added_tokens\":[{\"id\":1,\"content\":\"x\"}]," MODEL "}", P, "is another's", "added_tokens[0]"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.1}}", U, "dropout",
         "model"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", P, "right part",
         "model.merges"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":0},\"merges\":[]}}", P,
         "two tokens have id 0", "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":99999999},\"merges\":[]}}", P, "id of \"a\"",
         "model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"a\":1},\"merges\":[]}}", P, "duplicate", "line"},
        {"{\"model\":", P, "", "line"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        expect_refusal(rows[i].text, 0, rows[i].status, rows[i].part, rows[i].where);
    expect_refusal("{" MODEL "}", 3, RG_ERR_MISMATCH, "token ids up to 3", "model.vocab");
}

/* A pattern that would try every way to cut a run of a's ends with an error. */
static void hostile_pattern_ends(void **state) {
    (void)state;
    write_text("tokenizer.json", "{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"(a+)+c\"},"
                                 "\"behavior\":\"Isolated\"}," MODEL "}");
    rg_tokenizer *t = open_json("tokenizer.json");
    char text[60];
    int32_t *ids = NULL;
    size_t n = 0;
    rg_error err = {0};
    memset(text, 'a', sizeof text);
    text[59] = 'b';
    if (rg_tokenize(t, text, sizeof text, &ids, &n, &err) == RG_OK)
        free(ids); /* an engine that is clever enough */
    else if (!strstr(err.message, "too many steps"))
        fail_msg("%s", err.message);
    rg_tokenizer_close(t);
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recorded_kinds),
        cmocka_unit_test(minilm_matches_recorded_file),
        cmocka_unit_test(bytes_of_tokens_and_config),
        cmocka_unit_test(refused_files),
        cmocka_unit_test(hostile_pattern_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
