/* Which tensor of a file holds a weight of the graph. */
#include "model/load.h"

#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

static bool fits_one(const char *const *glob, size_t n, const char *name) {
    for (size_t i = 0; i < n; i++)
        if (fnmatch(glob[i], name, 0) == 0) return true;
    return false;
}

static bool begins_with(const char *s, const char *start) {
    return strncmp(s, start, strlen(start)) == 0;
}

bool load_names_of(const load_names *names, const char *weight, char *buf, size_t size) {
    if (names->map) return load_map_name(names->map, names->file, weight, buf, size);
    const bool other = names->prefix && begins_with(weight, names->graph->checkpoint.prefix[0]);
    const size_t skip = other ? strlen(names->graph->checkpoint.prefix[0]) : 0;
    return (size_t)snprintf(buf, size, "%s%s", other ? names->prefix : "", weight + skip) < size;
}

const rg_tensor_info *load_names_find(const load_names *names, const char *weight) {
    char name[512];
    return load_names_of(names, weight, name, sizeof name) ? rg_tensor_file_find(names->file, name) : NULL;
}

void load_names_open(load_names *out, const load_map *map, const rg_graph *graph,
                     const rg_tensor_file *file) {
    const rg_checkpoint *c = &graph->checkpoint;
    *out = (load_names){.map = map, .graph = graph, .file = file};
    if (map || c->n_prefixes == 0) return;
    for (size_t i = 0; i < graph->n_weights; i++) {
        if (!begins_with(graph->weight[i].name, c->prefix[0])) continue;
        for (size_t p = 0; p < c->n_prefixes; p++) {
            out->prefix = c->prefix[p];
            if (load_names_find(out, graph->weight[i].name)) return;
        }
        break;
    }
    out->prefix = NULL;
}

bool load_names_transposed(const load_names *names, const char *weight) {
    const rg_checkpoint *c = &names->graph->checkpoint;
    return !names->map && fits_one(c->transposed, c->n_transposed, weight);
}

bool load_names_ignored(const load_names *names, const char *tensor) {
    const rg_checkpoint *c = &names->graph->checkpoint;
    return !names->map && fits_one(c->ignored, c->n_ignored, tensor);
}
