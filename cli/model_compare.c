/* ridge model kv, diff and watch. */
#include "model_compare.h"
#include "ridge/doc.h"
#include "ridge/model.h"

#include <dirent.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void add_key(rg_str *out, const char *key, bool first) {
    rg_str_printf(out, "%s\"%s\": ", first ? "" : ", ", key);
}

static void add_text(rg_str *out, const char *key, const char *text, bool first) {
    add_key(out, key, first);
    if (text)
        cli_print_json_string(out, text);
    else
        rg_str_add(out, "null");
}

static void print_out(rg_str *out) {
    if (out->data && !out->failed) puts(out->data);
    rg_str_free(out);
}

/* ---- kv ---------------------------------------------------------------------------------------------- */

const cli_option cli_model_kv_options[] = {
    {"at", CLI_INT, "TOKENS", "token", "4k", 1, 1e12, true, false,
     "length of the sequence: 8192, 128k (k = 1024), 1M; several times for several rows"},
    {"policy", CLI_STRING, "POLICY", NULL, NULL, 0, 0, false, false,
     "numerics policy that stores the cache (default: bf16)"},
    {0}};

static rg_status kv_rows(cli_context *context, const rg_graph *g, rg_str *out, rg_error *err) {
    const char *policy = cli_string(context, "policy");
    const rg_graph_totals t = rg_graph_total(g, 4096);
    if (context->json) {
        add_text(out, "model", g->model, true);
        cli_json_number(out, "kv_bytes_per_token", t.kv_bytes_per_token);
        cli_json_number(out, "indexer_bytes_per_token", t.indexer_bytes_per_token);
        cli_json_number(out, "state_bytes_per_sequence", t.state_bytes_per_sequence);
        rg_str_add(out, ", \"rows\": [");
    } else {
        rg_str_printf(out,
                      "%s: %.0f B per token, %.0f B of state per sequence, stored as %s\n\n%14s %20s %12s\n",
                      g->model, t.kv_bytes_per_token + t.indexer_bytes_per_token, t.state_bytes_per_sequence,
                      policy ? policy : "bf16", "tokens", "bytes per sequence", "GiB");
    }
    for (int i = 0; i == 0 || cli_nth(context, "at", i); i++) {
        const double at = (double)cli_nth_int(context, "at", i, cli_int(context, "at", 4096));
        double bytes;
        RG_TRY(rg_graph_kv_bytes(g, policy, at, &bytes, err));
        if (context->json)
            rg_str_printf(out, "%s{\"context\": %.0f, \"kv_bytes_per_sequence\": %.0f}", i ? ", " : "", at,
                          bytes);
        else
            rg_str_printf(out, "%14.0f %20.0f %12.3f%s\n", at, bytes, bytes / 1073741824,
                          at > (double)g->max_positions ? "  beyond the model's positions" : "");
    }
    if (context->json) rg_str_add(out, "]");
    return RG_OK;
}

rg_status cli_model_kv(cli_context *context, rg_error *err) {
    rg_model model;
    rg_str out = {0};
    RG_TRY(rg_model_open(&model, context->argument[0], context->data_dir, false, err));
    if (context->json) rg_str_add(&out, "{");
    rg_status status = kv_rows(context, &model.graph, &out, err);
    rg_model_close(&model);
    if (status == RG_OK && context->json) rg_str_add(&out, "}");
    if (status == RG_OK && out.len && out.data[out.len - 1] == '\n') out.data[--out.len] = 0;
    if (status == RG_OK)
        print_out(&out);
    else
        rg_str_free(&out);
    return status;
}

/* ---- diff -------------------------------------------------------------------------------------------- */

const cli_option cli_model_diff_options[] = {{"context", CLI_INT, "C", "token", "4096", 1, 1e9, false, false,
                                              "length of the prompt, and keys in the cache when decoding"},
                                             {0}};

typedef struct side {
    rg_model model;
    rg_doc doc;
    bool has_doc; /* a config: its fields can be compared */
    rg_graph_totals totals;
} side;

/* The config that a MODEL is read from, where it is one. */
static bool config_path(const char *argument, const char *data_dir, char *path, size_t size) {
    struct stat st;
    const bool there = stat(argument, &st) == 0;
    const char *end = strrchr(argument, '.');
    if (there && S_ISDIR(st.st_mode)) {
        snprintf(path, size, "%s/config.json", argument);
    } else if (there) {
        if (!end || (strcmp(end, ".json") != 0 && strcmp(end, ".yaml") != 0)) return false;
        snprintf(path, size, "%s", argument);
    } else {
        snprintf(path, size, "%s/models/%s.yaml", data_dir, argument);
    }
    return stat(path, &st) == 0;
}

static rg_status open_side(side *s, cli_context *context, int i, rg_error *err) {
    char path[4096];
    RG_TRY(rg_model_open(&s->model, context->argument[i], context->data_dir, false, err));
    s->totals = rg_graph_total(&s->model.graph, cli_number(context, "context", 4096));
    if (!config_path(context->argument[i], context->data_dir, path, sizeof path)) return RG_OK;
    rg_status status = rg_doc_open(&s->doc, path, err);
    if (status != RG_OK) rg_model_close(&s->model);
    s->has_doc = status == RG_OK;
    if (s->has_doc && s->doc.root && rg_doc_get(s->doc.root, "ridge_graph")) {
        rg_doc_close(&s->doc);
        s->has_doc = false;
    }
    return status;
}

static void close_side(side *s) {
    if (s->has_doc) rg_doc_close(&s->doc);
    rg_model_close(&s->model);
}

/* A scalar, or a list of scalars as "[a, b]". */
static void value_text(const rg_doc_node *node, rg_str *out) {
    if (node->kind == RG_DOC_NULL) rg_str_add(out, "null");
    if (node->kind == RG_DOC_SCALAR) rg_str_add(out, node->text);
    if (node->kind != RG_DOC_LIST && node->kind != RG_DOC_MAP) return;
    rg_str_add(out, node->kind == RG_DOC_LIST ? "[" : "{");
    for (const rg_doc_node *c = node->child; c; c = c->next) {
        if (c != node->child) rg_str_add(out, ", ");
        if (c->key) rg_str_printf(out, "%s: ", c->key);
        value_text(c, out);
    }
    rg_str_add(out, node->kind == RG_DOC_LIST ? "]" : "}");
}

static rg_doc_node *child_of(rg_doc_node *map, const char *key) {
    for (rg_doc_node *c = map && map->kind == RG_DOC_MAP ? map->child : NULL; c; c = c->next)
        if (strcmp(c->key, key) == 0) return c;
    return NULL;
}

typedef struct differences {
    bool json;
    rg_str *out;
    int n;
} differences;

static void add_difference(differences *d, const char *field, const rg_doc_node *a, const rg_doc_node *b) {
    rg_str x = {0}, y = {0};
    if (a) value_text(a, &x);
    if (b) value_text(b, &y);
    const char *left = a ? x.data ? x.data : "" : NULL, *right = b ? y.data ? y.data : "" : NULL;
    if (d->json) {
        rg_str_add(d->out, d->n ? ",\n  {" : "\n  {");
        add_text(d->out, "field", field, true);
        add_text(d->out, "a", left, false);
        add_text(d->out, "b", right, false);
        rg_str_add(d->out, "}");
    } else {
        rg_str_printf(d->out, "%-40s %24.60s %24.60s\n", field, left ? left : "-", right ? right : "-");
    }
    d->n++;
    rg_str_free(&x);
    rg_str_free(&y);
}

static bool equal_nodes(const rg_doc_node *a, const rg_doc_node *b) {
    if (a->kind != b->kind || a->n != b->n) return false;
    if (a->kind == RG_DOC_SCALAR) {
        char *end_a, *end_b; /* 1e-05 is 0.00001 */
        const double x = strtod(a->text, &end_a), y = strtod(b->text, &end_b);
        const bool numbers = end_a != a->text && end_b != b->text && !*end_a && !*end_b;
        return numbers ? x == y : strcmp(a->text, b->text) == 0;
    }
    const rg_doc_node *c = a->child, *d = b->child;
    for (; c && d; c = c->next, d = d->next)
        if ((c->key && strcmp(c->key, d->key) != 0) || !equal_nodes(c, d)) return false;
    return !c && !d;
}

static bool is_words(const char *key) { /* comments, and the source of data/models */
    const size_t n = strlen(key);
    return *key == '_' || strcmp(key, "source") == 0 || (n > 5 && strcmp(key + n - 5, "_note") == 0);
}

/* Fields below two maps that differ; those of `b` alone last. */
static void compare_maps(differences *d, rg_doc_node *a, rg_doc_node *b, const char *prefix) {
    char path[512];
    for (rg_doc_node *c = a->child; c; c = c->next) {
        rg_doc_node *other = child_of(b, c->key);
        if (is_words(c->key)) continue;
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", c->key);
        if (other && c->kind == RG_DOC_MAP && other->kind == RG_DOC_MAP)
            compare_maps(d, c, other, path);
        else if (!other || !equal_nodes(c, other))
            add_difference(d, path, c, other);
    }
    for (rg_doc_node *c = b->child; c; c = c->next) {
        if (child_of(a, c->key) || is_words(c->key)) continue;
        snprintf(path, sizeof path, "%s%s%s", prefix, *prefix ? "." : "", c->key);
        add_difference(d, path, NULL, c);
    }
}

static void compare_counts(differences *d, const side *a, const side *b) {
    const rg_graph_totals *s = &a->totals, *t = &b->totals;
    const struct {
        const char *name;
        double a, b;
    } counts[] = {
        {"parameters_total", s->parameters_total, t->parameters_total},
        {"parameters_mtp", s->parameters_mtp, t->parameters_mtp},
        {"parameters_vision", s->parameters_vision, t->parameters_vision},
        {"parameters_active", s->parameters_active, t->parameters_active},
        {"parameters_active_no_embedding", s->parameters_active_no_embedding,
         t->parameters_active_no_embedding},
        {"kv_bytes_per_token", s->kv_bytes_per_token, t->kv_bytes_per_token},
        {"indexer_bytes_per_token", s->indexer_bytes_per_token, t->indexer_bytes_per_token},
        {"state_bytes_per_sequence", s->state_bytes_per_sequence, t->state_bytes_per_sequence},
        {"prefill_flop_per_token", s->prefill_flop_per_token, t->prefill_flop_per_token},
        {"decode_flop_per_token", s->decode_flop_per_token, t->decode_flop_per_token},
        {"n_layers", (double)a->model.graph.n_layers, (double)b->model.graph.n_layers},
        {"hidden_size", (double)a->model.graph.hidden_size, (double)b->model.graph.hidden_size},
        {"vocab_size", (double)a->model.graph.vocab_size, (double)b->model.graph.vocab_size},
        {"max_positions", (double)a->model.graph.max_positions, (double)b->model.graph.max_positions}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i].a == counts[i].b) continue;
        if (d->json) {
            rg_str_add(d->out, d->n ? ",\n  {" : "\n  {");
            add_text(d->out, "count", counts[i].name, true);
            cli_json_number(d->out, "a", counts[i].a);
            cli_json_number(d->out, "b", counts[i].b);
            rg_str_add(d->out, "}");
        } else {
            rg_str_printf(d->out, "%-40s %24.0f %24.0f", counts[i].name, counts[i].a, counts[i].b);
            if (counts[i].a > 0) rg_str_printf(d->out, "  x%.3g", counts[i].b / counts[i].a);
            rg_str_add(d->out, "\n");
        }
        d->n++;
    }
}

static void print_differences(cli_context *context, side *a, side *b) {
    rg_str out = {0};
    differences fields = {context->json, &out, 0}, counts = fields;
    const bool maps =
        a->has_doc && b->has_doc && a->doc.root->kind == RG_DOC_MAP && b->doc.root->kind == RG_DOC_MAP;
    if (context->json) {
        rg_str_add(&out, "{");
        add_text(&out, "a", a->model.graph.model, true);
        add_text(&out, "b", b->model.graph.model, false);
        rg_str_add(&out, ", \"fields\": [");
        if (maps) compare_maps(&fields, a->doc.root, b->doc.root, "");
        rg_str_add(&out, "],\n \"counts\": [");
        compare_counts(&counts, a, b);
        rg_str_add(&out, "]}");
        print_out(&out);
        return;
    }
    rg_str_printf(&out, "%-40s %24.24s %24.24s\n", "", a->model.graph.model, b->model.graph.model);
    if (maps) compare_maps(&fields, a->doc.root, b->doc.root, "");
    rg_str_add(&out, "\n");
    compare_counts(&counts, a, b);
    rg_str_printf(&out, "\n%d fields%s and %d counts differ", fields.n, maps ? "" : " (no two configs)",
                  counts.n);
    print_out(&out);
}

rg_status cli_model_diff(cli_context *context, rg_error *err) {
    side a = {0}, b = {0};
    RG_TRY(open_side(&a, context, 0, err));
    rg_status status = open_side(&b, context, 1, err);
    if (status == RG_OK) {
        print_differences(context, &a, &b);
        close_side(&b);
    }
    close_side(&a);
    return status;
}

/* ---- watch ------------------------------------------------------------------------------------------- */

typedef struct watcher {
    cli_context *context;
    const char *families;
    rg_str *out;
    int n, n_modelled;
} watcher;

static void watch_one(watcher *w, const char *path, const char *name) {
    rg_doc doc;
    rg_graph g;
    rg_error err = {0};
    rg_str unknown = {0};
    rg_status status = rg_doc_open(&doc, path, &err);
    const bool read = status == RG_OK;
    if (read) status = rg_graph_import(&g, &doc, w->families, &err);
    const bool modelled = status == RG_OK && !g.n_unknown_fields;
    const char *state = modelled ? "modelled" : status == RG_OK ? "unknown fields" : "refused";
    for (size_t i = 0; status == RG_OK && i < g.n_unknown_fields; i++) {
        if (i) rg_str_add(&unknown, ", ");
        if (w->context->json)
            cli_print_json_string(&unknown, g.unknown_field[i]);
        else
            rg_str_add(&unknown, g.unknown_field[i]);
    }
    if (w->context->json) {
        rg_str_add(w->out, w->n ? ",\n  {" : "\n  {");
        add_text(w->out, "file", name, true);
        add_text(w->out, "status", state, false);
        add_text(w->out, "family", status == RG_OK ? g.family : NULL, false);
        rg_str_printf(w->out, ", \"unknown_fields\": [%s]", unknown.data ? unknown.data : "");
        add_text(w->out, "message", status == RG_OK ? NULL : err.message, false);
        rg_str_add(w->out, "}");
    } else {
        rg_str_printf(w->out, "%-40s %-16s %s\n", name, state,
                      status != RG_OK ? err.message
                      : modelled      ? g.family
                                      : unknown.data);
    }
    w->n++;
    w->n_modelled += modelled;
    rg_str_free(&unknown);
    if (status == RG_OK) rg_graph_close(&g);
    if (read) rg_doc_close(&doc);
}

static int is_visible(const struct dirent *entry) {
    return entry->d_name[0] != '.';
}

/* FOLDER/x.json, FOLDER/x/config.json. */
static void watch_entry(watcher *w, const char *folder, const char *name) {
    char path[4096], shown[512];
    struct stat st;
    const char *end = strrchr(name, '.');
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path) return;
    if (stat(path, &st) != 0) return;
    snprintf(shown, sizeof shown, "%s", name);
    if (S_ISDIR(st.st_mode)) {
        snprintf(shown, sizeof shown, "%s/config.json", name);
        if (snprintf(path, sizeof path, "%s/%s", folder, shown) >= (int)sizeof path) return;
        if (stat(path, &st) != 0) return;
    } else if (!end || strcmp(end, ".json") != 0) {
        return;
    }
    watch_one(w, path, shown);
}

rg_status cli_model_watch(cli_context *context, rg_error *err) {
    char families[4096];
    struct dirent **entry;
    const char *folder = context->argument[0];
    rg_str out = {0};
    if (snprintf(families, sizeof families, "%s/families", context->data_dir) >= (int)sizeof families)
        return rg_fail(err, RG_ERR_USAGE, "--data", "a shorter path", "the path is too long");
    const int n = scandir(folder, &entry, is_visible, alphasort);
    if (n < 0) return rg_fail(err, RG_ERR_IO, folder, "a folder of configs", "cannot be read");
    watcher w = {.context = context, .families = families, .out = &out};
    if (context->json) rg_str_add(&out, "{\"configs\": [");
    for (int i = 0; i < n; i++) {
        watch_entry(&w, folder, entry[i]->d_name);
        free(entry[i]);
    }
    free(entry);
    if (context->json)
        rg_str_printf(&out, "],\n \"n_configs\": %d, \"n_modelled\": %d}", w.n, w.n_modelled);
    else
        rg_str_printf(&out, "%d of %d configs are modelled", w.n_modelled, w.n);
    print_out(&out);
    context->failed_after_output = w.n_modelled < w.n;
    if (w.n_modelled < w.n)
        fprintf(stderr, "ridge: %s: %d of %d configs are not modelled; expected a family for each\n", folder,
                w.n - w.n_modelled, w.n);
    return RG_OK;
}
