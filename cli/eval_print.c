/* The report of ridge eval run, as JSON and as tables. */
#include "eval_run.h"

#include <math.h>
#include <string.h>

static void json_quality(rg_str *out, const void *context, size_t index) {
    const rg_quality *q = &((const rg_eval_report *)context)->quality[index];
    const struct {
        const char *key;
        double value;
    } numbers[] = {{"ppl", q->ppl},
                   {"ppl_se", q->ppl_se},
                   {"token_ppl", q->token_ppl},
                   {"byte_ppl", q->byte_ppl},
                   {"bits_per_byte", q->bits_per_byte},
                   {"kld_mean", q->kld_mean},
                   {"kld_mean_se", q->kld_mean_se},
                   {"kld_mean_lo", q->kld_mean_lo},
                   {"kld_mean_hi", q->kld_mean_hi},
                   {"kld_median", q->kld_median},
                   {"kld_p90", q->kld_p90},
                   {"kld_p99", q->kld_p99},
                   {"kld_max", q->kld_max},
                   {"kld_reverse", q->kld_reverse},
                   {"same_top", q->same_top},
                   {"same_top_se", q->same_top_se},
                   {"same_top_lo", q->same_top_lo},
                   {"same_top_hi", q->same_top_hi},
                   {"delta_nll", q->delta_nll},
                   {"delta_nll_se", q->delta_nll_se},
                   {"delta_nll_lo", q->delta_nll_lo},
                   {"delta_nll_hi", q->delta_nll_hi},
                   {"detectable_nll", q->detectable},
                   {"tokens_needed", q->tokens_needed},
                   {"delta_p_mean", q->delta_p_mean},
                   {"delta_p_rms", q->delta_p_rms},
                   {"tokens", (double)q->tokens}};
    rg_str_add(out, "{\"policy\": ");
    cli_print_json_string(out, q->policy);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        cli_json_number(out, numbers[i].key, numbers[i].value);
    for (int i = 0; i < RG_DELTA_P_QUANTILES; i++) {
        char key[32];
        snprintf(key, sizeof key, "delta_p_p%02.0f", 100 * rg_delta_p_quantile[i]);
        cli_json_number(out, key, q->delta_p[i]);
    }
    rg_str_printf(out, ", \"verdict\": \"%s\", \"is_reference\": %s}", rg_verdict_name(q->verdict),
                  q->is_reference ? "true" : "false");
}

static void json_pairs(rg_str *out, const rg_eval_report *p) {
    rg_str_add(out, ", \"pairs\": [");
    for (size_t i = 0; i < p->n_pairs; i++) {
        const rg_quality_pair *pair = &p->pair[i];
        rg_str_add(out, i ? ", {\"a\": " : "{\"a\": ");
        cli_print_json_string(out, p->quality[pair->a].policy);
        rg_str_add(out, ", \"b\": ");
        cli_print_json_string(out, p->quality[pair->b].policy);
        cli_json_number(out, "delta_nll", pair->delta_nll);
        cli_json_number(out, "lo", pair->lo);
        cli_json_number(out, "hi", pair->hi);
        rg_str_printf(out, ", \"verdict\": \"%s\"}", rg_verdict_name(pair->verdict));
    }
    rg_str_add(out, "]");
}

void cli_eval_print_json(const cli_eval_request *r) {
    const rg_eval_report *p = &r->report;
    rg_str out = {0};
    rg_str_add(&out, "{\"protocol\": ");
    cli_print_json_string(&out, p->protocol);
    rg_str_printf(&out, ", \"model_sha256\": \"%s\", \"text_sha256\": \"%s\"", r->input.model.sha256.hex,
                  r->input.sha256.hex);
    rg_str_printf(&out, ", \"complete\": %s, \"stopped_early\": %s", p->complete ? "true" : "false",
                  p->stopped_early ? "true" : "false");
    rg_str_printf(&out, ", \"unit\": \"%s\"", p->unit);
    cli_json_number(&out, "units", (double)p->n_units);
    cli_json_number(&out, "confidence", p->confidence);
    cli_json_number(&out, "tolerance_nats", p->tolerance);
    cli_json_number(&out, "looks", (double)p->n_looks);
    cli_json_number(&out, "tokens", (double)p->tokens);
    cli_json_number(&out, "tokens_planned", (double)p->tokens_planned);
    cli_eval_json_policies(&out, json_quality, p, p->n_qualities - 1);
    json_pairs(&out, p);
    if (p->n_layers) cli_eval_json_layers(&out, r);
    rg_str_add(&out, "}");
    cli_json_end(&out);
}

/* ---- tables ----------------------------------------------------------------------------------------------
 */

/* Digits after the point with which an error of this size has meaning. */
static int digits_of(double error) {
    int digits = 6;
    for (double unit = 1e-6; digits > 2 && error >= 100 * unit; unit *= 10) digits--;
    return digits;
}

/* "1.234 +- 0.005". */
static const char *with_error(char *buf, size_t size, double value, double se) {
    const int digits = digits_of(isfinite(se) ? se : value / 100);
    if (isfinite(se))
        snprintf(buf, size, "%.*f +- %.*f", digits, value, digits, se);
    else
        snprintf(buf, size, "%.*f", digits, value);
    return buf;
}

/* "1.234 [1.229, 1.240]". */
static const char *with_interval(char *buf, size_t size, double value, double lo, double hi, bool sign) {
    if (!isfinite(lo) || !isfinite(hi)) {
        snprintf(buf, size, sign ? "%+.5f [?, ?]" : "%.5f [?, ?]", value);
        return buf;
    }
    const int d = digits_of((hi - lo) / 4);
    snprintf(buf, size, sign ? "%+.*f [%+.*f, %+.*f]" : "%.*f [%.*f, %.*f]", d, value, d, lo, d, hi);
    return buf;
}

static const char *name_of(const rg_quality *q, const rg_eval_report *p) {
    return q == p->quality ? "fp32 (reference)" : q->policy;
}

static void print_fidelity(const rg_eval_report *p, int width) {
    printf("%-*s  %20s  %8s  %28s  %9s  %9s  %24s\n", width, "policy",
           strcmp(p->protocol, "harness-word") == 0 ? "word perplexity" : "perplexity", "bits/B",
           "KLD mean [nat]", "KLD med.", "KLD p99", "same top [%]");
    for (size_t i = 0; i < p->n_qualities; i++) {
        const rg_quality *q = &p->quality[i];
        char ppl[64], kld[96], top[96];
        with_error(ppl, sizeof ppl, q->ppl, q->ppl_se);
        printf("%-*s  %20s  %8.4f", width, name_of(q, p), ppl, q->bits_per_byte);
        if (q->verdict == RG_EQUAL) {
            printf("%s\n", i ? "  equal to the reference" : "");
            continue;
        }
        with_interval(kld, sizeof kld, q->kld_mean, q->kld_mean_lo, q->kld_mean_hi, false);
        with_interval(top, sizeof top, 100 * q->same_top, 100 * q->same_top_lo, 100 * q->same_top_hi, false);
        printf("  %28s  %9.5f  %9.5f  %24s\n", kld, q->kld_median, q->kld_p99, top);
    }
}

static void print_verdicts(const rg_eval_report *p, int width) {
    printf("\n%-*s  %32s  %-16s  %11s  %13s  %8s  %24s\n", width, "policy", "loss - fp32 [nat]", "verdict",
           "detectable", "tokens needed", "dp RMS %", "dp 1 / 50 / 99 %");
    for (size_t i = 1; i < p->n_qualities; i++) {
        const rg_quality *q = &p->quality[i];
        if (q->verdict == RG_EQUAL) continue;
        char delta[96], detects[32] = "?", needed[32] = "-", spread[96];
        with_interval(delta, sizeof delta, q->delta_nll, q->delta_nll_lo, q->delta_nll_hi, true);
        if (q->verdict == RG_CANNOT_TELL && isfinite(q->tokens_needed))
            snprintf(needed, sizeof needed, "%.2g", q->tokens_needed);
        if (isfinite(q->detectable)) snprintf(detects, sizeof detects, "%.5f", q->detectable);
        snprintf(spread, sizeof spread, "%+.2f / %+.2f / %+.2f", 100 * q->delta_p[0], 100 * q->delta_p[3],
                 100 * q->delta_p[6]);
        printf("%-*s  %32s  %-16s  %11s  %13s  %8.3f  %24s\n", width, q->policy, delta,
               rg_verdict_name(q->verdict), detects, needed, 100 * q->delta_p_rms, spread);
    }
}

static void print_pairs(const rg_eval_report *p, int width) {
    printf("\n%-*s  %-*s  %32s  %s\n", width, "policy", width, "against", "loss difference [nat]", "verdict");
    for (size_t i = 0; i < p->n_pairs; i++) {
        const rg_quality_pair *pair = &p->pair[i];
        char delta[96];
        with_interval(delta, sizeof delta, pair->delta_nll, pair->lo, pair->hi, true);
        printf("%-*s  %-*s  %32s  %s\n", width, p->quality[pair->a].policy, width, p->quality[pair->b].policy,
               delta, rg_verdict_name(pair->verdict));
    }
    if (p->n_qualities > RG_EVAL_MAX_PAIRED + 1)
        printf("(pairs are compared for up to %d policies)\n", RG_EVAL_MAX_PAIRED);
}

void cli_eval_print_table(const cli_eval_request *r) {
    const rg_eval_report *p = &r->report;
    int width = (int)strlen("fp32 (reference)");
    bool any = false;
    for (size_t i = 1; i < p->n_qualities; i++) {
        if ((int)strlen(p->quality[i].policy) > width) width = (int)strlen(p->quality[i].policy);
        any = any || p->quality[i].verdict != RG_EQUAL;
    }
    printf("%s, protocol %s, %llu tokens scored", r->input.model.path, p->protocol,
           (unsigned long long)p->tokens);
    if (!p->complete || p->stopped_early)
        printf(" of %llu (%s)", (unsigned long long)p->tokens_planned,
               p->stopped_early ? "stopped when sure" : "interrupted");
    printf("\n+- is one standard error; [..] %.3g %% confidence, paired, over %zu %ss", 100 * p->confidence,
           p->n_units, p->unit);
    printf(p->n_units < 8 ? ": too few for intervals\n\n" : "\n\n");
    print_fidelity(p, width);
    if (any) print_verdicts(p, width);
    if (r->pairs) print_pairs(p, width);
    if (p->n_layers && r->layers) cli_eval_print_layers(r);
}
