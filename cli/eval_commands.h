/* Verbs of ridge eval beside run, each in its own file. */
#ifndef RIDGE_CLI_EVAL_COMMANDS_H
#define RIDGE_CLI_EVAL_COMMANDS_H

#include "cli.h"
#include "ridge/statistics.h"

extern const cli_option cli_eval_choice_options[], cli_eval_import_options[], cli_eval_sensitivity_options[];
extern const cli_option cli_eval_dump_options[], cli_eval_needle_options[];
rg_status cli_eval_needle(cli_context *context, rg_error *err);
rg_status cli_eval_dump(cli_context *context, rg_error *err);
extern const cli_option cli_eval_embed_options[];
rg_status cli_eval_embed(cli_context *context, rg_error *err);
rg_status cli_eval_choice(cli_context *context, rg_error *err);
rg_status cli_eval_import(cli_context *context, rg_error *err);
rg_status cli_eval_sensitivity(cli_context *context, rg_error *err);

/* Every --policy given; *list is malloc'ed. */
rg_status cli_eval_policies(const cli_context *context, const char ***list, size_t *n, rg_error *err);
/* Members of a JSON object that say how the candidate stands against its reference; keys end in `suffix`. */
void cli_eval_json_shares(rg_str *out, const rg_paired_shares *s, const char *suffix);
/* What n items can show, on stdout: a line below the table for a candidate about which they say nothing. */
void cli_eval_print_cannot_tell(const char *policy, const rg_paired_shares *s);

#endif
