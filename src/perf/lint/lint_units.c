/* Columns in another unit, or of another quantity, than their names say. */
#include <math.h>
#include <string.h>

#include "perf/lint/lint.h"

/* ---- milliwatts ---------------------------------------------------------------------------------------- */

static const double unknown_chip_w = 1500; /* the most of an accelerator shipped by 2025, but for wafers */

static double limit_of(lint *l, const lint_table *t, size_t row) {
    const int hardware = lint_column(&t->csv, "hardware|device|system|accelerator|gpu");
    const rg_chip *chip =
        hardware >= 0 ? lint_chip_in(&l->chips, lint_cell(&t->csv, row, hardware)) : t->chip;
    return chip && chip->tdp_w.given ? chip->tdp_w.value : unknown_chip_w;
}

static rg_status find_milliwatts(lint *l, const lint_table *t) {
    const int power = lint_column(&t->csv, "power_w|power|avg_power|mean_power");
    const int count = lint_column(&t->csv, "num_of_hardware|num_gpus|chips");
    lint_hits hits = {0};
    double most = 0;
    for (size_t i = 0; power >= 0 && i < t->csv.n_rows; i++) {
        const double p = lint_number(&t->csv, i, power), n = fmax(1, lint_number(&t->csv, i, count));
        if (!(p > 20 * n * limit_of(l, t, i))) continue;
        lint_hit(&hits, i + 1);
        most = fmax(most, p);
    }
    if (!hits.n) return RG_OK;
    return lint_find(l, "milliwatts", t->name, &hits, RG_LINT_REPORTED,
                     rg_arena_printf(&l->out.arena,
                                     "%s reaches %.0f, more than 20 times what the chips may take",
                                     t->csv.column[power], most),
                     rg_arena_printf(&l->out.arena, "milliwatts: %.0f W; divide by 1000", most / 1000));
}

/* ---- which tokens -------------------------------------------------------------------------------------- */

enum { OUTPUT, BOTH, ONE_SEQUENCE, N_COUNTS };

/* Tokens that throughput x time stand for, per sequence. */
static int counted(double tokens, double batch, double input, double output) {
    const double each = tokens / batch;
    if (fabs(each / output - 1) < 0.02) return OUTPUT;
    if (fabs(each / (input + output) - 1) < 0.02) return BOTH;
    return batch > 1 && fabs(tokens / (input + output) - 1) < 0.02 ? ONE_SEQUENCE : N_COUNTS;
}

rg_status lint_units(lint *l, const lint_table *t) {
    const int rate = lint_column(&t->csv, "throughput|tokens_per_s"),
              time = lint_column(&t->csv, "latency|latency_s"),
              batch = lint_column(&t->csv, "batch_size|batch"),
              both = lint_column(&t->csv, "input_output_length"),
              input = lint_column(&t->csv, "input_length|isl"),
              output = lint_column(&t->csv, "output_length|osl");
    RG_TRY(find_milliwatts(l, t));
    if (rate < 0 || time < 0 || batch < 0 || (both < 0 && (input < 0 || output < 0))) return RG_OK;
    lint_hits hits[N_COUNTS + 1] = {0};
    for (size_t i = 0; i < t->csv.n_rows; i++) {
        const double n = lint_number(&t->csv, i, batch);
        const double in = lint_number(&t->csv, i, both >= 0 ? both : input),
                     out = lint_number(&t->csv, i, both >= 0 ? both : output);
        const double tokens = lint_number(&t->csv, i, rate) * lint_number(&t->csv, i, time);
        if (n > 0 && in > 0 && out > 0 && tokens > 0) lint_hit(&hits[counted(tokens, n, in, out)], i + 1);
    }
    rg_status status = lint_find(
        l, "all_tokens", t->name, &hits[BOTH], RG_LINT_REPORTED,
        "throughput x latency is the tokens of input and output together",
        "throughput counts the input too: tokens generated per second are output / (input + output) of it");
    if (status == RG_OK)
        status = lint_find(l, "one_sequence", t->name, &hits[ONE_SEQUENCE], RG_LINT_REPORTED,
                           "throughput x latency is the tokens of one sequence, not of the batch",
                           "a server that took the requests one by one, or a rate per sequence");
    for (size_t i = 0; i <= N_COUNTS; i++) lint_hits_free(&hits[i]);
    return status;
}
