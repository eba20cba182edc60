/* Checks between files: copies under other names, tables in the wrong folder. */
#include <string.h>

#include "perf/lint/lint.h"

static size_t folder_length(const lint_file *f) {
    const char *slash = strrchr(f->name, '/');
    return slash ? (size_t)(slash - f->name) : 0;
}

static bool same_folder(const lint_file *a, const lint_file *b) {
    const size_t n = folder_length(a);
    return n == folder_length(b) && strncmp(a->name, b->name, n) == 0;
}

static rg_status find_copy(lint *l, const lint_file *file, size_t i) {
    if (!file[i].header || !*file[i].header) return RG_OK; /* empty files are alike */
    for (size_t k = 0; k < i; k++)
        if (strcmp(file[i].sha256, file[k].sha256) == 0)
            return lint_find(l, "duplicate_file", file[i].name, NULL, RG_LINT_LEFT_OUT,
                             rg_arena_printf(&l->out.arena, "byte for byte %s", file[k].name),
                             "copied, not measured: two names for one measurement, and one of them is wrong");
    return RG_OK;
}

/* All others of the folder, two at least, have one header, and this one another. */
static rg_status find_stranger(lint *l, const lint_file *file, size_t n, size_t i) {
    const lint_file *other = NULL;
    size_t others = 0;
    for (size_t k = 0; k < n; k++) {
        if (k == i || !same_folder(&file[k], &file[i])) continue;
        if (!file[k].header || (other && strcmp(other->header, file[k].header) != 0)) return RG_OK;
        other = &file[k];
        others++;
    }
    if (others < 2 || !file[i].header || strcmp(file[i].header, other->header) == 0) return RG_OK;
    return lint_find(l, "other_columns", file[i].name, NULL, RG_LINT_REPORTED,
                     rg_arena_printf(&l->out.arena,
                                     "columns %.80s..., while the %zu other files have %.80s...",
                                     file[i].header, others, other->header),
                     "a table of something else in this folder");
}

rg_status lint_files(lint *l, const lint_file *file, size_t n) {
    for (size_t i = 0; i < n; i++) {
        RG_TRY(find_copy(l, file, i));
        RG_TRY(find_stranger(l, file, n, i));
    }
    return RG_OK;
}
