/* Parsing of a command line by its option table. */
#ifndef RIDGE_CLI_OPT_H
#define RIDGE_CLI_OPT_H

#include "cli.h"

extern const cli_option cli_common_options[]; /* what every command takes */

const char *cli_dashes(const cli_option *option); /* "-" before one letter, else "--" */

/* Fills arguments and given options; both arrays of `context` have room for n entries. */
rg_status cli_parse(cli_context *context, int n, const char **words, rg_error *err);
/* Counts of arguments, needed options. */
rg_status cli_check(const cli_context *context, rg_error *err);

/* --help of one command, of a noun, of the program. */
void cli_help_command(FILE *out, const cli_command *command);
void cli_help_noun(FILE *out, const cli_command *commands);
void cli_help_program(FILE *out, const cli_command *const *nouns);
/* A man page (roff) of everything. */
void cli_man_page(FILE *out, const cli_command *const *nouns);
/* A bash completion script of everything. */
void cli_completion(FILE *out, const cli_command *const *nouns);

#endif
