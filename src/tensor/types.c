/* Element types of tensors and their exact values in fp32.
   Source: GGUF specification (ggml, docs/gguf.md) for numbers and layouts. */
#include "tensor/file.h"

static float half_value(const uint8_t *p) {
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

/* fp16 scale, 32 signed bytes: d q */
static void decode_q8_0(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 34, out += 32) {
        const float d = half_value(in);
        for (int i = 0; i < 32; i++) out[i] = d * (float)(int8_t)in[2 + i];
    }
}

/* fp16 scale, fp16 offset, 32 nibbles, element i in the low half of byte i, element 16 + i in its high half:
   d q + m, the product exact */
static void decode_q4_1(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 20, out += 32) {
        const float d = half_value(in), m = half_value(in + 2);
        for (int i = 0; i < 16; i++) {
            out[i] = d * (float)(in[4 + i] & 15) + m;
            out[16 + i] = d * (float)(in[4 + i] >> 4) + m;
        }
    }
}

static const tensor_type types[] = {
    {0, "f32", 1, 4, decode_f32},     {1, "f16", 1, 2, decode_f16},     {30, "bf16", 1, 2, decode_bf16},
    {8, "q8_0", 32, 34, decode_q8_0}, {3, "q4_1", 32, 20, decode_q4_1},
};

const tensor_type *tensor_type_of(uint32_t gguf) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].gguf == gguf) return &types[i];
    return NULL;
}

const tensor_type *tensor_type_named(const char *name) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (strcmp(types[i].name, name) == 0) return &types[i];
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
