/* Tables as CSV (RFC 4180). */
#include "report/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void field(rg_str *out, const char *text) {
    rg_str plain = {0};
    report_inline(&plain, text, FORM_PLAIN);
    const char *p = plain.data ? plain.data : "";
    out->failed = out->failed || plain.failed;
    if (!strpbrk(p, ",\"\r\n")) {
        rg_str_add(out, p);
    } else {
        rg_str_add(out, "\"");
        for (; *p; p++) {
            if (*p == '"') rg_str_add(out, "\"");
            rg_str_add_n(out, p, 1);
        }
        rg_str_add(out, "\"");
    }
    rg_str_free(&plain);
}

void report_csv(rg_str *out, const report_block *t) {
    bool numbers = false;
    for (size_t c = 0; c < t->n_columns; c++) {
        if (c) rg_str_add(out, ",");
        field(out, t->column[c]);
        numbers = numbers || report_column_of(t, c).number;
    }
    rg_str_add(out, numbers ? ",claims\r\n" : "\r\n");
    for (size_t row = 0; row < t->n_cells; row += t->n_columns) {
        rg_str claims = {0};
        for (size_t c = 0; c < t->n_columns; c++) {
            const report_cell *cell = &t->cell[row + c];
            if (c) rg_str_add(out, ",");
            if (!cell->claim) {
                field(out, cell->text);
                continue;
            }
            if (isfinite(cell->value)) report_number(out, cell->value);
            rg_str_printf(&claims, "%s%s", claims.len ? " " : "", cell->claim);
        }
        if (numbers) rg_str_printf(out, ",%s", claims.data ? claims.data : "");
        rg_str_add(out, "\r\n");
        out->failed = out->failed || claims.failed;
        rg_str_free(&claims);
    }
}
