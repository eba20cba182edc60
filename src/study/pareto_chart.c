/* The Pareto chart: loss of quality against bound on decode speed, a colour for each chip, a symbol for how
   the chip executes the format, a line along each front. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Okabe and Ito's palette: told apart by colour-blind readers. */
static const char *const palette[] = {"#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                      "#E69F00", "#56B4E9", "#F0E442", "#000000"};
static const char *const symbols[] = {[RG_PATH_NATIVE] = "circle",
                                      [RG_PATH_DEQUANTISED] = "square-open",
                                      [RG_PATH_HYPOTHETICAL] = "x-thin-open"};

static const char *colour(size_t chip) {
    return palette[chip % (sizeof palette / sizeof *palette)];
}

static json_t *points(const study *s, size_t chip) {
    json_t *x = json_array(), *y = json_array(), *error = json_array(), *text = json_array(),
           *hover = json_array(), *symbol = json_array();
    for (size_t i = 0; i < s->n_options; i++) {
        const study_option *o = &s->option[i];
        const study_speed *v = &o->speed[chip][RG_DECODE];
        char tip[320];
        if (!v->fits || o->quality.kld_mean <= 0) continue; /* a logarithmic axis has no place for zero */
        snprintf(tip, sizeof tip,
                 "%s on %s<br>%.0f token/s, KL divergence %.4f +- %.4f nat<br>%s%s%s, limited by %s", o->name,
                 s->chip_id[chip], v->tokens_per_s, o->quality.kld_mean, 2 * o->quality.kld_mean_se,
                 rg_path_kind_name(v->kind), v->runs_as[0] ? ", multiplied as " : "", v->runs_as, v->limiter);
        json_array_append_new(x, json_real(v->tokens_per_s));
        json_array_append_new(y, json_real(o->quality.kld_mean));
        json_array_append_new(error, json_real(2 * o->quality.kld_mean_se));
        json_array_append_new(text, json_string(o->front[chip] ? o->name : ""));
        json_array_append_new(hover, json_string(tip));
        json_array_append_new(symbol, json_string(symbols[v->kind]));
    }
    return json_pack("{ss ss ss so so so so ss s{so ss si s{si}} s{ss so sb ss si} s{si}}", "type", "scatter",
                     "mode", "markers+text", "name", s->chip_id[chip], "x", x, "y", y, "text", text,
                     "hovertext", hover, "hoverinfo", "text", "marker", "symbol", symbol, "color",
                     colour(chip), "size", 9, "line", "width", 2, "error_y", "type", "data", "array", error,
                     "visible", 1, "color", colour(chip), "thickness", 1, "textfont", "size", 10);
}

static int by_speed(const void *a, const void *b) {
    double x = ((const double *)a)[0], y = ((const double *)b)[0];
    return (x > y) - (x < y);
}

static json_t *front_line(const study *s, size_t chip) {
    double at[STUDY_MAX_OPTIONS][2];
    size_t n = 0;
    for (size_t i = 0; i < s->n_options; i++) {
        const study_option *o = &s->option[i];
        if (!o->front[chip] || o->quality.kld_mean <= 0) continue;
        at[n][0] = o->speed[chip][RG_DECODE].tokens_per_s;
        at[n++][1] = o->quality.kld_mean;
    }
    qsort(at, n, sizeof *at, by_speed);
    json_t *x = json_array(), *y = json_array();
    for (size_t i = 0; i < n; i++) {
        json_array_append_new(x, json_real(at[i][0]));
        json_array_append_new(y, json_real(at[i][1]));
    }
    return json_pack("{ss ss so so s{ss si ss} sb ss}", "type", "scatter", "mode", "lines", "x", x, "y", y,
                     "line", "color", colour(chip), "width", 1, "dash", "dot", "showlegend", 0, "hoverinfo",
                     "skip");
}

/* The gate as a dashed line across the plot. */
static json_t *gate_shape(const study *s) {
    return json_pack("{ss ss si si sf sf s{ss ss si}}", "type", "line", "xref", "paper", "x0", 0, "x1", 1,
                     "y0", s->kld_limit, "y1", s->kld_limit, "line", "color", "#888888", "dash", "dash",
                     "width", 1);
}

static json_t *gate_label(const study *s) {
    char text[64];
    snprintf(text, sizeof text, "gate: %g nat", s->kld_limit);
    return json_pack("{ss si ss ss sf ss sb s{si ss}}", "xref", "paper", "x", 0, "xanchor", "left", "yref",
                     "y", "y", log10(s->kld_limit), "text", text, "showarrow", 0, "font", "size", 11, "color",
                     "#666666");
}

char *study_pareto_figure(const study *s) {
    json_t *data = json_array();
    for (size_t c = 0; c < s->n_chips; c++) {
        json_array_append_new(data, points(s, c));
        json_array_append_new(data, front_line(s, c));
    }
    json_t *label = gate_label(s);
    if (label) json_object_set_new(label, "yanchor", json_string("bottom"));
    json_t *layout = json_pack("{s{s{ss} ss sb} s{s{ss} ss sb ss} s[o] s[o] si s{si si si si} s{ss sf sf}}",
                               "xaxis", "title", "text", "bound on decode speed, token/s", "type", "log",
                               "automargin", 1, "yaxis", "title", "text", "mean KL divergence from fp32, nat",
                               "type", "log", "automargin", 1, "exponentformat", "power", "shapes",
                               gate_shape(s), "annotations", label, "height", 560, "margin", "l", 70, "r", 20,
                               "t", 20, "b", 60, "legend", "orientation", "h", "y", 1.08, "x", 0.0);
    json_t *figure = json_pack("{so so}", "data", data, "layout", layout);
    char *text = figure ? json_dumps(figure, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    json_decref(figure);
    return text;
}
