/* roof explain as a page: one HTML file that carries its charts. */
#include "roof_page.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static void text(rg_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void text(rg_report *r, const char *fmt, ...) {
    char buf[4096];
    va_list args;
    va_start(args, fmt);
    vsnprintf(buf, sizeof buf, fmt, args);
    va_end(args);
    rg_report_text(r, buf);
}

static void number(rg_report *r, double value, const char *fmt) {
    char shown[64] = "";
    if (isnan(value)) {
        rg_report_cell_text(r, "");
        return;
    }
    snprintf(shown, sizeof shown, fmt, value);
    rg_report_cell_plain(r, value, shown);
}

static const char *ms_text(double s, char *buf, size_t size) {
    if (s > 0 && s < 0.0005e-3)
        snprintf(buf, size, "<0.001");
    else
        snprintf(buf, size, "%.3f", 1e3 * s);
    return buf;
}

static void ms(rg_report *r, double s) {
    char shown[32];
    if (isnan(s))
        rg_report_cell_text(r, "");
    else
        rg_report_cell_plain(r, 1e3 * s, ms_text(s, shown, sizeof shown));
}

/* "34.36 GFLOP / 989.4 TFLOP/s = 0.035 ms", on one line. */
static void quotient(rg_report *r, double work, rg_unit rate, double s) {
    char a[32], b[32], time[32], shown[160], whole[400] = "";
    if (!(work > 0) || !(s > 0)) {
        rg_report_cell_text(r, "");
        return;
    }
    rg_units_print(work / s, rate, b, sizeof b);
    rg_units_print(work, rate, a, sizeof a);
    a[strlen(a) - 2] = 0; /* a unit of rates ends in "/s" */
    snprintf(shown, sizeof shown, "%s / %s = %s ms", a, b, ms_text(s, time, sizeof time));
    for (const char *p = shown; *p; p++) {
        const char one[2] = {*p, 0};
        strcat(whole, *p == ' ' ? "\u00a0" : one);
    }
    rg_report_cell_text(r, whole);
}

static void summary(rg_report *r, const cli_roof_answer *a) {
    const rg_roof *f = &a->roof;
    char buf[1024], energy[256] = "", cost[128] = "";
    const char *unit = a->phase == RG_DECODE ? "step" : "pass";
    const bool known = !isnan(f->estimate_s);
    if (a->energy.energy.kind && known)
        snprintf(energy, sizeof energy, " %.4g J per %s, %.4g token/J (%s).", a->energy.energy.energy_j, unit,
                 a->energy.tokens / a->energy.energy.energy_j, a->energy.energy.kind);
    if (!isnan(a->energy.cost.usd_per_mtoken))
        snprintf(cost, sizeof cost, " %.3g USD per million tokens.", a->energy.cost.usd_per_mtoken);
    if (known)
        snprintf(
            buf, sizeof buf,
            "**%.4g ms per %s** expected, 80 %% between %.4g and %.4g ms (%s, mostly %s): %.5g token/s. No "
            "execution can be faster than %.4g ms: %s binds.%s%s",
            1e3 * f->estimate_s, unit, 1e3 * f->lo80_s, 1e3 * f->hi80_s, f->estimate_kind, f->regime,
            a->energy.tokens / f->estimate_s, 1e3 * f->bound_s, f->limiter, energy, cost);
    else
        snprintf(buf, sizeof buf,
                 "At best **%.4g ms per %s**: %s binds. There are no constants for an estimate.",
                 1e3 * f->bound_s, unit, f->limiter);
    rg_report_callout(r, "decision", "Answer", buf);
    if (!f->fits) {
        char need[32], have[32];
        rg_units_print(f->memory_bytes, RG_UNIT_BYTES, need, sizeof need);
        rg_units_print(f->memory_available_bytes, RG_UNIT_BYTES, have, sizeof have);
        snprintf(buf, sizeof buf, "%s are needed, the chip has %s.", need, have);
        rg_report_callout(r, "warning", "It does not fit in memory", buf);
    }
}

static void times(rg_report *r, const cli_roof_answer *a, const size_t *order) {
    rg_str figure = {0};
    cli_roof_time_figure(a, order, &figure);
    rg_report_heading(r, 2, "time", "Where the time goes");
    rg_report_chart(
        r, "time",
        "Coloured: what physics allows, by what binds. Grey: what is expected beyond that. Whiskers: 80 of "
        "100 measurements.",
        "Bars of the time of each operator over all layers.", figure.data ? figure.data : "");
    rg_str_free(&figure);
}

static const char *stored_as(const rg_roof_operator *o, char *buf, size_t size) {
    if (o->activation_format && *o->activation_format)
        snprintf(buf, size, "%s x %s", o->weight_format, o->activation_format);
    else
        snprintf(buf, size, "%s", o->weight_format ? o->weight_format : "");
    return buf;
}

static void bounds(rg_report *r, const cli_roof_answer *a, const size_t *order) {
    static const char *const columns[] = {"operator",   "bound, ms",   "limited by", "memory",
                                          "multiplies", "vector work", "stored as"};
    char stored[300];
    rg_report_heading(r, 2, "bound", "Where each millisecond of the bound comes from");
    text(r,
         "An operator stands for all layers together. It takes the longest of three times, each a work over "
         "a rate: "
         "multiplies, vector work, and traffic of the memory (weights once per pass as stored, the KV cache; "
         "not "
         "activations between operators). Operators run one after the other: %.4g ms in all.",
         1e3 * a->roof.bound_s);
    rg_report_table(r, "bound", "The bound, operator by operator, in the order of what is expected.",
                    sizeof columns / sizeof *columns, columns);
    for (size_t i = 0; i < a->roof.n_operators; i++) {
        const rg_roof_operator *o = &a->roof.op[order[i]];
        rg_report_cell_text(r, o->name);
        ms(r, o->bound_s);
        rg_report_cell_text(r, o->limiter);
        quotient(r, o->bytes, RG_UNIT_BYTES_PER_S, o->memory_s);
        quotient(r, o->matrix_flop, RG_UNIT_FLOP_PER_S, o->compute_s);
        quotient(r, o->vector_flop, RG_UNIT_FLOP_PER_S, o->vector_s);
        rg_report_cell_text(r, stored_as(o, stored, sizeof stored));
    }
}

static void estimates(rg_report *r, const cli_roof_answer *a, const size_t *order) {
    static const char *const columns[] = {"operator", "bound, ms", "expected, ms", "80 % from", "to",
                                          "share",    "mostly",    "class",        "energy, J"};
    if (isnan(a->roof.estimate_s)) return;
    rg_report_heading(r, 2, "expected", "And what is expected beyond it");
    text(r, "Models of the operators with constants fitted to measurements: launches, tiles that do not fill "
            "the last "
            "wave, chains of dependent steps, the share of peak and bandwidth that kernels reach. **mostly** "
            "says what "
            "the time goes to. **calibrated**: measured on this chip, in this range; **transferred**: "
            "carried over, with "
            "a wider interval. The interval of the sum adds the ends, as if all errors had one sign.");
    rg_report_table(r, "expected", "Estimates, operator by operator; the longest first.",
                    sizeof columns / sizeof *columns, columns);
    for (size_t i = 0; i < a->roof.n_operators; i++) {
        const rg_roof_operator *o = &a->roof.op[order[i]];
        const rg_energy *e = &a->energy_of[order[i]];
        rg_report_cell_text(r, o->name);
        ms(r, o->bound_s);
        ms(r, o->estimate_s);
        ms(r, o->lo80_s);
        ms(r, o->hi80_s);
        number(r, 100 * o->estimate_s / a->roof.estimate_s, "%.1f %%");
        rg_report_cell_text(r, o->regime ? o->regime : "");
        rg_report_cell_text(r, o->estimate_kind ? o->estimate_kind : "");
        number(r, e->kind ? e->energy_j : (double)NAN, "%.3g");
    }
}

static rg_status roofline(rg_report *r, const cli_roof_answer *a, rg_error *err) {
    rg_str figure = {0};
    const rg_status status = cli_roof_roofline_figure(a, &figure, err);
    if (status == RG_OK && figure.len) {
        rg_report_heading(r, 2, "roofline", "Roofline");
        rg_report_chart(
            r, "roofline",
            "Left of the ridge the memory binds, right of it the multiplies. A point below its roof "
            "waits: for launches, for the tail of the last wave, for a cache.",
            "Speed of every operator that multiplies over its intensity, below the roofs of the chip.",
            figure.data ? figure.data : "");
    }
    rg_str_free(&figure);
    return status;
}

static void elasticities(rg_report *r, const cli_roof_answer *a) {
    rg_str figure = {0}, free_ones = {0};
    cli_roof_elasticity_figure(a, &figure);
    rg_report_heading(r, 2, "elasticities", "What 1 % more buys");
    rg_report_chart(
        r, "elasticities",
        "The pass evaluated again with one number of the chip 1 % higher (`launch`, `latency`: these "
        "times 1 % shorter).",
        "Bars of the time saved.", figure.data ? figure.data : "");
    for (size_t i = 0; i < a->elasticities.n; i++) {
        const rg_elasticity *e = &a->elasticities.entry[i];
        if (!(fabs(e->bound) >= RG_ELASTICITY_FREE || fabs(e->estimate) >= RG_ELASTICITY_FREE))
            rg_str_printf(&free_ones, "%s`%s`", free_ones.len ? ", " : "", e->parameter);
    }
    if (free_ones.len) text(r, "Buys nothing here: %s.", free_ones.data);
    rg_str_free(&free_ones);
    rg_str_free(&figure);
}

static void memory(rg_report *r, const cli_roof_answer *a) {
    static const char *const columns[] = {"part", "bytes", "share of the chip's memory"};
    const rg_roof *f = &a->roof;
    const struct {
        const char *name;
        double bytes;
    } part[] = {{"weights", f->weight_bytes},
                {"KV cache", f->kv_bytes},
                {"states", f->state_bytes},
                {"together", f->memory_bytes},
                {"the chip has", f->memory_available_bytes}};
    rg_report_heading(r, 2, "memory", "Memory");
    rg_report_table(r, "memory", "What must lie in memory at once.", 3, columns);
    for (size_t i = 0; i < sizeof part / sizeof *part; i++) {
        char shown[32];
        rg_report_cell_text(r, part[i].name);
        rg_report_cell_plain(r, part[i].bytes,
                             rg_units_print(part[i].bytes, RG_UNIT_BYTES, shown, sizeof shown));
        number(r, 100 * part[i].bytes / f->memory_available_bytes, "%.1f %%");
    }
    text(r, "Up to %.0f sequences of this length fit.", f->max_batch);
}

static rg_status write_page(rg_report *r, const cli_roof_answer *a, const char *path, const size_t *order,
                            rg_error *err) {
    char plotly[4096];
    const char *given = cli_string(a->cli, "plotly"), *set;
    text(r, "`ridge roof explain`; policy %s. The chip's numbers with their sources: `ridge hw show %s`.",
         *a->policy ? a->policy : "bf16 everywhere", a->chip->id);
    for (int i = 0; (set = cli_nth(a->cli, "set", i)); i++) text(r, "What if: `%s`.", set);
    summary(r, a);
    times(r, a, order);
    bounds(r, a, order);
    estimates(r, a, order);
    RG_TRY(roofline(r, a, err));
    elasticities(r, a);
    memory(r, a);
    return rg_report_write_html(r, path, given ? given : rg_report_plotly(plotly, sizeof plotly), err);
}

rg_status cli_roof_write_page(const cli_roof_answer *a, const char *path, rg_error *err) {
    char title[512];
    rg_report *r;
    size_t *order = calloc(a->roof.n_operators + 1, sizeof *order);
    if (!order) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    cli_roof_by_time(a, order);
    snprintf(title, sizeof title, "%s on %s: %s, batch %.0f, context %.0f", a->graph->model, a->chip->name,
             a->phase == RG_DECODE ? "one decode step" : "prefill", a->batch, a->context);
    rg_status status = rg_report_new(&r, title, err);
    if (status == RG_OK) {
        status = write_page(r, a, path, order, err);
        rg_report_free(r);
    }
    free(order);
    return status;
}
