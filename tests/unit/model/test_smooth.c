/* Smoothing: the function stays, activations and weights meet, outliers are undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/rescale.h"
#include "unit/model/dial_check.h"
#include "unit/model/gguf_model.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static const char text[] = "ab abc it was a quick brown fox, and then another one ab";

static void open_tiny(rg_model *m) {
    size_t size;
    uint8_t *data = gguf_model_bytes(&(gguf_model){.random = true}, &size);
    assert_int_equal(rg_file_write("tiny.gguf", data, size, NULL), RG_OK);
    free(data);
    assert_int_equal(rg_model_open(m, "tiny.gguf", DATA, true, NULL), RG_OK);
}

static void smooth(rg_model *m, double alpha) {
    rg_error err = {0};
    const rg_smooth_options options = {.alpha = alpha};
    if (rg_model_smooth(m, text, sizeof text - 1, &options, &err) != RG_OK) fail_msg("%s", err.message);
}

static float *weight(const rg_model *m, const char *name) {
    for (size_t i = 0; i < m->graph.n_weights; i++)
        if (strcmp(m->graph.weight[i].name, name) == 0) return m->weight[i];
    fail_msg("no weight %s", name);
    return NULL;
}

/* Gain times column stays; with alpha 0 the largest weight of a channel becomes 1. */
static void function_stays(void **state) {
    (void)state;
    rg_model a, b;
    open_tiny(&a);
    assert_int_equal(rg_model_open(&b, "tiny.gguf", DATA, true, NULL), RG_OK);
    smooth(&b, 0);
    const char *const readers[] = {"gate_proj", "up_proj"};
    const float *gain[] = {weight(&a, "model.layers.1.post_attention_layernorm.weight"),
                           weight(&b, "model.layers.1.post_attention_layernorm.weight")};
    float largest[GM_D] = {0};
    for (int k = 0; k < 2; k++) {
        char name[64];
        snprintf(name, sizeof name, "model.layers.1.mlp.%s.weight", readers[k]);
        const float *x = weight(&a, name), *y = weight(&b, name);
        for (int i = 0; i < GM_F * GM_D; i++) {
            const double want = (double)gain[0][i % GM_D] * x[i], got = (double)gain[1][i % GM_D] * y[i];
            if (fabs(got - want) > 0x1p-21 * fabs(want)) fail_msg("%g, not %g", got, want);
            largest[i % GM_D] = fmaxf(largest[i % GM_D], fabsf(y[i]));
        }
    }
    for (int c = 0; c < GM_D; c++) assert_true(fabsf(largest[c] - 1) < 1e-6f);
    rg_model_close(&a);
    rg_model_close(&b);
}

/* Once smoothed, nothing is left to do: then largest activation (alpha 1) or their ratio is as it should be.
 */
static void settled(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        rg_model a, b;
        const double alpha = (double[]){0, 0.5, 1}[k];
        open_tiny(&a);
        smooth(&a, alpha);
        assert_int_equal(rg_model_save(&a, "once.gguf", NULL), RG_OK);
        assert_int_equal(rg_model_open(&b, "once.gguf", DATA, true, NULL), RG_OK);
        smooth(&b, alpha);
        for (size_t i = 0; i < a.graph.n_weights; i++)
            for (int64_t j = 0; j < a.graph.weight[i].shape[0]; j++)
                if (!(fabsf(a.weight[i][j] - b.weight[i][j]) <= 1e-5f * fabsf(a.weight[i][j])))
                    fail_msg("%s: %g, not %g", a.graph.weight[i].name, (double)b.weight[i][j],
                             (double)a.weight[i][j]);
        rg_model_close(&a);
        rg_model_close(&b);
    }
}

static void refused(void **state) {
    (void)state;
    rg_model m;
    rg_error err = {0};
    open_tiny(&m);
    const double bad[] = {-0.1, 1.1, NAN};
    for (int i = 0; i < 3; i++)
        assert_int_equal(rg_model_smooth(&m, text, 9, &(rg_smooth_options){.alpha = bad[i]}, &err),
                         RG_ERR_USAGE);
    assert_int_equal(rg_model_smooth(&m, text, 0, &(rg_smooth_options){.alpha = 0.5}, &err), RG_ERR_USAGE);
    rg_model_close(&m);
    assert_int_equal(rg_model_open(&m, "llama-3.1-8b", DATA, false, NULL), RG_OK);
    assert_int_equal(rg_model_smooth(&m, text, 9, &(rg_smooth_options){.alpha = 0.5}, &err), RG_ERR_USAGE);
    rg_model_close(&m);
}

/* At least nine tenths of the log-perplexity that int8 loses on the dial come back. */
static void undoes_the_dial(void **state) {
    (void)state;
    static const char *const policy[] = {"w=int8,a=int8"};
    const rg_eval_options options = {.protocol = "stories-256"};
    rg_model m;
    rg_quality q[2][2];
    rg_error err = {0};
    char *stories;
    size_t size;
    if (!stories_present()) skip_absent("stories260k");
    assert_int_equal(
        rg_file_read(shared_file("text/tinystories-sample/tinystories.txt"), 1 << 26, &stories, &size, NULL),
        RG_OK);
    assert_int_equal(rg_model_open(&m, shared_file("models/stories260k/stories260K.bin"), DATA, true, NULL),
                     RG_OK);
    assert_int_equal(rg_model_stress(&m, (int64_t[]){5, 40}, 2, 50, NULL), RG_OK);
    for (int i = 0; i < 2; i++) {
        if (rg_eval_run(&m, stories, DIAL_BYTES, policy, 1, &options, q[i], &err) != RG_OK)
            fail_msg("%s", err.message);
        const rg_smooth_options smoothing = {.alpha = 0.5, .max_tokens = 2048};
        /* another part of the text than the one that is scored */
        if (i == 0) assert_int_equal(rg_model_smooth(&m, stories + 40000, 20000, &smoothing, NULL), RG_OK);
    }
    const double lost = log(q[0][1].ppl / q[0][0].ppl), left = log(q[1][1].ppl / q[1][0].ppl);
    printf("int8: ppl %.5f, dial %.5f, smoothed %.5f: %.1f %% come back\n", q[0][0].ppl, q[0][1].ppl,
           q[1][1].ppl, 100 * (1 - left / lost));
    assert_true(fabs(q[1][0].ppl / q[0][0].ppl - 1) < 1e-5);
    assert_true(lost > 0.2 && left < 0.1 * lost);
    rg_model_close(&m);
    free(stories);
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(function_stays), cmocka_unit_test(settled),
                                       cmocka_unit_test(refused), cmocka_unit_test(undoes_the_dial)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
