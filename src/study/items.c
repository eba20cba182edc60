/* Finished items: a study that was interrupted goes on where it stood. */
#include "study/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool item_path(const study *s, const char *kind, json_t *key, char *path, size_t size) {
    char *text = json_dumps(key, JSON_SORT_KEYS | JSON_COMPACT);
    if (!text) return false;
    rg_digest digest = rg_sha256(text, strlen(text));
    free(text);
    int n = snprintf(path, size, "%s/items/%s-%.16s.json", s->out_dir, kind, digest.hex);
    return n > 0 && (size_t)n < size;
}

json_t *study_item_get(const study *s, const char *kind, json_t *key) {
    char path[4096];
    if (!item_path(s, kind, key, path, sizeof path)) return NULL;
    json_t *item = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    if (!item) return NULL;
    /* The name is a digest cut short: the whole key decides. */
    json_t *result =
        json_equal(json_object_get(item, "key"), key) ? json_incref(json_object_get(item, "result")) : NULL;
    json_decref(item);
    return result;
}

rg_status study_item_put(const study *s, const char *kind, json_t *key, json_t *result, rg_error *err) {
    char path[4096];
    json_t *item = json_pack("{sOsO}", "key", key, "result", result);
    char *text = item ? json_dumps(item, JSON_SORT_KEYS | JSON_INDENT(1)) : NULL;
    json_decref(item);
    if (!text || !item_path(s, kind, key, path, sizeof path)) {
        free(text);
        return rg_fail(err, RG_ERR_MEMORY, s->out_dir, NULL, "out of memory");
    }
    rg_status status = rg_file_write(path, text, strlen(text), err);
    free(text);
    return status;
}
