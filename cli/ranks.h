/* The processes that mpirun started together. MPI itself is a module that is loaded only then, so that the
   program needs no MPI and starts as fast without one. */
#ifndef RIDGE_CLI_RANKS_H
#define RIDGE_CLI_RANKS_H

#include "ridge/base.h"

/* What the module offers; functions return 0 when all went well. */
typedef struct cli_ranks_module {
    int (*start)(int *rank, int *size);
    int (*wait)(void); /* until all ranks have come here */
    /* Rank 0 receives bytes[r] bytes of each rank r, one behind the other; bytes[] is known there alone. */
    int (*gather)(const void *mine, size_t n_bytes, void *all, const size_t *bytes);
    void (*stop)(void);
    void (*abandon)(void); /* ends all ranks */
} cli_ranks_module;

typedef struct cli_ranks {
    int rank, size;
    const cli_ranks_module *module; /* NULL: one process */
} cli_ranks;

/* `program`: its path, beside which the module lies. Without mpirun: rank 0 of 1. */
rg_status cli_ranks_start(cli_ranks *ranks, const char *program, rg_error *err);
rg_status cli_ranks_wait(const cli_ranks *ranks, rg_error *err);
rg_status cli_ranks_gather(const cli_ranks *ranks, const void *mine, size_t n_bytes, void *all,
                           const size_t *bytes, rg_error *err);
/* failed: the other ranks would wait for ever, and are ended. */
void cli_ranks_stop(const cli_ranks *ranks, bool failed);

#endif
