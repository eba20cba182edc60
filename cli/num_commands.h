/* The commands of ridge num: num_show.c says what a format is, num_stream.c takes raw streams from stdin to
   stdout. */
#ifndef RIDGE_CLI_NUM_COMMANDS_H
#define RIDGE_CLI_NUM_COMMANDS_H

#include "cli.h"
#include "ridge/num.h"

extern const cli_option cli_num_show_options[], cli_num_qdq_options[], cli_num_code_options[],
    cli_num_certify_options[];

/* Elements of a row for which stored bits are counted. */
size_t cli_num_row(const cli_context *context, const rg_format *f);

rg_status cli_num_show(cli_context *context, rg_error *err);
rg_status cli_num_qdq(cli_context *context, rg_error *err);
rg_status cli_num_encode(cli_context *context, rg_error *err);
rg_status cli_num_decode(cli_context *context, rg_error *err);
rg_status cli_num_certify(cli_context *context, rg_error *err);

#endif
