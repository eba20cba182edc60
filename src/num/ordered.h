/* Elements known by their sorted values: what a family of them (posits, code books, ...) has to say, and the
   one definition of rounding to any of them. */
#ifndef RIDGE_NUM_ORDERED_H
#define RIDGE_NUM_ORDERED_H

#include "num/args.h"

typedef struct elem_family {
    const char *name; /* as in the text: posit(8,1) */
    const char *form; /* for messages: "posit(BITS,ES), 3 to 32 bits, ES 0 to 4" */
    /* Fills what differs from zero; false: the arguments are not of this form. */
    bool (*parse)(const num_args *text, rg_elem *out);
    /* Numbers, NaN left out, in ascending order. */
    uint32_t (*count)(const rg_elem *e);
    uint32_t (*code_at)(const rg_elem *e, uint32_t i);
    double (*value)(const rg_elem *e, uint32_t code); /* NaN for a code that is none */
    /* Where rounding to nearest turns from number i to i + 1; NULL: their mean. */
    double (*boundary)(const rg_elem *e, uint32_t i);
    int64_t (*nan)(const rg_elem *e); /* code of NaN, -1: none */
} elem_family;

/* i-th family; NULL past the end. */
const elem_family *elem_family_at(size_t i);

uint32_t ordered_cast(const rg_elem *e, const rg_cast *cast, float x, bool *overflow);

extern const elem_family family_posit, family_book;

/* A code book that has a name; false when there is none. */
bool book_find(const char *name, rg_elem *out);

#endif
