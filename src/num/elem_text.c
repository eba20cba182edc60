/* The element formats: names with their fields, and the forms that make any other. */
#include "num/elem_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/elem.h"
#include "num/ordered.h"

/* name, exponent, mantissa, bias, code bits, NaN, infinity. Sources: IEEE 754-2019 (fp32, fp16), OCP OFP8
   v1.0 table 1 (e5m2, e4m3fn), OCP MX v1.0 5.3 (e3m2, e2m3, e2m1, e8m0), the definitions of ml_dtypes 0.5
   (e4m3, e3m4 and the fnuz forms), Intel's FP8 emulation toolkit (e3m4fn), Huawei's Ascend 950 (e1m2),
   NVIDIA's PTX (tf32, ue4m3); bf16: the upper half of fp32. */
static const struct {
    const char *name;
    int exponent, mantissa, bias, bits;
    rg_nan_kind nan;
    bool inf;
} floats[] = {
    {"fp32", 8, 23, 127, 32, RG_NAN_IEEE, true},
    {"tf32", 8, 10, 127, 32, RG_NAN_IEEE, true},
    {"bf16", 8, 7, 127, 16, RG_NAN_IEEE, true},
    {"fp16", 5, 10, 15, 16, RG_NAN_IEEE, true},
    {"e5m2", 5, 2, 15, 8, RG_NAN_IEEE, true},
    {"e4m3fn", 4, 3, 7, 8, RG_NAN_TOP, false},
    {"e3m2", 3, 2, 3, 6, RG_NAN_NONE, false},
    {"e2m3", 2, 3, 1, 6, RG_NAN_NONE, false},
    {"e2m1", 2, 1, 1, 4, RG_NAN_NONE, false},
    {"e1m2", 1, 2, 1, 4, RG_NAN_NONE, false},
    {"e8m0", 8, 0, 127, 8, RG_NAN_TOP, false},
    {"ue4m3", 4, 3, 7, 7, RG_NAN_TOP, false},
    {"e4m3", 4, 3, 7, 8, RG_NAN_IEEE, true},
    {"e3m4", 3, 4, 3, 8, RG_NAN_IEEE, true},
    {"e3m4fn", 3, 4, 3, 8, RG_NAN_TOP, false},
    {"e4m3fnuz", 4, 3, 8, 8, RG_NAN_MINUS_ZERO, false},
    {"e5m2fnuz", 5, 2, 16, 8, RG_NAN_MINUS_ZERO, false},
    {"e4m3b11fnuz", 4, 3, 11, 8, RG_NAN_MINUS_ZERO, false},
};

/* Largest number of a float whose other fields are set. */
static void set_max_code(rg_elem *e) {
    const uint32_t all = elem_all_ones(e);
    if (e->nan == RG_NAN_IEEE)
        e->max_code = elem_inf_code(e) - 1;
    else
        e->max_code = all - (e->nan == RG_NAN_TOP) - (e->has_inf ? 1 : 0);
}

static void set_name(rg_elem *e, const char *name) {
    snprintf(e->name, sizeof e->name, "%s", name);
}

/* P3109 v4.0 4: binary{K}p{P}{s|u}{e|f}: K bits, precision P, signed or not, extended (infinities) or finite.
 */
enum { P3109_MIN = 3, P3109_MAX = 16 };

/* Splits a name of that shape, whatever its numbers. */
static bool split_p3109(const char *name, int *k, int *p, bool *is_signed, char *domain) {
    int end = 0;
    char sign;
    if (sscanf(name, "binary%5dp%5d%c%c%n", k, p, &sign, domain, &end) != 4 || name[end]) return false;
    *is_signed = sign == 's';
    return (sign == 's' || sign == 'u') && (*domain == 'e' || *domain == 'f');
}

static bool find_p3109(const char *name, rg_elem *out) {
    int k, p;
    char domain;
    bool is_signed;
    if (!split_p3109(name, &k, &p, &is_signed, &domain)) return false;
    if (k < P3109_MIN || k > P3109_MAX || p < 1 || p > k - is_signed) return false;
    *out = (rg_elem){.kind = RG_ELEM_FLOAT,
                     .bits = k,
                     .exponent_bits = is_signed ? k - p : k - p + 1,
                     .mantissa_bits = p - 1,
                     .bias = is_signed ? 1 << (k - p - 1) : 1 << (k - p),
                     .is_signed = is_signed,
                     .nan = is_signed ? RG_NAN_MINUS_ZERO : RG_NAN_TOP,
                     .has_inf = domain == 'e',
                     .has_subnormals = true};
    snprintf(out->name, sizeof out->name, "binary%dp%d%c%c", k, p, is_signed ? 's' : 'u', domain);
    return strcmp(out->name, name) == 0;
}

rg_status elem_explain(const char *name, rg_error *err) {
    int k, p;
    char domain, range[64];
    bool is_signed;
    if (split_p3109(name, &k, &p, &is_signed, &domain)) {
        if (k < P3109_MIN || k > P3109_MAX)
            return rg_fail(err, RG_ERR_USAGE, "format", "3 to 16 bits", "%.40s: %d bits", name, k);
        snprintf(range, sizeof range, "precision 1 to %d in %d %s bits", k - is_signed, k,
                 is_signed ? "signed" : "unsigned");
        return rg_fail(err, RG_ERR_USAGE, "format", range, "%.40s: precision %d", name, p);
    }
    if (strncmp(name, "int", 3) == 0 && name[3] && strspn(name + 3, "0123456789") == strlen(name + 3))
        return rg_fail(err, RG_ERR_USAGE, "format", "int2 to int16", "%.40s: %.20s bits", name, name + 3);
    return RG_OK;
}

bool elem_find(const char *name, rg_elem *out) {
    rg_elem e = {0};
    int bits = 0;
    for (size_t i = 0; i < sizeof floats / sizeof *floats; i++)
        if (strcmp(name, floats[i].name) == 0)
            e = (rg_elem){.kind = RG_ELEM_FLOAT,
                          .bits = floats[i].bits,
                          .exponent_bits = floats[i].exponent,
                          .mantissa_bits = floats[i].mantissa,
                          .bias = floats[i].bias,
                          .is_signed = strcmp(name, "e8m0") != 0 && strcmp(name, "ue4m3") != 0,
                          .nan = floats[i].nan,
                          .has_inf = floats[i].inf,
                          .has_subnormals = strcmp(name, "e8m0") != 0};
    if (!e.bits) find_p3109(name, &e);
    if (e.bits) set_max_code(&e);
    if (strncmp(name, "int", 3) == 0 && num_arg_int(name + 3, 2, 16, &bits) && name[3] != '0')
        e = (rg_elem){.kind = RG_ELEM_INT, .bits = bits, .is_signed = true, .max_code = elem_ones(bits - 1)};
    if (!e.bits && !elem_family_find(name, &e)) return false;
    set_name(&e, name);
    *out = e;
    return true;
}

/* ---- float(e=4,m=3,...) -------------------------------------------------------------------------------- */

#define FLOAT_FORM                                                                                           \
    "float(e=1..8,m=0..23[,bias=B][,nan=none|top|ieee|minus0][,max=V][,inf][,unsigned][,powers]), 2 to 32 "  \
    "bits in all"

static rg_status wrong(const struct num_arg *arg, const char *form, const char *expected, rg_error *err) {
    char text[128];
    return rg_fail(err, RG_ERR_USAGE, "format", expected, "%s cannot have \"%s\"", form,
                   num_arg_text(arg, text));
}

static bool float_word(const struct num_arg *arg, rg_elem *e) {
    if (strcmp(arg->value, "inf") == 0) return e->has_inf = true;
    if (strcmp(arg->value, "unsigned") == 0) return e->is_signed = false, true;
    if (strcmp(arg->value, "powers") == 0) return e->has_subnormals = false, true;
    return false;
}

static bool float_nan(const char *word, rg_elem *e) {
    static const char *const words[] = {"none", "top", "ieee", "minus0"};
    for (int i = 0; i < 4; i++)
        if (strcmp(word, words[i]) == 0) return e->nan = (rg_nan_kind)i, true;
    return false;
}

/* max=V, for libraries whose range is no code's: the largest number must be one of the format. */
static bool float_max(const char *text, rg_elem *e) {
    char *end;
    const float v = strtof(text, &end);
    if (*end || !(v > 0) || isinf(v)) return false;
    bool overflow;
    const rg_cast nearest = {RG_RNE};
    const uint32_t code = elem_cast_once(e, &nearest, v, 0, &overflow);
    if (overflow || elem_value(e, code) != v) return false;
    e->max_code = code >> elem_padding(e);
    return true;
}

static void print_float(rg_elem *e, int default_bias, uint32_t natural_max) {
    static const char *const nan[] = {"", ",nan=top", ",nan=ieee", ",nan=minus0"};
    char bias[24] = "", max[40] = "", text[192]; /* at most 83 characters */
    if (e->bias != default_bias) snprintf(bias, sizeof bias, ",bias=%d", e->bias);
    if (e->max_code != natural_max)
        snprintf(max, sizeof max, ",max=%.9g", elem_value_double(e, e->max_code << elem_padding(e)));
    snprintf(text, sizeof text, "float(e=%d,m=%d%s%s%s%s%s%s)", e->exponent_bits, e->mantissa_bits, bias,
             nan[e->nan], max, e->has_inf && e->nan != RG_NAN_IEEE ? ",inf" : "",
             e->is_signed ? "" : ",unsigned", e->has_subnormals ? "" : ",powers");
    snprintf(e->name, sizeof e->name, "%.95s", text);
}

enum { MIN_BIAS = -200, MAX_BIAS = 1 << 14 };
#define BIAS_RANGE "a bias from -200 to 16384"

/* The largest number is a normal one, and fp32 inputs reach the normal numbers. */
static rg_status check_range(const rg_elem *e, rg_error *err) {
    char expected[96];
    if (e->has_subnormals && e->max_code >> e->mantissa_bits == 0)
        return rg_fail(
            err, RG_ERR_USAGE, "format", "a largest number that is normal: more e, or another nan, inf, max",
            "impossible float: no normal number is left of e=%d, m=%d", e->exponent_bits, e->mantissa_bits);
    const int top = (int)(e->max_code >> e->mantissa_bits), least = e->has_subnormals ? 1 : 0;
    if (top - e->bias >= -149 && least - e->bias <= 127) return RG_OK;
    snprintf(expected, sizeof expected, "a bias from %d to %d: a normal number between 2^-149 and 2^128",
             least - 127 > MIN_BIAS ? least - 127 : MIN_BIAS, top + 149);
    return rg_fail(err, RG_ERR_USAGE, "format", expected, "impossible float: bias=%d", e->bias);
}

static rg_status check_float(const rg_elem *e, rg_error *err) {
    const char *what = NULL;
    if (e->exponent_bits < 1 || e->mantissa_bits < 0)
        what = "e and m are needed";
    else if (e->bits > 32 || e->bits < 2)
        what = "2 to 32 bits in all";
    else if (e->nan == RG_NAN_NONE && e->has_inf)
        what = "an infinity needs nan=top, ieee or minus0";
    else if (e->nan == RG_NAN_MINUS_ZERO && !e->is_signed)
        what = "nan=minus0 needs a sign";
    else if (e->nan == RG_NAN_IEEE && (e->exponent_bits < 2 || e->mantissa_bits < 1))
        what = "nan=ieee needs a normal number and room for NaN: e >= 2, m >= 1";
    else if (!e->has_subnormals && e->mantissa_bits)
        what = "powers has no mantissa: m=0";
    return what ? rg_fail(err, RG_ERR_USAGE, "format", FLOAT_FORM, "impossible float: %s", what) : RG_OK;
}

static rg_status parse_float(const num_args *text, rg_elem *out, rg_error *err) {
    rg_elem e = {.kind = RG_ELEM_FLOAT,
                 .exponent_bits = -1,
                 .mantissa_bits = -1,
                 .is_signed = true,
                 .has_subnormals = true};
    const struct num_arg *bias = NULL, *max = NULL;
    for (int i = 0; i < text->n; i++) {
        const struct num_arg *arg = &text->arg[i];
        bool good = false;
        if (!arg->key[0])
            good = float_word(arg, &e);
        else if (strcmp(arg->key, "e") == 0)
            good = num_arg_int(arg->value, 1, 8, &e.exponent_bits);
        else if (strcmp(arg->key, "m") == 0)
            good = num_arg_int(arg->value, 0, 23, &e.mantissa_bits);
        else if (strcmp(arg->key, "bias") == 0)
            good = (bias = arg) != NULL;
        else if (strcmp(arg->key, "max") == 0)
            good = (max = arg) != NULL;
        else if (strcmp(arg->key, "nan") == 0)
            good = float_nan(arg->value, &e);
        if (!good) return wrong(arg, "float", FLOAT_FORM, err);
    }
    const int default_bias = e.exponent_bits > 0 ? (1 << (e.exponent_bits - 1)) - 1 : 0;
    e.bias = default_bias;
    if (bias) {
        char *end;
        const long v = strtol(bias->value, &end, 10);
        if (*end || v < MIN_BIAS || v > MAX_BIAS) return wrong(bias, "float", BIAS_RANGE, err);
        e.bias = (int)v;
    }
    if (e.nan == RG_NAN_IEEE) e.has_inf = true;
    e.bits = (e.is_signed ? 1 : 0) + e.exponent_bits + e.mantissa_bits;
    RG_TRY(check_float(&e, err));
    set_max_code(&e);
    const uint32_t natural_max = e.max_code;
    if (max && !float_max(max->value, &e)) return wrong(max, "float", "a value of the format", err);
    RG_TRY(check_range(&e, err));
    print_float(&e, default_bias, natural_max);
    *out = e;
    return RG_OK;
}

/* ---- all -------------------------------------------------------------------------------------------------
 */

static rg_status parse_family(const elem_family *family, const num_args *text, rg_elem *out, rg_error *err) {
    rg_elem e = {.kind = RG_ELEM_ORDERED, .family = family, .is_signed = true};
    if (!family->parse(text, &e))
        return rg_fail(err, RG_ERR_USAGE, "format", family->form, "wrong arguments of %s", text->name);
    size_t n = (size_t)snprintf(e.name, sizeof e.name, "%s(", text->name);
    for (int i = 0; i < text->n && n < sizeof e.name; i++)
        n += (size_t)snprintf(e.name + n, sizeof e.name - n, "%s%s", text->arg[i].value,
                              i + 1 < text->n ? "," : ")");
    if (n >= sizeof e.name)
        return rg_fail(err, RG_ERR_USAGE, "format", "at most 95 characters", "%s(...) is too long",
                       text->name);
    *out = e;
    return RG_OK;
}

bool elem_parse(const char *text, rg_elem *out, rg_status *status, rg_error *err) {
    num_args args;
    *status = RG_OK;
    if (num_args_parse(text, strlen(text), "format", &args, NULL) != RG_OK) return false;
    if (!args.has_list) return elem_find(text, out);
    if (strcmp(args.name, "float") == 0) return *status = parse_float(&args, out, err), true;
    for (size_t i = 0; elem_family_at(i); i++)
        if (elem_family_at(i)->parse && strcmp(args.name, elem_family_at(i)->name) == 0)
            return *status = parse_family(elem_family_at(i), &args, out, err), true;
    return false;
}
