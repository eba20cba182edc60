/* The reference results of stories260k: a forward pass in float64 by another program. */
#ifndef RIDGE_TEST_STORIES_CHECK_H
#define RIDGE_TEST_STORIES_CHECK_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ridge/model.h"

enum { STORIES_ROWS = 64, STORIES_TEXT_BYTES = 60000 };

typedef struct stories_row {
    char policy[256];
    double ppl, kld_mean, kld_p99, same_top_pct, kld_mean_se;
} stories_row;

static inline void stories_path(char *buf, size_t size, const char *name) {
    const char *shared = getenv("RIDGE_SHARED");
    snprintf(buf, size, "%s/%s", shared && *shared ? shared : RIDGE_SOURCE_DIR "/../shared/data", name);
}

static inline bool stories_present(void) {
    char path[1024];
    struct stat s;
    stories_path(path, sizeof path, "models/stories260k/reference-results.csv");
    return stat(path, &s) == 0;
}

/* The next cell of a CSV line, quotes taken off; moves *line past its comma. */
static inline void stories_cell(const char **line, char *out, size_t size) {
    const bool quoted = **line == '"';
    const char *from = *line + quoted, *end = from + strcspn(from, quoted ? "\"" : ",\n");
    snprintf(out, size, "%.*s", (int)(end - from), from);
    *line = end + quoted + (end[quoted] == ',');
}

/* Rows whose formats this version has; the others are named. */
static inline size_t stories_rows(stories_row *rows) {
    char path[1024], text[512];
    stories_path(path, sizeof path, "models/stories260k/reference-results.csv");
    FILE *f = fopen(path, "r");
    size_t n = 0;
    for (bool header = true; f && n < STORIES_ROWS && fgets(text, sizeof text, f); header = false) {
        if (header) continue;
        const char *at = text;
        char format[3][64], number[8][32];
        bool known = true;
        rg_quant q;
        for (int i = 0; i < 3; i++) stories_cell(&at, format[i], sizeof format[i]);
        for (int i = 0; i < 8; i++) stories_cell(&at, number[i], sizeof number[i]);
        for (int i = 0; i < 3; i++) known = known && rg_quant_parse(format[i], &q, NULL) == RG_OK;
        if (!known) {
            printf("left out, not in this version: w=%s\n", format[0]);
            continue;
        }
        stories_row *r = &rows[n++];
        snprintf(r->policy, sizeof r->policy, "w=%s,a=%s,kv=%s", format[0], format[1], format[2]);
        r->ppl = atof(number[0]), r->kld_mean = atof(number[1]), r->kld_p99 = atof(number[3]);
        r->same_top_pct = atof(number[4]), r->kld_mean_se = atof(number[5]);
    }
    if (f) fclose(f);
    return n;
}

static inline rg_status stories_run(const stories_row *rows, size_t n, rg_quality *out, rg_error *err) {
    char path[1024];
    rg_model model;
    const char *policies[STORIES_ROWS];
    char *text;
    size_t size;
    for (size_t i = 0; i < n; i++) policies[i] = rows[i].policy;
    stories_path(path, sizeof path, "text/tinystories-sample/tinystories.txt");
    RG_TRY(rg_file_read(path, 1 << 26, &text, &size, err));
    stories_path(path, sizeof path, "models/stories260k/stories260K.bin");
    rg_status status = rg_model_open(&model, path, RIDGE_SOURCE_DIR "/data", true, err);
    if (status == RG_OK) {
        const rg_eval_options options = {.protocol = "stories-256"};
        status = rg_eval_run(&model, text, size < STORIES_TEXT_BYTES ? size : STORIES_TEXT_BYTES, policies, n,
                             &options, out, err);
        rg_model_close(&model);
    }
    free(text);
    return status;
}

/* The stated tolerances of any correct implementation: 2 % of KLD (below 0.001: 5 %), 0.5 points of same-top;
   perplexity of fp32 0.01 %. The recorded figures are rounded to 6 decimals. */
static inline bool stories_agree(const stories_row *want, const rg_quality *got) {
    const double tolerance = want->kld_mean < 0.001 ? 0.05 : 0.02, rounding = 5e-7;
    const bool good = fabs(got->kld_mean - want->kld_mean) <= tolerance * want->kld_mean + rounding &&
                      fabs(got->kld_mean_se - want->kld_mean_se) <= 0.05 * want->kld_mean_se + rounding &&
                      fabs(got->kld_p99 - want->kld_p99) <= 0.05 * want->kld_p99 + rounding &&
                      fabs(100 * got->same_top - want->same_top_pct) <= 0.5 && got->tokens == 14720 &&
                      (!got->is_reference || fabs(got->ppl - want->ppl) <= 1e-4 * want->ppl);
    printf("%s %-70s ppl %.5f (%.5f)  kld %.6f (%.6f) +- %.6f (%.6f)  p99 %.6f (%.6f)  same %.2f (%.2f)\n",
           good ? "ok  " : "FAIL", want->policy, got->ppl, want->ppl, got->kld_mean, want->kld_mean,
           got->kld_mean_se, want->kld_mean_se, got->kld_p99, want->kld_p99, 100 * got->same_top,
           want->same_top_pct);
    return good;
}

#endif
