/* Inside of writing: an output file that appears whole or not at all, and where tensors lie in it. */
#ifndef RIDGE_TENSOR_WRITE_H
#define RIDGE_TENSOR_WRITE_H

#include "tensor/file.h"

#include <stdio.h>

typedef struct output {
    const char *path;
    char temporary[4096];
    FILE *file;
    uint64_t size; /* so far */
    bool failed;
} output;
rg_status output_open(output *out, const char *path, rg_error *err);
void output_add(output *out, const void *data, size_t n);
void output_pad(output *out, uint64_t alignment); /* zeros */
/* With RG_OK the file gets its name, else it vanishes. Returns `status`, or what went wrong here. */
rg_status output_close(output *out, rg_status status, rg_error *err);

/* Sizes and offsets from the start of the data. */
typedef struct layout {
    const rg_tensor_list *list;
    rg_tensor_info *info;     /* [n] */
    const tensor_type **type; /* [n] */
} layout;
/* Refuses formats, names and shapes that the file cannot have. */
rg_status layout_make(layout *out, const rg_tensor_list *list, uint64_t alignment, bool gguf, rg_error *err);
void layout_free(layout *l);
rg_status layout_write(const layout *l, output *out, uint64_t alignment, rg_error *err);

/* A type that can be written, or NULL. */
const tensor_type *tensor_encodable(const char *format);
/* n elements, a multiple of the type's block. Refuses numbers that the type does not hold. */
rg_status tensor_encode(const tensor_type *type, const char *name, const float *x, size_t n, uint8_t *out,
                        rg_error *err);

#endif
