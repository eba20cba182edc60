/* ridge perf lint: defects of measurements, before anything is fitted to them. */
#include "hw_open.h"
#include "perf_commands.h"

#include <stdio.h>

void cli_perf_findings_json(rg_str *out, const rg_lint *found) {
    rg_str_add(out, "[");
    for (size_t i = 0; i < found->n; i++) {
        const rg_lint_finding *f = &found->finding[i];
        rg_str_add(out, i ? ",\n  {\"check\": " : "\n  {\"check\": ");
        cli_print_json_string(out, f->check);
        cli_json_string(out, "file", f->file);
        cli_json_number(out, "n", (double)f->n);
        cli_json_string(out, "what", f->what);
        cli_json_string(out, "cause", f->cause);
        cli_json_string(out, "action", rg_lint_action_name(f->action));
        rg_str_add(out, ", \"rows\": [");
        for (size_t k = 0; k < f->n; k++) rg_str_printf(out, "%s%zu", k ? ", " : "", f->row[k]);
        rg_str_add(out, "]}");
    }
    rg_str_add(out, "]");
}

void cli_perf_findings_text(const rg_lint *found) {
    for (size_t i = 0; i < found->n; i++) {
        const rg_lint_finding *f = &found->finding[i];
        printf("%s: %s", f->file, f->check);
        if (f->n) printf(", %zu row%s from %zu", f->n, f->n > 1 ? "s" : "", f->row[0]);
        printf(" (%s)\n  %s\n  %s\n", rg_lint_action_name(f->action), f->what, f->cause);
    }
}

static void lint_json(const rg_lint *found) {
    rg_str out = {0};
    rg_str_printf(&out, "{\"files\": %zu, \"rows\": %zu, \"findings\": ", found->n_files, found->n_rows);
    cli_perf_findings_json(&out, found);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

rg_status cli_perf_lint(cli_context *context, rg_error *err) {
    rg_chip chip = {0};
    rg_lint found;
    const char *given = cli_string(context, "chip");
    if (given) RG_TRY(cli_open_chip(context, given, &chip, err));
    const rg_lint_options options = {.chip = given ? &chip : NULL,
                                     .op = cli_string(context, "op"),
                                     .measured = cli_string(context, "measured"),
                                     .data_dir = context->data_dir,
                                     .progress = context->progress};
    const rg_status status = rg_perf_lint(context->argument[0], &options, &found, err);
    if (given) rg_chip_close(&chip);
    RG_TRY(status);
    if (context->json) {
        lint_json(&found);
    } else {
        cli_perf_findings_text(&found);
        printf("%s%zu table%s, %zu rows, %zu finding%s\n", found.n ? "\n" : "", found.n_files,
               found.n_files > 1 ? "s" : "", found.n_rows, found.n, found.n == 1 ? "" : "s");
    }
    rg_lint_close(&found);
    return RG_OK;
}

const cli_option cli_perf_lint_options[] = {
    {"chip", CLI_STRING, "CHIP", NULL, NULL, 0, 0, false, false,
     "on which the tables were measured (default: what the file's name or its column system says)"},
    {"op", CLI_STRING, "OP", NULL, NULL, 0, 0, false, false,
     "gemm, attention_prefill, attention_decode, moe, collective (default: what the columns say)"},
    {"measured", CLI_STRING, "COLUMN", NULL, NULL, 0, 0, false, false,
     "column of measured times (default: latency_ms)"},
    CLI_SET,
    {0}};

const char cli_perf_lint_details[] =
    "Reads a table (.csv, .csv.gz), or all of a folder. Names the rows that physics does not allow, that a\n"
    "cache explains, that repeat or stand out of line; units, sentinels and definitions that are not what\n"
    "the columns say; power that is no function of the shape; served loads that do not fit the memory.\n"
    "kept: explained, a fit uses the rows. reported: a fit would use them. left out: it may not. Findings\n"
    "are no failure. docs/performance.md lists the checks.";
const char cli_perf_lint_example[] =
    "ridge perf lint gemm_h100sxm_trtllm1.3.0rc20.csv.gz\n"
    "  gemm_h100sxm_trtllm1.3.0rc20.csv.gz: in_cache, 57 rows from 91205 (kept)\n"
    "    faster than the memory of h100-sxm, up to 1.43 times (m 32768, n 32, k 512)\n"
    "    operands fit in L2: 17.9-40.5 MB, L2 50 MB\n"
    "  \n"
    "  1 table, 100668 rows, 1 finding";
