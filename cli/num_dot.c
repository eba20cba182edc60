/* ridge num dot, datapaths, distinguish, identify. */
#include "num_dot.h"
#include "ridge/datapath.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const cli_option cli_num_dot_options[] = {{"out", CLI_STRING, "FORMAT", NULL, "fp32", 0, 0, false, false,
                                           "format of the result: fp32, or fp16 where the unit has it"},
                                          {0}};

const cli_option cli_num_identify_options[] = {
    {"run", CLI_STRING, "PROGRAM", NULL, NULL, 0, 0, false, true,
     "shell command that reads lines as those of ridge num dot on stdin and writes one result a line"},
    {"a", CLI_STRING, "FORMAT", NULL, NULL, 0, 0, false, false,
     "format of the first operand (default: found too)"},
    {"b", CLI_STRING, "FORMAT", NULL, NULL, 0, 0, false, false,
     "format of the second operand (default: that of the first)"},
    {"limit", CLI_NUMBER, "SECONDS", "s", "600", 0, 1e6, false, false,
     "time that PROGRAM may take for one set of lines"},
    {0}};

/* ---- dot ------------------------------------------------------------------------------------------------
 */

static rg_status read_out(const cli_context *context, const rg_datapath *dp, rg_dot_out *out, rg_error *err) {
    const char *text = cli_string(context, "out");
    if (strcmp(text, "fp32") != 0 && strcmp(text, "fp16") != 0)
        return rg_fail(err, RG_ERR_USAGE, "--out", "fp32 or fp16", "unknown output \"%.40s\"", text);
    *out = text[2] == '3' ? RG_DOT_FP32 : RG_DOT_FP16;
    if (rg_datapath_has_out(dp, *out)) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "--out", "fp32", "%s has no %s output", rg_datapath_text(dp), text);
}

static rg_status dot_lines(const rg_datapath *dp, rg_dot_out out, rg_error *err) {
    char *line = NULL;
    size_t size = 0, number = 0;
    ssize_t length;
    rg_status status = RG_OK;
    while (status == RG_OK && (length = getline(&line, &size, stdin)) >= 0) {
        char where[32];
        rg_arena arena = {0};
        rg_dot dot;
        snprintf(where, sizeof where, "stdin:%zu", ++number);
        if (strlen(line) != (size_t)length)
            status = rg_fail(err, RG_ERR_PARSE, where, "text", "a byte 0 in the line");
        else
            status = rg_dot_read(dp, line, where, &arena, &dot, err);
        if (status == RG_OK) printf("%08x\n", (unsigned)rg_dot_walk(dp, out, &dot));
        rg_arena_free(&arena);
    }
    if (status == RG_OK && ferror(stdin))
        status = rg_fail(err, RG_ERR_IO, "stdin", NULL, "cannot read: %s", strerror(errno));
    free(line);
    return status;
}

rg_status cli_num_dot(cli_context *context, rg_error *err) {
    rg_datapath *dp;
    rg_dot_out out = RG_DOT_FP32;
    RG_TRY(rg_datapath_open(&dp, context->argument[0], context->data_dir, err));
    rg_status status = read_out(context, dp, &out, err);
    if (status == RG_OK) status = dot_lines(dp, out, err);
    rg_datapath_close(dp);
    return status;
}

/* ---- datapaths ------------------------------------------------------------------------------------------
 */

static void list_one(const rg_datapath *dp, const char *name, bool json, bool first, rg_str *out) {
    if (!json) {
        rg_str_printf(out, "%-18s %-9s %4d  %s\n", name, rg_datapath_input(dp, 0), rg_datapath_group(dp),
                      rg_datapath_summary(dp));
        return;
    }
    rg_str_add(out, first ? "\n  {\"name\": " : ",\n  {\"name\": ");
    cli_print_json_string(out, name);
    rg_str_add(out, ", \"a\": ");
    cli_print_json_string(out, rg_datapath_input(dp, 0));
    rg_str_add(out, ", \"b\": ");
    cli_print_json_string(out, rg_datapath_input(dp, 1));
    rg_str_printf(out, ", \"group\": %d, \"has_fp16_out\": %s, \"summary\": ", rg_datapath_group(dp),
                  rg_datapath_has_out(dp, RG_DOT_FP16) ? "true" : "false");
    cli_print_json_string(out, rg_datapath_summary(dp));
    rg_str_add(out, "}");
}

static rg_status show_one(const cli_context *context, const char *text, rg_error *err) {
    rg_datapath *dp;
    rg_str graph = {0}, out = {0};
    RG_TRY(rg_datapath_open(&dp, text, context->data_dir, err));
    rg_datapath_print_graph(dp, &graph);
    if (context->json) {
        rg_str_add(&out, "{\"datapath\": ");
        cli_print_json_string(&out, rg_datapath_text(dp));
        rg_str_printf(&out, ", \"group\": %d, \"graph\": ", rg_datapath_group(dp));
        cli_print_json_string(&out, graph.data ? graph.data : "");
        rg_str_add(&out, "}\n");
    } else {
        rg_str_printf(&out, "%s\n%s%sa = %s, b = %s, n = %d\n%s", rg_datapath_text(dp),
                      rg_datapath_summary(dp), rg_datapath_summary(dp)[0] ? "\n" : "",
                      rg_datapath_input(dp, 0), rg_datapath_input(dp, 1), rg_datapath_group(dp),
                      graph.data ? graph.data : "");
    }
    fputs(out.data ? out.data : "", stdout);
    rg_str_free(&graph);
    rg_str_free(&out);
    rg_datapath_close(dp);
    return RG_OK;
}

static bool is_open(const char *name) {
    return strcmp(name, "tpu") == 0; /* lacks what the user has to set */
}

rg_status cli_num_datapaths(cli_context *context, rg_error *err) {
    if (context->n_arguments) return show_one(context, context->argument[0], err);
    rg_arena arena = {0};
    rg_str out = {0};
    const char **name;
    size_t n = 0;
    bool first = true;
    rg_status status = rg_datapath_names(context->data_dir, &arena, &name, &n, err);
    for (size_t i = 0; i < n && status == RG_OK; i++) {
        rg_datapath *dp;
        if (is_open(name[i])) {
            if (!context->json)
                rg_str_printf(&out, "%-18s %-9s %4s  %s\n", name[i], "bf16", "?",
                              "tpu(n=N,align=F,acc=...): yours to set");
            continue;
        }
        status = rg_datapath_open(&dp, name[i], context->data_dir, err);
        if (status != RG_OK) break;
        list_one(dp, name[i], context->json, first, &out);
        first = false;
        rg_datapath_close(dp);
    }
    if (status == RG_OK)
        printf(context->json ? "{\"datapaths\": [%s\n]}\n" : "name               operands  group\n%s",
               out.data ? out.data : "");
    rg_str_free(&out);
    rg_arena_free(&arena);
    return status;
}

/* ---- distinguish ----------------------------------------------------------------------------------------
 */

static void print_witness(const cli_context *context, rg_datapath *const dp[2], const rg_dot_witness *w) {
    rg_str line = {0}, out = {0};
    if (w->found) rg_dot_print(dp[0], &w->dot, &line);
    if (context->json) {
        rg_str_printf(&out, "{\"found\": %s, \"a\": ", w->found ? "true" : "false");
        cli_print_json_string(&out, rg_datapath_text(dp[0]));
        rg_str_add(&out, ", \"b\": ");
        cli_print_json_string(&out, rg_datapath_text(dp[1]));
        rg_str_add(&out, ", \"line\": ");
        if (w->found)
            cli_print_json_string(&out, line.data);
        else
            rg_str_add(&out, "null");
        if (w->found)
            rg_str_printf(&out, ", \"k\": %zu, \"result_a\": \"%08x\", \"result_b\": \"%08x\"", w->dot.k,
                          (unsigned)w->result[0], (unsigned)w->result[1]);
        else
            rg_str_add(&out, ", \"k\": null, \"result_a\": null, \"result_b\": null");
        rg_str_printf(&out, ", \"tried\": %llu}", (unsigned long long)w->tried);
        puts(out.data);
    } else if (w->found) {
        printf("%s %08x %08x\n", line.data, (unsigned)w->result[0], (unsigned)w->result[1]);
    } else {
        printf("none found in %llu inputs\n", (unsigned long long)w->tried);
    }
    rg_str_free(&line);
    rg_str_free(&out);
}

rg_status cli_num_distinguish(cli_context *context, rg_error *err) {
    rg_datapath *dp[2] = {NULL, NULL};
    rg_arena arena = {0};
    rg_dot_witness w;
    rg_dot_out out[2] = {RG_DOT_FP32, RG_DOT_FP32};
    rg_status status = RG_OK;
    for (int i = 0; i < 2 && status == RG_OK; i++) {
        status = rg_datapath_open(&dp[i], context->argument[i], context->data_dir, err);
        if (status == RG_OK) status = read_out(context, dp[i], &out[i], err);
    }
    if (status == RG_OK) status = rg_datapath_distinguish(dp[0], dp[1], out[0], &arena, &w, err);
    if (status == RG_OK) print_witness(context, dp, &w);
    for (int i = 0; i < 2; i++) rg_datapath_close(dp[i]);
    rg_arena_free(&arena);
    return status;
}

/* ---- identify -------------------------------------------------------------------------------------------
 */

typedef struct unknown { /* the program behind the oracle */
    const char *command;
    double limit_s;
    char file[4096]; /* lines for it */
} unknown;

static rg_status read_results(const rg_str *text, size_t n, uint32_t *results, const char *command,
                              rg_error *err) {
    const char *p = text->data ? text->data : "";
    for (size_t i = 0; i < n; i++) {
        char where[160], *end;
        p += strspn(p, " \t\r\n");
        const unsigned long v = strtoul(p, &end, 16);
        snprintf(where, sizeof where, "output of %.100s, line %zu", command, i + 1);
        if (end - p != 8)
            return rg_fail(err, RG_ERR_MISMATCH, where, "8 hexadecimal digits, one result a line",
                           "found \"%.*s\"", (int)(strcspn(p, "\n") < 40 ? strcspn(p, "\n") : 40), p);
        results[i] = (uint32_t)v;
        p = end;
    }
    p += strspn(p, " \t\r\n");
    if (*p)
        return rg_fail(err, RG_ERR_MISMATCH, command, "one result a line",
                       "more results than the %zu lines sent", n);
    return RG_OK;
}

static rg_status ask_program(void *context, const char *lines, size_t n, uint32_t *results, rg_error *err) {
    const unknown *u = context;
    rg_str command = {0}, output = {0};
    RG_TRY(rg_file_write(u->file, lines, strlen(lines), err));
    rg_str_printf(&command, "{ %s\n} < \"$0\"", u->command);
    const char *const argv[] = {"sh", "-c", command.data, u->file, NULL};
    rg_status status = rg_run_stdout(argv, NULL, u->limit_s, &output, err);
    if (status == RG_OK) status = read_results(&output, n, results, u->command, err);
    rg_str_free(&command);
    rg_str_free(&output);
    return status;
}

static void print_identified(const cli_context *context, const rg_identified *found) {
    if (!context->json) {
        for (size_t i = 0; i < found->n_candidates; i++) puts(found->candidate[i]);
        if (!found->n_candidates) puts("no datapath that Ridge knows fits");
        fprintf(stderr, "%zu vectors\n", found->n_vectors);
        return;
    }
    rg_str out = {0};
    rg_str_add(&out, "{\"datapath\": ");
    if (found->n_candidates)
        cli_print_json_string(&out, found->candidate[0]);
    else
        rg_str_add(&out, "null");
    rg_str_add(&out, ", \"candidates\": [");
    for (size_t i = 0; i < found->n_candidates; i++) {
        if (i) rg_str_add(&out, ", ");
        cli_print_json_string(&out, found->candidate[i]);
    }
    rg_str_printf(&out, "], \"vectors_used\": %zu}", found->n_vectors);
    puts(out.data);
    rg_str_free(&out);
}

rg_status cli_num_identify(cli_context *context, rg_error *err) {
    unknown u = {.command = cli_string(context, "run"), .limit_s = cli_number(context, "limit", 600)};
    const char *folder = getenv("TMPDIR");
    snprintf(u.file, sizeof u.file, "%s/ridge-dot-XXXXXX", folder && *folder ? folder : "/tmp");
    const int fd = mkstemp(u.file);
    if (fd < 0) return rg_fail(err, RG_ERR_IO, u.file, NULL, "cannot create: %s", strerror(errno));
    close(fd);
    rg_arena arena = {0};
    rg_identified found;
    const rg_status status =
        rg_datapath_identify(ask_program, &u, cli_string(context, "a"), cli_string(context, "b"),
                             context->data_dir, &arena, context->progress, &found, err);
    if (status == RG_OK) print_identified(context, &found);
    unlink(u.file);
    rg_arena_free(&arena);
    return status;
}
