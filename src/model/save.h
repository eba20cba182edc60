/* Inside of writing models. */
#ifndef RIDGE_MODEL_SAVE_H
#define RIDGE_MODEL_SAVE_H

#include "model/load.h"

typedef struct saving {
    const rg_model *model;
    rg_tensor_file *file; /* the source */
    load_names names;
    int *owner;           /* [tensors of the source] the weight that it holds, or -1 */
    rg_tensor_info *info; /* [tensors of the source] as they are written */
} saving;

/* Elements of tensor i of the source as they are now, in the order of the file. `context`: a saving. */
rg_status save_tensor(void *context, size_t i, float *out, rg_error *err);
/* The source's bytes with its tensors replaced, and the tokenizer beside. */
rg_status save_llama2c(saving *s, const char *path, rg_error *err);
/* A new folder with weights, config and tokenizer. */
rg_status save_folder(saving *s, const rg_tensor_list *list, const char *path, rg_error *err);

#endif
