/* What the results of a sweep depend on: its text, the graphs of its models, the numbers of systems and
   chips, the constants of estimates. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "perf/sweep/sweep.h"

static void add_text(rg_sha256_stream *to, const char *text) {
    rg_sha256_add(to, text, strlen(text) + 1);
}

/* A file that is not there has its name alone. */
static void add_file(rg_sha256_stream *to, const char *name, const char *path) {
    rg_digest digest;
    add_text(to, name);
    if (rg_sha256_file(path, &digest, NULL) == RG_OK) rg_sha256_add(to, &digest, sizeof digest);
}

static int is_yaml(const struct dirent *entry) {
    const char *end = strrchr(entry->d_name, '.');
    return end && strcmp(end, ".yaml") == 0;
}

static void add_folder(rg_sha256_stream *to, const char *data_dir, const char *name) {
    char path[4096];
    struct dirent **entry = NULL;
    snprintf(path, sizeof path, "%s/%s", data_dir, name);
    const int n = scandir(path, &entry, is_yaml, alphasort);
    for (int i = 0; i < n; i++) {
        snprintf(path, sizeof path, "%s/%s/%s", data_dir, name, entry[i]->d_name);
        add_file(to, entry[i]->d_name, path);
        free(entry[i]);
    }
    free(entry);
}

static rg_status add_graph(rg_sha256_stream *to, const rg_graph *g, rg_error *err) {
    rg_str json = {0};
    const rg_status status = rg_graph_to_json(g, &json, err);
    if (status == RG_OK) rg_sha256_add(to, json.data, json.len);
    rg_str_free(&json);
    return status;
}

rg_status perf_sweep_digest(rg_sweep *s, const char *text, size_t size, const char *data_dir, rg_error *err) {
    static const char *const folders[] = {"calibration", "chips", "links", "systems", "technology"};
    rg_status status = RG_OK;
    rg_sha256_stream *stream = rg_sha256_open();
    if (!stream) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    rg_sha256_add(stream, text, size);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) add_folder(stream, data_dir, folders[i]);
    for (size_t i = 0; i < s->n_systems; i++) { /* of the user's own, too */
        if (s->system[i].file) add_file(stream, "system", s->system[i].file);
        if (s->system[i].chip.file) add_file(stream, "chip", s->system[i].chip.file);
    }
    for (size_t i = 0; status == RG_OK && i < s->n_graphs; i++) status = add_graph(stream, &s->graph[i], err);
    s->digest = rg_sha256_close(stream);
    return status;
}
