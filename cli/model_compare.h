/* ridge model kv, diff and watch: counts at a length, of two models, of a folder of configs. */
#ifndef CLI_MODEL_COMPARE_H
#define CLI_MODEL_COMPARE_H

#include "cli.h"

extern const cli_option cli_model_kv_options[], cli_model_diff_options[];
rg_status cli_model_kv(cli_context *context, rg_error *err);
rg_status cli_model_diff(cli_context *context, rg_error *err);
rg_status cli_model_watch(cli_context *context, rg_error *err);

#endif
