/* Task sets under policies: choices become pairs, log-likelihoods become answers, answers figures. */
#include "model/choice.h"

#include "kernels/kernels.h"
#include "model/load.h"
#include "model/pairs.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef enum norm { NORM_BYTE, NORM_CHAR, NORM_TOKEN, NORM_NONE, N_NORMS } norm;
static const char *const norm_names[] = {"byte", "char", "token", "none"};

typedef struct task {
    const rg_model *model;
    const rg_choice_options *options;
    norm norm;
    size_t n; /* items asked for */
    choice_set set;
    pair_plan plan; /* one pair for each option, in order */
    pair_result result;
    size_t n_done;        /* items scored */
    double *length;       /* [n_options] that divides */
    uint32_t *answer[2];  /* [n_done] of a policy, of the reference */
    uint8_t *right[2][2]; /* [plain, normed][policy, reference][n_done] */
    double *gold;         /* [n_done] log-likelihood of the right one, of the policy, minus the reference's */
    rg_arena arena;
} task;

static rg_status no_memory(rg_error *err) {
    return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory for the set");
}

static rg_status plan_option(task *t, size_t line, int number, const choice_option *o, rg_error *err) {
    const size_t n = strlen(o->context);
    const char *join = t->options->join;
    if (!join) join = n && pair_is_space(o->context[n - 1]) ? "" : " ";
    rg_str text = {0};
    rg_str_add(&text, join);
    rg_str_add(&text, o->continuation);
    const pair_text pair = {o->context, text.data, n, text.len, line, number};
    rg_status status = text.failed ? no_memory(err) : pair_plan_add(&t->plan, t->model, &pair, err);
    rg_str_free(&text);
    return status;
}

static double length_of(const task *t, size_t option) {
    const char *text = t->set.option[option].continuation;
    size_t n = 0;
    switch (t->norm) {
    case NORM_BYTE:
        return (double)strlen(text);
    case NORM_CHAR:
        for (; *text; text++) n += ((uint8_t)*text & 0xc0) != 0x80;
        return (double)n;
    case NORM_TOKEN:
        return (double)t->plan.pair[option].n;
    default:
        return 1;
    }
}

static rg_status make_plan(task *t, rg_error *err) {
    const choice_set *set = &t->set;
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < set->item[i].n; k++)
            RG_TRY(plan_option(t, set->item[i].line, (int)k, &set->option[set->item[i].first + k], err));
    t->length = rg_arena_alloc(&t->arena, t->plan.n, sizeof *t->length);
    if (!t->length) return no_memory(err);
    for (size_t i = 0; i < t->plan.n; i++) t->length[i] = length_of(t, i);
    return RG_OK;
}

/* The likeliest option, the first of equals. */
static size_t best(const double *loglik, const double *length, size_t n) {
    size_t at = 0;
    for (size_t k = 1; k < n; k++)
        if (loglik[k] / (length ? length[k] : 1) > loglik[at] / (length ? length[at] : 1)) at = k;
    return at;
}

/* Answers of policy p into slot 0 or 1. */
static void answer(task *t, size_t p, int slot) {
    for (size_t i = 0; i < t->n_done; i++) {
        const choice_item *item = &t->set.item[i];
        const double *loglik = t->result.loglik[p] + item->first;
        if (t->set.kind == CHOICE_CLOZE) {
            t->answer[slot][i] = t->right[0][slot][i] = t->right[1][slot][i] =
                t->result.greedy[p][item->first];
            continue;
        }
        const size_t plain = best(loglik, NULL, item->n),
                     normed = best(loglik, t->length + item->first, item->n);
        t->answer[slot][i] = (uint32_t)plain;
        t->right[0][slot][i] = plain == item->gold;
        t->right[1][slot][i] = normed == item->gold;
    }
}

static void figures(task *t, size_t p, rg_choice_quality *q) {
    *q = (rg_choice_quality){.is_reference = !t->result.variants.variant_of[p],
                             .perplexity = (double)NAN,
                             .token_perplexity = (double)NAN};
    memcpy(q->policy, t->result.variants.policy[p].text, sizeof q->policy);
    answer(t, p, 0);
    rg_paired_shares_compare(t->n_done, t->right[0][1], t->right[0][0], &q->plain);
    rg_paired_shares_compare(t->n_done, t->right[1][1], t->right[1][0], &q->normed);
    if (q->is_reference) q->plain.verdict = q->normed.verdict = RG_EQUAL;
    double tokens = 0;
    for (size_t i = 0; i < t->n_done; i++) {
        const size_t at = t->set.item[i].first + t->set.item[i].gold;
        q->answers_changed += t->answer[0][i] != t->answer[1][i];
        q->gold_loglik += t->result.loglik[p][at];
        tokens += (double)t->plan.pair[at].n;
        t->gold[i] = t->result.loglik[p][at] - t->result.loglik[0][at];
    }
    if (t->set.kind == CHOICE_CLOZE) {
        q->perplexity = rg_exp(-q->gold_loglik / (double)t->n_done);
        q->token_perplexity = rg_exp(-q->gold_loglik / tokens);
    }
    q->gold_loglik /= (double)t->n_done;
    q->gold_delta = rg_mean(t->gold, t->n_done);
    q->gold_delta_se = rg_standard_error(t->gold, t->n_done);
}

static rg_status make_answers(task *t, rg_error *err) {
    while (t->n_done < t->n && t->set.item[t->n_done].first + t->set.item[t->n_done].n <= t->result.n_done)
        t->n_done++;
    if (!t->n_done) return rg_fail(err, RG_ERR_CANCELLED, NULL, NULL, "interrupted before the first item");
    t->gold = rg_arena_alloc(&t->arena, t->n_done, sizeof *t->gold);
    bool ok = t->gold != NULL;
    for (int slot = 0; slot < 2; slot++) {
        ok &= (t->answer[slot] = rg_arena_alloc(&t->arena, t->n_done, sizeof *t->answer[slot])) != NULL;
        for (int kind = 0; kind < 2; kind++)
            ok &= (t->right[kind][slot] = rg_arena_alloc(&t->arena, t->n_done, 1)) != NULL;
    }
    if (!ok) return no_memory(err);
    answer(t, 0, 1);
    return RG_OK;
}

static void summarize(const task *t, rg_choice_summary *s) {
    *s = (rg_choice_summary){.kind = choice_kind_name(t->set.kind),
                             .n_set = t->set.n,
                             .n = t->n_done,
                             .n_tokens = t->plan.start[t->plan.n_windows],
                             .interrupted = t->n_done < t->n};
    for (size_t i = 0; i < t->n_done; i++) {
        const choice_item *item = &t->set.item[i];
        bool truncated = false;
        for (size_t k = 0; k < item->n; k++) truncated |= t->plan.pair[item->first + k].truncated;
        s->n_truncated += truncated;
        if (t->set.kind != CHOICE_CLOZE) s->chance += 1.0 / (double)item->n;
    }
    s->chance /= (double)t->n_done;
}

static rg_status find_norm(task *t, rg_error *err) {
    const char *name = t->options->norm ? t->options->norm : "byte";
    for (t->norm = 0; t->norm < N_NORMS; t->norm++)
        if (strcmp(norm_names[t->norm], name) == 0) return RG_OK;
    return rg_fail(err, RG_ERR_USAGE, "norm", "byte, char, token or none", "unknown length \"%s\"", name);
}

static rg_status run(task *t, const char *name, const char *text, size_t size, const char *const *policies,
                     size_t n_policies, rg_choice_summary *summary, rg_choice_quality *out, rg_error *err) {
    const rg_choice_options *o = t->options;
    RG_TRY(find_norm(t, err));
    RG_TRY(load_check_tokenizer(t->model, err));
    RG_TRY(choice_set_read(&t->set, name, text, size, err));
    t->n = o->limit && o->limit < t->set.n ? o->limit : t->set.n;
    RG_TRY(make_plan(t, err));
    const pair_options options = {o->threads, o->batch_tokens, o->progress, o->data_dir};
    RG_TRY(pair_run(t->model, &t->plan, policies, n_policies, &options, &t->result, err));
    RG_TRY(make_answers(t, err));
    for (size_t p = 0; p <= n_policies; p++) figures(t, p, &out[p]);
    summarize(t, summary);
    return RG_OK;
}

rg_status rg_choice_run(const rg_model *model, const char *name, const char *text, size_t text_size,
                        const char *const *policies, size_t n_policies, const rg_choice_options *options,
                        rg_choice_summary *summary, rg_choice_quality *out, rg_error *err) {
    task t = {.model = model, .options = options, .plan = {.name = name}};
    const rg_status status = run(&t, name, text, text_size, policies, n_policies, summary, out, err);
    pair_result_free(&t.result);
    pair_plan_free(&t.plan);
    choice_set_free(&t.set);
    rg_arena_free(&t.arena);
    return status;
}
