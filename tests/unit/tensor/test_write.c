/* Files of tensors as they are written: read back, block types as the number formats make them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/num.h"
#include "ridge/tensor.h"

enum { ROWS = 6, COLS = 96, N = ROWS * COLS };

typedef struct values {
    const float *x;
    bool fails;
} values;

static rg_status give(void *context, size_t i, float *out, rg_error *err) {
    const values *v = context;
    if (v->fails && i == 1) return rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "no more");
    memcpy(out, v->x, (i ? 3 : N) * sizeof *out);
    return RG_OK;
}

static rg_status write_as(const char *path, const char *format, values *v, rg_error *err) {
    const rg_tensor_info info[] = {{.name = "matrix", .n_dims = 2, .shape = {ROWS, COLS}, .format = format},
                                   {.name = "a.vector", .n_dims = 1, .shape = {3}, .format = "f32"}};
    const rg_tensor_list list = {2, info, give, v};
    return strstr(path, ".gguf") ? rg_tensor_write_gguf(path, &list, NULL, err)
                                 : rg_tensor_write_safetensors(path, &list, err);
}

static void fill(float *x) {
    for (size_t i = 0; i < N; i++) x[i] = (float)rg_random_normal(3, 1, i) * (i < 96 ? 1e-3f : 4);
    for (size_t i = 200; i < 232; i++) x[i] = 0; /* a block of zeros */
}

static void formats(void **state) {
    (void)state;
    static const struct {
        const char *path, *format, *quant;
        uint64_t bytes;
    } rows[] = {
        {"a.safetensors", "f32", "fp32", 4 * N},
        {"a.safetensors", "f16", "fp16", 2 * N},
        {"a.safetensors", "bf16", "bf16", 2 * N},
        {"a.gguf", "f32", "fp32", 4 * N},
        {"a.gguf", "f16", "fp16", 2 * N},
        {"a.gguf", "bf16", "bf16", 2 * N},
        {"a.gguf", "q8_0", "int8(sym,group=32,scale=fp16)", N / 32 * 34},
        {"a.gguf", "q4_0", "int4(sym,group=32,scale=fp16)", N / 32 * 18},
        {"a.gguf", "mxfp4", "mxfp4", N / 32 * 17},
    };
    float x[N], want[N], got[N];
    values v = {.x = x};
    fill(x);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        rg_quant q;
        rg_error err = {0};
        rg_tensor_file *f;
        assert_int_equal(rg_quant_parse(rows[k].quant, &q, NULL), RG_OK);
        rg_qdq(&q, x, want, ROWS, COLS, false, NULL);
        if (write_as(rows[k].path, rows[k].format, &v, &err) != RG_OK) fail_msg("%s", err.message);
        assert_int_equal(rg_tensor_file_open(&f, rows[k].path, NULL), RG_OK);
        const rg_tensor_info *t = rg_tensor_file_find(f, "matrix");
        assert_true(t && t->n_dims == 2 && t->shape[0] == ROWS && t->shape[1] == COLS);
        assert_string_equal(t->format, rows[k].format);
        assert_int_equal(t->bytes, rows[k].bytes);
        assert_int_equal(rg_tensor_read_f32(f, t, got, NULL), RG_OK);
        for (int i = 0; i < N; i++)
            if (got[i] != want[i])
                fail_msg("%s %d: %g, not %g", rows[k].format, i, (double)got[i], (double)want[i]);
        assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "a.vector"), got, NULL), RG_OK);
        assert_memory_equal(got, x, 12);
        rg_tensor_file_close(f);
    }
}

/* Numbers on a grid of 16 steps come back; others are at most half a step (and its rounding) away. */
static void q4_1(void **state) {
    (void)state;
    float x[N], got[N];
    values v = {.x = x};
    rg_tensor_file *f;
    fill(x);
    for (int i = 0; i < 64; i++) x[i] = -0.75f + 0.125f * (float)(i % 16);
    assert_int_equal(write_as("b.gguf", "q4_1", &v, NULL), RG_OK);
    assert_int_equal(rg_tensor_file_open(&f, "b.gguf", NULL), RG_OK);
    assert_int_equal(rg_tensor_read_f32(f, rg_tensor_file_find(f, "matrix"), got, NULL), RG_OK);
    assert_memory_equal(got, x, 64 * sizeof *x);
    for (int b = 0; b < N; b += 32) {
        float low = x[b], high = x[b];
        for (int i = b; i < b + 32; i++) low = fminf(low, x[i]), high = fmaxf(high, x[i]);
        for (int i = b; i < b + 32; i++) assert_true(fabsf(got[i] - x[i]) <= (high - low) / 15 * 0.52f);
    }
    rg_tensor_file_close(f);
}

static void refused(void **state) {
    (void)state;
    float x[N];
    values v = {.x = x};
    rg_error err = {0};
    fill(x);
    assert_int_equal(write_as("c.safetensors", "q8_0", &v, &err), RG_ERR_UNSUPPORTED);
    assert_int_equal(write_as("c.gguf", "q4_k", &v, &err), RG_ERR_UNSUPPORTED);
    assert_int_equal(write_as("no/c.gguf", "f32", &v, &err), RG_ERR_IO);
    static const struct {
        float value;
        const char *format;
    } bad[] = {{NAN, "q8_0"},     {INFINITY, "f16"},   {70000, "f16"},
               {3.4e38f, "bf16"}, {INFINITY, "mxfp4"}, {1e5f, "q4_1"}};
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        x[500] = bad[k].value;
        assert_int_equal(write_as("c.gguf", bad[k].format, &v, &err), RG_ERR_UNSUPPORTED);
        assert_string_equal(err.where, "matrix");
    }
    fill(x);
    v.fails = true; /* in the middle of the file */
    assert_int_equal(write_as("c.gguf", "f32", &v, &err), RG_ERR_CANCELLED);
    assert_int_equal(write_as("c.safetensors", "f32", &v, &err), RG_ERR_CANCELLED);
    assert_true(access("c.gguf", F_OK) != 0 && access("c.safetensors", F_OK) != 0);
    assert_int_equal(system("! ls | grep -q part"), 0);
    const rg_tensor_info odd = {.name = "odd", .n_dims = 2, .shape = {2, 33}, .format = "q8_0"};
    v.fails = false;
    const rg_tensor_list list = {1, &odd, give, &v};
    assert_int_equal(rg_tensor_write_gguf("c.gguf", &list, NULL, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "rows of 33"));
}

int main(void) {
    char dir[] = "/tmp/ridge-test-XXXXXX", command[64];
    if (!mkdtemp(dir) || chdir(dir) != 0) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(q4_1),
                                       cmocka_unit_test(refused)};
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0 || failed;
}
