/* ridge eval run. */
#include "eval_commands.h"
#include "ridge/model.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_POLICIES = 256, TEXT_LIMIT_BYTES = 1 << 30 };

typedef struct run_request {
    rg_model model;
    bool opened;
    char *text;
    size_t text_size;
    rg_digest text_sha256;
    const char *policy[MAX_POLICIES];
    size_t n;
    rg_eval_options options;
    rg_quality *result; /* [n + 1], the reference first */
} run_request;

static void json_result(rg_str *out, const rg_quality *q) {
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"ppl", q->ppl},
                   {"ppl_se", q->ppl_se},
                   {"kld_mean", q->kld_mean},
                   {"kld_mean_se", q->kld_mean_se},
                   {"kld_p99", q->kld_p99},
                   {"same_top", q->same_top},
                   {"same_top_se", q->same_top_se},
                   {"tokens", (double)q->tokens}};
    rg_str_add(out, "{\"policy\": ");
    cli_print_json_string(out, q->policy);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rg_str_printf(out, ", \"%s\": ", numbers[i].key);
        cli_print_json_number(out, numbers[i].value);
    }
    rg_str_printf(out, ", \"is_reference\": %s}", q->is_reference ? "true" : "false");
}

static void print_json(const run_request *r) {
    rg_str out = {0};
    rg_str_add(&out, "{\"protocol\": ");
    cli_print_json_string(&out, r->options.protocol);
    rg_str_printf(&out, ", \"model_sha256\": \"%s\", \"text_sha256\": \"%s\", \"policies\": [",
                  r->model.sha256.hex, r->text_sha256.hex);
    for (size_t i = 1; i <= r->n; i++) {
        if (i > 1) rg_str_add(&out, ", ");
        json_result(&out, &r->result[i]);
    }
    rg_str_add(&out, "]}");
    puts(out.data ? out.data : "");
    rg_str_free(&out);
}

/* "1.234 +- 0.005" with as many digits as the error has meaning for. */
static const char *with_error(char *buf, size_t size, double value, double se) {
    int digits = 6;
    for (double unit = 1e-6; digits > 2 && se >= 100 * unit; unit *= 10) digits--;
    snprintf(buf, size, "%.*f +- %.*f", digits, value, digits, se);
    return buf;
}

static void print_table(const run_request *r) {
    int width = (int)strlen("fp32 (reference)");
    for (size_t i = 1; i <= r->n; i++)
        if ((int)strlen(r->result[i].policy) > width) width = (int)strlen(r->result[i].policy);
    printf("%s, protocol %s, %llu tokens scored; +- is one standard error\n\n", r->model.path,
           r->options.protocol, (unsigned long long)r->result[0].tokens);
    printf("%-*s  %22s  %22s  %9s  %18s\n", width, "policy", "perplexity", "KLD mean [nat]", "KLD p99",
           "same top [%]");
    for (size_t i = 0; i <= r->n; i++) {
        const rg_quality *q = &r->result[i];
        char ppl[64], kld[64], top[64];
        with_error(ppl, sizeof ppl, q->ppl, q->ppl_se);
        if (q->is_reference) {
            printf("%-*s  %22s  %s\n", width, i ? q->policy : "fp32 (reference)", ppl,
                   i ? "  equal to the reference" : "");
            continue;
        }
        with_error(kld, sizeof kld, q->kld_mean, q->kld_mean_se);
        with_error(top, sizeof top, 100 * q->same_top, 100 * q->same_top_se);
        printf("%-*s  %22s  %22s  %9.5f  %18s\n", width, q->policy, ppl, kld, q->kld_p99, top);
    }
}

static rg_status load(cli_context *context, run_request *r, rg_error *err) {
    const char *path = cli_string(context, "text");
    for (const char *p; (p = cli_nth(context, "policy", (int)r->n)); r->policy[r->n++] = p)
        if (r->n == MAX_POLICIES)
            return rg_fail(err, RG_ERR_USAGE, "--policy", "at most 256", "too many policies");
    r->result = calloc(r->n + 1, sizeof *r->result);
    if (!r->result) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    RG_TRY(rg_sha256_file(path, &r->text_sha256, err));
    RG_TRY(rg_file_read(path, TEXT_LIMIT_BYTES, &r->text, &r->text_size, err));
    RG_TRY(rg_model_open(&r->model, cli_string(context, "model"), context->data_dir, true, err));
    r->opened = true;
    if (cli_string(context, "jitter"))
        RG_TRY(rg_model_jitter(&r->model, (uint64_t)cli_int(context, "jitter", 0), err));
    return RG_OK;
}

static rg_status eval_run(cli_context *context, rg_error *err) {
    run_request r = {0};
    r.options = (rg_eval_options){.protocol = cli_string(context, "protocol"),
                                  .max_tokens = (size_t)cli_int(context, "tokens", 0),
                                  .threads = (int)cli_int(context, "threads", 0),
                                  .batch_tokens = (size_t)cli_int(context, "batch", 0),
                                  .progress = context->progress,
                                  .data_dir = context->data_dir};
    rg_status status = load(context, &r, err);
    if (status == RG_OK)
        status = rg_eval_run(&r.model, r.text, r.text_size, r.policy, r.n, &r.options, r.result, err);
    if (status == RG_OK) (context->json ? print_json : print_table)(&r);
    if (r.opened) rg_model_close(&r.model);
    free(r.text);
    free(r.result);
    return status;
}

static const cli_option run_options[] = {
    {"model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true, "GGUF file or llama2.c file"},
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "UTF-8 text to score, plain or .gz"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, true, true,
     "numerics policy, role[.glob]=FORMAT[@...],...; given once for each policy to compare"},
    {"protocol", CLI_STRING, "NAME", NULL, "ridge", 0, 0, false, false, "ridge, llamacpp-512 or stories-256"},
    {"tokens", CLI_INT, "N", "token", NULL, 1, 1e12, false, false,
     "take the first N tokens of the text (default: all)"},
    {"jitter", CLI_INT, "SEED", NULL, NULL, 0, 9e15, false, false,
     "scale channels at random without changing the fp32 function, so that weights leave the grid they were "
     "stored on"},
    {"threads", CLI_INT, "N", NULL, NULL, 1, 4096, false, false,
     "threads (default: all cores); never changes a bit"},
    {"batch", CLI_INT, "N", "token", NULL, 1, 1e9, false, false,
     "tokens carried through the model together (default: by memory); never changes a bit"},
    {0}};

const cli_command cli_eval_commands[] = {
    {.noun = "eval",
     .verb = "run",
     .arguments = "",
     .summary = "Measure what numerics policies do to a model's predictions on a text",
     .details =
         "Runs the model in fp32 and under every policy on the same tokens and compares the logits: "
         "perplexity,\n"
         "mean and 99th percentile of KL(fp32 || policy) per token, share of tokens whose most likely\n"
         "successor stays the same. docs/quality.md says how the figures are made and how to read them.",
     .example =
         "ridge eval run --model stories260K.bin --text tinystories.txt --protocol stories-256 --tokens 4000 "
         "\\\n      --policy w=mxfp4 --policy kv=e4m3fn\n"
         "  stories260K.bin, protocol stories-256, 1920 tokens scored; +- is one standard error\n"
         "\n"
         "  policy                        perplexity          KLD mean [nat]    KLD p99        same top [%]\n"
         "  fp32 (reference)            3.91 +- 0.23\n"
         "  w=mxfp4                     4.73 +- 0.28        0.1864 +- 0.0065    1.41235       78.59 +- 0.94\n"
         "  kv=e4m3fn                   4.04 +- 0.24        0.0289 +- 0.0019    0.36587       92.08 +- 0.62",
     .options = run_options,
     .run = eval_run},
    {.noun = "eval",
     .verb = "choice",
     .arguments = "",
     .summary = "Measure what numerics policies do to a model's answers on a task set",
     .details =
         "Scores multiple-choice, schema and cloze sets by the log-likelihood of continuations, in fp32 and\n"
         "under every policy, and compares item by item: flips, McNemar's exact test, and how small a\n"
         "difference the set can show at all. docs/quality.md gives the forms of a set and how text is cut.",
     .example =
         "ridge eval choice --model stories260K.bin --set copa.jsonl --policy w=mxfp4 --policy w=int2\n"
         "  stories260K.bin, copa.jsonl: 100 of 100 items, chance 50.0 %, length by byte\n"
         "\n"
         "  policy               accuracy [%] (95 %)  normed [%]        flips  McNemar p  gold, change [nat] "
         " "
         "verdict\n"
         "  fp32 (reference)   64.0 ( 54.2 ..  72.7)        58.0\n"
         "  w=mxfp4            65.0 ( 55.3 ..  73.6)        58.0     6+    5-          1   -3.0176 +- 0.4543 "
         " "
         "cannot tell\n"
         "  w=int2             53.0 ( 43.3 ..  62.5)        52.0    14+   25-       0.11  -81.0519 +- 3.7500 "
         " "
         "cannot tell\n"
         "\n"
         "  w=mxfp4: cannot tell. 100 items show a difference of 9.2 points or more (4 times of 5); the +1.0 "
         "points\n"
         "  seen would need about 8632 items",
     .options = cli_eval_choice_options,
     .run = cli_eval_choice},
    {.noun = "eval",
     .verb = "sensitivity",
     .arguments = "",
     .summary = "Rank layers and roles by the damage a lower format does to each alone",
     .details =
         "Lowers one role of one layer at a time, all else fp32, and ranks by mean KL divergence. With a\n"
         "budget, proposes a mixed policy (everything lowered but what is worth most, raised to --high) and\n"
         "evaluates it: damages do not add up.",
     .example =
         "ridge eval sensitivity --model stories260K.bin --text tinystories.txt --protocol stories-256 \\\n"
         "      --tokens 4000 --lower int4 --roles w --budget-bits 6 --high int8",
     .options = cli_eval_sensitivity_options,
     .run = cli_eval_sensitivity},
    {0}};
