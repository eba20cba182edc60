/* Checks of measurements. A check is one function in the table of lint.c, which looks at the columns of a
   file or, for tables that an operator model reads, at its rows on one chip. */
#ifndef PERF_LINT_H
#define PERF_LINT_H

#include "perf/calibrate/calibrate.h"
#include "perf/calibrate/csv.h"

typedef struct lint_chips { /* all of the data folder */
    rg_arena arena;
    size_t n;
    rg_chip *chip;
} lint_chips;

typedef struct lint {
    rg_lint out;
    rg_lint_options options;
    lint_chips chips;
    rg_error *err;
} lint;

typedef struct lint_table {
    const char *name; /* as findings call it */
    perf_csv csv;
    const rg_chip *chip; /* that was given or that the name says; NULL: none */
} lint_table;

typedef struct lint_rows { /* of a table: those of one chip */
    const lint_table *of;
    const rg_chip *chip;
    perf_table table;
} lint_rows;

/* Numbers of rows, growing. */
typedef struct lint_hits {
    size_t n, room, *row;
    bool failed;
} lint_hits;
void lint_hit(lint_hits *hits, size_t number);
void lint_hits_free(lint_hits *hits);

/* Adds a finding; `what` and `cause` are from rg_arena_printf of l->out.arena (NULL: memory is short).
   Frees the hits. Nothing is added for no hits; hits NULL: about the whole file. */
rg_status lint_find(lint *l, const char *check, const char *file, lint_hits *hits, rg_lint_action action,
                    const char *what, const char *cause);
rg_status lint_no_memory(lint *l);

/* Index of the first column whose name has the letters and digits of one of `names` ("batch_size|batch"), in
   that order of names; -1: none. */
int lint_column(const perf_csv *t, const char *names);
/* NAN: no such column, or no number there. */
double lint_number(const perf_csv *t, size_t row, int column);
const char *lint_cell(const perf_csv *t, size_t row, int column); /* "": no such column */
/* Columns of results, as opposed to what was measured: times, rates, powers. */
bool lint_is_result(const char *column);
/* Columns that tell rows apart without saying what was measured: names, dates. */
bool lint_is_label(const perf_csv *t, size_t column);
/* Seconds that one unit of a column of times is, by the end of its name; 0: it is none. */
double lint_time_unit(const char *column);

rg_status lint_chips_open(lint_chips *chips, const char *data_dir, rg_error *err);
void lint_chips_close(lint_chips *chips);
/* The chip with the longest name that begins a word of the text: "gemm_h100sxm_trtllm.csv". NULL: none. */
const rg_chip *lint_chip_in(const lint_chips *chips, const char *text);

/* One table that is in memory: all checks but those between files. */
rg_status lint_text(lint *l, const char *name, const char *text, size_t size);
rg_status lint_open(lint *l, const rg_lint_options *options, rg_error *err);
void lint_close(lint *l); /* all but l->out */

typedef struct lint_file {
    const char *path, *name, *sha256, *header; /* header: NULL when it is no table */
} lint_file;

/* ---- checks ------------------------------------------------------------------------------------------ */

rg_status lint_files(lint *l, const lint_file *file, size_t n); /* sorted by name */

rg_status lint_physics(lint *l, const lint_rows *r);
rg_status lint_spikes(lint *l, const lint_rows *r);
rg_status lint_far(lint *l, const lint_rows *r);
rg_status lint_floor_rows(lint *l, const lint_rows *r);
rg_status lint_power(lint *l, const lint_rows *r);
rg_status lint_protocol(lint *l, const lint_rows *r);

rg_status lint_repeated(lint *l, const lint_table *t);
rg_status lint_floor(lint *l, const lint_table *t);
rg_status lint_zero(lint *l, const lint_table *t);
rg_status lint_tpot(lint *l, const lint_table *t);
rg_status lint_offered(lint *l, const lint_table *t);
rg_status lint_saturated(lint *l, const lint_table *t);
rg_status lint_capacity(lint *l, const lint_table *t);
rg_status lint_units(lint *l, const lint_table *t);

#endif
