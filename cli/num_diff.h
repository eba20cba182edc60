/* ridge num diff. */
#ifndef RIDGE_CLI_NUM_DIFF_H
#define RIDGE_CLI_NUM_DIFF_H

#include "cli.h"

extern const cli_option cli_num_diff_options[];

rg_status cli_num_diff(cli_context *context, rg_error *err);

#endif
