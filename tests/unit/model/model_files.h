/* Where tests find the shared data and the default model, and a folder of their own. */
#ifndef RIDGE_TEST_MODEL_FILES_H
#define RIDGE_TEST_MODEL_FILES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* Path of a shared file, or NULL when it is absent; valid until the eighth next call. */
static inline const char *shared_file(const char *name) {
    static char path[8][1024];
    static int next;
    const char *dir = getenv("RIDGE_SHARED");
    char *p = path[next++ % 8];
    snprintf(p, sizeof path[0], "%s/%s", dir ? dir : RIDGE_SOURCE_DIR "/../shared/data", name);
    return access(p, R_OK) == 0 ? p : NULL;
}

/* Path of a file in the cache that quickstart and scripts/fetch fill, unless the environment names it. */
static inline void cached_path(char *path, size_t size, const char *variable, const char *name) {
    const char *given = getenv(variable), *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (given)
        snprintf(path, size, "%s", given);
    else if (cache)
        snprintf(path, size, "%s/ridge/%s", cache, name);
    else
        snprintf(path, size, "%s/.cache/ridge/%s", home ? home : "", name);
}

/* The default model's file, or NULL: RIDGE_DEFAULT_MODEL, else the cache. */
static inline const char *default_model(void) {
    static char path[1024];
    cached_path(path, sizeof path, "RIDGE_DEFAULT_MODEL", "SmolLM2-135M-Instruct.Q4_1.gguf");
    return access(path, R_OK) == 0 ? path : NULL;
}

/* The folder of all-MiniLM-L6-v2, or NULL: RIDGE_ENCODER_MODEL, else the cache (scripts/fetch --encoder). */
static inline const char *encoder_model(void) {
    static char path[1024], weights[1100];
    cached_path(path, sizeof path, "RIDGE_ENCODER_MODEL", "all-MiniLM-L6-v2");
    snprintf(weights, sizeof weights, "%s/model.safetensors", path);
    return access(weights, R_OK) == 0 ? path : NULL;
}

#define skip_absent(what)                                                                                    \
    do {                                                                                                     \
        printf("skipped: %s absent\n", what);                                                                \
        skip();                                                                                              \
    } while (0)

static char scratch_folder[64];

static inline void leave_scratch_folder(void) {
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", scratch_folder);
    if (system(command) != 0) fprintf(stderr, "%s is left\n", scratch_folder);
}

/* Makes a temporary folder the current one, removed at exit. */
static inline int enter_scratch_folder(void) {
    snprintf(scratch_folder, sizeof scratch_folder, "/tmp/ridge-test-XXXXXX");
    if (!mkdtemp(scratch_folder) || chdir(scratch_folder) != 0) return 0;
    atexit(leave_scratch_folder);
    return 1;
}

#endif
