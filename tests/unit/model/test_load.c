/* Loading models: names, shapes and rotary pairs of GGUF against the family's, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "ridge/tensor.h"
#include "unit/model/gguf_model.h"
#include "unit/model/model_files.h"
#include "ridge/model.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static void write_model(const char *path, const gguf_model *m) {
    size_t size;
    uint8_t *data = gguf_model_bytes(m, &size);
    assert_int_equal(rg_file_write(path, data, size, NULL), RG_OK);
    free(data);
}

static void open_good(rg_model *model, const char *path, bool weights) {
    rg_error err = {0};
    if (rg_model_open(model, path, DATA, weights, &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
}

static const float *weight(const rg_model *m, const char *name, int64_t rows, int64_t cols) {
    for (size_t i = 0; i < m->graph.n_weights; i++) {
        const rg_graph_weight *w = &m->graph.weight[i];
        if (strcmp(w->name, name) != 0) continue;
        assert_int_equal(w->shape[0], rows);
        if (cols) assert_int_equal(w->shape[1], cols);
        assert_int_equal((uintptr_t)m->weight[i] % 64, 0);
        return m->weight[i];
    }
    fail_msg("no weight %s", name);
    return NULL;
}

static float element(int row, int col) {
    return (float)(100 * row + col + 1) / 1024;
}

/* Row of the file that holds feature i of a head: pairs (2 j, 2 j + 1) there, (j, j + hd / 2) in the graph.
 */
static int file_row(int i) {
    return i / GM_HD * GM_HD + (i % GM_HD % (GM_HD / 2)) * 2 + i % GM_HD / (GM_HD / 2);
}

static void llama_of_gguf(void **state) {
    (void)state;
    for (int form = 0; form < 4; form++) {
        const gguf_model given = {.untied = form & 1, .biases = form & 2};
        rg_model m;
        write_model("tiny.gguf", &given);
        open_good(&m, "tiny.gguf", true);
        assert_string_equal(m.graph.family, "llama");
        assert_string_equal(m.graph.model, "tiny");
        assert_int_equal(m.graph.n_layers, GM_L);
        assert_int_equal(m.graph.max_positions, 64);
        assert_int_equal(rg_tokenizer_vocab_size(m.tokenizer), GM_VOCAB);
        const float *q = weight(&m, "model.layers.1.self_attn.q_proj.weight", 8, 8);
        const float *k = weight(&m, "model.layers.1.self_attn.k_proj.weight", 4, 8);
        const float *v = weight(&m, "model.layers.1.self_attn.v_proj.weight", 4, 8);
        const float *down = weight(&m, "model.layers.0.mlp.down_proj.weight", 8, 12);
        for (int r = 0; r < 8; r++)
            for (int c = 0; c < 8; c++) {
                assert_true(q[8 * r + c] == element(file_row(r), c));
                if (r < 4) assert_true(k[8 * r + c] == element(file_row(r), c));
                if (r < 4) assert_true(v[8 * r + c] == element(r, c));
                assert_true(down[12 * r + c] == element(r, c));
            }
        if (given.biases) {
            const float *bias = weight(&m, "model.layers.0.self_attn.q_proj.bias", 8, 0);
            for (int r = 0; r < 8; r++) assert_true(bias[r] == element(file_row(r), 0));
        }
        const float *embedding = weight(&m, "model.embed_tokens.weight", GM_VOCAB, 8);
        const float *head = weight(&m, "lm_head.weight", GM_VOCAB, 8);
        assert_true((embedding == head) == !given.untied);
        rg_model_close(&m);
    }
}

/* Qwen3 files keep the rows where the checkpoint has them. */
static void qwen3_of_gguf(void **state) {
    (void)state;
    rg_model m;
    write_model("tiny.gguf", &(gguf_model){.architecture = "qwen3"});
    open_good(&m, "tiny.gguf", true);
    assert_string_equal(m.graph.family, "qwen3");
    const float *q = weight(&m, "model.layers.1.self_attn.q_proj.weight", 8, 8);
    for (int i = 0; i < 64; i++) assert_true(q[i] == element(i / 8, i % 8));
    weight(&m, "model.layers.0.self_attn.q_norm.weight", GM_HD, 0);
    rg_model_close(&m);
}

static void stories_of_both_forms(void **state) {
    (void)state;
    const char *a = shared_file("models/stories260k/stories260K.bin");
    const char *b = shared_file("models/stories260k/stories260K.v1.bin");
    if (!a || !b) skip_absent("shared data");
    rg_model x, y;
    open_good(&x, a, true);
    open_good(&y, b, true);
    assert_string_equal(x.sha256.hex, "b0a507e7ad0f626624f17112325e66691f9076d622e1d3274d103d00299f2696");
    assert_int_equal(x.graph.n_weights, 48);
    for (size_t i = 0; i < 48; i++) {
        const rg_graph_weight *w = &x.graph.weight[i];
        assert_string_equal(w->name, y.graph.weight[i].name);
        const size_t n = (size_t)(w->shape[0] * (w->n_dims > 1 ? w->shape[1] : 1));
        assert_memory_equal(x.weight[i], y.weight[i], n * sizeof(float));
    }
    assert_int_equal(rg_tokenizer_vocab_size(x.tokenizer), 512);
    rg_model_close(&x);
    rg_model_close(&y);
}

static void default_model_of_gguf(void **state) {
    (void)state;
    if (!default_model()) skip_absent("default model");
    rg_model m, config;
    open_good(&m, default_model(), true);
    open_good(&config, "smollm2-135m", false); /* the published config has the same weights */
    assert_int_equal(m.graph.n_weights, config.graph.n_weights);
    for (size_t i = 0; i < m.graph.n_weights; i++) {
        const rg_graph_weight *a = &m.graph.weight[i], *b = &config.graph.weight[i];
        assert_string_equal(a->name, b->name);
        assert_true(a->n_dims == b->n_dims && memcmp(a->shape, b->shape, sizeof a->shape) == 0);
        assert_int_equal(a->tied_to, b->tied_to);
    }
    for (size_t i = 0; i < m.graph.n_nodes; i++)
        assert_string_equal(m.graph.node[i].name, config.graph.node[i].name);
    rg_model_close(&m);
    rg_model_close(&config);
}

/* ---- configs ------------------------------------------------------------------------------------ */

static void expect(const char *spec, bool weights, rg_status status, const char *message, const char *where) {
    rg_model m;
    memset(&m, 0x55, sizeof m);
    rg_error err = {0};
    const rg_status found = rg_model_open(&m, spec, DATA, weights, &err);
    if (found != status || !strstr(err.message, message) || !strstr(err.where, where) || !err.expected[0])
        fail_msg("%s: %s: %s; expected %s", rg_status_name(found), err.where, err.message, err.expected);
    for (size_t i = 0; i < sizeof m; i++) assert_int_equal(((uint8_t *)&m)[i], 0x55); /* untouched */
}

static void configs(void **state) {
    (void)state;
    rg_model m;
    open_good(&m, "llama-3.1-8b", false);
    assert_null(m.weight);
    assert_null(m.tokenizer);
    assert_int_equal(m.graph.n_layers, 32);
    assert_int_equal(strlen(m.sha256.hex), 64);
    rg_model_close(&m);
    expect("llama-3.1-8b", true, RG_ERR_UNSUPPORTED, "without weights", "llama-3.1-8b");
    expect("no-such-model", false, RG_ERR_USAGE, "no model is called \"no-such-model\"", "");
    expect("no/such.gguf", true, RG_ERR_IO, "cannot open", "no/such.gguf");
    expect("no-such.json", false, RG_ERR_IO, "cannot open", "no-such.json");
    static const char config[] =
        "{\"model_type\": \"llama\", \"hidden_size\": 8, \"intermediate_size\": 12,"
        " \"num_hidden_layers\": 2, \"num_attention_heads\": 2, \"vocab_size\": 5%s}";
    char text[512];
    snprintf(text, sizeof text, config, "");
    assert_int_equal(rg_dir_make("hf", NULL), RG_OK);
    assert_int_equal(rg_file_write("hf/config.json", text, strlen(text), NULL), RG_OK);
    open_good(&m, "hf", false); /* a folder */
    assert_string_equal(m.path, "hf/config.json");
    rg_model_close(&m);
    expect("hf", true, RG_ERR_UNSUPPORTED, "safetensors", "hf");
    expect("hf/config.json", true, RG_ERR_UNSUPPORTED, "no weights", "hf/config.json");
    snprintf(text, sizeof text, config, ", \"new_trick\": 1");
    assert_int_equal(rg_file_write("hf/config.json", text, strlen(text), NULL), RG_OK);
    expect("hf/config.json", false, RG_ERR_UNSUPPORTED, "new_trick", "hf/config.json");
}

/* ---- files that do not fit ---------------------------------------------------------------------- */

static void refused_models(void **state) {
    (void)state;
    static const struct {
        gguf_model model;
        rg_status status;
        const char *message;
    } rows[] = {
        {{.architecture = "mamba"}, RG_ERR_UNSUPPORTED, "general.architecture is \"mamba\""},
        {{.skip_key = "block_count"}, RG_ERR_PARSE, "missing"},
        {{.extra_key = "rope.scaling.factor", .extra_value = 8}, RG_ERR_UNSUPPORTED, "unknown metadata"},
        {{.extra_key = "attention.sliding_window", .extra_value = 4096}, RG_ERR_UNSUPPORTED, "4096"},
        {{.extra_key = "expert_count", .extra_value = 8}, RG_ERR_UNSUPPORTED, "8"},
        {{.extra_key = "attention.value_length", .extra_value = 3}, RG_ERR_UNSUPPORTED, "3"},
        {{.extra_key = "rope.scaling.type", .extra_value = 1}, RG_ERR_UNSUPPORTED, "scaling"},
        {{.extra_key = "vocab_size", .extra_value = 300}, RG_ERR_MISMATCH, "257 tokens"},
        {{.n_tokens = 260}, RG_ERR_MISMATCH, "the tokenizer has 260 tokens"},
        {{.pre = "deepseek"}, RG_ERR_UNSUPPORTED, "pre-tokenizer \"deepseek\""},
        {{.skip_tensor = "blk.1.attn_k.weight"}, RG_ERR_MISMATCH, "model.layers.1.self_attn.k_proj.weight"},
        {{.short_tensor = "blk.1.ffn_up.weight"},
         RG_ERR_MISMATCH,
         "\"blk.1.ffn_up.weight\" has shape [13][8]"},
        {{.nan_tensor = "blk.0.attn_v.weight"},
         RG_ERR_PARSE,
         "element 3 of tensor \"blk.0.attn_v.weight\" is NaN"},
        {{.extra_tensor = "blk.0.ffn_gate_inp.weight"},
         RG_ERR_UNSUPPORTED,
         "\"blk.0.ffn_gate_inp.weight\" is not used"},
        {{.extra_tensor = "rope_freqs.weight", .extra_fill = 8},
         RG_ERR_UNSUPPORTED,
         "\"rope_freqs.weight\" is 8"},
        {{.architecture = "qwen3", .skip_tensor = "blk.0.attn_q_norm.weight"}, RG_ERR_MISMATCH, "q_norm"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        write_model("bad.gguf", &rows[i].model);
        expect("bad.gguf", true, rows[i].status, rows[i].message, "bad.gguf");
    }
    rg_model m;
    write_model("good.gguf", &(gguf_model){.extra_tensor = "rope_freqs.weight", .extra_fill = 1});
    open_good(&m, "good.gguf", true); /* factors of 1 say nothing */
    rg_model_close(&m);
}

/* Anything but a crash; what opens must hold finite weights. */
static void flipped_bytes(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = gguf_model_bytes(&(gguf_model){.random = true}, &size), *copy = malloc(size);
    int n_good = 0, n_bad = 0;
    for (uint64_t round = 0; round < 1500; round++) {
        memcpy(copy, data, size);
        for (uint64_t k = 0; k <= round % 2; k++) /* half of them in keys and values of the architecture */
            copy[rg_random_u32(12, round, 2 * k) % (round % 4 < 2 ? 700 : size)] =
                round % 5 ? (uint8_t)rg_random_u32(12, round, 2 * k + 1) : (uint8_t)(round % 7);
        rg_model m;
        rg_error err = {0};
        assert_int_equal(rg_file_write("flip.gguf", copy, size, NULL), RG_OK);
        if (rg_model_open(&m, "flip.gguf", DATA, true, &err) != RG_OK) {
            assert_true(err.message[0] != 0);
            n_bad++;
            continue;
        }
        n_good++;
        for (size_t i = 0; i < m.graph.n_weights; i++) assert_true(isfinite(m.weight[i][0]));
        rg_model_close(&m);
    }
    assert_true(n_good > 50 && n_bad > 50);
    free(copy);
    free(data);
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(llama_of_gguf),
        cmocka_unit_test(qwen3_of_gguf),
        cmocka_unit_test(stories_of_both_forms),
        cmocka_unit_test(default_model_of_gguf),
        cmocka_unit_test(configs),
        cmocka_unit_test(refused_models),
        cmocka_unit_test(flipped_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
