/* A model that runs: graph + weights + tokenizer; and its quality under numerics policies. */
#ifndef RIDGE_MODEL_H
#define RIDGE_MODEL_H

#include "ridge/base.h"
#include "ridge/graph.h"
#include "ridge/num.h"
#include "ridge/statistics.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- tokenizer ---------------------------------------------------------------------------------- */

typedef struct rg_tokenizer rg_tokenizer;
void rg_tokenizer_close(rg_tokenizer *tokenizer);
/* Of a GGUF file's metadata (tokenizer.ggml.*: byte-level BPE "gpt2", SentencePiece BPE "llama", WordPiece
   "bert"), of a tokenizer.json (BPE and WordPiece; a tokenizer_config.json beside it names BOS and EOS), or
   of a llama2.c tokenizer file. `vocab_size`: the model's, which the tokenizer must have (tokenizer.json:
   which its ids must be below), else RG_ERR_MISMATCH; 0: any, not for llama2.c. A kind, pre-tokenizer or part
   of one that Ridge does not know is RG_ERR_UNSUPPORTED, by name. docs/tokenizers.md lists what is known. */
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
int32_t rg_tokenizer_eos(const rg_tokenizer *tokenizer);        /* end of text, BERT's [SEP]; -1: none */
bool rg_tokenizer_adds_eos(const rg_tokenizer *tokenizer);      /* the tokenizer ends a text with it */
int64_t rg_tokenizer_vocab_size(const rg_tokenizer *tokenizer); /* every id is below it */
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

/* The outlier dial: multiplies the gains of `channels` by `scale` in every norm of the blocks that only
   linear operators read, and divides their columns by it: the fp32 function stays up to rounding, activations
   gain outliers. RG_ERR_USAGE for a channel out of range or given twice, a scale not within 1e-6 to 1e6;
   RG_ERR_UNSUPPORTED for a model without such a norm. */
rg_status rg_model_stress(rg_model *model, const int64_t *channels, size_t n, double scale, rg_error *err);

typedef struct rg_smooth_options {
    double alpha;      /* 0 to 1; SmoothQuant's own choice: 0.5 */
    size_t max_tokens; /* first N tokens of the text; 0: all */
    int threads;       /* 0: all cores; never changes a bit */
    const rg_progress *progress;
} rg_smooth_options;
/* The remedy against such outliers (SmoothQuant, arXiv 2211.10438): runs the text in fp32 and divides channel
   j of every norm of the blocks that only linear operators read by s_j = a_j^alpha / w_j^(1 - alpha), a_j its
   largest activation, w_j the largest weight that multiplies it; those weights are multiplied by s_j. The
   fp32 function stays up to rounding. Errors as rg_model_stress; RG_ERR_MISMATCH for activations that are not
   finite. */
rg_status rg_model_smooth(rg_model *model, const char *text, size_t size, const rg_smooth_options *options,
                          rg_error *err);

/* Writes a model with its weights as they are now (fp32), so that rg_model_open reads the same back, as its
   source is: GGUF (metadata and tokenizer copied); llama2.c (tok<vocabulary>.bin beside it, which may be
   there if it is the same); a Hugging Face folder (which must not be there, or be empty). Ending .gguf or
   .bin for a source of another kind: RG_ERR_UNSUPPORTED. RG_ERR_MISMATCH when the source has changed since,
   RG_ERR_USAGE when `path` is the source. */
rg_status rg_model_save(const rg_model *model, const char *path, rg_error *err);

/* ---- quality --------------------------------------------------------------------------------------------
   docs/quality.md defines figures and protocols. */

/* Percentiles of delta-p, as shares: 1, 5, 25, 50, 75, 95, 99. */
enum { RG_DELTA_P_QUANTILES = 7 };
extern const double rg_delta_p_quantile[RG_DELTA_P_QUANTILES];

/* One policy against fp32 on the same tokens. kld_mean_se and same_top_se are s / sqrt(n) over tokens, as
   other tools give them (tokens hang together, so the true ones are larger); all else that says how sure a
   figure is (ppl_se, lo, hi) is taken over the report's units (ppl_se over tokens where these are
   too few). What is unknown is NaN. */
typedef struct rg_quality {
    char policy[RG_POLICY_TEXT];  /* canonical text */
    double ppl, ppl_se;           /* exp(mean NLL), its standard error by the delta method; harness-word: per
                                     word of the text */
    double token_ppl, byte_ppl;   /* exp(mean NLL per token), exp(NLL / bytes) */
    double bits_per_byte;         /* NLL of the scored tokens / ln 2 / bytes of the text they stand for */
    double kld_mean, kld_mean_se; /* KL(reference || candidate), nats */
    double kld_mean_lo, kld_mean_hi;
    double kld_median, kld_p90, kld_p99, kld_max; /* exact, interpolated */
    double kld_reverse;                           /* mean of KL(candidate || reference), nats */
    double same_top, same_top_se;                 /* share of tokens whose most likely successor stays */
    double same_top_lo, same_top_hi;
    /* Probability of the token that came, candidate minus reference. */
    double delta_p_mean, delta_p_rms, delta_p[RG_DELTA_P_QUANTILES];
    double delta_nll, delta_nll_se; /* mean NLL, candidate minus reference: ln of the ratio of perplexities
                                       per token */
    double delta_nll_lo, delta_nll_hi;
    double detectable;    /* smallest true delta_nll that this sample finds in 8 of 10 cases */
    double tokens_needed; /* to find a delta_nll as large as the one seen (its distance from the tolerance) */
    rg_verdict verdict;   /* on delta_nll */
    uint64_t tokens;      /* scored ones */
    bool is_reference;    /* the policy quantizes nothing: kld_mean 0, same_top 1 */
} rg_quality;

/* Candidates a and b, from 1 on in the order of the policies: mean NLL of a minus that of b. */
typedef struct rg_quality_pair {
    size_t a, b;
    double delta_nll, lo, hi;
    rg_verdict verdict; /* on a; RG_EQUAL: every loss is the same */
} rg_quality_pair;

typedef struct rg_eval_options {
    const char
        *protocol;     /* "ridge", "llamacpp-512", "gptq-2048", "harness-word", "stories-256"; NULL: ridge */
    size_t max_tokens; /* first N tokens of the text; 0: all */
    int threads;       /* 0: all cores */
    size_t batch_tokens; /* tokens carried through the graph together; 0: by memory. Never changes a bit */
    const rg_progress *progress;
    const char *data_dir; /* where the datapaths that policies name lie; NULL: dot(...) and files only */
    double confidence;    /* of intervals and verdicts; 0: 0.95 */
    double tolerance;     /* nats: differences up to this count as none */
    bool stop_when_sure;  /* stop when the verdict on every policy is in */
    bool layers;          /* look at the output of every operator too: about twice the work */
    bool digests;         /* with layers: SHA-256 of these outputs */
} rg_eval_options;

/* The output of one operator under fp32, over all tokens that went through the model. */
typedef struct rg_layer {
    const char *name, *op; /* of the graph's node; they live as long as the model */
    int layer;             /* -1: outside the blocks */
    int64_t width;
    double mean, rms, max_abs, crest; /* crest: max_abs / rms */
    double block_crest;      /* mean of the same over blocks of 32 channels of one token; NaN below 32 */
    double kurtosis;         /* mean of x^4 / (mean of x^2)^2: 3 for normal values */
    size_t outlier_channels; /* whose rms exceeds 6 times that of the median channel */
    rg_digest sha256;        /* of the values, fp32 little endian, token by token in the order in which
                                they run; empty where not asked for or not complete */
} rg_layer;
/* The same under a policy: 10 log10(sum x^2 / sum (x - candidate)^2). NaN: no difference. */
typedef struct rg_layer_error {
    double sqnr_free_db;       /* the candidate on its own inputs: errors of earlier operators included */
    double sqnr_forced_db;     /* the candidate's operator on the reference's inputs: its own error alone */
    double mean, rms, max_abs; /* of the candidate's output */
    rg_digest sha256;
} rg_layer_error;

enum { RG_EVAL_MAX_PAIRED = 32 }; /* policies up to which all pairs are compared */

typedef struct rg_eval_report {
    const char *protocol;
    const char *unit; /* what was resampled: "document", "window", or "block" of 64 tokens */
    size_t n_units;   /* below RG_CLUSTERS_MIN there are no intervals */
    double confidence, tolerance;
    bool complete;                   /* false: interrupted; the figures are those of `tokens` */
    bool stopped_early;              /* by stop_when_sure */
    size_t n_looks;                  /* at the verdicts */
    uint64_t tokens, tokens_planned; /* scored ones, and those of the whole text */
    size_t n_qualities;              /* policies + 1 */
    rg_quality *quality;             /* the fp32 reference first */
    size_t n_pairs;                  /* 0 beyond RG_EVAL_MAX_PAIRED policies */
    rg_quality_pair *pair;
    uint64_t tokens_run; /* that went through the model, context and overlaps included */
    size_t n_layers;     /* outputs of operators in the order in which they run, the head left out */
    rg_layer *layer;
    rg_layer_error *layer_error; /* [n_layers][n_qualities - 1] */
} rg_eval_report;
void rg_eval_report_free(rg_eval_report *report);

/* Policies in lock step on the same tokens. Bits depend on neither threads, batch nor instruction set. Fails
   for an unknown protocol, format or operator name, a text too short for the protocol, a tokenizer that does
   not fit the model (RG_ERR_MISMATCH), an operator that Ridge cannot execute, and logits that are not finite
   (RG_ERR_MISMATCH, with policy and position). RG_ERR_CANCELLED is the one failure that may fill *out: with
   what was known when the progress callback asked to stop (`complete` false); n_qualities is 0 where nothing
   was. The environment variable RIDGE_CPU (scalar, avx2, avx512) chooses the kernels. */
rg_status rg_eval_report_make(rg_eval_report *out, rg_model *model, const char *text, size_t text_size,
                              const char *const *policies, size_t n_policies, const rg_eval_options *options,
                              rg_error *err);
/* The same without the report: entry 0 of `out` is the fp32 reference, then one per policy (n_policies + 1
   results). */
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
