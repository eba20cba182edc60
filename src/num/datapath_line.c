/* Dot products as lines of text. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "num/datapath.h"

static int digits_of(int bits) {
    return bits <= 4 ? 1 : bits <= 8 ? 2 : bits <= 16 ? 4 : 8;
}

static int nibble(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Codes of text[0..length), `bits` each. */
static rg_status read_codes(const char *text, size_t length, int bits, const char *what, const char *where,
                            rg_arena *arena, const uint32_t **codes, size_t *n, rg_error *err) {
    const size_t digits = (size_t)digits_of(bits);
    char expected[96];
    snprintf(expected, sizeof expected, "%zu hexadecimal digit%s a code, one after the other", digits,
             digits > 1 ? "s" : "");
    if (length == 0 || length % digits || length / digits > RG_DOT_MAX_K)
        return rg_fail(err, RG_ERR_PARSE, where, expected, "%s has %zu digits", what, length);
    uint32_t *out = rg_arena_alloc(arena, length / digits, sizeof *out);
    if (!out) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < length; i++) {
        const int v = nibble(text[i]);
        if (v < 0)
            return rg_fail(err, RG_ERR_PARSE, where, expected, "%s has '%.1s' at digit %zu", what, text + i,
                           i + 1);
        out[i / digits] = out[i / digits] << 4 | (uint32_t)v;
        if (i % digits == digits - 1 && bits < 32 && out[i / digits] >> bits)
            return rg_fail(err, RG_ERR_PARSE, where, "codes within the format's bits",
                           "%s has code %0*x of more than %d bits", what, (int)digits,
                           (unsigned)out[i / digits], bits);
    }
    *codes = out;
    *n = length / digits;
    return RG_OK;
}

static rg_status read_operand(const rg_datapath *dp, int side, const char *text, size_t length,
                              const char *where, rg_arena *arena, rg_dot *dot, size_t *k, rg_error *err) {
    const dp_input *in = &dp->input[side];
    const char *colon = memchr(text, ':', length);
    const size_t n_codes = colon ? (size_t)(colon - text) : length;
    RG_TRY(read_codes(text, n_codes, in->elem.bits, side ? "b" : "a", where, arena, side ? &dot->b : &dot->a,
                      k, err));
    if (!colon) return RG_OK;
    size_t n_scales;
    if (!in->block)
        return rg_fail(err, RG_ERR_PARSE, where, "codes alone", "%s has no block scales", in->text);
    RG_TRY(read_codes(colon + 1, length - n_codes - 1, in->scale.bits,
                      side ? "the scale of b" : "the scale of a", where, arena,
                      side ? &dot->b_scale : &dot->a_scale, &n_scales, err));
    const size_t blocks = (*k + (size_t)in->block - 1) / (size_t)in->block;
    if (n_scales != blocks)
        return rg_fail(err, RG_ERR_PARSE, where, "one scale per block", "%zu scales for %zu blocks of %d",
                       n_scales, blocks, in->block);
    return RG_OK;
}

rg_status rg_dot_read(const rg_datapath *dp, const char *line, const char *where, rg_arena *arena,
                      rg_dot *out, rg_error *err) {
    static const char spaces[] = " \t\r\n";
    const char *field[3];
    size_t length[3], k[2];
    for (int i = 0; i < 3; i++) {
        line += strspn(line, spaces);
        field[i] = line;
        length[i] = strcspn(line, spaces);
        line += length[i];
        if (!length[i])
            return rg_fail(err, RG_ERR_PARSE, where, "a-codes b-codes c", i ? "%d field%s" : "an empty line",
                           i, i > 1 ? "s" : "");
    }
    rg_dot dot = {0};
    for (int i = 0; i < 2; i++)
        RG_TRY(read_operand(dp, i, field[i], length[i], where, arena, &dot, &k[i], err));
    if (k[0] != k[1])
        return rg_fail(err, RG_ERR_PARSE, where, "as many of a as of b", "%zu codes of a, %zu of b", k[0],
                       k[1]);
    dot.k = k[0];
    const uint32_t *c;
    size_t n;
    RG_TRY(read_codes(field[2], length[2], 32, "c", where, arena, &c, &n, err));
    if (n != 1)
        return rg_fail(err, RG_ERR_PARSE, where, "8 hexadecimal digits (fp32)", "c has %zu digits",
                       length[2]);
    memcpy(&dot.c, c, sizeof dot.c);
    *out = dot;
    return RG_OK;
}

static void print_codes(const uint32_t *codes, size_t n, int bits, rg_str *out) {
    for (size_t i = 0; i < n; i++) rg_str_printf(out, "%0*x", digits_of(bits), (unsigned)codes[i]);
}

void rg_dot_print(const rg_datapath *dp, const rg_dot *dot, rg_str *out) {
    uint32_t c;
    memcpy(&c, &dot->c, sizeof c);
    for (int side = 0; side < 2; side++) {
        const dp_input *in = &dp->input[side];
        const uint32_t *scale = side ? dot->b_scale : dot->a_scale;
        print_codes(side ? dot->b : dot->a, dot->k, in->elem.bits, out);
        if (scale) {
            rg_str_add(out, ":");
            print_codes(scale, (dot->k + (size_t)in->block - 1) / (size_t)in->block, in->scale.bits, out);
        }
        rg_str_add(out, " ");
    }
    rg_str_printf(out, "%08x", (unsigned)c);
}
