/* Tables of measured board power: read, and linted before any fit. */
#include "perf/lint/lint.h"
#include "perf/energy/power.h"

#include <stdlib.h>
#include <string.h>

static const double sampled_s = 2e-4; /* in shorter kernels the sampler lags: docs/energy.md */

rg_energy_work perf_power_work(const perf_row *r) {
    const double m = r->x[0], n = r->x[1], k = r->x[2], narrow = r->dtype->activation_bytes;
    rg_energy_work w = {.type = r->dtype->rate, .matrix_flop = 2 * m * n * k};
    w.bytes = n * k * r->dtype->weight_bytes + m * k * narrow + 2 * m * n;
    if (r->dtype->converts) {
        w.converted = m * k;
        w.bytes += m * k * (2 + narrow);
    }
    return w;
}

static bool left_out(const rg_lint *found, size_t number) {
    for (size_t i = 0; i < found->n; i++)
        for (size_t k = 0; found->finding[i].action == RG_LINT_LEFT_OUT && k < found->finding[i].n; k++)
            if (found->finding[i].row[k] == number) return true;
    return false;
}

/* Rows that pass come first, in their order. */
static bool separate(perf_power_table *t, const rg_lint *found, const size_t *number) {
    perf_power_row *rest = malloc((t->n + 1) * sizeof *rest);
    size_t n_rest = 0;
    if (!rest) return false;
    for (size_t i = 0; i < t->n; i++) {
        const perf_power_row r = t->row[i];
        const bool brief = r.row->measured_s < sampled_s,
                   lags = !brief && left_out(found, number[r.row - t->table.row]);
        t->short_kernels += brief;
        t->lagging += lags;
        if (brief || lags)
            rest[n_rest++] = r;
        else
            t->row[t->sound++] = r; /* never past i */
    }
    memcpy(t->row + t->sound, rest, n_rest * sizeof *rest);
    free(rest);
    return true;
}

static rg_status read_rows(perf_power_table *t, const rg_lint *found, const perf_csv *csv, const char *path,
                           rg_error *err) {
    const int power = lint_column(csv, "power_w");
    if (power < 0) return rg_fail(err, RG_ERR_PARSE, path, "power_w", "no column \"power_w\"");
    t->row = rg_arena_alloc(&t->table.arena, t->table.n + 1, sizeof *t->row);
    if (!t->row) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    for (size_t i = 0; i < t->table.n; i++) {
        const perf_row *r = &t->table.row[i];
        const double watt = lint_number(csv, t->table.number[i] - 1, power);
        if (!r->known || !(r->measured_s > 0) || !(watt > 0 && watt < 1e6)) continue;
        t->row[t->n++] = (perf_power_row){r, perf_power_work(r), watt};
    }
    return separate(t, found, t->table.number) ? RG_OK
                                               : rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
}

rg_status perf_power_parse(perf_power_table *out, char *text, size_t size, const char *name,
                           const rg_chip *chip, rg_error *err) {
    lint l = {.options = {.chip = chip, .op = perf_gemm.op}, .err = err};
    perf_power_table t = {0};
    perf_csv csv = {0};
    rg_status status = lint_text(&l, name, text, size);
    if (status == RG_OK)
        status = perf_csv_parse(&csv, text, size, name, err); /* the table cuts the text up */
    if (status == RG_OK)
        status = perf_table_read(&t.table, &perf_gemm, text, size, name, "latency_ms", "", chip, err);
    if (status == RG_OK) status = read_rows(&t, &l.out, &csv, name, err);
    rg_lint_close(&l.out);
    perf_csv_close(&csv);
    if (status == RG_OK)
        *out = t;
    else
        perf_power_close(&t);
    return status;
}

rg_status perf_power_read(perf_power_table *out, const char *path, const rg_chip *chip, rg_error *err) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(path, (size_t)1 << 30, &text, &size, err));
    const rg_status status = perf_power_parse(out, text, size, path, chip, err);
    free(text);
    return status;
}

void perf_power_close(perf_power_table *t) {
    perf_table_close(&t->table);
    memset(t, 0, sizeof *t);
}
