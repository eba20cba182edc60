/* Roofline bounds: no execution on the chip can be faster. */
#ifndef RIDGE_PERF_H
#define RIDGE_PERF_H

#include "ridge/graph.h"
#include "ridge/hw.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_roof_operator {
    const char *name; /* class of operators over all layers ("self_attn.q_proj"), or a node outside the blocks */
    const char *op;
    double flop, bytes;     /* of all layers together, per pass */
    double compute_s, memory_s, bound_s;
    const char *limiter;    /* "compute:bf16", "memory" */
    rg_path_kind kind;      /* how its multiply is executed */
    const char *runs_as;    /* rate type, or NULL for vector work */
} rg_roof_operator;

typedef struct rg_roof {
    rg_arena arena;
    size_t n_operators;
    rg_roof_operator *op;
    double flop, bytes, bound_s; /* sum over operators, which run one after the other */
    const char *limiter;         /* resource that binds for most of the time */
    rg_path_kind kind;           /* the weakest of the operators': hypothetical > dequantised > native */
    bool fits;
    double memory_bytes, memory_available_bytes; /* weights + KV of the batch at full context; the chip's */
    double weight_bytes, kv_bytes;
    double tokens_per_s; /* batch / bound_s (decode), batch * context / bound_s (prefill) */
} rg_roof;

/* One pass of `phase` for `batch` sequences at `context` tokens under `policy` (NULL or "": bf16 everywhere). */
rg_status rg_roof_explain(rg_roof *out, const rg_graph *graph, const rg_chip *chip, rg_phase phase, double batch, double context,
                          const char *policy, rg_error *err);
void rg_roof_close(rg_roof *roof);

#ifdef __cplusplus
}
#endif
#endif
