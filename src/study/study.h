/* What a study is made of: the question, the options, what was found for each, and where it is kept. */
#ifndef RIDGE_STUDY_PRIVATE_H
#define RIDGE_STUDY_PRIVATE_H

#include <jansson.h>

#include "ridge/doc.h"
#include "ridge/graph.h"
#include "ridge/hw.h"
#include "ridge/ledger.h"
#include "ridge/model.h"
#include "ridge/num.h"
#include "ridge/perf.h"
#include "ridge/study.h"

enum { STUDY_MAX_OPTIONS = 64, STUDY_MAX_CHIPS = 16, STUDY_PHASES = 2 };

typedef struct study_speed { /* one option on one chip in one phase */
    double bound_s, tokens_per_s, memory_bytes;
    char limiter[48];
    rg_path_kind kind,
        attention_kind; /* of the linear operators, the weakest; of attention over its KV cache */
    char runs_as[24], attention_as[24];
    bool executable; /* no operator is hypothetical */
    bool fits;
    char claim[17]; /* of bound_s */
    char claim_rate[17], claim_memory[17];
    double speedup; /* tokens/s over those of the first option on the same chip */
    char claim_speedup[17];
} study_speed;

typedef struct study_silicon {
    bool known; /* false: no tools, or switched off */
    char unit[RG_QUANT_TEXT];
    double area_um2, area_ge, delay_ns, fastest_ns;
    bool met;
    char recipe[32], tools[256];
    char claim_area[17], claim_ge[17], claim_delay[17], claim_fastest[17];
} study_silicon;

typedef struct study_option {
    const char *name, *weight, *activation, *kv; /* texts; NULL: bf16 */
    char policy[512];
    double weight_bits; /* per weight of the blocks, scales included */
    char claim_bits[17];
    rg_quality quality;
    char claim_ppl[17], claim_kld[17], claim_p99[17], claim_top[17];
    study_speed speed[STUDY_MAX_CHIPS][STUDY_PHASES]; /* RG_PREFILL, RG_DECODE */
    study_silicon silicon;
    bool good_enough;                 /* upper end of the KLD interval within the gate */
    bool admissible[STUDY_MAX_CHIPS]; /* good enough, fits, and not hypothetical */
    bool front[STUDY_MAX_CHIPS];      /* nobody on this chip is both faster and closer to the reference */
} study_option;

typedef struct study_assumption {
    const char *id, *text, *source, *status, *unit, *date;
    double value, lo, hi; /* NaN: not a number */
    char claim[17];
} study_assumption;

typedef struct study {
    rg_doc doc;
    rg_arena arena;
    const char *file, *out_dir, *data_dir;
    const rg_progress *progress;
    const char *name, *question, *owner, *decide_by;
    size_t n_revisit;
    const char **revisit_if;
    const char *quality_model, *text, *protocol; /* quality_model and text are paths */
    int64_t tokens, jitter;                      /* jitter -1: none */
    const char *deploy_model;
    double batch, context;
    size_t n_chips;
    const char *chip_id[STUDY_MAX_CHIPS];
    rg_chip chip[STUDY_MAX_CHIPS];
    int64_t lanes; /* 0: no silicon stage */
    double delay_ns;
    const char *liberty;
    double kld_limit;
    const char *kld_limit_source;
    size_t n_options;
    study_option option[STUDY_MAX_OPTIONS];
    size_t n_assumptions;
    study_assumption *assumption;
    rg_quality reference;
    char claim_reference[17], claim_decision[17];
    rg_digest study_sha256, model_sha256, text_sha256, program_sha256;
    char model_name[256];
    rg_ledger *ledger;
    rg_str claim_ids;     /* of all claims made in this run, 17 bytes each (with NUL), in order */
    char tools_note[256]; /* why there is no silicon, when there is none */
} study;

/* study_file.c: reads and checks the YAML; paths are relative to it. */
rg_status study_read(study *s, const char *file, rg_error *err);
void study_close(study *s);

/* inputs.c: copies what the derived claims need to out_dir/inputs, so that the workspace re-runs on its own.
 */
rg_status study_copy_inputs(study *s, rg_error *err);

/* items.c: finished items, out_dir/items/KIND-KEY.json; KEY is the digest of `key`, which says all that the
 * result depends on. */
json_t *study_item_get(const study *s, const char *kind, json_t *key);
rg_status study_item_put(const study *s, const char *kind, json_t *key, json_t *result, rg_error *err);

/* quality.c, speed.c, silicon.c: the three stages. */
rg_status study_quality(study *s, rg_error *err);
rg_status study_speed_all(study *s, rg_error *err);
rg_status study_silicon_all(study *s, rg_error *err);

/* decide.c: gate, fronts, and the chosen option of each chip (index into option, or -1). */
void study_decide(study *s);
int study_choice(const study *s, size_t chip, double kld_limit);
/* The option that is chosen for all chips together: admissible on each, highest geometric mean of decode
 * tokens/s; -1: none. */
int study_overall(const study *s, double kld_limit);
/* False when the two KLD intervals (mean +- 2 standard errors) overlap. */
bool study_separated(const rg_quality *a, const rg_quality *b);
/* Geometric mean of decode tokens per second over the chips. */
double study_mean_rate(const study *s, int option);

/* claims.c */
rg_status study_claim(study *s, const rg_claim *claim, char id[17], rg_error *err);
rg_status study_claim_assumptions(study *s, rg_error *err);
/* After study_decide; claim_decision stays empty when no option passes. */
rg_status study_claim_decision(study *s, rg_error *err);

/* page.c: report.html, report.md, tables as .csv; decision_page.c: decision.md. */
rg_status study_write_report(study *s, const char *plotly_path, rg_error *err);
rg_status study_write_decision(study *s, rg_error *err);
/* The decision in a few sentences; what would change it; arena-owned. */
const char *study_decision_text(study *s);
const char *study_sensitivity_text(study *s);
/* pareto_chart.c: the figure as JSON text, appended. */
rg_status study_pareto_figure(study *s, rg_str *json, rg_error *err);

#endif
