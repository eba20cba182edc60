/* Inside a datapath: inputs, the graph of a step, the chain of steps. */
#ifndef RIDGE_NUM_DATAPATH_H
#define RIDGE_NUM_DATAPATH_H

#include "num/datapath_term.h"
#include "ridge/datapath.h"

/* ---- the graph of one step ----------------------------------------------------------------------------- */

typedef enum dp_op {
    DP_INPUT,    /* a b c, sa sb (block scales) */
    DP_MULTIPLY, /* exact product lane by lane */
    DP_SCALE,    /* times the block scales of the elements that a lane is made of, exact */
    DP_ALIGN,    /* all lanes to the largest exponent E: multiples of 2^(E - bits), cut by `rounding` */
    DP_SUM,      /* exact sum of all lanes, or of runs of `by` lanes */
    DP_ADD,      /* lane by lane, then rounded */
    DP_FMA,      /* a b (+ c) lane by lane, rounded once */
    DP_ROUND,
    DP_FLUSH, /* subnormals of the operand's format become +0 */
    DP_N_OPS
} dp_op;

enum { DP_A, DP_B, DP_C, DP_SA, DP_SB, DP_N_INPUTS };
enum { DP_MAX_NODES = 24, DP_MAX_OPERANDS = 4, DP_MAX_GROUP = 128, DP_MAX_LANES = 1024, DP_MAX_BITS = 60 };
enum { DP_NO_FLOOR = -100000 };

/* Lanes of a node: those whose index mod `modulus` is a set bit of `residues`; modulus 0: all. */
typedef struct dp_operand {
    int node;
    int modulus;
    uint64_t residues;
    int bits; /* ALIGN: fraction bits kept of these lanes; -1: the node's */
    int drop; /* ALIGN: lanes more than this many binades below E become zero; 0: never */
} dp_operand;

typedef struct dp_node {
    dp_op op;
    char name[16];
    int n_operands;
    dp_operand operand[DP_MAX_OPERANDS];
    int bits;             /* ALIGN: fraction bits */
    int floor;            /* ALIGN: E is at least this; DP_NO_FLOOR */
    int by;               /* SUM: lanes of a run; 0: all */
    int limit;            /* MULTIPLY: |product| >= 2^limit is infinite; 0: never */
    rg_rounding rounding; /* ALIGN ADD FMA ROUND */
    dp_float format;      /* ADD FMA ROUND */
    bool flush;           /* ADD FMA ROUND: subnormal results become zero, sign kept */
    int lanes;            /* computed */
    int first;            /* computed: index of lane 0 among all lanes */
    bool aligned;         /* SUM, computed: its lanes share an exponent */
} dp_node;

typedef struct dp_graph {
    int n_nodes; /* 0: this output does not exist. The last node is the result */
    dp_node node[DP_MAX_NODES];
    int n_lanes;
} dp_graph;

/* ---- the datapath ----------------------------------------------------------------------------------------
 */

typedef struct dp_input {
    char text[RG_QUANT_TEXT]; /* canonical format */
    dp_elem elem;
    int block; /* elements per scale; 0: none */
    dp_elem scale;
} dp_input;

/* The common shape: what dot(...) says. */
typedef struct dp_shape {
    bool exact;      /* no alignment: the sum is exact */
    int align;       /* fraction bits kept */
    rg_rounding cut; /* RG_RZ or RG_RD */
    int floor;
    int sum;      /* exact sums of so many products before scaling and alignment; 0: none */
    bool c_after; /* c is added to the rounded sum, to nearest even */
    bool flush_in, flush_out;
    dp_float acc[RG_N_DOT_OUTS];
    rg_rounding rounding[RG_N_DOT_OUTS];
} dp_shape;

typedef enum dp_order { DP_FORWARD, DP_REVERSE, DP_INTERLEAVE, DP_N_ORDERS } dp_order;

struct rg_datapath {
    char text[2 * RG_QUANT_TEXT + 256];
    char summary[256];
    dp_input input[2];
    int n;          /* products of a step */
    int promote;    /* every so many products the sum goes to an fp32 register, to nearest even; 0: never */
    dp_order order; /* of the steps */
    uint32_t nan;   /* pattern of NaN results */
    bool is_shape;  /* built from `shape` */
    dp_shape shape;
    dp_graph graph[RG_N_DOT_OUTS];
};

/* Index of the element that element i of step s takes, of `steps` steps of n. May be past the end: a zero. */
static inline size_t dp_element(dp_order order, size_t n, size_t steps, size_t s, size_t i) {
    switch (order) {
    case DP_REVERSE:
        return (steps - 1 - s) * n + i;
    case DP_INTERLEAVE:
        return i * steps + s;
    default:
        return s * n + i;
    }
}

/* ---- building (datapath_*.c) -----------------------------------------------------------------------------
 */

rg_status dp_input_parse(const char *text, dp_input *out, rg_error *err);
/* "fp32@rz", "e8m13@rne"; `where` for messages. */
rg_status dp_round_parse(const char *text, const char *where, dp_float *format, rg_rounding *rounding,
                         rg_error *err);
size_t dp_round_print(dp_float format, rg_rounding rounding, char *buf, size_t size);
extern const char *const dp_order_names[DP_N_ORDERS];

/* Graph with the inputs only, the nodes 0 to DP_N_INPUTS - 1. */
void dp_graph_start(const rg_datapath *dp, dp_graph *graph);
/* Appends a node; its lanes are counted and its operands checked. */
rg_status dp_graph_add(const rg_datapath *dp, dp_graph *graph, const dp_node *node, const char *where,
                       rg_error *err);
rg_status dp_graph_statement(const rg_datapath *dp, dp_graph *graph, const char *text, const char *where,
                             rg_error *err);
/* The result must be one rounded lane. */
rg_status dp_graph_end(const dp_graph *graph, const char *where, rg_error *err);

/* dot(...), whole. */
rg_status dp_dot_parse(const char *text, rg_datapath *dp, rg_error *err);
/* Its parts: the defaults, "key=value,..." into fields, and the end: check, text, graphs. */
void dp_dot_default(rg_datapath *dp);
rg_status dp_dot_set(rg_datapath *dp, const char *list, size_t length, rg_error *err);
rg_status dp_dot_finish(rg_datapath *dp, rg_error *err);
/* Canonical text of the fields into dp->text; graphs from the fields. */
void dp_dot_text(rg_datapath *dp);
rg_status dp_dot_build(rg_datapath *dp, rg_error *err);
rg_status dp_dot_build_out(rg_datapath *dp, rg_dot_out out, rg_error *err);

/* Preset of data_dir/datapaths or of one file ("FILE.yaml:NAME"), with changes in parentheses where it is a
   dot(...): "h100-fp16(align=24)". */
rg_status dp_file_open(const char *text, const char *data_dir, rg_datapath *dp, rg_error *err);

#endif
