/* ridge eval choice: task sets under numerics policies. */
#include "eval_commands.h"
#include "ridge/choice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    cli_eval_input input;
    rg_choice_options options;
    rg_choice_summary summary;
    rg_choice_quality *result; /* [n + 1], the reference first */
} request;

const cli_option cli_eval_choice_options[] = {
    CLI_EVAL_MODEL,
    {"set", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "items as JSON lines, plain or .gz"},
    CLI_EVAL_POLICY,
    {"norm", CLI_STRING, "LENGTH", NULL, "byte", 0, 0, false, false,
     "what divides a choice's log-likelihood in accuracy_norm: byte, char, token or none"},
    {"join", CLI_STRING, "TEXT", NULL, NULL, 0, 0, false, false,
     "text between context and continuation (default: one space, none after white space)"},
    {"limit", CLI_INT, "N", "item", NULL, 1, 1e12, false, false, "take the first N items (default: all)"},
    CLI_EVAL_THREADS,
    CLI_EVAL_BATCH,
    {0}};

static void json_policy(rg_str *out, const void *context, size_t i) {
    const request *r = context;
    const rg_choice_summary *s = &r->summary;
    const rg_choice_quality *q = &r->result[i];
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
    cli_print_json_string(&out, r->input.path);
    rg_str_printf(&out, ", \"kind\": \"%s\", \"model_sha256\": \"%s\", \"set_sha256\": \"%s\"", s->kind,
                  r->input.model.sha256.hex, r->input.sha256.hex);
    cli_json_number(&out, "n", (double)s->n);
    cli_json_number(&out, "n_set", (double)s->n_set);
    cli_json_number(&out, "n_truncated", (double)s->n_truncated);
    cli_json_number(&out, "n_tokens", (double)s->n_tokens);
    cli_json_number(&out, "chance", strcmp(s->kind, "cloze") == 0 ? (double)NAN : s->chance);
    cli_json_string(&out, "norm", r->options.norm);
    cli_json_string(&out, "join", r->options.join);
    rg_str_printf(&out, ", \"interrupted\": %s", s->interrupted ? "true" : "false");
    cli_eval_json_policies(&out, json_policy, r, r->input.n);
    rg_str_add(&out, "}");
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
    for (size_t i = 1; i <= r->input.n; i++)
        if ((int)strlen(r->result[i].policy) > width) width = (int)strlen(r->result[i].policy);
    printf("%s, %s: %zu of %zu items%s", r->input.model.path, r->input.path, s->n, s->n_set,
           s->interrupted ? " (interrupted)" : "");
    if (!cloze) printf(", chance %.1f %%, length by %s", 100 * s->chance, r->options.norm);
    if (s->n_truncated) printf(", %zu contexts cut at the left", s->n_truncated);
    printf("\n\n%-*s  %22s  %10s  %11s  %9s  %18s  verdict\n", width, "policy", "accuracy [%] (95 %)",
           cloze ? "perplexity" : "normed [%]", "flips", "McNemar p", "gold, change [nat]");
    for (size_t i = 0; i <= r->input.n; i++)
        print_row(s, &r->result[i], i ? r->result[i].policy : "fp32 (reference)", width);
    puts("");
    for (size_t i = 1; i <= r->input.n; i++)
        if (r->result[i].is_reference)
            printf("%s: equal to the reference\n", r->result[i].policy);
        else
            cli_eval_print_cannot_tell(r->result[i].policy, &r->result[i].plain);
}

static rg_status run(cli_context *context, request *r, rg_error *err) {
    RG_TRY(cli_eval_open(&r->input, context, "set", err));
    r->options = (rg_choice_options){.norm = cli_string(context, "norm"),
                                     .join = cli_string(context, "join"),
                                     .limit = (size_t)cli_int(context, "limit", 0),
                                     .threads = (int)cli_int(context, "threads", 0),
                                     .batch_tokens = (size_t)cli_int(context, "batch", 0),
                                     .progress = context->progress,
                                     .data_dir = context->data_dir};
    r->result = calloc(r->input.n + 1, sizeof *r->result);
    if (!r->result) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    return rg_choice_run(&r->input.model, r->input.path, r->input.text, r->input.size, r->input.policy,
                         r->input.n, &r->options, &r->summary, r->result, err);
}

rg_status cli_eval_choice(cli_context *context, rg_error *err) {
    request r = {0};
    const rg_status status = run(context, &r, err);
    if (status == RG_OK) (context->json ? print_json : print_table)(&r);
    context->failed_after_output = status == RG_OK && r.summary.interrupted;
    cli_eval_close(&r.input);
    free(r.result);
    return status;
}
