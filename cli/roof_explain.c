/* ridge roof explain: how fast a chip can run a model at best, and what binds. */
#include "roof_commands.h"
#include "ridge/model.h"
#include "ridge/perf.h"

#include <math.h>
#include <string.h>

typedef struct question {
    const rg_graph *graph;
    const rg_chip *chip;
    rg_phase phase;
    double batch, context;
    const char *policy;
    cli_context *cli;
} question;

/* ---- JSON -------------------------------------------------------------------------------------------- */

static void add_estimate(rg_str *out, double estimate_s, double lo80_s, double hi80_s, const char *regime,
                         const char *kind) {
    cli_json_number(out, "estimate_s", estimate_s);
    cli_json_number(out, "lo80_s", lo80_s);
    cli_json_number(out, "hi80_s", hi80_s);
    cli_json_string(out, "regime", regime);
    cli_json_string(out, "class", kind);
}

static void json_operator(rg_str *out, const rg_roof_operator *o) {
    rg_str_add(out, "{\"name\": ");
    cli_print_json_string(out, o->name);
    cli_json_string(out, "op", o->op);
    cli_json_number(out, "flop", o->flop);
    cli_json_number(out, "bytes", o->bytes);
    cli_json_number(out, "bound_s", o->bound_s);
    cli_json_string(out, "limiter", o->limiter);
    add_estimate(out, o->estimate_s, o->lo80_s, o->hi80_s, o->regime, o->estimate_kind);
    cli_json_number(out, "matrix_flop", o->matrix_flop);
    cli_json_number(out, "vector_flop", o->vector_flop);
    cli_json_number(out, "compute_s", o->compute_s);
    cli_json_number(out, "vector_s", o->vector_s);
    cli_json_number(out, "memory_s", o->memory_s);
    cli_json_string(out, "path", o->runs_as ? rg_path_kind_name(o->kind) : NULL);
    cli_json_string(out, "runs_as", o->runs_as);
    cli_json_string(out, "weight_format", o->weight_format);
    cli_json_string(out, "activation_format", o->activation_format);
    cli_json_string(out, "conversion", o->conversion);
    cli_json_string(out, "source", o->source);
    rg_str_add(out, "}");
}

static void json_head(rg_str *out, const question *q) {
    const char *set;
    rg_str_add(out, "{\"model\": ");
    cli_print_json_string(out, q->graph->model);
    cli_json_string(out, "chip", q->chip->id);
    cli_json_string(out, "phase", q->phase == RG_DECODE ? "decode" : "prefill");
    cli_json_number(out, "batch", q->batch);
    cli_json_number(out, "context", q->context);
    cli_json_number(out, "max_positions", (double)q->graph->max_positions);
    cli_json_string(out, "policy", q->policy);
    rg_str_add(out, ", \"set\": [");
    for (int i = 0; (set = cli_nth(q->cli, "set", i)); i++) {
        if (i) rg_str_add(out, ", ");
        cli_print_json_string(out, set);
    }
    rg_str_add(out, "]");
}

static void print_json(const question *q, const rg_roof *r) {
    rg_str out = {0};
    json_head(&out, q);
    rg_str_add(&out, ",\n \"operators\": [");
    for (size_t i = 0; i < r->n_operators; i++) {
        rg_str_add(&out, i ? ",\n  " : "\n  ");
        json_operator(&out, &r->op[i]);
    }
    rg_str_add(&out, "],\n \"total\": {\"bound_s\": ");
    cli_print_json_number(&out, r->bound_s);
    cli_json_string(&out, "limiter", r->limiter);
    add_estimate(&out, r->estimate_s, r->lo80_s, r->hi80_s, r->regime, r->estimate_kind);
    cli_json_number(&out, "flop", r->flop);
    cli_json_number(&out, "bytes", r->bytes);
    cli_json_number(&out, "tokens_per_s", r->tokens_per_s);
    cli_json_number(&out, "overlapped_s", r->overlapped_s);
    cli_json_string(&out, "path", rg_path_kind_name(r->kind));
    cli_json_string(&out, "linear_path", rg_path_kind_name(r->linear_kind));
    rg_str_printf(&out, "},\n \"fits\": %s", r->fits ? "true" : "false");
    cli_json_number(&out, "memory_bytes", r->memory_bytes);
    cli_json_number(&out, "memory_available_bytes", r->memory_available_bytes);
    cli_json_number(&out, "weight_bytes", r->weight_bytes);
    cli_json_number(&out, "kv_bytes", r->kv_bytes);
    cli_json_number(&out, "state_bytes", r->state_bytes);
    cli_json_number(&out, "max_batch", r->max_batch);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

/* ---- table ------------------------------------------------------------------------------------------- */

typedef struct time_unit {
    double s;
    const char *name;
} time_unit;

static time_unit unit_for(double total_s) {
    static const time_unit units[] = {{1, "s"}, {1e-3, "ms"}, {1e-6, "us"}};
    int i = 0;
    while (i < 2 && total_s < 10 * units[i].s) i++;
    return units[i];
}

static void operand_text(const rg_roof_operator *o, char *buf, size_t size) {
    if (o->activation_format && *o->activation_format)
        snprintf(buf, size, "%s x %s", o->weight_format, o->activation_format);
    else
        snprintf(buf, size, "%s", o->weight_format && *o->weight_format ? o->weight_format : "-");
}

typedef struct widths {
    int name, operands, path;
} widths;

static void path_text(const rg_roof_operator *o, char *buf, size_t size) {
    if (o->runs_as)
        snprintf(buf, size, "%s, %s", o->runs_as, rg_path_kind_name(o->kind));
    else
        snprintf(buf, size, "-");
}

static void widen(int *width, const char *text) {
    if ((int)strlen(text) > *width) *width = (int)strlen(text);
}

static widths measure(const rg_roof *r) {
    widths w = {(int)strlen("operator"), (int)strlen("stored as"), (int)strlen("multiplied as")};
    char text[400];
    for (size_t i = 0; i < r->n_operators; i++) {
        widen(&w.name, r->op[i].name);
        operand_text(&r->op[i], text, sizeof text);
        widen(&w.operands, text);
        path_text(&r->op[i], text, sizeof text);
        widen(&w.path, text);
    }
    return w;
}

static const char *estimate_text(double s, double unit_s, char *buf, size_t size) {
    if (isnan(s))
        snprintf(buf, size, "-");
    else
        snprintf(buf, size, "%.3f", s / unit_s);
    return buf;
}

static void print_rows(const rg_roof *r) {
    const time_unit unit = unit_for(r->bound_s);
    const widths w = measure(r);
    char operands[400], path[400], estimate[32];
    printf("%-*s  %-*s  %-*s  %10s  %10s  %7s %2s  %10s  %5s  %s\n", w.name, "operator", w.operands,
           "stored as", w.path, "multiplied as", "GFLOP", "MB", "bound", unit.name, "estimate", "%",
           "limited by");
    for (size_t i = 0; i < r->n_operators; i++) {
        const rg_roof_operator *o = &r->op[i];
        operand_text(o, operands, sizeof operands);
        path_text(o, path, sizeof path);
        printf("%-*s  %-*s  %-*s  %10.3f  %10.3f  %10.3f  %10s  %5.1f  %s\n", w.name, o->name, w.operands,
               operands, w.path, path, o->flop / 1e9, o->bytes / 1e6, o->bound_s / unit.s,
               estimate_text(o->estimate_s, unit.s, estimate, sizeof estimate),
               r->bound_s > 0 ? 100 * o->bound_s / r->bound_s : 0, o->limiter);
    }
    printf("%-*s  %-*s  %-*s  %10.3f  %10.3f  %10.3f  %10s  %5.1f  %s\n", w.name, "total", w.operands, "",
           w.path, "", r->flop / 1e9, r->bytes / 1e6, r->bound_s / unit.s,
           estimate_text(r->estimate_s, unit.s, estimate, sizeof estimate), 100.0, r->limiter);
}

/* Each way of executing that is not native, once, with what it costs in meaning. */
static void print_conversions(const rg_roof *r) {
    bool any = false;
    for (size_t i = 0; i < r->n_operators; i++) {
        const rg_roof_operator *o = &r->op[i];
        if (!o->runs_as || !o->conversion) continue;
        bool seen = false;
        for (size_t k = 0; k < i; k++)
            seen = seen || (r->op[k].runs_as && r->op[k].conversion && r->op[k].kind == o->kind &&
                            strcmp(r->op[k].conversion, o->conversion) == 0);
        if (seen) continue;
        if (!any) printf("\n");
        any = true;
        char operands[400];
        operand_text(o, operands, sizeof operands);
        printf("%s: %s runs as %s: %s (%s)\n", rg_path_kind_name(o->kind), operands, o->runs_as,
               o->conversion, o->source);
    }
}

static void print_table(const question *q, const rg_roof *r) {
    char need[32], have[32], weights[32], kv[32], bandwidth[32], states[32];
    const char *set;
    printf("%s on %s (%s): %s, batch %.0f, context %.0f, policy %s\n", q->graph->model, q->chip->name,
           q->chip->id, q->phase == RG_DECODE ? "one decode step" : "prefill", q->batch, q->context,
           *q->policy ? q->policy : "(none: bf16 everywhere)");
    for (int i = 0; (set = cli_nth(q->cli, "set", i)); i++) printf("what if: %s\n", set);
    printf("\n");
    print_rows(r);
    print_conversions(r);
    rg_units_print(r->memory_bytes, RG_UNIT_BYTES, need, sizeof need);
    rg_units_print(r->memory_available_bytes, RG_UNIT_BYTES, have, sizeof have);
    rg_units_print(r->weight_bytes, RG_UNIT_BYTES, weights, sizeof weights);
    rg_units_print(r->kv_bytes, RG_UNIT_BYTES, kv, sizeof kv);
    rg_units_print(r->state_bytes, RG_UNIT_BYTES, states, sizeof states);
    rg_units_print(q->chip->memory_bytes_per_s.value, RG_UNIT_BYTES_PER_S, bandwidth, sizeof bandwidth);
    printf("\nbound   %.6g s per %s, %.6g token/s at best, limited by %s", r->bound_s,
           q->phase == RG_DECODE ? "step" : "prompt batch", r->tokens_per_s, r->limiter);
    printf(strcmp(r->limiter, "memory") == 0 ? " (%s)\n" : "\n", bandwidth);
    if (!isnan(r->estimate_s))
        printf("estimate %.6g s, 80 %% between %.6g and %.6g s; %s; mostly %s\n", r->estimate_s, r->lo80_s,
               r->hi80_s, r->estimate_kind, r->regime);
    printf("memory  %s (weights %s, KV cache %s", need, weights, kv);
    if (r->state_bytes > 0) printf(", states %s", states);
    printf(") of %s: %s", have, r->fits ? "fits" : "DOES NOT FIT");
    printf("; up to %.0f sequences of this length fit\n", r->max_batch);
    printf(
        "The bound is no prediction: no execution that runs these operators one after the other is faster;\n"
        "if they all overlapped, the limit would be %.6g s.\n",
        r->overlapped_s);
    if (q->chip->sparse_peaks)
        printf("Note: %s.\n", q->chip->peaks_note ? q->chip->peaks_note : "sparse peaks");
    if (q->context > (double)q->graph->max_positions)
        printf("Note: a context of %.0f is beyond the model's %lld positions.\n", q->context,
               (long long)q->graph->max_positions);
}

/* ---- command ----------------------------------------------------------------------------------------- */

static rg_status answer(question *q, rg_error *err) {
    rg_roof roof;
    rg_calibrations *all;
    RG_TRY(rg_calibrations_open(&all, q->cli->data_dir, err));
    const rg_status status =
        rg_roof_estimate(&roof, q->graph, q->chip, q->phase, q->batch, q->context, q->policy, all, err);
    rg_calibrations_close(all);
    RG_TRY(status);
    (q->cli->json ? print_json : print_table)(q, &roof);
    rg_roof_close(&roof);
    return RG_OK;
}

static rg_status read_phase(const char *text, rg_phase *out, rg_error *err) {
    *out = strcmp(text, "decode") == 0 ? RG_DECODE : RG_PREFILL;
    return *out == RG_DECODE || strcmp(text, "prefill") == 0
               ? RG_OK
               : rg_fail(err, RG_ERR_USAGE, "--phase", "prefill or decode", "\"%.40s\"", text);
}

static rg_status open_chip(cli_context *context, rg_chip *chip, rg_error *err) {
    RG_TRY(rg_chip_open(chip, context->argument[1], context->data_dir, err));
    const char *set;
    for (int i = 0; (set = cli_nth(context, "set", i)); i++) {
        rg_status status = rg_chip_set(chip, set, err);
        if (status == RG_OK) continue;
        rg_chip_close(chip);
        return status;
    }
    return RG_OK;
}

rg_status cli_roof_explain(cli_context *context, rg_error *err) {
    question q = {.batch = cli_number(context, "batch", 1),
                  .context = cli_number(context, "context", 4096),
                  .policy = cli_string(context, "policy"),
                  .cli = context};
    if (!q.policy) q.policy = "";
    RG_TRY(read_phase(cli_string(context, "phase"), &q.phase, err));
    rg_chip chip;
    rg_model model;
    RG_TRY(open_chip(context, &chip, err));
    rg_status status = rg_model_open(&model, context->argument[0], context->data_dir, false, err);
    if (status == RG_OK) {
        q.graph = &model.graph;
        q.chip = &chip;
        status = answer(&q, err);
        rg_model_close(&model);
    }
    rg_chip_close(&chip);
    return status;
}

const cli_option cli_roof_explain_options[] = {
    {"phase", CLI_STRING, "PHASE", NULL, NULL, 0, 0, false, true, "prefill or decode"},
    {"batch", CLI_INT, "B", "sequence", "1", 1, 1e9, false, false, "sequences that are run together"},
    {"context", CLI_INT, "C", "token", "4096", 1, 1e9, false, false,
     "prefill: length of each prompt; decode: keys in the cache, the new one included"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
     "numerics policy, role[.glob]=FORMAT,...; what it does not name is bf16 (default: nothing named)"},
    {"set", CLI_STRING, "PATH=VALUE", NULL, NULL, 0, 0, true, false,
     "what if: another number for the chip, as memory.bandwidth=x1.3, fp4='2 PFLOP/s'"},
    {0}};
