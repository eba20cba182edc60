/* Joules by hand; where constants come from; constants found again in a table made from them, with readings
   that lag among it; published prices. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "perf/energy/power.h"
#include "unit/graph/models.h"

static rg_calibrations *constants(void) {
    rg_calibrations *all;
    rg_error err = {0};
    must(rg_calibrations_open(&all, DATA, &err), &err);
    return all;
}

static rg_power power_of(const char *id) {
    rg_calibrations *all = constants();
    rg_chip chip;
    rg_power p;
    rg_error err = {0};
    must(rg_chip_open(&chip, id, DATA, &err), &err);
    must(rg_power_of(&p, &chip, all, &err), &err);
    rg_chip_close(&chip);
    rg_calibrations_close(all);
    return p;
}

static void near(double a, double b, double tolerance) {
    if (!(fabs(a - b) <= tolerance * fabs(b))) fail_msg("%.12g is not %.12g", a, b);
}

/* 100 W, 1 pJ/FLOP, 100 pJ/byte, at most 600 W. */
static rg_power simple(void) {
    rg_power p = {.kind = "calibrated",
                  .idle_w = {100, 90, 110},
                  .byte_j = {1e-10, 1e-10, 1e-10},
                  .vector_flop_j = {1e-11, 1e-11, 1e-11},
                  .limit_w = 600,
                  .n_types = 1};
    p.type[0] = (struct rg_power_type){.name = "bf16",
                                       .flop_j = {1e-12, 0.8e-12, 1.2e-12},
                                       .log_lo = -0.1,
                                       .log_hi = 0.1,
                                       .kind = "assumed"};
    return p;
}

static void by_hand(void **state) {
    (void)state;
    rg_power p = simple();
    rg_error err = {0};
    /* 2 TB/s for a second: 100 + 200 J */
    rg_energy_work w = {.bytes = 2e12, .estimate_s = 1, .lo80_s = 0.9, .hi80_s = 1.2, .kind = "calibrated"};
    rg_energy e = rg_energy_of(&p, &w);
    near(e.energy_j, 300, 1e-12);
    near(e.power_w, 300, 1e-12);
    near(e.lo80_j, (0.9 * 90 + 200) * exp(-0.1), 1e-12);
    near(e.hi80_j, (1.2 * 110 + 200) * exp(0.1), 1e-12);
    assert_string_equal(e.kind, "calibrated");
    /* 700 TFLOP in a second would take 800 W: the board's limit holds, as it did when the time was measured
     */
    w = (rg_energy_work){
        .matrix_flop = 700e12, .estimate_s = 1, .lo80_s = 1, .hi80_s = 1, .type = "bf16+fp8"};
    e = rg_energy_of(&p, &w);
    near(e.energy_j, 600, 1e-12);
    near(e.estimate_s, 1, 1e-12);
    assert_string_equal(e.kind, "assumed");
    /* a cap of 350 W: 500 J above idle at 250 W take twice as long */
    must(rg_power_cap(&p, 350, &err), &err);
    e = rg_energy_of(&p, &w);
    near(e.estimate_s, 2, 1e-12);
    near(e.energy_j, 700, 1e-12);
    /* what draws less is as before; nothing to do costs nothing */
    w = (rg_energy_work){.vector_flop = 1e12, .estimate_s = 1, .lo80_s = 1, .hi80_s = 1};
    near(rg_energy_of(&p, &w).energy_j, 110, 1e-12);
    w = (rg_energy_work){.kind = "transferred"};
    near(rg_energy_of(&p, &w).energy_j, 0, 0);
    /* no type is named and there is no bf16: fp16, not what comes first */
    rg_power old = simple();
    old.n_types = 2;
    old.type[1] = old.type[0];
    strcpy(old.type[0].name, "fp32");
    strcpy(old.type[1].name, "fp16");
    old.type[0].flop_j.value = 1;
    w = (rg_energy_work){.matrix_flop = 100e12, .estimate_s = 1, .lo80_s = 1, .hi80_s = 1};
    near(rg_energy_of(&old, &w).energy_j, 200, 1e-12);
    assert_true(isnan(rg_energy_of(&p, &(rg_energy_work){.bytes = 1, .estimate_s = NAN}).energy_j));
    assert_int_equal(rg_power_cap(&p, 105, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "idle"));
    assert_int_equal(rg_power_cap(&p, NAN, &err), RG_ERR_USAGE);
}

/* Two chips of 989.4 TFLOP/s and 3.35 TB/s. */
static void whole_answers(void **state) {
    (void)state;
    const rg_power p = simple();
    rg_chip chip;
    rg_error err = {0};
    must(rg_chip_open(&chip, "h100", DATA, &err), &err);
    const rg_step step = {.estimate_s = 0.1,
                          .lo80_s = 0.1,
                          .hi80_s = 0.1,
                          .kind = "calibrated",
                          .flop = 2e13,
                          .bytes = 1e11,
                          .peak_flop_per_s = 989.4e12,
                          .chips = 2};
    near(rg_energy_of_step(&p, &chip, &step).energy_j, 2 * (10 + 10 + 5), 1e-12);
    const rg_train_step train = {.estimate_s = 10,
                                 .lo80_s = 10,
                                 .hi80_s = 10,
                                 .hardware_flop = 2e15,
                                 .operator_s = {[RG_TRAIN_REST] = 0.8},
                                 .part_s = {[RG_TRAIN_OPTIMIZER] = 0.2},
                                 .chips = 2};
    near(rg_energy_of_train(&p, &chip, &train).energy_j, 2 * (1000 + 1000 + 335), 1e-12);
    assert_string_equal(rg_energy_of_train(&p, &chip, &train).kind, "assumed");
    rg_serve_result served = {.tpot = {.estimate_s = 0.01, .lo80_s = 0.01, .hi80_s = 0.01},
                              .part_s = {[RG_SERVE_LINEAR] = 0.006, [RG_SERVE_ATTENTION] = 0.003},
                              .memory_bytes = {[RG_SERVE_WEIGHTS] = 1e10, [RG_SERVE_CACHE] = 1e10},
                              .tokens_per_step = 1,
                              .mfu = 0.1,
                              .kind = "calibrated",
                              .chips = 2};
    near(rg_energy_of_serve(&p, &chip, &served).energy_j, 2 * (100 + 98.94 + 200), 1e-12);
    served.memory_bytes[RG_SERVE_WEIGHTS] = 1e11; /* more than the memory delivers: 0.9 of 3.35 TB/s */
    near(rg_energy_of_serve(&p, &chip, &served).energy_j, 2 * (100 + 98.94 + 301.5), 1e-12);
    served.verdict = RG_SERVE_SATURATED;
    assert_null(rg_energy_of_serve(&p, &chip, &served).kind);
    rg_chip_close(&chip);
}

static const struct rg_power_type *type_named(const rg_power *p, const char *name) {
    for (size_t i = 0; i < p->n_types; i++)
        if (strcmp(p->type[i].name, name) == 0) return &p->type[i];
    fail_msg("no type %s", name);
    return NULL;
}

static void where_from(void **state) {
    (void)state;
    const rg_power h200 = power_of("h200"), h100 = power_of("h100"), mi300x = power_of("mi300x");
    assert_string_equal(h200.kind, "calibrated");
    assert_string_equal(h100.kind, "transferred");
    assert_string_equal(mi300x.kind, "assumed");
    near(h100.byte_j.value, h200.byte_j.value, 1e-12);
    assert_true(h100.byte_j.hi > 1.1 * h200.byte_j.hi && h100.byte_j.lo < h200.byte_j.lo);
    assert_true(type_named(&h200, "fp8")->flop_j.value < type_named(&h200, "bf16")->flop_j.value);
    near(type_named(&h200, "fp16")->flop_j.value, type_named(&h200, "bf16")->flop_j.value, 0);
    assert_string_equal(type_named(&h200, "int8")->kind, "assumed");
    /* shares of 750 W */
    assert_true(mi300x.idle_w.lo > 50 && mi300x.idle_w.hi < 300);
    near(type_named(&mi300x, "fp8")->flop_j.value, 0.5 * type_named(&mi300x, "bf16")->flop_j.value, 0.01);
    rg_calibrations *all = constants();
    rg_chip chip;
    rg_power p;
    rg_error err = {0};
    const char *bare =
        "id: bare\nname: Bare\nvendor: x\nclass: gpu\narchitecture: x\nstatus: shipping\nyear: 2024\n"
        "confidence: low\npeaks: dense\nsources: {s: s}\n"
        "rates:\n  bf16: {value: 1 TFLOP/s, source: s}\n"
        "memory:\n  capacity: {value: 1 GB, source: s}\n  bandwidth: {value: 1 TB/s, source: s}\n"
        "paths:\n  - {weight: bf16, activation: bf16, runs_as: bf16, kind: native, source: s}\n";
    must(rg_chip_parse(&chip, bare, strlen(bare), "bare.yaml", &err), &err);
    assert_int_equal(rg_power_of(&p, &chip, all, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "power.tdp"));
    rg_chip_close(&chip);
    /* vector work is at the rate of fp32, bf16 or fp16, not at that of any type */
    must(rg_chip_open(&chip, "blackhole", DATA, &err), &err);
    assert_int_equal(rg_power_of(&p, &chip, all, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "rates.fp32"));
    rg_chip_close(&chip);
    rg_calibrations_close(all);
}

/* A table by the law, with every third reading of long kernels at half its power. */
static void write_table(const char *path, bool lags) {
    FILE *f = fopen(path, "w");
    int row = 0;
    assert_non_null(f);
    fputs("gemm_dtype,m,n,k,latency_ms,power_w,power_limit_w\n", f);
    for (double n = 256; n <= 65536; n *= 2)
        for (double k = 256; k <= 65536; k *= 2)
            for (double m = 1; m <= 16384; m *= 2) {
                const double bytes = 2 * (n * k + m * k + m * n), flop = 2 * m * n * k,
                             s = 2e-6 + fmax(bytes / 4.4e12, flop / (m < 64 ? 2e14 : 4.5e14));
                double p = fmin(690, 140 + (0.7e-12 * flop + 1.1e-10 * bytes) / s);
                if (s < 2e-5) p = 140;
                if (lags && s > 2e-4 && row++ % 3 == 0) p *= 0.5;
                fprintf(f, "bfloat16,%.0f,%.0f,%.0f,%.8g,%.6g,700\n", m, n, k, 1e3 * s, p);
            }
    fclose(f);
}

static void found_again(void **state) {
    (void)state;
    char path[] = "/tmp/ridge-power-XXXXXX";
    const int file = mkstemp(path);
    rg_chip chip;
    rg_fit fit;
    rg_error err = {0};
    assert_true(file >= 0);
    close(file);
    must(rg_chip_open(&chip, "h200", DATA, &err), &err);
    write_table(path, false);
    must(rg_perf_fit(&(rg_fit_request){.op = "power", .path = path, .chip = &chip, .date = ""}, &fit, &err),
         &err);
    assert_int_equal(fit.n_rows, 3);
    for (size_t i = 0; i < 3; i++)
        assert_true(fit.row[i].held_out.mape < 0.02 && fit.row[i].bound_mape > 0.05);
    const rg_calibrations *c = fit.constants;
    near(perf_step_constant_find(c, "power", "idle", "h200-sxm", "hopper")->value, 140, 0.01);
    near(perf_step_constant_find(c, "power", "byte", "h200-sxm", "hopper")->value, 1.1e-10, 0.01);
    near(perf_step_constant_find(c, "power", "flop", "h200-sxm", "bf16")->value, 0.7e-12, 0.02);
    rg_fit_close(&fit);

    perf_power_table t;
    must(perf_power_read(&t, path, &chip, &err), &err);
    assert_int_equal(t.lagging, 0);
    perf_power_close(&t);
    write_table(path, true);
    must(perf_power_read(&t, path, &chip, &err), &err);
    assert_true(t.lagging > 20 && t.short_kernels > 100);
    assert_int_equal(t.sound, t.n - t.lagging - t.short_kernels);
    perf_power_close(&t);
    assert_int_equal(
        rg_perf_fit(
            &(rg_fit_request){.op = "power", .path = path, .chip = &chip, .date = "", .holdout = "chip"},
            &fit, &err),
        RG_ERR_USAGE);
    remove(path);
    rg_chip_close(&chip);
}

/* Dense peaks per dollar and hour of the Scaling Book, applied-inference.md: prices of February 2025, rounded
   to two or three digits; and a day of DeepSeek's servers (open-infra-index, day 6): 226.75 nodes of 8 at 2
   USD. */
static void prices(void **state) {
    (void)state;
    static const struct {
        const char *chip;
        double usd_per_h, flop_per_s_per_usd_h;
    } published[] = {{"h100", 10.8, 9.1e13}, {"tpu-v5p", 4.2, 1.09e14}, {"tpu-v5e", 1.2, 1.64e14}};
    rg_error err = {0};
    rg_chip chip;
    for (size_t i = 0; i < 3; i++) {
        must(rg_chip_open(&chip, published[i].chip, DATA, &err), &err);
        const rg_cost c = rg_cost_of(&chip, published[i].usd_per_h, 8, 1e6, 1e15, 3600);
        near(c.peak_flop_per_usd / 3600, published[i].flop_per_s_per_usd_h, 0.01);
        near(c.usd_per_mtoken, 8 * published[i].usd_per_h, 1e-12); /* an hour of eight chips, a million */
        near(c.flop_per_usd, 1e15 / (8 * published[i].usd_per_h), 1e-12);
        rg_chip_close(&chip);
    }
    must(rg_chip_open(&chip, "h800-sxm", DATA, &err), &err);
    near(rg_cost_of(&chip, 2, 226.75 * 8, 168e9, 1, 86400).usd_per_mtoken, 87072 / 168e3, 1e-9);
    rg_chip_close(&chip);
    must(rg_chip_open(&chip, "mi300x", DATA, &err), &err);
    assert_null(rg_chip_find(&chip, "cost.rent"));
    assert_true(isnan(rg_cost_of(&chip, 0, 1, 1, 1, 1).usd_per_mtoken));
    rg_chip_close(&chip);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_hand),     cmocka_unit_test(whole_answers), cmocka_unit_test(where_from),
        cmocka_unit_test(found_again), cmocka_unit_test(prices),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
