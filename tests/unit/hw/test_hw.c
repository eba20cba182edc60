/* Chips: units, reading and refusals with their line, names, what-if numbers, execution paths, lint. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/hw.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static void units_parse(void **state) {
    (void)state;
    static const struct {
        const char *text;
        rg_unit unit;
        double value;
    } good[] = {{"989.4 TFLOP/s", RG_UNIT_FLOP_PER_S, 989.4e12},
                {"1.98 POP/s", RG_UNIT_FLOP_PER_S, 1.98e15},
                {"80 GB", RG_UNIT_BYTES, 80e9},
                {"80GiB", RG_UNIT_BYTES, 80.0 * (1 << 30)},
                {"3.35 TB/s", RG_UNIT_BYTES_PER_S, 3.35e12},
                {"1 KiB/s", RG_UNIT_BYTES_PER_S, 1024},
                {"1830 MHz", RG_UNIT_HZ, 1.83e9},
                {"0.7 kW", RG_UNIT_W, 700},
                {"814 mm2", RG_UNIT_MM2, 814},
                {"10.8 USD/h", RG_UNIT_USD_PER_H, 10.8},
                {"33600 USD", RG_UNIT_USD, 33600},
                {"80e9", RG_UNIT_COUNT, 80e9},
                {"5 B", RG_UNIT_BYTES, 5}};
    static const struct {
        const char *text;
        rg_unit unit;
    } bad[] = {{"80", RG_UNIT_BYTES},
               {"80 GB/s", RG_UNIT_BYTES},
               {"80 GB", RG_UNIT_BYTES_PER_S},
               {"80 gb", RG_UNIT_BYTES},
               {"80 KB", RG_UNIT_BYTES},
               {"GB", RG_UNIT_BYTES},
               {"", RG_UNIT_BYTES},
               {"-1 GB", RG_UNIT_BYTES},
               {"inf GB", RG_UNIT_BYTES},
               {"nan GB", RG_UNIT_BYTES},
               {"1e300 EB", RG_UNIT_BYTES},
               {"1 TFLOPS", RG_UNIT_FLOP_PER_S},
               {"1 TFLOP", RG_UNIT_FLOP_PER_S},
               {"1 TiFLOP/s", RG_UNIT_FLOP_PER_S},
               {"7 k", RG_UNIT_COUNT},
               {"1 kmm2", RG_UNIT_MM2},
               {"1 GB extra", RG_UNIT_BYTES},
               {"1e999 GB", RG_UNIT_BYTES}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double v = 0;
        rg_error err = {0};
        if (rg_units_parse(good[i].text, good[i].unit, &v, &err) != RG_OK)
            fail_msg("%s: %s", good[i].text, err.message);
        if (fabs(v / good[i].value - 1) > 1e-15) fail_msg("%s gave %.17g", good[i].text, v);
        char text[64];
        double back = 0;
        rg_units_print(v, good[i].unit, text, sizeof text);
        assert_int_equal(rg_units_parse(text, good[i].unit, &back, NULL), RG_OK);
        assert_true(fabs(back / v - 1) < 1e-3);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double v = 42;
        rg_error err = {0};
        if (rg_units_parse(bad[i].text, bad[i].unit, &v, &err) != RG_ERR_PARSE)
            fail_msg("\"%s\" passed", bad[i].text);
        assert_true(v == 42 && err.message[0] && err.expected[0]);
    }
}

static const char sample[] = "id: test\n"
                             "name: Test\n"
                             "vendor: Nobody\n"
                             "class: gpu\n"
                             "architecture: none\n"
                             "status: shipping\n"
                             "year: 2024\n"
                             "confidence: high\n"
                             "peaks: dense\n"
                             "sources:\n"
                             "  a: the sheet\n"
                             "rates:\n"
                             "  bf16: {value: 100 TFLOP/s, source: a}\n"
                             "memory:\n"
                             "  bandwidth: {value: 1 TB/s, source: a}\n"
                             "sets:\n"
                             "  mx4: 'mx(e2m1,32,*'\n"
                             "paths:\n"
                             "  - {weight: bf16, activation: bf16, runs_as: bf16, kind: native, source: a}\n"
                             "  - {weight: mx4, activation: '*', runs_as: fp4, kind: native, source: a}\n";

static char *replaced(const char *from, const char *to) {
    const char *at = strstr(sample, from);
    if (!at) fail_msg("no %s in the sample", from);
    char *out = malloc(sizeof sample + strlen(to) + 1);
    sprintf(out, "%.*s%s%s", (int)(at - sample), sample, to, at + strlen(from));
    return out;
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"1 TB/s", "1 TB", "test.yaml:15"},
        {"1 TB/s", "1 TB", "is in byte, not in byte/s"},
        {"1 TB/s", "1", "is in count, not in byte/s"},
        {"1 TB/s", "fast", "no number with a unit"},
        {"1 TB/s", "0 TB/s", "more than 0"},
        {"{value: 1 TB/s, source: a}", "1 TB/s", "a number without its source"},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s}", "key \"source\" is missing"},
        {"{value: 1 TB/s, source: a}", "{source: a}", "key \"value\" is missing"},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s, source: b}", "unknown source \"b\""},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s, source: 'a,'}", "unknown source"},
        {"{value: 1 TB/s, source: a}", "{value: 1 TB/s, source: a, sourc: a}",
         "test.yaml:15 (memory.bandwidth.sourc)"},
        {"  a: the sheet\n", "  a: the sheet\n  c: never\n", "source \"c\" is never used"},
        {"peaks: dense", "peaks: thick", "dense, or sparse"},
        {"peaks: dense", "peaks: dense\ncolour: red", "unknown key \"colour\""},
        {"  bf16: {", "  bf17: {", "a chip has no \"rates.bf17\""},
        {"year: 2024", "year: 24", "year 24"},
        {"year: 2024", "year: late", "found \"late\""},
        {"name: Test\n", "", "key \"name\" is missing"},
        {"kind: native", "kind: magic", "native, dequantised or hypothetical"},
        {"kind: native", "kind: dequantised", "key \"conversion\" is missing"},
        {"runs_as: bf16", "runs_as: bf17", "a type of rates:"},
        {"weight: bf16", "weight: bf17", "\"bf17\" is no format"},
        {"'mx(e2m1,32,*'", "'mx(e2m1,32,* | e2m9'", "\"e2m9\" is no format"},
        {"  mx4: ", "  mx5: ", "\"mx4\" is no format"},
        {"weight: mx4", "weight: '*'", "unknown key \"mx4\""}, /* a set that nothing uses */
        {"peaks: dense", "peaks: dense\nconflicts: [{topic: t, number: rates.fp8, why: w, values: []}]",
         "\"rates.fp8\""},
        {"peaks: dense",
         "peaks: dense\nconflicts: [{topic: t, number: rates.bf16, why: w, values: [{value: 1 TFLOP/s, "
         "source: a}]}]",
         "two values or more"},
        {"peaks: dense", "peaks: dense\nderived: [{rate: fp8, units: 1, per_cycle: 1, clock: 1 Hz, note: n}]",
         "\"fp8\""},
        {"peaks: dense", "peaks: dense\nderived: [{rate: bf16, units: 1, per_cycle: 1, clock: 1, note: n}]",
         "not in Hz"},
        {"id: test", "id: [test]", "a string"},
        {sample, "- 1\n", "not a chip file"},
        {sample, "", "nothing in it"},
    };
    rg_chip chip;
    rg_error err = {0};
    if (rg_chip_parse(&chip, sample, strlen(sample), "test.yaml", &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    rg_chip_close(&chip);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replaced(cases[i].from, cases[i].to), all[1100];
        rg_error why = {0};
        rg_status status = rg_chip_parse(&chip, text, strlen(text), "test.yaml", &why);
        snprintf(all, sizeof all, "%s: %s; expected %s", why.where, why.message, why.expected);
        if (status != RG_ERR_PARSE || !strstr(all, cases[i].words))
            fail_msg("case %zu (%d), no %s in %s", i, status, cases[i].words, all);
        assert_ptr_equal(strstr(why.where, "test.yaml"), why.where);
        free(text);
    }
}

static void cuts_and_flips(void **state) {
    (void)state;
    char text[sizeof sample];
    rg_chip chip;
    for (size_t n = 0; n < sizeof sample - 1; n++)
        if (rg_chip_parse(&chip, sample, n, "test.yaml", NULL) == RG_OK) rg_chip_close(&chip);
    for (uint64_t i = 0; i < 4000; i++) {
        memcpy(text, sample, sizeof sample);
        text[rg_random_u32(3, 0, i) % (sizeof sample - 1)] =
            "{}[],:'\"*|-x9 \n\t#&!%@\x01\xff"[rg_random_u32(3, 1, i) % 24];
        if (rg_chip_parse(&chip, text, sizeof sample - 1, "test.yaml", NULL) == RG_OK) rg_chip_close(&chip);
    }
}

static void open_chip(rg_chip *chip, const char *id) {
    rg_error err = {0};
    if (rg_chip_open(chip, id, DATA, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
}

static void names(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"h100", "h100-sxm"},     {"h100-sxm", "h100-sxm"},
                                           {"a100", "a100-sxm-80"},  {"b200", "b200-sxm"},
                                           {"v100", "v100-sxm2-32"}, {"trillium", "tpu-v6e"}};
    rg_chip chip;
    rg_error err = {0};
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        open_chip(&chip, pairs[i][0]);
        assert_string_equal(chip.id, pairs[i][1]);
        rg_chip_close(&chip);
    }
    static const char *const unknown[] = {"h1000", "", "../chips/h100-sxm", "h100-sxm.yaml", "H100"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_int_equal(rg_chip_open(&chip, unknown[i], DATA, &err), RG_ERR_USAGE);
    assert_int_equal(rg_chip_open(&chip, "h100", "no-such-folder", &err), RG_ERR_IO);
}

/* A file that cannot be read hides no other chip's alias, and is named when nothing else fits. */
static void broken_file(void **state) {
    (void)state;
    rg_chip chip;
    rg_error err = {0};
    assert_int_equal(rg_dir_make("hw-test/chips", &err), RG_OK);
    char *good = replaced("id: test\n", "id: zz\naliases: [other]\n");
    assert_int_equal(rg_file_write("hw-test/chips/zz.yaml", good, strlen(good), &err), RG_OK);
    assert_int_equal(rg_file_write("hw-test/chips/aa.yaml", "id: aa\n", 7, &err), RG_OK);
    assert_int_equal(rg_chip_open(&chip, "other", "hw-test", &err), RG_OK);
    rg_chip_close(&chip);
    assert_int_equal(rg_chip_open(&chip, "another", "hw-test", &err), RG_ERR_PARSE);
    assert_non_null(strstr(err.where, "hw-test/chips/aa.yaml"));
    assert_int_equal(rg_file_write("hw-test/chips/aa.yaml", good, strlen(good), &err), RG_OK);
    assert_int_equal(rg_chip_open(&chip, "aa", "hw-test", &err),
                     RG_ERR_PARSE); /* id is not the file's name */
    free(good);
    const char *const argv[] = {"rm", "-r", "hw-test", NULL};
    assert_int_equal(rg_run(argv, NULL, 10, NULL, NULL), RG_OK);
}

static double number(const rg_chip *chip, const char *path) {
    const rg_chip_number *n = rg_chip_find(chip, path);
    assert_non_null(n);
    return n->v.value;
}

static void what_if(void **state) {
    (void)state;
    static const struct {
        const char *text, *path;
        double value;
    } good[] = {{"memory.bandwidth=x1.3", "memory.bandwidth", 1.3 * 3.35e12},
                {"h100.memory.bandwidth=4 TB/s", "memory.bandwidth", 4e12},
                {"h100-sxm.memory.capacity=96 GiB", "memory.capacity", 96.0 * (1 << 30)},
                {"bf16=1.2e15", "rates.bf16", 1.2e15},
                {"rates.fp8=x0.5", "rates.fp8", 1978.9e12 / 2},
                {"memory.bytes_per_s=4e12", "memory.bandwidth", 4e12},
                {"power.tdp=500 W", "power.tdp", 500},
                {"fp4=2 PFLOP/s", "rates.fp4", 2e15}};
    static const char *const bad[] = {"",
                                      "=",
                                      "memory.bandwidth",
                                      "memory.bandwidth=",
                                      "memory.bandwidth=x",
                                      "memory.bandwidth=x0",
                                      "memory.bandwidth=x-1",
                                      "memory.bandwidth=xinf",
                                      "memory.bandwidth=0",
                                      "memory.bandwidth=-4 TB/s",
                                      "memory.bandwidth=4 TB",
                                      "memory.bandwidth=4 TB/s extra",
                                      "memory.speed=4 TB/s",
                                      "a100.memory.bandwidth=4 TB/s",
                                      "fp5=1 TFLOP/s",
                                      "fp4=x2", /* nothing to scale */
                                      "memory.bandwidth=1e400"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        rg_chip chip;
        rg_error err = {0};
        open_chip(&chip, "h100");
        if (rg_chip_set(&chip, good[i].text, &err) != RG_OK) fail_msg("%s: %s", good[i].text, err.message);
        assert_true(fabs(number(&chip, good[i].path) / good[i].value - 1) < 1e-15);
        assert_non_null(strstr(rg_chip_find(&chip, good[i].path)->v.source, "set by hand"));
        assert_true(chip.memory_bytes_per_s.value == number(&chip, "memory.bandwidth"));
        rg_chip_close(&chip);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        rg_chip chip;
        rg_error err = {0};
        open_chip(&chip, "h100");
        const double before = number(&chip, "memory.bandwidth");
        if (rg_chip_set(&chip, bad[i], &err) != RG_ERR_USAGE) fail_msg("\"%s\" passed", bad[i]);
        assert_string_equal(err.where, "--set");
        assert_true(number(&chip, "memory.bandwidth") == before);
        rg_chip_close(&chip);
    }
}

/* How a chip multiplies a pair: "native fp8"; "none" when it has no path or no rate. */
static void expect_path(const char *id, const char *set, const char *weight, const char *activation,
                        const char *expected) {
    rg_chip chip;
    rg_quant w, a;
    rg_chip_execution e;
    rg_error err = {0};
    char found[64] = "none";
    open_chip(&chip, id);
    if (set) assert_int_equal(rg_chip_set(&chip, set, NULL), RG_OK);
    assert_int_equal(rg_quant_parse(weight, &w, NULL), RG_OK);
    assert_int_equal(rg_quant_parse(activation, &a, NULL), RG_OK);
    rg_status status = rg_chip_execute(&chip, &w, &a, &e, &err);
    if (status == RG_OK) {
        snprintf(found, sizeof found, "%s %s", rg_path_kind_name(e.kind), e.runs_as);
        double rate;
        assert_int_equal(rg_chip_rate_of(&chip, e.runs_as, &rate, NULL), RG_OK);
        assert_true(rate == e.flop_per_s && e.source[0]);
        if (e.kind == RG_PATH_DEQUANTISED) assert_non_null(e.conversion);
    } else {
        assert_int_equal(status, RG_ERR_UNSUPPORTED);
    }
    if (strcmp(found, expected) != 0)
        fail_msg("%s: %s x %s: %s, expected %s (%s)", id, weight, activation, found, expected, err.message);
    rg_chip_close(&chip);
}

static void paths(void **state) {
    (void)state;
    static const char *const cases[][5] = {
        {"h100", NULL, "bf16", "bf16", "native bf16"},
        {"h100", NULL, "e4m3fn", "e4m3fn", "native fp8"},
        {"h100", NULL, "e4m3fn(scale=tensor)", "e4m3fn(scale=row)", "native fp8"},
        {"h100", NULL, "e4m3fn", "e5m2", "native fp8"},
        {"h100", NULL, "e4m3fn", "bf16", "dequantised bf16"},
        {"h100", NULL, "int8", "int8", "native int8"},
        {"h100", NULL, "int4", "bf16", "dequantised bf16"},
        {"h100", NULL, "int4(sym,row,scale=fp32)", "int8", "dequantised int8"},
        {"h100", NULL, "int4(sym,row,scale=fp32)", "e4m3fn", "dequantised fp8"},
        {"h100", NULL, "e2m1", "e4m3fn", "dequantised fp8"},
        {"h100", NULL, "mxfp8", "mxfp8", "dequantised bf16"},
        {"h100", NULL, "mxfp4", "mxfp8", "dequantised bf16"},
        {"h100", NULL, "nvfp4", "nvfp4", "dequantised bf16"},
        {"h100", NULL, "fp16", "bf16", "dequantised tf32"},
        {"h100", NULL, "fp32", "fp32", "native fp32"},
        {"h100", NULL, "bf16", "fp32", "dequantised fp32"},
        {"h100", "fp4=2 PFLOP/s", "nvfp4", "nvfp4", "hypothetical fp4"},
        {"h100", "fp4=2 PFLOP/s", "mxfp4", "mxfp4", "hypothetical fp4"},
        {"h100", "fp4=2 PFLOP/s", "mxfp4", "mxfp8", "dequantised bf16"},
        {"h100", "bf16=x2", "bf16", "bf16", "native bf16"},
        {"a100", NULL, "e4m3fn", "e4m3fn", "dequantised bf16"},
        {"a100", NULL, "mxfp8", "mxfp8", "dequantised bf16"},
        {"a100", NULL, "int8", "int8", "native int8"},
        {"a100", "fp8=1 PFLOP/s", "mxfp8", "mxfp8", "hypothetical fp8"},
        {"b200", NULL, "nvfp4", "nvfp4", "native fp4"},
        {"b200", NULL, "mxfp4", "mxfp4", "native fp4"},
        {"b200", NULL, "mx(e2m1,32,e8m0)", "mxfp4", "native fp4"},
        {"b200", NULL, "mxfp4", "mxfp8", "native fp8"},
        {"b200", NULL, "mxfp6", "mxfp6", "native fp6"},
        {"b200", NULL, "mxfp8", "mx(e5m2,32,e8m0)", "native fp8"},
        {"b200", NULL, "nvfp4", "mxfp8", "dequantised bf16"},
        {"mi355x", NULL, "mxfp4", "mxfp4", "native fp4"},
        {"mi355x", NULL, "nvfp4", "nvfp4", "dequantised bf16"},
        {"v100", NULL, "bf16", "bf16", "dequantised fp16"},
        {"v100", NULL, "fp16", "fp16", "native fp16"},
        {"tpu-v5e", NULL, "e4m3fn", "e4m3fn", "dequantised bf16"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_path(cases[i][0], cases[i][1], cases[i][2], cases[i][3], cases[i][4]);
    rg_chip chip;
    rg_chip_execution e;
    open_chip(&chip, "h100"); /* what no policy names is bf16 */
    assert_int_equal(rg_chip_execute(&chip, NULL, NULL, &e, NULL), RG_OK);
    assert_string_equal(e.runs_as, "bf16");
    rg_chip_close(&chip);
}

/* A path whose rate the file lacks is refused, and the rate named. */
static void missing_rate(void **state) {
    (void)state;
    rg_chip chip;
    rg_quant q;
    rg_chip_execution e;
    rg_error err = {0};
    double rate;
    assert_int_equal(rg_chip_parse(&chip, sample, strlen(sample), "test.yaml", &err), RG_OK);
    assert_int_equal(rg_quant_parse("mxfp4", &q, NULL), RG_OK);
    assert_int_equal(rg_chip_execute(&chip, &q, &q, &e, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "rates.fp4"));
    assert_int_equal(rg_quant_parse("int8", &q, NULL), RG_OK);
    assert_int_equal(rg_chip_execute(&chip, &q, &q, &e, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "no path for int8 x int8"));
    assert_int_equal(rg_chip_rate_of(&chip, "fp8", &rate, &err), RG_ERR_UNSUPPORTED);
    assert_true(rg_chip_ridge_point(&chip, "bf16") == 100 && rg_chip_ridge_point(&chip, "fp8") == 0);
    rg_chip_close(&chip);
}

/* Ridge points published in the scaling book (roofline, inference): 240 token for TPU v5e, 298 for H100 with
   its peak rounded to 10^15. */
static void ridge_points(void **state) {
    (void)state;
    rg_chip chip;
    open_chip(&chip, "tpu-v5e");
    assert_true(fabs(rg_chip_ridge_point(&chip, "bf16") / 240 - 1) < 0.01);
    rg_chip_close(&chip);
    open_chip(&chip, "h100");
    assert_int_equal(rg_chip_set(&chip, "bf16=1 PFLOP/s", NULL), RG_OK);
    assert_true(fabs(rg_chip_ridge_point(&chip, "bf16") / 298 - 1) < 0.01);
    rg_chip_close(&chip);
}

/* Findings without explanation fail; the nine disputes of the sheet's README are all recorded. */
static void lint(void **state) {
    (void)state;
    static const char *const topics[] = {"b200-memory",  "blackwell-ultra-int8", "gaudi3-peak",
                                         "h100-clock",   "mi355x-peaks",         "mtia-v2-memory",
                                         "rubin-memory", "tpu-v3-peak",          "tpu-v4-ici"};
    rg_chip_lint l;
    rg_error err = {0};
    if (rg_chip_lint_all(&l, DATA, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    assert_true(l.n_chips >= 34);
    for (size_t i = 0; i < l.n_findings; i++)
        if (!l.finding[i].explained)
            fail_msg("%s %s: %s", l.finding[i].chip, l.finding[i].path, l.finding[i].message);
    assert_int_equal(l.n_topics, sizeof topics / sizeof *topics);
    for (size_t i = 0; i < l.n_topics; i++) assert_string_equal(l.topic[i], topics[i]);
    rg_chip_lint_close(&l);
}

/* Each check finds what it is for. */
static void lint_finds(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *check;
    } cases[] = {
        {"peaks: dense",
         "peaks: dense\nderived: [{rate: bf16, units: 10, per_cycle: 100, clock: 1 GHz, note: n}]",
         "derived"},
        {"rates:\n", "rates:\n  fp8: {value: 300 TFLOP/s, source: a}\n", "ratio"},
        {"rates:\n", "onchip:\n  bandwidth: {value: 1 GB/s, source: a}\nrates:\n", "physics"},
        {"rates:\n", "measured:\n  bf16: {value: 101 TFLOP/s, source: a}\nrates:\n", "physics"},
        {"peaks: dense", "peaks: sparse", "sparse"},
        {"peaks: dense", "peaks: dense\naliases: [twin]", "alias"},
        {"runs_as: bf16", "runs_as: fp16", "paths"},
        {"peaks: dense",
         "peaks: dense\nconflicts: [{topic: t, number: rates.bf16, why: w, values: [{value: 1 TFLOP/s, "
         "source: a}, "
         "{value: 2 TFLOP/s, source: a}]}]",
         "conflict"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_error err = {0};
        assert_int_equal(rg_dir_make("lint-test/chips", &err), RG_OK);
        char *text = replaced(cases[i].from, cases[i].to);
        char *twin = replaced("id: test", "id: twin");
        assert_int_equal(rg_file_write("lint-test/chips/test.yaml", text, strlen(text), &err), RG_OK);
        assert_int_equal(rg_file_write("lint-test/chips/twin.yaml", twin, strlen(twin), &err), RG_OK);
        rg_chip_lint l;
        if (rg_chip_lint_all(&l, "lint-test", &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
        bool found = false;
        for (size_t k = 0; k < l.n_findings; k++)
            found = found || (strcmp(l.finding[k].check, cases[i].check) == 0 && !l.finding[k].explained &&
                              !strstr(l.finding[k].message, "is missing"));
        if (!found) fail_msg("%s is not found", cases[i].check);
        rg_chip_lint_close(&l);
        free(text);
        free(twin);
    }
    const char *const argv[] = {"rm", "-r", "lint-test", NULL};
    assert_int_equal(rg_run(argv, NULL, 10, NULL, NULL), RG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(units_parse), cmocka_unit_test(refusals),     cmocka_unit_test(cuts_and_flips),
        cmocka_unit_test(names),       cmocka_unit_test(broken_file),  cmocka_unit_test(what_if),
        cmocka_unit_test(paths),       cmocka_unit_test(missing_rate), cmocka_unit_test(ridge_points),
        cmocka_unit_test(lint),        cmocka_unit_test(lint_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
