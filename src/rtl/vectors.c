/* Stimulus: every input where that is at most 2^16, else 2^16 vectors that go where sums break: extremes,
   subnormals, cancellation, one large product among small ones, single bits, special values in one lane; each
   is a function of its index alone. */
#include "rtl/emit.h"

#include <math.h>

enum { SAMPLED = 65536, EXHAUSTIVE_BITS = 16, SEED = 20261124 };

uint64_t rtl_vector_count(const rg_rtl_unit *u, bool *exhaustive) {
    const int bits = u->n * (u->a.bits + u->b.bits);
    *exhaustive = bits <= EXHAUSTIVE_BITS;
    return *exhaustive ? (uint64_t)1 << bits : SAMPLED;
}

/* Draws of one vector: stream = vector, index = draw. */
typedef struct dice {
    uint64_t vector, next;
} dice;

static uint32_t roll(dice *d, uint32_t sides) {
    return (uint32_t)(((uint64_t)rg_random_u32(SEED, d->vector, d->next++) * sides) >> 32);
}

static uint32_t ones(int bits) {
    return (1u << bits) - 1;
}

/* Codes at the edges of a format: 0 and -0, least and greatest subnormal, least normal, 1, greatest, their
   negatives; with k past these, infinity and NaN codes. */
enum { N_EDGES = 12, N_SPECIAL = 4, N_FILLS = 10 };
static uint32_t edge(const rg_elem *e, uint32_t k) {
    const uint32_t sign = 1u << (e->bits - 1);
    if (e->kind == RG_ELEM_INT) {
        const uint32_t v[] = {0, 1, ones(e->bits), sign, sign - 1, sign + 1, sign >> 1, 2 & ones(e->bits)};
        return v[k % 8];
    }
    const uint32_t m = (uint32_t)e->mantissa_bits, inf = ones(e->exponent_bits) << m;
    const uint32_t greatest = e->nan == RG_NAN_IEEE ? inf - 1 : e->nan == RG_NAN_TOP ? sign - 2 : sign - 1;
    const uint32_t v[] = {0, 1, ones((int)m), 1u << m, (uint32_t)e->bias << m, greatest};
    if (k < N_EDGES) return v[k / 2] | (k % 2 ? sign : 0);
    const uint32_t nan = sign - 1;
    const uint32_t special[] = {nan, nan | sign, e->nan == RG_NAN_IEEE ? inf : nan,
                                e->nan == RG_NAN_IEEE ? inf | sign : nan};
    return e->nan == RG_NAN_NONE ? greatest : special[k % N_SPECIAL];
}

static uint32_t any(const rg_elem *e, dice *d) {
    return roll(d, 1u << e->bits);
}

/* A random code that is a number. */
static uint32_t number(const rg_elem *e, dice *d) {
    for (;;) {
        const uint32_t code = any(e, d);
        if (isfinite(rg_elem_decode(e, code))) return code;
    }
}

/* A random number in the binades just below that of `code`, or near it for integers. */
static uint32_t close_to(const rg_elem *e, uint32_t code, dice *d) {
    const uint32_t sign = 1u << (e->bits - 1);
    if (e->kind == RG_ELEM_INT) return (code ^ roll(d, 4)) & ones(e->bits);
    const uint32_t down = roll(d, 3u << e->mantissa_bits), magnitude = code & (sign - 1);
    return (magnitude > down ? magnitude - down : magnitude) | (any(e, d) & sign);
}

static uint32_t negated(const rg_elem *e, uint32_t code) {
    return e->kind == RG_ELEM_INT ? (0u - code) & ones(e->bits) : code ^ (1u << (e->bits - 1));
}

/* One bit set or one bit clear, either sign: what tells the inputs of an OR or AND apart. */
static uint32_t single_bit(const rg_elem *e, dice *d) {
    for (;;) {
        const uint32_t bit = 1u << roll(d, (uint32_t)e->bits), code = roll(d, 2) ? bit : ~bit & ones(e->bits);
        const uint32_t sign = 1u << (e->bits - 1), signed_code = roll(d, 2) ? code ^ sign : code;
        if (isfinite(rg_elem_decode(e, signed_code))) return signed_code;
    }
}

static uint32_t infinity_of(const rg_elem *e, dice *d) {
    return edge(e, N_EDGES + 2 + roll(d, 2));
}

/* A NaN with one mantissa bit where there are such. */
static uint32_t nan_of(const rg_elem *e, dice *d) {
    if (e->nan != RG_NAN_IEEE) return edge(e, N_EDGES + roll(d, 2));
    return infinity_of(e, d) | 1u << roll(d, (uint32_t)e->mantissa_bits);
}

typedef void fill_fn(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b);

static void fill_uniform(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    for (int i = 0; i < u->n; i++) a[i] = any(&u->a, d), b[i] = any(&u->b, d);
}

static void fill_finite(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    for (int i = 0; i < u->n; i++) a[i] = number(&u->a, d), b[i] = number(&u->b, d);
}

/* Edges only; one vector in eight may draw special values too. */
static void fill_edges(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    const uint32_t sides = N_EDGES + (roll(d, 8) ? 0 : N_SPECIAL);
    for (int i = 0; i < u->n; i++) a[i] = edge(&u->a, roll(d, sides)), b[i] = edge(&u->b, roll(d, sides));
}

/* The same product in all lanes, or with alternating signs; every pair of edges comes by. */
static void fill_equal(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    const uint32_t k = (uint32_t)(d->vector / N_FILLS), total = N_EDGES + N_SPECIAL;
    for (int i = 0; i < u->n; i++) {
        a[i] = edge(&u->a, k % total);
        b[i] = edge(&u->b, k / total % total);
        if (i % 2 && k / total / total % 2) a[i] = negated(&u->a, a[i]);
    }
}

/* m m - (m + 1) (m - 1) = 1: two products that cancel to their last bit. */
static void fill_squares(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    const uint32_t top = (1u << u->a.mantissa_bits) - 1;
    for (int i = 1; i < u->n; i += 2) {
        const uint32_t m = 1 + roll(d, top - 1);
        a[i - 1] = (number(&u->a, d) & ~top) | m;
        b[i - 1] = (number(&u->b, d) & ~top) | m;
        a[i] = negated(&u->a, a[i - 1] + 1);
        b[i] = b[i - 1] - 1;
        for (int k = i + 1; k < u->n; k++) a[k] = 0; /* the first pair alone, more often than not */
        if (roll(d, 4)) return;
    }
}

/* Lanes in pairs that cancel, or almost: the negative of the neighbour, sometimes off by one code. */
static void fill_cancelling(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    fill_finite(u, d, a, b);
    const bool floats = u->a.kind == RG_ELEM_FLOAT && u->b.kind == RG_ELEM_FLOAT;
    if (floats && u->a.mantissa_bits == u->b.mantissa_bits && u->a.mantissa_bits > 1 && roll(d, 4) == 0) {
        fill_squares(u, d, a, b);
        return;
    }
    for (int i = 1; i < u->n; i += 2) {
        a[i] = negated(&u->a, a[i - 1]);
        b[i] = b[i - 1];
        if (roll(d, 4) == 0) b[i] ^= 1;
    }
    if (u->n > 2 && roll(d, 2)) { /* and one lane of any size that stays */
        const int k = (int)roll(d, (uint32_t)u->n);
        b[k] = edge(&u->b, roll(d, N_EDGES));
    }
}

/* All products within a few binades: the adders' middle bits. */
static void fill_near(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    const uint32_t x = number(&u->a, d), y = number(&u->b, d);
    for (int i = 0; i < u->n; i++) a[i] = close_to(&u->a, x, d), b[i] = close_to(&u->b, y, d);
}

/* One or two lanes only. */
static void fill_sparse(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    for (int i = 0; i < u->n; i++) a[i] = b[i] = 0;
    for (uint32_t r = 1 + roll(d, 2); r; r--) {
        const uint32_t i = roll(d, (uint32_t)u->n);
        a[i] = number(&u->a, d), b[i] = number(&u->b, d);
    }
}

/* One lane at the top, the others small. */
static void fill_one_large(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    for (int i = 0; i < u->n; i++) a[i] = number(&u->a, d), b[i] = edge(&u->b, roll(d, 8));
    const uint32_t i = roll(d, (uint32_t)u->n);
    a[i] = close_to(&u->a, edge(&u->a, 10 + roll(d, 2)), d);
    b[i] = close_to(&u->b, edge(&u->b, 10 + roll(d, 2)), d);
}

/* Single bits in one lane or two, the others zero. */
static void fill_single_bits(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    for (int i = 0; i < u->n; i++) a[i] = b[i] = 0;
    for (uint32_t r = 1 + roll(d, 2); r; r--) {
        const uint32_t i = roll(d, (uint32_t)u->n);
        a[i] = roll(d, 2) ? single_bit(&u->a, d) : number(&u->a, d);
        b[i] = single_bit(&u->b, d);
    }
}

/* NaN, an infinity, or an infinity times zero in one lane, sometimes a second infinity; numbers elsewhere. */
static void fill_one_special(const rg_rtl_unit *u, dice *d, uint32_t *a, uint32_t *b) {
    fill_finite(u, d, a, b);
    for (uint32_t lanes = roll(d, 4) ? 1 : 2; lanes; lanes--) {
        const uint32_t i = roll(d, (uint32_t)u->n), kind = lanes > 1 ? 4 + roll(d, 2) : roll(d, 7);
        if (kind == 0) a[i] = nan_of(&u->a, d);
        if (kind == 1) b[i] = nan_of(&u->b, d);
        if (kind == 2 || kind == 4 || kind == 6) a[i] = infinity_of(&u->a, d);
        if (kind == 3 || kind == 5 || kind == 6) b[i] = infinity_of(&u->b, d);
        if (kind == 2) b[i] = edge(&u->b, 0);
        if (kind == 3) a[i] = edge(&u->a, 0);
    }
}

void rtl_vector(const rg_rtl_unit *u, uint64_t i, uint32_t *a, uint32_t *b) {
    static fill_fn *const fills[N_FILLS] = {fill_equal,       fill_uniform,    fill_finite, fill_edges,
                                            fill_cancelling,  fill_near,       fill_sparse, fill_one_large,
                                            fill_single_bits, fill_one_special};
    bool exhaustive;
    rtl_vector_count(u, &exhaustive);
    if (exhaustive) {
        for (int k = 0; k < u->n; k++, i >>= u->a.bits) a[k] = (uint32_t)i & ones(u->a.bits);
        for (int k = 0; k < u->n; k++, i >>= u->b.bits) b[k] = (uint32_t)i & ones(u->b.bits);
        return;
    }
    dice d = {.vector = i};
    fills[i % N_FILLS](u, &d, a, b);
}
