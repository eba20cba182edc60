/* Random datapaths, and whether identification finds them. */
#ifndef RIDGE_TEST_DATAPATH_BLIND_H
#define RIDGE_TEST_DATAPATH_BLIND_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/datapath.h"

#define DATA RIDGE_SOURCE_DIR "/data"

static rg_datapath *must_open(const char *text) {
    rg_datapath *dp;
    rg_error err = {0};
    if (rg_datapath_open(&dp, text, DATA, &err) != RG_OK)
        fail_msg("%s: %s: %s", text, err.where, err.message);
    return dp;
}

static inline rg_status ask(void *context, const char *lines, size_t n, uint32_t *results, rg_error *err) {
    const rg_datapath *dp = context;
    rg_arena arena = {0};
    rg_status status = RG_OK;
    for (size_t i = 0; i < n && status == RG_OK; i++) {
        rg_dot dot;
        status = rg_dot_read(dp, lines, "line", &arena, &dot, err);
        if (status == RG_OK) results[i] = rg_dot_walk(dp, RG_DOT_FP32, &dot);
        lines = strchr(lines, '\n') + 1;
    }
    rg_arena_free(&arena);
    return status;
}

static int between(uint64_t run, uint64_t what, int low, int high) {
    return low + (int)(rg_random_u32(61, run, what) % (uint32_t)(high - low + 1));
}

static inline void random_text(uint64_t run, char *text, size_t size) {
    static const char *const formats[] = {"fp16", "bf16", "e4m3fn", "e5m2", "tf32", "e4m3fnuz"};
    static const char *const roundings[] = {"rz", "rne", "rz", "rd"};
    const char *format = formats[run % 6];
    const int n = between(run, 1, 2, 48), align = between(run, 2, 8, 30);
    char acc[16], promote[32] = "";
    snprintf(acc, sizeof acc, run % 3 ? "fp32" : "e8m%d", between(run, 3, 10, 22));
    if (run % 2) snprintf(promote, sizeof promote, ",promote=%d", n * between(run, 4, 1, 12));
    snprintf(text, size, "dot(a=%s,b=%s,n=%d,align=%d%s,acc=%s@%s%s%s%s)", format, format, n, align,
             between(run, 5, 0, 3) ? "" : ",cut=rd", acc, roundings[between(run, 6, 0, 3)], promote,
             between(run, 7, 0, 4) ? "" : ",order=reverse", between(run, 8, 0, 4) ? "" : ",flush=in");
}

/* Right when the list has the text, or the first is not to be told from it. */
static inline bool right(const rg_identified *found, const rg_datapath *hidden) {
    for (size_t i = 0; i < found->n_candidates; i++)
        if (strcmp(found->candidate[i], rg_datapath_text(hidden)) == 0) return true;
    if (!found->n_candidates) return false;
    rg_datapath *first = must_open(found->candidate[0]);
    rg_arena arena = {0};
    rg_dot_witness w = {.found = true};
    assert_int_equal(rg_datapath_distinguish(first, hidden, RG_DOT_FP32, &arena, &w, NULL), RG_OK);
    rg_datapath_close(first);
    rg_arena_free(&arena);
    return !w.found;
}

static inline void identify_one(const char *text, size_t *vectors) {
    rg_datapath *hidden = must_open(text);
    rg_arena arena = {0};
    rg_identified found;
    rg_error err = {0};
    if (rg_datapath_identify(ask, hidden, NULL, NULL, DATA, &arena, NULL, &found, &err) != RG_OK)
        fail_msg("%s: %s", text, err.message);
    if (!right(&found, hidden))
        fail_msg("%s is taken for %s", text, found.n_candidates ? found.candidate[0] : "nothing known");
    *vectors += found.n_vectors;
    rg_datapath_close(hidden);
    rg_arena_free(&arena);
}

#endif
