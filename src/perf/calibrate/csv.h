/* CSV tables of any columns (RFC 4180: cells in quotes may hold commas, doubled quotes and line ends). */
#ifndef PERF_CSV_H
#define PERF_CSV_H

#include "ridge/base.h"

typedef struct perf_csv {
    rg_arena arena;
    size_t n_columns, n_rows;
    const char **column, **cell; /* cell[row * n_columns + column] */
} perf_csv;

/* A file with a header (.gz is inflated). RG_ERR_PARSE names the line of a row that has more or fewer cells
   than the header, of a quote that does not end. */
rg_status perf_csv_read(perf_csv *out, const char *path, rg_error *err);
rg_status perf_csv_parse(perf_csv *out, const char *text, size_t size, const char *name, rg_error *err);
void perf_csv_close(perf_csv *t);
/* NULL: no such column. */
const char *perf_csv_cell(const perf_csv *t, size_t row, const char *column);
/* The number that the cell begins with; NAN: none, or no such column. */
double perf_csv_number(const perf_csv *t, size_t row, const char *column);

#endif
