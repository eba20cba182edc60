/* ridge num explain. */
#ifndef RIDGE_CLI_NUM_EXPLAIN_H
#define RIDGE_CLI_NUM_EXPLAIN_H

#include "cli.h"

extern const cli_option cli_num_explain_options[];
rg_status cli_num_explain(cli_context *context, rg_error *err);

#endif
