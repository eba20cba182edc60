/* Reports: one document model, written as a self-contained HTML file, Markdown and CSV. */
#ifndef RIDGE_REPORT_H
#define RIDGE_REPORT_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_report rg_report;
rg_status rg_report_new(rg_report **out, const char *title, rg_error *err);
void rg_report_free(rg_report *report);

/* Blocks in the order of the calls. Text is plain text: `code`, **strong** and [label](#anchor) are understood, all else is escaped. */
void rg_report_heading(rg_report *report, int level, const char *anchor, const char *text);
void rg_report_text(rg_report *report, const char *text);
/* A highlighted box: the decision, a warning. kind: "decision", "note", "warning". */
void rg_report_callout(rg_report *report, const char *kind, const char *title, const char *text);

/* Tables. Columns first, then cells row by row. A number cell carries the id of its claim. */
void rg_report_table(rg_report *report, const char *name, const char *caption, size_t n_columns, const char *const *columns);
void rg_report_cell_text(rg_report *report, const char *text);
void rg_report_cell_number(rg_report *report, double value, const char *shown, const char *claim_id, const char *claim_class);
/* A chart: plotly figure as JSON text {"data": [...], "layout": {...}}. `alt` says in words what it shows. */
void rg_report_chart(rg_report *report, const char *name, const char *caption, const char *alt, const char *figure_json);
/* The list of claims at the end, to which number cells link. */
void rg_report_claim(rg_report *report, const char *id, const char *claim_json);

/* Writes report.html, report.md and one NAME.csv per table into dir. `plotly_path` NULL or absent: tables stay, and the report says how to get
   charts. Fails when memory ran out on the way or a number has no claim. */
rg_status rg_report_write(rg_report *report, const char *dir, const char *plotly_path, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
