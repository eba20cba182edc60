/* Code books: up to 16 values, given one by one or by name. Rounding turns at the mean of two neighbours, in
   double; an exact tie goes to the even code. */
#include "num/ordered.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_VALUES = 16 };

/* Named books.
   nf4: Dettmers et al., QLoRA (arXiv 2305.14314), appendix E: quantiles of a normal distribution, fp32. */

static const struct {
    const char *name;
    float value[MAX_VALUES];
} books[] = {
    {"nf4",
     {-1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f,
      -0.18477343022823334f, -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f,
      0.24611230194568634f, 0.33791524171829224f, 0.44070982933044434f, 0.5626170039176941f,
      0.7229568362236023f, 1.0f}},
};

static bool parse_value(const char *text, float *out) {
    char *end;
    *out = strtof(text, &end);
    return end != text && *end == 0 && isfinite(*out);
}

static void sort(rg_elem *e) {
    for (int c = 0; c < e->n_book; c++) {
        int smaller = 0;
        for (int k = 0; k < e->n_book; k++) smaller += e->book[k] < e->book[c];
        e->book_order[smaller] = (uint8_t)c;
    }
}

static bool parse(const num_args *text, rg_elem *out) {
    if (text->n < 2 || text->n > MAX_VALUES) return false;
    out->n_book = text->n;
    for (int i = 0; i < text->n; i++) {
        if (text->arg[i].key[0] || !parse_value(text->arg[i].value, &out->book[i])) return false;
        for (int k = 0; k < i; k++)
            if (out->book[k] == out->book[i]) return false;
    }
    while (1 << out->bits < text->n) out->bits++;
    sort(out);
    return true;
}

bool book_find(const char *name, rg_elem *out) {
    for (size_t i = 0; i < sizeof books / sizeof *books; i++) {
        if (strcmp(name, books[i].name) != 0) continue;
        *out = (rg_elem){.kind = RG_ELEM_ORDERED, .bits = 4, .n_book = MAX_VALUES, .family = &family_book};
        memcpy(out->book, books[i].value, sizeof out->book);
        memcpy(out->name, name, strlen(name) + 1);
        sort(out);
        return true;
    }
    return false;
}

static uint32_t count(const rg_elem *e) {
    return (uint32_t)e->n_book;
}

static uint32_t code_at(const rg_elem *e, uint32_t i) {
    return e->book_order[i];
}

static double value(const rg_elem *e, uint32_t code) {
    return code < (uint32_t)e->n_book ? (double)e->book[code] : NAN;
}

static int64_t nan_code(const rg_elem *e) {
    (void)e;
    return -1;
}

const elem_family family_book = {
    .name = "book",
    .form = "book(V,V,...), 2 to 16 different values",
    .parse = parse,
    .count = count,
    .code_at = code_at,
    .value = value,
    .nan = nan_code,
};
