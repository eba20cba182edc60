/* Weights of a graph out of a file of tensors, as fp32. */
#include "model/load.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct loader {
    rg_model *model;
    load_names names;
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

/* The sizes without those of 1, which do not change the order of elements. */
static int squeezed(int n, const int64_t *shape, int64_t *out) {
    int k = 0;
    for (int d = 0; d < n; d++)
        if (shape[d] != 1) out[k++] = shape[d];
    return k;
}

static bool same_shape(const loader *l, const rg_graph_weight *w, const rg_tensor_info *t, bool transposed) {
    int64_t want[RG_MAX_DIMS], has[RG_MAX_DIMS];
    int n = w->n_dims, m = t->n_dims;
    for (int d = 0; d < n; d++) want[d] = w->shape[d];
    if (transposed) { /* each matrix */
        want[n - 1] = w->shape[n - 2];
        want[n - 2] = w->shape[n - 1];
    }
    memcpy(has, t->shape, sizeof has);
    if (!l->names.map && m > n) {
        n = squeezed(w->n_dims, want, want);
        m = squeezed(t->n_dims, t->shape, has);
    }
    bool same = n == m;
    for (int d = 0; same && d < n; d++) same = want[d] == has[d];
    return same;
}

static rg_status check_shape(const loader *l, const rg_graph_weight *w, const rg_tensor_info *t,
                             bool transposed) {
    if (same_shape(l, w, t, transposed)) return RG_OK;
    char found[200], wanted[96], expected[256];
    shape_text(t->n_dims, t->shape, found, sizeof found);
    shape_text(w->n_dims, w->shape, wanted, sizeof wanted);
    snprintf(expected, sizeof expected, "%s%s for %.120s", wanted, transposed ? ", transposed," : "",
             w->name);
    return rg_fail(l->err, RG_ERR_MISMATCH, rg_tensor_file_path(l->file), expected,
                   "tensor \"%.100s\" has shape %s", t->name, found);
}

/* Whole numbers in a checkpoint are codes, whose scales stand elsewhere. */
static rg_status check_plain(const loader *l, const rg_tensor_info *t) {
    static const char *const plain[] = {"f32", "f16", "bf16", "f64"};
    if (l->names.map) return RG_OK;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (strcmp(t->format, plain[i]) == 0) return RG_OK;
    return rg_fail(l->err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(l->file), "f32, f16, bf16 or f64",
                   "tensor \"%.150s\" is of type %s: a quantized checkpoint", t->name, t->format);
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

const rg_graph_node *load_rotation_of(const rg_graph *g, int weight) {
    for (size_t i = 0; i < g->n_nodes; i++) {
        const rg_graph_node *rope = &g->node[i];
        if (rope->op != RG_OP_ROPE || rope->input[0] < 0) continue;
        const rg_graph_node *made = &g->node[rope->input[0]];
        if (made->op == RG_OP_LINEAR && (made->weight == weight || made->bias == weight)) return rope;
    }
    return NULL;
}

rg_status load_part_pairs(const rg_graph_node *rope, float *data, size_t cols, bool back, rg_error *err) {
    const size_t half = (size_t)rope->head_dim / 2, n = 2 * half * cols;
    float *head = malloc(n * sizeof *head);
    if (!head) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (int64_t h = 0; h < rope->heads; h++, data += n) {
        memcpy(head, data, n * sizeof *head);
        for (size_t i = 0; i < 2 * half; i++) {
            const size_t pair = i % half * 2 + i / half;
            memcpy(data + (back ? pair : i) * cols, head + (back ? i : pair) * cols, cols * sizeof *head);
        }
    }
    free(head);
    return RG_OK;
}

/* data[rows][cols] was stored as [cols][rows]. */
static rg_status transpose(const loader *l, float *data, size_t rows, size_t cols) {
    float *stored = malloc(rows * cols * sizeof *stored);
    if (!stored) return rg_fail(l->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    memcpy(stored, data, rows * cols * sizeof *stored);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) data[r * cols + c] = stored[c * rows + r];
    free(stored);
    return RG_OK;
}

static float *new_weight(const loader *l, const rg_graph_weight *w, size_t *n) {
    *n = 1;
    for (int d = 0; d < w->n_dims; d++) *n *= (size_t)w->shape[d];
    float *data = aligned_alloc(64, (*n * sizeof *data + 63) / 64 * 64);
    if (!data) rg_fail(l->err, RG_ERR_MEMORY, NULL, NULL, "out of memory for weight %s", w->name);
    return data;
}

static bool stored_transposed(const loader *l, int weight) {
    const rg_graph *g = &l->model->graph;
    for (size_t i = 0; i < g->n_nodes && !l->names.map; i++)
        if (g->node[i].op == RG_OP_EXPERT_LINEAR && g->node[i].weight == weight) return g->node[i].stored;
    return false;
}

static rg_status missing(const loader *l, const char *name) {
    const rg_tensor_info *codes[2] = {NULL, NULL};
    if (load_codes_find(&l->names, name, codes))
        return rg_fail(l->err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(l->file), "f32, f16, bf16 or f64",
                       "weight %.150s is stored as codes (%.170s)", name, codes[codes[0] ? 0 : 1]->name);
    return rg_fail(l->err, RG_ERR_MISMATCH, rg_tensor_file_path(l->file),
                   "a tensor for every weight of the graph", "weight %.200s is not in the file", name);
}

/* Experts stored as codes: always [expert][out][in]. */
static rg_status load_coded(const loader *l, size_t i, const rg_tensor_info *codes[2]) {
    const rg_graph_weight *w = &l->model->graph.weight[i];
    size_t n;
    float *data = new_weight(l, w, &n);
    if (!data) return RG_ERR_MEMORY;
    l->model->weight[i] = data;
    RG_TRY(load_codes_read(l->file, w, codes, data, l->err));
    for (int k = 0; k < 2; k++) l->used[codes[k] - rg_tensor_file_info(l->file, 0)] = true;
    return check_finite(l, codes[1], data, n);
}

/* A tensor for each expert: the * of the name is its number. */
static rg_status load_experts(const loader *l, size_t i, const char *star) {
    const rg_graph_weight *w = &l->model->graph.weight[i];
    rg_graph_weight one = {.n_dims = w->n_dims - 1, .tied_to = -1};
    size_t n;
    float *data = new_weight(l, w, &n);
    if (!data) return RG_ERR_MEMORY;
    l->model->weight[i] = data;
    n /= (size_t)w->shape[0];
    memcpy(one.shape, w->shape + 1, (size_t)one.n_dims * sizeof *one.shape);
    for (int64_t e = 0; e < w->shape[0]; e++) {
        char name[512];
        if ((size_t)snprintf(name, sizeof name, "%.*s%lld%s", (int)(star - w->name), w->name, (long long)e,
                             star + 1) >= sizeof name)
            return missing(l, w->name);
        const rg_tensor_info *t = load_names_find(&l->names, name);
        one.name = name;
        if (!t) return missing(l, name);
        RG_TRY(check_shape(l, &one, t, false));
        RG_TRY(check_plain(l, t));
        l->used[t - rg_tensor_file_info(l->file, 0)] = true;
        RG_TRY(rg_tensor_read_f32(l->file, t, data + (size_t)e * n, l->err));
        RG_TRY(check_finite(l, t, data + (size_t)e * n, n));
    }
    return RG_OK;
}

static rg_status load_one(const loader *l, size_t i) {
    const rg_graph *g = &l->model->graph;
    const rg_graph_weight *w = &g->weight[i];
    const char *star = w->n_dims == 3 ? strchr(w->name, '*') : NULL;
    if (star) return load_experts(l, i, star);
    const rg_tensor_info *t = load_names_find(&l->names, w->name);
    const rg_tensor_info *codes[2];
    if (!t && w->n_dims == 3 && load_codes_find(&l->names, w->name, codes)) return load_coded(l, i, codes);
    const bool transposed = (w->n_dims == 2 && load_names_transposed(&l->names, w->name)) ||
                            (w->n_dims == 3 && stored_transposed(l, (int)i));
    if (!t) return missing(l, w->name);
    RG_TRY(check_shape(l, w, t, transposed));
    RG_TRY(check_plain(l, t));
    l->used[t - rg_tensor_file_info(l->file, 0)] = true;
    size_t n;
    float *data = new_weight(l, w, &n);
    if (!data) return RG_ERR_MEMORY;
    l->model->weight[i] = data;
    RG_TRY(rg_tensor_read_f32(l->file, t, data, l->err));
    RG_TRY(check_finite(l, t, data, n));
    const size_t rows = (size_t)w->shape[w->n_dims > 2], cols = (size_t)w->shape[w->n_dims - 1];
    for (size_t at = 0; transposed && at < n; at += rows * cols) RG_TRY(transpose(l, data + at, rows, cols));
    if (transposed) return RG_OK;
    const bool interleaved = l->names.map && load_map_interleaved(l->names.map);
    const rg_graph_node *rope = interleaved ? load_rotation_of(g, (int)i) : NULL;
    return rope ? load_part_pairs(rope, data, w->n_dims > 1 ? (size_t)w->shape[1] : 1, false, l->err) : RG_OK;
}

/* A checkpoint may hold a tied weight again: then it must be the same. */
static rg_status check_tied(const loader *l, size_t i) {
    const rg_graph_weight *w = &l->model->graph.weight[i];
    const rg_tensor_info *t = l->names.map ? NULL : load_names_find(&l->names, w->name);
    if (!t || l->used[t - rg_tensor_file_info(l->file, 0)]) return RG_OK;
    RG_TRY(check_shape(l, w, t, false));
    l->used[t - rg_tensor_file_info(l->file, 0)] = true;
    size_t n;
    float *again = new_weight(l, w, &n);
    if (!again) return RG_ERR_MEMORY;
    rg_status status = rg_tensor_read_f32(l->file, t, again, l->err);
    if (status == RG_OK && memcmp(again, l->model->weight[i], n * sizeof *again) != 0)
        status = rg_fail(l->err, RG_ERR_MISMATCH, rg_tensor_file_path(l->file), "the same numbers in both",
                         "tensor \"%.150s\" differs from the weight that the config ties it to", t->name);
    free(again);
    return status;
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
        if (l->used[i] || load_names_ignored(&l->names, t->name)) continue;
        if (l->names.map && strcmp(t->name, "rope_freqs.weight") == 0) {
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
        if (g->weight[i].tied_to >= 0) {
            l->model->weight[i] = l->model->weight[g->weight[i].tied_to];
            RG_TRY(check_tied(l, i));
        }
    return check_unused(l);
}

rg_status load_weights(rg_model *out, const load_map *map, const rg_tensor_file *file, rg_error *err) {
    loader l = {.model = out, .file = file, .err = err};
    load_names_open(&l.names, map, &out->graph, file);
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
