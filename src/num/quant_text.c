/* FORMAT[@ROUNDING[(options)]]. */
#include <stdio.h>
#include <string.h>

#include "num/format_text.h"

static const char *const roundings[RG_N_ROUNDINGS] = {"rne", "rna", "rz", "ru", "rd", "ro"};
static const char *const rules[RG_N_SCALE_RULES] = {"floor", "floor1", "ceil", "rceil", "even",  "rne",
                                                    "log",   "rz",     "mse",  "mae",   "4over6"};
static const char *const saturations[RG_N_SATURATIONS] = {"finite", "propagate", "none", "ocp"};

static int find(const char *word, const char *const *words, int n) {
    for (int i = 0; i < n; i++)
        if (strcmp(word, words[i]) == 0) return i;
    return -1;
}

/* A rule must mean something for the format it rides on. */
static rg_status check_rule(const rg_quant *q, rg_error *err) {
    const rg_format *f = &q->format;
    const rg_scale_rule rule = q->cast.scale_rule;
    const bool four = f->span == RG_SPAN_BLOCK && !f->power_of_two_scale && !f->zero_point &&
                      strcmp(f->elem.name, "e2m1") == 0;
    if (rule == RG_SCALE_FLOOR || (rule == RG_SCALE_4OVER6 ? four : f->power_of_two_scale)) return RG_OK;
    char text[RG_QUANT_TEXT];
    rg_format_print(f, text, sizeof text);
    return rg_fail(err, RG_ERR_USAGE, "cast",
                   rule == RG_SCALE_4OVER6 ? "e2m1 in blocks whose scale is no power of two, such as nvfp4"
                                           : "a format with e8m0 block scales, such as mxfp4",
                   "scale=%s does not apply to %s", rules[rule], text);
}

static rg_status parse_cast(const num_args *text, rg_quant *q, rg_error *err) {
    const int rounding = find(text->name, roundings, RG_N_ROUNDINGS);
    if (rounding < 0)
        return rg_fail(err, RG_ERR_USAGE, "cast", "rne rna rz ru rd ro", "unknown rounding \"%s\"",
                       text->name);
    q->cast.rounding = (rg_rounding)rounding;
    bool seen[2] = {false, false};
    for (int i = 0; i < text->n; i++) {
        const struct num_arg *arg = &text->arg[i];
        char shown[64];
        const bool scale = strcmp(arg->key, "scale") == 0, sat = strcmp(arg->key, "sat") == 0;
        if ((!scale && !sat) || seen[sat])
            return rg_fail(err, RG_ERR_USAGE, "cast", "scale=RULE and sat=WORD, each at most once",
                           "cannot use \"%s\"", num_arg_text(arg, shown));
        seen[sat] = true;
        const int k = scale ? find(arg->value, rules, RG_N_SCALE_RULES)
                            : find(arg->value, saturations, RG_N_SATURATIONS);
        if (k < 0)
            return rg_fail(err, RG_ERR_USAGE, "cast",
                           scale ? "scale=floor floor1 ceil rceil even rne log rz mse mae 4over6"
                                 : "sat=finite propagate none ocp",
                           "unknown \"%s\"", num_arg_text(arg, shown));
        if (scale) q->cast.scale_rule = (rg_scale_rule)k;
        if (sat) q->cast.saturation = (rg_saturation)k;
    }
    if (seen[0] && q->cast.scale_rule == RG_SCALE_FLOOR && !q->format.power_of_two_scale)
        return rg_fail(err, RG_ERR_USAGE, "cast", "a format with e8m0 block scales, such as mxfp4",
                       "scale=floor does not apply here");
    return check_rule(q, err);
}

rg_status rg_quant_parse(const char *text, rg_quant *out, rg_error *err) {
    const char *at = strchr(text, '@');
    const size_t n = at ? (size_t)(at - text) : strlen(text);
    rg_quant q = {0};
    num_args args;
    RG_TRY(num_args_parse(text, n, "format", &args, err));
    RG_TRY(num_format_parse(&args, &q.format, err));
    if (at) {
        RG_TRY(num_args_parse(at + 1, strlen(at + 1), "cast", &args, err));
        RG_TRY(parse_cast(&args, &q, err));
    }
    *out = q;
    return RG_OK;
}

size_t rg_quant_print(const rg_quant *q, char *buf, size_t size) {
    char format[RG_QUANT_TEXT], cast[64] = "";
    rg_format_print(&q->format, format, sizeof format);
    const bool rule = q->cast.scale_rule != RG_SCALE_FLOOR, sat = q->cast.saturation != RG_SAT_FINITE;
    if (rule || sat)
        snprintf(cast, sizeof cast, "@%s(%s%s%s%s%s)", roundings[q->cast.rounding], rule ? "scale=" : "",
                 rule ? rules[q->cast.scale_rule] : "", rule && sat ? "," : "", sat ? "sat=" : "",
                 sat ? saturations[q->cast.saturation] : "");
    else if (q->cast.rounding != RG_RNE)
        snprintf(cast, sizeof cast, "@%s", roundings[q->cast.rounding]);
    return (size_t)snprintf(buf, size, "%s%s", format, cast);
}

bool rg_quant_equal(const rg_quant *a, const rg_quant *b) {
    char x[RG_QUANT_TEXT], y[RG_QUANT_TEXT];
    rg_quant_print(a, x, sizeof x);
    rg_quant_print(b, y, sizeof y);
    return strcmp(x, y) == 0;
}

bool rg_quant_is_identity(const rg_quant *q) {
    return q->format.span == RG_SPAN_NONE && strcmp(q->format.elem.name, "fp32") == 0;
}
