/* Operators on single features, slices and concatenations, against their definitions in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "unit/model/instance.h"

enum { VOCAB = 23, D = 300, HEADS = 5 };

static const char statements[] =
    "  - x = embed(token, W[vocab, 300] \"embed.weight\")\n"
    "  - a = activation(x, kind = \"silu\", name = \"silu\")\n"
    "  - b = activation(x, kind = \"sigmoid\", name = \"sigmoid\")\n"
    "  - a = multiply(a, b, name = \"product\")\n"
    "  - b = activation(x, kind = \"softplus\", name = \"softplus\")\n"
    "  - a = add(a, b, name = \"sum_1\")\n"
    "  - b = activation(x, kind = \"relu\", name = \"relu\")\n"
    "  - a = add(a, b, name = \"sum_2\")\n"
    "  - b = activation(x, kind = \"relu2\", name = \"relu2\")\n"
    "  - a = add(a, b, name = \"sum_3\")\n"
    "  - b = activation(x, kind = \"gelu\", name = \"gelu\")\n"
    "  - a = add(a, b, name = \"sum_4\")\n"
    "  - b = activation(x, kind = \"gelu_tanh\", name = \"gelu_tanh\")\n"
    "  - a = add(a, b, name = \"sum_5\")\n"
    "  - s = slice(x, from = 7, width = 1, name = \"one\")\n"
    "  - a = multiply(a, s, name = \"scaled\")\n"
    "  - s = slice(a, from = 0, width = 300, name = \"all\")\n"
    "  - p = slice(s, from = 10, width = 100, heads = 5, head_dim = 60, name = \"parts\")\n"
    "  - r = slice(s, from = 200, width = 90, name = \"rest\")\n"
    "  - c = concat(p, r, p, name = \"joined\")\n"
    "  - c = linear(c, W[vocab, 290] \"head.weight\")\n";

static double sum_of(double x, double seventh) {
    const double sigmoid = 1 / (1 + exp(-x)), pi = 3.14159265358979323846;
    double sum = x * sigmoid * sigmoid + log1p(exp(x)) + (x > 0 ? x + x * x : 0);
    sum += 0.5 * x * (1 + erf(x / sqrt(2)));
    sum += 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)));
    return sum * seventh;
}

static void oracle(const rg_model *m, const int32_t *token, size_t length, double *logits) {
    const float *table = instance_weight(m, "embed.weight"), *head = instance_weight(m, "head.weight");
    for (size_t t = 0; t < length; t++) {
        const float *x = table + token[t] * D;
        double y[290];
        for (int i = 0; i < 290; i++) {
            int from = i < 100   ? i / 20 * 60 + 10 + i % 20
                       : i < 190 ? 100 + i
                                 : (i - 190) / 20 * 60 + 10 + (i - 190) % 20;
            y[i] = sum_of(x[from], x[7]);
        }
        for (int o = 0; o < VOCAB; o++) {
            logits[t * VOCAB + (size_t)o] = 0;
            for (int i = 0; i < 290; i++) logits[t * VOCAB + (size_t)o] += y[i] * head[o * 290 + i];
        }
    }
}

static void right(void **state) {
    (void)state;
    rg_model m;
    const size_t length[] = {40, 1};
    const char *const policies[] = {"fp32"};
    instance_of_statements(&m, statements, VOCAB);
    for (int scale = 1; scale <= 10; scale += 9) {
        instance_fill(&m, "embed.weight", 0, scale);
        instance_check_right(&m, oracle, length, 2, 4e-6);
    }
    instance_check_bits(&m, policies, 1, length, 2);
    instance_check_counts(&m, 33);
    instance_close(&m);
}

/* Each function alone, relative to its own value, where exp(x) vanishes beside 1 and where it overflows. */
static void far_out(void **state) {
    (void)state;
    static const char *const kinds[] = {"silu", "sigmoid", "softplus", "relu", "relu2", "gelu_tanh"};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        char text[512];
        rg_model m;
        snprintf(text, sizeof text,
                 "  - x = embed(token, W[vocab, 1] \"embed.weight\")\n"
                 "  - a = activation(x, kind = \"%s\", name = \"f\")\n"
                 "  - c = linear(a, W[vocab, 1] \"head.weight\")\n",
                 kinds[k]);
        instance_of_statements(&m, text, 201);
        for (int i = 0; i < 201; i++) m.weight[0][i] = (float)(i - 100), m.weight[1][i] = 1;
        const size_t length[] = {500};
        const char *const policies[] = {"fp32"};
        instance_result r = instance_run(&m, policies, 1, 1, length, 0, 1);
        for (size_t t = 0; t < length[0]; t++) {
            const double x = instance_token(&m, 0, t) - 100, e = exp(-x);
            const double inner = 0.7978845608028654 * (x + 0.044715 * x * x * x);
            const double want = k == 0   ? x / (1 + e)
                                : k == 1 ? 1 / (1 + e)
                                : k == 2 ? (x > 0 ? x + log1p(e) : log1p(exp(x)))
                                : k == 3 ? fmax(x, 0)
                                : k == 4 ? fmax(x, 0) * fmax(x, 0)
                                         : x / (1 + exp(-2 * inner));
            const double got = r.logits[0][t * 201];
            if (!(fabs(got - want) <= 3e-5 * fabs(want) + 1e-35))
                fail_msg("%s(%g) is %.9g, not %.9g", kinds[k], x, got, want);
        }
        instance_result_free(&r);
        instance_close(&m);
    }
}

static void refused(const char *line, const char *words) {
    char text[512];
    family f;
    rg_doc config;
    rg_graph g = {0};
    rg_error err = {0};
    snprintf(text, sizeof text,
             "family: test\nmatch: {model_type: [test]}\npositions: 10\ngraph:\n"
             "  - x = embed(token, W[10, 12] \"embed.weight\")\n  - %s\n",
             line);
    assert_int_equal(family_parse(&f, text, strlen(text), "test.yaml", &err), RG_OK);
    assert_int_equal(rg_doc_parse(&config, "model_type: test\n", 17, "c.yaml", false, &err), RG_OK);
    assert_int_equal(graph_build(&g, &config, &f, &err), RG_ERR_PARSE);
    if (!strstr(err.message, words) && !strstr(err.expected, words))
        fail_msg("no \"%s\" in %s; expected %s", words, err.message, err.expected);
    rg_doc_close(&config);
    family_close(&f);
    rg_graph_close(&g);
}

static void refusals(void **state) {
    (void)state;
    refused("y = slice(x, from = 10, width = 3, name = \"y\")", "3 features of 12, from feature 10 on");
    refused("y = slice(x, from = -1, width = 3, name = \"y\")", "a whole number in [0, ");
    refused("y = slice(x, from = 0, width = 0, name = \"y\")", "a whole number in [1, ");
    refused("y = slice(x, from = 0, width = 5, heads = 3, head_dim = 4, name = \"y\")", "does not divide");
    refused("y = slice(x, from = 3, width = 6, heads = 3, head_dim = 4, name = \"y\")", "2 features of 4");
    refused("y = slice(x, from = 0, width = 6, heads = 5, head_dim = 4, name = \"y\")", "as 5 heads of 4");
    refused("y = slice(x, from = 0, width = 6, heads = 3, name = \"y\")", "heads without head_dim");
    refused("y = slice(x, width = 6, name = \"y\")", "needs from");
    refused("y = activation(x, kind = \"tanh\", name = \"y\")", "words");
    refused("y = activation(x, name = \"y\")", "needs kind");
    refused("y = concat(x, name = \"y\")", "wrong number of inputs");
}

/* A head may have more rows than the table that its token ids are looked up in. */
static void short_table(void **state) {
    (void)state;
    rg_model m;
    exec e;
    rg_error err = {0};
    instance_of_statements(&m,
                           "  - x = embed(token, W[vocab - 1, 8] \"embed.weight\")\n"
                           "  - c = linear(x, W[vocab, 8] \"head.weight\")\n",
                           VOCAB);
    exec_use use[2] = {{0}};
    assert_int_equal(exec_open(&e, &m, use, 1, 1, 8, &err), RG_ERR_UNSUPPORTED);
    assert_non_null(strstr(err.message, "22 rows for 23 token ids"));
    exec_close(&e);
    instance_close(&m);
}

/* An expert whose logit is not a number is chosen, so that the logits show it. */
static void lost_router(void **state) {
    (void)state;
    rg_model m;
    instance_of_statements(&m,
                           "  - x = embed(token, W[vocab, 8] \"embed.weight\")\n"
                           "  - g = linear(x, W[4, 8] \"gate.weight\")\n"
                           "  - r = router(g, top_k = 2, scoring = \"sigmoid\", name = \"router\")\n"
                           "  - y = expert_linear(x, r, W[4, 8, 8] \"experts.weight\")\n"
                           "  - y = combine(y, r, name = \"combine\")\n"
                           "  - c = linear(y, W[vocab, 8] \"head.weight\")\n",
                           VOCAB);
    for (int lost = 0; lost < 4; lost++) {
        const size_t length[] = {20};
        const char *const policies[] = {"fp32"};
        instance_fill(&m, "gate.weight", 0, 1);
        for (int i = 0; i < 8; i++) m.weight[1][lost * 8 + i] = NAN;
        instance_result r = instance_run(&m, policies, 1, 1, length, 0, 1);
        for (size_t i = 0; i < length[0] * VOCAB; i++) assert_true(isnan(r.logits[0][i]));
        instance_result_free(&r);
    }
    instance_close(&m);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(right), cmocka_unit_test(far_out),
                                       cmocka_unit_test(refusals), cmocka_unit_test(short_table),
                                       cmocka_unit_test(lost_router)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
