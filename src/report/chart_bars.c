/* Bars, side by side or stacked, with error bars. */
#include "report/report.h"

#include <math.h>

static json_t *number(double value) {
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *error_bars(const rg_chart_bars *c, size_t group) {
    json_t *up = json_array(), *down = json_array();
    for (size_t i = 0; i < c->n_categories; i++) {
        size_t k = group * c->n_categories + i;
        json_array_append_new(up, c->hi ? number(c->hi[k] - c->value[k]) : json_null());
        json_array_append_new(down, c->lo ? number(c->value[k] - c->lo[k]) : json_null());
    }
    return json_pack("{ss sb so so sb sf si}", "type", "data", "symmetric", 0, "array", up, "arrayminus",
                     down, "visible", c->lo || c->hi, "thickness", 1.2, "width", 3);
}

static json_t *bars(const rg_chart_bars *c, size_t group) {
    json_t *x = json_array(), *y = json_array();
    for (size_t i = 0; i < c->n_categories; i++) {
        json_array_append_new(x, json_string(c->category[i]));
        json_array_append_new(y, number(c->value[group * c->n_categories + i]));
    }
    return json_pack("{ss ss so so s{ss} so}", "type", "bar", "name", c->group[group], "x", x, "y", y,
                     "marker", "color", rg_chart_colour(group), "error_y", error_bars(c, group));
}

static rg_status check(const rg_chart_bars *c, rg_error *err) {
    if (c->n_categories == 0 || c->n_groups == 0)
        return rg_fail(err, RG_ERR_USAGE, "chart", "categories and groups", "nothing to draw");
    if (c->stacked && c->y.log)
        return rg_fail(err, RG_ERR_USAGE, "chart", "a linear axis", "stacked bars on a logarithmic axis");
    for (size_t i = 0; c->y.log && i < c->n_categories * c->n_groups; i++)
        if (c->value[i] <= 0)
            return rg_fail(err, RG_ERR_USAGE, "chart", "positive values", "bar of %g on a logarithmic axis",
                           c->value[i]);
    return RG_OK;
}

rg_status rg_chart_bars_json(const rg_chart_bars *c, rg_str *json, rg_error *err) {
    RG_TRY(check(c, err));
    const rg_chart_axis x = {.title = c->x_title};
    json_t *data = json_array(), *x_axis = chart_axis(&x);
    if (x_axis) json_object_set_new(x_axis, "type", json_string("category"));
    for (size_t g = 0; g < c->n_groups; g++)
        if (json_array_append_new(data, bars(c, g)) != 0) { /* a text is not UTF-8 */
            json_decref(data);
            data = NULL;
            break;
        }
    json_t *layout =
        json_pack("{so so ss si sf sb s{si si si si} s{ss sf ss sf}}", "xaxis", x_axis, "yaxis",
                  chart_axis(&c->y), "barmode", c->stacked ? "stack" : "group", "height", 420, "bargap", 0.28,
                  "showlegend", c->n_groups > 1, "margin", "l", 70, "r", 20, "t", 40, "b", 60, "legend",
                  "orientation", "h", "y", 1.02, "yanchor", "bottom", "x", 0.0);
    return chart_finish(data, layout, json, err);
}
