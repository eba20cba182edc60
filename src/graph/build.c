/* Runs the statements of a family over a config: the graph. */
#include "graph/build.h"
#include "graph/ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_STEPS = 1 << 22 };

typedef struct variable {
    const char *name;
    value value;
} variable;

typedef struct builder {
    scope scope; /* first: lookup and weight get the builder by it */
    const family *family;
    rg_doc *config;
    rg_graph *graph;
    size_t node_cap, weight_cap;
    variable variable[256];
    int n_variables;
    const char *prefix; /* of the names inside a repeat */
    int layer;
    int steps;
} builder;

static rg_status fail(builder *b, const rg_doc_node *at, const char *expected, const char *text) {
    char where[PLACE_SIZE];
    return rg_fail(b->scope.err, RG_ERR_PARSE, place(b->scope.family, at, where), expected, "%s", text);
}

static rg_status no_memory(builder *b) {
    return rg_fail(b->scope.err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static rg_status set(builder *b, const rg_doc_node *at, const char *name, value v) {
    int i = 0;
    while (i < b->n_variables && strcmp(b->variable[i].name, name) != 0) i++;
    if (i == (int)(sizeof b->variable / sizeof *b->variable))
        return fail(b, at, "at most 256", "too many names");
    b->variable[i] = (variable){name, v};
    if (i == b->n_variables) b->n_variables++;
    return RG_OK;
}

static rg_status lookup(scope *s, const rg_doc_node *at, const char *name, value *out) {
    builder *b = (builder *)s;
    (void)at;
    for (int i = 0; i < b->n_variables; i++)
        if (strcmp(b->variable[i].name, name) == 0) {
            *out = b->variable[i].value;
            return RG_OK;
        }
    return field_value(b->config, name, out, s->err);
}

static bool given(scope *s, const char *name) {
    return field_given(((builder *)s)->config, name);
}

/* Room for one more element of an array in the graph's arena. */
static void *grow(builder *b, void *array, size_t n, size_t *cap, size_t size) {
    if (n < *cap) return array;
    size_t bigger = *cap ? 2 * *cap : 64;
    void *copy = rg_arena_alloc(&b->graph->arena, bigger, size);
    if (copy && n) memcpy(copy, array, n * size);
    if (copy) *cap = bigger;
    return copy;
}

static const char *full_name(builder *b, const char *name) {
    return rg_arena_printf(&b->graph->arena, "%s%s%s", b->prefix, *b->prefix ? "." : "", name);
}

static rg_status add_weight(scope *s, const rg_doc_node *at, const char *name, int n_dims,
                            const int64_t *shape, value *out) {
    builder *b = (builder *)s;
    rg_graph *g = b->graph;
    if (g->n_weights >= MAX_NODES) return fail(b, at, "at most 2^20", "too many weights");
    RG_TRY(expr_expand(s, at, name, &name));
    rg_graph_weight *array = grow(b, g->weight, g->n_weights, &b->weight_cap, sizeof *array);
    const char *full = full_name(b, name);
    if (!array || !full) return no_memory(b);
    g->weight = array;
    array[g->n_weights] = (rg_graph_weight){
        .name = full, .n_dims = n_dims, .shape = {shape[0], shape[1], shape[2]}, .tied_to = -1};
    *out = (value){.kind = VALUE_WEIGHT, .i = (int64_t)g->n_weights++};
    return RG_OK;
}

/* "model.layers.3.self_attn.q_proj.weight" names a node "layers.3.self_attn.q_proj", "...experts.*.up_proj"
   one "...experts.up_proj". */
static const char *node_name(builder *b, const char *name) {
    size_t n = strlen(name);
    if (strncmp(name, "model.", 6) == 0) {
        name += 6;
        n -= 6;
    }
    if (n > 7 && strcmp(name + n - 7, ".weight") == 0) n -= 7;
    const char *star = strstr(name, ".*");
    if (star && star + 2 < name + n)
        return rg_arena_printf(&b->graph->arena, "%.*s%.*s", (int)(star - name), name,
                               (int)(name + n - star - 2), star + 2);
    return rg_arena_strndup(&b->graph->arena, name, n);
}

static rg_status tie(builder *b, const rg_doc_node *at, rg_graph_node *n, const char *to) {
    rg_graph *g = b->graph;
    if (n->weight < 0) return fail(b, at, "an operator with a weight", "tied: there is no weight to tie");
    for (size_t i = 0; i < g->n_weights; i++)
        if (strcmp(g->weight[i].name, to) == 0) {
            g->weight[n->weight].tied_to = (int)i;
            return RG_OK;
        }
    char text[160];
    snprintf(text, sizeof text, "tied to \"%.100s\", which is no weight so far", to);
    return fail(b, at, "the full name of an earlier weight", text);
}

static rg_status set_number(builder *b, const rg_doc_node *at, const node_number *k, rg_graph_node *n,
                            const value *v) {
    void *place_of = (char *)n + k->offset;
    value named = *v;
    if (!named.name) named.name = k->name; /* for messages: "width: found 0" */
    if (k->words) {
        const int64_t word = v->kind == VALUE_STRING ? node_word(k, v->s) : -1;
        if (word < 0)
            return value_fail(&b->scope, at, &named, "one of the words that docs/families.md lists");
        *(int64_t *)place_of = word;
        return RG_OK;
    }
    const int64_t least = k->bit == NODE_FROM ? 0 : 1;
    if (k->whole) return value_to_int(&b->scope, at, &named, least, INT32_MAX, place_of);
    return value_to_real(&b->scope, at, &named, place_of);
}

static rg_status keyed(builder *b, const rg_doc_node *at, const char *key, const value *v, rg_graph_node *n,
                       uint64_t *given) {
    const op_spec *spec = op_find(n->op);
    char text[160];
    if (strcmp(key, "name") == 0 || strcmp(key, "tied") == 0) {
        if (v->kind != VALUE_STRING) return value_fail(&b->scope, at, v, "a string");
        if (*key == 't') return tie(b, at, n, v->s);
        n->name = full_name(b, v->s);
        return n->name ? RG_OK : no_memory(b);
    }
    if (strcmp(key, "rows") == 0) {
        value named = *v;
        if (!named.name) named.name = key;
        n->apart = true;
        return value_to_int(&b->scope, at, &named, 1, INT32_MAX, &n->rows);
    }
    if (strcmp(key, "bias") == 0 && spec->takes_bias) {
        if (v->kind != VALUE_WEIGHT) return value_fail(&b->scope, at, v, "W[rows] \"name\"");
        n->bias = (int)v->i;
        return RG_OK;
    }
    for (int i = 0; i < RG_MAX_EXTRA && spec->extra[i]; i++)
        if (strcmp(spec->extra[i], key) == 0) {
            if (v->kind != VALUE_WEIGHT) return value_fail(&b->scope, at, v, "W[...] \"name\"");
            n->extra[i] = (int)v->i;
            return RG_OK;
        }
    for (const node_number *k = node_numbers; k->name; k++)
        if (strcmp(k->name, key) == 0 && ((spec->needs | spec->takes) & k->bit)) {
            *given |= k->bit;
            return set_number(b, at, k, n, v);
        }
    snprintf(text, sizeof text, "operator %s takes no \"%.60s\"", spec->name, key);
    return fail(b, at, NULL, text);
}

static rg_status positional(builder *b, const rg_doc_node *at, const value *v, rg_graph_node *n) {
    if (v->kind == VALUE_WEIGHT) {
        if (n->weight >= 0) return fail(b, at, "one", "a second weight");
        n->weight = (int)v->i;
        return RG_OK;
    }
    if (v->kind != VALUE_NODE) return value_fail(&b->scope, at, v, "a node or W[...] \"name\"");
    if (n->n_inputs == RG_MAX_INPUTS) return fail(b, at, "at most 8", "too many inputs");
    n->input[n->n_inputs++] = (int)v->i;
    return RG_OK;
}

static bool has_key(const statement *st, const char *key) {
    for (const argument *a = st->argument; a; a = a->next)
        if (a->key && strcmp(a->key, key) == 0) return true;
    return false;
}

/* An operator unknown to Ridge must say its width: that tells it from a misspelt one. */
static rg_status begin_node(builder *b, const statement *st, rg_graph_node *n) {
    *n = (rg_graph_node){.op = op_from_name(st->op), .layer = b->layer, .weight = -1, .bias = -1};
    for (int i = 0; i < RG_MAX_EXTRA; i++) n->extra[i] = -1;
    if (n->op != RG_OP_OPAQUE) return RG_OK;
    char text[160];
    snprintf(text, sizeof text, "unknown operator \"%.60s\"", st->op);
    if (!has_key(st, "width")) {
        char names[1024];
        const char ending[] = ", or width = for another";
        op_names(names, sizeof names - sizeof ending);
        strcat(names, ending);
        return fail(b, st->node, names, text);
    }
    n->opaque_op = rg_arena_strndup(&b->graph->arena, st->op, strlen(st->op));
    return n->opaque_op ? RG_OK : no_memory(b);
}

static rg_status take_arguments(builder *b, const statement *st, rg_graph_node *n) {
    uint64_t given = 0;
    for (const argument *a = st->argument; a; a = a->next) {
        value v;
        RG_TRY(expr_eval(&b->scope, st->node, a->value, &v));
        if (!a->key)
            RG_TRY(positional(b, st->node, &v, n));
        else if (v.kind != VALUE_NULL || v.name) /* null from an "if" is an argument left out */
            RG_TRY(keyed(b, st->node, a->key, &v, n, &given));
    }
    for (const node_number *k = node_numbers; k->name; k++)
        if ((op_find(n->op)->needs & k->bit) && !(given & k->bit)) {
            char text[160];
            snprintf(text, sizeof text, "operator %s needs %s =", st->op, k->name);
            return fail(b, st->node, NULL, text);
        }
    return RG_OK;
}

static rg_status run_assignment(builder *b, const statement *st) {
    rg_graph *g = b->graph;
    rg_graph_node n;
    RG_TRY(begin_node(b, st, &n));
    RG_TRY(take_arguments(b, st, &n));
    if (!n.name && n.weight >= 0) n.name = g->weight[n.weight].name;
    if (!n.name) return fail(b, st->node, "name = \"...\"", "a node without a weight needs a name");
    n.name = node_name(b, n.name);
    if (g->n_nodes >= MAX_NODES) return fail(b, st->node, "at most 2^20", "too many nodes");
    rg_graph_node *array = grow(b, g->node, g->n_nodes, &b->node_cap, sizeof *array);
    if (!array || !n.name) return no_memory(b);
    g->node = array;
    array[g->n_nodes] = n;
    rg_error why = {0};
    rg_status status = op_infer(g, g->n_nodes, &array[g->n_nodes].width, &why);
    if (status == RG_OK) status = op_rows(g, &array[g->n_nodes], &why);
    if (status != RG_OK) {
        char text[700];
        snprintf(text, sizeof text, "%s: %.400s", why.where, why.message);
        return fail(b, st->node, why.expected, text);
    }
    b->graph->output = (int)g->n_nodes;
    value v = {.kind = VALUE_NODE, .i = (int64_t)g->n_nodes++, .name = st->target};
    return set(b, st->node, st->target, v);
}

static rg_status run_statements(builder *b, const statement *st);

static rg_status run_repeat(builder *b, const statement *st) {
    value v;
    int64_t count = 0;
    RG_TRY(expr_eval(&b->scope, st->node, st->condition, &v));
    RG_TRY(value_to_int(&b->scope, st->node, &v, 0, MAX_LAYERS, &count));
    const char *prefix = b->prefix;
    int layer = b->layer;
    rg_status status = RG_OK;
    for (int64_t i = 0; i < count && status == RG_OK; i++) {
        RG_TRY(set(b, st->node, st->target, (value){.kind = VALUE_INT, .i = i, .name = st->target}));
        if (layer < 0) b->layer = (int)i;
        b->prefix = prefix;
        if (st->under) {
            const char *under;
            RG_TRY(expr_expand(&b->scope, st->node, st->under, &under));
            b->prefix = full_name(b, under);
            if (!b->prefix) return no_memory(b);
        }
        status = run_statements(b, st->body);
    }
    b->prefix = prefix;
    b->layer = layer;
    return status;
}

static rg_status run_statements(builder *b, const statement *st) {
    for (; st; st = st->next) {
        if (++b->steps > MAX_STEPS) return fail(b, st->node, "at most 2^22 steps", "the graph has no end");
        if (st->kind == STATEMENT_ASSIGN) {
            RG_TRY(run_assignment(b, st));
        } else if (st->kind == STATEMENT_REPEAT) {
            RG_TRY(run_repeat(b, st));
        } else {
            value v;
            bool yes = false;
            RG_TRY(expr_eval(&b->scope, st->node, st->condition, &v));
            RG_TRY(value_to_bool(&b->scope, st->node, &v, &yes));
            RG_TRY(run_statements(b, yes ? st->body : st->otherwise));
        }
    }
    return RG_OK;
}

/* Sizes of a graph whose nodes are all there, and the check of everything. */
static rg_status finish(builder *b) {
    rg_graph *g = b->graph;
    g->vocab_size = graph_vocab_size(g);
    g->hidden_size = g->node[g->output].n_inputs ? op_width_of(g, &g->node[g->output], 0) : 1;
    for (size_t i = 0; i < g->n_nodes; i++) {
        if (g->node[i].op == RG_OP_EMBED) g->hidden_size = g->node[i].width;
        if (g->node[i].layer >= g->n_layers) g->n_layers = g->node[i].layer + 1;
    }
    g->every_row = graph_sees_both_ways(g);
    return graph_check(g, b->scope.err);
}

/* The statements of a part beside the model as a graph of its own, of which the number of weights is kept. */
static rg_status run_part(builder *b, const statement *body, int n_names, double *parameters) {
    rg_graph part = {.max_positions = 1};
    builder own = *b;
    own.graph = &part;
    own.node_cap = own.weight_cap = 0;
    own.n_variables = n_names;
    rg_status status = run_statements(&own, body);
    if (status == RG_OK && part.n_nodes) status = finish(&own);
    for (size_t i = 0; status == RG_OK && i < part.n_weights; i++)
        if (part.weight[i].tied_to < 0) *parameters += weight_elements(&part.weight[i]);
    rg_graph_close(&part);
    return status;
}

static rg_status find_stored(builder *b) {
    const family *f = b->family;
    value v = {0};
    if (f->stored) RG_TRY(expr_eval(&b->scope, f->stored_node, f->stored, &v));
    if (v.kind == VALUE_NULL) return RG_OK;
    if (v.kind != VALUE_STRING) return value_fail(&b->scope, f->stored_node, &v, "a policy, or null");
    rg_policy policy;
    if (rg_policy_parse(v.s, &policy, NULL) != RG_OK)
        return fail(b, f->stored_node, "a numerics policy", "stored: is none");
    b->graph->stored = rg_arena_strndup(&b->graph->arena, v.s, strlen(v.s));
    return b->graph->stored ? RG_OK : no_memory(b);
}

static rg_status run_family(builder *b) {
    const family *f = b->family;
    rg_graph *g = b->graph;
    value v;
    for (const let *l = f->lets; l; l = l->next) {
        RG_TRY(expr_eval(&b->scope, l->node, l->value, &v));
        if (!v.name) v.name = l->name;
        RG_TRY(set(b, l->node, l->name, v));
    }
    RG_TRY(expr_eval(&b->scope, f->positions_node, f->positions, &v));
    RG_TRY(value_to_int(&b->scope, f->positions_node, &v, 1, INT32_MAX, &g->max_positions));
    RG_TRY(find_stored(b));
    RG_TRY(set(b, f->body->node, "token", (value){.kind = VALUE_NODE, .i = -1, .name = "token"}));
    const int n_names = b->n_variables;
    RG_TRY(run_statements(b, f->body));
    if (!g->n_nodes) return fail(b, f->body->node, "at least one node", "the graph is empty");
    RG_TRY(finish(b));
    RG_TRY(run_part(b, f->mtp, n_names, &g->parameters_mtp));
    return run_part(b, f->vision, n_names, &g->parameters_vision);
}

rg_status graph_build(rg_graph *g, rg_doc *config, const family *f, rg_error *err) {
    builder *b = calloc(1, sizeof *b);
    if (!b) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    *b = (builder){.scope = {.family = (rg_doc *)&f->doc,
                             .config_file = config->file,
                             .arena = &g->arena,
                             .err = err,
                             .lookup = lookup,
                             .given = given,
                             .weight = add_weight},
                   .family = f,
                   .config = config,
                   .graph = g,
                   .prefix = "",
                   .layer = -1};
    g->family = rg_arena_strndup(&g->arena, f->name, strlen(f->name));
    rg_status status = fields_require(f, config, err);
    if (status == RG_OK) status = g->family ? run_family(b) : no_memory(b);
    if (status == RG_OK)
        status = fields_unknown(f, config, &g->arena, &g->n_unknown_fields, &g->unknown_field, err);
    free(b);
    return status;
}
