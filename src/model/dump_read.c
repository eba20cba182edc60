/* The JSON form of a dump: docs/quality.md, "Layer by layer". */
#include "model/dump.h"

#include <ctype.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const dump_header_keys[DUMP_HEADERS] = {"model_sha256", "text_sha256", "policy", "protocol",
                                                    "tokens"};

typedef struct reader {
    const char *name;
    rg_arena *arena;
    rg_error *err;
} reader;

static rg_status fail_at(const reader *r, size_t node, const char *expected, const char *what) {
    char where[256];
    snprintf(where, sizeof where, "%.200s (nodes[%zu])", r->name, node);
    return rg_fail(r->err, RG_ERR_PARSE, where, expected, "%s", what);
}

static const char *copy(const reader *r, const char *text) {
    return rg_arena_strndup(r->arena, text, strlen(text));
}

static rg_status number(const reader *r, size_t node, const json_t *object, const char *key, double *out) {
    const json_t *value = json_object_get(object, key);
    char what[64];
    *out = (double)NAN;
    if (!value || json_is_null(value)) return RG_OK;
    snprintf(what, sizeof what, "\"%s\" is no number", key);
    if (!json_is_number(value)) return fail_at(r, node, "a finite number or null", what);
    *out = json_number_value(value);
    return RG_OK;
}

static rg_status read_node(const reader *r, size_t i, const json_t *object, dump_node *out) {
    const char *name = json_string_value(json_object_get(object, "name")),
               *op = json_string_value(json_object_get(object, "op")),
               *sha256 = json_string_value(json_object_get(object, "sha256"));
    const json_t *layer = json_object_get(object, "layer");
    if (!name || !*name) return fail_at(r, i, "a string", "\"name\" is missing or no name");
    if (sha256 && strlen(sha256) != 64)
        return fail_at(r, i, "64 hexadecimal digits", "\"sha256\" is no digest");
    *out = (dump_node){.name = copy(r, name), .op = copy(r, op ? op : ""), .layer = -1};
    if (sha256) out->sha256 = copy(r, sha256);
    if (json_is_integer(layer) && json_integer_value(layer) >= 0 && json_integer_value(layer) < 1 << 20)
        out->layer = (int)json_integer_value(layer);
    RG_TRY(number(r, i, object, "rows", &out->rows));
    RG_TRY(number(r, i, object, "width", &out->width));
    RG_TRY(number(r, i, object, "amax", &out->amax));
    RG_TRY(number(r, i, object, "mean", &out->mean));
    RG_TRY(number(r, i, object, "rms", &out->rms));
    if (!sha256 && isnan(out->amax) && isnan(out->rms))
        return fail_at(r, i, "\"sha256\", \"amax\" or \"rms\"", "nothing to compare the node by");
    return out->name && out->op ? RG_OK : rg_fail(r->err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
}

static int by_name(const void *a, const void *b, void *context) {
    const dump *d = context;
    return strcmp(d->node[*(const size_t *)a].name, d->node[*(const size_t *)b].name);
}

static rg_status sort_nodes(const reader *r, dump *d) {
    d->order = rg_arena_alloc(r->arena, d->n, sizeof *d->order);
    if (!d->order) return rg_fail(r->err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    for (size_t i = 0; i < d->n; i++) d->order[i] = i;
    qsort_r(d->order, d->n, sizeof *d->order, by_name, d);
    for (size_t i = 1; i < d->n; i++)
        if (strcmp(d->node[d->order[i]].name, d->node[d->order[i - 1]].name) == 0)
            return fail_at(r, d->order[i], "each node once", "a node that stands twice");
    return RG_OK;
}

static rg_status read_dump(const reader *r, const json_t *root, dump *d) {
    const json_t *nodes = json_object_get(root, "nodes"), *version = json_object_get(root, "ridge_dump");
    if (!json_is_integer(version) || json_integer_value(version) != 1 || !json_is_array(nodes) ||
        !json_array_size(nodes))
        return rg_fail(r->err, RG_ERR_PARSE, r->name, "{\"ridge_dump\": 1, ..., \"nodes\": [...]}",
                       "the file is no dump of version 1 with nodes");
    for (int i = 0; i < DUMP_HEADERS; i++) {
        const json_t *value = json_object_get(root, dump_header_keys[i]);
        if (json_is_string(value))
            d->header[i] = copy(r, json_string_value(value));
        else if (json_is_integer(value))
            d->header[i] = rg_arena_printf(r->arena, "%lld", (long long)json_integer_value(value));
    }
    d->n = json_array_size(nodes);
    d->node = rg_arena_alloc(r->arena, d->n, sizeof *d->node);
    if (!d->node) return rg_fail(r->err, RG_ERR_MEMORY, r->name, NULL, "out of memory");
    for (size_t i = 0; i < d->n; i++) RG_TRY(read_node(r, i, json_array_get(nodes, i), &d->node[i]));
    return sort_nodes(r, d);
}

rg_status dump_parse(dump *out, const char *name, const char *text, size_t size, rg_arena *arena,
                     rg_error *err) {
    const reader r = {name, arena, err};
    json_error_t problem;
    dump d = {0};
    json_t *root = json_loadb(text, size, JSON_REJECT_DUPLICATES, &problem);
    if (!root) {
        char where[256];
        snprintf(where, sizeof where, "%.230s:%d", name, problem.line);
        return rg_fail(err, RG_ERR_PARSE, where, "JSON, or a file of activations", "not JSON: %s",
                       problem.text);
    }
    const rg_status status = read_dump(&r, root, &d);
    json_decref(root);
    if (status == RG_OK) *out = d;
    return status;
}

size_t dump_find(const dump *d, const char *name) {
    for (size_t lo = 0, hi = d->n; lo < hi;) {
        const size_t middle = lo + (hi - lo) / 2;
        const int order = strcmp(name, d->node[d->order[middle]].name);
        if (order == 0) return d->order[middle];
        if (order < 0)
            hi = middle;
        else
            lo = middle + 1;
    }
    return SIZE_MAX;
}

int dump_layer_of(const char *name) {
    for (const char *part = name; part; part = strchr(part, '.') ? strchr(part, '.') + 1 : NULL) {
        char *end;
        if (!isdigit((unsigned char)*part)) continue;
        const long n = strtol(part, &end, 10);
        if ((*end == 0 || *end == '.') && n < 1 << 20) return (int)n;
    }
    return -1;
}
