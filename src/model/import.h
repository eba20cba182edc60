/* Readers of other tools' results: each is one file with a descriptor, entered in the table of import.c. */
#ifndef RIDGE_MODEL_IMPORT_H
#define RIDGE_MODEL_IMPORT_H

#include "ridge/import.h"

typedef struct import_reader {
    const char *name, *help;
    /* By the first bytes: is it such a file? The first reader that says so takes it. */
    bool (*detect)(const char *text, size_t size);
    /* Fills import->data, in import->arena. */
    rg_status (*read)(rg_import *import, const char *text, size_t size, const rg_import_options *options,
                      rg_error *err);
    /* `reference` may be NULL; both are this reader's. */
    rg_status (*compare)(const rg_import *reference, const rg_import *candidate, rg_import_result *out,
                         rg_error *err);
    void (*close)(rg_import *import); /* what is not in the arena; NULL: nothing */
} import_reader;

struct rg_import {
    const import_reader *reader;
    char *name;
    rg_digest sha256;
    rg_arena arena;
    void *data;
};

extern const import_reader import_harness, import_llama, import_logprobs, import_tensors;

/* ---- for readers ----------------------------------------------------------------------------------------
 */

/* A figure without an interval; none past RG_IMPORT_FIGURES. */
void import_figure(rg_import_result *out, const char *key, double value, const char *unit);
/* lo and hi: NaN where there is none. */
void import_interval(rg_import_result *out, const char *key, double value, const char *unit, double lo,
                     double hi, const char *interval);
/* The figures of paired shares; keys end in `suffix`. */
void import_shares(rg_import_result *out, const rg_paired_shares *s, const char *suffix);
/* A difference of losses (candidate - reference, nats) over m clusters of `tokens` tokens: delta_nll
   with interval, detectable, tokens_needed, and the verdict. */
void import_loss(rg_import_result *out, const rg_interval *difference, size_t m, double tokens,
                 const char *interval);

#endif
