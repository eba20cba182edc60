/* Loading the MPI module when mpirun started the program. */
#include "ranks.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Number of processes, as Open MPI, MPICH and Slurm's launcher tell them; 1: started alone. */
static long launched(void) {
    static const char *const names[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", NULL};
    for (int i = 0; names[i]; i++)
        if (getenv(names[i])) return strtol(getenv(names[i]), NULL, 10);
    return 1;
}

static void *load(const char *program) {
    const char *const places[] = {"ridge_mpi.so", RIDGE_MODULES_FROM_BIN "/ridge_mpi.so"};
    char path[PATH_MAX];
    const char *slash = strrchr(program, '/');
    for (size_t i = 0; slash && i < sizeof places / sizeof *places; i++) {
        snprintf(path, sizeof path, "%.*s/%s", (int)(slash - program), program, places[i]);
        void *handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
        if (handle) return handle;
    }
    return NULL;
}

static rg_status failed(rg_error *err, const char *what) {
    return rg_fail(err, RG_ERR_TOOL, "MPI", "processes that reach each other", "cannot %s", what);
}

rg_status cli_ranks_start(cli_ranks *ranks, const char *program, rg_error *err) {
    *ranks = (cli_ranks){0, 1, NULL};
    const long size = launched();
    if (size <= 1) return RG_OK;
    void *handle = load(program);
    const cli_ranks_module *module = handle ? dlsym(handle, "ridge_mpi") : NULL;
    if (!module)
        return rg_fail(err, RG_ERR_UNSUPPORTED, "MPI", "a build with Open MPI (libopenmpi-dev)",
                       "%ld processes, but ridge_mpi.so is not there or does not load", size);
    if (module->start(&ranks->rank, &ranks->size) != 0) return failed(err, "start");
    ranks->module = module;
    return RG_OK;
}

rg_status cli_ranks_wait(const cli_ranks *ranks, rg_error *err) {
    return !ranks->module || ranks->module->wait() == 0 ? RG_OK : failed(err, "wait");
}

rg_status cli_ranks_gather(const cli_ranks *ranks, const void *mine, size_t n_bytes, void *all,
                           const size_t *bytes, rg_error *err) {
    if (ranks->module)
        return ranks->module->gather(mine, n_bytes, all, bytes) == 0 ? RG_OK : failed(err, "gather results");
    memcpy(all, mine, n_bytes);
    return RG_OK;
}

void cli_ranks_stop(const cli_ranks *ranks, bool failed_here) {
    if (!ranks->module) return;
    if (failed_here)
        ranks->module->abandon();
    else
        ranks->module->stop();
}
