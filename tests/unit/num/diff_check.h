/* Differences of two behaviours, given by profile or text, from the checkout's data. */
#ifndef RIDGE_TEST_DIFF_CHECK_H
#define RIDGE_TEST_DIFF_CHECK_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ridge/diff.h"

static rg_profiles profiles;

static inline void profiles_load(void) {
    rg_error err = {0};
    if (!profiles.n && rg_profiles_open(&profiles, RIDGE_SOURCE_DIR "/data", &err) != RG_OK)
        fail_msg("%s: %s; expected %s", err.where, err.message, err.expected);
}

static inline rg_quant behaviour(const char *text, const char *format) {
    rg_quant q;
    rg_error err = {0};
    profiles_load();
    if (rg_behaviour(&profiles, text, format, &q, &err) != RG_OK)
        fail_msg("%s, %s: %s; expected %s", text, format ? format : "-", err.message, err.expected);
    return q;
}

static inline rg_diff_result diff_by(const char *a, const char *b, const char *format,
                                     const rg_diff_options *options) {
    const rg_quant qa = behaviour(a, format), qb = behaviour(b, format);
    rg_diff_result r;
    rg_error err = {0};
    if (rg_diff(&qa, &qb, options, &r, &err) != RG_OK) fail_msg("%s, %s: %s", a, b, err.message);
    return r;
}

static inline rg_diff_result diff(const char *a, const char *b, const char *format) {
    return diff_by(a, b, format, NULL);
}

static inline uint64_t of_kind(const rg_diff_result *r, const char *kind) {
    for (int i = 0; i < RG_DIFF_CLASSES && r->of_kind[i].count; i++)
        if (strcmp(r->of_kind[i].kind, kind) == 0) return r->of_kind[i].count;
    return 0;
}

static inline void says(const rg_diff_result *r, const char *part) {
    if (!strstr(r->cause, part)) fail_msg("no \"%s\" in \"%s\"", part, r->cause);
}

static inline uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Code of x by a behaviour with a plain format. */
static inline uint32_t code_of(const char *text, const char *format, float x) {
    const rg_quant q = behaviour(text, format);
    return rg_elem_cast(&q.format.elem, &q.cast, x, 0);
}

/* The fp32 patterns above or from `first` up to infinity, of both signs. */
static inline uint64_t both_signs_from(float first) {
    return 2 * ((uint64_t)0x7f800000 - bits_of(first) + 1);
}

#endif
