/* Which datapath is behind an oracle: probes chosen so that they split what is still possible. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num/datapath_candidates.h"
#include "num/datapath_formats.h"
#include "num/datapath_probe.h"

enum { POOL = 64, SAMPLE = 96, PATIENCE = 6, MOST_CANDIDATES = 64, MOST_REPORTED = 256 };

typedef struct search {
    rg_dot_oracle *ask;
    void *context;
    const rg_progress *progress;
    dp_space space;
    dp_set set;
    dp_set siblings; /* all that the first stage left, by class */
    dp_probe probe;
    rg_str line;
    uint64_t next; /* probe not tried yet */
    size_t n_vectors;
} search;

static uint32_t answer_of(search *s, const dp_candidate *c) {
    return rg_dot_walk(dp_candidate_open(&s->space, c), RG_DOT_FP32, &s->probe.dot);
}

/* ---- choosing a probe -----------------------------------------------------------------------------------
 */

static int by_value(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Sum of squares of the shares into which a probe splits a sample of the candidates: 1 does not split. */
static double concentration(search *s, const size_t *sample, size_t n) {
    uint32_t answer[SAMPLE];
    for (size_t i = 0; i < n; i++) answer[i] = answer_of(s, &s->set.at[sample[i]]);
    qsort(answer, n, sizeof *answer, by_value);
    double sum = 0;
    for (size_t i = 0, run = 1; i < n; i++, run++)
        if (i + 1 == n || answer[i + 1] != answer[i]) sum += (double)(run * run), run = 0;
    return sum / (double)(n * n);
}

typedef struct probe_plan {
    dp_probe_kind kind;
    size_t k;
} probe_plan;

static probe_plan plan_of(dp_stage stage, uint64_t i) {
    switch (stage) {
    case DP_STAGE_SUM:
        return (probe_plan){DP_TAME, DP_SUM_K};
    case DP_STAGE_GROUP:
        return (probe_plan){i % 3 ? DP_TAME : DP_LONG, DP_GROUP_K};
    case DP_STAGE_PROMOTE:
        return (probe_plan){DP_LONG, i % 2 ? DP_PROMOTE_K : DP_PROMOTE_K / 4};
    default:
        return (probe_plan){i % 4 ? DP_WILD : DP_TAME, i % 3 ? 3 : 40};
    }
}

static void make_probe(search *s, dp_stage stage, uint64_t i) {
    const probe_plan p = plan_of(stage, i);
    dp_probe_make(&s->probe, s->space.input, p.kind, p.k, 11 + (uint64_t)stage, i);
}

/* The best of a pool; false when none splits. */
static bool choose(search *s, dp_stage stage, uint64_t *best) {
    size_t sample[SAMPLE];
    const size_t n = s->set.n < SAMPLE ? s->set.n : SAMPLE, pool = stage == DP_STAGE_PROMOTE ? 8 : POOL;
    double least = 1;
    for (size_t i = 0; i < n; i++)
        sample[i] = s->set.n <= SAMPLE ? i : (rg_random_u32(13, s->next, i) % s->set.n);
    for (size_t i = 0; i < pool; i++, s->next++) {
        make_probe(s, stage, s->next);
        const double c = concentration(s, sample, n);
        if (c < least) least = c, *best = s->next;
    }
    return least < 1;
}

/* ---- asking ---------------------------------------------------------------------------------------------
 */

static rg_status filter(search *s, rg_error *err) {
    uint32_t answer;
    s->line.len = 0;
    rg_dot_print(&s->space.scratch, &s->probe.dot, &s->line);
    rg_str_add(&s->line, "\n");
    if (s->line.failed) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    s->n_vectors++;
    RG_TRY(s->ask(s->context, s->line.data, 1, &answer, err));
    size_t kept = 0;
    for (size_t i = 0; i < s->set.n; i++)
        if (answer_of(s, &s->set.at[i]) == answer) s->set.at[kept++] = s->set.at[i];
    s->set.n = kept;
    return RG_OK;
}

static rg_status run_stage(search *s, dp_stage stage, rg_error *err) {
    for (int patience = PATIENCE; patience > 0 && s->set.n > 1;) {
        uint64_t best = 0;
        char what[64];
        snprintf(what, sizeof what, "identify: %zu datapaths possible", s->set.n);
        if (!rg_progress_step(s->progress, what, stage, DP_N_STAGES))
            return rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted");
        if (!choose(s, stage, &best)) {
            patience--;
            continue;
        }
        make_probe(s, stage, best);
        RG_TRY(filter(s, err));
        patience = PATIENCE;
    }
    return RG_OK;
}

/* ---- what no sum tells apart ----------------------------------------------------------------------------
 */

/* Presets first, then what needs the fewest words. */
static int rank(const dp_candidate *c) {
    if (c->preset) return -100;
    const bool usual = c->exponent_bits == 8 ? c->mantissa_bits == 23 : c->mantissa_bits == 10;
    return (c->align >= 0) + (c->cut != RG_RZ) + 3 * (c->floor != INT16_MIN) + c->c_after +
           (c->promote != 0) + (c->order != 0) + (c->flush != 0) + c->nan + (c->exponent_bits != 8) +
           2 * !usual + 2 * (c->rounding != RG_RNE && c->rounding != RG_RZ);
}
static int by_rank(const void *a, const void *b) {
    const dp_candidate *x = a, *y = b;
    const int d = rank(x) - rank(y);
    return d ? d : memcmp(x, y, sizeof *x);
}

/* Answers to sums of many products, hashed: candidates of equal signature are one class. */
static uint64_t signature(search *s, dp_candidate c) {
    static const int16_t groups[2] = {16, DP_MAX_GROUP};
    const bool open = c.n == DP_SUM_K; /* stands for every larger group */
    uint64_t hash = UINT64_C(14695981039346656037);
    for (int g = 0; g < (open ? 2 : 1); g++)
        for (uint64_t i = 0; i < 24; i++) {
            if (open) c.n = groups[g];
            dp_probe_make(&s->probe, s->space.input, i % 3 ? DP_TAME : DP_LONG, open ? (size_t)c.n : 40, 31,
                          i);
            hash = (hash ^ answer_of(s, &c)) * UINT64_C(1099511628211);
        }
    return hash;
}

typedef struct signed_candidate {
    uint64_t signature;
    dp_candidate c;
} signed_candidate;

static int by_signature(const void *a, const void *b) {
    const signed_candidate *x = a, *y = b;
    if (x->signature != y->signature) return x->signature < y->signature ? -1 : 1;
    return by_rank(&x->c, &y->c);
}

/* Keeps the simplest of each class; the others wait in `siblings`. */
static rg_status collapse(search *s, rg_error *err) {
    signed_candidate *all = malloc((s->set.n + 1) * sizeof *all);
    bool good = all != NULL;
    size_t kept = 0;
    uint32_t classes = 0;
    for (size_t i = 0; good && i < s->set.n; i++) {
        all[i].c = s->set.at[i];
        all[i].signature = all[i].c.preset ? (uint64_t)all[i].c.preset : signature(s, all[i].c);
    }
    if (good) qsort(all, s->set.n, sizeof *all, by_signature);
    for (size_t i = 0; good && i < s->set.n; i++) {
        const bool first = i == 0 || all[i].signature != all[i - 1].signature;
        all[i].c.class_index = classes += first;
        good = dp_set_add(&s->siblings, &all[i].c);
        if (first) s->set.at[kept++] = all[i].c;
    }
    s->set.n = kept;
    free(all);
    return good ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

/* ---- presets and results --------------------------------------------------------------------------------
 */

/* The accumulators and alignments of each class again, for what subnormals and special values may still tell
 * apart. */
static rg_status reopen(search *s, rg_error *err) {
    enum { REPRESENTATIVES = 8 };
    dp_set all = {0};
    bool good = true;
    for (size_t i = 0, n = 0; good && i < s->set.n; i++) {
        dp_candidate c = s->set.at[i];
        const bool register_added = c.c_after || c.promote;
        if (c.preset || n++ >= REPRESENTATIVES) {
            if (c.preset) good = dp_set_add(&all, &c);
            continue;
        }
        for (size_t j = 0; good && j < s->siblings.n; j++) {
            const dp_candidate *other = &s->siblings.at[j];
            if (other->preset || other->class_index != c.class_index || other->c_after != register_added)
                continue;
            c.align = other->align;
            c.cut = other->cut;
            c.mantissa_bits = other->mantissa_bits;
            c.exponent_bits = other->exponent_bits;
            c.rounding = other->rounding;
            good = dp_set_add(&all, &c);
        }
    }
    dp_set_free(&s->set);
    s->set = all;
    return good ? RG_OK : rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
}

static void close_presets(dp_space *space) {
    for (size_t i = 0; i < space->n_presets; i++) rg_datapath_close(space->preset[i]);
}

static bool same_elem(const dp_input *x, const dp_input *y) {
    return memcmp(&x->elem, &y->elem, sizeof x->elem) == 0;
}

/* Those whose elements are these; block scales are 1 in every line that is sent. */
static rg_status open_presets(dp_space *space, const char *data_dir, rg_arena *arena, rg_error *err) {
    const char **name;
    size_t n;
    if (!data_dir) return RG_OK;
    RG_TRY(rg_datapath_names(data_dir, arena, &name, &n, err));
    space->preset = rg_arena_alloc(arena, n ? n : 1, sizeof *space->preset);
    if (!space->preset) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < n; i++) {
        rg_datapath *dp;
        if (rg_datapath_open(&dp, name[i], data_dir, NULL) != RG_OK) continue; /* tpu: not complete */
        if (same_elem(&dp->input[0], &space->input[0]) && same_elem(&dp->input[1], &space->input[1]))
            space->preset[space->n_presets++] = dp;
        else
            rg_datapath_close(dp);
    }
    return RG_OK;
}

static rg_status add_text(search *s, const dp_candidate *c, rg_arena *arena, rg_identified *out,
                          rg_error *err) {
    if (out->n_candidates == MOST_REPORTED) return RG_OK;
    const rg_datapath *dp = dp_candidate_open(&s->space, c);
    if (!c->preset) dp_dot_text(&s->space.scratch);
    const char *text = rg_arena_strndup(arena, dp->text, strlen(dp->text));
    if (!text) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    out->candidate[out->n_candidates++] = text;
    return RG_OK;
}

/* What is left, the simplest first. */
static rg_status report(search *s, rg_arena *arena, rg_identified *out, rg_error *err) {
    dp_set *set = &s->set;
    qsort(set->at, set->n, sizeof *set->at, by_rank);
    *out = (rg_identified){.n_vectors = s->n_vectors};
    out->candidate = rg_arena_alloc(arena, MOST_REPORTED, sizeof *out->candidate);
    if (!out->candidate) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    for (size_t i = 0; i < set->n; i++) RG_TRY(add_text(s, &set->at[i], arena, out, err));
    return RG_OK;
}

static rg_status run(search *s, rg_error *err) {
    for (dp_stage stage = 0; stage < DP_N_STAGES; stage++) {
        if (stage == DP_STAGE_SPECIAL) RG_TRY(reopen(s, err));
        dp_set next = {0};
        const bool good = dp_stage_expand(&s->space, stage, stage ? &s->set : NULL, &next);
        dp_set_free(&s->set);
        s->set = next;
        if (!good) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
        RG_TRY(run_stage(s, stage, err));
        if (s->set.n == 0) return RG_OK; /* nothing that Ridge knows */
        if (stage == DP_STAGE_SUM) RG_TRY(collapse(s, err));
        qsort(s->set.at, s->set.n, sizeof *s->set.at, by_rank);
        if ((stage == DP_STAGE_GROUP || stage == DP_STAGE_PROMOTE) && s->set.n > MOST_CANDIDATES)
            s->set.n = MOST_CANDIDATES;
    }
    return RG_OK;
}

rg_status rg_datapath_identify(rg_dot_oracle *ask, void *context, const char *a, const char *b,
                               const char *data_dir, rg_arena *arena, const rg_progress *progress,
                               rg_identified *out, rg_error *err) {
    search *s = calloc(1, sizeof *s);
    if (!s) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    s->ask = ask;
    s->context = context;
    s->progress = progress;
    rg_status status = RG_OK;
    if (a) {
        status = dp_input_parse(a, &s->space.input[0], err);
        if (status == RG_OK) status = dp_input_parse(b ? b : a, &s->space.input[1], err);
    } else {
        status = dp_find_formats(ask, context, s->space.input, &s->n_vectors, err);
    }
    memcpy(s->space.scratch.input, s->space.input, sizeof s->space.input);
    if (status == RG_OK) status = open_presets(&s->space, data_dir, arena, err);
    if (status == RG_OK) status = dp_probe_open(&s->probe, DP_PROMOTE_K, arena, err);
    if (status == RG_OK) status = run(s, err);
    if (status == RG_OK) status = report(s, arena, out, err);
    close_presets(&s->space);
    dp_set_free(&s->set);
    dp_set_free(&s->siblings);
    rg_str_free(&s->line);
    free(s);
    return status;
}
