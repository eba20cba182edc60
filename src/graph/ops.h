/* The operators: what each takes and how the width of its output follows. */
#ifndef GRAPH_OPS_H
#define GRAPH_OPS_H

#include "ridge/graph.h"

/* Numbers a node carries, as bits for `needs` and `takes`; names as in family files and JSON. */
enum {
    NODE_EPS = 1 << 0,
    NODE_HEADS = 1 << 1,
    NODE_KV_HEADS = 1 << 2,
    NODE_HEAD_DIM = 1 << 3,
    NODE_THETA = 1 << 4,
    NODE_SCALING = 1 << 5, /* scaling and its numbers, attention_factor */
    NODE_WIDTH = 1 << 6,
    NODE_KIND = 1 << 7,
    NODE_FROM = 1 << 8,
    NODE_OFFSET = 1 << 9,
    NODE_GROUPS = 1 << 10,
    NODE_STATE = 1 << 11,
    NODE_DT = 1 << 12,     /* dt_min, dt_max */
    NODE_ROTARY = 1 << 13, /* rotary_dim, pairs */
    NODE_MASK = 1 << 14,   /* mask, window */
    NODE_SCALE = 1 << 15,
    NODE_V_HEAD_DIM = 1 << 16,
    NODE_TOP_K = 1 << 20,
    NODE_ROUTING = 1 << 21, /* n_group, topk_group, scoring, group_score, normalize, routed_scale */
    NODE_STORED = 1 << 22,
    NODE_ALPHA = 1 << 23,
    NODE_LIMIT = 1 << 24,
    NODE_MLA = 1 << 25, /* nope_dim, rope_dim, form */
    NODE_KEY_HEADS = 1 << 26,
    NODE_FORM = 1 << 27, /* form, chunk */
    NODE_SPAN = 1 << 28, /* span, cached */
    NODE_RATIO = 1 << 29,
    NODE_LOOKUPS = 1 << 30,
    NODE_WINDOW = 1LL << 31, /* window, without mask */
    NODE_RANKS = 1LL << 32,
    NODE_AXIS = 1LL << 33
};

typedef struct node_number {
    const char *name;
    uint64_t bit;
    bool whole;               /* int64_t, else double */
    size_t offset;            /* in rg_graph_node */
    const char *const *words; /* the number is an index into these, which stand for it in text; NULL-ended */
} node_number;
/* Ends with name NULL. */
extern const node_number node_numbers[];
/* Index of a word, or -1. */
int64_t node_word(const node_number *number, const char *word);

/* ---- operators -------------------------------------------------------------------------------------------
   Each is described once, in its op_*.c, and entered in the table of ops.c. */

/* What a node is counted for. */
typedef struct op_case {
    const rg_graph *graph;
    const rg_graph_node *node;
    rg_phase phase;
    double batch, context;
    double tokens; /* that pass through the node in this phase */
} op_case;

/* How ranks can share the features of a node's output. */
typedef enum op_sharing {
    OP_WHOLE, /* not at all */
    OP_EVEN,  /* feature by feature: the same part of its inputs */
    OP_ROWS,  /* rows of its weight, of the whole input; given a part of the input, it makes partial sums */
    OP_HEADS  /* as `split` says */
} op_sharing;

typedef struct op_spec {
    const char *name;
    int min_inputs, max_inputs;
    int weight_dims; /* 0: none; -1: any or none */
    bool takes_bias;
    bool reads_tokens;               /* its inputs are the token ids */
    uint64_t needs, takes;           /* numbers; takes: beside needs */
    const char *extra[RG_MAX_EXTRA]; /* keys of further weights */
    int n_extra_needed;              /* the first ones; the others may be left out */
    /* Holds a node, whose links are right, to the operator's rules; *width: of the output. */
    rg_status (*infer)(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err);
    /* What the node does beyond reading its weight and inputs and writing its output, which are counted in *c
       already (corrections are welcome). NULL: nothing. */
    void (*count)(const op_case *of, rg_node_count *c);
    unsigned saves; /* bit i: a backward pass needs input i */
    op_sharing sharing;
    /* OP_HEADS: the node on one of `ranks` ranks, `local` being a copy of it; want[i]: features of input i
       that it reads, 0: all. */
    rg_status (*split)(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                       rg_graph_node *local, rg_error *err);
} op_spec;
extern const op_spec op_embed, op_rmsnorm, op_linear, op_rope, op_attention, op_swiglu, op_add, op_multiply,
    op_activation, op_slice, op_concat, op_conv1d, op_mamba2, op_gated_delta;
extern const op_spec op_router, op_expert_linear, op_combine, op_swiglu_clamped, op_mla;
extern const op_spec op_grouped_linear, op_softcap, op_indexer, op_mla_selected, op_compressed_attention,
    op_embed_sum, op_convolution, op_append, op_rows_of;
extern const op_spec op_layernorm, op_position, op_first_row;
extern const op_spec op_all_reduce, op_reduce_scatter, op_all_gather, op_all_to_all;
const op_spec *op_find(rg_op op);
/* RG_OP_OPAQUE for a name that no table knows. */
rg_op op_from_name(const char *name);
/* Every name, blanks between: for messages. */
void op_names(char *buf, size_t size);

/* ---- for the op_*.c -------------------------------------------------------------------------------------
 */

/* RG_ERR_PARSE at the node. */
rg_status op_bad(const rg_graph_node *n, const char *expected, rg_error *err, const char *what);
/* Width of an input; the token ids count as one feature. */
static inline int64_t op_width_of(const rg_graph *g, const rg_graph_node *n, int i) {
    return n->input[i] < 0 ? 1 : g->node[n->input[i]].width;
}
/* A table of which a token takes a row without multiplying. */
static inline bool op_looks_up(rg_op op) {
    return op == RG_OP_EMBED || op == RG_OP_EMBED_SUM || op == RG_OP_POSITION || op == RG_OP_FIRST_ROW;
}
/* Input i is `heads` runs of `head_dim` features. */
rg_status op_check_heads(const rg_graph *g, const rg_graph_node *n, int i, int64_t heads, int64_t head_dim,
                         rg_error *err);
/* Weight `w` (`what` for messages) is a vector of n elements; -1 is none and fits. */
rg_status op_check_vector(const rg_graph *g, const rg_graph_node *n, int w, int64_t length, const char *what,
                          rg_error *err);
/* Input i is a router: how many experts it has (may be NULL) and chooses. */
rg_status op_check_router(const rg_graph *g, const rg_graph_node *n, int i, int64_t *experts, int64_t *top_k,
                          rg_error *err);
/* How many of `experts` some of `tokens` tokens choose when each picks top_k of them, all alike. */
double op_experts_used(double experts, double top_k, double tokens);
/* Pairs of a query and a key that it sees, of c queries that see the last `window` keys each (0: all). */
double op_causal_pairs(double c, double window);
/* Heads of a rank: each has as many, or, where `shared` and there are fewer than ranks, one that others have
   too. RG_ERR_USAGE with the nearest number of ranks that does. */
rg_status op_share_heads(const rg_graph_node *n, int64_t *heads, int64_t ranks, bool shared, rg_error *err);
/* Of latent and compressed attention: heads of the first input alone. */
rg_status op_split_latent(const rg_graph *g, const rg_graph_node *n, int64_t ranks, int64_t *want,
                          rg_graph_node *local, rg_error *err);
/* Of how many ranks' tokens the node has one part. */
static inline double op_split(const rg_graph_node *n) {
    return n->split > 1 ? (double)n->split : 1;
}
/* Rows of a node whose operator or key does not say: those of its first input. */
rg_status op_rows(const rg_graph *g, rg_graph_node *n, rg_error *err);
/* Sees attention over tokens both ways? */
bool graph_sees_both_ways(const rg_graph *g);
/* Is the node the output, or what alone caps it? */
static inline bool op_is_head(const rg_graph *g, size_t node) {
    const rg_graph_node *output = &g->node[g->output];
    if (g->node[node].op != RG_OP_LINEAR && g->node[node].op != RG_OP_SOFTCAP) return false;
    return (int)node == g->output || (output->op == RG_OP_SOFTCAP && output->input[0] == (int)node);
}
/* Inputs of equal width, which is that of the output. */
rg_status op_infer_equal(const rg_graph *g, const rg_graph_node *n, int64_t *width, rg_error *err);

/* Number of token ids: the width of a linear head, else the rows of the first embedding. */
int64_t graph_vocab_size(const rg_graph *g);

enum { MAX_NODES = 1 << 20, MAX_LAYERS = 1 << 16 };

/* Holds a node whose inputs come before it to the rules of its operator and gives the width of its output
   (OPAQUE: its own). */
rg_status op_infer(const rg_graph *g, size_t node, int64_t *width, rg_error *err);
static inline double weight_elements(const rg_graph_weight *w) {
    double n = 1;
    for (int d = 0; d < w->n_dims; d++) n *= (double)w->shape[d];
    return n;
}

/* Weights: names unique, shapes, ties to an earlier untied weight of the same shape. Nodes: names unique and
   op_infer for each, widths as inferred. Sizes: as the embedding and the output say. */
rg_status graph_check(const rg_graph *g, rg_error *err);
/* A graph in its JSON form; `out` does not refer to `doc`. */
rg_status graph_from_doc(rg_graph *out, rg_doc *doc, rg_error *err);

#endif
