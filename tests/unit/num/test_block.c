/* Scaled and block formats bit for bit against their definitions, on data made to hurt; the stored form
   decodes to the same bits. LIBS: mpfr gmp */
#include "block_reference.h"

enum { ROWS = 6, COLS = 172, KINDS = 12 };

static const ref_format formats[] = {
    {"e4m3fn(scale=tensor)", REF_SCALED, "e4m3fn", NULL, -1, RULE_FLOOR},
    {"e4m3fn(scale=row)", REF_SCALED, "e4m3fn", NULL, 0, RULE_FLOOR},
    {"e5m2(scale=row)", REF_SCALED, "e5m2", NULL, 0, RULE_FLOOR},
    {"e2m1(scale=tensor)", REF_SCALED, "e2m1", NULL, -1, RULE_FLOOR},
    {"int8", REF_SCALED, "int8", NULL, 0, RULE_FLOOR},
    {"int8(sym,tensor,scale=fp32)", REF_SCALED, "int8", NULL, -1, RULE_FLOOR},
    {"int8(sym,group=128,scale=fp16)", REF_SCALED, "int8", "fp16", 128, RULE_FLOOR},
    {"int4", REF_SCALED, "int4", "fp16", 32, RULE_FLOOR},
    {"int4(sym,row,scale=bf16)", REF_SCALED, "int4", "bf16", 0, RULE_FLOOR},
    {"int2(sym,tensor,scale=fp16)", REF_SCALED, "int2", "fp16", -1, RULE_FLOOR},
    {"int3", REF_SCALED, "int3", "fp16", 32, RULE_FLOOR},
    {"int5", REF_SCALED, "int5", "fp16", 32, RULE_FLOOR},
    {"int6(sym,group=7,scale=fp32)", REF_SCALED, "int6", NULL, 7, RULE_FLOOR},
    {"int7", REF_SCALED, "int7", "fp16", 32, RULE_FLOOR},
    {"int4(asym,group=32,scale=fp16)", REF_ASYM, "int4", "fp16", 32, RULE_FLOOR},
    {"int8(asym,row,scale=fp32)", REF_ASYM, "int8", NULL, 0, RULE_FLOOR},
    {"int2(asym,group=16,scale=fp32)", REF_ASYM, "int2", NULL, 16, RULE_FLOOR},
    {"mxfp8", REF_MX, "e4m3fn", NULL, 32, RULE_FLOOR},
    {"mxfp6", REF_MX, "e2m3", NULL, 32, RULE_FLOOR},
    {"mxfp4", REF_MX, "e2m1", NULL, 32, RULE_FLOOR},
    {"mx(e5m2,32,e8m0)", REF_MX, "e5m2", NULL, 32, RULE_FLOOR},
    {"mx(e3m2,16,e8m0)", REF_MX, "e3m2", NULL, 16, RULE_FLOOR},
    {"mx(int8,32,e8m0)", REF_MX, "int8", NULL, 32, RULE_FLOOR},
    {"mxfp8@rne(scale=even)", REF_MX, "e4m3fn", NULL, 32, RULE_EVEN},
    {"mxfp6@rne(scale=even)", REF_MX, "e2m3", NULL, 32, RULE_EVEN},
    {"mxfp4@rne(scale=even)", REF_MX, "e2m1", NULL, 32, RULE_EVEN},
    {"mxfp4@rne(scale=floor1)", REF_MX, "e2m1", NULL, 32, RULE_FLOOR1},
    {"mxfp4@rne(scale=ceil)", REF_MX, "e2m1", NULL, 32, RULE_CEIL},
    {"mxfp8@rne(scale=rceil)", REF_MX, "e4m3fn", NULL, 32, RULE_RCEIL},
    {"mxfp4@rne(scale=rceil)", REF_MX, "e2m1", NULL, 32, RULE_RCEIL},
    {"mxfp8@rne(scale=rne)", REF_MX, "e4m3fn", NULL, 32, RULE_RNE},
    {"mxfp4@rne(scale=rne)", REF_MX, "e2m1", NULL, 32, RULE_RNE},
    {"mxfp4@rne(scale=log)", REF_MX, "e2m1", NULL, 32, RULE_LOG},
    {"mxfp8@rne(scale=rz)", REF_MX, "e4m3fn", NULL, 32, RULE_RZ},
    {"nvfp4", REF_NVFP4, "e2m1", NULL, 16, RULE_FLOOR},
    {"nvfp4@rne(scale=4over6)", REF_4OVER6, "e2m1", NULL, 16, RULE_FLOOR},
};

/* What a tensor may hold. */
static float value(int kind, size_t i) {
    const float normal = (float)rg_random_normal(61, (uint64_t)kind, i);
    const uint32_t bits = rg_random_u32(62, (uint64_t)kind, i);
    const size_t row = i / COLS, col = i % COLS;
    switch (kind) {
    case 0:
        return normal;
    case 1:
        return ldexpf(normal, (int)(bits % 40) - 20);
    case 2:
        return bits % 50 ? normal * 1e-3f : normal * 300;
    case 3:
        return oracle_from_bits(bits);
    case 4:
        return row % 3 == 0 ? (bits & 1 ? -0.0f : 0.0f) : col < 40 ? 0 : normal;
    case 5:
        return ldexpf(normal, row % 2 ? -126 - (int)(col / 32) * 3 : 100 + (int)(col / 32));
    case 6:
        return bits % 23 ? normal : bits & 64 ? NAN : bits & 128 ? INFINITY : -INFINITY;
    case 7:
        return ldexpf((float)((int)(bits % 33) - 16), -3); /* ties */
    case 8:
        return col / 16 % 2 ? normal * 1e-9f : normal; /* block scales that underflow */
    case 9: /* block maxima at and beside powers of two and 1.5, 1.75, 1.875 of them */
        return col % 16 ? ldexpf(normal, -4)
                        : oracle_from_bits((UINT32_C(120) + bits % 16) * (1 << 23) +
                                           (bits >> 4) % 16 * (1 << 19) + (bits >> 8) % 3 - 1);
    case 10:
        return col < 64 ? (bits & 1 ? NAN : bits & 2 ? INFINITY : -INFINITY) : col < 80 ? 0 : normal;
    default:
        return bits % 5 ? normal * 1e30f : bits & 64 ? 0x1.fffffep127f : -0x1.fffffep127f;
    }
}

static bool same(float a, float b) {
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

static void compare(const ref_state *s, const rg_quant *q, int kind, size_t cols, bool per_row) {
    static float x[ROWS * COLS], want[ROWS * COLS], other[ROWS * COLS], got[ROWS * COLS];
    for (size_t i = 0; i < ROWS * COLS; i++) x[i] = value(kind, i);
    const size_t group = s->format->block > 0 ? (size_t)s->format->block : cols;
    ref_qdq(s, x, want, other, ROWS, cols, per_row);
    rg_qdq(q, x, got, ROWS, cols, per_row, NULL);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t c = 0; c < cols; c += group) {
            bool first = true, second = true;
            size_t bad = r * cols + c;
            for (size_t i = r * cols + c; i < r * cols + (c + group < cols ? c + group : cols); i++) {
                if (first && !same(got[i], want[i])) bad = i;
                first = first && same(got[i], want[i]);
                second = second && same(got[i], other[i]);
            }
            if (!first && !second)
                fail_msg("%s, data %d, [%d][%zu], per_row %d: [%zu][%zu] %a gives %a, not %a",
                         s->format->text, kind, ROWS, cols, per_row, r, bad % cols, (double)x[bad],
                         (double)got[bad], (double)want[bad]);
        }
    rg_qdq(q, x, x, ROWS, cols, per_row, NULL); /* in place */
    assert_memory_equal(x, got, ROWS * cols * sizeof *x);
}

static void definitions(void **state) {
    (void)state;
    static const size_t widths[] = {COLS, 160, 33, 1};
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++) {
        ref_state s = ref_open(&formats[f]);
        rg_quant q;
        rg_error err = {0};
        if (rg_quant_parse(formats[f].text, &q, &err) != RG_OK)
            fail_msg("%s: %s", formats[f].text, err.message);
        for (int kind = 0; kind < KINDS; kind++)
            for (size_t w = 0; w < 4; w++)
                for (int per_row = 0; per_row < 2; per_row++) compare(&s, &q, kind, widths[w], per_row);
        ref_close(&s);
    }
}

/* Decoding what was encoded gives the bits of rg_qdq; nothing is written past the sizes that were told; the
   counts are the same. */
static void stored_form(void **state) {
    (void)state;
    static float x[ROWS * COLS], want[ROWS * COLS], got[ROWS * COLS];
    static unsigned char codes[ROWS * COLS * 4 + 1], scales[ROWS * COLS * 8 + 1];
    static const char *const plain[] = {"fp32",   "tf32", "bf16", "fp16", "e5m2",
                                        "e4m3fn", "e3m2", "e2m3", "e2m1"};
    const size_t n_plain = sizeof plain / sizeof *plain, n_scaled = sizeof formats / sizeof *formats;
    for (size_t f = 0; f < n_plain + n_scaled; f++)
        for (int kind = 0; kind < KINDS; kind++)
            for (int per_row = 0; per_row < 2; per_row++) {
                const char *text = f < n_plain ? plain[f] : formats[f - n_plain].text;
                rg_quant q;
                assert_int_equal(rg_quant_parse(text, &q, NULL), RG_OK);
                for (size_t i = 0; i < ROWS * COLS; i++) x[i] = value(kind, i);
                rg_qdq_counts a = {0}, b = {0};
                rg_qdq(&q, x, want, ROWS, COLS, per_row, &a);
                const rg_stored_size size = rg_format_stored_size(&q.format, ROWS, COLS, per_row);
                assert_true(size.code_bytes < sizeof codes && size.scale_bytes < sizeof scales);
                codes[size.code_bytes] = scales[size.scale_bytes] = 0x5a;
                rg_encode(&q, x, codes, scales, ROWS, COLS, per_row, &b);
                assert_int_equal(codes[size.code_bytes], 0x5a);
                assert_int_equal(scales[size.scale_bytes], 0x5a);
                rg_decode(&q.format, codes, scales, got, ROWS, COLS, per_row);
                for (size_t i = 0; i < ROWS * COLS; i++)
                    if (memcmp(&want[i], &got[i], sizeof *got) != 0)
                        fail_msg("%s, data %d, per_row %d: [%zu] %a decodes to %a, not %a", text, kind,
                                 per_row, i, (double)x[i], (double)got[i], (double)want[i]);
                assert_memory_equal(&a, &b, sizeof a);
            }
}

/* A row of a matrix by per_row is that row alone: batching never changes a bit. */
static void rows_alone(void **state) {
    (void)state;
    static float x[ROWS * COLS], all[ROWS * COLS], one[COLS];
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (int kind = 0; kind < KINDS; kind++) {
            rg_quant q;
            assert_int_equal(rg_quant_parse(formats[f].text, &q, NULL), RG_OK);
            for (size_t i = 0; i < ROWS * COLS; i++) x[i] = value(kind, i);
            rg_qdq(&q, x, all, ROWS, COLS, true, NULL);
            for (size_t r = 0; r < ROWS; r++) {
                rg_qdq(&q, x + r * COLS, one, 1, COLS, r % 2, NULL);
                assert_memory_equal(one, all + r * COLS, sizeof one);
            }
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(definitions), cmocka_unit_test(stored_form),
                                       cmocka_unit_test(rows_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
