/* Two-dimensional blocks, shifts of sub-blocks, and the rules that search for a scale, against their
   definitions. LIBS: mpfr gmp */
#include "block_reference.h"

enum { ROWS = 7, COLS = 45, N = ROWS * COLS };

static rg_quant parse(const char *text) {
    rg_quant q;
    rg_error err = {0};
    if (rg_quant_parse(text, &q, &err) != RG_OK) fail_msg("%s: %s; %s", text, err.message, err.expected);
    return q;
}

static void fill(float *x, uint64_t seed) {
    for (size_t i = 0; i < N; i++) {
        const uint32_t bits = rg_random_u32(seed, 1, i);
        x[i] = ldexpf((float)rg_random_normal(seed, 0, i), (int)(bits % 9) - 4);
        if (seed % 4 == 1 && i / 8 % 3 == 0) x[i] = 0;
        if (seed % 4 == 2 && bits >> 8 & 1) x[i] = ldexpf((float)((int)(bits % 17) - 8), -3);
        if (seed % 4 == 3) x[i] = ldexpf(x[i], i < N / 2 ? -130 : 118);
        if (bits % 97 == 0) x[i] = bits & 1 << 20 ? NAN : bits & 1 << 21 ? INFINITY : -0.0f;
    }
}

static bool same(float a, float b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

/* Encoded and decoded it is the same, in the sizes told and not a byte beyond. */
static void check_stored(const rg_quant *q, const float *x, const float *want, bool per_row) {
    static unsigned char codes[4 * N + 1], scales[8 * N + 1];
    float got[N];
    const rg_stored_size size = rg_format_stored_size(&q->format, ROWS, COLS, per_row);
    assert_true(size.code_bytes < sizeof codes && size.scale_bytes < sizeof scales);
    codes[size.code_bytes] = scales[size.scale_bytes] = 0x5a;
    rg_encode(q, x, codes, scales, ROWS, COLS, per_row, NULL);
    assert_int_equal(codes[size.code_bytes], 0x5a);
    assert_int_equal(scales[size.scale_bytes], 0x5a);
    rg_decode(&q->format, codes, scales, got, ROWS, COLS, per_row);
    for (size_t i = 0; i < N; i++)
        if (!same(got[i], want[i]))
            fail_msg("[%zu] decodes to %a, not %a", i, (double)got[i], (double)want[i]);
}

/* ---- blocks of rows -------------------------------------------------------------------------------------
 */

typedef struct shaped {
    ref_format format; /* block 0: one group is one row */
    size_t rows, cols;
} shaped;

/* Each block gathered into a row, quantized as one group, and put back. */
static void blocks_apart(const shaped *b, const ref_state *s, const float *x, float *y, bool per_row) {
    for (size_t piece = 0; piece < ROWS; piece += per_row ? 1 : ROWS) {
        const size_t end = per_row ? piece + 1 : ROWS;
        const float tensor = ref_amax(x + piece * COLS, (end - piece) * COLS) / 2688;
        for (size_t r = piece; r < end; r += b->rows)
            for (size_t c = 0; c < COLS; c += b->cols) {
                float in[N], out[N], other[N];
                size_t n = 0, k = 0;
                for (size_t i = r; i < r + b->rows && i < end; i++)
                    for (size_t j = c; j < c + b->cols && j < COLS; j++) in[n++] = x[i * COLS + j];
                if (b->format.kind == REF_NVFP4)
                    ref_nvfp4(s, in, out, other, n, tensor);
                else
                    ref_qdq(s, in, out, other, 1, n, true);
                for (size_t i = r; i < r + b->rows && i < end; i++)
                    for (size_t j = c; j < c + b->cols && j < COLS; j++) y[i * COLS + j] = out[k++];
            }
    }
}

static void rectangles(void **state) {
    (void)state;
    static const shaped cases[] = {
        {{"mx(e2m1,4x8,e8m0)", REF_MX, "e2m1", NULL, 0, RULE_FLOOR}, 4, 8},
        {{"mx(e4m3fn,2x64,e8m0)@rne(scale=rceil)", REF_MX, "e4m3fn", NULL, 0, RULE_RCEIL}, 2, 64},
        {{"mx(int8,8x8,e8m0)", REF_MX, "int8", NULL, 0, RULE_FLOOR}, 8, 8},
        {{"mx(e2m1,16x16,e4m3fn,tensor)", REF_NVFP4, "e2m1", NULL, 0, RULE_FLOOR}, 16, 16},
        {{"mx(e2m1,3x16,e4m3fn,tensor)", REF_NVFP4, "e2m1", NULL, 0, RULE_FLOOR}, 3, 16},
        {{"int8(sym,group=3x7,scale=fp32)", REF_SCALED, "int8", NULL, 0, RULE_FLOOR}, 3, 7},
        {{"int4(asym,group=2x10,scale=fp16)", REF_ASYM, "int4", "fp16", 0, RULE_FLOOR}, 2, 10},
        {{"mx(e4m3fn,128x128,fp32)", REF_SCALED, "e4m3fn", NULL, 0, RULE_FLOOR}, 128, 128},
        {{"mx(e5m2,1x5,fp16)", REF_SCALED, "e5m2", "fp16", 0, RULE_FLOOR}, 1, 5},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const shaped *b = &cases[k];
        const rg_quant q = parse(b->format.text);
        ref_state s = ref_open(&b->format);
        for (uint64_t seed = 0; seed < 40; seed++)
            for (int per_row = 0; per_row < 2; per_row++) {
                float x[N], want[N], got[N];
                fill(x, seed);
                blocks_apart(b, &s, x, want, per_row);
                rg_qdq(&q, x, got, ROWS, COLS, per_row, NULL);
                for (size_t i = 0; i < N; i++)
                    if (!same(got[i], want[i]))
                        fail_msg("%s, data %d, per_row %d: [%zu][%zu] %a gives %a, not %a", b->format.text,
                                 (int)seed, per_row, i / COLS, i % COLS, (double)x[i], (double)got[i],
                                 (double)want[i]);
                check_stored(&q, x, got, per_row);
            }
        ref_close(&s);
    }
}

/* ---- sub-blocks ------------------------------------------------------------------------------------------
 */

typedef struct shared {
    const char *text;
    int bits; /* of an integer element */
    size_t rows, block, sub;
    int most; /* largest shift */
} shared;

/* Block exponent of the largest magnitude; a sub-block shifts as far as all of it lies lower (arXiv
   2302.08007; AMD Quark 0.13, whose shift is one bit). */
static void shared_qdq(const shared *f, const float *x, float *y) {
    const int largest = (1 << (f->bits - 1)) - 1;
    for (size_t r = 0; r < ROWS; r += f->rows)
        for (size_t c = 0; c < COLS; c += f->block) {
            float amax = 0;
            for (size_t i = r; i < r + f->rows && i < ROWS; i++)
                amax = fmaxf(amax, ref_amax(x + i * COLS + c, COLS - c < f->block ? COLS - c : f->block));
            int e = amax > 0 ? ref_floor_log2(amax) : -127;
            if (e < -127) e = -127;
            for (size_t i = r; i < r + f->rows && i < ROWS; i++)
                for (size_t j = c; j < c + f->block && j < COLS; j += f->sub) {
                    const size_t end = j + f->sub < c + f->block ? j + f->sub : c + f->block;
                    const size_t n = (end < COLS ? end : COLS) - j;
                    const float own = ref_amax(x + i * COLS + j, n);
                    int shift = own > 0 ? e - ref_floor_log2(own) : e > -127 ? f->most : 0;
                    shift = shift < 0 ? 0 : shift > f->most ? f->most : shift;
                    const double scale = ldexp(1, e - shift - f->bits + 2);
                    for (size_t k = i * COLS + j; k < i * COLS + j + n; k++) {
                        const double v = isnan(x[k]) ? INFINITY : rint((double)x[k] / scale);
                        y[k] = (float)(fmax(-largest, fmin(largest, v)) * scale) + 0.0f;
                    }
                }
        }
}

static void sub_blocks(void **state) {
    (void)state;
    static const shared cases[] = {
        {"smx9", 8, 1, 16, 2, 1},
        {"smx6", 5, 1, 16, 2, 1},
        {"smx4", 3, 1, 16, 2, 1},
        {"mx(int4,32,e8m0,sub=8)", 4, 1, 32, 8, 1},
        {"mx(int8,10,e8m0,sub=3)", 8, 1, 10, 3, 1},
        {"mx(int8,16,e8m0,sub=4,shift=2)", 8, 1, 16, 4, 3},
        {"mx(int6,3x16,e8m0,sub=2)", 6, 3, 16, 2, 1},
        {"mx(int8,16,e8m0,sub=1,shift=4)", 8, 1, 16, 1, 15},
    };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const rg_quant q = parse(cases[k].text);
        for (uint64_t seed = 0; seed < 200; seed++) {
            float x[N], want[N], got[N];
            fill(x, seed);
            shared_qdq(&cases[k], x, want);
            rg_qdq(&q, x, got, ROWS, COLS, false, NULL);
            for (size_t i = 0; i < N; i++)
                if (!same(got[i], want[i]))
                    fail_msg("%s, data %d: [%zu][%zu] %a gives %a, not %a", cases[k].text, (int)seed,
                             i / COLS, i % COLS, (double)x[i], (double)got[i], (double)want[i]);
            check_stored(&q, x, got, false);
            rg_qdq(&q, x, got, ROWS, COLS, true, NULL);
            check_stored(&q, x, got, true);
        }
    }
}

/* 9, 6 and 4 bits, 12 to 16 for MSFP; the shifts lie behind the scales; a tail has its own sub-blocks. */
static void sub_block_sizes(void **state) {
    (void)state;
    static const struct {
        const char *text;
        double bits;
    } cases[] = {{"smx9", 9},
                 {"smx6", 6},
                 {"smx4", 4},
                 {"msfp12", 4.5},
                 {"msfp13", 5.5},
                 {"msfp14", 6.5},
                 {"msfp15", 7.5},
                 {"msfp16", 8.5},
                 {"mxint8", 8.25},
                 {"mx(e2m1,32,e8m0,sub=8)", 4.375},
                 {"mx(e2m1,32,e8m0,sub=8,shift=2)", 4.5},
                 {"mx(e2m1,2x32,e8m0,sub=8)", 4.25},
                 {"mx(int8,8x8,e8m0)", 8.125}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const rg_quant q = parse(cases[i].text);
        if (rg_format_bits(&q.format, 4096) != cases[i].bits)
            fail_msg("%s: %g bits", cases[i].text, rg_format_bits(&q.format, 4096));
    }
    const rg_quant q = parse("smx6");
    const rg_stored_size size = rg_format_stored_size(&q.format, 2, 21, false);
    assert_int_equal(size.code_bytes, 42);
    assert_int_equal(size.scale_bytes, 2 * (2 + 8 + 3));
    assert_int_equal(size.packed_bits, 42 * 5 + 4 * 8 + 22);
    const float x[18] = {1, 0.5f, 0.5f, 0.25f, 0, 0, 1.5f, 0.1f, 0.99f, 0.99f, [16] = 4, [17] = -1};
    unsigned char codes[18], scales[2 + 9];
    rg_encode(&q, x, codes, scales, 1, 18, false, NULL);
    const unsigned char want_scales[] = {127, 129, 0, 1, 1, 0, 1, 1, 1, 1, 0};
    assert_memory_equal(scales, want_scales, sizeof scales);
    const unsigned char want_codes[] = {8, 4, 8, 4, 0, 0, 12, 1, 15, 15, 0, 0, 0, 0, 0, 0, 8, 30};
    assert_memory_equal(codes, want_codes, sizeof codes);
}

/* ---- mse, mae --------------------------------------------------------------------------------------------
 */

/* Error of a group under exponent e, by search among the values of the element. */
static double error_at(const ref_state *s, const float *x, size_t n, int e, bool squared) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        const float scale = (float)ldexp(1, e + s->unit);
        if (!isfinite(x[i])) continue;
        const double d = (double)(ref_nearest(&s->elem, x[i] / scale) * scale) - (double)x[i];
        sum += squared ? d * d : fabs(d);
    }
    return sum;
}

/* The exponent taken is among RCEIL - 2 .. RCEIL + 1 the one with the least error, the largest of equals. */
static void searches(void **state) {
    (void)state;
    static const struct {
        const char *text;
        ref_format format;
        bool squared;
    } cases[] = {
        {"mx(e2m1,15,e8m0)@rne(scale=mse)", {"", REF_MX, "e2m1", NULL, 15, RULE_RCEIL}, true},
        {"mx(e2m1,15,e8m0)@rne(scale=mae)", {"", REF_MX, "e2m1", NULL, 15, RULE_RCEIL}, false},
        {"mx(int4,15,e8m0)@rne(scale=mse)", {"", REF_MX, "int4", NULL, 15, RULE_RCEIL}, true},
        {"mx(e4m3fn,15,e8m0)@rne(scale=mae)", {"", REF_MX, "e4m3fn", NULL, 15, RULE_RCEIL}, false},
    };
    size_t moved = 0;
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        const rg_quant q = parse(cases[k].text);
        ref_state s = ref_open(&cases[k].format);
        for (uint64_t seed = 0; seed < 60; seed++) {
            float x[N];
            unsigned char codes[N], scales[N];
            fill(x, seed % 4 == 3 ? seed + 1 : seed);
            rg_encode(&q, x, codes, scales, ROWS, COLS, false, NULL);
            for (size_t g = 0; g < N / 15; g++) {
                const float amax = ref_amax(x + 15 * g, 15);
                if (amax == 0) continue;
                const int rceil = ref_exponent(&s, amax);
                int best = rceil + 1;
                for (int e = rceil + 1; e >= rceil - 2; e--)
                    if (error_at(&s, x + 15 * g, 15, e, cases[k].squared) <
                        error_at(&s, x + 15 * g, 15, best, cases[k].squared))
                        best = e;
                if (scales[g] != best + 127)
                    fail_msg("%s, data %d, group %zu: exponent %d, not %d", cases[k].text, (int)seed, g,
                             scales[g] - 127, best);
                moved += best != rceil;
            }
        }
        ref_close(&s);
    }
    assert_true(moved > 1000);
}

/* P3109 v4.0, ConvertToBlockMaxAbsFinite: the scale is the largest finite magnitude, projected; what is not
   finite has no say; a scale of zero gives zeros. */
static void unit_scale(void **state) {
    (void)state;
    const rg_quant q = parse("mx(binary8p3se,8,binary8p1uf)@rne(scale=unit,sat=propagate)");
    const float x[24] = {3, -1,  0.3f, INFINITY, NAN, -0.7f, 0,  -0.0f, 0, 0,
                         0, NAN, 0,    0,        0,   0,     48, -100,  6, [23] = 1};
    /* 3 ties to 4 (even exponent), 100 becomes 128 */
    const float want[24] = {3, -1,  0.3125f, INFINITY, NAN, -0.75f, 0,  0,   0, 0,
                            0, NAN, 0,       0,        0,   0,      48, -96, 6, [23] = 1};
    float y[24];
    rg_qdq(&q, x, y, 1, 24, true, NULL);
    for (int i = 0; i < 24; i++)
        if (!same(y[i], want[i]))
            fail_msg("[%d] %g gives %g, not %g", i, (double)x[i], (double)y[i], (double)want[i]);
    unsigned char codes[24], scales[3];
    rg_encode(&q, x, codes, scales, 1, 24, true, NULL);
    assert_int_equal(scales[0], 128 + 2);
    assert_int_equal(scales[1], 0);
    assert_int_equal(scales[2], 128 + 7);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rectangles), cmocka_unit_test(sub_blocks),
                                       cmocka_unit_test(sub_block_sizes), cmocka_unit_test(searches),
                                       cmocka_unit_test(unit_scale)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
