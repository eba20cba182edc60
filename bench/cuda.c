/* The kernels of a GPU: elements a second, against the copy of as many bytes within its memory.
   TARGET: ridge_cuda */
#include <stdio.h>
#include <stdlib.h>

#include "ridge/cuda.h"
#include "ridge/explain.h"

enum { ROWS = 8192, COLS = 8192, REPEATS = 10 };

static rg_status bench(rg_cuda *cuda, const char *text, const float *x, float *y, double copy_s,
                       rg_error *err) {
    rg_quant q;
    double best = 0;
    RG_TRY(rg_quant_parse(text, &q, err));
    for (int i = 0; i < REPEATS; i++) {
        RG_TRY(rg_cuda_qdq(cuda, &q, x, y, ROWS, COLS, false, 0, NULL, err));
        if (i == 0 || rg_cuda_kernel_s(cuda) < best) best = rg_cuda_kernel_s(cuda);
    }
    printf("  {\"kernel\": \"qdq %s\", \"g_elem_per_s\": %.4g, \"ratio_to_copy\": %.4g}", text,
           1e-9 * ROWS * COLS / best, copy_s / best);
    return RG_OK;
}

static rg_status run(rg_cuda *cuda, float *x, float *y, rg_error *err) {
    static const char *const formats[] = {"e4m3fn", "bf16",  "e4m3fn@sra(8)", "mxfp8",
                                          "mxfp4",  "nvfp4", "int8"};
    rg_cuda_info info;
    double copy_s;
    RG_TRY(rg_cuda_query(cuda, &info, err));
    RG_TRY(rg_cuda_copy_s(cuda, sizeof(float) * ROWS * COLS, REPEATS, &copy_s, err));
    rg_distribution_fill(RG_DIST_GAUSSIAN, 1, 0, x, ROWS, COLS);
    printf("{\"device\": \"%s\", \"copy_bytes_per_s\": %.4g, \"kernels\": [\n", info.name,
           2 * sizeof(float) * (double)ROWS * COLS / copy_s);
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (i) printf(",\n");
        RG_TRY(bench(cuda, formats[i], x, y, copy_s, err));
    }
    printf("\n]}\n");
    return RG_OK;
}

int main(void) {
    rg_cuda *cuda = NULL;
    rg_error err = {0};
    if (rg_cuda_count() == 0) {
        puts("skipped: no CUDA device");
        return 77;
    }
    float *x = malloc(sizeof(float) * ROWS * COLS), *y = malloc(sizeof(float) * ROWS * COLS);
    rg_status status = !x || !y ? RG_ERR_MEMORY : rg_cuda_open(&cuda, 0, &err);
    if (status == RG_OK) status = run(cuda, x, y, &err);
    if (status != RG_OK) fprintf(stderr, "%s\n", err.message);
    rg_cuda_close(cuda);
    free(x);
    free(y);
    return status != RG_OK;
}
