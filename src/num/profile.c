/* Reading profiles: behaviours of libraries as data, a format and a cast for each format they have. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/diff.h"
#include "ridge/doc.h"

/* What a file says of all its profiles. */
typedef struct reader {
    rg_doc *doc;
    rg_arena *arena;
    const char *library, *version, *source;
} reader;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status keep(reader *r, rg_doc_node *map, const char *key, bool need, const char **out,
                      rg_error *err) {
    const char *text = NULL;
    RG_TRY(rg_doc_string(r->doc, map, key, need, &text, err));
    *out = text ? rg_arena_strndup(r->arena, text, strlen(text)) : NULL;
    return text && !*out ? no_memory(err) : RG_OK;
}

static rg_status read_entry(reader *r, rg_doc_node *node, rg_profile_entry *out, rg_error *err) {
    char where[256];
    const char *text;
    rg_error wrong = {0};
    if (node->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where),
                       "{quant: TEXT, source: WHERE}", "an entry that is no map");
    out->format = rg_arena_strndup(r->arena, node->key, strlen(node->key));
    if (!out->format) return no_memory(err);
    RG_TRY(keep(r, node, "source", true, &out->source, err));
    RG_TRY(rg_doc_string(r->doc, node, "quant", true, &text, err));
    if (rg_quant_parse(text, &out->quant, &wrong) == RG_OK) return RG_OK;
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, rg_doc_get(node, "quant"), where, sizeof where),
                   wrong.expected, "%s", wrong.message);
}

static rg_status read_profile(reader *r, rg_doc_node *node, rg_profile *out, rg_error *err) {
    rg_doc_node *formats;
    char where[256];
    *out = (rg_profile){.library = r->library, .version = r->version, .source = r->source};
    if (node->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where),
                       "summary: and formats:", "a profile that is no map");
    out->name = rg_arena_strndup(r->arena, node->key, strlen(node->key));
    if (!out->name) return no_memory(err);
    RG_TRY(keep(r, node, "summary", true, &out->summary, err));
    RG_TRY(rg_doc_child(r->doc, node, "formats", RG_DOC_MAP, true, &formats, err));
    out->entry = rg_arena_alloc(r->arena, formats->n + 1, sizeof *out->entry);
    if (!out->entry) return no_memory(err);
    for (rg_doc_node *n = formats->child; n; n = n->next) {
        rg_doc_get(formats, n->key); /* marks it used */
        RG_TRY(read_entry(r, n, &out->entry[out->n++], err));
    }
    return RG_OK;
}

/* The names of a file must be new: a second profile would hide the first. */
static rg_status check_name(const rg_profiles *all, reader *r, const rg_doc_node *node, rg_error *err) {
    char where[256];
    rg_quant q;
    const bool taken = rg_profile_find(all, node->key) != NULL;
    if (!taken && rg_quant_parse(node->key, &q, NULL) != RG_OK) return RG_OK;
    return rg_fail(err, RG_ERR_PARSE, rg_doc_where(r->doc, node, where, sizeof where),
                   "a name that no other profile and no format has", "profile \"%.80s\"", node->key);
}

static rg_status read_file(rg_profiles *all, reader *r, rg_error *err) {
    rg_doc_node *root = r->doc->root, *profiles;
    if (!root || root->kind != RG_DOC_MAP)
        return rg_fail(err, RG_ERR_PARSE, r->doc->file,
                       "library:, version:, source:, profiles: (docs/profiles.md)", "not a file of profiles");
    RG_TRY(keep(r, root, "library", true, &r->library, err));
    RG_TRY(keep(r, root, "version", true, &r->version, err));
    RG_TRY(keep(r, root, "source", true, &r->source, err));
    RG_TRY(rg_doc_child(r->doc, root, "profiles", RG_DOC_MAP, true, &profiles, err));
    rg_profile *grown = rg_arena_alloc(r->arena, all->n + profiles->n + 1, sizeof *grown);
    if (!grown) return no_memory(err);
    for (size_t i = 0; i < all->n; i++) grown[i] = all->profile[i];
    size_t n = all->n;
    for (rg_doc_node *node = profiles->child; node; node = node->next) {
        rg_doc_get(profiles, node->key);
        RG_TRY(check_name(all, r, node, err));
        RG_TRY(read_profile(r, node, &grown[n++], err));
    }
    RG_TRY(rg_doc_unused(r->doc, root, err));
    all->profile = grown;
    all->n = n;
    return RG_OK;
}

static rg_status from_doc(rg_profiles *profiles, rg_doc *doc, rg_error *err) {
    reader r = {.doc = doc, .arena = &profiles->arena};
    const rg_status status = read_file(profiles, &r, err);
    rg_doc_close(doc);
    return status;
}

rg_status rg_profiles_parse(rg_profiles *profiles, const char *text, size_t size, const char *name,
                            rg_error *err) {
    rg_doc doc;
    RG_TRY(rg_doc_parse(&doc, text, size, name, false, err));
    return from_doc(profiles, &doc, err);
}

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Paths of the .yaml files of a folder, sorted. */
static rg_status list_files(const char *folder, rg_arena *arena, char ***paths, size_t *n, rg_error *err) {
    enum { MOST = 1000 };
    DIR *dir = opendir(folder);
    if (!dir) return rg_fail(err, RG_ERR_IO, folder, "a folder of profiles", "%s", strerror(errno));
    char **list = rg_arena_alloc(arena, MOST, sizeof *list);
    bool good = list != NULL;
    size_t count = 0;
    for (struct dirent *e; good && count < MOST && (e = readdir(dir));) {
        const size_t length = strlen(e->d_name);
        if (length < 6 || e->d_name[0] == '.' || strcmp(e->d_name + length - 5, ".yaml") != 0) continue;
        list[count] = rg_arena_printf(arena, "%s/%s", folder, e->d_name);
        good = list[count++] != NULL;
    }
    closedir(dir);
    if (!good) return no_memory(err);
    qsort(list, count, sizeof *list, by_name);
    *paths = list;
    *n = count;
    return RG_OK;
}

rg_status rg_profiles_open(rg_profiles *out, const char *data_dir, rg_error *err) {
    rg_profiles all = {0};
    char folder[4096], **paths = NULL;
    size_t n = 0;
    snprintf(folder, sizeof folder, "%s/profiles", data_dir);
    rg_status status = list_files(folder, &all.arena, &paths, &n, err);
    for (size_t i = 0; status == RG_OK && i < n; i++) {
        rg_doc doc;
        status = rg_doc_open(&doc, paths[i], err);
        if (status == RG_OK) status = from_doc(&all, &doc, err);
    }
    if (status == RG_OK)
        *out = all;
    else
        rg_profiles_close(&all);
    return status;
}

void rg_profiles_close(rg_profiles *profiles) {
    rg_arena_free(&profiles->arena);
    *profiles = (rg_profiles){0};
}

const rg_profile *rg_profile_find(const rg_profiles *profiles, const char *name) {
    for (size_t i = 0; i < profiles->n; i++)
        if (strcmp(profiles->profile[i].name, name) == 0) return &profiles->profile[i];
    return NULL;
}

const rg_profile_entry *rg_profile_format(const rg_profile *profile, const char *format) {
    rg_quant q;
    char text[RG_QUANT_TEXT], other[RG_QUANT_TEXT];
    for (size_t i = 0; i < profile->n; i++)
        if (strcmp(profile->entry[i].format, format) == 0) return &profile->entry[i];
    if (rg_quant_parse(format, &q, NULL) != RG_OK) return NULL;
    rg_format_print(&q.format, text, sizeof text);
    for (size_t i = 0; i < profile->n; i++) {
        rg_format_print(&profile->entry[i].quant.format, other, sizeof other);
        if (strcmp(text, other) == 0) return &profile->entry[i];
    }
    return NULL;
}

rg_status rg_behaviour(const rg_profiles *profiles, const char *text, const char *format, rg_quant *out,
                       rg_error *err) {
    const rg_profile *profile = rg_profile_find(profiles, text);
    char expected[256] = "";
    if (!profile) {
        rg_error wrong = {0};
        if (rg_quant_parse(text, out, &wrong) == RG_OK) return RG_OK;
        return rg_fail(
            err, RG_ERR_USAGE, "behaviour",
            "a profile of \"ridge num diff --list\", or a format and cast such as e4m3fn@rne(sat=ocp)",
            "\"%.80s\" is no profile, and as a format: %s", text, wrong.message);
    }
    const rg_profile_entry *entry = format ? rg_profile_format(profile, format) : NULL;
    if (entry) {
        *out = entry->quant;
        return RG_OK;
    }
    for (size_t i = 0, n = 0; i < profile->n && n < sizeof expected; i++)
        n += (size_t)snprintf(expected + n, sizeof expected - n, "%s%s", i ? " " : "",
                              profile->entry[i].format);
    if (!format)
        return rg_fail(err, RG_ERR_USAGE, "--format", expected, "profile %s needs a format", profile->name);
    return rg_fail(err, RG_ERR_USAGE, "--format", expected, "profile %s has no \"%.60s\"", profile->name,
                   format);
}
