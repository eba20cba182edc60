/* Log-probabilities of the tokens of documents, JSON lines: {"doc": ID, "logprobs": [...]} with, where the
   producer ran both models itself, "reference": [...] of the same length. The form is Ridge's own:
   docs/quality.md. */
#include "kernels/kernels.h"
#include "model/import.h"
#include "model/json_lines.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 256 }; /* tokens of a cluster where documents are too few */

typedef struct document {
    const char *id;
    size_t line, n;
    double *logprob, *reference; /* [n] nats; reference NULL: the file holds none */
} document;

typedef struct documents {
    size_t n, room, n_tokens;
    bool has_reference;
    document *doc; /* by id */
} documents;

static bool detect(const char *text, size_t size) {
    const char *end = memchr(text, '\n', size);
    const size_t n = end ? (size_t)(end - text) : size;
    return memmem(text, n, "\"doc\"", 5) && memmem(text, n, "\"logprobs\"", 10);
}

static rg_status numbers(rg_import *import, const json_line *line, const char *key, size_t *n, double **out,
                         rg_error *err) {
    const json_t *list = json_object_get(line->value, key);
    if (!json_is_array(list) || !json_array_size(list))
        return json_line_fail(line, err, "a list of numbers", "\"%s\" is no list, or empty", key);
    *n = json_array_size(list);
    *out = rg_arena_alloc(&import->arena, *n, sizeof **out);
    if (!*out) return rg_fail(err, RG_ERR_MEMORY, line->name, NULL, "out of memory");
    for (size_t i = 0; i < *n; i++) {
        const json_t *one = json_array_get(list, i);
        const double v = json_is_number(one) ? json_number_value(one) : (double)NAN;
        if (!isfinite(v) || v > 1e-3) /* rounding may leave a likelihood a little above 1 */
            return json_line_fail(line, err, "log-probabilities in nats, none above 0",
                                  "element %zu of \"%s\" is no log-probability", i, key);
        (*out)[i] = v;
    }
    return RG_OK;
}

static rg_status doc_id(rg_import *import, const json_line *line, const char **out, rg_error *err) {
    const json_t *id = json_object_get(line->value, "doc");
    const char *text = json_string_value(id);
    if (json_is_integer(id))
        *out = rg_arena_printf(&import->arena, "%lld", (long long)json_integer_value(id));
    else if (text)
        *out = rg_arena_strndup(&import->arena, text, strlen(text));
    else
        return json_line_fail(line, err, "an integer or a string", "\"doc\" is missing or neither");
    return *out ? RG_OK : rg_fail(err, RG_ERR_MEMORY, line->name, NULL, "out of memory");
}

static rg_status take(void *context, const json_line *line, rg_error *err) {
    rg_import *import = context;
    documents *d = import->data;
    document doc = {.line = line->line};
    RG_TRY(doc_id(import, line, &doc.id, err));
    RG_TRY(numbers(import, line, "logprobs", &doc.n, &doc.logprob, err));
    if (json_object_get(line->value, "reference")) {
        size_t n;
        RG_TRY(numbers(import, line, "reference", &n, &doc.reference, err));
        if (n != doc.n)
            return json_line_fail(line, err, "as many as \"logprobs\"",
                                  "%zu numbers in \"reference\", %zu in \"logprobs\"", n, doc.n);
    }
    if (d->n == 0) d->has_reference = doc.reference != NULL;
    if (d->has_reference != (doc.reference != NULL))
        return json_line_fail(line, err, "\"reference\" in all lines or in none",
                              "lines that differ in form");
    if (!rg_grow(&d->doc, &d->room, d->n + 1, sizeof *d->doc))
        return rg_fail(err, RG_ERR_MEMORY, line->name, NULL, "out of memory");
    d->doc[d->n++] = doc;
    d->n_tokens += doc.n;
    return RG_OK;
}

static int by_id(const void *a, const void *b) {
    const document *x = a, *y = b;
    const int order = strcmp(x->id, y->id);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

static rg_status read_documents(rg_import *import, const char *text, size_t size,
                                const rg_import_options *options, rg_error *err) {
    (void)options;
    documents *d = rg_arena_alloc(&import->arena, 1, sizeof *d);
    if (!d) return rg_fail(err, RG_ERR_MEMORY, import->name, NULL, "out of memory");
    import->data = d;
    RG_TRY(json_lines_each(import->name, text, size, take, import, err));
    if (!d->n) return rg_fail(err, RG_ERR_PARSE, import->name, "documents", "no documents");
    qsort(d->doc, d->n, sizeof *d->doc, by_id);
    for (size_t i = 1; i < d->n; i++)
        if (strcmp(d->doc[i].id, d->doc[i - 1].id) == 0) {
            const json_line line = {import->name, d->doc[i].line, NULL};
            return json_line_fail(&line, err, "each document once",
                                  "document \"%.60s\" stands twice (first on line %zu)", d->doc[i].id,
                                  d->doc[i - 1].line);
        }
    return RG_OK;
}

static rg_status same_documents(const rg_import *reference, const rg_import *candidate, rg_error *err) {
    const documents *a = reference->data, *b = candidate->data;
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const document *x = i < a->n ? &a->doc[i] : NULL, *y = i < b->n ? &b->doc[i] : NULL;
        const int order = !x ? 1 : !y ? -1 : strcmp(x->id, y->id);
        if (order)
            return rg_fail(err, RG_ERR_MISMATCH, order < 0 ? candidate->name : reference->name,
                           "the same documents in both files",
                           "document \"%.60s\" is missing, which %.200s has", (order < 0 ? x : y)->id,
                           order < 0 ? reference->name : candidate->name);
        if (x->n != y->n)
            return rg_fail(err, RG_ERR_MISMATCH, candidate->name, "the same tokens in both files",
                           "document \"%.60s\" has %zu tokens, in %.200s %zu", x->id, y->n, reference->name,
                           x->n);
    }
    return RG_OK;
}

/* Losses by cluster: documents, or blocks of them where they are too few. */
typedef struct clusters {
    size_t m;
    bool blocks;
    double *n, *loss, *difference, *dp; /* [m] sums; dp [tokens]: change of each token's probability */
} clusters;

static const double *reference_of(const document *mine, const document *other) {
    return other ? other->logprob : mine->reference;
}

static void fill(const documents *b, const documents *a, clusters *c) {
    const size_t step = c->blocks ? BLOCK : SIZE_MAX;
    size_t m = 0, at = 0;
    for (size_t i = 0; i < b->n; i++) {
        const double *lp = b->doc[i].logprob, *ref = reference_of(&b->doc[i], a ? &a->doc[i] : NULL);
        for (size_t k = 0; k < b->doc[i].n; k++, at++) {
            if (k == 0 || k % step == 0) m++;
            c->n[m - 1]++;
            c->loss[m - 1] -= lp[k];
            if (!ref) continue;
            c->difference[m - 1] += ref[k] - lp[k];
            c->dp[at] = rg_exp(lp[k]) - rg_exp(ref[k]);
        }
    }
    c->m = m;
}

static void changes(const clusters *c, size_t tokens, rg_import_result *out) {
    double squares = 0;
    for (size_t i = 0; i < tokens; i++) squares += c->dp[i] * c->dp[i];
    import_figure(out, "delta_p_mean", rg_mean(c->dp, tokens), "1");
    import_figure(out, "delta_p_mean_se", rg_standard_error(c->dp, tokens), "1");
    import_figure(out, "delta_p_rms", sqrt(squares / (double)tokens), "1");
    import_figure(out, "delta_p_p01", rg_quantile(c->dp, tokens, 0.01), "1");
    import_figure(out, "delta_p_p50", rg_quantile(c->dp, tokens, 0.5), "1");
    import_figure(out, "delta_p_p99", rg_quantile(c->dp, tokens, 0.99), "1");
}

static rg_status summarize(const documents *b, clusters *c, rg_import_result *out, rg_error *err) {
    static const char documents_text[] = "95 % interval, bootstrap over documents",
                      blocks_text[] = "95 % interval, bootstrap over blocks of 256 tokens";
    const double tokens = (double)b->n_tokens;
    rg_interval loss, difference;
    bool equal = true;
    RG_TRY(rg_cluster_bootstrap(c->loss, c->n, c->m, 1, 0.05, 1, &loss, err));
    import_figure(out, "tokens", tokens, "token");
    import_figure(out, "documents", (double)b->n, "document");
    import_figure(out, "clusters", (double)c->m, "cluster");
    import_interval(out, "ppl", rg_exp(loss.mean), "1", rg_exp(loss.lo), rg_exp(loss.hi),
                    c->blocks ? blocks_text : documents_text);
    if (!out->compared) return RG_OK;
    RG_TRY(rg_cluster_bootstrap(c->difference, c->n, c->m, 1, 0.05, 1, &difference, err));
    import_figure(out, "ppl_reference", rg_exp(loss.mean - difference.mean), "1");
    import_loss(out, &difference, c->m, tokens, c->blocks ? blocks_text : documents_text);
    for (size_t i = 0; i < b->n_tokens; i++) equal = equal && c->dp[i] == 0;
    if (equal) out->verdict = RG_EQUAL;
    changes(c, b->n_tokens, out);
    return RG_OK;
}

static rg_status compare(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                         rg_error *err) {
    const documents *b = candidate->data, *a = reference ? reference->data : NULL;
    if (reference) RG_TRY(same_documents(reference, candidate, err));
    out->compared = reference || b->has_reference;
    clusters c = {.blocks = b->n < RG_CLUSTERS_MIN};
    const size_t room = b->n + b->n_tokens / BLOCK + 1;
    double *all = calloc(3 * room + b->n_tokens, sizeof *all);
    if (!all) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    c.n = all;
    c.loss = all + room;
    c.difference = all + 2 * room;
    c.dp = all + 3 * room;
    fill(b, a, &c);
    const rg_status status = summarize(b, &c, out, err);
    free(all);
    return status;
}

static void close_documents(rg_import *import) {
    documents *d = import->data;
    if (d) free(d->doc);
}

const import_reader import_logprobs = {
    .name = "logprobs",
    .help = "log-probabilities of tokens ({\"doc\", \"logprobs\"} in each line)",
    .detect = detect,
    .read = read_documents,
    .compare = compare,
    .close = close_documents};
