/* Served models against memory: the offered concurrency is resident only as far as keys and values fit. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/lint/lint_group.h"

/* What servers leave to weights and cache: gpu_memory_utilization of vLLM, free_gpu_memory_fraction of
   TensorRT-LLM are 0.9 unless set. */
static const double usable = 0.9;

static const struct {
    const char *word, *policy;
} precisions[] = {{"fp8", "w.*=e4m3fn,a.*=e4m3fn,kv=e4m3fn"},
                  {"fp4", "w.*=nvfp4,a.*=nvfp4,kv=e4m3fn"},
                  {"nvfp4", "w.*=nvfp4,a.*=nvfp4,kv=e4m3fn"},
                  {"bf16", ""},
                  {"bfloat16", ""}};

typedef struct server { /* what a row was served with */
    const char *policy;
    const rg_chip *chip;
    double chips, sequences, context;
} server;

typedef struct columns {
    int model, system, precision, mode, load, isl, osl, tp, pp, dp, tpot;
} columns;

static bool find_columns(columns *c, const perf_csv *t) {
    *c = (columns){lint_column(t, "model_path|model"),
                   lint_column(t, "system|hardware"),
                   lint_column(t, "precision"),
                   lint_column(t, "mode"),
                   lint_column(t, "batch_size|concurrency"),
                   lint_column(t, "isl"),
                   lint_column(t, "osl"),
                   lint_column(t, "tp_size|tp"),
                   lint_column(t, "pp_size|pp"),
                   lint_column(t, "attention_dp_size|dp"),
                   lint_column(t, "silicon_tpot_ms|tpot_ms")};
    return c->model >= 0 && c->system >= 0 && c->precision >= 0 && c->load >= 0 && c->isl >= 0 &&
           c->osl >= 0 && c->tpot >= 0;
}

/* "meta-llama/Llama-3.1-70B" is llama-3.1-70b; endings as -Instruct-FP8 are dropped one by one. */
static bool open_model(rg_graph *out, const char *path, const char *data_dir) {
    char name[128];
    const char *slash = strrchr(path, '/');
    snprintf(name, sizeof name, "%s", slash ? slash + 1 : path);
    for (char *p = name; *p; p++) *p = (char)tolower((unsigned char)*p);
    for (char *end = name; end; end = strrchr(name, '-')) {
        if (end != name) *end = 0;
        if (rg_graph_from_name(out, name, data_dir, NULL) == RG_OK) return true;
    }
    return false;
}

static double or_one(double x) {
    return x > 0 ? x : 1;
}

/* False: the row does not say enough. */
static bool server_of(lint *l, const perf_csv *t, size_t row, const columns *c, server *s) {
    const char *precision = lint_cell(t, row, c->precision), *mode = lint_cell(t, row, c->mode);
    *s = (server){.chips = or_one(lint_number(t, row, c->tp)) * or_one(lint_number(t, row, c->pp)) *
                           or_one(lint_number(t, row, c->dp)),
                  .chip = lint_chip_in(&l->chips, lint_cell(t, row, c->system)),
                  .sequences = lint_number(t, row, c->load),
                  .context = lint_number(t, row, c->isl) + lint_number(t, row, c->osl) / 2};
    for (size_t i = 0; i < sizeof precisions / sizeof *precisions; i++)
        if (strcmp(precisions[i].word, precision) == 0) s->policy = precisions[i].policy;
    return s->policy && s->chip && s->sequences >= 1 && s->context >= 1 &&
           (!*mode || strcmp(mode, "agg") == 0);
}

typedef struct step { /* on one chip */
    const char *policy;
    const rg_chip *chip;
    double sequences, context;
    double bound_s, weight_bytes, sequence_bytes, memory_bytes, available_bytes;
} step;
enum { N_STEPS = 512 };

typedef struct audit {
    rg_graph model;
    bool routed; /* routing is uneven, and may read less than the bound counts: capacity alone is audited */
    step known[N_STEPS]; /* rows differ in numbers of chips, versions and repeats */
    size_t n_known;
    lint_hits too_many, infeasible, impossible;
    const char *cause; /* of the worst infeasible row */
    double worst;
} audit;

/* One step on all chips as if they were one of their sum: no layout is faster. NULL: the chip's file or the
   formats do not give it. */
static const step *step_of(audit *a, const server *s, double sequences) {
    for (size_t i = 0; i < N_STEPS && i < a->n_known; i++) {
        const step *x = &a->known[i];
        if (x->policy == s->policy && x->chip == s->chip && x->sequences == sequences &&
            x->context == s->context)
            return x;
    }
    rg_roof roof;
    if (rg_roof_explain(&roof, &a->model, s->chip, RG_DECODE, sequences, s->context, s->policy, NULL) !=
        RG_OK)
        return NULL;
    step *x = &a->known[a->n_known++ % N_STEPS];
    *x = (step){s->policy,
                s->chip,
                sequences,
                s->context,
                roof.overlapped_s,
                roof.weight_bytes,
                (roof.kv_bytes + roof.state_bytes) / sequences,
                roof.memory_bytes,
                roof.memory_available_bytes};
    rg_roof_close(&roof);
    return x;
}

/* Cause of a step that is faster than its bound; NULL: capacity does not explain it. */
static const char *clamp(lint *l, audit *a, const server *s, const step *all, double measured_s) {
    const double needed_bytes = all->memory_bytes, memory_bytes = all->available_bytes * s->chips;
    const double fit = floor((usable * memory_bytes - all->weight_bytes) / all->sequence_bytes);
    const step *clamped = fit < 1 ? NULL : step_of(a, s, fit);
    if (!clamped || clamped->bound_s / s->chips > measured_s) return NULL;
    return rg_arena_printf(
        &l->out.arena,
        "KV does not fit: %.0f GB > %.0f GB; %.0f of %.0f sequences are resident (90 %% of the "
        "memory), for which the bound is %.1f ms",
        needed_bytes / 1e9, memory_bytes / 1e9, fit, s->sequences, 1e3 * clamped->bound_s / s->chips);
}

static void audit_row(lint *l, audit *a, const server *s, size_t number, double measured_s) {
    const step *all = step_of(a, s, s->sequences);
    if (!all) return;
    const bool fits = all->memory_bytes <= all->available_bytes * s->chips;
    const double faster = all->bound_s / s->chips / measured_s;
    if (!fits) lint_hit(&a->too_many, number);
    if (faster <= 1 || a->routed) return;
    const char *cause = fits ? NULL : clamp(l, a, s, all, measured_s);
    lint_hit(cause ? &a->infeasible : &a->impossible, number);
    if (!cause || faster <= a->worst) return;
    a->worst = faster;
    a->cause = cause;
}

static rg_status report(lint *l, const lint_table *t, const char *model, audit *a) {
    rg_arena *arena = &l->out.arena;
    RG_TRY(lint_find(l, "infeasible", t->name, &a->infeasible, RG_LINT_REPORTED,
                     rg_arena_printf(arena,
                                     "%s: a step %.2f times as fast as the bound at the offered concurrency",
                                     model, a->worst),
                     a->cause ? a->cause : ""));
    RG_TRY(lint_find(l, "beats_bound", t->name, &a->impossible, RG_LINT_LEFT_OUT,
                     rg_arena_printf(arena, "%s: a step faster than the bound", model),
                     "formats, lengths or chips are not those of the columns"));
    return lint_find(
        l, "over_capacity", t->name, &a->too_many, RG_LINT_REPORTED,
        rg_arena_printf(arena, "%s: keys and values of the offered concurrency do not fit", model),
        "concurrency is not the resident batch: the rest waits; clamp the batch to what fits");
}

/* Rows [first, end) of the group are of this model. */
static rg_status audit_model(lint *l, const lint_table *t, const columns *c, const lint_group *g,
                             size_t first, size_t end) {
    const char *name = lint_cell(&t->csv, g->at[first], c->model);
    audit *a = calloc(1, sizeof *a);
    if (!a) return lint_no_memory(l);
    rg_status status = RG_OK;
    if (open_model(&a->model, name, l->options.data_dir)) {
        for (size_t i = 0; i < a->model.n_nodes; i++) a->routed |= a->model.node[i].op == RG_OP_EXPERT_LINEAR;
        for (size_t i = first; i < end; i++) {
            server s;
            const double tpot_s = lint_number(&t->csv, g->at[i], c->tpot) / 1e3;
            if (tpot_s > 0 && server_of(l, &t->csv, g->at[i], c, &s))
                audit_row(l, a, &s, g->at[i] + 1, tpot_s);
        }
        rg_graph_close(&a->model);
        status = report(l, t, name, a);
    }
    lint_hits_free(&a->too_many);
    lint_hits_free(&a->infeasible);
    lint_hits_free(&a->impossible);
    free(a);
    return status;
}

rg_status lint_capacity(lint *l, const lint_table *t) {
    columns c;
    if (!find_columns(&c, &t->csv)) return RG_OK;
    lint_group g = {.csv = &t->csv, .n_columns = 1, .column = {(size_t)c.model}};
    rg_status status = lint_group_sort(&g, l);
    for (size_t first = 0, end; status == RG_OK && first < g.n; first = end) {
        end = lint_group_end(&g, first);
        status = audit_model(l, t, &c, &g, first, end);
    }
    lint_group_close(&g);
    return status;
}
