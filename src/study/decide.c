/* The decision rule: among the options whose quality is within the gate, that fit and that the chip can
 * execute, the fastest. */
#include "study/study.h"

#include <math.h>

static double kld_hi(const rg_quality *q) {
    return q->kld_mean + 2 * q->kld_mean_se;
}

bool study_separated(const rg_quality *a, const rg_quality *b) {
    return a->kld_mean - 2 * a->kld_mean_se > kld_hi(b) || b->kld_mean - 2 * b->kld_mean_se > kld_hi(a);
}

static bool admissible(const study *s, size_t option, size_t chip, double kld_limit) {
    const study_speed *v = s->option[option].speed[chip];
    return kld_hi(&s->option[option].quality) <= kld_limit && v[RG_DECODE].fits && v[RG_DECODE].executable &&
           v[RG_PREFILL].executable;
}

/* a is at least as good in both, and better in one. */
static bool dominates(const study *s, size_t a, size_t b, size_t chip) {
    const study_option *x = &s->option[a], *y = &s->option[b];
    double fast_x = x->speed[chip][RG_DECODE].tokens_per_s, fast_y = y->speed[chip][RG_DECODE].tokens_per_s;
    double kld_x = x->quality.kld_mean, kld_y = y->quality.kld_mean;
    return fast_x >= fast_y && kld_x <= kld_y && (fast_x > fast_y || kld_x < kld_y);
}

static bool on_front(const study *s, size_t option, size_t chip) {
    for (size_t i = 0; i < s->n_options; i++)
        if (i != option && s->option[i].speed[chip][RG_DECODE].fits && dominates(s, i, option, chip))
            return false;
    return s->option[option].speed[chip][RG_DECODE].fits;
}

void study_decide(study *s) {
    for (size_t i = 0; i < s->n_options; i++) {
        study_option *o = &s->option[i];
        o->good_enough = kld_hi(&o->quality) <= s->kld_limit;
        for (size_t c = 0; c < s->n_chips; c++) {
            o->admissible[c] = admissible(s, i, c, s->kld_limit);
            o->front[c] = on_front(s, i, c);
        }
    }
}

/* Faster in decode wins; equally fast, the one closer to the reference. */
static bool better(const study *s, double rate, int option, double best_rate, int best) {
    if (best < 0 || rate > best_rate * (1 + 1e-9)) return true;
    return rate >= best_rate * (1 - 1e-9) &&
           s->option[option].quality.kld_mean < s->option[best].quality.kld_mean;
}

int study_choice(const study *s, size_t chip, double kld_limit) {
    int best = -1;
    double best_rate = 0;
    for (size_t i = 0; i < s->n_options; i++) {
        if (!admissible(s, i, chip, kld_limit)) continue;
        double rate = s->option[i].speed[chip][RG_DECODE].tokens_per_s;
        if (!better(s, rate, (int)i, best_rate, best)) continue;
        best = (int)i;
        best_rate = rate;
    }
    return best;
}

double study_mean_rate(const study *s, int option) {
    double sum = 0;
    for (size_t c = 0; c < s->n_chips; c++) sum += log(s->option[option].speed[c][RG_DECODE].tokens_per_s);
    return exp(sum / (double)s->n_chips);
}

int study_overall(const study *s, double kld_limit) {
    int best = -1;
    double best_rate = 0;
    for (size_t i = 0; i < s->n_options; i++) {
        bool everywhere = true;
        for (size_t c = 0; c < s->n_chips; c++) everywhere = everywhere && admissible(s, i, c, kld_limit);
        if (!everywhere) continue;
        double rate = study_mean_rate(s, (int)i);
        if (!better(s, rate, (int)i, best_rate, best)) continue;
        best = (int)i;
        best_rate = rate;
    }
    return best;
}
