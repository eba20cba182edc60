/* ridge num: what formats are there, what one of them is, and data through them. */
#include "num_stream.h"
#include "ridge/num.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LONG_ROW = 1 << 16 };

/* Elements of a row for which bits are counted: what was asked for, else so many that tails play no part. */
static size_t row_of(const cli_context *context, const rg_format *f) {
    const int64_t otherwise = f->span == RG_SPAN_BLOCK ? (int64_t)f->block * LONG_ROW : LONG_ROW;
    return (size_t)cli_int(context, "row", otherwise);
}

static rg_status list(cli_context *context, rg_error *err) {
    rg_str out = {0};
    const char *name, *summary;
    for (size_t i = 0; (name = rg_format_preset(i, &summary)); i++) {
        rg_quant q;
        RG_TRY(rg_quant_parse(name, &q, err));
        const double bits = rg_format_bits(&q.format, row_of(context, &q.format));
        if (!context->json) {
            rg_str_printf(&out, "%-10s %2d %8.3f  %s\n", name, q.format.elem.bits, bits, summary);
            continue;
        }
        rg_str_add(&out, i ? ",\n  {\"name\": " : "\n  {\"name\": ");
        cli_print_json_string(&out, name);
        rg_str_printf(&out, ", \"bits\": %d, \"bits_per_element\": ", q.format.elem.bits);
        cli_print_json_number(&out, bits);
        rg_str_add(&out, ", \"summary\": ");
        cli_print_json_string(&out, summary);
        rg_str_add(&out, "}");
    }
    const char *frame = context->json ? "{\"formats\": [%s\n]}\n" : "format   bits   stored\n%s";
    printf(frame, out.data ? out.data : "");
    rg_str_free(&out);
    return RG_OK;
}

/* The shortest decimal that reads back as the value. */
static void short_text(double value, char *buf, size_t size) {
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, size, "%.*g", digits, value);
        if (strtod(buf, NULL) == value) return;
    }
    if (isnan(value)) snprintf(buf, size, "NaN");
    if (isinf(value)) snprintf(buf, size, value < 0 ? "-inf" : "inf");
}

static const char *span_name(const rg_format *f) {
    static const char *const names[] = {"none", "tensor", "row", "block"};
    return names[f->span];
}

static void json_value(rg_str *out, double value) {
    if (isnan(value))
        rg_str_add(out, "\"NaN\"");
    else if (isinf(value))
        rg_str_add(out, value < 0 ? "\"-Infinity\"" : "\"Infinity\"");
    else if (value == 0 && signbit(value))
        rg_str_add(out, "-0.0");
    else
        cli_print_json_number(out, value);
}

static void json_values(rg_str *out, const rg_elem *e) {
    rg_str_add(out, ", \"values\": ");
    if (e->bits > 8) {
        rg_str_add(out, "null");
        return;
    }
    rg_str_add(out, "[");
    for (uint32_t code = 0; code < UINT32_C(1) << e->bits; code++) {
        if (code) rg_str_add(out, ", ");
        json_value(out, (double)rg_elem_decode(e, code));
    }
    rg_str_add(out, "]");
}

static void json_scaling(rg_str *out, const rg_format *f, size_t cols) {
    rg_str_printf(out, ", \"scale_span\": \"%s\", \"block\": ", span_name(f));
    if (f->span == RG_SPAN_BLOCK)
        rg_str_printf(out, "%d", f->block);
    else
        rg_str_add(out, "null");
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
    const double nothing = NAN; /* printed as null */
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"bits", e->bits},
                   {"exponent_bits", is_float ? e->exponent_bits : nothing},
                   {"mantissa_bits", is_float ? e->mantissa_bits : nothing},
                   {"bias", is_float ? e->bias : nothing},
                   {"max", rg_elem_max(e)},
                   {"min_normal", is_float ? rg_elem_min_normal(e) : nothing},
                   {"min_subnormal", is_float && e->has_subnormals ? rg_elem_min_subnormal(e) : nothing}};
    rg_str out = {0};
    rg_str_add(&out, "{\"format\": ");
    cli_print_json_string(&out, name);
    rg_str_add(&out, ", \"element\": ");
    cli_print_json_string(&out, e->name);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        rg_str_printf(&out, ", \"%s\": ", numbers[i].key);
        cli_print_json_number(&out, numbers[i].value);
    }
    rg_str_printf(&out, ", \"is_signed\": %s, \"has_inf\": %s, \"has_nan\": %s",
                  e->is_signed ? "true" : "false", e->nan == RG_NAN_IEEE ? "true" : "false",
                  e->nan != RG_NAN_NONE ? "true" : "false");
    json_scaling(&out, f, cols);
    json_values(&out, e);
    rg_str_add(&out, "}");
    puts(out.data ? out.data : "");
    rg_str_free(&out);
}

/* One letter a bit, the highest first: "s eeee mmm". */
static void show_layout(const rg_elem *e) {
    printf("  layout         ");
    if (e->kind == RG_ELEM_INT) {
        for (int i = 0; i < e->bits; i++) putchar(i || !e->is_signed ? 'i' : 's');
        printf("   %s\n", e->is_signed ? "two's complement" : "unsigned");
        return;
    }
    if (e->is_signed) printf("s ");
    for (int i = 0; i < e->exponent_bits; i++) putchar('e');
    if (e->mantissa_bits) putchar(' ');
    for (int i = 0; i < e->mantissa_bits; i++) putchar('m');
    printf("   %sexponent %d, mantissa %d bits, bias %d\n", e->is_signed ? "sign 1, " : "", e->exponent_bits,
           e->mantissa_bits, e->bias);
}

static void show_number(const char *what, double value) {
    char text[40];
    short_text(value, text, sizeof text);
    printf("  %-14s %s\n", what, text);
}

static void show_element(const rg_elem *e) {
    static const char *const nan[] = {"none, and no infinity", "exponent and mantissa all ones; no infinity",
                                      "exponent all ones, mantissa not 0; infinity: mantissa 0",
                                      "code 0xff; no infinity"};
    printf("  bits           %d\n", e->bits);
    show_layout(e);
    show_number("max", rg_elem_max(e));
    if (e->kind != RG_ELEM_FLOAT) return;
    show_number("min normal", rg_elem_min_normal(e));
    if (e->has_subnormals) show_number("min subnormal", rg_elem_min_subnormal(e));
    printf("  NaN            %s\n", nan[e->nan]);
}

static void show_scaling(const rg_format *f, size_t cols) {
    if (f->span == RG_SPAN_NONE) return;
    if (f->span == RG_SPAN_BLOCK)
        printf("  block          %d elements along the inner dimension\n", f->block);
    else
        printf("  scale spans    a %s\n", span_name(f));
    printf("  scale          %s%s\n", f->scale.name,
           f->power_of_two_scale ? ", from the exponent of the largest magnitude" : "");
    if (f->tensor_scale) printf("  tensor scale   fp32\n");
    if (f->zero_point) printf("  zero point     one a scale\n");
    printf("  stored         %.6g bits per element", rg_format_bits(f, cols));
    printf(f->span == RG_SPAN_BLOCK ? "\n" : " in rows of %zu\n", cols);
}

/* Codes down the columns. Of signed floats one half: the other is its mirror. */
static void show_values(const rg_elem *e) {
    if (e->bits > 8) return;
    const bool mirrored = e->kind == RG_ELEM_FLOAT && e->is_signed;
    const uint32_t n = UINT32_C(1) << (mirrored ? e->bits - 1 : e->bits);
    const uint32_t columns = n < 16 ? 1 : 4, lines = n / columns;
    printf("\n");
    for (uint32_t line = 0; line < lines; line++) {
        for (uint32_t column = 0; column < columns; column++) {
            const uint32_t code = column * lines + line;
            char text[40];
            short_text((double)rg_elem_decode(e, code), text, sizeof text);
            printf(column + 1 < columns ? "  %02x  %-16s" : "  %02x  %s\n", (unsigned)code, text);
        }
    }
    if (mirrored)
        printf("  codes %02x to %02x are the same with the sign set\n", (unsigned)n, (unsigned)(2 * n - 1));
}

static rg_status show(cli_context *context, rg_error *err) {
    rg_quant q;
    char name[128];
    RG_TRY(rg_quant_parse(context->argument[0], &q, err));
    rg_format_print(&q.format, name, sizeof name);
    if (context->json) {
        show_json(&q.format, name, row_of(context, &q.format));
        return RG_OK;
    }
    printf("%s\n", name);
    show_element(&q.format.elem);
    show_scaling(&q.format, row_of(context, &q.format));
    show_values(&q.format.elem);
    return RG_OK;
}

static const cli_option no_options[] = {{0}};
static const cli_option show_options[] = {
    {.name = "row",
     .type = CLI_INT,
     .value = "N",
     .min = 1,
     .max = 1e12,
     .help = "elements of a row, on which the bits stored per element depend (default: a long row)"},
    {0}};

#define STREAMS                                                                                              \
    "stdin and stdout are raw, little endian; all of stdin is one tensor. NaN, infinities and values "       \
    "beyond\n"                                                                                               \
    "the largest finite one are counted on stderr. --json shapes errors only: stdout carries the data."

#define CODES                                                                                                \
    "A code takes 1 byte up to 8 bits, 2 up to 16, else 4; it is not packed. Scales are written in their\n"  \
    "own width: the fp32 tensor scale where the format has one, then those of all rows or blocks."

const cli_command cli_num_commands[] = {
    {.noun = "num",
     .verb = "list",
     .arguments = "",
     .summary = "List the number formats that have a name",
     .details =
         "Bits of a code, and bits stored per element with the scales of a long row.\n"
         "Formats with arguments, like int4(sym,group=128,scale=bf16), are made from these: docs/formats.md.",
     .example = "ridge num list",
     .options = no_options,
     .run = list},
    {.noun = "num",
     .verb = "show",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Show a format: layout, range, special codes, scaling, values",
     .details =
         "All values are listed for formats of up to 8 bits (--json: in the order of the codes, NaN and\n"
         "infinities as strings).",
     .example = "ridge num show e2m1\n"
                "  e2m1\n"
                "    bits           4\n"
                "    layout         s ee m   sign 1, exponent 2, mantissa 1 bits, bias 1\n"
                "    max            6\n"
                "    ...",
     .options = show_options,
     .run = show},
    {.noun = "num",
     .verb = "qdq",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Quantize and dequantize fp32 values",
     .details = STREAMS,
     .example =
         "printf '\\0\\0\\100\\77' | ridge num qdq e2m1 | od -An -tf4      (0.75 lies between 0.5 and 1)\n"
         "  1",
     .options = cli_num_qdq_options,
     .run = cli_num_qdq},
    {.noun = "num",
     .verb = "encode",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Quantize fp32 values to codes and scales",
     .details = STREAMS "\n" CODES,
     .example = "printf '\\0\\0\\100\\77' | ridge num encode mxfp4 --scales scales | od -An -tx1\n"
                "  07\n"
                "(0.75 is 6 times 2^-3: scales holds 7c, 124 - 127 = -3)",
     .options = cli_num_code_options,
     .run = cli_num_encode},
    {.noun = "num",
     .verb = "decode",
     .arguments = "FORMAT",
     .min_arguments = 1,
     .max_arguments = 1,
     .summary = "Turn codes and scales into fp32 values",
     .details = STREAMS "\n" CODES,
     .example = "printf '\\7' | ridge num decode e2m1 | od -An -tf4\n"
                "  6",
     .options = cli_num_code_options,
     .run = cli_num_decode},
    {0}};
