/* Figures of the page of roof explain: times, roofline, what 1 % buys. */
#include "roof_page.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BARS = 20 };

/* ---- pieces of JSON ---------------------------------------------------------------------------------- */

static void list(rg_str *out, const char *key, const double *x, size_t n) {
    rg_str_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < n; i++) {
        rg_str_add(out, i ? ", " : "");
        cli_print_json_number(out, x[i]);
    }
    rg_str_add(out, "]");
}

static void texts(rg_str *out, const char *key, const char *const *text, size_t n) {
    rg_str_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < n; i++) {
        rg_str_add(out, i ? ", " : "");
        cli_print_json_string(out, text[i]);
    }
    rg_str_add(out, "]");
}

static void begin_bars(rg_str *out, const char *name, const char *colour) {
    rg_str_add(out, "{\"type\": \"bar\", \"orientation\": \"h\", \"name\": ");
    cli_print_json_string(out, name);
    rg_str_printf(out, ", \"marker\": {\"color\": \"%s\"}, ", colour);
}

static void layout(rg_str *out, const char *x_title, size_t n_bars, const char *mode) {
    rg_str_printf(out,
                  "], \"layout\": {\"barmode\": \"%s\", \"height\": %zu, \"bargap\": 0.25,\n"
                  "\"xaxis\": {\"title\": {\"text\": ",
                  mode, 150 + 24 * n_bars);
    cli_print_json_string(out, x_title);
    rg_str_add(out,
               "}, \"automargin\": true, \"rangemode\": \"tozero\"},\n"
               "\"yaxis\": {\"autorange\": \"reversed\", \"automargin\": true, \"type\": \"category\"},\n"
               "\"margin\": {\"l\": 10, \"r\": 20, \"t\": 40, \"b\": 50},\n"
               "\"legend\": {\"orientation\": \"h\", \"traceorder\": \"normal\", \"y\": 1.02, \"yanchor\": "
               "\"bottom\", \"x\": 0}}}");
}

/* ---- times ------------------------------------------------------------------------------------------- */

double cli_roof_time(const rg_roof_operator *o) {
    return isnan(o->estimate_s) ? o->bound_s : o->estimate_s;
}

void cli_roof_by_time(const cli_roof_answer *a, size_t *order) {
    for (size_t i = 0; i < a->roof.n_operators; i++) {
        size_t k = i;
        for (; k > 0 && cli_roof_time(&a->roof.op[order[k - 1]]) < cli_roof_time(&a->roof.op[i]); k--)
            order[k] = order[k - 1];
        order[k] = i;
    }
}

/* What binds, in three kinds, so that colours mean the same on every chip. */
static size_t kind_of(const char *limiter) {
    return strncmp(limiter, "compute", 7) == 0 ? 1 : strncmp(limiter, "vector", 6) == 0 ? 2 : 0;
}
static const char *const kinds[] = {"memory", "matrix units", "vector units"};

typedef struct bars {
    size_t n;
    const char *name[MAX_BARS + 1];
    double bound[3][MAX_BARS + 1], rest[MAX_BARS + 1], up[MAX_BARS + 1], down[MAX_BARS + 1];
    char others[48];
} bars;

/* In ms; what has no bar of its own is added up in the last. */
static void collect(const cli_roof_answer *a, const size_t *order, bars *b) {
    const size_t n = a->roof.n_operators;
    for (size_t i = 0; i < n; i++) {
        const rg_roof_operator *o = &a->roof.op[order[i]];
        const size_t k = i < MAX_BARS ? i : MAX_BARS;
        const bool known = !isnan(o->estimate_s);
        b->name[k] = k < MAX_BARS ? o->name : b->others;
        b->bound[kind_of(o->limiter)][k] += 1e3 * o->bound_s;
        b->rest[k] += known ? 1e3 * (o->estimate_s - o->bound_s) : 0;
        b->up[k] += known ? 1e3 * (o->hi80_s - o->estimate_s) : 0;
        b->down[k] += known ? 1e3 * (o->estimate_s - o->lo80_s) : 0;
        b->n = k + 1;
    }
    if (n > MAX_BARS) snprintf(b->others, sizeof b->others, "%zu more", n - MAX_BARS);
}

void cli_roof_time_figure(const cli_roof_answer *a, const size_t *order, rg_str *out) {
    bars b = {.n = 0};
    collect(a, order, &b);
    rg_str_add(out, "{\"data\": [");
    for (size_t k = 0; k < 3; k++) {
        char name[64];
        snprintf(name, sizeof name, "at best: %s", kinds[k]);
        rg_str_add(out, k ? ",\n" : "");
        begin_bars(out, name, rg_chart_colour(k));
        texts(out, "y", b.name, b.n);
        rg_str_add(out, ", ");
        list(out, "x", b.bound[k], b.n);
        rg_str_add(out, ", \"hovertemplate\": \"%{y}: %{x:.4g} ms at best<extra></extra>\"}");
    }
    rg_str_add(out, ",\n");
    begin_bars(out, "expected beyond that", "#b4bcc8");
    texts(out, "y", b.name, b.n);
    rg_str_add(out, ", ");
    list(out, "x", b.rest, b.n);
    rg_str_add(out,
               ", \"error_x\": {\"type\": \"data\", \"symmetric\": false, \"thickness\": 1.2, \"width\": 3, "
               "\"color\": \"#808080\", ");
    list(out, "array", b.up, b.n);
    rg_str_add(out, ", ");
    list(out, "arrayminus", b.down, b.n);
    rg_str_add(out, "}, \"hovertemplate\": \"%{y}: %{x:.4g} ms beyond the bound<extra></extra>\"}");
    layout(out, "time of one pass, ms", b.n, "stack");
}

/* ---- elasticities ------------------------------------------------------------------------------------ */

void cli_roof_elasticity_figure(const cli_roof_answer *a, rg_str *out) {
    const rg_elasticities *e = &a->elasticities;
    const char *name[64];
    double bound[64], estimate[64];
    size_t n = 0;
    for (size_t i = 0; i < e->n && n < 64; i++) {
        const rg_elasticity *x = &e->entry[i];
        if (!(fabs(x->bound) >= RG_ELASTICITY_FREE || fabs(x->estimate) >= RG_ELASTICITY_FREE)) continue;
        name[n] = x->parameter;
        bound[n] = x->bound;
        estimate[n++] = x->estimate;
    }
    rg_str_add(out, "{\"data\": [");
    for (size_t k = 0; k < 2; k++) {
        rg_str_add(out, k ? ",\n" : "");
        begin_bars(out, k ? "of the bound" : "of the estimate", rg_chart_colour(k ? 4 : 0));
        texts(out, "y", name, n);
        rg_str_add(out, ", ");
        list(out, "x", k ? bound : estimate, n);
        rg_str_add(out, ", \"hovertemplate\": \"%{y}: %{x:.3f} %<extra></extra>\"}");
    }
    layout(out, "time saved by 1 % more, %", 2 * n, "group");
}

/* ---- roofline ---------------------------------------------------------------------------------------- */

typedef struct roofs { /* of the rates that the pass multiplies at */
    size_t n;
    double flop_per_s[8];
    const char *name[8];
} roofs;

static void add_roof(roofs *r, const rg_roof_operator *o) {
    const double rate = o->matrix_flop / o->compute_s;
    for (size_t i = 0; i < r->n; i++)
        if (fabs(r->flop_per_s[i] / rate - 1) < 1e-6) return;
    if (r->n == 8) return;
    r->name[r->n] = o->runs_as;
    r->flop_per_s[r->n++] = rate;
}

static bool drawn(const rg_roof_operator *o) {
    return o->matrix_flop > 0 && o->bytes > 0 && o->compute_s > 0;
}

static void roof_line(rg_str *out, const roofs *r, size_t i, double bytes_per_s) {
    const double ridge = r->flop_per_s[i] / bytes_per_s, x[] = {1e-4, ridge, 1e8},
                 y[] = {1e-4 * bytes_per_s / 1e12, r->flop_per_s[i] / 1e12, r->flop_per_s[i] / 1e12};
    rg_str_add(out,
               "{\"type\": \"scatter\", \"mode\": \"lines\", \"showlegend\": false, \"hoverinfo\": \"skip\", "
               "\"line\": {\"color\": \"#808080\", \"width\": 1.5}, ");
    list(out, "x", x, 3);
    rg_str_add(out, ", ");
    list(out, "y", y, 3);
    rg_str_add(out, "}, ");
}

static rg_chart_point point_of(const rg_roof_operator *o, bool bound) {
    const double tera = (o->matrix_flop + o->vector_flop) / 1e12, s = bound ? o->bound_s : o->estimate_s;
    return (rg_chart_point){.x = o->matrix_flop / o->bytes,
                            .y = tera / s,
                            .x_lo = (double)NAN,
                            .x_hi = (double)NAN,
                            .y_lo = bound ? (double)NAN : tera / o->hi80_s,
                            .y_hi = bound ? (double)NAN : tera / o->lo80_s,
                            .label = bound ? NULL : o->name,
                            .group = bound ? 1 : 0,
                            .symbol = bound ? "circle-open" : NULL};
}

rg_status cli_roof_roofline_figure(const cli_roof_answer *a, rg_str *out, rg_error *err) {
    static const char *const groups[] = {"expected", "at best", "ridge: memory and multiplies take as long"};
    const double bytes_per_s = a->chip->memory_bytes_per_s.value;
    rg_chart_point *point = calloc(2 * a->roof.n_operators + 8, sizeof *point);
    char label[8][64];
    roofs r = {.n = 0};
    size_t n = 0;
    if (!point) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < a->roof.n_operators; i++) {
        const rg_roof_operator *o = &a->roof.op[i];
        if (!drawn(o)) continue;
        add_roof(&r, o);
        point[n++] = point_of(o, true);
        if (!isnan(o->estimate_s)) point[n++] = point_of(o, false);
    }
    for (size_t i = 0; i < r.n; i++) {
        const double ridge = r.flop_per_s[i] / bytes_per_s, nan = (double)NAN;
        snprintf(label[i], sizeof label[i], "%s: %.0f FLOP/byte", r.name[i], ridge);
        point[n++] = (rg_chart_point){
            ridge, r.flop_per_s[i] / 1e12, nan, nan, nan, nan, label[i], NULL, 2, "diamond", false};
    }
    const rg_chart_scatter chart = {.x = {"intensity, FLOP per byte of memory traffic", true},
                                    .y = {"speed, TFLOP/s", true},
                                    .n_points = n,
                                    .point = point,
                                    .n_groups = 3,
                                    .group = groups};
    rg_str points = {0};
    static const char begin[] = "{\"data\":[";
    const rg_status status = n ? rg_chart_scatter_json(&chart, &points, err) : RG_OK;
    if (status == RG_OK && n) { /* the roofs go below the points */
        rg_str_add(out, begin);
        for (size_t i = 0; i < r.n; i++) roof_line(out, &r, i, bytes_per_s);
        rg_str_add(out, points.data + strlen(begin));
    }
    rg_str_free(&points);
    free(point);
    return status;
}
