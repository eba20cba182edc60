/* Published models: exact parameter counts, KV bytes, counts against closed formulas, and refusals by name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>

#include "unit/graph/models.h"

/* Published counts; KV bytes per token are 2 x layers x kv heads x head_dim x 2 bytes, with a window so many
   times that as state. */
static const struct {
    const char *name;
    double parameters, kv_bytes;
    bool shipped; /* in data/models too */
    double state_bytes;
    double active; /* with the input embedding; 0: all */
} published[] = {{"llama-2-7b", 6738415616, 524288, true},
                 {"llama-2-13b", 13015864320, 819200, true},
                 {"llama-2-70b", 68976648192, 327680, true},
                 {"llama-3.1-8b", 8030261248, 131072, true},
                 {"llama-3.1-70b", 70553706496, 327680, true},
                 {"llama-3.1-405b", 405853388800, 516096, true},
                 {"qwen3-0.6b", 596049920, 114688, true},
                 {"qwen3-8b", 8190735360, 147456, true},
                 {"qwen3-32b", 32762123264, 262144, false},
                 {"qwen2.5-72b", 72706203648, 327680, true},
                 {"gpt3-175b", 174604259328, 4718592, true},
                 {"palm-540b", 540356474880, 120832, true},
                 {"palm-62b", 62495662080, 65536, true},
                 /* 12 L h^2 + 13 L h + (V + s) h + 2 h, the paper's count and its final norm */
                 {"megatron-22b", 22074273792, 1179648, true},
                 {"megatron-175b", 174615846912, 4718592, true},
                 {"megatron-530b", 529600819200, 8601600, true},
                 {"megatron-1t", 1008038758400, 13107200, true},
                 {"gpt-oss-20b", 20914757184, 24576, true, 3145728, .active = 4187440704},
                 {"gpt-oss-120b", 116829156672, 36864, false, 4718592, .active = 5711982912},
                 {"gpt2", 124439808, 36864, true},
                 {"pythia-160m", 162322944, 36864, true},
                 {"all-minilm-l6-v2", 22713216 - 147840, 0, true}, /* without the pooler of training */
                 {"mistral-7b-v0.1", 7241732096, 0, true, 131072.0 * 4096},
                 {"mixtral-8x7b", 46702792704, 131072, true, .active = 12879925248},
                 {"qwen3-30b-a3b", 30532122624, 98304, true, .active = 3353032704},
                 {"qwen3-235b-a22b", 235093634560, 192512, true, .active = 22190763520},
                 {"deepseek-v2-lite", 15706484224, 31104, true, .active = 2661150208},
                 {"deepseek-v3", 671026419200, 70272, true, .active = 37552297472},
                 {"deepseek-v3.1-nvfp4", 671026419200, 70272, false, .active = 37552297472},
                 {"kimi-k2", 1026408232448, 70272, true, .active = 32861500928}};
enum { N_PUBLISHED = sizeof published / sizeof *published };

static void check_published(const rg_graph *g, size_t i) {
    const rg_graph_totals t = rg_graph_total(g, 4096);
    assert_true(t.parameters_total == published[i].parameters);
    assert_true(t.parameters_active == (published[i].active ? published[i].active : published[i].parameters));
    assert_true(t.kv_bytes_per_token == published[i].kv_bytes);
    assert_true(t.state_bytes_per_sequence == published[i].state_bytes);
}

static void counts_by_name(void **state) {
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED; i++) {
        if (!published[i].shipped) continue;
        rg_graph g;
        double bytes;
        open_model(&g, published[i].name);
        check_published(&g, i);
        assert_string_equal(g.model, published[i].name);
        assert_int_equal(rg_graph_weight_bytes(&g, NULL, &bytes, NULL), RG_OK);
        assert_true(bytes == 2 * published[i].parameters);
        rg_graph_close(&g);
    }
}

static void counts_by_config(void **state) {
    (void)state;
    if (!shared_path("models-config")) skip();
    for (size_t i = 0; i < N_PUBLISHED; i++) {
        char name[128];
        rg_graph g;
        rg_error err = {0};
        rg_doc config;
        snprintf(name, sizeof name, "models-config/%s.json", published[i].name);
        if (!shared_path(name)) continue;
        must(rg_doc_open(&config, shared_path(name), &err), &err);
        must(rg_graph_import(&g, &config, FAMILIES, &err), &err);
        rg_doc_close(&config);
        check_published(&g, i);
        assert_int_equal(g.n_unknown_fields, 0);
        if (published[i].shipped) { /* and the facts of data/models are those of the config: the same graph */
            rg_graph ours;
            rg_str a = {0}, b = {0};
            open_model(&ours, published[i].name);
            must(rg_graph_to_json(&g, &a, &err), &err);
            must(rg_graph_to_json(&ours, &b, &err), &err);
            assert_string_equal(a.data, b.data);
            rg_str_free(&a);
            rg_str_free(&b);
            rg_graph_close(&ours);
        }
        rg_graph_close(&g);
    }
}

typedef struct sizes {
    double d, f, L, H, K, hd, V;
    bool norm_heads;
} sizes;

/* FLOP of the linear operators of one block for one token. */
static double block_linear(const sizes *s) {
    return 2 * (s->d * s->H * s->hd + 2 * s->d * s->K * s->hd + s->H * s->hd * s->d + 3 * s->d * s->f);
}

/* The same sums written out by hand, without the graph. */
static void totals_by_formula(void **state) {
    (void)state;
    static const struct {
        const char *name;
        sizes s;
    } cases[] = {{"llama-2-7b", {4096, 11008, 32, 32, 32, 128, 32000, false}},
                 {"llama-3.1-8b", {4096, 14336, 32, 32, 8, 128, 128256, false}},
                 {"llama-3.1-405b", {16384, 53248, 126, 128, 8, 128, 128256, false}},
                 {"qwen3-0.6b", {1024, 3072, 28, 16, 8, 128, 151936, true}},
                 {"qwen3-8b", {4096, 12288, 36, 32, 8, 128, 151936, true}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const sizes *s = &cases[i].s;
        rg_graph g;
        open_model(&g, cases[i].name);
        for (double c = 1; c <= 131072; c *= 8) {
            const rg_graph_totals t = rg_graph_total(&g, c);
            const double head = 2 * s->d * s->V, attention = 4 * s->H * s->hd;
            const double prefill = s->L * (block_linear(s) + attention * (c + 1) / 2) + head / c;
            const double decode = s->L * (block_linear(s) + attention * c) + head;
            assert_true(fabs(t.prefill_flop_per_token / prefill - 1) < 1e-12);
            assert_true(fabs(t.decode_flop_per_token / decode - 1) < 1e-12);
        }
        rg_graph_close(&g);
    }
}

static rg_node_count sum_of(const rg_graph *g, rg_phase phase, double b, double c) {
    rg_node_count sum = {0};
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_node_count n = rg_graph_count_node(g, i, phase, b, c);
        sum.matrix_flop += n.matrix_flop;
        sum.vector_flop += n.vector_flop;
        sum.weight_elements += n.weight_elements;
        sum.kv_read_elements += n.kv_read_elements;
        sum.kv_write_elements += n.kv_write_elements;
    }
    return sum;
}

static void near(double a, double b) {
    if (!(fabs(a - b) <= 1e-12 * fabs(b))) fail_msg("%.17g is not %.17g", a, b);
}

/* Vector work, weights and cache of a pass, by the conventions of the header. */
static void elements_by_formula(void **state) {
    (void)state;
    const sizes s = {4096, 12288, 36, 32, 8, 128, 151936, true}; /* qwen3-8b */
    rg_graph g;
    open_model(&g, "qwen3-8b");
    for (int phase = 0; phase < 2; phase++)
        for (double b = 1; b <= 300; b *= 17) {
            const double c = 777, tokens = phase == RG_PREFILL ? b * c : b;
            const double keys = phase == RG_PREFILL ? (c + 1) / 2 : c;
            const rg_node_count sum = sum_of(&g, (rg_phase)phase, b, c);
            const double heads = (s.H + s.K) * s.hd;
            const double per_token =
                s.L * (4 * 2 * s.d + 4 * heads + 3 * heads + 5 * s.f + 2 * s.d + 5 * s.H * keys + s.H * s.hd);
            near(sum.vector_flop, tokens * (per_token + 4 * s.d));
            near(sum.kv_read_elements, b * c * s.L * 2 * s.K * s.hd);
            near(sum.kv_write_elements, tokens * s.L * 2 * s.K * s.hd);
            const double rows = tokens < s.V ? tokens : s.V, all = 8190735360 - s.V * s.d;
            near(sum.weight_elements, all + rows * s.d);
        }
    rg_graph_close(&g);
}

/* Experts: as many matrices are read as some token chooses, as many multiplied as each token has. */
static void experts_by_formula(void **state) {
    (void)state;
    const double E = 128, k = 8, d = 2048, f = 768, L = 48; /* qwen3-30b-a3b */
    rg_graph g;
    open_model(&g, "qwen3-30b-a3b");
    for (double b = 1; b <= 1000; b *= 3) {
        double flop = 0, read = 0, active = 0, unread = 1;
        for (size_t i = 0; i < g.n_nodes; i++) {
            const rg_node_count n = rg_graph_count_node(&g, i, RG_DECODE, b, 777);
            if (g.node[i].op != RG_OP_EXPERT_LINEAR) continue;
            flop += n.matrix_flop;
            read += n.weight_elements;
            active += n.active_weight_elements;
        }
        for (int t = 0; t < b; t++) unread *= 1 - k / E;
        assert_true(fabs(flop / (b * L * k * 6 * d * f) - 1) < 1e-12);
        assert_true(fabs(read / (L * E * (1 - unread) * 3 * d * f) - 1) < 1e-12);
        assert_true(fabs(active / (L * k * 3 * d * f) - 1) < 1e-12);
        if (b == 1) assert_true(fabs(read / active - 1) < 1e-12);
    }
    double bytes;
    rg_error err = {0};
    must(rg_graph_weight_bytes(&g, "w=fp32,w.experts.*=mxfp4,r=e4m3fn", &bytes, &err), &err);
    const double experts = L * E * 3 * d * f, attention = L * (2 * 4096 + 2 * 512) * d, gates = L * E * d;
    near(bytes, 2 * (30532122624 - experts - attention) - gates + 4 * attention + experts * 4.25 / 8);
    rg_graph_close(&g);
}

static const char moe[] = "model_type: qwen3_moe\nvocab_size: 100\nhidden_size: 64\nintermediate_size: 96\n"
                          "num_hidden_layers: 4\nnum_attention_heads: 4\nmoe_intermediate_size: 32\n"
                          "num_experts: 6\nnum_experts_per_tok: 2\n";

static void layers_with_experts(void **state) {
    (void)state;
    static const struct {
        const char *more, *layers;
    } cases[] = {{"", "1111"},
                 {"decoder_sparse_step: 2\n", "0101"},
                 {"mlp_only_layers: [0, 3]\n", "0110"},
                 {"decoder_sparse_step: 2\nmlp_only_layers: [3]\n", "0100"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[1024], found[5] = "0000";
        rg_graph g;
        rg_error err = {0};
        snprintf(text, sizeof text, "%s%s", moe, cases[i].more);
        must(graph_of_text(&g, text, &err), &err);
        for (size_t n = 0; n < g.n_nodes; n++)
            if (g.node[n].op == RG_OP_ROUTER) found[g.node[n].layer] = '1';
        assert_string_equal(found, cases[i].layers);
        rg_graph_close(&g);
    }
    char text[1024];
    snprintf(text, sizeof text, "%snum_experts_per_tok: 7\n", moe);
    refused(text, RG_ERR_PARSE, "num_experts_per_tok"); /* twice */
    snprintf(text, sizeof text, "%smlp_only_layers: 2\n", moe);
    refused(text, RG_ERR_PARSE, "mlp_only_layers");
}

static const rg_graph_node *node_named(const rg_graph *g, const char *name, size_t *index) {
    for (*index = 0; *index < g->n_nodes; ++*index)
        if (strcmp(g->node[*index].name, name) == 0) return &g->node[*index];
    fail_msg("no node %s", name);
    return NULL;
}

/* Table 1 of arXiv 2402.16363 (rounded to two or three digits): Llama-2-7B, prompt of 2048, fp16. */
static void published_operators(void **state) {
    (void)state;
    static const struct {
        const char *node;
        rg_phase phase;
        double flop, bytes;
    } rows[] = {{"layers.0.self_attn.q_proj", RG_PREFILL, 69e9, 67e6},
                {"layers.0.mlp.gate_proj", RG_PREFILL, 185e9, 152e6},
                {"layers.0.self_attn.q_proj", RG_DECODE, 34e6, 34e6},
                {"layers.0.mlp.gate_proj", RG_DECODE, 90e6, 90e6}};
    rg_graph g;
    open_model(&g, "llama-2-7b");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t k;
        node_named(&g, rows[i].node, &k);
        const rg_node_count n = rg_graph_count_node(&g, k, rows[i].phase, 1, 2048);
        const double bytes = 2 * (n.weight_elements + n.input_elements + n.output_elements);
        assert_true(fabs(n.matrix_flop / rows[i].flop - 1) < 0.02);
        assert_true(fabs(bytes / rows[i].bytes - 1) < 0.02);
    }
    rg_graph_close(&g);
}

/* arXiv 2505.09343 Table 2: 2448 GFLOP per trained token of the 405B at 4096: three forward passes, with the
   head on every token. */
static void published_training(void **state) {
    (void)state;
    rg_graph g;
    open_model(&g, "llama-3.1-405b");
    const double head = 2.0 * 16384 * 128256;
    const double forward = rg_graph_total(&g, 4096).prefill_flop_per_token + head * (1 - 1 / 4096.0);
    assert_true(fabs(3 * forward / 2448e9 - 1) < 0.015);
    rg_graph_close(&g);
}

/* The same table: 250 GFLOP per token of DeepSeek-V3, prompts computed with keys and values made of the
   latent vector. */
static void published_training_of_experts(void **state) {
    (void)state;
    rg_graph g;
    open_model(&g, "deepseek-v3");
    const double head = 2.0 * 7168 * 129280;
    const double forward = rg_graph_total(&g, 4096).prefill_flop_per_token + head * (1 - 1 / 4096.0);
    assert_true(fabs(3 * forward / 250e9 - 1) < 0.005);
    /* a decode step is over the latent vector: 576 and 512 features of each of 128 heads */
    const rg_graph_totals a = rg_graph_total(&g, 1000), b = rg_graph_total(&g, 2000);
    near(b.decode_flop_per_token - a.decode_flop_per_token, 1000.0 * 61 * 128 * 2 * (576 + 512));
    rg_graph_close(&g);
}

/* The invented 18B model of the scaling book (inference, question 1): head_dim is not hidden / heads. */
static void head_dim_of_its_own(void **state) {
    (void)state;
    rg_graph g;
    rg_error err = {0};
    must(graph_of_text(&g,
                       "model_type: llama\nvocab_size: 32128\nhidden_size: 4096\nintermediate_size: 16384\n"
                       "num_hidden_layers: 64\nnum_attention_heads: 32\nnum_key_value_heads: 8\n"
                       "head_dim: 256\ntie_word_embeddings: true\n",
                       &err),
         &err);
    const rg_graph_totals t = rg_graph_total(&g, 1);
    assert_true(fabs(t.parameters_total / 18.4e9 - 1) < 0.005);
    assert_true(t.kv_bytes_per_token == 2.0 * 64 * 8 * 256 * 2);
    /* tied: the table is multiplied by the head, so all of it is active without the embedding too */
    assert_true(t.parameters_active_no_embedding == t.parameters_total);
    rg_graph_close(&g);
}

/* Bytes under a policy, block scales counted; tied tables once. */
/* One token's keys and values of a layer as bytes: codes packed, then scales, all really made. */
static double emitted(const char *format, size_t heads, size_t head_dim) {
    rg_quant q;
    float *x = calloc(heads * head_dim, sizeof *x);
    assert_int_equal(rg_quant_parse(format, &q, NULL), RG_OK);
    for (size_t i = 0; i < heads * head_dim; i++) x[i] = (float)(i % 13) - 5;
    const rg_stored_size size = rg_format_stored_size(&q.format, heads, head_dim, true);
    uint8_t *codes = calloc(size.code_bytes + 1, 1), *scales = calloc(size.scale_bytes + 1, 1);
    rg_encode(&q, x, codes, scales, heads, head_dim, true, NULL);
    const size_t bytes = heads * rg_packed_row_bytes(&q.format.elem, head_dim) + size.scale_bytes;
    free(codes);
    free(scales);
    free(x);
    return (double)bytes;
}

static void kv_bytes(void **state) {
    (void)state;
    rg_graph g;
    rg_error err = {0};
    double bytes, plain;
    must(rg_graph_from_name(&g, "llama-3.1-8b", RIDGE_SOURCE_DIR "/data", &err), &err);
    must(rg_graph_kv_bytes(&g, NULL, 1000, &plain, &err), &err);
    assert_true(plain == 1000 * rg_graph_total(&g, 1000).kv_bytes_per_token);
    must(rg_graph_kv_bytes(&g, "kv=int4", 1000, &bytes, &err), &err);
    assert_true(bytes == 1000 * 32 * 2 * emitted("int4", 8, 128));
    must(rg_graph_kv_bytes(&g, "k=e4m3fn,v=nvfp4", 7, &bytes, &err), &err);
    assert_true(bytes == 7 * 32 * (emitted("e4m3fn", 8, 128) + emitted("nvfp4", 8, 128)));
    must(rg_graph_kv_bytes(&g, "kv=mxfp4,window=100,sinks=4,first=1", 1000, &bytes, &err), &err);
    assert_true(bytes == (104 * 32 + 896) * 2 * 8 * 128 * 2 + 896 * 31 * 2 * emitted("mxfp4", 8, 128));
    assert_int_equal(rg_graph_kv_bytes(&g, NULL, 0, &bytes, &err), RG_ERR_USAGE);
    rg_graph_close(&g);
    open_model(&g, "deepseek-v3"); /* 512 of the latent vector and 64 of the rotated key */
    must(rg_graph_kv_bytes(&g, "v=e4m3fn", 1000, &bytes, &err), &err);
    near(bytes, 1000 * 61 * (512 + 2 * 64));
    must(rg_graph_kv_bytes(&g, "kv=mxfp8", 1000, &bytes, &err), &err);
    near(bytes, 1000 * 61 * (576 + 576 / 32));
    rg_graph_close(&g);
}

static void weight_bytes(void **state) {
    (void)state;
    rg_graph g;
    double bytes;
    rg_error err = {0};
    open_model(&g, "llama-3.1-8b");
    const double outside = 2.0 * 128256 * 4096, norms = 65.0 * 4096, inside = 8030261248 - outside - norms;
    must(rg_graph_weight_bytes(&g, "w=mxfp4", &bytes, &err), &err);
    near(bytes, 2 * (outside + norms) + inside * 4.25 / 8);
    must(rg_graph_weight_bytes(&g, "w=fp32,w.lm_head=e4m3fn", &bytes, &err), &err);
    near(bytes, 1.5 * outside + 2 * norms + 4 * inside);
    must(rg_graph_weight_bytes(&g, "w=int4,w.mlp.*=e4m3fn", &bytes, &err), &err);
    const double mlp = 32.0 * 3 * 4096 * 14336;
    near(bytes, 2 * (outside + norms) + mlp + (inside - mlp) * 4.5 / 8);
    assert_int_equal(rg_graph_weight_bytes(&g, "w.layer.*=int4", &bytes, &err), RG_ERR_USAGE);
    assert_non_null(strstr(err.message, "w.layer.*"));
    rg_graph_close(&g);

    open_model(&g, "qwen3-0.6b");
    const double table = 151936.0 * 1024;
    must(rg_graph_weight_bytes(&g, "w.lm_head=e4m3fn", &bytes, &err), &err);
    near(bytes, 2 * 596049920.0 - table);
    rg_graph_close(&g);
}

static const char good[] = "model_type: llama\nvocab_size: 100\nhidden_size: 64\nintermediate_size: 96\n"
                           "num_hidden_layers: 2\nnum_attention_heads: 4\n";

static void with(char *out, size_t size, const char *more) {
    snprintf(out, size, "%s%s", good, more);
}

static void refusals(void **state) {
    (void)state;
    static const struct {
        const char *more;
        rg_status status;
        const char *words;
    } cases[] = {
        {"num_experts: 8\n", RG_ERR_UNSUPPORTED, "does not know 1 field: \"num_experts\""},
        {"rope_scaling: {rope_type: llama3, factor: 8.0, low_freq_factor: 1.0, high_freq_factor: 4.0, "
         "original_max_position_embeddings: 8192, beta: 1}\n",
         RG_ERR_UNSUPPORTED, "\"rope_scaling.beta\""},
        {"rope_scaling: {rope_type: yarn, factor: 4.0}\n", RG_ERR_UNSUPPORTED, "rope_type"},
        {"rope_scaling: {type: linear, factor: 4.0}\n", RG_ERR_UNSUPPORTED, "rope_scaling.type"},
        {"rope_scaling: linear\n", RG_ERR_UNSUPPORTED, "\"rope_scaling\""},
        {"rope_scaling: [1, 2]\n", RG_ERR_UNSUPPORTED, "\"rope_scaling\""},
        {"rope_scaling: {rope_type: llama3, low_freq_factor: 1.0, high_freq_factor: 4.0, "
         "original_max_position_embeddings: 8192}\n",
         RG_ERR_PARSE, "rope_scaling.factor"},
        {"rope_scaling: {type: llama3}\n", RG_ERR_PARSE, "rope_scaling.factor"},
        {"hidden_act: gelu\n", RG_ERR_UNSUPPORTED, "hidden_act"},
        {"mlp_bias: true\n", RG_ERR_UNSUPPORTED, "mlp_bias"},
        {"sliding_window: 4096\n", RG_ERR_UNSUPPORTED, "sliding_window"},
        {"quantization_config: {bits: 4}\n", RG_ERR_UNSUPPORTED, "quantization_config"},
        {"num_key_value_heads: 3\n", RG_ERR_PARSE, "heads do not group"},
        {"head_dim: 15\n", RG_ERR_PARSE, "even head_dim"},
        {"head_dim: big\n", RG_ERR_PARSE, "\"big\""},
        {"head_dim: [16]\n", RG_ERR_PARSE, "head_dim"},
        {"attention_bias: 1\n", RG_ERR_PARSE, "attention_bias"},
        {"rms_norm_eps: '1e-6'\n", RG_ERR_PARSE, "rms_norm_eps"},
        {"rope_theta: -1.0\n", RG_ERR_PARSE, "theta"},
        {"max_position_embeddings: 0\n", RG_ERR_PARSE, "max_position_embeddings"},
    };
    char text[1024];
    rg_graph g;
    rg_error err = {0};
    must(graph_of_text(&g, good, &err), &err);
    rg_graph_close(&g);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        with(text, sizeof text, cases[i].more);
        refused(text, cases[i].status, cases[i].words);
    }
    refused("model_type: no_such\n", RG_ERR_UNSUPPORTED, "model_type \"no_such\"");
    refused("hidden_size: 64\n", RG_ERR_UNSUPPORTED, "model_type is missing");
    refused("- 1\n- 2\n", RG_ERR_PARSE, "a map of config fields");
    refused("model_type: llama\n", RG_ERR_PARSE, "has no field");
    refused(
        "model_type: llama\nvocab_size: 100\nhidden_size: 65\nintermediate_size: 96\nnum_hidden_layers: 2\n"
        "num_attention_heads: 4\n",
        RG_ERR_PARSE, "65 / 4 is not exact (for test.yaml)");
}

static void import_lists_unknown(void **state) {
    (void)state;
    rg_doc doc;
    rg_graph g;
    rg_error err = {0};
    char text[1024];
    with(text, sizeof text, "num_experts: 8\nrope_scaling: {rope_type: null, beta: 2}\nuse_cache: true\n");
    must(rg_doc_parse(&doc, text, strlen(text), "test.yaml", false, &err), &err);
    must(rg_graph_import(&g, &doc, FAMILIES, &err), &err);
    assert_int_equal(g.n_unknown_fields, 2);
    assert_string_equal(g.unknown_field[0], "num_experts");
    assert_string_equal(g.unknown_field[1], "rope_scaling.beta");
    rg_graph_close(&g);
    rg_doc_close(&doc);
    assert_int_equal(rg_graph_from_name(&g, "no-such-model", DATA, &err), RG_ERR_USAGE);
    assert_int_equal(rg_graph_from_name(&g, "../models/llama-2-7b", DATA, &err), RG_ERR_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_by_name),
        cmocka_unit_test(counts_by_config),
        cmocka_unit_test(totals_by_formula),
        cmocka_unit_test(elements_by_formula),
        cmocka_unit_test(published_operators),
        cmocka_unit_test(published_training),
        cmocka_unit_test(published_training_of_experts),
        cmocka_unit_test(head_dim_of_its_own),
        cmocka_unit_test(kv_bytes),
        cmocka_unit_test(weight_bytes),
        cmocka_unit_test(refusals),
        cmocka_unit_test(import_lists_unknown),
        cmocka_unit_test(experts_by_formula),
        cmocka_unit_test(layers_with_experts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
