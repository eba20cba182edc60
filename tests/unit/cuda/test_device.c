/* The kernels on a GPU give the bits of the scalar definitions.
   LABELS: gpu */
#include "cuda_check.h"

static rg_cuda *device;

static void formats(void **state) {
    (void)state;
    check_all_formats(device, 37, 1031);
}

/* Many groups, ranges over many blocks of threads. */
static void large(void **state) {
    (void)state;
    check_matrix(device, "nvfp4", 256, 4096, false);
    check_matrix(device, "int8(asym,tensor,scale=fp32)", 256, 4096, false);
    check_matrix(device, "e4m3fn@sra(8,seed=9)", 256, 4096, false);
    check_matrix(device, "mxfp4@rne(scale=mse)", 256, 4096, true);
}

static void products(void **state) {
    (void)state;
    check_all_products(device, 33, 40, 500);
}

static void refusals(void **state) {
    (void)state;
    check_refusals(device);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(formats), cmocka_unit_test(large),
                                       cmocka_unit_test(products), cmocka_unit_test(refusals)};
    if (rg_cuda_count() == 0) {
        puts("skipped: no CUDA device");
        return 77;
    }
    rg_error err = {0};
    rg_cuda_info info;
    if (rg_cuda_open(&device, 0, &err) != RG_OK || rg_cuda_query(device, &info, &err) != RG_OK) {
        puts(err.message);
        return 1;
    }
    printf("%s, compute capability %d.%d\n", info.name, info.major, info.minor);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rg_cuda_close(device);
    return failed;
}
