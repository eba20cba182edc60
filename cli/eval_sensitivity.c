/* ridge eval sensitivity. */
#include "eval_commands.h"
#include "hw_open.h"
#include "ridge/model.h"
#include "ridge/perf.h"

#include <stdlib.h>
#include <string.h>

typedef struct request {
    cli_context *context;
    cli_eval_input input;
    rg_eval_options options;
    rg_sensitivity table;
    /* the mixed policy, when there is a budget */
    const char *high, *unit;
    double budget, lowered_bits;
    rg_chip chip;
    bool has_chip, has_mix;
    rg_phase phase;
    rg_mix mix;
    rg_quality result[4]; /* reference, lower everywhere, mixed, higher everywhere */
} request;

/* ---- what a policy costs --------------------------------------------------------------------------------
 */

/* Only what the policy lowers: the other weights are the same for all. */
static rg_status bits_cost(void *context, const char *policy, double *cost, rg_error *err) {
    request *r = context;
    double bytes = 0, plain = 0;
    RG_TRY(rg_graph_weight_bytes(&r->input.model.graph, policy, &bytes, err));
    RG_TRY(rg_graph_weight_bytes(&r->input.model.graph, NULL, &plain, err)); /* bf16 */
    *cost = 16 - 8 * (plain - bytes) / r->lowered_bits;
    return RG_OK;
}

static rg_status time_cost(void *context, const char *policy, double *cost, rg_error *err) {
    request *r = context;
    rg_roof roof;
    RG_TRY(rg_roof_explain(&roof, &r->input.model.graph, &r->chip, r->phase,
                           cli_number(r->context, "batch-size", 1), cli_number(r->context, "context", 4096),
                           policy, err));
    *cost = roof.bound_s * 1e3;
    rg_roof_close(&roof);
    return RG_OK;
}

/* Weights of the linear operators inside the blocks, whose mean bits the budget speaks of. */
static double weights_in_blocks(const rg_graph *g) {
    double n = 0;
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (g->node[i].layer < 0 || g->node[i].weight < 0) continue;
        const rg_graph_weight *w = &g->weight[g->node[i].weight];
        double size = 1;
        for (int d = 0; d < w->n_dims; d++) size *= (double)w->shape[d];
        if (w->n_dims > 1) n += size;
    }
    return n;
}

static rg_status open_budget(request *r, rg_error *err) {
    const char *chip = cli_string(r->context, "chip"), *phase = cli_string(r->context, "phase");
    const bool bits = cli_string(r->context, "budget-bits") != NULL,
               time = cli_string(r->context, "budget-ms") != NULL;
    if (!bits && !time) return RG_OK;
    if (bits && time)
        return rg_fail(err, RG_ERR_USAGE, "--budget-bits, --budget-ms", "one of them", "two budgets");
    r->has_mix = true;
    r->budget = cli_number(r->context, bits ? "budget-bits" : "budget-ms", 0);
    r->unit = bits ? "bit per weight" : "ms";
    r->lowered_bits = weights_in_blocks(&r->input.model.graph);
    r->phase = strcmp(phase, "decode") == 0 ? RG_DECODE : RG_PREFILL;
    if (r->phase == RG_PREFILL && strcmp(phase, "prefill") != 0)
        return rg_fail(err, RG_ERR_USAGE, "--phase", "prefill or decode", "\"%.40s\"", phase);
    if (bits) return RG_OK;
    if (!chip) return rg_fail(err, RG_ERR_USAGE, "--chip", "the chip whose time is meant", "missing");
    RG_TRY(cli_open_chip(r->context, chip, &r->chip, err));
    r->has_chip = true;
    return RG_OK;
}

/* "w=HIGH,a=HIGH,...": every role of the table. */
static void everywhere(const request *r, const char *format, char *out, size_t size) {
    size_t at = 0;
    for (size_t i = 0; i < r->table.n && at < size; i++)
        if (r->table.row[i].layer < 0)
            at +=
                (size_t)snprintf(out + at, size - at, "%s%s=%s", at ? "," : "", r->table.row[i].role, format);
}

static rg_status mix(request *r, rg_error *err) {
    char low[RG_POLICY_TEXT], high[RG_POLICY_TEXT];
    if (!r->has_mix) return RG_OK;
    RG_TRY(rg_sensitivity_mix(&r->table, r->high, r->budget, r->has_chip ? time_cost : bits_cost, r, &r->mix,
                              err));
    everywhere(r, r->table.lower, low, sizeof low);
    everywhere(r, r->high, high, sizeof high);
    const char *policy[] = {low, r->mix.policy, high};
    return rg_eval_run(&r->input.model, r->input.text, r->input.size, policy, 3, &r->options, r->result, err);
}

/* ---- output ---------------------------------------------------------------------------------------------
 */

static void json_quality(rg_str *out, const char *key, const rg_quality *q) {
    rg_str_printf(out, ", \"%s\": {\"policy\": ", key);
    cli_print_json_string(out, q->policy);
    cli_json_number(out, "kld_mean", q->kld_mean);
    cli_json_number(out, "kld_mean_se", q->kld_mean_se);
    cli_json_number(out, "ppl", q->ppl);
    rg_str_add(out, "}");
}

static void json_row(rg_str *out, const rg_sensitivity_row *row) {
    rg_str_add(out, "{\"role\": ");
    cli_print_json_string(out, row->role);
    if (row->layer >= 0) rg_str_printf(out, ", \"layer\": %lld", (long long)row->layer);
    cli_json_number(out, "kld_mean", row->quality.kld_mean);
    cli_json_number(out, "kld_mean_se", row->quality.kld_mean_se);
    cli_json_number(out, "same_top", row->quality.same_top);
    rg_str_add(out, ", \"policy\": ");
    cli_print_json_string(out, row->quality.policy);
    rg_str_add(out, "}");
}

static void json_rows(rg_str *out, const rg_sensitivity *s, const char *key, bool layers) {
    const char *between = "";
    rg_str_printf(out, ", \"%s\": [", key);
    for (size_t i = 0; i < s->n; i++) {
        if ((s->row[i].layer >= 0) != layers) continue;
        rg_str_add(out, between);
        json_row(out, &s->row[i]);
        between = ", ";
    }
    rg_str_add(out, "]");
}

static void print_json(const request *r) {
    rg_str out = {0};
    rg_str_add(&out, "{\"protocol\": ");
    cli_print_json_string(&out, r->options.protocol);
    rg_str_printf(&out, ", \"model_sha256\": \"%s\", \"text_sha256\": \"%s\", \"lower\": ",
                  r->input.model.sha256.hex, r->input.sha256.hex);
    cli_print_json_string(&out, r->table.lower);
    json_rows(&out, &r->table, "rows", true);
    json_rows(&out, &r->table, "all_layers", false);
    if (r->has_mix) {
        rg_str_add(&out, ", \"mix\": {\"policy\": ");
        cli_print_json_string(&out, r->mix.policy);
        cli_json_number(&out, r->has_chip ? "budget_ms" : "budget_bits", r->budget);
        cli_json_number(&out, r->has_chip ? "bound_ms" : "bits_per_weight", r->mix.cost);
        cli_json_number(&out, "n_raised", (double)r->mix.n_raised);
        cli_json_number(&out, "kld_additive", r->mix.kld_additive);
        json_quality(&out, "lower_everywhere", &r->result[1]);
        json_quality(&out, "evaluated", &r->result[2]);
        json_quality(&out, "higher_everywhere", &r->result[3]);
        rg_str_add(&out, "}");
    }
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

static int by_damage(const void *a, const void *b) {
    const rg_sensitivity_row *x = *(const rg_sensitivity_row *const *)a,
                             *y = *(const rg_sensitivity_row *const *)b;
    return (x->quality.kld_mean < y->quality.kld_mean) - (x->quality.kld_mean > y->quality.kld_mean);
}

static void print_mix(const request *r) {
    static const char *const names[] = {"lower everywhere", "mixed", "higher everywhere"};
    printf("\nmixed policy within %g %s: %zu raised to %s, %.4g %s (everything lowered: %.4g)\n  %s\n\n",
           r->budget, r->unit, r->mix.n_raised, r->high, r->mix.cost, r->unit, r->mix.cost_low,
           r->mix.policy);
    for (int i = 0; i < 3; i++)
        printf("  %-18s  KLD %.5f +- %.5f, perplexity %.4f\n", names[i], r->result[i + 1].kld_mean,
               r->result[i + 1].kld_mean_se, r->result[i + 1].ppl);
    printf("  The rows of the table add up to %.5f for the mixed policy; evaluated it is %.5f.\n",
           r->mix.kld_additive, r->result[2].kld_mean);
}

static rg_status print_table(const request *r, rg_error *err) {
    const rg_sensitivity_row **order = calloc(r->table.n, sizeof *order);
    if (!order) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < r->table.n; i++) order[i] = &r->table.row[i];
    qsort(order, r->table.n, sizeof *order, by_damage);
    printf("%s, protocol %s, %llu tokens scored; one role of one layer in %s, all else fp32; +- is one "
           "standard error\n\n%-6s  %6s  %20s  %12s\n",
           r->input.model.path, r->options.protocol, (unsigned long long)order[0]->quality.tokens,
           r->table.lower, "role", "layer", "KLD mean [nat]", "same top [%]");
    for (size_t i = 0; i < r->table.n; i++) {
        const rg_sensitivity_row *row = order[i];
        char layer[24] = "all";
        if (row->layer >= 0) snprintf(layer, sizeof layer, "%lld", (long long)row->layer);
        printf("%-6s  %6s  %9.6f +- %.6f  %12.2f\n", row->role, layer, row->quality.kld_mean,
               row->quality.kld_mean_se, 100 * row->quality.same_top);
    }
    if (r->has_mix) print_mix(r);
    free(order);
    return RG_OK;
}

/* ---- command --------------------------------------------------------------------------------------------
 */

static rg_status run(request *r, rg_error *err) {
    cli_context *context = r->context;
    r->high = cli_string(context, "high");
    r->options = (rg_eval_options){.protocol = cli_string(context, "protocol"),
                                   .max_tokens = (size_t)cli_int(context, "tokens", 0),
                                   .threads = (int)cli_int(context, "threads", 0),
                                   .progress = context->progress,
                                   .data_dir = context->data_dir};
    RG_TRY(cli_eval_open(&r->input, context, "text", err));
    RG_TRY(open_budget(r, err));
    RG_TRY(rg_eval_sensitivity(&r->table, &r->input.model, r->input.text, r->input.size,
                               cli_string(context, "lower"), cli_string(context, "roles"), &r->options, err));
    RG_TRY(mix(r, err));
    if (!context->json) return print_table(r, err);
    print_json(r);
    return RG_OK;
}

rg_status cli_eval_sensitivity(cli_context *context, rg_error *err) {
    request r = {.context = context};
    const rg_status status = run(&r, err);
    rg_sensitivity_close(&r.table);
    if (r.has_chip) rg_chip_close(&r.chip);
    cli_eval_close(&r.input);
    return status;
}

const cli_option cli_eval_sensitivity_options[] = {
    CLI_EVAL_MODEL,
    {"text", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, true, "UTF-8 text to score, plain or .gz"},
    {"lower", CLI_STRING, "FORMAT", NULL, NULL, 0, 0, false, true, "format that one role of one layer gets"},
    {"roles", CLI_STRING, "ROLES", NULL, "w,a,kv", 0, 0, false, false, "roles to lower, each alone"},
    {"budget-bits", CLI_NUMBER, "B", "bit", NULL, 0.1, 64, false, false,
     "propose a mixed policy whose weights inside the blocks take at most B bits on average"},
    {"budget-ms", CLI_NUMBER, "T", "ms", NULL, 1e-9, 1e12, false, false,
     "propose a mixed policy whose bound on --chip is at most T"},
    {"high", CLI_STRING, "FORMAT", NULL, "bf16", 0, 0, false, false,
     "format of what the mixed policy raises"},
    {"chip", CLI_STRING, "CHIP", NULL, NULL, 0, 0, false, false, "chip for --budget-ms"},
    CLI_SET,
    {"phase", CLI_STRING, "PHASE", NULL, "decode", 0, 0, false, false, "prefill or decode, for --budget-ms"},
    {"batch-size", CLI_INT, "B", "sequence", "1", 1, 1e9, false, false,
     "sequences together, for --budget-ms"},
    {"context", CLI_INT, "C", "token", "4096", 1, 1e9, false, false, "context, for --budget-ms"},
    {"protocol", CLI_STRING, "NAME", NULL, "ridge", 0, 0, false, false,
     "how the text is cut (docs/quality.md)"},
    {"tokens", CLI_INT, "N", "token", NULL, 1, 1e12, false, false,
     "take the first N tokens of the text (default: all)"},
    CLI_EVAL_THREADS,
    {0}};
