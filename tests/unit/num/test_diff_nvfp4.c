/* NVFP4 recipes of libraries on the seeded heavy-tailed tensor: counts come within a tenth of what was
   measured on others. */
#include "diff_check.h"

static void near(double got, double low, double high) {
    if (!(got >= 0.9 * low && got <= 1.1 * high)) fail_msg("%g is not about %g to %g", got, low, high);
}

static double share(uint64_t n, uint64_t of) {
    return (double)n / (double)of;
}

static const rg_diff_options heavy = {.seed = 1}, gaussian = {.input = RG_DIFF_GAUSSIAN, .n_values = 1 << 18};

/* Transformer Engine folds 1/6 into the gain, torchao divides twice and keeps scales from 2^-6 up. */
static void nvfp4_recipes(void **state) {
    (void)state;
    const rg_diff_result r = diff_by("te", "torchao", "nvfp4", &heavy);
    assert_int_equal(r.n_inputs, 1 << 22);
    assert_int_equal(r.n_scales, 262144);
    near(share(r.n_scale_differences, r.n_scales), 0.0073, 0.0100);
    near(share(r.n_code_differences, r.n_inputs), 0.0011, 0.0015);
    near((double)of_kind(&r, "least scale"), 43, 43);
    says(&r, "scales below the least normal one, 0.015625: kept against raised to it");
    assert_true(r.first.n > 0 && r.smallest.n > 0);
}

/* cuDNN rounds block scales up. */
static void nvfp4_up(void **state) {
    (void)state;
    rg_diff_result r = diff_by("cudnn", "te", "nvfp4", &heavy);
    near(share(r.n_scale_differences, r.n_scales), 0.507, 0.507);
    r = diff_by("cudnn", "torchao", "nvfp4", &gaussian);
    near(share(r.n_scale_differences, r.n_scales), 0.507, 0.507);
    assert_true(fabs(r.relative_mse[0] / 0.01002 - 1) < 0.02 && fabs(r.relative_mse[1] / 0.00904 - 1) < 0.01);
    says(&r, "scales: that of A is larger");
}

static int close_profiles(void **state) {
    (void)state;
    rg_profiles_close(&profiles);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(nvfp4_recipes), cmocka_unit_test(nvfp4_up)};
    return cmocka_run_group_tests(tests, NULL, close_profiles);
}
