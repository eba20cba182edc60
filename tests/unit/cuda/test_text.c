/* The CUDA dialect of the scalar definitions, compiled by nvcc for the CPU: the text that kernels run, tested
   where there is no GPU. */
#include "cuda_check.h"

static rg_cuda *host;

static void formats(void **state) {
    (void)state;
    check_all_formats(host, 5, 77);
}

/* Every rounding, saturation and special policy over patterns spread over all of fp32. */
static void casts(void **state) {
    enum { N = 1 << 16 };
    static const char *const elements[] = {"e4m3fn", "e5m2", "e2m1", "bf16", "fp16", "e8m0", "e4m3fnuz"};
    static const char *const roundings[] = {"rne", "rna", "rz", "ru", "rd", "ro", "sra(8,seed=1)"};
    static uint16_t want[N], got[N];
    static float x[N];
    (void)state;
    for (uint32_t i = 0; i < N; i++) {
        const uint32_t bits = (i << 16) | (i & 1 ? 0x8000u >> (i % 16) : i * 2654435761u >> 16);
        memcpy(&x[i], &bits, sizeof bits);
    }
    for (size_t e = 0; e < sizeof elements / sizeof *elements; e++)
        for (size_t r = 0; r < sizeof roundings / sizeof *roundings; r++) {
            char text[64];
            snprintf(text, sizeof text, "%s@%s", elements[e], roundings[r]);
            rg_quant q = check_quant(text);
            for (int policy = 0; policy < 6; policy++) {
                q.cast.saturation = (rg_saturation)(policy % RG_N_SATURATIONS);
                q.cast.nan = (rg_nan_policy)(policy % RG_N_NAN_POLICIES);
                q.cast.subnormal = (rg_subnormal_policy)(policy % RG_N_SUBNORMAL_POLICIES);
                q.cast.zero = (rg_zero_policy)(policy % RG_N_ZERO_POLICIES);
                q.cast.negative = (rg_negative_policy)(policy % RG_N_NEGATIVE_POLICIES);
                rg_encode(&q, x, want, NULL, 1, N, false, NULL);
                assert_int_equal(rg_cuda_encode(host, &q, x, got, NULL, NULL, 1, N, false, NULL, NULL),
                                 RG_OK);
                check_same(text, "codes", policy, want, got, N * (q.format.elem.bits > 8 ? 2 : 1));
            }
        }
}

static void products(void **state) {
    (void)state;
    check_all_products(host, 3, 5, 200);
}

static void refusals(void **state) {
    rg_cuda *none = NULL;
    rg_error err = {0};
    (void)state;
    check_refusals(host);
    assert_int_equal(rg_cuda_open(&none, 1000, &err), RG_ERR_UNSUPPORTED);
    assert_null(none);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(casts),
                                       cmocka_unit_test(products), cmocka_unit_test(refusals)};
    if (rg_cuda_open(&host, RG_CUDA_HOST, NULL) != RG_OK) return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rg_cuda_close(host);
    return failed;
}
