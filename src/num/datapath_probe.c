/* Probes: families of dot products, each aimed at something that datapaths do differently, drawn from
 * counters. */
#include "num/datapath_probe.h"

#include <math.h>
#include <string.h>

typedef struct draw { /* random numbers of one probe */
    uint64_t seed, index, next;
} draw;

static uint32_t any(draw *d) {
    return rg_random_u32(d->seed, d->index, d->next++);
}
/* Uniform in [low, high]. */
static int between(draw *d, int low, int high) {
    return low + (int)(any(d) % (uint32_t)(high - low + 1));
}

rg_status dp_probe_open(dp_probe *out, size_t capacity, rg_arena *arena, rg_error *err) {
    dp_probe p = {.capacity = capacity};
    p.a = rg_arena_alloc(arena, capacity, sizeof *p.a);
    p.b = rg_arena_alloc(arena, capacity, sizeof *p.b);
    if (!p.a || !p.b) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    p.dot.a = p.a;
    p.dot.b = p.b;
    *out = p;
    return RG_OK;
}

/* ---- codes ----------------------------------------------------------------------------------------------
 */

/* A finite number with about this exponent. */
static uint32_t number(const dp_elem *e, draw *d, bool negative, int exponent, bool power) {
    if (e->is_int) {
        const int top = e->bits - 2, at = exponent < 0 ? 0 : exponent > top ? top : exponent;
        const uint32_t v = (1u << at) | (power ? 0 : any(d) & ((1u << at) - 1));
        return (negative && e->is_signed ? 0u - v : v) & ((2u << (e->bits - 1)) - 1);
    }
    const int last = (1 << e->exponent_bits) - 1 - (e->special == DP_IEEE),
              padding = e->bits - (e->is_signed ? 1 : 0) - e->exponent_bits - e->mantissa_bits;
    int field = exponent + e->bias;
    field = field < 1 ? 1 : field > last ? last : field;
    uint32_t mantissa = power ? 0 : any(d) & ((1u << e->mantissa_bits) - 1);
    if (e->special == DP_NAN_TOP && field == last && mantissa == (1u << e->mantissa_bits) - 1) mantissa = 0;
    const uint32_t body = ((uint32_t)field << e->mantissa_bits | mantissa) << padding;
    return body | (negative && e->is_signed ? UINT32_C(1) << (e->bits - 1) : 0);
}

static uint32_t negated(const dp_elem *e, uint32_t code) {
    if (!e->is_signed) return code;
    return e->is_int ? (0u - code) & ((2u << (e->bits - 1)) - 1) : code ^ UINT32_C(1) << (e->bits - 1);
}

/* Numbers that only wild probes have. */
static uint32_t strange(const dp_elem *e, draw *d) {
    const uint32_t all = e->bits == 32 ? UINT32_MAX : (UINT32_C(1) << e->bits) - 1;
    if (e->is_int) return any(d) & all;
    const int padding = e->bits - (e->is_signed ? 1 : 0) - e->exponent_bits - e->mantissa_bits;
    const uint32_t sign = e->is_signed ? any(d) >> 31 << (e->bits - 1) : 0;
    const uint32_t mantissa = any(d) & ((1u << e->mantissa_bits) - 1),
                   top = (UINT32_C(1) << e->exponent_bits) - 1;
    switch (any(d) % 6) {
    case 0: /* subnormal */
        return sign | mantissa << padding;
    case 1: /* least normal and near */
        return sign | ((UINT32_C(1) + any(d) % 3) << e->mantissa_bits | mantissa) << padding;
    case 2: /* largest exponents, infinity, NaN */
        return sign | ((top - any(d) % 2) << e->mantissa_bits | mantissa) << padding;
    case 3:
        return sign; /* zero */
    default:
        return any(d) & (all << padding);
    }
}

static float power_of_two(draw *d, int exponent) {
    const float m = any(d) & 1 ? 1 : 1 + (float)(any(d) & 0x7fffff) * 0x1p-23f;
    return ldexpf(any(d) & 1 ? m : -m, exponent);
}

/* ---- families -------------------------------------------------------------------------------------------
 */

static void put(dp_probe *p, const dp_input *in, draw *d, size_t i, int low, int high, bool positive) {
    const bool negative = !positive && any(d) & 1;
    const int e = between(d, low, high), half = e / 2;
    p->a[i] = number(&in[0].elem, d, negative, half, any(d) % 4 == 0);
    p->b[i] = number(&in[1].elem, d, false, e - half, any(d) % 4 == 0);
}

/* A product and its negative at two places: what lies between them in order meets a large accumulator. */
static void cancelling(dp_probe *p, const dp_input *in, draw *d, int exponent) {
    const size_t i = any(d) % p->dot.k, j = any(d) % p->dot.k;
    if (i == j) return;
    put(p, in, d, i, exponent, exponent, false);
    p->a[j] = negated(&in[0].elem, p->a[i]);
    p->b[j] = p->b[i];
}

/* c the negative of a product, or near it. */
static void cancel_c(dp_probe *p, const dp_input *in, draw *d) {
    const size_t i = any(d) % p->dot.k;
    put(p, in, d, i, 2, 9, false);
    const dp_term t = dp_multiply(dp_decode(&in[0].elem, p->a[i]), dp_decode(&in[1].elem, p->b[i]));
    const uint32_t bits = dp_to_fp32(dp_round(t, (dp_float){8, 23}, RG_RNE), 0) ^ UINT32_C(0x80000000);
    memcpy(&p->dot.c, &bits, sizeof bits);
}

static void tame(dp_probe *p, const dp_input *in, draw *d, int family) {
    const bool sparse = any(d) & 1;
    for (size_t i = 0; i < p->dot.k; i++) {
        p->a[i] = p->b[i] = 0;
        if (sparse && any(d) % 4) continue;
        if (family == 0)
            put(p, in, d, i, -3, 3, false);
        else
            put(p, in, d, i, family == 1 ? -24 : -14, family == 1 ? 8 : 2, family == 4);
    }
    p->dot.c = family % 2   ? power_of_two(d, between(d, -4, 28))
               : any(d) & 1 ? power_of_two(d, between(d, -6, 6))
                            : 0;
    for (int n = family == 2 ? 3 : 0; n > 0; n--) cancelling(p, in, d, between(d, 4, 16));
    if (family == 3) cancel_c(p, in, d);
    if (family == 5) put(p, in, d, any(d) % p->dot.k, 6, 20, false);
}

static void wild(dp_probe *p, const dp_input *in, draw *d) {
    const int share = between(d, 1, 8);
    tame(p, in, d, between(d, 0, 5));
    for (size_t i = 0; i < p->dot.k; i++) {
        if ((int)(any(d) % 8) < share) p->a[i] = strange(&in[0].elem, d);
        if ((int)(any(d) % 8) < share) p->b[i] = strange(&in[1].elem, d);
    }
    const uint32_t bits = any(d) & UINT32_C(0x807fffff);
    switch (any(d) % 5) {
    case 0:
        p->dot.c = 0;
        break;
    case 1: /* subnormal */
        memcpy(&p->dot.c, &bits, sizeof bits);
        break;
    case 2:
        p->dot.c = power_of_two(d, between(d, -149, -100));
        break;
    case 3:
        p->dot.c = any(d) % 4 ? power_of_two(d, between(d, 100, 127)) : any(d) & 1 ? INFINITY : NAN;
        break;
    default:
        break;
    }
}

/* Products of wide exponents all near each other, tiny or huge: exponent floors, overflow between products
 * and sum. */
static void extreme(dp_probe *p, const dp_input *in, draw *d) {
    const int reach = in[0].elem.bias + in[1].elem.bias, at = between(d, -reach, reach);
    for (size_t i = 0; i < p->dot.k; i++) put(p, in, d, i, at - 12, at, false);
    p->dot.c = any(d) & 1 ? 0 : power_of_two(d, at < -120 ? -120 : at > 120 ? 120 : at);
    if (any(d) & 1) cancelling(p, in, d, at);
}

void dp_probe_make(dp_probe *p, const dp_input *in, dp_probe_kind kind, size_t max_k, uint64_t seed,
                   uint64_t index) {
    draw d = {seed + (uint64_t)kind * 1000, index, 0};
    p->dot.k = kind == DP_LONG || any(&d) & 1 ? max_k : 1 + any(&d) % max_k;
    if (kind == DP_LONG) {
        /* all near the largest, for the longest sums; or spread, so that much is cut */
        const int low = index % 4 == 1 ? 1 : index % 8 < 4 ? -6 : -18;
        for (size_t i = 0; i < p->dot.k; i++) put(p, in, &d, i, low, 1, index % 4 != 3);
        p->dot.c = index & 1 ? power_of_two(&d, between(&d, 0, 16)) : 0;
    } else if (kind == DP_TAME) {
        tame(p, in, &d, (int)(index % 6));
    } else if (index % 3 == 2) {
        extreme(p, in, &d);
    } else {
        wild(p, in, &d);
    }
}

/* ---- shrinking ------------------------------------------------------------------------------------------
 */

typedef struct pair {
    const rg_datapath *x, *y;
    rg_dot_out out;
} pair;

static bool differ(const pair *q, const dp_probe *p) {
    return rg_dot_walk(q->x, q->out, &p->dot) != rg_dot_walk(q->y, q->out, &p->dot);
}

/* Drops runs of products: halves first, then shorter ones. */
static bool drop_products(const pair *q, dp_probe *p) {
    bool changed = false;
    uint32_t a[RG_DOT_MAX_K], b[RG_DOT_MAX_K];
    for (size_t run = p->dot.k / 2; run > 0; run = run > 1 ? (run + 1) / 2 : 0)
        for (size_t i = 0; i + run <= p->dot.k && p->dot.k > run;) {
            const size_t k = p->dot.k, rest = k - i - run;
            memcpy(a, p->a, k * sizeof *a);
            memcpy(b, p->b, k * sizeof *b);
            memmove(p->a + i, p->a + i + run, rest * sizeof *a);
            memmove(p->b + i, p->b + i + run, rest * sizeof *b);
            p->dot.k = k - run;
            if (differ(q, p)) {
                changed = true;
                continue;
            }
            p->dot.k = k;
            memcpy(p->a, a, k * sizeof *a);
            memcpy(p->b, b, k * sizeof *b);
            i += run;
        }
    return changed;
}

/* Tries another value; keeps it when the two still differ. */
static bool try_code(const pair *q, dp_probe *p, uint32_t *code, uint32_t value) {
    const uint32_t before = *code;
    if (before == value) return false;
    *code = value;
    if (differ(q, p)) return true;
    *code = before;
    return false;
}

static bool simplify_code(const pair *q, dp_probe *p, const dp_elem *e, uint32_t *code) {
    if (*code == 0) return false;
    if (try_code(q, p, code, 0)) return true;
    draw d = {0};
    const uint32_t one = number(e, &d, false, 0, true);
    bool changed = *code != one && try_code(q, p, code, one);
    for (int bit = 0; bit < e->bits; bit++)
        if (*code != one && *code >> bit & 1)
            changed = try_code(q, p, code, *code & ~(UINT32_C(1) << bit)) || changed;
    return changed;
}

static bool simplify_c(const pair *q, dp_probe *p) {
    float *c = &p->dot.c;
    const float before = *c;
    uint32_t bits;
    if (before == 0) return false;
    const float simple[3] = {0, 1, -1};
    for (int i = 0; i < 3 && before != simple[i]; i++) {
        *c = simple[i];
        if (differ(q, p)) return true;
        *c = before;
    }
    if (before == 1 || before == -1) return false;
    bool changed = false;
    for (int bit = 0; bit < 32; bit++) {
        memcpy(&bits, c, sizeof bits);
        if (!(bits >> bit & 1)) continue;
        const float kept = *c;
        bits &= ~(UINT32_C(1) << bit);
        memcpy(c, &bits, sizeof bits);
        if (differ(q, p))
            changed = true;
        else
            *c = kept;
    }
    return changed;
}

void dp_probe_shrink(dp_probe *p, const rg_datapath *x, const rg_datapath *y, rg_dot_out out) {
    const pair q = {x, y, out};
    for (int round = 0; round < 8; round++) {
        bool changed = drop_products(&q, p);
        changed = simplify_c(&q, p) || changed;
        for (size_t i = 0; i < p->dot.k; i++) {
            changed = simplify_code(&q, p, &x->input[0].elem, &p->a[i]) || changed;
            changed = simplify_code(&q, p, &x->input[1].elem, &p->b[i]) || changed;
        }
        if (!changed) return;
    }
}
