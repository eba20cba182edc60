/* Weights of a graph out of a file of tensors, as fp32. */
#include "model/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct loader {
    rg_model *model;
    const load_map *map;
    const rg_tensor_file *file;
    bool *used; /* [tensors of the file] */
    rg_error *err;
} loader;

static void shape_text(int n, const int64_t *shape, char *buf, size_t size) {
    size_t at = 0;
    buf[0] = 0;
    for (int d = 0; d < n && at < size; d++)
        at += (size_t)snprintf(buf + at, size - at, "[%lld]", (long long)shape[d]);
}

static rg_status check_shape(const loader *l, const rg_graph_weight *w, const rg_tensor_info *t) {
    bool same = w->n_dims == t->n_dims;
    for (int d = 0; same && d < w->n_dims; d++) same = w->shape[d] == t->shape[d];
    if (same) return RG_OK;
    char found[96], wanted[64], expected[256];
    shape_text(t->n_dims, t->shape, found, sizeof found);
    shape_text(w->n_dims, w->shape, wanted, sizeof wanted);
    snprintf(expected, sizeof expected, "%s for %.120s", wanted, w->name);
    return rg_fail(l->err, RG_ERR_MISMATCH, rg_tensor_file_path(l->file), expected,
                   "tensor \"%.100s\" has shape %s", t->name, found);
}

static rg_status check_finite(const loader *l, const rg_tensor_info *t, const float *data, size_t n) {
    size_t first = n;
#pragma omp parallel for schedule(static) reduction(min : first) if (n > 1 << 16)
    for (size_t i = 0; i < n; i++)
        if (!isfinite(data[i]) && i < first) first = i;
    if (first == n) return RG_OK;
    return rg_fail(l->err, RG_ERR_PARSE, rg_tensor_file_path(l->file), "finite numbers",
                   "element %zu of tensor \"%.100s\" is %s", first, t->name,
                   isnan(data[first]) ? "NaN" : "infinite");
}

/* The rotation that reads what the weight makes, when it does so at once. */
static const rg_graph_node *rotation_of(const rg_graph *g, int weight) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *rope = &g->node[i];
        if (rope->op != RG_OP_ROPE || rope->input[0] < 0) continue;
        const rg_graph_node *made = &g->node[rope->input[0]];
        if (made->op == RG_OP_LINEAR && (made->weight == weight || made->bias == weight)) return rope;
    }
    return NULL;
}

/* Rows 2 i and 2 i + 1 of a head, a rotary pair, go to i and i + head_dim / 2. */
static rg_status part_pairs(const loader *l, const rg_graph_node *rope, float *data, size_t cols) {
    const size_t half = (size_t)rope->head_dim / 2, n = 2 * half * cols;
    float *head = malloc(n * sizeof *head);
    if (!head) return rg_fail(l->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (int64_t h = 0; h < rope->heads; h++, data += n) {
        memcpy(head, data, n * sizeof *head);
        for (size_t i = 0; i < half; i++) {
            memcpy(data + i * cols, head + 2 * i * cols, cols * sizeof *head);
            memcpy(data + (half + i) * cols, head + (2 * i + 1) * cols, cols * sizeof *head);
        }
    }
    free(head);
    return RG_OK;
}

static rg_status load_one(const loader *l, size_t i) {
    const rg_graph *g = &l->model->graph;
    const rg_graph_weight *w = &g->weight[i];
    char name[512];
    const rg_tensor_info *t = load_map_name(l->map, l->file, w->name, name, sizeof name)
                                  ? rg_tensor_file_find(l->file, name)
                                  : NULL;
    if (!t)
        return rg_fail(l->err, RG_ERR_MISMATCH, rg_tensor_file_path(l->file),
                       "a tensor for every weight of the graph", "weight %.200s is not in the file", w->name);
    RG_TRY(check_shape(l, w, t));
    l->used[t - rg_tensor_file_info(l->file, 0)] = true;
    const size_t rows = (size_t)w->shape[0], cols = w->n_dims > 1 ? (size_t)w->shape[1] : 1, n = rows * cols;
    float *data = aligned_alloc(64, (n * sizeof *data + 63) / 64 * 64);
    if (!data) return rg_fail(l->err, RG_ERR_MEMORY, NULL, NULL, "out of memory for weight %s", w->name);
    l->model->weight[i] = data;
    RG_TRY(rg_tensor_read_f32(l->file, t, data, l->err));
    RG_TRY(check_finite(l, t, data, n));
    const rg_graph_node *rope = load_map_interleaved(l->map) ? rotation_of(g, (int)i) : NULL;
    return rope ? part_pairs(l, rope, data, cols) : RG_OK;
}

/* Llama 3 files carry factors of its rope scaling beside metadata that does not name it: harmless only when
   all are 1. */
static rg_status check_rope_factors(const loader *l, const rg_tensor_info *t) {
    int64_t n = 1;
    for (int d = 0; d < t->n_dims; d++) n *= t->shape[d];
    float *factor = malloc((size_t)n * sizeof *factor);
    if (!factor) return rg_fail(l->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    rg_status status = rg_tensor_read_f32(l->file, t, factor, l->err);
    for (int64_t i = 0; i < n && status == RG_OK; i++)
        if (factor[i] != 1.0f)
            status = rg_fail(l->err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(l->file),
                             "factors of 1 (no rope scaling)", "element %lld of tensor \"%s\" is %g",
                             (long long)i, t->name, (double)factor[i]);
    free(factor);
    return status;
}

static rg_status check_unused(const loader *l) {
    for (size_t i = 0; i < rg_tensor_file_count(l->file); i++) {
        const rg_tensor_info *t = rg_tensor_file_info(l->file, i);
        if (l->used[i]) continue;
        if (strcmp(t->name, "rope_freqs.weight") == 0) {
            RG_TRY(check_rope_factors(l, t));
            continue;
        }
        return rg_fail(l->err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(l->file),
                       "tensors that the graph uses", "tensor \"%.200s\" is not used by a model of family %s",
                       t->name, l->model->graph.family);
    }
    return RG_OK;
}

static rg_status load_all(const loader *l) {
    const rg_graph *g = &l->model->graph;
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to < 0) RG_TRY(load_one(l, i));
    for (size_t i = 0; i < g->n_weights; i++)
        if (g->weight[i].tied_to >= 0) l->model->weight[i] = l->model->weight[g->weight[i].tied_to];
    return check_unused(l);
}

rg_status load_weights(rg_model *out, const load_map *map, const rg_tensor_file *file, rg_error *err) {
    loader l = {.model = out, .map = map, .file = file, .err = err};
    l.used = calloc(rg_tensor_file_count(file) + 1, sizeof *l.used);
    out->weight = calloc(out->graph.n_weights + 1, sizeof *out->weight);
    rg_status status = RG_ERR_MEMORY;
    if (l.used && out->weight)
        status = load_all(&l);
    else
        rg_fail(err, status, NULL, NULL, "out of memory");
    free(l.used);
    return status;
}

void load_weights_free(rg_model *model) {
    for (size_t i = 0; model->weight && i < model->graph.n_weights; i++)
        if (model->graph.weight[i].tied_to < 0) free(model->weight[i]);
    free(model->weight);
    model->weight = NULL;
}
