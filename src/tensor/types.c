/* Element types of tensors and their exact values in fp32.
   Sources: GGUF specification (ggml, docs/gguf.md) for its numbers; safetensors (format of the README) and
   numpy.lib.format for their names. Runs of more than one element: types_block.c. */
#include "tensor/file.h"

float half_value(const uint8_t *p) {
    uint16_t h;
    memcpy(&h, p, sizeof h);
    const uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = h >> 10 & 31, fraction = h & 1023;
    if (exponent == 0) { /* zero and subnormals: fraction x 2^-24, exact */
        const float magnitude = (float)fraction * 0x1p-24f;
        return sign ? -magnitude : magnitude;
    }
    const uint32_t bits = sign | (exponent == 31 ? 255u : exponent + 112) << 23 | fraction << 13;
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static void decode_f32(const uint8_t *in, float *out, size_t n) {
    memcpy(out, in, n * sizeof *out);
}

static void decode_f16(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = half_value(in + 2 * i);
}

static void decode_bf16(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t bits = (uint32_t)in[2 * i] << 16 | (uint32_t)in[2 * i + 1] << 24;
        memcpy(out + i, &bits, sizeof bits);
    }
}

/* Nearest fp32 value; beyond its range infinity. */
static void decode_f64(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        double v;
        memcpy(&v, in + 8 * i, sizeof v);
        out[i] = (float)v;
    }
}

/* The upper byte of an fp16 number. */
static void decode_f8_e5m2(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint8_t half[2] = {0, in[i]};
        out[i] = half_value(half);
    }
}

/* OCP FP8 E4M3: bias 7, no infinity, NaN where all bits but the sign are set. */
static void decode_f8_e4m3(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) {
        const uint32_t exponent = in[i] >> 3 & 15, fraction = in[i] & 7;
        const uint32_t bits = (in[i] & 127) == 127 ? 0x7fc00000u : (exponent + 120) << 23 | fraction << 20;
        float v;
        memcpy(&v, &bits, sizeof v);
        if (exponent == 0) v = (float)fraction * 0x1p-9f;
        out[i] = in[i] & 128 ? -v : v;
    }
}

#define DECODE_WHOLE(name, type)                                                                             \
    static void decode_##name(const uint8_t *in, float *out, size_t n) {                                     \
        for (size_t i = 0; i < n; i++) {                                                                     \
            type v;                                                                                          \
            memcpy(&v, in + i * sizeof v, sizeof v);                                                         \
            out[i] = (float)v;                                                                               \
        }                                                                                                    \
    }
DECODE_WHOLE(u8, uint8_t)
DECODE_WHOLE(i8, int8_t)
DECODE_WHOLE(i16, int16_t)
DECODE_WHOLE(i32, int32_t)
DECODE_WHOLE(i64, int64_t)

static void decode_bool(const uint8_t *in, float *out, size_t n) {
    for (size_t i = 0; i < n; i++) out[i] = in[i] ? 1 : 0;
}

static const tensor_type types[] = {
    {0, "f32", "F32", "<f4", 1, 4, decode_f32},
    {1, "f16", "F16", "<f2", 1, 2, decode_f16},
    {30, "bf16", "BF16", NULL, 1, 2, decode_bf16},
    {28, "f64", "F64", "<f8", 1, 8, decode_f64},
    {NO_GGUF, "f8_e4m3", "F8_E4M3", NULL, 1, 1, decode_f8_e4m3},
    {NO_GGUF, "f8_e5m2", "F8_E5M2", NULL, 1, 1, decode_f8_e5m2},
    {24, "i8", "I8", "|i1", 1, 1, decode_i8},
    {NO_GGUF, "u8", "U8", "|u1", 1, 1, decode_u8},
    {25, "i16", "I16", "<i2", 1, 2, decode_i16},
    {26, "i32", "I32", "<i4", 1, 4, decode_i32},
    {27, "i64", "I64", "<i8", 1, 8, decode_i64},
    {NO_GGUF, "bool", "BOOL", "|b1", 1, 1, decode_bool},
    {2, "q4_0", NULL, NULL, 32, 18, decode_q4_0},
    {3, "q4_1", NULL, NULL, 32, 20, decode_q4_1},
    {6, "q5_0", NULL, NULL, 32, 22, decode_q5_0},
    {7, "q5_1", NULL, NULL, 32, 24, decode_q5_1},
    {8, "q8_0", NULL, NULL, 32, 34, decode_q8_0},
    {10, "q2_k", NULL, NULL, 256, 84, decode_q2_k},
    {11, "q3_k", NULL, NULL, 256, 110, decode_q3_k},
    {12, "q4_k", NULL, NULL, 256, 144, decode_q4_k},
    {13, "q5_k", NULL, NULL, 256, 176, decode_q5_k},
    {14, "q6_k", NULL, NULL, 256, 210, decode_q6_k},
    {20, "iq4_nl", NULL, NULL, 32, 18, decode_iq4_nl},
    {39, "mxfp4", NULL, NULL, 32, 17, decode_mxfp4},
};
enum { N_TYPES = sizeof types / sizeof *types };

const tensor_type *tensor_type_of(uint32_t gguf) {
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].gguf == gguf && gguf != NO_GGUF) return &types[i];
    return NULL;
}

const tensor_type *tensor_type_named(const char *name) {
    for (size_t i = 0; i < N_TYPES; i++)
        if (strcmp(types[i].name, name) == 0) return &types[i];
    return NULL;
}

const tensor_type *tensor_type_safetensors(const char *dtype) {
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].safetensors && strcmp(types[i].safetensors, dtype) == 0) return &types[i];
    return NULL;
}

const tensor_type *tensor_type_npy(const char *descr) {
    for (size_t i = 0; i < N_TYPES; i++)
        if (types[i].npy && strcmp(types[i].npy, descr) == 0) return &types[i];
    return NULL;
}

const char *tensor_type_label(uint32_t gguf) {
    static const char *const labels[] = {
        "F32",    "F16",   "Q4_0",  "Q4_1",   NULL,    NULL,    "Q5_0",    "Q5_1",   "Q8_0",    "Q8_1",
        "Q2_K",   "Q3_K",  "Q4_K",  "Q5_K",   "Q6_K",  "Q8_K",  "IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S",
        "IQ4_NL", "IQ3_S", "IQ2_S", "IQ4_XS", "I8",    "I16",   "I32",     "I64",    "F64",     "IQ1_M",
        "BF16",   NULL,    NULL,    NULL,     "TQ1_0", "TQ2_0", NULL,      NULL,     NULL,      "MXFP4"};
    return gguf < sizeof labels / sizeof *labels ? labels[gguf] : NULL;
}
