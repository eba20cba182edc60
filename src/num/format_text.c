/* Formats: text to object and back, and the names that stand for longer texts. */
#include "num/format_text.h"

#include <stdio.h>
#include <string.h>

#include "num/elem.h"

enum { MAX_BLOCK = 1 << 20 };
static const char known[] =
    "fp32 tf32 bf16 fp16 e5m2 e4m3fn e3m2 e2m3 e2m1 e8m0, FLOAT(scale=tensor|row), intB, "
    "intB(sym|asym,tensor|row|group=N,scale=S), mx(E,N,S), mxfp8 mxfp6 mxfp4 nvfp4";

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
    {"nvfp4", "mx(e2m1,16,e4m3fn,tensor)", "e2m1 in blocks of 16, e4m3fn block scale, fp32 tensor scale"},
};
enum { N_PRESETS = sizeof presets / sizeof *presets };

const char *rg_format_preset(size_t i, const char **summary) {
    if (i >= N_PRESETS) return NULL;
    if (summary) *summary = presets[i].summary;
    return presets[i].name;
}

static rg_status wrong(const struct num_arg *arg, const char *form, const char *expected, rg_error *err) {
    char text[64];
    return rg_fail(err, RG_ERR_USAGE, "format", expected, "%s cannot have \"%s\"", form,
                   num_arg_text(arg, text));
}

static rg_status parse_scale(const struct num_arg *arg, rg_format *f, rg_error *err) {
    rg_elem e;
    if (!elem_find(arg->value, &e) || e.kind == RG_ELEM_INT || strcmp(e.name, "tf32") == 0 ||
        e.nan == RG_NAN_ONLY_FF)
        return wrong(arg, "a scale", "scale=fp32, bf16, fp16, e5m2 or e4m3fn", err);
    f->scale = e;
    return RG_OK;
}

static rg_status parse_int(const num_args *text, rg_format *f, rg_error *err) {
    bool has_kind = false, has_span = false, has_scale = false;
    elem_find("fp32", &f->scale);
    for (int i = 0; i < text->n; i++) {
        const struct num_arg *arg = &text->arg[i];
        const bool bare = !arg->key[0];
        const bool kind = bare && (strcmp(arg->value, "sym") == 0 || strcmp(arg->value, "asym") == 0);
        const bool span = bare ? strcmp(arg->value, "tensor") == 0 || strcmp(arg->value, "row") == 0
                               : strcmp(arg->key, "group") == 0;
        if (kind && !has_kind) {
            f->zero_point = arg->value[0] == 'a';
            has_kind = true;
        } else if (span && !has_span) {
            f->span = !bare ? RG_SPAN_BLOCK : arg->value[0] == 't' ? RG_SPAN_TENSOR : RG_SPAN_ROW;
            if (!bare && !num_arg_int(arg->value, 1, MAX_BLOCK, &f->block))
                return wrong(arg, text->name, "group=1..1048576", err);
            has_span = true;
        } else if (!bare && strcmp(arg->key, "scale") == 0 && !has_scale) {
            RG_TRY(parse_scale(arg, f, err));
            has_scale = true;
        } else {
            return wrong(arg, text->name, "sym or asym, one of tensor row group=N, scale=S, each once", err);
        }
    }
    if (!has_kind || !has_span)
        return rg_fail(err, RG_ERR_USAGE, "format", "intB(sym|asym,tensor|row|group=N,scale=S)",
                       "%s(...) does not say %s", text->name,
                       has_kind ? "what a scale spans" : "sym or asym");
    return RG_OK;
}

static rg_status parse_mx(const num_args *text, rg_format *f, rg_error *err) {
    static const char form[] = "mx(E,N,S): E an element of 8 bits or fewer, N elements per block, S e8m0 or "
                               "a float";
    for (int i = 0; i < text->n; i++)
        if (text->arg[i].key[0]) return wrong(&text->arg[i], "mx", form, err);
    if (text->n < 3 || text->n > 4)
        return rg_fail(err, RG_ERR_USAGE, "format", form, "mx has %d arguments", text->n);
    if (!elem_find(text->arg[0].value, &f->elem) || f->elem.bits > 8 || f->elem.nan == RG_NAN_ONLY_FF)
        return wrong(&text->arg[0], "mx", form, err);
    if (!num_arg_int(text->arg[1].value, 1, MAX_BLOCK, &f->block))
        return wrong(&text->arg[1], "mx", form, err);
    f->span = RG_SPAN_BLOCK;
    f->power_of_two_scale = strcmp(text->arg[2].value, "e8m0") == 0;
    if (f->power_of_two_scale)
        elem_find("e8m0", &f->scale);
    else
        RG_TRY(parse_scale(&text->arg[2], f, err));
    if (text->n == 4) {
        if (strcmp(text->arg[3].value, "tensor") != 0 || f->power_of_two_scale || f->scale.bits > 16)
            return wrong(&text->arg[3], "mx",
                         "tensor, for an fp32 scale above block scales of 16 bits or fewer", err);
        f->tensor_scale = true;
    }
    return RG_OK;
}

static rg_status parse_float(const num_args *text, rg_format *f, rg_error *err) {
    const struct num_arg *arg = &text->arg[0];
    if (f->elem.bits == 32 || f->elem.nan == RG_NAN_ONLY_FF || text->n != 1 || strcmp(arg->key, "scale") != 0)
        return wrong(arg, text->name, "scale=tensor or scale=row, for floats of 16 bits or fewer", err);
    if (strcmp(arg->value, "tensor") == 0)
        f->span = RG_SPAN_TENSOR;
    else if (strcmp(arg->value, "row") == 0)
        f->span = RG_SPAN_ROW;
    else
        return wrong(arg, text->name, "scale=tensor or scale=row", err);
    elem_find("fp32", &f->scale);
    return RG_OK;
}

rg_status num_format_parse(const num_args *text, rg_format *out, rg_error *err) {
    rg_format f = {0};
    for (size_t i = 0; !text->has_list && i < N_PRESETS; i++) {
        if (strcmp(text->name, presets[i].name) != 0 || !presets[i].text) continue;
        num_args whole;
        RG_TRY(num_args_parse(presets[i].text, strlen(presets[i].text), "format", &whole, err));
        return num_format_parse(&whole, out, err);
    }
    const bool is_elem = elem_find(text->name, &f.elem);
    if (is_elem && f.elem.kind == RG_ELEM_INT)
        RG_TRY(parse_int(text, &f, err));
    else if (is_elem && text->has_list)
        RG_TRY(parse_float(text, &f, err));
    else if (!is_elem && strcmp(text->name, "mx") == 0 && text->has_list)
        RG_TRY(parse_mx(text, &f, err));
    else if (!is_elem)
        return rg_fail(err, RG_ERR_USAGE, "format", known, "unknown format \"%s%s\"", text->name,
                       text->has_list ? "(...)" : "");
    *out = f;
    return RG_OK;
}

/* ---- printing ------------------------------------------------------------------------------------------ */

size_t rg_format_print(const rg_format *f, char *buf, size_t size) {
    char text[96], span[32];
    if (f->span == RG_SPAN_NONE) return (size_t)snprintf(buf, size, "%s", f->elem.name);
    const char *const words[] = {"", "tensor", "row"};
    snprintf(span, sizeof span, "%s", f->span == RG_SPAN_BLOCK ? "" : words[f->span]);
    if (f->elem.kind == RG_ELEM_INT && !f->power_of_two_scale && !f->tensor_scale) {
        if (f->span == RG_SPAN_BLOCK) snprintf(span, sizeof span, "group=%d", f->block);
        snprintf(text, sizeof text, "%s(%s,%s,scale=%s)", f->elem.name, f->zero_point ? "asym" : "sym", span,
                 f->scale.name);
    } else if (f->span == RG_SPAN_BLOCK) {
        snprintf(text, sizeof text, "mx(%s,%d,%s%s)", f->elem.name, f->block, f->scale.name,
                 f->tensor_scale ? ",tensor" : "");
    } else {
        snprintf(text, sizeof text, "%s(scale=%s)", f->elem.name, span);
    }
    for (size_t i = 0; i < N_PRESETS; i++)
        if (presets[i].text && strcmp(text, presets[i].text) == 0)
            return (size_t)snprintf(buf, size, "%s", presets[i].name);
    return (size_t)snprintf(buf, size, "%s", text);
}
