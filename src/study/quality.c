/* Quality of every option on the quality model: pending policies in groups, each group in lock step with the
 * reference. */
#include "study/study.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An interruption loses at most one group; the reference is run anew with each. */
enum { GROUP = 6, TEXT_LIMIT_BYTES = 1 << 28 };

static json_t *quality_key(const study *s, const char *policy) {
    return json_pack("{ss ss ss ss sI sI ss}", "policy", policy, "model", s->model_sha256.hex, "text",
                     s->text_sha256.hex, "protocol", s->protocol, "tokens", (json_int_t)s->tokens, "jitter",
                     (json_int_t)s->jitter, "program", s->program_sha256.hex);
}

/* Figures that are kept of a finished evaluation. */
static const struct kept {
    const char *key;
    size_t offset;
} kept[] = {{"ppl", offsetof(rg_quality, ppl)},
            {"ppl_se", offsetof(rg_quality, ppl_se)},
            {"kld_mean", offsetof(rg_quality, kld_mean)},
            {"kld_mean_se", offsetof(rg_quality, kld_mean_se)},
            {"kld_median", offsetof(rg_quality, kld_median)},
            {"kld_p99", offsetof(rg_quality, kld_p99)},
            {"same_top", offsetof(rg_quality, same_top)},
            {"same_top_se", offsetof(rg_quality, same_top_se)}};
enum { N_KEPT = sizeof kept / sizeof *kept };

static json_t *quality_json(const rg_quality *q) {
    json_t *json = json_pack("{ss sI sb}", "policy", q->policy, "tokens", (json_int_t)q->tokens,
                             "is_reference", q->is_reference);
    for (int i = 0; json && i < N_KEPT; i++)
        json_object_set_new(json, kept[i].key,
                            json_real(*(const double *)((const char *)q + kept[i].offset)));
    return json;
}

static bool quality_from_json(json_t *json, rg_quality *q) {
    const char *policy;
    json_int_t tokens;
    int reference;
    if (!json || json_unpack(json, "{ss sI sb}", "policy", &policy, "tokens", &tokens, "is_reference",
                             &reference) != 0)
        return false;
    rg_quality read = {.tokens = (uint64_t)tokens, .is_reference = reference};
    for (int i = 0; i < N_KEPT; i++) {
        json_t *number = json_object_get(json, kept[i].key);
        if (!json_is_number(number)) return false;
        *(double *)((char *)&read + kept[i].offset) = json_number_value(number);
    }
    snprintf(read.policy, sizeof read.policy, "%s", policy);
    *q = read;
    return true;
}

static bool load(study *s, const char *policy, rg_quality *q) {
    json_t *key = quality_key(s, policy);
    json_t *result = key ? study_item_get(s, "quality", key) : NULL;
    bool found = quality_from_json(result, q);
    json_decref(result);
    json_decref(key);
    return found;
}

static rg_status store(study *s, const char *policy, const rg_quality *q, rg_error *err) {
    json_t *key = quality_key(s, policy), *result = quality_json(q);
    rg_status status = key && result ? study_item_put(s, "quality", key, result, err)
                                     : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    json_decref(result);
    json_decref(key);
    return status;
}

static rg_status run_group(study *s, rg_model *model, const char *text, size_t size, study_option **pending,
                           size_t n, rg_error *err) {
    const char *policies[GROUP];
    rg_quality results[GROUP + 1];
    for (size_t i = 0; i < n; i++) policies[i] = pending[i]->policy;
    const rg_eval_options options = {.protocol = s->protocol,
                                     .max_tokens = (size_t)s->tokens,
                                     .progress = s->progress,
                                     .data_dir = s->data_dir};
    RG_TRY(rg_eval_run(model, text, size, policies, n, &options, results, err));
    s->reference = results[0];
    RG_TRY(store(s, "reference", &results[0], err));
    for (size_t i = 0; i < n; i++) {
        pending[i]->quality = results[i + 1];
        RG_TRY(store(s, pending[i]->policy, &results[i + 1], err));
    }
    return RG_OK;
}

static rg_status run_pending(study *s, study_option **pending, size_t n, rg_error *err) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(s->text, TEXT_LIMIT_BYTES, &text, &size, err));
    rg_model model;
    rg_status status = rg_model_open(&model, s->quality_model, s->data_dir, true, err);
    if (status != RG_OK) {
        free(text);
        return status;
    }
    if (s->jitter >= 0) status = rg_model_jitter(&model, (uint64_t)s->jitter, err);
    for (size_t done = 0; status == RG_OK && done < n; done += GROUP)
        status = run_group(s, &model, text, size, pending + done, n - done < GROUP ? n - done : GROUP, err);
    rg_model_close(&model);
    free(text);
    return status;
}

static rg_status claim_quality(study *s, const char *subject, const rg_quality *q, const char *policy,
                               const char *what, double value, double se, const char *unit, char id[17],
                               rg_error *err) {
    char name[640], command[2048], pointer[64], interval[96], jitter[48] = "";
    if (s->jitter >= 0) snprintf(jitter, sizeof jitter, " --jitter %lld", (long long)s->jitter);
    snprintf(name, sizeof name, "quality/%s/%s", subject, what);
    snprintf(command, sizeof command,
             "ridge eval run --model '%s' --text '%s' --policy '%s' --protocol %s --tokens %lld%s --json",
             s->quality_model, s->text, policy, s->protocol, (long long)s->tokens, jitter);
    snprintf(pointer, sizeof pointer, "/policies/0/%s", what);
    snprintf(interval, sizeof interval, "mean +- 2 standard errors, n = %llu tokens",
             (unsigned long long)q->tokens);
    const rg_claim_input inputs[] = {{"model", s->quality_model, s->model_sha256.hex},
                                     {"text", s->text, s->text_sha256.hex}};
    const rg_claim claim = {.kind = RG_MEASURED,
                            .subject = name,
                            .value = value,
                            .unit = unit,
                            .lo = se >= 0 ? value - 2 * se : NAN,
                            .hi = se >= 0 ? value + 2 * se : NAN,
                            .interval = se >= 0 ? interval : NULL,
                            .n_inputs = 2,
                            .input = inputs,
                            .command = command,
                            .result = pointer};
    return study_claim(s, &claim, id, err);
}

static rg_status claim_option(study *s, study_option *o, rg_error *err) {
    const rg_quality *q = &o->quality;
    RG_TRY(claim_quality(s, o->policy, q, o->policy, "ppl", q->ppl, q->ppl_se, "1", o->claim_ppl, err));
    RG_TRY(claim_quality(s, o->policy, q, o->policy, "kld_mean", q->kld_mean, q->kld_mean_se, "nat",
                         o->claim_kld, err));
    RG_TRY(claim_quality(s, o->policy, q, o->policy, "kld_p99", q->kld_p99, -1, "nat", o->claim_p99, err));
    return claim_quality(s, o->policy, q, o->policy, "same_top", q->same_top, q->same_top_se, "1",
                         o->claim_top, err);
}

static rg_status missing_model(const study *s, rg_error *err) {
    return rg_fail(err, RG_ERR_IO, s->quality_model,
                   "./quickstart to fetch the default model, or quality_model: FILE in the study",
                   "quality model not found");
}

rg_status study_quality(study *s, rg_error *err) {
    if (rg_sha256_file(s->quality_model, &s->model_sha256, NULL) != RG_OK) return missing_model(s, err);
    RG_TRY(rg_sha256_file(s->text, &s->text_sha256, err));
    const char *slash = strrchr(s->quality_model, '/');
    snprintf(s->model_name, sizeof s->model_name, "%s", slash ? slash + 1 : s->quality_model);
    study_option *pending[STUDY_MAX_OPTIONS];
    size_t n = 0;
    bool have_reference = load(s, "reference", &s->reference);
    for (size_t i = 0; i < s->n_options; i++)
        if (!load(s, s->option[i].policy, &s->option[i].quality)) pending[n++] = &s->option[i];
    if (n == 0 && !have_reference) pending[n++] = &s->option[0];
    if (n) RG_TRY(run_pending(s, pending, n, err));
    RG_TRY(claim_quality(s, "fp32", &s->reference, "fp32", "ppl", s->reference.ppl, s->reference.ppl_se, "1",
                         s->claim_reference, err));
    for (size_t i = 0; i < s->n_options; i++) RG_TRY(claim_option(s, &s->option[i], err));
    return RG_OK;
}
