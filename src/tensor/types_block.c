/* Element types that store runs of numbers behind common scales, decoded exactly: where a value is a
   difference of products, each product is exact in fp32 and the difference rounded once. Source: ggml
   (ggml-common.h for the layouts, dequantize_row_* of ggml-quants.c for the meaning). Nibbles: element i of a
   run of 32 in the low half of byte i, element 16 + i in its high half, unless said otherwise. */
#include "tensor/file.h"

enum { RUN = 32, HALF = RUN / 2, SUPER = 256 };

/* d q, q signed bytes */
void decode_q8_0(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 34, out += RUN) {
        const float d = half_value(in);
        for (int i = 0; i < RUN; i++) out[i] = d * (float)(int8_t)in[2 + i];
    }
}

/* d (q - 8) */
void decode_q4_0(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 18, out += RUN) {
        const float d = half_value(in);
        for (int i = 0; i < HALF; i++) {
            out[i] = d * (float)((in[2 + i] & 15) - 8);
            out[HALF + i] = d * (float)((in[2 + i] >> 4) - 8);
        }
    }
}

/* d q + m */
void decode_q4_1(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 20, out += RUN) {
        const float d = half_value(in), m = half_value(in + 2);
        for (int i = 0; i < HALF; i++) {
            out[i] = d * (float)(in[4 + i] & 15) + m;
            out[HALF + i] = d * (float)(in[4 + i] >> 4) + m;
        }
    }
}

/* Five bits: the fifth of element i is bit i of a word before the nibbles. */
static int five_bits(const uint8_t *high, const uint8_t *nibbles, int i) {
    const int low = i < HALF ? nibbles[i] & 15 : nibbles[i - HALF] >> 4;
    return low | (high[i / 8] >> i % 8 & 1) << 4;
}

/* d (q - 16) */
void decode_q5_0(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 22, out += RUN) {
        const float d = half_value(in);
        for (int i = 0; i < RUN; i++) out[i] = d * (float)(five_bits(in + 2, in + 6, i) - 16);
    }
}

/* d q + m */
void decode_q5_1(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 24, out += RUN) {
        const float d = half_value(in), m = half_value(in + 2);
        for (int i = 0; i < RUN; i++) out[i] = d * (float)five_bits(in + 4, in + 8, i) + m;
    }
}

void decode_iq4_nl(const uint8_t *in, float *out, size_t n) {
    static const int8_t value[16] = {-127, -104, -83, -65, -49, -35, -22, -10,
                                     1,    13,   25,  38,  53,  69,  89,  113};
    for (; n--; in += 18, out += RUN) {
        const float d = half_value(in);
        for (int i = 0; i < HALF; i++) {
            out[i] = d * (float)value[in[2 + i] & 15];
            out[HALF + i] = d * (float)value[in[2 + i] >> 4];
        }
    }
}

/* OCP MX: an E8M0 scale (255: NaN), E2M1 codes. */
void decode_mxfp4(const uint8_t *in, float *out, size_t n) {
    static const float value[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};
    for (; n--; in += 17, out += RUN) {
        const uint32_t bits = in[0] == 255 ? 0x7fc00000u : in[0] ? (uint32_t)in[0] << 23 : 1u << 22;
        float scale;
        memcpy(&scale, &bits, sizeof scale);
        for (int i = 0; i < HALF; i++) {
            out[i] = scale * value[in[1 + i] & 15];
            out[HALF + i] = scale * value[in[1 + i] >> 4];
        }
    }
}

/* ---- super-blocks of 256: runs of 16 or 32 with small whole scales ------------------------------------ */

/* Two bits of element i: of each 128, bits 2 k and 2 k + 1 of byte i mod 32 hold the k-th 32. */
static int two_bits(const uint8_t *q, int i) {
    return q[i / 128 * 32 + i % 32] >> 2 * (i % 128 / 32) & 3;
}

/* 16 bytes of scale (low nibble) and offset (high), 64 of q, d, m: d scale q - m offset */
void decode_q2_k(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 84, out += SUPER) {
        const float d = half_value(in + 80), m = half_value(in + 82);
        for (int i = 0; i < SUPER; i++) {
            const uint8_t s = in[i / 16];
            out[i] = d * (float)(s & 15) * (float)two_bits(in + 16, i) - m * (float)(s >> 4);
        }
    }
}

/* Six bits of scale k in 12 bytes: low nibbles of 16 in the first 8 bytes, two high bits each in the last 4.
 */
static int q3_scale(const uint8_t *s, int k) {
    const int low = k < 8 ? s[k] & 15 : s[k - 8] >> 4, high = s[8 + k % 4] >> 2 * (k / 4) & 3;
    return (low | high << 4) - 32;
}

/* 32 bytes of third bits (0: subtract 4), 64 of q, 12 of scales, d: d scale q */
void decode_q3_k(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 110, out += SUPER) {
        const float d = half_value(in + 108);
        for (int i = 0; i < SUPER; i++) {
            const int third = in[i % 32] >> i / 32 & 1;
            const int q = two_bits(in + 32, i) - (third ? 0 : 4);
            out[i] = d * (float)q3_scale(in + 96, i / 16) * (float)q;
        }
    }
}

/* Six bits of scale and of offset for eight runs, in 12 bytes. */
static void q45_scale(const uint8_t *s, int run, int *scale, int *offset) {
    if (run < 4) {
        *scale = s[run] & 63;
        *offset = s[run + 4] & 63;
    } else {
        *scale = (s[run + 4] & 15) | s[run - 4] >> 6 << 4;
        *offset = s[run + 4] >> 4 | s[run] >> 6 << 4;
    }
}

/* Of each 64: the first 32 in the low halves of 32 bytes, the other 32 in the high halves. */
static int four_bits(const uint8_t *q, int i) {
    return q[i / 64 * 32 + i % 32] >> 4 * (i / 32 % 2) & 15;
}

/* d, m, 12 bytes of scales, 128 of q: d scale q - m offset */
void decode_q4_k(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 144, out += SUPER) {
        const float d = half_value(in), m = half_value(in + 2);
        for (int i = 0; i < SUPER; i++) {
            int scale, offset;
            q45_scale(in + 4, i / RUN, &scale, &offset);
            out[i] = d * (float)scale * (float)four_bits(in + 16, i) - m * (float)offset;
        }
    }
}

/* The same with 32 bytes of fifth bits before q: bit k of byte i for the k-th 32. */
void decode_q5_k(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 176, out += SUPER) {
        const float d = half_value(in), m = half_value(in + 2);
        for (int i = 0; i < SUPER; i++) {
            int scale, offset;
            q45_scale(in + 4, i / RUN, &scale, &offset);
            const int q = four_bits(in + 48, i) | (in[16 + i % 32] >> i / 32 & 1) << 4;
            out[i] = d * (float)scale * (float)q - m * (float)offset;
        }
    }
}

/* 128 bytes of low nibbles, 64 of two high bits, 16 signed scales, d: d scale (q - 32). Of each 128, the low
   halves of 64 bytes hold the first 64, the high halves the others. */
void decode_q6_k(const uint8_t *in, float *out, size_t n) {
    for (; n--; in += 210, out += SUPER) {
        const float d = half_value(in + 208);
        for (int i = 0; i < SUPER; i++) {
            const int low = in[i / 128 * 64 + i % 64] >> 4 * (i % 128 / 64) & 15;
            const int q = (low | two_bits(in + 128, i) << 4) - 32;
            out[i] = d * (float)(int8_t)in[192 + i / 16] * (float)q;
        }
    }
}
