/* Verbs of ridge eval beside run, each in its own file. */
#ifndef RIDGE_CLI_EVAL_COMMANDS_H
#define RIDGE_CLI_EVAL_COMMANDS_H

#include "cli.h"
#include "ridge/model.h"
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

/* Options that the commands share. */
#define CLI_EVAL_MODEL                                                                                       \
    {                                                                                                        \
        "model", CLI_STRING, "MODEL", NULL, NULL, 0, 0, false, true,                                         \
            "GGUF file, llama2.c file or Hugging Face folder"                                                \
    }
#define CLI_EVAL_POLICY                                                                                      \
    {                                                                                                        \
        "policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, true, true,                                        \
            "numerics policy, role[.glob]=FORMAT[@...],...; given once for each policy to compare"           \
    }
#define CLI_EVAL_THREADS                                                                                     \
    {                                                                                                        \
        "threads", CLI_INT, "N", NULL, NULL, 1, 4096, false, false,                                          \
            "threads (default: all cores); never changes a bit"                                              \
    }
#define CLI_EVAL_BATCH                                                                                       \
    {                                                                                                        \
        "batch", CLI_INT, "N", "token", NULL, 1, 1e9, false, false,                                          \
            "tokens carried through the model together (default: by memory); never changes a bit"            \
    }

/* What they share: a model, every --policy given, and a file. */
typedef struct cli_eval_input {
    rg_model model;
    bool opened;
    const char *path; /* of the file */
    char *text;
    size_t size;
    rg_digest sha256;
    const char **policy;
    size_t n;
} cli_eval_input;
/* `option` names the file. Close with cli_eval_close, after a failure too. */
rg_status cli_eval_open(cli_eval_input *input, const cli_context *context, const char *option, rg_error *err);
void cli_eval_close(cli_eval_input *input);

/* , "reference": {...}, "policies": [{...}, ...]: objects 0 and 1 to n of `one`. */
void cli_eval_json_policies(rg_str *out, void (*one)(rg_str *out, const void *context, size_t i),
                            const void *context, size_t n);
/* Members of a JSON object that say how the candidate stands against its reference; keys end in `suffix`. */
void cli_eval_json_shares(rg_str *out, const rg_paired_shares *s, const char *suffix);
/* What n items can show, on stdout: a line below the table for a candidate about which they say nothing. */
void cli_eval_print_cannot_tell(const char *policy, const rg_paired_shares *s);

#endif
