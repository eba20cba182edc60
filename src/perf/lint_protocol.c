/* One collective, one size, two types of elements: another protocol, not another bandwidth. */
#include <math.h>
#include <string.h>

#include "perf/lint.h"

static const double large_bytes = 64 << 20, apart = 1.15;

static double bytes_of(const lint_rows *r, size_t i) {
    const perf_row *row = &r->table.row[i];
    return row->dtype ? row->x[1] * row->dtype->activation_bytes : 0;
}

/* GB/s through each GPU's links. */
static double bus_rate(const lint_rows *r, size_t i) {
    const perf_row *row = &r->table.row[i];
    const double n = row->x[0], passes = strcmp(row->word[0], "all_reduce") == 0 ? 2 : 1;
    return passes * bytes_of(r, i) * (n - 1) / n / row->measured_s / 1e9;
}

static bool same_work(const lint_rows *r, size_t i, size_t k) {
    const perf_row *a = &r->table.row[i], *b = &r->table.row[k];
    return strcmp(a->word[0], b->word[0]) == 0 && strcmp(a->word[2], b->word[2]) == 0 && a->x[0] == b->x[0] &&
           bytes_of(r, i) == bytes_of(r, k);
}

/* The slowest row of another type that is further off than repeats are; SIZE_MAX: none. */
static size_t faster_type(const lint_rows *r, size_t i) {
    size_t best = SIZE_MAX;
    for (size_t k = 0; k < r->table.n; k++) {
        const perf_row *a = &r->table.row[i], *b = &r->table.row[k];
        if (bytes_of(r, k) < large_bytes || a->dtype == b->dtype || !(b->measured_s > 0) ||
            !same_work(r, i, k))
            continue;
        if (b->measured_s * apart >= a->measured_s) return SIZE_MAX;
        best = k;
    }
    return best;
}

rg_status lint_protocol(lint *l, const lint_rows *r) {
    lint_hits hits = {0};
    size_t slow = 0, fast = 0;
    if (!r->table.model->network) return RG_OK;
    for (size_t i = 0; i < r->table.n; i++) {
        const perf_row *row = &r->table.row[i]; /* what is only moved has no type */
        if (!strstr(row->word[0], "reduce") || bytes_of(r, i) < large_bytes || !(row->measured_s > 0))
            continue;
        const size_t k = faster_type(r, i);
        if (k == SIZE_MAX) continue;
        if (!hits.n || bytes_of(r, i) > bytes_of(r, slow)) slow = i, fast = k;
        lint_hit(&hits, r->table.number[i]);
    }
    const perf_row *a = &r->table.row[slow], *b = &r->table.row[fast];
    const rg_status status = lint_find(
        l, "type_protocol", r->of->name, &hits, RG_LINT_REPORTED,
        rg_arena_printf(&l->out.arena,
                        "%s: %s of %.0f GPUs, %.0f MB: %s reaches %.0f, %s %.0f GB/s of bus bandwidth",
                        r->chip->id, a->word[0], a->x[0], bytes_of(r, slow) / 1e6, a->word[1],
                        bus_rate(r, slow), b->word[1], bus_rate(r, fast)),
        "a protocol difference, not bandwidth: this type is summed elsewhere (by the GPUs, not by the "
        "switches) or in other pieces");
    lint_hits_free(&hits);
    return status;
}
