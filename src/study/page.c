/* The report: what was asked, what is recommended, one table, one Pareto chart, then the details behind them.
 */
#include "study/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ridge/report.h"

static void number(rg_report *r, double value, const char *claim, rg_claim_class kind, const char *fmt, ...)
    __attribute__((format(printf, 5, 6)));
static void number(rg_report *r, double value, const char *claim, rg_claim_class kind, const char *fmt, ...) {
    char shown[96];
    va_list args;
    va_start(args, fmt);
    vsnprintf(shown, sizeof shown, fmt, args);
    va_end(args);
    rg_report_cell_number(r, value, shown, claim, rg_claim_class_name(kind));
}

static void text(rg_report *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void text(rg_report *r, const char *fmt, ...) {
    rg_str s = {0};
    va_list args;
    va_start(args, fmt);
    char line[4096];
    vsnprintf(line, sizeof line, fmt, args);
    va_end(args);
    rg_str_add(&s, line);
    rg_report_text(r, s.data ? s.data : "");
    rg_str_free(&s);
}

static bool has_silicon(const study *s) {
    return s->option[0].silicon.known;
}

/* How the chip runs it, in a mark that fits a cell. */
static const char *mark(const study_speed *v) {
    if (!v->fits) return " does not fit";
    if (!v->executable) return " h";
    return v->kind == RG_PATH_NATIVE ? "" : v->kind == RG_PATH_DEQUANTISED ? " d" : " h";
}

static const char *verdict(const study *s, size_t i) {
    int all = study_overall(s, s->kld_limit);
    const study_option *o = &s->option[i];
    if ((int)i == all) return "**recommended**";
    if (!o->good_enough) return "outside gate";
    bool any = false;
    for (size_t c = 0; c < s->n_chips; c++) any = any || o->admissible[c];
    if (!any) return "not executable";
    if (all >= 0 && !study_separated(&o->quality, &s->option[all].quality))
        return "passes; quality not separated";
    return "passes";
}

static void main_table(study *s, rg_report *r) {
    char names[STUDY_MAX_CHIPS][64];
    const char *columns[STUDY_MAX_CHIPS + 8];
    char area[64];
    size_t n = 0;
    columns[n++] = "option";
    columns[n++] = "bits per weight";
    columns[n++] = "perplexity";
    columns[n++] = "KL divergence, nat";
    columns[n++] = "same top token, %";
    for (size_t c = 0; c < s->n_chips; c++) {
        snprintf(names[c], sizeof names[c], "%s, token/s", s->chip_id[c]);
        columns[n++] = names[c];
    }
    snprintf(area, sizeof area, "unit area at %g ns, GE", s->delay_ns);
    if (has_silicon(s)) columns[n++] = area;
    columns[n++] = "verdict";
    rg_report_table(
        r, "options",
        "Every option: quality on the quality model, bound on decode speed of the deployed "
        "model, area of its unit. "
        "d: weights or activations are dequantised before the multiply; h: hypothetical, the chip "
        "has no such unit.",
        n, columns);
    for (size_t i = 0; i < s->n_options; i++) {
        const study_option *o = &s->option[i];
        const rg_quality *q = &o->quality;
        rg_report_cell_text(r, o->name);
        number(r, o->weight_bits, o->claim_bits, RG_DERIVED, "%.2f", o->weight_bits);
        number(r, q->ppl, o->claim_ppl, RG_MEASURED, "%.3f", q->ppl);
        number(r, q->kld_mean, o->claim_kld, RG_MEASURED, "%.4f ± %.4f", q->kld_mean, 2 * q->kld_mean_se);
        number(r, 100 * q->same_top, o->claim_top, RG_MEASURED, "%.1f ± %.1f", 100 * q->same_top,
               200 * q->same_top_se);
        for (size_t c = 0; c < s->n_chips; c++) {
            const study_speed *v = &o->speed[c][RG_DECODE];
            number(r, v->tokens_per_s, v->claim_rate, RG_DERIVED, "%.0f%s", v->tokens_per_s, mark(v));
        }
        if (has_silicon(s))
            number(r, o->silicon.area_ge, o->silicon.claim_ge, RG_SIMULATED, "%.0f%s", o->silicon.area_ge,
                   o->silicon.met ? "" : " late");
        rg_report_cell_text(r, verdict(s, i));
    }
}

static void quality_section(study *s, rg_report *r) {
    const char *const columns[] = {"option",
                                   "policy",
                                   "perplexity",
                                   "mean KL divergence, nat",
                                   "p99 KL divergence, nat",
                                   "same top token, %",
                                   "tokens scored"};
    rg_report_heading(r, 2, "quality", "Quality");
    text(r,
         "Measured on `%s`%s with protocol `%s`: all options in lock step with the fp32 reference on the "
         "same %llu scored tokens of `%s`. "
         "KL(reference || option) per token; intervals are two standard errors.",
         s->model_name, s->jitter >= 0 ? " (function-preserving jitter on)" : "", s->protocol,
         (unsigned long long)s->reference.tokens,
         strrchr(s->text, '/') ? strrchr(s->text, '/') + 1 : s->text);
    rg_report_table(r, "quality", "Quality of every option against fp32.", 7, columns);
    rg_report_cell_text(r, "fp32");
    rg_report_cell_text(r, "reference");
    number(r, s->reference.ppl, s->claim_reference, RG_MEASURED, "%.3f ± %.3f", s->reference.ppl,
           2 * s->reference.ppl_se);
    for (int k = 0; k < 4; k++) rg_report_cell_text(r, "");
    for (size_t i = 0; i < s->n_options; i++) {
        const study_option *o = &s->option[i];
        const rg_quality *q = &o->quality;
        char code[560];
        snprintf(code, sizeof code, "`%s`", o->policy);
        rg_report_cell_text(r, o->name);
        rg_report_cell_text(r, code);
        number(r, q->ppl, o->claim_ppl, RG_MEASURED, "%.3f ± %.3f", q->ppl, 2 * q->ppl_se);
        number(r, q->kld_mean, o->claim_kld, RG_MEASURED, "%.4f ± %.4f", q->kld_mean, 2 * q->kld_mean_se);
        number(r, q->kld_p99, o->claim_p99, RG_MEASURED, "%.3f", q->kld_p99);
        number(r, 100 * q->same_top, o->claim_top, RG_MEASURED, "%.2f ± %.2f", 100 * q->same_top,
               200 * q->same_top_se);
        char tokens[32];
        snprintf(tokens, sizeof tokens, "%llu", (unsigned long long)q->tokens);
        rg_report_cell_text(r, tokens);
    }
}

static void path_cell(rg_report *r, rg_path_kind kind, const char *runs_as) {
    char shown[64];
    snprintf(shown, sizeof shown, "%s, %s", rg_path_kind_name(kind), runs_as);
    rg_report_cell_text(r, shown);
}

static void speed_section(study *s, rg_report *r) {
    const char *const columns[] = {"chip",
                                   "option",
                                   "linear operators",
                                   "attention",
                                   "decode, token/s",
                                   "over first option",
                                   "decode limited by",
                                   "prefill, token/s",
                                   "prefill limited by",
                                   "memory, GB",
                                   "fits"};
    rg_report_heading(r, 2, "speed", "Speed");
    text(r,
         "Roofline bounds of `%s` at batch %g and context %g: no execution on the chip can be faster. Bytes "
         "include the scales of each format. "
         "**native**: the chip multiplies the formats as stored; **dequantised**: stored narrow, multiplied "
         "as a wider type; **hypothetical**: "
         "the chip has no such unit.",
         s->deploy_model, s->batch, s->context);
    rg_report_table(
        r, "speed",
        "Bound on speed of every option on every chip; the type in which linear operators and attention "
        "multiply.",
        11, columns);
    for (size_t c = 0; c < s->n_chips; c++)
        for (size_t i = 0; i < s->n_options; i++) {
            const study_option *o = &s->option[i];
            const study_speed *d = &o->speed[c][RG_DECODE], *p = &o->speed[c][RG_PREFILL];
            rg_report_cell_text(r, s->chip_id[c]);
            rg_report_cell_text(r, o->name);
            path_cell(r, d->kind, d->runs_as);
            path_cell(r, d->attention_kind, d->attention_as);
            number(r, d->tokens_per_s, d->claim_rate, RG_DERIVED, "%.0f", d->tokens_per_s);
            number(r, d->speedup, d->claim_speedup, RG_DERIVED, "%.2f", d->speedup);
            rg_report_cell_text(r, d->limiter);
            number(r, p->tokens_per_s, p->claim_rate, RG_DERIVED, "%.0f", p->tokens_per_s);
            rg_report_cell_text(r, p->limiter);
            number(r, d->memory_bytes / 1e9, d->claim_memory, RG_DERIVED, "%.1f", d->memory_bytes / 1e9);
            rg_report_cell_text(r, d->fits ? "yes" : "no");
        }
}

static void silicon_section(study *s, rg_report *r) {
    rg_report_heading(r, 2, "silicon", "Silicon");
    if (!has_silicon(s)) {
        rg_report_text(r, s->tools_note);
        return;
    }
    text(r,
         "A dot-product unit of %lld lanes for the element formats of each option, generated as Verilog, "
         "checked against the C datapath without a "
         "mismatch, and synthesised (%s). All units are compared at one delay target of %g ns; the last "
         "column is the fastest that each "
         "reached. Scales and accumulators lie outside the unit.",
         (long long)s->lanes, s->option[0].silicon.tools, s->delay_ns);
    const char *const columns[] = {"unit",      "options",    "area, um2", "area, GE",
                                   "delay, ns", "target met", "recipe",    "fastest, ns"};
    rg_report_table(
        r, "silicon",
        "Dot-product units at one common delay target. GE: area over that of a 2-input NAND gate.", 8,
        columns);
    for (size_t i = 0; i < s->n_options; i++) {
        const study_silicon *v = &s->option[i].silicon;
        bool seen = false;
        rg_str who = {0};
        for (size_t k = 0; k < s->n_options; k++) {
            if (strcmp(s->option[k].silicon.unit, v->unit) != 0) continue;
            seen = seen || k < i;
            rg_str_printf(&who, "%s%s", who.len ? ", " : "", s->option[k].name);
        }
        if (!seen) {
            rg_report_cell_text(r, v->unit);
            rg_report_cell_text(r, who.data ? who.data : "");
            number(r, v->area_um2, v->claim_area, RG_SIMULATED, "%.0f", v->area_um2);
            number(r, v->area_ge, v->claim_ge, RG_SIMULATED, "%.0f", v->area_ge);
            number(r, v->delay_ns, v->claim_delay, RG_SIMULATED, "%.2f", v->delay_ns);
            rg_report_cell_text(r, v->met ? "yes" : "no");
            rg_report_cell_text(r, v->recipe);
            number(r, v->fastest_ns, v->claim_fastest, RG_SIMULATED, "%.2f", v->fastest_ns);
        }
        rg_str_free(&who);
    }
}

static void assumption_section(study *s, rg_report *r) {
    const char *const columns[] = {"assumption", "status", "statement", "source", "date"};
    rg_report_heading(r, 2, "assumptions", "Assumptions");
    rg_report_text(r, "The recommendation holds as long as these do. Each is a claim of class assumed in the "
                      "ledger of this study.");
    rg_report_table(r, "assumptions", "What the decision rests on without having measured it.", 5, columns);
    for (size_t i = 0; i < s->n_assumptions; i++) {
        const study_assumption *a = &s->assumption[i];
        rg_report_cell_text(r, a->id);
        rg_report_cell_text(r, a->status);
        rg_report_cell_text(r, a->text);
        rg_report_cell_text(r, a->source);
        rg_report_cell_text(r, a->date ? a->date : "");
    }
}

static void front_page(study *s, rg_report *r) {
    text(r, "**Question.** %s", s->question);
    text(r,
         "**Owner.** %s. **Decide by.** %s. **Deployed model.** `%s`, batch %g, context %g. **Quality "
         "model.** `%s`.",
         s->owner, s->decide_by, s->deploy_model, s->batch, s->context, s->model_name);
    rg_report_callout(r, "decision", "Recommendation", study_decision_text(s));
    text(r,
         "**Rule.** Among the options whose KL divergence from fp32, upper end of two standard errors, is at "
         "most %g nat (%s), that fit the "
         "chip and that it can execute: the highest bound on decode speed. %s",
         s->kld_limit, s->kld_limit_source, study_sensitivity_text(s));
    rg_report_callout(r, "warning", "Open assumption",
                      "Quality was measured on one model and is deployed on another: see assumptions.");
}

static rg_status chart(study *s, rg_report *r, rg_error *err) {
    rg_str figure = {0};
    rg_status status = study_pareto_figure(s, &figure, err);
    rg_report_heading(r, 2, "pareto", "Quality against speed");
    if (status == RG_OK)
        rg_report_chart(
            r, "pareto",
            "Down and to the right is better. Filled circles run natively, open squares are dequantised "
            "before the multiply, crosses are hypothetical. Labels name the options on a chip's Pareto "
            "front, "
            "which the line follows; below the gate an option passes.",
            "Scatter chart of mean KL divergence against bound on decode speed, one colour for each chip.",
            figure.data);
    rg_str_free(&figure);
    return status;
}

static void closing(study *s, rg_report *r) {
    rg_report_heading(r, 2, "revisit", "Revisit if");
    for (size_t i = 0; i < s->n_revisit; i++) text(r, "%zu. %s", i + 1, s->revisit_if[i]);
    rg_report_heading(r, 2, "conventions", "Conventions");
    rg_report_text(r, "One MAC is 2 FLOP; peaks are dense; GB is 10^9 bytes; attention is causal; a bound is "
                      "physics, not a prediction; perplexity and KL "
                      "divergence are natural. `ridge ledger verify` in the folder of this report recomputes "
                      "digests and re-runs derived claims.");
}

static rg_status add_claims(study *s, rg_report *r, rg_error *err) {
    for (size_t at = 0; at + 17 <= s->claim_ids.len; at += 17) {
        const char *id = s->claim_ids.data + at;
        rg_str json = {0};
        rg_status status = rg_ledger_find(s->ledger, id, &json, err);
        if (status == RG_OK) rg_report_claim(r, id, json.data);
        rg_str_free(&json);
        RG_TRY(status);
    }
    return RG_OK;
}

rg_status study_write_report(study *s, const char *plotly_path, rg_error *err) {
    rg_report *r;
    char title[256];
    snprintf(title, sizeof title, "%s: number formats for %s", s->name, s->deploy_model);
    RG_TRY(rg_report_new(&r, title, err));
    front_page(s, r);
    rg_status status = chart(s, r, err);
    rg_report_heading(r, 2, "table", "All options");
    main_table(s, r);
    assumption_section(s, r);
    quality_section(s, r);
    speed_section(s, r);
    silicon_section(s, r);
    closing(s, r);
    if (status == RG_OK) status = add_claims(s, r, err);
    if (status == RG_OK) status = rg_report_write(r, s->out_dir, plotly_path, err);
    rg_report_free(r);
    return status;
}
