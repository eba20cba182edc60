/* An input on which two datapaths differ. */
#include <string.h>

#include "num/datapath_probe.h"

enum { TRIES = 12000, CAPACITY = 4096 };

static bool same_inputs(const rg_datapath *x, const rg_datapath *y) {
    return strcmp(x->input[0].text, y->input[0].text) == 0 && strcmp(x->input[1].text, y->input[1].text) == 0;
}

/* Lengths worth trying: within a step, a few steps, beyond a promotion. */
static size_t longest(const rg_datapath *x, const rg_datapath *y, uint64_t i) {
    const size_t n = (size_t)(x->n > y->n ? x->n : y->n),
                 p = (size_t)(x->promote > y->promote ? x->promote : y->promote);
    const size_t choices[8] = {2, 3, 4, n, 2 * n, n + 1, 4 * n, p && i % 64 == 7 ? 3 * p : 2 * n};
    const size_t k = choices[i % 8];
    return k < CAPACITY ? k : CAPACITY;
}

rg_status rg_datapath_distinguish(const rg_datapath *x, const rg_datapath *y, rg_dot_out out, rg_arena *arena,
                                  rg_dot_witness *witness, rg_error *err) {
    if (!same_inputs(x, y))
        return rg_fail(err, RG_ERR_USAGE, "datapath", "datapaths that take the same formats",
                       "%s takes %s and %s, %s %s and %s", x->text, x->input[0].text, x->input[1].text,
                       y->text, y->input[0].text, y->input[1].text);
    if (!rg_datapath_has_out(x, out) || !rg_datapath_has_out(y, out))
        return rg_fail(err, RG_ERR_USAGE, "--out", "an output that both have", "%s and %s", x->text, y->text);
    dp_probe p;
    RG_TRY(dp_probe_open(&p, CAPACITY, arena, err));
    rg_dot_witness w = {.found = false};
    for (uint64_t i = 0; i < TRIES && !w.found; i++) {
        dp_probe_make(&p, x->input, i / 8 % 2 ? DP_WILD : DP_TAME, longest(x, y, i), 5, i);
        w.found = rg_dot_walk(x, out, &p.dot) != rg_dot_walk(y, out, &p.dot);
        w.tried++;
    }
    if (w.found) dp_probe_shrink(&p, x, y, out);
    w.dot = p.dot;
    w.result[0] = rg_dot_walk(x, out, &p.dot);
    w.result[1] = rg_dot_walk(y, out, &p.dot);
    *witness = w;
    return RG_OK;
}
