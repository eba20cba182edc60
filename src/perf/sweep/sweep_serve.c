/* Servings of a sweep: a pool of chips is opened once for all numbers of stages and replicas. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/serve/serve.h"
#include "perf/sweep/sweep.h"

enum { N_POOLS = 64 };

typedef struct pool_key {
    const rg_graph *graph;
    const rg_system *system;
    const char *policy;
    int64_t tp, ep, cp, etp;
    bool sp;
} pool_key;

struct perf_sweep_pools {
    struct {
        pool_key key; /* graph NULL: empty */
        perf_pool pool;
    } slot[N_POOLS];
};

void perf_sweep_close_pools(struct perf_sweep_pools *p) {
    for (int i = 0; p && i < N_POOLS; i++)
        if (p->slot[i].key.graph) perf_pool_close(&p->slot[i].pool);
    free(p);
}

static rg_status find_pool(rg_sweep *s, const perf_sweep_question *q, perf_pool **out, rg_error *err) {
    const rg_layout *l = &q->c.layout;
    pool_key key;
    if (!s->pools) s->pools = calloc(1, sizeof *s->pools);
    if (!s->pools) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    memset(&key, 0, sizeof key); /* padding is compared too */
    key.graph = q->graph, key.system = q->system, key.policy = q->c.policy;
    key.tp = l->tp, key.ep = l->ep, key.cp = l->cp, key.etp = l->etp;
    key.sp = l->sp;
    const size_t at = perf_cache_slot(&key, sizeof key, N_POOLS);
    *out = &s->pools->slot[at].pool;
    if (s->pools->slot[at].key.graph && memcmp(&s->pools->slot[at].key, &key, sizeof key) == 0)
        return perf_pool_lay(*out, l, err);
    perf_pool pool;
    RG_TRY(perf_pool_open(&pool, q->graph, q->system, l, q->c.policy, err));
    if (s->pools->slot[at].key.graph) perf_pool_close(&s->pools->slot[at].pool);
    s->pools->slot[at].pool = pool;
    memcpy(&s->pools->slot[at].key, &key, sizeof key);
    return RG_OK;
}

rg_status perf_sweep_serve(rg_sweep *s, const perf_sweep_question *q, rg_sweep_result *out, rg_error *err) {
    perf_pool *pool;
    rg_serve_result r;
    const rg_serve_request request = {.graph = q->graph,
                                      .system = q->system,
                                      .layout = &q->c.layout,
                                      .policy = q->c.policy,
                                      .isl = q->c.context,
                                      .osl = q->c.osl,
                                      .concurrency = q->c.batch};
    RG_TRY(find_pool(s, q, &pool, err));
    RG_TRY(perf_serve(&r, &request, s->all, pool, NULL, err));
    out->chips = r.chips;
    for (int i = 0; i < RG_SERVE_N_MEMORY; i++) out->memory_bytes += r.memory_bytes[i];
    if (r.verdict != RG_SERVE_OK) {
        out->status = r.verdict == RG_SERVE_SATURATED ? RG_SWEEP_SATURATED : RG_SWEEP_DOES_NOT_FIT;
        snprintf(out->reason, sizeof out->reason, "%.110s", r.reason);
        return RG_OK;
    }
    perf_sweep_answer(out, q->system,
                      (perf_span){r.tpot.bound_s, r.tpot.estimate_s, r.tpot.lo80_s, r.tpot.hi80_s},
                      r.tokens_per_s, r.mfu, r.limiter, r.kind);
    out->ttft_s = r.ttft.estimate_s;
    out->tokens_per_s_per_sequence = 1 / r.tpot.estimate_s;
    return RG_OK;
}
