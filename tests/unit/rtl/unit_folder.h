/* A generated unit in a temporary folder, and helpers to damage it. */
#ifndef RIDGE_TEST_UNIT_FOLDER_H
#define RIDGE_TEST_UNIT_FOLDER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/rtl.h"

static char folder_base[64];

static inline int folder_make(void **state) {
    (void)state;
    snprintf(folder_base, sizeof folder_base, "/tmp/ridge-rtl-test.XXXXXX");
    return mkdtemp(folder_base) ? 0 : -1;
}

static inline int folder_remove(void **state) {
    (void)state;
    const char *const argv[] = {"rm", "-rf", folder_base, NULL};
    return rg_run(argv, NULL, 30, NULL, NULL) == RG_OK ? 0 : -1;
}

static inline const char *folder_path(const char *name) {
    static char path[4][512];
    static int next;
    next = (next + 1) % 4;
    snprintf(path[next], sizeof path[next], "%s/%s", folder_base, name);
    return path[next];
}

/* Generates below folder_path(name); returns the unit. */
static inline rg_rtl_unit folder_generate(const char *text, const char *name) {
    rg_rtl_unit u;
    rg_error e = {0};
    if (rg_rtl_unit_parse(text, &u, &e) != RG_OK || rg_rtl_generate(&u, folder_path(name), &e) != RG_OK)
        fail_msg("%s: %s: %s", text, e.where, e.message);
    return u;
}

static __attribute__((noinline, unused)) char *folder_read(const char *name) {
    char *data = NULL;
    size_t size;
    assert_int_equal(rg_file_read(folder_path(name), 1 << 28, &data, &size, NULL), RG_OK);
    return data;
}

static inline void folder_write(const char *name, const char *text) {
    assert_int_equal(rg_file_write(folder_path(name), text, strlen(text), NULL), RG_OK);
}

#define NEEDS(program)                                                                                       \
    if (!rg_have_program(program)) {                                                                         \
        print_message("skipped: %s is not installed\n", program);                                            \
        skip();                                                                                              \
    }

#endif
