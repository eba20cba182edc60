/* Technologies and chips composed of them: files open, what is refused, arithmetic, ranges, what-if. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "ridge/technology.h"
#include "unit/hw/chip_text.h"

static void all_files(void **state) {
    (void)state;
    rg_arena arena = {0};
    const char **ids;
    size_t n;
    rg_error err = {0};
    assert_int_equal(rg_technology_list(DATA, &arena, &ids, &n, &err), RG_OK);
    assert_true(n >= 25);
    for (size_t i = 0; i < n; i++) {
        rg_technology t;
        if (rg_technology_open(&t, ids[i], DATA, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
        assert_true(t.n_numbers > 0);
        for (size_t k = 0; k < t.n_numbers; k++) {
            const rg_value *v = &t.number[k].v;
            assert_true(v->lo > 0 && v->lo <= v->value && v->value <= v->hi && v->source[0] &&
                        t.number[k].date[0]);
        }
        rg_technology_close(&t);
    }
    rg_arena_free(&arena);
}

static const char technology[] =
    "id: t\nname: T\nkind: memory\nyear: 2027\nsources: {a: sheet}\nnumbers:\n"
    "  capacity: {value: 64 GB, range: [48 GB, 64 GB], date: '2025-04', source: a}\n";

/* A text with one piece replaced. */
static const char *changed(const char *text, const char *from, const char *to) {
    static char out[4096];
    const char *at = strstr(text, from);
    if (!at) fail_msg("no %s in the text", from);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void refused_technology(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {", source: a", "", "test.yaml:7 (numbers.capacity): key \"source\" is missing"},
        {"range: [48 GB, 64 GB], ", "", "key \"range\" is missing"},
        {"date: '2025-04', ", "", "key \"date\" is missing"},
        {"'2025-04'", "'2025-13'", "\"2025-13\""},
        {"'2025-04'", "soon", "\"soon\""},
        {"[48 GB, 64 GB]", "[48 GB/s, 64 GB/s]", "is in byte/s, not in byte"},
        {"[48 GB, 64 GB]", "[64 GiB, 80 GiB]", "out of its range"}, /* 64 GB is less */
        {"value: 64 GB", "value: 64 GX", "unknown unit \"GX\""},
        {"source: a", "source: b", "unknown source \"b\""},
        {"source: a", "source: a, pins: 2", "unknown key \"pins\""},
        {"{value: 64 GB, range: [48 GB, 64 GB], date: '2025-04', source: a}", "64 GB",
         "without range, date and source"},
        {"kind: memory", "kind: magic", "\"magic\""},
        {"year: 2027", "year: soon", "\"soon\""},
    };
    rg_technology t;
    rg_error err = {0};
    assert_int_equal(rg_technology_parse(&t, technology, strlen(technology), "test.yaml", &err), RG_OK);
    rg_technology_close(&t);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *text = changed(technology, cases[i].from, cases[i].to);
        char all[1100];
        rg_error why = {0};
        const rg_status status = rg_technology_parse(&t, text, strlen(text), "test.yaml", &why);
        snprintf(all, sizeof all, "%s: %s", why.where, why.message);
        if (status != RG_ERR_PARSE || !strstr(all, cases[i].words))
            fail_msg("case %zu (%d), no %s in %s", i, status, cases[i].words, all);
    }
    assert_int_equal(rg_technology_open(&t, "unobtainium", DATA, &err), RG_ERR_USAGE);
}

/* The example: numbers by hand from its bets and the technologies. */
static void example(void **state) {
    (void)state;
    rg_chip c;
    rg_error err = {0};
    if (rg_chip_open(&c, "wi29", DATA, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    assert_string_equal(c.status, "hypothetical");
    static const struct {
        const char *path;
        double value;
    } numbers[] = {{"silicon.cores", 4 * 112},
                   {"rates.fp8", 448 * 32768 * 2.1e9},
                   {"rates.bf16", 448 * 8192 * 2.1e9},
                   {"memory.capacity", 16 * 64e9},
                   {"memory.bandwidth", 16 * 3e12},
                   {"onchip.capacity", 4 * 60 * 4.75e6},
                   {"scaleup.bandwidth", 36 * 100e9},
                   {"power.tdp", 448 * 32768 * 2.1e9 * 0.28e-12 * 0.25 + 48e12 * 8 * 2.7e-12 +
                                     3.6e12 * 8 * 5.6e-12 + 200}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const rg_chip_number *n = rg_chip_find(&c, numbers[i].path);
        assert_non_null(n);
        if (fabs(n->v.value / numbers[i].value - 1) > 1e-12) fail_msg("%s: %g", numbers[i].path, n->v.value);
        assert_true(n->estimated && n->v.lo < n->v.value && n->v.hi > n->v.value);
    }
    /* 12 to 20 stacks of 2.5 to 4 TB/s: logarithms in quadrature, less than the corners */
    const rg_value *v = &rg_chip_find(&c, "memory.bandwidth")->v;
    assert_true(fabs(log(v->hi / v->value) - hypot(log(20.0 / 16), log(4.0 / 3))) < 1e-12);
    assert_true(fabs(log(v->value / v->lo) - hypot(log(16.0 / 12), log(3 / 2.5))) < 1e-12);
    assert_int_equal(rg_chip_set(&c, "what-if-2029.stacks=12", &err), RG_OK);
    assert_int_equal(rg_chip_set(&c, "hbm4e.bandwidth=x0.5", &err), RG_OK);
    assert_true(fabs(c.memory_bytes_per_s.value / (12 * 1.5e12) - 1) < 1e-12);
    assert_true(rg_chip_find(&c, "memory.bandwidth")->v.hi == 0); /* nothing uncertain is left */
    assert_true(fabs(c.memory_bytes.value / (12 * 64e9) - 1) < 1e-12);
    assert_true(rg_chip_find(&c, "rates.bf16")->v.hi > 0);
    assert_int_equal(rg_chip_set(&c, "rates.bf16=x2", &err), RG_OK);
    assert_true(rg_chip_find(&c, "rates.bf16")->v.hi == 0 && rg_chip_find(&c, "rates.bf16")->v.lo == 0);
    const double tdp = c.tdp_w.value;
    assert_int_equal(rg_chip_set(&c, "stacks=1e300", &err), RG_ERR_USAGE);
    assert_true(c.tdp_w.value == tdp && fabs(c.memory_bytes.value / (12 * 64e9) - 1) < 1e-12);
    assert_int_equal(rg_chip_set(&c, "stacks=12 GB", &err), RG_ERR_USAGE);
    rg_chip_close(&c);
}

static const char bets[] = "peaks: dense\nbets:\n"
                           "  stacks: {value: 8, range: [6, 12], date: '2026', source: a}\n"
                           "  stack: {value: 32 GB, range: [24 GB, 48 GB], date: '2026', source: a}\n"
                           "  spare: {value: 8 GB, range: [8 GB, 8 GB], date: '2026', source: a}\n"
                           "compose:\n  memory.capacity: stacks x stack + spare\n";

static void refused_composition(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"stacks x stack + spare", "stacks x stick", "unknown \"stick\""},
        {"stacks x stack + spare", "stacks x hbm4e.capacity",
         "unknown \"hbm4e.capacity\""}, /* a text has no folder */
        {"stacks x stack + spare", "stacks + spare", "a sum of different dimensions"},
        {"stacks x stack + spare", "stack x spare", "is not in byte"},
        {"stacks x stack + spare", "stacks stack", "no sum of products"},
        {"stacks x stack + spare", "x stack", "no sum of products"},
        {"stacks x stack + spare", "stacks x", "\"x\""},
        {"stacks x stack + spare", "stacks x memory.bandwidth", "is not in byte"},
        {"stacks x stack + spare", "[stacks]", "no text"},
        {"memory.capacity:", "memory.size:", "a chip has no \"memory.size\""},
        {"memory.capacity:", "memory.bandwidth:", "\"memory.bandwidth\" twice"},
        {"  stacks: {", "  stacks.of: {", "bet \"stacks.of\""},
        {"date: '2026', ", "", "key \"date\" is missing"},
        {"range: [6, 12], ", "", "key \"range\" is missing"},
    };
    rg_chip c;
    rg_error err = {0};
    char *text = replaced("peaks: dense\n", bets);
    if (rg_chip_parse(&c, text, strlen(text), "test.yaml", &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    assert_true(c.memory_bytes.value == 8 * 32e9 + 8e9);
    rg_chip_close(&c);
    free(text);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        text = replaced("peaks: dense\n", changed(bets, cases[i].from, cases[i].to));
        char all[1100];
        rg_error why = {0};
        const rg_status status = rg_chip_parse(&c, text, strlen(text), "test.yaml", &why);
        snprintf(all, sizeof all, "%s: %s", why.where, why.message);
        if (status != RG_ERR_PARSE || !strstr(all, cases[i].words))
            fail_msg("case %zu (%d), no %s in %s", i, status, cases[i].words, all);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_files), cmocka_unit_test(refused_technology),
                                       cmocka_unit_test(example), cmocka_unit_test(refused_composition)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
