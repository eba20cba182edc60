/* The files of a folder. */
#include "hw/hw.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_file(const char *name, size_t *stem) {
    size_t n = strlen(name);
    *stem = n > 5 ? n - 5 : 0;
    return *stem && name[0] != '.' && strcmp(name + *stem, ".yaml") == 0;
}

rg_status hw_list(const char *data_dir, const char *folder, rg_arena *arena, const char ***ids, size_t *n,
                  rg_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", data_dir, folder);
    DIR *dir = opendir(path);
    if (!dir) return rg_fail(err, RG_ERR_IO, path, "a folder of YAML files", "%s", strerror(errno));
    size_t count = 0, room = 0, stem;
    for (struct dirent *e; (e = readdir(dir));) room += is_file(e->d_name, &stem);
    rewinddir(dir);
    const char **list = rg_arena_alloc(arena, room + 1, sizeof *list);
    bool good = list != NULL;
    for (struct dirent *e; good && count < room && (e = readdir(dir));) {
        if (!is_file(e->d_name, &stem)) continue;
        list[count] = rg_arena_strndup(arena, e->d_name, stem);
        good = list[count++] != NULL;
    }
    closedir(dir);
    if (!good) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    qsort(list, count, sizeof *list, by_name);
    *ids = list;
    *n = count;
    return RG_OK;
}

rg_status hw_open(rg_doc *out, const char *data_dir, const char *folder, const char *id, rg_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%s.yaml", data_dir, folder, id);
    rg_doc doc;
    RG_TRY(rg_doc_open(&doc, path, err));
    const char *text = NULL;
    rg_status status = RG_OK;
    if (doc.root && doc.root->kind == RG_DOC_MAP)
        status = rg_doc_string(&doc, doc.root, "id", true, &text, err);
    if (status == RG_OK && text && strcmp(text, id) != 0)
        status = rg_fail(err, RG_ERR_PARSE, path, "the name of the file", "id \"%.80s\"", text);
    if (status == RG_OK)
        *out = doc;
    else
        rg_doc_close(&doc);
    return status;
}

static bool has_alias(rg_doc *doc, const char *name) {
    rg_doc_node *list = NULL;
    if (!doc->root || rg_doc_child(doc, doc->root, "aliases", RG_DOC_LIST, false, &list, NULL) != RG_OK)
        return false;
    for (const rg_doc_node *c = list ? list->child : NULL; c; c = c->next)
        if (c->kind == RG_DOC_SCALAR && strcmp(c->text, name) == 0) return true;
    return false;
}

rg_status hw_find(const char *data_dir, const char *folder, const char *name, rg_arena *arena,
                  const char **id, rg_error *err) {
    const char **ids;
    size_t n;
    *id = NULL;
    RG_TRY(hw_list(data_dir, folder, arena, &ids, &n, err));
    for (size_t i = 0; i < n && !*id; i++)
        if (strcmp(ids[i], name) == 0) *id = ids[i];
    rg_error broken = {0}; /* a file that cannot be read hides no alias of the others */
    for (size_t i = 0; i < n && !*id; i++) {
        rg_doc doc;
        if (hw_open(&doc, data_dir, folder, ids[i], broken.status ? NULL : &broken) != RG_OK) continue;
        if (has_alias(&doc, name)) *id = ids[i];
        rg_doc_close(&doc);
    }
    if (*id || !broken.status) return RG_OK;
    return rg_fail(err, broken.status, broken.where, broken.expected, "%s", broken.message);
}

rg_status hw_open_by_name(rg_doc *out, const char *data_dir, const char *folder, const char *name,
                          const char *expected, const char *what, rg_error *err) {
    rg_arena arena = {0};
    const char *found;
    rg_status status = hw_find(data_dir, folder, name, &arena, &found, err);
    if (status == RG_OK && !found)
        status = rg_fail(err, RG_ERR_USAGE, NULL, expected, "unknown %s \"%.80s\"", what, name);
    if (status == RG_OK) status = hw_open(out, data_dir, folder, found, err);
    rg_arena_free(&arena);
    return status;
}
