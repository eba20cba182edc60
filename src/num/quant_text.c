/* FORMAT[@ROUNDING[(options)]]. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/cast.h"
#include "num/format_text.h"

/* Each option of a cast is one of some words, the first of them the default, or a number. */
static const char *const roundings[] = {"rne", "rna", "rz", "ru", "rd", "ro", "sra", "srb", "src", NULL};
static const char *const rules[] = {"floor", "floor1", "ceil", "rceil",  "even",    "rne",  "log",
                                    "rz",    "mse",    "mae",  "4over6", "floor32", "unit", NULL};
static const char *const saturations[] = {"finite", "propagate", "none", "ocp", "clamp", NULL};
static const char *const nans[] = {"canonical", "signed", "quiet", "zero", "negated", "max", NULL};
static const char *const zeros[] = {"keep", "plus", "nan", NULL};
static const char *const negatives[] = {"default", "clamp", "nan", "magnitude", NULL};
static const char *const subnormals[] = {"keep", "flush", "round", "up", NULL};
static const char *const vias[] = {"none", "bf16", "fp16", NULL};
static const char *const specials[] = {"skip", "nan", "max", NULL};
static const char *const applies[] = {"divide", "reciprocal", "reciprocal2", "unclamped", NULL};
static const char *const orders[] = {"direct", "folded", NULL};
static const char *const leasts[] = {"any", "normal", NULL};
static const char *const ranges[] = {"symmetric", "full", NULL};

enum {
    SCALE,
    SAT,
    NAN_,
    ZERO,
    NEGATIVE,
    SUBNORMAL,
    VIA,
    SPECIAL,
    APPLY,
    ORDER,
    LEAST,
    RANGE,
    N_WORD_OPTIONS
};
static const struct {
    const char *key, *expected;
    const char *const *words;
} options[N_WORD_OPTIONS] = {
    {"scale", "scale=floor floor1 ceil rceil even rne log rz mse mae 4over6 floor32 unit", rules},
    {"sat", "sat=finite propagate none ocp clamp", saturations},
    {"nan", "nan=canonical signed quiet zero negated max", nans},
    {"zero", "zero=keep plus nan", zeros},
    {"neg", "neg=default clamp nan magnitude", negatives},
    {"sub", "sub=keep flush round up", subnormals},
    {"via", "via=none bf16 fp16", vias},
    {"special", "special=skip nan max", specials},
    {"apply", "apply=divide reciprocal reciprocal2 unclamped", applies},
    {"order", "order=direct folded", orders},
    {"least", "least=any normal", leasts},
    {"range", "range=symmetric full", ranges},
};

static int find(const char *word, const char *const *words) {
    for (int i = 0; words[i]; i++)
        if (strcmp(word, words[i]) == 0) return i;
    return -1;
}

static void get(const rg_cast *c, int word[N_WORD_OPTIONS]) {
    const int values[N_WORD_OPTIONS] = {(int)c->scale_rule, (int)c->saturation, (int)c->nan,
                                        (int)c->zero,       (int)c->negative,   (int)c->subnormal,
                                        (int)c->via,        (int)c->special,    (int)c->apply,
                                        (int)c->order,      (int)c->least,      (int)c->range};
    memcpy(word, values, sizeof values);
}

static void set(rg_cast *c, const int word[N_WORD_OPTIONS]) {
    c->scale_rule = (rg_scale_rule)word[SCALE];
    c->saturation = (rg_saturation)word[SAT];
    c->nan = (rg_nan_policy)word[NAN_];
    c->zero = (rg_zero_policy)word[ZERO];
    c->negative = (rg_negative_policy)word[NEGATIVE];
    c->subnormal = (rg_subnormal_policy)word[SUBNORMAL];
    c->via = (rg_via)word[VIA];
    c->special = (rg_special_policy)word[SPECIAL];
    c->apply = (rg_apply)word[APPLY];
    c->order = (rg_scale_order)word[ORDER];
    c->least = (rg_least_scale)word[LEAST];
    c->range = (rg_int_range)word[RANGE];
}

/* A rule must mean something for the format it rides on. */
static rg_status check_rule(const rg_format *f, rg_scale_rule rule, const char *text, rg_error *err) {
    const bool four = f->span == RG_SPAN_BLOCK && !f->power_of_two_scale && strcmp(f->elem.name, "e2m1") == 0;
    const bool ratio = f->span != RG_SPAN_NONE && !f->zero_point;
    if (rule == RG_SCALE_UNIT) {
        if (ratio && !f->power_of_two_scale && !f->tensor_scale) return RG_OK;
        return rg_fail(err, RG_ERR_USAGE, "cast", "a format with float scales and none for the tensor",
                       "scale=unit does not apply to %s", text);
    }
    if (rule == RG_SCALE_EVEN && f->elem.kind == RG_ELEM_ORDERED)
        return rg_fail(err, RG_ERR_USAGE, "cast", "floats and integers, which have a mantissa to round to",
                       "scale=even does not apply to %s", text);
    const bool powers = f->span == RG_SPAN_NONE && f->elem.kind == RG_ELEM_FLOAT && !f->elem.has_subnormals;
    if (powers && rule == RG_SCALE_LOG) return RG_OK;
    if (rule == RG_SCALE_4OVER6 ? four : f->power_of_two_scale || (rule == RG_SCALE_RCEIL && ratio))
        return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "cast",
                   rule == RG_SCALE_4OVER6  ? "e2m1 in blocks whose scale is no power of two, such as nvfp4"
                   : rule == RG_SCALE_RCEIL ? "a format with scales and no zero point, such as mxfp4, nvfp4"
                                            : "a format with e8m0 block scales, such as mxfp4",
                   "scale=%s does not apply to %s", rules[rule], text);
}

/* What the options about scales and integers ride on. */
static rg_status check_riders(const rg_format *f, const rg_cast *c, const char *text, rg_error *err) {
    const bool ratio = f->span != RG_SPAN_NONE && !f->zero_point;
    const bool powers = f->power_of_two_scale;
    const struct {
        int word;
        bool good;
        int option;
        const char *expected;
    } riders[] = {
        {(int)c->special, powers, SPECIAL, "a format with e8m0 block scales, such as mxfp4"},
        {(int)c->apply, (c->apply == RG_APPLY_UNCLAMPED ? powers : ratio) && !f->sub_block, APPLY,
         "a format with scales, without zero points and sub-blocks; unclamped: with e8m0 block scales"},
        {(int)c->order, ratio && !powers, ORDER, "a format with float scales, such as nvfp4"},
        {(int)c->least, ratio && !powers, LEAST, "a format with float scales, such as nvfp4"},
        {(int)c->range, f->elem.kind == RG_ELEM_INT && !f->zero_point, RANGE,
         "integers without a zero point"},
    };
    for (size_t i = 0; i < sizeof riders / sizeof *riders; i++)
        if (riders[i].word && !riders[i].good)
            return rg_fail(err, RG_ERR_USAGE, "cast", riders[i].expected, "%s=%s does not apply to %s",
                           options[riders[i].option].key, options[riders[i].option].words[riders[i].word],
                           text);
    return RG_OK;
}

static rg_status check(const rg_quant *q, bool rule_given, rg_error *err) {
    const rg_format *f = &q->format;
    const rg_cast *c = &q->cast;
    char text[RG_QUANT_TEXT];
    rg_format_print(f, text, sizeof text);
    if (rule_given) RG_TRY(check_rule(f, c->scale_rule, text, err));
    RG_TRY(check_riders(f, c, text, err));
    if (f->elem.kind == RG_ELEM_ORDERED && (num_is_stochastic(c) || (c->saturation && !f->elem.has_inf) ||
                                            c->nan || c->zero || c->negative || c->subnormal))
        return rg_fail(
            err, RG_ERR_USAGE, "cast",
            "rne rna rz ru rd ro and via= for formats that are no floats, sat= where they have infinity",
            "the cast does not apply to %s", text);
    return RG_OK;
}

static rg_status parse_options(const num_args *text, rg_quant *q, bool *rule_given, rg_error *err) {
    int word[N_WORD_OPTIONS] = {0};
    unsigned seen = 0;
    const bool stochastic = num_is_stochastic(&q->cast);
    for (int i = 0; i < text->n; i++) {
        const struct num_arg *arg = &text->arg[i];
        char shown[128];
        num_arg_text(arg, shown);
        if (i == 0 && stochastic && !arg->key[0]) {
            if (num_arg_int(arg->value, 1, 32, &q->cast.random_bits)) continue;
            return rg_fail(err, RG_ERR_USAGE, "cast", "1 to 32 random bits: sra(8)", "%s(%s)", text->name,
                           shown);
        }
        int k = 0;
        while (k < N_WORD_OPTIONS && strcmp(arg->key, options[k].key) != 0) k++;
        const bool seed = strcmp(arg->key, "seed") == 0, stream = strcmp(arg->key, "stream") == 0;
        if (seed || stream) k = N_WORD_OPTIONS + stream;
        if ((k >= N_WORD_OPTIONS && !seed && !stream) || (seen >> k & 1))
            return rg_fail(
                err, RG_ERR_USAGE, "cast",
                "scale= sat= nan= zero= neg= sub= via= special= apply= order= least= range= seed= stream=, "
                "each at most once",
                "cannot use \"%s\"", shown);
        seen |= 1u << k;
        if (seed || stream) {
            char *end;
            const uint64_t v = strtoull(arg->value, &end, 10);
            if (*end || arg->value[0] < '0' || arg->value[0] > '9' || !stochastic)
                return rg_fail(err, RG_ERR_USAGE, "cast", "a whole number, for sra srb src alone", "%s",
                               shown);
            *(seed ? &q->cast.seed : &q->cast.stream) = v;
            continue;
        }
        word[k] = find(arg->value, options[k].words);
        if (word[k] < 0)
            return rg_fail(err, RG_ERR_USAGE, "cast", options[k].expected, "unknown \"%s\"", shown);
    }
    set(&q->cast, word);
    *rule_given = seen >> SCALE & 1;
    if (stochastic && !q->cast.random_bits)
        return rg_fail(err, RG_ERR_USAGE, "cast", "the number of random bits: sra(8)", "%s without it",
                       text->name);
    return RG_OK;
}

rg_status rg_quant_parse(const char *text, rg_quant *out, rg_error *err) {
    rg_quant q = {0};
    char format[RG_QUANT_TEXT];
    const char *at = strchr(text, '@');
    const size_t n = at ? (size_t)(at - text) : strlen(text);
    if (n >= sizeof format)
        return rg_fail(err, RG_ERR_USAGE, "format", "at most 511 characters", "\"%.60s...\" is too long",
                       text);
    memcpy(format, text, n);
    format[n] = 0;
    RG_TRY(num_format_parse(format, &q.format, err));
    if (at) {
        num_args args;
        bool rule_given = false;
        RG_TRY(num_args_parse(at + 1, strlen(at + 1), "cast", &args, err));
        const int rounding = find(args.name, roundings);
        if (rounding < 0)
            return rg_fail(err, RG_ERR_USAGE, "cast", "rne rna rz ru rd ro sra(N) srb(N) src(N)",
                           "unknown rounding \"%s\"", args.name);
        q.cast.rounding = (rg_rounding)rounding;
        RG_TRY(parse_options(&args, &q, &rule_given, err));
        RG_TRY(check(&q, rule_given, err));
    }
    *out = q;
    return RG_OK;
}

size_t rg_quant_print(const rg_quant *q, char *buf, size_t size) {
    char format[RG_QUANT_TEXT], cast[RG_QUANT_TEXT];
    const rg_cast *c = &q->cast;
    int word[N_WORD_OPTIONS], n = 0, parts = 0;
    get(c, word);
    rg_format_print(&q->format, format, sizeof format);
    n = snprintf(cast, sizeof cast, "@%s", roundings[c->rounding]);
    if (c->random_bits)
        n += snprintf(cast + n, sizeof cast - (size_t)n, "%s%d", parts++ ? "," : "(", c->random_bits);
    for (int k = 0; k < N_WORD_OPTIONS; k++)
        if (word[k])
            n += snprintf(cast + n, sizeof cast - (size_t)n, "%s%s=%s", parts++ ? "," : "(", options[k].key,
                          options[k].words[word[k]]);
    const uint64_t numbers[] = {c->seed, c->stream};
    for (int k = 0; k < 2; k++)
        if (numbers[k])
            n += snprintf(cast + n, sizeof cast - (size_t)n, "%s%s=%llu", parts++ ? "," : "(",
                          k ? "stream" : "seed", (unsigned long long)numbers[k]);
    if (parts) snprintf(cast + n, sizeof cast - (size_t)n, ")");
    const bool default_cast = !parts && c->rounding == RG_RNE;
    return (size_t)snprintf(buf, size, "%s%s", format, default_cast ? "" : cast);
}

/* Equal in all that the text tells, without writing it: policies are compared operator by operator. */
static bool same_format(const rg_format *a, const rg_format *b) {
    return strcmp(a->elem.name, b->elem.name) == 0 && a->span == b->span &&
           (a->span == RG_SPAN_NONE ||
            (strcmp(a->scale.name, b->scale.name) == 0 && a->block == b->block &&
             a->block_rows == b->block_rows && a->power_of_two_scale == b->power_of_two_scale &&
             a->tensor_scale == b->tensor_scale && a->zero_point == b->zero_point &&
             a->sub_block == b->sub_block && a->shift_bits == b->shift_bits));
}

_Static_assert(sizeof(rg_cast) == 14 * sizeof(int) + 2 * sizeof(uint64_t), "no padding between members");

bool rg_quant_equal(const rg_quant *a, const rg_quant *b) {
    return same_format(&a->format, &b->format) && memcmp(&a->cast, &b->cast, sizeof a->cast) == 0;
}

bool rg_quant_is_identity(const rg_quant *q) {
    return q->format.span == RG_SPAN_NONE && strcmp(q->format.elem.name, "fp32") == 0;
}
