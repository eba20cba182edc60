/* Byte-pair encoding: joins the pair of least rank, the leftmost of equals, until none is left. A heap of
   possible joins over a linked list of symbols: n log n also for hostile text without a single blank. */
#include "model/tokenizer.h"

#include <stdlib.h>
#include <string.h>

enum { NONE = -1 };

typedef struct merge_symbol {
    int32_t id; /* NONE: joined to its left neighbour */
    int32_t previous, next;
} merge_symbol;

typedef struct merge_step {
    double rank;
    int32_t at; /* index of the left symbol, which grows from left to right */
    int32_t left, right, joined;
} merge_step;

typedef struct merge {
    const rg_tokenizer *t;
    merge_symbol *symbol;
    merge_step *heap;
    size_t n_heap;
} merge;

rg_status encoding_room(encoding *e, size_t more, rg_error *err) {
    if (rg_grow(&e->id, &e->room, e->n + more, sizeof *e->id)) return RG_OK;
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* A piece of n symbols has n - 1 pairs, and each of at most n - 1 joins makes at most two new ones. */
static rg_status scratch_room(struct merge_scratch *s, size_t n, rg_error *err) {
    if (n <= s->capacity) return RG_OK;
    free(s->symbol);
    free(s->heap);
    *s = (struct merge_scratch){.symbol = calloc(n, sizeof *s->symbol),
                                .heap = calloc(n, 3 * sizeof *s->heap)};
    if (!s->symbol || !s->heap) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    s->capacity = n;
    return RG_OK;
}

void encoding_free(encoding *e, bool ids) {
    free(e->scratch.symbol);
    free(e->scratch.heap);
    regex_scratch_free(&e->regex);
    for (size_t i = 0; i < 2; i++) rg_str_free(&e->normal[i]);
    for (size_t i = 0; i < TOKENIZER_MAX_STEPS; i++) rg_str_free(&e->stage[i]);
    if (ids) free(e->id);
}

/* SentencePiece: any two tokens whose texts together are a token; the highest score goes first. */
static bool find_by_text(const rg_tokenizer *t, int32_t left, int32_t right, double *rank, int32_t *joined) {
    char text[TOKENIZER_MAX_TOKEN];
    const vocabulary *v = &t->vocab;
    const size_t a = v->len[left], b = v->len[right];
    if (a == 0 || b == 0 || a + b > v->longest || a + b > sizeof text) return false; /* 0: a byte's token */
    memcpy(text, v->text[left], a);
    memcpy(text + a, v->text[right], b);
    *joined = vocabulary_find(v, text, a + b);
    if (*joined < 0) return false;
    *rank = -(double)t->score[*joined];
    return true;
}

static bool find_pair(const rg_tokenizer *t, int32_t left, int32_t right, double *rank, int32_t *joined) {
    if (t->kind == TOKENIZER_SCORES) return find_by_text(t, left, right, rank, joined);
    const pair *p = pair_table_find(&t->pairs, left, right);
    if (!p) return false;
    *rank = p->rank;
    *joined = p->joined;
    return true;
}

static bool before(const merge_step *a, const merge_step *b) {
    return a->rank < b->rank || (a->rank == b->rank && a->at < b->at);
}

static void push(merge *m, int32_t at) {
    const int32_t next = m->symbol[at].next;
    if (next == NONE) return;
    merge_step s = {.at = at, .left = m->symbol[at].id, .right = m->symbol[next].id};
    if (!find_pair(m->t, s.left, s.right, &s.rank, &s.joined)) return;
    size_t i = m->n_heap++;
    for (; i > 0 && before(&s, &m->heap[(i - 1) / 2]); i = (i - 1) / 2) m->heap[i] = m->heap[(i - 1) / 2];
    m->heap[i] = s;
}

static merge_step pop(merge *m) {
    const merge_step top = m->heap[0], last = m->heap[--m->n_heap];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= m->n_heap) break;
        if (child + 1 < m->n_heap && before(&m->heap[child + 1], &m->heap[child])) child++;
        if (!before(&m->heap[child], &last)) break;
        m->heap[i] = m->heap[child];
        i = child;
    }
    m->heap[i] = last;
    return top;
}

static void join(merge *m, const merge_step *s) {
    merge_symbol *left = &m->symbol[s->at];
    const int32_t next = left->next;
    if (left->id != s->left || next == NONE || m->symbol[next].id != s->right) return; /* overtaken */
    left->id = s->joined;
    left->next = m->symbol[next].next;
    m->symbol[next].id = NONE;
    if (left->next != NONE) m->symbol[left->next].previous = s->at;
    if (left->previous != NONE) push(m, left->previous);
    push(m, s->at);
}

rg_status encoding_merge(encoding *e, const rg_tokenizer *t, size_t first, rg_error *err) {
    const size_t n = e->n - first;
    if (n < 2) return RG_OK;
    RG_TRY(scratch_room(&e->scratch, n, err));
    merge m = {.t = t, .symbol = e->scratch.symbol, .heap = e->scratch.heap};
    for (size_t i = 0; i < n; i++)
        m.symbol[i] = (merge_symbol){e->id[first + i], (int32_t)i - 1, i + 1 < n ? (int32_t)i + 1 : NONE};
    for (size_t i = 0; i + 1 < n; i++) push(&m, (int32_t)i);
    while (m.n_heap) {
        const merge_step s = pop(&m);
        join(&m, &s);
    }
    e->n = first;
    for (int32_t i = 0; i != NONE; i = m.symbol[i].next) e->id[e->n++] = m.symbol[i].id;
    return RG_OK;
}
