/* Policies that are compared, and those of them that run. */
#include "model/exec.h"

rg_status exec_variants_open(exec_variants *out, const rg_graph *graph, const char *const *policies,
                             size_t n_policies, const char *data_dir, rg_error *err) {
    const size_t n = n_policies + 1;
    *out = (exec_variants){.n_policies = n, .datapaths = {.data_dir = data_dir}};
    out->policy = rg_arena_alloc(&out->arena, n, sizeof *out->policy);
    out->variant_of = rg_arena_alloc(&out->arena, n, sizeof *out->variant_of);
    out->policy_of = rg_arena_alloc(&out->arena, n, sizeof *out->policy_of);
    if (graph->n_nodes <= SIZE_MAX / sizeof *out->use)
        out->use = rg_arena_alloc(&out->arena, n, graph->n_nodes * sizeof *out->use);
    if (!out->policy || !out->variant_of || !out->policy_of || !out->use)
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the policies");
    for (size_t i = 0; i < n; i++) {
        exec_use *use = out->use + out->n * graph->n_nodes;
        bool touched;
        RG_TRY(rg_policy_parse(i ? policies[i - 1] : "fp32", &out->policy[i], err));
        RG_TRY(exec_resolve(graph, &out->policy[i], &out->datapaths, use, &touched, err));
        if (i > 0 && !touched) continue; /* variant 0 */
        out->variant_of[i] = out->n;
        out->policy_of[out->n++] = i;
    }
    return RG_OK;
}

void exec_variants_close(exec_variants *v) {
    exec_datapaths_close(&v->datapaths);
    rg_arena_free(&v->arena);
    *v = (exec_variants){0};
}
