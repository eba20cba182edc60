/* What the chart builders share: palette, axes, output. */
#include "report/report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

const char *rg_chart_colour(size_t i) {
    /* Okabe and Ito, "Color Universal Design" (2008); its yellow is last, since it is pale on white, and the
       page turns its black into the colour of the text */
    static const char *const palette[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#56B4E9", "#E69F00", "#000000", "#F0E442"};
    return palette[i % (sizeof palette / sizeof *palette)];
}

json_t *chart_axis(const rg_chart_axis *axis) {
    return json_pack("{s{ss}sb ss}", "title", "text", axis->title ? axis->title : "", "automargin", 1, "type",
                     axis->log ? "log" : "linear");
}

static void tick_text(double value, char *text, size_t size) {
    if (value >= 1e7 || value < 1e-4)
        snprintf(text, size, "%.0e", value);
    else if (value >= 1e4)
        snprintf(text, size, "%d,%03d", (int)value / 1000, (int)value % 1000);
    else
        snprintf(text, size, "%g", value);
}

void chart_log_ticks(json_t *axis, double lo, double hi) {
    static const double steps[] = {1, 2, 5};
    size_t n_steps = hi - lo < 4.5 ? 3 : 1;
    json_t *values = json_array(), *texts = json_array();
    for (int decade = (int)floor(lo); decade <= (int)ceil(hi) && hi - lo < 30; decade++)
        for (size_t i = 0; i < n_steps; i++) {
            char text[32];
            double value = steps[i] * pow(10, decade);
            if (log10(value) < lo || log10(value) > hi) continue;
            tick_text(value, text, sizeof text);
            json_array_append_new(values, json_real(value));
            json_array_append_new(texts, json_string(text));
        }
    bool enough = json_array_size(values) >= 2;
    if (enough) {
        json_object_set(axis, "tickvals", values);
        json_object_set(axis, "ticktext", texts);
    }
    json_decref(values);
    json_decref(texts);
}

rg_status chart_finish(json_t *data, json_t *layout, rg_str *json, rg_error *err) {
    json_t *figure = data && layout ? json_pack("{sOsO}", "data", data, "layout", layout) : NULL;
    char *text = figure ? json_dumps(figure, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(figure);
    json_decref(data);
    json_decref(layout);
    if (!text)
        return rg_fail(err, RG_ERR_USAGE, "chart", "UTF-8 texts and finite numbers", "cannot be drawn");
    rg_str_add(json, text);
    free(text);
    return json->failed ? rg_fail(err, RG_ERR_MEMORY, "chart", NULL, "out of memory") : RG_OK;
}
