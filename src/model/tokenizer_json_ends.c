/* What tokenizer.json and tokenizer_config.json put around a text: BOS and EOS, or [CLS] and [SEP]. */
#include <string.h>

#include "model/tokenizer_json.h"

static rg_status set_end(json_reader *r, bool front, json_int_t id, const char *where) {
    rg_tokenizer *t = r->t;
    if (id < 0 || id >= t->vocab_size)
        return json_fail(r, RG_ERR_PARSE, where, "an id of the vocabulary", "token id %lld", (long long)id);
    if (front ? t->adds_bos : t->adds_eos)
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "at most one", "several tokens %s a text",
                         front ? "in front of" : "behind");
    if (front) {
        t->bos = (int32_t)id;
        t->adds_bos = true;
    } else {
        t->eos = (int32_t)id;
        t->adds_eos = true;
    }
    return RG_OK;
}

/* "single": special tokens before and behind the sequence A. */
static rg_status read_template(json_reader *r, json_t *o, const char *where) {
    RG_TRY(json_known_keys(r, o, where, "type single pair special_tokens"));
    json_t *single = json_object_get(o, "single"), *tokens = json_object_get(o, "special_tokens"), *item;
    size_t i;
    bool front = true;
    json_array_foreach(single, i, item) {
        json_t *special = json_object_get(item, "SpecialToken");
        if (json_object_get(item, "Sequence")) {
            if (!front)
                return json_fail(r, RG_ERR_UNSUPPORTED, where, "one", "several sequences in \"single\"");
            front = false;
            continue;
        }
        const char *name = json_string_value(json_object_get(special, "id"));
        json_t *ids = json_object_get(json_object_get(tokens, name ? name : ""), "ids");
        if (json_array_size(ids) != 1 || !json_is_integer(json_array_get(ids, 0)))
            return json_fail(r, RG_ERR_UNSUPPORTED, where, "special tokens of one id each",
                             "a template with \"%.60s\"", name ? name : "");
        RG_TRY(set_end(r, front, json_integer_value(json_array_get(ids, 0)), where));
    }
    return front ? json_fail(r, RG_ERR_PARSE, where, "a sequence in \"single\"", "a template without text")
                 : RG_OK;
}

/* "cls" and "sep": [text, id]. */
static rg_status read_pair(json_reader *r, json_t *o, const char *where) {
    RG_TRY(json_known_keys(r, o, where, "type sep cls trim_offsets add_prefix_space"));
    for (int back = 0; back < 2; back++) {
        json_t *id = json_array_get(json_object_get(o, back ? "sep" : "cls"), 1);
        if (!json_is_integer(id))
            return json_fail(r, RG_ERR_PARSE, where, "[text, id]", "%s", back ? "sep" : "cls");
        RG_TRY(set_end(r, !back, json_integer_value(id), where));
    }
    return RG_OK;
}

rg_status json_read_postprocessor(json_reader *r, json_t *o, const char *where, int depth) {
    const char *type;
    if (!o || json_is_null(o)) return RG_OK;
    RG_TRY(json_get_type(r, o, where, &type));
    if (strcmp(type, "ByteLevel") == 0) /* moves offsets only */
        return json_known_keys(r, o, where, "type add_prefix_space trim_offsets use_regex");
    if (strcmp(type, "TemplateProcessing") == 0) return read_template(r, o, where);
    if (strcmp(type, "RobertaProcessing") == 0 || strcmp(type, "BertProcessing") == 0)
        return read_pair(r, o, where);
    if (strcmp(type, "Sequence") == 0)
        return json_read_sequence(r, o, "processors", where, depth, json_read_postprocessor);
    return json_fail(r, RG_ERR_UNSUPPORTED, where, "a type that docs/tokenizers.md lists", "type \"%.60s\"",
                     type);
}

/* ---- tokenizer_config.json ----------------------------------------------------------------------- */

/* A name, or an object with one; untouched where there is none or no such token. */
static void named_token(const json_reader *r, json_t *config, const char *key, int32_t *out) {
    json_t *name = json_object_get(config, key);
    if (json_is_object(name)) name = json_object_get(name, "content");
    if (!json_is_string(name)) return;
    const int32_t id = json_token_id(r, json_string_value(name), json_string_length(name));
    if (id >= 0) *out = id;
}

rg_status json_read_config(json_reader *r, const char *text, size_t size) {
    json_error_t at;
    rg_tokenizer *t = r->t;
    json_t *config = json_loadb(text, size, JSON_ALLOW_NUL, &at);
    if (!json_is_object(config)) {
        json_decref(config);
        return json_fail(r, RG_ERR_PARSE, "tokenizer_config.json", "a JSON object", "line %d: %.100s",
                         at.line, at.text);
    }
    /* Classes made for SentencePiece put their own tokens around a text, whatever tokenizer.json says. */
    const char *class = json_string_value(json_object_get(config, "tokenizer_class"));
    const bool own = class && (strstr(class, "Llama") || strstr(class, "Gemma"));
    json_t *bos = json_object_get(config, "add_bos_token"), *eos = json_object_get(config, "add_eos_token");
    if (!t->adds_bos) named_token(r, config, "bos_token", &t->bos);
    if (!t->adds_eos) named_token(r, config, "eos_token", &t->eos);
    if (json_is_true(bos) && t->bos >= 0) t->adds_bos = true;
    if (json_is_true(eos) && t->eos >= 0) t->adds_eos = true;
    if (json_is_false(bos) && own) t->adds_bos = false;
    if (json_is_false(eos) && own) t->adds_eos = false;
    json_decref(config);
    return RG_OK;
}
