/* tokenizer.json of the Hugging Face library tokenizers: BPE and WordPiece. */
#include "model/tokenizer_json.h"

#include <stdio.h>
#include <string.h>

/* ---- small things -------------------------------------------------------------------------------- */

const char *json_place(const json_reader *r, const char *where, char buf[JSON_PLACE]) {
    const size_t n = strlen(r->path);
    snprintf(buf, JSON_PLACE, "%s (%.100s)", r->path + (n > 120 ? n - 120 : 0), where);
    return buf;
}

rg_status json_fail(const json_reader *r, rg_status status, const char *where, const char *expected,
                    const char *fmt, ...) {
    char place[JSON_PLACE], text[300];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return rg_fail(r->err, status, json_place(r, where, place), expected, "%s", text);
}

rg_status json_known_keys(const json_reader *r, json_t *o, const char *where, const char *keys) {
    const char *key;
    json_t *value;
    json_object_foreach(o, key, value) {
        const char *at = keys;
        const size_t n = strlen(key);
        for (size_t len; *at; at += len + (at[len] == ' ')) {
            len = strcspn(at, " ");
            if (len == n && memcmp(at, key, n) == 0) break;
        }
        if (!*at) return json_fail(r, RG_ERR_UNSUPPORTED, where, keys, "unknown member \"%.60s\"", key);
    }
    return RG_OK;
}

rg_status json_get_bool(const json_reader *r, json_t *o, const char *key, const char *where, bool *out) {
    json_t *value = json_object_get(o, key);
    if (!value || json_is_null(value)) return RG_OK;
    if (!json_is_boolean(value)) return json_fail(r, RG_ERR_PARSE, where, "true or false", "%s", key);
    *out = json_is_true(value);
    return RG_OK;
}

rg_status json_get_text(const json_reader *r, json_t *o, const char *key, const char *where, const char **out,
                        size_t *len) {
    json_t *value = json_object_get(o, key);
    *out = NULL;
    *len = 0;
    if (!value || json_is_null(value)) return RG_OK;
    if (!json_is_string(value)) return json_fail(r, RG_ERR_PARSE, where, "a string", "%s is none", key);
    *out = json_string_value(value);
    *len = json_string_length(value);
    return RG_OK;
}

rg_status json_get_type(const json_reader *r, json_t *o, const char *where, const char **out) {
    *out = json_string_value(json_object_get(o, "type"));
    return *out ? RG_OK : json_fail(r, RG_ERR_PARSE, where, "an object with a type", "the type is missing");
}

int32_t json_token_id(const json_reader *r, const char *text, size_t len) {
    const int32_t id = vocabulary_find(&r->vocab, text, len);
    for (size_t i = 0; id < 0 && i < r->vocab.n; i++)
        if (r->added[i].content && r->added[i].len == len && memcmp(r->added[i].content, text, len) == 0)
            return (int32_t)i;
    return id;
}

static rg_status memory(const json_reader *r) {
    return rg_fail(r->err, RG_ERR_MEMORY, r->path, NULL, "out of memory");
}

/* ---- vocabulary ---------------------------------------------------------------------------------- */

/* Ids up to the largest; the embedding must have a row for each. */
static rg_status count_ids(json_reader *r, json_t *vocab, json_t *added, int64_t rows) {
    const char *key;
    json_t *value;
    size_t i;
    json_int_t max = -1;
    json_object_foreach(vocab, key, value) {
        const json_int_t id = json_is_integer(value) ? json_integer_value(value) : -1;
        if (id < 0 || id >= TOKENIZER_MAX_VOCAB)
            return json_fail(r, RG_ERR_PARSE, "model.vocab", "ids from 0 to 2^24 - 1", "id of \"%.60s\"",
                             key);
        if (id > max) max = id;
    }
    json_array_foreach(added, i, value) {
        json_t *number = json_object_get(value, "id");
        const json_int_t id = json_is_integer(number) ? json_integer_value(number) : -1;
        if (id < 0 || id >= TOKENIZER_MAX_VOCAB)
            return json_fail(r, RG_ERR_PARSE, "added_tokens", "ids from 0 to 2^24 - 1", "id of token %zu", i);
        if (id > max) max = id;
    }
    if (max < 0) return json_fail(r, RG_ERR_PARSE, "model.vocab", "tokens", "the tokenizer has no tokens");
    if (rows > 0 && max >= rows) {
        char wanted[80];
        snprintf(wanted, sizeof wanted, "ids below %lld, the rows of the embedding", (long long)rows);
        return json_fail(r, RG_ERR_MISMATCH, "model.vocab", wanted, "the tokenizer has token ids up to %lld",
                         (long long)max);
    }
    r->t->vocab_size = max + 1;
    return RG_OK;
}

static rg_status read_vocabulary(json_reader *r, json_t *vocab) {
    const size_t n = (size_t)r->t->vocab_size;
    const char *key;
    json_t *value;
    RG_TRY(vocabulary_init(&r->vocab, n, &r->scratch, r->err));
    r->added = rg_arena_alloc(&r->scratch, n, sizeof *r->added);
    if (!r->added) return memory(r);
    json_object_foreach(vocab, key, value) {
        const int32_t id = (int32_t)json_integer_value(value);
        if (r->vocab.text[id])
            return json_fail(r, RG_ERR_PARSE, "model.vocab", "each id once", "two tokens have id %d", id);
        vocabulary_add(&r->vocab, id, key, strlen(key));
    }
    return RG_OK;
}

static rg_status read_added_token(json_reader *r, json_t *token, size_t i) {
    char where[40];
    const char *content;
    size_t len;
    bool flags[3] = {false, false, false}, special = false, normalized = true;
    snprintf(where, sizeof where, "added_tokens[%zu]", i);
    RG_TRY(json_known_keys(r, token, where, "id content single_word lstrip rstrip normalized special"));
    RG_TRY(json_get_text(r, token, "content", where, &content, &len));
    RG_TRY(json_get_bool(r, token, "single_word", where, &flags[0]));
    RG_TRY(json_get_bool(r, token, "lstrip", where, &flags[1]));
    RG_TRY(json_get_bool(r, token, "rstrip", where, &flags[2]));
    RG_TRY(json_get_bool(r, token, "special", where, &special));
    normalized = !special;
    RG_TRY(json_get_bool(r, token, "normalized", where, &normalized));
    if (!content) return json_fail(r, RG_ERR_PARSE, where, "a text", "content is missing");
    if (!special && (flags[0] || flags[1] || flags[2]))
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "false", "%s of the added token \"%.60s\"",
                         flags[0]   ? "single_word"
                         : flags[1] ? "lstrip"
                                    : "rstrip",
                         content);
    const int32_t id = (int32_t)json_integer_value(json_object_get(token, "id"));
    const int32_t known = vocabulary_find(&r->vocab, content, len);
    if (r->added[id].content || (known < 0 && r->vocab.text[id]) || (known >= 0 && known != id))
        return json_fail(r, RG_ERR_PARSE, where, "one id for a token, one token for an id",
                         "id %d of the added token \"%.60s\" is another's, or it has another", id, content);
    r->added[id] = (struct json_added){content, len, special, normalized};
    return RG_OK;
}

/* Those that are looked for in texts, with what the normalizers make of them. */
static rg_status list_added(json_reader *r, bool normalized, added_tokens *out) {
    encoding e = {0};
    rg_status status = RG_OK;
    const size_t n = r->vocab.n;
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += r->added[i].len && !r->added[i].special && r->added[i].normalized == normalized;
    out->token = rg_arena_alloc(&r->t->arena, count + 1, sizeof *out->token);
    if (!out->token) return memory(r);
    for (size_t i = 0; i < n && status == RG_OK; i++) {
        const struct json_added *a = &r->added[i];
        if (!a->len || a->special || a->normalized != normalized) continue;
        const char *text = a->content;
        size_t len = a->len;
        if (normalized) status = normalize(r->t, &e, &text, &len, r->err);
        char *copy = status == RG_OK ? rg_arena_strndup(&r->t->arena, text, len) : NULL;
        if (status == RG_OK && !copy) status = memory(r);
        if (status == RG_OK && len) out->token[out->n++] = (struct added_token){copy, len, (int32_t)i};
    }
    encoding_free(&e, true);
    added_tokens_sort(out);
    return status;
}

static rg_status read_added(json_reader *r, json_t *list) {
    json_t *token;
    size_t i;
    if (list && !json_is_null(list) && !json_is_array(list))
        return json_fail(r, RG_ERR_PARSE, "added_tokens", "a list", "added_tokens is none");
    json_array_foreach(list, i, token) RG_TRY(read_added_token(r, token, i));
    RG_TRY(list_added(r, false, &r->t->raw));
    return list_added(r, true, &r->t->normal);
}

/* ---- what tokens stand for, and how pieces find them ---------------------------------------------- */

static void add_bytes(json_reader *r, size_t id) {
    token_bytes *b = &r->t->bytes;
    const char *text = r->vocab.text[id];
    const size_t len = r->vocab.len[id];
    const struct json_added *a = &r->added[id];
    if (a->content) {
        token_bytes_add(b, a->content, a->special ? 0 : a->len);
    } else if (!text) {
        token_bytes_add(b, NULL, 0); /* ids may have gaps */
    } else if (r->t->kind == TOKENIZER_BYTES) {
        token_bytes_add_mapped(b, text, len);
    } else if (r->t->kind == TOKENIZER_WORDS) {
        const size_t p = strlen(r->t->inner_prefix);
        const bool inner = p && len >= p && memcmp(text, r->t->inner_prefix, p) == 0;
        token_bytes_add(b, text + (inner ? p : 0), len - (inner ? p : 0));
    } else if (r->t->byte_fallback || r->escapes) {
        token_bytes_add_escaped(b, text, len);
    } else {
        token_bytes_add(b, text, len);
    }
}

static rg_status fill_bytes(json_reader *r) {
    size_t total = 0;
    for (size_t i = 0; i < r->vocab.n; i++) total += r->added[i].content ? r->added[i].len : r->vocab.len[i];
    RG_TRY(token_bytes_init(&r->t->bytes, r->vocab.n, total, &r->t->arena, r->err));
    for (size_t i = 0; i < r->vocab.n; i++) add_bytes(r, i);
    return RG_OK;
}

/* Tokens of the model by their text, or by their bytes; added ones that are not of the model are not among
   them. */
static rg_status index_tokens(json_reader *r, bool by_bytes) {
    rg_tokenizer *t = r->t;
    RG_TRY(vocabulary_init(&t->vocab, r->vocab.n, &t->arena, r->err));
    for (size_t i = 0; i < r->vocab.n; i++) {
        if (!r->vocab.text[i] || (by_bytes && r->added[i].content)) continue;
        const char *text = by_bytes ? t->bytes.data + t->bytes.start[i]
                                    : rg_arena_strndup(&t->arena, r->vocab.text[i], r->vocab.len[i]);
        const size_t len = by_bytes ? t->bytes.start[i + 1] - t->bytes.start[i] : r->vocab.len[i];
        if (!text) return memory(r);
        if (len) vocabulary_add(&t->vocab, (int32_t)i, text, len);
    }
    return RG_OK;
}

/* ---- BPE ----------------------------------------------------------------------------------------- */

/* "a b" or ["a", "b"] */
static bool merge_parts(json_t *merge, const char *text[2], size_t len[2]) {
    if (json_is_array(merge) && json_array_size(merge) == 2) {
        for (size_t i = 0; i < 2; i++) {
            text[i] = json_string_value(json_array_get(merge, i));
            len[i] = json_string_length(json_array_get(merge, i));
        }
        return text[0] && text[1] && len[0] && len[1];
    }
    const char *both = json_string_value(merge);
    const char *blank = both ? strchr(both, ' ') : NULL;
    if (!blank || strchr(blank + 1, ' ')) return false;
    text[0] = both;
    len[0] = (size_t)(blank - both);
    text[1] = blank + 1;
    len[1] = json_string_length(merge) - len[0] - 1;
    return len[0] && len[1];
}

static rg_status read_merges(json_reader *r, json_t *merges) {
    rg_str joined = {0};
    rg_status status = RG_OK;
    json_t *merge;
    size_t i;
    if (!json_is_array(merges))
        return json_fail(r, RG_ERR_PARSE, "model.merges", "a list", "merges are missing");
    RG_TRY(pair_table_init(&r->t->pairs, json_array_size(merges), &r->t->arena, r->err));
    json_array_foreach(merges, i, merge) {
        const char *text[2], *whole = json_string_value(merge);
        size_t len[2];
        if (whole && strncmp(whole, "#version", 8) == 0) continue;
        if (!merge_parts(merge, text, len)) {
            status = json_fail(r, RG_ERR_PARSE, "model.merges", "\"a b\" or [\"a\", \"b\"]",
                               "merge %zu is not two tokens", i);
            break;
        }
        joined.len = 0;
        rg_str_add_n(&joined, text[0], len[0]);
        rg_str_add_n(&joined, text[1], len[1]);
        const int32_t left = vocabulary_find(&r->vocab, text[0], len[0]),
                      right = vocabulary_find(&r->vocab, text[1], len[1]),
                      id = joined.failed ? -1 : vocabulary_find(&r->vocab, joined.data, joined.len);
        if (left < 0 || right < 0 || id < 0) {
            status = json_fail(r, RG_ERR_PARSE, "model.merges", "tokens of the vocabulary",
                               "merge %zu: its %s is no token", i,
                               left < 0    ? "left part"
                               : right < 0 ? "right part"
                                           : "result");
            break;
        }
        pair_table_add(&r->t->pairs, (pair){pair_key(left, right), (double)i, id}, true);
    }
    rg_str_free(&joined);
    return status;
}

/* Both must be empty or absent. */
static rg_status refuse_affixes(json_reader *r, json_t *model) {
    static const char *const keys[] = {"continuing_subword_prefix", "end_of_word_suffix"};
    for (size_t i = 0; i < 2; i++) {
        const char *text;
        size_t len;
        RG_TRY(json_get_text(r, model, keys[i], "model", &text, &len));
        if (len)
            return json_fail(r, RG_ERR_UNSUPPORTED, "model", "none", "BPE with %s \"%.20s\"", keys[i], text);
    }
    json_t *dropout = json_object_get(model, "dropout");
    if (dropout && !json_is_null(dropout) && json_number_value(dropout) != 0)
        return json_fail(r, RG_ERR_UNSUPPORTED, "model", "none", "BPE with dropout, which is random");
    return RG_OK;
}

static rg_status read_unknown(json_reader *r, json_t *model) {
    const char *text;
    size_t len;
    RG_TRY(json_get_text(r, model, "unk_token", "model", &text, &len));
    if (!len) return RG_OK;
    r->t->unknown = json_token_id(r, text, len);
    if (r->t->unknown < 0)
        return json_fail(r, RG_ERR_PARSE, "model.unk_token", "a token", "\"%.60s\" is no token", text);
    return RG_OK;
}

static rg_status read_bpe(json_reader *r, json_t *model) {
    rg_tokenizer *t = r->t;
    RG_TRY(json_known_keys(r, model, "model",
                           "type dropout unk_token continuing_subword_prefix end_of_word_suffix fuse_unk "
                           "byte_fallback ignore_merges vocab merges"));
    RG_TRY(refuse_affixes(r, model));
    RG_TRY(read_unknown(r, model));
    RG_TRY(json_get_bool(r, model, "fuse_unk", "model", &t->fuse_unknown));
    RG_TRY(json_get_bool(r, model, "byte_fallback", "model", &t->byte_fallback));
    RG_TRY(json_get_bool(r, model, "ignore_merges", "model", &t->whole_pieces));
    t->kind = r->byte_level ? TOKENIZER_BYTES : TOKENIZER_CHARACTERS;
    for (int b = 0; b < 256; b++) {
        char text[8];
        if (r->byte_level)
            t->byte_id[b] = vocabulary_find(&r->vocab, text, byte_character(b, text));
        else if (t->byte_fallback)
            t->byte_id[b] =
                vocabulary_find(&r->vocab, text, (size_t)snprintf(text, sizeof text, "<0x%02X>", b));
    }
    RG_TRY(fill_bytes(r));
    RG_TRY(read_merges(r, json_object_get(model, "merges")));
    return !r->byte_level || t->whole_pieces ? index_tokens(r, r->byte_level) : RG_OK;
}

/* ---- WordPiece ----------------------------------------------------------------------------------- */

static rg_status read_wordpiece(json_reader *r, json_t *model) {
    rg_tokenizer *t = r->t;
    const char *prefix;
    size_t len;
    json_t *max = json_object_get(model, "max_input_chars_per_word");
    RG_TRY(json_known_keys(r, model, "model",
                           "type unk_token continuing_subword_prefix max_input_chars_per_word vocab"));
    if (r->byte_level)
        return json_fail(r, RG_ERR_UNSUPPORTED, "pre_tokenizer", "another", "ByteLevel before WordPiece");
    RG_TRY(json_get_text(r, model, "continuing_subword_prefix", "model", &prefix, &len));
    RG_TRY(read_unknown(r, model));
    if (t->unknown < 0)
        return json_fail(r, RG_ERR_PARSE, "model.unk_token", "a token", "WordPiece without an unknown token");
    t->max_word = 100;
    if (max) t->max_word = (size_t)json_integer_value(max);
    if (t->max_word < 1 || t->max_word > 1000 || len > 16 || r->vocab.longest > TOKENIZER_MAX_TOKEN)
        return json_fail(r, RG_ERR_UNSUPPORTED, "model", "words to 1000 characters, tokens to 512 bytes",
                         "WordPiece with words of %zu characters and tokens of %u bytes", t->max_word,
                         r->vocab.longest);
    t->kind = TOKENIZER_WORDS;
    t->word_prefix = "";
    t->inner_prefix = rg_arena_strndup(&t->arena, prefix ? prefix : "", len);
    if (!t->inner_prefix) return memory(r);
    RG_TRY(fill_bytes(r));
    return index_tokens(r, false);
}

/* ---- all ----------------------------------------------------------------------------------------- */

static rg_status read_model(json_reader *r, json_t *model) {
    const char *type = json_string_value(json_object_get(model, "type"));
    if (!type) /* older files */
        type = json_object_get(model, "merges")                     ? "BPE"
               : json_object_get(model, "max_input_chars_per_word") ? "WordPiece"
                                                                    : "";
    if (strcmp(type, "BPE") == 0) return read_bpe(r, model);
    if (strcmp(type, "WordPiece") == 0) return read_wordpiece(r, model);
    return json_fail(r, RG_ERR_UNSUPPORTED, "model", "BPE or WordPiece", "tokenizer model \"%.60s\"", type);
}

/* Truncation and padding concern batches, the decoder the way back: none changes the ids of a text. */
static rg_status read_document(json_reader *r, json_t *root, const char *config, size_t config_size,
                               int64_t rows) {
    json_t *model = json_object_get(root, "model"), *added = json_object_get(root, "added_tokens");
    RG_TRY(json_known_keys(r, root, "",
                           "version truncation padding added_tokens normalizer pre_tokenizer post_processor "
                           "decoder model"));
    if (!json_is_object(model))
        return json_fail(r, RG_ERR_PARSE, "model", "an object", "the model is missing");
    const char *type = json_string_value(json_object_get(model, "type"));
    if (!json_is_object(json_object_get(model, "vocab")))
        return json_fail(r, type ? RG_ERR_UNSUPPORTED : RG_ERR_PARSE, "model",
                         "BPE or WordPiece with a vocab", "tokenizer model \"%.60s\"", type ? type : "");
    RG_TRY(count_ids(r, json_object_get(model, "vocab"), added, rows));
    RG_TRY(read_vocabulary(r, json_object_get(model, "vocab")));
    RG_TRY(json_read_normalizer(r, json_object_get(root, "normalizer"), "normalizer", 0));
    RG_TRY(read_added(r, added));
    RG_TRY(json_read_pretokenizer(r, json_object_get(root, "pre_tokenizer"), "pre_tokenizer", 0));
    RG_TRY(read_model(r, model));
    RG_TRY(json_read_postprocessor(r, json_object_get(root, "post_processor"), "post_processor", 0));
    return config ? json_read_config(r, config, config_size) : RG_OK;
}

rg_status tokenizer_from_json(rg_tokenizer *t, const char *data, size_t size, const char *config,
                              size_t config_size, const char *path, int64_t vocab_size, rg_error *err) {
    json_error_t at;
    json_reader r = {.t = t, .path = path, .err = err};
    json_t *root = json_loadb(data, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &at);
    if (!json_is_object(root)) {
        char where[40];
        json_decref(root);
        snprintf(where, sizeof where, "line %d", at.line);
        return json_fail(&r, RG_ERR_PARSE, where, "a JSON object", "%.150s", at.text);
    }
    rg_status status = read_document(&r, root, config, config_size, vocab_size);
    json_decref(root);
    rg_arena_free(&r.scratch);
    return status;
}
