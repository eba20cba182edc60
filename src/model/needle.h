/* Windows of the needle test. */
#ifndef RIDGE_MODEL_NEEDLE_H
#define RIDGE_MODEL_NEEDLE_H

#include "ridge/needle.h"

/* A fact, and where its filler begins. */
typedef struct needle_fact {
    char question[96]; /* "The secret number of Mira Holt is" */
    char value[16];    /* " 58213" */
    size_t start;      /* in the text */
} needle_fact;

/* Deterministic in (seed, trial). `room`: bytes of the text that may be the filler's first. */
void needle_fact_make(needle_fact *out, uint64_t seed, uint64_t trial, const char *text, size_t room);
/* Filler of `size` bytes with the fact at `depth` and the question at the end: all but the value. Ends of
   words and, where one is near, of sentences are kept. malloc'ed in *out. */
rg_status needle_context(const needle_fact *fact, const char *text, size_t text_size, size_t size,
                         double depth, rg_str *out, rg_error *err);

#endif
