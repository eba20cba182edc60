/* Hugging Face folders: the weights, against those of the same model in GGUF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/load.h"
#include "unit/model/folder_model.h"
#include "unit/model/model_files.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static rg_model source;

static int open_source(void **state) {
    (void)state;
    size_t size;
    uint8_t *data = gguf_model_bytes(&(gguf_model){.random = true}, &size);
    rg_file_write("tiny.gguf", data, size, NULL);
    free(data);
    return rg_model_open(&source, "tiny.gguf", DATA, true, NULL) != RG_OK;
}

static int close_source(void **state) {
    (void)state;
    rg_model_close(&source);
    return 0;
}

/* Graph and weights of a folder, without its tokenizer. */
static rg_status weights_of(rg_model *m, const char *dir, rg_error *err) {
    char config[256];
    rg_tensor_file *file;
    *m = (rg_model){0};
    snprintf(config, sizeof config, "%s/config.json", dir);
    RG_TRY(rg_graph_from_file(&m->graph, config, DATA "/families", err));
    rg_status status = rg_tensor_file_open(&file, dir, err);
    if (status == RG_OK) {
        status = load_weights(m, NULL, file, err);
        rg_tensor_file_close(file);
    }
    if (status != RG_OK) rg_model_close(m);
    return status;
}

static void same_weights(void **state) {
    (void)state;
    static const folder_model kinds[] = {{0},
                                         {.bare = true},
                                         {.tied_again = true},
                                         {.wide = true},
                                         {.shards = 3},
                                         {.dtype = "BF16"},
                                         {.extra_tensor = "model.layers.1.self_attn.rotary_emb.inv_freq"}};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        rg_model m;
        rg_error err = {0};
        char dir[16];
        snprintf(dir, sizeof dir, "hf%zu", k);
        folder_make(dir, &source, &kinds[k]);
        if (weights_of(&m, dir, &err) != RG_OK)
            fail_msg("%zu: %s: %s; expected %s", k, err.where, err.message, err.expected);
        assert_int_equal(m.graph.n_weights, source.graph.n_weights);
        for (size_t i = 0; i < m.graph.n_weights; i++) {
            const rg_graph_weight *w = &m.graph.weight[i];
            const size_t n = (size_t)w->shape[0] * (w->n_dims > 1 ? (size_t)w->shape[1] : 1);
            assert_string_equal(w->name, source.graph.weight[i].name);
            for (size_t j = 0; j < n; j++) {
                uint32_t bits;
                memcpy(&bits, &source.weight[i][j], 4);
                if (kinds[k].dtype) bits &= 0xffff0000;
                assert_memory_equal(&bits, &m.weight[i][j], 4);
            }
        }
        rg_model_close(&m);
    }
}

static void stored_transposed(void **state) {
    (void)state;
    static const char family[] = "\ncheckpoint:\n  transposed: [\"*.mlp.down_proj.weight\"]\n";
    rg_model m;
    char *text, *graph;
    size_t size;
    assert_int_equal(rg_dir_make("families", NULL), RG_OK);
    assert_int_equal(rg_file_read(DATA "/families/llama.yaml", 1 << 20, &text, &size, NULL), RG_OK);
    graph = strstr(text, "checkpoint:");
    assert_non_null(graph);
    *graph = 0;
    rg_str yaml = {0};
    rg_str_printf(&yaml, "%s%s", text, family);
    rg_str_add(&yaml, strstr(graph + 1, "graph:"));
    assert_int_equal(rg_file_write("families/llama.yaml", yaml.data, yaml.len, NULL), RG_OK);
    rg_str_free(&yaml);
    free(text);
    folder_make("hft", &source, &(folder_model){0});
    m = (rg_model){0};
    rg_tensor_file *file;
    rg_error err = {0};
    assert_int_equal(rg_graph_from_file(&m.graph, "hft/config.json", "families", NULL), RG_OK);
    assert_int_equal(rg_tensor_file_open(&file, "hft", NULL), RG_OK);
    assert_int_equal(load_weights(&m, NULL, file, &err), RG_ERR_MISMATCH); /* 12 x 8 wanted */
    assert_non_null(strstr(err.expected, "transposed"));
    rg_tensor_file_close(file);
    rg_model_close(&m);
    /* exchange the sizes in the header: then element [r][c] stands at [c][r] */
    assert_int_equal(rg_file_read("hft/model.safetensors", 1 << 20, &text, &size, NULL), RG_OK);
    for (char *p = text + 8; (p = memmem(p, size - (size_t)(p - text), "down_proj", 9)); p++) {
        char *shape = strstr(p, "[8,12]");
        assert_non_null(shape);
        memcpy(shape, "[12,8]", 6);
    }
    assert_int_equal(rg_file_write("hft/model.safetensors", text, size, NULL), RG_OK);
    free(text);
    m = (rg_model){0};
    assert_int_equal(rg_graph_from_file(&m.graph, "hft/config.json", "families", NULL), RG_OK);
    assert_int_equal(rg_tensor_file_open(&file, "hft", NULL), RG_OK);
    assert_int_equal(load_weights(&m, NULL, file, NULL), RG_OK);
    for (size_t i = 0; i < m.graph.n_weights; i++)
        if (strcmp(m.graph.weight[i].name, "model.layers.1.mlp.down_proj.weight") == 0)
            for (int r = 0; r < GM_D; r++)
                for (int c = 0; c < GM_F; c++)
                    assert_true(m.weight[i][r * GM_F + c] == source.weight[i][c * GM_D + r]);
    rg_tensor_file_close(file);
    rg_model_close(&m);
}

static void refused(void **state) {
    (void)state;
    static const struct {
        folder_model model;
        rg_status status;
        const char *message;
    } rows[] = {
        {{.extra_tensor = "model.layers.1.mlp.extra"},
         RG_ERR_UNSUPPORTED,
         "\"model.layers.1.mlp.extra\" is not"},
        {{.skip_tensor = "model.norm.weight"}, RG_ERR_MISMATCH, "model.norm.weight"},
        {{.dtype = "I8"}, RG_ERR_UNSUPPORTED, "is of type i8: a quantized checkpoint"},
        {{.tied_other = true}, RG_ERR_MISMATCH, "\"lm_head.weight\" differs"},
        {{.family = "qwen3"}, RG_ERR_MISMATCH, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rg_model m;
        rg_error err = {0};
        folder_make("bad", &source, &rows[i].model);
        if (weights_of(&m, "bad", &err) != rows[i].status || !strstr(err.message, rows[i].message))
            fail_msg("%zu: %s: %s", i, err.where, err.message);
    }
}

/* What a folder is called, and what is missing in it. */
static void folders(void **state) {
    (void)state;
    static const char *const specs[] = {"hfs", "hfs/", "hfs/model.safetensors"};
    rg_model m;
    rg_error err = {0};
    folder_make("hfs", &source, &(folder_model){0});
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(rg_model_open(&m, specs[i], DATA, false, &err), RG_OK);
        assert_non_null(strstr(m.path, "config.json"));
        rg_model_close(&m);
        assert_int_equal(rg_model_open(&m, specs[i], DATA, true, &err), RG_ERR_UNSUPPORTED);
        assert_non_null(strstr(err.message, "no tokenizer"));
    }
    rg_digest a, b, c;
    assert_int_equal(load_digest("hfs/model.safetensors", &a, NULL), RG_OK);
    assert_int_equal(rg_sha256_file("hfs/model.safetensors", &b, NULL), RG_OK);
    assert_string_equal(a.hex, b.hex);
    folder_make("hfd", &source, &(folder_model){.shards = 2});
    assert_int_equal(load_digest("hfd/model.safetensors.index.json", &a, NULL), RG_OK);
    rg_sha256_file("hfd/part-0.safetensors", &b, NULL);
    rg_sha256_file("hfd/part-1.safetensors", &c, NULL);
    rg_str lines = {0};
    rg_str_printf(&lines, "%s  part-0.safetensors\n%s  part-1.safetensors\n", b.hex, c.hex);
    assert_string_equal(a.hex, rg_sha256(lines.data, lines.len).hex);
    rg_str_free(&lines);
    assert_int_equal(rg_dir_make("empty", NULL), RG_OK);
    assert_int_equal(rg_model_open(&m, "empty", DATA, true, &err), RG_ERR_IO);
}

/* With its tokenizer: opened, written, opened again. */
static void whole(void **state) {
    (void)state;
    static const char words[] = "ab it's abc";
    rg_model m, back;
    rg_error err = {0};
    folder_make("whole", &source, &(folder_model){.n_tokens = 257, .shards = 2});
    if (rg_model_open(&m, "whole", DATA, true, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    assert_string_equal(m.path, "whole/model.safetensors.index.json");
    if (rg_model_save(&m, "copy", &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    if (rg_model_open(&back, "copy/", DATA, true, &err) != RG_OK) fail_msg("%s: %s", err.where, err.message);
    for (size_t i = 0; i < m.graph.n_weights; i++)
        assert_memory_equal(m.weight[i], back.weight[i], 4 * (size_t)m.graph.weight[i].shape[0]);
    const rg_model *models[] = {&source, &m, &back};
    int32_t *id[3];
    size_t n[3];
    for (int i = 0; i < 3; i++)
        assert_int_equal(rg_tokenize(models[i]->tokenizer, words, sizeof words - 1, &id[i], &n[i], NULL),
                         RG_OK);
    for (int i = 1; i < 3; i++) {
        assert_int_equal(n[0], n[i]);
        assert_memory_equal(id[0], id[i], n[0] * sizeof **id);
    }
    for (int i = 0; i < 3; i++) free(id[i]);
    rg_model_close(&m);
    rg_model_close(&back);
    /* ids without a row */
    folder_make("many", &source, &(folder_model){.n_tokens = 258});
    assert_int_equal(rg_model_open(&m, "many", DATA, true, &err), RG_ERR_MISMATCH);
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(same_weights), cmocka_unit_test(stored_transposed),
                                       cmocka_unit_test(refused), cmocka_unit_test(folders),
                                       cmocka_unit_test(whole)};
    return cmocka_run_group_tests(tests, open_source, close_source);
}
