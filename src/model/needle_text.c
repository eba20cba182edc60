/* Facts and the text around them. */
#include "model/needle.h"

#include <stdio.h>
#include <string.h>

static const char *const first_names[] = {"Mira",  "Tomas", "Elena",  "Oscar", "Nadia", "Pavel",
                                          "Greta", "Hugo",  "Ingrid", "Samir", "Clara", "Boris",
                                          "Livia", "Felix", "Petra",  "Anton"};
static const char *const last_names[] = {"Holt",  "Brandt", "Novak", "Silva", "Moreau", "Keller",
                                         "Rossi", "Lund",   "Varga", "Stone", "Petit",  "Blum",
                                         "Costa", "Weber",  "Marsh", "Dahl"};
enum { DIGITS = 5, SENTENCE_BYTES = 400 };

void needle_fact_make(needle_fact *out, uint64_t seed, uint64_t trial, const char *text, size_t room) {
    const uint32_t who = rg_random_u32(seed, trial, 0), number = rg_random_u32(seed, trial, 1);
    const uint64_t where = ((uint64_t)rg_random_u32(seed, trial, 2) << 32) | rg_random_u32(seed, trial, 3);
    snprintf(out->question, sizeof out->question, "The secret number of %s %s is", first_names[who & 15],
             last_names[who >> 4 & 15]);
    snprintf(out->value, sizeof out->value, " %0*u", DIGITS, (unsigned)(number % 100000));
    size_t start = room ? (size_t)(where % room) : 0;
    while (start && text[start - 1] != ' ' && text[start - 1] != '\n') start--; /* a word's first byte */
    out->start = start;
}

/* The end of the sentence that is under way at `at`, or of the word where none ends soon; at most `size`. */
static size_t next_end(const char *text, size_t size, size_t at) {
    if (at == 0) return 0;
    for (size_t i = at; i < size && i < at + SENTENCE_BYTES; i++)
        if ((text[i - 1] == '.' || text[i - 1] == '!' || text[i - 1] == '?') &&
            (text[i] == ' ' || text[i] == '\n'))
            return i;
    while (at < size && text[at] != ' ' && text[at] != '\n') at++;
    return at;
}

rg_status needle_context(const needle_fact *fact, const char *text, size_t text_size, size_t size,
                         double depth, rg_str *out, rg_error *err) {
    const char *filler = text + fact->start;
    const size_t left = text_size - fact->start, n = next_end(filler, left, size < left ? size : left),
                 at = depth >= 1 ? n : next_end(filler, n, (size_t)(depth * (double)n));
    rg_str s = {0};
    rg_str_add_n(&s, filler, at);
    rg_str_printf(&s, "%s%s%s.", at ? " " : "", fact->question, fact->value);
    if (at == 0) rg_str_add(&s, " ");
    rg_str_add_n(&s, filler + at, n - at);
    rg_str_printf(&s, "\n\n%s", fact->question);
    if (s.failed) {
        rg_str_free(&s);
        return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the text");
    }
    *out = s;
    return RG_OK;
}
