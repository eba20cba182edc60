/* ridge roof sweep: many configurations, on one process or under mpirun, to be gone on with when interrupted.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ranks.h"
#include "roof_commands.h"
#include "roof_sweep_parts.h"

enum { BLOCK = 256, MOST = 1 << 24 };

typedef struct sweep_run {
    cli_context *cli;
    cli_ranks ranks;
    rg_sweep *sweep;
    uint64_t size;
    rg_sweep_result *result; /* [size] */
    bool *done;              /* [size]: before this run */
    uint64_t *todo;          /* the others, in order */
    uint64_t n_todo;
    double seconds;
    uint64_t n_answered; /* of those evaluated: without the refused */
} sweep_run;

static double now_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The part of the open configurations that a rank evaluates. */
static uint64_t first_of(const sweep_run *r, int rank) {
    return r->n_todo * (uint64_t)rank / (uint64_t)r->ranks.size;
}

/* ---- evaluating -------------------------------------------------------------------------------------- */

/* Open configurations that follow each other, from number `at` of them, at most a block. */
static uint64_t run_of(const sweep_run *r, uint64_t at, uint64_t end) {
    uint64_t n = 1;
    while (n < BLOCK && at + n < end && r->todo[at + n] == r->todo[at] + n) n++;
    return n;
}

static rg_status evaluate(sweep_run *r, cli_sweep_part *part, rg_sweep_result *mine, rg_error *err) {
    const uint64_t from = first_of(r, r->ranks.rank), end = first_of(r, r->ranks.rank + 1);
    const double start = now_s();
    for (uint64_t at = from; at < end;) {
        const uint64_t n = run_of(r, at, end);
        if (!rg_progress_step(r->cli->progress, "configurations", (double)(at - from), (double)(end - from)))
            return rg_fail(err, RG_ERR_CANCELLED, "roof sweep",
                           part->file ? "the same command, which goes on from here"
                                      : "-o DIR, to go on from here",
                           "interrupted after %llu of %llu configurations", (unsigned long long)(at - from),
                           (unsigned long long)(end - from));
        RG_TRY(rg_sweep_evaluate(r->sweep, r->todo[at], (size_t)n, &mine[at - from], err));
        RG_TRY(cli_sweep_part_add(part, &mine[at - from], (size_t)n, err));
        at += n;
    }
    rg_progress_step(r->cli->progress, "configurations", 1, 1);
    r->seconds = now_s() - start;
    return RG_OK;
}

/* Rank 0 gets all results, and the time of the slowest rank. */
static rg_status collect(sweep_run *r, const rg_sweep_result *mine, rg_error *err) {
    const int size = r->ranks.size;
    const uint64_t n_mine = first_of(r, r->ranks.rank + 1) - first_of(r, r->ranks.rank);
    size_t *bytes = calloc((size_t)size, sizeof *bytes);
    double *seconds = calloc((size_t)size, sizeof *seconds);
    rg_sweep_result *all = calloc(r->n_todo + 1, sizeof *all);
    rg_status status =
        bytes && seconds && all ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (int i = 0; status == RG_OK && i < size; i++)
        bytes[i] = (first_of(r, i + 1) - first_of(r, i)) * sizeof *all;
    if (status == RG_OK) status = cli_ranks_gather(&r->ranks, mine, n_mine * sizeof *mine, all, bytes, err);
    for (int i = 0; status == RG_OK && i < size; i++) bytes[i] = sizeof *seconds;
    if (status == RG_OK)
        status = cli_ranks_gather(&r->ranks, &r->seconds, sizeof r->seconds, seconds, bytes, err);
    for (int i = 0; status == RG_OK && r->ranks.rank == 0 && i < size; i++)
        r->seconds = fmax(r->seconds, seconds[i]);
    for (uint64_t i = 0; status == RG_OK && i < r->n_todo; i++) {
        r->result[r->todo[i]] = all[i];
        r->n_answered += all[i].status != RG_SWEEP_REFUSED;
    }
    free(bytes);
    free(seconds);
    free(all);
    return status;
}

/* ---- results ----------------------------------------------------------------------------------------- */

static bool serves(const sweep_run *r) {
    return strcmp(rg_sweep_phase(r->sweep), "serve") == 0;
}

static void json_result(rg_str *out, const sweep_run *r, const rg_sweep_result *s) {
    char layout[200];
    rg_sweep_case c;
    if (rg_sweep_describe(r->sweep, s->index, &c, NULL) != RG_OK) return;
    rg_str_printf(out, "{\"index\": %llu", (unsigned long long)s->index);
    cli_json_string(out, "model", c.model);
    cli_json_string(out, "system", c.system);
    if (*c.what_if) cli_json_string(out, "what_if", c.what_if);
    cli_json_string(out, "policy", c.policy);
    cli_json_string(out, "layout", rg_layout_print(&c.layout, layout, sizeof layout));
    cli_json_number(out, "batch", c.batch);
    cli_json_number(out, "context", c.context);
    if (serves(r)) cli_json_number(out, "osl", c.osl);
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"seconds", s->seconds},
                   {"bound_s", s->bound_s},
                   {"lo80_s", s->lo80_s},
                   {"hi80_s", s->hi80_s},
                   {"tokens_per_s", s->tokens_per_s},
                   {"tokens_per_s_per_chip", s->tokens_per_s_per_chip},
                   {"mfu", s->mfu},
                   {"chips", s->chips},
                   {"memory_bytes", s->memory_bytes}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cli_json_number(out, numbers[i].key, numbers[i].value);
    if (s->ttft_s > 0) cli_json_number(out, "ttft_s", s->ttft_s);
    if (s->tokens_per_s_per_sequence > 0)
        cli_json_number(out, "tokens_per_s_per_sequence", s->tokens_per_s_per_sequence);
    if (s->usd_per_million_tokens > 0)
        cli_json_number(out, "usd_per_million_tokens", s->usd_per_million_tokens);
    cli_json_string(out, "limiter", s->limiter);
    cli_json_string(out, "class", s->class_name);
    rg_str_add(out, "}");
}

static void print_json(const sweep_run *r, const size_t *front, size_t n_front, const uint64_t *count) {
    rg_str out = {0};
    rg_str_printf(&out, "{\"configurations\": %llu, \"configurations_per_s\": ", (unsigned long long)r->size);
    cli_print_json_number(&out, r->n_todo && r->seconds > 0 ? (double)r->n_answered / r->seconds : NAN);
    rg_str_printf(&out, ", \"processes\": %d, \"evaluated\": %llu", r->ranks.size,
                  (unsigned long long)r->n_todo);
    for (int i = 0; i < RG_N_SWEEP_STATUS; i++) {
        char key[24];
        snprintf(key, sizeof key, "%s", rg_sweep_status_name((rg_sweep_status)i));
        for (char *p = key; *p; p++) *p = *p == ' ' ? '_' : *p;
        cli_json_number(&out, key, (double)count[i]);
    }
    rg_str_add(&out, ", \"objectives\": [");
    for (size_t i = 0; i < rg_sweep_n_objectives(r->sweep); i++)
        rg_str_printf(&out, "%s\"%s\"", i ? ", " : "", rg_sweep_objective(r->sweep, i));
    rg_str_add(&out, "],\n \"pareto\": [");
    for (size_t i = 0; i < n_front; i++) {
        rg_str_add(&out, i ? ",\n  " : "\n  ");
        json_result(&out, r, &r->result[front[i]]);
    }
    rg_str_add(&out, "]}");
    cli_json_end(&out);
}

static void print_table(const sweep_run *r, const size_t *front, size_t n_front, const uint64_t *count) {
    char layout[200];
    printf("%llu configurations", (unsigned long long)r->size);
    for (int i = 0; i < RG_N_SWEEP_STATUS; i++)
        if (count[i])
            printf(", %llu %s", (unsigned long long)count[i], rg_sweep_status_name((rg_sweep_status)i));
    if (r->n_todo) printf("; %.0f per second, refused ones not counted", (double)r->n_answered / r->seconds);
    printf("\n\n");
    if (!n_front) {
        for (uint64_t i = 0; i < r->size; i++)
            if (*r->result[i].reason) {
                printf("none is left; the first: %s\n", r->result[i].reason);
                break;
            }
        return;
    }
    printf("for each model and length (and what-if), none of the others is as good as these in ");
    for (size_t i = 0; i < rg_sweep_n_objectives(r->sweep); i++)
        printf("%s%s", i ? " and " : "", rg_sweep_objective(r->sweep, i));
    printf(":\n");
    for (size_t i = 0; i < rg_sweep_n_objectives(r->sweep); i++)
        printf("%26s", rg_sweep_objective(r->sweep, i));
    printf("  limiter  configuration\n");
    for (size_t k = 0; k < n_front; k++) {
        const rg_sweep_result *s = &r->result[front[k]];
        rg_sweep_case c;
        if (rg_sweep_describe(r->sweep, s->index, &c, NULL) != RG_OK) continue;
        for (size_t i = 0; i < rg_sweep_n_objectives(r->sweep); i++)
            printf("%26.6g", rg_sweep_objective_value(r->sweep, i, s));
        printf("  %-8s %s, %s%s%s, %s, batch %.0f, context %.0f", s->limiter, c.model, c.system,
               *c.what_if ? " with " : "", c.what_if, rg_layout_print(&c.layout, layout, sizeof layout),
               c.batch, c.context);
        if (serves(r)) printf(", osl %.0f", c.osl);
        printf("%s%s\n", *c.policy ? ", " : "", c.policy);
    }
}

static rg_status show(sweep_run *r, rg_error *err) {
    uint64_t count[RG_N_SWEEP_STATUS] = {0};
    size_t *front = calloc(r->size, sizeof *front);
    if (!front) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (uint64_t i = 0; i < r->size; i++) count[r->result[i].status]++;
    const size_t n_front = rg_sweep_pareto(r->sweep, r->result, r->size, front);
    const char *dir = cli_string(r->cli, "o");
    rg_status status = dir ? cli_sweep_write(dir, r->sweep, r->result, r->size, front, n_front, err) : RG_OK;
    if (status == RG_OK) (r->cli->json ? print_json : print_table)(r, front, n_front, count);
    free(front);
    return status;
}

/* ---- command ----------------------------------------------------------------------------------------- */

static rg_status prepare(sweep_run *r, rg_error *err) {
    r->size = rg_sweep_size(r->sweep);
    if (r->size > MOST)
        return rg_fail(err, RG_ERR_USAGE, r->cli->argument[0],
                       "at most 16777216, in several files if need be", "%llu configurations",
                       (unsigned long long)r->size);
    r->result = calloc(r->size, sizeof *r->result);
    r->done = calloc(r->size, sizeof *r->done);
    r->todo = calloc(r->size, sizeof *r->todo);
    if (!r->result || !r->done || !r->todo) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    const char *dir = cli_string(r->cli, "o");
    if (dir) RG_TRY(cli_sweep_read_parts(dir, r->sweep, r->result, r->done, err));
    for (uint64_t i = 0; i < r->size; i++)
        if (!r->done[i]) r->todo[r->n_todo++] = i;
    return cli_ranks_wait(&r->ranks, err); /* nobody writes before all have read */
}

static rg_status work(sweep_run *r, rg_error *err) {
    cli_sweep_part part = {0};
    RG_TRY(prepare(r, err));
    const char *dir = cli_string(r->cli, "o");
    rg_sweep_result *mine = calloc(r->n_todo + 1, sizeof *mine);
    rg_status status = mine ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (status == RG_OK && dir) status = cli_sweep_part_open(&part, dir, r->sweep, r->ranks.rank, err);
    if (status == RG_OK) status = evaluate(r, &part, mine, err);
    const rg_status closed = cli_sweep_part_close(&part, status == RG_OK ? err : NULL);
    if (status == RG_OK) status = closed;
    if (status == RG_OK) status = collect(r, mine, err);
    if (status == RG_OK && r->ranks.rank == 0) status = show(r, err);
    free(mine);
    return status;
}

rg_status cli_roof_sweep(cli_context *context, rg_error *err) {
    sweep_run r = {.cli = context};
    rg_calibrations *all = NULL;
    RG_TRY(cli_ranks_start(&r.ranks, context->program, err));
    rg_status status = rg_calibrations_open(&all, context->data_dir, err);
    if (status == RG_OK) status = rg_sweep_open(&r.sweep, context->argument[0], context->data_dir, all, err);
    if (status == RG_OK) status = work(&r, err);
    rg_sweep_close(r.sweep);
    rg_calibrations_close(all);
    free(r.result);
    free(r.done);
    free(r.todo);
    if (status != RG_OK && r.ranks.module) { /* said before the others are ended */
        fprintf(stderr, "ridge: rank %d: %s: %s; expected %s\n", r.ranks.rank, err->where, err->message,
                err->expected);
        fflush(stderr);
    }
    cli_ranks_stop(&r.ranks, status != RG_OK);
    return status;
}

const cli_option cli_roof_sweep_options[] = {
    {"o", CLI_STRING, "DIR", NULL, NULL, 0, 0, false, false,
     "folder for all results (results.csv) and the best (pareto.csv); interrupted, the same command goes on"},
    {0}};
