/* Chips: units, names, what-if numbers, execution paths, ridge points. */
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
                {"3.9 pJ/bit", RG_UNIT_J_PER_BYTE, 31.2e-12},
                {"0.4 pJ/FLOP", RG_UNIT_J_PER_FLOP, 4e-13},
                {"138 M/mm2", RG_UNIT_PER_MM2, 138e6},
                {"4 MiB/mm2", RG_UNIT_BYTES_PER_MM2, 4.0 * (1 << 20)},
                {"1.3 TB/s/mm", RG_UNIT_BYTES_PER_S_MM, 1.3e12},
                {"26 mm", RG_UNIT_MM, 26},
                {"4096 FLOP", RG_UNIT_FLOP, 4096},
                {"250 ns", RG_UNIT_S, 2.5e-7},
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

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(units_parse), cmocka_unit_test(names),
                                       cmocka_unit_test(what_if), cmocka_unit_test(paths),
                                       cmocka_unit_test(ridge_points)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
