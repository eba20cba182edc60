/* ridge hw collective: what a collective costs on a system. */
#include <string.h>

#include "hw_commands.h"
#include "hw_open.h"
#include "ridge/perf.h"

static rg_status op_of(const char *name, rg_collective *out, rg_error *err) {
    for (int i = 0; i < RG_N_COLLECTIVES; i++)
        if (strcmp(rg_collective_name((rg_collective)i), name) == 0) {
            *out = (rg_collective)i;
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_USAGE, "--op", "all-reduce, all-gather, reduce-scatter, all-to-all or send",
                   "\"%.40s\"", name);
}

typedef struct question {
    cli_context *context;
    const rg_system *system;
    const rg_calibrations *all;
    rg_collective op;
    double ranks, stride;
} question;

static void print_row(rg_str *out, double bytes, const rg_collective_time *t) {
    char text[5][48];
    rg_str_printf(out, "%12s %12s %12s %12s %12s  %-12s %-12s %s\n",
                  rg_units_print(bytes, RG_UNIT_BYTES, text[0], sizeof text[0]),
                  rg_units_print(t->bound_s, RG_UNIT_S, text[1], sizeof text[1]),
                  rg_units_print(t->estimate_s, RG_UNIT_S, text[2], sizeof text[2]),
                  rg_units_print(t->lo80_s, RG_UNIT_S, text[3], sizeof text[3]),
                  rg_units_print(t->hi80_s, RG_UNIT_S, text[4], sizeof text[4]), t->algorithm, t->level,
                  t->kind);
}

static void json_row(rg_str *out, double bytes, const rg_collective_time *t) {
    rg_str_add(out, "\n  {\"bytes\": ");
    cli_print_json_number(out, bytes);
    cli_json_number(out, "bound_s", t->bound_s);
    cli_json_number(out, "ideal_s", t->ideal_s);
    cli_json_number(out, "estimate_s", t->estimate_s);
    cli_json_number(out, "lo80_s", t->lo80_s);
    cli_json_number(out, "hi80_s", t->hi80_s);
    cli_json_string(out, "algorithm", t->algorithm);
    cli_json_string(out, "level", t->level);
    cli_json_string(out, "class", t->kind);
    rg_str_add(out, "}");
}

static rg_status add_row(const question *q, double bytes, bool first, rg_str *out, rg_error *err) {
    rg_collective_time t;
    RG_TRY(rg_perf_collective(q->system, q->all, q->op, cli_string(q->context, "dtype"), q->ranks, q->stride,
                              bytes, &t, err));
    if (q->context->json && !first) rg_str_add(out, ",");
    (q->context->json ? json_row : print_row)(out, bytes, &t);
    return RG_OK;
}

static rg_status add_rows(const question *q, rg_str *out, rg_error *err) {
    const char *text = cli_string(q->context, "bytes");
    double bytes = 0;
    if (text) {
        rg_error why = {0};
        if (rg_units_parse(text, RG_UNIT_BYTES, &bytes, &why) != RG_OK)
            return rg_fail(err, RG_ERR_USAGE, "--bytes", why.expected, "%s", why.message);
        return add_row(q, bytes, true, out, err);
    }
    for (bytes = 4096; bytes <= 1 << 30; bytes *= 8) RG_TRY(add_row(q, bytes, bytes == 4096, out, err));
    return RG_OK;
}

static rg_status answer(question *q, rg_str *out, rg_error *err) {
    const char *name = rg_collective_name(q->op);
    if (q->context->json) {
        rg_str_add(out, "{\"system\": ");
        cli_print_json_string(out, q->system->id);
        cli_json_string(out, "op", name);
        cli_json_number(out, "ranks", q->ranks);
        cli_json_number(out, "stride", q->stride);
        rg_str_add(out, ", \"rows\": [");
    } else {
        rg_str_printf(out, "%s of %.0f ranks, %.0f apart, on %s\n%12s %12s %12s %12s %12s  %-12s %-12s %s\n",
                      name, q->ranks, q->stride, q->system->id, "bytes", "bound", "estimate", "80 % from",
                      "to", "algorithm", "level", "class");
    }
    RG_TRY(add_rows(q, out, err));
    if (q->context->json) rg_str_add(out, "]}");
    return RG_OK;
}

rg_status cli_hw_collective(cli_context *context, rg_error *err) {
    question q = {.context = context,
                  .ranks = (double)cli_int(context, "ranks", 0),
                  .stride = (double)cli_int(context, "stride", 1)};
    rg_system system;
    rg_calibrations *all;
    rg_str out = {0};
    RG_TRY(op_of(cli_string(context, "op"), &q.op, err));
    RG_TRY(cli_open_system(context, context->argument[0], &system, err));
    q.system = &system;
    rg_status status = rg_calibrations_open(&all, context->data_dir, err);
    if (status == RG_OK) {
        q.all = all;
        if (!q.ranks) q.ranks = system.n_levels ? system.level[0].n_chips : 1;
        status = answer(&q, &out, err);
        rg_calibrations_close(all);
    }
    if (status == RG_OK && context->json) cli_json_end(&out);
    if (status == RG_OK && !context->json) fwrite(out.data, 1, out.len, stdout);
    rg_str_free(&out);
    rg_system_close(&system);
    return status;
}
