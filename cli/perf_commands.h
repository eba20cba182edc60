/* Verbs of ridge perf in files of their own; perf.c has the table. */
#ifndef RIDGE_CLI_PERF_COMMANDS_H
#define RIDGE_CLI_PERF_COMMANDS_H

#include "cli.h"
#include "ridge/perf.h"

extern const cli_option cli_perf_lint_options[];
extern const char cli_perf_lint_details[], cli_perf_lint_example[];
rg_status cli_perf_lint(cli_context *context, rg_error *err);
/* [{"check": ...}, ...] */
void cli_perf_findings_json(rg_str *out, const rg_lint *found);
void cli_perf_findings_text(const rg_lint *found);

extern const cli_option cli_perf_calibrate_options[];
rg_status cli_perf_calibrate(cli_context *context, rg_error *err);

#endif
