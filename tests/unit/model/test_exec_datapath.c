/* Models under a datapath: what it takes, what it changes, and that threads, batches and instruction sets
 * change nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>

#include "kernels/kernels.h"
#include "unit/model/tiny_model.h"

static rg_status run(int threads, size_t batch, const char *const *policies, size_t n, rg_quality *out,
                     rg_error *err) {
    char *text = tiny_text(300);
    const rg_eval_options options = {
        .threads = threads, .batch_tokens = batch, .data_dir = RIDGE_SOURCE_DIR "/data"};
    const rg_status status = rg_eval_run(&model, text, 300, policies, n, &options, out, err);
    free(text);
    return status;
}

#define FP8 "w=e4m3fn(scale=row),a=e4m3fn(scale=row)"
static const char *const policies[] = {
    FP8,
    FP8 ",dp=dot(a=e4m3fn,b=e4m3fn,n=32,align=24,acc=fp32@rne)",
    FP8 ",dp=h100-e4m3-wgmma",
    FP8 ",dp=dot(a=e4m3fn,b=e4m3fn,n=32,align=5,acc=e8m5@rz)",
    "w=fp16,a=fp16,dp=mi300-fp16",
    "w=bf16,a=bf16,w.lm_head=bf16,a.lm_head=bf16,dp=h100-bf16,dp.lm_head=a100-bf16",
    "w=mxfp8,a=mxfp8,dp=b200-mxfp8",
    /* random bits belong to the token, not to the batch */
    "w=e4m3fn@srb(4),a=e4m3fn(scale=row)@sra(8),w.lm_head=e4m3fn,a.lm_head=e4m3fn@sra(8),dp=h100-e4m3-wgmma,"
    "dp.lm_head=h100-e4m3-wgmma",
    "w=nvfp4,a=nvfp4@src(8),dp=b200-nvfp4",
};
enum { N = sizeof policies / sizeof *policies };

static void effect(void **state) {
    (void)state;
    rg_quality q[N + 1];
    rg_error err = {0};
    if (run(1, 0, policies, N, q, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    /* a wide accumulator gives the fp32 chain's quality nearly, 5 bits are much worse */
    assert_true(fabs(q[2].kld_mean - q[1].kld_mean) < 0.05 * q[1].kld_mean);
    assert_true(q[4].kld_mean > 1.2 * q[1].kld_mean);
    for (int i = 1; i <= N; i++) assert_true(!q[i].is_reference && q[i].kld_mean > 0);
    assert_string_equal(q[3].policy, policies[2]);
}

static void same_bits(void **state) {
    (void)state;
    rg_quality first[N + 1], q[N + 1];
    assert_int_equal(run(1, 0, policies, N, first, NULL), RG_OK);
    const char *const levels[] = {"scalar", "avx2", "avx512"};
    for (int i = 0; i < 3; i++) {
        if (!rg_kernels_named(levels[i])) continue;
        setenv("RIDGE_CPU", levels[i], 1);
        assert_int_equal(run(i == 2 ? 2 : 1, i == 1 ? 130 : 0, policies, N, q, NULL), RG_OK);
        for (int j = 0; j <= N; j++) {
            assert_true(q[j].ppl == first[j].ppl && q[j].kld_mean == first[j].kld_mean &&
                        q[j].kld_p99 == first[j].kld_p99);
            assert_true(q[j].same_top == first[j].same_top);
        }
    }
    unsetenv("RIDGE_CPU");
}

static void refusals(void **state) {
    (void)state;
    static const char *const wrong[][2] = {
        {"dp=h100-fp16", "fp32"},
        {"w=fp16,a=bf16,dp=h100-fp16", "bf16"},
        {"w=mxfp8,a=e4m3fn,dp=b200-mxfp8", "e4m3fn"},
        {"w=fp16,a=fp16,dp=no-such-unit", "no-such-unit"},
        {"w=fp16,a=fp16,dp=dot(a=fp16)", "dot(...)"},
        {"w=fp16,a=fp16,dp.no_such_op=h100-fp16", "no_such_op"},
        {"w=fp16,a=fp16,rot=hadamard(8),dp=h100-fp16", "rot=hadamard(8) together with dp=h100-fp16"},
        {"rot.q_proj=hadamard(8),w=fp16,a=fp16,dp=h100-fp16", "together with"},
        {"rot.lm_head=hadamard(8),w.lm_head=int4", "rot=hadamard(8)"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        rg_quality q[2];
        rg_error err = {0};
        assert_int_equal(run(1, 0, &wrong[i][0], 1, q, &err), RG_ERR_USAGE);
        if (!strstr(err.message, wrong[i][1])) fail_msg("%s: %s", wrong[i][0], err.message);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(effect), cmocka_unit_test(same_bits),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
