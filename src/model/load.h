/* Inside of loading: how a file of tensors becomes a config and the weights of a graph. */
#ifndef RIDGE_MODEL_LOAD_H
#define RIDGE_MODEL_LOAD_H

#include "ridge/model.h"
#include "ridge/tensor.h"

/* What the names of a file mean, by its architecture (load_map.c holds the tables). */
typedef struct load_map load_map;

/* By general.architecture; RG_ERR_UNSUPPORTED with its name when there is none. */
rg_status load_map_find(const load_map **out, const rg_tensor_file *file, rg_error *err);
/* Name in the file of a weight of the graph; false when it is too long or has none. */
bool load_map_name(const load_map *map, const rg_tensor_file *file, const char *weight, char *buf,
                   size_t size);
/* True when rotary pairs stand in neighbouring rows of q and k, not half a head apart as the graph has them.
 */
bool load_map_interleaved(const load_map *map);
/* Config fields of the family (Hugging Face names) as JSON, from the metadata. Every key of the architecture
   must be known: one that changes the model and has no field is refused by name. */
rg_status load_map_config(const load_map *map, const rg_tensor_file *file, rg_str *json, rg_error *err);

/* Names of weights in a file: by a map, or without one those of a Hugging Face checkpoint. */
typedef struct load_names {
    const load_map *map; /* NULL: a checkpoint */
    const rg_graph *graph;
    const rg_tensor_file *file;
    const char
        *prefix; /* what the checkpoint's names begin with instead of the graph's; NULL: as the graph's */
} load_names;
void load_names_open(load_names *out, const load_map *map, const rg_graph *graph, const rg_tensor_file *file);
bool load_names_of(const load_names *names, const char *weight, char *buf, size_t size);
const rg_tensor_info *load_names_find(const load_names *names, const char *weight); /* or NULL */
bool load_names_transposed(const load_names *names, const char *weight);
bool load_names_ignored(const load_names *names, const char *tensor);

/* The tensors NAME_blocks and NAME_scales of a weight; false when there is neither. */
bool load_codes_find(const load_names *names, const char *weight, const rg_tensor_info *found[2]);
/* MXFP4 to fp32, exact; a scale of 255 gives NaN. RG_ERR_UNSUPPORTED for other types or shapes. */
rg_status load_codes_read(const rg_tensor_file *file, const rg_graph_weight *weight,
                          const rg_tensor_info *found[2], float *out, rg_error *err);

/* Rows 2 i and 2 i + 1 of a head of a [rows][cols] matrix, a rotary pair, go to i and i + head_dim / 2, or
 * back. */
rg_status load_part_pairs(const rg_graph_node *rope, float *data, size_t cols, bool back, rg_error *err);
/* The rotation that reads what the weight makes, when it does so at once; else NULL. */
const rg_graph_node *load_rotation_of(const rg_graph *graph, int weight);

/* Fills out->weight for out->graph: each weight found with its shape, each tensor used. */
rg_status load_weights(rg_model *out, const load_map *map, const rg_tensor_file *file, rg_error *err);
void load_weights_free(rg_model *model);
/* The tokenizer of a llama2.c model: tok<vocabulary>.bin beside it, or tokenizer.bin where that is there. */
void load_tokenizer_beside(const rg_model *m, char *buf, size_t size);

/* Fails for a model without a tokenizer, or with one whose ids the model does not have. */
rg_status load_check_tokenizer(const rg_model *model, rg_error *err);

/* Graph of a Hugging Face folder, and with `weights` its weights and tokenizer; m->path becomes the file of
   the weights, else the config. */
rg_status load_folder(rg_model *m, const char *folder, const char *families, bool weights, rg_error *err);
/* SHA-256 of a model's file; of the index of several files: that of the lines "digest  name" of the files. */
rg_status load_digest(const char *path, rg_digest *out, rg_error *err);

#endif
