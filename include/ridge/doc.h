/* A parsed YAML or JSON document that remembers where each value stands, so that a wrong one can be named.
   Getters fail with "file:line (key path)" and what was expected. */
#ifndef RIDGE_DOC_H
#define RIDGE_DOC_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_doc_kind { RG_DOC_NULL, RG_DOC_SCALAR, RG_DOC_LIST, RG_DOC_MAP } rg_doc_kind;

typedef struct rg_doc_node rg_doc_node;
struct rg_doc_node {
    rg_doc_kind kind;
    const char *key;  /* key under which it stands in its map, or NULL */
    const char *text; /* scalars: the text as written */
    bool quoted;      /* scalars: was written in quotes, so it is a string whatever it looks like */
    int line;         /* 1-based */
    size_t n;         /* children */
    rg_doc_node *child, *next, *parent;
    bool used; /* set by the getters; rg_doc_unused finds keys that nobody asked for */
};

typedef struct rg_doc {
    rg_arena arena;
    const char *file;
    rg_doc_node *root;
} rg_doc;

/* YAML (one document, no tags, no anchors) or JSON by the file's ending (.json). Duplicate keys are an error.
   On success close with rg_doc_close. */
rg_status rg_doc_open(rg_doc *out, const char *path, rg_error *err);
rg_status rg_doc_parse(rg_doc *out, const char *text, size_t size, const char *name, bool json,
                       rg_error *err);
void rg_doc_close(rg_doc *doc);

/* Member of a map, or NULL. Marks it used. */
rg_doc_node *rg_doc_get(rg_doc_node *map, const char *key);
/* "file:line (a.b[2].c)" of a node. */
const char *rg_doc_where(const rg_doc *doc, const rg_doc_node *node, char *buf, size_t size);

/* Typed members. With `need` false a missing or null member leaves *out untouched and succeeds. */
rg_status rg_doc_string(rg_doc *doc, rg_doc_node *map, const char *key, bool need, const char **out,
                        rg_error *err);
rg_status rg_doc_number(rg_doc *doc, rg_doc_node *map, const char *key, bool need, double *out,
                        rg_error *err);
rg_status rg_doc_int(rg_doc *doc, rg_doc_node *map, const char *key, bool need, int64_t *out, rg_error *err);
rg_status rg_doc_bool(rg_doc *doc, rg_doc_node *map, const char *key, bool need, bool *out, rg_error *err);
/* A list or map member; *out NULL when absent and not needed. */
rg_status rg_doc_child(rg_doc *doc, rg_doc_node *map, const char *key, rg_doc_kind kind, bool need,
                       rg_doc_node **out, rg_error *err);
/* Value of a scalar node itself. */
rg_status rg_doc_as_number(rg_doc *doc, const rg_doc_node *node, double *out, rg_error *err);
/* Fails on the first key below `node` that no getter asked for: a typo must not pass in silence. */
rg_status rg_doc_unused(rg_doc *doc, rg_doc_node *node, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
