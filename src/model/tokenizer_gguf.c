/* Tokenizers from the metadata of a GGUF file (tokenizer.ggml.*), as llama.cpp reads them. */
#include "model/tokenizer.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY(name) "tokenizer.ggml." name

/* tokenizer.ggml.token_type */
enum { TYPE_NORMAL = 1, TYPE_UNKNOWN = 2, TYPE_USER_DEFINED = 4, TYPE_UNUSED = 5, TYPE_BYTE = 6 };

typedef struct source {
    rg_tokenizer *t;
    const rg_tensor_file *file;
    size_t n; /* tokens */
    rg_arena scratch;
    rg_error *err;
} source;

static rg_status fail(const source *s, rg_status status, const char *key, const char *expected,
                      const char *text) {
    char where[256];
    const char *path = rg_tensor_file_path(s->file);
    const size_t n = strlen(path);
    snprintf(where, sizeof where, "%s (%s)", path + (n > 180 ? n - 180 : 0), key);
    return rg_fail(s->err, status, where, expected, "%s", text);
}

/* ---- tokens -------------------------------------------------------------------------------------- */

static rg_status token_text(const source *s, size_t i, const char **text, size_t *len) {
    if (!rg_tensor_meta_string_at(s->file, KEY("tokens"), i, text, len) || *len > UINT32_MAX / 4)
        return fail(s, RG_ERR_PARSE, KEY("tokens"), "strings", "tokens are no strings");
    return RG_OK;
}

static int64_t token_type(const source *s, size_t i) {
    int64_t type;
    return rg_tensor_meta_int_at(s->file, KEY("token_type"), i, &type) ? type : TYPE_NORMAL;
}

static rg_status check_counts(source *s, int64_t expected) {
    const size_t n = rg_tensor_meta_count(s->file, KEY("tokens"));
    const size_t types = rg_tensor_meta_count(s->file, KEY("token_type"));
    char text[200], wanted[64];
    if (n == 0 || n > TOKENIZER_MAX_VOCAB)
        return fail(s, RG_ERR_PARSE, KEY("tokens"), "1 to 2^24 tokens",
                    n ? "too many tokens" : "the tokenizer has no tokens");
    if (expected > 0 && (int64_t)n != expected) {
        snprintf(text, sizeof text, "the tokenizer has %zu tokens", n);
        snprintf(wanted, sizeof wanted, "%lld, as the model's vocabulary", (long long)expected);
        return fail(s, RG_ERR_MISMATCH, KEY("tokens"), wanted, text);
    }
    if (types && types != n) {
        snprintf(text, sizeof text, "%zu token types for %zu tokens", types, n);
        return fail(s, RG_ERR_PARSE, KEY("token_type"), "one for each token", text);
    }
    s->n = n;
    s->t->vocab_size = (int64_t)n;
    return RG_OK;
}

/* User-defined tokens are cut out of the text before anything else. */
static rg_status read_added(source *s) {
    added_tokens *a = &s->t->raw;
    size_t total = 0;
    for (size_t i = 0; i < s->n; i++) {
        const char *text;
        size_t len;
        RG_TRY(token_text(s, i, &text, &len));
        if (token_type(s, i) == TYPE_USER_DEFINED && len) a->n++;
        total += len;
    }
    RG_TRY(token_bytes_init(&s->t->bytes, s->n, total, &s->t->arena, s->err));
    a->token = rg_arena_alloc(&s->t->arena, a->n + 1, sizeof *a->token);
    char *copy = rg_arena_alloc(&s->t->arena, total + 1, 1);
    if (!a->token || !copy) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    a->n = 0;
    for (size_t i = 0; i < s->n; i++) {
        const char *text;
        size_t len;
        RG_TRY(token_text(s, i, &text, &len));
        if (token_type(s, i) != TYPE_USER_DEFINED || !len) continue;
        a->token[a->n++] = (struct added_token){memcpy(copy, text, len), len, (int32_t)i};
        copy += len;
    }
    added_tokens_sort(a);
    return RG_OK;
}

/* What the tokens stand for: control, unknown and unused ones for no text. */
static rg_status read_bytes(source *s, void (*add)(token_bytes *, const char *, size_t)) {
    for (size_t i = 0; i < s->n; i++) {
        const char *text;
        size_t len;
        RG_TRY(token_text(s, i, &text, &len));
        const int64_t type = token_type(s, i);
        if (type == TYPE_USER_DEFINED)
            token_bytes_add(&s->t->bytes, text, len);
        else
            add(&s->t->bytes, text, type == TYPE_NORMAL || type == TYPE_BYTE ? len : 0);
    }
    return RG_OK;
}

/* -1 when absent. */
static rg_status read_special(source *s, const char *key, int32_t *out) {
    int64_t id = -1;
    char text[100];
    if (!rg_tensor_meta_int(s->file, key, &id)) return RG_OK;
    if (id < 0 || id >= s->t->vocab_size) {
        snprintf(text, sizeof text, "token id %lld", (long long)id);
        return fail(s, RG_ERR_PARSE, key, "an id of the vocabulary", text);
    }
    *out = (int32_t)id;
    return RG_OK;
}

static rg_status read_specials(source *s) {
    rg_tokenizer *t = s->t;
    RG_TRY(read_special(s, KEY("bos_token_id"), &t->bos));
    RG_TRY(read_special(s, KEY("eos_token_id"), &t->eos));
    RG_TRY(read_special(s, KEY("unknown_token_id"), &t->unknown));
    rg_tensor_meta_bool(s->file, KEY("add_bos_token"), &t->adds_bos); /* absent: as the kind does */
    rg_tensor_meta_bool(s->file, KEY("add_eos_token"), &t->adds_eos);
    if (t->adds_bos && t->bos < 0)
        return fail(s, RG_ERR_PARSE, KEY("add_bos_token"), KEY("bos_token_id"),
                    "a BOS is asked for that is not named");
    if (t->adds_eos && t->eos < 0)
        return fail(s, RG_ERR_PARSE, KEY("add_eos_token"), KEY("eos_token_id"),
                    "an EOS is asked for that is not named");
    return RG_OK;
}

/* ---- gpt2: byte-level BPE ------------------------------------------------------------------------- */

static rg_status by_text(source *s, vocabulary *v) {
    RG_TRY(vocabulary_init(v, s->n, &s->scratch, s->err));
    for (size_t i = 0; i < s->n; i++) {
        const char *text;
        size_t len;
        RG_TRY(token_text(s, i, &text, &len));
        const int32_t other = vocabulary_add(v, (int32_t)i, text, len);
        if (other < 0) continue;
        char message[100];
        snprintf(message, sizeof message, "tokens %d and %zu have the same text", other, i);
        return fail(s, RG_ERR_PARSE, KEY("tokens"), "each text once", message);
    }
    return RG_OK;
}

static rg_status read_merge(source *s, const vocabulary *v, size_t i) {
    static const char key[] = KEY("merges");
    char text[200], buf[4096]; /* runs of hundreds of blanks do occur */
    const char *m;
    size_t len;
    if (!rg_tensor_meta_string_at(s->file, key, i, &m, &len))
        return fail(s, RG_ERR_PARSE, key, "strings", "merges are no strings");
    const char *blank = len > 2 && len < sizeof buf ? memchr(m + 1, ' ', len - 1) : NULL;
    const size_t a = blank ? (size_t)(blank - m) : 0, b = len - a - 1;
    if (!blank || b == 0) {
        snprintf(text, sizeof text, "merge %zu is not two tokens", i);
        return fail(s, RG_ERR_PARSE, key, "two tokens and a blank between, below 4096 bytes", text);
    }
    memcpy(buf, m, a);
    memcpy(buf + a, blank + 1, b);
    const int32_t left = vocabulary_find(v, m, a), right = vocabulary_find(v, blank + 1, b);
    const int32_t joined = vocabulary_find(v, buf, a + b);
    if (left < 0 || right < 0 || joined < 0) {
        snprintf(text, sizeof text, "merge %zu: its %s is no token", i,
                 left < 0    ? "left part"
                 : right < 0 ? "right part"
                             : "result");
        return fail(s, RG_ERR_PARSE, key, "tokens of the vocabulary", text);
    }
    pair_table_add(&s->t->pairs, (pair){pair_key(left, right), (double)i, joined}, false);
    return RG_OK;
}

/* Pieces that stay whole are looked up by their bytes. */
static rg_status index_bytes(source *s) {
    rg_tokenizer *t = s->t;
    RG_TRY(vocabulary_init(&t->vocab, s->n, &t->arena, s->err));
    for (size_t i = 0; i < s->n; i++) {
        const size_t start = t->bytes.start[i], len = t->bytes.start[i + 1] - start;
        if (len && token_type(s, i) == TYPE_NORMAL)
            vocabulary_add(&t->vocab, (int32_t)i, t->bytes.data + start, len);
    }
    return RG_OK;
}

static rg_status read_gpt2(source *s) {
    rg_tokenizer *t = s->t;
    const char *pre = "";
    size_t len = 0;
    if (!rg_tensor_meta_string(s->file, KEY("pre"), &pre, &len))
        return fail(s, RG_ERR_UNSUPPORTED, KEY("pre"), "one that docs/tokenizers.md lists",
                    "the pre-tokenizer is not named");
    RG_TRY(split_by_name(t, pre, len, rg_tensor_file_path(s->file), s->err));
    vocabulary v;
    RG_TRY(by_text(s, &v));
    t->kind = TOKENIZER_BYTES;
    RG_TRY(read_bytes(s, token_bytes_add_mapped));
    for (int b = 0; b < 256; b++) {
        char text[2];
        t->byte_id[b] = vocabulary_find(&v, text, byte_character(b, text));
    }
    const size_t n_merges = rg_tensor_meta_count(s->file, KEY("merges"));
    if (n_merges == 0) return fail(s, RG_ERR_PARSE, KEY("merges"), "merges", "the tokenizer has no merges");
    RG_TRY(pair_table_init(&t->pairs, n_merges, &t->arena, s->err));
    for (size_t i = 0; i < n_merges; i++) RG_TRY(read_merge(s, &v, i));
    RG_TRY(read_specials(s));
    return t->whole_pieces ? index_bytes(s) : RG_OK;
}

/* ---- llama: SentencePiece BPE ----------------------------------------------------------------------- */

static rg_status read_scores(source *s) {
    rg_tokenizer *t = s->t;
    float *score = rg_arena_alloc(&t->arena, s->n, sizeof *score);
    if (!score) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    if (rg_tensor_meta_count(s->file, KEY("scores")) != s->n)
        return fail(s, RG_ERR_PARSE, KEY("scores"), "one for each token", "scores do not fit the tokens");
    for (size_t i = 0; i < s->n; i++) {
        double x;
        if (!rg_tensor_meta_float_at(s->file, KEY("scores"), i, &x) || !isfinite(x))
            return fail(s, RG_ERR_PARSE, KEY("scores"), "finite numbers", "a score is no finite number");
        score[i] = (float)x;
    }
    t->score = score;
    return RG_OK;
}

/* Only normal and user-defined tokens come of joining. */
static rg_status index_pieces(source *s) {
    rg_tokenizer *t = s->t;
    RG_TRY(vocabulary_init(&t->vocab, s->n, &t->arena, s->err));
    for (size_t i = 0; i < s->n; i++) {
        const char *bytes = t->bytes.data + t->bytes.start[i];
        const size_t len = t->bytes.start[i + 1] - t->bytes.start[i];
        const int64_t type = token_type(s, i);
        char text[100];
        snprintf(text, sizeof text, "token %zu is %s", i,
                 type == TYPE_UNUSED ? "of the type UNUSED" : "too long");
        if (type == TYPE_UNUSED || (type == TYPE_NORMAL && len > TOKENIZER_MAX_TOKEN))
            return fail(s, RG_ERR_UNSUPPORTED, KEY("tokens"), "tokens in use, up to 512 bytes", text);
        if (type == TYPE_BYTE && len == 1) t->byte_id[(uint8_t)bytes[0]] = (int32_t)i;
        if ((type == TYPE_NORMAL || type == TYPE_USER_DEFINED) && len && len <= TOKENIZER_MAX_TOKEN)
            vocabulary_add(&t->vocab, (int32_t)i, bytes, len); /* of equal ones the first */
    }
    return RG_OK;
}

static rg_status read_llama(source *s) {
    rg_tokenizer *t = s->t;
    bool squeezes = false;
    rg_tensor_meta_bool(s->file, KEY("remove_extra_whitespaces"), &squeezes);
    if (squeezes)
        return fail(s, RG_ERR_UNSUPPORTED, KEY("remove_extra_whitespaces"), "false",
                    "white space is to be removed");
    t->kind = TOKENIZER_SCORES;
    RG_TRY(read_bytes(s, token_bytes_add_escaped));
    RG_TRY(read_scores(s));
    RG_TRY(index_pieces(s));
    t->byte_fallback = t->blank_sign = t->blank_first = t->adds_bos = true;
    t->bos = s->n > 1 ? 1 : 0; /* where the file does not say */
    t->eos = s->n > 2 ? 2 : 0;
    t->unknown = 0;
    rg_tensor_meta_bool(s->file, KEY("add_space_prefix"), &t->blank_first);
    return read_specials(s);
}

/* ---- bert: WordPiece -------------------------------------------------------------------------------- */

/* Written the other way round: U+2581 in front of what starts a word, nothing where BERT has "##". */
static void add_word(token_bytes *b, const char *text, size_t len) {
    const size_t sign = len >= 3 && memcmp(text, "\xe2\x96\x81", 3) == 0 ? 3 : 0;
    token_bytes_add(b, text + sign, len - sign);
}

static rg_status read_bert(source *s) {
    rg_tokenizer *t = s->t;
    bert_options options = {.clean = true, .ideographs = true, .lower = true};
    rg_tensor_meta_bool(s->file, KEY("normalizer.lowercase"), &options.lower);
    options.unmark = options.lower;
    rg_tensor_meta_bool(s->file, KEY("normalizer.strip_accents"), &options.unmark);
    const char *path = rg_tensor_file_path(s->file);
    RG_TRY(tokenizer_add_bert_steps(t, options, path, s->err));
    RG_TRY(tokenizer_add_bert_stages(t, path, s->err));
    t->kind = TOKENIZER_WORDS;
    t->word_prefix = "\xe2\x96\x81";
    t->inner_prefix = "";
    t->max_word = 100;
    RG_TRY(vocabulary_init(&t->vocab, s->n, &t->arena, s->err));
    for (size_t i = 0; i < s->n; i++) {
        const char *text;
        size_t len;
        RG_TRY(token_text(s, i, &text, &len));
        if (token_type(s, i) != TYPE_NORMAL || len == 0 || len > TOKENIZER_MAX_TOKEN) continue;
        char *copy = rg_arena_strndup(&t->arena, text, len);
        if (!copy) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        vocabulary_add(&t->vocab, (int32_t)i, copy, len);
    }
    RG_TRY(read_bytes(s, add_word));
    RG_TRY(read_special(s, KEY("cls_token_id"), &t->bos));
    RG_TRY(read_specials(s));
    RG_TRY(read_special(s, KEY("seperator_token_id"), &t->eos));
    if (t->bos < 0 || t->eos < 0 || t->unknown < 0)
        return fail(s, RG_ERR_UNSUPPORTED, KEY("cls_token_id"), "cls, seperator and unknown token ids",
                    "the special tokens of BERT are not named");
    t->adds_bos = t->adds_eos = true;
    return RG_OK;
}

/* ---- all --------------------------------------------------------------------------------------------- */

static rg_status read_all(source *s, int64_t vocab_size) {
    static const struct {
        const char *name;
        rg_status (*read)(source *);
    } kinds[] = {{"gpt2", read_gpt2}, {"llama", read_llama}, {"bert", read_bert}};
    const char *text = "";
    size_t len = 0;
    char message[160];
    rg_tensor_meta_string(s->file, KEY("model"), &text, &len);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strlen(kinds[i].name) != len || memcmp(kinds[i].name, text, len) != 0) continue;
        RG_TRY(check_counts(s, vocab_size));
        RG_TRY(read_added(s));
        return kinds[i].read(s);
    }
    snprintf(message, sizeof message, "tokenizer model \"%.*s\"", len < 100 ? (int)len : 100, text);
    return fail(s, RG_ERR_UNSUPPORTED, KEY("model"), "gpt2 (byte-level BPE), llama or bert",
                len ? message : "the file has no tokenizer");
}

rg_status tokenizer_from_gguf(rg_tokenizer *t, const rg_tensor_file *file, int64_t vocab_size,
                              rg_error *err) {
    source s = {.t = t, .file = file, .err = err};
    rg_status status = read_all(&s, vocab_size);
    rg_arena_free(&s.scratch);
    return status;
}
