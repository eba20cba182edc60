/* The trail: claims as content-addressed JSON lines in a workspace folder, indexed by SQLite.

   A workspace is a folder with claims.jsonl. Each line is one claim in canonical JSON (keys sorted, no
   spaces, shortest numbers that read back to the same double); its id is the first 16 hexadecimal digits of
   the SHA-256 of that text without the id. Order and repetition of lines mean nothing, so two workspaces are
   merged by putting their lines together. index.sqlite is a cache: rebuilt when it is stale, absent or
   corrupt. One ledger is used by one thread at a time; several processes may add to one workspace. */
#ifndef RIDGE_LEDGER_H
#define RIDGE_LEDGER_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum rg_claim_class {
    RG_DERIVED,   /* computed from its inputs by a formula or a deterministic command */
    RG_MEASURED,  /* observed in a run of the real thing: n and spread in `interval` */
    RG_SIMULATED, /* result of a model of the thing: synthesis, RTL or system simulation */
    RG_QUOTED,    /* somebody else's number, with its source */
    RG_ASSUMED,   /* taken for true without evidence, with range and status */
    RG_N_CLAIM_CLASSES
} rg_claim_class;
/* "derived", "measured", "simulated", "quoted", "assumed"; "unknown" outside the range. */
const char *rg_claim_class_name(rg_claim_class c);

typedef struct rg_claim_input {
    const char *name;   /* what it is: "model", "text", "chip h100-sxm" */
    const char *path;   /* relative to the workspace, or absolute; NULL when the input is another claim */
    const char *sha256; /* digest of the file (64 digits), or the id of a claim (16) */
} rg_claim_input;

typedef struct rg_claim {
    rg_claim_class kind;
    const char *subject;  /* "quality/w=nvfp4,a=nvfp4/kld_mean" */
    const char *text;     /* the claim in words; NULL: none */
    double value;         /* NaN only for an assumption that is no number */
    const char *unit;     /* "nat", "s", "um2", "1"; NULL only where value is NaN */
    double lo, hi;        /* interval or range; NaN: none */
    const char *interval; /* what lo..hi is: "mean +- 2 standard errors (n=2048)"; NULL: none */
    const char *source;   /* needed for quoted and assumed claims; NULL: none */
    const char *status; /* assumed: "open" (when NULL), "supported", "refuted"; NULL for the other classes */
    const char *date;   /* only when the caller gives one: claims stay deterministic; NULL: none */
    size_t n_inputs;
    const rg_claim_input *input;
    const char *command; /* "ridge roof explain ... --json", run in the workspace; NULL: none. Words are split
                            as a shell does ('..', "..", \), nothing is expanded */
    const char *result; /* JSON pointer of the value in the command's output: "/total/bound_s"; derived claims
                           with both are re-run by rg_ledger_verify */
    size_t n_versions;  /* tools beside Ridge: "yosys=0.23"; "ridge=VERSION" is put first by itself for
                           derived,  measured and simulated claims */
    const char *const *version;
} rg_claim;

typedef struct rg_ledger rg_ledger;
/* Opens or makes the workspace at `dir`. Lines that are no sound claim are passed over here and named by
   rg_ledger_verify. Close with rg_ledger_close (NULL allowed). */
rg_status rg_ledger_open(rg_ledger **out, const char *dir, rg_error *err);
/* The same for a workspace that must exist already: RG_ERR_IO when there is no claims.jsonl. */
rg_status rg_ledger_open_existing(rg_ledger **out, const char *dir, rg_error *err);
void rg_ledger_close(rg_ledger *ledger);
/* Appends the claim unless the same one is there; `id` receives the first 16 hexadecimal digits of the
   SHA-256 of its canonical JSON. RG_ERR_USAGE names the field of a claim that is not sound: no subject, a
   value that is not finite, text that is not UTF-8, a quoted or assumed claim without source, an unknown
   status, a digest that is none. */
rg_status rg_ledger_add(rg_ledger *ledger, const rg_claim *claim, char id[17], rg_error *err);
/* Looks a claim up by id: RG_ERR_USAGE when there is none. Result in canonical JSON, appended to `json`. */
rg_status rg_ledger_find(rg_ledger *ledger, const char *id, rg_str *json, rg_error *err);
/* JSON list of the claims whose subject matches `glob` (*, ? and [..] as in file names, * also spans '/';
   NULL: all), ordered by subject and id, appended to `json`. */
rg_status rg_ledger_list(rg_ledger *ledger, const char *glob, rg_str *json, rg_error *err);
/* JSON list of {"id","subject"} of the claims that rest on this one, directly or through others: all that
   falls with a refuted assumption. RG_ERR_USAGE when there is no such claim. */
rg_status rg_ledger_used_by(rg_ledger *ledger, const char *id, rg_str *json, rg_error *err);

typedef struct rg_ledger_failure {
    char claim[17];    /* empty when a broken line states no id */
    char subject[256]; /* cut at a character's end; "claims.jsonl:12" for a line that states none */
    char reason[512];  /* "input model changed: FILE has SHA-256 ..., expected ..." */
} rg_ledger_failure;
typedef struct rg_ledger_report {
    size_t claims;             /* distinct claims, broken lines counted as one each */
    size_t verified, n_failed; /* verified + n_failed == claims */
    rg_ledger_failure *failed; /* malloc, in the order of the file; freed by rg_ledger_report_free */
} rg_ledger_report;
/* Recomputes the ids of all lines and the digests of all input files; follows inputs that are claims, so that
   all that rests on a changed byte is named; re-runs the commands of derived claims, each distinct one once,
   with `program` in the place of "ridge" (only commands that read and print; 120 s each; not when the claim
   has failed already). A result must be the same double as the claim's value, since results do not depend on
   the machine. */
rg_status rg_ledger_verify(rg_ledger *ledger, const char *program, rg_ledger_report *out,
                           const rg_progress *progress, rg_error *err);
void rg_ledger_report_free(rg_ledger_report *report);

#ifdef __cplusplus
}
#endif
#endif
