/* The outlier dial: the function stays, formats go as another program's recorded figures say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "ridge/model.h"
#include "unit/model/dial_check.h"
#include "unit/model/gguf_model.h"

#define DATA RIDGE_SOURCE_DIR "/data"

/* Two of the same model. */
static void open_tiny(rg_model m[2]) {
    size_t size;
    uint8_t *data = gguf_model_bytes(&(gguf_model){.random = true}, &size);
    assert_int_equal(rg_file_write("tiny.gguf", data, size, NULL), RG_OK);
    free(data);
    for (int i = 0; i < 2; i++) assert_int_equal(rg_model_open(&m[i], "tiny.gguf", DATA, true, NULL), RG_OK);
}

/* Gains of the channels are 8 times as large, columns of their readers an eighth, all else the same bits. */
static void places(void **state) {
    (void)state;
    rg_model m[2];
    open_tiny(m);
    assert_int_equal(rg_model_stress(&m[1], (int64_t[]){2, 7}, 2, 8, NULL), RG_OK);
    for (size_t i = 0; i < m[0].graph.n_weights; i++) {
        const rg_graph_weight *w = &m[0].graph.weight[i];
        const bool gain = strstr(w->name, "input_layernorm") || strstr(w->name, "post_attention_layernorm");
        const bool reader = strstr(w->name, "q_proj") || strstr(w->name, "k_proj") ||
                            strstr(w->name, "v_proj") || strstr(w->name, "gate_proj") ||
                            strstr(w->name, "up_proj");
        const int64_t cols = w->n_dims > 1 ? w->shape[1] : w->shape[0], n = w->n_dims > 1 ? w->shape[0] : 1;
        for (int64_t k = 0; k < n * cols; k++) {
            const bool channel = k % cols == 2 || k % cols == 7;
            const float factor = channel && gain ? 8 : channel && reader ? 0.125f : 1;
            if (m[1].weight[i][k] != m[0].weight[i][k] * factor) fail_msg("%s %d", w->name, (int)k);
        }
    }
    for (int i = 0; i < 2; i++) rg_model_close(&m[i]);
}

static void refused(void **state) {
    (void)state;
    static const struct {
        int64_t channel[2];
        size_t n;
        double scale;
        const char *message, *expected;
    } rows[] = {
        {{0, 8}, 2, 2, "channel 8", "0 to 7"},     {{-1}, 1, 2, "channel -1", "0 to 7"},
        {{3, 3}, 2, 2, "3 is given twice", ""},    {{0}, 0, 2, "none", "at least one"},
        {{0}, 1, 0, "a scale of 0", "1e-6"},       {{0}, 1, -2, "a scale of -2", "1e-6"},
        {{0}, 1, NAN, "a scale of nan", "number"}, {{0}, 1, 1e7, "a scale of 1e+07", "1e6"},
    };
    rg_model m[2];
    open_tiny(m);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rg_error err = {0};
        assert_int_equal(rg_model_stress(&m[1], rows[i].channel, rows[i].n, rows[i].scale, &err),
                         RG_ERR_USAGE);
        if (!strstr(err.message, rows[i].message) || !strstr(err.expected, rows[i].expected))
            fail_msg("%s; %s", err.message, err.expected);
        for (size_t w = 0; w < m->graph.n_weights; w++)
            assert_memory_equal(m[0].weight[w], m[1].weight[w], 4 * (size_t)m->graph.weight[w].shape[0]);
    }
    for (int i = 0; i < 2; i++) rg_model_close(&m[i]);
    assert_int_equal(rg_model_open(m, "llama-3.1-8b", DATA, false, NULL), RG_OK);
    assert_int_equal(rg_model_stress(m, (int64_t[]){0}, 1, 2, NULL), RG_ERR_USAGE);
    rg_model_close(m);
}

/* Int8 breaks, e4m3 stays flat, four bits collapse. */
static void recorded_dial(void **state) {
    (void)state;
    dial_row rows[DIAL_ROWS];
    if (!stories_present()) skip_absent("stories260k");
    const size_t n = dial_read(rows);
    assert_int_equal(dial_run(rows, n, 50, "int8(") + dial_run(rows, n, 50, "e4m3fn(") +
                         dial_run(rows, n, 50, "nvfp4"),
                     0);
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(places), cmocka_unit_test(refused),
                                       cmocka_unit_test(recorded_dial)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
