/* Tables in HTML. The class of the claims stands once in the head of a column where all its numbers share it,
   else as a letter beside each number. */
#include "report/report.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

static void escape(rg_str *out, const char *text) {
    report_escape(out, text, strlen(text), FORM_HTML);
}

static void head(rg_str *out, const report_block *t) {
    rg_str_add(out, "<thead><tr>");
    for (size_t c = 0; c < t->n_columns; c++) {
        report_column column = report_column_of(t, c);
        rg_str_printf(out, "<th scope=\"col\"%s><button type=\"button\">",
                      column.number ? " class=\"n\"" : "");
        report_inline(out, t->column[c], FORM_HTML);
        if (column.class) {
            rg_str_add(out, "<small>");
            escape(out, column.class);
            rg_str_add(out, "</small>");
        }
        rg_str_add(out, "</button></th>");
    }
    rg_str_add(out, "</tr></thead>\n");
}

static void claim_link(rg_str *out, const report_cell *cell, size_t n) {
    rg_str_printf(out, "<a href=\"#claim-%s\" title=\"", cell->claim);
    escape(out, cell->class);
    rg_str_printf(out, ", claim %s\">", cell->claim);
    report_escape(out, cell->text, n, FORM_HTML);
    rg_str_add(out, "</a>");
}

static void number_cell(rg_str *out, const report_cell *cell, const report_column *column) {
    size_t n = report_number_length(cell->text);
    rg_str_add(out, "<td class=\"n\"");
    if (isfinite(cell->value)) {
        rg_str_add(out, " data-v=\"");
        report_number(out, cell->value);
        rg_str_add(out, "\"");
    }
    rg_str_add(out, ">");
    if (cell->claim)
        claim_link(out, cell, n);
    else
        report_escape(out, cell->text, n, FORM_HTML);
    if (column->suffix) { /* as wide in every row, so that the numbers stay aligned */
        rg_str_printf(out, "<span class=\"after\" style=\"width:%zuch\">", column->suffix);
        escape(out, cell->text + n);
        rg_str_add(out, "</span>");
    }
    if (cell->claim && !column->class) {
        char letter[2] = {(char)toupper((unsigned char)cell->class[0]), 0};
        rg_str_add(out, "<abbr class=\"class\" title=\"");
        escape(out, cell->class);
        rg_str_add(out, "\">");
        escape(out, letter);
        rg_str_add(out, "</abbr>");
    }
    rg_str_add(out, "</td>");
}

static void text_cell(rg_str *out, const report_cell *cell, const report_column *column, bool first) {
    bool brief = strlen(cell->text) <= (first ? 24 : 12); /* names and dates stay on one line */
    rg_str_add(out, first ? "<th scope=\"row\"" : "<td");
    if (column->number || brief) rg_str_printf(out, " class=\"%s\"", column->number ? "n" : "brief");
    rg_str_add(out, ">");
    report_inline(out, cell->text, FORM_HTML);
    rg_str_add(out, first ? "</th>" : "</td>");
}

/* A row with a cell that is strong as a whole is the chosen one. */
static bool chosen(const report_block *t, size_t row) {
    for (size_t c = 0; c < t->n_columns; c++) {
        const char *text = t->cell[row + c].text;
        size_t n = strlen(text);
        if (!t->cell[row + c].number && n > 4 && !strncmp(text, "**", 2) && !strcmp(text + n - 2, "**"))
            return true;
    }
    return false;
}

void report_html_table(rg_str *out, const report_block *t) {
    rg_str_printf(
        out,
        "<figure class=\"table\" id=\"table-%s\"><div class=\"scroll\" tabindex=\"0\" role=\"region\" "
        "aria-labelledby=\"caption-%s\"><table aria-describedby=\"caption-%s\">\n",
        t->name, t->name, t->name);
    head(out, t);
    rg_str_add(out, "<tbody>\n");
    for (size_t row = 0; row < t->n_cells; row += t->n_columns) {
        rg_str_add(out, chosen(t, row) ? "<tr class=\"chosen\">" : "<tr>");
        for (size_t c = 0; c < t->n_columns; c++) {
            report_column column = report_column_of(t, c);
            if (t->cell[row + c].number)
                number_cell(out, &t->cell[row + c], &column);
            else
                text_cell(out, &t->cell[row + c], &column, c == 0);
        }
        rg_str_add(out, "</tr>\n");
    }
    rg_str_printf(out, "</tbody></table></div><figcaption id=\"caption-%s\">", t->name);
    report_inline(out, t->text, FORM_HTML);
    rg_str_add(out, "</figcaption></figure>\n");
}
