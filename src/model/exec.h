/* The executor: walks the operator graph over a batch of windows, node by node, for several numerics policies
   in lock step, so that each weight is quantized once per batch however many tokens and policies use it. */
#ifndef RIDGE_MODEL_EXEC_H
#define RIDGE_MODEL_EXEC_H

#include "kernels/dot.h"
#include "kernels/integer.h"
#include "kernels/kernels.h"
#include "kernels/qdq.h"
#include "ridge/model.h"

/* ---- what a policy does at a node ------------------------------------------------------------------------
 */

/* Quantizers of a node's operands; NULL: fp32. They point into the policy. */
typedef struct exec_use {
    const rg_quant *weight;
    const rg_quant *input[RG_MAX_INPUTS]; /* by exec_op.input_role */
    /* Quantizer of this node's own output, applied where it is made, when all its uses agree on it; rows of
       output_columns. The uses' `input` entries are then NULL. */
    const rg_quant *output;
    size_t output_columns;
    /* What the policy makes of the result before anybody reads it: roles `o` and `res`. */
    const rg_quant *result;
    /* ATTENTION: scores and probabilities. */
    const rg_quant *score, *probability;
    size_t window, sinks; /* of a sequence: positions whose quantized keys and values stay fp32 */
    int rotation;         /* LINEAR: size of the Hadamard blocks that both operands are rotated by; 0: none */
    /* LINEAR: the datapath of the product, NULL: the fp32 chain. Operands then reach it in codes, so nothing
       is quantized beforehand. */
    const rg_datapath *datapath;
    /* LINEAR: the product is one of integers (kernels/integer.h), which read `input` as it is. */
    bool integer;
} exec_use;

/* Datapaths that policies name, opened once each. */
typedef struct exec_datapaths {
    const char *data_dir;
    size_t n;
    struct exec_named {
        const char *name; /* in the policy */
        rg_datapath *datapath;
    } at[64];
} exec_datapaths;
void exec_datapaths_close(exec_datapaths *datapaths);

/* Looks every operator of the graph up in the policy: use[n_nodes]. *touched: something is quantized. Fails
   for an entry that matches no operator. A scale of an activation spans at most one token, of keys and values
   one head of one token: what a KV cache stores and a dot product contracts. Operands must have the formats
   of the operator's datapath. Opened datapaths stay in `datapaths`, which outlives `use`. */
rg_status exec_resolve(const rg_graph *graph, rg_policy *policy, exec_datapaths *datapaths, exec_use *use,
                       bool *touched, rg_error *err);

/* What is evaluated in lock step: fp32, which is policy 0 and variant 0, and every other policy that
   quantizes something. */
typedef struct exec_variants {
    size_t n_policies;
    rg_policy *policy;  /* [n_policies] */
    size_t *variant_of; /* [n_policies] 0: quantizes nothing, so it is the reference */
    size_t n;           /* variants */
    size_t *policy_of;  /* [n] ascending */
    exec_use *use;      /* [n][n_nodes] */
    exec_datapaths datapaths;
    rg_arena arena;
} exec_variants;
/* policies[n_policies] are those beside the reference. Close with exec_variants_close, after a failure too.
 */
rg_status exec_variants_open(exec_variants *out, const rg_graph *graph, const char *const *policies,
                             size_t n_policies, const char *data_dir, rg_error *err);
void exec_variants_close(exec_variants *variants);

/* ---- running ---------------------------------------------------------------------------------------------
 */

typedef struct exec_batch {
    size_t n_windows;
    const size_t *start;  /* [n_windows + 1] offsets into token; positions count from 0 in each window */
    const int32_t *token; /* [start[n_windows]] */
    size_t n_scored;
    const size_t *scored; /* [n_scored] offsets whose logits are wanted, ascending */
    size_t first_token;   /* position of token[0] among all that are evaluated: numbers the random bits */
} exec_batch;

/* Takes logits [n][vocab] of scored rows first, ..., first + n - 1 for one variant, with those of variant 0.
   The buffers are the executor's and void afterwards. */
typedef rg_status exec_logits_fn(void *context, size_t variant, size_t first, size_t n,
                                 const float *reference, const float *logits, rg_error *err);

struct exec;
/* Somebody who looks at the values of every node but the output: before it runs, when the inputs of all
   variants are there, and after, when its value is what the policies make of it. */
typedef struct exec_watch {
    void *context;
    rg_status (*before)(void *context, const struct exec *e, int node, rg_error *err);
    rg_status (*after)(void *context, const struct exec *e, int node, rg_error *err);
} exec_watch;

/* What stays the same from batch to batch. */
typedef struct exec {
    const rg_model *model;
    const rg_kernels *kernels;
    int threads;
    size_t n_variants;
    const exec_use *use; /* [n_variants][n_nodes] */
    size_t max_window;
    int *last_use;         /* [n_nodes] last node that reads it; itself where none does */
    const float **cosine;  /* [n_nodes] ROPE: [max_window][rotary_dim / 2]; sine behind it */
    uint64_t *matrix_flop; /* [n_nodes] executed so far, all variants together */
    /* [n_nodes] Read so far, all variants together: elements of weights, and of keys and values made for a
     * cache. */
    uint64_t *weight_elements, *cache_elements;
    rg_arena arena;
    /* of the batch being run */
    const exec_batch *batch;
    size_t n_tokens;
    float **value; /* [n_nodes][n_variants], NULL when dead */
    /* [n_nodes][n_variants] The first variant whose value of the node is the same, because all that leads to
       it is: computed once, for that one. */
    uint32_t *same;
    struct exec_pool {
        size_t n, room;
        struct exec_buffer {
            float *data;
            size_t width;
            bool taken;
        } * buffer;
    } pool;
    struct exec_scratch { /* grown as needed */
        float *data;
        size_t n;
    } weight, packed, packed2, operand, operand2, operand3, attention, reference, logits;
    struct exec_unit { /* [n_variants] the output head under a datapath, while it runs */
        dot_plan plan;
        dot_matrix weight;
        bool ready;
        bool packed; /* products of integers: `plan` and weight of this variant or of `shared` */
        size_t shared;
        integer_plan integers;
        struct exec_scratch panels;
    } * head;
    struct exec_encoded { /* [n_variants] the last value that a product of integers read; -1: none */
        int value;
        integer_plan plan;
        struct exec_scratch rows;
    } * encoded;
    const exec_watch *watch; /* NULL: nobody */
} exec;

/* Variant 0 is the reference. `use` stays the caller's. Refuses, by name, an operator it does not know and a
   graph whose output is not linear. Zero-fills *out first; exec_close is safe after a failure. */
rg_status exec_open(exec *out, const rg_model *model, const exec_use *use, size_t n_variants, int threads,
                    size_t max_window, rg_error *err);
/* The same for a graph whose output is not linear: exec_run takes the rows of its last hidden state for
   logits. */
rg_status exec_open_hidden(exec *out, const rg_model *model, const exec_use *use, size_t n_variants,
                           int threads, size_t max_window, rg_error *err);
void exec_close(exec *e);
/* Tokens of a batch where nobody says: as many as have room, but few enough that an interruption finds some
   batches done. */
size_t exec_batch_tokens(const exec *e);
/* Bits of the logits depend on their own window alone: not on threads, the other windows or variants.
   `share`: of the progress, [from, to]. */
rg_status exec_run(exec *e, const exec_batch *batch, exec_logits_fn *take, void *context,
                   const rg_progress *progress, const double share[2], rg_error *err);

/* One node of the batch being run, for all variants: inputs must be there. */
rg_status exec_run_node(exec *e, int node, rg_error *err);

/* ---- parts (exec_*.c) ------------------------------------------------------------------------------------
 */

/* Room for n floats; contents are lost. */
rg_status exec_scratch_need(struct exec_scratch *scratch, size_t n, rg_error *err);
rg_status exec_take(exec *e, size_t width, float **out, rg_error *err);
void exec_release(exec *e, float *data);
void exec_pool_clear(exec *e);
static inline size_t exec_same(const exec *e, int node, size_t variant) {
    return e->same[(size_t)node * e->n_variants + variant];
}
static inline float **exec_value(const exec *e, int node, size_t variant) {
    return &e->value[(size_t)node * e->n_variants + exec_same(e, node, variant)];
}
static inline const exec_use *exec_use_of(const exec *e, int node, size_t variant) {
    return &e->use[variant * e->model->graph.n_nodes + (size_t)node];
}
/* Elements [first, first + n) of a weight, counted as read by the node. */
static inline const float *exec_weight_part(const exec *e, int node, int weight, size_t first, size_t n) {
    e->weight_elements[node] += n;
    return e->model->weight[weight] + first;
}
/* All of it; NULL for -1. */
const float *exec_weight(const exec *e, int node, int weight);
/* Value of input i of a node as the policy reads it, rotated and quantized in rows of `columns`: the value
   itself or a copy in `scratch`; always a copy in y, of the size of the value. */
rg_status exec_operand(exec *e, int node, int i, size_t columns, size_t variant, struct exec_scratch *scratch,
                       const float **out, rg_error *err);
void exec_operand_into(const exec *e, int node, int i, size_t columns, size_t variant, float *y);

/* Rows of the value of `node`, from `token` of the batch on, quantized in rows of `columns`; y may be x.
   Random bits are drawn by the number of the element, (first_token + token) width + column, from a stream
   that is the value's own: every reader of a value sees the same bits, in any batch and on any number of
   threads. */
void exec_quantize_value(const exec *e, const rg_quant *q, int node, size_t token, size_t n_tokens,
                         size_t columns, const float *x, float *y);
/* Rows inside an operator, their elements numbered from `first` on, in a stream of their own; y may be x. */
enum exec_inside { EXEC_RESULT, EXEC_SCORE, EXEC_PROBABILITY, EXEC_KEY, EXEC_VALUE };
void exec_quantize_inside(const exec *e, int threads, const rg_quant *q, int node, enum exec_inside what,
                          uint64_t first, size_t rows, size_t columns, const float *x, float *y);
/* The quantizer of a value, with its stream of random bits. */
rg_quant exec_value_quant(const rg_quant *q, int node);
/* A whole weight; element [r][c] is number r cols + c of a stream of its own. */
void exec_quantize_weight(const exec *e, const rg_quant *q, int weight, float *y);
/* y[rows][cols]: each row of x in Hadamard blocks of `size`. */
void exec_rotate_rows(const exec *e, size_t size, const float *x, float *y, size_t rows, size_t cols);

/* What rows are multiplied by: the weight of a node, or one expert of it, which is quantized by itself, with
   random bits of its own. */
typedef struct exec_matrix {
    int node;
    size_t n, k; /* [n][k] */
    size_t expert;
} exec_matrix;
exec_matrix exec_matrix_of(const exec *e, int node); /* expert 0 */
const float *exec_matrix_data(const exec *e, const exec_matrix *matrix);
rg_quant exec_matrix_quant(const exec *e, const exec_matrix *matrix, const rg_quant *q);
/* Rotates (if rotation), quantizes (if q) and packs. Uses e->operand and e->weight. */
rg_status exec_pack_weight(exec *e, const exec_matrix *matrix, const rg_quant *q, int rotation,
                           struct exec_scratch *packed, rg_error *err);
/* Where the use has a datapath: plan and weight; y[rows][n] = x[rows][k] W^T under it. Rows of x belong to
   tokens token[] of the batch (NULL: all of them). */
rg_status exec_unit_open(const exec *e, const exec_matrix *matrix, const exec_use *use,
                         struct exec_unit *unit, rg_error *err);
rg_status exec_unit_run(const exec *e, struct exec_unit *unit, const float *x, const size_t *token,
                        size_t rows, float *y, rg_error *err);
/* Both, once. */
rg_status exec_unit_multiply(const exec *e, const exec_matrix *matrix, const exec_use *use, const float *x,
                             const size_t *token, size_t rows, float *y, rg_error *err);
/* Products of integers. */
rg_status exec_integer_plan(const exec *e, const exec_matrix *matrix, const exec_use *use, integer_plan *out,
                            rg_error *err);
rg_status exec_integer_pack(exec *e, const exec_matrix *matrix, const integer_plan *plan,
                            struct exec_scratch *panels, rg_error *err);
rg_status exec_integer_rows(exec *e, const integer_plan *plan, const float *x, const size_t *token,
                            size_t rows, struct exec_scratch *out, rg_error *err);
/* The node for variant `first` and all that share its weight. */
rg_status exec_integer_linear(exec *e, int node, size_t first, rg_error *err);
void exec_integer_forget(exec *e); /* the encoded values: they are of another batch */
/* LINEAR: a chain of fp32 multiply-adds. */
static inline bool exec_is_chain(const exec_use *use) {
    return !use->datapath && !use->integer;
}
/* Attention of one node for one variant: what it reads and writes, rows of all tokens of the batch. */
typedef struct exec_heads {
    size_t heads, kv_heads, head_dim, v_head_dim;
    size_t window; /* 0: none */
    bool bidirectional;
    const float *q, *k, *v, *sinks; /* sinks [heads], or NULL */
    /* Keys and values that no quantizer touched, for the positions that the policy keeps; NULL: none. */
    const float *kept_k, *kept_v;
    float *y; /* [heads x v_head_dim] */
    float scale;
    /* set by exec_attend */
    const exec *e;
    const rg_kernels *kernels;
    const exec_use *use;
    int node;
} exec_heads;
rg_status exec_attend(exec *e, int node, size_t variant, exec_heads *heads, rg_error *err);
/* Both NULL (fp32) or equal. */
bool exec_same_quant(const rg_quant *a, const rg_quant *b);
void exec_add_bias(const exec *e, int node, size_t rows, float *y);
rg_status exec_head(exec *e, exec_logits_fn *take, void *context, const rg_progress *progress,
                    const double share[2], rg_error *err);
void exec_head_close(exec *e); /* what exec_head keeps of a batch */
rg_status exec_rope_tables(exec *e, rg_error *err);

/* ---- operators -------------------------------------------------------------------------------------------
   Each has an exec_*.c and an entry in the table of exec_ops.c. */

enum { EXEC_NO_ROLE = 0 };           /* else a role + 1 */
#define EXEC_ROLE(role) ((role) + 1) /* of a policy, as below */

typedef struct exec_op {
    /* Computes the node for all variants: takes the buffer of each value and fills it. */
    rg_status (*run)(exec *e, int node, rg_error *err);
    /* Operators that work token by token have this instead: inputs x[i] of token number `token` of the batch
       give y[width], which may be x[0]. */
    void (*row)(const exec *e, int node, size_t token, const float *const *x, float *y);
    int weight_role;               /* which entries of a policy quantize the weight, ... */
    int input_role[RG_MAX_INPUTS]; /* ... the inputs */
    /* Columns over which the quantizer of input i sees a row; NULL: the width of the input. */
    size_t (*columns)(const rg_graph *graph, const rg_graph_node *node, int i);
    bool takes_datapath; /* `dp` and `rot` entries of a policy apply */
    bool attends;        /* `s` and `p` entries, windows and sinks apply */
    bool adds;           /* the result belongs to the residual stream */
    bool chooses;        /* the result holds numbers of experts: no `o` entry applies */
    bool quantizes;      /* the operator itself applies the quantizers of its inputs */
} exec_op;
extern const exec_op exec_op_embed, exec_op_rmsnorm, exec_op_linear, exec_op_rope, exec_op_attention,
    exec_op_swiglu, exec_op_add, exec_op_multiply, exec_op_activation, exec_op_slice, exec_op_concat,
    exec_op_conv1d, exec_op_mamba2, exec_op_gated_delta;
extern const exec_op exec_op_layernorm, exec_op_position, exec_op_first_row;
extern const exec_op exec_op_router, exec_op_expert_linear, exec_op_combine, exec_op_swiglu_clamped,
    exec_op_mla;
/* NULL: the executor does not know the operator. */
const exec_op *exec_op_find(rg_op op);
/* exec_op.run of all that have `row`. */
rg_status exec_rows(exec *e, int node, rg_error *err);
/* log(1 + exp(x)), also where exp(x) is far below 1. */
double exec_softplus(double x);
/* Position of a token of the batch in its window. */
size_t exec_position(const exec *e, size_t token);

#endif
