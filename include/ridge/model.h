/* A model that runs: graph + weights + tokenizer; and its quality under numerics policies. */
#ifndef RIDGE_MODEL_H
#define RIDGE_MODEL_H

#include "ridge/base.h"
#include "ridge/graph.h"
#include "ridge/num.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tokenizer ---------------------------------------------------------------------------------- */

typedef struct rg_tokenizer rg_tokenizer;
void rg_tokenizer_close(rg_tokenizer *tokenizer);
/* Of a GGUF file's metadata (tokenizer.ggml.*: byte-level BPE "gpt2", SentencePiece BPE "llama", WordPiece
   "bert"), or of a llama2.c tokenizer file. `vocab_size`: the model's, which the tokenizer must have
   (RG_ERR_MISMATCH); 0: any, not for llama2.c. A kind, pre-tokenizer or part of one that Ridge does not know
   is RG_ERR_UNSUPPORTED, by name. docs/tokenizers.md lists what is known. */
rg_status rg_tokenizer_open(rg_tokenizer **out, const char *path, int64_t vocab_size, rg_error *err);
/* Ids of a UTF-8 text, special tokens not parsed, nothing added in front (llama2.c, "llama": the leading
   space is). Invalid UTF-8 is encoded byte by byte, or read as U+FFFD where tokens are not made of bytes. A
   byte without a token (SmolLM2 has none for 21 that are rare or never occur in UTF-8) becomes the unknown
   token where the file names one, else RG_ERR_UNSUPPORTED. malloc'ed; caller frees. Texts up to 2^29 bytes.
 */
rg_status rg_tokenize(const rg_tokenizer *tokenizer, const char *text, size_t size, int32_t **ids, size_t *n,
                      rg_error *err);
int32_t rg_tokenizer_bos(const rg_tokenizer *tokenizer); /* -1: none */
bool rg_tokenizer_adds_bos(const rg_tokenizer *tokenizer);
int32_t rg_tokenizer_eos(const rg_tokenizer *tokenizer);   /* end of text, BERT's [SEP]; -1: none */
bool rg_tokenizer_adds_eos(const rg_tokenizer *tokenizer); /* the tokenizer ends a text with it */
int64_t rg_tokenizer_vocab_size(const rg_tokenizer *tokenizer);
/* The bytes that a token stands for (may be none, not NUL-terminated, valid as long as the tokenizer); false,
   outputs untouched, for an id that is none. The tokens of a text, put together, give the text back where
   each byte has a token (llama2.c: with a space in front). Special tokens, the unknown one too, stand for
   none. */
bool rg_tokenizer_token(const rg_tokenizer *tokenizer, int32_t id, const char **bytes, size_t *n);

/* ---- model -------------------------------------------------------------------------------------- */

typedef struct rg_model {
    rg_graph graph;
    float **weight; /* [graph.n_weights], fp32; NULL where only a config was given; tied ones share storage */
    rg_tokenizer *tokenizer; /* NULL where only a config was given */
    rg_digest sha256;        /* of the file; several files: of the lines "digest  name" of all of them */
    char path[1024];
} rg_model;

/* Opens a GGUF file, a llama2.c file (tok<vocabulary>.bin, for example tok512.bin, or tokenizer.bin beside
   it), a Hugging Face folder (config.json; for weights model.safetensors or model.safetensors.index.json with
   plain numbers, and tokenizer.json), a config.json, or a name of <data_dir>/models; families come from
   <data_dir>/families. With `weights` false only the graph. Every weight of the graph must be in the file
   with its shape, every tensor of the file used, every number finite. Errors: RG_ERR_USAGE for a name that is
   none; RG_ERR_UNSUPPORTED for weights asked of a config, an architecture, metadata or tensors that Ridge
   does not know, by name; RG_ERR_MISMATCH for weights and tokenizers that do not fit. */
rg_status rg_model_open(rg_model *out, const char *spec, const char *data_dir, bool weights, rg_error *err);
void rg_model_close(rg_model *model);

/* Scales every channel by a random factor in [0.9, 1.1] (Philox: seed, the node that makes it, its index)
   where it is made and by the inverse where it is used (norm gains against q k v gate up; v against o; up
   against down): the fp32 function stays up to rounding, a quantization grid on which the weights lie does
   not. Embedding, final norm and head stay as they are. RG_ERR_USAGE for a model without weights. */
rg_status rg_model_jitter(rg_model *model, uint64_t seed, rg_error *err);

/* ---- quality --------------------------------------------------------------------------------------------
   docs/quality.md defines figures and protocols. */

/* One policy against fp32 on the same tokens. The errors of kld_mean and same_top are s / sqrt(n) over
   tokens, as other tools give them (tokens of a window hang together, so the true ones are larger); ppl_se is
   taken over windows where there are 8 or more, else over tokens. */
typedef struct rg_quality {
    char policy[RG_POLICY_TEXT];           /* canonical text */
    double ppl, ppl_se;                    /* exp(mean NLL), and its standard error by the delta method */
    double kld_mean, kld_mean_se, kld_p99; /* KL(reference || candidate), nats; p99 exact, interpolated */
    double same_top, same_top_se;          /* share of tokens whose most likely successor stays */
    uint64_t tokens;                       /* scored ones */
    bool is_reference;                     /* the policy quantizes nothing: kld_mean 0, same_top 1 */
} rg_quality;

typedef struct rg_eval_options {
    const char *protocol; /* "ridge", "llamacpp-512", "stories-256"; NULL: ridge */
    size_t max_tokens;    /* first N tokens of the text; 0: all */
    int threads;          /* 0: all cores */
    size_t batch_tokens;  /* tokens carried through the graph together; 0: by memory. Never changes a bit */
    const rg_progress *progress;
    const char *data_dir; /* where the datapaths that policies name lie; NULL: dot(...) and files only */
} rg_eval_options;

/* Policies in lock step on the same tokens. Entry 0 of `out` is the fp32 reference, then one per policy
   (n_policies + 1 results). Bits depend on neither threads, batch nor instruction set. Fails for an unknown
   protocol, format or operator name, a text too short for the protocol, a tokenizer that does not fit the
   model (RG_ERR_MISMATCH), an operator that Ridge cannot execute, and logits that are not finite
   (RG_ERR_MISMATCH, with policy and position). The environment variable RIDGE_CPU (scalar, avx2, avx512)
   chooses the kernels. */
rg_status rg_eval_run(rg_model *model, const char *text, size_t text_size, const char *const *policies,
                      size_t n_policies, const rg_eval_options *options, rg_quality *out, rg_error *err);
/* RG_ERR_USAGE for a protocol that does not exist. */
rg_status rg_eval_protocol_check(const char *name, rg_error *err);

/* ---- sensitivity ----------------------------------------------------------------------------------------
 */

/* One role of one layer lowered, all else fp32. */
typedef struct rg_sensitivity_row {
    char role[8];
    int64_t layer;   /* -1: all layers together */
    char place[128]; /* left side of the policy's entry: "w.layers.3.*" */
    rg_quality quality;
} rg_sensitivity_row;

typedef struct rg_sensitivity {
    char lower[RG_QUANT_TEXT]; /* canonical text of the format */
    size_t n;                  /* roles x (layers + 1), by role, then layer, all layers together last */
    rg_sensitivity_row *row;
} rg_sensitivity;

/* `roles`: of policies, separated by commas ("w,a,kv"). Values that a lowered operand does not reach are
   computed once for all rows. Errors as rg_eval_run; RG_ERR_UNSUPPORTED for operators whose names do not
   carry the layer's number. Close with rg_sensitivity_close. */
rg_status rg_eval_sensitivity(rg_sensitivity *out, rg_model *model, const char *text, size_t text_size,
                              const char *lower, const char *roles, const rg_eval_options *options,
                              rg_error *err);
void rg_sensitivity_close(rg_sensitivity *sensitivity);

/* What a policy costs, in any unit: bits, seconds, joules. */
typedef rg_status rg_cost_fn(void *context, const char *policy, double *cost, rg_error *err);

typedef struct rg_mix {
    char policy[RG_POLICY_TEXT];
    double cost, cost_low; /* of the policy; with everything lowered */
    size_t n_raised;       /* rows that have the high format */
    double
        kld_additive; /* sum of the lowered rows' mean divergences: what evaluating the policy puts right */
} rg_mix;

/* The policy with every role of the table lowered but for the rows that are worth most, raised to `high` in
   the order of divergence avoided per cost while the cost is within the budget. RG_ERR_USAGE for a budget
   below the cost of everything lowered. The proposal is a guess from one row at a time: evaluate it. */
rg_status rg_sensitivity_mix(const rg_sensitivity *sensitivity, const char *high, double budget,
                             rg_cost_fn *cost, void *context, rg_mix *out, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
