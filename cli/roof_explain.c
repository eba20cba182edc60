/* ridge roof explain: how fast a chip can run a model at best, and what binds. */
#include "roof_explain.h"

#include "hw_open.h"
#include "ridge/model.h"

#include <stdlib.h>
#include <string.h>

static rg_status add_energy(cli_roof_answer *a, const rg_calibrations *all, rg_error *err) {
    cli_energy *e = &a->energy;
    RG_TRY(cli_energy_open(a->cli, a->chip, all, e, err));
    e->tokens = a->roof.tokens_per_s * a->roof.bound_s;
    a->energy_of = calloc(a->roof.n_operators + 1, sizeof *a->energy_of);
    if (!a->energy_of) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (e->power.kind) e->energy = rg_energy_of_roof(&e->power, &a->roof, a->energy_of);
    cli_energy_price(a->cli, a->chip, 0, 1, a->roof.flop, a->roof.estimate_s, e);
    return RG_OK;
}

static rg_status answer(cli_roof_answer *a, rg_error *err) {
    rg_calibrations *all;
    RG_TRY(rg_calibrations_open(&all, a->cli->data_dir, err));
    rg_status status =
        rg_roof_estimate(&a->roof, a->graph, a->chip, a->phase, a->batch, a->context, a->policy, all, err);
    if (status == RG_OK)
        status = rg_roof_elasticities(&a->elasticities, a->graph, a->chip, a->phase, a->batch, a->context,
                                      a->policy, all, err);
    if (status == RG_OK) status = add_energy(a, all, err);
    rg_calibrations_close(all);
    const char *page = cli_string(a->cli, "o");
    if (status == RG_OK && page) status = cli_roof_write_page(a, page, err);
    if (status == RG_OK) (a->cli->json ? cli_roof_print_json : cli_roof_print_table)(a);
    free(a->energy_of);
    rg_elasticities_close(&a->elasticities);
    rg_roof_close(&a->roof);
    return status;
}

static rg_status read_phase(const char *text, rg_phase *out, rg_error *err) {
    *out = strcmp(text, "decode") == 0 ? RG_DECODE : RG_PREFILL;
    return *out == RG_DECODE || strcmp(text, "prefill") == 0
               ? RG_OK
               : rg_fail(err, RG_ERR_USAGE, "--phase", "prefill or decode", "\"%.40s\"", text);
}

rg_status cli_roof_explain(cli_context *context, rg_error *err) {
    cli_roof_answer a = {.batch = cli_number(context, "batch", 1),
                         .context = cli_number(context, "context", 4096),
                         .policy = cli_string(context, "policy"),
                         .cli = context};
    if (!a.policy) a.policy = "";
    RG_TRY(read_phase(cli_string(context, "phase"), &a.phase, err));
    rg_chip chip;
    rg_model model;
    RG_TRY(cli_open_chip(context, context->argument[1], &chip, err));
    rg_status status = rg_model_open(&model, context->argument[0], context->data_dir, false, err);
    if (status == RG_OK) {
        a.graph = &model.graph;
        a.chip = &chip;
        status = answer(&a, err);
        rg_model_close(&model);
    }
    rg_chip_close(&chip);
    return status;
}

const cli_option cli_roof_explain_options[] = {
    {"phase", CLI_STRING, "PHASE", NULL, NULL, 0, 0, false, true, "prefill or decode"},
    {"batch", CLI_INT, "B", "sequence", "1", 1, 1e9, false, false, "sequences that are run together"},
    {"context", CLI_INT, "C", "token", "4096", 1, 1e9, false, false,
     "prefill: length of each prompt; decode: keys in the cache, the new one included"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
     "numerics policy, role[.glob]=FORMAT,...; what it does not name is bf16 (default: nothing named)"},
    CLI_SET,
    CLI_ENERGY_OPTIONS,
    {"o", CLI_STRING, "FILE.html", NULL, NULL, 0, 0, false, false,
     "write a page with charts: times, roofline, what 1 % buys, and where each millisecond comes from"},
    {"plotly", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "plotly.min.js to embed in the page (default: the one in the cache folder)"},
    {0}};
