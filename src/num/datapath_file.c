/* Datapaths from YAML: presets under data/datapaths and files of the user. docs/datapaths.md defines the
 * keys. */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/datapath.h"
#include "ridge/doc.h"

/* A text of the command line, taken apart: [FILE.yaml:]NAME[(CHANGES)]. */
typedef struct request {
    char file[512], name[64];
    const char *changes; /* inside the parentheses, or NULL */
    size_t n_changes;
} request;

static rg_status read_request(const char *text, request *out, rg_error *err) {
    *out = (request){.changes = NULL};
    const char *yaml = strstr(text, ".yaml"), *name = text;
    if (yaml && (yaml[5] == ':' || !yaml[5])) {
        snprintf(out->file, sizeof out->file, "%.*s", (int)(yaml + 5 - text), text);
        name = yaml[5] ? yaml + 6 : yaml + 5;
    }
    const size_t n = strcspn(name, "("), length = strlen(name);
    if (n >= sizeof out->name || (name[n] && name[length - 1] != ')') || (!n && !out->file[0]))
        return rg_fail(err, RG_ERR_USAGE, "datapath",
                       "dot(...), a preset, FILE.yaml:NAME; perhaps with (key=value,...)",
                       "cannot read \"%.80s\"", text);
    memcpy(out->name, name, n);
    if (name[n]) out->changes = name + n + 1, out->n_changes = length - n - 2;
    return RG_OK;
}

/* ---- one entry ------------------------------------------------------------------------------------------
 */

static rg_status read_graph(rg_doc *doc, rg_doc_node *map, const char *key, const rg_datapath *dp,
                            dp_graph *g, bool need, rg_error *err) {
    rg_doc_node *list;
    RG_TRY(rg_doc_child(doc, map, key, RG_DOC_LIST, need, &list, err));
    if (!list) return RG_OK;
    char where[256];
    dp_graph_start(dp, g);
    for (rg_doc_node *line = list->child; line; line = line->next) {
        rg_doc_where(doc, line, where, sizeof where);
        if (line->kind != RG_DOC_SCALAR)
            return rg_fail(err, RG_ERR_PARSE, where, "NAME = OP(OPERAND, ...)", "not a statement");
        line->used = true;
        RG_TRY(dp_graph_statement(dp, g, line->text, where, err));
    }
    return dp_graph_end(g, rg_doc_where(doc, list, where, sizeof where), err);
}

/* The messages of the text forms, with the place in the file. */
static rg_status at(rg_doc *doc, const rg_doc_node *node, rg_status status, rg_error *err) {
    char where[256];
    if (status == RG_OK || !err) return status;
    snprintf(err->where, sizeof err->where, "%s", rg_doc_where(doc, node, where, sizeof where));
    return err->status = RG_ERR_PARSE;
}

static rg_status read_any_shape(rg_doc *doc, rg_doc_node *map, rg_datapath *dp, rg_error *err) {
    const char *text;
    int64_t n = 0, nan = 0;
    *dp = (rg_datapath){.nan = UINT32_C(0x7fffffff)};
    for (int i = 0; i < 2; i++) {
        RG_TRY(rg_doc_string(doc, map, i ? "b" : "a", true, &text, err));
        RG_TRY(at(doc, rg_doc_get(map, i ? "b" : "a"), dp_input_parse(text, &dp->input[i], err), err));
    }
    RG_TRY(rg_doc_int(doc, map, "n", true, &n, err));
    char where[256];
    rg_doc_where(doc, map, where, sizeof where);
    if (n < 1 || n > DP_MAX_GROUP || (dp->input[0].block && n % dp->input[0].block) ||
        (dp->input[1].block && n % dp->input[1].block))
        return rg_fail(err, RG_ERR_PARSE, where, "n from 1 to 128, whole blocks", "n is %lld", (long long)n);
    dp->n = (int)n;
    text = NULL;
    RG_TRY(rg_doc_string(doc, map, "nan", false, &text, err));
    if (text) nan = strtoll(text, NULL, 16);
    if (text && (nan < INT64_C(0x7f800001) || nan > INT64_C(0xffffffff)))
        return rg_fail(err, RG_ERR_PARSE, where, "nan: the 8 hexadecimal digits of an fp32 NaN",
                       "nan is \"%.20s\"", text);
    if (text) dp->nan = (uint32_t)nan;
    RG_TRY(read_graph(doc, map, "fp32", dp, &dp->graph[RG_DOT_FP32], true, err));
    return read_graph(doc, map, "fp16", dp, &dp->graph[RG_DOT_FP16], false, err);
}

static void mark_used(rg_doc_node *node) {
    if (!node) return;
    node->used = true;
    for (rg_doc_node *c = node->child; c; c = c->next) mark_used(c);
}

static rg_status read_entry(rg_doc *doc, rg_doc_node *all, rg_doc_node *map, const request *r, int depth,
                            rg_datapath *dp, rg_error *err) {
    const char *dot = NULL, *same = NULL, *summary = NULL;
    mark_used(rg_doc_get(map, "source"));
    RG_TRY(rg_doc_string(doc, map, "summary", false, &summary, err));
    RG_TRY(rg_doc_string(doc, map, "dot", false, &dot, err));
    RG_TRY(rg_doc_string(doc, map, "same", false, &same, err));
    char where[256];
    if (same) {
        rg_doc_node *other = rg_doc_get(all, same);
        if (!other || depth > 4)
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, map, where, sizeof where),
                           "a datapath of this file", "same: \"%.60s\"", same);
        RG_TRY(read_entry(doc, all, other, r, depth + 1, dp, err));
    } else if (dot) {
        const rg_doc_node *node = rg_doc_get(map, "dot");
        const size_t length = strlen(dot);
        dp_dot_default(dp);
        if (strncmp(dot, "dot(", 4) != 0 || dot[length - 1] != ')')
            return rg_fail(err, RG_ERR_PARSE, rg_doc_where(doc, node, where, sizeof where), "dot(...)",
                           "\"%.80s\"", dot);
        RG_TRY(at(doc, node, dp_dot_set(dp, dot + 4, length - 5, err), err));
        if (r->changes) RG_TRY(dp_dot_set(dp, r->changes, r->n_changes, err));
        RG_TRY(dp_dot_finish(dp, err));
    } else {
        RG_TRY(read_any_shape(doc, map, dp, err));
        if (r->changes)
            return rg_fail(err, RG_ERR_USAGE, "datapath", "its name alone, or a file of your own",
                           "%s is not a dot(...), so nothing of it can be changed in parentheses", r->name);
    }
    if (summary) snprintf(dp->summary, sizeof dp->summary, "%s", summary);
    return rg_doc_unused(doc, map, err);
}

/* ---- files ----------------------------------------------------------------------------------------------
 */

/* *found: the file has it. An empty name: its only datapath. */
static rg_status try_file(const char *path, const request *r, rg_datapath *dp, bool *found, rg_error *err) {
    rg_doc doc;
    rg_doc_node *all;
    RG_TRY(rg_doc_open(&doc, path, err));
    rg_status status = rg_doc_child(&doc, doc.root, "datapaths", RG_DOC_MAP, true, &all, err);
    rg_doc_node *entry = status == RG_OK ? r->name[0]    ? rg_doc_get(all, r->name)
                                           : all->n == 1 ? all->child
                                                         : NULL
                                         : NULL;
    *found = entry != NULL;
    if (entry && entry->kind != RG_DOC_MAP)
        status = rg_fail(err, RG_ERR_PARSE, path, "a map", "datapath \"%s\" is none", r->name);
    else if (entry)
        status = read_entry(&doc, all, entry, r, 0, dp, err);
    rg_doc_close(&doc);
    return status;
}

static rg_status list_files(const char *data_dir, glob_t *files, rg_error *err) {
    char pattern[1024];
    snprintf(pattern, sizeof pattern, "%s/datapaths/*.yaml", data_dir);
    if (glob(pattern, 0, NULL, files) == 0) return RG_OK;
    return rg_fail(err, RG_ERR_IO, pattern, "the datapaths of Ridge's data folder", "no such files");
}

rg_status dp_file_open(const char *text, const char *data_dir, rg_datapath *dp, rg_error *err) {
    request r;
    bool found = false;
    RG_TRY(read_request(text, &r, err));
    if (r.file[0]) {
        RG_TRY(try_file(r.file, &r, dp, &found, err));
        if (!found)
            return rg_fail(err, RG_ERR_USAGE, r.file, "FILE.yaml:NAME, a name under its \"datapaths\"",
                           "there is no datapath \"%s\"", r.name);
    } else {
        glob_t files;
        if (!data_dir)
            return rg_fail(err, RG_ERR_USAGE, "datapath", "dot(...) or FILE.yaml:NAME",
                           "no data folder to find \"%s\" in", r.name);
        RG_TRY(list_files(data_dir, &files, err));
        rg_status status = RG_OK;
        for (size_t i = 0; i < files.gl_pathc && status == RG_OK && !found; i++)
            status = try_file(files.gl_pathv[i], &r, dp, &found, err);
        globfree(&files);
        RG_TRY(status);
        if (!found)
            return rg_fail(err, RG_ERR_USAGE, "datapath",
                           "dot(...), FILE.yaml:NAME or a preset: ridge num datapaths lists them",
                           "unknown datapath \"%.80s\"", text);
    }
    if (!r.changes) snprintf(dp->text, sizeof dp->text, "%s", text);
    return RG_OK;
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

rg_status rg_datapath_names(const char *data_dir, rg_arena *arena, const char ***names, size_t *n,
                            rg_error *err) {
    enum { MOST = 1024 };
    glob_t files;
    RG_TRY(list_files(data_dir, &files, err));
    const char **list = rg_arena_alloc(arena, MOST, sizeof *list);
    rg_status status = list ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    size_t count = 0;
    for (size_t i = 0; i < files.gl_pathc && status == RG_OK; i++) {
        rg_doc doc;
        rg_doc_node *all;
        status = rg_doc_open(&doc, files.gl_pathv[i], err);
        if (status != RG_OK) break;
        status = rg_doc_child(&doc, doc.root, "datapaths", RG_DOC_MAP, true, &all, err);
        for (const rg_doc_node *c = status == RG_OK ? all->child : NULL; c && count < MOST; c = c->next)
            list[count++] = rg_arena_strndup(arena, c->key, strlen(c->key));
        rg_doc_close(&doc);
    }
    globfree(&files);
    RG_TRY(status);
    qsort(list, count, sizeof *list, by_name);
    *names = list;
    *n = count;
    return RG_OK;
}

/* ---- any text -------------------------------------------------------------------------------------------
 */

rg_status rg_datapath_open(rg_datapath **out, const char *text, const char *data_dir, rg_error *err) {
    rg_datapath *dp = malloc(sizeof *dp);
    if (!dp) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    const rg_status status =
        strncmp(text, "dot(", 4) == 0 ? dp_dot_parse(text, dp, err) : dp_file_open(text, data_dir, dp, err);
    if (status != RG_OK) {
        free(dp);
        return status;
    }
    *out = dp;
    return RG_OK;
}

void rg_datapath_close(rg_datapath *dp) {
    free(dp);
}
const char *rg_datapath_text(const rg_datapath *dp) {
    return dp->text;
}
const char *rg_datapath_summary(const rg_datapath *dp) {
    return dp->summary;
}
const char *rg_datapath_input(const rg_datapath *dp, int operand) {
    return dp->input[operand].text;
}
int rg_datapath_group(const rg_datapath *dp) {
    return dp->n;
}
bool rg_datapath_has_out(const rg_datapath *dp, rg_dot_out out) {
    return dp->graph[out].n_nodes > 0;
}
