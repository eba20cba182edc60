/* Dumps of two runs, node by node. */
#ifndef RIDGE_MODEL_DUMP_H
#define RIDGE_MODEL_DUMP_H

#include "ridge/import.h"

typedef struct dump_node {
    const char *name, *op, *sha256; /* sha256 NULL: none */
    int layer;
    double rows, width; /* NaN: not given */
    double amax, mean, rms;
} dump_node;

enum { DUMP_HEADERS = 5 };
extern const char *const dump_header_keys[DUMP_HEADERS];

typedef struct dump {
    const char *header[DUMP_HEADERS]; /* NULL: not given */
    size_t n;
    dump_node *node;
    size_t *order; /* [n] by name */
} dump;

/* A JSON dump; arrays and texts in `arena`. */
rg_status dump_parse(dump *out, const char *name, const char *text, size_t size, rg_arena *arena,
                     rg_error *err);
/* Index of a node, or SIZE_MAX. */
size_t dump_find(const dump *d, const char *name);
/* Number between dots, or last, of a name like "model.layers.7.mlp"; -1: none. */
int dump_layer_of(const char *name);

/* Appends to the report; the texts must outlive it. */
rg_status dump_report_add(rg_dump_report *report, size_t *room, const rg_dump_difference *difference,
                          rg_error *err);
/* |a - b| / max(|a|, |b|); NaN where one is. */
double dump_apart(double a, double b);

/* Two files of activations. */
rg_status dump_compare_tensors(const char *path_a, const char *path_b, double tolerance,
                               rg_dump_report *report, rg_error *err);

#endif
