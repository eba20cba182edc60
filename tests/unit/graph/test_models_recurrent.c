/* Published models with recurrent layers: exact parameter counts, and the state that they keep. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/graph/models.h"

/* State: fp32 matrices of all heads, bf16 inputs of the convolution, kernel - 1 of each feature. */
static const struct {
    const char *name;
    double parameters, active, kv_bytes, recurrent_bytes, convolution_bytes;
} published[] = {
    {"mamba2-2.7b", 2702599680, 2702599680, 0, 64.0 * 80 * 64 * 128 * 4, 64.0 * (5120 + 2 * 128) * 3 * 2},
    /* active: 10 of 512 experts, each 3 x 2048 x 512, in 48 layers */
    {"qwen3-next-80b-a3b", 79674391296, 79674391296 - 48.0 * 502 * 3 * 2048 * 512, 24576, 72.0 * (1 << 20),
     36.0 * (2 * 2048 + 4096) * 3 * 2},
    /* 20 blocks of KDA beside 7 of MLA: 512 + 64 features of a latent vector */
    {"kimi-linear-48b-a3b", 49122681728, 49122681728 - 26.0 * 248 * 3 * 2304 * 1024, 7.0 * 576 * 2,
     40.0 * (1 << 20), 20.0 * 3 * 4096 * 3 * 2},
    {"nemotron-h-56b", 56324350464, 56324350464, 40960, 54.0 * 256 * 64 * 256 * 4,
     54.0 * (256 * 64 + 2 * 8 * 256) * 3 * 2},
    {"nemotron-3-nano-30b-a3b", 31577940288, 3580076352, 6144, 46.0 * (1 << 20),
     23.0 * (64 * 64 + 2 * 8 * 128) * 3 * 2},
};
enum { N_PUBLISHED = sizeof published / sizeof *published };

static void check(const rg_graph *g, size_t i) {
    const rg_graph_totals t = rg_graph_total(g, 4096);
    assert_true(t.parameters_total == published[i].parameters);
    assert_true(t.parameters_active == published[i].active);
    assert_true(t.kv_bytes_per_token == published[i].kv_bytes);
    assert_true(t.state_bytes_per_sequence == published[i].recurrent_bytes + published[i].convolution_bytes);
}

static void counts(void **state) {
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED; i++) {
        rg_graph ours, g;
        rg_error err = {0};
        char name[128];
        open_model(&ours, published[i].name);
        check(&ours, i);
        snprintf(name, sizeof name, "models-config/%s.json", published[i].name);
        if (shared_path(name)) { /* the facts of data/models are those of the config: the same graph */
            rg_str a = {0}, b = {0};
            must(rg_graph_from_file(&g, shared_path(name), FAMILIES, &err), &err);
            must(rg_graph_to_json(&g, &a, &err), &err);
            must(rg_graph_to_json(&ours, &b, &err), &err);
            assert_string_equal(a.data, b.data);
            rg_str_free(&a);
            rg_str_free(&b);
            rg_graph_close(&g);
        }
        rg_graph_close(&ours);
    }
}

/* The JSON form and back, with every operator of these families in it. */
static void through_json(void **state) {
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED; i++) {
        rg_graph g, back;
        rg_error err = {0};
        rg_str a = {0}, b = {0};
        open_model(&g, published[i].name);
        must(rg_graph_to_json(&g, &a, &err), &err);
        must(rg_graph_from_json(&back, a.data, a.len, &err), &err);
        must(rg_graph_to_json(&back, &b, &err), &err);
        assert_string_equal(a.data, b.data);
        rg_str_free(&a);
        rg_str_free(&b);
        rg_graph_close(&g);
        rg_graph_close(&back);
    }
}

static void refusals(void **state) {
    (void)state;
    static const char tiny[] =
        "model_type: mamba2\nnum_heads: 4\nhead_dim: 8\nhidden_size: 16\nstate_size: 4\n"
        "n_groups: 2\nnum_hidden_layers: 1\nvocab_size: 9\n";
    static const struct {
        const char *more;
        rg_status status;
        const char *words;
    } cases[] = {{"time_step_limit: [0.5, 0.1]\n", RG_ERR_PARSE, "limits of the time step"},
                 {"time_step_limit: [-0.5, 0.1]\n", RG_ERR_PARSE, "limits of the time step"},
                 {"hidden_act: gelu\n", RG_ERR_UNSUPPORTED, "hidden_act"},
                 {"expand: 3\n", RG_ERR_PARSE, "as 4 heads of 8"},
                 {"ssm_cfg: {norm_before_gate: true}\n", RG_ERR_UNSUPPORTED, "norm_before_gate"},
                 {"conv_kernel: 0\n", RG_ERR_PARSE, "conv_kernel"}};
    char text[512];
    rg_graph g;
    rg_error err = {0};
    must(graph_of_text(&g, tiny, &err), &err);
    rg_graph_close(&g);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        snprintf(text, sizeof text, "%s%s", tiny, cases[i].more);
        refused(text, cases[i].status, cases[i].words);
    }
    refused("model_type: mamba2\nnum_heads: 4\nhead_dim: 8\nhidden_size: 16\nn_groups: 3\n", RG_ERR_PARSE,
            "heads do not group");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts), cmocka_unit_test(through_json),
                                       cmocka_unit_test(refusals)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
