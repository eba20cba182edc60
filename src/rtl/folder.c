/* Reading a generated folder back: unit.json and the digests it carries. */
#include "rtl/folder.h"
#include "rtl/emit.h"
#include "ridge/doc.h"

#include <stdio.h>
#include <string.h>

static rg_status check_file(rg_doc *doc, rg_doc_node *entry, const char *dir, rg_error *err) {
    const char *name, *want;
    char path[4096];
    rg_digest digest;
    RG_TRY(rg_doc_string(doc, entry, "path", true, &name, err));
    RG_TRY(rg_doc_string(doc, entry, "sha256", true, &want, err));
    if (strncmp(name, "sim/", 4) != 0) return RG_OK;
    if (snprintf(path, sizeof path, "%s/%s", dir, name) >= (int)sizeof path)
        return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    RG_TRY(rg_sha256_file(path, &digest, err));
    if (strcmp(digest.hex, want) != 0)
        return rg_fail(err, RG_ERR_MISMATCH, path, "the file that ridge rtl gen wrote",
                       "changed since it was generated: SHA-256 %.16s..., unit.json says %.16s...",
                       digest.hex, want);
    return RG_OK;
}

static rg_status read_members(rtl_folder *f, rg_doc *doc, const char *dir, bool check, rg_error *err) {
    const char *text;
    int64_t vectors;
    bool exhaustive;
    rg_doc_node *files;
    char where[256];
    RG_TRY(rg_doc_string(doc, doc->root, "unit", true, &text, err));
    if (rg_rtl_unit_parse(text, &f->unit, err) != RG_OK)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, doc->root, where, sizeof where),
                       "the text of a unit", "unit '%.80s'", text);
    RG_TRY(rg_doc_int(doc, doc->root, "vectors", true, &vectors, err));
    RG_TRY(rg_doc_bool(doc, doc->root, "exhaustive", true, &exhaustive, err));
    RG_TRY(rg_doc_child(doc, doc->root, "files", RG_DOC_LIST, true, &files, err));
    if ((uint64_t)vectors != rtl_vector_count(&f->unit, &f->exhaustive) || exhaustive != f->exhaustive)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, doc->root, where, sizeof where),
                       "what ridge rtl gen writes for this unit", "%lld vectors", (long long)vectors);
    f->vectors = (uint64_t)vectors;
    int stimuli = 0;
    for (rg_doc_node *e = files->child; check && e; e = e->next) {
        RG_TRY(check_file(doc, e, dir, err));
        const char *name;
        RG_TRY(rg_doc_string(doc, e, "path", true, &name, err));
        stimuli += strcmp(name, "sim/testbench.v") == 0 || strcmp(name, "sim/vectors.hex") == 0;
    }
    if (check && stimuli != 2)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, files, where, sizeof where),
                       "digests of sim/testbench.v and sim/vectors.hex", "they are not listed");
    return RG_OK;
}

rg_status rtl_folder_open(rtl_folder *out, const char *dir, bool check_stimulus, rg_error *err) {
    rtl_folder f = {0};
    rg_doc doc;
    char path[4096];
    if (snprintf(path, sizeof path, "%s/unit.json", dir) >= (int)sizeof path)
        return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    RG_TRY(rg_doc_open(&doc, path, err));
    const rg_status status = read_members(&f, &doc, dir, check_stimulus, err);
    rg_doc_close(&doc);
    RG_TRY(status);
    rtl_top_name(&f.unit, f.top, sizeof f.top);
    if (snprintf(f.rtl_path, sizeof f.rtl_path, "%s/rtl/%s.v", dir, f.top) >= (int)sizeof f.rtl_path)
        return rg_fail(err, RG_ERR_IO, dir, NULL, "path too long");
    RG_TRY(rg_sha256_file(f.rtl_path, &f.rtl_sha256, err));
    *out = f;
    return RG_OK;
}
