/* Systems and links: every file opens, chips are systems too, what is refused, and what-if. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/system.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static rg_system opened(const char *id) {
    rg_system s;
    rg_error err = {0};
    if (rg_system_open(&s, id, DATA, &err) != RG_OK) fail_msg("%s: %s: %s", id, err.where, err.message);
    return s;
}

static void check_level(const rg_system *s, size_t i) {
    const rg_system_level *l = &s->level[i];
    const rg_value *const values[] = {&l->bytes_per_s, &l->latency_s, &l->start_s, &l->efficiency};
    assert_true(l->name && l->link && l->n_chips > (i ? s->level[i - 1].n_chips : 1));
    for (size_t k = 0; k < 4; k++) {
        assert_true(values[k]->given && values[k]->value > 0 && values[k]->source[0]);
        assert_true(values[k]->lo <= values[k]->value &&
                    (values[k]->hi == 0 || values[k]->hi >= values[k]->value));
    }
    assert_true(l->latency_s.hi > 0 && l->start_s.hi > 0 && l->efficiency.hi > 0);
}

static void all_systems(void **state) {
    (void)state;
    rg_arena arena = {0};
    const char **ids;
    size_t n;
    rg_error err = {0};
    assert_int_equal(rg_system_list(DATA, &arena, &ids, &n, &err), RG_OK);
    assert_true(n >= 18);
    for (size_t i = 0; i < n; i++) {
        rg_system s = opened(ids[i]);
        assert_true(s.n_levels == 2);
        for (size_t k = 0; k < s.n_levels; k++) check_level(&s, k);
        /* the first level and the chip's file say the same */
        const rg_chip_number *up = rg_chip_find(&s.chip, "scaleup.bandwidth");
        if (fabs(up->v.value / s.level[0].bytes_per_s.value - 1) > 1e-9)
            fail_msg("%s: scaleup.bandwidth", ids[i]);
        assert_true(rg_chip_find(&s.chip, "scaleup.domain")->v.value == s.level[0].n_chips);
        rg_system_close(&s);
    }
    rg_arena_free(&arena);
}

static void all_links(void **state) {
    (void)state;
    rg_arena arena = {0};
    const char **ids;
    size_t n;
    rg_error err = {0};
    assert_int_equal(rg_link_list(DATA, &arena, &ids, &n, &err), RG_OK);
    assert_true(n >= 30);
    for (size_t i = 0; i < n; i++) {
        rg_link l;
        if (rg_link_open(&l, ids[i], DATA, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
        assert_true(l.bytes_per_s.value >= 1e9 && l.efficiency.hi <= 1);
        rg_link_close(&l);
    }
    rg_arena_free(&arena);
}

static void chips(void **state) {
    (void)state;
    rg_arena arena = {0};
    const char **ids;
    size_t n;
    rg_error err = {0};
    assert_int_equal(rg_chip_list(DATA, &arena, &ids, &n, &err), RG_OK);
    for (size_t i = 0; i < n; i++) {
        rg_system s = opened(ids[i]);
        const rg_chip_number *domain = rg_chip_find(&s.chip, "scaleup.domain");
        assert_int_equal(s.n_levels, domain != NULL);
        if (s.n_levels) check_level(&s, 0);
        assert_string_equal(s.id, ids[i]);
        rg_system_close(&s);
    }
    rg_arena_free(&arena);
    rg_system s = opened("h100");
    assert_true(s.level[0].n_chips == 8 && s.level[0].bytes_per_s.value == 450e9 &&
                s.usd_per_chip_h.value == 10.8);
    rg_system_close(&s);
    s = opened("tpu-v5e");
    assert_true(s.level[0].topology == RG_TOPOLOGY_TORUS && s.level[0].n_axes == 2 && s.level[0].wraps);
    rg_system_close(&s);
}

static void what_if(void **state) {
    (void)state;
    static const char *const good[] = {"h100.hbm.bandwidth=x1.3", "nvlink.bandwidth=x2",
                                       "infiniband.latency=3 us", "dgx-h100.infiniband.bandwidth=100 GB/s",
                                       "nvlink.chips=72",         "infiniband.reduces=true",
                                       "power.chip=x0.5",         "cost.rent=2 USD/h"};
    static const struct {
        const char *set, *words;
    } bad[] = {
        {"nvlink.chips=65536", "do not nest"},      {"infiniband.chips=8", "do not nest"},
        {"nvlink.axes=4x4", "no such axes"},        {"nvlink.speed=1", "no number of a level"},
        {"nvlink.bandwidth=2 TB", "not in byte/s"}, {"nvlink.efficiency=1.5", "more than all"},
        {"nvlink.reduces=yes", "neither of them"},  {"ethernet.bandwidth=x2", "unknown number"},
        {"nvlink.bandwidth", "no \"=\""},           {"h100.hbm.bandwidth=x", "no factor"},
    };
    rg_system s = opened("dgx-h100");
    rg_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (rg_system_set(&s, good[i], &err) != RG_OK) fail_msg("%s: %s", good[i], err.message);
    assert_true(fabs(s.chip.memory_bytes_per_s.value - 1.3 * 3.35e12) < 1);
    assert_true(s.level[0].bytes_per_s.value == 900e9 && s.level[0].n_chips == 72);
    assert_true(rg_chip_find(&s.chip, "scaleup.bandwidth")->v.value == 900e9);
    assert_true(s.level[1].latency_s.value == 3e-6 && s.level[1].bytes_per_s.value == 100e9 &&
                s.level[1].reduces);
    assert_true(s.watt_per_chip.value == 637.5 && s.usd_per_chip_h.value == 2);
    assert_non_null(strstr(s.level[0].bytes_per_s.source, "set by hand"));
    const rg_system before = s;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_int_equal(rg_system_set(&s, bad[i].set, &err), RG_ERR_USAGE);
        if (!strstr(err.message, bad[i].words)) fail_msg("%s: %s", bad[i].set, err.message);
        assert_memory_equal(s.level, before.level, sizeof s.level);
    }
    assert_int_equal(rg_system_set(&s, "h100.scaleup.bandwidth=x0.5", &err), RG_OK);
    assert_true(s.level[0].bytes_per_s.value == 450e9);
    rg_system_close(&s);
    s = opened("tpu-v4-pod");
    assert_int_equal(rg_system_set(&s, "ici.axes=4x4x4", &err), RG_OK);
    assert_true(s.level[0].n_chips == 64 && s.level[0].axis[2] == 4);
    rg_system_close(&s);
}

static const char sample[] = "id: test\n"
                             "name: Test\n"
                             "chip: h100\n"
                             "sources: {a: the sheet}\n"
                             "levels:\n"
                             "  - name: up\n"
                             "    link: nvlink4\n"
                             "    links: 18\n"
                             "    topology: switch\n"
                             "    chips: 8\n"
                             "    source: a\n"
                             "cost: {rent: {value: 2 USD/h, source: a}}\n";

static rg_status parse_with(const char *from, const char *to, rg_error *err) {
    char text[2048];
    const char *at = strstr(sample, from);
    rg_system s;
    if (!at) fail_msg("no %s in the sample", from);
    snprintf(text, sizeof text, "%.*s%s%s", (int)(at - sample), sample, to, at + strlen(from));
    const rg_status status = rg_system_parse(&s, text, strlen(text), "test.yaml", DATA, err);
    if (status == RG_OK) rg_system_close(&s);
    return status;
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"chip: h100", "chip: h1000", "test.yaml:3 (chip): unknown chip \"h1000\""},
        {"nvlink4", "nvlink40", "unknown link \"nvlink40\""},
        {"links: 18", "links: 18\n    bandwidth: {value: 1 GB/s, source: a}", "both"},
        {"    links: 18\n", "", "neither of both"},
        {"links: 18", "bandwidth: {value: 450 GB, source: a}", "is in byte, not in byte/s"},
        {"links: 18", "bandwidth: {value: 450 GB/s}", "key \"source\" is missing"},
        {"links: 18", "bandwidth: 450 GB/s", "a number without its source"},
        {"links: 18", "links: -1", "-1"},
        {"links: 18", "links: 18\n    latency: {value: 2 us, range: [3 us, 4 us], source: a}",
         "out of its range"},
        {"links: 18", "links: 18\n    latency: {value: 2 us, range: [1 us], source: a}", "not two numbers"},
        {"links: 18", "links: 18\n    latency: {value: 2 m, source: a}", "unknown unit \"m\""},
        {"links: 18", "links: 18\n    efficiency: {value: 1.2, source: a}", "1.2"},
        {"links: 18", "links: 18\n    efficiency: {value: 0.9, range: [0.5, 1.1], source: a}", "1.1"},
        {"links: 18", "links: 18\n    speed: 1", "unknown key \"speed\""},
        {"topology: switch", "topology: bus", "\"bus\""},
        {"topology: switch", "topology: torus\n    axes: 4xx4", "\"4xx4\""},
        {"topology: switch", "topology: torus\n    axes: 2x4", "unknown key \"chips\""},
        {"chips: 8", "chips: 1", "1 chips"},
        {"    chips: 8\n", "", "key \"chips\" is missing"},
        {"    source: a\n", "", "key \"source\" is missing"},
        {"{a: the sheet}", "{a: the sheet, b: none}", "source \"b\" is never used"},
        {"value: 2 USD/h", "value: 2 USD", "not in USD/h"},
        {"levels:", "level:", "key \"levels\" is missing"},
        {sample, "- 1\n", "not a system file"},
    };
    rg_error err = {0};
    if (parse_with("", "", &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char all[1100];
        rg_error why = {0};
        const rg_status status = parse_with(cases[i].from, cases[i].to, &why);
        snprintf(all, sizeof all, "%s: %s", why.where, why.message);
        if (status != RG_ERR_PARSE || !strstr(all, cases[i].words))
            fail_msg("case %zu (%d), no %s in %s", i, status, cases[i].words, all);
    }
    rg_system s;
    assert_int_equal(rg_system_open(&s, "nowhere", DATA, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "unknown system or chip \"nowhere\""));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_systems), cmocka_unit_test(all_links),
                                       cmocka_unit_test(chips), cmocka_unit_test(what_if),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
