/* Re-runs the commands of derived claims. Claims that share a command share one run. A ledger may come from
   somebody else, so only commands of Ridge that read and print are run. */
#include "ledger/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const double limit_s =
    120; /* a derived number is arithmetic: seconds at most, with room for a slow disk */

/* Commands that write no file whatever their arguments; verb NULL: all of the noun. */
static const char *const reading[][2] = {
    {"num", "list"},    {"num", "show"},     {"num", "certify"},  {"num", "distinguish"},
    {"tensor", "list"}, {"model", "show"},   {"model", "import"}, {"model", "graph"},
    {"eval", "run"},    {"hw", "list"},      {"hw", "show"},      {"hw", "lint"},
    {"roof", NULL},     {"perf", "predict"}, {"perf", "score"},   {"ledger", "show"},
};

static bool only_reads(const char *const *words) {
    if (strcmp(words[0], "ridge") != 0 || !words[1] || !words[2]) return false;
    for (int i = 3; words[i]; i++)
        if (strncmp(words[i], "-o", 2) == 0 || strncmp(words[i], "--out", 5) == 0) return false;
    for (size_t i = 0; i < sizeof reading / sizeof *reading; i++)
        if (!strcmp(words[1], reading[i][0]) && (!reading[i][1] || !strcmp(words[2], reading[i][1])))
            return true;
    return false;
}

typedef struct rerun { /* the last command that was run */
    const char *command;
    json_t *output;
    char why[400]; /* why there is no output */
} rerun;

static void run(rerun *r, const char *command, const char *dir, const char *program) {
    rg_arena arena = {0};
    rg_error e = {0};
    rg_str text = {0};
    const char **words = NULL;
    json_decref(r->output);
    *r = (rerun){.command = command};
    rg_status status = ledger_words(&arena, command, &words, &e);
    if (status == RG_OK && !only_reads(words))
        status = rg_fail(&e, RG_ERR_UNSUPPORTED, NULL, NULL,
                         "is not a command of Ridge that only reads and prints");
    if (status == RG_OK) {
        words[0] = program;
        status = rg_run_stdout(words, dir, limit_s, &text, &e);
    }
    if (status == RG_OK) {
        r->output = json_loadb(text.data ? text.data : "", text.len, JSON_DECODE_ANY, NULL);
        if (!r->output) status = rg_fail(&e, RG_ERR_PARSE, NULL, NULL, "did not print JSON");
    }
    if (status != RG_OK) ledger_copy_text(r->why, sizeof r->why, e.message);
    rg_str_free(&text);
    rg_arena_free(&arena);
}

static void compare(ledger_node *node, const rerun *r) {
    const char *pointer = json_string_value(json_object_get(node->claim, "result"));
    const json_t *stated = json_object_get(node->claim, "value");
    rg_str reason = {0};
    const json_t *found = r->output ? ledger_pointer(r->output, pointer) : NULL;
    if (!r->output)
        rg_str_printf(&reason, "command failed: %s (%s)", r->why, r->command);
    else if (!json_is_number(found))
        rg_str_printf(&reason, "command no longer gives a number at %s (%s)", pointer, r->command);
    else if (json_number_value(found) != json_number_value(stated) || !json_is_number(stated)) {
        rg_str_printf(&reason, "command now gives ");
        ledger_canonical(found, NULL, &reason);
        rg_str_add(&reason, ", the claim states ");
        ledger_canonical(stated, NULL, &reason);
        rg_str_printf(&reason, " (%s)", r->command);
    }
    if (reason.data) ledger_copy_text(node->reason, sizeof node->reason, reason.data);
    rg_str_free(&reason);
}

static const char *command_of(const ledger_node *node) {
    const char *class = json_string_value(json_object_get(node->claim, "class"));
    const char *command = json_string_value(json_object_get(node->claim, "command"));
    bool result = json_is_string(json_object_get(node->claim, "result"));
    return class && strcmp(class, "derived") == 0 && result && !node->reason[0] ? command : NULL;
}

static int by_command(const void *a, const void *b) {
    ledger_node *x = *(ledger_node *const *)a, *y = *(ledger_node *const *)b;
    int order = strcmp(command_of(x), command_of(y));
    return order ? order : (x > y) - (x < y);
}

rg_status ledger_verify_commands(ledger_nodes *nodes, const char *dir, const char *program,
                                 const rg_progress *progress, rg_error *err) {
    ledger_node **list = calloc(nodes->n + 1, sizeof *list);
    char *absolute =
        program && strchr(program, '/') ? realpath(program, NULL) : NULL; /* the run changes folder */
    rerun last = {0};
    rg_status status = list ? RG_OK : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    size_t n = 0;
    for (size_t i = 0; list && i < nodes->n; i++)
        if (command_of(&nodes->node[i])) list[n++] = &nodes->node[i];
    if (n) qsort(list, n, sizeof(ledger_node *), by_command);
    for (size_t i = 0; status == RG_OK && i < n; i++) {
        const char *command = command_of(list[i]);
        if (!rg_progress_step(progress, "commands", (double)i, (double)n)) {
            status = rg_fail(err, RG_ERR_CANCELLED, dir, NULL, "stopped");
            break;
        }
        if (!last.command || strcmp(last.command, command) != 0)
            run(&last, command, dir, absolute ? absolute : program ? program : "ridge");
        compare(list[i], &last);
    }
    json_decref(last.output);
    free(absolute);
    free(list);
    return status;
}
