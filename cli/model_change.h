/* The commands of ridge model that write a changed model. */
#ifndef RIDGE_CLI_MODEL_CHANGE_H
#define RIDGE_CLI_MODEL_CHANGE_H

#include "cli.h"

extern const cli_option cli_model_stress_options[], cli_model_smooth_options[];
rg_status cli_model_stress(cli_context *context, rg_error *err);
rg_status cli_model_smooth(cli_context *context, rg_error *err);

#endif
