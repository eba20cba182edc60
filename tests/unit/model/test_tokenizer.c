/* Tokenizers against recorded token ids of other programs, and on text made to break them.
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
#include <unistd.h>

#include "unit/model/model_files.h"
#include "ridge/model.h"
#include "ridge/tensor.h"

static const char *gpt2_path(void) {
    return shared_file("models/tokenizers/ggml-vocab-gpt-2.gguf");
}

static char *read_text(const char *path, size_t *size) {
    char *text = NULL;
    rg_error err = {0};
    if (rg_file_read(path, 1 << 24, &text, size, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    return text;
}

static rg_tokenizer *open_tokenizer(const char *path, int64_t vocab_size) {
    rg_tokenizer *t = NULL;
    rg_error err = {0};
    if (rg_tokenizer_open(&t, path, vocab_size, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    return t;
}

static void check_ids(const rg_tokenizer *t, const char *text, size_t size, const int32_t *want,
                      size_t n_want) {
    int32_t *ids = NULL;
    size_t n = 0;
    rg_error err = {0};
    if (rg_tokenize(t, text, size, &ids, &n, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    for (size_t i = 0; i < n && i < n_want; i++)
        if (ids[i] != want[i]) fail_msg("\"%.60s\": token %zu is %d, recorded %d", text, i, ids[i], want[i]);
    assert_int_equal(n, n_want);
    free(ids);
}

/* ---- recorded ids ------------------------------------------------------------------------------- */

/* .inp: texts separated by a line; .out: a line of ids for each. */
static void gpt2_matches_llama_cpp(void **state) {
    (void)state;
    const char *path = gpt2_path();
    if (!path) skip_absent("shared data");
    rg_tokenizer *t = open_tokenizer(path, 50257);
    assert_int_equal(rg_tokenizer_vocab_size(t), 50257);
    assert_int_equal(rg_tokenizer_bos(t), 50256);
    assert_false(rg_tokenizer_adds_bos(t));
    char name[1024];
    size_t size, out_size;
    snprintf(name, sizeof name, "%s.inp", path);
    char *text = read_text(name, &size);
    snprintf(name, sizeof name, "%s.out", path);
    char *out = read_text(name, &out_size), *line = out;
    static const char separator[] = "\n__ggml_vocab_test__\n";
    int n_texts = 0;
    for (char *at = text; at && *at; n_texts++) {
        char *end = strstr(at, separator);
        int32_t want[512];
        size_t n = 0;
        char *stop = strchr(line, '\n');
        assert_non_null(stop);
        *stop = 0;
        for (char *p = line, *next; want[n] = (int32_t)strtol(p, &next, 10), next != p; p = next) n++;
        line = stop + 1;
        check_ids(t, at, end ? (size_t)(end - at) : strlen(at), want, n);
        at = end ? end + strlen(separator) : NULL;
    }
    assert_true(n_texts > 40);
    free(text);
    free(out);
    rg_tokenizer_close(t);
}

static void smollm_matches_recorded_strings(void **state) {
    (void)state;
    const char *path = shared_file("models/tokenizers/smollm2-tokens.jsonl"), *model = default_model();
    if (!path) skip_absent("shared data");
    if (!model) skip_absent("default model");
    rg_tokenizer *t = open_tokenizer(model, 49152);
    size_t size;
    char *lines = read_text(path, &size);
    int n_lines = 0;
    for (char *line = strtok(lines, "\n"); line; line = strtok(NULL, "\n"), n_lines++) {
        json_t *row = json_loads(line, 0, NULL), *ids = json_object_get(row, "ids"),
               *text = json_object_get(row, "text");
        int32_t want[512];
        size_t n = json_array_size(ids);
        assert_true(json_is_string(text) && n <= 512);
        for (size_t i = 0; i < n; i++) want[i] = (int32_t)json_integer_value(json_array_get(ids, i));
        check_ids(t, json_string_value(text), json_string_length(text), want, n);
        json_decref(row);
    }
    assert_int_equal(n_lines, 54);
    free(lines);
    rg_tokenizer_close(t);
}

/* SHA-256 of the ids as little-endian int32: README of the shared tokenizers. */
static void smollm_matches_recorded_files(void **state) {
    (void)state;
    static const struct {
        const char *path, *sha256;
        size_t n;
    } rows[] = {
        {"text/wikitext2-raw-test/wiki.test.raw",
         "18e663b61dd00f49796c8a6ae498b7dbe009cac4a2eaf3c67fa7d81baf47d945", 303415},
        {"text/tinystories-sample/tinystories.txt",
         "e83b53bf11559995fedd9dd688280e754a276b8db1dabe4518010a509395e0bd", 48384},
        {"text/tinyshakespeare/input.txt", "48e900acd0e3537dce2baff773d0ba71fb54ce6c3890c24ddd5386963002b140",
         341094},
    };
    const char *model = default_model();
    if (!shared_file(rows[0].path)) skip_absent("shared data");
    if (!model) skip_absent("default model");
    rg_tokenizer *t = open_tokenizer(model, 49152);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size, n = 0;
        int32_t *ids = NULL;
        char *text = read_text(shared_file(rows[i].path), &size);
        assert_int_equal(rg_tokenize(t, text, size, &ids, &n, NULL), RG_OK);
        assert_int_equal(n, rows[i].n);
        assert_string_equal(rg_sha256(ids, n * sizeof *ids).hex, rows[i].sha256);
        free(text);
        free(ids);
    }
    rg_tokenizer_close(t);
}

/* The README of stories260k gives the number of tokens of its protocol's text. */
static void llama2c_matches_recorded_count(void **state) {
    (void)state;
    const char *path = shared_file("models/stories260k/tok512.bin");
    if (!path) skip_absent("shared data");
    rg_tokenizer *t = open_tokenizer(path, 512);
    assert_int_equal(rg_tokenizer_bos(t), 1);
    assert_true(rg_tokenizer_adds_bos(t));
    static const struct { size_t bytes, n; } rows[] = {{60000, 29356}, {20000, 9402}};
    for (size_t i = 0; i < 2; i++) {
        size_t size, kept = 0, n = 0;
        int32_t *ids = NULL;
        char *text = read_text(shared_file("text/tinystories-sample/tinystories.txt"), &size);
        assert_true(size >= rows[i].bytes);
        for (size_t k = 0; k < rows[i].bytes; k++) /* empty lines dropped */
            if (text[k] != '\n' || (kept && text[kept - 1] != '\n')) text[kept++] = text[k];
        if (kept && text[kept - 1] == '\n') kept--;
        assert_int_equal(rg_tokenize(t, text, kept, &ids, &n, NULL), RG_OK);
        assert_int_equal(n, rows[i].n);
        free(text);
        free(ids);
    }
    rg_tokenizer_close(t);
}

/* ---- small vocabularies, worked by hand --------------------------------------------------------- */

static void add_token(FILE *f, float score, const char *text) {
    const int32_t n = (int32_t)strlen(text);
    fwrite(&score, 4, 1, f);
    fwrite(&n, 4, 1, f);
    fwrite(text, 1, (size_t)n, f);
}

/* 0 <unk>, 1 <s>, 2 </s>, bytes, then the given tokens. */
static void write_llama2c(const char *path, const char *const *token, const float *score, size_t n) {
    FILE *f = fopen(path, "wb");
    const int32_t longest = 6;
    char text[16];
    assert_non_null(f);
    fwrite(&longest, 4, 1, f);
    for (int i = 0; i < 259; i++) {
        snprintf(text, sizeof text, i < 3 ? "<%d>" : "<0x%02X>", i < 3 ? i : i - 3);
        add_token(f, 0, text);
    }
    for (size_t i = 0; i < n; i++) add_token(f, score[i], token[i]);
    fclose(f);
}

static void llama2c_joins_by_score(void **state) {
    (void)state;
    static const char *const token[] = {" ", "a", "b", "ab", "ba", " a", "aba", "\xc3\xa9"};
    static const float score[] = {-9, -9, -9, -2, -1, -3, -4, -9};
    enum { BLANK = 259, A, B, AB, BA, BLANK_A, ABA, E_ACUTE };
    write_llama2c("tiny.bin", token, score, 8);
    rg_tokenizer *t = open_tokenizer("tiny.bin", 267);
    /* " aba": ba (-1) goes before ab (-2); then " a" (-3) before a+ba (-4) */
    check_ids(t, "aba", 3, (int32_t[]){BLANK_A, BA}, 2);
    /* " abab": ba, then " a"; ba + b is no token */
    check_ids(t, "abab", 4, (int32_t[]){BLANK_A, BA, B}, 3);
    /* " baaba": of the two ba the left one is joined first; then " ", ba, a, ba: a+ba */
    check_ids(t, "baaba", 5, (int32_t[]){BLANK, BA, ABA}, 3);
    check_ids(t, "\xc3\xa9\xc3\xa8", 4, (int32_t[]){BLANK, E_ACUTE, 3 + 0xc3, 3 + 0xa8}, 4);
    check_ids(t, "", 0, NULL, 0);
    rg_tokenizer_close(t);
}

/* ---- hostile text ------------------------------------------------------------------------------- */

/* What the ids stand for, after `skip` bytes, is the text. */
static void check_bytes(const rg_tokenizer *t, const char *text, size_t size, size_t skip) {
    int32_t *ids = NULL;
    size_t n_ids = 0, at = 0;
    assert_int_equal(rg_tokenize(t, text, size, &ids, &n_ids, NULL), RG_OK);
    for (size_t i = 0; i < n_ids; i++) {
        const char *s = NULL;
        size_t n = 0;
        assert_true(rg_tokenizer_token(t, ids[i], &s, &n));
        for (size_t k = 0; k < n; k++, at++) {
            if (at < skip) continue;
            assert_true(at - skip < size);
            assert_int_equal(s[k], text[at - skip]);
        }
    }
    assert_int_equal(at, size + skip);
    free(ids);
}

static void tokens_give_the_text_back(void **state) {
    (void)state;
    if (!gpt2_path()) skip_absent("shared data");
    rg_tokenizer *gpt2 = open_tokenizer(gpt2_path(), 50257);
    rg_tokenizer *llama2c = open_tokenizer(shared_file("models/stories260k/tok512.bin"), 512);
    for (int round = 0; round < 200; round++) {
        char text[300];
        const size_t size = 1 + rg_random_u32(5, (uint64_t)round, 999) % 300;
        for (size_t i = 0; i < size; i++) { /* blanks, letters, digits, high bytes that are rarely UTF-8 */
            const uint32_t r = rg_random_u32(5, (uint64_t)round, i);
            text[i] = round % 3 == 0 ? (char)r : " \n\tabz0'\xc3\xa9\xe2\x80\x83"[r % 13];
        }
        check_bytes(gpt2, text, size, 0);
        check_bytes(llama2c, text, size, 1); /* the space in front */
    }
    const char *bytes = "untouched";
    size_t n = 9;
    assert_true(rg_tokenizer_token(gpt2, 50256, &bytes, &n)); /* <|endoftext|> */
    assert_int_equal(n, 0);
    assert_true(rg_tokenizer_token(llama2c, 1, &bytes, &n));
    assert_int_equal(n, 0);
    bytes = "untouched";
    assert_false(rg_tokenizer_token(gpt2, 50257, &bytes, &n));
    assert_false(rg_tokenizer_token(gpt2, -1, &bytes, &n));
    assert_string_equal(bytes, "untouched");
    rg_tokenizer_close(gpt2);
    rg_tokenizer_close(llama2c);
}

/* A megabyte without a cut must not take n^2 steps. */
static void long_runs_end(void **state) {
    (void)state;
    if (!gpt2_path()) skip_absent("shared data");
    rg_tokenizer *t = open_tokenizer(gpt2_path(), 50257);
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    for (int kind = 0; kind < 4; kind++) {
        for (int i = 0; i < SIZE; i++)
            text[i] = kind == 0   ? 'a'
                      : kind == 1 ? ' '
                      : kind == 2 ? (char)0xff
                                  : (char)("abcdefgh"[rg_random_u32(1, 2, (uint64_t)i) & 7]);
        int32_t *ids = NULL;
        size_t n = 0;
        assert_int_equal(rg_tokenize(t, text, SIZE, &ids, &n, NULL), RG_OK);
        assert_true(n > SIZE / 128 && n <= SIZE);
        free(ids);
    }
    free(text);
    rg_tokenizer_close(t);
}

/* ---- hostile files ------------------------------------------------------------------------------ */

static void expect_error(const char *path, int64_t vocab_size, rg_status status, const char *part,
                         const char *where) {
    rg_tokenizer *t = (rg_tokenizer *)8;
    rg_error err = {0};
    assert_int_equal(rg_tokenizer_open(&t, path, vocab_size, &err), status);
    assert_ptr_equal(t, (rg_tokenizer *)8); /* untouched */
    if (!strstr(err.message, part) || !strstr(err.where, where) || !err.expected[0])
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
}

static void damaged_llama2c_files(void **state) {
    (void)state;
    static const char *const token[] = {" ", "a"};
    static const float score[] = {-1, -2};
    write_llama2c("good.bin", token, score, 2);
    size_t size;
    char *data = read_text("good.bin", &size);
    for (size_t n = 1; n < size; n += n < 40 || n > size - 40 ? 1 : 37) {
        assert_int_equal(rg_file_write("bad.bin", data, n, NULL), RG_OK);
        expect_error("bad.bin", 261, RG_ERR_PARSE, n < 4 ? "truncated" : "", "bad.bin@byte");
    }
    expect_error("good.bin", 260, RG_ERR_PARSE, "9 bytes follow the last of 260 tokens", "good.bin@byte");
    expect_error("good.bin", 262, RG_ERR_PARSE, "before token 261", "good.bin@byte");
    expect_error("good.bin", 100, RG_ERR_UNSUPPORTED, "vocabulary of 100", "good.bin");
    const int32_t huge = INT32_MAX;
    memcpy(data + 8, &huge, 4);
    assert_int_equal(rg_file_write("bad.bin", data, size, NULL), RG_OK);
    expect_error("bad.bin", 261, RG_ERR_PARSE, "token 0 has 2147483647 bytes", "bad.bin@byte 8");
    free(data);
    expect_error("absent.bin", 261, RG_ERR_IO, "cannot open", "absent.bin");
}

static void unfit_vocabularies(void **state) {
    (void)state;
    if (!gpt2_path()) skip_absent("shared data");
    expect_error(gpt2_path(), 50000, RG_ERR_MISMATCH, "50257 tokens", "tokenizer.ggml.tokens");
    expect_error(shared_file("models/tokenizers/ggml-vocab-gpt-neox.gguf"), 0, RG_ERR_UNSUPPORTED,
                 "pre-tokenizer is not named", "tokenizer.ggml.pre");
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_matches_llama_cpp),
        cmocka_unit_test(smollm_matches_recorded_strings),
        cmocka_unit_test(smollm_matches_recorded_files),
        cmocka_unit_test(llama2c_matches_recorded_count),
        cmocka_unit_test(llama2c_joins_by_score),
        cmocka_unit_test(tokens_give_the_text_back),
        cmocka_unit_test(long_runs_end),
        cmocka_unit_test(damaged_llama2c_files),
        cmocka_unit_test(unfit_vocabularies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
