/* Plain formats over all 2^32 fp32 inputs. A cast is monotone in the magnitude of x, so between two turning
   points its code is constant: the turning points of both casts are found by bisection and whole intervals
   compared at once, which counts exactly what trying each input would. */
#include "num/diff.h"

enum { CHUNK_BITS = 20, MAX_BISECT_BITS = 18 };
#define INFINITY_BITS 0x7f800000u

static uint32_t code_at(const rg_quant *q, uint32_t bits) {
    bool overflow;
    return num_cast(&q->format.elem, &q->cast, elem_float_of(bits), 0, &overflow);
}

/* One above the last pattern of [from, end) up to which the code of `from` lasts. */
static uint64_t last_same(const rg_quant *q, uint64_t from, uint64_t end, uint32_t code) {
    uint64_t same = from, step = 1;
    while (same + step < end && code_at(q, (uint32_t)(same + step)) == code) same += step, step *= 2;
    uint64_t other = same + step < end ? same + step : end;
    while (other - same > 1) {
        const uint64_t middle = same + (other - same) / 2;
        if (code_at(q, (uint32_t)middle) == code)
            same = middle;
        else
            other = middle;
    }
    return other;
}

static void note_run(diff_tally *t, const diff_pair *p, uint32_t first, uint32_t last,
                     const uint32_t code[2]) {
    const float x = elem_float_of(first), end = elem_float_of(last);
    const uint64_t count = (uint64_t)last - first + 1;
    diff_side side[2];
    bool equated;
    if (!p->by_value && code[0] == code[1]) return;
    for (int i = 0; i < 2; i++)
        side[i] = (diff_side){code[i], rg_elem_decode_double(&p->q[i]->format.elem, code[i])};
    if (!diff_differs(p, x, side[0], side[1], &equated)) {
        if (equated) t->n_equated += count;
        return;
    }
    const diff_kind kind = diff_classify(p, x, end, side[0], side[1]);
    diff_note(&t->kind[kind], p, kind, x, end, side[0], side[1], count);
    diff_point_note(t, (rg_diff_point){x, code[0], code[1], side[0].value, side[1].value}, count);
}

/* Patterns [from, end), of one sign, whose codes go from one to the next without coming back. */
static void walk(diff_tally *t, const diff_pair *p, uint64_t from, uint64_t end) {
    uint64_t until[2] = {from, from};
    uint32_t code[2] = {0, 0};
    for (uint64_t at = from; at < end;) {
        for (int i = 0; i < 2; i++)
            if (until[i] == at) {
                code[i] = code_at(p->q[i], (uint32_t)at);
                until[i] = last_same(p->q[i], at, end, code[i]);
            }
        const uint64_t next = until[0] < until[1] ? until[0] : until[1];
        note_run(t, p, (uint32_t)at, (uint32_t)(next - 1), code);
        at = next;
    }
}

static void bisect(diff_tally *t, const diff_pair *p) {
    for (uint64_t sign = 0; sign < UINT64_C(1) << 32; sign += UINT64_C(1) << 31) {
        /* zero and infinity may share a code with what is not beside them: NaN, the least, the largest */
        walk(t, p, sign, sign + 1);
        walk(t, p, sign + 1, sign + INFINITY_BITS);
        walk(t, p, sign + INFINITY_BITS, sign + INFINITY_BITS + 1);
        walk(t, p, sign + INFINITY_BITS + 1, sign + (UINT64_C(1) << 31));
    }
}

/* Patterns [from, end) one by one; runs of equal codes are still noted at once. */
static void enumerate_chunk(diff_tally *t, const diff_pair *p, uint64_t from, uint64_t end) {
    uint32_t code[2] = {code_at(p->q[0], (uint32_t)from), code_at(p->q[1], (uint32_t)from)};
    uint64_t start = from;
    for (uint64_t at = from + 1; at <= end; at++) {
        const uint32_t a = at < end ? code_at(p->q[0], (uint32_t)at) : 0;
        const uint32_t b = at < end ? code_at(p->q[1], (uint32_t)at) : 0;
        const bool special = (at & 0x7fffffffu) == 1 || (at & 0x7fffffffu) == INFINITY_BITS ||
                             (at & 0x7fffffffu) == INFINITY_BITS + 1;
        if (at < end && !special && a == code[0] && b == code[1]) continue;
        note_run(t, p, (uint32_t)start, (uint32_t)(at - 1), code);
        start = at;
        code[0] = a;
        code[1] = b;
    }
}

static void enumerate_all(diff_tally *t, const diff_pair *p) {
    const uint64_t n = UINT64_C(1) << (32 - CHUNK_BITS), size = UINT64_C(1) << CHUNK_BITS;
    /* chunks are merged in their order, so that the first difference is the first for any number of threads
     */
#pragma omp parallel for ordered schedule(dynamic)
    for (uint64_t c = 0; c < n; c++) {
        diff_tally part = {0};
        enumerate_chunk(&part, p, c * size, (c + 1) * size);
#pragma omp ordered
        diff_merge(t, &part);
    }
}

/* So many codes that there is little between turning points. */
static bool is_wide(const rg_elem *e) {
    return (e->kind == RG_ELEM_FLOAT ? e->exponent_bits + e->mantissa_bits : e->bits) > MAX_BISECT_BITS;
}

void diff_casts(const diff_pair *p, bool enumerate, rg_diff_result *out) {
    diff_tally t = {0};
    if (enumerate || is_wide(&p->q[0]->format.elem) || is_wide(&p->q[1]->format.elem))
        enumerate_all(&t, p);
    else
        bisect(&t, p);
    out->n_inputs = UINT64_C(1) << 32;
    out->n_differences = t.n_differences;
    out->n_positive = t.n_positive;
    out->n_equated = t.n_equated;
    out->first.point = t.first;
    out->smallest.point = t.smallest;
    out->largest_relative = t.largest_relative;
    diff_explain(p, &t, out);
}
