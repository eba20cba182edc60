/* The study file: YAML, every key known or refused. See docs/studies.md. */
#include "study/study.h"

#include <libgen.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static rg_status fail_node(study *s, const rg_doc_node *node, const char *expected, const char *what,
                           rg_error *err) {
    char where[256];
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(&s->doc, node, where, sizeof where), expected, "%s", what);
}

/* What a name of the study file is refused for, at its place in the file; other errors have one already. */
static rg_status refuse(study *s, const rg_doc_node *node, const rg_error *why, rg_error *err) {
    if (why->status == RG_ERR_USAGE) return fail_node(s, node, why->expected, why->message, err);
    if (err) *err = *why;
    return why->status;
}

/* A path of the study file: absolute, ~/ or relative to the file. "default" names the default model in the
 * cache folder. */
static const char *spelt_out(study *s, const char *text) {
    const char *home = getenv("HOME"), *cache = getenv("XDG_CACHE_HOME");
    if (strcmp(text, "default") == 0)
        return cache && *cache ? rg_arena_printf(&s->arena, "%s/ridge/SmolLM2-135M-Instruct.Q4_1.gguf", cache)
                               : rg_arena_printf(&s->arena, "%s/.cache/ridge/SmolLM2-135M-Instruct.Q4_1.gguf",
                                                 home ? home : "");
    if (text[0] == '/') return text;
    if (text[0] == '~' && text[1] == '/' && home) return rg_arena_printf(&s->arena, "%s%s", home, text + 1);
    char *copy = rg_arena_strndup(&s->arena, s->file, strlen(s->file));
    return copy ? rg_arena_printf(&s->arena, "%s/%s", dirname(copy), text) : NULL;
}

/* Absolute where it exists, so that claims read it from any folder. */
static const char *real_path(study *s, const char *text) {
    const char *path = spelt_out(s, text);
    char *real = path ? realpath(path, NULL) : NULL;
    if (real) path = rg_arena_strndup(&s->arena, real, strlen(real));
    free(real);
    return path;
}

/* The text: one path, or a list of which the first that is there counts. */
static rg_status read_text(study *s, rg_doc_node *root, rg_error *err) {
    rg_doc_node *node = rg_doc_get(root, "text");
    if (!node || (node->kind != RG_DOC_SCALAR && node->kind != RG_DOC_LIST))
        return fail_node(s, node ? node : root, "text: FILE, or a list of files", "no text to measure on",
                         err);
    rg_str tried = {0};
    for (rg_doc_node *n = node->kind == RG_DOC_LIST ? node->child : node; n;
         n = node->kind == RG_DOC_LIST ? n->next : NULL) {
        n->used = true;
        const char *path = n->text ? real_path(s, n->text) : NULL;
        if (path && access(path, R_OK) == 0) {
            s->text = path;
            break;
        }
        rg_str_printf(&tried, "%s%s", tried.len ? ", " : "", path ? path : "?");
    }
    rg_status status = RG_OK;
    if (!s->text) {
        char what[400];
        snprintf(what, sizeof what, "text not found: %.300s", tried.data ? tried.data : "");
        status =
            fail_node(s, node, "a readable text file (package debian-policy brings the default)", what, err);
    }
    rg_str_free(&tried);
    return status;
}

static rg_status read_quality(study *s, rg_doc_node *root, rg_error *err) {
    const char *model = NULL;
    RG_TRY(rg_doc_string(&s->doc, root, "quality_model", true, &model, err));
    s->quality_model = real_path(s, model);
    s->protocol = "ridge";
    RG_TRY(rg_doc_string(&s->doc, root, "protocol", false, &s->protocol, err));
    rg_error why = {0};
    if (rg_eval_protocol_check(s->protocol, &why) != RG_OK)
        return refuse(s, rg_doc_get(root, "protocol"), &why, err);
    RG_TRY(rg_doc_int(&s->doc, root, "tokens", true, &s->tokens, err));
    s->jitter = -1;
    RG_TRY(rg_doc_int(&s->doc, root, "jitter", false, &s->jitter, err));
    if (s->tokens < 2)
        return fail_node(s, rg_doc_get(root, "tokens"), "a number of tokens above 1", "too few tokens", err);
    return read_text(s, root, err);
}

static rg_status read_deploy(study *s, rg_doc_node *root, rg_error *err) {
    rg_doc_node *deploy, *chips;
    RG_TRY(rg_doc_child(&s->doc, root, "deploy", RG_DOC_MAP, true, &deploy, err));
    RG_TRY(rg_doc_string(&s->doc, deploy, "model", true, &s->deploy_model, err));
    RG_TRY(rg_doc_number(&s->doc, deploy, "batch", true, &s->batch, err));
    RG_TRY(rg_doc_number(&s->doc, deploy, "context", true, &s->context, err));
    if (s->batch < 1 || s->context < 1)
        return fail_node(s, deploy, "batch and context of at least 1", "nothing to run", err);
    rg_error why = {0};
    rg_model model;
    if (rg_model_open(&model, s->deploy_model, s->data_dir, false, &why) != RG_OK)
        return refuse(s, rg_doc_get(deploy, "model"), &why, err);
    rg_model_close(&model);
    RG_TRY(rg_doc_child(&s->doc, root, "chips", RG_DOC_LIST, true, &chips, err));
    if (chips->n == 0 || chips->n > STUDY_MAX_CHIPS)
        return fail_node(s, chips, "1 to 16 chips", "wrong number of chips", err);
    for (rg_doc_node *c = chips->child; c; c = c->next) {
        if (c->kind != RG_DOC_SCALAR)
            return fail_node(s, c, "the id of a chip (ridge hw list)", "not a name", err);
        c->used = true;
        rg_chip *chip = &s->chip[s->n_chips];
        if (rg_chip_open(chip, c->text, s->data_dir, &why) != RG_OK) return refuse(s, c, &why, err);
        s->chip_id[s->n_chips++] = chip->id;
    }
    return RG_OK;
}

static rg_status read_silicon(study *s, rg_doc_node *root, rg_error *err) {
    rg_doc_node *silicon;
    RG_TRY(rg_doc_child(&s->doc, root, "silicon", RG_DOC_MAP, false, &silicon, err));
    if (!silicon) return RG_OK;
    RG_TRY(rg_doc_int(&s->doc, silicon, "lanes", true, &s->lanes, err));
    RG_TRY(rg_doc_number(&s->doc, silicon, "delay_ns", true, &s->delay_ns, err));
    const char *liberty = NULL;
    RG_TRY(rg_doc_string(&s->doc, silicon, "liberty", false, &liberty, err));
    if (liberty) s->liberty = real_path(s, liberty);
    if (s->lanes < 1 || s->delay_ns <= 0)
        return fail_node(s, silicon, "lanes of at least 1 and a delay above 0", "no such unit", err);
    return RG_OK;
}

static rg_status read_option(study *s, rg_doc_node *node, rg_error *err) {
    study_option *o = &s->option[s->n_options];
    if (node->kind != RG_DOC_MAP)
        return fail_node(s, node, "{name: ..., w: FORMAT, a: FORMAT, kv: FORMAT}", "not an option", err);
    RG_TRY(rg_doc_string(&s->doc, node, "name", true, &o->name, err));
    o->weight = o->activation = o->kv = "bf16";
    RG_TRY(rg_doc_string(&s->doc, node, "w", false, &o->weight, err));
    RG_TRY(rg_doc_string(&s->doc, node, "a", false, &o->activation, err));
    RG_TRY(rg_doc_string(&s->doc, node, "kv", false, &o->kv, err));
    char text[512];
    int n = snprintf(text, sizeof text, "w=%s,a=%s,kv=%s", o->weight, o->activation, o->kv);
    if (n < 0 || (size_t)n >= sizeof text)
        return fail_node(s, node, "shorter formats", "policy too long", err);
    rg_policy policy;
    rg_error why = {0};
    if (rg_policy_parse(text, &policy, &why) != RG_OK)
        return fail_node(s, node, why.expected, why.message, err);
    if (strlen(policy.text) >= sizeof o->policy)
        return fail_node(s, node, "shorter formats", "policy too long", err);
    memcpy(o->policy, policy.text, strlen(policy.text) + 1);
    for (size_t i = 0; i < s->n_options; i++)
        if (strcmp(s->option[i].name, o->name) == 0 || strcmp(s->option[i].policy, o->policy) == 0)
            return fail_node(s, node, "each option once", "the same option stands above", err);
    s->n_options++;
    return RG_OK;
}

static rg_status read_assumptions(study *s, rg_doc_node *root, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(&s->doc, root, "assumptions", RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    s->assumption = rg_arena_alloc(&s->arena, list->n + 1, sizeof *s->assumption);
    if (!s->assumption) return rg_fail(err, RG_ERR_MEMORY, s->file, NULL, "out of memory");
    for (rg_doc_node *n = list->child; n; n = n->next) {
        study_assumption *a = &s->assumption[s->n_assumptions];
        a->value = a->lo = a->hi = NAN;
        a->status = "open";
        a->unit = "1";
        RG_TRY(rg_doc_string(&s->doc, n, "id", true, &a->id, err));
        RG_TRY(rg_doc_string(&s->doc, n, "text", true, &a->text, err));
        RG_TRY(rg_doc_string(&s->doc, n, "source", true, &a->source, err));
        RG_TRY(rg_doc_string(&s->doc, n, "status", false, &a->status, err));
        RG_TRY(rg_doc_string(&s->doc, n, "unit", false, &a->unit, err));
        RG_TRY(rg_doc_string(&s->doc, n, "date", false, &a->date, err));
        RG_TRY(rg_doc_number(&s->doc, n, "value", false, &a->value, err));
        RG_TRY(rg_doc_number(&s->doc, n, "lo", false, &a->lo, err));
        RG_TRY(rg_doc_number(&s->doc, n, "hi", false, &a->hi, err));
        if (strcmp(a->status, "open") && strcmp(a->status, "supported") && strcmp(a->status, "refuted"))
            return fail_node(s, n, "status: open, supported or refuted", "unknown status", err);
        s->n_assumptions++;
    }
    return RG_OK;
}

static rg_status read_decision_record(study *s, rg_doc_node *root, rg_error *err) {
    rg_doc_node *revisit, *gate;
    RG_TRY(rg_doc_string(&s->doc, root, "study", true, &s->name, err));
    RG_TRY(rg_doc_string(&s->doc, root, "question", true, &s->question, err));
    RG_TRY(rg_doc_string(&s->doc, root, "owner", true, &s->owner, err));
    RG_TRY(rg_doc_string(&s->doc, root, "decide_by", true, &s->decide_by, err));
    RG_TRY(rg_doc_child(&s->doc, root, "revisit_if", RG_DOC_LIST, true, &revisit, err));
    s->revisit_if = rg_arena_alloc(&s->arena, revisit->n + 1, sizeof *s->revisit_if);
    if (!s->revisit_if) return rg_fail(err, RG_ERR_MEMORY, s->file, NULL, "out of memory");
    for (rg_doc_node *n = revisit->child; n; n = n->next) {
        if (n->kind != RG_DOC_SCALAR) return fail_node(s, n, "a sentence", "not a text", err);
        n->used = true;
        s->revisit_if[s->n_revisit++] = n->text;
    }
    RG_TRY(rg_doc_child(&s->doc, root, "gate", RG_DOC_MAP, true, &gate, err));
    RG_TRY(rg_doc_number(&s->doc, gate, "kld_mean", true, &s->kld_limit, err));
    RG_TRY(rg_doc_string(&s->doc, gate, "source", true, &s->kld_limit_source, err));
    return s->kld_limit > 0 ? RG_OK : fail_node(s, gate, "kld_mean above 0", "no option could pass", err);
}

static rg_status read_all(study *s, rg_error *err) {
    rg_doc_node *root = s->doc.root, *options;
    if (root->kind != RG_DOC_MAP) return fail_node(s, root, "a map of keys", "not a study", err);
    RG_TRY(read_decision_record(s, root, err));
    RG_TRY(read_quality(s, root, err));
    RG_TRY(read_deploy(s, root, err));
    RG_TRY(read_silicon(s, root, err));
    RG_TRY(rg_doc_child(&s->doc, root, "options", RG_DOC_LIST, true, &options, err));
    if (options->n == 0 || options->n > STUDY_MAX_OPTIONS)
        return fail_node(s, options, "1 to 64 options", "wrong number of options", err);
    for (rg_doc_node *n = options->child; n; n = n->next) RG_TRY(read_option(s, n, err));
    RG_TRY(read_assumptions(s, root, err));
    return rg_doc_unused(&s->doc, root, err);
}

rg_status study_read(study *s, const char *file, rg_error *err) {
    s->file = file;
    RG_TRY(rg_doc_open(&s->doc, file, err));
    RG_TRY(read_all(s, err));
    return rg_sha256_file(file, &s->study_sha256, err);
}

void study_close(study *s) {
    rg_ledger_close(s->ledger);
    rg_str_free(&s->claim_ids);
    for (size_t i = 0; i < s->n_chips; i++) rg_chip_close(&s->chip[i]);
    rg_doc_close(&s->doc);
    rg_arena_free(&s->arena);
}
