/* Score card, Q21: configurations that a sweep answers in a second of one core. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "perf/score/score.h"
#include "ridge/sweep.h"

/* Time of this process alone: others on the machine do not count. */
static double spent_s(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

rg_status perf_score_sweep(perf_scoring *s) {
    char path[4096];
    rg_sweep *sweep;
    snprintf(path, sizeof path, "%s/sweeps/training-70b.yaml", s->data_dir);
    RG_TRY(rg_sweep_open(&sweep, path, s->data_dir, s->all, s->err));
    const size_t n = (size_t)rg_sweep_size(sweep);
    rg_sweep_result *result = calloc(n, sizeof *result);
    rg_status status = result ? RG_OK : perf_score_no_memory(s);
    const double start = spent_s();
    if (status == RG_OK) status = rg_sweep_evaluate(sweep, 0, n, result, s->err);
    const double seconds = spent_s() - start;
    size_t answered = 0; /* what is refused costs nothing */
    for (size_t i = 0; status == RG_OK && i < n; i++) answered += result[i].status != RG_SWEEP_REFUSED;
    free(result);
    rg_sweep_close(sweep);
    RG_TRY(status);
    const double rate = (double)answered / seconds;
    return perf_score_add(s, (rg_score_row){"Q21", NULL, "1/s", answered, rate, 1e4, 5e4, NAN, rate >= 1e4},
                          "training steps of Llama-3.1-70B over tp x pp x dp, one core of this machine");
}
