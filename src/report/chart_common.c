/* What the chart builders share: palette, axes, output. */
#include "report/report.h"

#include <stdlib.h>

const char *rg_chart_colour(size_t i) {
    /* Okabe and Ito, "Color Universal Design" (2008); its yellow is last, since it is pale on white, and the
       page turns its black into the colour of the text */
    static const char *const palette[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                          "#56B4E9", "#E69F00", "#000000", "#F0E442"};
    return palette[i % (sizeof palette / sizeof *palette)];
}

json_t *chart_axis(const rg_chart_axis *axis) {
    json_t *a = json_pack("{s{ss}sb ss}", "title", "text", axis->title ? axis->title : "", "automargin", 1,
                          "type", axis->log ? "log" : "linear");
    /* decades and their halves: a tick on every digit is a grey wall */
    if (a && axis->log) json_object_set_new(a, "dtick", json_string("D2"));
    return a;
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
