/* Per-item samples of lm-evaluation-harness (--log_samples, samples_TASK_DATE.jsonl). Form: EleutherAI/
   lm-evaluation-harness at 4e7e0d47, lm_eval/evaluator.py (the members of a sample), lm_eval/api/task.py
   (acc, acc_norm), lm_eval/loggers/evaluation_tracker.py and lm_eval/utils.py (sanitize_list writes responses
   as text: ["-12.3", "False"]). Older versions wrote numbers; both are read. */
#include "kernels/kernels.h"
#include "model/import.h"
#include "model/json_lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct sample {
    int64_t doc_id;
    size_t line;
    const char *hash; /* of document or prompt; NULL: the file gives none */
    int answer;       /* likeliest response; -1: unknown */
    double gold;      /* log-likelihood of the right response; NaN: unknown */
    uint8_t right, normed;
} sample;

typedef struct samples {
    const char *filter;    /* the one taken */
    const char *metric;    /* of `right`: "acc" or "exact_match" */
    bool has_norm, single; /* acc_norm is there; one response an item */
    size_t n, room;
    sample *item; /* by doc_id */
} samples;

typedef struct reading {
    rg_import *import;
    samples *samples;
    const char *wanted; /* filter; NULL: the only one */
} reading;

static bool detect(const char *text, size_t size) {
    const char *end = memchr(text, '\n', size);
    const size_t n = end ? (size_t)(end - text) : size;
    return memmem(text, n, "\"doc_id\"", 8) && memmem(text, n, "\"filtered_resps\"", 16);
}

/* A number, or text that is one. False: neither. */
static bool number_of(const json_t *value, double *out) {
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    char *end = NULL;
    if (!text || !*text) return false;
    *out = strtod(text, &end);
    return *end == 0;
}

/* An outcome: 0 or 1, as number or boolean. */
static rg_status outcome(const json_line *line, const char *key, uint8_t *out, rg_error *err) {
    const json_t *value = json_object_get(line->value, key);
    double v = NAN;
    if (json_is_boolean(value))
        v = json_is_true(value);
    else if (json_is_number(value))
        v = json_number_value(value);
    if (v != 0 && v != 1) return json_line_fail(line, err, "0 or 1", "\"%s\" is no outcome", key);
    *out = v == 1;
    return RG_OK;
}

/* Log-likelihoods, where the responses are such: [[LOGLIK, GREEDY], ...]. Generated text is passed over. */
static rg_status responses(const json_line *line, samples *s, sample *item, rg_error *err) {
    const json_t *list = json_object_get(line->value, "filtered_resps"),
                 *target = json_object_get(line->value, "target");
    if (!json_is_array(list)) return json_line_fail(line, err, "a list", "\"filtered_resps\" is no list");
    const size_t n = json_array_size(list);
    double gold_index = -1, top = 0;
    s->single = n == 1;
    if (n == 1)
        gold_index = 0;
    else if (!number_of(target, &gold_index))
        gold_index = -1;
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_array_get(list, i);
        double loglik;
        if (!json_is_array(one) || json_array_size(one) != 2 || !number_of(json_array_get(one, 0), &loglik)) {
            item->answer = -1;
            item->gold = (double)NAN;
            return RG_OK;
        }
        if (!isfinite(loglik))
            return json_line_fail(line, err, "finite log-likelihoods",
                                  "response %zu has an infinite or undefined log-likelihood", i);
        if (i == 0 || loglik > top) {
            top = loglik;
            item->answer = (int)i;
        }
        if ((double)i == gold_index) item->gold = loglik;
    }
    if (n == 1) item->answer = -1;
    return RG_OK;
}

static rg_status check_filter(const reading *r, const json_line *line, bool *skip, rg_error *err) {
    samples *s = r->samples;
    const char *filter = json_string_value(json_object_get(line->value, "filter"));
    if (!filter) filter = "none"; /* older versions had one filter and did not name it */
    *skip = r->wanted && strcmp(filter, r->wanted) != 0;
    if (*skip || s->filter) {
        if (*skip || strcmp(filter, s->filter) == 0) return RG_OK;
        return json_line_fail(line, err, "one of them to be chosen (--filter)",
                              "samples of filter \"%.60s\" beside \"%.60s\"", filter, s->filter);
    }
    s->filter = rg_arena_strndup(&r->import->arena, filter, strlen(filter));
    return s->filter ? RG_OK : rg_fail(err, RG_ERR_MEMORY, line->name, NULL, "out of memory");
}

static rg_status metrics(samples *s, const json_line *line, sample *item, rg_error *err) {
    const bool norm = json_object_get(line->value, "acc_norm") != NULL;
    if (s->n == 0) {
        s->metric = json_object_get(line->value, "acc") ? "acc" : "exact_match";
        s->has_norm = norm;
    }
    if (!json_object_get(line->value, s->metric))
        return json_line_fail(line, err, "\"acc\" or \"exact_match\" in every sample",
                              "the sample has no \"%s\"", s->metric);
    if (norm != s->has_norm)
        return json_line_fail(line, err, "\"acc_norm\" in all samples or in none",
                              "samples that differ in form");
    RG_TRY(outcome(line, s->metric, &item->right, err));
    return norm ? outcome(line, "acc_norm", &item->normed, err) : RG_OK;
}

static rg_status take(void *context, const json_line *line, rg_error *err) {
    reading *r = context;
    samples *s = r->samples;
    bool skip;
    const json_t *id = json_object_get(line->value, "doc_id");
    if (!json_is_integer(id))
        return json_line_fail(line, err, "an integer", "\"doc_id\" is missing or no integer");
    RG_TRY(check_filter(r, line, &skip, err));
    if (skip) return RG_OK;
    sample item = {.doc_id = json_integer_value(id), .line = line->line, .answer = -1, .gold = (double)NAN};
    RG_TRY(metrics(s, line, &item, err));
    RG_TRY(responses(line, s, &item, err));
    const char *hash = json_string_value(json_object_get(line->value, "prompt_hash"));
    if (!hash) hash = json_string_value(json_object_get(line->value, "doc_hash"));
    if (hash) item.hash = rg_arena_strndup(&r->import->arena, hash, strlen(hash));
    if (!rg_grow(&s->item, &s->room, s->n + 1, sizeof *s->item))
        return rg_fail(err, RG_ERR_MEMORY, line->name, NULL, "out of memory");
    s->item[s->n++] = item;
    return RG_OK;
}

static int by_id(const void *a, const void *b) {
    const sample *x = a, *y = b;
    if (x->doc_id != y->doc_id) return x->doc_id < y->doc_id ? -1 : 1;
    return (x->line > y->line) - (x->line < y->line);
}

static rg_status read_samples(rg_import *import, const char *text, size_t size,
                              const rg_import_options *options, rg_error *err) {
    samples *s = rg_arena_alloc(&import->arena, 1, sizeof *s);
    if (!s) return rg_fail(err, RG_ERR_MEMORY, import->name, NULL, "out of memory");
    import->data = s;
    reading r = {import, s, options->filter};
    RG_TRY(json_lines_each(import->name, text, size, take, &r, err));
    if (!s->n)
        return rg_fail(err, RG_ERR_PARSE, import->name, "samples", "no samples%s%.60s",
                       r.wanted ? " of filter " : "", r.wanted ? r.wanted : "");
    qsort(s->item, s->n, sizeof *s->item, by_id);
    for (size_t i = 1; i < s->n; i++)
        if (s->item[i].doc_id == s->item[i - 1].doc_id) {
            const json_line line = {import->name, s->item[i].line, NULL};
            return json_line_fail(&line, err, "each document once",
                                  "doc_id %lld stands twice (first on line %zu)",
                                  (long long)s->item[i].doc_id, s->item[i - 1].line);
        }
    return RG_OK;
}

static rg_status same_items(const rg_import *reference, const rg_import *candidate, rg_error *err) {
    const samples *a = reference->data, *b = candidate->data;
    for (size_t i = 0; i < a->n || i < b->n; i++) {
        const sample *x = i < a->n ? &a->item[i] : NULL, *y = i < b->n ? &b->item[i] : NULL;
        if (!x || !y || x->doc_id != y->doc_id) {
            const bool in_a = x && (!y || x->doc_id < y->doc_id);
            return rg_fail(err, RG_ERR_MISMATCH, in_a ? candidate->name : reference->name,
                           "the same items in both files", "doc_id %lld is missing, which %.200s has",
                           (long long)(in_a ? x : y)->doc_id, in_a ? reference->name : candidate->name);
        }
        if (x->hash && y->hash && strcmp(x->hash, y->hash) != 0) {
            const json_line line = {candidate->name, y->line, NULL};
            json_line_fail(&line, err, "the same prompts in both files",
                           "doc_id %lld is another item than in %.200s", (long long)x->doc_id,
                           reference->name);
            if (err) err->status = RG_ERR_MISMATCH;
            return RG_ERR_MISMATCH;
        }
    }
    if (strcmp(a->metric, b->metric) != 0 || a->has_norm != b->has_norm)
        return rg_fail(err, RG_ERR_MISMATCH, candidate->name, a->metric, "other metrics than the reference");
    return RG_OK;
}

/* Right answers of both, then log-likelihoods of the right response. */
static rg_status shares(const samples *a, const samples *b, rg_import_result *out, bool *same,
                        rg_error *err) {
    const size_t n = b->n;
    uint8_t *right = malloc(4 * n);
    if (!right) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        right[i] = a->item[i].right;
        right[n + i] = b->item[i].right;
        right[2 * n + i] = a->item[i].normed;
        right[3 * n + i] = b->item[i].normed;
    }
    rg_paired_shares s;
    rg_paired_shares_compare(n, right, right + n, &s);
    import_shares(out, &s, "");
    *same = memcmp(right, right + n, n) == 0 && memcmp(right + 2 * n, right + 3 * n, n) == 0;
    if (b->has_norm) {
        rg_paired_shares_compare(n, right + 2 * n, right + 3 * n, &s);
        import_shares(out, &s, "_norm");
    }
    free(right);
    return RG_OK;
}

static rg_status gold(const samples *a, const samples *b, rg_import_result *out, bool *same, rg_error *err) {
    double *delta = malloc(b->n * sizeof *delta), sum = 0;
    size_t changed = 0;
    bool known = true, answers = true;
    if (!delta) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < b->n; i++) {
        const sample *x = &a->item[i], *y = &b->item[i];
        known = known && isfinite(x->gold) && isfinite(y->gold);
        answers = answers && x->answer >= 0 && y->answer >= 0;
        changed += x->answer != y->answer;
        delta[i] = y->gold - x->gold;
        sum += y->gold;
        *same = *same && (delta[i] == 0 || !known);
    }
    if (out->compared && answers) import_figure(out, "answers_changed", (double)changed, "item");
    if (known) {
        const double mean = sum / (double)b->n;
        import_figure(out, "gold_loglik", mean, "nat");
        if (out->compared) {
            import_figure(out, "gold_delta", rg_mean(delta, b->n), "nat");
            import_figure(out, "gold_delta_se", rg_standard_error(delta, b->n), "nat");
        }
        if (b->single) import_figure(out, "perplexity", rg_exp(-mean), "1");
    }
    *same = *same && known;
    free(delta);
    return RG_OK;
}

static rg_status compare(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                         rg_error *err) {
    const samples *b = candidate->data, *a = reference ? reference->data : b;
    bool same = false;
    if (reference) RG_TRY(same_items(reference, candidate, err));
    out->compared = reference != NULL;
    import_figure(out, "n", (double)b->n, "item");
    RG_TRY(shares(a, b, out, &same, err));
    RG_TRY(gold(a, b, out, &same, err));
    if (out->compared && same) out->verdict = RG_EQUAL;
    return RG_OK;
}

static void close_samples(rg_import *import) {
    samples *s = import->data;
    if (s) free(s->item);
}

const import_reader import_harness = {.name = "lm-eval",
                                      .help = "samples of lm-evaluation-harness (--log_samples)",
                                      .detect = detect,
                                      .read = read_samples,
                                      .compare = compare,
                                      .close = close_samples};
