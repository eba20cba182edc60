/* ridge num dot, datapaths, distinguish, identify. */
#ifndef RIDGE_CLI_NUM_DOT_H
#define RIDGE_CLI_NUM_DOT_H

#include "cli.h"

extern const cli_option cli_num_dot_options[], cli_num_identify_options[];
rg_status cli_num_dot(cli_context *context, rg_error *err);
rg_status cli_num_datapaths(cli_context *context, rg_error *err);
rg_status cli_num_distinguish(cli_context *context, rg_error *err);
rg_status cli_num_identify(cli_context *context, rg_error *err);

#endif
