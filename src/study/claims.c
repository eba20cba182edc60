/* Claims of a study: the thin layer over the ledger, and the assumptions. */
#include "study/study.h"

#include <math.h>
#include <stdio.h>

rg_status study_claim(study *s, const rg_claim *claim, char id[17], rg_error *err) {
    RG_TRY(rg_ledger_add(s->ledger, claim, id, err));
    rg_str_add_n(&s->claim_ids, id, 17);
    return s->claim_ids.failed ? rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory") : RG_OK;
}

rg_status study_claim_assumptions(study *s, rg_error *err) {
    const rg_claim_input input = {"study", "inputs/study.yaml", s->study_sha256.hex};
    for (size_t i = 0; i < s->n_assumptions; i++) {
        study_assumption *a = &s->assumption[i];
        char subject[320];
        snprintf(subject, sizeof subject, "assumption/%s", a->id);
        const rg_claim claim = {.kind = RG_ASSUMED,
                                .subject = subject,
                                .value = a->value,
                                .unit = a->unit,
                                .lo = a->lo,
                                .hi = a->hi,
                                .interval = isfinite(a->lo) ? "stated range" : NULL,
                                .source = a->source,
                                .status = a->status,
                                .n_inputs = 1,
                                .input = &input};
        RG_TRY(study_claim(s, &claim, a->claim, err));
    }
    return RG_OK;
}

/* The decision rests on the speeds and the quality of what was chosen and on every assumption, so that a
   refuted one leads here. */
rg_status study_claim_decision(study *s, rg_error *err) {
    const int chosen = study_overall(s, s->kld_limit);
    if (chosen < 0) return RG_OK; /* nothing was decided, and nothing is claimed */
    const study_option *o = &s->option[chosen];
    const size_t room = s->n_assumptions + s->n_chips + 1;
    rg_claim_input *inputs = rg_arena_alloc(&s->arena, room, sizeof *inputs);
    if (!inputs) return rg_fail(err, RG_ERR_MEMORY, NULL, NULL, "out of memory");
    size_t n = 0;
    inputs[n++] = (rg_claim_input){"quality", NULL, o->claim_kld};
    for (size_t c = 0; c < s->n_chips; c++)
        inputs[n++] = (rg_claim_input){s->chip_id[c], NULL, o->speed[c][RG_DECODE].claim_rate};
    for (size_t i = 0; i < s->n_assumptions; i++)
        inputs[n++] = (rg_claim_input){s->assumption[i].id, NULL, s->assumption[i].claim};
    char subject[320];
    snprintf(subject, sizeof subject, "decision/%s/mean_decode_rate", s->name);
    const rg_claim claim = {.kind = RG_DERIVED,
                            .subject = subject,
                            .text = study_decision_text(s),
                            .value = study_mean_rate(s, chosen),
                            .unit = "token/s",
                            .lo = NAN,
                            .hi = NAN,
                            .n_inputs = n,
                            .input = inputs};
    return study_claim(s, &claim, s->claim_decision, err);
}
