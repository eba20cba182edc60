/* Layouts of models and sweeps over them. The first byte says what the rest is: 's' a sweep file, whose first
   configurations are evaluated; else a layout, in the first line, of a graph as JSON in the others, or, where
   there are none, of shipped models. What is accepted must be usable: printed and read back, laid out,
   counted, timed. */
#include <stdlib.h>
#include <string.h>

#include "perf/plan/plan.h"
#include "perf/sweep/sweep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_sweep(const char *text, size_t size) {
    rg_sweep *s;
    rg_sweep_result result[4];
    size_t front[4];
    if (perf_sweep_parse(&s, text, size, "fuzz.yaml", RIDGE_SOURCE_DIR "/data", NULL, NULL) != RG_OK) return;
    const uint64_t all = rg_sweep_size(s);
    const size_t n = all < 4 ? (size_t)all : 4;
    if (rg_sweep_evaluate(s, 0, n, result, NULL) != RG_OK) abort();
    if (rg_sweep_pareto(s, result, n, front) > n) abort();
    if (rg_sweep_evaluate(s, all - 1, 1, result, NULL) != RG_OK) abort();
    rg_sweep_close(s);
}

static void use(const rg_graph *whole, const rg_layout *l) {
    static rg_system system;
    rg_error err;
    perf_plan plan;
    if (!system.id && rg_system_open(&system, "dgx-h100", RIDGE_SOURCE_DIR "/data", &err) != RG_OK) abort();
    if (perf_plan_open(&plan, whole, l, "", true, &err) != RG_OK) return;
    perf_pass *pass = calloc(2 * (plan.n_kinds + 2), sizeof *pass);
    const perf_plan_question q = {.system = &system, .phase = RG_PREFILL, .batch = 2, .context = 100};
    if (!pass) abort();
    perf_plan_times(&plan, &q, pass, pass + plan.n_kinds + 2, &err);
    for (size_t k = 0; k < plan.n_kinds + 2; k++) {
        perf_plan_kept(&plan, k, 2, 100);
        perf_plan_cache_bytes(&plan, k, 100);
    }
    free(pass);
    perf_plan_close(&plan);
}

static void of_shipped_models(const rg_layout *l) {
    static const char *const names[] = {"llama-3.1-8b", "deepseek-v2-lite", "mamba2-2.7b",
                                        "qwen3-next-80b-a3b"};
    static rg_graph g[4];
    for (int i = 0; i < 4; i++) {
        if (!g[i].n_nodes && rg_graph_from_name(&g[i], names[i], RIDGE_SOURCE_DIR "/data", NULL) != RG_OK)
            abort();
        use(&g[i], l);
    }
}

static void try_layout(const char *text, size_t size) {
    char line[160], again[200];
    rg_layout l, back;
    rg_graph g;
    const char *end = memchr(text, '\n', size);
    const size_t n = end ? (size_t)(end - text) : size;
    if (n >= sizeof line) return;
    memcpy(line, text, n);
    line[n] = 0;
    if (rg_layout_parse(line, &l, NULL) != RG_OK) return;
    if (rg_layout_parse(rg_layout_print(&l, again, sizeof again), &back, NULL) != RG_OK) abort();
    if (memcmp(&l, &back, sizeof l) != 0) abort();
    if (!end) {
        of_shipped_models(&l);
    } else if (rg_graph_from_json(&g, end + 1, size - n - 1, NULL) == RG_OK) {
        use(&g, &l);
        rg_graph_close(&g);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) return 0;
    (data[0] == 's' ? try_sweep : try_layout)((const char *)data + 1, size - 1);
    return 0;
}
