/* Results from elsewhere: the table of readers, and what they share. */
#include "model/import.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_BYTES = 1 << 30 };

static const import_reader *const readers[] = {&import_tensors, &import_harness, &import_logprobs,
                                               &import_llama};
enum { N_READERS = sizeof readers / sizeof *readers };

const char *rg_import_form(size_t i, const char **help) {
    if (i >= N_READERS) return NULL;
    if (help) *help = readers[i]->help;
    return readers[i]->name;
}

static rg_status find_reader(const import_reader **out, const char *name, const char *text, size_t size,
                             const char *form, rg_error *err) {
    rg_str names = {0};
    for (size_t i = 0; i < N_READERS; i++) {
        if (form ? strcmp(readers[i]->name, form) == 0 : readers[i]->detect(text, size)) {
            *out = readers[i];
            rg_str_free(&names);
            return RG_OK;
        }
        rg_str_printf(&names, "%s%s", i ? ", " : "", form ? readers[i]->name : readers[i]->help);
    }
    const rg_status status = form
                                 ? rg_fail(err, RG_ERR_USAGE, "form", names.data, "unknown form \"%s\"", form)
                                 : rg_fail(err, RG_ERR_PARSE, name, names.data, "a file of no known form");
    rg_str_free(&names);
    return status;
}

rg_status rg_import_parse(rg_import **out, const char *name, const char *text, size_t size,
                          const rg_import_options *options, rg_error *err) {
    static const rg_import_options none;
    if (!options) options = &none;
    const import_reader *reader = NULL;
    RG_TRY(find_reader(&reader, name, text, size, options->form, err));
    rg_import *import = calloc(1, sizeof *import);
    if (import) import->name = rg_arena_strndup(&import->arena, name, strlen(name));
    if (!import || !import->name) {
        free(import);
        return rg_fail(err, RG_ERR_MEMORY, name, NULL, "out of memory");
    }
    import->reader = reader;
    import->sha256 = rg_sha256(text, size);
    const rg_status status = reader->read(import, text, size, options, err);
    if (status != RG_OK) {
        rg_import_close(import);
        return status;
    }
    *out = import;
    return RG_OK;
}

rg_status rg_import_open(rg_import **out, const char *path, const rg_import_options *options, rg_error *err) {
    char *text;
    size_t size;
    rg_digest sha256;
    RG_TRY(rg_sha256_file(path, &sha256, err));
    RG_TRY(rg_file_read(path, LIMIT_BYTES, &text, &size, err));
    const rg_status status = rg_import_parse(out, path, text, size, options, err);
    free(text);
    if (status == RG_OK) (*out)->sha256 = sha256; /* of the file, not of what was inflated */
    return status;
}

void rg_import_close(rg_import *import) {
    if (!import) return;
    if (import->reader->close) import->reader->close(import);
    rg_arena_free(&import->arena);
    free(import);
}

const char *rg_import_kind(const rg_import *import) {
    return import->reader->name;
}
const rg_digest *rg_import_sha256(const rg_import *import) {
    return &import->sha256;
}

rg_status rg_import_compare(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                            rg_error *err) {
    if (reference && reference->reader != candidate->reader)
        return rg_fail(err, RG_ERR_MISMATCH, candidate->name, reference->reader->help,
                       "a file of form %s beside one of form %s", candidate->reader->name,
                       reference->reader->name);
    rg_import_result *result = calloc(1, sizeof *result);
    if (!result) return rg_fail(err, RG_ERR_MEMORY, candidate->name, NULL, "out of memory");
    result->verdict = RG_CANNOT_TELL;
    const rg_status status = candidate->reader->compare(reference, candidate, result, err);
    if (status == RG_OK) {
        if (result->has_verdict && result->verdict != RG_CANNOT_TELL) result->note[0] = 0;
        *out = *result;
    }
    free(result);
    return status;
}

/* ---- for readers ----------------------------------------------------------------------------------------
 */

void import_interval(rg_import_result *out, const char *key, double value, const char *unit, double lo,
                     double hi, const char *interval) {
    if (out->n == RG_IMPORT_FIGURES) return;
    const bool has = isfinite(lo) && isfinite(hi);
    rg_import_figure *f = &out->figure[out->n++];
    *f = (rg_import_figure){.value = isfinite(value) ? value : (double)NAN,
                            .unit = unit,
                            .lo = has ? lo : (double)NAN,
                            .hi = has ? hi : (double)NAN,
                            .interval = has ? interval : NULL};
    snprintf(f->key, sizeof f->key, "%s", key);
}

void import_figure(rg_import_result *out, const char *key, double value, const char *unit) {
    import_interval(out, key, value, unit, NAN, NAN, NULL);
}

void import_shares(rg_import_result *out, const rg_paired_shares *s, const char *suffix) {
    const struct {
        const char *key;
        double value;
        const char *unit;
    } rows[] = {{"wilson_lo", s->wilson_lo, "1"},
                {"wilson_hi", s->wilson_hi, "1"},
                {"difference", s->difference, "1"},
                {"flips", (double)(s->to_right + s->to_wrong), "item"},
                {"flips_to_right", (double)s->to_right, "item"},
                {"flips_to_wrong", (double)s->to_wrong, "item"},
                {"mcnemar_p", s->mcnemar_p, "1"},
                {"unpaired_p", s->unpaired_p, "1"},
                {"detectable", s->detectable, "1"},
                {"items_needed", ceil(s->items_needed), "item"}};
    const size_t n = out->compared ? sizeof rows / sizeof *rows : 2;
    char key[48];
    snprintf(key, sizeof key, "accuracy%s", suffix);
    import_interval(out, key, s->share, "1", s->wilson_lo, s->wilson_hi, "95 % Wilson score interval");
    for (size_t i = 0; i < n; i++) {
        snprintf(key, sizeof key, "%s%s", rows[i].key, suffix);
        import_figure(out, key, rows[i].value, rows[i].unit);
    }
    if (*suffix || !out->compared) return;
    out->verdict = s->verdict;
    out->has_verdict = true;
    if (isnan(s->detectable))
        snprintf(out->note, sizeof out->note, "%llu items are too few to show any difference",
                 (unsigned long long)s->n);
    else if (isfinite(s->items_needed))
        snprintf(out->note, sizeof out->note,
                 "%llu items show a difference of %.1f points or more (4 times of 5); the %+.1f points seen "
                 "would need about %.0f items",
                 (unsigned long long)s->n, 100 * s->detectable, 100 * s->difference, ceil(s->items_needed));
    else
        snprintf(out->note, sizeof out->note,
                 "%llu items show a difference of %.1f points or more (4 times of 5); none was seen",
                 (unsigned long long)s->n, 100 * s->detectable);
}

void import_loss(rg_import_result *out, const rg_interval *difference, size_t m, double tokens,
                 const char *interval) {
    const double detectable = rg_detectable(difference->se, m, 0.05),
                 needed = rg_tokens_needed(tokens, detectable, fabs(difference->mean));
    import_interval(out, "delta_nll", difference->mean, "nat", difference->lo, difference->hi, interval);
    import_figure(out, "delta_nll_se", difference->se, "nat");
    import_figure(out, "detectable_nll", detectable, "nat");
    import_figure(out, "tokens_needed", ceil(needed), "token");
    out->has_verdict = true;
    out->verdict = rg_verdict_of(difference->lo, difference->hi, 0);
    if (isnan(detectable))
        snprintf(out->note, sizeof out->note, "%zu clusters are too few for an interval", m);
    else if (isfinite(needed) && isfinite(tokens))
        snprintf(out->note, sizeof out->note,
                 "%.0f tokens show a difference of %.3g nat or more (4 times of 5); the %+.3g nat seen would "
                 "need about %.0f tokens",
                 tokens, detectable, difference->mean, ceil(needed));
    else
        snprintf(out->note, sizeof out->note,
                 "a difference of %.3g nat or more shows (4 times of 5); %+.3g nat were seen", detectable,
                 difference->mean);
}
