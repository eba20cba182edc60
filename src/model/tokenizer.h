/* Inside of a tokenizer. A text goes through: added tokens, cut out as they stand; normalizers; added tokens
   that are looked for after them; the stages of the pre-tokenizer; and the model, which turns a piece into
   ids. */
#ifndef RIDGE_MODEL_TOKENIZER_H
#define RIDGE_MODEL_TOKENIZER_H

#include "ridge/model.h"
#include "ridge/tensor.h"

enum {
    TOKENIZER_MAX_VOCAB = 1 << 24,
    TOKENIZER_MAX_TOKEN = 512 /* bytes of one that is joined or matched */
};

/* ---- vocabulary --------------------------------------------------------------------------------- */

/* Tokens by text. Ids without a text are no tokens. */
typedef struct vocabulary {
    size_t n;          /* ids */
    const char **text; /* [n], not NUL-terminated; not owned; NULL: none */
    uint32_t *len;     /* [n] */
    uint32_t longest;  /* bytes of the longest token added */
    size_t mask;       /* slots - 1 */
    int32_t *slot;     /* id + 1; 0: free */
} vocabulary;

/* Arrays in `arena`. */
rg_status vocabulary_init(vocabulary *v, size_t n, rg_arena *arena, rg_error *err);
/* Makes token `id` known by its text; -1, or the token that already has that text. */
int32_t vocabulary_add(vocabulary *v, int32_t id, const char *text, size_t len);
/* Token of that text, or -1. */
int32_t vocabulary_find(const vocabulary *v, const char *text, size_t len);

/* ---- pairs -------------------------------------------------------------------------------------- */

/* Two neighbouring tokens that may become one; of all pairs in a text the one of least rank goes first, of
   equal ones the leftmost. */
typedef struct pair {
    uint64_t key; /* left id << 32 | right id, plus 1; 0: free */
    double rank;
    int32_t joined;
} pair;

typedef struct pair_table {
    size_t mask; /* slots - 1 */
    pair *slot;
} pair_table;

rg_status pair_table_init(pair_table *t, size_t n, rg_arena *arena, rg_error *err);
/* Of equal pairs keeps the last (`replace`) or the first. */
void pair_table_add(pair_table *t, pair p, bool replace);
const pair *pair_table_find(const pair_table *t, int32_t left, int32_t right);
uint64_t pair_key(int32_t left, int32_t right);

/* ---- what tokens stand for ----------------------------------------------------------------------- */

/* Bytes of every token, one after the other. */
typedef struct token_bytes {
    size_t n;      /* tokens so far */
    size_t *start; /* [n + 1] */
    char *data;
} token_bytes;

/* Room for n tokens of `total` bytes together. */
rg_status token_bytes_init(token_bytes *b, size_t n, size_t total, rg_arena *arena, rg_error *err);
void token_bytes_add(token_bytes *b, const char *text, size_t len);
/* A token of byte-level BPE: its characters stand for bytes; one that has others means itself. */
void token_bytes_add_mapped(token_bytes *b, const char *text, size_t len);
/* A token of SentencePiece: U+2581 is a blank, "<0xE9>" a byte. */
void token_bytes_add_escaped(token_bytes *b, const char *text, size_t len);
/* The byte of a SentencePiece byte token "<0xE9>", or -1. */
int byte_token_value(const char *text, size_t len);
/* The character that stands for a byte in byte-level BPE, as UTF-8; its length. */
size_t byte_character(int byte, char out[2]);

/* ---- regular expressions ------------------------------------------------------------------------- */

/* The syntax of tokenizer.json files (Oniguruma, Ruby) as far as it means the same in PCRE2 or can be
   rewritten so; the rest is RG_ERR_UNSUPPORTED by name. `where` stands in errors. Free with
   tokenizer_regex_free. */
typedef struct tokenizer_regex tokenizer_regex;
rg_status tokenizer_regex_compile(tokenizer_regex **out, const char *pattern, size_t len, bool literal,
                                  const char *where, rg_error *err);
bool tokenizer_regex_matches_empty(const tokenizer_regex *r); /* may match an empty text */
void tokenizer_regex_free(tokenizer_regex *r);
/* Memory for matching; zero-initialise, one for each thread. */
typedef struct regex_scratch {
    void *match, *limits;
} regex_scratch;
void regex_scratch_free(regex_scratch *s);
/* First match at or after `at` of valid UTF-8; *found false when there is none. RG_ERR_UNSUPPORTED when it
   takes too many steps. */
rg_status tokenizer_regex_match(const tokenizer_regex *r, regex_scratch *s, const char *text, size_t n,
                                size_t at, bool *found, size_t *start, size_t *end, rg_error *err);

/* ---- normalizers: text before it is cut ------------------------------------------------------------ */

typedef enum normal_kind {
    NORMAL_FORM, /* utf8proc options: NFC, NFD, NFKC, NFKD */
    NORMAL_LOWER,
    NORMAL_UNMARK,   /* drops characters of the categories in `categories` */
    NORMAL_TRIM,     /* white space at the ends */
    NORMAL_REPLACE,  /* every match of regex by text */
    NORMAL_PREPEND,  /* text in front of a text that is not empty */
    NORMAL_CLEAN,    /* BERT: control characters dropped, white space becomes a blank */
    NORMAL_IDEOGRAPH /* BERT: blanks around CJK ideographs */
} normal_kind;

typedef struct normal_step {
    normal_kind kind;
    int form;            /* utf8proc options */
    uint32_t categories; /* bits: 1 << utf8proc_category_t */
    bool left, right;    /* ends to trim */
    tokenizer_regex *regex;
    const char *text;
    size_t len;
} normal_step;

/* ---- cutting text (pre-tokenizers) ----------------------------------------------------------------- */

/* What becomes of the matches of a cutting stage; names of tokenizer.json. */
typedef enum cut_rule {
    CUT_ISOLATED,
    CUT_REMOVED,
    CUT_CONTIGUOUS,
    CUT_WITH_PREVIOUS,
    CUT_WITH_NEXT
} cut_rule;

typedef enum stage_kind {
    STAGE_CUT,
    STAGE_BLANKS, /* every blank becomes `text` */
    STAGE_PREFIX  /* `text` in front of a piece that does not start with it */
} stage_kind;

/* Each stage works on the pieces that the one before it left; tokens never cross a cut. */
typedef struct split_stage {
    stage_kind kind;
    tokenizer_regex *regex;
    cut_rule rule;
    bool invert;     /* matches are what lies between them */
    bool first_only; /* STAGE_PREFIX: only the first piece of the text */
    const char *text;
    size_t len;
} split_stage;

/* ---- tokenizer ---------------------------------------------------------------------------------- */

enum { TOKENIZER_MAX_STEPS = 32 };

typedef enum tokenizer_kind {
    TOKENIZER_BYTES,      /* byte-level BPE: symbols are bytes, pairs have ranks */
    TOKENIZER_CHARACTERS, /* BPE: symbols are characters, bytes where the vocabulary has none */
    TOKENIZER_SCORES,     /* SentencePiece BPE: any two tokens that make a token, by its score */
    TOKENIZER_WORDS       /* WordPiece: longest token first */
} tokenizer_kind;

/* Added tokens that are cut out of the text before anything else is done with it. */
typedef struct added_tokens {
    size_t n;
    struct added_token {
        const char *text;
        size_t len;
        int32_t id;
    } * token; /* sorted by text */
    bool starts[256];
} added_tokens;

struct rg_tokenizer {
    rg_arena arena;
    tokenizer_kind kind;
    int64_t vocab_size;
    int32_t bos, eos, unknown; /* -1: none */
    bool adds_bos, adds_eos;
    token_bytes bytes;
    vocabulary vocab;     /* by text; byte-level BPE: by bytes, only with whole_pieces */
    int32_t byte_id[256]; /* -1: the vocabulary has none */
    added_tokens raw;     /* looked for in the text as it is */
    added_tokens normal;  /* looked for after the normalizers */
    normal_step step[TOKENIZER_MAX_STEPS];
    size_t n_steps;
    split_stage stage[TOKENIZER_MAX_STEPS];
    size_t n_stages;
    /* BPE */
    pair_table pairs;
    bool whole_pieces;  /* a piece that is a token stays whole, whatever the pairs say */
    bool byte_fallback; /* characters without a token become their bytes */
    bool fuse_unknown;  /* unknown characters in a row become one unknown token */
    /* SentencePiece */
    const float *score;
    bool blank_sign;  /* U+2581 in a text is a blank, as it is in the file's tokens */
    bool blank_first; /* a blank is put before the text */
    /* WordPiece */
    const char *word_prefix, *inner_prefix; /* of tokens that start a word, and of those that go on with it */
    size_t max_word;                        /* characters; longer words are unknown */
    char *content;                          /* of the file */
};

/* Of defaults: nothing known yet. */
rg_tokenizer *tokenizer_new(void);
rg_status tokenizer_from_gguf(rg_tokenizer *t, const rg_tensor_file *file, int64_t vocab_size, rg_error *err);
rg_status tokenizer_from_llama2c(rg_tokenizer *t, const char *data, size_t size, const char *path,
                                 int64_t vocab_size, rg_error *err);
/* `config`: text of tokenizer_config.json, or NULL. */
rg_status tokenizer_from_json(rg_tokenizer *t, const char *data, size_t size, const char *config,
                              size_t config_size, const char *path, int64_t vocab_size, rg_error *err);

/* ---- encoding ----------------------------------------------------------------------------------- */

/* A growing list of ids, with scratch memory for joining. */
typedef struct encoding {
    int32_t *id;
    size_t n, room;
    struct merge_scratch {
        struct merge_symbol *symbol;
        struct merge_step *heap;
        size_t capacity;
    } scratch;
    regex_scratch regex;
    rg_str normal[2];                  /* texts that steps and */
    rg_str stage[TOKENIZER_MAX_STEPS]; /* stages made */
} encoding;

rg_status encoding_room(encoding *e, size_t more, rg_error *err);
/* Joins pairs among ids first ... n - 1 until none is left. */
rg_status encoding_merge(encoding *e, const rg_tokenizer *t, size_t first, rg_error *err);
void encoding_free(encoding *e, bool ids);

/* How GPT-2 cuts a text, and ByteLevel of tokenizer.json. */
extern const char tokenizer_gpt2_cut[];

/* By the name that GGUF files use; RG_ERR_UNSUPPORTED with that name when unknown. */
rg_status split_by_name(rg_tokenizer *t, const char *name, size_t len, const char *where, rg_error *err);
/* BERT's normalizer and pre-tokenizer. */
typedef struct bert_options {
    bool clean, ideographs, unmark, lower;
} bert_options;
rg_status tokenizer_add_bert_steps(rg_tokenizer *t, bert_options options, const char *where, rg_error *err);
rg_status tokenizer_add_bert_stages(rg_tokenizer *t, const char *where, rg_error *err);
/* Adds a stage or a step; RG_ERR_UNSUPPORTED when there are too many. */
rg_status tokenizer_add_cut(rg_tokenizer *t, const char *pattern, cut_rule rule, const char *where,
                            rg_error *err);
rg_status tokenizer_add_stage(rg_tokenizer *t, split_stage stage, const char *where, rg_error *err);
rg_status tokenizer_add_step(rg_tokenizer *t, normal_step step, const char *where, rg_error *err);

/* Text (valid UTF-8) through all steps; the result is text itself or in e->normal. */
rg_status normalize(const rg_tokenizer *t, encoding *e, const char **text, size_t *n, rg_error *err);

/* After all are filled in. */
void added_tokens_sort(added_tokens *a);
/* The first added token in text[at ...], the longest of those that start there; NULL: none. */
const struct added_token *added_tokens_find(const added_tokens *a, const char *text, size_t n, size_t at,
                                            size_t *start);

/* Appends the ids of a text, added tokens, steps and stages included. */
rg_status text_encode(const rg_tokenizer *t, const char *text, size_t n, encoding *e, rg_error *err);
/* Appends the ids of text[start ... end) (valid UTF-8), cut by the stages. */
rg_status split_encode(const rg_tokenizer *t, const char *text, size_t n, bool first, encoding *e,
                       rg_error *err);
/* Appends the ids of one piece. */
rg_status piece_encode(const rg_tokenizer *t, const char *piece, size_t n, encoding *e, rg_error *err);
/* Appends the ids of a text by the rules of SentencePiece BPE; it need not be valid UTF-8. */
rg_status scores_encode(const rg_tokenizer *t, const char *text, size_t n, encoding *e, rg_error *err);

/* Length of the valid UTF-8 that starts at `at`. */
size_t utf8_run(const char *text, size_t n, size_t at);

#endif
