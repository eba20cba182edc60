/* Numbers into the element types of files, by the number formats: what is written decodes to what rg_qdq
   gives, so that a policy's quality is that of the file. */
#include "ridge/num.h"
#include "tensor/write.h"

#include <math.h>
#include <stdlib.h>

/* Q4_1 has an offset of its own, which no number format has. */
static const struct pair {
    const char *type, *format;
} pairs[] = {{"f32", NULL},
             {"q4_1", NULL},
             {"f16", "fp16"},
             {"bf16", "bf16"},
             {"q8_0", "int8(sym,group=32,scale=fp16)"},
             {"q4_0", "int4(sym,group=32,scale=fp16)"},
             {"mxfp4", "mxfp4"}};

static const struct pair *find(const char *type) {
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
        if (strcmp(pairs[i].type, type) == 0) return &pairs[i];
    return NULL;
}

const tensor_type *tensor_encodable(const char *format) {
    return find(format) ? tensor_type_named(format) : NULL;
}

static rg_status out_of_memory(const char *name, rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, name, NULL, "out of memory");
}

static rg_status check_counts(const rg_qdq_counts *c, const tensor_type *type, const char *name, bool scaled,
                              rg_error *err) {
    if (c->n_nan || c->n_inf || (c->n_overflow && !scaled))
        return rg_fail(err, RG_ERR_UNSUPPORTED, name, "finite numbers within the type's range",
                       "%llu numbers are not finite, %llu too large for %s",
                       (unsigned long long)(c->n_nan + c->n_inf), (unsigned long long)c->n_overflow,
                       type->name);
    return RG_OK;
}

/* Codes and scales of runs into blocks: scale first, nibbles as types_block.c says. */
static void join(const tensor_type *type, const uint8_t *code, const uint8_t *scale, size_t n_blocks,
                 uint8_t *out) {
    const size_t scale_bytes = type->bytes - (type->bytes > 32 ? 32 : 16);
    const int offset = strcmp(type->name, "q4_0") == 0 ? 8 : 0; /* there 0 is -8 */
    for (size_t b = 0; b < n_blocks; b++, code += 32, scale += scale_bytes, out += type->bytes) {
        memcpy(out, scale, scale_bytes);
        for (int i = 0; i < 32 && type->bytes > 32; i++) out[scale_bytes + (size_t)i] = code[i];
        for (int i = 0; i < 16 && type->bytes < 32; i++)
            out[scale_bytes + (size_t)i] =
                (uint8_t)(((code[i] + offset) & 15) | ((code[16 + i] + offset) & 15) << 4);
    }
}

static rg_status encode_by(const struct pair *p, const tensor_type *type, const char *name, const float *x,
                           size_t n, uint8_t *out, rg_error *err) {
    rg_quant q;
    rg_qdq_counts counts = {0};
    RG_TRY(rg_quant_parse(p->format, &q, err));
    if (type->block == 1) {
        rg_encode(&q, x, out, NULL, 1, n, true, &counts);
        return check_counts(&counts, type, name, false, err);
    }
    const rg_stored_size size = rg_format_stored_size(&q.format, n / type->block, type->block, false);
    uint8_t *code = malloc(size.code_bytes + 1), *scale = malloc(size.scale_bytes + 1);
    rg_status status = code && scale ? RG_OK : out_of_memory(name, err);
    if (status == RG_OK) {
        rg_encode(&q, x, code, scale, n / type->block, type->block, false, &counts);
        status = check_counts(&counts, type, name, true, err);
    }
    if (status == RG_OK) join(type, code, scale, n / type->block, out);
    free(code);
    free(scale);
    return status;
}

static uint16_t half_code(const rg_quant *fp16, float x) {
    return (uint16_t)rg_elem_encode(&fp16->format.elem, x);
}

/* d = (max - min) / 15 and m = min in fp16, q = rint((x - m) / d). */
static rg_status encode_q4_1(const char *name, const float *x, size_t n, uint8_t *out, rg_error *err) {
    rg_quant fp16;
    RG_TRY(rg_quant_parse("fp16", &fp16, err));
    for (size_t at = 0; at < n; at += 32, out += 20) {
        float low = x[at], high = x[at];
        for (size_t i = at; i < at + 32; i++) {
            if (!(fabsf(x[i]) <= 65504))
                return rg_fail(err, RG_ERR_UNSUPPORTED, name, "finite numbers up to 65504",
                               "element %zu is too large for q4_1", i);
            low = x[i] < low ? x[i] : low;
            high = x[i] > high ? x[i] : high;
        }
        const uint16_t code[2] = {half_code(&fp16, (high - low) / 15), half_code(&fp16, low)};
        memcpy(out, code, sizeof code);
        const float d = half_value(out), m = half_value(out + 2);
        uint8_t q[32];
        for (size_t i = 0; i < 32; i++) {
            const float r = d > 0 ? rintf((x[at + i] - m) / d) : 0;
            q[i] = (uint8_t)(r < 0 ? 0 : r > 15 ? 15 : r);
        }
        for (size_t i = 0; i < 16; i++) out[4 + i] = (uint8_t)(q[i] | q[16 + i] << 4);
    }
    return RG_OK;
}

rg_status tensor_encode(const tensor_type *type, const char *name, const float *x, size_t n, uint8_t *out,
                        rg_error *err) {
    const struct pair *p = find(type->name);
    if (p && p->format) return encode_by(p, type, name, x, n, out, err);
    if (strcmp(type->name, "q4_1") == 0) return encode_q4_1(name, x, n, out, err);
    if (n) memcpy(out, x, n * sizeof *x);
    return RG_OK;
}
