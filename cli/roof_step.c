/* ridge roof prefill and ridge roof decode: a pass of a model on a system, under a layout. */
#include "roof_commands.h"

#include <string.h>

#include "energy.h"
#include "hw_open.h"
#include "ridge/model.h"
#include "ridge/step.h"

typedef struct answer {
    cli_context *cli;
    const rg_system *system;
    const rg_graph *graph;
    rg_layout layout;
    rg_step_request request;
    rg_step step;
    cli_energy energy;
} answer;

static const char *phase_name(const answer *a) {
    return a->request.phase == RG_DECODE ? "decode" : "prefill";
}

static void print_json(const answer *a) {
    const rg_step *s = &a->step;
    char layout[200];
    rg_str out = {0};
    rg_str_add(&out, "{\"model\": ");
    cli_print_json_string(&out, a->graph->model);
    cli_json_string(&out, "system", a->system->id);
    cli_json_string(&out, "layout", rg_layout_print(&a->layout, layout, sizeof layout));
    cli_json_string(&out, "phase", phase_name(a));
    cli_json_string(&out, "policy", a->request.policy);
    cli_json_number(&out, "batch", a->request.batch);
    cli_json_number(&out, "context", a->request.context);
    cli_json_number(&out, "chips", s->chips);
    cli_json_number(&out, "seconds", s->estimate_s);
    cli_json_number(&out, "bound_s", s->bound_s);
    cli_json_number(&out, "estimate_s", s->estimate_s);
    cli_json_number(&out, "lo80_s", s->lo80_s);
    cli_json_number(&out, "hi80_s", s->hi80_s);
    cli_json_string(&out, "class", s->kind);
    cli_json_string(&out, "limiter", s->limiter);
    cli_json_number(&out, "mfu", s->mfu);
    cli_json_number(&out, "tokens_per_s", s->tokens_per_s);
    cli_json_number(&out, "tokens_per_s_per_chip", s->tokens_per_s / s->chips);
    cli_energy_json(&out, &a->energy);
    rg_str_add(&out, ",\n \"parts_s\": {");
    for (int i = 0; i < RG_N_STEP_PARTS; i++)
        cli_json_item(&out, rg_step_part_name((rg_step_part)i), "", s->part_s[i]);
    rg_str_add(&out, "},\n \"memory\": {");
    for (int i = 0; i < RG_N_STEP_MEMORY; i++)
        cli_json_item(&out, rg_step_memory_name((rg_step_memory)i), "_bytes", s->memory_bytes[i]);
    cli_json_number(&out, "total_bytes", s->total_bytes);
    cli_json_number(&out, "available_bytes", s->available_bytes);
    rg_str_printf(&out, "}, \"fits\": %s", s->fits ? "true" : "false");
    cli_json_number(&out, "max_batch", s->max_batch);
    cli_json_string(&out, "advice", *s->advice ? s->advice : NULL);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

static void print_table(const answer *a) {
    const rg_step *s = &a->step;
    char text[200], have[32];
    const bool decode = a->request.phase == RG_DECODE;
    printf("%s on %s (%s), %s over %.0f chips\n", a->graph->model, a->system->name, a->system->id,
           rg_layout_print(&a->layout, text, sizeof text), s->chips);
    printf("%s, %.0f sequences, context %.0f, policy %s\n\n", decode ? "one decode step" : "prefill",
           a->request.batch, a->request.context,
           *a->request.policy ? a->request.policy : "(none: bf16 everywhere)");
    printf("%-12s %12s %7s\n", "part", "estimate ms", "%");
    for (int i = 0; i < RG_N_STEP_PARTS; i++)
        if (s->part_s[i] > 0)
            printf("%-12s %12.3f %7.1f\n", rg_step_part_name((rg_step_part)i), 1e3 * s->part_s[i],
                   100 * s->part_s[i] / s->estimate_s);
    printf("%-12s %12.3f   (bound %.3f, 80 %% between %.3f and %.3f; %s)\n\n", "total", 1e3 * s->estimate_s,
           1e3 * s->bound_s, 1e3 * s->lo80_s, 1e3 * s->hi80_s, s->kind);
    printf("limited by %s; %.6g token/s, %.4g per chip; MFU %.1f %%\n", s->limiter, s->tokens_per_s,
           s->tokens_per_s / s->chips, 100 * s->mfu);
    cli_energy_print(&a->energy, "");
    printf("memory of the fullest chip:");
    for (int i = 0; i < RG_N_STEP_MEMORY; i++)
        printf("%s %s %s", i ? "," : "", rg_step_memory_name((rg_step_memory)i),
               rg_units_print(s->memory_bytes[i], RG_UNIT_BYTES, text, sizeof text));
    printf(" of %s: %s; up to %.0f sequences fit\n",
           rg_units_print(s->available_bytes, RG_UNIT_BYTES, have, sizeof have),
           s->fits ? "fits" : "DOES NOT FIT", s->max_batch);
    if (*s->advice) printf("%s\n", s->advice);
}

/* Of all chips. */
static rg_status add_energy(answer *a, const rg_calibrations *all, rg_error *err) {
    const rg_chip *chip = &a->system->chip;
    cli_energy *e = &a->energy;
    RG_TRY(cli_energy_open(a->cli, chip, all, e, err));
    e->tokens = a->step.tokens_per_s * a->step.estimate_s;
    if (e->power.kind) e->energy = rg_energy_of_step(&e->power, chip, &a->step);
    cli_energy_price(a->cli, chip, a->system->usd_per_chip_h.value, a->step.chips, a->step.flop,
                     a->step.estimate_s, e);
    return RG_OK;
}

static rg_status ask(answer *a, rg_error *err) {
    rg_calibrations *all;
    RG_TRY(rg_calibrations_open(&all, a->cli->data_dir, err));
    a->request.graph = a->graph;
    a->request.system = a->system;
    a->request.layout = &a->layout;
    rg_status status = rg_step_estimate(&a->step, &a->request, all, err);
    if (status == RG_OK) status = add_energy(a, all, err);
    rg_calibrations_close(all);
    if (status == RG_OK) (a->cli->json ? print_json : print_table)(a);
    return status;
}

static rg_status run(cli_context *context, rg_phase phase, rg_error *err) {
    answer a = {.cli = context};
    rg_system system;
    rg_model model;
    const char *policy = cli_string(context, "policy");
    a.request = (rg_step_request){.phase = phase,
                                  .policy = policy ? policy : "",
                                  .batch = cli_number(context, "batch", 1),
                                  .context = cli_number(context, "context", 4096)};
    RG_TRY(rg_layout_parse(cli_string(context, "layout"), &a.layout, err));
    RG_TRY(cli_open_system(context, cli_string(context, "system"), &system, err));
    rg_status status = rg_model_open(&model, context->argument[0], context->data_dir, false, err);
    if (status == RG_OK) {
        a.graph = &model.graph;
        a.system = &system;
        status = ask(&a, err);
        rg_model_close(&model);
    }
    rg_system_close(&system);
    return status;
}

rg_status cli_roof_prefill(cli_context *context, rg_error *err) {
    return run(context, RG_PREFILL, err);
}

rg_status cli_roof_decode(cli_context *context, rg_error *err) {
    return run(context, RG_DECODE, err);
}

const cli_option cli_roof_step_options[] = {
    {"system", CLI_STRING, "SYSTEM", NULL, NULL, 0, 0, false, true, "ridge hw list prints systems and chips"},
    {"layout", CLI_STRING, "LAYOUT", NULL, "tp=1", 0, 0, false, false,
     "as tp=8,pp=2,dp=4,ep=8 (docs/parallel.md)"},
    {"batch", CLI_INT, "B", "sequence", "1", 1, 1e9, false, false, "sequences, over all replicas"},
    {"context", CLI_INT, "C", "token", "4096", 1, 1e9, false, false,
     "prefill: length of each prompt; decode: keys in the cache, the new one included"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
     "numerics policy, role[.glob]=FORMAT,...; what it does not name is bf16"},
    CLI_ENERGY_OPTIONS,
    CLI_SET,
    {0}};
