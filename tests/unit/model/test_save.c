/* Models written and read back: the same weights, the same tokenizer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "ridge/model.h"
#include "model/save.h"
#include "unit/model/folder_model.h"
#include "unit/model/model_files.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static void open_good(rg_model *m, const char *path) {
    rg_error err = {0};
    if (rg_model_open(m, path, DATA, true, &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
}

static void save_good(const rg_model *m, const char *path) {
    rg_error err = {0};
    if (rg_model_save(m, path, &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
}

static void same_weights(const rg_model *a, const rg_model *b) {
    assert_int_equal(a->graph.n_weights, b->graph.n_weights);
    for (size_t i = 0; i < a->graph.n_weights; i++) {
        const rg_graph_weight *w = &a->graph.weight[i];
        assert_memory_equal(a->weight[i], b->weight[i],
                            4 * (size_t)w->shape[0] * (w->n_dims > 1 ? (size_t)w->shape[1] : 1));
    }
}

static void same_tokens(const rg_model *a, const rg_model *b) {
    static const char text[] = "Once upon a time, ab  there\n";
    int32_t *id[2];
    size_t n[2];
    assert_int_equal(rg_tokenize(a->tokenizer, text, sizeof text - 1, &id[0], &n[0], NULL), RG_OK);
    assert_int_equal(rg_tokenize(b->tokenizer, text, sizeof text - 1, &id[1], &n[1], NULL), RG_OK);
    assert_int_equal(n[0], n[1]);
    assert_memory_equal(id[0], id[1], n[0] * sizeof *id[0]);
    free(id[0]);
    free(id[1]);
}

static void refuse(const rg_model *m, const char *path, rg_status status, const char *message) {
    rg_error err = {0};
    assert_int_equal(rg_model_save(m, path, &err), status);
    if (!strstr(err.message, message)) fail_msg("%s: %s", err.where, err.message);
}

static void write_gguf(const char *path, const gguf_model *m) {
    size_t size;
    uint8_t *data = gguf_model_bytes(m, &size);
    assert_int_equal(rg_file_write(path, data, size, NULL), RG_OK);
    free(data);
}

static void gguf(void **state) {
    (void)state;
    static const gguf_model kinds[] = {
        {.random = true},
        {.random = true, .untied = true, .biases = true},
        {.random = true, .architecture = "qwen3"},
        {.random = true, .extra_tensor = "rope_freqs.weight", .extra_fill = 1},
    };
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        rg_model a, b;
        write_gguf("a.gguf", &kinds[k]);
        open_good(&a, "a.gguf");
        for (int changed = 0; changed < 2; changed++) {
            const char *path = changed ? "c.out" : "b.gguf"; /* without an ending: as the source */
            if (changed) assert_int_equal(rg_model_stress(&a, (int64_t[]){1}, 1, 3, NULL), RG_OK);
            save_good(&a, path);
            open_good(&b, path);
            same_weights(&a, &b);
            same_tokens(&a, &b);
            rg_model_close(&b);
        }
        refuse(&a, "d.bin", RG_ERR_UNSUPPORTED, "came from gguf");
        refuse(&a, "./a.gguf", RG_ERR_USAGE, "source would be overwritten");
        refuse(&a, "no/such/folder/a.gguf", RG_ERR_IO, "cannot write");
        write_gguf("a.gguf", &(gguf_model){.random = true, .n_tokens = 257, .untied = true});
        refuse(&a, "e.gguf", RG_ERR_MISMATCH, "changed since");
        rg_model_close(&a);
    }
    assert_true(access("d.bin", F_OK) != 0 && access("e.gguf", F_OK) != 0);
}

static void llama2c(void **state) {
    (void)state;
    static const char *const files[] = {"models/stories260k/stories260K.bin",
                                        "models/stories260k/stories260K.v1.bin"};
    if (!shared_file(files[0])) skip_absent("stories260k");
    for (int k = 0; k < 2; k++) {
        rg_model a, b;
        char *x, *y;
        size_t n, m;
        open_good(&a, shared_file(files[k]));
        save_good(&a, "same.bin");
        assert_int_equal(rg_file_read(shared_file(files[k]), 1 << 24, &x, &n, NULL), RG_OK);
        assert_int_equal(rg_file_read("same.bin", 1 << 24, &y, &m, NULL), RG_OK);
        assert_true(n == m && memcmp(x, y, n) == 0); /* to the byte */
        free(x);
        free(y);
        assert_int_equal(rg_model_stress(&a, (int64_t[]){5, 40}, 2, 50, NULL), RG_OK);
        save_good(&a, "stressed.bin"); /* the tokenizer that is there is the same one */
        open_good(&b, "stressed.bin");
        same_weights(&a, &b);
        same_tokens(&a, &b);
        rg_model_close(&b);
        refuse(&a, "a.gguf", RG_ERR_UNSUPPORTED, "came from llama2c");
        assert_int_equal(rg_dir_make("other", NULL), RG_OK);
        assert_int_equal(rg_file_write("other/tok512.bin", "x", 1, NULL), RG_OK);
        refuse(&a, "other/a.bin", RG_ERR_MISMATCH, "another tokenizer");
        assert_true(access("other/a.bin", F_OK) != 0);
        refuse(&a, "other/tok512.bin", RG_ERR_USAGE, "tokenizer's name");
        rg_model_close(&a);
    }
}

/* Of a folder the weights alone, as its tokenizer is read elsewhere. */
static void folder(void **state) {
    (void)state;
    static const folder_model kinds[] = {
        {0}, {.bare = true}, {.tied_again = true}, {.shards = 2}, {.wide = true}};
    rg_model source;
    write_gguf("f.gguf", &(gguf_model){.random = true});
    open_good(&source, "f.gguf");
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char dir[16], out[16], path[64];
        rg_model m = {0}, back = {0};
        rg_tensor_file *file;
        snprintf(dir, sizeof dir, "in%zu", k);
        snprintf(out, sizeof out, "out%zu", k);
        folder_make(dir, &source, &kinds[k]);
        for (int pass = 0; pass < 2; pass++) {
            rg_model *into = pass ? &back : &m;
            snprintf(path, sizeof path, "%s/config.json", pass ? out : dir);
            assert_int_equal(rg_graph_from_file(&into->graph, path, DATA "/families", NULL), RG_OK);
            assert_int_equal(rg_tensor_file_open(&file, pass ? out : dir, NULL), RG_OK);
            assert_int_equal(load_weights(into, NULL, file, NULL), RG_OK);
            snprintf(into->path, sizeof into->path, "%s", rg_tensor_file_path(file));
            rg_tensor_file_close(file);
            if (pass) break;
            assert_int_equal(load_digest(m.path, &m.sha256, NULL), RG_OK);
            assert_int_equal(rg_model_stress(&m, (int64_t[]){1}, 1, 3, NULL), RG_OK);
            save_good(&m, out);
            refuse(&m, out, RG_ERR_IO, "would be overwritten");
            refuse(&m, "x.gguf", RG_ERR_UNSUPPORTED, "from a folder");
        }
        same_weights(&m, &back);
        rg_model_close(&m);
        rg_model_close(&back);
    }
    rg_model_close(&source);
}

int main(void) {
    if (!enter_scratch_folder()) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(gguf), cmocka_unit_test(llama2c),
                                       cmocka_unit_test(folder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
