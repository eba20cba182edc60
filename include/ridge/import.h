/* Results of other tools, put through the statistics that Ridge's own evaluations use. docs/quality.md,
   "Results from elsewhere", gives the forms. */
#ifndef RIDGE_IMPORT_H
#define RIDGE_IMPORT_H

#include "ridge/base.h"
#include "ridge/paired.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results of evaluations ------------------------------------------------------------------------------
 */

typedef struct rg_import rg_import;

typedef struct rg_import_options {
    const char *form; /* name of the reader (rg_import_form); NULL: recognised by content */
    const char
        *filter; /* lm-evaluation-harness samples of several filters: the one to take; NULL: the only one */
} rg_import_options;

/* Name and, if not NULL, one line of help of the i-th reader; NULL past the end. */
const char *rg_import_form(size_t i, const char **help);

/* Reads a file (.gz is inflated). RG_ERR_PARSE names file and line of what does not follow its form, or that
   no reader knows the file; numbers that are not finite are refused. Close with rg_import_close. */
rg_status rg_import_open(rg_import **out, const char *path, const rg_import_options *options, rg_error *err);
/* The same of a text in memory; `name` stands in messages. */
rg_status rg_import_parse(rg_import **out, const char *name, const char *text, size_t size,
                          const rg_import_options *options, rg_error *err);
void rg_import_close(rg_import *import);             /* NULL allowed */
const char *rg_import_kind(const rg_import *import); /* the reader's name */
/* Of the file as it lies (a .gz: not inflated), or of the text in memory. */
const rg_digest *rg_import_sha256(const rg_import *import);

typedef struct rg_import_figure {
    char key[48];
    double value;         /* NaN: unknown */
    const char *unit;     /* "1", "nat", "token"; static */
    double lo, hi;        /* NaN: none */
    const char *interval; /* what lo..hi is; NULL: none; static */
} rg_import_figure;

enum { RG_IMPORT_FIGURES = 64 };
typedef struct rg_import_result {
    size_t n;
    rg_import_figure figure[RG_IMPORT_FIGURES];
    bool compared;      /* there was a reference: another file, or one inside the file */
    bool has_verdict;   /* not for activations that differ: a ratio of signal to noise is no test */
    rg_verdict verdict; /* against the reference */
    char note[256];     /* in words, what the sample can show where the verdict is RG_CANNOT_TELL; the tensor
                           that differs most; may be empty */
} rg_import_result;

/* Figures of `candidate`, and how it stands against `reference` (NULL: alone, or against the reference that
   the file itself holds). RG_ERR_MISMATCH where the two are of different kinds or not of the same items,
   naming the first that differs. */
rg_status rg_import_compare(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                            rg_error *err);

/* ---- layer by layer --------------------------------------------------------------------------------------
 */

typedef enum rg_dump_kind { RG_DUMP_VALUES, RG_DUMP_SHAPE, RG_DUMP_MISSING, RG_DUMP_ADDED } rg_dump_kind;
/* "values", "shape", "missing" (the second file has no such node), "added" (the first has none). */
const char *rg_dump_kind_name(rg_dump_kind kind);

/* A node that differs. Numbers are NaN where a file does not give them. */
typedef struct rg_dump_difference {
    const char *name, *op; /* op: "" where unknown */
    int layer;             /* -1: outside the layers or unknown */
    rg_dump_kind kind;
    double amax_a, amax_b, rms_a, rms_b, mean_a, mean_b;
    double amax_difference, rms_difference; /* |a - b| / max(|a|, |b|) */
    /* Element by element, activations only: sqrt(sum (b - a)^2 / sum a^2), 10 log10(sum a^2 / sum (b - a)^2)
     */
    double relative_error, sqnr_db;
} rg_dump_difference;

typedef struct rg_dump_header { /* what the two runs do not have in common */
    const char *key, *a, *b;
} rg_dump_header;

typedef struct rg_dump_report {
    size_t n_nodes, n_equal; /* of the first file */
    size_t n;                /* differences, in the order of the first file, added nodes last */
    rg_dump_difference *difference;
    size_t n_headers;
    rg_dump_header header[8];
    rg_arena arena;
} rg_dump_report;

/* Compares what two implementations computed at each node of a model: two JSON dumps (docs/quality.md) by
   digest, where both have one, and by amax, rms and mean; or two files of activations element by element.
   A node is equal when its digests are, or when none of the numbers differs by more than `tolerance`,
   relative; 0: not at all. RG_ERR_PARSE names what does not follow the form, RG_ERR_MISMATCH two files of
   different kinds. Free with rg_dump_report_free. */
rg_status rg_dump_compare(const char *path_a, const char *path_b, double tolerance, rg_dump_report *out,
                          rg_error *err);
void rg_dump_report_free(rg_dump_report *report);

#ifdef __cplusplus
}
#endif
#endif
