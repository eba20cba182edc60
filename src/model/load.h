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

/* Fills out->weight for out->graph: each weight found with its shape, each tensor used. */
rg_status load_weights(rg_model *out, const load_map *map, const rg_tensor_file *file, rg_error *err);
void load_weights_free(rg_model *model);

#endif
