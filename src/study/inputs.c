/* Copies the data that derived claims rest on into the workspace: chips, families and model configs, a few
 * kilobytes. */
#include "study/study.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_BYTES = 4 << 20 };

static rg_status copy_file(const char *from, const char *to, rg_error *err) {
    char *data;
    size_t size;
    RG_TRY(rg_file_read(from, LIMIT_BYTES, &data, &size, err));
    rg_status status = rg_file_write(to, data, size, err);
    free(data);
    return status;
}

static bool is_data_file(const char *name) {
    size_t n = strlen(name);
    return name[0] != '.' &&
           ((n > 5 && !strcmp(name + n - 5, ".yaml")) || (n > 5 && !strcmp(name + n - 5, ".json")));
}

static bool wanted(const study *s, const char *folder, const char *name) {
    if (!is_data_file(name)) return false;
    if (strcmp(folder, "chips") != 0) return true;
    for (size_t i = 0; i < s->n_chips; i++) {
        size_t n = strlen(s->chip_id[i]);
        if (strncmp(name, s->chip_id[i], n) == 0 && name[n] == '.') return true;
    }
    return false;
}

static rg_status copy_folder(const study *s, const char *folder, rg_error *err) {
    char from[4096], to[4096];
    snprintf(from, sizeof from, "%s/%s", s->data_dir, folder);
    snprintf(to, sizeof to, "%s/inputs/data/%s", s->out_dir, folder);
    RG_TRY(rg_dir_make(to, err));
    DIR *dir = opendir(from);
    if (!dir) return rg_fail(err, RG_ERR_IO, from, "the program's data folder", "cannot open folder");
    rg_status status = RG_OK;
    for (struct dirent *e; status == RG_OK && (e = readdir(dir));) {
        if (!wanted(s, folder, e->d_name)) continue;
        char a[4608], b[4608];
        snprintf(a, sizeof a, "%s/%s", from, e->d_name);
        snprintf(b, sizeof b, "%s/%s", to, e->d_name);
        status = copy_file(a, b, err);
    }
    closedir(dir);
    return status;
}

rg_status study_copy_inputs(study *s, rg_error *err) {
    RG_TRY(copy_folder(s, "families", err));
    RG_TRY(copy_folder(s, "models", err));
    RG_TRY(copy_folder(s, "chips", err));
    char path[4096];
    snprintf(path, sizeof path, "%s/inputs/study.yaml", s->out_dir);
    return copy_file(s->file, path, err);
}
