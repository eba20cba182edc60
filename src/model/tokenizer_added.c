/* Added tokens: cut out of a text as they stand, the longest of those that start at the leftmost place. */
#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

static int compare(const void *a, const void *b) {
    const struct added_token *x = a, *y = b;
    const int c = memcmp(x->text, y->text, x->len < y->len ? x->len : y->len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

void added_tokens_sort(added_tokens *a) {
    if (a->n) qsort(a->token, a->n, sizeof *a->token, compare);
    for (size_t i = 0; i < a->n; i++)
        if (a->token[i].len) a->starts[(uint8_t)a->token[i].text[0]] = true;
}

/* First token in [low, high), all alike before `depth`, whose byte there is not below `byte`; a token that
   ends at `depth` is below every byte. */
static size_t lower(const added_tokens *a, size_t low, size_t high, size_t depth, int byte) {
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct added_token *t = &a->token[middle];
        if (t->len <= depth || (uint8_t)t->text[depth] < byte)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The longest token that text begins with. */
static const struct added_token *longest(const added_tokens *a, const char *text, size_t n) {
    const struct added_token *best = NULL;
    size_t low = 0, high = a->n;
    for (size_t depth = 0; depth < n && low < high; depth++) {
        const int byte = (uint8_t)text[depth];
        low = lower(a, low, high, depth, byte);
        high = lower(a, low, high, depth, byte + 1);
        if (low < high && a->token[low].len == depth + 1) best = &a->token[low];
    }
    return best;
}

const struct added_token *added_tokens_find(const added_tokens *a, const char *text, size_t n, size_t at,
                                            size_t *start) {
    if (a->n == 0) return NULL;
    for (; at < n; at++) {
        if (!a->starts[(uint8_t)text[at]]) continue;
        const struct added_token *found = longest(a, text + at, n - at);
        if (!found) continue;
        *start = at;
        return found;
    }
    return NULL;
}
