/* Formats and sums: largest values, noise, a short accumulator. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reference/reference.h"
#include "ridge/datapath.h"

static void largest(const ref_row *row, ref_answer *a) {
    static const char *const names[][2] = {{"ocp-E4M3", "e4m3fn"},
                                           {"ocp-E5M2", "e5m2"},
                                           {"ocp-E3M2", "e3m2"},
                                           {"ocp-E2M3", "e2m3"},
                                           {"ocp-E2M1", "e2m1"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i][0], row->id) != 0) continue;
        rg_quant q;
        rg_error err = {0};
        ref_must(rg_quant_parse(names[i][1], &q, &err), &err);
        a->value[0] = rg_elem_max(&q.format.elem);
    }
}

enum { SAMPLES = 1 << 21, ROW = 4096 };

static const float *samples(bool laplace) {
    static float x[2][SAMPLES];
    static bool drawn;
    for (size_t i = 0; !drawn && i < SAMPLES; i++) {
        const double u = rg_random_uniform(2, 0, i) - 0.5;
        x[0][i] = (float)rg_random_normal(1, 0, i);
        x[1][i] = (float)copysign(log1p(-2 * fabs(u)), u);
    }
    drawn = true;
    return x[laplace];
}

static double noise_db(const rg_quant *q, bool laplace) {
    static float y[SAMPLES];
    const float *x = samples(laplace);
    double signal = 0, noise = 0;
    rg_qdq(q, x, y, SAMPLES / ROW, ROW, false, NULL);
    for (size_t i = 0; i < SAMPLES; i++) {
        signal += (double)x[i] * x[i];
        noise += ((double)x[i] - y[i]) * ((double)x[i] - y[i]);
    }
    return 10 * log10(signal / noise);
}

static void noise(const ref_row *row, ref_answer *a) {
    static const char *const names[][2] = {{"MXINT8", "mx(int8,32,e8m0)"},
                                           {"MXFP8-E4M3", "mxfp8"},
                                           {"MXFP8-E5M2", "mx(e5m2,32,e8m0)"},
                                           {"MXFP6-E2M3", "mxfp6"},
                                           {"MXFP6-E3M2", "mx(e3m2,32,e8m0)"},
                                           {"MXFP4", "mxfp4"},
                                           {"NVFP4", "nvfp4"},
                                           {"INT8-g128", "int8(sym,group=128,scale=fp16)"},
                                           {"INT4-g32", "int4(sym,group=32,scale=fp16)"},
                                           {"INT4-g128", "int4(sym,group=128,scale=fp16)"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(names[i][0], row->id + strlen("sqnr-")) != 0) continue;
        rg_quant q;
        rg_error err = {0};
        ref_must(rg_quant_parse(names[i][1], &q, &err), &err);
        for (int laplace = 0; laplace < 2; laplace++) a->value[laplace] = noise_db(&q, laplace);
    }
}

enum { SIDE = 32, K = 4096 };

/* Errors of a datapath on a product of two [32][K] matrices of normal values in e4m3fn: the largest over the
   rms of the results, and their rms. */
static void product_errors(const char *text, double *largest_share, double *rms) {
    rg_datapath *path;
    rg_error err = {0};
    rg_quant e4m3;
    ref_must(rg_datapath_open(&path, text, ref_data_dir(), &err), &err);
    ref_must(rg_quant_parse("e4m3fn", &e4m3, &err), &err);
    static uint32_t x[2][SIDE][K];
    for (uint64_t i = 0; i < 2 * SIDE * K; i++)
        (&x[0][0][0])[i] = rg_elem_encode(&e4m3.format.elem, (float)rg_random_normal(3, 0, i));
    double worst = 0, squares = 0, results = 0;
    for (int n = 0; n < SIDE * SIDE; n++) {
        const rg_dot dot = {.k = K, .a = x[0][n / SIDE], .b = x[1][n % SIDE]};
        double exact = 0;
        for (int k = 0; k < K; k++)
            exact += (double)rg_elem_decode(&e4m3.format.elem, dot.a[k]) *
                     rg_elem_decode(&e4m3.format.elem, dot.b[k]);
        const uint32_t bits = rg_dot_walk(path, RG_DOT_FP32, &dot);
        float result;
        memcpy(&result, &bits, sizeof result);
        const double error = result - exact;
        worst = fmax(worst, fabs(error));
        squares += error * error;
        results += exact * exact;
    }
    *largest_share = worst / sqrt(results / (SIDE * SIDE));
    *rms = sqrt(squares / (SIDE * SIDE));
    rg_datapath_close(path);
}

static void accumulator(const ref_row *row, ref_answer *a) {
    (void)row;
    double share, rms, promoted_share, promoted;
    product_errors("h100-e4m3-wgmma", &share, &rms);
    product_errors("h100-e4m3-wgmma(promote=128)", &promoted_share, &promoted);
    a->value[0] = 100 * share;
    a->value[1] = rms / promoted;
    ref_note(a, "a product of 32 x 32; the largest error grows with it, the rms does not: %.2f %%",
             100 * rms / sqrt(K));
}

const ref_family ref_format_rows[] = {{"ocp-*", largest}, {"sqnr-*", noise}, {"acc-1", accumulator}, {NULL}};
