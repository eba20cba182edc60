/* Which layers and roles a lower format harms, each lowered alone; and the mixed policy that follows. */
#include "model/exec.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 64, MAX_ROLES = 8 };

/* "layers.3." of the first node of a layer: what all names of the layer begin with. */
static rg_status layer_prefix(const rg_graph *graph, int64_t layer, char *out, size_t size, rg_error *err) {
    char part[32];
    snprintf(part, sizeof part, ".%lld.", (long long)layer);
    for (size_t i = 0; i < graph->n_nodes; i++) {
        if (graph->node[i].layer != layer) continue;
        const char *name = graph->node[i].name, *at = strstr(name, part);
        const size_t n = at ? (size_t)(at - name) + strlen(part) : 0;
        if (!at || n >= size) break;
        memcpy(out, name, n);
        out[n] = 0;
        return RG_OK;
    }
    return rg_fail(err, RG_ERR_UNSUPPORTED, graph->model, "names of operators with the layer's number",
                   "no operator of layer %lld is named after it", (long long)layer);
}

static rg_status read_roles(const char *text, char role[MAX_ROLES][8], size_t *n, rg_error *err) {
    *n = 0;
    for (const char *p = text; *p;) {
        const size_t length = strcspn(p, ",");
        if (length == 0 || length >= 8 || *n == MAX_ROLES)
            return rg_fail(err, RG_ERR_USAGE, "roles", "up to 8 roles of a policy, as w,a,kv", "\"%.60s\"",
                           text);
        memcpy(role[*n], p, length);
        role[(*n)++][length] = 0;
        p += length;
        if (*p == ',') p++;
    }
    return *n ? RG_OK : rg_fail(err, RG_ERR_USAGE, "roles", "roles of a policy, as w,a,kv", "no role");
}

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* Is there an operator that the row's policy is for? Layers of a hybrid have not all the same roles. */
static bool matches(const rg_graph *graph, const rg_sensitivity_row *row, const char *lower) {
    char text[RG_QUANT_TEXT + 128];
    bool touched = false;
    exec_datapaths none = {0};
    rg_policy *policy = malloc(sizeof *policy);
    exec_use *use = calloc(graph->n_nodes, sizeof *use);
    snprintf(text, sizeof text, "%s=%s", row->place, lower);
    const bool found = policy && use && rg_policy_parse(text, policy, NULL) == RG_OK &&
                       exec_resolve(graph, policy, &none, use, &touched, NULL) == RG_OK;
    free(policy);
    free(use);
    return found;
}

/* A row for each role of each layer, then one for each role of all layers together. */
static rg_status make_rows(rg_sensitivity *s, const rg_graph *graph, char role[MAX_ROLES][8], size_t n_roles,
                           rg_error *err) {
    const size_t n_layers = (size_t)graph->n_layers;
    s->row = calloc((n_layers + 1) * n_roles, sizeof *s->row);
    if (!s->row) return no_memory(err);
    for (size_t r = 0; r < n_roles; r++)
        for (size_t l = 0; l <= n_layers; l++) {
            rg_sensitivity_row *row = &s->row[s->n];
            char prefix[80] = "";
            memcpy(row->role, role[r], sizeof row->role);
            row->layer = l < n_layers ? (int64_t)l : -1;
            if (l < n_layers) RG_TRY(layer_prefix(graph, (int64_t)l, prefix, sizeof prefix, err));
            snprintf(row->place, sizeof row->place, "%.7s%s%s%s", role[r], *prefix ? "." : "", prefix,
                     *prefix ? "*" : "");
            if (matches(graph, row, s->lower))
                s->n++;
            else if (row->layer < 0)
                return rg_fail(err, RG_ERR_USAGE, "roles", "roles that operators of the model have",
                               "%s=%s matches no operator", row->role, s->lower);
        }
    return RG_OK;
}

static rg_status measure(rg_sensitivity *s, rg_model *model, const char *text, size_t text_size,
                         const rg_eval_options *options, rg_error *err) {
    const char *policy[AT_ONCE];
    rg_quality *result = calloc(AT_ONCE + 1, sizeof *result);
    char(*texts)[RG_QUANT_TEXT + 128] = calloc(AT_ONCE, sizeof *texts);
    rg_status status = result && texts ? RG_OK : no_memory(err);
    for (size_t first = 0; status == RG_OK && first < s->n; first += AT_ONCE) {
        const size_t n = s->n - first < AT_ONCE ? s->n - first : AT_ONCE;
        for (size_t i = 0; i < n; i++) {
            snprintf(texts[i], sizeof texts[i], "%s=%s", s->row[first + i].place, s->lower);
            policy[i] = texts[i];
        }
        status = rg_eval_run(model, text, text_size, policy, n, options, result, err);
        for (size_t i = 0; status == RG_OK && i < n; i++) s->row[first + i].quality = result[i + 1];
    }
    free(texts);
    free(result);
    return status;
}

rg_status rg_eval_sensitivity(rg_sensitivity *out, rg_model *model, const char *text, size_t text_size,
                              const char *lower, const char *roles, const rg_eval_options *options,
                              rg_error *err) {
    rg_sensitivity s = {0};
    rg_quant quant;
    char role[MAX_ROLES][8];
    size_t n_roles;
    RG_TRY(rg_quant_parse(lower, &quant, err));
    rg_quant_print(&quant, s.lower, sizeof s.lower);
    RG_TRY(read_roles(roles, role, &n_roles, err));
    rg_status status = make_rows(&s, &model->graph, role, n_roles, err);
    if (status == RG_OK) status = measure(&s, model, text, text_size, options, err);
    if (status != RG_OK) {
        free(s.row);
        return status;
    }
    *out = s;
    return RG_OK;
}

void rg_sensitivity_close(rg_sensitivity *s) {
    free(s->row);
    *s = (rg_sensitivity){0};
}

/* ---- mixed policies -------------------------------------------------------------------------------------
 */

/* Every role lowered everywhere, but `high` where raised[row]; false when the text is too long. Layers that
   follow each other share an entry only where the policy's globs can say so, so each has its own. */
static bool mixed_text(const rg_sensitivity *s, const char *high, const bool *raised,
                       char out[RG_POLICY_TEXT]) {
    size_t at = 0;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < s->n && at < RG_POLICY_TEXT; i++) {
            const bool all = s->row[i].layer < 0;
            if (pass == 0 ? !all : !raised[i]) continue;
            at += (size_t)snprintf(out + at, RG_POLICY_TEXT - at, "%s%s=%s", at ? "," : "", s->row[i].place,
                                   all ? s->lower : high);
        }
    return at < RG_POLICY_TEXT;
}

typedef struct step {
    size_t row;
    double worth; /* divergence avoided per unit of cost */
} step;

static int by_worth(const void *a, const void *b) {
    const step *x = a, *y = b;
    if (x->worth != y->worth) return x->worth > y->worth ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* What raising each row alone costs, and what it is worth. */
static rg_status weigh(const rg_sensitivity *s, const char *high, rg_cost_fn *cost, void *context, double low,
                       bool *raised, step *list, size_t *n, rg_error *err) {
    char text[RG_POLICY_TEXT];
    *n = 0;
    for (size_t i = 0; i < s->n; i++) {
        double with = 0;
        if (s->row[i].layer < 0) continue;
        raised[i] = true;
        if (!mixed_text(s, high, raised, text))
            return rg_fail(err, RG_ERR_USAGE, "policy", "shorter formats", "the policy is too long");
        RG_TRY(cost(context, text, &with, err));
        raised[i] = false;
        const double price = with - low, gain = s->row[i].quality.kld_mean;
        list[(*n)++] = (step){i, price > 0 ? gain / price : HUGE_VAL};
    }
    qsort(list, *n, sizeof *list, by_worth);
    return RG_OK;
}

static rg_status choose(const rg_sensitivity *s, const char *high, double budget, rg_cost_fn *cost,
                        void *context, bool *raised, step *list, rg_mix *mix, rg_error *err) {
    char text[RG_POLICY_TEXT];
    size_t n;
    if (!mixed_text(s, high, raised, mix->policy))
        return rg_fail(err, RG_ERR_USAGE, "policy", "shorter formats", "the policy is too long");
    RG_TRY(cost(context, mix->policy, &mix->cost, err));
    mix->cost_low = mix->cost;
    if (mix->cost > budget)
        return rg_fail(err, RG_ERR_USAGE, "budget", "at least what the lower format takes everywhere",
                       "%g is below that, %g", budget, mix->cost);
    RG_TRY(weigh(s, high, cost, context, mix->cost, raised, list, &n, err));
    for (size_t i = 0; i < n; i++) {
        double with = 0;
        raised[list[i].row] = true;
        bool fits = mixed_text(s, high, raised, text);
        if (fits) RG_TRY(cost(context, text, &with, err));
        if (!fits || with > budget) {
            raised[list[i].row] = false;
            continue;
        }
        mix->cost = with;
        mix->n_raised++;
        memcpy(mix->policy, text, sizeof text);
    }
    for (size_t i = 0; i < s->n; i++)
        if (s->row[i].layer >= 0 && !raised[i]) mix->kld_additive += s->row[i].quality.kld_mean;
    return RG_OK;
}

rg_status rg_sensitivity_mix(const rg_sensitivity *s, const char *high, double budget, rg_cost_fn *cost,
                             void *context, rg_mix *out, rg_error *err) {
    rg_quant quant;
    rg_mix mix = {0};
    char canonical[RG_QUANT_TEXT];
    RG_TRY(rg_quant_parse(high, &quant, err));
    rg_quant_print(&quant, canonical, sizeof canonical);
    bool *raised = calloc(s->n + 1, sizeof *raised);
    step *list = calloc(s->n + 1, sizeof *list);
    rg_status status = raised && list ? choose(s, canonical, budget, cost, context, raised, list, &mix, err)
                                      : no_memory(err);
    free(raised);
    free(list);
    if (status == RG_OK) *out = mix;
    return status;
}
