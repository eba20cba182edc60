/* Finding formats: operands of eight hexadecimal digits are 1 code of 32 bits, 2 of 16, 4 of 8 or 8 of 4. */
#include "num/datapath_formats.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const formats[] = {"fp16",     "bf16", "tf32", "e4m3fn", "e5m2", "e4m3fnuz",
                                      "e5m2fnuz", "e2m1", "e3m2", "e2m3",   "int8"};
enum { N_FORMATS = sizeof formats / sizeof *formats, BATCH = 8, ROUNDS = 16 };

static int digits(const dp_input *in) {
    const int bits = in->elem.bits;
    return bits <= 4 ? 1 : bits <= 8 ? 2 : bits <= 16 ? 4 : 8;
}

/* Value of the line under a pair of formats, exact; false when a unit might round it. */
static bool expected(const dp_input *a, const dp_input *b, const uint32_t word[2], double span,
                     uint32_t *bits) {
    const int n = 8 / digits(a), width = 4 * digits(a);
    double sum = 0, most = 0, least = INFINITY;
    for (int i = 0; i < n; i++) {
        const int shift = 32 - width * (i + 1);
        const uint32_t mask = width == 32 ? UINT32_MAX : (UINT32_C(1) << width) - 1;
        const dp_term x = dp_decode(&a->elem, word[0] >> shift & mask),
                      y = dp_decode(&b->elem, word[1] >> shift & mask);
        const dp_term p = dp_multiply(x, y);
        if (p.kind != DP_FINITE) return false;
        if (!p.magnitude) continue;
        const double v = ldexp((double)(uint64_t)p.magnitude, p.lsb), size = fabs(v);
        sum += p.negative ? -v : v;
        most = fmax(most, size);
        int e; /* the last bit that is set */
        uint64_t m = (uint64_t)p.magnitude;
        for (e = 0; !(m & 1); e++) m >>= 1;
        least = fmin(least, ldexp(1, p.lsb + e));
    }
    /* All bits within `span`, and where no unit underflows. */
    if (most > 0 && (most / least > span || most < 0x1p-10 || most > 0x1p14)) return false;
    const float f = (float)sum;
    memcpy(bits, &f, sizeof f);
    return true;
}

typedef struct field {
    dp_input in[N_FORMATS];
    bool alive[N_FORMATS][N_FORMATS];
    size_t n_alive;
} field;

static bool read_formats(field *f) {
    *f = (field){.n_alive = 0};
    for (int i = 0; i < N_FORMATS; i++)
        if (dp_input_parse(formats[i], &f->in[i], NULL) != RG_OK) return false;
    for (int i = 0; i < N_FORMATS; i++)
        for (int j = 0; j < N_FORMATS; j++)
            if (digits(&f->in[i]) == digits(&f->in[j])) f->alive[i][j] = true, f->n_alive++;
    return true;
}

/* Mostly zeros, so that few products remain; leading bytes near those of 1 in the wider formats. `narrow`:
   bytes of at most 3f, codes of 6-bit formats too. */
static void draw(uint64_t index, bool narrow, uint32_t word[2]) {
    for (int side = 0; side < 2; side++) {
        word[side] = 0;
        for (int byte = 0; byte < 4; byte++) {
            const uint32_t r = rg_random_u32(17, index, (uint64_t)(side * 4 + byte));
            uint32_t v = r % 3 == 0 ? 0 : r >> 8 & (narrow ? 0x3f : 0xff);
            if (byte % 2 == 0 && r >> 16 & 1) v = 0x3c + (r >> 20) % (narrow ? 4 : 8);
            word[side] = word[side] << 8 | v;
        }
        const uint32_t keep = rg_random_u32(18, index, (uint64_t)side) % 4;
        if (keep) word[side] &= keep == 1 ? UINT32_C(0xff000000) : UINT32_C(0xffff0000);
    }
}

/* Is a format of 6 bits possible? */
static bool narrow_alive(const field *f) {
    for (int i = 0; i < N_FORMATS; i++)
        for (int j = 0; j < N_FORMATS; j++)
            if (f->alive[i][j] && (f->in[i].elem.bits == 6 || f->in[j].elem.bits == 6)) return true;
    return false;
}

static size_t eliminate(field *f, const uint32_t word[2], double span, uint32_t answer) {
    size_t gone = 0;
    for (int i = 0; i < N_FORMATS; i++)
        for (int j = 0; j < N_FORMATS; j++) {
            uint32_t want = 0;
            if (!f->alive[i][j] || !expected(&f->in[i], &f->in[j], word, span, &want)) continue;
            if (want == answer || (want << 1 == 0 && answer << 1 == 0)) continue;
            f->alive[i][j] = false;
            gone++;
        }
    f->n_alive -= gone;
    return gone;
}

static rg_status outcome(const field *f, dp_input out[2], rg_error *err) {
    char left[160] = "";
    for (int i = 0; i < N_FORMATS; i++)
        for (int j = 0; j < N_FORMATS; j++) {
            if (!f->alive[i][j]) continue;
            out[0] = f->in[i];
            out[1] = f->in[j];
            const size_t used = strlen(left);
            snprintf(left + used, sizeof left - used, " %s*%s", formats[i], formats[j]);
        }
    if (f->n_alive == 1) return RG_OK;
    return rg_fail(err, RG_ERR_MISMATCH, "identify", "one pair of formats: name them with --a and --b",
                   f->n_alive ? "several formats fit the answers:%s" : "no formats fit the answers%s", left);
}

rg_status dp_find_formats(rg_dot_oracle *ask, void *context, dp_input out[2], size_t *n_vectors,
                          rg_error *err) {
    field f;
    if (!read_formats(&f)) return rg_fail(err, RG_ERR_UNSUPPORTED, "identify", NULL, "a format is missing");
    for (uint64_t round = 0; round < ROUNDS && f.n_alive > 1; round++) {
        uint32_t word[BATCH][2], answer[BATCH];
        char lines[BATCH * 32];
        size_t used = 0;
        const bool narrow = narrow_alive(&f);
        /* bf16 and tf32 part only where 11 bits count: asked when nothing else is left to ask */
        const double span = round < ROUNDS / 2 ? 64 : 4096;
        for (uint64_t i = 0; i < BATCH; i++) {
            draw(round * BATCH + i, narrow, word[i]);
            used += (size_t)snprintf(lines + used, sizeof lines - used, "%08x %08x 00000000\n",
                                     (unsigned)word[i][0], (unsigned)word[i][1]);
        }
        *n_vectors += BATCH;
        RG_TRY(ask(context, lines, BATCH, answer, err));
        for (uint64_t i = 0; i < BATCH; i++) eliminate(&f, word[i], span, answer[i]);
    }
    return outcome(&f, out, err);
}
