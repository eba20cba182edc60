/* Scatter charts with error bars, fronts and gates: the Pareto chart of a study. */
#include "report/chart_labels.h"
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct span { /* of an axis, in its own scale: log10 for logarithmic ones */
    double lo, hi;
} span;

static double scaled(const rg_chart_axis *axis, double value) {
    return axis->log ? log10(value) : value;
}

static bool drawable(const rg_chart_scatter *c, const rg_chart_point *p) {
    return isfinite(p->x) && isfinite(p->y) && (!c->x.log || p->x > 0) && (!c->y.log || p->y > 0);
}

static void widen(span *s, const rg_chart_axis *axis, double value) {
    if (!isfinite(value) || (axis->log && value <= 0)) return;
    double v = scaled(axis, value);
    s->lo = fmin(s->lo, v);
    s->hi = fmax(s->hi, v);
}

/* The range of an axis is set here, not by plotly, so that the labels can be placed. */
static span range(const rg_chart_scatter *c, bool vertical) {
    const rg_chart_axis *axis = vertical ? &c->y : &c->x;
    span s = {INFINITY, -INFINITY};
    for (size_t i = 0; i < c->n_points; i++) {
        const rg_chart_point *p = &c->point[i];
        if (!drawable(c, p)) continue;
        widen(&s, axis, vertical ? p->y : p->x);
        widen(&s, axis, vertical ? p->y_hi : p->x_hi);
        double lo = vertical ? p->y_lo : p->x_lo;
        /* an error bar that reaches down to zero must not stretch a logarithmic axis over many decades */
        if (!axis->log || lo > 0.3 * (vertical ? p->y : p->x)) widen(&s, axis, lo);
    }
    for (size_t i = 0; i < c->n_lines; i++)
        if (c->line[i].vertical != vertical) widen(&s, axis, c->line[i].at);
    double room = s.hi > s.lo ? 0.07 * (s.hi - s.lo) : axis->log ? 0.3 : fmax(fabs(s.hi) * 0.1, 1e-300);
    return (span){s.lo - room, s.hi + room};
}

static rg_status check(const rg_chart_scatter *c, rg_error *err) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_points; i++) {
        if (c->point[i].group >= c->n_groups)
            return rg_fail(err, RG_ERR_USAGE, "chart", "a group below n_groups", "point %zu is of group %zu",
                           i, c->point[i].group);
        n += drawable(c, &c->point[i]);
    }
    for (size_t i = 0; i < c->n_lines; i++) {
        const rg_chart_line *l = &c->line[i];
        if (!isfinite(l->at) || ((l->vertical ? c->x.log : c->y.log) && l->at <= 0))
            return rg_fail(err, RG_ERR_USAGE, "chart", "a place on the axis", "line at %g", l->at);
    }
    return n ? RG_OK : rg_fail(err, RG_ERR_USAGE, "chart", "finite numbers", "no point that can be drawn");
}

/* Length of the two arms of an error bar; null where there is none. */
static json_t *arm(double from, double to) {
    return isfinite(from) && isfinite(to) && to >= from ? json_real(to - from) : json_null();
}

static json_t *error_bars(const rg_chart_scatter *c, size_t group, bool vertical) {
    json_t *up = json_array(), *down = json_array();
    bool any = false;
    for (size_t i = 0; i < c->n_points; i++) {
        const rg_chart_point *p = &c->point[i];
        if (p->group != group || !drawable(c, p)) continue;
        double at = vertical ? p->y : p->x, lo = vertical ? p->y_lo : p->x_lo,
               hi = vertical ? p->y_hi : p->x_hi;
        json_array_append_new(up, arm(at, hi));
        json_array_append_new(down, arm(lo, at));
        any = any || isfinite(lo) || isfinite(hi);
    }
    return json_pack("{ss sb so so sb sf si ss}", "type", "data", "symmetric", 0, "array", up, "arrayminus",
                     down, "visible", any, "thickness", 1.2, "width", 3, "color", rg_chart_colour(group));
}

static json_t *hover_text(const rg_chart_point *p, const char *group) {
    if (p->hover) return json_string(p->hover);
    char text[320];
    snprintf(text, sizeof text, "%s<br>%s<br>%.5g, %.5g", p->label ? p->label : "", group, p->x, p->y);
    return json_string(text);
}

static json_t *points(const rg_chart_scatter *c, size_t group, const chart_place *place) {
    json_t *x = json_array(), *y = json_array(), *text = json_array(), *position = json_array(),
           *hover = json_array(), *symbol = json_array();
    for (size_t i = 0; i < c->n_points; i++) {
        const rg_chart_point *p = &c->point[i];
        if (p->group != group || !drawable(c, p)) continue;
        json_array_append_new(x, json_real(p->x));
        json_array_append_new(y, json_real(p->y));
        json_array_append_new(text, json_string(place[i].position ? p->label : ""));
        json_array_append_new(position, json_string(place[i].position ? place[i].position : "top center"));
        json_array_append_new(hover, hover_text(p, c->group[group]));
        json_array_append_new(symbol, json_string(p->symbol ? p->symbol : "circle"));
    }
    return json_pack("{ss ss ss ss so so so so so ss s{so ss si s{sf ss}} s{si} so so}", "type", "scatter",
                     "mode", "markers+text", "name", c->group[group], "legendgroup", c->group[group], "x", x,
                     "y", y, "text", text, "textposition", position, "hovertext", hover, "hoverinfo", "text",
                     "marker", "symbol", symbol, "color", rg_chart_colour(group), "size", 9, "line", "width",
                     1.5, "color", rg_chart_colour(group), "textfont", "size", 11, "error_x",
                     error_bars(c, group, false), "error_y", error_bars(c, group, true));
}

static int by_x(const void *a, const void *b) {
    const rg_chart_point *p = *(const rg_chart_point *const *)a, *q = *(const rg_chart_point *const *)b;
    return p->x != q->x ? (p->x > q->x) - (p->x < q->x) : (p->y > q->y) - (p->y < q->y);
}

/* The line along the front of a group, or NULL when it has fewer than two points. */
static json_t *front(const rg_chart_scatter *c, size_t group, const rg_chart_point **list) {
    size_t n = 0;
    for (size_t i = 0; i < c->n_points; i++)
        if (c->point[i].group == group && c->point[i].front && drawable(c, &c->point[i]))
            list[n++] = &c->point[i];
    if (n < 2) return NULL;
    qsort(list, n, sizeof *list, by_x);
    json_t *x = json_array(), *y = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(x, json_real(list[i]->x));
        json_array_append_new(y, json_real(list[i]->y));
    }
    return json_pack("{ss ss ss ss so so s{ss sf ss} sb ss}", "type", "scatter", "mode", "lines", "name",
                     c->group[group], "legendgroup", c->group[group], "x", x, "y", y, "line", "color",
                     rg_chart_colour(group), "width", 1.3, "dash", "dot", "showlegend", 0, "hoverinfo",
                     "skip");
}

static void add_lines(const rg_chart_scatter *c, json_t *layout) {
    json_t *shapes = json_array(), *notes = json_array();
    for (size_t i = 0; i < c->n_lines; i++) {
        const rg_chart_line *l = &c->line[i];
        bool v = l->vertical;
        json_array_append_new(shapes,
                              json_pack("{ss ss ss sf sf sf sf s{ss ss sf}}", "type", "line", "xref",
                                        v ? "x" : "paper", "yref", v ? "paper" : "y", "x0", v ? l->at : 0.0,
                                        "x1", v ? l->at : 1.0, "y0", v ? 0.0 : l->at, "y1", v ? 1.0 : l->at,
                                        "line", "color", "#888888", "dash", "dash", "width", 1.2));
        if (!l->label) continue;
        json_array_append_new(notes,
                              json_pack("{ss ss sf sf ss ss ss sb s{si ss}}", "xref", v ? "x" : "paper",
                                        "yref", v ? "paper" : "y", "x", v ? scaled(&c->x, l->at) : 0.0, "y",
                                        v ? 1.0 : scaled(&c->y, l->at), "xanchor", "left", "yanchor",
                                        v ? "top" : "bottom", "text", l->label, "showarrow", 0, "font",
                                        "size", 11, "color", "#808080"));
    }
    json_object_set_new(layout, "shapes", shapes);
    json_object_set_new(layout, "annotations", notes);
}

static json_t *layout_of(const rg_chart_scatter *c, span x, span y) {
    json_t *layout = json_pack("{so so si ss s{si si si si} s{ss sf ss sf}}", "xaxis", chart_axis(&c->x),
                               "yaxis", chart_axis(&c->y), "height", CHART_HEIGHT_PX + 100, "hovermode",
                               "closest", "margin", "l", 70, "r", 20, "t", 40, "b", 60, "legend",
                               "orientation", "h", "y", 1.02, "yanchor", "bottom", "x", 0.0);
    if (!layout) return NULL;
    json_object_set_new(json_object_get(layout, "xaxis"), "range", json_pack("[ff]", x.lo, x.hi));
    json_object_set_new(json_object_get(layout, "yaxis"), "range", json_pack("[ff]", y.lo, y.hi));
    if (c->x.log) chart_log_ticks(json_object_get(layout, "xaxis"), x.lo, x.hi);
    if (c->y.log) chart_log_ticks(json_object_get(layout, "yaxis"), y.lo, y.hi);
    add_lines(c, layout);
    return layout;
}

static void place_labels(const rg_chart_scatter *c, span x, span y, chart_place *place) {
    for (size_t i = 0; i < c->n_points; i++) {
        const rg_chart_point *p = &c->point[i];
        place[i] = (chart_place){.x_px = -1e9, .y_px = -1e9};
        if (!drawable(c, p)) continue;
        place[i].x_px = (scaled(&c->x, p->x) - x.lo) / (x.hi - x.lo) * CHART_WIDTH_PX;
        place[i].y_px = (y.hi - scaled(&c->y, p->y)) / (y.hi - y.lo) * CHART_HEIGHT_PX;
        place[i].label = p->label;
    }
    chart_place_labels(place, c->n_points);
}

rg_status rg_chart_scatter_json(const rg_chart_scatter *c, rg_str *json, rg_error *err) {
    RG_TRY(check(c, err));
    chart_place *place = calloc(c->n_points, sizeof *place);
    const rg_chart_point **list = calloc(c->n_points, sizeof *list);
    json_t *data = json_array(), *layout = NULL;
    if (place && list) {
        span x = range(c, false), y = range(c, true);
        place_labels(c, x, y, place);
        for (size_t g = 0; g < c->n_groups; g++) {
            json_t *line = front(c, g, list);
            if (line) json_array_append_new(data, line);
            if (json_array_append_new(data, points(c, g, place)) != 0) { /* a text is not UTF-8 */
                json_decref(data);
                data = NULL;
                break;
            }
        }
        layout = layout_of(c, x, y);
    }
    free(place);
    free(list);
    return chart_finish(data, layout, json, err);
}
