/* Errors, arena, strings, digests, random numbers, statistics, files, child processes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "ridge/base.h"

static void fail_fills_the_record(void **state) {
    (void)state;
    rg_error err = {0};
    assert_int_equal(rg_fail(&err, RG_ERR_PARSE, "file:3", "a number", "found %d", 7), RG_ERR_PARSE);
    assert_string_equal(err.message, "found 7");
    assert_string_equal(err.where, "file:3");
    assert_string_equal(err.expected, "a number");
    assert_int_equal(rg_fail(NULL, RG_ERR_IO, NULL, NULL, "x"), RG_ERR_IO);
    for (int s = 0; s < RG_STATUS_END; s++) assert_string_not_equal(rg_status_name((rg_status)s), "unknown");
    assert_string_equal(rg_status_name((rg_status)99), "unknown");
}

static void arena_blocks_are_aligned_zeroed_and_checked(void **state) {
    (void)state;
    rg_arena arena = {0};
    for (size_t n = 1; n < 200000; n = n * 3 + 1) {
        unsigned char *p = rg_arena_alloc(&arena, n, 1);
        assert_non_null(p);
        assert_int_equal((uintptr_t)p % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(p[i], 0);
        memset(p, 0xff, n);
    }
    assert_null(rg_arena_alloc(&arena, SIZE_MAX, 2));
    assert_null(rg_arena_alloc(&arena, SIZE_MAX / 2 + 1, 1));
    assert_string_equal(rg_arena_printf(&arena, "%s-%d", "a", 5), "a-5");
    rg_arena_free(&arena);
}

static void arrays_grow_and_keep_what_they_hold(void **state) {
    (void)state;
    uint32_t *array = NULL;
    size_t room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        const size_t before = room;
        assert_true(rg_grow(&array, &room, i + 1, sizeof *array));
        assert_true(room > i && (room == before || room >= 2 * before));
        array[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++) assert_int_equal(array[i], i);
    const uint32_t *old = array;
    const size_t before = room;
    assert_false(rg_grow(&array, &room, SIZE_MAX / 2, sizeof *array)); /* the size in bytes overflows */
    assert_true(array == old && room == before);
    assert_true(rg_grow(&array, &room, 5000, sizeof *array));
    assert_true(room >= 5000 && array[999] == 999);
    free(array);
    rg_arena arena = {0};
    array = NULL, room = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        assert_true(rg_arena_grow(&arena, &array, &room, i + 1, sizeof *array));
        array[i] = i;
    }
    for (uint32_t i = 0; i < 1000; i++) assert_int_equal(array[i], i);
    old = array;
    assert_false(rg_arena_grow(&arena, &array, &room, SIZE_MAX / 2, sizeof *array));
    assert_true(array == old);
    rg_arena_free(&arena);
}

/* FIPS 180-4 example and the empty message. */
static void sha256_known_answers(void **state) {
    (void)state;
    assert_string_equal(rg_sha256("abc", 3).hex,
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(rg_sha256("", 0).hex,
                        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

/* Random123's known-answer file kat_vectors: philox4x32-10, counter and key all zero. */
static void philox_known_answer(void **state) {
    (void)state;
    const uint32_t expected[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    for (uint64_t i = 0; i < 4; i++) assert_int_equal(rg_random_u32(0, 0, i), expected[i]);
}

static void normal_numbers_have_their_moments(void **state) {
    (void)state;
    enum { N = 200000 };
    double sum = 0, square = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = rg_random_normal(7, 3, i);
        sum += x;
        square += x * x;
    }
    /* five standard errors: 1/sqrt(N) of the mean, sqrt(2/N) of the variance */
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(square / N - 1) < 5 * sqrt(2.0 / N));
}

static void statistics_of_a_known_sample(void **state) {
    (void)state;
    double x[] = {4, 1, 3, 2};
    assert_true(rg_mean(x, 4) == 2.5);
    assert_true(fabs(rg_standard_error(x, 4) - sqrt(5.0 / 3.0 / 4.0)) < 1e-15);
    assert_true(rg_quantile(x, 4, 0.5) == 2.5);
    assert_true(rg_quantile(x, 4, 1) == 4);
    assert_true(isnan(rg_standard_error(x, 1)));
}

static void files_are_written_whole_and_read_back(void **state) {
    (void)state;
    char dir[] = "/tmp/ridge-base-XXXXXX", path[64], missing[64];
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/a/b", dir);
    snprintf(missing, sizeof missing, "%s/nowhere/file", dir);
    rg_error err = {0};
    assert_int_equal(rg_dir_make(path, &err), RG_OK);
    assert_int_equal(rg_dir_make(path, &err), RG_OK);
    strcat(path, "/f");
    assert_int_equal(rg_file_write(path, "hello", 5, &err), RG_OK);
    char *text;
    size_t size;
    assert_int_equal(rg_file_read(path, 100, &text, &size, &err), RG_OK);
    assert_int_equal(size, 5);
    assert_string_equal(text, "hello");
    free(text);
    assert_int_equal(rg_file_read(path, 4, &text, &size, &err), RG_ERR_PARSE);
    assert_int_equal(rg_file_read(dir, 100, &text, &size, &err), RG_ERR_IO);
    assert_int_equal(rg_file_read(missing, 100, &text, &size, &err), RG_ERR_IO);
    assert_int_equal(rg_file_write(missing, "x", 1, &err), RG_ERR_IO);
    assert_int_equal(rg_dir_make(path, &err), RG_ERR_IO);
    rg_digest digest;
    assert_int_equal(rg_sha256_file(path, &digest, &err), RG_OK);
    assert_string_equal(digest.hex, rg_sha256("hello", 5).hex);
    rg_map map;
    assert_int_equal(rg_map_open(&map, path, &err), RG_OK);
    assert_int_equal(map.size, 5);
    rg_map_close(&map);
    assert_int_equal(rg_map_open(&map, missing, &err), RG_ERR_IO);
    const char *const clean[] = {"rm", "-rf", dir, NULL};
    assert_int_equal(rg_run(clean, NULL, 10, NULL, &err), RG_OK);
}

static void child_processes_are_told_apart(void **state) {
    (void)state;
    rg_error err = {0};
    rg_str out = {0};
    const char *const both[] = {"sh", "-c", "echo out; echo err >&2", NULL};
    assert_int_equal(rg_run(both, "/", 10, &out, &err), RG_OK);
    assert_string_equal(out.data, "out\nerr\n");
    rg_str_free(&out);
    assert_int_equal(rg_run_stdout(both, NULL, 10, &out, &err), RG_OK);
    assert_string_equal(out.data, "out\n");
    rg_str_free(&out);
    const char *const bad[] = {"sh", "-c", "echo broken thing; exit 3", NULL};
    assert_int_equal(rg_run(bad, NULL, 10, NULL, &err), RG_ERR_TOOL);
    assert_non_null(strstr(err.message, "exited with 3: broken thing"));
    const char *const slow[] = {"sh", "-c", "sleep 20 & sleep 20", NULL};
    assert_int_equal(rg_run(slow, NULL, 0.2, NULL, &err), RG_ERR_TOOL);
    assert_non_null(strstr(err.message, "ran longer"));
    const char *const none[] = {"ridge-no-such-program", NULL};
    assert_int_equal(rg_run(none, NULL, 10, NULL, &err), RG_ERR_TOOL);
    assert_non_null(strstr(err.message, "not found"));
    assert_true(rg_have_program("sh"));
    assert_false(rg_have_program("ridge-no-such-program"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fail_fills_the_record),
        cmocka_unit_test(arena_blocks_are_aligned_zeroed_and_checked),
        cmocka_unit_test(arrays_grow_and_keep_what_they_hold),
        cmocka_unit_test(sha256_known_answers),
        cmocka_unit_test(philox_known_answer),
        cmocka_unit_test(normal_numbers_have_their_moments),
        cmocka_unit_test(statistics_of_a_known_sample),
        cmocka_unit_test(files_are_written_whole_and_read_back),
        cmocka_unit_test(child_processes_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
