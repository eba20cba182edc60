/* Plans of a rank's graph and times of its layers, kept from question to question. */
#include "perf/plan/step.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { N_PLANS = 64, N_TIMES = 2048, N_FLOPS = 64 };

typedef struct plan_key {
    const rg_graph *graph;
    const char *policy;
    int64_t tp, ep, cp, etp;
    bool sp;
} plan_key;

typedef struct time_key {
    const rg_system *system;
    uint64_t plan; /* its number */
    double batch, context;
    rg_phase phase;
} time_key;

typedef struct plan_slot {
    plan_key key;
    uint64_t number; /* of the plan, counted from 1; 0: empty */
    perf_plan plan;
} plan_slot;

typedef struct time_slot {
    time_key key;
    perf_pass *pass;     /* NULL: empty */
    double *cache_bytes; /* behind them */
    double workspace_bytes;
} time_slot;

typedef struct flop_slot {
    const rg_graph *graph; /* NULL: empty */
    double context, flop;
    rg_phase phase;
} flop_slot;

struct perf_cache {
    const rg_calibrations *all;
    uint64_t n_plans; /* opened so far */
    plan_slot plan[N_PLANS];
    time_slot time[N_TIMES];
    flop_slot flop[N_FLOPS];
};

size_t perf_cache_slot(const void *key, size_t size, size_t n) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < size; i++) hash = (hash ^ ((const unsigned char *)key)[i]) * 0x100000001b3u;
    return (size_t)((hash ^ hash >> 32) % n);
}

rg_status perf_cache_open(perf_cache **out, const rg_calibrations *all, rg_error *err) {
    perf_cache *c = calloc(1, sizeof *c);
    if (!c) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    c->all = all;
    *out = c;
    return RG_OK;
}

void perf_cache_close(perf_cache *c) {
    if (!c) return;
    for (int i = 0; i < N_PLANS; i++)
        if (c->plan[i].number) perf_plan_close(&c->plan[i].plan);
    for (int i = 0; i < N_TIMES; i++) free(c->time[i].pass);
    free(c);
}

const rg_calibrations *perf_cache_calibrations(const perf_cache *c) {
    return c->all;
}

static rg_status find_plan(perf_cache *c, const plan_key *key, const rg_layout *layout, plan_slot **out,
                           rg_error *err) {
    plan_slot *s = &c->plan[perf_cache_slot(key, sizeof *key, N_PLANS)];
    if (!s->number || memcmp(&s->key, key, sizeof *key) != 0) {
        perf_plan plan;
        RG_TRY(perf_plan_open(&plan, key->graph, layout, key->policy, false, err));
        if (s->number) perf_plan_close(&s->plan);
        memcpy(&s->key, key, sizeof *key);
        s->plan = plan;
        s->number = ++c->n_plans;
    }
    *out = s;
    return RG_OK;
}

static double workspace_of(const perf_plan *p, const perf_plan_question *q) {
    double most = 0;
    for (size_t i = 0; i < p->n_classes; i++) {
        const rg_node_count c =
            rg_graph_count_node(&p->rank, (size_t)p->class[i].node, q->phase, q->batch, q->context);
        most = fmax(most, 2 * (c.input_elements + c.output_elements));
    }
    return most;
}

static rg_status fill_times(time_slot *s, plan_slot *p, const perf_plan_question *q, rg_error *err) {
    const size_t n = p->plan.n_kinds + 2;
    perf_pass *pass = calloc(n, sizeof *pass + sizeof *s->cache_bytes);
    if (!pass) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    const rg_status status = perf_plan_times(&p->plan, q, pass, NULL, err);
    if (status != RG_OK) {
        free(pass);
        return status;
    }
    free(s->pass);
    s->pass = pass;
    s->cache_bytes = (double *)(pass + n);
    for (size_t k = 0; k < n; k++) s->cache_bytes[k] = perf_plan_cache_bytes(&p->plan, k, q->context);
    s->workspace_bytes = workspace_of(&p->plan, q);
    return RG_OK;
}

static rg_status find_times(perf_cache *c, plan_slot *p, const perf_plan_question *q, time_slot **out,
                            rg_error *err) {
    time_key key;
    memset(&key, 0, sizeof key); /* padding is compared too */
    key.system = q->system;
    key.plan = p->number;
    key.batch = q->batch;
    key.context = q->context;
    key.phase = q->phase;
    time_slot *s = &c->time[perf_cache_slot(&key, sizeof key, N_TIMES)];
    *out = s;
    if (s->pass && memcmp(&s->key, &key, sizeof key) == 0) return RG_OK;
    RG_TRY(fill_times(s, p, q, err));
    memcpy(&s->key, &key, sizeof key);
    return RG_OK;
}

static double model_flop(perf_cache *c, const rg_graph *g, rg_phase phase, double context) {
    const double key[2] = {(double)(uintptr_t)g, 2 * context + (phase == RG_DECODE)};
    flop_slot *s = &c->flop[perf_cache_slot(key, sizeof key, N_FLOPS)];
    if (s->graph == g && s->phase == phase && s->context == context) return s->flop;
    *s = (flop_slot){.graph = g, .phase = phase, .context = context};
    for (size_t i = 0; i < g->n_nodes; i++)
        s->flop += rg_graph_count_node(g, i, phase, 1, context).matrix_flop;
    return s->flop;
}

rg_status perf_cache_times(perf_cache *c, const rg_graph *graph, const rg_layout *layout, const char *policy,
                           const perf_plan_question *question, perf_cached *out, rg_error *err) {
    plan_key key;
    plan_slot *p;
    time_slot *t;
    memset(&key, 0, sizeof key);
    key.graph = graph;
    key.policy = policy;
    key.tp = layout->tp, key.ep = layout->ep, key.cp = layout->cp, key.etp = layout->etp;
    key.sp = layout->sp;
    perf_plan_question q = *question;
    q.all = c->all;
    RG_TRY(find_plan(c, &key, layout, &p, err));
    RG_TRY(find_times(c, p, &q, &t, err));
    *out = (perf_cached){.plan = &p->plan,
                         .forward = t->pass,
                         .cache_bytes = t->cache_bytes,
                         .workspace_bytes = t->workspace_bytes,
                         .model_flop = model_flop(c, graph, question->phase, question->context)};
    return RG_OK;
}
