/* Roofline bounds of the deployed model under every option on every chip, prefill and decode. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_INPUTS = 3 };

typedef struct evidence { /* files that a bound rests on, paths relative to the workspace */
    rg_claim_input input[MAX_INPUTS];
    rg_digest digest[MAX_INPUTS];
    char path[MAX_INPUTS][512];
    size_t n;
} evidence;

/* Adds inputs/data/FOLDER/NAME.{yaml,json} when it is there. */
static void add_evidence(const study *s, evidence *e, const char *what, const char *folder,
                         const char *name) {
    static const char *const endings[] = {"yaml", "json"};
    for (int i = 0; i < 2; i++) {
        char full[4608];
        snprintf(e->path[e->n], sizeof e->path[e->n], "inputs/data/%s/%s.%s", folder, name, endings[i]);
        snprintf(full, sizeof full, "%s/%s", s->out_dir, e->path[e->n]);
        if (access(full, R_OK) != 0 || rg_sha256_file(full, &e->digest[e->n], NULL) != RG_OK) continue;
        e->input[e->n] = (rg_claim_input){what, e->path[e->n], e->digest[e->n].hex};
        e->n++;
        return;
    }
}

static rg_status claim_bound(study *s, const study_option *o, size_t chip, rg_phase phase, const evidence *e,
                             const char *what, const char *pointer, double value, const char *unit,
                             char id[17], rg_error *err) {
    const char *phase_name = phase == RG_DECODE ? "decode" : "prefill";
    char subject[1024], command[2048];
    snprintf(subject, sizeof subject, "roof/%s/%s/%s/batch=%g/context=%g/%s/%s", s->deploy_model,
             s->chip_id[chip], phase_name, s->batch, s->context, o->policy, what);
    snprintf(command, sizeof command,
             "ridge roof explain '%s' %s --phase %s --batch %g --context %g --policy '%s' --data inputs/data "
             "--json",
             s->deploy_model, s->chip_id[chip], phase_name, s->batch, s->context, o->policy);
    const rg_claim claim = {.kind = RG_DERIVED,
                            .subject = subject,
                            .value = value,
                            .unit = unit,
                            .lo = NAN,
                            .hi = NAN,
                            .n_inputs = e->n,
                            .input = e->input,
                            .command = command,
                            .result = pointer};
    return study_claim(s, &claim, id, err);
}

static rg_status bound(study *s, const rg_graph *graph, study_option *o, size_t chip, rg_phase phase,
                       const evidence *e, rg_error *err) {
    rg_roof roof;
    RG_TRY(rg_roof_explain(&roof, graph, &s->chip[chip], phase, s->batch, s->context, o->policy, err));
    study_speed *v = &o->speed[chip][phase];
    *v = (study_speed){.bound_s = roof.bound_s,
                       .tokens_per_s = roof.tokens_per_s,
                       .memory_bytes = roof.memory_bytes,
                       .kind = roof.linear_kind,
                       .executable = roof.kind != RG_PATH_HYPOTHETICAL,
                       .fits = roof.fits};
    snprintf(v->limiter, sizeof v->limiter, "%s", roof.limiter);
    for (size_t i = 0; i < roof.n_operators; i++) {
        const rg_roof_operator *r = &roof.op[i];
        if (!r->runs_as) continue;
        /* the first linear operator is one of the blocks, where most multiplies are */
        if (!v->runs_as[0] && strcmp(r->op, "linear") == 0)
            snprintf(v->runs_as, sizeof v->runs_as, "%s", r->runs_as);
        if (strcmp(r->op, "attention") == 0) {
            snprintf(v->attention_as, sizeof v->attention_as, "%s", r->runs_as);
            v->attention_kind = r->kind;
        }
    }
    rg_roof_close(&roof);
    RG_TRY(claim_bound(s, o, chip, phase, e, "bound_s", "/total/bound_s", v->bound_s, "s", v->claim, err));
    RG_TRY(claim_bound(s, o, chip, phase, e, "tokens_per_s", "/total/tokens_per_s", v->tokens_per_s,
                       "token/s", v->claim_rate, err));
    return claim_bound(s, o, chip, phase, e, "memory_bytes", "/memory_bytes", v->memory_bytes, "byte",
                       v->claim_memory, err);
}

static rg_status weight_bits(study *s, const rg_graph *graph, study_option *o, rg_error *err) {
    rg_quant quant;
    RG_TRY(rg_quant_parse(o->weight, &quant, err));
    const size_t cols = (size_t)graph->hidden_size;
    o->weight_bits = rg_format_bits(&quant.format, cols);
    char subject[640], command[512];
    snprintf(subject, sizeof subject, "storage/%s/bits_per_weight", o->weight);
    snprintf(command, sizeof command, "ridge num show '%s' --row %zu --json", o->weight, cols);
    const rg_claim claim = {.kind = RG_DERIVED,
                            .subject = subject,
                            .value = o->weight_bits,
                            .unit = "bit",
                            .lo = NAN,
                            .hi = NAN,
                            .command = command,
                            .result = "/bits_per_element"};
    return study_claim(s, &claim, o->claim_bits, err);
}

/* Speed against the first option of the study, on the same chip and phase: rests on two other claims. */
static rg_status claim_speedup(study *s, study_option *o, size_t chip, int phase, rg_error *err) {
    study_speed *v = &o->speed[chip][phase], *base = &s->option[0].speed[chip][phase];
    v->speedup = v->tokens_per_s / base->tokens_per_s;
    char subject[1024];
    snprintf(subject, sizeof subject, "speedup/%s/%s/%s/%s/over=%s", s->deploy_model, s->chip_id[chip],
             phase == RG_DECODE ? "decode" : "prefill", o->policy, s->option[0].policy);
    const rg_claim_input inputs[] = {{"tokens per second", NULL, v->claim_rate},
                                     {"of the first option", NULL, base->claim_rate}};
    const rg_claim claim = {.kind = RG_DERIVED,
                            .subject = subject,
                            .value = v->speedup,
                            .unit = "1",
                            .lo = NAN,
                            .hi = NAN,
                            .n_inputs = o == &s->option[0] ? 1 : 2,
                            .input = inputs};
    return study_claim(s, &claim, v->claim_speedup, err);
}

rg_status study_speed_all(study *s, rg_error *err) {
    rg_model model;
    RG_TRY(rg_model_open(&model, s->deploy_model, s->data_dir, false, err));
    rg_status status = RG_OK;
    for (size_t c = 0; status == RG_OK && c < s->n_chips; c++) {
        evidence e = {0};
        add_evidence(s, &e, "chip", "chips", s->chip_id[c]);
        add_evidence(s, &e, "model config", "models", s->deploy_model);
        add_evidence(s, &e, "model family", "families", model.graph.family);
        for (size_t i = 0; status == RG_OK && i < s->n_options; i++)
            for (int phase = 0; status == RG_OK && phase < STUDY_PHASES; phase++)
                status = bound(s, &model.graph, &s->option[i], c, (rg_phase)phase, &e, err);
    }
    for (size_t c = 0; status == RG_OK && c < s->n_chips; c++)
        for (size_t i = 0; status == RG_OK && i < s->n_options; i++)
            for (int phase = 0; status == RG_OK && phase < STUDY_PHASES; phase++)
                status = claim_speedup(s, &s->option[i], c, phase, err);
    for (size_t i = 0; status == RG_OK && i < s->n_options; i++)
        status = weight_bits(s, &model.graph, &s->option[i], err);
    rg_model_close(&model);
    return status;
}
