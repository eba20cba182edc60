/* Tables of measurements, fits of constants, and what is kept of them. */
#ifndef PERF_CALIBRATE_H
#define PERF_CALIBRATE_H

#include "perf/operators/models.h"
#include "ridge/doc.h"

/* ---- tables ------------------------------------------------------------------------------------------ */

typedef struct perf_table {
    rg_arena arena;
    const perf_model *model;
    const char *header;
    size_t n;
    perf_row *row;
    size_t *number;    /* of each row, among those of the file from 1 */
    const char **line; /* as it stood, without its end */
} perf_table;

typedef struct perf_unread { /* rows that are no numbers, or no sizes */
    size_t n, first;         /* number of the first */
    rg_error why;            /* it was passed over */
} perf_unread;

/* CSV with a header, columns found by name; others are passed over. `measured` names the column of measured
   times, in ms unless its name ends in _s or _us; NULL: none. `kernel` stands in where the table has no such
   column. Rows of other chips (column `system`) are left out. The table keeps pointers into `text`, which is
   cut up. */
rg_status perf_table_read(perf_table *out, const perf_model *model, char *text, size_t size, const char *name,
                          const char *measured, const char *kernel, const rg_chip *chip, rg_error *err);
/* The same, but rows that cannot be read are no error: they are passed over and counted. */
rg_status perf_table_read_most(perf_table *out, const perf_model *model, char *text, size_t size,
                               const char *name, const char *measured, const rg_chip *chip,
                               perf_unread *unread, rg_error *err);
void perf_table_close(perf_table *table);

/* Whether the word of a `system` column names the chip: "h100_sxm". */
bool perf_is_chip(const rg_chip *chip, const char *system);

/* "bfloat16/torch": what has constants of its own. */
void perf_group_text(const perf_model *model, const perf_row *row, char *buf, size_t size);

/* ---- constants --------------------------------------------------------------------------------------- */

typedef struct perf_residual { /* of log(measured / estimate) */
    double n, lo, hi;          /* 10 % and 90 % quantiles */
} perf_residual;

typedef struct perf_calibration {
    const char *chip, *op, *group, *date, *data, *sha256;
    const perf_model *model;
    double rows;
    bool registers; /* as in perf_machine, of the chip */
    double constant[PERF_MAX_CONSTANTS];
    double hull_lo[PERF_MAX_NUMBERS], hull_hi[PERF_MAX_NUMBERS];
    perf_residual residual[PERF_N_REGIMES + 1]; /* the last: all */
    rg_fit_score held_out;
} perf_calibration;

/* Of a whole step ("training", "serving"): how its parts combine, what they take beside each other. */
typedef struct perf_step_constant {
    const char *phase, *name, *unit;
    const char *chip, *group; /* "": any */
    const char *date, *data, *sha256, *note;
    double value, lo, hi, rows; /* range in which it may lie; rows that fixed it, 0: none */
} perf_step_constant;

/* Where the constants of collectives stand, by chip, operation, type (half, int8) and ranks (2, 4, 8, ...).
 */
enum { PERF_NETWORK_OPS = 4, PERF_NETWORK_COUNTS = 8, PERF_NETWORK_CHIPS = 16 };
typedef struct perf_network_chip {
    const char *id;
    const perf_calibration *entry[PERF_NETWORK_OPS][2][PERF_NETWORK_COUNTS];
} perf_network_chip;

struct rg_calibrations {
    rg_arena arena;
    size_t n, room;
    perf_calibration *entry;
    size_t n_steps, step_room;
    perf_step_constant *step;
    size_t n_network;
    perf_network_chip network[PERF_NETWORK_CHIPS];
};
/* Fills the index, when all is read. */
void perf_network_index(rg_calibrations *all);

/* Of a document whose root has `phase`. */
rg_status perf_step_constants_read(rg_calibrations *all, rg_doc *doc, rg_error *err);
/* A copy of it; a constant of the same place and name is replaced. */
rg_status perf_step_constants_add(rg_calibrations *all, const perf_step_constant *c, rg_error *err);
/* The file of one phase. */
rg_status perf_step_constants_write(const rg_calibrations *all, const char *phase, const char *path,
                                    rg_error *err);
/* The one that names most of chip and group (NULL: none); NULL: not there. */
const perf_step_constant *perf_step_constant_find(const rg_calibrations *all, const char *phase,
                                                  const char *name, const char *chip, const char *group);

rg_status perf_calibrations_add(rg_calibrations *all, const perf_calibration *entry, rg_error *err);
rg_status perf_calibrations_parse(rg_calibrations *all, const char *text, size_t size, const char *name,
                                  rg_error *err);
rg_status perf_calibrations_read(rg_calibrations *all, const char *path, rg_error *err);
/* "x.yaml" is the first split, "x.split2.yaml" the second. */
void perf_split_path(const char *path, int split, char *buf, size_t size);
/* The file of one chip. */
rg_status perf_calibrations_write(const rg_calibrations *all, const char *chip, const char *path,
                                  rg_error *err);

/* The constants as they are carried to another chip: in proportion to the presets of both kinds of chips. */
void perf_constants_on(const perf_calibration *e, const perf_machine *m, double *constant);

/* A text of one line as YAML. */
void perf_print_quoted(rg_str *out, const char *text);

/* Estimate and interval of a row; false when there are no constants for its operator and formats. `without`:
   a chip whose constants are not to be used, or NULL. */
bool perf_answer(const rg_calibrations *all, const rg_chip *chip, const perf_model *model,
                 const perf_row *row, const char *without, rg_estimate *out);

/* ---- physics of one row ------------------------------------------------------------------------------ */

typedef enum perf_verdict {
    PERF_SOUND,
    PERF_IN_CACHE,       /* faster than the memory, but (all but) the last cache's worth of bytes is not */
    PERF_UNKNOWN_FORMAT, /* of the table, or of the chip */
    PERF_NOT_POSITIVE,   /* no time */
    PERF_BEATS_COMPUTE,  /* faster than the chip's rate */
    PERF_BEATS_MEMORY    /* faster than its memory or links, which no cache explains */
} perf_verdict;
/* What a fit may use is SOUND or IN_CACHE. *bound_s is 0 without a known format. */
perf_verdict perf_judge(const perf_model *model, const perf_row *row, const rg_chip *chip, double *bound_s);

/* ---- fits -------------------------------------------------------------------------------------------- */

enum { PERF_FOLDS = 7 }; /* of ten; the last three are one, held out */
/* Fold of a row's site (or model): 0 to PERF_FOLDS. Seven tenths of the sites fit constants, and give the
   interval as fold by fold is predicted from the others; three tenths are held out. */
int perf_fold_of(const perf_model *model, const perf_row *row, bool by_model, uint64_t seed);

typedef enum perf_part { PERF_FIT, PERF_INTERVAL, PERF_HELD_OUT } perf_part;
/* Where constants and interval come from rows apart: of the folds five, two, and what is held out. */
perf_part perf_part_of(const perf_model *model, const perf_row *row, bool by_model, uint64_t seed);

typedef struct perf_rows { /* of one group, and how they are split */
    const perf_model *model;
    const perf_row *const *row;
    size_t n;
    const rg_chip *chip;
    bool by_model;
    uint64_t seed;
} perf_rows;

typedef struct perf_left { /* of a row, by constants that have not seen its fold */
    double log_ratio;      /* of measured / estimate */
    perf_regime regime;
} perf_left;

/* Constants, with hull and without residuals; names and digests are the caller's. `left` has room for all
   rows. False without memory. */
bool perf_fit_group(const perf_rows *r, perf_calibration *out, perf_left *left, size_t *n_left);
/* Quantiles by regime; `work` has room for n. */
void perf_residuals_of(const perf_left *left, size_t n, double *work, perf_residual *out);
perf_residual perf_quantiles(double *log_error, size_t n); /* sorts */
double perf_quantile(double *x, size_t n, double q);       /* sorts */

/* Scores constants on the held-out sites of a table: those of split[i] on the sites of split i + 1. One row
   per group and split. */
rg_status perf_score_table(const rg_fit_request *request, const rg_calibrations *const *split, int n,
                           rg_fit *out, rg_error *err);

typedef struct perf_errors { /* of predictions against measurements */
    size_t n, room, inside;
    double *relative, sum, signed_sum;
    bool failed; /* no memory: rows are missing */
} perf_errors;
void perf_errors_add(perf_errors *e, double measured_s, double estimate_s, double lo_s, double hi_s);
rg_fit_score perf_errors_score(perf_errors *e);
void perf_errors_free(perf_errors *e);

#endif
