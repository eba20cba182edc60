/* Posits, takums, logarithms, HiFloat8 and code books against their definitions. LIBS: mpfr gmp */
#include "ordered_oracle.h"

/* Beyond both ends: the largest number, never zero but for zero, NaN to NaR. */
static void check_ends(const sorted *s, uint32_t nar) {
    const rg_elem *e = &s->elem;
    assert_int_equal(rg_elem_encode(e, NAN), nar);
    assert_true(isnan(rg_elem_decode(e, nar)));
    for (int r = RG_RNE; r <= RG_RO; r++) {
        const rg_cast cast = {.rounding = (rg_rounding)r};
        assert_int_equal(rg_elem_cast(e, &cast, INFINITY, 0), s->code[s->n - 1]);
        assert_int_equal(rg_elem_cast(e, &cast, -INFINITY, 0), s->code[0]);
        assert_int_equal(rg_elem_cast(e, &cast, 0.0f, 0), 0);
        assert_int_equal(rg_elem_cast(e, &cast, -0.0f, 0), 0);
    }
    if (s->value[s->n - 1] < 0x1p127) {
        assert_int_equal(rg_elem_encode(e, 0x1p127f), s->code[s->n - 1]);
        assert_int_equal(rg_elem_encode(e, 0x1p-140f), 1);
        assert_int_equal(rg_elem_encode(e, -0x1p-140f), nar * 2 - 1);
    }
}

static void posits(void **state) {
    (void)state;
    for (int bits = 3; bits <= 9; bits++)
        for (int es = 0; es <= 3; es++) {
            char text[48];
            snprintf(text, sizeof text, "posit(%d,%d)", bits, es);
            sorted s = sorted_strings(text, bits, es, posit_formula, true);
            sorted_check_all(&s, 1);
            check_ends(&s, 1u << (bits - 1));
            sorted_close(&s);
        }
    sorted s = sorted_strings("posit(16,2)", 16, 2, posit_formula, true);
    sorted_check_all(&s, 127);
    check_ends(&s, 0x8000);
    sorted_close(&s);
}

/* The row of the format table: the largest is 2^(4 (n - 2)), the least its inverse. */
static void posit_ranges(void **state) {
    (void)state;
    const struct {
        const char *text;
        double max;
    } rows[] = {{"posit(8,2)", 0x1p24}, {"posit(16,2)", 0x1p56}, {"posit(32,2)", 0x1p120}};
    for (size_t i = 0; i < 3; i++) {
        const rg_elem e = oracle_elem(rows[i].text);
        assert_true(rg_elem_max(&e) == rows[i].max);
        assert_true(rg_elem_min_normal(&e) == 1 / rows[i].max);
        assert_true(rg_elem_decode_double(&e, 1) == 1 / rows[i].max);
    }
}

static void takums(void **state) {
    (void)state;
    for (int bits = 6; bits <= 11; bits++)
        for (int is_log = 0; is_log < 2; is_log++) {
            char text[48];
            snprintf(text, sizeof text, "takum(%d,%s)", bits, is_log ? "log" : "linear");
            sorted s = sorted_strings(text, bits, is_log, takum_formula, !is_log);
            sorted_check_all(&s, 1);
            check_ends(&s, 1u << (bits - 1));
            sorted_close(&s);
        }
    for (int is_log = 0; is_log < 2; is_log++) {
        sorted s =
            sorted_strings(is_log ? "takum(16,log)" : "takum(16,linear)", 16, is_log, takum_formula, !is_log);
        sorted_check_all(&s, 127);
        check_ends(&s, 0x8000);
        sorted_close(&s);
    }
}

/* The range is that of 12 bits and more: |c + m| < 255. */
static void takum_ranges(void **state) {
    (void)state;
    const rg_elem linear = oracle_elem("takum(12,linear)"), wide = oracle_elem("takum(32,linear)"),
                  log12 = oracle_elem("takum(12,log)");
    assert_true(rg_elem_max(&linear) == 0x1p254);
    assert_true(rg_elem_decode_double(&linear, 1) == 0x1p-254);
    assert_true(rg_elem_max(&wide) < 0x1p255 && rg_elem_max(&wide) > 0x1.ffffp254);
    assert_true(fabs(rg_elem_max(&log12) / exp(127) - 1) < 1e-12);
}

static void logarithms(void **state) {
    (void)state;
    const struct {
        const char *text;
        int bits, gamma;
    } rows[] = {{"lns(3,1)", 3, 1},   {"lns(5,2)", 5, 2},     {"lns(8,1)", 8, 1},      {"lns(8,8)", 8, 8},
                {"lns(8,64)", 8, 64}, {"lns(12,32)", 12, 32}, {"lns(16,512)", 16, 512}};
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const uint32_t half = 1u << (rows[k].bits - 1);
        sorted s = sorted_room(rows[k].text, 2 * half, false);
        for (uint32_t i = 0; i < half; i++) {
            s.code[half + i] = i;
            s.code[half - 1 - i] = half | i;
            s.value[half + i] = lns_power(i, rows[k].gamma);
            s.value[half - 1 - i] = -s.value[half + i];
            s.turn[half + i] = lns_power(i + 0.5, rows[k].gamma);
            if (i + 1 < half) s.turn[half - 2 - i] = -s.turn[half + i];
        }
        /* around zero every rounding but the directed ones keeps the sign */
        const float near_zero[] = {0x1p-149f, 0x1p-60f, 0.5f, 0.999f};
        for (int i = 0; i < 4; i++) {
            assert_int_equal(rg_elem_encode(&s.elem, near_zero[i]), 0);
            assert_int_equal(rg_elem_encode(&s.elem, -near_zero[i]), half);
        }
        assert_int_equal(rg_elem_encode(&s.elem, 0), 0);
        assert_int_equal(rg_elem_encode(&s.elem, -0.0f), 0);
        assert_int_equal(rg_elem_encode(&s.elem, NAN), half - 1);
        assert_int_equal(rg_elem_encode(&s.elem, -INFINITY), 2 * half - 1);
        const rg_cast rz = {.rounding = RG_RZ}, ru = {.rounding = RG_RU}, rd = {.rounding = RG_RD};
        assert_int_equal(rg_elem_cast(&s.elem, &rz, -0.5f, 0), half);
        assert_int_equal(rg_elem_cast(&s.elem, &ru, -0.5f, 0), 0);
        assert_int_equal(rg_elem_cast(&s.elem, &rd, 0.5f, 0), half);
        for (uint32_t i = 0; i < 2 * half; i++) {
            const double want = s.value[i], got = rg_elem_decode_double(&s.elem, s.code[i]);
            assert_true(fabs(got - want) <= 0x1p-52 * fabs(want));
        }
        for (uint32_t i = 0; i + 1 < 2 * half; i += half > 1000 ? 5 : 1) {
            if (s.code[i] == half) continue; /* the pair around zero */
            sorted_check_around(&s, i, s.turn[i]);
            sorted_check_around(&s, i, (s.value[i] + s.value[i + 1]) / 2);
        }
        sorted_close(&s);
    }
}

/* arXiv 2409.16626: the exponents with 3, 2, 1 bits of mantissa, and where their codes begin. */
static double hif8_formula(int code) {
    static const struct {
        int first, exponent, mantissa_bits;
    } rows[] = {{0x08, 0, 3},  {0x10, 1, 3},   {0x18, -1, 3},  {0x20, 2, 3},   {0x28, 3, 3},   {0x30, -2, 3},
                {0x38, -3, 3}, {0x40, 4, 2},   {0x44, 5, 2},   {0x48, 6, 2},   {0x4c, 7, 2},   {0x50, -4, 2},
                {0x54, -5, 2}, {0x58, -6, 2},  {0x5c, -7, 2},  {0x60, 8, 1},   {0x62, 9, 1},   {0x64, 10, 1},
                {0x66, 11, 1}, {0x68, 12, 1},  {0x6a, 13, 1},  {0x6c, 14, 1},  {0x6e, 15, 1},  {0x70, -8, 1},
                {0x72, -9, 1}, {0x74, -10, 1}, {0x76, -11, 1}, {0x78, -12, 1}, {0x7a, -13, 1}, {0x7c, -14, 1},
                {0x7e, -15, 1}};
    const int magnitude = code & 0x7f, sign = code & 0x80 ? -1 : 1;
    if (magnitude == 0) return sign < 0 ? NAN : 0;
    if (magnitude == 0x6f) return sign * INFINITY;
    if (magnitude < 8) return sign * ldexp(1, magnitude - 23);
    size_t i = sizeof rows / sizeof *rows - 1;
    while (rows[i].first > magnitude) i--;
    return sign * ldexp(1 + ldexp(magnitude - rows[i].first, -rows[i].mantissa_bits), rows[i].exponent);
}

static int by_value(const void *a, const void *b) {
    const double x = hif8_formula((int)*(const uint32_t *)a), y = hif8_formula((int)*(const uint32_t *)b);
    return x < y ? -1 : x > y;
}

static void hif8(void **state) {
    (void)state;
    sorted s = sorted_room("hif8", 253, true);
    size_t n = 0;
    for (uint32_t c = 0; c < 256; c++)
        if (isfinite(hif8_formula((int)c))) s.code[n++] = c;
    assert_int_equal(n, s.n);
    qsort(s.code, n, sizeof *s.code, by_value);
    for (size_t i = 0; i < n; i++) s.value[i] = hif8_formula((int)s.code[i]);
    for (size_t i = 0; i + 1 < n; i++) s.turn[i] = (s.value[i] + s.value[i + 1]) / 2;
    sorted_check_all(&s, 1);
    const rg_elem *e = &s.elem;
    assert_true(rg_elem_decode(e, 0x6f) == INFINITY && rg_elem_decode(e, 0xef) == -INFINITY);
    assert_true(isnan(rg_elem_decode(e, 0x80)));
    assert_int_equal(rg_elem_encode(e, NAN), 0x80);
    assert_int_equal(rg_elem_encode(e, -0.0f), 0);
    assert_true(rg_elem_max(e) == 0x1p15 && rg_elem_decode(e, 1) == 0x1p-22f);
    /* 1.25 2^15 ties to the even code of 2^15, or away to infinity */
    const struct {
        const char *text;
        float x;
        uint32_t code;
    } cases[] = {{"hif8", 1e9f, 0x6e},
                 {"hif8", INFINITY, 0x6e},
                 {"hif8@rne(sat=propagate)", -INFINITY, 0xef},
                 {"hif8@rne(sat=propagate)", 1e9f, 0x6e},
                 {"hif8@rne(sat=ocp)", 0x1.4p15f, 0x6e},
                 {"hif8@rne(sat=ocp)", 0x1.400002p15f, 0x6f},
                 {"hif8@rna(sat=ocp)", 0x1.4p15f, 0x6f},
                 {"hif8@rna(sat=ocp)", -0x1.4p15f, 0xef},
                 {"hif8@rna(sat=ocp)", 0x1.3ffffep15f, 0x6e},
                 {"hif8@rd(sat=none)", 1e9f, 0x6e},
                 {"hif8@rd(sat=none)", -0x1.00001p15f, 0xef},
                 {"hif8@rne(sat=clamp)", INFINITY, 0x6f},
                 {"hif8@rne(sat=clamp)", 1e9f, 0x6e},
                 {"hif8@rz(sat=none)", INFINITY, 0x6f}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_quant q;
        rg_error err = {0};
        if (rg_quant_parse(cases[i].text, &q, &err) != RG_OK) fail_msg("%s: %s", cases[i].text, err.message);
        assert_int_equal(rg_elem_cast(&q.format.elem, &q.cast, cases[i].x, 0), cases[i].code);
    }
    rg_quant q;
    rg_qdq_counts counts = {0}, ends = {0};
    const float x[] = {0x1.4p15f, 0x1.400002p15f, -1e9f};
    float y[3];
    assert_int_equal(rg_quant_parse("hif8", &q, NULL), RG_OK);
    rg_qdq(&q, x, y, 1, 3, false, &counts);
    assert_int_equal(counts.n_overflow, 2);
    const float beside[] = {1.09f, 1.15f, -1.1f, -1.2f}; /* nf4: half of the last gaps is 0.139 and 0.152 */
    float z[4];
    assert_int_equal(rg_quant_parse("nf4", &q, NULL), RG_OK);
    rg_qdq(&q, beside, z, 1, 4, false, &ends);
    assert_int_equal(ends.n_overflow, 2);
    assert_true(z[0] == 1 && z[1] == 1 && z[2] == -1 && z[3] == -1);
    sorted_close(&s);
}

/* Nearest of all values, by looking at each of them. */
static void books(void **state) {
    (void)state;
    static const char *const texts[] = {"nf4", "fp4bnb", "af4", "book(-3,-1,0,0.5,7)", "book(1,2)"};
    for (size_t k = 0; k < sizeof texts / sizeof *texts; k++) {
        const rg_elem e = oracle_elem(texts[k]);
        for (size_t i = 0; i < 50000; i++) {
            const float x = (float)(rg_random_normal(5, k, i) * (i % 2 ? 0.4 : 4));
            double best = INFINITY;
            for (uint32_t c = 0; c < (uint32_t)e.n_book; c++)
                best = fmin(best, fabs(rg_elem_decode_double(&e, c) - (double)x));
            const double got = rg_elem_decode_double(&e, rg_elem_encode(&e, x));
            if (fabs(got - (double)x) != best) fail_msg("%s: %a gives %a", texts[k], (double)x, got);
        }
    }
    const rg_elem fp4 = oracle_elem("fp4bnb"), af4 = oracle_elem("af4");
    static const float thirds[] = {0, 0.0625f, 8, 12, 4, 6, 2, 3};
    for (uint32_t c = 0; c < 16; c++) {
        const float want = thirds[c % 8] / 12;
        assert_true(rg_elem_decode(&fp4, c) == (c < 8 ? want : -want));
        if (c != 8) assert_int_equal(rg_elem_encode(&fp4, rg_elem_decode(&fp4, c)), c);
    }
    assert_true(signbit(rg_elem_decode(&fp4, 8)) != 0 && rg_elem_encode(&fp4, -0.0f) == 0);
    const rg_elem five = oracle_elem("book(-3,-1,0,0.5,7)");
    assert_true(rg_elem_decode(&five, 4) == 7 && rg_elem_decode(&five, 8 + 4) == 7); /* bits above: ignored */
    assert_true(isnan(rg_elem_decode(&five, 5)));
    assert_true(rg_elem_decode(&af4, 0) == 1 && rg_elem_decode(&af4, 8) == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(posits),     cmocka_unit_test(posit_ranges),
                                       cmocka_unit_test(takums),     cmocka_unit_test(takum_ranges),
                                       cmocka_unit_test(logarithms), cmocka_unit_test(hif8),
                                       cmocka_unit_test(books)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
