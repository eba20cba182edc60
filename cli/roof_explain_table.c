/* roof explain as a table for people. */
#include "roof_explain.h"

#include <math.h>
#include <string.h>

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

/* Part of the time, as a bar: of the estimate where there is one, else of the bound. */
static const char *bar(double part, char *buf) {
    const int n = part > 0 ? (int)(part * 20 + 0.5) : 0;
    buf[0] = ' ';
    memset(buf + 1, '#', (size_t)n);
    buf[n ? n + 1 : 0] = 0;
    return buf;
}

static double part_of(const rg_roof *r, const rg_roof_operator *o) {
    if (!isnan(r->estimate_s)) return o->estimate_s / r->estimate_s;
    return r->bound_s > 0 ? o->bound_s / r->bound_s : 0;
}

static void print_rows(const rg_roof *r) {
    const time_unit unit = unit_for(r->bound_s);
    const widths w = measure(r);
    char operands[400], path[400], estimate[32], share[32];
    printf("%-*s  %-*s  %-*s  %10s  %10s  %7s %2s  %10s  %-13s  %5s\n", w.name, "operator", w.operands,
           "stored as", w.path, "multiplied as", "GFLOP", "MB", "bound", unit.name, "estimate", "limited by",
           "%");
    for (size_t i = 0; i < r->n_operators; i++) {
        const rg_roof_operator *o = &r->op[i];
        operand_text(o, operands, sizeof operands);
        path_text(o, path, sizeof path);
        printf("%-*s  %-*s  %-*s  %10.3f  %10.3f  %10.3f  %10s  %-13s  %5.1f%s\n", w.name, o->name,
               w.operands, operands, w.path, path, o->flop / 1e9, o->bytes / 1e6, o->bound_s / unit.s,
               estimate_text(o->estimate_s, unit.s, estimate, sizeof estimate), o->limiter,
               100 * part_of(r, o), bar(part_of(r, o), share));
    }
    printf("%-*s  %-*s  %-*s  %10.3f  %10.3f  %10.3f  %10s  %-13s  %5.1f\n", w.name, "total", w.operands, "",
           w.path, "", r->flop / 1e9, r->bytes / 1e6, r->bound_s / unit.s,
           estimate_text(r->estimate_s, unit.s, estimate, sizeof estimate), r->limiter, 100.0);
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

static void print_percent(double value) {
    if (isnan(value))
        printf("  %9s", "-");
    else
        printf("  %7.2f %%", value);
}

/* What counts in one column or the other; the rest on a line of its own. */
static void print_elasticities(const rg_elasticities *e) {
    const char *before = "buys nothing: ";
    printf("\n%-18s  %9s  %9s  time saved (by 1 %% less of launch, latency)\n", "what +1 % buys", "bound",
           "estimate");
    for (int counts = 1; counts >= 0; counts--)
        for (size_t i = 0; i < e->n; i++) {
            const rg_elasticity *x = &e->entry[i];
            if ((fabs(x->bound) >= RG_ELASTICITY_FREE || fabs(x->estimate) >= RG_ELASTICITY_FREE) != counts)
                continue;
            if (counts) {
                printf("%-18s", x->parameter);
                print_percent(x->bound);
                print_percent(x->estimate);
                printf("\n");
            } else {
                printf("%s%s", before, x->parameter);
                before = ", ";
            }
        }
    printf(before[0] == ',' ? "\n" : "");
}

void cli_roof_print_table(const cli_roof_answer *q) {
    const rg_roof *r = &q->roof;
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
    cli_energy_print(&q->energy, "");
    printf("memory  %s (weights %s, KV cache %s", need, weights, kv);
    if (r->state_bytes > 0) printf(", states %s", states);
    printf(") of %s: %s", have, r->fits ? "fits" : "DOES NOT FIT");
    printf("; up to %.0f sequences of this length fit\n", r->max_batch);
    printf(
        "The bound is no prediction: no execution that runs these operators one after the other is faster;\n"
        "if they all overlapped, the limit would be %.6g s.\n",
        r->overlapped_s);
    print_elasticities(&q->elasticities);
    if (q->chip->sparse_peaks)
        printf("Note: %s.\n", q->chip->peaks_note ? q->chip->peaks_note : "sparse peaks");
    if (q->context > (double)q->graph->max_positions)
        printf("Note: a context of %.0f is beyond the model's %lld positions.\n", q->context,
               (long long)q->graph->max_positions);
}
