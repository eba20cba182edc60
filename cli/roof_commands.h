/* Verbs of ridge roof, each in its own file roof_<verb>.c; roof.c has the table. */
#ifndef RIDGE_CLI_ROOF_COMMANDS_H
#define RIDGE_CLI_ROOF_COMMANDS_H

#include "cli.h"

extern const cli_option cli_roof_explain_options[];
rg_status cli_roof_explain(cli_context *context, rg_error *err);
extern const cli_option cli_roof_step_options[];
rg_status cli_roof_prefill(cli_context *context, rg_error *err);
rg_status cli_roof_decode(cli_context *context, rg_error *err);
extern const cli_option cli_roof_sweep_options[];
rg_status cli_roof_sweep(cli_context *context, rg_error *err);

extern const cli_option cli_roof_train_options[];
rg_status cli_roof_train(cli_context *context, rg_error *err);
extern const cli_option cli_roof_serve_options[];
rg_status cli_roof_serve(cli_context *context, rg_error *err);

#endif
