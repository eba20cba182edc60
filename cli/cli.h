/* The frame of the program: a table of commands, option tables that drive flags and --help, and how results
   and errors are printed. Each cli/<noun>.c defines its commands and enters them in the table of main.c. */
#ifndef RIDGE_CLI_H
#define RIDGE_CLI_H

#include <stdio.h>
#include "ridge/base.h"

typedef enum cli_type { CLI_FLAG, CLI_STRING, CLI_INT, CLI_NUMBER } cli_type;

typedef struct cli_option {
    const char *name; /* "context": given as --context C or --context=C; "o": -o C */
    cli_type type;
    const char *value;  /* name of the value in --help: "C"; NULL for flags */
    const char *unit;   /* "token", "ns"; NULL: none */
    const char *preset; /* default as text; NULL: none */
    double min, max;    /* numbers: admissible range, when max > min */
    bool repeated;      /* may be given more than once */
    bool needed;
    const char *help;
} cli_option;

typedef struct cli_context cli_context;

typedef struct cli_command {
    const char *noun, *verb; /* "num", "show" */
    const char *arguments;   /* "FORMAT" */
    int min_arguments, max_arguments;
    const char *summary; /* one line */
    const char *details; /* paragraph(s) for --help; may be NULL */
    const char *example; /* worked example: command and what it prints */
    const cli_option
        *options; /* ends with name NULL; every command also has --json --progress --data --help */
    rg_status (*run)(cli_context *context, rg_error *err);
} cli_command;

struct cli_context {
    const cli_command *command;
    int n_arguments;
    const char **argument;
    bool json;                   /* print one JSON object on stdout and nothing else there */
    const char *data_dir;        /* the program's data/ */
    const char *program;         /* absolute path of this program */
    const rg_progress *progress; /* never NULL; its fn may be NULL */
    int n_given;
    struct cli_given {
        const cli_option *option;
        const char *text;
    } * given;
    /* A command that has printed its JSON result and yet failed (ledger verify) sets this: the exit code is
     * 1, no second object. */
    bool failed_after_output;
};

/* Values: the last one given, else the preset, else NULL / false / `otherwise`. Ranges were checked. */
const char *cli_string(const cli_context *context, const char *name);
bool cli_flag(const cli_context *context, const char *name);
double cli_number(const cli_context *context, const char *name, double otherwise);
int64_t cli_int(const cli_context *context, const char *name, int64_t otherwise);
/* i-th value of a repeated option, NULL past the end. */
const char *cli_nth(const cli_context *context, const char *name, int i);
int64_t cli_nth_int(const cli_context *context, const char *name, int i, int64_t otherwise);

/* JSON text on stdout with every number finite (infinities and NaN become null). */
void cli_print_json_number(rg_str *out, double value);
void cli_print_json_string(rg_str *out, const char *text);
/* , "key": value. A text that is NULL becomes null. */
void cli_json_number(rg_str *out, const char *key, double value);
void cli_json_string(rg_str *out, const char *key, const char *text);
/* "NAMEUNIT": value, behind a comma unless it is the first of its object. */
void cli_json_item(rg_str *out, const char *name, const char *unit, double value);
/* Prints the text as a line and frees it. */
void cli_json_end(rg_str *out);

/* All of stdin, malloc'ed, with a NUL after it. */
rg_status cli_read_stdin(char **data, size_t *size, rg_error *err);

/* The table in main.c takes each command file's list, which ends with noun NULL. */
extern const cli_command cli_num_commands[], cli_tensor_commands[], cli_model_commands[], cli_eval_commands[],
    cli_hw_commands[], cli_roof_commands[], cli_rtl_commands[], cli_study_commands[], cli_ledger_commands[],
    cli_perf_commands[];

#endif
