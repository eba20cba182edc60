/* Operator models: units, limits and limits of growth; constants found again in tables made from them; tables
   that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "perf/calibrate/calibrate.h"
#include "unit/graph/models.h"

static void open_chip(rg_chip *chip, const char *id) {
    rg_error err = {0};
    must(rg_chip_open(chip, id, DATA, &err), &err);
}

static void presets(const perf_model *m, bool registers, double *c) {
    for (size_t i = 0; i < m->n_constants; i++) c[i] = perf_preset(&m->constant[i], registers);
}

static perf_row gemm_row(const char *dtype, double m, double n, double k) {
    perf_row r = {.x = {m, n, k}};
    snprintf(r.word[0], sizeof r.word[0], "%s", dtype);
    assert_true(perf_gemm.formats(&r));
    return r;
}

static perf_machine machine(const rg_chip *chip, const perf_model *model, const perf_row *row) {
    perf_machine m;
    const char *missing;
    assert_true(perf_machine_of(chip, model, row, &m, &missing));
    return m;
}

/* 4096 cubed on an H100: 2 x 4096^3 / 989.4e12 s of multiplies; 4096 x 4096 alone is 33.6 MB for one token.
 */
static void bounds(void **state) {
    (void)state;
    rg_chip chip;
    open_chip(&chip, "h100");
    perf_row big = gemm_row("bfloat16", 4096, 4096, 4096), thin = gemm_row("bfloat16", 1, 4096, 4096),
             narrow = gemm_row("nvfp4", 1, 4096, 4096);
    perf_machine m = machine(&chip, &perf_gemm, &big);
    assert_true(fabs(perf_gemm.bound_s(&big, &m) / (2 * 68719476736.0 / 989.4e12) - 1) < 1e-12);
    assert_true(fabs(perf_gemm.bound_s(&thin, &m) / ((33554432 + 2 * 8192.0) / 3.35e12) - 1) < 1e-12);
    const char *missing;
    assert_false(perf_machine_of(&chip, &perf_gemm, &narrow, &m, &missing));
    assert_string_equal(missing, "fp4");
    rg_chip_close(&chip);
}

static double gemm_s(const rg_chip *chip, double m, double n, double k) {
    double c[PERF_MAX_CONSTANTS];
    const perf_row r = gemm_row("bfloat16", m, n, k);
    const perf_machine x = machine(chip, &perf_gemm, &r);
    presets(&perf_gemm, x.registers, c);
    const perf_guess g = perf_gemm.estimate(&r, &x, c);
    assert_true(isfinite(g.s) && g.s >= c[0] / x.clock_hz);
    assert_true(g.s >= perf_gemm.compute_bound_s(&r, &x));
    if (g.regime == PERF_MEMORY) assert_true(g.s >= perf_gemm.bound_s(&r, &x));
    return g.s;
}

/* Twice the work is never faster (the tile is chosen by a proxy: 1 % of slack). */
static void doubling(void **state) {
    (void)state;
    static const char *const chips[] = {"a100", "h100", "b200", "l40s"};
    for (int i = 0; i < 4; i++) {
        rg_chip chip;
        open_chip(&chip, chips[i]);
        for (double m = 1; m < 40000; m *= 3)
            for (double n = 32; n < 70000; n *= 2)
                for (double k = 32; k < 70000; k *= 2) {
                    const double s = gemm_s(&chip, m, n, k);
                    assert_true(gemm_s(&chip, 2 * m, n, k) >= 0.99 * s);
                    assert_true(gemm_s(&chip, m, 2 * n, k) >= 0.99 * s);
                    assert_true(gemm_s(&chip, m, n, 2 * k) >= 0.99 * s);
                }
        rg_chip_close(&chip);
    }
}

/* 64 MiB of activations stay in the 96 MB of an L40S from one multiply to the next, 256 MiB do not; six
   weights of 32 MiB never do. */
static void caches(void **state) {
    (void)state;
    rg_chip chip;
    open_chip(&chip, "l40s");
    const double shape[][3] = {{2048, 128, 16384}, {8192, 128, 16384}, {1, 4096, 4096}};
    for (int i = 0; i < 3; i++) {
        const perf_row r = gemm_row("bfloat16", shape[i][0], shape[i][1], shape[i][2]);
        const perf_machine x = machine(&chip, &perf_gemm, &r);
        double c[PERF_MAX_CONSTANTS];
        presets(&perf_gemm, x.registers, c);
        const perf_guess g = perf_gemm.estimate(&r, &x, c);
        assert_int_equal(g.s < perf_gemm.bound_s(&r, &x), i == 0);
    }
    rg_chip_close(&chip);
}

/* Constants of another kind of chip are carried over in proportion to the presets. */
static void carries(void **state) {
    (void)state;
    perf_calibration e = {.model = &perf_gemm, .registers = true};
    double c[PERF_MAX_CONSTANTS];
    for (size_t i = 0; i < perf_gemm.n_constants; i++)
        e.constant[i] = 1.5 * perf_preset(&perf_gemm.constant[i], true);
    for (int registers = 0; registers < 2; registers++) {
        const perf_machine m = {.registers = registers};
        perf_constants_on(&e, &m, c);
        for (size_t i = 0; i < perf_gemm.n_constants; i++)
            assert_true(fabs(c[i] / perf_preset(&perf_gemm.constant[i], registers) - 1.5) < 1e-9);
    }
}

static void attention_pairs(void **state) {
    (void)state;
    rg_chip chip;
    open_chip(&chip, "h100");
    /* 5 new tokens after 3, window 4: they see 4 keys each */
    perf_row r = {.x = {1, 5, 3, 1, 1, 1, 4}, .word = {"bfloat16", "bfloat16"}};
    assert_true(perf_attention_prefill.formats(&r));
    const perf_machine m = machine(&chip, &perf_attention_prefill, &r);
    assert_true(fabs(perf_attention_prefill.compute_bound_s(&r, &m) * m.flop_per_s - 4 * 20) < 1e-9);
    r.x[6] = 0; /* 4 + 5 + 6 + 7 + 8 */
    assert_true(fabs(perf_attention_prefill.compute_bound_s(&r, &m) * m.flop_per_s - 4 * 30) < 1e-9);
    r.x[6] = 6; /* 4 + 5 + 6 + 6 + 6 */
    assert_true(fabs(perf_attention_prefill.compute_bound_s(&r, &m) * m.flop_per_s - 4 * 27) < 1e-9);
    rg_chip_close(&chip);
}

/* Sites, not rows, are dealt out; whole n with by_model; seven folds, three tenths. */
static void splits(void **state) {
    (void)state;
    double n[2][PERF_FOLDS + 1] = {{0}}, all = 0;
    for (double width = 1; width <= 60; width++)
        for (double k = 1; k <= 60; k++) {
            const perf_row a = gemm_row("bfloat16", 1, width, k), b = gemm_row("fp8", 4096, width, k),
                           first = gemm_row("bfloat16", 7, width, 1);
            assert_int_equal(perf_fold_of(&perf_gemm, &a, false, 2), perf_fold_of(&perf_gemm, &b, false, 2));
            assert_int_equal(perf_fold_of(&perf_gemm, &a, true, 2),
                             perf_fold_of(&perf_gemm, &first, true, 2));
            for (int by_model = 0; by_model < 2; by_model++)
                n[by_model][perf_fold_of(&perf_gemm, &a, by_model, 2)]++;
            all++;
        }
    for (int i = 0; i < PERF_FOLDS; i++) assert_true(fabs(n[0][i] / all - 0.1) < 0.03);
    assert_true(fabs(n[0][PERF_FOLDS] / all - 0.3) < 0.05);
    assert_true(n[1][0] > 0 && n[1][PERF_FOLDS] > 0);
}

/* ---- fits -------------------------------------------------------------------------------------------- */

static char *write_synthetic(const rg_chip *chip, const double *c) {
    static char path[] = "/tmp/ridge-fit-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f, "gemm_dtype,kernel,m,n,k,latency_ms\n");
    for (double m = 1; m <= 16384; m *= 4)
        for (double n = 128; n <= 16384; n *= 2)
            for (double k = 128; k <= 16384; k *= 2) {
                const perf_row r = gemm_row("bfloat16", m, n, k);
                const perf_machine x = machine(chip, &perf_gemm, &r);
                fprintf(f, "bfloat16,made,%.0f,%.0f,%.0f,%.9g\n", m, n, k,
                        1e3 * perf_gemm.estimate(&r, &x, c).s);
            }
    fprintf(f, "bfloat16,made,64,64,64,0\nbfloat16,made,8192,8192,8192,0.01\n"); /* for the lint */
    fclose(f);
    return path;
}

/* Beside the file; other constants, of other sites, close to the first. */
static void other_splits(const rg_fit *fit, const char *chip, const char *path) {
    rg_error err = {0};
    must(rg_fit_store_splits(fit, chip, path, &err), &err);
    for (int split = 2; split <= 3; split++) {
        char other[96];
        rg_calibrations all = {0};
        perf_split_path(path, split, other, sizeof other);
        must(perf_calibrations_read(&all, other, &err), &err);
        assert_int_equal(all.n, 1);
        const double ratio = all.entry[0].constant[0] / fit->constants->entry[0].constant[0];
        assert_true(ratio != 1 && fabs(ratio - 1) < 0.1);
        rg_arena_free(&all.arena);
        remove(other);
    }
}

static void finds_constants(void **state) {
    (void)state;
    rg_chip chip;
    rg_error err = {0};
    open_chip(&chip, "h100");
    const double made[PERF_MAX_CONSTANTS] = {7000, 0.75, 0.6, 12, 240, 9000, 8, 2, 500, 5e-6};
    const rg_fit_request q = {
        .op = "gemm", .path = write_synthetic(&chip, made), .chip = &chip, .date = "today"};
    rg_fit fit;
    must(rg_perf_fit(&q, &fit, &err), &err);
    assert_int_equal(fit.rows - fit.used, 2);
    assert_int_equal(fit.not_positive, 1);
    assert_int_equal(fit.faster_than_compute, 1);
    assert_int_equal(fit.n_rows, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(fit.row[i].held_out.n > 50 && fit.row[i].held_out.mape < 0.02);
        assert_string_equal(fit.row[i].group, "bfloat16/made");
    }
    const perf_calibration *c = &fit.constants->entry[0];
    for (int i = 0; i < 3; i++) assert_true(fabs(c->constant[i] / made[i] - 1) < 0.1);
    assert_true(c->hull_lo[1] == 64 - 64 + 128 && c->hull_hi[2] == 16384);
    /* kept as a file: the same again, and a second fit takes its place */
    char path[64];
    snprintf(path, sizeof path, "%s.yaml", q.path);
    for (int i = 0; i < 2; i++) must(rg_fit_store(&fit, chip.id, path, &err), &err);
    rg_calibrations all = {0};
    must(perf_calibrations_read(&all, path, &err), &err);
    assert_int_equal(all.n, 1);
    assert_true(fabs(all.entry[0].constant[0] / c->constant[0] - 1) < 1e-4);
    rg_arena_free(&all.arena);
    other_splits(&fit, chip.id, path);
    rg_fit_close(&fit);
    remove(path);
    remove(q.path);
    rg_chip_close(&chip);
}

/* ---- answers ----------------------------------------------------------------------------------------- */

static rg_estimate answer(const rg_calibrations *all, const char *id, double m, double n, double k) {
    rg_chip chip;
    rg_estimate e = {0};
    open_chip(&chip, id);
    const perf_row r = gemm_row("bfloat16", m, n, k);
    assert_true(perf_answer(all, &chip, &perf_gemm, &r, NULL, &e));
    assert_true(e.lo80_s <= e.estimate_s && e.estimate_s <= e.hi80_s && e.lo80_s > 0);
    rg_chip_close(&chip);
    return e;
}

static void classes(void **state) {
    (void)state;
    rg_calibrations *all;
    rg_error err = {0};
    must(rg_calibrations_open(&all, DATA, &err), &err);
    const rg_estimate own = answer(all, "h100", 64, 4096, 4096), far = answer(all, "h100", 64, 4096, 400000),
                      other = answer(all, "mi300x", 64, 4096, 4096);
    assert_string_equal(own.kind, "calibrated");
    assert_string_equal(far.kind, "transferred");
    assert_string_equal(other.kind, "transferred");
    assert_true(other.hi80_s / other.lo80_s > own.hi80_s / own.lo80_s);
    assert_true(own.estimate_s >= own.bound_s);
    rg_calibrations_close(all);
}

static void refused_table(const char *text, const char *words) {
    rg_chip chip;
    rg_error err = {0};
    rg_calibrations none = {0};
    rg_str out = {0};
    char *copy = strdup(text), all[1100];
    open_chip(&chip, "h100");
    const rg_status s = rg_perf_predict("gemm", &chip, &none, NULL, NULL, copy, strlen(text), &out, &err);
    snprintf(all, sizeof all, "%s: %s; expected %s", err.where, err.message, err.expected);
    if (s == RG_OK || !strstr(all, words)) fail_msg("no %s in %s", words, all);
    rg_str_free(&out);
    free(copy);
    rg_chip_close(&chip);
}

static void refusals(void **state) {
    (void)state;
    refused_table("", "header");
    refused_table("m,n,k\n1,2,3\n", "gemm_dtype");
    refused_table("gemm_dtype,m,n\n", "\"k\"");
    refused_table("gemm_dtype,m,n,k\nbfloat16,1,2\n", "width");
    refused_table("gemm_dtype,m,n,k\nbfloat16,1,2,x\n", "k \"x\"");
    refused_table("gemm_dtype,m,n,k\nbfloat16,1,2,nan\n", "nan");
    refused_table("gemm_dtype,m,n,k\nbfloat16,1,0,8\n", "n is 0");
    refused_table("gemm_dtype,m,n,k\nbfloat16,1,-4,8\n", "n is -4");
    refused_table("gemm_dtype,m,n,k\nint3,1,4,8\n", "int3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bounds),          cmocka_unit_test(doubling),        cmocka_unit_test(caches),
        cmocka_unit_test(carries),         cmocka_unit_test(attention_pairs), cmocka_unit_test(splits),
        cmocka_unit_test(finds_constants), cmocka_unit_test(classes),         cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
