/* Measured board power of GEMMs, and the constants behind it. */
#ifndef PERF_POWER_H
#define PERF_POWER_H

#include "perf/calibrate/calibrate.h"
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
    size_t short_kernels, lagging;
    perf_power_row *row;
} perf_power_table;

/* Work of a GEMM: with what the kernel that makes narrow activations reads and writes. */
rg_energy_work perf_power_work(const perf_row *row);

/* Columns of a GEMM table, and power_w. Sound rows are of kernels of 0.2 ms or more, in which the sampler
   lags little, and none that the lint leaves out: of neighbours at one rate that read more than 1.5 times
   apart the lower. */
rg_status perf_power_parse(perf_power_table *out, char *text, size_t size, const char *name,
                           const rg_chip *chip, rg_error *err); /* cuts the text up */
rg_status perf_power_read(perf_power_table *out, const char *path, const rg_chip *chip, rg_error *err);
void perf_power_close(perf_power_table *t);

/* Constants of the sites that a split fits, scores on those that it holds out: one row for each type, with
   the error of a constant (the median) as bound_mape. */
rg_status perf_power_fit(const rg_fit_request *request, rg_fit *out, rg_error *err);

#endif
