/* Score card: kernels of GEMM (Q2, Q4, Q5), attention (Q7), experts (Q8) and collectives (Q9) on unseen
 * sites. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "perf/score/score.h"

static bool is_bf16_gemm(const perf_score_result *r) {
    return strcmp(r->source->op, "gemm") == 0 && strncmp(r->group, "bfloat16/", 9) == 0;
}

typedef struct mean {
    double value, median, baseline;
    size_t groups, n;
} mean;

static void mean_add(mean *m, const perf_score_result *r) {
    if (!r->s.n) return;
    const double k = (double)m->groups++, all = k + 1;
    m->value = (m->value * k + r->s.mape) / all;
    m->median = (m->median * k + r->s.median) / all;
    m->baseline = (m->baseline * k + r->bound_mape) / all;
    m->n += r->s.n;
}

static rg_status add_result_row(perf_scoring *s, const char *id, const perf_score_result *r, double floor,
                                double stretch) {
    char name[256];
    snprintf(name, sizeof name, "%s %s %s", r->source->op, r->source->chip, r->group);
    return perf_score_add_error(s, id, name, r->s.n, r->s.mape, floor, stretch, r->bound_mape);
}

/* The chips with GDDR behind a large cache; NULL: another. */
static const struct cards {
    const char *chip;
    double floor, stretch;
} cards[] = {{"l40s", 0.15, 0.10}, {"rtx-pro-6000-server", 0.12, 0.09}};

static const struct cards *card_of(const perf_score_result *r) {
    for (size_t i = 0; i < sizeof cards / sizeof *cards; i++)
        if (strcmp(r->source->chip, cards[i].chip) == 0) return &cards[i];
    return NULL;
}

static rg_status gemm_rows(perf_scoring *s) {
    mean vllm = {0};
    for (size_t i = 0; i < s->n_results; i++) {
        const perf_score_result *r = &s->result[i];
        if (strcmp(r->source->op, "gemm") != 0) continue;
        const struct cards *card = card_of(r);
        if (is_bf16_gemm(r) && !card && strstr(r->source->table, "vllm")) mean_add(&vllm, r);
        if (is_bf16_gemm(r) && card)
            RG_TRY(add_result_row(s, "Q4", r, card->floor, card->stretch));
        else if (is_bf16_gemm(r))
            RG_TRY(add_result_row(s, "Q2", r, 0.095, 0.065));
        else if (strncmp(r->group, "fp8", 3) == 0)
            RG_TRY(add_result_row(s, "Q5", r, 0.15, 0.10));
        else if (strncmp(r->group, "nvfp4", 5) == 0)
            RG_TRY(add_result_row(s, "Q5", r, 0.11, 0.08));
    }
    RG_TRY(perf_score_add_error(s, "Q2", "mean over chips, vLLM tables", vllm.n, vllm.value, 0.095, 0.065,
                                vllm.baseline));
    return perf_score_add_error(s, "Q2", "mean over chips of the medians, vLLM tables", vllm.n, vllm.median,
                                0.06, 0.04, NAN);
}

/* One row per kind, the mean over its groups, and one per group. */
static rg_status op_rows(perf_scoring *s, const char *id, const char *op, double floor, double stretch,
                         bool groups) {
    char name[256];
    mean m = {0};
    for (size_t i = 0; i < s->n_results; i++)
        if (strcmp(s->result[i].source->op, op) == 0) {
            mean_add(&m, &s->result[i]);
            if (groups) RG_TRY(add_result_row(s, id, &s->result[i], floor, stretch));
        }
    snprintf(name, sizeof name, "%s, mean over tables and kernels", op);
    return perf_score_add_error(s, id, name, m.n, m.value, floor, stretch, m.baseline);
}

rg_status perf_score_operators(perf_scoring *s) {
    RG_TRY(gemm_rows(s));
    RG_TRY(op_rows(s, "Q7", "attention_prefill", 0.14, 0.09, true));
    RG_TRY(op_rows(s, "Q7", "attention_decode", 0.14, 0.08, true));
    RG_TRY(op_rows(s, "Q8", "moe", 0.20, 0.12, true));
    return op_rows(s, "Q9", "collective", 0.09, 0.06, false);
}
