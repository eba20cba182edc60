/* ridge num qdq, encode, decode. All of stdin is read first: a tensor scale needs the whole tensor, and
   nothing may be written before the input is known to be good. */
#include "num_commands.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "streams are little endian and are read as they lie in memory"
#endif

const cli_option cli_num_qdq_options[] = {
    {"row", CLI_INT, "N", "value", NULL, 1, 1e15, false, false, "values of a row (default: all are one row)"},
    {0}};

const cli_option cli_num_code_options[] = {
    {"row", CLI_INT, "N", "value", NULL, 1, 1e15, false, false, "values of a row (default: all are one row)"},
    {"scales", CLI_STRING, "FILE", NULL, NULL, 0, 0, false, false,
     "scales: the fp32 tensor scale where the format has one, then those of all rows or blocks in order"},
    {0}};

typedef struct stream {
    rg_quant quant;
    char name[RG_QUANT_TEXT]; /* canonical text of the format */
    char *data;
    size_t size;
    size_t rows, cols;
} stream;

static rg_status write_stdout(const void *data, size_t size, rg_error *err) {
    if (fwrite(data, 1, size, stdout) != size || fflush(stdout) != 0)
        return rg_fail(err, RG_ERR_IO, "stdout", NULL, "cannot write: %s", strerror(errno));
    return RG_OK;
}

/* Rows and columns from the size of stdin, `width` bytes a value. */
static rg_status shape(stream *s, const cli_context *context, size_t width, rg_error *err) {
    char expected[96];
    if (s->size % width) {
        snprintf(expected, sizeof expected, "a multiple of %zu, the bytes of a value", width);
        return rg_fail(err, RG_ERR_PARSE, "stdin", expected, "%zu bytes", s->size);
    }
    const size_t n = s->size / width;
    s->cols = (size_t)cli_int(context, "row", (int64_t)n);
    if (s->cols && n % s->cols) {
        snprintf(expected, sizeof expected, "a multiple of %zu bytes, rows of %zu values", s->cols * width,
                 s->cols);
        return rg_fail(err, RG_ERR_PARSE, "stdin", expected, "%zu bytes", s->size);
    }
    s->rows = s->cols ? n / s->cols : 0;
    return RG_OK;
}

static rg_status start(stream *s, cli_context *context, rg_error *err) {
    RG_TRY(rg_quant_parse(context->argument[0], &s->quant, err));
    rg_format_print(&s->quant.format, s->name, sizeof s->name);
    return cli_read_stdin(&s->data, &s->size, err);
}

static void report_specials(const stream *s, const rg_qdq_counts *counts) {
    if (!counts->n_nan && !counts->n_inf && !counts->n_overflow) return;
    fprintf(stderr, "ridge: %s: %llu NaN, %llu infinite, %llu overflowing of %zu values\n", s->name,
            (unsigned long long)counts->n_nan, (unsigned long long)counts->n_inf,
            (unsigned long long)counts->n_overflow, s->rows * s->cols);
}

rg_status cli_num_qdq(cli_context *context, rg_error *err) {
    stream s = {0};
    rg_status status = start(&s, context, err);
    if (status == RG_OK) status = shape(&s, context, sizeof(float), err);
    if (status == RG_OK) {
        rg_qdq_counts counts = {0};
        rg_qdq(&s.quant, (const float *)s.data, (float *)s.data, s.rows, s.cols, false, &counts);
        report_specials(&s, &counts);
        status = write_stdout(s.data, s.size, err);
    }
    free(s.data);
    return status;
}

static rg_status encode(stream *s, const char *scales_path, rg_error *err) {
    const rg_stored_size size = rg_format_stored_size(&s->quant.format, s->rows, s->cols, false);
    void *codes = calloc(size.code_bytes + 1, 1), *scales = calloc(size.scale_bytes + 1, 1);
    rg_status status = RG_OK;
    if (!codes || !scales) {
        status = rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu codes", s->rows * s->cols);
    } else {
        rg_qdq_counts counts = {0};
        rg_encode(&s->quant, (const float *)s->data, codes, scales, s->rows, s->cols, false, &counts);
        report_specials(s, &counts);
        if (scales_path) status = rg_file_write(scales_path, scales, size.scale_bytes, err);
        if (status == RG_OK) status = write_stdout(codes, size.code_bytes, err);
    }
    free(codes);
    free(scales);
    return status;
}

rg_status cli_num_encode(cli_context *context, rg_error *err) {
    stream s = {0};
    rg_status status = start(&s, context, err);
    if (status == RG_OK) status = shape(&s, context, sizeof(float), err);
    if (status == RG_OK) status = encode(&s, cli_string(context, "scales"), err);
    free(s.data);
    return status;
}

/* Codes have no bits set above those of the element. */
static rg_status check_codes(const stream *s, size_t width, rg_error *err) {
    const int bits = s->quant.format.elem.bits;
    for (size_t i = 0; bits < 8 * (int)width && i < s->rows * s->cols; i++) {
        uint32_t code = 0;
        memcpy(&code, s->data + i * width, width);
        if (code >> bits == 0) continue;
        char where[64], expected[64];
        snprintf(where, sizeof where, "stdin@byte %zu", i * width);
        snprintf(expected, sizeof expected, "at most 0x%x", (unsigned)((UINT32_C(1) << bits) - 1));
        return rg_fail(err, RG_ERR_PARSE, where, expected, "0x%x is no code of %s", (unsigned)code, s->name);
    }
    return RG_OK;
}

static rg_status read_scales(const stream *s, const char *path, char **scales, rg_error *err) {
    const size_t want = rg_format_stored_size(&s->quant.format, s->rows, s->cols, false).scale_bytes;
    size_t size = 0;
    if (!path && s->quant.format.span != RG_SPAN_NONE)
        return rg_fail(err, RG_ERR_USAGE, "--scales", "the file that ridge num encode --scales wrote",
                       "%s is stored with scales", s->name);
    if (path) RG_TRY(rg_file_read(path, (size_t)1 << 40, scales, &size, err));
    if (path && size != want) {
        char expected[128];
        snprintf(expected, sizeof expected, "%zu bytes for %zu rows of %zu values", want, s->rows, s->cols);
        return rg_fail(err, RG_ERR_MISMATCH, path, expected, "%zu bytes", size);
    }
    return RG_OK;
}

static rg_status decode(stream *s, const char *scales, rg_error *err) {
    float *y = malloc(s->rows * s->cols * sizeof *y + 1);
    if (!y) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "no memory for %zu values", s->rows * s->cols);
    rg_decode(&s->quant.format, s->data, scales, y, s->rows, s->cols, false);
    rg_status status = write_stdout(y, s->rows * s->cols * sizeof *y, err);
    free(y);
    return status;
}

rg_status cli_num_decode(cli_context *context, rg_error *err) {
    stream s = {0};
    char *scales = NULL;
    rg_status status = start(&s, context, err);
    const size_t width = rg_format_stored_size(&s.quant.format, 1, 1, false).code_bytes;
    if (status == RG_OK) status = shape(&s, context, width, err);
    if (status == RG_OK) status = read_scales(&s, cli_string(context, "scales"), &scales, err);
    if (status == RG_OK) status = check_codes(&s, width, err);
    if (status == RG_OK) status = decode(&s, scales, err);
    free(scales);
    free(s.data);
    return status;
}
