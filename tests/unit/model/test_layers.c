/* What an evaluation sees inside the model: free-running and forced errors against a plain walk, statistics
   by their definitions, digests, equal bits for any batch and threads. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "model/eval.h"
#include "unit/model/tiny_model.h"

enum { CHARACTERS = 1700, POLICIES = 5, W_LAST = 0, ACT, KV, INTEGER, PLAIN };
static const char *const policies[POLICIES] = {"w.layers.1.mlp.down_proj=int4", "a=int8", "kv=e4m3fn",
                                               "w=mxfp4,a=mxfp4", "fp32"};

static void make(rg_eval_report *out, int threads, size_t batch, bool layers) {
    char *text = tiny_text(CHARACTERS);
    const rg_eval_options options = {.protocol = "stories-256",
                                     .threads = threads,
                                     .batch_tokens = batch,
                                     .layers = layers,
                                     .digests = layers};
    rg_error err = {0};
    if (rg_eval_report_make(out, &model, text, CHARACTERS, policies, POLICIES, &options, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    free(text);
}

static size_t find(const rg_eval_report *r, const char *name) {
    for (size_t i = 0; i < r->n_layers; i++)
        if (strcmp(r->layer[i].name, name) == 0) return i;
    fail_msg("no operator %s", name);
    return 0;
}

static const rg_layer_error *error_of(const rg_eval_report *r, const char *name, size_t policy) {
    return &r->layer_error[find(r, name) * POLICIES + policy];
}

/* An operator that is the same and reads the same has no error; the first that differs has the same error
   free and forced; what follows has errors on its own inputs alone. */
static void where_errors_come_from(void **state) {
    (void)state;
    rg_eval_report r;
    make(&r, 2, 0, true);
    assert_int_equal(r.n_layers, model.graph.n_nodes - 1);
    assert_int_equal(r.tokens_run, r.tokens / 128 * 256);
    for (size_t i = 0; i < r.n_layers; i++) {
        const rg_layer_error *e = &r.layer_error[i * POLICIES];
        assert_true(isnan(e[PLAIN].sqnr_free_db) && isnan(e[PLAIN].sqnr_forced_db));
        assert_string_equal(e[PLAIN].sha256.hex, r.layer[i].sha256.hex);
        const bool before = i < find(&r, "layers.1.mlp.down_proj"),
                   here = i == find(&r, "layers.1.mlp.down_proj");
        assert_int_equal(isnan(e[W_LAST].sqnr_free_db), before);
        assert_int_equal(isnan(e[W_LAST].sqnr_forced_db), !here);
        assert_int_equal(strcmp(e[W_LAST].sha256.hex, r.layer[i].sha256.hex) == 0, before);
        assert_true(!here || e[W_LAST].sqnr_free_db == e[W_LAST].sqnr_forced_db);
    }
    /* values are seen before their readers quantize them */
    assert_true(isnan(error_of(&r, "layers.0.input_layernorm", ACT)->sqnr_free_db));
    assert_true(isnan(error_of(&r, "layers.0.self_attn.v_proj", KV)->sqnr_free_db));
    assert_true(isfinite(error_of(&r, "layers.0.self_attn.attention", KV)->sqnr_forced_db));
    assert_true(error_of(&r, "layers.1.mlp.up_proj", ACT)->sqnr_forced_db >
                error_of(&r, "layers.1.mlp.up_proj", ACT)->sqnr_free_db + 1);
    rg_eval_report_free(&r);
}

/* ---- against a plain walk ---------------------------------------------------------------------------------
 */

typedef struct kept { /* the values of a run */
    float **value;
    size_t n_tokens;
} kept;

static rg_status none(void *context, const exec *e, int node, rg_error *err) {
    (void)context, (void)e, (void)node, (void)err;
    return RG_OK;
}

static rg_status keep(void *context, const exec *e, int node, rg_error *err) {
    kept *k = context;
    (void)err;
    const size_t n = e->n_tokens * (size_t)model.graph.node[node].width;
    k->value[node] = malloc(n * sizeof(float));
    memcpy(k->value[node], *exec_value(e, node, 0), n * sizeof(float));
    k->n_tokens = e->n_tokens;
    return RG_OK;
}

static rg_status ignore(void *context, size_t variant, size_t first, size_t n, const float *reference,
                        const float *logits, rg_error *err) {
    (void)context, (void)variant, (void)first, (void)n, (void)reference, (void)logits, (void)err;
    return RG_OK;
}

/* One policy alone, all windows in one batch. */
static void walk(const char *policy, kept *k) {
    char *text = tiny_text(CHARACTERS);
    static rg_policy parsed;
    eval_plan plan;
    bool touched;
    exec e;
    exec_use *use = calloc(model.graph.n_nodes, sizeof *use);
    size_t start[64] = {0}, scored = 0;
    assert_int_equal(eval_plan_make(&plan, &model, "stories-256", text, CHARACTERS, 0, NULL), RG_OK);
    assert_int_equal(rg_policy_parse(policy, &parsed, NULL), RG_OK);
    assert_int_equal(exec_resolve(&model.graph, &parsed, &(exec_datapaths){0}, use, &touched, NULL), RG_OK);
    assert_int_equal(exec_open(&e, &model, use, 1, 1, 256, NULL), RG_OK);
    for (size_t w = 0; w < plan.n_windows; w++) start[w + 1] = start[w] + plan.window[w].length;
    k->value = calloc(model.graph.n_nodes, sizeof *k->value);
    const exec_watch watch = {k, none, keep};
    e.watch = &watch;
    const exec_batch batch = {plan.n_windows, start, plan.token, 1, &scored};
    assert_int_equal(exec_run(&e, &batch, ignore, NULL, NULL, (const double[2]){0, 1}, NULL), RG_OK);
    exec_close(&e);
    eval_plan_free(&plan);
    free(use);
    free(text);
}

static void release(kept *k) {
    for (size_t i = 0; i < model.graph.n_nodes; i++) free(k->value[i]);
    free(k->value);
}

static int ascending(const void *a, const void *b) {
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

#define near(got, want) assert_true(fabs((got) - (want)) <= 1e-9 * fabs(want))

static void by_definition(void **state) {
    (void)state;
    rg_eval_report r;
    kept reference, candidate;
    make(&r, 1, 300, true);
    walk("fp32", &reference);
    walk("w.layers.1.mlp.down_proj=int4", &candidate);
    for (size_t i = 0; i < r.n_layers; i++) {
        const rg_layer *l = &r.layer[i];
        const size_t node = i + (i >= (size_t)model.graph.output), width = (size_t)l->width,
                     n = reference.n_tokens * width;
        const float *x = reference.value[node], *y = candidate.value[node];
        double power = 0, fourth = 0, largest = 0, error = 0, channel[64], sorted[64], blocks = 0;
        size_t n_blocks = 0, out = 0;
        memset(channel, 0, sizeof channel);
        for (size_t j = 0; j < n; j++) {
            power += (double)x[j] * x[j];
            fourth += pow(x[j], 4);
            largest = fmax(largest, fabs((double)x[j]));
            error += pow((double)x[j] - y[j], 2);
            channel[j % width] += (double)x[j] * x[j];
        }
        for (size_t j = 0; j < n; j += width)
            for (size_t c = 0; c + 32 <= width; c += 32, n_blocks++) {
                double most = 0, square = 0;
                for (size_t b = 0; b < 32; b++) {
                    most = fmax(most, fabs((double)x[j + c + b]));
                    square += pow(x[j + c + b], 2) / 32;
                }
                blocks += most / sqrt(square);
            }
        memcpy(sorted, channel, sizeof sorted);
        qsort(sorted, width, sizeof *sorted, ascending);
        const double median = (sorted[(width - 1) / 2] + sorted[width / 2]) / 2;
        for (size_t c = 0; c < width; c++) out += sqrt(channel[c]) > 6 * sqrt(median);
        near(l->rms, sqrt(power / (double)n));
        near(l->max_abs, largest);
        near(l->crest, largest / sqrt(power / (double)n));
        near(l->kurtosis, fourth / (double)n / pow(power / (double)n, 2));
        assert_int_equal(l->outlier_channels, out);
        if (n_blocks)
            near(l->block_crest, blocks / (double)n_blocks);
        else
            assert_true(isnan(l->block_crest));
        if (error > 0) near(r.layer_error[i * POLICIES + W_LAST].sqnr_free_db, 10 * log10(power / error));
        assert_string_equal(l->sha256.hex, rg_sha256(x, n * sizeof *x).hex);
        assert_string_equal(r.layer_error[i * POLICIES + W_LAST].sha256.hex, rg_sha256(y, n * sizeof *y).hex);
    }
    rg_eval_report_free(&r);
    release(&reference);
    release(&candidate);
}

/* Looking changes nothing, and what is seen depends on neither threads nor batch. */
static void same_bits(void **state) {
    (void)state;
    rg_eval_report plain, a, b;
    make(&plain, 2, 0, false);
    make(&a, 1, 100000, true);
    make(&b, 2, 300, true);
    for (size_t i = 0; i <= POLICIES; i++) {
        const size_t n = offsetof(rg_quality, verdict) - offsetof(rg_quality, ppl);
        assert_memory_equal(&plain.quality[i].ppl, &a.quality[i].ppl, n);
        assert_memory_equal(&plain.quality[i].ppl, &b.quality[i].ppl, n);
    }
    assert_int_equal(plain.n_layers, 0);
    for (size_t i = 0; i < a.n_layers; i++) {
        assert_memory_equal(&a.layer[i], &b.layer[i], sizeof *a.layer);
        assert_memory_equal(&a.layer_error[i * POLICIES], &b.layer_error[i * POLICIES],
                            POLICIES * sizeof *a.layer_error);
    }
    rg_eval_report_free(&plain);
    rg_eval_report_free(&a);
    rg_eval_report_free(&b);
}

/* An outlier channel is counted. */
static void outlier(void **state) {
    (void)state;
    rg_eval_report r;
    size_t node = 0;
    while (strcmp(model.graph.node[node].name, "layers.0.input_layernorm") != 0) node++;
    float *gain = model.weight[model.graph.node[node].weight];
    gain[5] *= 50;
    make(&r, 2, 0, true);
    gain[5] /= 50;
    const rg_layer *l = &r.layer[find(&r, "layers.0.input_layernorm")];
    assert_int_equal(l->outlier_channels, 1);
    assert_true(l->kurtosis > 10 && l->crest > 4);
    rg_eval_report_free(&r);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(where_errors_come_from),
                                       cmocka_unit_test(by_definition), cmocka_unit_test(same_bits),
                                       cmocka_unit_test(outlier)};
    return cmocka_run_group_tests(tests, open_tiny, close_tiny);
}
