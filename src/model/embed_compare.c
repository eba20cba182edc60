/* Embeddings against those of the reference: cosines and ranks of neighbours. */
#include "model/embed.h"

#include "ridge/statistics.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>

typedef struct neighbour {
    double similarity;
    uint32_t index;
} neighbour;

/* Nearest first; of equals the one that comes first in the text. */
static int nearer(const void *a, const void *b) {
    const neighbour *x = a, *y = b;
    if (x->similarity != y->similarity) return x->similarity > y->similarity ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static double dot(const float *a, const float *b, size_t width) {
    double sum = 0;
    for (size_t i = 0; i < width; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

static void list_neighbours(const float *vector, size_t n, size_t width, size_t of, neighbour *out) {
    for (size_t j = 0; j < n; j++)
        if (j != of) *out++ = (neighbour){dot(vector + of * width, vector + j * width, width), (uint32_t)j};
    qsort(out - (n - 1), n - 1, sizeof *out, nearer);
}

/* Pairs that stand the other way round in rank[m], which becomes sorted. */
static uint64_t inversions(uint32_t *rank, uint32_t *spare, size_t m) {
    if (m < 2) return 0;
    const size_t half = m / 2;
    uint64_t count = inversions(rank, spare, half) + inversions(rank + half, spare, m - half);
    for (size_t i = 0, a = 0, b = half; i < m; i++) {
        const bool left = b == m || (a < half && rank[a] <= rank[b]);
        if (!left) count += half - a;
        spare[i] = left ? rank[a++] : rank[b++];
    }
    for (size_t i = 0; i < m; i++) rank[i] = spare[i];
    return count;
}

typedef struct space { /* of one thread */
    neighbour *old, *new;
    uint32_t *place, *rank, *spare;
} space;

static bool space_open(space *s, size_t n) {
    *s = (space){malloc(n * sizeof *s->old), malloc(n * sizeof *s->new), malloc(n * sizeof *s->place),
                 malloc(n * sizeof *s->rank), malloc(n * sizeof *s->spare)};
    return s->old && s->new && s->place && s->rank && s->spare;
}

static void space_close(space *s) {
    free(s->old);
    free(s->new);
    free(s->place);
    free(s->rank);
    free(s->spare);
}

typedef struct ranks {
    bool top_changed;
    double lost, tau;
} ranks;

static ranks compare_ranks(const space *s, size_t n, size_t k) {
    const size_t m = n - 1;
    size_t lost = 0;
    for (size_t i = 0; i < m; i++) s->place[s->new[i].index] = (uint32_t)i;
    for (size_t i = 0; i < m; i++) s->rank[i] = s->place[s->old[i].index];
    for (size_t i = 0; i < k; i++) lost += s->rank[i] >= k;
    const bool changed = s->rank[0] != 0;
    const double pairs = (double)m * (double)(m - 1) / 2;
    const double tau = pairs > 0 ? 1 - 2 * (double)inversions(s->rank, s->spare, m) / pairs : 1;
    return (ranks){changed, (double)lost / (double)k, tau};
}

static rg_status all_ranks(const float *reference, const float *vector, size_t n, size_t width, size_t k,
                           int threads, ranks *out, rg_error *err) {
    bool failed = false;
#pragma omp parallel num_threads(threads) reduction(|| : failed)
    {
        space s;
        failed = !space_open(&s, n);
#pragma omp for schedule(dynamic, 16)
        for (size_t i = 0; i < n; i++) {
            if (failed) continue;
            list_neighbours(reference, n, width, i, s.old);
            list_neighbours(vector, n, width, i, s.new);
            out[i] = compare_ranks(&s, n, k);
        }
        space_close(&s);
    }
    return failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the neighbours") : RG_OK;
}

static void compare_cosines(const float *reference, const float *vector, size_t n, size_t width,
                            const size_t *line, rg_embed_quality *out) {
    double sum = 0, squares = 0;
    out->cosine_min = INFINITY;
    for (size_t i = 0; i < n; i++) {
        const float *a = reference + i * width, *b = vector + i * width;
        const double c = dot(a, b, width) / sqrt(dot(a, a, width) * dot(b, b, width));
        sum += c;
        squares += (1 - c) * (1 - c); /* about 1, where all lie close together */
        if (c >= out->cosine_min) continue;
        out->cosine_min = c;
        out->cosine_min_line = line[i];
    }
    out->cosine_mean = sum / (double)n;
    const double off = 1 - out->cosine_mean, variance = (squares - (double)n * off * off) / (double)(n - 1);
    out->cosine_mean_se = n > 1 ? sqrt(fmax(variance, 0) / (double)n) : (double)NAN;
}

rg_status embed_compare(const float *reference, const float *vector, size_t n, size_t width, size_t k,
                        const size_t *line, int threads, rg_embed_quality *out, rg_error *err) {
    compare_cosines(reference, vector, n, width, line, out);
    out->top1_changed = out->top1_changed_lo = out->top1_changed_hi = out->topk_changed = out->kendall_tau =
        (double)NAN;
    if (n < 2) return RG_OK;
    ranks *r = malloc(n * sizeof *r);
    if (!r) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the neighbours");
    const rg_status status = all_ranks(reference, vector, n, width, k, threads, r, err);
    if (status == RG_OK) {
        uint64_t changed = 0;
        double lost = 0, tau = 0;
        for (size_t i = 0; i < n; i++) {
            changed += r[i].top_changed;
            lost += r[i].lost;
            tau += r[i].tau;
        }
        out->top1_changed = (double)changed / (double)n;
        rg_wilson_interval(changed, n, 0.95, &out->top1_changed_lo, &out->top1_changed_hi);
        out->topk_changed = lost / (double)n;
        out->kendall_tau = tau / (double)n;
    }
    free(r);
    return status;
}
