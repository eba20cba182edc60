/* The operator graph: what a model computes, used alike by counting, prediction and execution. */
#ifndef RIDGE_GRAPH_H
#define RIDGE_GRAPH_H

#include "ridge/base.h"
#include "ridge/doc.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What each operator does to one token's row (attention: to the tokens of one sequence). x, y, ... are inputs
   in order, g and W the weight. All arithmetic in this order of operations; sums over the inner dimension. */
typedef enum rg_op {
    RG_OP_EMBED, /* y = W[token];                           weight [vocab][width]; its input is the token ids
                  */
    RG_OP_RMSNORM, /* y = x / sqrt(mean(x^2) + eps) * g;      weight [n]. head_dim 0: over the whole row, n =
                      width; else over each of `heads` runs of head_dim features, n = head_dim (q-k norm) or n
                      = width (a gain for each feature). offset: g = offset + weight (zero-centred gains: 1)
                    */
    RG_OP_LAYERNORM, /* y = (x - m) / sqrt(mean((x - m)^2) + eps) * g (+ bias), m = mean(x); weight, bias [n]
                      */
    RG_OP_POSITION,  /* y = W[p] at position p; weight [positions][width]; its input is the token ids */
    RG_OP_FIRST_ROW, /* y = W[0], whatever the token: the type of a text that is one segment */
    RG_OP_LINEAR,    /* y = x W^T (+ bias);                     weight [out][in], bias [out] */
    RG_OP_ROPE, /* of each of `heads` runs of head_dim features, r (rotary_dim, 0: head_dim) beginning with
                   feature `from` are rotated in pairs (i, j), j = i + r/2, i < r/2 (pairs interleaved: (2 i,
                   2 i + 1)), by the angle a = p w_i at position p = 0, 1, ...: y_i = x_i cos a - x_j sin a,
                   y_j = x_j cos a + x_i sin a; the others pass; w_i: rg_rope */
    RG_OP_ATTENTION,  /* inputs q [heads x head_dim], k [kv_heads x head_dim], v [kv_heads x v_head_dim] (0:
                         head_dim): k after rotation and v are what a KV cache stores. Query head h reads key
                         head h / (heads / kv_heads): softmax(scale q k^T) v, scale 0: 1 / sqrt(head_dim).
                         Query at position p sees keys 0 ... p, with a window N > 0 only p - N + 1 ... p; mask
                         bidirectional: all keys. extra 0, `sinks` [heads]: one more logit of each head, that
                         joins the sum of the softmax and has no value */
    RG_OP_SWIGLU,     /* silu(x) * y, silu(x) = x / (1 + exp(-x)); inputs gate, up */
    RG_OP_ADD,        /* x + y */
    RG_OP_MULTIPLY,   /* x y; y as wide as x, or one feature for all of them */
    RG_OP_ACTIVATION, /* f(x), feature by feature; f: rg_activation */
    RG_OP_SLICE,      /* of each of `heads` runs of head_dim features (head_dim 0: of the row), width / heads
                         features beginning with feature `from` */
    RG_OP_CONCAT,     /* the inputs one behind the other */
    RG_OP_CONV1D, /* causal, each feature c alone: y_c[t] = bias_c + sum over j < kernel of W[c][0][j] x_c[t -
                     kernel + 1 + j]; weight [width][1][kernel]; nothing stands before a sequence */
    RG_OP_GATED_DELTA, /* inputs q and k [key_heads x head_dim], v [heads x v_head_dim], a [heads] (or [heads
                          x head_dim]: a decay of each row), b [heads]; extra A_log [heads], dt_bias as a.
                          Head h reads key head h / (heads / key_heads) and keeps a matrix S
                          [head_dim][v_head_dim], 0 before a sequence; q and k are divided by sqrt(sum of
                          squares + eps), q by sqrt(head_dim) too: S = exp(-exp(A_log) softplus(a + dt_bias))
                          S; S = S + k (sigmoid(b) (v - k^T S))^T; y = q^T S (arXiv 2412.06464). form chunked:
                          the same, `chunk` tokens at a time with matrix products */
    RG_OP_MAMBA2,      /* inputs x [heads x head_dim], B and C [groups x state], dt [heads]; extra A_log, D,
                          dt_bias [heads]. Head h of group h / (heads / groups) keeps a matrix S [state][head_dim],
                          0 before a sequence: d = softplus(dt + dt_bias), held within [dt_min, dt_max] (dt_max 0:
                          no limit); S = exp(-d exp(A_log)) S + B (d x)^T; y = C S + D x (arXiv 2405.21060) */
    /* Mixture of experts. A ROUTER reads one logit per expert and puts out top_k expert numbers, then their
       top_k weights, from the highest score on (ties: the lower number first). Scores s: softmax(x) or
       sigmoid(x) over all experts, sqrt(log(1 + exp(x))) (sqrt_softplus), or x itself (softmax_topk). Chosen
       are the top_k largest of s + correction (extra weight [experts]) among the topk_group of n_group groups
       whose group score is highest: its largest s + correction, or the sum of its top two; no groups: among
       all. Weights: s of the chosen (softmax_topk: the softmax over the chosen), divided by their sum + 1e-20
       if `normalize`, times routed_scale (0: 1). */
    RG_OP_ROUTER,
    RG_OP_EXPERT_LINEAR, /* inputs x and a router; weight [experts][out][in], bias [experts][out]. Slot s, the
                            router's choice e: y_s = x_s W_e^T (+ b_e), side by side [top_k x out]; x_s is x
                            [in] for every slot, or its own part of x [top_k x in] */
    RG_OP_COMBINE, /* inputs x [top_k x width] and a router: sum of weight_s x_s over the slots in order */
    RG_OP_SWIGLU_CLAMPED, /* x [2 x width], pairs g = x_2i, u = x_2i+1: with g' = min(g, limit) and u' = u
                             held in [-limit, limit]: (u' + 1) g' / (1 + exp(-alpha g')) */
    /* Inputs q [heads x (nope_dim + rope_dim)], its last rope_dim features rotated, the latent c [rank] and
       the rotated key r [rope_dim]; weight [heads x (nope_dim + v_head_dim)][rank] makes of c, for each head,
       nope_dim features of the key, which r completes, and the value. Causal softmax(q k^T scale) v; scale 0:
       1 / sqrt(nope_dim + rope_dim). `form` says where the weight is applied and what the cache holds
       (rg_mla_form). */
    RG_OP_MLA,
    /* ---- counted only: the executor refuses them by name */
    RG_OP_INDEXER, /* inputs q [heads x head_dim], k [head_dim], w [heads]: scores sum over heads of w max(q
                      k, 0) for every key; puts out the numbers of the top_k largest (arXiv 2512.02556).
                      `ratio` R: a key stands for R tokens. The keys are cached as FP8 with an fp32 scale each
                    */
    RG_OP_MLA_SELECTED, /* MLA over the keys that its fourth input, an indexer, chose: of i keys min(i, top_k)
                         */
    RG_OP_COMPRESSED_ATTENTION, /* inputs q [heads x head_dim], kv [head_dim], which is key and value of all
                                   heads, and none, one or two of: compressed kv [head_dim], one of `ratio`
                                   tokens; an indexer over these. A query sees the last `window` kv and, of i
                                   / ratio compressed ones, all or the top_k that were chosen; `sinks` [heads]
                                 */
    RG_OP_EMBED_SUM,   /* the sum of `lookups` rows of a table; weight [rows][width]; reads the token ids */
    RG_OP_CONVOLUTION, /* over the rows, all features together: y[t] = bias + sum over j < kernel of
                          x[t stride + j] W_j^T; weight [out][in][kernel]; `rows` says how many come out */
    RG_OP_GROUPED_LINEAR, /* x [groups x in]: part i of x times W_i^T; weight [groups][out][in] */
    RG_OP_SOFTCAP,        /* limit tanh(x / limit) */
    RG_OP_APPEND,         /* y's rows behind x's: x or y has a fixed number of rows */
    RG_OP_ROWS_OF,        /* `rows` = N: the N fixed rows of x; else the others, one per token */
    /* Collectives of a rank's graph (ridge/parallel.h), among `ranks` ranks along `axis`. */
    RG_OP_ALL_REDUCE,     /* sums of partial results, on each rank */
    RG_OP_REDUCE_SCATTER, /* the same, each rank keeps its tokens */
    RG_OP_ALL_GATHER,     /* the tokens of all ranks, on each */
    RG_OP_ALL_TO_ALL,     /* every token to the ranks of its top_k experts (0: as it is), or back */
    RG_OP_OPAQUE,         /* unknown to Ridge: counted by its elements, refused by the executor, by name */
    RG_N_OPS
} rg_op;
const char *rg_op_name(rg_op op); /* "linear"; "unknown" outside the range */
/* Does a backward pass need what the operator read as input number `input`? (Those that only move or add rows
   and features need nothing; scores of attention are made again, as by fused kernels.) */
bool rg_op_saves(rg_op op, int input);

typedef enum rg_activation {
    RG_ACT_SILU,      /* x / (1 + exp(-x)) */
    RG_ACT_SIGMOID,   /* 1 / (1 + exp(-x)) */
    RG_ACT_SOFTPLUS,  /* log(1 + exp(x)) */
    RG_ACT_RELU,      /* max(x, 0) */
    RG_ACT_RELU2,     /* max(x, 0)^2 */
    RG_ACT_GELU,      /* x (1 + erf(x / sqrt(2))) / 2 */
    RG_ACT_GELU_TANH, /* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2 */
    RG_N_ACTIVATIONS
} rg_activation;

/* How a recurrence over a prompt is computed; a decode step is one step of it in either form. */
typedef enum rg_recurrence { RG_RECURRENT, RG_CHUNKED, RG_N_RECURRENCES } rg_recurrence;

typedef enum rg_attention_mask { RG_MASK_CAUSAL, RG_MASK_BIDIRECTIONAL, RG_N_MASKS } rg_attention_mask;
/* What is kept of a token: keys and values, or keys alone, of which the values are made again. */
typedef enum rg_attention_cache { RG_CACHE_BOTH, RG_CACHE_KEYS, RG_N_CACHES } rg_attention_cache;
typedef enum rg_rope_pairs { RG_ROPE_HALVES, RG_ROPE_INTERLEAVED, RG_ROPE_N_PAIRS } rg_rope_pairs;
typedef enum rg_rope_scaling {
    RG_ROPE_LLAMA3,
    RG_ROPE_LINEAR,
    RG_ROPE_YARN,
    RG_ROPE_N_SCALINGS
} rg_rope_scaling;

/* Angular frequencies: w_i = theta^(-2 i / r) for r features that are rotated. factor > 0 scales them as the
   rope_type of that name in Hugging Face transformers (modeling_rope_utils.py) does:
   llama3: at wavelength l = 2 pi / w_i and s = (original_max_position / l - low) / (high - low): l <
   original_max_position / high_freq_factor: w_i; l > original_max_position / low_freq_factor: w_i / factor;
   between: (1 - s) w_i / factor + s w_i.
   linear: w_i / factor.
   yarn (arXiv 2309.00071): t w_i / factor + (1 - t) w_i with t = (i - low) / (high - low) held in [0, 1], low
   = max(d(beta_fast), 0), high = min(d(beta_slow), r - 1), d(b) = r ln(original_max_position / (2 pi b)) / (2
   ln theta), for range whole rounded down (low) and up (high); high + 0.001 where both are equal. Cosine and
   sine are multiplied by attention_factor (0: 1), with any scaling or none. */
typedef struct rg_rope {
    double theta;
    double factor, low_freq_factor, high_freq_factor; /* factor 0: no scaling */
    double original_max_position;
    double beta_fast, beta_slow, attention_factor;
    int64_t scaling; /* rg_rope_scaling */
    int64_t exact;   /* yarn: low and high are not rounded */
    int64_t pairs;   /* rg_rope_pairs */
    int64_t rotary_dim;
} rg_rope;

typedef enum rg_scoring {
    RG_SCORING_SOFTMAX,
    RG_SCORING_SIGMOID,
    RG_SCORING_SOFTMAX_TOPK,
    RG_SCORING_SQRT_SOFTPLUS
} rg_scoring;
typedef enum rg_group_score { RG_GROUP_LARGEST, RG_GROUP_TOP2 } rg_group_score;
typedef enum rg_mla_form {
    RG_MLA_PLAIN,    /* keys and values are made for each token and cached: heads (nope + rope + value) */
    RG_MLA_ABSORBED, /* q and the result are multiplied instead, attention is over c and r, which are cached
                      */
    RG_MLA_LATENT    /* c and r are cached; a prompt is computed as in PLAIN, a decode step as in ABSORBED */
} rg_mla_form;
enum { RG_MAX_EXPERTS = 1 << 16 };
enum { RG_MAX_INPUTS = 8, RG_MAX_EXTRA = 4, RG_MAX_WEIGHT_DIMS = 3 };

/* Groups of ranks: tensor, context, expert and expert tensor parallel. */
typedef enum rg_axis { RG_AXIS_TP, RG_AXIS_CP, RG_AXIS_EP, RG_AXIS_ETP, RG_N_AXES } rg_axis;

typedef struct rg_graph_node {
    rg_op op;
    const char *opaque_op; /* OPAQUE: the operator's name as written */
    const char *name;      /* unique: "layers.3.self_attn.q_proj", "lm_head", "layers.3.self_attn.rope_q" */
    int layer;             /* -1 outside the repeated blocks */
    int n_inputs;
    int input[RG_MAX_INPUTS];          /* node indices, all smaller than this one's; -1: the token ids */
    int64_t width;                     /* features of the output per token */
    int weight;                        /* index into weights, or -1 */
    int bias;                          /* index into weights, or -1 */
    int extra[RG_MAX_EXTRA];           /* the operator's further weights in the order of its own, or -1 */
    double eps;                        /* RMSNORM, LAYERNORM */
    int64_t heads, kv_heads, head_dim; /* ROPE, ATTENTION, RMSNORM per head, SLICE per head */
    rg_rope rope;                      /* ROPE */
    int64_t kind;                      /* ACTIVATION: rg_activation */
    double offset;                     /* RMSNORM */
    int64_t groups, state;             /* MAMBA2 */
    double dt_min, dt_max;             /* MAMBA2 */
    int64_t from;                      /* SLICE, ROPE */
    int64_t v_head_dim, window,
        mask;     /* ATTENTION (v_head_dim: MLA, GATED_DELTA, too); mask: rg_attention_mask */
    double scale; /* ATTENTION, MLA */
    int64_t top_k, n_group, topk_group, scoring, group_score, normalize; /* ROUTER; n_group 0: no groups */
    double routed_scale;                                                 /* ROUTER */
    int64_t stored;      /* EXPERT_LINEAR: 1: each matrix of the checkpoint is transposed */
    double alpha, limit; /* SWIGLU_CLAMPED */
    /* How many rows the node has: one per token, and `rows` beside them; `apart`: those alone. They are
       computed once per sequence, with its prompt: conditions, frames that an encoder reads. Without a word
       about it a node has as many as its first input. */
    int64_t rows;
    bool apart;
    int64_t span;           /* ATTENTION: > 0: a query sees the keys of its own run of so many positions */
    int64_t cached;         /* ATTENTION: rg_attention_cache */
    int64_t ratio, lookups; /* INDEXER, COMPRESSED_ATTENTION (0: nothing is compressed); EMBED_SUM */
    int64_t nope_dim, rope_dim, form; /* MLA; form: rg_mla_form; GATED_DELTA: rg_recurrence */
    int64_t key_heads, chunk;         /* GATED_DELTA */
    /* In the graph of one rank: its tokens are one of `split` equal parts (0: all of them). `ranks`:
       collectives; EXPERT_LINEAR: that its experts are dealt to (0: 1); axis: rg_axis. */
    int64_t split, ranks, axis;
} rg_graph_node;

typedef struct rg_graph_weight {
    const char *name; /* of the Hugging Face checkpoint: "model.layers.3.self_attn.q_proj.weight"; a * stands
                         for the expert's number where each has a tensor of its own */
    int n_dims;
    int64_t shape[RG_MAX_WEIGHT_DIMS]; /* [expert][out][in] where there are three */
    int tied_to;                       /* index of the weight whose storage this one shares, or -1 */
} rg_graph_weight;

/* How the tensors of Hugging Face checkpoints differ from the graph's weights (docs/families.md): names that
   may begin otherwise, buffers without influence, matrices stored as [in][out]. */
typedef struct rg_checkpoint {
    size_t n_prefixes, n_ignored, n_transposed;
    const char **prefix;     /* the first one is what the graph's names begin with */
    const char **ignored;    /* globs over tensor names */
    const char **transposed; /* globs over the graph's weight names */
} rg_checkpoint;

typedef struct rg_graph {
    rg_arena arena;
    const char *family; /* "llama" */
    const char *model;  /* name for people */
    int64_t vocab_size, n_layers, max_positions, hidden_size;
    size_t n_nodes, n_weights;
    rg_graph_node *node;
    rg_graph_weight *weight;
    /* Weights of parts beside the language model, which nodes and totals leave out: modules that draft tokens
       (without the embedding and head that they share), vision towers with their projectors. */
    double parameters_mtp, parameters_vision;
    const char *stored; /* policy by which the checkpoint stores its weights (the config's
                           quantization_config); NULL: bf16 */
    bool every_row;     /* it sees both ways: the output is wanted for each row, not for the last one */
    int output;         /* node whose output is the logits; where it is not LINEAR, the last hidden state */
    size_t n_unknown_fields; /* rg_graph_import: config fields neither used nor declared harmless, as dotted
                                paths */
    const char **unknown_field;
    rg_checkpoint checkpoint;
} rg_graph;

/* Builds the graph of a config document (fields of a Hugging Face config.json, or the same fields as YAML).
   The family file in `families_dir` whose `match:` fits is used (docs/families.md). Errors:
   RG_ERR_UNSUPPORTED for a model_type without family, for a field that the family neither uses nor declares
   harmless, for a field without one of its required values, each by name; RG_ERR_PARSE for a needed field
   that is missing, of the wrong type, or gives shapes that do not fit. Fields that are marked as used before
   the call (rg_doc_get) count as known; what the graph uses is marked. `out` does not refer to `config`;
   graph.model is taken from the document's file name. */
rg_status rg_graph_from_config(rg_graph *out, rg_doc *config, const char *families_dir, rg_error *err);
/* The same, but unknown fields are listed in graph.unknown_field and are no error. */
rg_status rg_graph_import(rg_graph *out, rg_doc *config, const char *families_dir, rg_error *err);
/* Of a file: config.json, YAML with the same fields and a `source:` line, or a graph that rg_graph_to_json
   wrote. Errors as rg_graph_from_config and rg_graph_from_json. */
rg_status rg_graph_from_file(rg_graph *out, const char *path, const char *families_dir, rg_error *err);
/* Of a name of <data_dir>/models ("llama-3.1-8b" for models/llama-3.1-8b.yaml). RG_ERR_USAGE when there is
 * none. */
rg_status rg_graph_from_name(rg_graph *out, const char *name, const char *data_dir, rg_error *err);
void rg_graph_close(rg_graph *graph);
/* A node as policies see it. */
static inline rg_policy_place rg_graph_place(const rg_graph *graph, const rg_graph_node *node) {
    return (rg_policy_place){node->name, node->layer, graph->n_layers};
}
/* A linear operator that feeds routers and nothing else: the role `r` is for it, not `w` and `a`. */
bool rg_graph_feeds_router(const rg_graph *graph, size_t node);
/* Versioned JSON (docs/families.md), appended to `out`, and back: the same graph, to the last bit,
   unknown_field and checkpoint apart. Reading validates everything: indices, order, shapes, widths, unique
   names, unknown keys (RG_ERR_PARSE, with the key's path). A node whose operator no table knows becomes
   OPAQUE. */
rg_status rg_graph_to_json(const rg_graph *graph, rg_str *out, rg_error *err);
rg_status rg_graph_from_json(rg_graph *out, const char *text, size_t size, rg_error *err);

/* ---- counting ------------------------------------------------------------------------------------------
   Conventions: one MAC is 2 FLOP; embedding look-up is no FLOP. Attention counts the keys that are attended:
   a decode step all `context` keys (its own included), a causal prompt (context + 1) / 2 on average, with a
   window those in it, a bidirectional one all. What a window passes is forgotten: state, not cache; what is
   bidirectional caches nothing. In
   PREFILL a linear output node (the head, a softcap behind it or none) works once per prompt, on its last
   token, unless attention sees both ways. Rows of their own (rg_graph_node.rows) are computed in PREFILL and
   never in DECODE; keys and values of such rows that tokens attend are state. Selected and compressed keys
   count where they are attended: a prompt's query number i has i / ratio of them. In attention over runs
   (`span`) the cache grows all the same. Matrix FLOP (linear, attention) and vector FLOP are counted apart;
   vector FLOP per element: rmsnorm 4 (square, add, two multiplies), layernorm 6, rope 3 (4 multiplies and 2
   adds per pair), swiglu 5 (negate, exp, add, divide, multiply), add and multiply 1, activation: relu 1,
   relu2 2, softplus 3, silu and sigmoid 4, gelu 5, gelu_tanh 9; bias 1, attention 5 per score (scale, max,
   subtract, exp, sum) and 1 per output (divide), conv1d 2 kernel. Recurrences: per token and element of a
   state of MAMBA2, 4 matrix FLOP (into it, out of it) and 1 of vectors (decay); besides, 3 per feature and 6
   per head. Of GATED_DELTA 6 (k^T S, into it, out of it) and 1; besides, 8 per feature of a key head, 2 per
   feature and 10 per head. Chunked, a chunk of l tokens takes 6 l per element of a state, 2 l^2 head_dim per
   key head, 2 l^2 v_head_dim per head (triangles alone are counted). Experts: swiglu_clamped 9 per output,
   router 5 per expert, combine 2 per input, mla as attention. Of the experts, those are read that some token
   of the pass chooses, by the mean under even and independent choice: E (1 - (1 - k/E)^tokens) of E; real
   routing is uneven and reads fewer. */

typedef enum rg_phase { RG_PREFILL, RG_DECODE } rg_phase;

/* What one node does for `batch` sequences: PREFILL, a causal prompt of `context` tokens each; DECODE, one
   token each with `context` keys. Elements, not bytes: bytes follow from the formats. */
typedef struct rg_node_count {
    double matrix_flop, vector_flop;
    double weight_elements; /* weight and bias read once; EMBED: a row per token, at most the table */
    double input_elements,
        output_elements;      /* activations read and written; ATTENTION reads q alone, k and v count as KV */
    double kv_read_elements;  /* ATTENTION: every stored key and value once per sequence */
    double kv_write_elements; /* ATTENTION: keys and values of this phase's tokens, appended to the cache */
    double active_weight_elements;   /* weight and bias that one token uses */
    double cache_elements_per_token; /* what the node's cache grows by with each token of a sequence */
    double index_bytes_per_token;    /* the same of an indexer's keys: FP8, an fp32 scale each, as deployed */
    double
        state_elements_per_sequence; /* what it keeps of a sequence, however long that is: inputs of CONV1D */
    double recurrent_elements_per_sequence; /* the same, but sums over all tokens so far, which
                                               implementations keep in fp32: S of MAMBA2 and GATED_DELTA */
    /* Collectives: ALL_REDUCE, REDUCE_SCATTER: of the buffer that each rank holds before; ALL_GATHER: of what
       it holds after; ALL_TO_ALL: that a rank sends, its own part included. */
    double network_elements;
} rg_node_count;
rg_node_count rg_graph_count_node(const rg_graph *graph, size_t node, rg_phase phase, double batch,
                                  double context);

typedef struct rg_graph_totals {
    double parameters_total;                  /* tied weights once */
    double parameters_mtp, parameters_vision; /* beside them: rg_graph */
    double parameters_active;                 /* with the input embedding */
    double parameters_active_no_embedding;    /* without tables that are only looked up: a tied one is
                                                 multiplied, too, and counts */
    double kv_bytes_per_token;                /* bf16, layers whose cache grows */
    double indexer_bytes_per_token;  /* keys by which sparse attention chooses: FP8 with an fp32 scale each */
    double state_bytes_per_sequence; /* what does not grow with the context: bf16, recurrent states fp32 */
    double prefill_flop_per_token;   /* matrix FLOP: mean over a causal prompt of `context`, output head once
                                        per prompt */
    double decode_flop_per_token;    /* matrix FLOP at `context` */
} rg_graph_totals;
rg_graph_totals rg_graph_total(const rg_graph *graph, double context);

/* Bytes of all weights when stored in the formats of a policy's weights, scales counted; what the policy does
   not name, and with NULL everything, is bf16. Tied weights once, in the format of the operator that
   multiplies. A policy glob that matches no operator is RG_ERR_USAGE. */
rg_status rg_graph_weight_bytes(const rg_graph *graph, const char *policy, double *bytes, rg_error *err);
/* Bytes that keys, values and states of one sequence of `context` tokens take when stored as the policy says:
   packed codes and scales of each token's heads, whole bytes a token; what it does not name, and the
   positions that `window` and `sinks` keep, as bf16. `policy` NULL: bf16. RG_ERR_USAGE for a context below 1.
 */
rg_status rg_graph_kv_bytes(const rg_graph *graph, const char *policy, double context, double *bytes,
                            rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
