/* The fast quantize-dequantize gives the bits of rg_qdq: every format, scale rule, span, odd widths, special
   inputs, every instruction set. */
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "kernels/qdq.h"

enum { ROWS = 37, COLS = 172 };

static const char *const formats[] = {"bf16",
                                      "fp16",
                                      "tf32",
                                      "e5m2",
                                      "e4m3fn",
                                      "e3m2",
                                      "e2m3",
                                      "e2m1",
                                      "e4m3fn(scale=tensor)",
                                      "e4m3fn(scale=row)",
                                      "e2m1(scale=row)",
                                      "int8",
                                      "int8(sym,tensor,scale=fp32)",
                                      "int4",
                                      "int5(sym,group=16,scale=fp16)",
                                      "int3(sym,group=32,scale=fp16)",
                                      "int2(sym,row,scale=fp16)",
                                      "int4(sym,group=128,scale=bf16)",
                                      "mxfp8",
                                      "mxfp6",
                                      "mxfp4",
                                      "mxfp4@rne(scale=even)",
                                      "mxfp8@rne(scale=even)",
                                      "mxfp4@rne(scale=ceil)",
                                      "mx(e5m2,32,e8m0)",
                                      "mx(e3m2,16,e8m0)",
                                      "nvfp4",
                                      "nvfp4@rne(scale=4over6)",
                                      "mx(e2m1,16,e4m3fn)@rne(scale=4over6)",
                                      "mx(int8,32,e8m0)",
                                      "mx(int8,32,e8m0)@rne(scale=even)",
                                      "mxfp4@rz(scale=rceil)",
                                      "mx(e2m1,16x16,e4m3fn,tensor)",
                                      "e4m3fnuz",
                                      "binary8p4se",
                                      "e4m3fn@rne(sat=ocp,nan=signed)",
                                      "float(e=5,m=3,bias=7,nan=ieee,max=480)",
                                      "posit(8,2)",
                                      "nf4(group=64,scale=fp32)",
                                      "e4m3fn@sra(8)",
                                      "e2m1@srb(4,seed=7,stream=3)",
                                      "e4m3fn(scale=row)@sra(8)",
                                      "int8@src(10)",
                                      "int4@sra(8)",
                                      "mxfp4@sra(8)",
                                      "mxfp8@srb(6,scale=rceil)",
                                      "nvfp4@sra(8)",
                                      "nvfp4@sra(8,scale=4over6)",
                                      "nvfp4@rz(scale=4over6)",
                                      "mx(e2m1,100,fp16)@rne(scale=4over6)",
                                      "mxfp8@rna(scale=floor1)",
                                      "mxfp6@ru(scale=rne)",
                                      "mxfp4@rd(scale=log)",
                                      "mxfp4@ro(scale=rz)",
                                      "mxfp4@rne(scale=mse)",
                                      "mxfp8@rne(sat=ocp,nan=signed,scale=log)",
                                      "mx(int8,32,e8m0)@rne(scale=rz)",
                                      "mx(e5m2,7,e8m0)@rne(scale=rne,sat=none)",
                                      "mx(e4m3fnuz,32,e8m0)",
                                      "mx(e3m2,48,ue4m3,tensor)",
                                      "bf16@rz",
                                      "nvfp4@rne(scale=rceil)",
                                      "nvfp4@rne(apply=reciprocal)",
                                      "e4m3fn(scale=row)@rne(apply=reciprocal)",
                                      "mxfp4@rne(scale=floor32)",
                                      "e5m2@ru(sat=none)",
                                      "e4m3fn@rne(via=bf16)",
                                      "fp16@rne(sub=flush)",
                                      "int4(asym,group=32,scale=fp16)"};

/* What a model's operands look like, and what they should not. */
static void fill(float *x, int kind) {
    for (size_t i = 0; i < ROWS * COLS; i++) {
        const uint64_t stream = (uint64_t)kind;
        const float normal = (float)rg_random_normal(51, stream, i);
        const uint32_t bits = rg_random_u32(52, stream, i);
        const size_t row = i / COLS;
        x[i] = normal;
        if (kind == 1) x[i] = ldexpf(normal, (int)(bits % 40) - 20);
        if (kind == 2) x[i] = bits % 50 ? normal * 1e-3f : normal * 300;
        if (kind == 3) memcpy(&x[i], &bits, sizeof bits); /* anything: NaN, infinity, subnormal */
        if (kind == 4) x[i] = row % 3 == 0 ? (bits & 1 ? -0.0f : 0.0f) : i % COLS < 40 ? 0 : normal;
        if (kind == 5) x[i] = ldexpf(normal, row % 2 ? -120 : 100);
        if (kind == 6 && row == 5 && i % 7 == 0) x[i] = bits & 1 ? INFINITY : NAN;
        if (kind == 7) x[i] = ldexpf((float)((int)(bits % 33) - 16), -3); /* many ties */
        if (kind == 8) x[i] = i % COLS < 32 ? normal * 1e-7f : normal;    /* blocks whose scale underflows */
    }
}

static void check_format(const rg_kernels *kernels, const char *text, int kind, bool per_row) {
    static float x[ROWS * COLS], want[ROWS * COLS], got[ROWS * COLS];
    rg_quant q;
    rg_error err;
    if (rg_quant_parse(text, &q, &err) != RG_OK) {
        if (kind == 0 && per_row) print_message("left out, not in this version: %s\n", text);
        return;
    }
    fill(x, kind);
    const size_t cols = kind % 2 ? COLS : 160, rows = ROWS;
    const uint64_t first = (uint64_t)kind * 12345;
    rg_qdq_from(&q, x, want, rows, cols, per_row, first, NULL);
    for (int threads = 1; threads <= 2; threads++) {
        memset(got, 0x77, sizeof got);
        rg_qdq_fast(kernels, threads, &q, x, got, rows, cols, per_row, first);
        for (size_t i = 0; i < rows * cols; i++)
            if (memcmp(&want[i], &got[i], sizeof *got) != 0)
                fail_msg("%s %s kind %d per_row %d: [%zu][%zu] %a gives %a, not %a", kernels->name, text,
                         kind, per_row, i / cols, i % cols, x[i], got[i], want[i]);
    }
    if (!per_row) return;
    memcpy(got, x, sizeof got);
    rg_qdq_fast(kernels, 2, &q, got, got, rows, cols, true, first); /* in place */
    for (size_t i = 0; i < rows * cols; i++) assert_memory_equal(&want[i], &got[i], sizeof *got);
}

static void as_defined(void **state) {
    (void)state;
    for (size_t level = 0; rg_kernels_level(level); level++) {
        const rg_kernels *kernels = rg_kernels_named(rg_kernels_level(level));
        if (!kernels) {
            print_message("skipped: this processor has no %s\n", rg_kernels_level(level));
            continue;
        }
        for (size_t f = 0; f < sizeof formats / sizeof *formats; f++)
            for (int kind = 0; kind < 9; kind++)
                for (int per_row = 0; per_row < 2; per_row++)
                    check_format(kernels, formats[f], kind, per_row);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(as_defined)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
