/* Every config of the folder of published data: no field unknown, and the counts that its README gives;
   support for a field taken away is a refusal that names it; operators that are counted only, by formula. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <math.h>
#include <sys/stat.h>

#include "unit/graph/models.h"

#define MIB 1048576.0

/* As the README prints them: an integer is exact, a figure good to 0.5 %, one marked ~ to 5 %. State: what
   grows not; inputs of convolutions stand beside it here (5 %). */
static const struct {
    const char *name;
    double total, tolerance;
    double active;     /* 0: all */
    bool no_embedding; /* active without the input embedding */
    double kv_bytes, indexer_bytes, state_bytes;
} rows[] = {
    {"deepseek-v3", 671.026e9, 0.005, 37.55e9, false, 70272},
    {"deepseek-v3", 671.026e9, 0.005, 36.63e9, true, 70272},
    {"deepseek-v3.1-nvfp4", 671.026e9, 0.005, 37.55e9, false, 70272},
    {"deepseek-v3.2", 671.88e9, 0.005, 38.4e9, false, 70272, 8052},
    {"kimi-k2", 1026.4e9, 0.005, 32.9e9, false, 70272},
    {"kimi-linear-48b-a3b", 49122681728, 0, 3.48e9, false, 8064, 0, 40 * MIB},
    {"kimi-k3", 2.78e12, 0.05, 105e9, false, 27648, 0, 414 * MIB},
    {"qwen3-0.6b", 0.596e9, 0.005, 0, false, 114688},
    {"qwen3-8b", 8.19e9, 0.005, 0, false, 147456},
    {"qwen3-32b", 32.76e9, 0.005, 0, false, 262144},
    {"qwen3-30b-a3b", 30.53e9, 0.005, 3.35e9, false, 98304},
    {"qwen3-235b-a22b", 235.09e9, 0.005, 22.19e9, false, 192512},
    {"qwen3-next-80b-a3b", 79674391296, 0, 3.87e9, false, 24576, 0, 72 * MIB},
    {"gpt-oss-20b", 20.91e9, 0.005, 3.61e9, true, 24576, 0, 3 * MIB},
    {"gpt-oss-120b", 116.83e9, 0.005, 5.13e9, true, 36864, 0, 4.5 * MIB},
    {"glm-5", 743.9e9, 0.005, 40.8e9, true, 89856, 78 * 132},
    {"llama-3.1-8b", 8.030e9, 0.005, 0, false, 131072},
    {"llama-3.1-70b", 70.554e9, 0.005, 0, false, 327680},
    {"llama-3.1-405b", 405.853e9, 0.005, 0, false, 516096},
    {"llama-4-scout", 107.8e9, 0.005, 17.2e9, false, 196608},
    {"llama-4-maverick", 400.7e9, 0.005, 17.2e9, false, 196608},
    {"mixtral-8x7b", 46.70e9, 0.005, 12.88e9, false, 131072},
    {"minimax-m2.5", 228.7e9, 0.005, 11.0e9, false, 253952},
    {"nemotron-3-nano-30b-a3b", 31.58e9, 0.005, 3.58e9, false, 6144, 0, 46 * MIB},
    {"nemotron-h-56b", 56.32e9, 0.005, 0, false, 40960, 0, -1},
    {"gemma-4-26b-a4b", 25.2e9, 0.05, 3.8e9, false, 10240, 0, 200 * MIB},
    /* 21 (30) layers with one vector of 512 for 4 tokens, 20 (31) with one for 128; indexers of 128 bytes and
       a scale in the former; windows of 128 in all */
    {"deepseek-v4-flash", 284e9, 0.05, 13e9, true, 21 * 256 + 20 * 8, 21 * 33, 43 * 131072.0},
    {"deepseek-v4-pro", 1.57e12, 0.05, 48e9, true, 30 * 256 + 31 * 8, 30 * 33, 61 * 131072.0},
    {"llama-2-7b", 6738415616, 0, 0, false, 524288},
    {"llama-2-13b", 13015864320, 0, 0, false, 819200},
    {"llama-2-70b", 68976648192, 0, 0, false, 327680},
    {"qwen2.5-72b", 72706203648, 0, 0, false, 327680},
    {"gpt2", 124439808, 0, 0, false, 36864},
    {"gpt3-175b", 174.60e9, 0.005, 0, false, 4718592},
    {"palm-540b", 540.356e9, 0.005, 0, false, 120832},
    {"mamba2-2.7b", 2702599680, 0, 0, false, 0, 0, -1},
    {"llada-8b", 8015581184, 0},
    {"dit-xl-2", 674.8e6, 0.005},
    {"flux.1-dev-transformer", 11901408320, 0},
    {"wan2.1-t2v-14b-transformer", 14288491584, 0, 0, false, 0, 0, 2.0 * 40 * 512 * 5120 * 2},
    {"whisper-large-v3", 1543490560, 0, 0, false, 2.0 * 32 * 1280 * 2, 0, 2.0 * 32 * 1280 * 2 * 1500},
    {"dlrm-dcnv2-mlperf", 204184588 * 128.0 + 16030464 + 10 * 1.0e3, 0.005},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

static bool is_row(const char *file) {
    for (size_t i = 0; i < N_ROWS; i++)
        if (strncmp(rows[i].name, file, strlen(rows[i].name)) == 0 &&
            strcmp(file + strlen(rows[i].name), ".json") == 0)
            return true;
    return false;
}

static void import(rg_graph *g, const char *model, const char *families) {
    char name[256];
    rg_doc config;
    rg_error err = {0};
    snprintf(name, sizeof name, "models-config/%s.json", model);
    must(rg_doc_open(&config, shared_path(name), &err), &err);
    must(rg_graph_import(g, &config, families, &err), &err);
    rg_doc_close(&config);
}

static void within(const char *model, const char *what, double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance * expected))
        fail_msg("%s: %s is %.0f, expected %.0f", model, what, found, expected);
}

static void counts(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    for (size_t i = 0; i < N_ROWS; i++) {
        rg_graph g, back;
        rg_error err = {0};
        rg_str a = {0}, b = {0};
        import(&g, rows[i].name, FAMILIES);
        if (g.n_unknown_fields) fail_msg("%s: unknown field %s", rows[i].name, g.unknown_field[0]);
        const rg_graph_totals t = rg_graph_total(&g, 4096);
        within(rows[i].name, "total", t.parameters_total, rows[i].total, rows[i].tolerance);
        const double active = rows[i].no_embedding ? t.parameters_active_no_embedding : t.parameters_active;
        if (rows[i].active > 0)
            within(rows[i].name, "active", active, rows[i].active, rows[i].tolerance > 0.005 ? 0.05 : 0.005);
        else
            within(rows[i].name, "active", t.parameters_active, t.parameters_total, 0);
        within(rows[i].name, "KV bytes", t.kv_bytes_per_token, rows[i].kv_bytes, 0);
        within(rows[i].name, "indexer bytes", t.indexer_bytes_per_token, rows[i].indexer_bytes, 0);
        if (rows[i].state_bytes >= 0)
            within(rows[i].name, "state bytes", t.state_bytes_per_sequence, rows[i].state_bytes, 0.05);
        must(rg_graph_to_json(&g, &a, &err), &err); /* and through JSON, with every operator */
        must(rg_graph_from_json(&back, a.data, a.len, &err), &err);
        must(rg_graph_to_json(&back, &b, &err), &err);
        assert_string_equal(a.data, b.data);
        const rg_graph_totals u = rg_graph_total(&back, 4096);
        assert_memory_equal(&t, &u, sizeof t);
        rg_str_free(&a);
        rg_str_free(&b);
        rg_graph_close(&back);
        rg_graph_close(&g);
    }
}

/* No file is left out. */
static void all_files(void **state) {
    (void)state;
    const char *folder = shared_path("models-config");
    if (!folder) skip();
    DIR *d = opendir(folder);
    int n = 0;
    for (struct dirent *e; (e = readdir(d));) {
        if (!strstr(e->d_name, ".json")) continue;
        if (!is_row(e->d_name)) fail_msg("%s is held to nothing", e->d_name);
        n++;
    }
    closedir(d);
    assert_true(n >= 41);
}

/* The folder of families with one text of one file replaced wherever it stands. */
static void copy_families(const char *to, const char *file, const char *from, const char *with) {
    DIR *d = opendir(FAMILIES);
    bool replaced = false;
    for (struct dirent *e; (e = readdir(d));) {
        char path[8192], text[1 << 16];
        if (!strstr(e->d_name, ".yaml")) continue;
        snprintf(path, sizeof path, "%s/%s", FAMILIES, e->d_name);
        FILE *in = fopen(path, "r");
        text[fread(text, 1, sizeof text - 1, in)] = 0;
        fclose(in);
        snprintf(path, sizeof path, "%s/%s", to, e->d_name);
        FILE *out = fopen(path, "w");
        char *rest = text;
        for (char *at; strcmp(e->d_name, file) == 0 && (at = strstr(rest, from)); rest = at + strlen(from)) {
            fprintf(out, "%.*s%s", (int)(at - rest), rest, with);
            replaced = true;
        }
        fputs(rest, out);
        fclose(out);
    }
    closedir(d);
    assert_true(replaced);
}

/* Support for one field taken out of a family: harmless, required or used. */
static void dropped_field(void **state) {
    (void)state;
    static const struct {
        const char *file, *from, *with, *model, *field;
    } cases[] = {
        {"llama.yaml", "  - bos_token_id\n", "", "llama-3.1-8b", "bos_token_id"},
        {"llama.yaml", "  mlp_bias: [false, null]\n", "", "llama-3.1-8b", "mlp_bias"},
        {"llama.yaml", "  theta: rope_theta ?? 10000.0\n", "  theta: 10000.0\n", "llama-3.1-8b",
         "rope_theta"},
        {"deepseek_v32.yaml", "top_k = index_topk", "top_k = 2048", "deepseek-v3.2", "index_topk"},
        {"llama4.yaml", "  span: text_config.attention_chunk_size ?? 8192\n", "  span: 8192\n",
         "llama-4-scout", "text_config.attention_chunk_size"},
        {"flux.yaml", "  - axes_dims_rope", "  - axes", "flux.1-dev-transformer", "axes_dims_rope"},
    };
    if (!shared_path("models-config")) skip();
    char dir[] = "/tmp/ridge-families-XXXXXX";
    assert_non_null(mkdtemp(dir));
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[256], all[1100];
        rg_graph g;
        rg_error err = {0};
        copy_families(dir, cases[i].file, cases[i].from, cases[i].with);
        import(&g, cases[i].model, dir);
        bool named = false;
        for (size_t k = 0; k < g.n_unknown_fields; k++)
            named = named || strcmp(g.unknown_field[k], cases[i].field) == 0;
        if (!named) fail_msg("%s of %s is not named", cases[i].field, cases[i].model);
        rg_graph_close(&g);
        snprintf(name, sizeof name, "models-config/%s.json", cases[i].model);
        assert_int_equal(rg_graph_from_file(&g, shared_path(name), dir, &err), RG_ERR_UNSUPPORTED);
        snprintf(all, sizeof all, "\"%s\"", cases[i].field);
        assert_non_null(strstr(err.message, all));
    }
    DIR *d = opendir(dir);
    for (struct dirent *e; (e = readdir(d));) {
        char path[8192];
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strstr(e->d_name, ".yaml")) remove(path);
    }
    closedir(d);
    rmdir(dir);
}

/* What the README says of work: DiT at 256 pixels, Wan's table of tokens, DLRM's samples. */
static void work(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "dit-xl-2", FAMILIES);
    within("dit-xl-2", "GMAC", rg_graph_total(&g, 256).prefill_flop_per_token * 256 / 2, 118.4e9, 0.005);
    const double d = 1152, condition = 256 * d + d * d + 28 * 6 * d * d + 2 * d * d;
    assert_true(rg_graph_total(&g, 256).prefill_flop_per_token * 256 ==
                2 * (28 * (12 * d * d + 2 * 256 * d) + 16 * d + 32 * d) * 256 + 2 * condition);
    rg_graph_close(&g);
    import(&g, "dlrm-dcnv2-mlperf", FAMILIES);
    double gathered = 0;
    for (size_t i = 0; i < g.n_nodes; i++)
        if (g.node[i].op == RG_OP_EMBED_SUM)
            gathered += 4 * rg_graph_count_node(&g, i, RG_DECODE, 1, 1).weight_elements;
    assert_true(gathered == 109568);
    within("dlrm-dcnv2-mlperf", "MAC", rg_graph_total(&g, 1).prefill_flop_per_token / 2, 16.03e6, 0.0005);
    rg_graph_close(&g);
}

/* The sums of a selected attention over a prompt and of a step, against a loop over the queries. */
static void selected_keys(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "deepseek-v3.2", FAMILIES);
    static const double contexts[] = {1, 100, 2048, 2049, 5000};
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        const double c = contexts[i];
        double indexer = 0, attention = 0, step = 0;
        for (double q = 1; q <= c; q++) {
            indexer += 2 * 64 * 128 * q;
            attention += 2 * 128.0 * (192 + 128) * fmin(q, 2048);
        }
        step = 2 * 128.0 * (2 * 512 + 64) * fmin(c, 2048);
        const double made = 2 * 128.0 * 512 * 256; /* the weight, once per token */
        for (size_t n = 0; n < g.n_nodes; n++) {
            if (g.node[n].layer != 5) continue;
            const rg_node_count p = rg_graph_count_node(&g, n, RG_PREFILL, 1, c);
            const rg_node_count s = rg_graph_count_node(&g, n, RG_DECODE, 3, c);
            if (g.node[n].op == RG_OP_INDEXER) {
                assert_true(fabs(p.matrix_flop / indexer - 1) < 1e-12);
                assert_true(s.matrix_flop == 3 * 2 * 64 * 128 * c);
                assert_true(s.kv_read_elements == 3 * c * 66);
            } else if (g.node[n].op == RG_OP_MLA_SELECTED) {
                assert_true(fabs(p.matrix_flop / (attention + c * made) - 1) < 1e-12);
                assert_true(fabs(s.matrix_flop / (3 * (step + made)) - 1) < 1e-12);
                assert_true(fabs(s.kv_read_elements / (3 * 576 * fmin(c, 2048)) - 1) < 1e-12);
            }
        }
    }
    rg_graph_close(&g);
}

/* Chunks of 8192 in three of four layers of Llama 4, against a loop over the queries. */
static void spans(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "llama-4-maverick", FAMILIES);
    static const double contexts[] = {1, 8191, 8192, 8193, 20000};
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        double pairs = 0, last = 0;
        for (double q = 0; q < contexts[i]; q++) pairs += last = fmod(q, 8192) + 1;
        for (size_t n = 0; n < g.n_nodes; n++) {
            if (g.node[n].op != RG_OP_ATTENTION || !g.node[n].span) continue;
            assert_true((g.node[n].layer + 1) % 4 != 0);
            const rg_node_count p = rg_graph_count_node(&g, n, RG_PREFILL, 1, contexts[i]);
            const rg_node_count s = rg_graph_count_node(&g, n, RG_DECODE, 1, contexts[i]);
            assert_true(fabs(p.matrix_flop / (4 * 40 * 128 * pairs) - 1) < 1e-12);
            assert_true(s.matrix_flop == 4 * 40 * 128 * last && s.kv_read_elements == 2 * 1024 * last);
        }
    }
    rg_graph_close(&g);
}

/* Rows of their own: the encoder's work is done once per sequence, and no step of the decoder repeats it. */
static void encoder_rows(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "whisper-large-v3", FAMILIES);
    const double d = 1280, layer = 4 * d * d + 8 * d * d; /* MAC per frame */
    const double encoder = 3000.0 * 3 * 128 * d + 1500.0 * 3 * d * d + 32 * 1500 * (layer + 2 * 1500 * d);
    const double c = 100, cross = 32 * (1500 * 2 * d * d + c * (2 * d * d + 2 * 1500 * d));
    const double decoder = 32 * c * (layer + 2 * d * (c + 1) / 2) + d * 51866;
    double sum = 0, step = 0;
    for (size_t n = 0; n < g.n_nodes; n++) {
        sum += rg_graph_count_node(&g, n, RG_PREFILL, 1, c).matrix_flop;
        step += rg_graph_count_node(&g, n, RG_DECODE, 1, c).matrix_flop;
    }
    assert_true(fabs(sum / (2 * (encoder + cross + decoder)) - 1) < 1e-12);
    assert_true(fabs(step / (2 * (32 * (layer + 2 * d * c + 2 * d * d + 2 * 1500 * d) + d * 51866)) - 1) <
                1e-12);
    double bytes;
    rg_error err = {0};
    must(rg_graph_kv_bytes(&g, NULL, c, &bytes, &err), &err);
    assert_true(bytes == 2.0 * 32 * 1280 * 2 * (c + 1500));
    rg_graph_close(&g);
}

/* Parts beside the model: the README of DeepSeek-V3 gives 11.5 billion parameters of its own to the drafting
 * module. */
static void parts(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "deepseek-v3", FAMILIES);
    within("deepseek-v3", "MTP", rg_graph_total(&g, 1).parameters_mtp, 11.5e9, 0.01);
    rg_graph_close(&g);
    import(&g, "kimi-k2", FAMILIES); /* the same family without one */
    assert_true(rg_graph_total(&g, 1).parameters_mtp == 0);
    rg_graph_close(&g);
    import(&g, "deepseek-v3.2", FAMILIES);
    const double indexer = 64.0 * 128 * 1536 + 128 * 7168 + 256 + 64 * 7168;
    within("deepseek-v3.2", "MTP", rg_graph_total(&g, 1).parameters_mtp - indexer, 11.5e9, 0.01);
    rg_graph_close(&g);
}

/* Compressed keys: a window, and all or the best of those that stand for `ratio` tokens, against a loop. */
static void compressed_keys(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "deepseek-v4-flash", FAMILIES);
    static const double contexts[] = {1, 128, 3000, 40000};
    for (size_t i = 0; i < sizeof contexts / sizeof *contexts; i++) {
        const double c = contexts[i];
        for (size_t n = 0; n < g.n_nodes; n++) {
            const rg_graph_node *node = &g.node[n];
            if (node->op != RG_OP_COMPRESSED_ATTENTION || node->layer > 3) continue;
            const double ratio = (double)node->ratio;
            double pairs = 0, last = 0;
            for (double q = 1; q <= c; q++) {
                last = fmin(q, 128);
                if (ratio == 4) last += fmin(q / ratio, 512);
                if (ratio == 128) last += q / ratio;
                pairs += last;
            }
            const rg_node_count p = rg_graph_count_node(&g, n, RG_PREFILL, 1, c);
            const rg_node_count s = rg_graph_count_node(&g, n, RG_DECODE, 1, c);
            assert_true(fabs(p.matrix_flop / (4 * 64 * 512 * pairs) - 1) < 1e-12);
            assert_true(fabs(s.matrix_flop / (4 * 64 * 512 * last) - 1) < 1e-12);
            assert_true(fabs(s.kv_read_elements / (512 * last) - 1) < 1e-12);
        }
    }
    rg_graph_close(&g);
}

/* A cap behind the head: the head still works once per prompt. */
static void capped_head(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    rg_graph g;
    import(&g, "gemma-4-26b-a4b", FAMILIES);
    assert_int_equal(g.node[g.output].op, RG_OP_SOFTCAP);
    const size_t head = (size_t)g.output - 1;
    assert_true(rg_graph_count_node(&g, head, RG_PREFILL, 1, 100).matrix_flop == 2.0 * 2816 * 262144);
    within("gemma-4-26b-a4b", "vision", rg_graph_total(&g, 1).parameters_vision, 550e6, 0.05);
    rg_graph_close(&g);
}

/* Bytes of the checkpoint as its quantization_config stores it. */
static void checkpoints(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double gib;
    } cases[] = {
        {"gpt-oss-20b", 12.8}, {"gpt-oss-120b", 60.8}, {"llama-3.1-8b", 8030261248 * 2.0 / 1024 / MIB}};
    if (!shared_path("models-config")) skip();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        rg_graph g;
        double bytes;
        rg_error err = {0};
        import(&g, cases[i].name, FAMILIES);
        must(rg_graph_weight_bytes(&g, g.stored, &bytes, &err), &err);
        within(cases[i].name, "checkpoint", bytes / 1024 / MIB, cases[i].gib, 0.005);
        rg_graph_close(&g);
    }
    rg_graph g;
    double bytes, plain;
    rg_error err = {0};
    import(&g, "deepseek-v3.2",
           FAMILIES); /* a code and 1 / 128^2 of a scale for what is not embedding, head, gate */
    must(rg_graph_weight_bytes(&g, g.stored, &bytes, &err), &err);
    must(rg_graph_weight_bytes(&g, NULL, &plain, &err), &err);
    const double bf16 = 2 * 129280.0 * 7168 + 58 * 256.0 * 7168 + 61 * 64 * 7168.0;
    within("deepseek-v3.2", "checkpoint", bytes, bf16 + plain / 2 * (1 + 1 / 16384.0), 1e-4);
    rg_graph_close(&g);
}

/* The published Llama 4 Scout with its vision tower has 108,641,793,536 parameters. */
static void vision_tower(void **state) {
    (void)state;
    static const char scout[] =
        "model_type: llama4\n"
        "text_config: {model_type: llama4_text, hidden_size: 5120, intermediate_size: 8192,\n"
        "  intermediate_size_mlp: 16384, num_attention_heads: 40, num_key_value_heads: 8, head_dim: 128,\n"
        "  num_hidden_layers: 48, num_local_experts: 16, interleave_moe_layer_step: 1, vocab_size: 202048}\n"
        "vision_config: {model_type: llama4_vision_model, hidden_size: 1408, image_size: 336, patch_size: "
        "14,\n"
        "  intermediate_size: 5632, num_attention_heads: 16, num_hidden_layers: 34, pixel_shuffle_ratio: "
        "0.5,\n"
        "  projector_output_dim: 4096}\n";
    rg_graph g;
    rg_error err = {0};
    must(graph_of_text(&g, scout, &err), &err);
    const rg_graph_totals t = rg_graph_total(&g, 1);
    assert_true(t.parameters_total == 107769861120 && t.parameters_vision == 871932416);
    rg_graph_close(&g);
}

/* Layers that share the indexer of an earlier one have none, and cache no keys for it. */
static void shared_indexers(void **state) {
    (void)state;
    static const char text[] =
        "model_type: glm_moe_dsa\nvocab_size: 20\nhidden_size: 8\nintermediate_size: 8\n"
        "num_hidden_layers: 3\nnum_attention_heads: 2\nqk_nope_head_dim: 4\nqk_rope_head_dim: 2\n"
        "v_head_dim: 4\nkv_lora_rank: 4\nq_lora_rank: 4\nindex_n_heads: 2\nindex_head_dim: 4\nindex_topk: 3\n"
        "moe_intermediate_size: 4\nn_routed_experts: 4\nn_shared_experts: 1\nnum_experts_per_tok: 2\n"
        "first_k_dense_replace: 1\nrms_norm_eps: 1e-6\nmax_position_embeddings: 64\nhidden_act: silu\n"
        "scoring_func: sigmoid\ntopk_method: noaux_tc\nrouted_scaling_factor: 2.5\n";
    static const char lists[] =
        "indexer_types: [full, shared, full]\nmlp_layer_types: [sparse, dense, sparse]\n";
    char both[2048];
    rg_graph a, b;
    rg_error err = {0};
    must(graph_of_text(&a, text, &err), &err);
    snprintf(both, sizeof both, "%s%s", text, lists);
    must(graph_of_text(&b, both, &err), &err);
    assert_true(rg_graph_total(&a, 1).indexer_bytes_per_token == 3 * 8);
    assert_true(rg_graph_total(&b, 1).indexer_bytes_per_token == 2 * 8);
    const double indexer = 8 * 4 + 4 * 8 + 8 + 2 * 8;
    assert_true(rg_graph_total(&a, 1).parameters_total - rg_graph_total(&b, 1).parameters_total == indexer);
    for (size_t i = 0; i < b.n_nodes; i++)
        if (b.node[i].op == RG_OP_ROUTER) assert_true(b.node[i].layer != 1);
    rg_graph_close(&a);
    rg_graph_close(&b);
}

static void comments(void **state) {
    (void)state;
    rg_graph g;
    rg_error err = {0};
    static const char tiny[] = "model_type: llama\nvocab_size: 100\nhidden_size: 64\nintermediate_size: 96\n"
                               "num_hidden_layers: 2\nnum_attention_heads: 4\n";
    char text[1024];
    snprintf(text, sizeof text, "%s_note: {words: 1}\nrope_scaling_note: none\n_x: 1\n", tiny);
    must(graph_of_text(&g, text, &err), &err);
    rg_graph_close(&g);
    snprintf(text, sizeof text, "%snote: 1\n", tiny);
    refused(text, RG_ERR_UNSUPPORTED, "\"note\"");
    snprintf(text, sizeof text, "%sfoot_notes: 1\n", tiny);
    refused(text, RG_ERR_UNSUPPORTED, "\"foot_notes\"");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),          cmocka_unit_test(all_files),
        cmocka_unit_test(dropped_field),   cmocka_unit_test(work),
        cmocka_unit_test(selected_keys),   cmocka_unit_test(spans),
        cmocka_unit_test(encoder_rows),    cmocka_unit_test(parts),
        cmocka_unit_test(comments),        cmocka_unit_test(shared_indexers),
        cmocka_unit_test(checkpoints),     cmocka_unit_test(vision_tower),
        cmocka_unit_test(compressed_keys), cmocka_unit_test(capped_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
