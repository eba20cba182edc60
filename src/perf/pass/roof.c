/* Bounds of all operators of a pass, by class, with totals and capacity. */
#include "perf/calibrate/calibrate.h"
#include "perf/pass/perf.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* Time by what binds it: "memory", "compute:bf16", ... */
typedef struct tally {
    struct {
        char name[24];
        double s;
    } entry[24];
    size_t n;
} tally;

static void tally_add(tally *t, const char *name, double s) {
    size_t i = 0;
    while (i < t->n && strcmp(t->entry[i].name, name) != 0) i++;
    if (i == t->n) {
        if (t->n == sizeof t->entry / sizeof *t->entry) return; /* more types than a chip has */
        snprintf(t->entry[t->n++].name, sizeof t->entry[i].name, "%s", name);
        t->entry[i].s = 0;
    }
    t->entry[i].s += s;
}

static const char *tally_most(const tally *t) {
    size_t best = 0;
    for (size_t i = 1; i < t->n; i++)
        if (t->entry[i].s > t->entry[best].s) best = i;
    return t->n ? t->entry[best].name : "memory";
}

typedef struct work {
    perf_case c;
    rg_roof roof;
    tally *by_class;            /* one per operator class */
    const rg_calibrations *all; /* NULL: no estimates */
    tally *regime_by_class, regime;
    double calibrated_s;
    tally total;
    double matrix_s, vector_s, memory_s;
    rg_error *err;
} work;

static rg_status no_memory(work *w) {
    return rg_fail(w->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* "layers.3.self_attn.q_proj" of layer 3 -> "self_attn.q_proj". */
static const char *class_of(const rg_graph_node *n) {
    char number[32];
    if (n->layer < 0) return n->name;
    snprintf(number, sizeof number, ".%d.", n->layer);
    const char *at = strstr(n->name, number);
    return at ? at + strlen(number) : n->name;
}

static rg_roof_operator *operator_of(work *w, const rg_graph_node *n) {
    const char *name = class_of(n), *op = n->op == RG_OP_OPAQUE ? n->opaque_op : rg_op_name(n->op);
    for (size_t i = 0; i < w->roof.n_operators; i++)
        if (strcmp(w->roof.op[i].name, name) == 0 && strcmp(w->roof.op[i].op, op) == 0) return &w->roof.op[i];
    rg_roof_operator *o = &w->roof.op[w->roof.n_operators];
    o->name = rg_arena_printf(&w->roof.arena, "%s", name);
    o->op = rg_arena_printf(&w->roof.arena, "%s", op);
    if (!o->name || !o->op) return NULL;
    w->roof.n_operators++;
    return o;
}

/* Adds `text` to what stands in *slot, "fp8+bf16", unless it is there. */
static rg_status join(work *w, const char **slot, const char *text) {
    if (!text || !*text || (*slot && strcmp(*slot, text) == 0)) return RG_OK;
    size_t n = strlen(text);
    for (const char *at = *slot; at && (at = strstr(at, text)); at++) /* "e2m1" also ends others' names */
        if ((at == *slot || at[-1] == '+') && (!at[n] || at[n] == '+')) return RG_OK;
    *slot = *slot ? rg_arena_printf(&w->roof.arena, "%s+%s", *slot, text)
                  : rg_arena_printf(&w->roof.arena, "%s", text);
    return *slot ? RG_OK : no_memory(w);
}

static rg_status describe(work *w, rg_roof_operator *o, const perf_cost *cost) {
    RG_TRY(join(w, &o->weight_format, cost->weight_format));
    RG_TRY(join(w, &o->activation_format, cost->activation_format));
    if (!cost->multiplies) return RG_OK;
    RG_TRY(join(w, &o->runs_as, cost->execution.runs_as));
    if (!o->source || cost->execution.kind > o->kind) { /* the weakest path is the one to explain */
        o->conversion = o->source = NULL;
        RG_TRY(join(w, &o->conversion, cost->execution.conversion));
        RG_TRY(join(w, &o->source, cost->execution.source));
    }
    if (cost->execution.kind > o->kind) o->kind = cost->execution.kind;
    return RG_OK;
}

static void add_estimate(work *w, rg_roof_operator *o, size_t node, const perf_cost *cost, double bound_s) {
    rg_estimate e;
    if (!w->all || !perf_estimate_node(&w->c, w->all, node, cost, bound_s, &e)) {
        o->estimate_s = NAN;
        return;
    }
    o->estimate_s += e.estimate_s;
    o->lo80_s += e.lo80_s;
    o->hi80_s += e.hi80_s;
    if (!o->estimate_kind || strcmp(e.kind, "transferred") == 0) o->estimate_kind = e.kind;
    if (strcmp(e.kind, "calibrated") == 0) w->calibrated_s += e.estimate_s;
    tally_add(&w->regime_by_class[o - w->roof.op], e.regime, e.estimate_s);
    tally_add(&w->regime, e.regime, e.estimate_s);
}

static rg_status add_node(work *w, size_t node) {
    perf_cost cost;
    RG_TRY(perf_cost_of(&w->c, node, &cost, w->err));
    rg_roof_operator *o = operator_of(w, &w->c.graph->node[node]);
    if (!o) return no_memory(w);
    double bound = fmax(cost.memory_s, fmax(cost.matrix_s, cost.vector_s));
    char limiter[24] = "memory";
    if (cost.matrix_s > cost.memory_s && cost.matrix_s >= cost.vector_s)
        snprintf(limiter, sizeof limiter, "compute:%s", cost.execution.runs_as);
    else if (cost.vector_s > cost.memory_s)
        snprintf(limiter, sizeof limiter, "vector:%s", w->c.vector_type);
    o->matrix_flop += cost.matrix_flop;
    o->vector_flop += cost.vector_flop;
    o->flop += cost.matrix_flop + cost.vector_flop;
    o->bytes += cost.bytes;
    o->compute_s += cost.matrix_s;
    o->vector_s += cost.vector_s;
    o->memory_s += cost.memory_s;
    o->bound_s += bound;
    tally_add(&w->by_class[o - w->roof.op], limiter, bound);
    tally_add(&w->total, limiter, bound);
    add_estimate(w, o, node, &cost, bound);
    w->matrix_s += cost.matrix_s;
    w->vector_s += cost.vector_s;
    w->memory_s += cost.memory_s;
    return describe(w, o, &cost);
}

static rg_status add_estimates(work *w) {
    rg_roof *r = &w->roof;
    for (size_t i = 0; i < r->n_operators; i++) {
        rg_roof_operator *o = &r->op[i];
        r->estimate_s += o->estimate_s;
        r->lo80_s += o->lo80_s;
        r->hi80_s += o->hi80_s;
        if (isnan(o->estimate_s)) {
            o->lo80_s = o->hi80_s = NAN;
            o->estimate_kind = NULL;
        } else if (!(o->regime = rg_arena_printf(&r->arena, "%s", tally_most(&w->regime_by_class[i])))) {
            return no_memory(w);
        }
    }
    if (isnan(r->estimate_s)) {
        r->lo80_s = r->hi80_s = NAN;
        return RG_OK;
    }
    r->estimate_kind = w->calibrated_s >= 0.9 * r->estimate_s ? "calibrated" : "transferred";
    r->regime = rg_arena_printf(&r->arena, "%s", tally_most(&w->regime));
    return r->regime ? RG_OK : no_memory(w);
}

static rg_status add_totals(work *w) {
    rg_roof *r = &w->roof;
    for (size_t i = 0; i < r->n_operators; i++) {
        rg_roof_operator *o = &r->op[i];
        o->limiter = rg_arena_printf(&r->arena, "%s", tally_most(&w->by_class[i]));
        if (!o->limiter) return no_memory(w);
        r->flop += o->flop;
        r->bytes += o->bytes;
        r->bound_s += o->bound_s;
        if (o->kind > r->kind) r->kind = o->kind;
        const bool linear = strcmp(o->op, rg_op_name(RG_OP_LINEAR)) == 0 ||
                            strcmp(o->op, rg_op_name(RG_OP_EXPERT_LINEAR)) == 0;
        if (linear && o->kind > r->linear_kind) r->linear_kind = o->kind;
    }
    r->limiter = rg_arena_printf(&r->arena, "%s", tally_most(&w->total));
    if (!r->limiter) return no_memory(w);
    RG_TRY(add_estimates(w));
    r->overlapped_s = fmax(w->matrix_s, fmax(w->vector_s, w->memory_s));
    double tokens = w->c.phase == RG_PREFILL ? w->c.batch * w->c.context : w->c.batch;
    r->tokens_per_s = r->bound_s > 0 ? tokens / r->bound_s : 0;
    return RG_OK;
}

/* Weights, the KV cache and the states of the whole batch at full context must lie in memory at once. */
static rg_status add_capacity(work *w, const char *policy) {
    rg_roof *r = &w->roof;
    const rg_chip_number *memory = rg_chip_find(w->c.chip, "memory.capacity");
    if (!memory)
        return rg_fail(w->err, RG_ERR_UNSUPPORTED, w->c.chip->file, "the number in the chip's file, or --set",
                       "%s: memory.capacity is not published", w->c.chip->id);
    RG_TRY(rg_graph_weight_bytes(w->c.graph, w->c.all_fp32 ? NULL : policy, &r->weight_bytes, w->err));
    if (w->c.all_fp32) r->weight_bytes *= 2; /* counted at bf16 */
    double per_token = 0, per_sequence = 0;
    for (size_t i = 0; i < w->c.graph->n_nodes; i++) {
        per_sequence += perf_state_bytes(&w->c, i);
        if (w->c.graph->node[i].op == RG_OP_ATTENTION || w->c.graph->node[i].op == RG_OP_MLA)
            per_token += perf_kv_row_bytes(&w->c, &w->c.graph->node[i]);
    }
    r->kv_bytes = w->c.batch * w->c.context * per_token;
    r->state_bytes = w->c.batch * per_sequence;
    r->memory_bytes = r->weight_bytes + r->kv_bytes + r->state_bytes;
    r->memory_available_bytes = memory->v.value;
    r->fits = r->memory_bytes <= r->memory_available_bytes;
    double room = r->memory_available_bytes - r->weight_bytes;
    const double each = per_token * w->c.context + per_sequence;
    r->max_batch = room > 0 && each > 0 ? floor(room / each) : 0;
    return RG_OK;
}

static rg_status explain(work *w, const char *policy) {
    const size_t n = w->c.graph->n_nodes;
    w->roof.op = rg_arena_alloc(&w->roof.arena, n + 1, sizeof *w->roof.op);
    w->by_class = rg_arena_alloc(&w->roof.arena, n + 1, sizeof *w->by_class);
    w->regime_by_class = rg_arena_alloc(&w->roof.arena, n + 1, sizeof *w->regime_by_class);
    if (!w->roof.op || !w->by_class || !w->regime_by_class) return no_memory(w);
    RG_TRY(perf_policy_check(w->c.graph, w->c.policy, w->err));
    for (size_t i = 0; i < n; i++) RG_TRY(add_node(w, i));
    RG_TRY(add_totals(w));
    return add_capacity(w, policy);
}

rg_status rg_roof_estimate(rg_roof *out, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                           double batch, double context, const char *policy, const rg_calibrations *all,
                           rg_error *err) {
    work w = {.err = err, .all = all};
    RG_TRY(perf_case_init(&w.c, graph, chip, phase, batch, context, policy, err));
    rg_status status = explain(&w, policy);
    if (status == RG_OK)
        *out = w.roof;
    else
        rg_roof_close(&w.roof);
    return status;
}

rg_status rg_roof_explain(rg_roof *out, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                          double batch, double context, const char *policy, rg_error *err) {
    return rg_roof_estimate(out, graph, chip, phase, batch, context, policy, NULL, err);
}

void rg_roof_close(rg_roof *roof) {
    if (!roof) return;
    rg_arena_free(&roof->arena);
    memset(roof, 0, sizeof *roof);
}
