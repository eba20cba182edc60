/* The program: finds the command in the tables, parses, runs, prints errors, turns status into exit codes. */
#include "opt.h"
#include "progress.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_command *const nouns[] = {cli_num_commands,
                                           cli_tensor_commands,
                                           cli_model_commands,
                                           cli_eval_commands,
                                           cli_hw_commands,
                                           cli_roof_commands,
                                           cli_perf_commands,
                                           cli_rtl_commands,
                                           cli_study_commands,
                                           cli_ledger_commands,
                                           NULL};

static int report(const rg_error *err, bool json) {
    if (json) {
        rg_str text = {0};
        rg_str_add(&text, "{\"error\": {\"message\": ");
        cli_print_json_string(&text, err->message);
        rg_str_add(&text, ", \"where\": ");
        cli_print_json_string(&text, err->where);
        rg_str_add(&text, ", \"expected\": ");
        cli_print_json_string(&text, err->expected);
        rg_str_add(&text, "}}");
        puts(text.data
                 ? text.data
                 : "{\"error\": {\"message\": \"out of memory\", \"where\": \"\", \"expected\": \"\"}}");
        rg_str_free(&text);
    }
    fprintf(stderr, "ridge: %s%s%s%s%s\n", err->where, err->where[0] ? ": " : "", err->message,
            err->expected[0] ? "; expected " : "", err->expected);
    return err->status == RG_ERR_USAGE ? 2 : 1;
}

static int usage(const char *message, const char *expected, bool json) {
    rg_error err = {0};
    rg_fail(&err, RG_ERR_USAGE, NULL, expected, "%s", message);
    return report(&err, json);
}

/* The folder the program was told, was installed with (wherever that lies now), or was built in: the first
   that exists. */
static const char *data_dir(const cli_context *context) {
    static char beside[PATH_MAX + sizeof RIDGE_DATA_FROM_BIN];
    const char *slash = strrchr(context->program, '/');
    if (slash)
        snprintf(beside, sizeof beside, "%.*s/%s", (int)(slash - context->program), context->program,
                 RIDGE_DATA_FROM_BIN);
    const char *candidates[] = {cli_string(context, "data"), getenv("RIDGE_DATA"), slash ? beside : NULL,
                                RIDGE_SOURCE_DATA, RIDGE_INSTALL_DATA};
    for (size_t i = 0; i < sizeof candidates / sizeof *candidates; i++)
        if (candidates[i] && (i == 0 || access(candidates[i], R_OK) == 0)) return candidates[i];
    return RIDGE_INSTALL_DATA;
}

static const cli_command *find_noun(const char *noun) {
    for (const cli_command *const *n = nouns; *n; n++)
        if ((*n)->noun && strcmp((*n)->noun, noun) == 0) return *n;
    return NULL;
}

static int run(const cli_command *command, int n, const char **words, bool json) {
    static char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length < 0) snprintf(program, sizeof program, "ridge");
    cli_context context = {.command = command, .json = json, .program = program};
    context.argument = calloc((size_t)n + 1, sizeof *context.argument);
    context.given = calloc((size_t)n + 1, sizeof *context.given);
    rg_error err = {0};
    rg_status status = context.argument && context.given
                           ? cli_parse(&context, n, words, &err)
                           : rg_fail(&err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    int code = 0;
    if (status == RG_OK && cli_flag(&context, "help")) {
        cli_help_command(stdout, command);
    } else {
        if (status == RG_OK) status = cli_check(&context, &err);
        context.data_dir = data_dir(&context);
        rg_progress progress = cli_progress(cli_flag(&context, "progress"));
        context.progress = &progress;
        if (status == RG_OK) status = command->run(&context, &err);
        if (status != RG_OK)
            code = report(&err, json);
        else if (context.failed_after_output)
            code = 1;
    }
    free(context.argument);
    free(context.given);
    return code;
}

/* The exit code, given that what was printed must have arrived. */
static int finish(int code) {
    const bool lost = fflush(stdout) != 0 || ferror(stdout);
    if (!lost || code != 0) return code;
    fprintf(stderr, "ridge: stdout: cannot write; expected room for the output\n");
    return 1;
}

int main(int argc, char **argv) {
    bool json = false;
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        json = json || strcmp(argv[i], "--json") == 0;
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        cli_help_program(argc < 2 ? stderr : stdout, nouns);
        return finish(argc < 2 ? 2 : 0);
    }
    if (strcmp(argv[1], "--version") == 0) return puts("ridge " RG_VERSION), finish(0);
    if (strcmp(argv[1], "--man") == 0) return cli_man_page(stdout, nouns), finish(0);
    if (strcmp(argv[1], "--completion") == 0) return cli_completion(stdout, nouns), finish(0);
    const cli_command *commands = find_noun(argv[1]);
    char message[160];
    if (!commands) {
        snprintf(message, sizeof message, "unknown command \"%.60s\"", argv[1]);
        return usage(message, "one of the commands that ridge --help lists", json);
    }
    if (argc < 3 || strcmp(argv[2], "--help") == 0) {
        cli_help_noun(argc < 3 ? stderr : stdout, commands);
        return argc < 3 ? usage("a verb is missing", "one of those above", json) : finish(0);
    }
    for (const cli_command *c = commands; c->noun; c++)
        if (strcmp(c->verb, argv[2]) == 0) return finish(run(c, argc - 3, (const char **)argv + 3, json));
    snprintf(message, sizeof message, "unknown verb \"%.60s\" of ridge %s", argv[2], argv[1]);
    return usage(message, "one of those that ridge NOUN --help lists", json);
}
