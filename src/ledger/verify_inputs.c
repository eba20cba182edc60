/* Digests of the files that claims rest on; each file is read once. */
#include "ledger/ledger.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Digest of a file as a JSON string, or what keeps it from being read as {"why": ...}. */
static json_t *look(const char *full) {
    struct stat st;
    rg_digest digest;
    if (stat(full, &st) != 0)
        return json_pack("{ss}", "why", errno == ENOENT || errno == ENOTDIR ? "is missing" : strerror(errno));
    if (!S_ISREG(st.st_mode))
        return json_pack("{ss}", "why", "is not a regular file"); /* a pipe would block */
    if (rg_sha256_file(full, &digest, NULL) != RG_OK) return json_pack("{ss}", "why", "cannot be read");
    return json_string(digest.hex);
}

static const json_t *looked_up(json_t *seen, const char *dir, const char *path) {
    json_t *found = json_object_get(seen, path);
    if (found) return found;
    rg_str full = {0};
    if (path[0] != '/') rg_str_printf(&full, "%s/", dir);
    rg_str_add(&full, path);
    if (!full.failed) json_object_set_new(seen, path, look(full.data));
    rg_str_free(&full);
    return json_object_get(seen, path);
}

static void add_reason(ledger_node *node, const char *text) {
    size_t n = strlen(node->reason);
    if (n + 3 >= sizeof node->reason) return; /* the first ones are named */
    if (n) n += (size_t)snprintf(node->reason + n, sizeof node->reason - n, "; ");
    ledger_copy_text(node->reason + n, sizeof node->reason - n, text);
}

static void check_file(ledger_node *node, const json_t *input, const json_t *found, rg_str *text) {
    const char *name = json_string_value(json_object_get(input, "name"));
    const char *path = json_string_value(json_object_get(input, "path"));
    const char *expected = json_string_value(json_object_get(input, "sha256"));
    text->len = 0;
    if (json_is_object(found))
        rg_str_printf(text, "input %s: %s %s", name, path, json_string_value(json_object_get(found, "why")));
    else if (strcmp(json_string_value(found), expected) != 0)
        rg_str_printf(text, "input %s changed: %s has SHA-256 %s, expected %s", name, path,
                      json_string_value(found), expected);
    if (text->len) add_reason(node, text->data);
}

rg_status ledger_verify_inputs(ledger_nodes *nodes, const char *dir, const rg_progress *progress,
                               rg_error *err) {
    json_t *seen = json_object();
    rg_str text = {0};
    rg_status status = seen ? RG_OK : rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    for (size_t i = 0; status == RG_OK && i < nodes->n; i++) {
        ledger_node *node = &nodes->node[i];
        const json_t *list = json_object_get(node->claim, "inputs");
        for (size_t k = 0; status == RG_OK && k < json_array_size(list); k++) {
            const json_t *input = json_array_get(list, k), *found;
            const char *path = json_string_value(json_object_get(input, "path"));
            if (!path) continue; /* another claim: see verify_spread.c */
            if (!rg_progress_step(progress, "input files", (double)i, (double)nodes->n))
                status = rg_fail(err, RG_ERR_CANCELLED, dir, NULL, "stopped");
            else if (!(found = looked_up(seen, dir, path)))
                status = rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
            else
                check_file(node, input, found, &text);
        }
    }
    if (text.failed && status == RG_OK) status = rg_fail(err, RG_ERR_MEMORY, dir, NULL, "out of memory");
    rg_str_free(&text);
    json_decref(seen);
    return status;
}
