/* Tables of names: GGUF metadata and tensors against the config fields and weights of the family files.
   Sources: GGUF specification (ggml, docs/gguf.md); convert_hf_to_gguf.py of llama.cpp for what it permutes.
 */
#include "model/load.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- tables ------------------------------------------------------------------------------------- */

struct load_map {
    const char *architecture, *model_type;
    bool interleaved;
};

static const load_map maps[] = {
    {"llama", "llama", true},
    {"qwen3", "qwen3", false},
};

typedef enum field_kind {
    INTEGER, /* becomes `field` */
    REAL,
    SAME_HEAD_DIM, /* must equal head_dim */
    ZERO,          /* must be 0 */
    NONE_WORD      /* must be "none" */
} field_kind;

/* Keys of the metadata behind "<architecture>.". A key that is not here is refused. */
static const struct field {
    const char *key, *field;
    field_kind kind;
    bool needed;
} fields[] = {
    {"block_count", "num_hidden_layers", INTEGER, true},
    {"context_length", "max_position_embeddings", INTEGER, true},
    {"embedding_length", "hidden_size", INTEGER, true},
    {"feed_forward_length", "intermediate_size", INTEGER, true},
    {"attention.head_count", "num_attention_heads", INTEGER, true},
    {"attention.head_count_kv", "num_key_value_heads", INTEGER, false},
    {"attention.key_length", "head_dim", INTEGER, false},
    {"attention.value_length", NULL, SAME_HEAD_DIM, false},
    {"rope.dimension_count", NULL, SAME_HEAD_DIM, false},
    {"rope.freq_base", "rope_theta", REAL, false},
    {"rope.scaling.type", NULL, NONE_WORD, false},
    {"attention.layer_norm_rms_epsilon", "rms_norm_eps", REAL, true},
    {"vocab_size", "vocab_size", INTEGER, false},
    {"expert_count", NULL, ZERO, false},
    {"expert_used_count", NULL, ZERO, false},
    {"attention.sliding_window", NULL, ZERO, false},
};
enum { N_FIELDS = sizeof fields / sizeof *fields };

/* Weights of a checkpoint, without ".weight" or ".bias"; '#' is the layer. */
static const struct name_pair {
    const char *checkpoint, *gguf;
} names[] = {
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
    {"model.layers.#.input_layernorm", "blk.#.attn_norm"},
    {"model.layers.#.self_attn.q_proj", "blk.#.attn_q"},
    {"model.layers.#.self_attn.k_proj", "blk.#.attn_k"},
    {"model.layers.#.self_attn.v_proj", "blk.#.attn_v"},
    {"model.layers.#.self_attn.o_proj", "blk.#.attn_output"},
    {"model.layers.#.self_attn.q_norm", "blk.#.attn_q_norm"},
    {"model.layers.#.self_attn.k_norm", "blk.#.attn_k_norm"},
    {"model.layers.#.post_attention_layernorm", "blk.#.ffn_norm"},
    {"model.layers.#.mlp.gate_proj", "blk.#.ffn_gate"},
    {"model.layers.#.mlp.up_proj", "blk.#.ffn_up"},
    {"model.layers.#.mlp.down_proj", "blk.#.ffn_down"},
};

/* Config fields that say whether a weight exists. */
static const struct presence {
    const char *weight, *field;
    bool when_present;
} presences[] = {
    {"lm_head.weight", "tie_word_embeddings", false},
    {"model.layers.0.self_attn.q_proj.bias", "attention_bias", true},
};

/* ---- look-ups ----------------------------------------------------------------------------------- */

rg_status load_map_find(const load_map **out, const rg_tensor_file *file, rg_error *err) {
    const char *text = "";
    size_t len = 0;
    rg_tensor_meta_string(file, "general.architecture", &text, &len);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        if (strlen(maps[i].architecture) == len && memcmp(maps[i].architecture, text, len) == 0) {
            *out = &maps[i];
            return RG_OK;
        }
    return rg_fail(err, RG_ERR_UNSUPPORTED, rg_tensor_file_path(file), "llama or qwen3",
                   "general.architecture is \"%.*s\"", len < 100 ? (int)len : 100, text);
}

bool load_map_interleaved(const load_map *map) {
    return map->interleaved;
}

/* Does `name` fit the pattern, but for an ending from its last dot on? The layer goes to *layer. */
static bool fits(const char *pattern, const char *name, const char *end, const char **layer, size_t *digits) {
    for (; *pattern; pattern++) {
        if (*pattern == '#') {
            *layer = name;
            *digits = strspn(name, "0123456789");
            if (*digits == 0) return false;
            name += *digits;
        } else if (name >= end || *name++ != *pattern) {
            return false;
        }
    }
    return name == end;
}

bool load_map_name(const load_map *map, const rg_tensor_file *file, const char *weight, char *buf,
                   size_t size) {
    (void)map;
    if (strcmp(rg_tensor_file_kind(file), "gguf") != 0) /* llama2.c: named as the checkpoint */
        return (size_t)snprintf(buf, size, "%s", weight) < size;
    const char *end = strrchr(weight, '.'), *layer = "";
    size_t digits = 0;
    for (size_t i = 0; end && i < sizeof names / sizeof *names; i++) {
        if (!fits(names[i].checkpoint, weight, end, &layer, &digits)) continue;
        const char *gguf = names[i].gguf, *hash = strchr(gguf, '#');
        const int n = hash ? snprintf(buf, size, "%.*s%.*s%s%s", (int)(hash - gguf), gguf, (int)digits, layer,
                                      hash + 1, end)
                           : snprintf(buf, size, "%s%s", gguf, end);
        return n > 0 && (size_t)n < size;
    }
    return false;
}

/* ---- config ------------------------------------------------------------------------------------- */

typedef struct import {
    const load_map *map;
    const rg_tensor_file *file;
    rg_str *json;
    rg_error *err;
    int64_t head_dim;
} import;

static rg_status fail(const import *m, rg_status status, const char *key, const char *expected,
                      const char *text) {
    char where[256];
    const char *path = rg_tensor_file_path(m->file);
    const size_t n = strlen(path);
    snprintf(where, sizeof where, "%s (%.80s)", path + (n > 150 ? n - 150 : 0), key);
    return rg_fail(m->err, status, where, expected, "%s", text);
}

static void full_key(const import *m, const char *key, char *buf, size_t size) {
    snprintf(buf, size, "%s.%s", m->map->architecture, key);
}

static bool present(const rg_tensor_file *file, const char *key) {
    const char *k;
    for (size_t i = 0; (k = rg_tensor_meta_key(file, i)); i++)
        if (strcmp(k, key) == 0) return true;
    return false;
}

static rg_status check_integer(const import *m, const char *key, int64_t want) {
    int64_t value = 0;
    char text[80], expected[64];
    if (!rg_tensor_meta_int(m->file, key, &value))
        return fail(m, RG_ERR_PARSE, key, "a whole number", "the value is no whole number");
    if (value == want) return RG_OK;
    snprintf(text, sizeof text, "the value is %lld", (long long)value);
    snprintf(expected, sizeof expected, want ? "%lld, as the head has" : "%lld (Ridge does not do it)",
             (long long)want);
    return fail(m, RG_ERR_UNSUPPORTED, key, expected, text);
}

static rg_status import_field(const import *m, const struct field *f) {
    char key[128];
    int64_t integer = 0;
    double real = 0;
    const char *word;
    size_t len;
    full_key(m, f->key, key, sizeof key);
    if (!present(m->file, key))
        return f->needed ? fail(m, RG_ERR_PARSE, key, "this key of the metadata", "the key is missing")
                         : RG_OK;
    switch (f->kind) {
    case INTEGER:
        if (!rg_tensor_meta_int(m->file, key, &integer) || integer < 1 || integer > INT32_MAX)
            return fail(m, RG_ERR_PARSE, key, "a whole number from 1 to 2^31 - 1", "the value is not one");
        rg_str_printf(m->json, ",\n \"%s\": %lld", f->field, (long long)integer);
        return RG_OK;
    case REAL:
        if (!rg_tensor_meta_float(m->file, key, &real) || !isfinite(real) || real <= 0)
            return fail(m, RG_ERR_PARSE, key, "a positive real number", "the value is not one");
        rg_str_printf(m->json, ",\n \"%s\": %.17g", f->field, real);
        return RG_OK;
    case SAME_HEAD_DIM:
        return check_integer(m, key, m->head_dim);
    case ZERO:
        return check_integer(m, key, 0);
    case NONE_WORD:
        if (rg_tensor_meta_string(m->file, key, &word, &len) && len == 4 && memcmp(word, "none", 4) == 0)
            return RG_OK;
        return fail(m, RG_ERR_UNSUPPORTED, key, "none", "a kind of scaling that Ridge does not do");
    }
    return RG_OK;
}

static rg_status refuse_unknown(const import *m) {
    const size_t prefix = strlen(m->map->architecture);
    const char *key;
    for (size_t i = 0; (key = rg_tensor_meta_key(m->file, i)); i++) {
        if (strncmp(key, m->map->architecture, prefix) != 0 || key[prefix] != '.') continue;
        size_t k = 0;
        while (k < N_FIELDS && strcmp(fields[k].key, key + prefix + 1) != 0) k++;
        if (k < N_FIELDS) continue;
        return fail(m, RG_ERR_UNSUPPORTED, key, "a key whose meaning Ridge knows",
                    "unknown metadata: it may change what the model computes");
    }
    return RG_OK;
}

/* What a GGUF file leaves out when it equals something else. */
static rg_status add_defaults(const import *m) {
    char key[128], name[128];
    int64_t heads = 0;
    full_key(m, "attention.head_count_kv", key, sizeof key);
    if (!present(m->file, key)) {
        full_key(m, "attention.head_count", key, sizeof key);
        if (rg_tensor_meta_int(m->file, key, &heads))
            rg_str_printf(m->json, ",\n \"num_key_value_heads\": %lld", (long long)heads);
    }
    full_key(m, "vocab_size", key, sizeof key);
    if (!present(m->file, key)) {
        load_map_name(m->map, m->file, "model.embed_tokens.weight", name, sizeof name);
        const rg_tensor_info *t = rg_tensor_file_find(m->file, name);
        if (!t)
            return fail(m, RG_ERR_PARSE, key, "this key, or the embedding",
                        "the vocabulary's size is missing");
        rg_str_printf(m->json, ",\n \"vocab_size\": %lld", (long long)t->shape[0]);
    }
    for (size_t i = 0; i < sizeof presences / sizeof *presences; i++) {
        if (!load_map_name(m->map, m->file, presences[i].weight, name, sizeof name)) continue;
        const bool found = rg_tensor_file_find(m->file, name) != NULL;
        rg_str_printf(m->json, ",\n \"%s\": %s", presences[i].field,
                      found == presences[i].when_present ? "true" : "false");
    }
    return RG_OK;
}

static int64_t find_head_dim(const import *m) {
    char key[128];
    int64_t width = 0, heads = 0, length = 0;
    full_key(m, "attention.key_length", key, sizeof key);
    if (rg_tensor_meta_int(m->file, key, &length)) return length;
    full_key(m, "embedding_length", key, sizeof key);
    rg_tensor_meta_int(m->file, key, &width);
    full_key(m, "attention.head_count", key, sizeof key);
    rg_tensor_meta_int(m->file, key, &heads);
    return heads > 0 ? width / heads : 0;
}

rg_status load_map_config(const load_map *map, const rg_tensor_file *file, rg_str *json, rg_error *err) {
import m = {.map = map, .file = file, .json = json, .err = err };
    m.head_dim = find_head_dim(&m);
    RG_TRY(refuse_unknown(&m));
    rg_str_printf(json, "{\"model_type\": \"%s\"", map->model_type);
    for (size_t i = 0; i < N_FIELDS; i++) RG_TRY(import_field(&m, &fields[i]));
    RG_TRY(add_defaults(&m));
    rg_str_add(json, "\n}\n");
    return json->failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}
