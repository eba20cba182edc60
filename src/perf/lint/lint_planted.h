/* Tables with a defect that is put there on purpose, for defects that no table at hand has. */
#ifndef PERF_LINT_PLANTED_H
#define PERF_LINT_PLANTED_H

#include "perf/lint/lint.h"

typedef struct lint_planted {
    int item; /* of the catalogue in docs/performance.md; 0: no defect, nothing may be found */
    const char *file, *check, *cause; /* what must be found, and a word of the cause */
    size_t rows;                      /* how many rows are defect; 0: the file */
    void (*write)(rg_str *out);
} lint_planted;
extern const lint_planted lint_plants[];
extern const size_t lint_n_plants;

/* Lints the table; *found when that check, and no other, names as many rows and the cause. */
rg_status lint_find_planted(const lint_planted *p, const char *data_dir, bool *found, rg_error *err);

#endif
