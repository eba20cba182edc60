/* ridge num show: what one format is. */
#include "num_commands.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_ROW = 1 << 16 };

const cli_option cli_num_show_options[] = {
    {.name = "row",
     .type = CLI_INT,
     .value = "N",
     .min = 1,
     .max = 1e12,
     .help = "elements of a row, on which the bits stored per element depend (default: a long row)"},
    {0}};

/* Elements of a row for which bits are counted: what was asked for, else so many that tails play no part. */
size_t cli_num_row(const cli_context *context, const rg_format *f) {
    const int64_t otherwise = f->span == RG_SPAN_BLOCK ? (int64_t)f->block * LONG_ROW : LONG_ROW;
    return (size_t)cli_int(context, "row", otherwise);
}

/* A value in full: ldexp(significand, exponent), which may lie beyond double. */
typedef struct exact {
    double significand;
    int exponent;
} exact;

static bool fits_double(exact v, double *value) {
    *value = ldexp(v.significand, v.exponent);
    return !isfinite(v.significand) || ldexp(*value, -v.exponent) == v.significand;
}

/* A short decimal that reads back as the value, or a power of two where double cannot hold it. */
static void short_text(exact v, char *buf, size_t size) {
    double value;
    if (!fits_double(v, &value)) {
        if (fabs(v.significand) == 1)
            snprintf(buf, size, "%s2^%d", v.significand < 0 ? "-" : "", v.exponent);
        else
            snprintf(buf, size, "%.9g*2^%d", v.significand, v.exponent);
        return;
    }
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(buf, size, "%.*g", digits, value);
        if (strtod(buf, NULL) == value || (digits <= 9 && (double)strtof(buf, NULL) == value)) return;
    }
    if (isnan(value)) snprintf(buf, size, "NaN");
    if (isinf(value)) snprintf(buf, size, value < 0 ? "-inf" : "inf");
}

static const char *span_name(const rg_format *f) {
    static const char *const names[] = {"none", "tensor", "row", "block"};
    return names[f->span];
}

/* Null where double cannot hold the value. */
static void json_value(rg_str *out, exact v) {
    double value;
    const bool fits = fits_double(v, &value);
    if (isnan(value))
        rg_str_add(out, "\"NaN\"");
    else if (fits && isinf(value))
        rg_str_add(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else if (fits && value == 0 && signbit(value))
        rg_str_add(out, "-0.0");
    else
        cli_print_json_number(out, fits ? value : NAN);
}

/* With a zero point codes count from 0: the value is (code - zero point) times the scale. */
static exact code_value(const rg_format *f, uint32_t code) {
    exact v = {code, 0};
    if (!f->zero_point) v.exponent = rg_elem_decode_exact(&f->elem, code, &v.significand);
    return v;
}

static exact largest(const rg_format *f) {
    const rg_elem *e = &f->elem;
    if (f->zero_point) return (exact){(1 << e->bits) - 1, 0};
    const int exponent = rg_elem_max_exponent(e);
    if (e->kind != RG_ELEM_FLOAT) return (exact){ldexp(rg_elem_max(e), -exponent), exponent};
    const double ones = (double)(e->max_code & ((1u << e->mantissa_bits) - 1));
    return (exact){1 + ldexp(ones, -e->mantissa_bits), exponent};
}

/* The float with this exponent and mantissa field, sign 0. */
static exact field_value(const rg_elem *e, uint32_t magnitude) {
    const int padding = e->bits - (e->is_signed ? 1 : 0) - e->exponent_bits - e->mantissa_bits;
    exact v = {0, 0};
    v.exponent = rg_elem_decode_exact(e, magnitude << padding, &v.significand);
    return v;
}

static exact min_normal(const rg_elem *e) {
    return field_value(e, e->has_subnormals ? 1u << e->mantissa_bits : 0);
}

static void json_values(rg_str *out, const rg_format *f) {
    const rg_elem *e = &f->elem;
    rg_str_add(out, ", \"values\": ");
    if (e->bits > 8) {
        rg_str_add(out, "null");
        return;
    }
    rg_str_add(out, "[");
    for (uint32_t code = 0; code < UINT32_C(1) << e->bits; code++) {
        if (code) rg_str_add(out, ", ");
        json_value(out, code_value(f, code));
    }
    rg_str_add(out, "]");
}

static void json_scaling(rg_str *out, const rg_format *f, size_t cols) {
    rg_str_printf(out, ", \"scale_span\": \"%s\", \"block\": ", span_name(f));
    if (f->span == RG_SPAN_BLOCK)
        rg_str_printf(out, "%d, \"block_rows\": %d", f->block, f->block_rows);
    else
        rg_str_add(out, "null, \"block_rows\": null");
    if (f->sub_block)
        rg_str_printf(out, ", \"sub_block\": %d, \"shift_bits\": %d", f->sub_block, f->shift_bits);
    else
        rg_str_add(out, ", \"sub_block\": null, \"shift_bits\": null");
    rg_str_add(out, ", \"scale\": ");
    if (f->span != RG_SPAN_NONE)
        cli_print_json_string(out, f->scale.name);
    else
        rg_str_add(out, "null");
    rg_str_printf(out, ", \"has_tensor_scale\": %s, \"has_zero_point\": %s, \"bits_per_element\": ",
                  f->tensor_scale ? "true" : "false", f->zero_point ? "true" : "false");
    cli_print_json_number(out, rg_format_bits(f, cols));
}

static void show_json(const rg_format *f, const char *name, size_t cols) {
    const rg_elem *e = &f->elem;
    const bool is_float = e->kind == RG_ELEM_FLOAT;
    const exact nothing = {NAN, 0}; /* printed as null */
    const struct {
        const char *key;
        exact value;
    } numbers[] = {
        {"bits", {e->bits, 0}},
        {"exponent_bits", is_float ? (exact){e->exponent_bits, 0} : nothing},
        {"mantissa_bits", is_float ? (exact){e->mantissa_bits, 0} : nothing},
        {"bias", is_float ? (exact){e->bias, 0} : nothing},
        {"max", largest(f)},
        {"max_exponent", {largest(f).exponent, 0}},
        {"min_normal", is_float ? min_normal(e) : nothing},
        {"min_subnormal", is_float && e->has_subnormals && e->mantissa_bits ? field_value(e, 1) : nothing}};
    rg_str out = {0};
    rg_str_add(&out, "{\"format\": ");
    cli_print_json_string(&out, name);
    rg_str_add(&out, ", \"element\": ");
    cli_print_json_string(&out, e->name);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        double value;
        rg_str_printf(&out, ", \"%s\": ", numbers[i].key);
        cli_print_json_number(&out, fits_double(numbers[i].value, &value) ? value : NAN);
    }
    rg_str_printf(&out, ", \"is_signed\": %s, \"has_inf\": %s, \"has_nan\": %s",
                  e->is_signed && !f->zero_point ? "true" : "false", e->has_inf ? "true" : "false",
                  e->nan != RG_NAN_NONE ? "true" : "false");
    json_scaling(&out, f, cols);
    json_values(&out, f);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

/* One letter a bit, the highest first: "s eeee mmm". */
static void show_layout(const rg_format *f) {
    const rg_elem *e = &f->elem;
    printf("  layout         ");
    if (rg_elem_layout(e)) {
        printf("%s\n", rg_elem_layout(e));
        return;
    }
    if (e->kind == RG_ELEM_INT) {
        for (int i = 0; i < e->bits; i++) putchar(i || f->zero_point ? 'i' : 's');
        printf("   %s\n", f->zero_point ? "unsigned" : "two's complement");
        return;
    }
    if (e->is_signed) printf("s ");
    for (int i = 0; i < e->exponent_bits; i++) putchar('e');
    if (e->mantissa_bits) putchar(' ');
    for (int i = 0; i < e->mantissa_bits; i++) putchar('m');
    const int zeros = e->bits - (e->is_signed ? 1 : 0) - e->exponent_bits - e->mantissa_bits;
    if (zeros) printf(" and %d zeros", zeros);
    printf("   %sexponent %d, mantissa %d bits, bias %d\n", e->is_signed ? "sign 1, " : "", e->exponent_bits,
           e->mantissa_bits, e->bias);
}

static void show_number(const char *what, exact value) {
    char text[40];
    short_text(value, text, sizeof text);
    printf("  %-14s %s\n", what, text);
}

static void show_specials(const rg_elem *e) {
    static const char *const nan[] = {"none", "exponent and mantissa all ones",
                                      "exponent all ones, mantissa not 0", "the sign bit alone; no -0"};
    const char *infinity = e->nan == RG_NAN_IEEE  ? "exponent all ones, mantissa 0"
                           : e->nan == RG_NAN_TOP ? "one below NaN"
                                                  : "all ones but the sign";
    if (e->kind == RG_ELEM_ORDERED) infinity = "one above the largest value";
    printf("  NaN            %s\n", nan[e->nan]);
    printf("  infinity       %s\n", e->has_inf ? infinity : "none");
}

static void show_element(const rg_format *f) {
    const rg_elem *e = &f->elem;
    printf("  bits           %d\n", e->bits);
    show_layout(f);
    show_number("max", largest(f));
    if (e->kind == RG_ELEM_FLOAT) {
        show_number("min normal", min_normal(e));
        if (e->has_subnormals && e->mantissa_bits) show_number("min subnormal", field_value(e, 1));
    }
    if (e->kind != RG_ELEM_INT) show_specials(e);
}

static void show_scaling(const rg_format *f, size_t cols) {
    if (f->span == RG_SPAN_NONE) return;
    if (f->span == RG_SPAN_BLOCK && f->block_rows > 1)
        printf("  block          %d rows of %d elements\n", f->block_rows, f->block);
    else if (f->span == RG_SPAN_BLOCK)
        printf("  block          %d elements along the inner dimension\n", f->block);
    else
        printf("  scale spans    a %s\n", span_name(f));
    printf("  scale          %s%s\n", f->scale.name,
           f->power_of_two_scale ? ", from the exponent of the largest magnitude" : "");
    if (f->sub_block)
        printf("  sub-block      %d elements share %d bit%s: how often their scale is halved\n", f->sub_block,
               f->shift_bits, f->shift_bits > 1 ? "s" : "");
    if (f->tensor_scale) printf("  tensor scale   fp32\n");
    if (f->zero_point) printf("  zero point     one for each scale: value = (code - zero point) scale\n");
    printf("  stored         %.6g bits per element", rg_format_bits(f, cols));
    printf(f->span == RG_SPAN_BLOCK ? "\n" : " in rows of %zu\n", cols);
}

/* Codes down the columns. Of signed floats one half: the other is its mirror. */
static void show_values(const rg_format *f) {
    const rg_elem *e = &f->elem;
    if (e->bits > 8) return;
    const bool mirrored = e->kind == RG_ELEM_FLOAT && e->is_signed;
    const uint32_t n = UINT32_C(1) << (mirrored ? e->bits - 1 : e->bits);
    const uint32_t columns = n < 16 ? 1 : 4, lines = n / columns;
    printf("\n");
    for (uint32_t line = 0; line < lines; line++) {
        for (uint32_t column = 0; column < columns; column++) {
            const uint32_t code = column * lines + line;
            char text[64];
            short_text(code_value(f, code), text, sizeof text);
            printf(column + 1 < columns ? "  %02x  %-16s" : "  %02x  %s\n", (unsigned)code, text);
        }
    }
    if (mirrored)
        printf("  codes %02x to %02x are the same with the sign set%s\n", (unsigned)n, (unsigned)(2 * n - 1),
               e->nan == RG_NAN_MINUS_ZERO ? ", but that of -0 is NaN" : "");
    if (e->kind == RG_ELEM_INT && !f->zero_point)
        printf("  code %02x is read but never written\n", (unsigned)n / 2);
}

rg_status cli_num_show(cli_context *context, rg_error *err) {
    rg_quant q;
    char name[128];
    RG_TRY(rg_quant_parse(context->argument[0], &q, err));
    rg_format_print(&q.format, name, sizeof name);
    if (context->json) {
        show_json(&q.format, name, cli_num_row(context, &q.format));
        return RG_OK;
    }
    printf("%s\n", name);
    show_element(&q.format);
    show_scaling(&q.format, cli_num_row(context, &q.format));
    show_values(&q.format);
    return RG_OK;
}
