/* A study: workloads x formats x chips -> quality, speed, area -> Pareto front, decision, report, claims. */
#ifndef RIDGE_STUDY_H
#define RIDGE_STUDY_H

#include "ridge/base.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct rg_study_options {
    const char *data_dir;      /* families, models, chips */
    const char *program;       /* path of the running program, recorded in claims' commands as "ridge" */
    const char *plotly_path;   /* NULL: searched in the cache folder */
    const char *quality_model; /* NULL: the study's own; else this file in its place */
    const rg_progress *progress;
} rg_study_options;

/* Runs (or resumes) the study of a YAML file into out_dir: report.html, decision.md, tables as .csv and .md,
   claims.jsonl. Finished items are kept in out_dir/items, keyed by the digest of everything they depend on,
   and not computed again. */
rg_status rg_study_run(const char *file, const char *out_dir, const rg_study_options *options, rg_error *err);

#ifdef __cplusplus
}
#endif
#endif
