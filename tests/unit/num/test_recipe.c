/* The options of a cast about scales and integers, against formulas written down once more: those of
   Transformer Engine and torchao for NVFP4, of microxcaling and Universal for MX. LIBS: mpfr gmp */
#include "elem_oracle.h"

static rg_quant parse(const char *text) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(text, &q, &err) != RG_OK) fail_msg("%s: %s", text, err.message);
    return q;
}

/* Exponent of the mxfp4 scale of a block whose largest magnitude is x. */
static int exponent_of(const rg_quant *q, float x) {
    uint8_t code, scale;
    rg_encode(q, &x, &code, &scale, 1, 1, false, NULL);
    return scale - 127;
}

/* floor of log2 x rounded to 24 bits, by MPFR. */
static int floor_of_rounded_log2(float x) {
    mpfr_t v;
    mpfr_init2(v, 24);
    mpfr_set_flt(v, x, MPFR_RNDN);
    mpfr_log2(v, v, MPFR_RNDN);
    const int floor_v = (int)mpfr_get_si(v, MPFR_RNDD);
    mpfr_clear(v);
    return floor_v;
}

/* Below every power of two the fp32 logarithm rounds up for a while: 7,404 normal values in all. */
static void floor32(void **state) {
    (void)state;
    const rg_quant q = parse("mxfp4@rne(scale=floor32)"), exact = parse("mxfp4");
    int n = 0;
    for (uint32_t k = 2; k <= 255; k++)
        for (uint32_t j = 1; j < 100; j++) {
            const float x = oracle_from_bits((k << 23) - j);
            const int want = floor_of_rounded_log2(x), exponent = (int)k - 128;
            n += want != exponent;
            assert_int_equal(exponent_of(&q, x), want - 2 < -127 ? -127 : want - 2);
            assert_int_equal(exponent_of(&exact, x), exponent - 2 < -127 ? -127 : exponent - 2);
        }
    assert_int_equal(n, 7404);
    for (size_t i = 0; i < 20000; i++) {
        const float x = oracle_from_bits(1 + rg_random_u32(31, 0, i) % 0x7f7fffff);
        const int want = floor_of_rounded_log2(x) - 2;
        assert_int_equal(exponent_of(&q, x), want < -127 ? -127 : want);
    }
}

static void qdq(const char *text, const float *x, float *y, size_t n) {
    const rg_quant q = parse(text);
    rg_qdq(&q, x, y, 1, n, false, NULL);
}

static void special(void **state) {
    (void)state;
    const float x[] = {1, -6, INFINITY, NAN};
    float y[4];
    qdq("mxfp4", x, y, 4);
    assert_true(y[0] == 1 && y[1] == -6 && y[2] == 6 && y[3] == 6);
    qdq("mxfp4@rne(special=nan)", x, y, 4);
    assert_true(isnan(y[0]) && isnan(y[1]) && isnan(y[2]) && isnan(y[3]));
    qdq("mxfp4@rne(special=max)", x, y, 4);
    assert_true(y[0] == 0 && y[1] == 0 && signbit(y[1]) && isinf(y[2]) && isinf(y[3])); /* 6 2^127 */
    const float nan_alone[] = {1, NAN};
    qdq("mxfp8@rne(special=max)", nan_alone, y, 2);
    assert_true(y[0] == 1 && isnan(y[1]));
    qdq("mxfp8@rne(special=nan)", x, y, 2);
    assert_true(y[0] == 1 && y[1] == -6);
}

/* Universal: 2^-120 in mxfp8 wants 2^-128; elements are multiplied by 1 / 2^-128, which fp32 calls infinite.
 */
static void unclamped(void **state) {
    (void)state;
    const float tiny[] = {0x1p-120f, 0x1p-125f}, good[] = {0x1p-119f, -0x1.8p-120f};
    float y[2], z[2];
    qdq("mxfp8@rne(sat=ocp,apply=unclamped)", tiny, y, 2);
    assert_true(isnan(y[0]) && isnan(y[1]));
    qdq("mxfp8@rne(apply=unclamped)", tiny, y, 2);
    assert_true(y[0] == 448 * 0x1p-127f && y[1] == 448 * 0x1p-127f);
    qdq("mxfp8@rne(sat=ocp,apply=unclamped)", good, y, 2);
    qdq("mxfp8", good, z, 2);
    assert_memory_equal(y, z, sizeof y);
}

static void full_range(void **state) {
    (void)state;
    const rg_quant q = parse("int8(sym,row,scale=fp32)@rne(range=full)"), s = parse("int8");
    const struct {
        float x;
        int full, symmetric;
    } rows[] = {{-128, -128, -127},      {-127.5f, -128, -127}, {-127.4f, -127, -127},
                {-128.5f, -128, -127},   {-200, -128, -127},    {-1e30f, -128, -127},
                {-INFINITY, -128, -127}, {128, 127, 127},       {1e30f, 127, 127},
                {INFINITY, 127, 127},    {NAN, 127, 127},       {0, 0, 0},
                {-0.0f, 0, 0},           {-1, -1, -1},          {-0x1.8p22f, -128, -127},
                {-0x1p23f, -128, -127},  {-0x1p24f, -128, -127}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal((int8_t)rg_elem_cast(&q.format.elem, &q.cast, rows[i].x, 0), rows[i].full);
        assert_int_equal((int8_t)rg_elem_cast(&s.format.elem, &s.cast, rows[i].x, 0), rows[i].symmetric);
    }
    /* OCP MX int8: 1.99 is 127.4 / 64, -2 is -128 / 64 */
    const float x[] = {1.99f, -1.999f};
    float y[2];
    qdq("mx(int8,32,e8m0)@rne(range=full)", x, y, 2);
    assert_true(y[0] == 127 / 64.0f && y[1] == -2);
}

/* ---- NVFP4 -----------------------------------------------------------------------------------------------
 */

typedef enum recipe { TE, TORCHAO, ROUND_UP } recipe;

static oracle e4m3, e2m1;

static float round_to(const oracle *o, float x) {
    return copysignf((float)o->value[oracle_round(o, fabs((double)x))], x);
}

static float round_up_to(const oracle *o, float x) {
    uint32_t c = 0;
    while (c < o->layout->max_code && o->value[c] < x) c++;
    return (float)o->value[c];
}

/* One block: block scale and elements' codes as values. */
static void reference(recipe r, const float *x, float tensor_amax, float *scale, float *q, float *tensor) {
    float amax = 0;
    for (int i = 0; i < 16; i++) amax = fmaxf(amax, fabsf(x[i]));
    if (r == TE) {
        const float gain = fminf(2688 / tensor_amax, 0x1.fffffep127f), folded = gain * (1 / 6.0f);
        *tensor = 1 / gain;
        *scale = round_to(&e4m3, amax * folded);
        const float by = fminf(1 / (*scale * *tensor), 0x1.fffffep127f);
        for (int i = 0; i < 16; i++) q[i] = round_to(&e2m1, x[i] * by);
        return;
    }
    *tensor = tensor_amax / 2688;
    const float ratio = amax / 6 / *tensor;
    *scale = r == TORCHAO ? round_to(&e4m3, fminf(fmaxf(ratio, 0x1p-6f), 448)) : round_up_to(&e4m3, ratio);
    const float by = 1 / *tensor / *scale;
    for (int i = 0; i < 16; i++)
        q[i] = round_to(&e2m1, r == TORCHAO ? x[i] * by : *scale > 0 ? x[i] / (*scale * *tensor) : 0);
}

static void nvfp4_recipe(recipe r, const char *text, uint64_t seed) {
    enum { BLOCKS = 512 };
    static float x[16 * BLOCKS];
    static uint8_t codes[16 * BLOCKS], scales[4 + BLOCKS];
    const rg_quant quant = parse(text);
    float tensor_amax = 0;
    for (size_t i = 0; i < 16 * BLOCKS; i++) {
        const int spread = (int)(rg_random_u32(seed, 1, i / 16) % 18) - 9;
        x[i] = ldexpf((float)rg_random_normal(seed, 0, i), spread);
        if (i / 16 == 7) x[i] = 0; /* TE: 0 FLT_MAX; torchao: least scale */
        tensor_amax = fmaxf(tensor_amax, fabsf(x[i]));
    }
    rg_encode(&quant, x, codes, scales, 1, 16 * BLOCKS, false, NULL);
    float t, stored_t;
    memcpy(&stored_t, scales, 4);
    for (size_t b = 0; b < BLOCKS; b++) {
        float scale, q[16];
        reference(r, x + 16 * b, tensor_amax, &scale, q, &t);
        assert_true(rg_elem_decode(&e4m3.elem, scales[4 + b]) == scale);
        for (size_t i = 0; i < 16; i++)
            if (rg_elem_decode(&e2m1.elem, codes[16 * b + i]) != q[i])
                fail_msg("%s: [%zu][%zu] %a is %a", text, b, i, (double)x[16 * b + i], (double)q[i]);
    }
    assert_true(t == stored_t);
}

static void nvfp4(void **state) {
    (void)state;
    e4m3 = oracle_open(&oracle_floats[1]);
    e2m1 = oracle_open(&oracle_floats[4]);
    for (uint64_t seed = 1; seed < 6; seed++) {
        nvfp4_recipe(TE, "nvfp4@rne(apply=reciprocal,order=folded)", seed);
        nvfp4_recipe(TORCHAO, "nvfp4@rne(apply=reciprocal2,least=normal)", seed);
        nvfp4_recipe(ROUND_UP, "nvfp4@rne(scale=rceil)", seed);
    }
    oracle_close(&e4m3);
    oracle_close(&e2m1);
}

/* What rides on the wrong format is refused, and every word survives printing. */
static void texts(void **state) {
    (void)state;
    static const char *const bad[] = {"e2m1@rne(special=nan)",
                                      "nvfp4@rne(special=max)",
                                      "nvfp4@rne(apply=unclamped)",
                                      "mxfp4@rne(order=folded)",
                                      "mxfp4@rne(least=normal)",
                                      "mxfp4@rne(range=full)",
                                      "e4m3fn@rne(apply=divide,apply=reciprocal)",
                                      "e4m3fn@rne(apply=reciprocal)",
                                      "nvfp4@rne(scale=floor32)",
                                      "e4m3fn@rne(scale=rceil)",
                                      "int4(asym,group=32,scale=fp16)@rne(range=full)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rg_quant q;
        rg_error err = {0};
        if (rg_quant_parse(bad[i], &q, &err) != RG_ERR_USAGE) fail_msg("%s is not refused", bad[i]);
        assert_true(err.message[0] && err.expected[0]);
    }
    static const char *const good[] = {
        "mxfp4@rna(scale=floor32,special=nan)", "mxfp8@rne(sat=ocp,special=max,apply=unclamped)",
        "nvfp4@rne(apply=reciprocal,order=folded)", "nvfp4@rne(scale=rceil,apply=reciprocal2,least=normal)",
        "int8@rne(range=full)"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char text[RG_QUANT_TEXT];
        const rg_quant q = parse(good[i]);
        rg_quant_print(&q, text, sizeof text);
        assert_string_equal(text, good[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(floor32),   cmocka_unit_test(special),
                                       cmocka_unit_test(unclamped), cmocka_unit_test(full_range),
                                       cmocka_unit_test(nvfp4),     cmocka_unit_test(texts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
