/* The chips of a folder. */
#include "hw/hw.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_chip_file(const char *name, size_t *stem) {
    size_t n = strlen(name);
    *stem = n > 5 ? n - 5 : 0;
    return *stem && name[0] != '.' && strcmp(name + *stem, ".yaml") == 0;
}

rg_status rg_chip_list(const char *data_dir, rg_arena *arena, const char ***ids, size_t *n, rg_error *err) {
    char path[4096];
    snprintf(path, sizeof path, "%s/chips", data_dir);
    DIR *dir = opendir(path);
    if (!dir) return rg_fail(err, RG_ERR_IO, path, "a folder of chip files", "%s", strerror(errno));
    size_t count = 0, room = 0, stem;
    for (struct dirent *e; (e = readdir(dir));) room += is_chip_file(e->d_name, &stem);
    rewinddir(dir);
    const char **list = rg_arena_alloc(arena, room + 1, sizeof *list);
    bool good = list != NULL;
    for (struct dirent *e; good && count < room && (e = readdir(dir));) {
        if (!is_chip_file(e->d_name, &stem)) continue;
        list[count] = rg_arena_strndup(arena, e->d_name, stem);
        good = list[count++] != NULL;
    }
    closedir(dir);
    if (!good) return rg_fail(err, RG_ERR_MEMORY, path, NULL, "out of memory");
    qsort(list, count, sizeof *list, by_name);
    *ids = list;
    *n = count;
    return RG_OK;
}
