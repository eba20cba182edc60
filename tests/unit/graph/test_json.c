/* The JSON form: round trips to the last byte; every cut, flip and wrong value gives an error or a sound
 * graph. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "unit/graph/models.h"

static void to_json(const rg_graph *g, rg_str *out) {
    rg_error err = {0};
    must(rg_graph_to_json(g, out, &err), &err);
}

static void round_trip(const rg_graph *g) {
    rg_str a = {0}, b = {0};
    rg_graph back;
    rg_error err = {0};
    to_json(g, &a);
    must(rg_graph_from_json(&back, a.data, a.len, &err), &err);
    to_json(&back, &b);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    assert_int_equal(g->n_nodes, back.n_nodes);
    assert_int_equal(g->n_weights, back.n_weights);
    for (int phase = 0; phase < 2; phase++)
        for (size_t i = 0; i < g->n_nodes; i++) {
            const rg_node_count x = rg_graph_count_node(g, i, (rg_phase)phase, 3, 1000);
            const rg_node_count y = rg_graph_count_node(&back, i, (rg_phase)phase, 3, 1000);
            assert_memory_equal(&x, &y, sizeof x);
            assert_memory_equal(&g->node[i].rope, &back.node[i].rope, sizeof(rg_rope));
        }
    rg_graph_close(&back);
    rg_str_free(&a);
    rg_str_free(&b);
}

static const char tiny[] =
    "model_type: qwen3\nvocab_size: 50\nhidden_size: 8\nintermediate_size: 12\n"
    "num_hidden_layers: 1\nnum_attention_heads: 2\nnum_key_value_heads: 1\nhead_dim: 4\n"
    "rms_norm_eps: 1.1e-06\nattention_bias: true\ntie_word_embeddings: true\n";

/* Experts and latent attention with every number they take. */
static const char mixture[] =
    "{\"ridge_graph\": 1, \"family\": \"f\", \"model\": \"m\", \"vocab_size\": 6, \"hidden_size\": 6,\n"
    "\"n_layers\": 1, \"max_positions\": 9, \"output\": 8,\n"
    "\"weights\": [{\"name\": \"t\", \"shape\": [6, 6]}, {\"name\": \"g\", \"shape\": [12, 6]},\n"
    "{\"name\": \"c\", \"shape\": [12]}, {\"name\": \"up\", \"shape\": [12, 10, 6]},\n"
    "{\"name\": \"b\", \"shape\": [12, 10]}, {\"name\": \"down\", \"shape\": [12, 4, 5]},\n"
    "{\"name\": \"kv\", \"shape\": [6, 4]}],\n"
    "\"nodes\": [{\"name\": \"e\", \"op\": \"embed\", \"layer\": -1, \"inputs\": [-1], \"width\": 6, "
    "\"weight\": 0},\n"
    "{\"name\": \"l\", \"op\": \"linear\", \"layer\": 0, \"inputs\": [0], \"width\": 12, \"weight\": 1},\n"
    "{\"name\": \"r\", \"op\": \"router\", \"layer\": 0, \"inputs\": [1], \"width\": 6, \"correction\": 2, "
    "\"top_k\": 3, \"n_group\": 4, \"topk_group\": 2, \"scoring\": \"sigmoid\", \"group_score\": \"top2\", "
    "\"normalize\": \"yes\", \"routed_scale\": 2.5},\n"
    "{\"name\": \"u\", \"op\": \"expert_linear\", \"layer\": 0, \"inputs\": [0, 2], \"width\": 30, "
    "\"weight\": 3, \"bias\": 4, \"stored\": \"transposed\"},\n"
    "{\"name\": \"s\", \"op\": \"swiglu_clamped\", \"layer\": 0, \"inputs\": [3], \"width\": 15, "
    "\"alpha\": 1.702, \"limit\": 7.0},\n"
    "{\"name\": \"d\", \"op\": \"expert_linear\", \"layer\": 0, \"inputs\": [4, 2], \"width\": 12, "
    "\"weight\": 5},\n"
    "{\"name\": \"k\", \"op\": \"combine\", \"layer\": 0, \"inputs\": [5, 2], \"width\": 4},\n"
    "{\"name\": \"k2\", \"op\": \"combine\", \"layer\": 0, \"inputs\": [0, 2], \"width\": 2},\n"
    "{\"name\": \"a\", \"op\": \"mla\", \"layer\": 0, \"inputs\": [2, 6, 7], \"width\": 4, \"weight\": 6, "
    "\"heads\": 2, \"nope_dim\": 1, \"rope_dim\": 2, \"v_head_dim\": 2, \"form\": \"absorbed\", "
    "\"scale\": 0.7}]}";

static void round_trips(void **state) {
    (void)state;
    static const char *const names[] = {"llama-2-7b", "llama-3.1-8b", "llama-3.1-405b", "qwen3-0.6b",
                                        "qwen3-8b"};
    rg_graph g;
    rg_error err = {0};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        open_model(&g, names[i]);
        round_trip(&g);
        rg_graph_close(&g);
    }
    must(graph_of_text(&g, tiny, &err), &err);
    round_trip(&g);
    rg_graph_close(&g);
    must(rg_graph_from_json(&g, mixture, strlen(mixture), &err), &err);
    assert_int_equal(g.node[2].scoring, RG_SCORING_SIGMOID);
    assert_int_equal(g.node[3].stored, 1);
    assert_int_equal(g.node[8].form, RG_MLA_ABSORBED);
    round_trip(&g);
    rg_graph_close(&g);
}

static char *replaced(const char *text, const char *from, const char *to);

/* Mixtures whose parts do not fit. */
static void wrong_mixtures(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"\"top_k\": 3", "\"top_k\": 0", "1 <= top_k <= experts"},
        {"\"top_k\": 3", "\"top_k\": 13", "1 <= top_k <= experts"},
        {"\"top_k\": 3", "\"top_k\": 7", "too few experts"},
        {"\"top_k\": 3", "\"top_k\": 4", "width"},
        {"\"n_group\": 4", "\"n_group\": 5", "groups do not come out"},
        {"\"n_group\": 4", "\"n_group\": -4", "groups do not come out"},
        {"\"n_group\": 4", "\"n_group\": 12", "too few experts"},
        {"\"topk_group\": 2", "\"topk_group\": 5", "groups do not come out"},
        {"\"top2\"", "\"top3\"", "unknown word"},
        {"\"sigmoid\"", "1", "scoring"},
        {"\"routed_scale\": 2.5", "\"routed_scale\": -1", "routed_scale"},
        {"[12]}", "[13]}", "correction"},
        {"\"shape\": [12, 10, 6]", "\"shape\": [11, 10, 6]", "experts do not fit"},
        {"\"shape\": [12, 10, 6]", "\"shape\": [12, 10, 7]", "does not fit the input"},
        {"\"shape\": [12, 10, 6]", "\"shape\": [12, 2147483647, 6]", "too wide"},
        {"\"shape\": [12, 10, 6]", "\"shape\": [120, 6]", "3 dimensions"},
        {"\"shape\": [12, 10]", "\"shape\": [10, 12]", "bias does not fit"},
        {"\"inputs\": [0, 2], \"width\": 30", "\"inputs\": [0, 1], \"width\": 30", "a router"},
        {"\"inputs\": [0, 2], \"width\": 2", "\"inputs\": [6, 2], \"width\": 2", "does not fit"},
        {"\"limit\": 7.0", "\"limit\": 0.0", "limit > 0"},
        {"\"nope_dim\": 1", "\"nope_dim\": 2", "heads"},
        {"\"nope_dim\": 1", "\"nope_dim\": 9223372036854775807", "nope_dim"},
        {"\"v_head_dim\": 2", "\"v_head_dim\": 3", "weight does not fit"},
        {"\"scale\": 0.7", "\"scale\": -0.5", "scale"},
        {"\"form\": \"absorbed\"", "\"form\": \"dense\"", "unknown word"},
        {", \"form\": \"absorbed\"", "", "form"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replaced(mixture, cases[i].from, cases[i].to), all[1100];
        rg_graph g;
        rg_error why = {0};
        rg_status status = rg_graph_from_json(&g, text, strlen(text), &why);
        snprintf(all, sizeof all, "%s: %s; expected %s", why.where, why.message, why.expected);
        if (status != RG_ERR_PARSE || !strstr(all, cases[i].words))
            fail_msg("case %zu, %s: (%d) %s", i, cases[i].to, status, all);
        free(text);
    }
}

/* Names with everything JSON escapes, and an operator that Ridge does not know. */
static void opaque_round_trips(void **state) {
    (void)state;
    static const char text[] =
        "{\"ridge_graph\": 1, \"family\": \"\\\"f\\\\\", \"model\": \"\\u0001\\n\\u00e9/ {}\",\n"
        "\"vocab_size\": 5, \"hidden_size\": 4, \"n_layers\": 1, \"max_positions\": 9, \"output\": 1,\n"
        "\"weights\": [{\"name\": \"t\", \"shape\": [5, 4]}, {\"name\": \"u\", \"shape\": [7]}],\n"
        "\"nodes\": [{\"name\": \"e\", \"op\": \"embed\", \"layer\": -1, \"inputs\": [-1], \"width\": 4, "
        "\"weight\": 0},\n"
        "{\"name\": \"s\", \"op\": \"ssm scan\", \"layer\": 0, \"inputs\": [0, -1], \"width\": 5, "
        "\"weight\": 1}]}";
    rg_graph g;
    rg_error err = {0};
    must(rg_graph_from_json(&g, text, strlen(text), &err), &err);
    assert_int_equal(g.node[1].op, RG_OP_OPAQUE);
    assert_string_equal(g.node[1].opaque_op, "ssm scan");
    assert_true(rg_graph_count_node(&g, 1, RG_DECODE, 1, 1).weight_elements == 7);
    round_trip(&g);
    rg_graph_close(&g);
}

static char *replaced(const char *text, const char *from, const char *to) {
    const char *at = strstr(text, from);
    if (!at) fail_msg("no %s in the text", from);
    size_t n = strlen(text) + strlen(to) + 1;
    char *out = malloc(n);
    snprintf(out, n, "%.*s%s%s", (int)(at - text), text, to, at + strlen(from));
    return out;
}

static void wrong_values(void **state) {
    (void)state;
    static const struct {
        const char *from, *to, *words;
    } cases[] = {
        {"\"ridge_graph\": 1", "\"ridge_graph\": 2", "unknown version"},
        {"\"family\"", "\"famly\"", "family"},
        {"\"output\": 19", "\"output\": 20", "output"},
        {"\"output\": 19", "\"output\": -1", "output"},
        {"\"vocab_size\": 50", "\"vocab_size\": 51", "vocab_size"},
        {"\"hidden_size\": 8", "\"hidden_size\": 9", "hidden_size"},
        {"\"n_layers\": 1", "\"n_layers\": 2", "n_layers"},
        {"\"inputs\": [0]", "\"inputs\": [1]", "does not precede"},
        {"\"inputs\": [0]", "\"inputs\": [-1]", "cannot take that input"},
        {"\"inputs\": [0]", "\"inputs\": [0, 0]", "wrong number of inputs"},
        {"\"inputs\": [0]", "\"inputs\": [0.5]", "a whole number"},
        {"\"shape\": [50, 8]", "\"shape\": [50, 8, 1, 1]", "dimensions"},
        {"\"shape\": [50, 8]", "\"shape\": [0, 8]", "size 0"},
        {"\"shape\": [50, 8]", "\"shape\": [50, 9e15]", "out of range"},
        {"\"shape\": [50, 8]", "\"shape\": []", "dimensions"},
        {"\"tied_to\": 0", "\"tied_to\": 1", "tied to"},
        {"\"tied_to\": 0", "\"tied_to\": 99", "tied to"},
        {"\"weight\": 0", "\"weight\": 99", "weight out of range"},
        {"\"weight\": 0", "\"weight\": -2", "an index or -1"},
        {"\"width\": 8", "\"width\": 16", "width"},
        {"\"heads\": 2", "\"heads\": 3", "heads"},
        {"\"kv_heads\": 1", "\"kv_heads\": 0", "heads"},
        {"\"head_dim\": 4", "\"head_dim\": 9007199254740992", "heads"},
        {"\"theta\": 10000.0", "\"theta\": 0", "theta"},
        {"\"theta\": 10000.0", "\"theta\": 1e999", "JSON"},
        {"\"eps\": 1.1e-06", "\"eps\": -1", "eps"},
        {"\"op\": \"embed\"", "\"op\": \"linear\"", "cannot take that input"},
        {"\"op\": \"add\"", "\"op\": \"plus\"", NULL}, /* opaque */
        {"\"op\": \"add\"", "\"op\": \"add\", \"eps\": 1", "unknown key \"eps\""},
        {"\"op\": \"add\"", "\"op\": \"add\", \"op\": \"add\"", "JSON"},
        {"\"layer\": 0", "\"layer\": 70000", "layer"},
        {"layers.0.mlp.gate_proj\"", "layers.0.mlp.up_proj\"", "up_proj"},
    };
    rg_graph g, back;
    rg_error err = {0};
    rg_str json = {0};
    must(graph_of_text(&g, tiny, &err), &err);
    to_json(&g, &json);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = replaced(json.data, cases[i].from, cases[i].to), all[1100];
        rg_error why = {0};
        rg_status status = rg_graph_from_json(&back, text, strlen(text), &why);
        snprintf(all, sizeof all, "%s: %s; expected %s", why.where, why.message, why.expected);
        if (!cases[i].words) {
            assert_int_equal(status, RG_OK);
            rg_graph_close(&back);
        } else if (status != RG_ERR_PARSE || !strstr(all, cases[i].words)) {
            fail_msg("case %zu, %s: (%d) %s", i, cases[i].to, status, all);
        }
        free(text);
    }
    rg_str_free(&json);
    rg_graph_close(&g);
}

/* Whatever a reader accepts must come out again as itself. */
static void try_text(const char *text, size_t size) {
    rg_graph g;
    rg_error err = {0};
    rg_status status = rg_graph_from_json(&g, text, size, &err);
    if (status == RG_OK) {
        round_trip(&g);
        rg_graph_close(&g);
    } else {
        assert_int_equal(status, RG_ERR_PARSE);
        assert_true(err.message[0] != 0);
    }
}

static void cut_and_flip(rg_str *json) {
    static const char bytes[] = "\"\\{}[],:-0189eE.\n\t \x01\xff\xc3";
    for (size_t n = 0; n < json->len; n += 1 + n / 400) try_text(json->data, n);
    for (uint64_t i = 0; i < 1500; i++) {
        size_t at = rg_random_u32(1, 0, i) % json->len;
        char kept = json->data[at];
        json->data[at] = bytes[rg_random_u32(1, 1, i) % (sizeof bytes - 1)];
        try_text(json->data, json->len);
        json->data[at] = kept;
    }
}

/* Operators that are counted only: compressed attention with indexers; fixed rows beside tokens. */
static const char compressed[] =
    "model_type: deepseek_v4\nvocab_size: 20\nhidden_size: 8\nnum_hidden_layers: 2\nnum_attention_heads: 2\n"
    "num_key_value_heads: 1\nhead_dim: 8\nqk_rope_head_dim: 4\nq_lora_rank: 4\no_lora_rank: 4\no_groups: 2\n"
    "index_n_heads: 2\nindex_head_dim: 4\nindex_topk: 3\nmoe_intermediate_size: 4\nn_routed_experts: 4\n"
    "n_shared_experts: 1\nnum_experts_per_tok: 2\nhc_mult: 2\nrms_norm_eps: 1e-6\nhidden_act: silu\n"
    "scoring_func: sqrtsoftplus\ntopk_method: noaux_tc\nrouted_scaling_factor: 1.5\nsliding_window: 4\n"
    "swiglu_limit: 10.0\nmax_position_embeddings: 64\ncompress_ratios: [128, 4, 0]\n"
    "num_nextn_predict_layers: 1\nrope_scaling: {type: yarn, factor: 4, beta_fast: 32, beta_slow: 1,\n"
    "  original_max_position_embeddings: 16}\n";
static const char streams[] =
    "_class_name: FluxTransformer2DModel\nnum_attention_heads: 2\nattention_head_dim: 4\nin_channels: 4\n"
    "joint_attention_dim: 6\npooled_projection_dim: 5\nguidance_embeds: true\nnum_layers: 1\n"
    "num_single_layers: 1\n";

static void cuts_and_flips(void **state) {
    (void)state;
    rg_graph g;
    rg_error err = {0};
    rg_str json = {0};
    must(graph_of_text(&g, tiny, &err), &err);
    to_json(&g, &json);
    rg_graph_close(&g);
    cut_and_flip(&json);
    rg_str_free(&json);
    for (int i = 0; i < 2; i++) {
        must(graph_of_text(&g, i ? streams : compressed, &err), &err);
        to_json(&g, &json);
        rg_graph_close(&g);
        cut_and_flip(&json);
        rg_str_free(&json);
    }
    rg_str_add(&json, mixture);
    cut_and_flip(&json);
    rg_str_free(&json);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(round_trips),    cmocka_unit_test(opaque_round_trips),
        cmocka_unit_test(wrong_values),   cmocka_unit_test(wrong_mixtures),
        cmocka_unit_test(cuts_and_flips),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
