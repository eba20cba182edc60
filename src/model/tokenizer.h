/* Inside of a tokenizer: vocabulary, the pairs that may be joined, and how text is cut before. */
#ifndef RIDGE_MODEL_TOKENIZER_H
#define RIDGE_MODEL_TOKENIZER_H

#include "ridge/model.h"
#include "ridge/tensor.h"

enum { TOKENIZER_MAX_VOCAB = 1 << 24, TOKENIZER_MAX_STAGES = 2 };

/* ---- vocabulary --------------------------------------------------------------------------------- */

typedef struct vocabulary {
    size_t n;
    const char **text; /* [n], not NUL-terminated; not owned */
    uint32_t *len;     /* [n] */
    int32_t *order;    /* [n] ids sorted by text, equal texts by id */
} vocabulary;

/* Arrays in `arena`. */
rg_status vocabulary_init(vocabulary *v, size_t n, rg_arena *arena, rg_error *err);
/* After text and len are filled. */
void vocabulary_sort(vocabulary *v);
/* Lowest id of that text, or -1. */
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
/* Keeps the first of equal pairs. */
void pair_table_add(pair_table *t, int32_t left, int32_t right, double rank, int32_t joined);
const pair *pair_table_find(const pair_table *t, int32_t left, int32_t right);

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
/* The byte of a SentencePiece byte token "<0xE9>", or -1. */
int byte_token_value(const char *text, size_t len);
/* The character that stands for a byte in byte-level BPE, as UTF-8; its length. */
size_t byte_character(int byte, char out[2]);

/* ---- tokenizer ---------------------------------------------------------------------------------- */

typedef struct pretokenizer pretokenizer;

struct rg_tokenizer {
    rg_arena arena;
    int64_t vocab_size;
    int32_t bos;
    bool adds_bos;
    token_bytes bytes;
    const pretokenizer *pre;           /* byte-level BPE; NULL: llama2.c */
    void *stage[TOKENIZER_MAX_STAGES]; /* pcre2_code of each stage of `pre` */
    /* byte-level BPE */
    int32_t byte_id[256]; /* -1: the vocabulary has none */
    pair_table pairs;
    int32_t unknown; /* stands for such bytes; -1: they are refused */
    /* llama2.c */
    vocabulary vocab;
    const float *score;
    size_t longest; /* bytes of the longest token */
    char *content;  /* of the file */
};

rg_status tokenizer_from_gguf(rg_tokenizer *t, const rg_tensor_file *file, int64_t vocab_size, rg_error *err);
rg_status tokenizer_from_llama2c(rg_tokenizer *t, const char *data, size_t size, const char *path,
                                 int64_t vocab_size, rg_error *err);

/* ---- encoding ----------------------------------------------------------------------------------- */

/* A growing list of ids, with scratch memory for joining. */
typedef struct encoding {
    int32_t *id;
    size_t n, capacity;
    struct merge_scratch {
        struct merge_symbol *symbol;
        struct merge_step *heap;
        size_t capacity;
    } scratch;
} encoding;

rg_status encoding_room(encoding *e, size_t more, rg_error *err);
/* Joins pairs among ids first ... n - 1 until none is left. */
rg_status encoding_merge(encoding *e, const rg_tokenizer *t, size_t first, rg_error *err);
void encoding_free(encoding *e, bool ids);

/* ---- cutting text (pre-tokenizers) -------------------------------------------------------------- */

/* By the name that GGUF files use; RG_ERR_UNSUPPORTED with that name when unknown. */
rg_status split_find(const pretokenizer **out, const char *name, size_t len, const char *where,
                     rg_error *err);
rg_status split_compile(rg_tokenizer *t, rg_error *err);
void split_free(rg_tokenizer *t);
/* Appends ids of `text` by the rules of llama2.c. */
rg_status llama2c_encode(const rg_tokenizer *t, const char *text, size_t size, encoding *e, rg_error *err);
/* Appends ids of `text`, cut by the pre-tokenizer. */
rg_status split_encode(const rg_tokenizer *t, const char *text, size_t size, encoding *e, rg_error *err);

#endif
