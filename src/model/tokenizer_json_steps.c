/* Normalizers and pre-tokenizers of tokenizer.json. */
#include <stdio.h>
#include <string.h>
#include <utf8proc.h>

#include "model/tokenizer_json.h"

#define SIGN "\xe2\x96\x81" /* U+2581, which stands for a blank */

typedef rg_status (*part_reader)(json_reader *r, json_t *o, const char *where);
typedef struct part {
    const char *type, *keys;
    part_reader read;
} part;

/* A member of a sequence, or the one there is. */
static rg_status read_part(json_reader *r, json_t *o, const char *where, const part *parts, size_t n) {
    const char *type;
    RG_TRY(json_get_type(r, o, where, &type));
    for (size_t i = 0; i < n; i++) {
        if (strcmp(parts[i].type, type) != 0) continue;
        char keys[160];
        snprintf(keys, sizeof keys, "type %s", parts[i].keys);
        RG_TRY(json_known_keys(r, o, where, keys));
        return parts[i].read(r, o, where);
    }
    return json_fail(r, RG_ERR_UNSUPPORTED, where, "a type that docs/tokenizers.md lists", "type \"%.60s\"",
                     type);
}

rg_status json_read_sequence(json_reader *r, json_t *o, const char *list, const char *where, int depth,
                             json_part_read *read) {
    char keys[40], place[160];
    snprintf(keys, sizeof keys, "type %s", list);
    RG_TRY(json_known_keys(r, o, where, keys));
    json_t *items = json_object_get(o, list), *item;
    size_t i;
    if (!json_is_array(items)) return json_fail(r, RG_ERR_PARSE, where, "a list", "%s is no list", list);
    if (depth == JSON_MAX_DEPTH)
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "at most 8", "too many sequences in sequences");
    json_array_foreach(items, i, item) {
        snprintf(place, sizeof place, "%.100s.%s[%zu]", where, list, i);
        RG_TRY(read(r, item, place, depth + 1));
    }
    return RG_OK;
}

static bool is_sequence(json_t *o) {
    const char *type = json_string_value(json_object_get(o, "type"));
    return type && strcmp(type, "Sequence") == 0;
}

/* {"String": text} or {"Regex": text} */
static rg_status read_pattern(json_reader *r, json_t *o, const char *where, tokenizer_regex **out,
                              bool *is_blank) {
    json_t *pattern = json_object_get(o, "pattern");
    json_t *literal = json_object_get(pattern, "String"), *regex = json_object_get(pattern, "Regex");
    char place[JSON_PLACE];
    if (json_object_size(pattern) != 1 || !json_is_string(literal ? literal : regex))
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "{\"String\": text} or {\"Regex\": text}", "pattern");
    const char *text = json_string_value(literal ? literal : regex);
    const size_t len = json_string_length(literal ? literal : regex);
    *is_blank = len == 1 && *text == ' ';
    return tokenizer_regex_compile(out, text, len, literal != NULL, json_place(r, where, place), r->err);
}

static rg_status keep(json_reader *r, const char *text, size_t len, const char **out) {
    *out = rg_arena_strndup(&r->t->arena, text, len);
    return *out ? RG_OK : rg_fail(r->err, RG_ERR_MEMORY, r->path, NULL, "out of memory");
}

/* ---- normalizers --------------------------------------------------------------------------------- */

static rg_status add_step(json_reader *r, normal_step step, const char *where) {
    return tokenizer_add_step(r->t, step, where, r->err);
}

static rg_status read_form(json_reader *r, json_t *o, const char *where) {
    const char *type = json_string_value(json_object_get(o, "type"));
    int options = UTF8PROC_STABLE | (strchr(type, 'C') ? UTF8PROC_COMPOSE : UTF8PROC_DECOMPOSE);
    if (strchr(type, 'K')) options |= UTF8PROC_COMPAT;
    return add_step(r, (normal_step){.kind = NORMAL_FORM, .form = options}, where);
}

static rg_status read_lowercase(json_reader *r, json_t *o, const char *where) {
    (void)o;
    return add_step(r, (normal_step){.kind = NORMAL_LOWER}, where);
}

static rg_status read_strip_accents(json_reader *r, json_t *o, const char *where) {
    const uint32_t marks =
        1u << UTF8PROC_CATEGORY_MN | 1u << UTF8PROC_CATEGORY_MC | 1u << UTF8PROC_CATEGORY_ME;
    (void)o;
    return add_step(r, (normal_step){.kind = NORMAL_UNMARK, .categories = marks}, where);
}

static rg_status read_strip(json_reader *r, json_t *o, const char *where) {
    normal_step step = {.kind = NORMAL_TRIM};
    RG_TRY(json_get_bool(r, o, "strip_left", where, &step.left));
    RG_TRY(json_get_bool(r, o, "strip_right", where, &step.right));
    return add_step(r, step, where);
}

static rg_status read_replace(json_reader *r, json_t *o, const char *where) {
    normal_step step = {.kind = NORMAL_REPLACE};
    const char *content;
    bool blank = false;
    RG_TRY(json_get_text(r, o, "content", where, &content, &step.len));
    if (!content) return json_fail(r, RG_ERR_PARSE, where, "a text", "content is missing");
    RG_TRY(keep(r, content, step.len, &step.text));
    RG_TRY(read_pattern(r, o, where, &step.regex, &blank));
    if (tokenizer_regex_matches_empty(step.regex)) {
        tokenizer_regex_free(step.regex);
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "a pattern that matches something",
                         "Replace with a pattern that may match nothing");
    }
    r->escapes |= blank && strcmp(step.text, SIGN) == 0;
    return add_step(r, step, where);
}

static rg_status read_prepend(json_reader *r, json_t *o, const char *where) {
    normal_step step = {.kind = NORMAL_PREPEND};
    const char *text;
    RG_TRY(json_get_text(r, o, "prepend", where, &text, &step.len));
    if (!text) return json_fail(r, RG_ERR_PARSE, where, "a text", "prepend is missing");
    RG_TRY(keep(r, text, step.len, &step.text));
    return add_step(r, step, where);
}

static rg_status read_bert_normalizer(json_reader *r, json_t *o, const char *where) {
    bert_options options = {.clean = true, .ideographs = true, .lower = true};
    RG_TRY(json_get_bool(r, o, "clean_text", where, &options.clean));
    RG_TRY(json_get_bool(r, o, "handle_chinese_chars", where, &options.ideographs));
    RG_TRY(json_get_bool(r, o, "lowercase", where, &options.lower));
    options.unmark = options.lower; /* where strip_accents is null */
    RG_TRY(json_get_bool(r, o, "strip_accents", where, &options.unmark));
    return tokenizer_add_bert_steps(r->t, options, where, r->err);
}

rg_status json_read_normalizer(json_reader *r, json_t *o, const char *where, int depth) {
    static const part parts[] = {
        {"NFC", "", read_form},
        {"NFD", "", read_form},
        {"NFKC", "", read_form},
        {"NFKD", "", read_form},
        {"Lowercase", "", read_lowercase},
        {"StripAccents", "", read_strip_accents},
        {"Strip", "strip_left strip_right", read_strip},
        {"Replace", "pattern content", read_replace},
        {"Prepend", "prepend", read_prepend},
        {"BertNormalizer", "clean_text handle_chinese_chars strip_accents lowercase", read_bert_normalizer},
    };
    if (!o || json_is_null(o)) return RG_OK;
    if (is_sequence(o)) return json_read_sequence(r, o, "normalizers", where, depth, json_read_normalizer);
    return read_part(r, o, where, parts, sizeof parts / sizeof *parts);
}

/* ---- pre-tokenizers ------------------------------------------------------------------------------ */

static rg_status add_cut(json_reader *r, const char *pattern, cut_rule rule, const char *where) {
    return tokenizer_add_cut(r->t, pattern, rule, where, r->err);
}

static rg_status read_behavior(json_reader *r, json_t *o, const char *where, cut_rule *rule) {
    static const char *const names[] = {"Isolated", "Removed", "Contiguous", "MergedWithPrevious",
                                        "MergedWithNext"};
    const char *name;
    size_t len;
    RG_TRY(json_get_text(r, o, "behavior", where, &name, &len));
    if (!name) return RG_OK;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0) {
            *rule = (cut_rule)i;
            return RG_OK;
        }
    return json_fail(r, RG_ERR_UNSUPPORTED, where,
                     "Isolated, Removed, Contiguous, MergedWithPrevious or MergedWithNext",
                     "behavior \"%.60s\"", name);
}

static rg_status read_split(json_reader *r, json_t *o, const char *where) {
    split_stage stage = {.kind = STAGE_CUT};
    bool blank;
    if (!json_is_string(json_object_get(o, "behavior")))
        return json_fail(r, RG_ERR_PARSE, where, "a behavior", "the behavior is missing");
    RG_TRY(read_behavior(r, o, where, &stage.rule));
    RG_TRY(json_get_bool(r, o, "invert", where, &stage.invert));
    RG_TRY(read_pattern(r, o, where, &stage.regex, &blank));
    if (tokenizer_regex_matches_empty(stage.regex) &&
        (stage.invert || (stage.rule != CUT_ISOLATED && stage.rule != CUT_REMOVED))) {
        tokenizer_regex_free(stage.regex);
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "Isolated or Removed, not inverted",
                         "a pattern that may match nothing with this behavior");
    }
    return tokenizer_add_stage(r->t, stage, where, r->err);
}

static rg_status read_byte_level(json_reader *r, json_t *o, const char *where) {
    bool prefix = true, regex = true;
    RG_TRY(json_get_bool(r, o, "add_prefix_space", where, &prefix));
    RG_TRY(json_get_bool(r, o, "use_regex", where, &regex));
    const split_stage stage = {.kind = STAGE_PREFIX, .text = " ", .len = 1};
    if (prefix) RG_TRY(tokenizer_add_stage(r->t, stage, where, r->err));
    r->byte_level = true;
    return regex ? add_cut(r, tokenizer_gpt2_cut, CUT_ISOLATED, where) : RG_OK;
}

static rg_status read_digits(json_reader *r, json_t *o, const char *where) {
    bool individual = false;
    RG_TRY(json_get_bool(r, o, "individual_digits", where, &individual));
    return add_cut(r, "\\p{N}", individual ? CUT_ISOLATED : CUT_CONTIGUOUS, where);
}

static rg_status read_whitespace(json_reader *r, json_t *o, const char *where) {
    /* \w of Rust's regular expressions: alphabetic characters, marks, digits, connectors, joiners. */
#define WORD                                                                                                 \
    "\\p{L}\\p{M}\\p{Nd}\\p{Nl}\\p{Pc}\\x{200c}\\x{200d}\\x{24b6}-\\x{24e9}\\x{1f130}-\\x{1f149}\\x{1f150}-" \
    "\\x{1f169}"                                                                                             \
    "\\x{1f170}-\\x{1f189}"
    (void)o;
    RG_TRY(add_cut(r, "[" WORD "]+|[^" WORD "\\s]+", CUT_REMOVED, where));
    r->t->stage[r->t->n_stages - 1].invert = true;
    return RG_OK;
}

static rg_status read_whitespace_split(json_reader *r, json_t *o, const char *where) {
    (void)o;
    return add_cut(r, "\\s", CUT_REMOVED, where);
}

static rg_status read_punctuation(json_reader *r, json_t *o, const char *where) {
    cut_rule rule = CUT_ISOLATED;
    RG_TRY(read_behavior(r, o, where, &rule));
    return add_cut(r, "[!-/:-@\\[-`{-~\\p{P}]", rule, where);
}

static rg_status read_bert(json_reader *r, json_t *o, const char *where) {
    (void)o;
    return tokenizer_add_bert_stages(r->t, where, r->err);
}

/* "always", "first", "never"; older files have add_prefix_space. */
static rg_status read_metaspace(json_reader *r, json_t *o, const char *where) {
    const char *sign, *scheme;
    size_t len;
    bool prefix = true, split = true;
    RG_TRY(json_get_text(r, o, "replacement", where, &sign, &len));
    RG_TRY(json_get_text(r, o, "prepend_scheme", where, &scheme, &len));
    RG_TRY(json_get_bool(r, o, "add_prefix_space", where, &prefix));
    RG_TRY(json_get_bool(r, o, "split", where, &split));
    if (!sign || strcmp(sign, SIGN) != 0)
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "U+2581", "replacement \"%.20s\"", sign ? sign : "");
    const bool first = scheme && strcmp(scheme, "first") == 0, never = scheme && strcmp(scheme, "never") == 0;
    if (scheme && !first && !never && strcmp(scheme, "always") != 0)
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "always, first or never", "prepend_scheme \"%.20s\"",
                         scheme);
    for (size_t i = 0; first && i < r->t->n_steps; i++)
        if (r->t->step[i].kind == NORMAL_TRIM || r->t->step[i].kind == NORMAL_CLEAN)
            return json_fail(r, RG_ERR_UNSUPPORTED, where, "always or never",
                             "prepend_scheme first after a normalizer that may take the first character");
    const split_stage blanks = {.kind = STAGE_BLANKS, .text = SIGN, .len = 3};
    const split_stage front = {.kind = STAGE_PREFIX, .text = SIGN, .len = 3, .first_only = first};
    RG_TRY(tokenizer_add_stage(r->t, blanks, where, r->err));
    if (prefix && !never) RG_TRY(tokenizer_add_stage(r->t, front, where, r->err));
    r->escapes = true;
    return split ? add_cut(r, SIGN, CUT_WITH_NEXT, where) : RG_OK;
}

static rg_status read_delimiter(json_reader *r, json_t *o, const char *where) {
    split_stage stage = {.kind = STAGE_CUT, .rule = CUT_REMOVED};
    const char *text;
    size_t len;
    RG_TRY(json_get_text(r, o, "delimiter", where, &text, &len));
    if (!text) return json_fail(r, RG_ERR_PARSE, where, "a character", "the delimiter is missing");
    RG_TRY(tokenizer_regex_compile(&stage.regex, text, len, true, where, r->err));
    return tokenizer_add_stage(r->t, stage, where, r->err);
}

rg_status json_read_pretokenizer(json_reader *r, json_t *o, const char *where, int depth) {
    static const part parts[] = {
        {"ByteLevel", "add_prefix_space trim_offsets use_regex", read_byte_level},
        {"Split", "pattern behavior invert", read_split},
        {"Digits", "individual_digits", read_digits},
        {"Whitespace", "", read_whitespace},
        {"WhitespaceSplit", "", read_whitespace_split},
        {"Punctuation", "behavior", read_punctuation},
        {"Metaspace", "replacement prepend_scheme add_prefix_space split str_rep", read_metaspace},
        {"BertPreTokenizer", "", read_bert},
        {"CharDelimiterSplit", "delimiter", read_delimiter},
    };
    if (!o || json_is_null(o)) return RG_OK;
    if (is_sequence(o))
        return json_read_sequence(r, o, "pretokenizers", where, depth, json_read_pretokenizer);
    if (r->byte_level)
        return json_fail(r, RG_ERR_UNSUPPORTED, where, "ByteLevel as the last one",
                         "a pre-tokenizer after ByteLevel, which works on bytes");
    return read_part(r, o, where, parts, sizeof parts / sizeof *parts);
}
