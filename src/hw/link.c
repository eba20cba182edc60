/* Reading a link file. */
#include <string.h>

#include "hw/hw.h"
#include "ridge/system.h"

static rg_status read_link(hw_reader *r, rg_link *l, rg_error *err) {
    rg_doc_node *root = r->doc->root;
    RG_TRY(hw_begin(r, "link", err));
    RG_TRY(hw_string(r, root, "id", true, &l->id, err));
    RG_TRY(hw_string(r, root, "name", true, &l->name, err));
    RG_TRY(hw_string(r, root, "vendor", true, &l->vendor, err));
    RG_TRY(hw_string(r, root, "kind", true, &l->kind, err));
    RG_TRY(hw_string(r, root, "notes", false, &l->notes, err));
    if (strcmp(l->kind, "scale-up") != 0 && strcmp(l->kind, "scale-out") != 0)
        return hw_wrong(r, rg_doc_get(root, "kind"), err, "scale-up or scale-out", "\"%.40s\"", l->kind);
    RG_TRY(hw_year(r, &l->year, err));
    RG_TRY(hw_member(r, root, "bandwidth", RG_UNIT_BYTES_PER_S, true, &l->bytes_per_s, err));
    RG_TRY(hw_member(r, root, "latency", RG_UNIT_S, true, &l->latency_s, err));
    RG_TRY(hw_member(r, root, "start", RG_UNIT_S, true, &l->start_s, err));
    RG_TRY(hw_share(r, root, "efficiency", true, &l->efficiency, err));
    return hw_end(r, err);
}

static rg_status from_doc(rg_link *out, rg_doc *doc, rg_error *err) {
    rg_link link = {0};
    hw_reader r = {.doc = doc, .arena = &link.arena};
    rg_status status = hw_keep(&link.arena, doc->file, &link.file, err);
    if (status == RG_OK) status = read_link(&r, &link, err);
    rg_doc_close(doc);
    if (status == RG_OK)
        *out = link;
    else
        rg_link_close(&link);
    return status;
}

rg_status rg_link_parse(rg_link *out, const char *text, size_t size, const char *name, rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    return from_doc(out, &doc, err);
}

rg_status rg_link_open(rg_link *out, const char *id, const char *data_dir, rg_error *err) {
    rg_doc doc;
    RG_TRY(hw_open_by_name(&doc, data_dir, "links", id, "an id of data/links", "link", err));
    return from_doc(out, &doc, err);
}

void rg_link_close(rg_link *link) {
    if (!link) return;
    rg_arena_free(&link->arena);
    memset(link, 0, sizeof *link);
}

rg_status rg_link_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err) {
    return hw_list(data_dir, "links", arena, ids, n, err);
}
