/* llama2.c files: both forms of one model give the same tensors; what does not fit is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tensor/file.h"

/* width 4, hidden 6, 2 layers, 2 heads, 1 key head, 3 tokens, 5 positions */
enum { D = 4, F = 6, L = 2, H = 2, KV = 2, VOCAB = 3, POSITIONS = 5, HALF = 1 };

typedef struct bytes {
    uint8_t *data;
    size_t size;
} bytes;

static void put(bytes *b, const void *data, size_t n) {
    b->data = realloc(b->data, b->size + n);
    memcpy(b->data + b->size, data, n);
    b->size += n;
}

/* n numbers that name their tensor: tag, tag + 1/1024, ... */
static void put_floats(bytes *b, int tag, int n) {
    for (int i = 0; i < n; i++) put(b, &(float){(float)tag + (float)i / 1024}, 4);
}

/* A tag for each tensor: 10 x kind + layer. */
enum { EMBED, NORM_A, Q, K, V, O, NORM_F, GATE, DOWN, UP, NORM, HEAD };
static void put_layers(bytes *b, int kind, int n) {
    for (int l = 0; l < L; l++) put_floats(b, 10 * kind + l, n);
}

static void put_attention(bytes *b) {
    put_layers(b, Q, D * D);
    put_layers(b, K, KV * D);
    put_layers(b, V, KV * D);
    put_layers(b, O, D * D);
}

static bytes legacy(bool shared) {
    bytes b = {0};
    put(&b, (int32_t[]){D, F, L, H, 1, shared ? VOCAB : -VOCAB, POSITIONS}, 28);
    put_floats(&b, 10 * EMBED, VOCAB * D);
    put_layers(&b, NORM_A, D);
    put_attention(&b);
    put_layers(&b, NORM_F, D);
    put_layers(&b, GATE, F * D);
    put_layers(&b, DOWN, D * F);
    put_layers(&b, UP, F * D);
    put_floats(&b, 10 * NORM, D);
    put_floats(&b, 999, 2 * POSITIONS * HALF);
    if (!shared) put_floats(&b, 10 * HEAD, VOCAB * D);
    return b;
}

static bytes version1(bool shared) {
    bytes b = {0};
    uint8_t header[256] = {0x32, 0x34, 0x6b, 0x61, 1};
    memcpy(header + 8, (int32_t[]){D, F, L, H, 1, VOCAB, POSITIONS}, 28);
    header[36] = shared;
    put(&b, header, 256);
    put_layers(&b, NORM_A, D);
    put_layers(&b, NORM_F, D);
    put_floats(&b, 10 * NORM, D);
    put_floats(&b, 10 * EMBED, VOCAB * D);
    put_attention(&b);
    put_layers(&b, GATE, F * D);
    put_layers(&b, DOWN, D * F);
    put_layers(&b, UP, F * D);
    if (!shared) put_floats(&b, 10 * HEAD, VOCAB * D);
    return b;
}

static rg_tensor_file *open_good(bytes b) {
    rg_tensor_file *file = NULL;
    rg_error err = {0};
    if (tensor_file_open_memory(&file, b.data, b.size, "m.bin", &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
    return file;
}

static void check(const rg_tensor_file *f, const char *name, int tag, int64_t rows, int64_t cols) {
    const rg_tensor_info *t = rg_tensor_file_find(f, name);
    float out[64];
    if (!t) fail_msg("no tensor %s", name);
    assert_int_equal(t->shape[0], rows);
    assert_int_equal(t->n_dims, cols ? 2 : 1);
    if (cols) assert_int_equal(t->shape[1], cols);
    assert_int_equal(rg_tensor_read_f32(f, t, out, NULL), RG_OK);
    const int64_t n = rows * (cols ? cols : 1);
    for (int64_t i = 0; i < n; i++) assert_true(out[i] == (float)tag + (float)i / 1024);
}

static void names_and_values(void **state) {
    (void)state;
    for (int form = 0; form < 4; form++) {
        const bool shared = form & 1;
        bytes b = form < 2 ? legacy(shared) : version1(shared);
        rg_tensor_file *f = open_good(b);
        assert_int_equal(rg_tensor_file_count(f), 2 + 9 * L + !shared);
        check(f, "model.embed_tokens.weight", 10 * EMBED, VOCAB, D);
        check(f, "model.norm.weight", 10 * NORM, D, 0);
        check(f, "model.layers.0.self_attn.q_proj.weight", 10 * Q, D, D);
        check(f, "model.layers.1.input_layernorm.weight", 10 * NORM_A + 1, D, 0);
        check(f, "model.layers.1.self_attn.k_proj.weight", 10 * K + 1, KV, D);
        check(f, "model.layers.1.self_attn.v_proj.weight", 10 * V + 1, KV, D);
        check(f, "model.layers.1.self_attn.o_proj.weight", 10 * O + 1, D, D);
        check(f, "model.layers.1.post_attention_layernorm.weight", 10 * NORM_F + 1, D, 0);
        check(f, "model.layers.1.mlp.gate_proj.weight", 10 * GATE + 1, F, D);
        check(f, "model.layers.1.mlp.down_proj.weight", 10 * DOWN + 1, D, F);
        check(f, "model.layers.1.mlp.up_proj.weight", 10 * UP + 1, F, D);
        if (!shared) check(f, "lm_head.weight", 10 * HEAD, VOCAB, D);
        int64_t heads = 0;
        assert_true(rg_tensor_meta_int(f, "llama.attention.head_count", &heads) && heads == H);
        rg_tensor_file_close(f);
        free(b.data);
    }
}

static void expect_error(bytes b, size_t size, rg_status status, const char *message) {
    uint8_t *copy = malloc(size ? size : 1);
    rg_tensor_file *f = NULL;
    rg_error err = {0};
    memcpy(copy, b.data, size);
    const rg_status found = tensor_file_open_memory(&f, copy, size, "m.bin", &err);
    if (found != status || !strstr(err.message, message) || !strstr(err.where, "m.bin@byte") ||
        !err.expected[0])
        fail_msg("%s: %s: %s; expected %s", rg_status_name(found), err.where, err.message, err.expected);
    free(copy);
}

static void damaged_files(void **state) {
    (void)state;
    for (int form = 0; form < 2; form++) {
        bytes b = form ? version1(true) : legacy(true);
        const size_t header = form ? 8 : 0;
        for (size_t n = 0; n < b.size; n++) expect_error(b, n, RG_ERR_PARSE, "");
        put(&b, "more", 4);
        expect_error(b, b.size, RG_ERR_PARSE, "llama2.c file of");
        b.size -= 4;
        static const int32_t bad[] = {0, -1, INT32_MIN, INT32_MAX, 3, 1 << 16};
        for (size_t field = 0; field < (form ? 6 : 7); field++) /* version 1 stores nothing by position */
            for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
                int32_t kept;
                memcpy(&kept, b.data + header + 4 * field, 4);
                memcpy(b.data + header + 4 * field, &bad[k], 4);
                if (kept != bad[k]) expect_error(b, b.size, RG_ERR_PARSE, "");
                memcpy(b.data + header + 4 * field, &kept, 4);
            }
        free(b.data);
    }
    bytes b = version1(true);
    b.data[4] = 2;
    expect_error(b, b.size, RG_ERR_UNSUPPORTED, "version 2");
    free(b.data);
}

/* The two files of the shared data hold one model. */
static void stories_forms_agree(void **state) {
    (void)state;
    const char *dir = getenv("RIDGE_SHARED");
    char path[2][1024];
    rg_tensor_file *f[2] = {NULL, NULL};
    for (int i = 0; i < 2; i++) {
        snprintf(path[i], sizeof path[i], "%s/models/stories260k/stories260K%s.bin",
                 dir ? dir : RIDGE_SOURCE_DIR "/../shared/data", i ? ".v1" : "");
        if (access(path[i], R_OK) != 0) {
            printf("skipped: shared data absent\n");
            skip();
        }
        assert_int_equal(rg_tensor_file_open(&f[i], path[i], NULL), RG_OK);
    }
    assert_int_equal(rg_tensor_file_count(f[0]), 47);
    assert_int_equal(rg_tensor_file_count(f[1]), 47);
    static float a[1 << 16], b[1 << 16];
    for (size_t i = 0; i < 47; i++) {
        const rg_tensor_info *x = rg_tensor_file_info(f[0], i), *y = rg_tensor_file_find(f[1], x->name);
        assert_non_null(y);
        assert_true(x->bytes == y->bytes && x->bytes <= sizeof a);
        assert_int_equal(rg_tensor_read_f32(f[0], x, a, NULL), RG_OK);
        assert_int_equal(rg_tensor_read_f32(f[1], y, b, NULL), RG_OK);
        assert_memory_equal(a, b, x->bytes);
    }
    rg_tensor_file_close(f[0]);
    rg_tensor_file_close(f[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_values), cmocka_unit_test(damaged_files),
                                       cmocka_unit_test(stories_forms_agree)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
