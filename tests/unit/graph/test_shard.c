/* The graph of one rank against the whole one: what is split adds up again, what is exchanged is what the
   literature says, and what does not divide is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "models.h"
#include "ridge/parallel.h"

static rg_graph whole_of(const char *name) {
    rg_graph g;
    rg_error err = {0};
    must(rg_graph_from_name(&g, name, DATA, &err), &err);
    return g;
}

static rg_graph rank_of(const rg_graph *whole, const char *text, rg_layout *layout) {
    rg_graph g;
    rg_error err = {0};
    must(rg_layout_parse(text, layout, &err), &err);
    must(rg_graph_shard(&g, whole, layout, &err), &err);
    return g;
}

typedef struct sums {
    double matrix_flop, weights, cache, network, collectives[4];
} sums;

static bool is_collective(rg_op op) {
    return op >= RG_OP_ALL_REDUCE && op <= RG_OP_ALL_TO_ALL;
}

static sums sums_of(const rg_graph *g, rg_phase phase, double batch, double context) {
    sums s = {0};
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_node_count c = rg_graph_count_node(g, i, phase, batch, context);
        s.matrix_flop += c.matrix_flop;
        s.cache += c.cache_elements_per_token;
        s.network += c.network_elements;
        if (is_collective(g->node[i].op)) s.collectives[g->node[i].op - RG_OP_ALL_REDUCE]++;
    }
    s.weights = rg_graph_total(g, context).parameters_total;
    return s;
}

static void same(double a, double b) {
    if (!(a >= b * (1 - 1e-12) && a <= b * (1 + 1e-12))) fail_msg("%.17g for %.17g", a, b);
}

/* Every matrix of Llama is split: FLOP and cache come out whole, weights but for the norms. */
static void test_dense(void **state) {
    (void)state;
    rg_graph whole = whole_of("llama-3.1-8b");
    const sums all = sums_of(&whole, RG_PREFILL, 2, 4096);
    const double norms = 65 * 4096.0, d = 4096, tokens = 2 * 4096;
    static const char *const layouts[] = {"tp=2", "tp=8", "tp=8,sp=1"};
    for (int i = 0; i < 3; i++) {
        rg_layout l;
        rg_graph rank = rank_of(&whole, layouts[i], &l);
        const double tp = (double)l.tp;
        const sums s = sums_of(&rank, RG_PREFILL, 2, 4096);
        same(s.matrix_flop * tp, all.matrix_flop);
        same(s.cache * tp, all.cache);
        same((s.weights - norms) * tp, all.weights - norms);
        /* two exchanges a layer and one behind the embedding; in two halves with sp, and one before the head
         */
        if (!l.sp) {
            assert_int_equal((int)s.collectives[0], 65);
            same(s.network, 65 * tokens * d);
        } else {
            assert_int_equal((int)s.collectives[0], 0);
            assert_int_equal((int)s.collectives[1], 65); /* reduce_scatter */
            assert_int_equal((int)s.collectives[2], 65); /* all_gather */
            same(s.network, 130 * tokens * d);
        }
        rg_graph_close(&rank);
    }
    rg_graph_close(&whole);
}

/* Tokens of a sequence over cp: all but the norms' weights halves, keys and values are gathered. */
static void test_context(void **state) {
    (void)state;
    rg_graph whole = whole_of("llama-3.1-8b");
    rg_layout l;
    rg_graph rank = rank_of(&whole, "tp=1,cp=4", &l);
    const sums all = sums_of(&whole, RG_PREFILL, 1, 8192), s = sums_of(&rank, RG_PREFILL, 1, 8192);
    double head = 0; /* once per prompt, on one rank; its part is counted */
    head = rg_graph_count_node(&whole, (size_t)whole.output, RG_PREFILL, 1, 8192).matrix_flop;
    same(s.matrix_flop * 4, all.matrix_flop);
    assert_true(head > 0);
    same(s.weights, all.weights);
    assert_int_equal((int)s.collectives[2], 64);
    same(s.network, 64 * 8192.0 * 1024);
    rg_graph_close(&rank);
    rg_graph_close(&whole);
}

/* Fewer key heads than ranks: each rank has one, so two ranks keep the same. */
static void test_repeated_key_heads(void **state) {
    (void)state;
    rg_graph whole = whole_of("llama-3.1-8b");
    rg_layout l;
    rg_graph rank = rank_of(&whole, "tp=16", &l);
    const sums all = sums_of(&whole, RG_DECODE, 4, 1024), s = sums_of(&rank, RG_DECODE, 4, 1024);
    same(s.cache * 8, all.cache);
    assert_true(s.matrix_flop * 16 > all.matrix_flop); /* their projections are computed twice */
    rg_graph_close(&rank);
    rg_graph_close(&whole);
}

/* Experts dealt to ranks: local ones on all tokens, or tokens sent to them. */
static void test_experts(void **state) {
    (void)state;
    rg_graph whole = whole_of("qwen3-30b-a3b");
    rg_layout l;
    rg_graph summed = rank_of(&whole, "tp=4,ep=4", &l), sent = rank_of(&whole, "tp=1,ep=8,dp=8", &l),
             shared = rank_of(&whole, "tp=4", &l);
    const sums all = sums_of(&whole, RG_DECODE, 64, 1024);
    same(sums_of(&summed, RG_DECODE, 64, 1024).matrix_flop * 4,
         all.matrix_flop + 3 * 48 * 2 * 64.0 * 2048 * 128);
    same(sums_of(&sent, RG_DECODE, 8, 1024).matrix_flop * 8, all.matrix_flop);
    assert_int_equal((int)sums_of(&summed, RG_DECODE, 64, 1024).collectives[3], 0);
    assert_int_equal((int)sums_of(&shared, RG_DECODE, 64, 1024).collectives[3], 0);
    const sums s = sums_of(&sent, RG_DECODE, 8, 1024);
    assert_int_equal((int)s.collectives[3], 96); /* there and back */
    same(s.network, 96 * 8.0 * 8 * 2048);        /* 8 tokens to 8 experts each */
    rg_graph_close(&summed);
    rg_graph_close(&sent);
    rg_graph_close(&shared);
    rg_graph_close(&whole);
}

/* Weights that a pass reads do not depend on how experts are dealt, if the tokens are the same. */
static void test_experts_read(void **state) {
    (void)state;
    rg_graph whole = whole_of("qwen3-30b-a3b");
    rg_layout l;
    rg_graph rank = rank_of(&whole, "tp=1,ep=8,dp=8", &l);
    for (size_t i = 0, at = 0; i < rank.n_nodes; i++) {
        if (rank.node[i].op != RG_OP_EXPERT_LINEAR) continue;
        while (whole.node[at].op != RG_OP_EXPERT_LINEAR) at++;
        same(8 * rg_graph_count_node(&rank, i, RG_DECODE, 4, 100).weight_elements,
             rg_graph_count_node(&whole, at++, RG_DECODE, 32, 100).weight_elements);
    }
    rg_graph_close(&rank);
    rg_graph_close(&whole);
}

/* Every shipped model, several layouts: the graph holds its own rules and reads back from JSON. */
static void test_round_trip(void **state) {
    (void)state;
    static const char *const names[] = {"deepseek-v3",        "gpt-oss-20b",         "nemotron-h-56b",
                                        "qwen3-next-80b-a3b", "kimi-linear-48b-a3b", "mamba2-2.7b",
                                        "mixtral-8x7b"};
    static const char *const layouts[] = {"tp=2", "tp=8,sp=1,cp=2", "tp=2,ep=8,dp=4",
                                          "tp=4,ep=4,etp=2,dp=4,sp=1"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        rg_graph whole = whole_of(names[i]);
        for (size_t k = 0; k < sizeof layouts / sizeof *layouts; k++) {
            rg_layout l;
            rg_graph rank = rank_of(&whole, layouts[k], &l), back;
            rg_str text = {0}, again = {0};
            rg_error err = {0};
            must(rg_graph_to_json(&rank, &text, &err), &err);
            must(rg_graph_from_json(&back, text.data, text.len, &err), &err);
            must(rg_graph_to_json(&back, &again, &err), &err);
            assert_string_equal(text.data, again.data);
            rg_str_free(&text);
            rg_str_free(&again);
            rg_graph_close(&back);
            rg_graph_close(&rank);
        }
        rg_graph_close(&whole);
    }
}

static bool ends_with(const char *name, const char *const *ends) {
    for (; *ends; ends++) {
        const size_t n = strlen(name), m = strlen(*ends);
        if (n >= m && strcmp(name + n - m, *ends) == 0) return true;
    }
    return false;
}

/* How often the ranks of tp x cp together do the products of a node, 1 being once. */
static double repeats(const rg_graph *whole, const rg_graph *rank, size_t i, size_t at, double ranks) {
    const double once = rg_graph_count_node(whole, i, RG_PREFILL, 16, 2048).matrix_flop,
                 own = rg_graph_count_node(rank, at, RG_PREFILL, 16, 2048).matrix_flop;
    return once > 0 ? ranks * own / once : 1;
}

/* Every model: all ranks together multiply as much as the whole model does, but for what each does by itself:
   choices of experts, latent vectors, indexers, gates of one feature, key heads that are fewer than ranks,
   and vocabularies that are rounded up. Mixtures of inputs of one mamba2 group too. */
static void test_work_is_divided(void **state) {
    (void)state;
    static const char *const layouts[] = {
        "tp=2",      "tp=8",           "tp=8,sp=1", "tp=2,cp=2",
        "tp=4,ep=2", "tp=2,ep=8,dp=4", "tp=4,ep=4", "tp=4,ep=4,etp=2,dp=4,sp=1"};
    static const char *const repeated[] = {".gate",
                                           ".router",
                                           ".q_a_proj",
                                           ".kv_a_proj_with_mqa",
                                           ".f_a_proj",
                                           ".g_a_proj",
                                           ".indexer.wk",
                                           ".indexer.wq_b",
                                           ".indexer.weights_proj",
                                           ".indexer",
                                           ".shared_expert_gate",
                                           NULL};
    static const char *const rounded[] = {"lm_head", "output", "k_proj", "v_proj", ".in_proj", NULL};
    static const char *const names[] = {"deepseek-v3",    "glm-5",           "gpt-oss-20b",
                                        "kimi-k2",        "llama-3.1-8b",    "kimi-linear-48b-a3b",
                                        "mamba2-2.7b",    "minimax-m2.5",    "mixtral-8x7b",
                                        "nemotron-h-56b", "palm-540b",       "nemotron-3-nano-30b-a3b",
                                        "qwen2.5-72b",    "qwen3-30b-a3b",   "qwen3-next-80b-a3b",
                                        "gpt3-175b",      "deepseek-v2-lite"};
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        rg_graph whole = whole_of(names[k]);
        for (size_t j = 0; j < sizeof layouts / sizeof *layouts; j++) {
            rg_layout l;
            rg_graph rank = rank_of(&whole, layouts[j], &l);
            for (size_t i = 0, at = 0; i < whole.n_nodes; i++, at++) {
                const char *name = whole.node[i].name;
                while (strcmp(rank.node[at].name, name) != 0) at++;
                const double ranks = (double)(l.tp * l.cp), r = repeats(&whole, &rank, i, at, ranks);
                const bool most = ends_with(name, repeated) || ends_with(name, rounded);
                if (r < 1 - 1e-12 || r > (most ? ranks : 1) * (1 + 1e-12))
                    fail_msg("%s, %s: %s is done %.9g times", names[k], layouts[j], name, r);
            }
            rg_graph_close(&rank);
        }
        rg_graph_close(&whole);
    }
}

static const rg_graph_node *node_of(const rg_graph *g, const char *name) {
    for (size_t i = 0; i < g->n_nodes; i++)
        if (strcmp(g->node[i].name, name) == 0) return &g->node[i];
    fail_msg("no node %s", name);
    return NULL;
}

/* Runs of one projection are cut each by itself: of mamba2's z, x, B, C and dt, ranks share the one group's B
   and C and divide the rest (arXiv 2405.21060, section 8.1). */
static void test_runs(void **state) {
    (void)state;
    rg_graph whole = whole_of("mamba2-2.7b");
    rg_layout l;
    rg_graph rank = rank_of(&whole, "tp=8", &l);
    static const struct {
        const char *name;
        int64_t width, from;
    } nodes[] = {{"in_proj", 640 + 640 + 128 + 128 + 10, 0},
                 {"z", 640, 0},
                 {"xBC", 896, 640},
                 {"dt", 10, 1536},
                 {"conv1d", 896, 0},
                 {"x", 640, 0},
                 {"B", 128, 640},
                 {"C", 128, 768},
                 {"ssm", 640, 0}};
    for (size_t i = 0; i < sizeof nodes / sizeof *nodes; i++) {
        char name[80];
        snprintf(name, sizeof name, "backbone.layers.1.mixer.%s", nodes[i].name);
        const rg_graph_node *n = node_of(&rank, name);
        if (n->width != nodes[i].width || n->from != nodes[i].from)
            fail_msg("%s: %lld features from %lld on", name, (long long)n->width, (long long)n->from);
    }
    const rg_graph_node *in = node_of(&rank, "backbone.layers.1.mixer.in_proj");
    assert_int_equal((int)rank.weight[in->weight].shape[0], 1546);
    rg_graph_close(&rank);
    rg_graph_close(&whole);
}

/* What each rank has whole, it multiplies whole: the queries of an indexer are exchanged with nobody. */
static void test_whole_inputs(void **state) {
    (void)state;
    rg_graph whole = whole_of("glm-5");
    rg_layout l;
    rg_graph rank = rank_of(&whole, "tp=8", &l);
    const rg_graph_node *q = node_of(&whole, "layers.3.self_attn.indexer.wq_b"),
                        *own = node_of(&rank, "layers.3.self_attn.indexer.wq_b");
    for (int d = 0; d < 2; d++)
        assert_int_equal((int)rank.weight[own->weight].shape[d], (int)whole.weight[q->weight].shape[d]);
    rg_graph_close(&rank);
    rg_graph_close(&whole);
}

static void does_not_divide(const char *model, const char *layout, const char *words, const char *nearest) {
    rg_graph whole = whole_of(model), rank;
    rg_layout l;
    rg_error err = {0};
    must(rg_layout_parse(layout, &l, &err), &err);
    assert_int_equal(rg_graph_shard(&rank, &whole, &l, &err), RG_ERR_USAGE);
    if (!strstr(err.message, words)) fail_msg("no \"%s\" in %s", words, err.message);
    assert_string_equal(err.expected, nearest);
    rg_graph_close(&whole);
}

static void test_refused(void **state) {
    (void)state;
    does_not_divide("llama-3.1-8b", "tp=3", "tp=3 does not divide its 14336 features", "2 or 4");
    does_not_divide("llama-3.1-8b", "tp=64", "tp=64 does not divide its 32 heads", "32");
    does_not_divide("qwen3-30b-a3b", "tp=1,ep=48,dp=48", "ep=48 does not divide its 128 experts", "32 or 64");
    does_not_divide("qwen3-30b-a3b", "tp=1,ep=256,dp=256", "ep=256 does not divide its 128 experts", "128");
}

static void test_layout_text(void **state) {
    (void)state;
    static const struct {
        const char *text, *canonical;
    } good[] = {{"", "tp=1"},
                {"tp=8,pp=16,dp=64,ep=1,cp=1", "tp=8,pp=16,dp=64"},
                {"dp=4,ep=8,tp=2,zero=1", "tp=2,dp=4,ep=8,zero=1"},
                {"tp=8,ep=4", "tp=8,ep=4"},
                {"tp=8,sp=1,pp=8,vp=3,recompute=selective", "tp=8,pp=8,vp=3,sp=1,recompute=selective"},
                {"pp=4,schedule=zero_bubble,mbs=2", "tp=1,pp=4,mbs=2,schedule=zero_bubble"}};
    static const char *const bad[] = {"tp",
                                      "tp=0",
                                      "tp=8,",
                                      "tp=8,tp=8",
                                      "xp=2",
                                      "tp=1e3",
                                      "vp=2",
                                      "etp=3,tp=4",
                                      "ep=3,tp=2",
                                      "sp=2",
                                      "zero=4",
                                      "recompute=no",
                                      "schedule=gpipe",
                                      "tp=1048577",
                                      "=4",
                                      "tp = 4",
                                      "tp= 4",
                                      "tp=+4",
                                      "tp=99999999999999999999",
                                      "tp=2,sp=1,sp=0",
                                      "recompute=full,recompute=none",
                                      "tp=-2",
                                      "schedule=interleaved",
                                      "tp=8,ep=16"};
    char text[200];
    rg_layout l, again;
    rg_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        must(rg_layout_parse(good[i].text, &l, &err), &err);
        assert_string_equal(rg_layout_print(&l, text, sizeof text), good[i].canonical);
        must(rg_layout_parse(text, &again, &err), &err);
        assert_memory_equal(&l, &again, sizeof l);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (rg_layout_parse(bad[i], &l, &err) != RG_ERR_USAGE) fail_msg("\"%s\" was taken", bad[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_dense),
                                       cmocka_unit_test(test_context),
                                       cmocka_unit_test(test_repeated_key_heads),
                                       cmocka_unit_test(test_experts),
                                       cmocka_unit_test(test_experts_read),
                                       cmocka_unit_test(test_round_trip),
                                       cmocka_unit_test(test_work_is_divided),
                                       cmocka_unit_test(test_runs),
                                       cmocka_unit_test(test_whole_inputs),
                                       cmocka_unit_test(test_refused),
                                       cmocka_unit_test(test_layout_text)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
