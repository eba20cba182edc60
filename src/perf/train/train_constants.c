/* Constants of training steps, out of data/calibration/training.yaml. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "perf/train/train.h"

/* What its group names, and its preset where no file gives it. */
typedef enum grouping { NO_GROUP, BY_ATTENTION, BY_EXPERTS } grouping;
static const struct constant {
    const char *name;
    size_t offset;
    double preset;
    grouping group;
} constants[] = {
#define PART(name, i)                                                                                        \
    { name, offsetof(perf_train_constants, segment) + (i) * sizeof(double), 1, NO_GROUP }
    PART("linear", PERF_SEGMENT_LINEAR),
    PART("experts", PERF_SEGMENT_EXPERTS),
    {"attention", offsetof(perf_train_constants, segment) + PERF_SEGMENT_ATTENTION * sizeof(double), 1,
     BY_ATTENTION},
    PART("rest", PERF_SEGMENT_REST),
    PART("tp", PERF_SEGMENT_TP),
    PART("cp", PERF_SEGMENT_CP),
    PART("ep", PERF_SEGMENT_EP),
    {"scores", offsetof(perf_train_constants, scores), 0.6, NO_GROUP},
    {"host", offsetof(perf_train_constants, host_s), 0, BY_EXPERTS},
    {"shard_exposed", offsetof(perf_train_constants, shard_exposed), 0.5, NO_GROUP},
    {"gradient_exposed", offsetof(perf_train_constants, gradient_exposed), 0.5, NO_GROUP},
    {"step", offsetof(perf_train_constants, step), 1, NO_GROUP},
    {"low", offsetof(perf_train_constants, lo), -0.3, BY_EXPERTS},
    {"high", offsetof(perf_train_constants, hi), 0.3, BY_EXPERTS},
    {"workspace", offsetof(perf_train_constants, workspace_bytes), 1e9, NO_GROUP},
    {"fragmentation", offsetof(perf_train_constants, fragmentation), 0.05, NO_GROUP},
};

static bool has_experts(const rg_graph *g) {
    for (size_t i = 0; i < g->n_nodes; i++)
        if (g->node[i].op == RG_OP_EXPERT_LINEAR) return true;
    return false;
}

/* Those of the stack count before those of what the constant is otherwise grouped by. */
static const perf_step_constant *find(const rg_calibrations *all, const char *name, const char *chip,
                                      const char *stack, const char *group) {
    const perf_step_constant *of_stack =
        stack ? perf_step_constant_find(all, "training", name, chip, stack) : NULL;
    if (of_stack && *of_stack->group) return of_stack;
    return perf_step_constant_find(all, "training", name, chip, group);
}

void perf_train_constants_of(perf_train_constants *out, const rg_train_request *r,
                             const rg_calibrations *all) {
    const char *group[] = {[NO_GROUP] = NULL,
                           [BY_ATTENTION] = rg_train_attention_name(r->attention),
                           [BY_EXPERTS] = has_experts(r->graph) ? "experts" : "dense"};
    int of_stack = 0;
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++) {
        const struct constant *c = &constants[i];
        const perf_step_constant *found = find(all, c->name, r->system->chip.id, r->stack, group[c->group]);
        *(double *)((char *)out + c->offset) = found ? found->value : c->preset;
        of_stack += r->stack && found && strcmp(found->group, r->stack) == 0;
    }
    out->calibrated = of_stack > 0;
}

/* Adds the groups that are stacks, each once, to `text`. */
static void list_stacks(const rg_calibrations *all, char *text, size_t size) {
    size_t at = (size_t)snprintf(text, size, "one of:");
    for (size_t i = 0; i < all->n_steps; i++) {
        const perf_step_constant *c = &all->step[i];
        bool listed = strcmp(c->phase, "training") != 0 || strcmp(c->name, "low") != 0 || !*c->group ||
                      strcmp(c->group, "experts") == 0 || strcmp(c->group, "dense") == 0;
        for (size_t j = 0; j < i && !listed; j++)
            listed = strcmp(all->step[j].name, "low") == 0 && strcmp(all->step[j].group, c->group) == 0;
        if (!listed && at < size) at += (size_t)snprintf(text + at, size - at, " %s", c->group);
    }
}

rg_status perf_train_check_stack(const rg_calibrations *all, const char *stack, rg_error *err) {
    char known[256];
    for (size_t i = 0; stack && i < all->n_steps; i++)
        if (strcmp(all->step[i].phase, "training") == 0 && strcmp(all->step[i].name, "low") == 0 &&
            strcmp(all->step[i].group, stack) == 0)
            return RG_OK;
    if (!stack) return RG_OK;
    list_stacks(all, known, sizeof known);
    return rg_fail(err, RG_ERR_USAGE, "stack", known, "no constants of \"%.40s\"", stack);
}

double *perf_train_constant(perf_train_constants *k, const char *name) {
    for (size_t i = 0; i < sizeof constants / sizeof *constants; i++)
        if (strcmp(constants[i].name, name) == 0) return (double *)((char *)k + constants[i].offset);
    return NULL;
}
