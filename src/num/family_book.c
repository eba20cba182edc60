/* Code books: up to 16 values, given one by one or by name. Rounding turns at the mean of two neighbours, in
   double; an exact tie goes to the even code. */
#include "num/ordered.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 16 };

/* Named books.
   nf4: Dettmers et al., QLoRA (arXiv 2305.14314), appendix E: quantiles of a normal distribution, fp32.
   fp4bnb: the FP4 of bitsandbytes (functional.py, get_4bit_type): 0 1/16 8 12 4 6 2 3, each over 12; code 8
   is a second zero, read but never written. af4: AbnormalFloat4 (Yoshida, arXiv 2306.06965) for blocks of 64,
   values and order as in bitsandbytes. */
#define FP4_HALF(s) s 0.0f, s 0.0625f / 12, s 8.0f / 12, s 1.0f, s 4.0f / 12, s 0.5f, s 2.0f / 12, s 0.25f

static const struct {
    const char *name;
    float value[MAX_VALUES];
} books[] = {
    {"nf4",
     {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
      -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
      0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
      0.7229568362236023f, 1.0f}},
    {"fp4bnb", {FP4_HALF(+), FP4_HALF(-)}},
    {"af4",
     {1.0f, 0.72424863f, 0.55496234f, 0.42563882f, 0.31675666f, 0.21961274f, 0.12934483f, 0.04273164f, 0.0f,
      -0.04934812f, -0.14982478f, -0.25607552f, -0.3736951f, -0.51243739f, -0.69441008f, -1.0f}},
};

static bool parse_value(const char *text, float *out) {
    char *end;
    *out = strtof(text, &end);
    return end != text && *end == 0 && isfinite(*out);
}

/* Whether an earlier code has the same value. */
static bool is_repeated(const rg_elem *e, int code) {
    for (int k = 0; k < code; k++)
        if (e->book[k] == e->book[code]) return true;
    return false;
}

static void sort(rg_elem *e) {
    e->n_sorted = 0;
    for (int c = 0; c < e->n_book; c++) {
        int smaller = 0;
        for (int k = 0; k < e->n_book; k++) smaller += e->book[k] < e->book[c] && !is_repeated(e, k);
        if (is_repeated(e, c)) continue;
        e->book_order[smaller] = (uint8_t)c;
        e->n_sorted++;
    }
}

static bool parse(const num_args *text, rg_elem *out) {
    if (text->n < 2 || text->n > MAX_VALUES) return false;
    out->n_book = text->n;
    for (int i = 0; i < text->n; i++) {
        if (text->arg[i].key[0] || !parse_value(text->arg[i].value, &out->book[i])) return false;
        if (is_repeated(out, i)) return false;
    }
    while (1 << out->bits < text->n) out->bits++;
    sort(out);
    return true;
}

static bool find(const char *name, rg_elem *out) {
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        if (strcmp(name, books[i].name) != 0) continue;
        *out = (rg_elem){.kind = RG_ELEM_ORDERED, .bits = 4, .n_book = MAX_VALUES, .family = &family_book};
        memcpy(out->book, books[i].value, sizeof out->book);
        sort(out);
        return true;
    }
    return false;
}

static uint32_t count(const rg_elem *e) {
    return (uint32_t)e->n_sorted;
}

static uint32_t code_at(const rg_elem *e, uint32_t i) {
    return e->book_order[i];
}

static double value(const rg_elem *e, uint32_t code) {
    code &= (1u << e->bits) - 1;
    return code < (uint32_t)e->n_book ? (double)e->book[code] : NAN;
}

static int64_t nan_code(const rg_elem *e) {
    (void)e;
    return -1;
}

const elem_family family_book = {
    .name = "book",
    .form = "book(V,V,...), 2 to 16 different values",
    .layout = "place in the list of values",
    .parse = parse,
    .find = find,
    .count = count,
    .code_at = code_at,
    .value = value,
    .nan = nan_code,
};
