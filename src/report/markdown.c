/* The report as Markdown (GitHub's dialect): the same blocks, charts by their words. */
#include "report/report.h"

#include <string.h>

static void paragraph(rg_str *out, const char *text, const char *prefix) {
    rg_str_add(out, prefix);
    if (*text && strchr("#>+-", *text)) rg_str_add(out, "\\"); /* no heading, quote or list by accident */
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        rg_str line = {0};
        rg_str_add_n(&line, p, n);
        report_inline(out, line.data ? line.data : "", FORM_MARKDOWN);
        out->failed = out->failed || line.failed;
        rg_str_free(&line);
        p += n + (p[n] == '\n');
        if (*p) rg_str_printf(out, "\n%s", prefix);
    }
    rg_str_add(out, "\n\n");
}

static void number_cell(rg_str *out, const report_cell *cell, const char *claims_page) {
    rg_str_add(out, "[");
    report_escape(out, cell->text, strlen(cell->text), FORM_MARKDOWN_CELL);
    rg_str_printf(out, "](%s#claim-%s)", claims_page, cell->claim);
}

void report_markdown_table(rg_str *out, const report_block *t, const char *claims_page) {
    rg_str_add(out, "|");
    for (size_t c = 0; c < t->n_columns; c++) {
        rg_str_add(out, " ");
        report_inline(out, t->column[c], FORM_MARKDOWN_CELL);
        report_column column = report_column_of(t, c);
        if (column.class) rg_str_printf(out, " (%s)", column.class);
        rg_str_add(out, " |");
    }
    rg_str_add(out, "\n|");
    for (size_t c = 0; c < t->n_columns; c++)
        rg_str_add(out, report_column_of(t, c).number ? " ---: |" : " --- |");
    rg_str_add(out, "\n");
    for (size_t row = 0; row < t->n_cells; row += t->n_columns) {
        rg_str_add(out, "|");
        for (size_t c = 0; c < t->n_columns; c++) {
            const report_cell *cell = &t->cell[row + c];
            rg_str_add(out, " ");
            if (cell->claim)
                number_cell(out, cell, claims_page);
            else
                report_inline(out, cell->text, FORM_MARKDOWN_CELL);
            rg_str_add(out, " |");
        }
        rg_str_add(out, "\n");
    }
    rg_str_add(out, "\n");
    report_inline(out, t->text, FORM_MARKDOWN);
    rg_str_add(out, "\n");
}

static void block(rg_str *out, const report_block *b) {
    switch (b->kind) {
    case BLOCK_HEADING:
        if (b->name) rg_str_printf(out, "<a id=\"%s\"></a>\n\n", b->name);
        rg_str_printf(out, "%.*s ", b->level, "####");
        report_inline(out, b->text, FORM_MARKDOWN_CELL);
        rg_str_add(out, "\n\n");
        break;
    case BLOCK_TEXT:
        paragraph(out, b->text, "");
        break;
    case BLOCK_CALLOUT:
        rg_str_add(out, "> **");
        report_escape(out, b->more, strlen(b->more), FORM_MARKDOWN_CELL);
        rg_str_add(out, "**\n>\n");
        paragraph(out, b->text, "> ");
        break;
    case BLOCK_TABLE:
        report_markdown_table(out, b, "");
        rg_str_add(out, "\n");
        break;
    case BLOCK_CHART:
        rg_str_add(out, "Chart (drawn in report.html): ");
        report_inline(out, b->more, FORM_MARKDOWN);
        rg_str_add(out, " ");
        report_inline(out, b->text, FORM_MARKDOWN);
        rg_str_add(out, "\n\n");
        break;
    }
}

static void claim(rg_str *out, const struct report_claim *c) {
    const json_t *value = json_object_get(c->json, "value");
    const char *unit = json_string_value(json_object_get(c->json, "unit"));
    const char *subject = json_string_value(json_object_get(c->json, "subject"));
    const char *class = json_string_value(json_object_get(c->json, "class"));
    const char *command = json_string_value(json_object_get(c->json, "command"));
    rg_str_printf(out, "- <a id=\"claim-%s\"></a>`%s` ", c->id, c->id);
    report_escape(out, class, strlen(class), FORM_MARKDOWN_CELL);
    rg_str_add(out, ": ");
    report_escape(out, subject, strlen(subject), FORM_MARKDOWN_CELL);
    if (json_is_number(value)) {
        rg_str_add(out, " = ");
        report_number(out, json_number_value(value));
        rg_str_add(out, " ");
        if (unit) report_escape(out, unit, strlen(unit), FORM_MARKDOWN_CELL);
    }
    if (command && !strchr(command, '`') && !strchr(command, '\n')) rg_str_printf(out, "; `%s`", command);
    rg_str_add(out, "\n");
}

void report_markdown(rg_str *out, const rg_report *r) {
    rg_str_add(out, "# ");
    report_inline(out, r->title, FORM_MARKDOWN_CELL);
    rg_str_add(out, "\n\n");
    for (const report_block *b = r->first; b; b = b->next) block(out, b);
    if (r->n_claims)
        rg_str_add(out, "<a id=\"claims\"></a>\n\n## Claims\n\nWhat every number rests on; digests of "
                        "inputs are in `claims.jsonl`.\n\n");
    for (size_t i = 0; i < r->n_claims; i++) claim(out, &r->claim[i]);
}
