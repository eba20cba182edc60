/* ridge eval choice: task sets under numerics policies. */
#include "eval_commands.h"
#include "ridge/choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SET_LIMIT_BYTES = 1 << 30 };

typedef struct request {
    rg_model model;
    bool opened;
    const char *set, **policy;
    size_t n;
    char *text;
    size_t size;
    rg_digest set_sha256;
    rg_choice_options options;
    rg_choice_summary summary;
    rg_choice_quality *result; /* [n + 1], the reference first */
} request;

const cli_option cli_eval_choice_options[] = {
    {"model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true,
     "GGUF file, llama2.c file or Hugging Face folder"},
    {"set", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "items as JSON lines, plain or .gz"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, true, true,
     "numerics policy, role[.glob]=FORMAT[@...],...; given once for each policy to compare"},
    {"norm", CLI_STRING, "LENGTH", NULL, "byte", 0, 0, false, false,
     "what divides a choice's log-likelihood in accuracy_norm: byte, char, token or none"},
    {"join", CLI_STRING, "TEXT", NULL, NULL, 0, 0, false, false,
     "text between context and continuation (default: one space, none after white space)"},
    {"limit", CLI_INT, "N", "item", NULL, 1, 1e12, false, false, "take the first N items (default: all)"},
    {"threads", CLI_INT, "N", NULL, NULL, 1, 4096, false, false,
     "threads (default: all cores); never changes a bit"},
    {"batch", CLI_INT, "N", "token", NULL, 1, 1e9, false, false,
     "tokens carried through the model together (default: by memory); never changes a bit"},
    {0}};

static void json_policy(rg_str *out, const rg_choice_summary *s, const rg_choice_quality *q) {
    const bool cloze = strcmp(s->kind, "cloze") == 0;
    rg_str_add(out, "{\"policy\": ");
    cli_print_json_string(out, q->policy);
    cli_json_number(out, "accuracy", q->plain.share);
    cli_json_number(out, "accuracy_norm", cloze ? (double)NAN : q->normed.share);
    cli_eval_json_shares(out, &q->plain, "");
    if (!cloze) cli_eval_json_shares(out, &q->normed, "_norm");
    cli_json_number(out, "answers_changed", (double)q->answers_changed);
    cli_json_number(out, "gold_loglik", q->gold_loglik);
    cli_json_number(out, "gold_delta", q->gold_delta);
    cli_json_number(out, "gold_delta_se", q->gold_delta_se);
    cli_json_number(out, "perplexity", q->perplexity);
    cli_json_number(out, "token_perplexity", q->token_perplexity);
    rg_str_printf(out, ", \"is_reference\": %s}", q->is_reference ? "true" : "false");
}

static void print_json(const request *r) {
    const rg_choice_summary *s = &r->summary;
    rg_str out = {0};
    rg_str_add(&out, "{\"set\": ");
    cli_print_json_string(&out, r->set);
    rg_str_printf(&out, ", \"kind\": \"%s\", \"model_sha256\": \"%s\", \"set_sha256\": \"%s\"", s->kind,
                  r->model.sha256.hex, r->set_sha256.hex);
    cli_json_number(&out, "n", (double)s->n);
    cli_json_number(&out, "n_set", (double)s->n_set);
    cli_json_number(&out, "n_truncated", (double)s->n_truncated);
    cli_json_number(&out, "n_tokens", (double)s->n_tokens);
    cli_json_number(&out, "chance", strcmp(s->kind, "cloze") == 0 ? (double)NAN : s->chance);
    rg_str_printf(&out, ", \"norm\": \"%s\", \"join\": ", r->options.norm);
    if (r->options.join)
        cli_print_json_string(&out, r->options.join);
    else
        rg_str_add(&out, "null");
    rg_str_printf(&out, ", \"interrupted\": %s, \"reference\": ", s->interrupted ? "true" : "false");
    json_policy(&out, s, &r->result[0]);
    rg_str_add(&out, ", \"policies\": [");
    for (size_t i = 1; i <= r->n; i++) {
        if (i > 1) rg_str_add(&out, ", ");
        json_policy(&out, s, &r->result[i]);
    }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void print_row(const rg_choice_summary *s, const rg_choice_quality *q, const char *name, int width) {
    const bool cloze = strcmp(s->kind, "cloze") == 0;
    char normed[32] = "";
    if (cloze)
        snprintf(normed, sizeof normed, "%.4g", q->perplexity);
    else
        snprintf(normed, sizeof normed, "%.1f", 100 * q->normed.share);
    printf("%-*s  %5.1f (%5.1f .. %5.1f)  %10s", width, name, 100 * q->plain.share, 100 * q->plain.wilson_lo,
           100 * q->plain.wilson_hi, normed);
    if (q->is_reference) {
        printf("\n");
        return;
    }
    printf("  %4llu+ %4llu-  %9.2g  %+8.4f +- %.4f  %s\n", (unsigned long long)q->plain.to_right,
           (unsigned long long)q->plain.to_wrong, q->plain.mcnemar_p, q->gold_delta, q->gold_delta_se,
           rg_verdict_name(q->plain.verdict));
}

static void print_table(const request *r) {
    const rg_choice_summary *s = &r->summary;
    const bool cloze = strcmp(s->kind, "cloze") == 0;
    int width = (int)strlen("fp32 (reference)");
    for (size_t i = 1; i <= r->n; i++)
        if ((int)strlen(r->result[i].policy) > width) width = (int)strlen(r->result[i].policy);
    printf("%s, %s: %zu of %zu items%s", r->model.path, r->set, s->n, s->n_set,
           s->interrupted ? " (interrupted)" : "");
    if (!cloze) printf(", chance %.1f %%, length by %s", 100 * s->chance, r->options.norm);
    if (s->n_truncated) printf(", %zu contexts cut at the left", s->n_truncated);
    printf("\n\n%-*s  %22s  %10s  %11s  %9s  %18s  verdict\n", width, "policy", "accuracy [%] (95 %)",
           cloze ? "perplexity" : "normed [%]", "flips", "McNemar p", "gold, change [nat]");
    for (size_t i = 0; i <= r->n; i++)
        print_row(s, &r->result[i], i ? r->result[i].policy : "fp32 (reference)", width);
    puts("");
    for (size_t i = 1; i <= r->n; i++)
        if (r->result[i].is_reference)
            printf("%s: equal to the reference\n", r->result[i].policy);
        else
            cli_eval_print_cannot_tell(r->result[i].policy, &r->result[i].plain);
}

static rg_status run(cli_context *context, request *r, rg_error *err) {
    RG_TRY(cli_eval_policies(context, &r->policy, &r->n, err));
    r->set = cli_string(context, "set");
    r->options = (rg_choice_options){.norm = cli_string(context, "norm"),
                                     .join = cli_string(context, "join"),
                                     .limit = (size_t)cli_int(context, "limit", 0),
                                     .threads = (int)cli_int(context, "threads", 0),
                                     .batch_tokens = (size_t)cli_int(context, "batch", 0),
                                     .progress = context->progress,
                                     .data_dir = context->data_dir};
    r->result = calloc(r->n + 1, sizeof *r->result);
    if (!r->result) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    RG_TRY(rg_sha256_file(r->set, &r->set_sha256, err));
    RG_TRY(rg_file_read(r->set, SET_LIMIT_BYTES, &r->text, &r->size, err));
    RG_TRY(rg_model_open(&r->model, cli_string(context, "model"), context->data_dir, true, err));
    r->opened = true;
    return rg_choice_run(&r->model, r->set, r->text, r->size, r->policy, r->n, &r->options, &r->summary,
                         r->result, err);
}

rg_status cli_eval_choice(cli_context *context, rg_error *err) {
    request r = {0};
    const rg_status status = run(context, &r, err);
    if (status == RG_OK) (context->json ? print_json : print_table)(&r);
    context->failed_after_output = status == RG_OK && r.summary.interrupted;
    if (r.opened) rg_model_close(&r.model);
    free(r.policy);
    free(r.text);
    free(r.result);
    return status;
}
