/* The C datapath against an oracle of GMP and MPFR, over the stimulus of the units and over random codes.
   LIBS: mpfr gmp */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "rtl/emit.h"
#include "unit/rtl/datapath_oracle.h"

static const char *const pairs[][2] = {
    {"int8", "int8"},   {"int4", "int4"},     {"int2", "int5"}, {"e2m1", "e2m1"}, {"e2m3", "e2m3"},
    {"e3m2", "e3m2"},   {"e4m3fn", "e4m3fn"}, {"e5m2", "e5m2"}, {"fp16", "fp16"}, {"bf16", "bf16"},
    {"e4m3fn", "e2m1"}, {"bf16", "e2m1"},     {"bf16", "int4"}, {"int8", "e5m2"}, {"fp16", "bf16"},
    {"e5m2", "e3m2"},   {"e2m3", "int8"}};

/* Random codes with the odd bits that the unit's own stimulus may not think of. */
static void random_vector(const rg_rtl_unit *u, uint64_t v, uint32_t *a, uint32_t *b) {
    for (int i = 0; i < u->n; i++) {
        const uint32_t r = rg_random_u32(7, v, (uint64_t)i), s = rg_random_u32(8, v, (uint64_t)i);
        a[i] = r >> (32 - u->a.bits), b[i] = s >> (32 - u->b.bits);
        if ((r & 7) == 0) a[i] &= ~0u << (u->a.bits / 2); /* short mantissas: ties and cancellation */
        if ((s & 7) == 0) b[i] = (s >> 3) & 3;            /* zeros and least numbers */
    }
}

static void check_unit(const char *text, uint64_t n_vectors) {
    const rg_rtl_unit u = unit_of(text);
    uint32_t a[64], b[64];
    for (uint64_t v = 0; v < n_vectors; v++) {
        rtl_vector(&u, v, a, b);
        check_vector(&u, a, b);
        random_vector(&u, v, a, b);
        check_vector(&u, a, b);
    }
}

static void test_lanes(void **state) {
    (void)state;
    static const int lanes[] = {1, 2, 3, 8, 64};
    char text[96];
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (size_t i = 0; i < sizeof lanes / sizeof *lanes; i++) {
            snprintf(text, sizeof text, "dot(a=%s,b=%s,n=%d)", pairs[p][0], pairs[p][1], lanes[i]);
            check_unit(text, 1024 / (uint64_t)(1 + lanes[i] / 8));
        }
}

static void test_fraction_bits(void **state) {
    (void)state;
    static const int align[] = {1, 3, 13, 24, 35, 48};
    char text[96];
    for (size_t p = 0; p < sizeof pairs / sizeof *pairs; p++)
        for (size_t i = 0; i < sizeof align / sizeof *align; i++) {
            snprintf(text, sizeof text, "dot(a=%s,b=%s,n=4,align=%d)", pairs[p][0], pairs[p][1], align[i]);
            check_unit(text, 512);
        }
}

/* One lane, every pair of codes. */
static void test_every_pair_of_codes(void **state) {
    (void)state;
    static const char *const text[] = {"dot(a=int8,b=int8,n=1)", "dot(a=e4m3fn,b=e4m3fn,n=1)",
                                       "dot(a=e5m2,b=e5m2,n=1)", "dot(a=e4m3fn,b=e2m1,n=1)",
                                       "dot(a=e3m2,b=int8,n=1)", "dot(a=e5m2,b=e4m3fn,n=1,align=3)"};
    for (size_t t = 0; t < sizeof text / sizeof *text; t++) {
        const rg_rtl_unit u = unit_of(text[t]);
        for (uint32_t a = 0; a < 1u << u.a.bits; a++)
            for (uint32_t b = 0; b < 1u << u.b.bits; b++) check_vector(&u, &a, &b);
    }
}

/* Worked by hand. */
static void test_known_values(void **state) {
    (void)state;
    static const struct {
        const char *unit;
        uint32_t a[4], b[4];
        uint64_t want;
    } known[] = {
        /* 1.5 * 6 + 0.5 * -0.5 = 8.75 in units of 0.25 */
        {"dot(a=e2m1,b=e2m1,n=2)", {0x3, 0x1}, {0x7, 0x9}, 35},
        {"dot(a=int8,b=int8,n=2)", {0x80, 0x80}, {0x80, 0x80}, 32768},
        {"dot(a=int8,b=int8,n=1)", {0xff}, {1}, 0xffff},
        /* 1 + 2^-25: the bit is kept, and lost in fp32 */
        {"dot(a=fp16,b=fp16,n=2)", {0x3c00, 0x0001}, {0x3c00, 0x3800}, 0x3f800000},
        /* 1 - 2^-26: aligned away before the sum */
        {"dot(a=fp16,b=fp16,n=2)", {0x3c00, 0x8001}, {0x3c00, 0x3400}, 0x3f800000},
        /* 1 - 2^-25: truncated after the sum, one ulp below 1 */
        {"dot(a=fp16,b=fp16,n=2)", {0x3c00, 0x8001}, {0x3c00, 0x3800}, 0x3f7fffff},
        {"dot(a=e5m2,b=e5m2,n=2)", {0x7c, 0x3c}, {0x00, 0x3c}, 0x7fffffff}, /* inf * 0 */
        {"dot(a=e5m2,b=e5m2,n=2)", {0x7c, 0xfc}, {0x3c, 0x3c}, 0x7fffffff}, /* inf - inf */
        {"dot(a=e5m2,b=e5m2,n=2)", {0xfc, 0x3c}, {0x3c, 0x3c}, 0xff800000},
        {"dot(a=e4m3fn,b=e4m3fn,n=1)", {0x7e}, {0xfe}, 0xc8440000},        /* -448^2 = -200704 */
        {"dot(a=bf16,b=bf16,n=1)", {0x7f7f}, {0x7f7f}, 0x7f7fffff},        /* too large: the largest */
        {"dot(a=bf16,b=bf16,n=2)", {0x3f80, 0xbf80}, {0x3f80, 0x3f80}, 0}, /* +0 */
        {"dot(a=bf16,b=bf16,n=1)", {0x8001}, {0x0001}, 0},
        {"dot(a=bf16,b=e2m1,n=1)", {0x0001}, {0x2}, 0x00010000}, /* a subnormal of fp32 */
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        const rg_rtl_unit u = unit_of(known[i].unit);
        uint64_t got[2] = {0};
        rg_rtl_unit_eval(&u, known[i].a, known[i].b, got);
        if (got[0] != known[i].want)
            fail_msg("%s (row %zu): %llx, want %llx", u.text, i, (unsigned long long)got[0],
                     (unsigned long long)known[i].want);
    }
}

/* No wider than the extreme sums need. */
static void test_width_is_least(void **state) {
    (void)state;
    static const struct {
        const char *unit;
        int bits;
    } width[] = {{"dot(a=int8,b=int8,n=1)", 16},  {"dot(a=int8,b=int8,n=2)", 17},
                 {"dot(a=int4,b=int4,n=8)", 11},  {"dot(a=e2m1,b=e2m1,n=1)", 9},
                 {"dot(a=e2m1,b=e2m1,n=32)", 14}, {"dot(a=e2m3,b=e2m3,n=1)", 13},
                 {"dot(a=bf16,b=bf16,n=64)", 32}};
    for (size_t i = 0; i < sizeof width / sizeof *width; i++)
        assert_int_equal(unit_of(width[i].unit).output_bits, width[i].bits);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_width_is_least),
        cmocka_unit_test(test_lanes),
        cmocka_unit_test(test_fraction_bits),
        cmocka_unit_test(test_every_pair_of_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
