/* Operands as integers times scales: the values of rg_qdq, and products as exact arithmetic rounds them.
   LIBS: mpfr gmp */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <mpfr.h>

#include "num/integer_dot.h"

enum { ROWS = 13, COLS = 172 };

static const char *const formats[] = {"mxfp4",
                                      "mxfp6",
                                      "nvfp4",
                                      "nvfp4@rne(scale=4over6)",
                                      "mxfp4@rne(scale=even)",
                                      "mxfp4@rne(scale=mse)",
                                      "mxfp6@sra(4)",
                                      "mx(int8,32,e8m0)",
                                      "mx(int4,16,e8m0)",
                                      "mx(e2m1,8x16,e4m3fn,tensor)",
                                      "mxfp4@rz(scale=rceil)",
                                      "int8",
                                      "int8(sym,tensor,scale=fp32)",
                                      "int4",
                                      "int5(sym,group=10,scale=fp16)",
                                      "int2(sym,row,scale=fp16)",
                                      "int6(sym,group=64,scale=bf16)",
                                      "e2m1",
                                      "e2m1(scale=row)",
                                      "e2m3(scale=tensor)@ru",
                                      "nvfp4@rne(nan=signed)"};
enum { N_FORMATS = sizeof formats / sizeof *formats };

/* Rows over many binades; zero blocks, NaN, infinities, the ends of fp32. */
static void fill(float *x) {
    for (size_t i = 0; i < ROWS * COLS; i++) {
        const size_t row = i / COLS;
        const int spread = row < 4 ? 1 : 60, middle = row % 4 == 1 ? -70 : row % 4 == 3 ? 60 : 0;
        x[i] = ldexpf((float)rg_random_normal(3, 1, i), middle + (int)(rg_random_u32(4, 1, i) % spread));
        if (i / 16 % 7 == 3) x[i] = i % 2 ? 0.0f : -0.0f;
    }
    x[5] = NAN, x[40] = INFINITY, x[COLS + 3] = -INFINITY, x[3 * COLS] = 3.4e38f, x[4 * COLS + 9] = 1e-45f;
    for (size_t i = 0; i < 32; i++) x[6 * COLS + i] = i % 3 ? 3e-39f : -1e-40f;
}

static void agrees(const char *text, bool per_row) {
    static float x[ROWS * COLS], y[ROWS * COLS], scale[ROWS * COLS];
    static int8_t q[ROWS * COLS];
    num_integer_form form;
    rg_quant quant;
    size_t tested = 0;
    assert_int_equal(rg_quant_parse(text, &quant, NULL), RG_OK);
    if (!num_integer_form_of(&form, &quant, COLS)) fail_msg("%s is said to have no integers", text);
    fill(x);
    rg_qdq_from(&quant, x, y, ROWS, COLS, per_row, 1000, NULL);
    num_integer_split(&quant, &form, x, ROWS, COLS, per_row, 1000, q, scale);
    const size_t n_scales = (COLS + form.span - 1) / form.span;
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < COLS; c++) {
            const float s = scale[r * n_scales + c / form.span], value = (float)q[r * COLS + c] * s;
            assert_true(abs(q[r * COLS + c]) <= form.largest);
            if (fabsf(s) < 0x1p-126f && !quant.format.power_of_two_scale && s != 0)
                continue; /* S is rounded */
            tested++;
            if (value != y[r * COLS + c])
                fail_msg("%s, row %zu column %zu: %d times %g is not %g", text, r, c, q[r * COLS + c],
                         (double)s, (double)y[r * COLS + c]);
        }
    assert_true(tested > ROWS * COLS * 3 / 4);
}

static void values(void **state) {
    (void)state;
    for (size_t i = 0; i < N_FORMATS; i++)
        for (int per_row = 0; per_row < 2; per_row++) agrees(formats[i], per_row);
}

static void refused(void **state) {
    (void)state;
    static const char *const others[] = {"bf16",  "e4m3fn",
                                         "mxfp8", "mx(e3m2,32,e8m0)",
                                         "e3m2",  "int4(asym,group=32,scale=fp16)",
                                         "int9",  "nf4(group=64,scale=fp32)",
                                         "fp32",  "int8@rne(range=full)",
                                         "e8m0",  "posit(8,2)"};
    num_integer_form form, other;
    rg_quant q;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (rg_quant_parse(others[i], &q, NULL) == RG_OK && num_integer_form_of(&form, &q, 64))
            fail_msg("%s is said to have integers", others[i]);
    assert_int_equal(rg_quant_parse("int4(sym,group=24,scale=fp16)", &q, NULL), RG_OK);
    assert_true(num_integer_form_of(&form, &q, 96));
    assert_int_equal(rg_quant_parse("mxfp4", &q, NULL), RG_OK);
    assert_true(num_integer_form_of(&other, &q, 96));
    assert_int_equal(num_integer_block(&form, &other, 96), 0); /* 24 does not divide 32 */
    assert_int_equal(num_integer_block(&form, &form, 96), 24);
    const num_integer_form long_row = {1, 127, 200000};
    assert_int_equal(num_integer_block(&long_row, &long_row, 200000), 0); /* beyond 32 bits */
    assert_int_equal(num_integer_block(&long_row, &other, 200000), 32);
}

/* The same in MPFR: exact sums of integers, each step rounded to 24 bits. */
static float exactly(const num_integers *a, const num_integers *b, size_t block, size_t k) {
    mpfr_t y, sum, scale, other;
    mpfr_inits2(24, y, sum, scale, other, (mpfr_ptr)0);
    mpfr_set_zero(y, 1);
    for (size_t from = 0; from < k; from += block) {
        __int128 total = 0;
        for (size_t i = from; i < k && i < from + block; i++) total += (__int128)a->q[i] * b->q[i];
        mpfr_set_si(sum, (long)total, MPFR_RNDN);
        mpfr_set_flt(scale, a->scale[from / a->span], MPFR_RNDN);
        mpfr_set_flt(other, b->scale[from / b->span], MPFR_RNDN);
        mpfr_mul(scale, scale, other, MPFR_RNDN);
        mpfr_fma(y, sum, scale, y, MPFR_RNDN);
    }
    const float result = mpfr_get_flt(y, MPFR_RNDN);
    mpfr_clears(y, sum, scale, other, (mpfr_ptr)0);
    return result;
}

/* Against the sum of q_a S_a q_b S_b without any rounding: what the roundings may do. */
static void within_bound(const num_integers *a, const num_integers *b, size_t block, size_t k, float got) {
    mpfr_t sum, product, magnitude;
    mpfr_inits2(600, sum, product, magnitude, (mpfr_ptr)0);
    mpfr_set_zero(sum, 1);
    mpfr_set_zero(magnitude, 1);
    for (size_t i = 0; i < k; i++) {
        mpfr_set_flt(product, a->scale[i / a->span], MPFR_RNDN);
        mpfr_mul_d(product, product, (double)b->scale[i / b->span], MPFR_RNDN);
        mpfr_mul_si(product, product, (long)a->q[i] * b->q[i], MPFR_RNDN);
        mpfr_add(sum, sum, product, MPFR_RNDN);
        mpfr_abs(product, product, MPFR_RNDN);
        mpfr_add(magnitude, magnitude, product, MPFR_RNDN);
    }
    mpfr_sub_d(sum, sum, (double)got, MPFR_RNDN);
    const double error = fabs(mpfr_get_d(sum, MPFR_RNDN)), all = mpfr_get_d(magnitude, MPFR_RNDN);
    const double steps = (double)((k + block - 1) / block) + 2;
    assert_true(error <= steps * 0x1.1p-24 * all);
    mpfr_clears(sum, product, magnitude, (mpfr_ptr)0);
}

static void products(void **state) {
    (void)state;
    static const size_t spans[][2] = {{32, 32}, {16, 16}, {16, 32}, {COLS, 32}, {COLS, COLS}, {10, COLS}};
    int8_t q[2][COLS];
    float scale[2][COLS];
    for (uint64_t t = 0; t < 600; t++) {
        const size_t *span = spans[t % 6], block = span[0] < span[1] ? span[0] : span[1];
        const int range = t % 3 ? 127 : 12, same = t % 5 == 0;
        for (size_t i = 0; i < 2 * COLS; i++) {
            q[i / COLS][i % COLS] =
                (int8_t)((int)(rg_random_u32(t, 7, i) % (2 * (uint32_t)range + 1)) - range);
            if (same) q[i / COLS][i % COLS] = (int8_t)range;
            scale[i / COLS][i % COLS] =
                ldexpf(0.5f + (float)rg_random_uniform(t, 8, i), (int)(rg_random_u32(t, 9, i) % 24) - 12);
        }
        const num_integers a = {q[0], scale[0], span[0]}, b = {q[1], scale[1], span[1]};
        const float got = num_integer_dot(&a, &b, block, COLS), want = exactly(&a, &b, block, COLS);
        assert_memory_equal(&got, &want, sizeof got);
        within_bound(&a, &b, block, COLS, got);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(values), cmocka_unit_test(refused),
                                       cmocka_unit_test(products)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
