/* safetensors files, checkpoints cut into several, arrays of NumPy: good ones and what is said of bad ones.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tensor/file.h"

static uint8_t *bytes_of(const char *header, size_t header_size, size_t n_data, size_t *size) {
    uint8_t *data = malloc(8 + header_size + n_data);
    const uint64_t n = header_size;
    memcpy(data, &n, 8);
    memcpy(data + 8, header, header_size);
    for (size_t i = 0; i < n_data; i++) data[8 + header_size + i] = (uint8_t)(i * 29 + 1);
    *size = 8 + header_size + n_data;
    return data;
}

static rg_status open_copy(const uint8_t *data, size_t size, rg_error *err) {
    uint8_t *copy = malloc(size ? size : 1); /* exact, so that a sanitizer sees the first byte too far */
    rg_tensor_file *f = NULL;
    memcpy(copy, data, size);
    rg_status status = tensor_file_open_memory(&f, copy, size, "t.safetensors", err);
    for (size_t i = 0; status == RG_OK && i < rg_tensor_file_count(f); i++) {
        const rg_tensor_info *t = rg_tensor_file_info(f, i);
        uint64_t n = 1;
        for (int d = 0; d < t->n_dims; d++) n *= (uint64_t)t->shape[d];
        assert_true(n <= size);
        float *out = malloc((n + 1) * sizeof *out);
        assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
        free(out);
    }
    if (status == RG_OK) rg_tensor_file_close(f);
    free(copy);
    return status;
}

static const char good[] =
    "{\"__metadata__\": {\"format\": \"pt\"}, \"a.f32\": {\"dtype\": \"F32\", \"shape\": [2, 3], "
    "\"data_offsets\": [0, 24]}, \"b.bf16\": {\"dtype\": \"BF16\", \"shape\": [2], \"data_offsets\": [24, "
    "28]}, "
    "\"empty\": {\"dtype\": \"F32\", \"shape\": [0, 4], \"data_offsets\": [24, 24]}, "
    "\"one\": {\"dtype\": \"I64\", \"shape\": [], \"data_offsets\": [28, 36]}}   ";

static void reads(void **state) {
    (void)state;
    size_t size, len;
    uint8_t *data = bytes_of(good, sizeof good - 1, 36, &size);
    rg_tensor_file *f;
    const char *text;
    float out[6], want;
    assert_int_equal(tensor_file_open_memory(&f, data, size, "t", NULL), RG_OK); /* by content */
    assert_string_equal(rg_tensor_file_kind(f), "safetensors");
    assert_int_equal(rg_tensor_file_count(f), 4);
    assert_true(rg_tensor_meta_string(f, "format", &text, &len) && len == 2 && memcmp(text, "pt", 2) == 0);
    const rg_tensor_info *t = rg_tensor_file_find(f, "a.f32");
    assert_true(t && t->n_dims == 2 && t->shape[0] == 2 && t->shape[1] == 3 && t->bytes == 24);
    assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
    assert_memory_equal(out, data + size - 36, 24);
    t = rg_tensor_file_find(f, "b.bf16");
    assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
    memcpy(&want, &(uint32_t){(uint32_t)data[size - 10] << 16 | (uint32_t)data[size - 9] << 24}, 4);
    assert_true(out[1] == want);
    t = rg_tensor_file_find(f, "one");
    assert_true(t && t->n_dims == 0 && t->bytes == 8);
    assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
    int64_t whole;
    memcpy(&whole, data + size - 8, 8);
    assert_true(out[0] == (float)whole);
    rg_tensor_file_close(f);
    free(data);
}

static void truncated_and_flipped(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = bytes_of(good, sizeof good - 1, 36, &size);
    int n_good = 0;
    for (size_t n = 0; n < size; n++) {
        rg_error err = {0};
        assert_int_equal(open_copy(data, n, &err), RG_ERR_PARSE);
        assert_non_null(strstr(err.where, "t.safetensors@byte "));
        assert_true(err.message[0] && err.expected[0]);
    }
    for (uint64_t round = 0; round < 20000; round++) {
        rg_error err = {0};
        uint8_t *copy = malloc(size);
        memcpy(copy, data, size);
        for (uint64_t k = 0; k <= round % 3; k++)
            copy[rg_random_u32(12, round, 2 * k) % (size - 36)] =
                (uint8_t)rg_random_u32(12, round, 2 * k + 1);
        if (open_copy(copy, size, &err) == RG_OK)
            n_good++;
        else if (!strstr(err.where, "@byte "))
            fail_msg("%s: %s", err.where, err.message);
        free(copy);
    }
    assert_true(n_good > 50);
    free(data);
}

static void defects(void **state) {
    (void)state;
    static const struct {
        const char *header;
        size_t n_data;
        rg_status status;
        const char *message;
    } rows[] = {
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[2],\"data_offsets\":[0,1]}}", 1, RG_ERR_UNSUPPORTED,
         "tensor \"a\" is of dtype F4"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 4, RG_ERR_PARSE, "truncated"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,4]}}", 8, RG_ERR_PARSE, "has 4 bytes"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}", 8, RG_ERR_PARSE,
         "wrong data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[-4,4]}}", 8, RG_ERR_PARSE,
         "wrong data_offsets"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[-2],\"data_offsets\":[0,8]}}", 8, RG_ERR_PARSE, "dimension 0"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],\"data_offsets\":[0,0]}}", 0,
         RG_ERR_PARSE, "dimension 1"},
        {"{\"a\":{\"dtype\":\"F32\",\"shape\":[99999999999999999999],\"data_offsets\":[0,8]}}", 8,
         RG_ERR_PARSE, "no JSON"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1,1,1,1,1,1,1,1,1],\"data_offsets\":[0,1]}}", 1, RG_ERR_PARSE,
         "9 dimensions"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]},"
         "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}",
         3, RG_ERR_PARSE, "overlaps"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[1,3]}}", 3, RG_ERR_PARSE, "holes"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
         "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}",
         1, RG_ERR_PARSE, "no JSON"},
        {"{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1],\"x\":1}}", 1, RG_ERR_PARSE,
         "other fields"},
        {"{\"\\u0007\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}", 1, RG_ERR_PARSE,
         "byte 0x07"},
        {"{\"__metadata__\":{\"a\":1}}", 0, RG_ERR_PARSE, "__metadata__"},
        {"{]", 0, RG_ERR_PARSE, "no JSON"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t size;
        rg_error err = {0};
        uint8_t *data = bytes_of(rows[i].header, strlen(rows[i].header), rows[i].n_data, &size);
        if (open_copy(data, size, &err) != rows[i].status || !strstr(err.message, rows[i].message) ||
            !strstr(err.where, "@byte "))
            fail_msg("%s: %s: %s", rows[i].message, err.where, err.message);
        free(data);
    }
    uint8_t long_header[9] = {255, 255, 255, 255, 0, 0, 0, 0, '{'};
    rg_error err = {0};
    assert_int_equal(open_copy(long_header, 9, &err), RG_ERR_PARSE);
    assert_non_null(strstr(err.message, "4294967295"));
    /* the place of a defect is the tensor's */
    const char *header = "{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                         "\"bad\":{\"dtype\":\"X\",\"shape\":[1],\"data_offsets\":[1,2]}}";
    size_t size;
    char where[64];
    uint8_t *data = bytes_of(header, strlen(header), 2, &size);
    open_copy(data, size, &err);
    snprintf(where, sizeof where, "@byte %d", (int)(strstr(header, "\"bad\"") - header) + 8);
    assert_non_null(strstr(err.where, where));
    free(data);
}

/* ---- several files ------------------------------------------------------------------------------- */

static void write_text(const char *path, const char *text) {
    assert_int_equal(rg_file_write(path, text, strlen(text), NULL), RG_OK);
}

static void write_shard(const char *path, const char *tensor, uint8_t first) {
    char header[200];
    size_t size;
    snprintf(header, sizeof header, "{\"%s\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[0,2]}}",
             tensor);
    uint8_t *data = bytes_of(header, strlen(header), 2, &size);
    data[size - 2] = first;
    assert_int_equal(rg_file_write(path, data, size, NULL), RG_OK);
    free(data);
}

static void refused(const char *index, const char *message) {
    rg_tensor_file *f;
    rg_error err = {0};
    write_text("model.safetensors.index.json", index);
    assert_true(rg_tensor_file_open(&f, "model.safetensors.index.json", &err) != RG_OK);
    if (!strstr(err.message, message)) fail_msg("%s: %s", err.where, err.message);
}

static void shards(void **state) {
    (void)state;
    static const char index[] = "{\"metadata\": {\"total_size\": 4}, \"weight_map\": "
                                "{\"b\": \"m-2.safetensors\", \"a\": \"m-1.safetensors\"}}";
    char dir[] = "/tmp/ridge-test-XXXXXX", command[64];
    rg_tensor_file *f;
    float out[2];
    assert_true(mkdtemp(dir) && chdir(dir) == 0);
    write_shard("m-1.safetensors", "a", 7);
    write_shard("m-2.safetensors", "b", 9);
    write_text("model.safetensors.index.json", index);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(rg_tensor_file_open(&f, i ? dir : "model.safetensors.index.json", NULL), RG_OK);
        assert_int_equal(rg_tensor_file_count(f), 2);
        assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "b"), out, NULL), RG_OK);
        assert_true(out[0] == 9);
        assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "a"), out, NULL), RG_OK);
        assert_true(out[0] == 7);
        rg_tensor_file_close(f);
    }
    refused("{\"weight_map\": {\"a\": \"../m-1.safetensors\"}}", "not one beside the index");
    refused("{\"weight_map\": {\"a\": \"m-1.safetensors\", \"b\": \"m-1.safetensors\"}}", "is in no file");
    refused("{\"weight_map\": {\"b\": \"m-1.safetensors\"}}", "not where the index has it");
    refused("{\"weight_map\": {\"a\": \"m-3.safetensors\"}}", "cannot open");
    refused("{\"weight_map\": {}}", "no index");
    refused("[", "");
    write_shard("model.safetensors.index.json", "a", 1);
    assert_int_equal(rg_tensor_file_open(&f, "model.safetensors.index.json", NULL), RG_ERR_PARSE);
    snprintf(command, sizeof command, "rm -r %s", dir);
    assert_int_equal(system(command), 0);
}

/* ---- arrays -------------------------------------------------------------------------------------- */

static rg_status array(int version, const char *header, const void *values, size_t n, float *out, int *n_dims,
                       rg_error *err) {
    uint8_t data[512] = {0x93, 'N', 'U', 'M', 'P', 'Y', (uint8_t)version, 0, (uint8_t)strlen(header)};
    const size_t start = version == 1 ? 10 : 12, size = start + strlen(header) + n;
    rg_tensor_file *f;
    memcpy(data + start, header, strlen(header));
    if (n) memcpy(data + start + strlen(header), values, n);
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    rg_status status = tensor_file_open_memory(&f, copy, size, "some/act.npy", err);
    if (status == RG_OK) {
        const rg_tensor_info *t = rg_tensor_file_find(f, "act");
        assert_non_null(t);
        *n_dims = t->n_dims;
        assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
        rg_tensor_file_close(f);
    }
    free(copy);
    return status;
}

static void arrays(void **state) {
    (void)state;
    const double d[] = {0.1, -2};
    const int16_t i[] = {-3, 4};
    float out[8];
    int n_dims;
    rg_error err = {0};
    assert_int_equal(array(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 2), }   \n", d, 16, out,
                           &n_dims, NULL),
                     RG_OK);
    assert_true(n_dims == 2 && out[0] == 0.1f && out[1] == -2);
    for (int version = 1; version <= 3; version++) {
        assert_int_equal(
            array(version, "{\"shape\":(2,),'descr':'<i2','fortran_order':True}", i, 4, out, &n_dims, NULL),
            RG_OK); /* one dimension: both orders are one */
        assert_true(n_dims == 1 && out[0] == -3 && out[1] == 4);
    }
    assert_int_equal(array(1, "{'descr':'|u1','fortran_order':False,'shape':()}", i, 1, out, &n_dims, NULL),
                     RG_OK);
    assert_true(n_dims == 0 && out[0] == 253);
    static const struct {
        const char *header;
        rg_status status;
        const char *message;
    } rows[] = {
        {"{'descr': '<f4', 'fortran_order': True, 'shape': (1, 1)}", RG_ERR_UNSUPPORTED, "Fortran order"},
        {"{'descr': '>f4', 'fortran_order': False, 'shape': (1,)}", RG_ERR_UNSUPPORTED, ">f4"},
        {"{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}", RG_ERR_UNSUPPORTED, "<c8"},
        {"{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", RG_ERR_PARSE, "none"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}", RG_ERR_PARSE, "4 bytes of data"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", RG_ERR_PARSE, "dimension"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", RG_ERR_PARSE,
         "dimension"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}", RG_ERR_PARSE, "large"},
        {"{'descr': '<f4', 'fortran_order': False}", RG_ERR_PARSE, "missing"},
        {"{'descr': '<f4', 'descr': '<f4', 'shape': (1,)}", RG_ERR_PARSE, "another key"},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x", RG_ERR_PARSE, "goes on"},
        {"{'descr': '<f4", RG_ERR_PARSE, "ends within"},
        {"{", RG_ERR_PARSE, ""},
    };
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++)
        if (array(1, rows[k].header, d, 4, out, &n_dims, &err) != rows[k].status ||
            !strstr(err.message, rows[k].message) || !strstr(err.where, "act.npy@byte "))
            fail_msg("%s: %s: %s", rows[k].header, err.where, err.message);
    assert_int_equal(array(4, "{}", d, 0, out, &n_dims, &err), RG_ERR_UNSUPPORTED);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(reads), cmocka_unit_test(truncated_and_flipped),
                                       cmocka_unit_test(defects), cmocka_unit_test(shards),
                                       cmocka_unit_test(arrays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
