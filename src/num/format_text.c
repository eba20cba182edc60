/* Formats: text to object and back, and the names that stand for longer texts. */
#include "num/format_text.h"

#include <stdio.h>
#include <string.h>

#include "num/elem_text.h"
#include "num/ordered.h"

enum { MAX_BLOCK = 1 << 20 };
static const char known[] =
    "a name of ridge num list, FLOAT(scale=tensor|row), intB(sym|asym,tensor|row|group=N,scale=S), "
    "mx(E,N,S), scaled(E,tensor|row|group=N,scale=S), binaryKpP(s|u)(e|f), float(...), posit(N,ES), "
    "takum(N,linear|log), lns(N,GAMMA), book(V,...)";

/* Names for texts: parsing replaces, printing puts back. */
static const struct {
    const char *name, *text, *summary;
} presets[] = {
    {"fp32", NULL, "IEEE 754 binary32: the reference, never rounded"},
    {"tf32", NULL, "fp32 with 10 bits of mantissa, stored in 32 bits"},
    {"bf16", NULL, "upper half of fp32"},
    {"fp16", NULL, "IEEE 754 binary16"},
    {"e5m2", NULL, "OCP 8-bit float, range of fp16, infinities"},
    {"e4m3fn", NULL, "OCP 8-bit float, largest value 448, no infinity"},
    {"e3m2", NULL, "OCP MX 6-bit float, largest value 28"},
    {"e2m3", NULL, "OCP MX 6-bit float, largest value 7.5"},
    {"e2m1", NULL, "OCP MX 4-bit float: 0 0.5 1 1.5 2 3 4 6"},
    {"e8m0", NULL, "OCP MX scale: powers of two"},
    {"ue4m3", NULL, "scale of nvfp4: e4m3fn without a sign, 7 bits"},
    {"e4m3", NULL, "IEEE-style 8-bit float, largest value 240, infinities"},
    {"e3m4", NULL, "IEEE-style 8-bit float, largest value 15.5, infinities"},
    {"e3m4fn", NULL, "8-bit float, largest value 30, no infinity"},
    {"e4m3fnuz", NULL, "8-bit float, largest value 240, NaN in the place of -0"},
    {"e5m2fnuz", NULL, "8-bit float, largest value 57344, NaN in the place of -0"},
    {"e4m3b11fnuz", NULL, "8-bit float, bias 11, largest value 30, NaN in the place of -0"},
    {"e1m2", NULL, "4-bit float: multiples of 1/4 up to 1.75"},
    {"binary8p1se", NULL, "P3109 v4.0: 8 bits, precision 1, signed, infinities; any binaryKpP(s|u)(e|f)"},
    {"binary8p2se", NULL, "P3109 v4.0: 8 bits, precision 2, signed, infinities"},
    {"binary8p3se", NULL, "P3109 v4.0: 8 bits, precision 3, signed, infinities"},
    {"binary8p4se", NULL, "P3109 v4.0: 8 bits, precision 4, signed, infinities"},
    {"binary8p5se", NULL, "P3109 v4.0: 8 bits, precision 5, signed, infinities"},
    {"posit(8,2)", NULL, "posit standard 2022; any posit(BITS,ES)"},
    {"posit(16,2)", NULL, "posit standard 2022"},
    {"posit(32,2)", NULL, "posit standard 2022"},
    {"takum(8,linear)", NULL, "takum, arXiv 2404.18603, as in libtakum 1.0.1; any takum(BITS,linear|log)"},
    {"takum(16,linear)", NULL, "takum, arXiv 2404.18603, as in libtakum 1.0.1"},
    {"takum(8,log)", NULL, "logarithmic takum, arXiv 2404.18603, as in libtakum 1.0.1"},
    {"takum(16,log)", NULL, "logarithmic takum, arXiv 2404.18603, as in libtakum 1.0.1"},
    {"lns(8,8)", NULL,
     "sign and 2^(k/8); shape of LNS-Madam, its rules for zero not looked up; any lns(BITS,GAMMA)"},
    {"hif8", NULL,
     "HiFloat8, arXiv 2409.16626, as in en_dtypes 0.0.4: tapered, largest value 32768, infinities"},
    {"nf4", NULL, "code book of 16 normal quantiles (QLoRA); nf4(group=64,scale=fp32) as used"},
    {"fp4bnb", NULL, "FP4 of bitsandbytes: 0 1/192 1/6 1/4 1/3 1/2 2/3 1"},
    {"af4", NULL, "AbnormalFloat4 for blocks of 64, as in bitsandbytes"},
    {"int8", "int8(sym,row,scale=fp32)", "symmetric, one fp32 scale per output channel or token"},
    {"int7", "int7(sym,group=32,scale=fp16)", "symmetric, fp16 scale per 32 elements"},
    {"int6", "int6(sym,group=32,scale=fp16)", "symmetric, fp16 scale per 32 elements"},
    {"int5", "int5(sym,group=32,scale=fp16)", "symmetric, fp16 scale per 32 elements"},
    {"int4", "int4(sym,group=32,scale=fp16)", "symmetric, fp16 scale per 32 elements"},
    {"int3", "int3(sym,group=32,scale=fp16)", "symmetric, fp16 scale per 32 elements"},
    {"int2", "int2(sym,group=32,scale=fp16)", "symmetric, fp16 scale per 32 elements"},
    {"mxfp8", "mx(e4m3fn,32,e8m0)", "OCP MX: e4m3fn in blocks of 32, power-of-two scale"},
    {"mxfp6", "mx(e2m3,32,e8m0)", "OCP MX: e2m3 in blocks of 32, power-of-two scale"},
    {"mxfp4", "mx(e2m1,32,e8m0)", "OCP MX: e2m1 in blocks of 32, power-of-two scale"},
    {"mxint8", "mx(int8,32,e8m0)", "OCP MX: int8 in blocks of 32, power-of-two scale"},
    {"smx9", "mx(int8,16,e8m0,sub=2)",
     "MX9 of shared microexponents, as in AMD Quark 0.13: 9 bits per element"},
    {"smx6", "mx(int5,16,e8m0,sub=2)",
     "MX6 of shared microexponents, as in AMD Quark 0.13: 6 bits per element"},
    {"smx4", "mx(int3,16,e8m0,sub=2)",
     "MX4 of shared microexponents, layout as in AMD TensorCast: 4 bits per element"},
    {"msfp12", "mx(int4,16,e8m0)", "Microsoft floating point: sign and 3 bits, 8-bit exponent per 16"},
    {"msfp13", "mx(int5,16,e8m0)", "Microsoft floating point: sign and 4 bits, 8-bit exponent per 16"},
    {"msfp14", "mx(int6,16,e8m0)", "Microsoft floating point: sign and 5 bits, 8-bit exponent per 16"},
    {"msfp15", "mx(int7,16,e8m0)", "Microsoft floating point: sign and 6 bits, 8-bit exponent per 16"},
    {"msfp16", "mx(int8,16,e8m0)", "Microsoft floating point: sign and 7 bits, 8-bit exponent per 16"},
    {"nvfp4", "mx(e2m1,16,e4m3fn,tensor)", "e2m1 in blocks of 16, e4m3fn block scale, fp32 tensor scale"},
};
enum { N_PRESETS = sizeof presets / sizeof *presets };

const char *rg_format_preset(size_t i, const char **summary) {
    if (i >= N_PRESETS) return NULL;
    if (summary) *summary = presets[i].summary;
    return presets[i].name;
}

static rg_status wrong(const struct num_arg *arg, const char *form, const char *expected, rg_error *err) {
    char text[128];
    return rg_fail(err, RG_ERR_USAGE, "format", expected, "%s cannot have \"%s\"", form,
                   num_arg_text(arg, text));
}

/* An element inside another form. */
static rg_status parse_elem(const struct num_arg *arg, const char *form, const char *expected, rg_elem *out,
                            rg_error *err) {
    rg_status status = RG_OK;
    if (arg->key[0] || !elem_parse(arg->value, out, &status, err)) {
        if (!arg->key[0]) RG_TRY(elem_explain(arg->value, err));
        return wrong(arg, form, expected, err);
    }
    return status;
}

/* A scale must have room for what it scales: a float of both signs' positive half, with subnormals. */
static rg_status parse_scale(const struct num_arg *arg, rg_format *f, rg_error *err) {
    rg_elem e;
    rg_status status = RG_OK;
    const bool known_elem = elem_parse(arg->value, &e, &status, err);
    RG_TRY(status);
    if (!known_elem || e.kind != RG_ELEM_FLOAT || strcmp(e.name, "tf32") == 0 || !e.has_subnormals ||
        rg_elem_max(&e) < 1)
        return wrong(arg, "a scale", "a float whose range holds 1, such as fp32, bf16, fp16 or e4m3fn", err);
    f->scale = e;
    return RG_OK;
}

/* tensor, row, group=N. */
static bool is_span(const struct num_arg *arg) {
    return arg->key[0] ? strcmp(arg->key, "group") == 0
                       : strcmp(arg->value, "tensor") == 0 || strcmp(arg->value, "row") == 0;
}

/* "32" or "4x32": rows, columns. */
static bool parse_block(const char *text, rg_format *f) {
    char rows[32];
    const char *x = strchr(text, 'x');
    f->block_rows = 1;
    if (!x) return num_arg_int(text, 1, MAX_BLOCK, &f->block);
    if ((size_t)(x - text) >= sizeof rows) return false;
    memcpy(rows, text, (size_t)(x - text));
    rows[x - text] = 0;
    return num_arg_int(rows, 1, MAX_BLOCK, &f->block_rows) && num_arg_int(x + 1, 1, MAX_BLOCK, &f->block);
}

static rg_status parse_span(const struct num_arg *arg, const char *form, rg_format *f, rg_error *err) {
    f->span = arg->key[0] ? RG_SPAN_BLOCK : arg->value[0] == 't' ? RG_SPAN_TENSOR : RG_SPAN_ROW;
    if (arg->key[0] && !parse_block(arg->value, f))
        return wrong(arg, form, "group=N or group=RxN, 1 to 1048576 each", err);
    return RG_OK;
}

/* SPAN and scale=S, for integers also asym, or sym, which is the default; from argument `first` on. */
static rg_status parse_scaled(const num_args *text, int first, rg_format *f, rg_error *err) {
    const bool is_int = f->elem.kind == RG_ELEM_INT;
    bool has_kind = !is_int, has_span = false, has_scale = false;
    elem_find("fp32", &f->scale);
    for (int i = first; i < text->n; i++) {
        const struct num_arg *arg = &text->arg[i];
        const bool kind = !arg->key[0] && (strcmp(arg->value, "sym") == 0 || strcmp(arg->value, "asym") == 0);
        if (kind && !has_kind) {
            f->zero_point = arg->value[0] == 'a';
            has_kind = true;
        } else if (is_span(arg) && !has_span) {
            RG_TRY(parse_span(arg, text->name, f, err));
            has_span = true;
        } else if (strcmp(arg->key, "scale") == 0 && !has_scale) {
            RG_TRY(parse_scale(arg, f, err));
            has_scale = true;
        } else {
            return wrong(arg, text->name,
                         is_int ? "sym or asym, one of tensor row group=N, scale=S, each once"
                                : "one of tensor row group=N, scale=S, each once",
                         err);
        }
    }
    if (is_int && f->zero_point && f->elem.bits > 8)
        return rg_fail(err, RG_ERR_USAGE, "format", "asym with int2 to int8", "%s(asym,...)", text->name);
    if (!has_span)
        return rg_fail(err, RG_ERR_USAGE, "format",
                       is_int ? "intB(sym|asym,tensor|row|group=N,scale=S)" : "tensor, row or group=N",
                       "%s(...) does not say what a scale spans", text->name);
    return RG_OK;
}

/* What follows mx(E,N,S: tensor, or sub=K and shift=B. */
static rg_status parse_mx_more(const num_args *text, rg_format *f, rg_error *err) {
    for (int i = 3; i < text->n; i++) {
        const struct num_arg *arg = &text->arg[i];
        if (strcmp(arg->key, "sub") == 0 && !f->sub_block && f->power_of_two_scale) {
            if (!num_arg_int(arg->value, 1, f->block, &f->sub_block))
                return wrong(arg, "mx", "sub=K, 1 to the elements of a block", err);
        } else if (strcmp(arg->key, "shift") == 0 && !f->shift_bits && f->sub_block) {
            if (!num_arg_int(arg->value, 1, 4, &f->shift_bits))
                return wrong(arg, "mx", "shift=B, 1 to 4 bits for each sub-block", err);
        } else if (!arg->key[0] && strcmp(arg->value, "tensor") == 0 && !f->tensor_scale &&
                   !f->power_of_two_scale && f->scale.bits <= 16) {
            f->tensor_scale = true;
        } else {
            return wrong(
                arg, "mx",
                "tensor, for an fp32 scale above block scales of 16 bits or fewer; with e8m0 sub=K, then "
                "perhaps shift=B",
                err);
        }
    }
    if (f->sub_block && !f->shift_bits) f->shift_bits = 1;
    return RG_OK;
}

static rg_status parse_mx(const num_args *text, rg_format *f, rg_error *err) {
    static const char form[] =
        "mx(E,N,S) or mx(E,RxN,S): E an element of 16 bits or fewer, N elements (R rows) "
        "per block, S e8m0 or a float; mx(E,N,S,tensor), mx(E,N,e8m0,sub=K[,shift=B])";
    for (int i = 0; i < text->n && i < 3; i++)
        if (text->arg[i].key[0]) return wrong(&text->arg[i], "mx", form, err);
    if (text->n < 3) return rg_fail(err, RG_ERR_USAGE, "format", form, "mx has %d arguments", text->n);
    RG_TRY(parse_elem(&text->arg[0], "mx", form, &f->elem, err));
    if (f->elem.bits > 16 || (f->elem.kind == RG_ELEM_FLOAT && !f->elem.has_subnormals))
        return wrong(&text->arg[0], "mx", form, err);
    if (!parse_block(text->arg[1].value, f))
        return wrong(&text->arg[1], "mx", "N or RxN, 1 to 1048576 each", err);
    f->span = RG_SPAN_BLOCK;
    f->power_of_two_scale = strcmp(text->arg[2].value, "e8m0") == 0;
    if (f->power_of_two_scale)
        elem_find("e8m0", &f->scale);
    else
        RG_TRY(parse_scale(&text->arg[2], f, err));
    return parse_mx_more(text, f, err);
}

/* A scale must be able to bring a group whose largest magnitude is 1 to the largest element. */
static rg_status check_scale(const rg_format *f, rg_error *err) {
    if (f->span == RG_SPAN_NONE) return RG_OK;
    const bool is_mx_int = f->power_of_two_scale && f->elem.kind == RG_ELEM_INT;
    const double max = f->zero_point ? (double)((1 << f->elem.bits) - 1)
                       : is_mx_int   ? 1
                                     : rg_elem_max(&f->elem);
    const double needed = 1 / max, most = rg_elem_max(&f->scale);
    const double least = f->scale.mantissa_bits && f->scale.has_subnormals ? rg_elem_min_subnormal(&f->scale)
                                                                           : rg_elem_min_normal(&f->scale);
    char range[96];
    if (!(max < 0x1p128 && max >= 0x1p-126)) {
        return rg_fail(err, RG_ERR_USAGE, "format", "a largest value from 2^-126 to below 2^128",
                       "%s reaches 2^%d: no fp32 scale does for it", f->elem.name,
                       rg_elem_max_exponent(&f->elem));
    }
    if (f->tensor_scale ? max * most < 0x1p128 : needed >= least && needed <= most) return RG_OK;
    snprintf(range, sizeof range, "scale %.6g, 1 over the largest value, between %.6g and %.6g", needed,
             least, most);
    return rg_fail(err, RG_ERR_USAGE, "format", range, "scales of %s cannot hold what %s needs",
                   f->scale.name, f->elem.name);
}

/* e4m3fn(scale=row): floats whose scale is always fp32. */
static bool is_float_shorthand(const num_args *text) {
    return text->n == 1 && strcmp(text->arg[0].key, "scale") == 0 &&
           (strcmp(text->arg[0].value, "tensor") == 0 || strcmp(text->arg[0].value, "row") == 0);
}

/* NAME(...) of a named element. */
static rg_status parse_named(const num_args *text, rg_format *f, rg_error *err) {
    const rg_elem *e = &f->elem;
    if (e->kind == RG_ELEM_FLOAT && (e->bits == 32 || !e->has_subnormals))
        return rg_fail(err, RG_ERR_USAGE, "format", "floats of 16 bits or fewer with scales",
                       "%s cannot have \"%s\"", text->name, text->arg[0].value);
    if (e->kind == RG_ELEM_FLOAT && is_float_shorthand(text)) {
        f->span = text->arg[0].value[0] == 't' ? RG_SPAN_TENSOR : RG_SPAN_ROW;
        elem_find("fp32", &f->scale);
        return RG_OK;
    }
    return parse_scaled(text, 0, f, err);
}

/* The text of a preset that stands for another text, or NULL. */
static const char *stands_for(const char *name) {
    for (size_t i = 0; i < N_PRESETS; i++)
        if (strcmp(name, presets[i].name) == 0) return presets[i].text;
    return NULL;
}

rg_status num_format_parse(const char *text, rg_format *out, rg_error *err) {
    rg_format f = {.block_rows = 1};
    num_args args;
    if (stands_for(text)) return num_format_parse(stands_for(text), out, err);
    RG_TRY(num_args_parse(text, strlen(text), "format", &args, err));
    rg_status status = RG_OK;
    if (elem_parse(text, &f.elem, &status, err)) {
        /* nothing but an element */
    } else if (args.has_list && strcmp(args.name, "mx") == 0) {
        status = parse_mx(&args, &f, err);
    } else if (args.has_list && strcmp(args.name, "scaled") == 0) {
        status = parse_elem(&args.arg[0], "scaled", "scaled(E,tensor|row|group=N,scale=S)", &f.elem, err);
        if (status == RG_OK) status = parse_scaled(&args, 1, &f, err);
    } else if (args.has_list && elem_find(args.name, &f.elem)) {
        status = parse_named(&args, &f, err);
    } else if (elem_explain(args.name, err) != RG_OK) {
        status = RG_ERR_USAGE;
    } else {
        status = rg_fail(err, RG_ERR_USAGE, "format", known, "unknown format \"%.60s%s\"", args.name,
                         args.has_list ? "(...)" : "");
    }
    if (status == RG_OK) status = check_scale(&f, err);
    if (status == RG_OK) *out = f;
    return status;
}

/* ---- printing ------------------------------------------------------------------------------------------ */

static void print_block(const rg_format *f, char *buf, size_t size) {
    if (f->block_rows > 1)
        snprintf(buf, size, "%dx%d", f->block_rows, f->block);
    else
        snprintf(buf, size, "%d", f->block);
}

size_t rg_format_print(const rg_format *f, char *buf, size_t size) {
    static const char *const words[] = {"", "tensor", "row"};
    char text[RG_QUANT_TEXT], block[32], span[48], sub[24] = "", shift[24] = "";
    const rg_elem *e = &f->elem;
    if (f->span == RG_SPAN_NONE) return (size_t)snprintf(buf, size, "%s", e->name);
    print_block(f, block, sizeof block);
    if (f->sub_block) snprintf(sub, sizeof sub, ",sub=%d", f->sub_block);
    if (f->shift_bits > 1) snprintf(shift, sizeof shift, ",shift=%d", f->shift_bits);
    snprintf(span, sizeof span, "%s%s", f->span == RG_SPAN_BLOCK ? "group=" : "",
             f->span == RG_SPAN_BLOCK ? block : words[f->span]);
    const bool in_mx = f->power_of_two_scale || f->tensor_scale;
    const bool fp32_scale = strcmp(f->scale.name, "fp32") == 0;
    if (e->kind == RG_ELEM_INT && !in_mx)
        snprintf(text, sizeof text, "%s(%s,%s,scale=%s)", e->name, f->zero_point ? "asym" : "sym", span,
                 f->scale.name);
    else if (e->kind == RG_ELEM_ORDERED && !strchr(e->name, '(') && !in_mx)
        snprintf(text, sizeof text, "%s(%s,scale=%s)", e->name, span, f->scale.name);
    else if (f->span == RG_SPAN_BLOCK)
        snprintf(text, sizeof text, "mx(%s,%s,%s%s%s%s)", e->name, block, f->scale.name,
                 f->tensor_scale ? ",tensor" : "", sub, shift);
    else if (e->kind == RG_ELEM_FLOAT && fp32_scale && !strchr(e->name, '('))
        snprintf(text, sizeof text, "%s(scale=%s)", e->name, span);
    else
        snprintf(text, sizeof text, "scaled(%s,%s,scale=%s)", e->name, span, f->scale.name);
    for (size_t i = 0; i < N_PRESETS; i++)
        if (presets[i].text && strcmp(text, presets[i].text) == 0)
            return (size_t)snprintf(buf, size, "%s", presets[i].name);
    return (size_t)snprintf(buf, size, "%s", text);
}
