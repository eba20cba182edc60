/* ridge eval run: options, running, what an interruption leaves. */
#include "eval_run.h"

#include <stdlib.h>

const cli_option cli_eval_run_options[] = {
    CLI_EVAL_MODEL,
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "UTF-8 text to score, plain or .gz"},
    CLI_EVAL_POLICY,
    {"protocol", CLI_STRING, "NAME", NULL, "ridge", 0, 0, false, false,
     "ridge, llamacpp-512, gptq-2048, harness-word or stories-256"},
    {"tokens", CLI_INT, "N", "token", NULL, 1, 1e12, false, false,
     "take the first N tokens of the text (default: all)"},
    {"tolerance", CLI_NUMBER, "NATS", "nat per token", "0", 0, 100, false, false,
     "differences of mean loss up to this count as none"},
    {"confidence", CLI_NUMBER, "C", NULL, "0.95", 0.5, 0.999, false, false, "of intervals and verdicts"},
    {"stop-when-sure", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "stop as soon as the verdict on every policy is in; the error of looking often is paid for"},
    {"pairs", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "print the table of policies against each other (--json always has it)"},
    {"layers", CLI_FLAG, NULL, NULL, NULL, 0, 0, false, false,
     "print statistics and the error of every operator's output"},
    {"dump", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "write digest and statistics of every operator's output under the one policy given, as JSON for ridge "
     "eval "
     "compare-dump"},
    {"jitter", CLI_INT, "SEED", NULL, NULL, 0, 9e15, false, false,
     "scale channels at random without changing the fp32 function, so that weights leave the grid they were "
     "stored on"},
    CLI_EVAL_THREADS,
    CLI_EVAL_BATCH,
    {0}};

static rg_status load(cli_context *context, cli_eval_request *r, rg_error *err) {
    if (r->options.digests && cli_nth(context, "policy", 1))
        return rg_fail(err, RG_ERR_USAGE, "--dump", "one --policy, fp32 for the reference",
                       "several policies are given");
    RG_TRY(cli_eval_open(&r->input, context, "text", err));
    if (cli_string(context, "jitter"))
        RG_TRY(rg_model_jitter(&r->input.model, (uint64_t)cli_int(context, "jitter", 0), err));
    return RG_OK;
}

/* An interruption after the first batch is no failure without a result: what is known is printed, and the
   exit code alone tells. */
static rg_status print(cli_context *context, const cli_eval_request *r, rg_status status) {
    const bool partial = status == RG_ERR_CANCELLED && r->report.n_qualities > 0;
    if (status != RG_OK && !partial) return status;
    (context->json ? cli_eval_print_json : cli_eval_print_table)(r);
    if (partial) {
        fflush(stdout);
        fprintf(stderr, "ridge: interrupted after %llu of %llu tokens; these figures are what they say\n",
                (unsigned long long)r->report.tokens, (unsigned long long)r->report.tokens_planned);
        context->failed_after_output = true;
    }
    return RG_OK;
}

rg_status cli_eval_run(cli_context *context, rg_error *err) {
    const char *dump = cli_string(context, "dump");
    cli_eval_request r = {.pairs = cli_flag(context, "pairs"), .layers = cli_flag(context, "layers")};
    r.options = (rg_eval_options){.protocol = cli_string(context, "protocol"),
                                  .max_tokens = (size_t)cli_int(context, "tokens", 0),
                                  .threads = (int)cli_int(context, "threads", 0),
                                  .batch_tokens = (size_t)cli_int(context, "batch", 0),
                                  .progress = context->progress,
                                  .data_dir = context->data_dir,
                                  .confidence = cli_number(context, "confidence", 0),
                                  .tolerance = cli_number(context, "tolerance", 0),
                                  .stop_when_sure = cli_flag(context, "stop-when-sure"),
                                  .layers = r.layers || dump,
                                  .digests = dump != NULL};
    const char *source[] = {cli_string(context, "model"), cli_string(context, "text")};
    for (size_t i = 0; dump && i < 2; i++)
        if (rg_file_same(dump, source[i]))
            return rg_fail(err, RG_ERR_USAGE, "--dump", "another name than the source's",
                           "%s would be overwritten", source[i]);
    rg_status status = load(context, &r, err);
    if (status == RG_OK)
        status = print(context, &r,
                       rg_eval_report_make(&r.report, &r.input.model, r.input.text, r.input.size,
                                           r.input.policy, r.input.n, &r.options, err));
    if (status == RG_OK && dump && r.report.complete) status = cli_eval_run_dump(&r, dump, err);
    rg_eval_report_free(&r.report);
    cli_eval_close(&r.input);
    return status;
}
