/* ridge num qdq, encode, decode: raw streams from stdin to stdout. */
#ifndef RIDGE_CLI_NUM_STREAM_H
#define RIDGE_CLI_NUM_STREAM_H

#include "cli.h"

extern const cli_option cli_num_qdq_options[], cli_num_code_options[];

rg_status cli_num_qdq(cli_context *context, rg_error *err);
rg_status cli_num_encode(cli_context *context, rg_error *err);
rg_status cli_num_decode(cli_context *context, rg_error *err);

#endif
