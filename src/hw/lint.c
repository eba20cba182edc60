/* Checks over all chips: what can be recomputed is, what is out of the pattern is named. */
#include "hw/hw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef rg_chip_lint lint;

rg_status hw_find_fault(lint *l, const char *subject, const char *check, const char *path,
                        const char *message, const char *explained, rg_error *err) {
    rg_chip_finding *grown = rg_arena_alloc(&l->arena, l->n_findings + 1, sizeof *grown);
    if (!grown || !path || !message) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (l->n_findings) memcpy(grown, l->finding, l->n_findings * sizeof *grown);
    grown[l->n_findings++] = (rg_chip_finding){subject, path, check, message, explained};
    l->finding = grown;
    return RG_OK;
}

static rg_status find(lint *l, const rg_chip *chip, const char *check, const char *path, const char *message,
                      const char *explained, rg_error *err) {
    return hw_find_fault(l, chip->id, check, path, message, explained, err);
}

static bool same_name(const rg_chip *a, const rg_chip *b, const char **name) {
    for (size_t i = 0; i <= a->n_alias; i++)
        for (size_t k = 0; k <= b->n_alias; k++) {
            *name = i < a->n_alias ? a->alias[i] : a->id;
            if (strcmp(*name, k < b->n_alias ? b->alias[k] : b->id) == 0) return true;
        }
    return false;
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_paths(const rg_chip *a, const rg_chip *b) {
    bool same = a->n_paths == b->n_paths;
    for (size_t i = 0; same && i < a->n_paths; i++) {
        const struct rg_chip_path *p = &a->path[i], *q = &b->path[i];
        same = same_text(p->weight, q->weight) && same_text(p->activation, q->activation) &&
               same_text(p->runs_as, q->runs_as) && p->kind == q->kind && p->either_way == q->either_way;
    }
    return same;
}

static rg_status check_pairs(lint *l, size_t i, rg_error *err) {
    const rg_chip *c = &l->chip[i];
    for (size_t k = 0; k < i; k++) {
        const char *name;
        if (same_name(c, &l->chip[k], &name))
            RG_TRY(find(l, c, "alias", "aliases",
                        rg_arena_printf(&l->arena, "\"%s\" is also a name of %s", name, l->chip[k].id), NULL,
                        err));
        if (same_text(c->architecture, l->chip[k].architecture) && !same_paths(c, &l->chip[k]))
            RG_TRY(find(l, c, "paths", "paths",
                        rg_arena_printf(&l->arena, "not those of %s, of the same architecture %s",
                                        l->chip[k].id, c->architecture),
                        NULL, err));
    }
    return RG_OK;
}

/* Units x operations x clock within 1 %: vendors round peaks to three or four digits. */
static rg_status check_derived(lint *l, const rg_chip *c, rg_error *err) {
    for (size_t i = 0; i < c->n_derived; i++) {
        const struct rg_chip_derived *d = &c->derived[i];
        double rate, got = d->units * d->per_cycle * d->clock_hz;
        RG_TRY(rg_chip_rate_of(c, d->rate, &rate, err));
        const rg_chip_number *clock = rg_chip_find(c, "silicon.clock");
        if (clock && fabs(clock->v.value / d->clock_hz - 1) > 0.01)
            RG_TRY(find(l, c, "derived", "silicon.clock",
                        rg_arena_printf(&l->arena, "%.5g MHz, but %s is derived at %.5g",
                                        clock->v.value / 1e6, d->rate, d->clock_hz / 1e6),
                        NULL, err));
        if (fabs(got / rate - 1) > 0.01)
            RG_TRY(find(l, c, "derived", rg_arena_printf(&l->arena, "rates.%s", d->rate),
                        rg_arena_printf(&l->arena, "%s at %.5g MHz give %.5g, not %.5g TFLOP/s", d->note,
                                        d->clock_hz / 1e6, got / 1e12, rate / 1e12),
                        NULL, err));
    }
    return RG_OK;
}

/* Ratio a/b that most parts have: halving the width doubles the rate, or does nothing. */
static const struct {
    const char *a, *b;
    double usual[3];
} patterns[] = {
    {"bf16", "tf32", {1, 2, 2}}, {"fp16", "bf16", {1, 1, 1}}, {"fp8", "bf16", {1, 2, 2}},
    {"fp6", "fp8", {1, 1, 1}},   {"fp4", "fp8", {1, 2, 2}},   {"int8", "bf16", {1, 2, 2}},
    {"int4", "int8", {1, 2, 2}},
};

/* Within 4 %: Trainium2's fp8 is 1.95 x its bf16 and no riddle. */
static bool is_usual(double ratio, const double usual[3]) {
    for (int i = 0; i < 3; i++)
        if (fabs(ratio / usual[i] - 1) <= 0.04) return true;
    return false;
}

/* The rate under the bar: parts from before bf16 have fp16 in its place. NULL: none. */
static const char *denominator(const rg_chip *c, size_t pattern, double *rate) {
    const char *b = patterns[pattern].b;
    if (rg_chip_rate_of(c, b, rate, NULL) == RG_OK) return b;
    if (strcmp(b, "bf16") != 0 || strcmp(patterns[pattern].a, "fp16") == 0) return NULL;
    return rg_chip_rate_of(c, "fp16", rate, NULL) == RG_OK ? "fp16" : NULL;
}

static rg_status check_ratios(lint *l, const rg_chip *c, rg_error *err) {
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        double a, b;
        if (rg_chip_rate_of(c, patterns[i].a, &a, NULL) != RG_OK) continue;
        const char *under = denominator(c, i, &b);
        if (!under) continue;
        const char *why = NULL, *ratio = rg_arena_printf(&l->arena, "%s/%s", patterns[i].a, under);
        for (size_t k = 0; ratio && k < c->n_odd; k++)
            if (strcmp(c->odd[k].ratio, ratio) == 0) why = c->odd[k].why;
        const bool usual = is_usual(a / b, patterns[i].usual);
        if (usual && why) /* the number has changed under its explanation */
            RG_TRY(find(l, c, "ratio", rg_arena_printf(&l->arena, "rates.%s", patterns[i].a),
                        rg_arena_printf(&l->arena, "%s is %.3g, as usual, and yet explained", ratio, a / b),
                        NULL, err));
        if (usual) continue;
        RG_TRY(find(l, c, "ratio", rg_arena_printf(&l->arena, "rates.%s", patterns[i].a),
                    rg_arena_printf(&l->arena, "%s is %.3g", ratio ? ratio : "", a / b), why, err));
    }
    return RG_OK;
}

/* The bandwidth of a small memory beside the capacity of a large one. */
static bool takes_onchip_for_memory(const rg_chip *c) {
    const rg_chip_number *fast = rg_chip_find(c, "onchip.bandwidth"),
                         *size = rg_chip_find(c, "onchip.capacity");
    return fast && size && c->memory_bytes_per_s.value == fast->v.value &&
           c->memory_bytes.value > size->v.value;
}

/* What cannot be: on-chip memory slower than the memory behind it (the MTIA trap), measurements above peaks.
 */
static rg_status check_physics(lint *l, const rg_chip *c, rg_error *err) {
    static const struct {
        const char *less, *more, *message;
    } order[] = {
        {"memory.bandwidth", "onchip.bandwidth", "memory is faster than the on-chip memory"},
        {"measured.bandwidth", "memory.bandwidth", "measured above the peak"},
        {"measured.bf16", "rates.bf16", "measured above the peak"},
        {"scaleout.bandwidth", "scaleup.bandwidth", "scale-out is faster than scale-up"},
    };
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const rg_chip_number *a = rg_chip_find(c, order[i].less), *b = rg_chip_find(c, order[i].more);
        if (a && b && a->v.value > b->v.value)
            RG_TRY(find(l, c, "physics", order[i].less, order[i].message, NULL, err));
    }
    if (takes_onchip_for_memory(c))
        RG_TRY(find(l, c, "physics", "memory.bandwidth",
                    "the bandwidth of the on-chip memory, not the capacity", NULL, err));
    if (!rg_chip_find(c, "memory.bandwidth") || !rg_chip_find(c, "memory.capacity"))
        RG_TRY(find(l, c, "physics", "memory", "capacity or bandwidth is missing", NULL, err));
    if (c->sparse_peaks) RG_TRY(find(l, c, "sparse", "rates", "peaks are with sparsity", c->peaks_note, err));
    return RG_OK;
}

/* The value in use must be one of those in dispute. */
static rg_status check_conflicts(lint *l, const rg_chip *c, rg_error *err) {
    for (size_t i = 0; i < c->n_conflicts; i++) {
        const rg_chip_conflict *x = &c->conflict[i];
        const rg_chip_number *n = rg_chip_find(c, x->path);
        bool used = false;
        for (size_t k = 0; k < x->n; k++) used = used || fabs(x->claim[k].value / n->v.value - 1) < 1e-9;
        if (!used)
            RG_TRY(
                find(l, c, "conflict", x->path, "the value in use is none of those in dispute", NULL, err));
        bool known = false;
        for (size_t k = 0; k < l->n_topics; k++) known = known || strcmp(l->topic[k], x->topic) == 0;
        if (known) continue;
        const char **grown = rg_arena_alloc(&l->arena, l->n_topics + 1, sizeof *grown);
        if (!grown) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        if (l->n_topics) memcpy(grown, l->topic, l->n_topics * sizeof *grown);
        grown[l->n_topics++] = x->topic;
        l->topic = grown;
    }
    return RG_OK;
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static rg_status check_all(lint *l, const char *data_dir, rg_error *err) {
    const char **ids;
    size_t n;
    RG_TRY(rg_chip_list(data_dir, &l->arena, &ids, &n, err));
    l->chip = rg_arena_alloc(&l->arena, n + 1, sizeof *l->chip);
    if (!l->chip) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (; l->n_chips < n; l->n_chips++)
        RG_TRY(rg_chip_open(&l->chip[l->n_chips], ids[l->n_chips], data_dir, err));
    for (size_t i = 0; i < n; i++) {
        RG_TRY(check_pairs(l, i, err));
        RG_TRY(check_derived(l, &l->chip[i], err));
        RG_TRY(check_ratios(l, &l->chip[i], err));
        RG_TRY(check_physics(l, &l->chip[i], err));
        RG_TRY(check_conflicts(l, &l->chip[i], err));
    }
    RG_TRY(hw_lint_systems(l, data_dir, err));
    if (l->n_topics) qsort(l->topic, l->n_topics, sizeof *l->topic, by_text);
    return RG_OK;
}

rg_status rg_chip_lint_all(rg_chip_lint *out, const char *data_dir, rg_error *err) {
    lint l = {0};
    rg_status status = check_all(&l, data_dir, err);
    if (status == RG_OK)
        *out = l;
    else
        rg_chip_lint_close(&l);
    return status;
}

void rg_chip_lint_close(rg_chip_lint *l) {
    if (!l) return;
    for (size_t i = 0; i < l->n_chips; i++) rg_chip_close(&l->chip[i]);
    rg_arena_free(&l->arena);
    memset(l, 0, sizeof *l);
}
