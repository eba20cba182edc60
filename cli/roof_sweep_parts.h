/* Files of a sweep: what each rank has evaluated so far, and the tables at the end. */
#ifndef RIDGE_CLI_ROOF_SWEEP_PARTS_H
#define RIDGE_CLI_ROOF_SWEEP_PARTS_H

#include <stdio.h>

#include "ridge/sweep.h"

typedef struct cli_sweep_part {
    FILE *file; /* NULL: nothing is kept */
    const char *dir;
} cli_sweep_part;

/* A new file of this rank in the folder, which is made. */
rg_status cli_sweep_part_open(cli_sweep_part *part, const char *dir, const rg_sweep *sweep, int rank,
                              rg_error *err);
/* Flushed when it returns: what was added is found again. */
rg_status cli_sweep_part_add(cli_sweep_part *part, const rg_sweep_result *result, size_t n, rg_error *err);
rg_status cli_sweep_part_close(cli_sweep_part *part, rg_error *err);
/* Results of earlier runs of the same sweep; those of another one, or of another program, are an error. */
rg_status cli_sweep_read_parts(const char *dir, const rg_sweep *sweep, rg_sweep_result *result, bool *done,
                               rg_error *err);
/* results.csv and pareto.csv. Parts stay: a second run reads them and evaluates nothing. */
rg_status cli_sweep_write(const char *dir, const rg_sweep *sweep, const rg_sweep_result *result, size_t n,
                          const size_t *front, size_t n_front, rg_error *err);

#endif
