/* ridge eval run: options, running, what an interruption leaves. */
#include "eval_run.h"

#include <stdlib.h>

enum { TEXT_LIMIT_BYTES = 1 << 30 };

const cli_option cli_eval_run_options[] = {
    {"model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true,
     "GGUF file, llama2.c file or Hugging Face folder"},
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "UTF-8 text to score, plain or .gz"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, true, true,
     "numerics policy, role[.glob]=FORMAT[@...],...; given once for each policy to compare"},
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
    {"threads", CLI_INT, "N", NULL, NULL, 1, 4096, false, false,
     "threads (default: all cores); never changes a bit"},
    {"batch", CLI_INT, "N", "token", NULL, 1, 1e9, false, false,
     "tokens carried through the model together (default: by memory); never changes a bit"},
    {0}};

static rg_status load(cli_context *context, cli_eval_request *r, rg_error *err) {
    const char *path = cli_string(context, "text");
    for (const char *p; (p = cli_nth(context, "policy", (int)r->n)); r->policy[r->n++] = p)
        if (r->n == CLI_EVAL_MAX_POLICIES)
            return rg_fail(err, RG_ERR_USAGE, "--policy", "at most 256", "too many policies");
    if (r->options.digests && r->n != 1)
        return rg_fail(err, RG_ERR_USAGE, "--dump", "one --policy, fp32 for the reference",
                       "%zu policies are given", r->n);
    RG_TRY(rg_sha256_file(path, &r->text_sha256, err));
    RG_TRY(rg_file_read(path, TEXT_LIMIT_BYTES, &r->text, &r->text_size, err));
    RG_TRY(rg_model_open(&r->model, cli_string(context, "model"), context->data_dir, true, err));
    r->opened = true;
    if (cli_string(context, "jitter"))
        RG_TRY(rg_model_jitter(&r->model, (uint64_t)cli_int(context, "jitter", 0), err));
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
    static cli_eval_request r;
    const char *dump = cli_string(context, "dump");
    r = (cli_eval_request){.pairs = cli_flag(context, "pairs"), .layers = cli_flag(context, "layers")};
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
        status = print(
            context, &r,
            rg_eval_report_make(&r.report, &r.model, r.text, r.text_size, r.policy, r.n, &r.options, err));
    if (status == RG_OK && dump && r.report.complete) status = cli_eval_run_dump(&r, dump, err);
    rg_eval_report_free(&r.report);
    if (r.opened) rg_model_close(&r.model);
    free(r.text);
    return status;
}
