/* Sets of published training steps: models, systems and work that rows share. */
#include "perf/train/train_cases.h"

#include <stdio.h>
#include <string.h>

enum { MAX_GRAPHS = 128, MAX_SYSTEMS = 16 };

struct perf_train_pool {
    size_t n_graphs, n_systems;
    struct {
        char name[96];
        rg_graph graph;
    } model[MAX_GRAPHS];
    struct {
        char id[48];
        rg_system system;
    } system[MAX_SYSTEMS];
};

static rg_status pool_of(perf_scoring *s, perf_train_set *set, struct perf_train_pool **out) {
    if (!set->pool) set->pool = rg_arena_alloc(&set->arena, 1, sizeof *set->pool);
    *out = set->pool;
    return *out ? RG_OK : perf_score_no_memory(s);
}

/* `config` NULL: a file of the folder's models-config. */
static rg_status read_graph(perf_scoring *s, const char *name, const char *config, rg_graph *out) {
    char families[4096], path[4096];
    rg_doc doc;
    snprintf(families, sizeof families, "%s/families", s->data_dir);
    if (!config) {
        snprintf(path, sizeof path, "%s/models-config/%s.json", s->dir, name);
        return rg_graph_from_file(out, path, families, s->err);
    }
    RG_TRY(rg_doc_parse(&doc, config, strlen(config), name, false, s->err));
    const rg_status status = rg_graph_from_config(out, &doc, families, s->err);
    rg_doc_close(&doc);
    return status;
}

rg_status perf_train_graph(perf_scoring *s, perf_train_set *set, const char *name, const char *config,
                           const rg_graph **out) {
    struct perf_train_pool *p;
    RG_TRY(pool_of(s, set, &p));
    for (size_t i = 0; i < p->n_graphs; i++)
        if (strcmp(p->model[i].name, name) == 0) {
            *out = &p->model[i].graph;
            return RG_OK;
        }
    if (p->n_graphs == MAX_GRAPHS)
        return rg_fail(s->err, RG_ERR_UNSUPPORTED, name, "fewer models", "more than %d models", MAX_GRAPHS);
    RG_TRY(read_graph(s, name, config, &p->model[p->n_graphs].graph));
    snprintf(p->model[p->n_graphs].name, sizeof p->model[0].name, "%s", name);
    *out = &p->model[p->n_graphs++].graph;
    return RG_OK;
}

rg_status perf_train_system(perf_scoring *s, perf_train_set *set, const char *id, const rg_system **out) {
    struct perf_train_pool *p;
    RG_TRY(pool_of(s, set, &p));
    for (size_t i = 0; i < p->n_systems; i++)
        if (strcmp(p->system[i].id, id) == 0) {
            *out = &p->system[i].system;
            return RG_OK;
        }
    if (p->n_systems == MAX_SYSTEMS)
        return rg_fail(s->err, RG_ERR_UNSUPPORTED, id, "fewer systems", "more than %d systems", MAX_SYSTEMS);
    RG_TRY(rg_system_open(&p->system[p->n_systems].system, id, s->data_dir, s->err));
    snprintf(p->system[p->n_systems].id, sizeof p->system[0].id, "%s", id);
    *out = &p->system[p->n_systems++].system;
    return RG_OK;
}

rg_status perf_train_keep(perf_scoring *s, perf_train_set *set, const perf_train_case *c) {
    if (!rg_arena_grow(&set->arena, &set->item, &set->room, set->n + 1, sizeof *set->item))
        return perf_score_no_memory(s);
    set->item[set->n++] = *c;
    return RG_OK;
}

/* Items move while the set grows: what they point to of themselves is set when they are used. */
static rg_train_request request_of(const perf_train_case *c) {
    rg_train_request r = c->request;
    r.graph = c->graph;
    r.system = c->system;
    r.layout = &c->layout;
    r.stack = *c->stack ? c->stack : NULL;
    return r;
}

rg_status perf_train_add_case(perf_scoring *s, perf_train_set *set, const perf_train_case *from,
                              const char *layout) {
    perf_train_case c = *from;
    perf_train_constants k;
    RG_TRY(rg_layout_parse(layout, &c.layout, s->err));
    const rg_train_request r = request_of(&c);
    perf_train_constants_of(&k, &r, s->all);
    RG_TRY(perf_train_prepare(&c.work, &c.exchanges, &r, s->all, &k, s->err));
    return perf_train_keep(s, set, &c);
}

void perf_train_case_constants(const perf_scoring *s, const perf_train_case *c, perf_train_constants *k) {
    const rg_train_request r = request_of(c);
    perf_train_constants_of(k, &r, s->all);
}

void perf_train_case_step(const perf_train_case *c, const perf_train_constants *k, rg_train_step *out) {
    const rg_train_request r = request_of(c);
    perf_train_finish(out, &c->work, &c->exchanges, &r, k);
}

void perf_train_set_close(perf_train_set *set) {
    if (!set) return;
    for (size_t i = 0; set->pool && i < set->pool->n_graphs; i++) rg_graph_close(&set->pool->model[i].graph);
    for (size_t i = 0; set->pool && i < set->pool->n_systems; i++)
        rg_system_close(&set->pool->system[i].system);
    rg_arena_free(&set->arena);
    memset(set, 0, sizeof *set);
}
