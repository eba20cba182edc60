/* Shared inside src/perf. */
#ifndef PERF_PERF_H
#define PERF_PERF_H

#include "ridge/perf.h"

/* The question, and what the answer needs of the chip. */
typedef struct perf_case {
    const rg_graph *graph;
    const rg_chip *chip;
    rg_phase phase;
    double batch, context;
    rg_policy *policy;
    bool all_fp32; /* policy "fp32": operands that no entry names are fp32, not bf16 */
    rg_quant fp32;
    double vector_flop_per_s, bytes_per_s;
    const char *vector_type;
    rg_policy parsed; /* by perf_case_init */
} perf_case;

/* What one node costs. */
typedef struct perf_cost {
    double matrix_flop, vector_flop, bytes;
    double matrix_s, vector_s, memory_s;
    bool multiplies;             /* the execution below is set */
    rg_chip_execution execution; /* the slower one where keys and values differ */
    char weight_format[128], activation_format[64];
} perf_cost;

/* RG_ERR_USAGE for an entry that no operator of the model takes. */
rg_status perf_policy_check(const rg_graph *graph, const rg_policy *policy, rg_error *err);

/* By a policy that was parsed before (and must outlive the case); `all_fp32` as above. */
rg_status perf_case_set(perf_case *c, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                        double batch, double context, rg_policy *policy, bool all_fp32, rg_error *err);
/* By the policy's text, parsed into the case, which must not move. */
rg_status perf_case_init(perf_case *c, const rg_graph *graph, const rg_chip *chip, rg_phase phase,
                         double batch, double context, const char *policy, rg_error *err);
rg_status perf_cost_of(perf_case *c, size_t node, perf_cost *out, rg_error *err);
/* Expected time of one node; false when no constants apply. */
bool perf_estimate_node(perf_case *c, const rg_calibrations *all, size_t node, const perf_cost *cost,
                        double bound_s, rg_estimate *out);
/* The same of a product [m][k] x [k][n] in the formats in which `cost` multiplies. */
bool perf_estimate_gemm(const perf_case *c, const rg_calibrations *all, const perf_cost *cost, double m,
                        double n, double k, rg_estimate *out);
/* What kernels reach on a chip, as shares of bandwidth and peak: geometric means over its bf16 GEMM
   constants, else over those of all chips; false: there are none. */
typedef struct perf_typical {
    double launch_s, bandwidth, peak;
    bool own;
} perf_typical;
bool perf_typical_of(const rg_calibrations *all, const rg_chip *chip, perf_typical *out);
/* Do two nodes cost the same, whatever the pass and the chip? */
bool perf_same_node(const rg_graph *graph, rg_policy *policy, int a, int b);
/* Stored bytes of keys and values of one token in one attention node. */
double perf_kv_row_bytes(perf_case *c, const rg_graph_node *node);
/* Stored bytes of what a node other than attention keeps of one sequence: bf16, recurrent states fp32. */
double perf_state_bytes(const perf_case *c, size_t node);

#endif
