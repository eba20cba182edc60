/* Training steps of a sweep: the work of a rank is measured once, stages and replicas are put around it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/sweep/sweep.h"
#include "perf/train/train.h"

enum { N_WORKS = 512 };

typedef struct work_key {
    const rg_graph *graph;
    const rg_system *system;
    const char *policy;
    double sequence;
    int64_t tp, cp, ep, etp, microbatch;
    rg_recompute recompute;
    bool sp;
} work_key;

typedef struct work_slot {
    work_key key;                   /* graph NULL: empty */
    perf_train_constants constants; /* of the chip, and of models with experts or without */
    perf_train_work work;
} work_slot;

struct perf_sweep_trained {
    work_slot slot[N_WORKS];
};

static rg_status find_work(rg_sweep *s, const rg_train_request *r, const work_slot **out, rg_error *err) {
    const rg_layout *l = r->layout;
    work_slot fresh;
    work_key key;
    if (!s->trained) s->trained = calloc(1, sizeof *s->trained);
    if (!s->trained) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    memset(&key, 0, sizeof key); /* padding is compared too */
    key.graph = r->graph, key.system = r->system, key.policy = r->policy, key.sequence = r->sequence;
    key.tp = l->tp, key.cp = l->cp, key.ep = l->ep, key.etp = l->etp, key.microbatch = l->microbatch;
    key.recompute = l->recompute, key.sp = l->sp;
    work_slot *slot = &s->trained->slot[perf_cache_slot(&key, sizeof key, N_WORKS)];
    *out = slot;
    if (slot->key.graph && memcmp(&slot->key, &key, sizeof key) == 0) return RG_OK;
    perf_train_constants_of(&fresh.constants, r, s->all);
    RG_TRY(perf_train_measure(&fresh.work, r, s->all, &fresh.constants, err));
    slot->constants = fresh.constants;
    slot->work = fresh.work;
    memcpy(&slot->key, &key, sizeof key);
    return RG_OK;
}

static void does_not_fit(const rg_train_step *step, rg_sweep_result *out) {
    char over[32];
    int most = 0;
    for (int i = 1; i < RG_N_TRAIN_MEMORY; i++)
        if (step->memory.bytes[i] > step->memory.bytes[most]) most = i;
    out->status = RG_SWEEP_DOES_NOT_FIT;
    snprintf(
        out->reason, sizeof out->reason, "%s too much, mostly %s",
        rg_units_print(out->memory_bytes - step->memory.available_bytes, RG_UNIT_BYTES, over, sizeof over),
        rg_train_memory_name((rg_train_memory)most));
}

rg_status perf_sweep_train(rg_sweep *s, const perf_sweep_question *q, rg_sweep_result *out, rg_error *err) {
    const work_slot *of = NULL;
    perf_train_exchanges exchanges;
    rg_train_step step;
    const rg_train_request r = {.graph = q->graph,
                                .system = q->system,
                                .layout = &q->c.layout,
                                .policy = q->c.policy,
                                .sequence = q->c.context,
                                .global_batch = q->c.batch};
    RG_TRY(perf_train_check(&r, err));
    RG_TRY(find_work(s, &r, &of, err));
    RG_TRY(perf_train_exchange(&exchanges, &of->work, &r, s->all, err));
    perf_train_finish(&step, &of->work, &exchanges, &r, &of->constants);
    out->memory_bytes = step.memory.total_bytes;
    out->chips = step.chips;
    if (!step.fits) {
        does_not_fit(&step, out);
        return RG_OK;
    }
    perf_sweep_answer(out, q->system, (perf_span){step.bound_s, step.estimate_s, step.lo80_s, step.hi80_s},
                      step.tokens_per_s, step.mfu, step.limiter, step.kind);
    return RG_OK;
}
