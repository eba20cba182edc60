/* Serving in steady state: batch that is resident, time between tokens, waiting, verdict. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/serve/serve.h"

static const char *const part_names[RG_SERVE_N_PARTS] = {"linear", "experts", "attention", "collective",
                                                         "launch", "host",    "draft",     "prompts"};
static const char *const memory_names[RG_SERVE_N_MEMORY] = {"weights", "cache", "workspace"};
static const char *const verdict_names[] = {"ok", "saturated", "does not fit"};

const char *rg_serve_part_name(rg_serve_part part) {
    return part_names[part];
}
const char *rg_serve_memory_name(rg_serve_memory component) {
    return memory_names[component];
}
const char *rg_serve_verdict_name(rg_serve_verdict verdict) {
    return verdict_names[verdict];
}

double rg_serve_tokens_per_step(double acceptance, double draft) {
    return acceptance < 1 ? (1 - pow(acceptance, draft + 1)) / (1 - acceptance) : draft + 1;
}

typedef struct work {
    const rg_serve_request *q;
    const rg_calibrations *all;
    perf_pool *pool, *prefill; /* prefill: where prompts have a pool of their own, else NULL */
    double constant[PERF_SERVE_N];
    bool apart, has_experts;
    perf_serve_pass prompt;
    double context, work_s; /* that a prompt adds to steps of a replica */
    double tokens;          /* per step and sequence */
    double chunks;          /* steps that a prompt is spread over */
    rg_serve_result r;
    rg_error *err;
} work;

typedef struct step {
    double part[RG_SERVE_N_PARTS]; /* per token of a sequence */
    double tpot_s, bound_s, compute_s;
} step;

/* ---- a step ------------------------------------------------------------------------------------------ */

/* One more layer and one more output head, as a share of a step. */
static double draft_share(const work *w) {
    if (w->q->draft_cost > 0) return w->q->draft_cost;
    const rg_graph *g = w->q->graph;
    return 1 / fmax(1, (double)g->n_layers);
}

static rg_status step_of(work *w, double batch, step *out) {
    const rg_serve_request *q = w->q;
    perf_pool *p = w->pool;
    perf_serve_pass pass;
    RG_TRY(perf_pool_step(p, batch, w->context, 1 + q->draft, &pass, w->err));
    step s = {.bound_s = pass.bound_s / w->tokens, .compute_s = perf_serve_compute_s(&pass) / w->tokens};
    perf_serve_parts(&pass, w->constant, s.part);
    s.part[RG_SERVE_HOST] = w->constant[PERF_SERVE_HOST] + batch * w->constant[PERF_SERVE_SEQUENCE];
    s.part[RG_SERVE_DRAFT] = q->draft * draft_share(w) * perf_serve_sum(s.part);
    for (int i = 0; i < RG_SERVE_N_PARTS; i++) s.part[i] /= w->tokens;
    if (!w->prefill) s.part[RG_SERVE_PROMPTS] = w->constant[PERF_SERVE_PREFILL] * batch * w->work_s / q->osl;
    s.tpot_s = perf_serve_sum(s.part);
    *out = s;
    return RG_OK;
}

/* Requests per second of all replicas with `batch` sequences resident in each. */
static double rate_of(const work *w, double batch, const step *s) {
    return w->pool->replicas * batch / (w->q->osl * s->tpot_s);
}

/* ---- the batch --------------------------------------------------------------------------------------- */

/* Little's law: the smallest batch that answers as many requests as are offered. */
static rg_status batch_for_rate(work *w, double *batch, step *s) {
    double lo = 1, hi = w->pool->max_batch;
    while (lo < hi) {
        const double mid = floor((lo + hi) / 2);
        RG_TRY(step_of(w, mid, s));
        if (rate_of(w, mid, s) >= w->q->requests_per_s)
            hi = mid;
        else
            lo = mid + 1;
    }
    *batch = lo;
    return step_of(w, lo, s);
}

static rg_status find_batch(work *w, double *batch, step *s) {
    const rg_serve_request *q = w->q;
    step full;
    RG_TRY(step_of(w, w->pool->max_batch, &full));
    w->r.sustainable_requests_per_s = rate_of(w, w->pool->max_batch, &full);
    if (q->requests_per_s > w->r.sustainable_requests_per_s) {
        w->r.verdict = RG_SERVE_SATURATED;
        *batch = w->pool->max_batch;
        *s = full;
        snprintf(w->r.reason, sizeof w->r.reason,
                 "%.4g requests/s offered, %.4g are answered with %.0f sequences in each of %.0f replicas, "
                 "the most that %s",
                 q->requests_per_s, w->r.sustainable_requests_per_s, *batch, w->pool->replicas,
                 q->max_batch > 0 && *batch >= q->max_batch ? "may be resident" : "fit");
        return RG_OK;
    }
    if (q->requests_per_s > 0) return batch_for_rate(w, batch, s);
    const double wanted = ceil(q->concurrency / w->pool->replicas);
    *batch = fmin(wanted, w->pool->max_batch);
    return step_of(w, *batch, s);
}

/* ---- waiting ----------------------------------------------------------------------------------------- */

/* Keys and values of a prompt, over the outermost links, all ranks of a replica at once. */
static rg_status add_transfer(work *w) {
    const rg_system *s = w->q->system;
    if (!s->n_levels || !(s->level[s->n_levels - 1].bytes_per_s.value > 0))
        return rg_fail(w->err, RG_ERR_UNSUPPORTED, s->id, "a system with links",
                       "no link from the pool of prompts to the pool of answers");
    const rg_system_level *l = &s->level[s->n_levels - 1];
    RG_TRY(rg_graph_kv_bytes(w->q->graph, w->q->policy, w->q->isl, &w->r.transfer_bytes, w->err));
    const double ranks = w->pool->chips / w->pool->replicas;
    w->r.transfer_s = w->r.transfer_bytes / (ranks * l->bytes_per_s.value) + l->latency_s.value;
    return RG_OK;
}

static double first_token_together(work *w, double batch, double rate, const step *s) {
    const perf_serve_first_token f = {.prompt_s = w->r.prompt_s,
                                      .work_s = w->work_s,
                                      .step_s = (s->tpot_s - s->part[RG_SERVE_PROMPTS]) * w->tokens,
                                      .batch = batch,
                                      .rate = w->q->requests_per_s > 0 ? rate / w->pool->replicas : 0,
                                      .chunks = w->chunks};
    w->r.utilisation = fmax(rate / w->pool->replicas * w->work_s, batch / w->pool->max_batch);
    return perf_serve_first(&f, w->constant);
}

static double first_token_apart(work *w, double rate) {
    const double work_s = w->r.prompt_s / (double)w->prefill->layout.pp;
    const double servers = floor(rate * work_s / w->prefill->replicas) + 1; /* deployments of the pool */
    const double rho = rate * work_s / (servers * w->prefill->replicas);
    w->r.chips += servers * w->prefill->chips;
    w->r.utilisation = rho;
    return perf_serve_wait(rho, work_s, servers * w->prefill->replicas) + w->r.prompt_s + w->r.transfer_s +
           w->constant[PERF_SERVE_REQUEST];
}

/* Those that memory keeps out of the batch wait for a place. */
static double wait_for_place(const work *w, double batch, double rate) {
    const double out = w->q->concurrency - batch * w->pool->replicas;
    return out > 0 ? out / rate : 0;
}

/* ---- results ----------------------------------------------------------------------------------------- */

static double constant_of(const work *w, const char *name) {
    const perf_step_constant *c =
        perf_step_constant_find(w->all, "serving", name, w->q->system->chip.id, w->q->engine);
    return c ? c->value : 0;
}

/* Are chip, engine and what is asked like the servings that the constants were fitted to? */
static bool is_calibrated(const work *w) {
    const rg_serve_request *q = w->q;
    return constant_of(w, "seen") > 0 && constant_of(w, "host") > 0 &&
           w->pool->chips <= constant_of(w, "chips") && !w->prefill && q->draft == 0 && q->prefix_hit == 0 &&
           q->layout->pp == 1;
}

static rg_serve_time interval(const work *w, const char *residual, double bound_s, double estimate_s) {
    const perf_step_constant *c =
        perf_step_constant_find(w->all, "serving", residual, "", w->has_experts ? "experts" : "dense");
    rg_serve_time t = {bound_s, fmax(bound_s, estimate_s), NAN, NAN};
    const double wide = is_calibrated(w) ? 1 : 2; /* on the log scale */
    t.lo80_s = fmax(bound_s, t.estimate_s * exp(wide * (c ? c->lo : -0.35)));
    t.hi80_s = t.estimate_s * exp(wide * (c ? c->hi : 0.35));
    return t;
}

static const char *limiter_of(const double part[RG_SERVE_N_PARTS]) {
    int best = 0;
    for (int i = 1; i < RG_SERVE_N_PARTS; i++)
        if (part[i] > part[best]) best = i;
    return part_names[best];
}

static void add_rates(work *w, double batch, const step *s, double rate) {
    rg_serve_result *r = &w->r;
    r->requests_per_s = rate;
    r->tokens_per_s = rate * w->q->osl;
    r->tokens_per_s_per_chip = r->tokens_per_s / r->chips;
    /* of a rank: all parts of the batch pass its stage between two tokens, and its share of the prompts */
    const double prompts_s =
        w->prefill ? 0 : perf_serve_compute_s(&w->prompt) * batch / w->q->osl / (double)w->pool->layout.pp;
    r->mfu = (s->compute_s + prompts_s) / s->tpot_s;
    const rg_value *usd = &w->q->system->usd_per_chip_h;
    r->usd_per_million_tokens = usd->given ? usd->value / 3600 / r->tokens_per_s_per_chip * 1e6 : NAN;
}

/* More sequences are asked for than lie in memory. */
static void note_clamp(work *w, double batch) {
    const perf_pool *p = w->pool;
    const double wanted = ceil(w->q->concurrency / p->replicas);
    w->r.wanted_bytes = p->weight_bytes + fmax(batch, wanted) * p->sequence_bytes;
    if (wanted <= batch) return;
    const bool memory = !(w->q->max_batch > 0 && batch >= w->q->max_batch);
    if (memory && w->r.wanted_bytes > p->memory_bytes)
        snprintf(w->r.reason, sizeof w->r.reason,
                 "KV does not fit: %.0f GB > %.0f GB; of %.0f sequences of a replica %.0f are resident, the "
                 "others wait",
                 w->r.wanted_bytes / 1e9, p->memory_bytes / 1e9, wanted, batch);
    else
        snprintf(w->r.reason, sizeof w->r.reason,
                 "of %.0f sequences of a replica %.0f are resident, %s; the others wait", wanted, batch,
                 memory ? "which fill the engine's share of the memory" : "as many as may be");
}

static void add_memory(work *w, double batch) {
    const perf_pool *p = w->pool;
    rg_serve_result *r = &w->r;
    r->max_batch = p->max_batch;
    r->kv_tokens = p->max_batch * w->context;
    r->resident_batch = batch;
    r->memory_available_bytes = p->memory_bytes;
    r->memory_bytes[RG_SERVE_WEIGHTS] = p->weight_bytes;
    r->memory_bytes[RG_SERVE_CACHE] = batch * p->sequence_bytes;
    r->memory_bytes[RG_SERVE_WORKSPACE] = p->memory_bytes * (1 - p->memory_share);
    note_clamp(w, batch);
}

static void no_times(rg_serve_result *r) {
    r->ttft = r->tpot = (rg_serve_time){NAN, NAN, NAN, NAN};
    for (int i = 0; i < RG_SERVE_N_PARTS; i++) r->part_s[i] = NAN;
}

static rg_status answer(work *w) {
    step s;
    double batch;
    RG_TRY(find_batch(w, &batch, &s));
    add_memory(w, batch);
    const bool saturated = w->r.verdict == RG_SERVE_SATURATED;
    const double most = rate_of(w, batch, &s);
    const double rate = w->q->requests_per_s > 0 ? fmin(most, w->q->requests_per_s) : most;
    const double first =
        (w->prefill ? first_token_apart(w, rate) : first_token_together(w, batch, rate, &s)) +
        wait_for_place(w, batch, rate);
    add_rates(w, batch, &s, rate);
    w->r.decode_replicas_per_prefill = w->prefill ? w->pool->replicas / (w->r.prompt_s * rate) : 0;
    w->r.limiter = limiter_of(s.part);
    if (is_calibrated(w)) w->r.kind = "calibrated";
    if (saturated) {
        no_times(&w->r);
        return RG_OK;
    }
    memcpy(w->r.part_s, s.part, sizeof s.part);
    w->r.tpot = interval(w, "residual", s.bound_s, s.tpot_s);
    w->r.ttft = interval(w, "first_token_residual", w->prompt.bound_s, first);
    return RG_OK;
}

static void report_misfit(work *w, const perf_pool *p) {
    const double room = p->memory_bytes * p->memory_share, need = p->weight_bytes + p->sequence_bytes;
    rg_serve_result *r = &w->r;
    r->verdict = RG_SERVE_DOES_NOT_FIT;
    r->limiter = "memory";
    no_times(r);
    r->usd_per_million_tokens = NAN;
    add_memory(w, 0);
    r->wanted_bytes = need;
    /* tp leaves the experts of a rank as they are */
    const double others = need - p->expert_bytes;
    const bool deal = p->expert_bytes > 0 && others < room;
    const double times = deal ? p->expert_bytes / (room - others) : need / room;
    snprintf(
        r->reason, sizeof r->reason,
        "%s%s: %.4g GB of %.4g GB that may be filled, %.4g GB too many; what would fit: %s=%lld%s, or "
        "formats of %.2g of these bytes",
        p == w->prefill ? "pool of prompts: " : "",
        p->weight_bytes > room ? "weights do not fit" : "no sequence fits beside the weights", need / 1e9,
        room / 1e9, (need - room) / 1e9, deal ? "ep" : "tp",
        (long long)((deal ? p->layout.ep * p->layout.etp : p->layout.tp) * (int64_t)exp2(ceil(log2(times)))),
        deal ? " over as many ranks" : "", fmax(0, (room - p->sequence_bytes) / p->weight_bytes));
}

static rg_status run(work *w) {
    w->r.chips = w->pool->chips;
    w->r.tokens_per_step = w->tokens;
    perf_pool *prompts = w->prefill ? w->prefill : w->pool;
    const perf_pool *short_of = w->pool->max_batch < 1 ? w->pool : prompts;
    if (short_of->max_batch < 1) {
        report_misfit(w, short_of);
        return RG_OK;
    }
    RG_TRY(perf_pool_prompt(prompts, w->q->isl, floor(w->q->isl * w->q->prefix_hit), w->chunks, &w->prompt,
                            w->err));
    double part[RG_SERVE_N_PARTS];
    perf_serve_parts(&w->prompt, w->constant, part);
    w->r.prompt_s = perf_serve_sum(part) + w->constant[PERF_SERVE_HOST];
    const double others = (w->pool->replicas - 1) * w->constant[PERF_SERVE_STALL];
    w->work_s = perf_serve_prompt_work(&w->prompt, w->constant) / (double)prompts->layout.pp *
                (w->pool->layout.ep > 1 ? 1 + others : 1);
    if (w->prefill) RG_TRY(add_transfer(w));
    return answer(w);
}

/* ---- the question ------------------------------------------------------------------------------------ */

static rg_status check(const rg_serve_request *q, rg_error *err) {
    const struct {
        const char *what;
        double x, lo, hi;
    } ranges[] = {{"isl", q->isl, 1, 1e8},
                  {"osl", q->osl, 2, 1e8},
                  {"prefix_hit", q->prefix_hit, 0, 1},
                  {"acceptance", q->acceptance, 0, 1},
                  {"draft", q->draft, 0, 64},
                  {"draft_cost", q->draft_cost, 0, 100},
                  {"chunk", q->chunk, 0, 1e8},
                  {"max_batch", q->max_batch, 0, 1e9},
                  {"memory_share", q->memory_share, 0, 1},
                  {"concurrency", q->concurrency, 0, 1e9},
                  {"rate", q->requests_per_s, 0, 1e9}};
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (!(ranges[i].x >= ranges[i].lo && ranges[i].x <= ranges[i].hi))
            return rg_fail(err, RG_ERR_USAGE, ranges[i].what, "a number in range", "%g is not from %g to %g",
                           ranges[i].x, ranges[i].lo, ranges[i].hi);
    if (q->engine && perf_serve_engine(q->engine) < 0)
        return rg_fail(err, RG_ERR_USAGE, "engine", "vllm, trtllm or sglang", "\"%.40s\"", q->engine);
    if (q->graph->every_row)
        return rg_fail(err, RG_ERR_UNSUPPORTED, q->graph->model,
                       "a model that makes one token after the other", "%s sees both ways and makes none",
                       q->graph->model);
    if (q->isl != floor(q->isl) || q->osl != floor(q->osl) || q->draft != floor(q->draft))
        return rg_fail(err, RG_ERR_USAGE, "isl, osl, draft", "whole numbers", "%g, %g, %g", q->isl, q->osl,
                       q->draft);
    if ((q->concurrency > 0) == (q->requests_per_s > 0))
        return rg_fail(err, RG_ERR_USAGE, "concurrency", "a concurrency or a rate", "%s are given",
                       q->concurrency > 0 ? "both" : "none of the two");
    if (q->prefix_hit >= 1)
        return rg_fail(err, RG_ERR_USAGE, "prefix_hit", "less than 1: the last token is always computed",
                       "1");
    return RG_OK;
}

rg_status perf_serve(rg_serve_result *out, const rg_serve_request *q, const rg_calibrations *all,
                     perf_pool *pool, perf_pool *prefill, rg_error *err) {
    RG_TRY(check(q, err));
    const double tokens = q->isl - floor(q->isl * q->prefix_hit);
    work w = {.q = q,
              .all = all,
              .pool = pool,
              .prefill = prefill,
              .context = floor(q->isl + q->osl / 2),
              .tokens = rg_serve_tokens_per_step(q->acceptance, q->draft),
              .chunks = q->chunk > 0 ? ceil(tokens / q->chunk) : 1,
              .r.kind = "transferred",
              .err = err};
    perf_serve_constants(all, q->engine, w.constant);
    for (size_t i = 0; i < q->graph->n_nodes; i++)
        w.has_experts |= q->graph->node[i].op == RG_OP_EXPERT_LINEAR;
    perf_pool_room(pool, w.context, q->memory_share, q->max_batch);
    if (prefill) perf_pool_room(prefill, q->isl, q->memory_share, 0);
    RG_TRY(run(&w));
    *out = w.r;
    return RG_OK;
}

rg_status rg_serve_estimate(rg_serve_result *out, const rg_serve_request *q, const rg_calibrations *all,
                            rg_error *err) {
    perf_pool pool, prefill;
    RG_TRY(check(q, err));
    RG_TRY(perf_pool_open(&pool, q->graph, q->system, q->layout, q->policy, err));
    rg_status status = RG_OK;
    if (q->prefill_layout)
        status = perf_pool_open(&prefill, q->graph, q->system, q->prefill_layout, q->policy, err);
    if (status == RG_OK) {
        status = perf_serve(out, q, all, &pool, q->prefill_layout ? &prefill : NULL, err);
        if (q->prefill_layout) perf_pool_close(&prefill);
    }
    perf_pool_close(&pool);
    return status;
}
