/* The document model, and what the writers share. */
#ifndef RIDGE_REPORT_PRIVATE_H
#define RIDGE_REPORT_PRIVATE_H

#include <jansson.h>

#include "ridge/report.h"

typedef enum block_kind { BLOCK_HEADING, BLOCK_TEXT, BLOCK_CALLOUT, BLOCK_TABLE, BLOCK_CHART } block_kind;

typedef struct report_cell {
    const char *text; /* as shown */
    bool number;
    const char *claim; /* numbers: id of the claim; NULL: a text cell or a plain number */
    const char *class; /* of the claim; set by report_check */
    double value;
} report_cell;

typedef struct report_block {
    block_kind kind;
    struct report_block *next;
    int level;
    const char *name; /* anchor, kind of callout, name of table or chart; may be NULL for headings */
    const char *text; /* text or caption */
    const char *more; /* title of a callout, alt of a chart */
    const char *figure;
    size_t n_columns, n_cells, cap;
    const char **column;
    report_cell *cell; /* [n_cells / n_columns][n_columns] */
} report_block;

struct rg_report {
    rg_arena arena;
    const char *title;
    report_block *first, *last;
    report_block nowhere; /* takes what is set after memory ran out */
    size_t n_claims, cap_claims;
    struct report_claim {
        const char *id, *text;
        const json_t *json; /* borrowed from `by_id` */
    } * claim;
    json_t *by_id;  /* id -> claim, made by report_check */
    rg_error error; /* the first thing that went wrong while building */
};

/* check.c: everything that must hold before a byte is written. */
rg_status report_check(rg_report *report, rg_error *err);

/* What a column holds, so that all writers treat it alike. */
typedef struct report_column {
    bool number;       /* has number cells */
    const char *class; /* of all its numbers, NULL when they differ */
    size_t suffix;     /* characters of the longest text after a number ("12 d": 2) */
} report_column;
report_column report_column_of(const report_block *table, size_t column);
/* Bytes of the leading number in "0.12 +- 0.03 d": what follows is a mark. */
size_t report_number_length(const char *shown);

/* inline.c: text with `code`, **strong** and [label](#anchor) in the form of the target. */
typedef enum inline_form { FORM_HTML, FORM_MARKDOWN, FORM_MARKDOWN_CELL, FORM_PLAIN } inline_form;
void report_inline(rg_str *out, const char *text, inline_form form);
void report_escape(rg_str *out, const char *text, size_t n, inline_form form);
/* Shortest text that reads back to the same double. */
void report_number(rg_str *out, double value);

/* The writers. */
void report_html_table(rg_str *out, const report_block *table);
void report_html_claims(rg_str *out, const rg_report *report);
void report_html(rg_str *out, const rg_report *report, const char *plotly, size_t plotly_size);
void report_markdown(rg_str *out, const rg_report *report);
/* claims_page: name of the file with the claims list, "" when it is the same. */
void report_markdown_table(rg_str *out, const report_block *table, const char *claims_page);
void report_csv(rg_str *out, const report_block *table);
extern const char report_style[], report_script[];

/* chart_common.c */
json_t *chart_axis(const rg_chart_axis *axis);
/* Ticks at 1, 2, 5 of each decade between 10^lo and 10^hi, written out: plotly's own bare digits are misread.
 */
void chart_log_ticks(json_t *axis, double lo, double hi);
rg_status chart_finish(json_t *data, json_t *layout, rg_str *json, rg_error *err);

#endif
