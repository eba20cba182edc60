/* A workspace in a temporary folder, and small helpers to fill and damage it. */
#ifndef RIDGE_TEST_WORKSPACE_H
#define RIDGE_TEST_WORKSPACE_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ridge/ledger.h"

static char workspace_dir[64];

static int workspace_make(void **state) {
    (void)state;
    snprintf(workspace_dir, sizeof workspace_dir, "/tmp/ridge-ledger.XXXXXX");
    return mkdtemp(workspace_dir) ? 0 : -1;
}

static int workspace_remove(void **state) {
    (void)state;
    const char *const argv[] = {"rm", "-rf", workspace_dir, NULL};
    return rg_run(argv, NULL, 30, NULL, NULL) == RG_OK ? 0 : -1;
}

static inline const char *workspace_path(const char *name) {
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", workspace_dir, name);
    return path;
}

static inline void put_file(const char *name, const char *text) {
    assert_int_equal(rg_file_write(workspace_path(name), text, strlen(text), NULL), RG_OK);
}

/* noinline: gcc 12 takes what it returns for the address of its local variable */
static __attribute__((noinline, unused)) char *get_file(const char *name, size_t *size) {
    char *data = NULL;
    assert_int_equal(rg_file_read(workspace_path(name), 1 << 28, &data, size, NULL), RG_OK);
    return data;
}

static inline void append_file(const char *name, const char *text, size_t size) {
    FILE *f = fopen(workspace_path(name), "a");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, size, f), size);
    fclose(f);
}

static inline rg_ledger *open_workspace(void) {
    rg_ledger *l = NULL;
    rg_error e = {0};
    if (rg_ledger_open(&l, workspace_dir, &e) != RG_OK) fail_msg("%s", e.message);
    return l;
}

static inline rg_claim claim_of(const char *subject, double value) {
    return (rg_claim){
        .kind = RG_DERIVED, .subject = subject, .value = value, .unit = "s", .lo = NAN, .hi = NAN};
}

/* Adds a claim that rests on a file (path not NULL) or on another claim. */
static inline void add_resting(rg_ledger *l, const char *subject, const char *path, const char *digest,
                               char id[17]) {
    const rg_claim_input input = {"input", path, digest};
    rg_claim c = claim_of(subject, 1.5);
    c.n_inputs = digest ? 1 : 0;
    c.input = &input;
    rg_error e = {0};
    if (rg_ledger_add(l, &c, id, &e) != RG_OK) fail_msg("%s", e.message);
}

static inline rg_ledger_report verify_workspace(const char *program) {
    rg_ledger *l = open_workspace();
    rg_ledger_report r = {0};
    rg_error e = {0};
    if (rg_ledger_verify(l, program, &r, NULL, &e) != RG_OK) fail_msg("%s", e.message);
    rg_ledger_close(l);
    assert_int_equal(r.verified + r.n_failed, r.claims);
    return r;
}

static inline const rg_ledger_failure *failure_of(const rg_ledger_report *r, const char *subject) {
    for (size_t i = 0; i < r->n_failed; i++)
        if (strcmp(r->failed[i].subject, subject) == 0) return &r->failed[i];
    return NULL;
}

static inline size_t count_lines(const char *name) {
    size_t size, n = 0;
    char *data = get_file(name, &size);
    for (size_t i = 0; i < size; i++) n += data[i] == '\n';
    free(data);
    return n;
}

#endif
