/* ridge study run. */
#include "cli.h"
#include "ridge/study.h"

static rg_status study_run(cli_context *context, rg_error *err) {
    const rg_study_options options = {.data_dir = context->data_dir,
                                      .program = context->program,
                                      .plotly_path = cli_string(context, "plotly"),
                                      .quality_model = cli_string(context, "quality-model"),
                                      .progress = context->progress};
    const char *out = cli_string(context, "o");
    RG_TRY(rg_study_run(context->argument[0], out, &options, err));
    rg_str text = {0};
    if (context->json) {
        rg_str path = {0};
        rg_str_printf(&path, "%s/report.html", out);
        rg_str_add(&text, "{\"report\": ");
        cli_print_json_string(&text, path.data ? path.data : "");
        rg_str_add(&text, "}");
        rg_str_free(&path);
    } else {
        rg_str_printf(&text,
                      "Report:   %s/report.html\nDecision: %s/decision.md\nCheck it: ridge ledger verify %s",
                      out, out, out);
    }
    puts(text.data ? text.data : "");
    rg_str_free(&text);
    return RG_OK;
}

static const cli_option run_options[] = {
    {"o", CLI_STRING, "DIR", NULL, NULL, 0, 0, false, true,
     "folder for report, tables and claims; an interrupted study goes on there"},
    {"plotly", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "plotly.min.js to embed (default: the one in the cache folder)"},
    {"quality-model", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "measure quality on this model in the place of the study's own"},
    {0}};

const cli_command cli_study_commands[] = {
    {.noun = "study",
     .verb = "run",
     .arguments = "FILE",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Run a study: formats x chips to quality, speed, area, a Pareto front and a decision",
     .details = "FILE is a YAML study (docs/studies.md). Finished items are kept and not computed again.",
     .example = "  $ ridge study run examples/first-study.yaml -o out/first-study\n"
                "  Report:   out/first-study/report.html\n"
                "  Decision: out/first-study/decision.md",
     .options = run_options,
     .run = study_run},
    {0}};
