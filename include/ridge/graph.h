/* The operator graph: what a model computes, used alike by counting, prediction and execution. */
#ifndef RIDGE_GRAPH_H
#define RIDGE_GRAPH_H

#include "ridge/base.h"
#include "ridge/doc.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_op {
    RG_OP_EMBED,     /* y[t] = W[token[t]];                     weight [vocab][d] */
    RG_OP_RMSNORM,   /* y = x / sqrt(mean(x^2) + eps) * g, over groups of `width_per_head` where set (q-k norm); weight [n] */
    RG_OP_LINEAR,    /* y = x W^T (+ bias);                     weight [out][in] */
    RG_OP_ROPE,      /* rotates heads of head_dim, pairs (i, i + head_dim/2) */
    RG_OP_ATTENTION, /* inputs q k v; causal softmax(q k^T / sqrt(head_dim)) v; grouped heads. k and v are what a KV cache stores */
    RG_OP_SWIGLU,    /* silu(gate) * up; inputs gate, up */
    RG_OP_ADD,       /* x + y */
    RG_OP_OPAQUE,    /* unknown to Ridge: counted by its bytes, refused by the executor, by name */
    RG_N_OPS
} rg_op;
const char *rg_op_name(rg_op op);

typedef struct rg_rope {
    double theta;
    /* llama3 scaling (rope_type llama3); factor 0: none */
    double factor, low_freq_factor, high_freq_factor;
    double original_max_position;
} rg_rope;

typedef struct rg_graph_node {
    rg_op op;
    const char *opaque_op; /* OPAQUE: the operator's name as written */
    const char *name;      /* unique: "layers.3.self_attn.q_proj", "lm_head", "layers.3.self_attn.rope_q" */
    int layer;             /* -1 outside the repeated blocks */
    int n_inputs;
    int input[3];   /* node indices, all smaller than this one's; -1: the token ids */
    int64_t width;  /* features of the output per token */
    int weight;     /* index into weights, or -1 */
    int bias;       /* index into weights, or -1 */
    double eps;     /* RMSNORM */
    int64_t heads, kv_heads, head_dim; /* ROPE, ATTENTION, RMSNORM per head */
    rg_rope rope;   /* ROPE */
} rg_graph_node;

typedef struct rg_graph_weight {
    const char *name;  /* of the Hugging Face checkpoint: "model.layers.3.self_attn.q_proj.weight" */
    int n_dims;
    int64_t shape[2];
    int tied_to;       /* index of the weight whose storage this one shares, or -1 */
} rg_graph_weight;

typedef struct rg_graph {
    rg_arena arena;
    const char *family;     /* "llama" */
    const char *model;      /* name for people */
    int64_t vocab_size, n_layers, max_positions, hidden_size;
    size_t n_nodes, n_weights;
    rg_graph_node *node;
    rg_graph_weight *weight;
    int output; /* node whose output is the logits */
    size_t n_unknown_fields;        /* config fields neither consumed nor declared harmless; an error unless asked for */
    const char **unknown_field;
} rg_graph;

/* Builds the graph of a config document (fields of a Hugging Face config.json). The family file in `families_dir` whose `match:` fits is
   used. A field that the family neither uses nor declares harmless is RG_ERR_UNSUPPORTED, by name. `config` is marked as used. */
rg_status rg_graph_from_config(rg_graph *out, rg_doc *config, const char *families_dir, rg_error *err);
void rg_graph_close(rg_graph *graph);
/* Versioned JSON, {"ridge_graph": 1, ...}, and back; reading validates everything. */
rg_status rg_graph_to_json(const rg_graph *graph, rg_str *out, rg_error *err);
rg_status rg_graph_from_json(rg_graph *out, const char *text, size_t size, rg_error *err);

/* ---- counting --------------------------------------------------------------------------------------------
   Conventions: one MAC is 2 FLOP; causal attention counts the keys that are attended; embedding look-up is no FLOP; matrix FLOP (linear, attention) and
   vector FLOP (norm, rope, activation, softmax, add) are counted apart. */

typedef enum rg_phase { RG_PREFILL, RG_DECODE } rg_phase;

/* What one node does for `batch` sequences: PREFILL, a causal prompt of `context` tokens each; DECODE, one token each with
   `context` keys (its own included). Elements, not bytes: bytes follow from the formats. */
typedef struct rg_node_count {
    double matrix_flop, vector_flop;
    double weight_elements; /* read once */
    double input_elements, output_elements; /* activations read and written, KV apart */
    double kv_read_elements, kv_write_elements;
} rg_node_count;
rg_node_count rg_graph_count_node(const rg_graph *graph, size_t node, rg_phase phase, double batch, double context);

typedef struct rg_graph_totals {
    double parameters_total;  /* tied weights once */
    double parameters_active; /* with the input embedding */
    double parameters_active_no_embedding;
    double kv_bytes_per_token;       /* bf16, layers whose cache grows */
    double state_bytes_per_sequence;
    double prefill_flop_per_token;   /* mean over a causal prompt of `context`, output head once per prompt; matrix FLOP */
    double decode_flop_per_token;    /* at `context`; matrix FLOP */
} rg_graph_totals;
rg_graph_totals rg_graph_total(const rg_graph *graph, double context);

/* Bytes of all weights when stored as the policy says (NULL: bf16 everywhere); scales counted. */
rg_status rg_graph_weight_bytes(const rg_graph *graph, const char *policy, double *bytes, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
