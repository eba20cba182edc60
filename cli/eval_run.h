/* ridge eval run: what is asked and how the report is printed. */
#ifndef RIDGE_CLI_EVAL_RUN_H
#define RIDGE_CLI_EVAL_RUN_H

#include "eval_commands.h"

typedef struct cli_eval_request {
    cli_eval_input input;
    bool pairs, layers; /* print their tables */
    rg_eval_options options;
    rg_eval_report report;
} cli_eval_request;

extern const cli_option cli_eval_run_options[];
rg_status cli_eval_run(cli_context *context, rg_error *err);

/* --layers as a table, as a member of the JSON object; --dump, of the one policy. */
void cli_eval_print_layers(const cli_eval_request *r);
void cli_eval_json_layers(rg_str *out, const cli_eval_request *r);
rg_status cli_eval_run_dump(const cli_eval_request *r, const char *path, rg_error *err);

void cli_eval_print_json(const cli_eval_request *r);
void cli_eval_print_table(const cli_eval_request *r);

#endif
