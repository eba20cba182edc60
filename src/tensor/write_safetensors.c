/* Writing safetensors: tensors in the order given, header padded to 8 bytes. */
#include "tensor/write.h"

#include <jansson.h>
#include <stdlib.h>

static rg_status add_header(const layout *l, rg_str *text, rg_error *err) {
    rg_str_add(text,
               "{\"__metadata__\":{\"format\":\"pt\"}"); /* what Hugging Face transformers wants to see */
    for (size_t i = 0; i < l->list->n; i++) {
        const rg_tensor_info *t = &l->info[i];
        json_t *name = json_string(t->name);
        char *quoted = name ? json_dumps(name, JSON_ENCODE_ANY) : NULL;
        json_decref(name);
        if (!quoted)
            return rg_fail(err, RG_ERR_USAGE, t->name, "UTF-8", "the name of a tensor cannot be written");
        rg_str_printf(text, ",%s:{\"dtype\":\"%s\",\"shape\":[", quoted, l->type[i]->safetensors);
        free(quoted);
        for (int d = 0; d < t->n_dims; d++)
            rg_str_printf(text, "%s%lld", d ? "," : "", (long long)t->shape[d]);
        rg_str_printf(text, "],\"data_offsets\":[%llu,%llu]}", (unsigned long long)t->offset,
                      (unsigned long long)(t->offset + t->bytes));
    }
    rg_str_add(text, "}");
    while (text->len % 8 && !text->failed) rg_str_add(text, " ");
    return text->failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}

rg_status rg_tensor_write_safetensors(const char *path, const rg_tensor_list *tensors, rg_error *err) {
    layout l;
    rg_str header = {0};
    output out = {0};
    RG_TRY(layout_make(&l, tensors, 1, false, err));
    rg_status status = add_header(&l, &header, err);
    if (status == RG_OK) status = output_open(&out, path, err);
    if (status == RG_OK) {
        const uint64_t n = header.len;
        output_add(&out, &n, sizeof n);
        output_add(&out, header.data, header.len);
        status = layout_write(&l, &out, 1, err);
    }
    status = output_close(&out, status, err);
    rg_str_free(&header);
    layout_free(&l);
    return status;
}
