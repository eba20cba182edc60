/* What a family file says about the tensors of a checkpoint (checkpoint:), kept in the graph. */
#include "graph/family.h"

#include <string.h>

typedef struct names {
    size_t *n;
    const char ***name;
} names;

static rg_status take_list(family *f, rg_doc_node *map, const char *key, rg_arena *arena, names out,
                           rg_error *err) {
    rg_doc_node *list;
    char where[256];
    RG_TRY(rg_doc_child(&f->doc, map, key, RG_DOC_LIST, false, &list, err));
    if (!list) return RG_OK;
    const char **name = rg_arena_alloc(arena, list->n + 1, sizeof *name);
    if (!name) return rg_fail(err, RG_ERR_MEMORY, f->doc.file, NULL, "out of memory");
    *out.name = name;
    for (rg_doc_node *c = list->child; c; c = c->next) {
        if (c->kind != RG_DOC_SCALAR)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(&f->doc, c, where, sizeof where), "a name",
                           "found none");
        c->used = true;
        name[*out.n] = rg_arena_strndup(arena, c->text, strlen(c->text));
        if (!name[(*out.n)++]) return rg_fail(err, RG_ERR_MEMORY, f->doc.file, NULL, "out of memory");
    }
    return RG_OK;
}

rg_status checkpoint_read(family *f, rg_arena *arena, rg_checkpoint *out, rg_error *err) {
    rg_doc_node *map;
    RG_TRY(rg_doc_child(&f->doc, f->doc.root, "checkpoint", RG_DOC_MAP, false, &map, err));
    if (!map) return RG_OK;
    RG_TRY(take_list(f, map, "prefixes", arena, (names){&out->n_prefixes, &out->prefix}, err));
    RG_TRY(take_list(f, map, "ignore", arena, (names){&out->n_ignored, &out->ignored}, err));
    return take_list(f, map, "transposed", arena, (names){&out->n_transposed, &out->transposed}, err);
}
