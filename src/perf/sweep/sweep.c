/* Sweep files: axes of values, and the configuration that an index stands for. */
#include "perf/sweep/sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BYTES = 1 << 24 };

typedef enum kind { TEXT, NUMBER, RECOMPUTE, SCHEDULE } kind;

typedef struct axis_spec {
    const char *name; /* NULL: as the phase calls it */
    kind kind;
    double least, most;
    const char *preset; /* NULL: needed */
} axis_spec;

static const axis_spec specs[PERF_N_AXES] = {[PERF_AXIS_MODEL] = {"model", TEXT, 0, 0, NULL},
                                             [PERF_AXIS_SYSTEM] = {"system", TEXT, 0, 0, NULL},
                                             [PERF_AXIS_WHAT_IF] = {"what_if", TEXT, 0, 0, ""},
                                             [PERF_AXIS_POLICY] = {"policy", TEXT, 0, 0, ""},
                                             [PERF_AXIS_CONTEXT] = {NULL, NUMBER, 1, 1e9, "4096"},
                                             [PERF_AXIS_OSL] = {"osl", NUMBER, 1, 1e9, "1024"},
                                             [PERF_AXIS_TP] = {"tp", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_EP] = {"ep", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_CP] = {"cp", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_ETP] = {"etp", NUMBER, 0, 1 << 20, "0"},
                                             [PERF_AXIS_SP] = {"sp", NUMBER, 0, 1, NULL},
                                             [PERF_AXIS_MBS] = {"mbs", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_RECOMPUTE] = {"recompute", RECOMPUTE, 0, 0, "none"},
                                             [PERF_AXIS_PP] = {"pp", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_VP] = {"vp", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_SCHEDULE] = {"schedule", SCHEDULE, 0, 0, "1f1b"},
                                             [PERF_AXIS_ZERO] = {"zero", NUMBER, 0, 3, "0"},
                                             [PERF_AXIS_DP] = {"dp", NUMBER, 1, 1 << 20, "1"},
                                             [PERF_AXIS_CHIPS] = {"chips", NUMBER, 0, 1e9, "0"},
                                             [PERF_AXIS_BATCH] = {NULL, NUMBER, 1, 1e9, "1"}};

static const char *name_of(const rg_sweep *s, int axis) {
    if (axis == PERF_AXIS_CONTEXT) return s->phase->context;
    return axis == PERF_AXIS_BATCH ? s->phase->batch : specs[axis].name;
}

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* ---- reading ----------------------------------------------------------------------------------------- */

typedef struct reader {
    rg_sweep *s;
    rg_doc *doc;
    const char *data_dir;
    rg_error *err;
} reader;

static rg_status bad(reader *r, const rg_doc_node *node, const char *expected, const char *found) {
    char where[256];
    return rg_fail(r->err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where), expected,
                   "\"%.60s\"", found);
}

static rg_status read_word(reader *r, const rg_doc_node *node, const char *text, kind k, double *out) {
    const int n = k == RECOMPUTE ? RG_N_RECOMPUTES : RG_N_SCHEDULES;
    for (int i = 0; i < n; i++) {
        const char *word =
            k == RECOMPUTE ? rg_recompute_name((rg_recompute)i) : rg_schedule_name((rg_schedule)i);
        if (strcmp(word, text) != 0) continue;
        *out = i;
        return RG_OK;
    }
    return bad(r, node, k == RECOMPUTE ? "none, selective or full" : "1f1b, interleaved or zero_bubble",
               text);
}

static rg_status read_value(reader *r, int axis, const rg_doc_node *node, const char *text, size_t i) {
    perf_axis_values *a = &r->s->axis[axis];
    const axis_spec *spec = &specs[axis];
    char expected[96], *end;
    a->text[i] = rg_arena_printf(&r->s->arena, "%s", text);
    if (!a->text[i]) return no_memory(r->err);
    a->value[i] = (double)i;
    if (spec->kind == TEXT) return RG_OK;
    if (spec->kind != NUMBER) return read_word(r, node, text, spec->kind, &a->value[i]);
    const double v = strtod(text, &end);
    snprintf(expected, sizeof expected, "whole numbers from %.0f to %.0f", spec->least, spec->most);
    if (end == text || *end || !(v >= spec->least && v <= spec->most) || v != floor(v))
        return bad(r, node, expected, text);
    a->value[i] = v;
    return RG_OK;
}

/* A value, a list of them, or nothing. */
static rg_status read_axis(reader *r, int axis) {
    const char *name = name_of(r->s, axis);
    const char *preset = axis == PERF_AXIS_SP ? r->s->phase->sp : specs[axis].preset;
    perf_axis_values *a = &r->s->axis[axis];
    rg_doc_node *node = name ? rg_doc_get(r->doc->root, name) : NULL;
    if (!node && !preset) return bad(r, r->doc->root, "a value, or a list of values", name);
    a->n = node && node->kind == RG_DOC_LIST ? node->n : 1;
    if (!a->n || (node && node->kind != RG_DOC_LIST && node->kind != RG_DOC_SCALAR))
        return bad(r, node, "a value, or a list of values", name);
    a->value = rg_arena_alloc(&r->s->arena, a->n, sizeof *a->value);
    a->text = rg_arena_alloc(&r->s->arena, a->n, sizeof *a->text);
    if (!a->value || !a->text) return no_memory(r->err);
    if (!node) return read_value(r, axis, NULL, preset, 0);
    if (node->kind == RG_DOC_SCALAR) return read_value(r, axis, node, node->text, 0);
    size_t i = 0;
    for (rg_doc_node *c = node->child; c; c = c->next) {
        if (c->kind != RG_DOC_SCALAR) return bad(r, c, "a value, or a list of values", name);
        RG_TRY(read_value(r, axis, c, c->text, i++));
    }
    return RG_OK;
}

static rg_status read_axes(reader *r) {
    rg_sweep *s = r->s;
    s->size = 1;
    for (int i = 0; i < PERF_N_AXES; i++) {
        RG_TRY(read_axis(r, i));
        if (s->size > ((uint64_t)1 << 40) / s->axis[i].n)
            return bad(r, r->doc->root, "at most 2^40 configurations", name_of(s, i));
        s->size *= s->axis[i].n;
    }
    const rg_doc_node *dp = rg_doc_get(r->doc->root, "dp");
    return dp && rg_doc_get(r->doc->root, "chips") ? bad(r, dp, "dp or chips, of which dp follows", "dp")
                                                   : RG_OK;
}

static rg_status read_objectives(reader *r) {
    rg_sweep *s = r->s;
    rg_doc_node *list;
    RG_TRY(rg_doc_child(r->doc, r->doc->root, "objectives", RG_DOC_LIST, false, &list, r->err));
    for (int i = 0; !list && i < 2; i++)
        s->objective[s->n_objectives++] = perf_objective_find(s->phase->objective[i]);
    if (!list) return RG_OK;
    for (rg_doc_node *c = list->child; c; c = c->next) {
        const perf_objective *o = c->kind == RG_DOC_SCALAR ? perf_objective_find(c->text) : NULL;
        if (!o) return bad(r, c, perf_objective_names, c->kind == RG_DOC_SCALAR ? c->text : "no name");
        if (s->n_objectives == sizeof s->objective / sizeof *s->objective)
            return bad(r, c, "at most 8 objectives", c->text);
        s->objective[s->n_objectives++] = o;
    }
    return s->n_objectives ? RG_OK : bad(r, list, perf_objective_names, "objectives");
}

/* A name of data/models, or a config file. */
static rg_status open_graph(reader *r, const char *name, rg_graph *out) {
    char families[4096];
    snprintf(families, sizeof families, "%s/families", r->data_dir);
    if (strchr(name, '/') || strstr(name, ".json") || strstr(name, ".yaml"))
        return rg_graph_from_file(out, name, families, r->err);
    return rg_graph_from_name(out, name, r->data_dir, r->err);
}

/* "nvlink.bandwidth=x2; memory.bandwidth=x1.3": each a change of a number; "" is the system as it is. */
static rg_status apply(reader *r, rg_system *system, const char *text) {
    for (const char *p = text; *p;) {
        char one[160];
        while (*p == ' ' || *p == ';') p++;
        const size_t n = strcspn(p, ";");
        if (n >= sizeof one) return rg_fail(r->err, RG_ERR_PARSE, "what_if", "PATH=VALUE", "\"%.40s...\"", p);
        snprintf(one, sizeof one, "%.*s", (int)n, p);
        if (n) RG_TRY(rg_system_set(system, one, r->err));
        p += n;
    }
    return RG_OK;
}

static rg_status open_systems(reader *r) {
    rg_sweep *s = r->s;
    const perf_axis_values *systems = &s->axis[PERF_AXIS_SYSTEM], *what_ifs = &s->axis[PERF_AXIS_WHAT_IF];
    s->system = rg_arena_alloc(&s->arena, systems->n * what_ifs->n, sizeof *s->system);
    if (!s->system) return no_memory(r->err);
    for (size_t i = 0; i < systems->n; i++)
        for (size_t k = 0; k < what_ifs->n; k++) {
            RG_TRY(rg_system_open(&s->system[s->n_systems], systems->text[i], r->data_dir, r->err));
            RG_TRY(apply(r, &s->system[s->n_systems++], what_ifs->text[k]));
        }
    return RG_OK;
}

static rg_status open_all(reader *r) {
    rg_sweep *s = r->s;
    const perf_axis_values *models = &s->axis[PERF_AXIS_MODEL];
    s->graph = rg_arena_alloc(&s->arena, models->n, sizeof *s->graph);
    if (!s->graph) return no_memory(r->err);
    for (size_t i = 0; i < models->n; i++) {
        RG_TRY(open_graph(r, models->text[i], &s->graph[i]));
        s->n_graphs++;
    }
    return open_systems(r);
}

static rg_status check_policies(reader *r) {
    for (size_t i = 0; i < r->s->axis[PERF_AXIS_POLICY].n; i++) {
        rg_policy policy;
        RG_TRY(rg_policy_parse(r->s->axis[PERF_AXIS_POLICY].text[i], &policy, r->err));
    }
    return RG_OK;
}

static rg_status read_sweep(reader *r) {
    const char *phase = NULL;
    if (!r->doc->root || r->doc->root->kind != RG_DOC_MAP)
        return rg_fail(r->err, RG_ERR_PARSE, r->doc->file, "keys and values (docs/sweep.md)",
                       "not a sweep file");
    RG_TRY(rg_doc_string(r->doc, r->doc->root, "phase", true, &phase, r->err));
    r->s->phase = perf_sweep_phase_find(phase);
    if (!r->s->phase) return bad(r, rg_doc_get(r->doc->root, "phase"), perf_sweep_phase_names, phase);
    RG_TRY(read_axes(r));
    RG_TRY(check_policies(r));
    RG_TRY(read_objectives(r));
    RG_TRY(open_all(r));
    RG_TRY(rg_doc_unused(r->doc, r->doc->root, r->err));
    return perf_cache_open(&r->s->cache, r->s->all, r->err);
}

rg_status perf_sweep_parse(rg_sweep **out, const char *text, size_t size, const char *path,
                           const char *data_dir, const rg_calibrations *all, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, path, false, err));
    rg_sweep *s = calloc(1, sizeof *s);
    reader r = {.s = s, .doc = &doc, .data_dir = data_dir, .err = err};
    rg_status status = s ? RG_OK : no_memory(err);
    if (s) {
        s->all = all;
        status = read_sweep(&r);
    }
    rg_doc_close(&doc);
    if (status == RG_OK) status = perf_sweep_digest(s, text, size, data_dir, err);
    if (status == RG_OK)
        *out = s;
    else
        rg_sweep_close(s);
    return status;
}

rg_status rg_sweep_open(rg_sweep **out, const char *path, const char *data_dir, const rg_calibrations *all,
                        rg_error *err) {
    char *text;
    size_t size;
    RG_TRY(rg_file_read(path, MOST_BYTES, &text, &size, err));
    const rg_status status = perf_sweep_parse(out, text, size, path, data_dir, all, err);
    free(text);
    return status;
}

void rg_sweep_close(rg_sweep *s) {
    if (!s) return;
    perf_cache_close(s->cache);
    free(s->trained);
    perf_sweep_close_pools(s->pools);
    for (size_t i = 0; i < s->n_graphs; i++) rg_graph_close(&s->graph[i]);
    for (size_t i = 0; i < s->n_systems; i++) rg_system_close(&s->system[i]);
    rg_arena_free(&s->arena);
    free(s);
}

uint64_t rg_sweep_size(const rg_sweep *s) {
    return s->size;
}

const char *rg_sweep_phase(const rg_sweep *s) {
    return s->phase->name;
}

rg_digest rg_sweep_digest(const rg_sweep *s) {
    return s->digest;
}

/* ---- configurations ---------------------------------------------------------------------------------- */

static rg_status divide_chips(const double *v, rg_layout *l, rg_error *err) {
    const double chips = v[PERF_AXIS_CHIPS], rest = (double)(l->tp * l->pp * l->cp);
    if (!(chips > 0)) return RG_OK;
    l->dp = (int64_t)(chips / rest);
    if (chips >= rest && fmod(chips, rest) == 0) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "layout", "chips that tp x pp x cp divides",
                   "%.0f chips over %.0f ranks", chips, rest);
}

rg_status rg_sweep_describe(const rg_sweep *s, uint64_t index, rg_sweep_case *out, rg_error *err) {
    double v[PERF_N_AXES];
    size_t at[PERF_N_AXES];
    for (int i = PERF_N_AXES - 1; i >= 0; i--) {
        at[i] = (size_t)(index % s->axis[i].n);
        v[i] = s->axis[i].value[at[i]];
        index /= s->axis[i].n;
    }
    *out = (rg_sweep_case){.model = s->axis[PERF_AXIS_MODEL].text[at[PERF_AXIS_MODEL]],
                           .system = s->axis[PERF_AXIS_SYSTEM].text[at[PERF_AXIS_SYSTEM]],
                           .what_if = s->axis[PERF_AXIS_WHAT_IF].text[at[PERF_AXIS_WHAT_IF]],
                           .policy = s->axis[PERF_AXIS_POLICY].text[at[PERF_AXIS_POLICY]],
                           .batch = v[PERF_AXIS_BATCH],
                           .context = v[PERF_AXIS_CONTEXT],
                           .osl = v[PERF_AXIS_OSL]};
    out->layout = (rg_layout){.tp = (int64_t)v[PERF_AXIS_TP],
                              .pp = (int64_t)v[PERF_AXIS_PP],
                              .dp = (int64_t)v[PERF_AXIS_DP],
                              .ep = (int64_t)v[PERF_AXIS_EP],
                              .cp = (int64_t)v[PERF_AXIS_CP],
                              .etp = (int64_t)v[PERF_AXIS_ETP],
                              .vp = (int64_t)v[PERF_AXIS_VP],
                              .sp = v[PERF_AXIS_SP] > 0,
                              .zero = (int64_t)v[PERF_AXIS_ZERO],
                              .microbatch = (int64_t)v[PERF_AXIS_MBS],
                              .recompute = (rg_recompute)v[PERF_AXIS_RECOMPUTE],
                              .schedule = (rg_schedule)v[PERF_AXIS_SCHEDULE]};
    RG_TRY(divide_chips(v, &out->layout, err));
    return rg_layout_complete(&out->layout, err);
}

size_t perf_sweep_position(const rg_sweep *s, perf_axis axis, uint64_t index) {
    for (int i = PERF_N_AXES - 1; i > (int)axis; i--) index /= s->axis[i].n;
    return (size_t)(index % s->axis[axis].n);
}

rg_status rg_sweep_evaluate(rg_sweep *s, uint64_t from, size_t n, rg_sweep_result *out, rg_error *err) {
    for (size_t i = 0; i < n; i++) {
        rg_error why = {0};
        perf_sweep_question q = {
            .graph = &s->graph[perf_sweep_position(s, PERF_AXIS_MODEL, from + i)],
            .system =
                &s->system[perf_sweep_position(s, PERF_AXIS_SYSTEM, from + i) * s->axis[PERF_AXIS_WHAT_IF].n +
                           perf_sweep_position(s, PERF_AXIS_WHAT_IF, from + i)]};
        rg_sweep_result *r = &out[i];
        memset(r, 0, sizeof *r);
        rg_status status = rg_sweep_describe(s, from + i, &q.c, &why);
        if (status == RG_OK) status = s->phase->evaluate(s, &q, r, &why);
        if (status == RG_ERR_MEMORY) return rg_fail(err, status, why.where, why.expected, "%s", why.message);
        r->index = from + i;
        if (status == RG_OK) continue;
        r->status = RG_SWEEP_REFUSED;
        snprintf(r->reason, sizeof r->reason, "%.70s; expected %.36s", why.message, why.expected);
    }
    return RG_OK;
}
