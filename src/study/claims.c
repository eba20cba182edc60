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
