/* GGUF files: what is read from good ones, and what is said about bad ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>

#include "tensor/file.h"
#include "unit/tensor/gguf_builder.h"

/* ---- a small valid file ------------------------------------------------------------------------- */

/* Two rows of 32 in each type; blocks of arbitrary bytes but finite scales. */
static uint8_t *small_file(size_t *size) {
    gguf_builder b = {0};
    uint8_t bytes[2 * 136];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 37 & 0x3f);
    add_string(&b, "general.architecture", "none");
    add_u32(&b, "a.u32", 4000000000u);
    add_number(&b, "a.i8", 1, &(int8_t){-5});
    add_number(&b, "a.u8", 0, &(uint8_t){200});
    add_number(&b, "a.i16", 3, &(int16_t){-300});
    add_number(&b, "a.u16", 2, &(uint16_t){60000});
    add_number(&b, "a.i32", 5, &(int32_t){-70000});
    add_number(&b, "a.u64", 10, &(uint64_t){1ull << 40});
    add_number(&b, "a.huge", 10, &(uint64_t){1ull << 63});
    add_number(&b, "a.i64", 11, &(int64_t){-(1ll << 40)});
    add_f32(&b, "a.f32", 0.1f);
    add_number(&b, "a.f64", 12, &(double){0.1});
    add_bool(&b, "a.yes", true);
    add_array(&b, "a.words", 8, 3);
    put_string(&b.meta, "one");
    put_string(&b.meta, "");
    put_string(&b.meta, "three");
    add_array(&b, "a.numbers", 5, 2);
    put_u32(&b.meta, (uint32_t)-1);
    put_u32(&b.meta, 7);
    const uint64_t dim[2] = {32, 2};
    add_tensor(&b, "f32", 2, dim, 0, bytes, 256);
    add_tensor(&b, "f16", 2, dim, 1, bytes, 128);
    add_tensor(&b, "bf16", 2, dim, 30, bytes, 128);
    add_tensor(&b, "q8_0", 2, dim, 8, bytes, 68);
    add_tensor(&b, "q4_1", 2, dim, 3, bytes, 40);
    return gguf_finish(&b, size);
}

static rg_tensor_file *open_good(const uint8_t *data, size_t size) {
    rg_tensor_file *file = NULL;
    rg_error err = {0};
    if (tensor_file_open_memory(&file, data, size, "t.gguf", &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
    return file;
}

static void metadata_of_every_type(void **state) {
    (void)state;
    static const struct {
        const char *key;
        int64_t value;
    } whole[] = {{"a.u32", 4000000000}, {"a.i8", -5},      {"a.u8", 200},        {"a.i16", -300},
                 {"a.u16", 60000},      {"a.i32", -70000}, {"a.u64", 1ll << 40}, {"a.i64", -(1ll << 40)}};
    size_t size, len;
    uint8_t *data = small_file(&size);
    rg_tensor_file *f = open_good(data, size);
    int64_t i = 0;
    double x = 0;
    bool yes = false;
    const char *s;
    for (size_t k = 0; k < sizeof whole / sizeof *whole; k++) {
        assert_true(rg_tensor_meta_int(f, whole[k].key, &i));
        assert_int_equal(i, whole[k].value);
    }
    assert_false(rg_tensor_meta_int(f, "a.huge", &i)); /* no int64 holds it */
    assert_false(rg_tensor_meta_int(f, "a.f32", &i));
    assert_false(rg_tensor_meta_int(f, "a.numbers", &i));
    assert_false(rg_tensor_meta_int(f, "absent", &i));
    assert_true(rg_tensor_meta_float(f, "a.f32", &x) && x == (double)0.1f);
    assert_true(rg_tensor_meta_float(f, "a.f64", &x) && x == 0.1);
    assert_false(rg_tensor_meta_float(f, "a.u32", &x));
    assert_true(rg_tensor_meta_bool(f, "a.yes", &yes) && yes);
    assert_false(rg_tensor_meta_bool(f, "a.u8", &yes));
    assert_true(rg_tensor_meta_string(f, "general.architecture", &s, &len));
    assert_true(len == 4 && memcmp(s, "none", 4) == 0);
    assert_int_equal(rg_tensor_meta_count(f, "a.words"), 3);
    assert_int_equal(rg_tensor_meta_count(f, "a.u32"), 0);
    assert_true(rg_tensor_meta_string_at(f, "a.words", 2, &s, &len) && len == 5 &&
                memcmp(s, "three", 5) == 0);
    assert_true(rg_tensor_meta_string_at(f, "a.words", 1, &s, &len) && len == 0);
    assert_false(rg_tensor_meta_string_at(f, "a.words", 3, &s, &len));
    assert_false(rg_tensor_meta_string_at(f, "a.numbers", 0, &s, &len));
    assert_true(rg_tensor_meta_int_at(f, "a.numbers", 0, &i) && i == -1);
    assert_false(rg_tensor_meta_int_at(f, "a.numbers", 2, &i));
    assert_false(rg_tensor_meta_int_at(f, "a.words", 0, &i));
    assert_string_equal(rg_tensor_meta_key(f, 14), "a.numbers");
    assert_null(rg_tensor_meta_key(f, 15));
    rg_tensor_file_close(f);
    free(data);
}

/* ---- values ------------------------------------------------------------------------------------- */

static double half(uint16_t h) {
    const int e = h >> 10 & 31, m = h & 1023;
    const double v = e ? ldexp(1024 + m, e - 25) : ldexp(m, -24);
    return e == 31 ? (m ? NAN : copysign(INFINITY, h & 0x8000 ? -1 : 1)) : h & 0x8000 ? -v : v;
}

static uint16_t u16(const uint8_t *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}

static void values_of_every_type(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = small_file(&size);
    rg_tensor_file *f = open_good(data, size);
    assert_int_equal(rg_tensor_file_count(f), 5);
    assert_string_equal(rg_tensor_file_kind(f), "gguf");
    for (size_t k = 0; k < 5; k++) {
        const rg_tensor_info *t = rg_tensor_file_info(f, k);
        float out[64];
        assert_ptr_equal(rg_tensor_file_find(f, t->name), t);
        assert_string_equal(t->name, t->format);
        assert_true(t->n_dims == 2 && t->shape[0] == 2 && t->shape[1] == 32);
        assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
        const uint8_t *p = data + t->offset;
        for (int i = 0; i < 64; i++) {
            const uint8_t *q8 = p + i / 32 * 34, *q4 = p + i / 32 * 20;
            const int j = i % 32, nibble = j < 16 ? q4[4 + j] & 15 : q4[4 + j - 16] >> 4;
            float want = 0;
            if (k == 0) memcpy(&want, p + 4 * i, 4);
            if (k == 1) want = (float)half(u16(p + 2 * i));
            if (k == 2) memcpy(&want, &(uint32_t){(uint32_t)u16(p + 2 * i) << 16}, 4);
            if (k == 3) want = (float)(half(u16(q8)) * (int8_t)q8[2 + j]);
            if (k == 4) want = (float)(half(u16(q4)) * nibble + half(u16(q4 + 2)));
            if (memcmp(&want, &out[i], 4) != 0)
                fail_msg("%s %d: %g, not %g", t->name, i, (double)out[i], (double)want);
        }
    }
    rg_tensor_file_close(f);
    free(data);
}

/* All codes of the 16-bit types. */
static void every_16_bit_code(void **state) {
    (void)state;
    uint16_t *code = malloc(65536 * sizeof *code);
    float *out = malloc(65536 * sizeof *out);
    gguf_builder b = {0};
    size_t size;
    for (int i = 0; i < 65536; i++) code[i] = (uint16_t)i;
    add_tensor(&b, "f16", 1, (uint64_t[]){65536}, 1, code, 131072);
    add_tensor(&b, "bf16", 1, (uint64_t[]){65536}, 30, code, 131072);
    uint8_t *data = gguf_finish(&b, &size);
    rg_tensor_file *f = open_good(data, size);
    assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "f16"), out, NULL), RG_OK);
    for (int i = 0; i < 65536; i++) {
        const float want = (float)half((uint16_t)i);
        assert_true(isnan(want) ? isnan(out[i]) : memcmp(&want, &out[i], 4) == 0);
    }
    assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "bf16"), out, NULL), RG_OK);
    for (uint32_t i = 0; i < 65536; i++) {
        const uint32_t bits = i << 16; /* bfloat16 is the upper half of fp32 */
        assert_memory_equal(&bits, &out[i], 4);
    }
    rg_tensor_file_close(f);
    free(data);
    free(code);
    free(out);
}

/* ---- hostile files ------------------------------------------------------------------------------ */

static rg_status open_copy(const uint8_t *data, size_t size, rg_error *err) {
    uint8_t *copy = malloc(size ? size : 1); /* exact, so that a sanitizer sees the first byte too far */
    rg_tensor_file *f = NULL;
    memcpy(copy, data, size);
    rg_status status = tensor_file_open_memory(&f, copy, size, "t.gguf", err);
    for (size_t i = 0; status == RG_OK && i < rg_tensor_file_count(f); i++) {
        const rg_tensor_info *t = rg_tensor_file_info(f, i);
        uint64_t n = 1;
        for (int d = 0; d < t->n_dims; d++) n *= (uint64_t)t->shape[d];
        assert_true(n <= size * 2); /* no type is smaller than half a byte */
        float *out = malloc(n * sizeof *out);
        assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
        free(out);
    }
    rg_tensor_file_close(f);
    free(copy);
    return status;
}

static void truncated_anywhere(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = small_file(&size);
    for (size_t n = 0; n < size; n++) {
        rg_error err = {0};
        assert_int_equal(open_copy(data, n, &err), RG_ERR_PARSE);
        assert_non_null(strstr(err.where, "t.gguf@byte "));
        assert_true(err.message[0] && err.expected[0]);
    }
    assert_int_equal(open_copy(data, size, NULL), RG_OK);
    free(data);
}

static void flipped_bytes(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = small_file(&size);
    int n_good = 0, n_bad = 0;
    for (uint64_t round = 0; round < 20000; round++) {
        uint8_t *copy = malloc(size);
        memcpy(copy, data, size);
        for (uint64_t k = 0; k <= round % 3; k++) /* mostly in the header, sometimes a run of high bits */
            copy[rg_random_u32(11, round, 2 * k) % (round % 8 ? 900 : size)] =
                round % 5 ? (uint8_t)rg_random_u32(11, round, 2 * k + 1) : 0xff;
        if (open_copy(copy, size, NULL) == RG_OK)
            n_good++;
        else
            n_bad++;
        free(copy);
    }
    assert_true(n_good > 100 && n_bad > 100);
    free(data);
}

static void expect_error(gguf_builder *b, rg_status status, const char *message, const char *expected) {
    size_t size;
    rg_error err = {0};
    uint8_t *data = gguf_finish(b, &size);
    const rg_status found = open_copy(data, size, &err);
    if (found != status || !strstr(err.message, message) || !strstr(err.expected, expected) ||
        !strstr(err.where, "t.gguf@byte "))
        fail_msg("%s, not %s; %s: %s; expected %s", rg_status_name(found), rg_status_name(status), err.where,
                 err.message, err.expected);
    free(data);
}

static const uint64_t row[] = {32};
static const float zeros[64];

static void defects_of_tensors(void **state) {
    (void)state;
    gguf_builder b = {0};
    add_tensor(&b, "t", 1, row, 21, zeros, 128);
    expect_error(&b, RG_ERR_UNSUPPORTED, "\"t\" is of type 21 (IQ3_S)", "Q4_1");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 1, row, 4, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "type 4 (unknown)", "Q4_1");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 0, row, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "\"t\" has 0 dimensions", "1 to 4");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 5, (uint64_t[]){1, 1, 1, 1, 1}, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "5 dimensions", "1 to 4");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 2, (uint64_t[]){32, 0}, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "dimension 1 of tensor \"t\" is 0", "at least 1");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 3, (uint64_t[]){1ull << 32, 1ull << 32, 2}, 0, zeros, 128); /* 2^65 wraps to 0 */
    expect_error(&b, RG_ERR_PARSE, "dimension 1 of tensor \"t\" is 4294967296", "2^60");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 1, (uint64_t[]){1ull << 59}, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "truncated: tensor \"t\" has 2305843009213693952 bytes", "an end within");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 1, (uint64_t[]){33}, 3, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "rows of tensor \"t\" have 33", "multiple of 32");
    b = (gguf_builder){0};
    add_tensor(&b, "t", 1, row, 0, zeros, 128);
    add_tensor(&b, "t", 1, row, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "two tensors are called \"t\"", "each name once");
    b = (gguf_builder){0};
    add_tensor(&b, "", 1, row, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "0 characters", "1 to 255");
    b = (gguf_builder){0};
    add_tensor(&b, "a\nb", 1, row, 0, zeros, 128);
    expect_error(&b, RG_ERR_PARSE, "byte 0x0a", "printable ASCII");
}

/* The last 8 bytes of the tensor descriptions are the offset of the last one. */
static void set_last_offset(gguf_builder *b, uint64_t offset) {
    memcpy(b->infos.data + b->infos.len - 8, &offset, 8);
}

static void defects_of_offsets(void **state) {
    (void)state;
    static const struct {
        uint64_t offset;
        const char *message, *expected;
    } rows[] = {
        {33, "begins at offset 33", "a multiple of the alignment 32"},
        {64, "tensor \"b\" overlaps tensor \"a\"", "where tensor \"a\" ends"},
        {0, "overlaps", "byte "},
        {160, "truncated: tensor \"b\" has 128 bytes from offset 160", "an end within the file's"},
        {1ull << 40, "truncated", "an end within"},
        {UINT64_MAX - 31, "truncated", "an end within"}, /* offset + start wraps */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        gguf_builder b = {0};
        add_tensor(&b, "a", 1, row, 0, zeros, 128);
        add_tensor(&b, "b", 1, row, 0, zeros, 128);
        set_last_offset(&b, rows[i].offset);
        expect_error(&b, RG_ERR_PARSE, rows[i].message, rows[i].expected);
    }
}

static void defects_of_metadata(void **state) {
    (void)state;
    gguf_builder b = {0};
    add_u32(&b, "k", 1);
    add_u32(&b, "k", 2);
    expect_error(&b, RG_ERR_PARSE, "\"k\" stands twice", "each key once");
    b = (gguf_builder){0};
    add_key(&b, "k", 13);
    put_u64(&b.meta, 0);
    expect_error(&b, RG_ERR_PARSE, "\"k\" has type 13", "0 to 12");
    b = (gguf_builder){0};
    add_array(&b, "k", 9, 1);
    put_u64(&b.meta, 0);
    expect_error(&b, RG_ERR_PARSE, "\"k\" has elements of type 9", "number, truth value or string");
    b = (gguf_builder){0};
    add_array(&b, "k", 10, 1ull << 61); /* 2^64 bytes wrap to 0 */
    expect_error(&b, RG_ERR_PARSE, "claims 2305843009213693952 values", "room");
    b = (gguf_builder){0};
    add_array(&b, "k", 8, 1ull << 40);
    put_u64(&b.meta, 0);
    expect_error(&b, RG_ERR_PARSE, "claims 1099511627776 strings", "room");
    b = (gguf_builder){0};
    add_key(&b, "k", 8);
    put_u64(&b.meta, UINT64_MAX);
    expect_error(&b, RG_ERR_PARSE, "truncated", "18446744073709551615 bytes");
    b = (gguf_builder){0};
    add_number(&b, "k", 7, &(uint8_t){2});
    expect_error(&b, RG_ERR_PARSE, "a truth value of 2", "0 or 1");
    b = (gguf_builder){0};
    add_u32(&b, "general.alignment", 12);
    expect_error(&b, RG_ERR_PARSE, "general.alignment is 12", "multiple of 8");
    b = (gguf_builder){.version = 1};
    expect_error(&b, RG_ERR_UNSUPPORTED, "version 1", "2 or 3");
    b = (gguf_builder){.version = 0x03000000};
    expect_error(&b, RG_ERR_UNSUPPORTED, "big-endian", "little-endian");
    b = (gguf_builder){.n_tensors = 1ull << 58};
    expect_error(&b, RG_ERR_PARSE, "claims 288230376151711744 tensors", "room");
    b = (gguf_builder){.n_meta = UINT64_MAX};
    expect_error(&b, RG_ERR_PARSE, "claims 18446744073709551615 metadata entries", "room");
}

static void other_alignment(void **state) {
    (void)state;
    gguf_builder b = {.alignment = 8, .version = 2};
    size_t size;
    add_u32(&b, "general.alignment", 8);
    add_tensor(&b, "a", 1, (uint64_t[]){3}, 0, (float[]){1, 2, 3}, 12);
    add_tensor(&b, "b", 1, (uint64_t[]){1}, 0, (float[]){4}, 4);
    uint8_t *data = gguf_finish(&b, &size);
    rg_tensor_file *f = open_good(data, size);
    float out = 0;
    assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "b"), &out, NULL), RG_OK);
    assert_true(out == 4);
    rg_tensor_file_close(f);
    free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_of_every_type), cmocka_unit_test(values_of_every_type),
        cmocka_unit_test(every_16_bit_code),      cmocka_unit_test(truncated_anywhere),
        cmocka_unit_test(flipped_bytes),          cmocka_unit_test(defects_of_tensors),
        cmocka_unit_test(defects_of_offsets),     cmocka_unit_test(defects_of_metadata),
        cmocka_unit_test(other_alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
