/* Stochastic rounding by enumeration of all random numbers, not by sampling: of 2^N the count that goes away
   from zero is the one that P3109 v4.0 defines. And which bits an element draws. */
#include "float_oracle.h"

#include "num/elem.h"

static const char *const formats[] = {"e2m1",        "e4m3fn",      "e5m2",        "e3m2",
                                      "binary8p1se", "binary8p3se", "binary8p4uf", "e4m3fnuz"};
enum { N_FORMATS = sizeof formats / sizeof *formats, MAX_BITS = 12 };

/* Of 2^n random numbers, how many go up from share v of the gap (4.6.2: A, B, C). */
static uint32_t ups(rg_rounding rounding, double v, int n) {
    const double a = ldexp(v, n);
    if (v == 0) return 0;
    if (rounding == RG_SRA) return (uint32_t)floor(a); /* R >= 2^n - floor(v 2^n) */
    if (rounding == RG_SRB)
        return (uint32_t)floor((floor(2 * a) + 1) / 2); /* 2 R + 1 >= 2^(n+1) - floor(2 a) */
    return (uint32_t)rint(a);                           /* to nearest even */
}

/* Values of a format by its decoder, which test_table.c proves: magnitude code c, those beyond the largest
 * too. */
static double magnitude(const rg_elem *e, uint32_t c) {
    const int t = (int)(c & ((1u << e->mantissa_bits) - 1)), field = (int)(c >> e->mantissa_bits);
    if (field == 0) return ldexp(t, 1 - e->bias - e->mantissa_bits);
    return ldexp(1 + ldexp(t, -e->mantissa_bits), field - e->bias);
}

/* x lies in the gap above magnitude code c. */
static void check(const rg_elem *e, uint32_t c, double x) {
    const double low = magnitude(e, c), high = magnitude(e, c + 1), v = (x - low) / (high - low);
    assert_true((double)(float)x == x);
    for (int kind = RG_SRA; kind <= RG_SRC; kind++)
        for (int n = 1; n <= MAX_BITS; n++) {
            const rg_cast cast = {.rounding = (rg_rounding)kind, .random_bits = n};
            uint32_t up[2] = {0, 0}, overflows = 0;
            for (uint32_t r = 0; r < 1u << n; r++)
                for (int negative = 0; negative <= (int)e->is_signed; negative++) {
                    bool overflow;
                    const uint32_t code =
                        elem_cast(e, &cast, negative ? (float)-x : (float)x, r, &overflow) & elem_all_ones(e);
                    const bool went = overflow || code == c + 1;
                    assert_true(went || code == c);
                    assert_true(!overflow || (c == e->max_code && code == e->max_code));
                    up[negative] += went;
                    overflows += overflow;
                }
            const uint32_t want = ups(cast.rounding, v, n);
            if (up[0] != want || (e->is_signed && up[1] != want))
                fail_msg("%s, %d, %d bits: %a (share %a) goes up %u and %u times, not %u", e->name, kind, n,
                         x, v, (unsigned)up[0], (unsigned)up[1], (unsigned)want);
            assert_int_equal(overflows, c == e->max_code ? want * (e->is_signed ? 2 : 1) : 0);
        }
}

/* Everywhere in the range: subnormals, the first gap, binades, the gap beyond the largest. */
static void enumerate(void **state) {
    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        const rg_elem e = spec_elem(formats[f]);
        for (uint32_t c = 0; c <= e.max_code; c += c < 4 || c + 3 > e.max_code ? 1 : 1 + e.max_code / 9) {
            const double low = magnitude(&e, c), gap = magnitude(&e, c + 1) - low;
            if (low + gap >= 0x1p128) continue;
            const double shares[] = {0,    0x1p-14,     0x1p-12,    0.25, 0.5, 0.5 + 0x1p-13,
                                     0.75, 1 - 0x1p-12, 1 - 0x1p-14};
            for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) check(&e, c, low + shares[i] * gap);
            for (uint64_t i = 0; i < 3; i++) {
                const double v = ldexp((double)(rg_random_u32(9, f, c * 3 + i) >> 18), -14);
                check(&e, c, low + v * gap);
            }
        }
    }
}

/* Half the least value must be able to round up; what is far below only where the definition lets it. */
static void near_zero(void **state) {
    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        const rg_elem e = spec_elem(formats[f]);
        const double least = magnitude(&e, 1);
        for (int down = 1; down <= 24; down++)
            if (ldexp(least, -down) >= 0x1p-149) check(&e, 0, ldexp(least, -down));
        check(&e, 0, 0x1p-149 < least ? 0x1p-149 : 0);
    }
}

/* 32 random bits: the largest and the least random number decide. */
static void full_width(void **state) {
    (void)state;
    const rg_elem e = spec_elem("e4m3fn");
    for (int kind = RG_SRA; kind <= RG_SRC; kind++) {
        const rg_cast cast = {.rounding = (rg_rounding)kind, .random_bits = 32};
        bool overflow;
        /* share 2^-20: 2^12 of 2^32 go up */
        const float x = 1 + 0x1p-23f;
        assert_int_equal(elem_cast(&e, &cast, x, 0xffffffffu, &overflow), 0x39);
        assert_int_equal(elem_cast(&e, &cast, x, 0u - (1u << 12), &overflow), 0x39);
        assert_int_equal(elem_cast(&e, &cast, x, 0u - (1u << 12) - 1, &overflow), 0x38);
        assert_int_equal(elem_cast(&e, &cast, 1, 0xffffffffu, &overflow), 0x38);
    }
}

static void exact_values_stay(void **state) {
    (void)state;
    for (size_t f = 0; f < N_FORMATS; f++) {
        const rg_elem e = spec_elem(formats[f]);
        for (int kind = RG_SRA; kind <= RG_SRC; kind++)
            for (int n = 1; n <= 8; n += 7)
                for (uint32_t code = 0; code < 1u << e.bits; code++) {
                    const float x = rg_elem_decode(&e, code);
                    const rg_cast cast = {.rounding = (rg_rounding)kind, .random_bits = n};
                    if (!isfinite(x)) continue;
                    for (uint32_t r = 0; r < 1u << n; r++) {
                        bool overflow;
                        assert_int_equal(elem_cast(&e, &cast, x, r, &overflow), code);
                        assert_false(overflow);
                    }
                }
    }
}

/* Integers, whose gaps are all 1, and both ends of the range. */
static void integers(void **state) {
    (void)state;
    const rg_elem e = spec_elem("int4");
    for (int kind = RG_SRA; kind <= RG_SRC; kind++)
        for (int n = 1; n <= 10; n += 3) {
            const rg_cast cast = {.rounding = (rg_rounding)kind, .random_bits = n};
            for (int i = -8 * 64; i <= 8 * 64; i += 5) {
                const double x = i / 64.0, low = floor(fabs(x));
                uint32_t up = 0;
                for (uint32_t r = 0; r < 1u << n; r++) {
                    bool overflow;
                    const double y =
                        fabs(rg_elem_decode_double(&e, elem_cast(&e, &cast, (float)x, r, &overflow)));
                    up += y > fmin(low, 7) || overflow;
                }
                const uint32_t want = low >= 8 ? 1u << n : ups(cast.rounding, fabs(x) - low, n);
                assert_int_equal(up, want);
            }
        }
}

/* ---- which bits -----------------------------------------------------------------------------------------
 */

/* Written from the header: blocks of four words as one number of 128 bits, groups of b bits from below. */
static uint32_t drawn(uint64_t seed, uint64_t stream, int n, uint64_t index) {
    const uint64_t b = n <= 8 ? 8 : n <= 16 ? 16 : 32, groups = 128 / b;
    const uint64_t k = index / 16 % groups, block = 16 * (index / (16 * groups)) + index % 16;
    uint32_t value = 0;
    for (uint64_t bit = 0; bit < (uint64_t)n; bit++) {
        const uint64_t at = k * b + bit;
        const uint32_t word = rg_random_u32(seed, stream, 4 * block + at / 32);
        value |= (word >> at % 32 & 1) << bit;
    }
    return value;
}

static void layout(void **state) {
    (void)state;
    for (int n = 1; n <= 32; n++) {
        const rg_cast cast = {.rounding = RG_SRA, .random_bits = n, .seed = 77, .stream = 5};
        for (uint64_t i = 0; i < 700; i++) assert_int_equal(rg_cast_random(&cast, i), drawn(77, 5, n, i));
        for (uint64_t i = UINT64_C(1) << 40; i < (UINT64_C(1) << 40) + 300; i += 7)
            assert_int_equal(rg_cast_random(&cast, i), drawn(77, 5, n, i));
    }
}

/* No two elements draw the same group of bits. */
static void disjoint(void **state) {
    (void)state;
    static unsigned char seen[3][1 << 14];
    const int widths[] = {8, 16, 32};
    for (int w = 0; w < 3; w++)
        for (uint64_t i = 0; i < 1024; i++) {
            const uint64_t b = (uint64_t)widths[w], groups = 128 / b, k = i / 16 % groups;
            const uint64_t at = (16 * (i / (16 * groups)) + i % 16) * (128 / 8) + k * b / 8;
            for (uint64_t byte = 0; byte < b / 8; byte++) assert_int_equal(seen[w][at + byte]++, 0);
        }
}

/* A matrix whole, by rows, by single elements, and by many threads: the same bits. */
static void batches(void **state) {
    (void)state;
    enum { ROWS = 24, COLS = 37, N = ROWS * COLS };
    static const char *const texts[] = {
        "e2m1@sra(8)",         "e4m3fn@srb(5,seed=9)", "bf16@src(16,seed=1,stream=2)",
        "mxfp4@sra(8,seed=4)", "int4@src(8)",          "e5m2@srb(32)"};
    float x[N], all[N], parts[N];
    for (size_t i = 0; i < N; i++) x[i] = (float)rg_random_normal(31, 0, i);
    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        rg_quant q;
        assert_int_equal(rg_quant_parse(texts[t], &q, NULL), RG_OK);
        rg_qdq(&q, x, all, ROWS, COLS, true, NULL);
#pragma omp parallel for schedule(dynamic)
        for (size_t r = 0; r < ROWS; r++)
            rg_qdq_from(&q, x + r * COLS, parts + r * COLS, 1, COLS, true, r * COLS, NULL);
        assert_memory_equal(all, parts, sizeof all);
        rg_qdq_from(&q, x, parts, 5, COLS, true, 0, NULL);
        rg_qdq_from(&q, x + 5 * COLS, parts + 5 * COLS, ROWS - 5, COLS, true, 5 * COLS, NULL);
        assert_memory_equal(all, parts, sizeof all);
        if (q.format.span == RG_SPAN_NONE)
            for (size_t i = 0; i < N; i++)
                assert_true(rg_elem_decode(&q.format.elem, rg_elem_cast(&q.format.elem, &q.cast, x[i], i)) ==
                            all[i]);
        q.cast.seed++;
        rg_qdq(&q, x, parts, ROWS, COLS, true, NULL);
        assert_memory_not_equal(all, parts, sizeof all);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(enumerate),  cmocka_unit_test(near_zero),
                                       cmocka_unit_test(full_width), cmocka_unit_test(exact_values_stay),
                                       cmocka_unit_test(integers),   cmocka_unit_test(layout),
                                       cmocka_unit_test(disjoint),   cmocka_unit_test(batches)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
