/* router, combine: the choice of experts, and the sum of what they computed. */
#include "model/exec.h"

#include <math.h>
#include <omp.h>
#include <string.h>

typedef struct choice { /* of one token */
    const rg_graph_node *node;
    size_t experts;
    const float *x, *correction; /* correction may be NULL */
    double *score, *key;         /* [experts] what weighs, and what chooses: -INFINITY is out */
    bool *out;                   /* [experts] */
} choice;

/* softmax or sigmoid over all experts; softmax over the chosen ones begins with the logits themselves. */
static void find_scores(const choice *c) {
    double largest = -INFINITY, sum = 0;
    for (size_t i = 0; i < c->experts; i++)
        if ((double)c->x[i] > largest) largest = (double)c->x[i];
    for (size_t i = 0; i < c->experts; i++) {
        const double x = (double)c->x[i];
        c->score[i] = c->node->scoring == RG_SCORING_SIGMOID   ? 1 / (1 + rg_exp(-x))
                      : c->node->scoring == RG_SCORING_SOFTMAX ? rg_exp(x - largest)
                                                               : x;
        sum += c->score[i];
    }
    for (size_t i = 0; i < c->experts; i++) {
        if (c->node->scoring == RG_SCORING_SOFTMAX) c->score[i] /= sum;
        c->key[i] = c->score[i] + (c->correction ? (double)c->correction[i] : 0);
        c->out[i] = false;
    }
}

/* The first largest of a range that is still in; NaN chooses itself, so that the logits show it. */
static size_t take_best(const double *key, bool *out, size_t n) {
    size_t best = n;
    for (size_t i = 0; i < n; i++)
        if (!out[i] && (best == n || key[i] > key[best] || (isnan(key[i]) && !isnan(key[best])))) best = i;
    out[best] = true;
    return best;
}

static double group_score(const choice *c, const double *key, size_t each) {
    double first = key[0], second = -INFINITY;
    for (size_t i = 1; i < each; i++) {
        if (key[i] > first) {
            second = first;
            first = key[i];
        } else if (key[i] > second) {
            second = key[i];
        }
    }
    return c->node->group_score == RG_GROUP_TOP2 ? first + second : first;
}

/* Experts of other groups than the topk_group best are out. */
static void choose_groups(const choice *c, double *best, bool *taken) {
    const size_t groups = (size_t)c->node->n_group, each = c->experts / (groups ? groups : 1);
    if (!groups) return;
    for (size_t g = 0; g < groups; g++) {
        best[g] = group_score(c, c->key + g * each, each);
        taken[g] = false;
    }
    for (int64_t i = 0; i < c->node->topk_group; i++) take_best(best, taken, groups);
    for (size_t i = 0; i < c->experts; i++) c->out[i] = !taken[i / each];
}

/* y: numbers, then weights. */
static void route(const choice *c, double *best, bool *taken, float *y) {
    const size_t k = (size_t)c->node->top_k;
    double sum = 0, largest = 0;
    find_scores(c);
    choose_groups(c, best, taken);
    for (size_t s = 0; s < k; s++) y[s] = (float)take_best(c->key, c->out, c->experts);
    const bool late = c->node->scoring == RG_SCORING_SOFTMAX_TOPK;
    for (size_t s = 0; late && s < k; s++)
        if (s == 0 || c->score[(size_t)y[s]] > largest) largest = c->score[(size_t)y[s]];
    for (size_t s = 0; s < k; s++) {
        double *score = &c->score[(size_t)y[s]];
        if (late) *score = rg_exp(*score - largest);
        sum += *score;
    }
    const double scale = c->node->routed_scale > 0 ? c->node->routed_scale : 1;
    const double whole = late ? sum : c->node->normalize ? sum + 1e-20 : 1;
    for (size_t s = 0; s < k; s++) y[k + s] = (float)(c->score[(size_t)y[s]] / whole * scale);
}

static rg_status run(exec *e, int node, rg_error *err) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t experts = (size_t)e->model->graph.node[n->input[0]].width, width = (size_t)n->width;
    const size_t doubles = 2 * experts + (size_t)n->n_group, bools = experts + (size_t)n->n_group;
    const size_t each = (doubles * sizeof(double) + bools + 63) / 64 * 64; /* bytes */
    RG_TRY(exec_scratch_need(&e->attention, each / sizeof(float) * (size_t)e->threads, err));
    const float *correction = exec_weight(e, node, n->extra[0]);
    for (size_t v = 0; v < e->n_variants; v++) {
        if (exec_same(e, node, v) != v) continue;
        const float *x = *exec_value(e, n->input[0], v);
        RG_TRY(exec_take(e, width, exec_value(e, node, v), err));
        float *y = *exec_value(e, node, v);
#pragma omp parallel for num_threads(e->threads) schedule(static)
        for (size_t t = 0; t < e->n_tokens; t++) {
            char *mine = (char *)e->attention.data + each * (size_t)omp_get_thread_num();
            double *space = (double *)mine;
            bool *flags = (bool *)(mine + doubles * sizeof(double));
            const choice c = {n, experts, x + t * experts, correction, space, space + experts, flags};
            route(&c, space + 2 * experts, flags + experts, y + t * width);
        }
    }
    return RG_OK;
}

static void combine(const exec *e, int node, size_t token, const float *const *x, float *y) {
    const rg_graph_node *n = &e->model->graph.node[node];
    const size_t width = (size_t)n->width, k = (size_t)e->model->graph.node[n->input[1]].width / 2;
    const float *weight = x[1] + k;
    (void)token;
    for (size_t i = 0; i < width; i++) y[i] = weight[0] * x[0][i];
    for (size_t s = 1; s < k; s++)
        for (size_t i = 0; i < width; i++) y[i] += weight[s] * x[0][s * width + i];
}

const exec_op exec_op_router = {.run = run, .chooses = true};
const exec_op exec_op_combine = {.run = exec_rows, .row = combine};
