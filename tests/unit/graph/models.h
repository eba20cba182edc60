/* Helpers: graphs from text and from data/models, and where the published configs lie. */
#ifndef RIDGE_TEST_MODELS_H
#define RIDGE_TEST_MODELS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/graph.h"

#define DATA     RIDGE_SOURCE_DIR "/data"
#define FAMILIES DATA "/families"

/* Path below the folder of published data; NULL when it is not there. */
static inline const char *shared_path(const char *name) {
    static char path[4096];
    const char *dir = getenv("RIDGE_SHARED");
    snprintf(path, sizeof path, "%s/%s", dir ? dir : RIDGE_SOURCE_DIR "/../shared/data", name);
    if (access(path, R_OK) == 0) return path;
    const size_t measured = strlen("measured");
    if (strncmp(name, "measured/", measured + 1) != 0) return NULL;
    path[strlen(path) - strlen(name) + measured] = 0;
    if (access(path, R_OK) == 0) fail_msg("%s is there without %s: renamed?", path, name + measured + 1);
    return NULL;
}

static inline void must(rg_status status, const rg_error *err) {
    if (status != RG_OK) fail_msg("%s: %s; expected %s", err->where, err->message, err->expected);
}

static inline rg_status graph_of_text(rg_graph *g, const char *yaml, rg_error *err) {
    rg_doc doc;
    rg_status status = rg_doc_parse(&doc, yaml, strlen(yaml), "test.yaml", false, err);
    if (status != RG_OK) return status;
    status = rg_graph_from_config(g, &doc, FAMILIES, err);
    rg_doc_close(&doc);
    return status;
}

/* The text must be refused with this status, and the message, place and expectation together hold the words.
 */
static inline void refused(const char *yaml, rg_status expected, const char *words) {
    rg_graph g;
    rg_error err = {0};
    char all[1100];
    rg_status status = graph_of_text(&g, yaml, &err);
    if (status == RG_OK) fail_msg("not refused, though it has %s", words);
    snprintf(all, sizeof all, "%s: %s; expected %s", err.where, err.message, err.expected);
    if (status != expected || !strstr(all, words))
        fail_msg("no \"%s\" (%d) in (%d) %s", words, expected, status, all);
    assert_null(strchr(all, '\n'));
    assert_true(err.where[0] != 0);
}

static inline void open_model(rg_graph *g, const char *name) {
    rg_error err = {0};
    must(rg_graph_from_name(g, name, DATA, &err), &err);
}

#endif
