/* Measured board power of GEMMs, and the constants behind it. */
#ifndef PERF_POWER_H
#define PERF_POWER_H

#include "perf/calibrate.h"
#include "ridge/energy.h"

#define PERF_POWER "power" /* the phase of its constants */

typedef struct perf_power_row {
    const perf_row *row;
    rg_energy_work work;
    double power_w;
} perf_power_row;

typedef struct perf_power_table {
    perf_table table;
    size_t n, sound; /* rows; the first `sound` of them pass the lint */
    size_t short_kernels, jumps;
    perf_power_row *row;
} perf_power_table;

/* Work of a GEMM: with what the kernel that makes narrow activations reads and writes. */
rg_energy_work perf_power_work(const perf_row *row);

/* Columns of a GEMM table, and power_w. The lint takes out kernels below 0.2 ms, in which the sampler lags,
   and neighbours in m whose power differs by more than 1.5 at a rate that agrees within 15 %. */
rg_status perf_power_read(perf_power_table *out, const char *path, const rg_chip *chip, rg_error *err);
void perf_power_close(perf_power_table *t);

/* Constants of the sites that a split fits, scores on those that it holds out: one row for each type, with
   the error of a constant (the median) as bound_mape. */
rg_status perf_power_fit(const rg_fit_request *request, rg_fit *out, rg_error *err);

#endif
