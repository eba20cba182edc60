/* Element types that store runs of numbers behind common scales: against figures of another program, and
   against blocks packed here from the numbers they hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <zlib.h>

#include "ridge/num.h"
#include "tensor/file.h"
#include "unit/tensor/gguf_builder.h"

enum { BLOCKS = 64, LARGEST = 256 };

/* ---- the GGUF package of PyPI, version 0.19.0 (numpy) ------------------------------------------------- */

/* Blocks of bytes from a linear congruence, scales made finite; CRC-32 of the fp32 values that
   gguf.quants.dequantize gives (-0 as +0), and three of them. */
static const struct {
    uint32_t type;
    const char *name;
    size_t bytes;
    int half[2]; /* where fp16 numbers stand in a block */
    uint32_t crc;
    float at_0, at_17, at_31;
} others[] = {
    {2, "q4_0", 18, {0, -1}, 0x3fcbe8c6, 0x1.ep-21f, 0x1.4p-21f, 0x1.18p-19f},
    {3, "q4_1", 20, {0, 2}, 0xddc6abaa, -0x1.a2acp-7f, -0x1.a2bd8p-7f, -0x1.a29a8p-7f},
    {6, "q5_0", 22, {0, -1}, 0x037ddd4e, 0x1.18p-18f, -0x1.4p-19f, -0x1.ep-20f},
    {7, "q5_1", 24, {0, 2}, 0xe7f69a9d, -0x1.a2acp-7f, -0x1.a27ap-7f, -0x1.a2868p-7f},
    {8, "q8_0", 34, {0, -1}, 0xa9120852, -0x1.248p-15f, -0x1.04p-18f, 0x1.72p-16f},
    {10, "q2_k", 84, {80, 82}, 0x9d2b5484, -0x1.d29p-1f, -0x1.754p+0f, 0},
    {11, "q3_k", 110, {108, -1}, 0x86938856, -0x1.785p-9f, -0x1.68a2p-8f, 0},
    {12, "q4_k", 144, {0, 2}, 0x6a27c7f7, 0x1.3a1fap-2f, 0x1.3a2f4p-2f, 0x1.3a1c8p-2f},
    {13, "q5_k", 176, {0, 2}, 0xbcc13cad, 0x1.3a51ap-2f, 0x1.3a2c2p-2f, 0x1.3a3eep-2f},
    {14, "q6_k", 210, {208, -1}, 0x4bef4dd3, -0x1.49bc2p+8f, 0x1.12c77p+9f, -0x1.5a04ap+8f},
    {20, "iq4_nl", 18, {0, -1}, 0x12313de7, 0x1.7cp-17f, 0x1.f4p-18f, 0x1.1a8p-15f},
    {39, "mxfp4", 17, {-1, -1}, 0x5a53f99e, 0x1p-121f, 0, 0x1p-120f},
};

static void figures_of_others(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof others / sizeof *others; k++) {
        uint8_t data[BLOCKS * LARGEST];
        float out[BLOCKS * 256];
        uint32_t x = 12345;
        const tensor_type *type = tensor_type_of(others[k].type);
        assert_non_null(type);
        assert_string_equal(type->name, others[k].name);
        assert_int_equal(type->bytes, others[k].bytes);
        for (size_t i = 0; i < BLOCKS * others[k].bytes; i++)
            data[i] = (uint8_t)((x = x * 1664525 + 1013904223) >> 24);
        for (size_t b = 0; b < BLOCKS; b++) {
            uint8_t *block = data + b * others[k].bytes;
            for (int h = 0; h < 2; h++)
                if (others[k].half[h] >= 0) block[others[k].half[h] + 1] &= 0xbb;
            if (others[k].type == 39 && *block == 255) *block = 254;
        }
        type->decode(data, out, BLOCKS);
        const size_t n = BLOCKS * type->block;
        for (size_t i = 0; i < n; i++) out[i] += 0.0f;
        const uint32_t crc = (uint32_t)crc32(0, (const uint8_t *)out, (unsigned)(n * sizeof *out));
        if (crc != others[k].crc || out[0] != others[k].at_0 || out[17] != others[k].at_17 ||
            out[31] != others[k].at_31)
            fail_msg("%s: %08x %a %a %a", type->name, crc, (double)out[0], (double)out[17], (double)out[31]);
    }
}

/* ---- blocks packed here -------------------------------------------------------------------------------- */

/* What a super-block holds: q of 256 elements, a scale and an offset for each run. */
typedef struct numbers {
    int q[256], scale[16], offset[16];
} numbers;

static const uint8_t one[2] = {0, 0x3c}, half_one[2] = {0, 0x38}; /* fp16 */

static int draw(uint64_t round, uint64_t i, int n) {
    return (int)(rg_random_u32(5, round, i) % (uint32_t)n);
}

static void pack_scales_6(uint8_t *s, const numbers *v) { /* of q4_k and q5_k: 4 + 4 bytes, then the rest */
    memset(s, 0, 12);
    for (int k = 0; k < 8; k++) {
        const int a = v->scale[k], b = v->offset[k];
        if (k < 4) {
            s[k] |= (uint8_t)a;
            s[4 + k] |= (uint8_t)b;
        } else {
            s[4 + k] = (uint8_t)((a & 15) | (b & 15) << 4);
            s[k - 4] |= (uint8_t)(a >> 4 << 6);
            s[k] |= (uint8_t)(b >> 4 << 6);
        }
    }
}

static void pack_45(uint8_t *block, const numbers *v, bool five) {
    memcpy(block, one, 2);
    memcpy(block + 2, half_one, 2);
    pack_scales_6(block + 4, v);
    uint8_t *high = block + 16, *low = block + (five ? 48 : 16);
    for (int j = 0; j < 256; j += 64, low += 32)
        for (int l = 0; l < 32; l++) {
            low[l] = (uint8_t)((v->q[j + l] & 15) | (v->q[j + 32 + l] & 15) << 4);
            if (!five) continue;
            if (j == 0) high[l] = 0;
            high[l] |= (uint8_t)((v->q[j + l] >> 4) << j / 32 | (v->q[j + 32 + l] >> 4) << (j / 32 + 1));
        }
}

static void pack_2(uint8_t *block, const numbers *v) {
    for (int k = 0; k < 16; k++) block[k] = (uint8_t)(v->scale[k] | v->offset[k] << 4);
    for (int j = 0; j < 256; j += 128)
        for (int l = 0; l < 32; l++)
            block[16 + j / 4 + l] = (uint8_t)(v->q[j + l] | v->q[j + 32 + l] << 2 | v->q[j + 64 + l] << 4 |
                                              v->q[j + 96 + l] << 6);
    memcpy(block + 80, one, 2);
    memcpy(block + 82, half_one, 2);
}

static void pack_3(uint8_t *block, const numbers *v) { /* q of 0 to 7, scales of 0 to 63 */
    memset(block, 0, 110);
    for (int i = 0; i < 256; i++) {
        block[32 + i / 128 * 32 + i % 32] |= (uint8_t)((v->q[i] & 3) << i % 128 / 32 * 2);
        if (v->q[i] & 4) block[i % 32] |= (uint8_t)(1 << i / 32);
    }
    for (int k = 0; k < 16; k++) {
        block[96 + k % 8] |= (uint8_t)((v->scale[k] & 15) << k / 8 * 4);
        block[104 + k % 4] |= (uint8_t)(v->scale[k] >> 4 << k / 4 * 2);
    }
    memcpy(block + 108, one, 2);
}

static void pack_6(uint8_t *block, const numbers *v) { /* q of 0 to 63 */
    for (int j = 0; j < 256; j += 128)
        for (int l = 0; l < 32; l++) {
            const int *q = v->q + j + l;
            block[j / 2 + l] = (uint8_t)((q[0] & 15) | (q[64] & 15) << 4);
            block[j / 2 + 32 + l] = (uint8_t)((q[32] & 15) | (q[96] & 15) << 4);
            block[128 + j / 4 + l] =
                (uint8_t)(q[0] >> 4 | q[32] >> 4 << 2 | q[64] >> 4 << 4 | q[96] >> 4 << 6);
        }
    for (int k = 0; k < 16; k++) block[192 + k] = (uint8_t)(v->scale[k] - 32);
    memcpy(block + 208, one, 2);
}

static float expected(uint32_t type, const numbers *v, int i) {
    switch (type) {
    case 10:
        return (float)v->scale[i / 16] * (float)v->q[i] - 0.5f * (float)v->offset[i / 16];
    case 11:
        return (float)((v->scale[i / 16] - 32) * (v->q[i] - 4));
    case 14:
        return (float)((v->scale[i / 16] - 32) * (v->q[i] - 32));
    default:
        return (float)v->scale[i / 32] * (float)v->q[i] - 0.5f * (float)v->offset[i / 32];
    }
}

static void packed_here(void **state) {
    (void)state;
    static const struct {
        uint32_t type;
        int q, scale; /* how many values each has */
    } kinds[] = {{10, 4, 16}, {11, 8, 64}, {12, 16, 64}, {13, 32, 64}, {14, 64, 64}};
    for (size_t k = 0; k < 5; k++)
        for (uint64_t round = 0; round < 200; round++) {
            numbers v;
            uint8_t block[LARGEST];
            float out[256];
            for (uint64_t i = 0; i < 256; i++) v.q[i] = draw(round, i, kinds[k].q);
            for (uint64_t i = 0; i < 16; i++) {
                v.scale[i] = draw(round, 300 + i, kinds[k].scale);
                v.offset[i] = draw(round, 400 + i, kinds[k].scale);
            }
            if (kinds[k].type == 10) pack_2(block, &v);
            if (kinds[k].type == 11) pack_3(block, &v);
            if (kinds[k].type == 12) pack_45(block, &v, false);
            if (kinds[k].type == 13) pack_45(block, &v, true);
            if (kinds[k].type == 14) pack_6(block, &v);
            tensor_type_of(kinds[k].type)->decode(block, out, 1);
            for (int i = 0; i < 256; i++)
                if (out[i] != expected(kinds[k].type, &v, i))
                    fail_msg("type %u element %d: %g, not %g", kinds[k].type, i, (double)out[i],
                             (double)expected(kinds[k].type, &v, i));
        }
}

/* The number formats' own definitions of MX and of OCP FP8, all codes. */
static void as_number_formats(void **state) {
    (void)state;
    static const struct { const char *type, *format; } rows[] = {{"f8_e4m3", "e4m3fn"}, {"f8_e5m2", "e5m2"}};
    for (size_t k = 0; k < 2; k++) {
        rg_quant q;
        assert_int_equal(rg_quant_parse(rows[k].format, &q, NULL), RG_OK);
        for (int code = 0; code < 256; code++) {
            const uint8_t byte = (uint8_t)code;
            float out;
            tensor_type_named(rows[k].type)->decode(&byte, &out, 1);
            const float want = rg_elem_decode(&q.format.elem, (uint32_t)code);
            if (want == want ? memcmp(&want, &out, 4) != 0 : out == out)
                fail_msg("%s %d: %g, not %g", rows[k].type, code, (double)out, (double)want);
        }
    }
    rg_quant e2m1;
    assert_int_equal(rg_quant_parse("e2m1", &e2m1, NULL), RG_OK);
    for (int code = 0; code < 16; code++)
        for (int scale = 0; scale < 256; scale++) {
            uint8_t block[17] = {(uint8_t)scale, (uint8_t)code, [16] = (uint8_t)(code << 4)};
            float out[32];
            tensor_type_named("mxfp4")->decode(block, out, 1);
            const double want = (double)rg_elem_decode(&e2m1.format.elem, (uint32_t)code);
            if (scale == 255) {
                assert_true(out[0] != out[0] && out[31] != out[31]);
                continue;
            }
            double power = 1;
            for (int e = scale; e > 127; e--) power *= 2;
            for (int e = scale; e < 127; e++) power /= 2;
            assert_true(out[0] == (float)(want * power) && out[31] == out[0]);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_of_others), cmocka_unit_test(packed_here),
                                       cmocka_unit_test(as_number_formats)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
