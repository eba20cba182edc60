/* Writing GGUF version 3, its metadata copied from another GGUF file. */
#include "tensor/write.h"

#include <stdlib.h>

static void add_u32(rg_str *s, uint32_t v) {
    rg_str_add_n(s, (const char *)&v, sizeof v);
}
static void add_u64(rg_str *s, uint64_t v) {
    rg_str_add_n(s, (const char *)&v, sizeof v);
}
static void add_string(rg_str *s, const char *text) {
    add_u64(s, strlen(text));
    rg_str_add(s, text);
}

/* general.file_type of llama.cpp for files whose matrices are of one type; others are told by their tensors.
 */
static uint32_t file_type(const layout *l) {
    static const struct {
        const char *name;
        uint32_t type;
    } types[] = {{"f32", 0}, {"f16", 1}, {"q4_0", 2}, {"q4_1", 3}, {"q8_0", 7}, {"bf16", 32}, {"mxfp4", 38}};
    for (size_t k = sizeof types / sizeof *types; k-- > 1;)
        for (size_t i = 0; i < l->list->n; i++)
            if (strcmp(l->type[i]->name, types[k].name) == 0) return types[k].type;
    return 0;
}

static void add_metadata(rg_str *head, const layout *l, const rg_tensor_file *from, uint64_t *n) {
    for (size_t i = 0; from && i < from->n_meta; i++) {
        const meta_entry *m = &from->meta[i];
        if (strcmp(m->key, "general.alignment") == 0) continue; /* the default here */
        if (strcmp(m->key, "general.file_type") == 0) {
            add_string(head, m->key);
            add_u32(head, META_U32);
            add_u32(head, file_type(l));
        } else {
            rg_str_add_n(head, (const char *)from->data + m->begin, m->end - m->begin);
        }
        ++*n;
    }
}

static rg_status add_head(rg_str *head, const layout *l, const rg_tensor_file *from, rg_error *err) {
    rg_str meta = {0};
    uint64_t n_meta = 0;
    add_metadata(&meta, l, from, &n_meta);
    rg_str_add(head, "GGUF");
    add_u32(head, 3);
    add_u64(head, l->list->n);
    add_u64(head, n_meta);
    if (meta.len) rg_str_add_n(head, meta.data, meta.len);
    head->failed = head->failed || meta.failed;
    rg_str_free(&meta);
    for (size_t i = 0; i < l->list->n; i++) {
        const rg_tensor_info *t = &l->info[i];
        add_string(head, t->name);
        add_u32(head, (uint32_t)t->n_dims);
        for (int d = t->n_dims; d-- > 0;) add_u64(head, (uint64_t)t->shape[d]);
        add_u32(head, l->type[i]->gguf);
        add_u64(head, t->offset);
    }
    return head->failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}

rg_status rg_tensor_write_gguf(const char *path, const rg_tensor_list *tensors,
                               const rg_tensor_file *metadata, rg_error *err) {
    enum { ALIGNMENT = 32 };
    layout l;
    rg_str head = {0};
    output out = {0};
    if (metadata && strcmp(metadata->kind, "gguf") != 0)
        return rg_fail(err, RG_ERR_UNSUPPORTED, metadata->path, "a GGUF file",
                       "the metadata of a %s file cannot be copied into GGUF", metadata->kind);
    RG_TRY(layout_make(&l, tensors, ALIGNMENT, true, err));
    rg_status status = add_head(&head, &l, metadata, err);
    if (status == RG_OK) status = output_open(&out, path, err);
    if (status == RG_OK) {
        output_add(&out, head.data, head.len);
        status = layout_write(&l, &out, ALIGNMENT, err);
        output_pad(&out, ALIGNMENT); /* llama.cpp takes whole steps of it */
    }
    status = output_close(&out, status, err);
    rg_str_free(&head);
    layout_free(&l);
    return status;
}
