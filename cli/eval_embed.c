/* ridge eval embed: sentence embeddings under numerics policies. */
#include "eval_commands.h"
#include "ridge/embed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    cli_eval_input input;
    rg_embed_report report;
} request;

const cli_option cli_eval_embed_options[] = {
    {"model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true,
     "Hugging Face folder of a sentence encoder"},
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "a sentence on each line, plain or .gz"},
    CLI_EVAL_POLICY,
    {"limit", CLI_INT, "N", "sentence", NULL, 1, 1e12, false, false,
     "take the first N sentences (default: all)"},
    CLI_EVAL_THREADS,
    CLI_EVAL_BATCH,
    {0}};

static void json_policy(rg_str *out, const rg_embed_quality *q) {
    rg_str_add(out, "{\"policy\": ");
    cli_print_json_string(out, q->policy);
    cli_json_number(out, "cosine_mean", q->cosine_mean);
    cli_json_number(out, "cosine_mean_se", q->cosine_mean_se);
    cli_json_number(out, "cosine_min", q->cosine_min);
    cli_json_number(out, "cosine_min_line", (double)q->cosine_min_line);
    cli_json_number(out, "top1_changed", q->top1_changed);
    cli_json_number(out, "top1_changed_lo", q->top1_changed_lo);
    cli_json_number(out, "top1_changed_hi", q->top1_changed_hi);
    cli_json_number(out, "topk_changed", q->topk_changed);
    cli_json_number(out, "kendall_tau", q->kendall_tau);
    rg_str_printf(out, ", \"is_reference\": %s}", q->is_reference ? "true" : "false");
}

static void print_json(const request *r) {
    const rg_embed_report *e = &r->report;
    rg_str out = {0};
    rg_str_add(&out, "{\"text\": ");
    cli_print_json_string(&out, r->input.path);
    rg_str_printf(&out, ", \"model_sha256\": \"%s\", \"text_sha256\": \"%s\", \"pooling\": \"%s\"",
                  r->input.model.sha256.hex, r->input.sha256.hex, e->pooling);
    cli_json_number(&out, "n", (double)e->n);
    cli_json_number(&out, "n_tokens", (double)e->n_tokens);
    cli_json_number(&out, "n_truncated", (double)e->n_truncated);
    cli_json_number(&out, "max_tokens", (double)e->max_tokens);
    cli_json_number(&out, "width", (double)e->width);
    cli_json_number(&out, "k", (double)e->k);
    rg_str_printf(&out, ", \"interrupted\": %s, \"policies\": [", e->n < e->n_asked ? "true" : "false");
    for (size_t i = 1; i < e->n_qualities; i++) {
        if (i > 1) rg_str_add(&out, ", ");
        json_policy(&out, &e->quality[i]);
    }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void print_table(const request *r) {
    const rg_embed_report *e = &r->report;
    int width = (int)strlen("policy");
    for (size_t i = 1; i < e->n_qualities; i++)
        if ((int)strlen(e->quality[i].policy) > width) width = (int)strlen(e->quality[i].policy);
    printf("%s, %s: %zu of %zu sentences%s, %s pooling", r->input.model.path, r->input.path, e->n, e->n_asked,
           e->n < e->n_asked ? " (interrupted)" : "", e->pooling);
    if (e->n_truncated) printf(", %zu cut at %zu tokens", e->n_truncated, e->max_tokens);
    printf("\n\n%-*s  %19s  %20s  %22s  %12s  %8s\n", width, "policy", "cosine, mean", "least (line)",
           "nearest changed [%]", "of the k [%]", "tau");
    for (size_t i = 1; i < e->n_qualities; i++) {
        const rg_embed_quality *q = &e->quality[i];
        printf("%-*s  %8.6f +- %.1e  %10.6f (%7zu)", width, q->policy, q->cosine_mean, q->cosine_mean_se,
               q->cosine_min, q->cosine_min_line);
        if (e->n > 1)
            printf("  %5.1f (%5.1f .. %5.1f)  %12.1f  %8.4f", 100 * q->top1_changed, 100 * q->top1_changed_lo,
                   100 * q->top1_changed_hi, 100 * q->topk_changed, q->kendall_tau);
        printf("%s\n", q->is_reference ? "  equal to the reference" : "");
    }
    if (e->n > 1) printf("\nk = %zu nearest neighbours\n", e->k);
}

static rg_status run(cli_context *context, request *r, rg_error *err) {
    RG_TRY(cli_eval_open(&r->input, context, "text", err));
    const rg_embed_options options = {.limit = (size_t)cli_int(context, "limit", 0),
                                      .threads = (int)cli_int(context, "threads", 0),
                                      .batch_tokens = (size_t)cli_int(context, "batch", 0),
                                      .progress = context->progress,
                                      .data_dir = context->data_dir};
    return rg_embed_run(&r->report, &r->input.model, r->input.path, r->input.text, r->input.size,
                        r->input.policy, r->input.n, &options, err);
}

rg_status cli_eval_embed(cli_context *context, rg_error *err) {
    request r = {0};
    const rg_status status = run(context, &r, err);
    if (status == RG_OK) (context->json ? print_json : print_table)(&r);
    context->failed_after_output = status == RG_OK && r.report.n < r.report.n_asked;
    rg_embed_report_free(&r.report);
    cli_eval_close(&r.input);
    return status;
}
