/* What would fit: the changes of a layout that cost least, tried one after the other. */
#include <math.h>
#include <stdio.h>

#include "perf/train/train.h"

static bool fits(const rg_train_request *r, const rg_calibrations *all) {
    perf_train_work w;
    perf_train_exchanges x;
    perf_train_constants k;
    rg_train_step step;
    perf_train_constants_of(&k, r, all);
    if (perf_train_prepare(&w, &x, r, all, &k, NULL) != RG_OK) return false;
    perf_train_finish(&step, &w, &x, r, &k);
    return step.fits;
}

static int64_t divided(int64_t n, int64_t by) {
    return n % by == 0 ? n / by : 0;
}

/* Number `at` of the changes; false: it does not apply. Chips stay as many. */
static bool change(const rg_layout *from, int at, rg_layout *to) {
    static const struct {
        rg_recompute recompute;
        int64_t zero, microbatch, tp, pp;
    } tries[] = {
        {RG_RECOMPUTE_NONE, 1, 0, 1, 1},      {RG_RECOMPUTE_SELECTIVE, 0, 0, 1, 1},
        {RG_RECOMPUTE_SELECTIVE, 1, 0, 1, 1}, {RG_RECOMPUTE_NONE, 1, 1, 1, 1},
        {RG_RECOMPUTE_FULL, 0, 0, 1, 1},      {RG_RECOMPUTE_FULL, 1, 0, 1, 1},
        {RG_RECOMPUTE_FULL, 1, 1, 1, 1},      {RG_RECOMPUTE_FULL, 3, 1, 1, 1},
        {RG_RECOMPUTE_NONE, 1, 1, 2, 1},      {RG_RECOMPUTE_NONE, 1, 1, 4, 1},
        {RG_RECOMPUTE_NONE, 1, 1, 8, 1},      {RG_RECOMPUTE_FULL, 1, 1, 8, 1},
        {RG_RECOMPUTE_FULL, 1, 1, 8, 2},      {RG_RECOMPUTE_FULL, 1, 1, 8, 4},
        {RG_RECOMPUTE_FULL, 1, 1, 8, 8},      {RG_RECOMPUTE_FULL, 1, 1, 8, 16},
    };
    if (at >= (int)(sizeof tries / sizeof *tries)) return false;
    *to = *from;
    if (tries[at].recompute > to->recompute) to->recompute = tries[at].recompute;
    if (tries[at].zero > to->zero) to->zero = tries[at].zero;
    if (tries[at].microbatch) to->microbatch = tries[at].microbatch;
    if (tries[at].tp > from->tp) {
        to->dp = divided(to->dp * from->tp, tries[at].tp);
        to->tp = tries[at].tp;
        to->sp = true;
    }
    if (tries[at].pp > 1) {
        to->dp = divided(to->dp, tries[at].pp);
        to->pp *= tries[at].pp;
    }
    if (to->ep == 1) to->etp = to->tp;
    return to->dp > 0;
}

enum { MOST_TRIES = 16 };

static rg_train_memory largest(const rg_train_ledger *m) {
    int most = 0;
    for (int i = 1; i < RG_N_TRAIN_MEMORY; i++)
        if (m->bytes[i] > m->bytes[most]) most = i;
    return (rg_train_memory)most;
}

void perf_train_advise(rg_train_step *out, const rg_train_request *r, const rg_calibrations *all) {
    char fitting[200] = "";
    for (int i = 0; i < MOST_TRIES && !*fitting; i++) {
        rg_layout l;
        rg_train_request other = *r;
        other.layout = &l;
        if (change(r->layout, i, &l) && fits(&other, all)) rg_layout_print(&l, fitting, sizeof fitting);
    }
    const rg_train_ledger *m = &out->memory;
    snprintf(out->advice, sizeof out->advice, "%.2f GB too much, most of it %s; %s%.150s",
             (m->total_bytes - m->available_bytes) / 1e9, rg_train_memory_name(largest(m)),
             *fitting ? "would fit: " : "more chips for each replica would fit", fitting);
}
