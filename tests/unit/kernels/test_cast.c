/* Casts to codes and back: every instruction set gives the bits of the definition, for every rounding,
   saturation and policy, at every length and alignment, and touches nothing beside its buffers. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"
#include "kernels/cast.h"
#include "kernels/kernels.h"

enum { MAX_N = 1900 };

static const char *const formats[] = {"fp32",
                                      "tf32",
                                      "bf16",
                                      "fp16",
                                      "e5m2",
                                      "e4m3fn",
                                      "e3m2",
                                      "e2m3",
                                      "e2m1",
                                      "e8m0",
                                      "ue4m3",
                                      "e4m3",
                                      "e3m4",
                                      "e3m4fn",
                                      "e1m2",
                                      "e4m3fnuz",
                                      "e5m2fnuz",
                                      "e4m3b11fnuz",
                                      "binary8p3se",
                                      "binary8p1uf",
                                      "binary8p1se",
                                      "e4m3",
                                      "int8x",
                                      "int4x",
                                      "binary6p2uf",
                                      "binary8p4sf",
                                      "float(e=5,m=3,bias=7,nan=ieee,max=480)",
                                      "float(e=8,m=3,bias=130)",
                                      "float(e=5,m=0)",
                                      "float(e=6,m=0,powers)",
                                      "float(e=4,m=3,unsigned,nan=top)",
                                      "binary12p1se",
                                      "binary15p10se",
                                      "float(e=4,m=3,bias=-120)"};
static const char *const roundings[] = {"rne",     "rna",     "rz",     "ru",     "rd",
                                        "ro",      "sra(8)",  "srb(8)", "src(8)", "sra(5)",
                                        "sra(13)", "srb(11)", "src(16)"};
static const char *const options[] = {
    "",          "sat=propagate",         "sat=none",         "sat=ocp",         "nan=signed",
    "nan=quiet", "nan=negated,zero=plus", "sub=flush",        "sub=round",       "via=bf16",
    "via=fp16",  "neg=magnitude",         "neg=nan,zero=nan", "nan=zero,sat=ocp"};

static float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Values, midpoints, their neighbours, specials, and anything. */
static size_t fill(const rg_elem *e, float *x) {
    static const uint32_t special[] = {
        0,          0x80000000, 1,          0x80000001, 0x007fffff, 0x00800000, 0x00400000, 0x00200000,
        0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7f800001, 0xffc00000, 0x7fffffff, 0xffffffff,
        0x7fa00000, 0x477ff000, 0x477fefff, 0x477fe000, 0x33000000, 0x33000001, 0x387fe000, 0x3f800000};
    size_t n = 0;
    const uint64_t codes = (uint64_t)1 << e->bits;
    for (; n < sizeof special / sizeof *special; n++) x[n] = from_bits(special[n]);
    for (uint64_t k = 0; k < 128; k++) {
        const uint32_t c =
            (uint32_t)(e->bits <= 8 ? (2 * k + k / 64) % codes : rg_random_u32(61, 0, k) & (codes - 1));
        const float v = rg_elem_decode(e, c), w = rg_elem_decode(e, c + 1);
        const float points[] = {v, (float)(((double)v + (double)w) / 2)};
        for (int j = 0; j < 2; j++)
            for (int d = -2; d <= 2; d++) x[n++] = from_bits(bits_of(points[j]) + (uint32_t)d);
        x[n++] = -v;
    }
    for (uint64_t k = 0; n < MAX_N; n++, k++) {
        const uint32_t bits = rg_random_u32(62, 0, k);
        x[n] = from_bits(bits);
        if (k % 2) x[n] = (float)rg_random_normal(63, 0, k);
        if (k % 4 == 1) x[n] = ldexpf(x[n], (int)(bits % 40) - 20);
        if (k % 8 == 2) x[n] = from_bits(bits & 0x807fffff);
    }
    return n;
}

static uint32_t code_at(const void *codes, size_t i, int width) {
    uint32_t code = 0;
    memcpy(&code, (const uint8_t *)codes + i * (size_t)width, (size_t)width);
    return code;
}

static bool parse(const char *format, const char *rounding, const char *option, rg_quant *q) {
    char text[256];
    const size_t n = strlen(format);
    const bool integer = format[0] == 'i', has = strchr(rounding, ')') != NULL;
    /* int8x: the element alone, which has no text of its own */
    snprintf(text, sizeof text, "%.*s%s@%.*s%s%s%s", (int)(integer ? n - 1 : n), format,
             integer ? "(sym,row,scale=fp32)" : "", (int)(has ? strlen(rounding) - 1 : strlen(rounding)),
             rounding, *option ? (has ? "," : "(") : "", option, has || *option ? ")" : "");
    rg_error err;
    if (rg_quant_parse(text, q, &err) != RG_OK) {
        print_message("%s: %s\n", text, err.message);
        return false;
    }
    return true;
}

/* What the definition says. */
typedef struct expected {
    uint32_t code[MAX_N], value[MAX_N];
} expected;

static void define(const rg_quant *q, const float *x, size_t n, uint64_t first, expected *e) {
    for (size_t i = 0; i < n; i++) {
        e->code[i] = rg_elem_cast(&q->format.elem, &q->cast, x[i], first + i);
        e->value[i] = bits_of(rg_elem_decode(&q->format.elem, e->code[i]));
    }
}

static void check(const rg_cast_kernels *kernels, const rg_cast_plan *p, const rg_quant *q, const float *x,
                  size_t n, uint64_t first, const expected *want, const char *what) {
    static uint32_t codes[MAX_N];
    static float y[MAX_N];
    const char *name = q->format.elem.name;
    kernels->encode(p, n, x, first, codes);
    if (p->has_values) kernels->qdq(p, n, x, 1, first, false, y);
    for (size_t i = 0; i < n; i++) {
        const uint32_t got = code_at(codes, i, p->width);
        if (want->code[i] != got)
            fail_msg("%s %s: %a (%08x) gives %x, not %x", what, name, (double)x[i], bits_of(x[i]), got,
                     want->code[i]);
        if (p->has_values && want->value[i] != bits_of(y[i]))
            fail_msg("%s %s: %a (%08x) becomes %08x, not %08x", what, name, (double)x[i], bits_of(x[i]),
                     bits_of(y[i]), want->value[i]);
    }
}

static const struct {
    const char *name;
    const rg_cast_kernels *cast;
} levels[] = {{"scalar", &rg_cast_scalar},
#if defined(__x86_64__)
              {"avx2", &rg_cast_avx2},
              {"avx512", &rg_cast_avx512}
#endif
};
#define EACH_LEVEL(l)                                                                                        \
    for (size_t l = 0; l < sizeof levels / sizeof *levels; l++)                                              \
        if (rg_kernels_named(levels[l].name))

static void all_casts(void **state) {
    (void)state;
    static float x[MAX_N];
    size_t planned = 0, all = 0;
    for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
        for (size_t r = 0; r < sizeof roundings / sizeof *roundings; r++)
            for (size_t o = 0; o < sizeof options / sizeof *options; o++) {
                rg_quant q;
                rg_cast_plan plan;
                if (!parse(formats[f], roundings[r], options[o], &q)) fail();
                all++;
                if (!rg_cast_plan_make(&plan, &q.format.elem, &q.cast)) continue;
                planned++;
                const size_t n = fill(&q.format.elem, x);
                const uint64_t first = 1000003 * f + r;
                static expected want;
                char what[128];
                define(&q, x, n, first, &want);
                EACH_LEVEL(l) {
                    snprintf(what, sizeof what, "%s @%s %s", levels[l].name, roundings[r], options[o]);
                    check(levels[l].cast, &plan, &q, x, n, first, &want, what);
                }
            }
    print_message("%zu of %zu casts have a kernel\n", planned, all);
    assert_true(planned * 10 > all * 9);
}

/* ---- lengths, alignments, guard pages -------------------------------------------------------------------
 */

static void place(const rg_cast_kernels *kernels, const rg_cast_plan *p, const rg_quant *q,
                  const guarded g[2], size_t n, size_t shift, int at_end) {
    const uint64_t first = 3 * n + shift;
    float *x = guard_place(&g[0], n * sizeof *x, shift * sizeof *x, at_end);
    const size_t width = (size_t)p->width;
    for (size_t i = 0; i < n; i++) x[i] = (float)rg_random_normal(71, n, i) * 100;
    memset(g[1].first, 0x5a, GUARD_PAGES * GUARD_PAGE);
    uint8_t *codes = guard_place(&g[1], n * width, shift * width, at_end);
    kernels->encode(p, n, x, first, codes);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(code_at(codes, i, p->width),
                         rg_elem_cast(&q->format.elem, &q->cast, x[i], first + i));
    for (const uint8_t *b = g[1].first; b < g[1].end; b++)
        if ((b < codes || b >= codes + n * width) && *b != 0x5a)
            fail_msg("a byte beside the codes is written");
    for (int scaled = 0; scaled < 3; scaled++)
        for (int mode = 0; mode < 3; mode++) { /* plain, streaming, in place */
            const float scale = scaled == 0 ? 1 : scaled == 1 ? 0.25f : 1.7f;
            memset(g[1].first, 0x5a, GUARD_PAGES * GUARD_PAGE);
            float *y = guard_place(&g[1], n * sizeof *y, shift * sizeof *y, at_end);
            if (mode == 2) memcpy(y, x, n * sizeof *y);
            kernels->qdq(p, n, mode == 2 ? y : x, scale, first, mode == 1, y);
            for (size_t i = 0; i < n; i++) {
                const uint32_t code = rg_elem_cast(&q->format.elem, &q->cast, x[i] / scale, first + i);
                const float want = rg_elem_decode(&q->format.elem, code) * scale;
                if (bits_of(want) != bits_of(y[i]))
                    fail_msg("%s n %zu shift %zu scale %g mode %d: [%zu] %a becomes %a, not %a",
                             q->format.elem.name, n, shift, (double)scale, mode, i, (double)x[i],
                             (double)y[i], (double)want);
            }
            for (const uint8_t *b = g[1].first; b < g[1].end; b++)
                if ((b < (uint8_t *)y || b >= (uint8_t *)(y + n)) && *b != 0x5a)
                    fail_msg("a byte beside the values is written");
        }
    float largest = 0;
    for (size_t i = 0; i < n; i++) largest = fmaxf(largest, fabsf(x[i]));
    assert_true(kernels->amax(n, x) == largest);
}

static void places(void **state) {
    (void)state;
    static const char *const texts[][2] = {{"e4m3fn", "rne"}, {"e4m3fn", "sra(8)"}, {"e2m1", "rz"},
                                           {"fp16", "rne"},   {"tf32", "rd"},       {"bf16", "srb(12)"},
                                           {"int8x", "rne"},  {"fp32", "rne"}};
    guarded g[2] = {guard_open(), guard_open()};
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        rg_quant q;
        rg_cast_plan plan;
        assert_true(parse(texts[t][0], texts[t][1], "", &q));
        assert_true(rg_cast_plan_make(&plan, &q.format.elem, &q.cast));
        EACH_LEVEL(l)
        for (size_t n = 0; n < 70; n++)
            for (size_t shift = 0; shift < 16; shift += 1 + n % 5)
                for (int at_end = 0; at_end < 2; at_end++)
                    place(levels[l].cast, &plan, &q, g, n, shift, at_end);
    }
    guard_close(&g[0]);
    guard_close(&g[1]);
}

static void largest_is_finite(void **state) {
    (void)state;
    EACH_LEVEL(l)
    for (size_t n = 1; n < 40; n++) {
        float x[40];
        for (size_t i = 0; i < n; i++) x[i] = i % 3 == 0 ? NAN : i % 3 == 1 ? -INFINITY : -(float)i;
        float want = 0;
        for (size_t i = 2; i < n; i += 3) want = (float)i;
        assert_true(levels[l].cast->amax(n, x) == want);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_casts), cmocka_unit_test(places),
                                       cmocka_unit_test(largest_is_finite)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
