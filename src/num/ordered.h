/* Elements known by their sorted values: what a family of them (posits, code books, ...) has to say, and the
   one definition of rounding to any of them. */
#ifndef RIDGE_NUM_ORDERED_H
#define RIDGE_NUM_ORDERED_H

#include "num/args.h"

typedef struct elem_family {
    const char *name;   /* as in the text: posit(8,1) */
    const char *form;   /* for messages: "posit(BITS,ES), 3 to 32 bits, ES 0 to 4" */
    const char *layout; /* of the bits of a code, for people */
    /* Fills what differs from zero; false: the arguments are not of this form. NULL: names only. */
    bool (*parse)(const num_args *text, rg_elem *out);
    /* A name without arguments, but for the name field; NULL: there are none. */
    bool (*find)(const char *name, rg_elem *out);
    /* Numbers, NaN left out, in ascending order. */
    uint32_t (*count)(const rg_elem *e);
    uint32_t (*code_at)(const rg_elem *e, uint32_t i);
    double (*value)(const rg_elem *e, uint32_t code); /* NaN for a code that is none */
    /* Where rounding to nearest turns from number i to i + 1; NULL: their mean. */
    double (*boundary)(const rg_elem *e, uint32_t i);
    int64_t (*nan)(const rg_elem *e); /* code of NaN, -1: none */
    /* Formats with infinities: the value that would follow the largest, and the code of +infinity, which the
       sign bit turns into that of -infinity. NULL: there are none. */
    double (*beyond)(const rg_elem *e, uint32_t *infinity);
} elem_family;

/* i-th family; NULL past the end. */
const elem_family *elem_family_at(size_t i);

uint32_t ordered_cast(const rg_elem *e, const rg_cast *cast, float x, bool *overflow);

/* A name of any family; false when there is none. */
bool elem_family_find(const char *name, rg_elem *out);

extern const elem_family family_posit, family_takum, family_takum_log, family_lns, family_hif8, family_book;

#endif
