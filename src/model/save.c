/* Writing a model as its source is: the same names, shapes and order, the weights as they are now. */
#include "model/load.h"
#include "model/save.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

rg_status save_tensor(void *context, size_t i, float *out, rg_error *err) {
    const saving *s = context;
    const int weight = s->owner[i];
    const rg_graph *g = &s->model->graph;
    if (weight < 0) return rg_tensor_read_f32(s->file, rg_tensor_file_info(s->file, i), out, err);
    const rg_graph_weight *w = &g->weight[weight];
    const size_t rows = (size_t)w->shape[0], cols = w->n_dims > 1 ? (size_t)w->shape[1] : 1;
    const float *data = s->model->weight[weight];
    if (w->n_dims == 2 && load_names_transposed(&s->names, w->name)) {
        for (size_t r = 0; r < rows; r++)
            for (size_t c = 0; c < cols; c++) out[c * rows + r] = data[r * cols + c];
        return RG_OK;
    }
    size_t n = 1;
    for (int d = 0; d < w->n_dims; d++) n *= (size_t)w->shape[d];
    memcpy(out, data, n * sizeof *out);
    const bool interleaved = s->names.map && load_map_interleaved(s->names.map);
    const rg_graph_node *rope = interleaved ? load_rotation_of(g, weight) : NULL;
    return rope ? load_part_pairs(rope, out, cols, true, err) : RG_OK;
}

static rg_status find_owners(saving *s, rg_error *err) {
    const rg_graph *g = &s->model->graph;
    const size_t n = rg_tensor_file_count(s->file);
    s->owner = malloc((n + 1) * sizeof *s->owner);
    s->info = malloc((n + 1) * sizeof *s->info);
    if (!s->owner || !s->info) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        s->owner[i] = -1;
        s->info[i] = *rg_tensor_file_info(s->file, i);
        s->info[i].format = "f32";
    }
    for (size_t i = 0; i < g->n_weights; i++) {
        const rg_tensor_info *t = load_names_find(&s->names, g->weight[i].name);
        const int owner = g->weight[i].tied_to >= 0 ? g->weight[i].tied_to : (int)i;
        if (t && s->owner[t - rg_tensor_file_info(s->file, 0)] < 0)
            s->owner[t - rg_tensor_file_info(s->file, 0)] = owner;
    }
    return RG_OK;
}

/* An ending that belongs to another kind of file is refused: nothing is converted. */
static rg_status check_ending(const char *path, const char *kind, rg_error *err) {
    static const struct {
        const char *ending, *kind;
    } endings[] = {{".gguf", "gguf"}, {".bin", "llama2c"}, {".safetensors", ""}};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (rg_ends_with(path, endings[i].ending) && strcmp(endings[i].kind, kind) != 0)
            return rg_fail(err, RG_ERR_UNSUPPORTED, path,
                           "the source's own kind (.gguf, .bin of llama2.c, or a folder)",
                           "a model that came from %s is not written so",
                           strcmp(kind, "safetensors") == 0 ? "a folder" : kind);
    return RG_OK;
}

static rg_status save_from(saving *s, const char *path, rg_error *err) {
    const char *kind = rg_tensor_file_kind(s->file);
    const load_map *map = NULL;
    RG_TRY(rg_tensor_file_spare(s->file, path, err));
    RG_TRY(check_ending(path, kind, err));
    if (strcmp(kind, "safetensors") != 0) RG_TRY(load_map_find(&map, s->file, err));
    load_names_open(&s->names, map, &s->model->graph, s->file);
    RG_TRY(find_owners(s, err));
    const rg_tensor_list list = {rg_tensor_file_count(s->file), s->info, save_tensor, s};
    if (strcmp(kind, "gguf") == 0) return rg_tensor_write_gguf(path, &list, s->file, err);
    if (strcmp(kind, "llama2c") == 0) return save_llama2c(s, path, err);
    return save_folder(s, &list, path, err);
}

rg_status rg_model_save(const rg_model *model, const char *path, rg_error *err) {
    saving s = {.model = model};
    rg_digest digest;
    if (!model->weight)
        return rg_fail(err, RG_ERR_USAGE, model->path, "a model with weights", "there is nothing to write");
    RG_TRY(load_digest(model->path, &digest, err));
    if (strcmp(digest.hex, model->sha256.hex) != 0)
        return rg_fail(err, RG_ERR_MISMATCH, model->path, "the file that the model was read from",
                       "the file has changed since");
    RG_TRY(rg_tensor_file_open(&s.file, model->path, err));
    const rg_status status = save_from(&s, path, err);
    rg_tensor_file_close(s.file);
    free(s.owner);
    free(s.info);
    return status;
}
