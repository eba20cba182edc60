/* The trail: claims as content-addressed JSON lines in a workspace folder, indexed by SQLite. */
#ifndef RIDGE_LEDGER_H
#define RIDGE_LEDGER_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_claim_class { RG_DERIVED, RG_MEASURED, RG_SIMULATED, RG_QUOTED, RG_ASSUMED, RG_N_CLAIM_CLASSES } rg_claim_class;
const char *rg_claim_class_name(rg_claim_class c);

typedef struct rg_claim_input {
    const char *name;   /* what it is: "model", "text", "chip h100-sxm" */
    const char *path;   /* relative to the workspace, or as given; NULL when the input is another claim */
    const char *sha256; /* digest of the file, or the id of a claim */
} rg_claim_input;

typedef struct rg_claim {
    rg_claim_class kind;
    const char *subject;  /* "quality/w=nvfp4,a=nvfp4/kld_mean" */
    double value;
    const char *unit;     /* "nat", "s", "um2", "1" */
    double lo, hi;        /* interval; NaN: none */
    const char *interval; /* what lo..hi is: "mean +- 2 standard errors (n=2048)"; NULL: none */
    const char *source;   /* quoted and assumed claims */
    const char *status;   /* assumed: open, supported, refuted; NULL otherwise */
    size_t n_inputs;
    const rg_claim_input *input;
    const char *command;  /* re-run by `ledger verify` for derived claims: "ridge roof explain ... --json"; NULL: none */
    const char *result;   /* JSON pointer of the value in the command's output: "/total/bound_s" */
} rg_claim;

typedef struct rg_ledger rg_ledger;
/* Opens or makes the workspace at `dir` (claims.jsonl; index.sqlite is rebuilt from it when stale). */
rg_status rg_ledger_open(rg_ledger **out, const char *dir, rg_error *err);
void rg_ledger_close(rg_ledger *ledger);
/* Appends the claim unless the same one is there; `id` receives the first 16 hexadecimal digits of the SHA-256 of its canonical JSON. */
rg_status rg_ledger_add(rg_ledger *ledger, const rg_claim *claim, char id[17], rg_error *err);
/* Looks a claim up by id: RG_ERR_USAGE when there is none. Result in canonical JSON. */
rg_status rg_ledger_find(rg_ledger *ledger, const char *id, rg_str *json, rg_error *err);

typedef struct rg_ledger_failure {
    char claim[17];
    char subject[160];
    char reason[320]; /* "input model changed: FILE sha256 ... expected ..." */
} rg_ledger_failure;
typedef struct rg_ledger_report {
    size_t claims, verified, n_failed;
    rg_ledger_failure *failed; /* malloc; freed by rg_ledger_report_free */
} rg_ledger_report;
/* Recomputes the digests of claims and inputs; follows inputs that are claims, so that all that rests on a changed byte is named;
   re-runs the commands of derived claims with `program` in the place of "ridge". */
rg_status rg_ledger_verify(rg_ledger *ledger, const char *program, rg_ledger_report *out, const rg_progress *progress, rg_error *err);
void rg_ledger_report_free(rg_ledger_report *report);

#ifdef __cplusplus
}
#endif
#endif
