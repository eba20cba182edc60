/* The decision in words, and decision.md: what was asked, what is recommended, on what it rests, what would
 * change it. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *kept(study *s, rg_str *text) {
    const char *copy =
        text->failed || !text->data ? NULL : rg_arena_strndup(&s->arena, text->data, text->len);
    rg_str_free(text);
    return copy ? copy : "";
}

static void describe_choice(const study *s, rg_str *text, int option, size_t chip) {
    const study_option *o = &s->option[option];
    const study_speed *v = &o->speed[chip][RG_DECODE];
    rg_str_printf(text, "%s: **%s** (%s", s->chip_id[chip], o->name, rg_path_kind_name(v->kind));
    if (v->runs_as[0]) rg_str_printf(text, ", multiplied as %s", v->runs_as);
    rg_str_printf(text, "; decode bound %.0f token/s, %.2f x %s)", v->tokens_per_s, v->speedup,
                  s->option[0].name);
}

const char *study_decision_text(study *s) {
    rg_str text = {0};
    int all = study_overall(s, s->kld_limit);
    if (all >= 0) {
        const study_option *o = &s->option[all];
        rg_str_printf(&text,
                      "One format for all chips: **%s** (`%s`). Its mean KL divergence from fp32 is %.4f ± "
                      "%.4f nat (2 standard errors) "
                      "against a gate of %g, and it has the highest bound on decode speed among the options "
                      "that pass, fit and "
                      "can be executed on every chip. ",
                      o->name, o->policy, o->quality.kld_mean, 2 * o->quality.kld_mean_se, s->kld_limit);
    } else {
        rg_str_printf(&text, "No option passes the gate of %g nat, fits and can be executed on every chip. ",
                      s->kld_limit);
    }
    rg_str_add(&text, "Chip by chip: ");
    for (size_t c = 0; c < s->n_chips; c++) {
        int best = study_choice(s, c, s->kld_limit);
        if (c) rg_str_add(&text, "; ");
        if (best >= 0)
            describe_choice(s, &text, best, c);
        else
            rg_str_printf(&text, "%s: none", s->chip_id[c]);
    }
    rg_str_add(&text, ".");
    for (size_t i = 0; all >= 0 && i < s->n_options; i++)
        if ((int)i != all && s->option[i].good_enough &&
            !study_separated(&s->option[i].quality, &s->option[all].quality))
            rg_str_printf(&text, " In quality %s is not separated from %s.", s->option[i].name,
                          s->option[all].name);
    return kept(s, &text);
}

const char *study_sensitivity_text(study *s) {
    static const double factors[] = {0.2, 0.5, 2, 5};
    rg_str text = {0};
    int now = study_overall(s, s->kld_limit);
    for (size_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        double limit = s->kld_limit * factors[i];
        int then = study_overall(s, limit);
        const char *name = then >= 0 ? s->option[then].name : "no option";
        rg_str_printf(&text, "%sWith a gate of %g nat: %s%s.", i ? " " : "", limit, name,
                      then == now ? " (unchanged)" : "");
    }
    return kept(s, &text);
}

static void write_assumptions(const study *s, rg_str *md) {
    rg_str_add(md, "\n## Assumptions\n\n");
    for (size_t i = 0; i < s->n_assumptions; i++) {
        const study_assumption *a = &s->assumption[i];
        rg_str_printf(md, "- **%s** (%s; claim `%s`): %s Source: %s.\n", a->id, a->status, a->claim, a->text,
                      a->source);
    }
}

static void write_options(const study *s, rg_str *md) {
    rg_str_add(md, "\n## Options considered\n\n| option | policy | KL divergence, nat | within the gate | "
                   "admissible on |\n|---|---|---|---|---|\n");
    for (size_t i = 0; i < s->n_options; i++) {
        const study_option *o = &s->option[i];
        rg_str_printf(md, "| %s | `%s` | %.4f ± %.4f (claim `%s`) | %s | ", o->name, o->policy,
                      o->quality.kld_mean, 2 * o->quality.kld_mean_se, o->claim_kld,
                      o->good_enough ? "yes" : "no");
        int n = 0;
        for (size_t c = 0; c < s->n_chips; c++)
            if (o->admissible[c]) rg_str_printf(md, "%s%s", n++ ? ", " : "", s->chip_id[c]);
        rg_str_add(md, n ? " |\n" : "none |\n");
    }
}

rg_status study_write_decision(study *s, rg_error *err) {
    rg_str md = {0};
    rg_str_printf(&md, "# %s\n\n**Question.** %s\n\n**Owner.** %s. **Decide by.** %s.\n\n", s->name,
                  s->question, s->owner, s->decide_by);
    rg_str_printf(&md, "## Recommendation\n\n%s\n\n", study_decision_text(s));
    if (s->claim_decision[0])
        rg_str_printf(&md,
                      "Claim `%s`; `ridge ledger show DIR ID` of an assumption below leads back to it.\n\n",
                      s->claim_decision);
    rg_str_printf(&md,
                  "Rule: highest roofline bound on decode speed of %s (batch %g, context %g) among the "
                  "options whose KL divergence, upper "
                  "end of mean ± 2 standard errors, is at most %g nat; gate from %s.\n\n%s\n",
                  s->deploy_model, s->batch, s->context, s->kld_limit, s->kld_limit_source,
                  study_sensitivity_text(s));
    write_options(s, &md);
    write_assumptions(s, &md);
    rg_str_add(&md, "\n## Revisit if\n\n");
    for (size_t i = 0; i < s->n_revisit; i++) rg_str_printf(&md, "- %s\n", s->revisit_if[i]);
    rg_str_add(
        &md,
        "\nEvery number is a claim of this folder's `claims.jsonl`; `ridge ledger verify` checks them.\n");
    char path[4096];
    snprintf(path, sizeof path, "%s/decision.md", s->out_dir);
    rg_status status = md.failed ? rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory")
                                 : rg_file_write(path, md.data, md.len, err);
    rg_str_free(&md);
    return status;
}
