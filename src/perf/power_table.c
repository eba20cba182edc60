/* Tables of measured board power: read, and linted before any fit. */
#include "perf/power.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Cell of a line of CSV. */
static const char *cell(const char *line, size_t i) {
    for (; i > 0 && line; i--) {
        line = strchr(line, ',');
        if (line) line++;
    }
    return line;
}

static rg_status column(const perf_table *t, const char *name, const char *path, size_t *out, rg_error *err) {
    const size_t n = strlen(name);
    const char *at = t->header;
    for (*out = 0; at; (*out)++, at = cell(at, 1))
        if (strncmp(at, name, n) == 0 && (at[n] == ',' || !at[n])) return RG_OK;
    return rg_fail(err, RG_ERR_PARSE, path, name, "no column \"%s\"", name);
}

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

/* By type and site, then by m. */
static int by_site(const void *a, const void *b) {
    const perf_row *x = ((const perf_power_row *)a)->row, *y = ((const perf_power_row *)b)->row;
    const int types = strcmp(x->word[0], y->word[0]);
    if (types) return types;
    for (int i = 1; i <= 3; i++) /* n, k, m */
        if (x->x[i % 3] != y->x[i % 3]) return x->x[i % 3] < y->x[i % 3] ? -1 : 1;
    return 0;
}

static double ratio(double a, double b) {
    return fmax(a, b) / fmin(a, b);
}

/* Equal rates, unequal power: one of the two readings lags. */
static bool jump(const perf_power_row *a, const perf_power_row *b) {
    if (strcmp(a->row->word[0], b->row->word[0]) != 0) return false;
    if (a->row->x[1] != b->row->x[1] || a->row->x[2] != b->row->x[2]) return false;
    return ratio(a->work.matrix_flop / a->row->measured_s, b->work.matrix_flop / b->row->measured_s) <=
               1.15 &&
           ratio(a->power_w, b->power_w) > 1.5;
}

/* Rows that pass come first, in the order of their sites. */
static bool lint(perf_power_table *t) {
    perf_power_row *rest = malloc((t->n + 1) * sizeof *rest);
    size_t n_rest = 0;
    if (!rest) return false;
    qsort(t->row, t->n, sizeof *t->row, by_site);
    bool before = false; /* the reading before clashes with this one */
    for (size_t i = 0; i < t->n; i++) {
        const perf_power_row r = t->row[i];
        const bool after = i + 1 < t->n && jump(&r, &t->row[i + 1]);
        const bool brief = r.row->measured_s < 2e-4;
        t->short_kernels += brief;
        t->jumps += !brief && (before || after);
        if (brief || before || after)
            rest[n_rest++] = r;
        else
            t->row[t->sound++] = r; /* never past i */
        before = after;
    }
    memcpy(t->row + t->sound, rest, n_rest * sizeof *rest);
    free(rest);
    return true;
}

static rg_status read_rows(perf_power_table *t, const char *path, rg_error *err) {
    size_t power;
    RG_TRY(column(&t->table, "power_w", path, &power, err));
    t->row = rg_arena_alloc(&t->table.arena, t->table.n + 1, sizeof *t->row);
    if (!t->row) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    for (size_t i = 0; i < t->table.n; i++) {
        const perf_row *r = &t->table.row[i];
        const double watt = strtod(cell(t->table.line[i], power), NULL);
        if (!r->known || !(r->measured_s > 0) || !(watt > 0 && watt < 1e6)) continue;
        t->row[t->n++] = (perf_power_row){r, perf_power_work(r), watt};
    }
    return lint(t) ? RG_OK : rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
}

rg_status perf_power_read(perf_power_table *out, const char *path, const rg_chip *chip, rg_error *err) {
    char *text;
    size_t size;
    perf_power_table t = {0};
    RG_TRY(rg_file_read(path, (size_t)1 << 30, &text, &size, err));
    rg_status status = perf_table_read(&t.table, &perf_gemm, text, size, path, "latency_ms", "", chip, err);
    free(text);
    RG_TRY(status);
    status = read_rows(&t, path, err);
    if (status == RG_OK)
        *out = t;
    else
        perf_power_close(&t);
    return status;
}

void perf_power_close(perf_power_table *t) {
    perf_table_close(&t->table);
    memset(t, 0, sizeof *t);
}
