/* Reports: one document model, written as a self-contained HTML file, Markdown and CSV; builders of charts.

   Calls that build a report return nothing: the first thing that is wrong (memory, a cell outside a table, a
   number without a claim) is remembered and comes out of rg_report_write, which then writes nothing. All
   texts are copied. Text is UTF-8 and plain: `code`, **strong** and [label](#anchor) are understood, all else
   is escaped. */
#ifndef RIDGE_REPORT_H
#define RIDGE_REPORT_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_report rg_report;
rg_status rg_report_new(rg_report **out, const char *title, rg_error *err);
void rg_report_free(rg_report *report); /* NULL allowed */

/* Blocks in the order of the calls. level: 2 to 4 (the title is 1); anchor: letters, digits, '-' and '_',
   unique, or NULL. Headings of level 2 with an anchor make the table of contents. */
void rg_report_heading(rg_report *report, int level, const char *anchor, const char *text);
/* A paragraph; an empty line inside begins another. */
void rg_report_text(rg_report *report, const char *text);
/* A highlighted box: the decision, a warning. kind: "decision", "note", "warning". */
void rg_report_callout(rg_report *report, const char *kind, const char *title, const char *text);

/* Tables. Columns first, then cells row by row; cells belong to the latest table. name: file name of the CSV,
   lower-case letters, digits, '-' and '_', unique, not "report" or "decision". */
void rg_report_table(rg_report *report, const char *name, const char *caption, size_t n_columns,
                     const char *const *columns);
void rg_report_cell_text(rg_report *report, const char *text);
/* `shown` is what people read, `value` what CSV holds and sorting uses; the claim must be among those of
   rg_report_claim. claim_class may be NULL: the claim's own class counts. */
void rg_report_cell_number(rg_report *report, double value, const char *shown, const char *claim_id,
                           const char *claim_class);
/* The same without a claim: of a page about one answer that stands in full beside it, not of a study. */
void rg_report_cell_plain(rg_report *report, double value, const char *shown);
/* A chart: plotly figure as JSON text {"data": [...], "layout": {...}} for plotly.js 3 or later (titles are
   {"text": ...}). `alt` says in words what it shows. */
void rg_report_chart(rg_report *report, const char *name, const char *caption, const char *alt,
                     const char *figure_json);
/* The list of claims at the end, to which number cells link: id and JSON as rg_ledger_find gives it. */
void rg_report_claim(rg_report *report, const char *id, const char *claim_json);

/* Writes report.html, report.md, and NAME.csv and NAME.md for each table into dir. CSV follows RFC 4180, with
   a last column of the claims behind the numbers of the row. plotly_path: plotly.min.js; NULL or absent:
   tables stay, and the report says how to get charts. The HTML asks the network for nothing and forbids it by
   a content policy. */
rg_status rg_report_write(rg_report *report, const char *dir, const char *plotly_path, rg_error *err);

/* The HTML alone, as a file of this path. */
rg_status rg_report_write_html(rg_report *report, const char *path, const char *plotly_path, rg_error *err);
/* Where ./quickstart puts plotly.min.js: the user's cache folder. Returns buf. */
const char *rg_report_plotly(char *buf, size_t size);

/* ---- charts ------------------------------------------------------------------------------------------- */

/* i-th colour of Okabe and Ito's palette, which colour-blind readers can tell apart; wraps around. */
const char *rg_chart_colour(size_t i);

typedef struct rg_chart_axis {
    const char *title; /* with the unit: "decode speed, token/s" */
    bool log;          /* points at or below zero are left out of a logarithmic axis */
} rg_chart_axis;

typedef struct rg_chart_point {
    double x, y;
    double x_lo, x_hi, y_lo, y_hi; /* error bars; NaN: none */
    const char *label;             /* drawn beside the point where there is room; NULL: none */
    const char *hover;             /* shown by the pointer; NULL: label, x and y */
    size_t group;                  /* colour and entry of the legend */
    const char *symbol;            /* plotly's name: "circle" (when NULL), "square-open", "x" */
    bool front;                    /* on the Pareto front of its group: joined by a line, in order of x */
} rg_chart_point;

typedef struct rg_chart_line { /* across the whole plot: a gate, a limit */
    bool vertical;
    double at;
    const char *label;
} rg_chart_line;

typedef struct rg_chart_scatter {
    rg_chart_axis x, y;
    size_t n_points;
    const rg_chart_point *point;
    size_t n_groups;
    const char *const *group; /* names in the legend */
    size_t n_lines;
    const rg_chart_line *line;
} rg_chart_scatter;
/* Figure JSON, appended to `json`. Labels are put where they cover neither points nor other labels; one for
   which there is no room is left to the pointer. RG_ERR_USAGE when no point can be drawn or a group is
   unknown. */
rg_status rg_chart_scatter_json(const rg_chart_scatter *chart, rg_str *json, rg_error *err);

typedef struct rg_chart_bars {
    rg_chart_axis y; /* stacked bars on a logarithmic axis are refused: their heights would mean nothing */
    const char *x_title; /* NULL: none */
    bool stacked;        /* else side by side */
    size_t n_categories; /* along x */
    const char *const *category;
    size_t n_groups; /* one bar of each in every category */
    const char *const *group;
    const double *value;   /* [n_groups][n_categories]; NaN: no bar */
    const double *lo, *hi; /* error bars, the same shape; NULL: none, NaN: none there */
} rg_chart_bars;
rg_status rg_chart_bars_json(const rg_chart_bars *chart, rg_str *json, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
