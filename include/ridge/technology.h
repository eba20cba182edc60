/* What chips can be made of: memory, links, processes, packages, each number with range, date and source. The
   files are data/technology/<id>.yaml; docs/technology.md says how a chip is composed of them. */
#ifndef RIDGE_TECHNOLOGY_H
#define RIDGE_TECHNOLOGY_H

#include "ridge/hw.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_technology {
    rg_arena arena;
    const char *id, *name, *kind, *notes, *file; /* kind: "memory", "link", "process", "package"; notes may be
                                                    NULL */
    int year;                                    /* of production in volume, as built or as announced */
    size_t n_numbers;
    struct rg_technology_number {
        const char *name; /* "bandwidth" */
        rg_unit unit;
        rg_value v;       /* lo and hi are always given */
        const char *date; /* "2025-04": when the source said so */
    } * number;
} rg_technology;

/* <data_dir>/technology/<id>.yaml, as strict as a chip file; an unknown id is RG_ERR_USAGE. */
rg_status rg_technology_open(rg_technology *out, const char *id, const char *data_dir, rg_error *err);
rg_status rg_technology_parse(rg_technology *out, const char *text, size_t size, const char *name,
                              rg_error *err);
void rg_technology_close(rg_technology *t);
/* Ids in the folder, sorted, in the arena. */
rg_status rg_technology_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n,
                             rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
