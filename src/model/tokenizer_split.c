/* Cutting text into pieces, stage after stage; tokens never cross a cut. */
#include "model/tokenizer.h"

#include <string.h>

/* ---- pre-tokenizers by name ---------------------------------------------------------------------- */

/* Source: encoder.py of GPT-2. */
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
const char tokenizer_gpt2_cut[] = GPT2;
/* Sources: tokenizer.json of the models. Letters of Qwen3.5 have their marks with them. */
#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define CL100K(letters, sign, digits)                                                                        \
    CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?" letters "|" digits "| ?[^\\s" sign                                 \
                "\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define UPPER "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]"
#define LOWER "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]"
#define O200K(contraction, digits)                                                                           \
    "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" contraction "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER       \
    "*" contraction "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define DEEPSEEK3                                                                                            \
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| "    \
    "?[\\p{P}\\p{S}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/* Cased letters as DeepSeek LLM and V2 list them. */
#define DEEPSEEK_LETTERS                                                                                     \
    "A-Za-z\\x{b5}\\x{c0}-\\x{d6}\\x{d8}-\\x{f6}\\x{f8}-\\x{1ba}\\x{1bc}-\\x{1bf}\\x{1c4}-\\x{293}"          \
    "\\x{295}-\\x{2af}\\x{370}-\\x{373}\\x{376}\\x{377}\\x{37b}-\\x{37d}\\x{37f}\\x{386}"                    \
    "\\x{388}-\\x{38a}\\x{38c}\\x{38e}-\\x{3a1}\\x{3a3}-\\x{3f5}\\x{3f7}-\\x{481}\\x{48a}-\\x{52f}"          \
    "\\x{531}-\\x{556}\\x{10a0}-\\x{10c5}\\x{13a0}-\\x{13f5}\\x{13f8}-\\x{13fd}\\x{1c90}-\\x{1cba}"          \
    "\\x{1cbd}-\\x{1cbf}\\x{1d00}-\\x{1d2b}\\x{1d6b}-\\x{1d77}\\x{1d79}-\\x{1d9a}\\x{1e00}-\\x{1f15}"        \
    "\\x{1f18}-\\x{1f1d}\\x{1f20}-\\x{1f45}\\x{1f48}-\\x{1f4d}\\x{1f50}-\\x{1f57}\\x{1f59}\\x{1f5b}"         \
    "\\x{1f5d}\\x{1f5f}-\\x{1f7d}\\x{1f80}-\\x{1fb4}\\x{1fb6}-\\x{1fbc}\\x{1fbe}\\x{1fc2}-\\x{1fc4}"         \
    "\\x{1fc6}-\\x{1fcc}\\x{1fd0}-\\x{1fd3}\\x{1fd6}-\\x{1fdb}\\x{1fe0}-\\x{1fec}\\x{1ff2}-\\x{1ff4}"        \
    "\\x{1ff6}-\\x{1ffc}\\x{2102}\\x{2107}\\x{210a}-\\x{2113}\\x{2115}\\x{2119}-\\x{211d}\\x{2124}"          \
    "\\x{2126}\\x{2128}\\x{212a}-\\x{212d}\\x{212f}-\\x{2134}\\x{2139}\\x{213c}-\\x{213f}"                   \
    "\\x{2145}-\\x{2149}\\x{214e}\\x{2183}\\x{2184}\\x{2c00}-\\x{2c7b}\\x{2c7e}-\\x{2ce4}"                   \
    "\\x{2ceb}-\\x{2cee}\\x{2cf2}\\x{2cf3}\\x{a640}-\\x{a66d}\\x{a680}-\\x{a69b}\\x{a722}-\\x{a76f}"         \
    "\\x{a771}-\\x{a787}\\x{a78b}-\\x{a78e}\\x{ab70}-\\x{abbf}\\x{fb00}-\\x{fb06}\\x{fb13}-\\x{fb17}"        \
    "\\x{ff21}-\\x{ff3a}\\x{ff41}-\\x{ff5a}\\x{10400}-\\x{1044f}\\x{104b0}-\\x{104d3}"                       \
    "\\x{104d8}-\\x{104fb}\\x{10c80}-\\x{10cb2}\\x{10cc0}-\\x{10cf2}\\x{118a0}-\\x{118df}"                   \
    "\\x{1e900}-\\x{1e943}"
#define DEEPSEEK_CJK "[\\x{4e00}-\\x{9fa5}\\x{0800}-\\x{4e00}\\x{ac00}-\\x{d7ff}]+"

enum { NAMED_STAGES = 6 };

static const struct named {
    const char *name;
    const char *stage[NAMED_STAGES];
    bool whole_pieces, adds_bos; /* BOS: where the file does not say */
} named[] = {
    {"gpt-2", {GPT2}, false, false},
    {"mpt", {GPT2}, false, false},
    {"smollm", {"\\p{N}", GPT2}, false, false}, /* Digits(individual), then ByteLevel */
    {"starcoder", {"\\p{N}", GPT2}, false, false},
    {"refact", {"\\p{N}", GPT2}, false, false},
    {"command-r", {"\\p{N}", GPT2}, false, false},
    {"llama-bpe", {CL100K("\\p{L}+", "\\p{L}", "\\p{N}{1,3}")}, true, true},
    {"llama3", {CL100K("\\p{L}+", "\\p{L}", "\\p{N}{1,3}")}, true, true},
    {"llama-v3", {CL100K("\\p{L}+", "\\p{L}", "\\p{N}{1,3}")}, true, true},
    {"qwen2", {CL100K("\\p{L}+", "\\p{L}", "\\p{N}")}, false, false},
    {"deepseek-r1-qwen", {CL100K("\\p{L}+", "\\p{L}", "\\p{N}")}, false, false},
    {"qwen35", {CL100K("[\\p{L}\\p{M}]+", "\\p{L}\\p{M}", "\\p{N}")}, false, false},
    {"deepseek-llm",
     {"[\\r\\n]", "\\s?[" DEEPSEEK_LETTERS "]+",
      "\\s?[!-/:-~\\x{ff01}-\\x{ff0f}\\x{ff1a}-\\x{ff5e}\\x{2018}-\\x{201f}\\x{3000}-\\x{3002}]+", "\\s+$",
      DEEPSEEK_CJK, "\\p{N}+"},
     false,
     false},
    {"deepseek-coder", {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", DEEPSEEK_CJK, "\\p{N}"}, false, false},
    {"deepseek-v3",
     {"\\p{N}{1,3}", "[\\x{4e00}-\\x{9fa5}\\x{3040}-\\x{309f}\\x{30a0}-\\x{30ff}]+", DEEPSEEK3},
     false,
     false},
    {"gpt-4o", {O200K(CONTRACTION "?", "\\p{N}{1,3}")}, false, false},
    {"tekken", {O200K("", "\\p{N}")}, true, true},
};

rg_status tokenizer_add_stage(rg_tokenizer *t, split_stage stage, const char *where, rg_error *err) {
    if (t->n_stages == TOKENIZER_MAX_STEPS) {
        tokenizer_regex_free(stage.regex);
        return rg_fail(err, RG_ERR_UNSUPPORTED, where, "at most 32", "too many pre-tokenizers");
    }
    t->stage[t->n_stages++] = stage;
    return RG_OK;
}

rg_status tokenizer_add_cut(rg_tokenizer *t, const char *pattern, cut_rule rule, const char *where,
                            rg_error *err) {
    split_stage stage = {.kind = STAGE_CUT, .rule = rule};
    RG_TRY(tokenizer_regex_compile(&stage.regex, pattern, strlen(pattern), false, where, err));
    return tokenizer_add_stage(t, stage, where, err);
}

rg_status split_by_name(rg_tokenizer *t, const char *name, size_t len, const char *where, rg_error *err) {
    for (size_t i = 0; i < sizeof named / sizeof *named; i++) {
        const struct named *p = &named[i];
        if (strlen(p->name) != len || memcmp(p->name, name, len) != 0) continue;
        for (int k = 0; k < NAMED_STAGES && p->stage[k]; k++)
            RG_TRY(tokenizer_add_cut(t, p->stage[k], CUT_ISOLATED, where, err));
        t->whole_pieces = p->whole_pieces;
        t->adds_bos = p->adds_bos;
        return RG_OK;
    }
    return rg_fail(err, RG_ERR_UNSUPPORTED, where, "one that docs/tokenizers.md lists",
                   "unknown pre-tokenizer \"%.*s\"", len < 100 ? (int)len : 100, name);
}

rg_status tokenizer_add_bert_stages(rg_tokenizer *t, const char *where, rg_error *err) {
    RG_TRY(tokenizer_add_cut(t, "\\s+", CUT_REMOVED, where, err));
    return tokenizer_add_cut(t, "[!-/:-@\\[-`{-~\\p{P}]", CUT_ISOLATED, where, err);
}

/* ---- cutting ------------------------------------------------------------------------------------- */

typedef struct splitter {
    const rg_tokenizer *t;
    encoding *e;
    rg_error *err;
} splitter;

/* A piece that may still grow, and where it goes. */
typedef struct pending {
    const char *text;
    size_t stage; /* the next */
    bool first;   /* text is the beginning of everything */
    bool any, is_match;
    size_t start, end;
} pending;

static rg_status cut(splitter *s, size_t stage, const char *piece, size_t n, bool first);

static rg_status flush(splitter *s, pending *p) {
    if (!p->any || p->start == p->end) return RG_OK;
    p->any = false;
    return cut(s, p->stage, p->text + p->start, p->end - p->start, p->first && p->start == 0);
}

/* A match, or what lies between two. */
static rg_status part(splitter *s, const split_stage *stage, pending *p, size_t start, size_t end,
                      bool is_match) {
    is_match ^= stage->invert;
    if (stage->rule == CUT_REMOVED && is_match) return RG_OK;
    const bool joins = p->any && ((stage->rule == CUT_CONTIGUOUS && is_match == p->is_match) ||
                                  (stage->rule == CUT_WITH_PREVIOUS && is_match && !p->is_match) ||
                                  (stage->rule == CUT_WITH_NEXT && !is_match && p->is_match));
    if (joins) {
        p->end = end;
        p->is_match = is_match;
        return RG_OK;
    }
    RG_TRY(flush(s, p));
    p->any = true;
    p->start = start;
    p->end = end;
    p->is_match = is_match;
    return RG_OK;
}

static rg_status cut_by_regex(splitter *s, size_t index, const char *piece, size_t n, bool first) {
    const split_stage *stage = &s->t->stage[index];
    pending p = {.text = piece, .stage = index + 1, .first = first};
    size_t done = 0; /* everything before is in parts */
    for (size_t at = 0; at < n;) {
        bool found;
        size_t start, end;
        RG_TRY(tokenizer_regex_match(stage->regex, &s->e->regex, piece, n, at, &found, &start, &end, s->err));
        if (!found) break;
        if (start > done) RG_TRY(part(s, stage, &p, done, start, false));
        if (end > start) {
            RG_TRY(part(s, stage, &p, start, end, true));
        } else { /* a cut without a character; only where rules let it be one: tokenizer_json_steps.c */
            RG_TRY(flush(s, &p));
        }
        done = end;
        at = end;
        if (end == start) /* on to the next character */
            do at++;
            while (at < n && (piece[at] & 0xc0) == 0x80);
    }
    if (n > done) RG_TRY(part(s, stage, &p, done, n, false));
    return flush(s, &p);
}

/* A stage that makes another text: `prefix` in front, and "from" blanks replaced. */
static rg_status rewrite(splitter *s, size_t index, const char *piece, size_t n, bool first) {
    const split_stage *stage = &s->t->stage[index];
    rg_str *out = &s->e->stage[index];
    out->len = 0;
    if (stage->kind == STAGE_PREFIX) {
        rg_str_add_n(out, stage->text, stage->len);
        rg_str_add_n(out, piece, n);
    } else {
        for (const char *p = piece, *end = piece + n; p < end;) {
            const char *blank = memchr(p, ' ', (size_t)(end - p));
            rg_str_add_n(out, p, (size_t)((blank ? blank : end) - p));
            if (blank) rg_str_add_n(out, stage->text, stage->len);
            p = blank ? blank + 1 : end;
        }
    }
    if (out->failed) return rg_fail(s->err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    return cut(s, index + 1, out->data, out->len, first);
}

static rg_status cut(splitter *s, size_t index, const char *piece, size_t n, bool first) {
    const rg_tokenizer *t = s->t;
    if (n == 0) return RG_OK;
    if (index == t->n_stages) return piece_encode(t, piece, n, s->e, s->err);
    const split_stage *stage = &t->stage[index];
    if (stage->kind == STAGE_CUT) return cut_by_regex(s, index, piece, n, first);
    if (stage->kind == STAGE_PREFIX &&
        ((stage->first_only && !first) || (n >= stage->len && memcmp(piece, stage->text, stage->len) == 0)))
        return cut(s, index + 1, piece, n, first);
    return rewrite(s, index, piece, n, first);
}

rg_status split_encode(const rg_tokenizer *t, const char *text, size_t n, bool first, encoding *e,
                       rg_error *err) {
    return cut(&(splitter){t, e, err}, 0, text, n, first);
}
