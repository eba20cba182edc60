/* Graphs from configs: documents, files, and the names of data/models. */
#include "graph/build.h"
#include "graph/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "dir/llama-3.1-8b.json" is called llama-3.1-8b; "llama-3.1-8b/config.json" too. */
static const char *model_name(rg_arena *arena, const char *path) {
    const char *end = strrchr(path, '.'), *slash = strrchr(path, '/');
    if (!end || (slash && end < slash)) end = path + strlen(path);
    const char *start = slash ? slash + 1 : path;
    if (slash && (size_t)(end - start) == 6 && strncmp(start, "config", 6) == 0) {
        end = slash;
        start = slash;
        while (start > path && start[-1] != '/') start--;
    }
    return rg_arena_strndup(arena, start, (size_t)(end - start));
}

static rg_status refuse_unknown(const rg_graph *g, rg_doc *config, rg_error *err) {
    if (!g->n_unknown_fields) return RG_OK;
    rg_str text = {0};
    for (size_t i = 0; i < g->n_unknown_fields && i < 8; i++)
        rg_str_printf(&text, "%s\"%.60s\"", i ? ", " : "", g->unknown_field[i]);
    if (g->n_unknown_fields > 8) rg_str_add(&text, ", ...");
    rg_status status =
        rg_fail(err, RG_ERR_UNSUPPORTED, config->file, "fields that the family file uses or calls harmless",
                "family %s does not know %zu field%s: %s", g->family, g->n_unknown_fields,
                g->n_unknown_fields > 1 ? "s" : "", text.data ? text.data : "");
    rg_str_free(&text);
    return status;
}

rg_status rg_graph_import(rg_graph *out, rg_doc *config, const char *families_dir, rg_error *err) {
    if (!config->root || config->root->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, config->file, "a map of config fields", "found none");
    family f;
    rg_graph g = {0};
    RG_TRY(family_find(&f, config, families_dir, err));
    rg_status status = graph_build(&g, config, &f, err);
    if (status == RG_OK) status = checkpoint_read(&f, &g.arena, &g.checkpoint, err);
    family_close(&f);
    if (status == RG_OK && !(g.model = model_name(&g.arena, config->file)))
        status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (status != RG_OK) {
        rg_graph_close(&g);
        return status;
    }
    *out = g;
    return RG_OK;
}

rg_status rg_graph_from_config(rg_graph *out, rg_doc *config, const char *families_dir, rg_error *err) {
    rg_graph g;
    RG_TRY(rg_graph_import(&g, config, families_dir, err));
    rg_status status = refuse_unknown(&g, config, err);
    if (status != RG_OK) {
        rg_graph_close(&g);
        return status;
    }
    *out = g;
    return RG_OK;
}

void rg_graph_close(rg_graph *graph) {
    rg_arena_free(&graph->arena);
    *graph = (rg_graph){0};
}

rg_status rg_graph_from_file(rg_graph *out, const char *path, const char *families_dir, rg_error *err) {
    rg_doc config;
    RG_TRY(rg_doc_open(&config, path, err));
    size_t n = strlen(path);
    /* Ridge's own model files say where their facts come from; a config.json has no such field. */
    if (n < 5 || strcmp(path + n - 5, ".json") != 0) rg_doc_get(config.root, "source");
    const bool is_graph =
        config.root && config.root->kind == RG_DOC_MAP && rg_doc_get(config.root, "ridge_graph");
    rg_status status =
        is_graph ? graph_from_doc(out, &config, err) : rg_graph_from_config(out, &config, families_dir, err);
    rg_doc_close(&config);
    return status;
}

rg_status rg_graph_from_name(rg_graph *out, const char *name, const char *data_dir, rg_error *err) {
    char path[4096], families[4096];
    int n = snprintf(path, sizeof path, "%s/models/%s.yaml", data_dir, name);
    int m = snprintf(families, sizeof families, "%s/families", data_dir);
    if (n >= (int)sizeof path || m >= (int)sizeof families)
        return rg_fail(err, RG_ERR_USAGE, NULL, "a shorter name", "the path of a model is too long");
    if (strchr(name, '/') || access(path, R_OK) != 0)
        return rg_fail(err, RG_ERR_USAGE, NULL, "a file, or one of data/models (ridge model list)",
                       "no model is called \"%.100s\"", name);
    return rg_graph_from_file(out, path, families, err);
}
