/* A study from its file to its report. */
#include "ridge/report.h"
#include "study/study.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static rg_status stages(study *s, const char *file, const rg_study_options *options, const char *plotly_path,
                        rg_error *err) {
    RG_TRY(study_read(s, file, err));
    if (options->quality_model) { /* of the command line: relative to here */
        char *real = realpath(options->quality_model, NULL);
        s->quality_model = real ? rg_arena_strndup(&s->arena, real, strlen(real)) : options->quality_model;
        free(real);
    }
    /* A rebuilt program computes items anew: its digest is part of their key. */
    RG_TRY(rg_sha256_file(options->program, &s->program_sha256, err));
    char items[4096];
    snprintf(items, sizeof items, "%s/items", s->out_dir);
    RG_TRY(rg_dir_make(items, err));
    RG_TRY(study_copy_inputs(s, err));
    RG_TRY(rg_ledger_open(&s->ledger, s->out_dir, err));
    RG_TRY(study_claim_assumptions(s, err));
    RG_TRY(
        study_speed_all(s, err)); /* in milliseconds: a wrong chip or policy is told before the long work */
    RG_TRY(study_quality(s, err));
    RG_TRY(study_silicon_all(s, err));
    study_decide(s);
    RG_TRY(study_claim_decision(s, err));
    RG_TRY(study_write_report(s, plotly_path, err));
    return study_write_decision(s, err);
}

rg_status rg_study_run(const char *file, const char *out_dir, const rg_study_options *options,
                       rg_error *err) {
    study *s = calloc(1, sizeof *s);
    if (!s) return rg_fail(err, RG_ERR_MEMORY, file, NULL, "out of memory");
    s->out_dir = out_dir;
    s->data_dir = options->data_dir;
    s->progress = options->progress;
    char plotly[4096];
    rg_status status =
        stages(s, file, options,
               options->plotly_path ? options->plotly_path : rg_report_plotly(plotly, sizeof plotly), err);
    study_close(s);
    free(s);
    return status;
}
