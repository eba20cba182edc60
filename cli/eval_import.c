/* ridge eval import: results of other tools. */
#include "eval_commands.h"
#include "ridge/import.h"
#include "ridge/ledger.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct imported {
    const char *path;
    rg_import *file;
    rg_import_result result;
    bool reference;
} imported;

typedef struct request {
    size_t n;
    imported *at; /* [n] */
    size_t n_claims;
} request;

const cli_option cli_eval_import_options[] = {
    {"form", CLI_STRING, "NAME", NULL, NULL, 0, 0, false, false,
     "lm-eval, logprobs, llama-kld or activations (default: by content)"},
    {"filter", CLI_STRING, "NAME", NULL, NULL, 0, 0, false, false,
     "lm-evaluation-harness samples of several filters: the one to take"},
    {"ledger", CLI_STRING, "DIR", NULL, NULL, 0, 0, false, false,
     "copy the files into the workspace DIR and add every figure to its claims"},
    {0}};

static const char *base_name(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static void json_file(rg_str *out, const imported *f) {
    const rg_import_result *r = &f->result;
    rg_str_add(out, "{\"policy\": ");
    cli_print_json_string(out, base_name(f->path));
    rg_str_add(out, ", \"file\": ");
    cli_print_json_string(out, f->path);
    rg_str_printf(out, ", \"sha256\": \"%s\"", rg_import_sha256(f->file)->hex);
    for (size_t i = 0; i < r->n; i++) {
        const rg_import_figure *g = &r->figure[i];
        char key[64];
        cli_json_number(out, g->key, g->value);
        if (!g->interval) continue;
        snprintf(key, sizeof key, "%s_lo", g->key);
        cli_json_number(out, key, g->lo);
        snprintf(key, sizeof key, "%s_hi", g->key);
        cli_json_number(out, key, g->hi);
    }
    if (r->has_verdict) rg_str_printf(out, ", \"verdict\": \"%s\"", rg_verdict_name(r->verdict));
    if (*r->note) {
        rg_str_add(out, ", \"note\": ");
        cli_print_json_string(out, r->note);
    }
    rg_str_printf(out, ", \"is_reference\": %s}", f->reference ? "true" : "false");
}

static void print_json(const request *r) {
    const size_t first = r->n > 1;
    rg_str out = {0};
    rg_str_printf(&out, "{\"kind\": \"%s\", \"reference\": ", rg_import_kind(r->at[0].file));
    if (first)
        json_file(&out, &r->at[0]);
    else
        rg_str_add(&out, "null");
    rg_str_add(&out, ", \"policies\": [");
    for (size_t i = first; i < r->n; i++) {
        if (i > first) rg_str_add(&out, ", ");
        json_file(&out, &r->at[i]);
    }
    rg_str_printf(&out, "], \"claims\": %zu}", r->n_claims);
    cli_json_end(&out);
}

static void print_table(const request *r) {
    for (size_t i = 0; i < r->n; i++) {
        const imported *f = &r->at[i];
        printf("%s%s (%s)%s\n", i ? "\n" : "", f->path, rg_import_kind(f->file),
               f->reference ? ", reference" : "");
        for (size_t k = 0; k < f->result.n; k++) {
            const rg_import_figure *g = &f->result.figure[k];
            if (isnan(g->value)) continue;
            printf("  %-22s %12.6g %-5s", g->key, g->value, strcmp(g->unit, "1") == 0 ? "" : g->unit);
            if (g->interval) printf("  %.6g .. %.6g, %s", g->lo, g->hi, g->interval);
            puts("");
        }
        if (f->result.has_verdict) printf("  verdict: %s\n", rg_verdict_name(f->result.verdict));
        if (*f->result.note) printf("  %s\n", f->result.note);
    }
    if (r->n_claims) printf("\n%zu claims added\n", r->n_claims);
}

/* Into DIR/inputs, under a name that says what is in it; `relative` is that name below DIR. */
static rg_status copy_input(const char *dir, const imported *f, char *relative, size_t size, rg_error *err) {
    rg_arena arena = {0};
    rg_map map;
    snprintf(relative, size, "inputs/%.12s-%.200s", rg_import_sha256(f->file)->hex, base_name(f->path));
    const char *folder = rg_arena_printf(&arena, "%s/inputs", dir),
               *path = rg_arena_printf(&arena, "%s/%s", dir, relative);
    rg_status status =
        folder && path ? rg_dir_make(folder, err) : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    if (status == RG_OK) status = rg_map_open(&map, f->path, err);
    if (status == RG_OK) {
        status = rg_file_write(path, map.data, map.size, err);
        rg_map_close(&map);
    }
    rg_arena_free(&arena);
    return status;
}

static rg_status add_claims(rg_ledger *ledger, const imported *f, const rg_claim_input *inputs,
                            size_t n_inputs, size_t *n_claims, rg_error *err) {
    char source[640], subject[512], id[17];
    snprintf(source, sizeof source, "%s, %.200s, SHA-256 %s", rg_import_kind(f->file), base_name(f->path),
             rg_import_sha256(f->file)->hex);
    for (size_t i = 0; i < f->result.n; i++) {
        const rg_import_figure *g = &f->result.figure[i];
        if (isnan(g->value)) continue;
        snprintf(subject, sizeof subject, "quality/%.200s/%s", base_name(f->path), g->key);
        const rg_claim claim = {.kind = RG_QUOTED,
                                .subject = subject,
                                .text = *f->result.note ? f->result.note : NULL,
                                .value = g->value,
                                .unit = g->unit,
                                .lo = g->lo,
                                .hi = g->hi,
                                .interval = g->interval,
                                .source = source,
                                .n_inputs = n_inputs,
                                .input = inputs};
        RG_TRY(rg_ledger_add(ledger, &claim, id, err));
        ++*n_claims;
    }
    return RG_OK;
}

static rg_status write_claims(request *r, const char *dir, rg_error *err) {
    rg_ledger *ledger;
    char(*relative)[512] = calloc(r->n, sizeof *relative);
    if (!relative) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    rg_status status = rg_dir_make(dir, err);
    for (size_t i = 0; i < r->n && status == RG_OK; i++)
        status = copy_input(dir, &r->at[i], relative[i], sizeof relative[i], err);
    if (status == RG_OK) status = rg_ledger_open(&ledger, dir, err);
    if (status != RG_OK) {
        free(relative);
        return status;
    }
    for (size_t i = 0; i < r->n && status == RG_OK; i++) {
        const rg_claim_input inputs[2] = {{"results", relative[i], rg_import_sha256(r->at[i].file)->hex},
                                          {"reference", relative[0], rg_import_sha256(r->at[0].file)->hex}};
        status = add_claims(ledger, &r->at[i], inputs, i ? 2 : 1, &r->n_claims, err);
    }
    rg_ledger_close(ledger);
    free(relative);
    return status;
}

static rg_status run(cli_context *context, request *r, rg_error *err) {
    const rg_import_options options = {cli_string(context, "form"), cli_string(context, "filter")};
    r->at = calloc((size_t)context->n_arguments, sizeof *r->at);
    if (!r->at) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (int i = 0; i < context->n_arguments; i++) {
        imported *f = &r->at[i];
        f->path = context->argument[i];
        RG_TRY(rg_import_open(&f->file, f->path, &options, err));
        r->n++;
        f->reference = i == 0 && context->n_arguments > 1;
        RG_TRY(rg_import_compare(i ? r->at[0].file : NULL, f->file, &f->result, err));
    }
    const char *dir = cli_string(context, "ledger");
    return dir ? write_claims(r, dir, err) : RG_OK;
}

rg_status cli_eval_import(cli_context *context, rg_error *err) {
    request r = {0};
    const rg_status status = run(context, &r, err);
    if (status == RG_OK) (context->json ? print_json : print_table)(&r);
    for (size_t i = 0; i < r.n; i++) rg_import_close(r.at[i].file);
    free(r.at);
    return status;
}
