/* ridge eval needle: a fact far away, under formats of the KV cache. */
#include "eval_commands.h"
#include "ridge/needle.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct request {
    cli_eval_input input;
    rg_needle_options options;
    rg_needle_summary summary;
    rg_needle_quality *result; /* [n + 1], the reference first */
} request;

const cli_option cli_eval_needle_options[] = {
    CLI_EVAL_MODEL,
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "UTF-8 text for the filler, plain or .gz"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, true, true,
     "numerics policy, kv=FORMAT[@...],...; given once for each policy to compare"},
    {"context", CLI_INT, "N", "token", NULL, 64, 1e9, false, false,
     "length of a window (default: 1024, or what the model has)"},
    {"depths", CLI_INT, "K", NULL, "5", 1, 32, false, false, "places of the fact, evenly from start to end"},
    {"trials", CLI_INT, "N", NULL, "8", 1, 4096, false, false, "facts, each hidden at every depth"},
    {"seed", CLI_INT, "SEED", NULL, "1", 0, 9e15, false, false, "chooses facts and filler"},
    CLI_EVAL_THREADS,
    CLI_EVAL_BATCH,
    {0}};

static void json_policy(rg_str *out, const void *context, size_t i) {
    const request *r = context;
    const rg_needle_summary *s = &r->summary;
    const rg_needle_quality *q = &r->result[i];
    rg_str_add(out, "{\"policy\": ");
    cli_print_json_string(out, q->policy);
    cli_json_number(out, "loglik", q->loglik);
    cli_json_number(out, "delta_nll", q->difference.mean);
    cli_json_number(out, "delta_nll_se", q->difference.se);
    cli_json_number(out, "delta_nll_lo", q->difference.lo);
    cli_json_number(out, "delta_nll_hi", q->difference.hi);
    cli_json_number(out, "detectable_nll", q->detectable);
    rg_str_printf(out, ", \"verdict\": \"%s\"", rg_verdict_name(q->verdict));
    cli_json_number(out, "exact", q->exact.share);
    cli_eval_json_shares(out, &q->exact, "_exact");
    rg_str_add(out, ", \"by_depth\": [");
    for (size_t d = 0; d < s->depths; d++) {
        rg_str_printf(out, "%s{\"depth\": ", d ? ", " : "");
        cli_print_json_number(out, s->depth[d]);
        cli_json_number(out, "exact", q->at[d].exact);
        cli_json_number(out, "loglik", q->at[d].loglik);
        cli_json_number(out, "loglik_delta", q->at[d].delta);
        cli_json_number(out, "loglik_delta_se", q->at[d].delta_se);
        rg_str_add(out, "}");
    }
    rg_str_printf(out, "], \"is_reference\": %s}", q->is_reference ? "true" : "false");
}

static void print_json(const request *r) {
    const rg_needle_summary *s = &r->summary;
    rg_str out = {0};
    rg_str_printf(&out, "{\"model_sha256\": \"%s\", \"text_sha256\": \"%s\"", r->input.model.sha256.hex,
                  r->input.sha256.hex);
    cli_json_number(&out, "context", (double)s->context);
    cli_json_number(&out, "shortest", (double)s->shortest);
    cli_json_number(&out, "longest", (double)s->longest);
    cli_json_number(&out, "value_tokens", s->value_tokens);
    cli_json_number(&out, "trials", (double)s->trials);
    cli_json_number(&out, "depths", (double)s->depths);
    cli_json_number(&out, "seed", (double)r->options.seed);
    rg_str_printf(&out, ", \"interrupted\": %s", s->interrupted ? "true" : "false");
    cli_eval_json_policies(&out, json_policy, r, r->input.n);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

static void print_policy(const rg_needle_summary *s, const rg_needle_quality *q, const char *name,
                         int width) {
    for (size_t d = 0; d < s->depths; d++) {
        printf("%-*s  %5.2f  %9.1f  %12.4f", width, d ? "" : name, s->depth[d], 100 * q->at[d].exact,
               q->at[d].loglik);
        if (!q->is_reference) printf("  %+10.4f", q->at[d].delta);
        if (!q->is_reference && isfinite(q->at[d].delta_se)) printf(" +- %.4f", q->at[d].delta_se);
        puts("");
    }
}

static void print_verdict(const rg_needle_quality *q) {
    if (q->is_reference) {
        printf("%s: equal to the reference\n", q->policy);
        return;
    }
    printf("%s: %s; loss of a value %+.4f nat", q->policy, rg_verdict_name(q->verdict), q->difference.mean);
    if (isfinite(q->difference.lo)) printf(" (95 %%: %+.4f .. %+.4f)", q->difference.lo, q->difference.hi);
    printf(", exact %.1f %% (%llu gained, %llu lost, McNemar p %.2g)\n", 100 * q->exact.share,
           (unsigned long long)q->exact.to_right, (unsigned long long)q->exact.to_wrong, q->exact.mcnemar_p);
    if (q->verdict != RG_CANNOT_TELL) return;
    if (isnan(q->detectable))
        printf("  so few trials give no interval: 8 do\n");
    else
        printf("  these trials show a difference of %.3g nat or more (4 times of 5)\n", q->detectable);
}

static void print_table(const request *r) {
    const rg_needle_summary *s = &r->summary;
    int width = (int)strlen("fp32 (reference)");
    for (size_t i = 1; i <= r->input.n; i++)
        if ((int)strlen(r->result[i].policy) > width) width = (int)strlen(r->result[i].policy);
    printf("%s: %zu fact%s%s, windows of %zu to %zu tokens, values of %.2g tokens\n\n", r->input.model.path,
           s->trials, s->trials == 1 ? "" : "s", s->interrupted ? " (interrupted)" : "", s->shortest,
           s->longest, s->value_tokens);
    printf("%-*s  %5s  %9s  %12s  %s\n", width, "policy", "depth", "exact [%]", "loglik [nat]",
           "change [nat]");
    for (size_t i = 0; i <= r->input.n; i++)
        print_policy(s, &r->result[i], i ? r->result[i].policy : "fp32 (reference)", width);
    puts("");
    for (size_t i = 1; i <= r->input.n; i++) print_verdict(&r->result[i]);
    if (r->result[0].exact.share < 0.1)
        printf("fp32 itself finds %.1f %% of the facts: this model and context say little about memory\n",
               100 * r->result[0].exact.share);
}

static rg_status run(cli_context *context, request *r, rg_error *err) {
    RG_TRY(cli_eval_open(&r->input, context, "text", err));
    r->options = (rg_needle_options){.context = (size_t)cli_int(context, "context", 0),
                                     .depths = (size_t)cli_int(context, "depths", 0),
                                     .trials = (size_t)cli_int(context, "trials", 0),
                                     .seed = (uint64_t)cli_int(context, "seed", 1),
                                     .threads = (int)cli_int(context, "threads", 0),
                                     .batch_tokens = (size_t)cli_int(context, "batch", 0),
                                     .progress = context->progress,
                                     .data_dir = context->data_dir};
    r->result = calloc(r->input.n + 1, sizeof *r->result);
    if (!r->result) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    return rg_needle_run(&r->input.model, r->input.text, r->input.size, r->input.policy, r->input.n,
                         &r->options, &r->summary, r->result, err);
}

rg_status cli_eval_needle(cli_context *context, rg_error *err) {
    request r = {0};
    const rg_status status = run(context, &r, err);
    if (status == RG_OK) (context->json ? print_json : print_table)(&r);
    context->failed_after_output = status == RG_OK && r.summary.interrupted;
    cli_eval_close(&r.input);
    free(r.result);
    return status;
}
