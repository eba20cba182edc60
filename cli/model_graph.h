#ifndef RIDGE_CLI_MODEL_GRAPH_H
#define RIDGE_CLI_MODEL_GRAPH_H

#include "cli.h"

rg_status cli_model_graph(cli_context *context, rg_error *err);
extern const cli_option cli_model_graph_options[];

#endif
