/* What physics says of one measured row: the same for fits and for the lint. */
#include <math.h>

#include "perf/calibrate/calibrate.h"

/* A last cache is faster than its memory, but not without end: an L40S reaches 3 times. */
static const double cache_speedup = 8;

perf_verdict perf_judge(const perf_model *model, const perf_row *row, const rg_chip *chip, double *bound_s) {
    perf_machine m;
    const char *missing;
    *bound_s = 0;
    if (!row->known || !perf_machine_of(chip, model, row, &m, &missing)) return PERF_UNKNOWN_FORMAT;
    *bound_s = model->bound_s(row, &m);
    if (!(row->measured_s > 0)) return PERF_NOT_POSITIVE;
    if (model->compute_bound_s(row, &m) > row->measured_s) return PERF_BEATS_COMPUTE;
    if (*bound_s <= row->measured_s) return PERF_SOUND;
    if (model->network) return PERF_BEATS_MEMORY;
    const double cached_s =
        m.onchip_bytes > 0 ? fmin(*bound_s, m.onchip_bytes / m.bytes_per_s) : *bound_s; /* size not known */
    const double least_s = fmax(*bound_s - cached_s, *bound_s / cache_speedup);
    return least_s <= row->measured_s ? PERF_IN_CACHE : PERF_BEATS_MEMORY;
}
