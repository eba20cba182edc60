/* Linear operators whose operands are integers times scales give the bits of num_integer_dot; others stay
   fp32 chains. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "num/integer_dot.h"
#include "unit/model/instance.h"

enum { VOCAB = 37, D = 172, HIDDEN = 72, LENGTH = 50, MOST = HIDDEN * D };

/* Two readers of x, of which one makes what the head reads. */
static const char statements[] = "  - x = embed(token, W[vocab, 172] \"embed.weight\")\n"
                                 "  - a = linear(x, W[72, 172] \"first.weight\")\n"
                                 "  - b = linear(x, W[72, 172] \"second.weight\")\n"
                                 "  - c = multiply(a, b, name = \"product\")\n"
                                 "  - y = linear(c, W[vocab, 72] \"head.weight\")\n";

/* y[rows][n] = x[rows][k] W[n][k]^T */
static void defined(const char *x_text, const char *w_text, const float *x, size_t rows, const float *w,
                    size_t n, size_t k, float *y) {
    static int8_t xq[LENGTH * D], wq[MOST];
    static float xs[LENGTH * D], ws[MOST];
    rg_quant quant[2];
    num_integer_form form[2];
    assert_int_equal(rg_quant_parse(x_text, &quant[0], NULL), RG_OK);
    assert_int_equal(rg_quant_parse(w_text, &quant[1], NULL), RG_OK);
    for (int i = 0; i < 2; i++) assert_true(num_integer_form_of(&form[i], &quant[i], k));
    const size_t block = num_integer_block(&form[0], &form[1], k);
    assert_true(block > 0);
    num_integer_split(&quant[0], &form[0], x, rows, k, true, 0, xq, xs);
    num_integer_split(&quant[1], &form[1], w, n, k, false, 0, wq, ws);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < n; c++) {
            const num_integers a = {xq + r * k, xs + r * ((k + form[0].span - 1) / form[0].span),
                                    form[0].span},
                               b = {wq + c * k, ws + c * ((k + form[1].span - 1) / form[1].span),
                                    form[1].span};
            y[r * n + c] = num_integer_dot(&a, &b, block, k);
        }
}

static void logits_of(const rg_model *m, const char *x, const char *w, float *y) {
    static float in[LENGTH * D], a[LENGTH * HIDDEN], b[LENGTH * HIDDEN];
    for (size_t t = 0; t < LENGTH; t++)
        memcpy(in + t * D, instance_weight(m, "embed.weight") + instance_token(m, 0, t) * D, D * sizeof *in);
    defined(x, w, in, LENGTH, instance_weight(m, "first.weight"), HIDDEN, D, a);
    defined(x, w, in, LENGTH, instance_weight(m, "second.weight"), HIDDEN, D, b);
    for (size_t i = 0; i < LENGTH * HIDDEN; i++) a[i] *= b[i];
    defined(x, w, a, LENGTH, instance_weight(m, "head.weight"), VOCAB, HIDDEN, y);
}

static void bits_of_the_definition(void **state) {
    (void)state;
    static const char *const pairs[][2] = {{"nvfp4", "nvfp4"},
                                           {"mxfp4", "mxfp4"},
                                           {"int8", "int4"},
                                           {"mxfp6", "mxfp4"},
                                           {"nvfp4@rne(scale=4over6)", "mxfp4@rne(scale=even)"},
                                           {"int8", "int8"}};
    const size_t length[] = {LENGTH};
    static float want[LENGTH * VOCAB];
    rg_model m;
    instance_of_statements(&m, statements, VOCAB);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        char text[512];
        const char *x = pairs[i][0], *w = pairs[i][1];
        snprintf(text, sizeof text, "a.first=%s,w.first=%s,a.second=%s,w.second=%s,a.head=%s,w.head=%s", x, w,
                 x, w, x, w);
        const char *const policies[] = {"fp32", text};
        instance_result r = instance_run(&m, policies, 2, 2, length, 0, 1);
        logits_of(&m, x, w, want);
        assert_memory_equal(r.logits[1], want, sizeof want);
        instance_result_free(&r);
    }
    instance_close(&m);
}

/* Random bits are those of the token, whatever else is in the batch. */
static void same_bits(void **state) {
    (void)state;
    static const char *const policies[] = {
        "fp32", "a.first=mxfp4@sra(8),w.first=mxfp4@srb(4),a.head=int8@sra(4),w.head=int4",
        "a.first=nvfp4,w.first=nvfp4,a.second=nvfp4,w.second=mxfp8,a.head=int4,w.head=int4",
        "a.first=nvfp4,w.first=nvfp4,a.second=int8,w.second=nvfp4,a.head=int8@sra(4),w.head=int4"};
    const size_t length[] = {9, 20, 1};
    rg_model m;
    instance_of_statements(&m, statements, VOCAB);
    instance_check_bits(&m, policies, 4, length, 3);
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(bits_of_the_definition), cmocka_unit_test(same_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
