/* The family language: what builds, and texts that must be refused with a place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "graph/build.h"
#include "unit/graph/models.h"

static const char config[] = "model_type: t\nwidth: 8\nrows: 5\nlayers: 3\nnested: {deep: 4}\n";

static rg_status build(const char *text, rg_graph *g, rg_error *err) {
    rg_doc doc;
    family f;
    *g = (rg_graph){0};
    RG_TRY(family_parse(&f, text, strlen(text), "f.yaml", err));
    rg_status status = rg_doc_parse(&doc, config, strlen(config), "c.yaml", false, err);
    if (status == RG_OK) {
        status = graph_build(g, &doc, &f, err);
        rg_doc_close(&doc);
    }
    family_close(&f);
    if (status != RG_OK) rg_graph_close(g);
    return status;
}

#define HEAD "family: t\nmatch: {model_type: [t]}\nharmless: [model_type, layers, nested, width, rows]\n"
#define TAIL "positions: 10\ngraph:\n  - x = embed(token, W[rows, width] \"e\")\n"
#define GOOD HEAD TAIL

static void builds(void **state) {
    (void)state;
    static const char text[] =
        HEAD "let: {d: width, n: nested.deep / 2}\npositions: layers * 7\ngraph:\n"
             "  - x = embed(token, W[rows, d] \"model.e.weight\")\n"
             "  - repeat layers as i, under \"model.blocks.{i}\":\n"
             "      - if i % 2 == 0:\n"
             "          - x = rmsnorm(x, W[d] \"even.weight\", eps = 1e-6)\n"
             "        else:\n"
             "          - x = scan(x, W[d, n] \"odd_{i}.weight\", width = d)\n"
             "      - repeat n as j, under \"part.{j}\":\n"
             "          - x = add(x, x, name = \"twice\")\n"
             "  - x = linear(x, W[rows, d] \"head\", tied = \"model.e.weight\" if d == 8)\n";
    static const char *const names[] = {"e",
                                        "blocks.0.even",
                                        "blocks.0.part.0.twice",
                                        "blocks.0.part.1.twice",
                                        "blocks.1.odd_1",
                                        "blocks.1.part.0.twice",
                                        "blocks.1.part.1.twice",
                                        "blocks.2.even",
                                        "blocks.2.part.0.twice",
                                        "blocks.2.part.1.twice",
                                        "head"};
    rg_graph g;
    rg_error err = {0};
    must(build(text, &g, &err), &err);
    assert_int_equal(g.n_nodes, sizeof names / sizeof *names);
    for (size_t i = 0; i < g.n_nodes; i++) assert_string_equal(g.node[i].name, names[i]);
    assert_int_equal(g.max_positions, 21);
    assert_int_equal(g.n_layers, 3);
    assert_int_equal(g.node[3].layer, 0); /* the outermost repeat counts */
    assert_int_equal(g.node[4].op, RG_OP_OPAQUE);
    assert_string_equal(g.node[4].opaque_op, "scan");
    assert_int_equal(g.weight[g.node[10].weight].tied_to, 0);
    assert_true(rg_graph_total(&g, 1).parameters_total == 5 * 8 + 8 + 8 * 2 + 8);
    rg_graph_close(&g);
}

static void refused_text(const char *text, const char *words) {
    rg_graph g;
    rg_error err = {0};
    char all[1100];
    rg_status status = build(text, &g, &err);
    snprintf(all, sizeof all, "%s: %s; expected %s", err.where, err.message, err.expected);
    if (status != RG_ERR_PARSE || !strstr(all, words))
        fail_msg("no \"%s\" in (%d) %s\n%s", words, status, all, text);
    if (strchr(err.where, ':')) assert_ptr_equal(strstr(err.where, "f.yaml:"), err.where);
}

static const char *const bad_lines[][2] = {
    {"  - y = embed(token, W[rows, width] \"e\")\n", "two"},
    {"  - y = lineal(x, W[5, width] \"l\")\n", "unknown operator \"lineal\""},
    {"  - y = linear(x)\n", "needs a name"},
    {"  - y = linear(x, W[5, 7] \"l\")\n", "weight does not fit"},
    {"  - y = linear(x, W[5, width] \"l\", eps = 1)\n", "takes no \"eps\""},
    {"  - y = linear(x, W[5, width] \"l\", W[5, width] \"m\")\n", "a second weight"},
    {"  - y = linear(x, W[5, width] \"l\", bias = W[4] \"b\")\n", "bias does not fit"},
    {"  - y = linear(x, W[5, width] \"l\", bias = 4)\n", "W[rows]"},
    {"  - y = linear(x, W[5, width] \"l\", tied = \"f\")\n", "which is no weight so far"},
    {"  - y = linear(x, W[5, width] \"l\", tied = \"l\")\n", "tied to"},
    {"  - y = linear(x, W[5, width] \"l\", tied = \"e\")\n", NULL}, /* of the same shape: good */
    {"  - y = linear(x, W[5, width] \"l\", name = 3)\n", "a string"},
    {"  - y = linear(token, W[5, width] \"l\")\n", "cannot take that input"},
    {"  - y = linear(z, W[5, width] \"l\")\n", "no field \"z\""},
    {"  - y = linear(x, W[5, width] \"l\",)\n", "f.yaml:7"},
    {"  - y = linear(x W[5, width] \"l\")\n", ", or )"},
    {"  - y linear(x)\n", "NAME = OPERATOR"},
    {"  - y = x\n", "OPERATOR(...)"},
    {"  - y = rmsnorm(x, W[width] \"n\")\n", "needs eps ="},
    {"  - y = add(x, x, x, name = \"a\")\n", "number of inputs"},
    {"  - y = add(x, x, x, x, x, x, x, x, x, name = \"a\")\n", "too many inputs"},
    {"  - y = scan(x, width = 0, name = \"s\")\n", "width"},
    {"  - y = rope(x, heads = 1, head_dim = 8, theta = 1, factor = 2, name = \"r\")\n",
     "scaling is incomplete"},
    {"  - y = attention(x, x, x, heads = 2, kv_heads = 4, head_dim = 4, name = \"a\")\n", "as 4 heads of 4"},
    {"  - repeat 2 as i:\n      - y = add(x, x, name = \"a\")\n", "two nodes are called \"a\""},
    {"  - repeat -1 as i:\n      - y = add(x, x, name = \"a{i}\")\n", "a whole number in [0,"},
    {"  - repeat 2:\n      - y = add(x, x, name = \"a\")\n", "as NAME"},
    {"  - repeat 2 as i, under x:\n      - y = add(x, x, name = \"a\")\n", "prefix in double quotes"},
    {"  - repeat 2 as i, under \"{q}\":\n      - y = add(x, x, name = \"a\")\n", "no field \"q\""},
    {"  - repeat 2 as i: []\n", "a list of statements"},
    {"  - repeat 60000 as i:\n      - repeat 60000 as j:\n          - if false:\n              - y = "
     "add(x, x, name = \"a\")\n",
     "no end"},
    {"  - repeat 60000 as i:\n      - repeat 60000 as j:\n          - x = add(x, x, name = "
     "\"a{i}.{j}\")\n",
     "too many nodes"},
    {"  - if 1:\n      - y = add(x, x, name = \"a\")\n", "true or false"},
    {"  - if true:\n      - y = add(x, x, name = \"a\")\n    otherwise:\n      - y = add(x, x, name = "
     "\"a\")\n",
     "unexpected \"otherwise\""},
    {"  - [x]\n", "found a list"},
    {"  - {}\n", "an empty map"},
};

static void refusals(void **state) {
    (void)state;
    rg_graph g;
    rg_error err = {0};
    must(build(GOOD, &g, &err), &err);
    rg_graph_close(&g);
    for (size_t i = 0; i < sizeof bad_lines / sizeof *bad_lines; i++) {
        char text[1000];
        snprintf(text, sizeof text, "%s%s", GOOD, bad_lines[i][0]);
        if (bad_lines[i][1]) {
            refused_text(text, bad_lines[i][1]);
        } else {
            must(build(text, &g, &err), &err);
            rg_graph_close(&g);
        }
    }
    refused_text("family: t\n" TAIL, "key \"match\" is missing");
    refused_text("family: t\nmatch: {}\n" TAIL, "match: is empty");
    refused_text("family: t\nmatch: {model_type: t}\n" TAIL, "list of \"model_type\"");
    refused_text(HEAD "harmfull: []\n" TAIL, "unknown key \"harmfull\"");
    refused_text(HEAD "positions: 10\n", "key \"graph\" is missing");
    refused_text(HEAD "positions: -1\ngraph: [\"x = scan(token, width = 3, name = 'q')\"]\n", "f.yaml:");
    refused_text(HEAD "let: {a: b +}\n" TAIL, "ends too early");
    refused_text(HEAD "let: {a: 1 / 0}\n" TAIL, "out of range");
    refused_text(HEAD "positions: 3\ngraph: [\"x = scan(token, width = 3, name = 's', rows = 0)\"]\n",
                 "rows");
    refused_text(HEAD "positions: 3\ngraph:\n  - x = scan(token, width = 3, name = \"s\")\n"
                      "  - y = append(x, x, name = \"t\")\n",
                 "rows = N");
}

/* Two families for one config: the choice must not depend on names. */
static void ambiguous(void **state) {
    (void)state;
    rg_graph g;
    rg_doc doc;
    rg_error err = {0};
    must(rg_dir_make("family-test", &err), &err);
    must(rg_file_write("family-test/a.yaml", GOOD, strlen(GOOD), &err), &err);
    must(rg_doc_parse(&doc, config, strlen(config), "c.yaml", false, &err), &err);
    must(rg_graph_from_config(&g, &doc, "family-test", &err), &err);
    rg_graph_close(&g);
    must(rg_file_write("family-test/b.yaml", GOOD, strlen(GOOD), &err), &err);
    assert_int_equal(rg_graph_from_config(&g, &doc, "family-test", &err), RG_ERR_PARSE);
    assert_non_null(strstr(err.expected, "exclude each other"));
    assert_int_equal(rg_graph_from_config(&g, &doc, "no-such-folder", &err), RG_ERR_IO);
    rg_doc_close(&doc);
    const char *const argv[] = {"rm", "-r", "family-test", NULL};
    assert_int_equal(rg_run(argv, NULL, 10, NULL, NULL), RG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(builds), cmocka_unit_test(refusals),
                                       cmocka_unit_test(ambiguous)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
